//! From one configuration to another, while the log is open.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use audit_config::{Change, Config, ReconfigureError};
use audit_model::Timestamp;

use crate::access::Doors;
use crate::files::Contents;
use crate::retry::Occasion;
use crate::service::{Inner, lock};
use crate::sources::server_tls;
use crate::{ReloadError, record};

impl Inner {
    pub(crate) fn reload(self: &Arc<Self>, occasion: Occasion) -> Result<Vec<Change>, ReloadError> {
        let _alone = lock(&self.reloading);
        self.unless_stopping()?;
        let now = Timestamp::now();
        let was_unsettled = self.unsettled.load(Ordering::Relaxed);
        let outcome = self.take_over();
        if let Err(ReloadError::Stopping) = outcome {
            return outcome;
        }
        let error = outcome.as_ref().err().map(ToString::to_string);
        let result = if error.is_some() { "refused" } else { "applied" };
        metrics::counter!("audit_log_config_reloads_total", "result" => result).increment(1);
        let told = match (&outcome, &error) {
            // A file that was touched is no change of the configuration, and what is on record as half-way is at its end.
            (Ok(changes), _) if changes.is_empty() && !was_unsettled => None,
            (Ok(changes), _) => Some(Ok(changes.as_slice())),
            (Err(_), why) if occasion == Occasion::Retry && *why == self.last_error() => None,
            (Err(_), why) => Some(Err(why.as_deref().unwrap_or_default())),
        };
        if let Some(told) = told {
            let file = self.options.config_file.display().to_string();
            self.witness.put(record::config_changed(&file, told, now));
        }
        *lock(&self.last_reload) = Some((now, error));
        if outcome.is_err() {
            self.renew_doors(now);
        }
        outcome
    }

    /// What was wrong with the configuration when it was last read again.
    pub(crate) fn last_error(&self) -> Option<String> {
        lock(&self.last_reload).as_ref().and_then(|(_, error)| error.clone())
    }

    /// To be asked before whatever takes long: who stops the service does not wait for a configuration that nobody will need.
    pub(crate) fn unless_stopping(&self) -> Result<(), ReloadError> {
        if self.stopping.is_cancelled() { Err(ReloadError::Stopping) } else { Ok(()) }
    }

    /// Reads the files of `access` again, as the configuration that stays in effect names them: a token that is revoked is revoked, whatever
    /// is wrong with another file.
    fn renew_doors(&self, now: Timestamp) {
        let (config, known) = (self.config(), self.doors());
        let doors = match Doors::new(&config, Some(&known), true, &self.runtime) {
            Ok(doors) => doors,
            Err(error) => return tracing::error!("who may stays as it was: {error}"),
        };
        let changes = doors.changes_since(&known);
        *self.doors.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(doors);
        if !changes.is_empty() {
            let file = self.options.config_file.display().to_string();
            self.witness.put(record::config_changed(&file, Ok(&changes), now));
        }
    }

    fn take_over(self: &Arc<Self>) -> Result<Vec<Change>, ReloadError> {
        let new = (self.options.read)().map_err(ReloadError::Refused)?;
        let old = self.config();
        let environment = &self.options.environment;
        let fixed = new.needs_restart_since(&old, environment);
        if !fixed.is_empty() {
            return Err(ReloadError::NeedsRestart(fixed));
        }
        let mut changes = new.changes_since(&old);
        // What can be found wrong is found before anything changes. Files that the configuration names may have changed alone.
        self.unless_stopping()?;
        let (known, doors) = (self.doors(), Doors::new(&new, Some(&self.doors()), false, &self.runtime)?);
        self.check_files(&new)?;
        let certificates = certificates(&new);
        let unsettled = self.unsettled.load(Ordering::Relaxed);
        if unsettled {
            // First what failed: sources are not to come and go each time that it fails again.
            self.unless_stopping()?;
            self.change_log(&old, &new, true)?;
            self.change_sources(&old, &new)?;
            // Not before: until then the log was ahead of what is in effect.
            self.unsettled.store(false, Ordering::Relaxed);
        } else if !changes.is_empty() {
            self.change_sources(&old, &new)?;
            let changed = self.unless_stopping().and_then(|()| self.change_log(&old, &new, false));
            if let Err(error) = changed {
                if !self.stopping.is_cancelled()
                    && let Err(back) = self.change_sources(&new, &old)
                {
                    tracing::error!("a source could not be changed back: {back}; restart the service");
                }
                return Err(error);
            }
        }
        changes.extend(doors.changes_since(&known));
        changes.extend(certificates.changes_since(&lock(&self.certificates)));
        *lock(&self.certificates) = certificates;
        *self.doors.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(doors);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        Ok(changes)
    }

    fn change_log(&self, old: &Config, new: &Config, unsettled: bool) -> Result<(), ReloadError> {
        let environment = &self.options.environment;
        let changed: Result<(), ReconfigureError> = if unsettled {
            new.reconfigure_all(&self.pipeline, environment)
        } else {
            new.reconfigure(old, &self.pipeline, environment)
        };
        // One that changed nothing leaves what was half-way as it is.
        let half_way = changed.as_ref().is_err_and(|error| unsettled || error.is_half_way());
        if half_way {
            self.unsettled.store(true, Ordering::Relaxed);
        }
        changed.map_err(|error| if half_way { ReloadError::HalfWay(error) } else { ReloadError::Log(error) })
    }
}

/// The certificates of listeners, and the authorities of their clients.
pub(crate) fn certificates(config: &Config) -> Contents {
    let of_source = |source: &audit_config::Source| {
        let tls = server_tls(&source.kind)?;
        let key = |key| format!("sources[{}].tls.{key}", source.shown_name());
        let authorities = tls.client_ca_file.clone().map(|file| (key("client_ca_file"), file));
        Some(std::iter::once((key("cert_file"), tls.cert_file.clone())).chain(authorities))
    };
    Contents::of(config.sources.iter().filter_map(of_source).flatten())
}

//! From one configuration to another, while the log is open.

use std::sync::{Arc, PoisonError};

use audit_config::Change;
use audit_model::Timestamp;

use crate::access::Doors;
use crate::service::{Inner, lock};
use crate::{ReloadError, record};

impl Inner {
    pub(crate) fn reload(self: &Arc<Self>) -> Result<Vec<Change>, ReloadError> {
        let _alone = lock(&self.reloading);
        let now = Timestamp::now();
        let outcome = self.take_over();
        let error = outcome.as_ref().err().map(ToString::to_string);
        let result = if error.is_some() { "refused" } else { "applied" };
        metrics::counter!("audit_log_config_reloads_total", "result" => result).increment(1);
        let told = match (&outcome, &error) {
            // A file that was touched is no change of the configuration.
            (Ok(changes), _) if changes.is_empty() => None,
            (Ok(changes), _) => Some(Ok(changes.as_slice())),
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

    /// Reads the files of `access` again, as the configuration that stays in effect names them: a token that is revoked is revoked, whatever
    /// is wrong with another file.
    fn renew_doors(&self, now: Timestamp) {
        let (config, known) = (self.config(), self.doors());
        let doors = match Doors::new(&config, Some(&known), true, &self.runtime) {
            Ok(doors) => doors,
            Err(error) => return tracing::error!("who may stays as it was: {error}"),
        };
        let changes = doors.changed_tokens_since(&known);
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
        // What can be found wrong is found before anything changes. Files that `access` names may have changed alone.
        let (known, doors) = (self.doors(), Doors::new(&new, Some(&self.doors()), false, &self.runtime)?);
        if !changes.is_empty() {
            self.change_sources(&old, &new)?;
            if let Err(error) = new.reconfigure(&old, &self.pipeline, environment) {
                if let Err(back) = self.change_sources(&new, &old) {
                    tracing::error!("a source could not be changed back: {back}; restart the service");
                }
                return Err(error.into());
            }
        }
        changes.extend(doors.changed_tokens_since(&known));
        *self.doors.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(doors);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        Ok(changes)
    }
}

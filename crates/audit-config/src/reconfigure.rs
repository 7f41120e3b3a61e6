//! From one configuration to another, while the log is open.

#[cfg(feature = "alert")]
use std::path::Path;
use std::time::Duration;

use audit_delivery::DeliveryError;
use audit_pipeline::{Pipeline, Reconfiguration};

use crate::assemble::MB;
use crate::changes::fingerprinted;
#[cfg(feature = "alert")]
use crate::notifiers::WATCH;
use crate::{AssembleError, Config, DestinationKind, Environment, JournalFile};

/// What a pipeline has when nothing is said.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why an open log was not changed, or not all of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReconfigureError {
    /// What the new configuration needs is not there, or not what it should be. Nothing has changed.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// What the new rules need is not what it should be. Nothing has changed.
    #[error(transparent)]
    Rules(AssembleError),
    /// Rules that ended for this change could not go on when it failed: nobody watches the log.
    #[error("{0}; and the alert rules watch no more")]
    Unwatched(Box<ReconfigureError>),
    /// The log could not be changed, or not all of it.
    #[error(transparent)]
    Log(#[from] audit_pipeline::ReconfigureError),
}

impl ReconfigureError {
    /// Whether the log may be neither as it was nor as it was to be: then [`Config::reconfigure_all`] has it be one of them.
    #[must_use]
    pub fn is_half_way(&self) -> bool {
        use audit_pipeline::ReconfigureError::{Closed, Delivery};
        match self {
            Self::Assemble(_) | Self::Rules(_) | Self::Log(Closed) => false,
            Self::Log(Delivery(error)) => matches!(error, DeliveryError::Partly(_)),
            Self::Log(_) | Self::Unwatched(_) => true,
        }
    }
}

impl Config {
    /// Has the open log that `old` described do what this one says. Destinations and rules that are the same are not
    /// disturbed. It blocks for as long as those that go, or change, take to finish what is on its way.
    ///
    /// What an open log cannot change is not looked at: see [`needs_restart_since`](Self::needs_restart_since).
    ///
    /// # Errors
    /// As [`pipeline`](Self::pipeline), and when a destination does not let go of its place.
    pub fn reconfigure(
        &self,
        old: &Self,
        log: &Pipeline,
        environment: Environment<'_>,
    ) -> Result<(), ReconfigureError> {
        self.reconfigure_from(Some(old), log, environment)
    }

    /// Has the open log do what this one says, whatever it does now: all its destinations and rules are begun anew. For a log that a
    /// [`reconfigure`](Self::reconfigure) has left half-way between two configurations. If it fails, the rules of this one watch.
    ///
    /// # Errors
    /// As [`reconfigure`](Self::reconfigure).
    pub fn reconfigure_all(
        &self,
        log: &Pipeline,
        environment: Environment<'_>,
    ) -> Result<(), ReconfigureError> {
        self.reconfigure_from(None, log, environment)
    }

    fn reconfigure_from(
        &self,
        old: Option<&Self>,
        log: &Pipeline,
        environment: Environment<'_>,
    ) -> Result<(), ReconfigureError> {
        let journal = self.journal(environment).ok_or(AssembleError::NoJournal)?;
        let keys = self.signing_keys(environment)?;
        let mut change = Reconfiguration::default()
            .selections(self.selections(&journal))
            .redact(self.redaction(keys.as_ref())?)
            .on_failure(self.failure_policy())
            .required_timeout(self.required_timeout.unwrap_or(PATIENCE))
            .drain_timeout(self.drain_timeout.unwrap_or(PATIENCE))
            .max_spool_bytes(self.max_spool_mb.map(|most| u64::from(most.get()) * MB));
        change = match old {
            Some(old) => self.changed_destinations(old, &journal, change, environment)?,
            None => self.all_destinations(log, &journal, change, environment)?,
        };
        let kept = |config: &Self| (fingerprinted(&config.retention), fingerprinted(&config.destinations));
        if old.is_none_or(|old| kept(self) != kept(old)) {
            let keeper = self.keeper_of(&journal);
            change = change.worker("audit-keeper", move |worker| keeper.work(worker));
        }
        #[cfg(feature = "alert")]
        {
            change = self.changed_alerts(old, &journal, change, log, environment)?;
        }
        match log.reconfigure(change) {
            Ok(_) => Ok(()),
            Err(error) => {
                let error = error.into();
                // Rules that went for others that did not come go on.
                #[cfg(feature = "alert")]
                if old.is_none_or(|old| self.differs_in_alerts(old)) {
                    let directory = self.delivery_dir(&journal);
                    return Err(old.unwrap_or(self).watch_again(self, error, log, &directory, environment));
                }
                Err(error)
            }
        }
    }

    fn changed_destinations(
        &self,
        old: &Self,
        journal: &JournalFile,
        mut change: Reconfiguration,
        environment: Environment<'_>,
    ) -> Result<Reconfiguration, AssembleError> {
        let old_journal = old.journal(environment).and_then(|file| file.destination);
        let delivered = |config: &Self, journal: Option<usize>| -> Vec<usize> {
            (0..config.destinations.len()).filter(|index| Some(*index) != journal).collect()
        };
        let (before, now) = (delivered(old, old_journal), delivered(self, journal.destination));
        for index in &before {
            let name = old.destination_name(*index);
            if !now.iter().any(|now| self.destination_name(*now) == name) {
                change = change.remove_destination(name);
            }
        }
        let file = |index: &usize| match &old.destinations[*index].kind {
            DestinationKind::File(file) => Some(file.path.as_path()),
            _ => None,
        };
        let held: Vec<_> = before.iter().filter_map(file).collect();
        // When a copy's files are rotated, and for how long objects are locked, depends on the retention, too.
        let same_retention = fingerprinted(&self.retention) == fingerprinted(&old.retention);
        for index in now {
            let same = |before: &&usize| {
                old.destination_name(**before) == self.destination_name(index)
                    && self.is_same_destination(index, old, **before)
            };
            if !same_retention || !before.iter().any(|before| same(&before)) {
                change = change.deliver_to(self.delivered_beside(index, &held)?);
            }
        }
        Ok(change)
    }

    /// Every destination anew, and without those that the log has and this configuration has not.
    fn all_destinations(
        &self,
        log: &Pipeline,
        journal: &JournalFile,
        mut change: Reconfiguration,
        environment: Environment<'_>,
    ) -> Result<Reconfiguration, AssembleError> {
        let delivered = (0..self.destinations.len()).filter(|index| Some(*index) != journal.destination);
        let names = delivered.clone().map(|index| self.destination_name(index).to_owned());
        #[cfg(feature = "alert")]
        let names = names.chain(self.watching_names(environment));
        #[cfg(not(feature = "alert"))]
        let _ = environment;
        let names: Vec<_> = names.collect();
        for place in log.status().destinations {
            if !names.contains(&place.name) {
                change = change.remove_destination(place.name);
            }
        }
        let files = self.destinations.iter().filter_map(|destination| match &destination.kind {
            DestinationKind::File(file) => Some(file.path.as_path()),
            _ => None,
        });
        let held: Vec<_> = files.collect();
        for index in delivered {
            change = change.deliver_to(self.delivered_beside(index, &held)?);
        }
        Ok(change)
    }

    /// The names of what watches the log and of those who are told, which are destinations to it.
    #[cfg(feature = "alert")]
    fn watching_names(&self, environment: Environment<'_>) -> Vec<String> {
        let places = self.notifier_places(environment).unwrap_or_default();
        let rules = (!self.alerts.is_empty()).then(|| WATCH.to_owned());
        rules.into_iter().chain(places.into_iter().map(|place| place.name)).collect()
    }

    /// Rules that go have written down what they remember before others read that: so they go first.
    #[cfg(feature = "alert")]
    fn changed_alerts(
        &self,
        old: Option<&Self>,
        journal: &JournalFile,
        change: Reconfiguration,
        log: &Pipeline,
        environment: Environment<'_>,
    ) -> Result<Reconfiguration, ReconfigureError> {
        if old.is_some_and(|old| !self.differs_in_alerts(old)) {
            return Ok(change);
        }
        let (recorder, directory) = (log.recorder(), self.delivery_dir(journal));
        self.can_watch(&recorder, environment)?;
        watch_no_more(log, &old.unwrap_or(self).watching_names(environment))?;
        match self.watching(&recorder, &directory, environment) {
            Ok(None) => Ok(change),
            Ok(Some(watching)) => Ok(watching.join(change)),
            Err(error) => {
                let error = ReconfigureError::Rules(error);
                Err(old.unwrap_or(self).watch_again(self, error, log, &directory, environment))
            }
        }
    }

    #[cfg(feature = "alert")]
    fn differs_in_alerts(&self, old: &Self) -> bool {
        let watched = |config: &Self| {
            (fingerprinted(&config.alerts), fingerprinted(&config.notifiers), config.drain_timeout)
        };
        watched(self) != watched(old)
    }

    /// Has this configuration's rules go on, and nothing of those that were to come in their place. If that cannot be, it is told. Returns
    /// why the change failed.
    #[cfg(feature = "alert")]
    fn watch_again(
        &self,
        instead_of: &Self,
        why: ReconfigureError,
        log: &Pipeline,
        directory: &Path,
        environment: Environment<'_>,
    ) -> ReconfigureError {
        if let ReconfigureError::Log(audit_pipeline::ReconfigureError::Closed) = why {
            return why;
        }
        let is_destination =
            |name: &String| (0..self.destinations.len()).any(|index| self.destination_name(index) == name);
        let mut names = instead_of.watching_names(environment);
        names.extend(self.watching_names(environment));
        names.retain(|name| !is_destination(name));
        // A part of the change may have brought them: what they remember is written when they end.
        let back = watch_no_more(log, &names).map_err(|error| error.to_string()).and_then(|()| {
            match self.watching(&log.recorder(), directory, environment).map_err(|error| error.to_string())? {
                None => Ok(()),
                Some(watching) => {
                    let back = watching.join(Reconfiguration::default());
                    log.reconfigure(back).map(drop).map_err(|error| error.to_string())
                }
            }
        });
        match back {
            Ok(()) => why,
            Err(error) => {
                log.recorder().notice(format!("the alert rules watch no more: {error}; restart the service"));
                ReconfigureError::Unwatched(Box::new(why))
            }
        }
    }
}

/// Ends those of that name that watch the log and tell people.
#[cfg(feature = "alert")]
fn watch_no_more(log: &Pipeline, names: &[String]) -> Result<(), audit_pipeline::ReconfigureError> {
    let there = log.status().destinations.into_iter().map(|place| place.name);
    let gone = there
        .filter(|name| names.contains(name))
        .fold(Reconfiguration::default(), Reconfiguration::remove_destination);
    log.reconfigure(gone.nothing_before_close()).map(drop)
}

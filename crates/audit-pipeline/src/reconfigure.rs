//! Changing a log that is open.

use std::sync::PoisonError;
#[cfg(feature = "delivery")]
use std::sync::{Arc, TryLockError};
#[cfg(feature = "delivery")]
use std::time::{Duration, Instant};

#[cfg(feature = "delivery")]
use audit_delivery::{DeliveryError, Destination, Undelivered};

#[cfg(feature = "delivery")]
use crate::settings::Hook;
use crate::settings::Settings;
use crate::shared::Shared;
#[cfg(feature = "delivery")]
use crate::worker::{Work, Worker, WorkerError};
use crate::{OnFailure, Pipeline, Redaction, Selection};

/// What is to be changed of an open log; what is not named stays as it is.
///
/// ```
/// use audit_model::{Action, Actor, Event, EventType};
/// use audit_pipeline::{Pipeline, Receipt, Reconfiguration, Selection};
///
/// let directory = tempfile::tempdir()?;
/// let log = Pipeline::options(directory.path().join("audit.log")).start()?;
/// let event = Event::new(EventType::BACKUP_STARTED, Actor::user("alice"), Action::success("backup"));
/// assert_eq!(log.try_emit(&event)?, Receipt::Queued);
/// let only = Selection::default().events(["auth.*".parse()?]);
/// log.reconfigure(Reconfiguration::default().selections(vec![only]))?;
/// assert_eq!(log.try_emit(&event)?, Receipt::NotSelected);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Reconfiguration {
    selections: Option<Vec<Selection>>,
    redaction: Option<Redaction>,
    on_failure: Option<OnFailure>,
    #[cfg(feature = "delivery")]
    parts: Parts,
}

/// What goes with the feature `delivery`.
#[cfg(feature = "delivery")]
#[derive(Debug, Default)]
struct Parts {
    remove: Vec<String>,
    add: Vec<Destination>,
    required_timeout: Option<Duration>,
    drain_timeout: Option<Duration>,
    max_spool_bytes: Option<Option<u64>>,
    before_close: Option<Vec<Hook>>,
    workers: Vec<(String, Option<Work>)>,
}

/// What a change left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconfigured {
    /// What destinations that were removed lacked of the records that were durable by then. They get it when they are added
    /// again.
    #[cfg(feature = "delivery")]
    pub undelivered: Vec<Undelivered>,
}

/// Why a log was not changed, or not all of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReconfigureError {
    /// The log is closed.
    #[error("the audit log is closed")]
    Closed,
    /// Destinations could not be changed. Nothing but destinations has changed.
    #[cfg(feature = "delivery")]
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// A worker that was told to end does not. All but the workers has changed, and it is still told to.
    #[cfg(feature = "delivery")]
    #[error("worker `{0}` does not end; try again when it has")]
    Worker(String),
    /// The thread of a worker cannot be started. All but the workers has changed.
    #[cfg(feature = "delivery")]
    #[error("cannot start the thread of worker `{name}`: {source}")]
    Thread {
        /// The worker.
        name: String,
        /// Why not.
        source: std::io::Error,
    },
}

impl Reconfiguration {
    /// Records only events that all of these select; instead of those that were given before.
    #[must_use]
    pub fn selections(mut self, selections: Vec<Selection>) -> Self {
        self.selections = Some(selections);
        self
    }

    /// Sets what is taken out of events before they are recorded.
    #[must_use]
    pub fn redact(mut self, redaction: Redaction) -> Self {
        self.redaction = Some(redaction);
        self
    }

    /// Sets what happens to events when the log can take no more; those included that wait for that now.
    #[must_use]
    pub fn on_failure(mut self, policy: OnFailure) -> Self {
        self.on_failure = Some(policy);
        self
    }

    fn apply(self, settings: &mut Settings) {
        if let Some(selections) = self.selections {
            settings.selections = selections;
        }
        if let Some(redaction) = self.redaction {
            settings.redaction = redaction;
        }
        if let Some(on_failure) = self.on_failure {
            settings.on_failure = on_failure;
        }
        #[cfg(feature = "delivery")]
        {
            let Parts { required_timeout, drain_timeout, max_spool_bytes, before_close, .. } = self.parts;
            settings.patience = required_timeout.unwrap_or(settings.patience);
            settings.drain = drain_timeout.unwrap_or(settings.drain);
            settings.max_spool_bytes = max_spool_bytes.unwrap_or(settings.max_spool_bytes);
            if let Some(hooks) = before_close {
                settings.before_close = hooks;
            }
        }
    }
}

#[cfg(feature = "delivery")]
impl Reconfiguration {
    /// Delivers to this destination no longer. Its files stay: should it be added again, it goes on from where it was.
    #[must_use]
    pub fn remove_destination(mut self, name: impl Into<String>) -> Self {
        self.parts.remove.push(name.into());
        self
    }

    /// Delivers records to this destination, too; instead of the one of the same name, if there is one. See
    /// [`Delivery::change`](audit_delivery::Delivery::change).
    #[must_use]
    pub fn deliver_to(mut self, destination: Destination) -> Self {
        self.parts.add.push(destination);
        self
    }

    /// As [`Options::required_timeout`](crate::Options::required_timeout), for callers who wait already, too.
    #[must_use]
    pub fn required_timeout(mut self, patience: Duration) -> Self {
        self.parts.required_timeout = Some(patience);
        self
    }

    /// As [`Options::drain_timeout`](crate::Options::drain_timeout), and for destinations that this change removes or
    /// replaces.
    #[must_use]
    pub fn drain_timeout(mut self, patience: Duration) -> Self {
        self.parts.drain_timeout = Some(patience);
        self
    }

    /// As [`Options::max_spool_bytes`](crate::Options::max_spool_bytes); `None` is without end.
    #[must_use]
    pub fn max_spool_bytes(mut self, bytes: Option<u64>) -> Self {
        self.parts.max_spool_bytes = Some(bytes);
        self
    }

    /// As [`Options::before_close`](crate::Options::before_close), instead of all that were given before; called once for
    /// each.
    #[must_use]
    pub fn before_close(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.parts.before_close.get_or_insert_default().push(Hook(Arc::new(hook)));
        self
    }

    /// Has nothing called when the pipeline is to be closed, but for what is given after this.
    #[must_use]
    pub fn nothing_before_close(mut self) -> Self {
        self.parts.before_close = Some(Vec::new());
        self
    }

    /// As [`Options::worker`](crate::Options::worker); if there is one of that name it is told to end, as if the log was to be
    /// closed, and this one begins when it has.
    #[must_use]
    pub fn worker(mut self, name: &str, body: impl FnOnce(&Worker) + Send + 'static) -> Self {
        self.parts.workers.push((name.to_owned(), Some(Work::new(name, body))));
        self
    }

    /// Has a worker end; nothing if there is none of that name.
    #[must_use]
    pub fn stop_worker(mut self, name: &str) -> Self {
        self.parts.workers.push((name.to_owned(), None));
        self
    }
}

impl Pipeline {
    /// Changes the open log. Destinations and workers that are not named are not disturbed, and nobody who emits waits for it.
    ///
    /// An event that is emitted after this has returned is under the new rules, one that was emitted before it was called under
    /// the old ones: recorded as was selected then, and delivered to the destinations of then (unless the disk fails, or they
    /// take longer than the drain timeout). Meanwhile it is under either.
    ///
    /// Blocks until destinations that go have let go of their places, for the drain timeout and two seconds more at the longest,
    /// and until workers that go have ended, for ten seconds. One change at a time: a second one waits for the first. Not to be
    /// called by a sink, a worker that it replaces, or a waker.
    ///
    /// # Errors
    /// In this order: when the log is closed; when destinations cannot be changed; when a worker does not end or start. Each says
    /// what has changed by then.
    pub fn reconfigure(&self, changes: Reconfiguration) -> Result<Reconfigured, ReconfigureError> {
        let shared = &self.inner.shared;
        let _alone = shared.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.queue.is_closed() {
            return Err(ReconfigureError::Closed);
        }
        shared.change(changes)
    }
}

impl Shared {
    #[cfg(not(feature = "delivery"))]
    fn change(&self, changes: Reconfiguration) -> Result<Reconfigured, ReconfigureError> {
        self.set(changes);
        Ok(Reconfigured::default())
    }

    /// Has the rules of a change be in force.
    fn set(&self, changes: Reconfiguration) {
        let mut settings = Settings::clone(&self.live.now());
        changes.apply(&mut settings);
        self.live.set(settings);
    }
}

#[cfg(feature = "delivery")]
impl Shared {
    fn change(&self, mut changes: Reconfiguration) -> Result<Reconfigured, ReconfigureError> {
        let parts = &mut changes.parts;
        let patience = parts.drain_timeout.unwrap_or_else(|| self.live.now().drain);
        let (remove, add) = (std::mem::take(&mut parts.remove), std::mem::take(&mut parts.add));
        let workers = std::mem::take(&mut parts.workers);
        let undelivered = self.change_destinations(&remove, add, patience)?;
        self.set(changes);
        self.followers.look_again();
        for (name, work) in workers {
            let delivery = &self.options.delivery;
            delivery.workers.replace(&name, work, &delivery.recorder).map_err(|error| match error {
                WorkerError::Stays => ReconfigureError::Worker(name),
                WorkerError::Closing => ReconfigureError::Closed,
                WorkerError::Thread(source) => ReconfigureError::Thread { name, source },
            })?;
        }
        Ok(Reconfigured { undelivered })
    }

    fn change_destinations(
        &self,
        remove: &[String],
        add: Vec<Destination>,
        patience: Duration,
    ) -> Result<Vec<Undelivered>, DeliveryError> {
        if !remove.is_empty() {
            self.settle(patience);
        }
        match self.followers.delivery() {
            Some(delivery) => delivery.change(remove, add, patience),
            None => match remove.iter().find(|name| !add.iter().any(|it| it.name() == *name)) {
                Some(name) => Err(DeliveryError::Unknown { name: name.clone(), known: Vec::new() }),
                None => self.followers.begin(add).map(|()| Vec::new()),
            },
        }
    }

    /// Waits until what was accepted so far is durable, if the disk lets it be within that time: it is for those who are to be
    /// removed.
    fn settle(&self, patience: Duration) {
        let (begun, before) = (Instant::now(), self.health.commits());
        // The commit that is on its way may have begun before the last event came.
        let is_settled = || {
            self.health.commits() >= before + 2
                || (self.queue.is_empty()
                    && !matches!(self.committer.try_lock(), Err(TryLockError::WouldBlock)))
        };
        while !is_settled() && begun.elapsed() < patience {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

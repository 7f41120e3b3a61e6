//! Callers and refusals, on record.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[cfg(feature = "http")]
use audit_access::{Caller, Denial, Presented};
use audit_access::{Logins, Refusals};
use audit_model::{Event, Timestamp};
use audit_pipeline::{EmitError, Recorder};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// Notes who came and who was refused, and puts on record what the service has to say of itself. While the log takes nothing, that waits:
/// whoever fills the log must not hide what they do meanwhile. It is bounded, as refusals are told a few hundred times a minute at most.
pub(crate) struct OnRecord {
    recorder: Recorder,
    runtime: Handle,
    under_way: TaskTracker,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    refusals: Refusals,
    logins: Logins,
}

impl OnRecord {
    pub(crate) fn new(recorder: Recorder, runtime: &Handle) -> Self {
        let (runtime, under_way) = (runtime.clone(), TaskTracker::new());
        Self { recorder, runtime, under_way, known: Mutex::default() }
    }

    /// Puts an event on record, however long that takes.
    pub(crate) fn put(&self, event: Event) {
        if self.under_way.len() >= MOST {
            tracing::error!(event_type = %event.event_type, "cannot be put on record: too much waits for the log");
            return;
        }
        // Begun here, so that events are in the order in which they happened.
        let mut begun = self.recorder.record(&event);
        let recorder = self.recorder.clone();
        self.under_way.spawn_on(
            async move {
                loop {
                    let recorded = match begun {
                        Ok(emit) => emit.await,
                        Err(error) => Err(error),
                    };
                    match recorded {
                        Err(EmitError::Journal(_) | EmitError::Full { .. }) => {
                            tokio::time::sleep(PAUSE).await;
                            begun = recorder.record(&event);
                        }
                        _ => return,
                    }
                }
            },
            &self.runtime,
        );
    }

    /// To be called now and then, for what has gathered.
    pub(crate) fn flush(&self, now: Timestamp) {
        let mut known = self.lock();
        let mut events = known.refusals.flush(now);
        events.extend(known.logins.flush(now));
        drop(known);
        events.into_iter().for_each(|event| self.put(event));
    }

    /// All that is not on record yet: for the end. It waits for that, for a while.
    pub(crate) fn drain(&self, now: Timestamp) {
        let events = self.lock().refusals.drain(now);
        events.into_iter().for_each(|event| self.put(event));
        self.under_way.close();
        let waited =
            self.runtime.block_on(async { tokio::time::timeout(PATIENCE, self.under_way.wait()).await });
        if waited.is_err() {
            tracing::error!(
                "{} events of the service itself are not on record: the log takes nothing",
                self.under_way.len()
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many events may wait for the log.
const MOST: usize = 10_000;
/// How long until one is tried again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long the end waits for them.
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(feature = "http")]
impl audit_source_http::Witness for OnRecord {
    fn refused(&self, denial: &Denial, presented: &Presented<'_>, asked: &audit_source_http::Asked<'_>) {
        let request = format!("{} {}", asked.method, asked.path);
        let event = self.lock().refusals.note(denial, presented, &request, Timestamp::now());
        if let Some(event) = event {
            self.put(event);
        }
    }

    fn used(&self, caller: &Caller, _: &audit_source_http::Asked<'_>) {
        let event = self.lock().logins.note(caller, Timestamp::now());
        if let Some(event) = event {
            self.put(event);
        }
    }
}

//! Callers and refusals, on record.

use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(feature = "http")]
use audit_access::{Caller, Denial, Presented};
use audit_access::{Logins, Refusals};
use audit_model::{Event, Timestamp};
use audit_pipeline::Recorder;

/// Notes who came and who was refused, and puts on record what is worth it.
pub(crate) struct OnRecord {
    recorder: Recorder,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    refusals: Refusals,
    logins: Logins,
}

impl OnRecord {
    pub(crate) fn new(recorder: Recorder) -> Self {
        Self { recorder, known: Mutex::default() }
    }

    /// To be called now and then, for what has gathered.
    pub(crate) fn flush(&self, now: Timestamp) {
        let mut known = self.lock();
        let mut events = known.refusals.flush(now);
        events.extend(known.logins.flush(now));
        drop(known);
        events.iter().for_each(|event| self.record(event));
    }

    /// All that is not on record yet: for the end.
    pub(crate) fn drain(&self, now: Timestamp) {
        let events = self.lock().refusals.drain(now);
        events.iter().for_each(|event| self.record(event));
    }

    fn record(&self, event: &Event) {
        // It is on its way; and that the log is closed, its writer tells.
        drop(self.recorder.record(event));
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "http")]
impl audit_source_http::Witness for OnRecord {
    fn refused(&self, denial: &Denial, presented: &Presented<'_>, asked: &audit_source_http::Asked<'_>) {
        let request = format!("{} {}", asked.method, asked.path);
        let event = self.lock().refusals.note(denial, presented, &request, Timestamp::now());
        if let Some(event) = event {
            self.record(&event);
        }
    }

    fn used(&self, caller: &Caller, _: &audit_source_http::Asked<'_>) {
        let event = self.lock().logins.note(caller, Timestamp::now());
        if let Some(event) = event {
            self.record(&event);
        }
    }
}

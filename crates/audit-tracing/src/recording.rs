use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use audit_model::Event;
use audit_pipeline::{EmitError, Pipeline, Receipt};

/// Hands events to the log, and counts those that it does not take.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) pipeline: Pipeline,
    pub(crate) waits: bool,
    pub(crate) unrecorded: Option<Unrecorded>,
}

/// Told of every event that was not recorded, and why.
pub(crate) type Unrecorded = Arc<dyn Fn(&Event, &str) + Send + Sync>;

const OWN_THREAD: &str = "the thread's name begins with `audit-`, as those of the log's own threads do, which must not feed it; name it otherwise";

thread_local! {
    static IS_RECORDING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread records already: whoever records metrics may use tracing.
pub(crate) fn is_recursive() -> bool {
    // A thread that is ending has no such values any more, and records nothing.
    let recursive = IS_RECORDING.try_with(Cell::get).unwrap_or(true);
    if recursive {
        guarded(|| metrics::counter!("audit_log_tracing_recursive_total").increment(1));
    }
    recursive
}

/// Whether this thread is one of the log's own, to go by its name: it would feed itself, or wait for itself.
fn is_of_the_log() -> bool {
    thread_local! {
        static IS_THE_LOGS: bool = std::thread::current().name().is_some_and(|name| name.starts_with("audit-"));
    }
    IS_THE_LOGS.try_with(|is| *is).unwrap_or(true)
}

fn guarded(record: impl FnOnce()) {
    struct Guard(bool);
    impl Drop for Guard {
        fn drop(&mut self) {
            let _ = IS_RECORDING.try_with(|is| is.set(self.0));
        }
    }
    let _guard = Guard(IS_RECORDING.try_with(|is| is.replace(true)).unwrap_or(true));
    record();
}

impl Log {
    pub(crate) fn record(&self, event: &Event, problems: usize) {
        guarded(|| {
            if problems > 0 {
                metrics::counter!("audit_log_tracing_invalid_total").increment(1);
            }
            let answer = match (is_of_the_log(), self.waits) {
                (true, _) => None,
                (false, true) => Some(self.pipeline.emit_blocking(event)),
                (false, false) => Some(self.pipeline.try_emit(event)),
            };
            let (reason, why) = match answer {
                None => ("thread", OWN_THREAD.to_owned()),
                Some(Ok(Receipt::Dropped)) => {
                    ("dropped", "the log could take no more, and lets events pass".to_owned())
                }
                Some(Ok(_)) => return,
                Some(Err(error)) => (reason(&error), error.to_string()),
            };
            metrics::counter!("audit_log_tracing_unrecorded_total", "reason" => reason).increment(1);
            if let Some(tell) = &self.unrecorded {
                tell(event, &why);
            }
        });
    }
}

fn reason(error: &EmitError) -> &'static str {
    match error {
        EmitError::Event(_) => "event",
        EmitError::Reserved(_) => "reserved",
        EmitError::Journal(_) => "journal",
        EmitError::Full { .. } => "full",
        EmitError::Undelivered { .. } => "undelivered",
        EmitError::Closed => "closed",
        _ => "other",
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("pipeline", &self.pipeline)
            .field("waits", &self.waits)
            .finish_non_exhaustive()
    }
}

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use audit_model::{Event, Timestamp};
use audit_pipeline::{Emit, EmitError, Pipeline, Receipt, Recorder};

use crate::{Format, Provenance, Rejects, SourceError};

/// The log as a source sees it: it reads events, stamps them with who sent them, records them, and counts. Clones are one.
#[derive(Clone)]
pub struct Intake {
    shared: Arc<Shared>,
}

struct Shared {
    pipeline: Pipeline,
    recorder: Recorder,
    source: Box<str>,
    rejects: Option<Arc<Rejects>>,
    recorded: AtomicU64,
    refused: AtomicU64,
    /// Milliseconds since 1970; 0 before the first.
    last_event: AtomicI64,
    condition: Mutex<Condition>,
    events_total: metrics::Counter,
    refused_total: metrics::Counter,
    last_event_seconds: metrics::Gauge,
    failing: metrics::Gauge,
}

#[derive(Default)]
struct Condition {
    failing: Option<String>,
    lag: Option<u64>,
}

/// What became of something that was to be an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is in the log, or the configuration leaves it out (or, under `on_failure: permit`, its loss is counted).
    Recorded(Receipt),
    /// It is no event, or none that the log may take: why. With a rejects file, it is there.
    Refused(String),
    /// The log was closed before it was taken: it has to be sent again.
    Closed,
}

/// How it goes with a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceStatus {
    /// Its name.
    pub source: String,
    /// How many events it brought that were recorded, or left out as configured.
    pub recorded: u64,
    /// How many it brought that were refused.
    pub refused: u64,
    /// When the last one came.
    pub last_event: Option<Timestamp>,
    /// What keeps it from bringing more.
    pub failing: Option<String>,
    /// How much it has still to read, where it knows: bytes of a file, records of a topic.
    pub lag: Option<u64>,
}

impl Intake {
    /// A way into this log, for the source of that name.
    #[must_use]
    pub fn new(pipeline: Pipeline, source: &str) -> Self {
        let label = source.to_owned();
        let shared = Shared {
            recorder: pipeline.recorder(),
            pipeline,
            source: source.into(),
            rejects: None,
            recorded: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            last_event: AtomicI64::new(0),
            condition: Mutex::default(),
            events_total: metrics::counter!("audit_log_source_events_total", "source" => label.clone()),
            refused_total: metrics::counter!("audit_log_source_refused_total", "source" => label.clone()),
            last_event_seconds: metrics::gauge!("audit_log_source_last_event_timestamp_seconds", "source" => label.clone()),
            failing: metrics::gauge!("audit_log_source_failing", "source" => label),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Sets aside what is no event, in this file. To be called before the intake is cloned.
    ///
    /// # Panics
    /// When it was cloned.
    #[must_use]
    pub fn rejects(mut self, rejects: Arc<Rejects>) -> Self {
        Arc::get_mut(&mut self.shared)
            .expect("an intake gets its rejects file before it is cloned")
            .rejects = Some(rejects);
        self
    }

    /// The source's name.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.shared.source
    }

    /// Begins to record an event. It is on its way, behind those that came before, when this returns; awaiting tells what became of it.
    /// For a source whose sender waits for the answer and can send again.
    pub fn emit(&self, mut event: Event, provenance: &Provenance) -> Emit {
        let now = Timestamp::now();
        provenance.stamp(&mut event, &self.shared.source, now);
        self.shared.last_event.store(now.as_milliseconds(), Ordering::Relaxed);
        self.shared.last_event_seconds.set(now.as_milliseconds() as f64 / 1000.0);
        self.shared.pipeline.emit(&event)
    }

    /// Counts an event that was recorded, or left out as configured.
    pub fn count_recorded(&self) {
        self.shared.recorded.fetch_add(1, Ordering::Relaxed);
        self.shared.events_total.increment(1);
    }

    /// Counts many at once: events that were recorded, or left out as configured, and such as were refused.
    pub fn count(&self, recorded: u64, refused: u64) {
        for (count, own, total) in [
            (recorded, &self.shared.recorded, &self.shared.events_total),
            (refused, &self.shared.refused, &self.shared.refused_total),
        ] {
            if count > 0 {
                own.fetch_add(count, Ordering::Relaxed);
                total.increment(count);
            }
        }
    }

    /// Counts what was refused.
    pub fn count_refused(&self) {
        self.shared.refused.fetch_add(1, Ordering::Relaxed);
        self.shared.refused_total.increment(1);
    }

    /// Reads an event, begins to record it, and tries again while the log cannot take it: for a source that reads on by itself, a file say.
    /// It is on its way when this returns. `place` and `number` say where it stood, for the rejects file.
    ///
    /// # Errors
    /// None so far: a rejects file that cannot be written is waited for, as the log is.
    pub fn take(
        &self,
        format: Format,
        text: &[u8],
        provenance: &Provenance,
        place: &str,
        number: u64,
    ) -> impl Future<Output = Result<Taken, SourceError>> + Send + 'static {
        let read = format.read(text, Timestamp::now());
        let begun = read.map(|event| {
            let emit = self.emit(event.clone(), provenance);
            (event, emit)
        });
        let this = self.clone();
        let provenance = provenance.clone();
        // Kept only for what may be refused.
        let (place, text) = (place.to_owned(), text.to_vec());
        async move {
            let refused = match begun {
                Err(reason) => reason,
                Ok((event, emit)) => match this.insist(event, emit, &provenance).await {
                    Taken::Refused(reason) => reason,
                    taken => return Ok(taken),
                },
            };
            this.count_refused();
            this.set_aside(&place, number, &refused, &text).await;
            Ok(Taken::Refused(refused))
        }
    }

    /// Writes what is no event into the rejects file: nothing else may be acknowledged before. A disk that is full is waited for.
    async fn set_aside(&self, place: &str, number: u64, reason: &str, text: &[u8]) {
        let Some(rejects) = &self.shared.rejects else { return };
        let mut pause = FIRST_PAUSE;
        while let Err(error) = rejects.add(place, number, reason, text) {
            self.set_failing(Some(error.to_string()));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        if pause != FIRST_PAUSE {
            self.set_failing(None);
        }
    }

    /// Tries until it is known what becomes of the event.
    async fn insist(&self, event: Event, mut emit: Emit, provenance: &Provenance) -> Taken {
        let mut pause = FIRST_PAUSE;
        loop {
            let receipt = match emit.await {
                Ok(receipt) => receipt,
                // It is in the log, and nobody waits for more.
                Err(EmitError::Undelivered { sequence_number, .. }) => Receipt::Recorded { sequence_number },
                Err(EmitError::Closed) => return Taken::Closed,
                Err(error @ (EmitError::Event(_) | EmitError::Reserved(_))) => {
                    return Taken::Refused(error.to_string());
                }
                Err(error) => {
                    self.set_failing(Some(error.to_string()));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    emit = self.emit(event.clone(), provenance);
                    continue;
                }
            };
            if pause != FIRST_PAUSE {
                self.set_failing(None);
            }
            self.count_recorded();
            return Taken::Recorded(receipt);
        }
    }

    /// Says what keeps the source from bringing events; `None` when it brings them again.
    ///
    /// A change is in the program's log, and in the metric `audit_log_source_failing`.
    pub fn set_failing(&self, reason: Option<String>) {
        let source = self.source();
        let mut condition = self.lock();
        match (&condition.failing, &reason) {
            (before, Some(reason)) if before.as_ref() != Some(reason) => {
                tracing::warn!(source, "brings no events: {reason}");
            }
            (Some(_), None) => tracing::info!(source, "brings events again"),
            _ => {}
        }
        self.shared.failing.set(if reason.is_some() { 1.0 } else { 0.0 });
        condition.failing = reason;
    }

    /// Puts on record what the source itself found, such as that something can no longer be read: neither selected nor redacted, and
    /// durable when the answer is there.
    ///
    /// # Errors
    /// [`SourceError::Closed`] when the log is closed.
    pub async fn record_own(&self, event: &Event) -> Result<(), SourceError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let recorded = match self.shared.recorder.record(event) {
                Ok(emit) => emit.await,
                Err(error) => Err(error),
            };
            match recorded {
                Err(EmitError::Closed) => return Err(SourceError::Closed),
                Err(EmitError::Event(error)) => return Err(SourceError::Other(error.into())),
                Err(error) if !matches!(error, EmitError::Undelivered { .. }) => {
                    self.set_failing(Some(error.to_string()));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                _ => return Ok(()),
            }
        }
    }

    /// Says how much the source has still to read.
    pub fn set_lag(&self, lag: Option<u64>) {
        self.lock().lag = lag;
    }

    /// How it goes.
    #[must_use]
    pub fn status(&self) -> SourceStatus {
        let condition = self.lock();
        let last = self.shared.last_event.load(Ordering::Relaxed);
        SourceStatus {
            source: self.source().to_owned(),
            recorded: self.shared.recorded.load(Ordering::Relaxed),
            refused: self.shared.refused.load(Ordering::Relaxed),
            last_event: (last != 0).then(|| Timestamp::from_milliseconds(last)).and_then(Result::ok),
            failing: condition.failing.clone(),
            lag: condition.lag,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Condition> {
        self.shared.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("source", &self.shared.source).finish_non_exhaustive()
    }
}

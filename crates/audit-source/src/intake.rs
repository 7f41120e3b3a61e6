use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use audit_model::{Event, Timestamp};
use audit_pipeline::{Emit, EmitError, Pipeline, Receipt, Recorder};

use crate::turns::{Turn, Turns};
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
    /// As the condition has it, without its lock.
    is_not_taken: AtomicBool,
    turns: Arc<Turns>,
    events_total: metrics::Counter,
    refused_total: metrics::Counter,
    last_event_seconds: metrics::Gauge,
    failing: metrics::Gauge,
}

#[derive(Default)]
struct Condition {
    /// What the source says.
    failing: Option<String>,
    /// Why what it brought is not taken.
    not_taken: Option<String>,
    lag: Option<u64>,
}

/// What became of something that was to be an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is in the log, or, with `durability: none`, on its way there; or the configuration leaves it out (or, under
    /// `on_failure: permit`, its loss is counted).
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
            is_not_taken: AtomicBool::new(false),
            turns: Arc::default(),
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
        self.stamp(&mut event, provenance);
        self.shared.pipeline.emit(&event)
    }

    fn stamp(&self, event: &mut Event, provenance: &Provenance) {
        let now = Timestamp::now();
        provenance.stamp(event, &self.shared.source, now);
        self.shared.last_event.store(now.as_milliseconds(), Ordering::Relaxed);
        self.shared.last_event_seconds.set(now.as_milliseconds() as f64 / 1000.0);
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

    /// Reads an event, and takes it as [`take_event`](Self::take_event) does; what cannot be read is [refused](Self::refuse).
    pub fn take(
        &self,
        format: Format,
        text: impl Into<Vec<u8>>,
        provenance: &Provenance,
        place: &str,
        number: u64,
    ) -> impl Future<Output = Taken> + Send + 'static {
        let text = text.into();
        let taking = match format.read(&text, Timestamp::now()) {
            Ok(event) => Ok(self.take_event(event, text, provenance, place, number)),
            Err(reason) => Err(self.refuse(reason, text, place, number)),
        };
        async move {
            match taking {
                Ok(taken) => taken.await,
                Err(refused) => refused.await,
            }
        }
    }

    /// Begins to record an event, and tries again while the log cannot take it: for a source that reads on by itself, a file say. It is on
    /// its way when this returns, or waits for room in memory, or for those that came before and that the log would not take: these stay in
    /// their order, but for what was on its way already when the first of them was refused.
    ///
    /// `text` is what it was read from, and `place` and `number` where that stood: for the rejects file, should the log never take it. A
    /// rejects file that cannot be written is waited for, as the log is.
    pub fn take_event(
        &self,
        mut event: Event,
        text: impl Into<Vec<u8>>,
        provenance: &Provenance,
        place: &str,
        number: u64,
    ) -> impl Future<Output = Taken> + Send + 'static {
        self.stamp(&mut event, provenance);
        let mut turn = self.shared.turns.take();
        let emit = (!turn.has_to_wait()).then(|| self.shared.pipeline.emit(&event));
        // Nobody may have polled it by the time that a later one, which is smaller, finds room.
        if emit.as_ref().is_some_and(|emit| !emit.is_on_its_way()) {
            turn.failed();
        }
        let (this, place, text) = (self.clone(), place.to_owned(), text.into());
        async move {
            match this.insist(&event, emit, turn).await {
                Taken::Refused(reason) => this.refuse(reason, text, &place, number).await,
                taken => taken,
            }
        }
    }

    /// Sets aside what is no event, or cannot be read as one because it is too long, say; and counts it. Nothing behind it may be
    /// acknowledged before. A disk that is full is waited for.
    pub fn refuse(
        &self,
        reason: impl Into<String>,
        text: impl Into<Vec<u8>>,
        place: &str,
        number: u64,
    ) -> impl Future<Output = Taken> + Send + 'static {
        let (this, place, reason, text) = (self.clone(), place.to_owned(), reason.into(), text.into());
        async move {
            this.set_aside(&place, number, &reason, &text).await;
            this.count_refused();
            Taken::Refused(reason)
        }
    }

    /// Has what was refused on disk: to be called before a position behind it is acknowledged or stored.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync_rejects(&self) -> Result<(), SourceError> {
        self.shared.rejects.as_ref().map_or(Ok(()), |rejects| rejects.sync())
    }

    async fn set_aside(&self, place: &str, number: u64, reason: &str, text: &[u8]) {
        let Some(rejects) = &self.shared.rejects else { return };
        let mut pause = FIRST_PAUSE;
        while let Err(error) = rejects.add(place, number, reason, text) {
            self.set_not_taken(Some(error.to_string()));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        self.set_not_taken(None);
    }

    /// Tries until it is known what becomes of the event.
    async fn insist(&self, event: &Event, mut emit: Option<Emit>, mut turn: Turn) -> Taken {
        let mut pause = FIRST_PAUSE;
        loop {
            let emit = match emit.take() {
                Some(emit) => emit,
                None => {
                    turn.wait().await;
                    let emit = self.shared.pipeline.emit(event);
                    if emit.is_on_its_way() {
                        turn.is_on_its_way();
                    }
                    emit
                }
            };
            let receipt = match emit.await {
                Ok(receipt) => receipt,
                // It is in the log, and nobody waits for more.
                Err(EmitError::Undelivered { sequence_number, .. }) => Receipt::Recorded { sequence_number },
                Err(EmitError::Closed) => return Taken::Closed,
                Err(error @ (EmitError::Event(_) | EmitError::Reserved(_))) => {
                    return Taken::Refused(error.to_string());
                }
                Err(error) => {
                    turn.failed();
                    self.set_not_taken(Some(error.to_string()));
                    turn.wait().await;
                    if !turn.log_takes() {
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                    continue;
                }
            };
            turn.taken();
            self.set_not_taken(None);
            self.count_recorded();
            return Taken::Recorded(receipt);
        }
    }

    /// Says what is wrong with the source, such as what keeps it from bringing events; `None` when it is over.
    ///
    /// A change is in the program's log, and in the metric `audit_log_source_failing`.
    pub fn set_failing(&self, reason: Option<String>) {
        self.change(|condition| condition.failing = reason);
    }

    /// Says why what it brings is not taken; `None` when it is.
    fn set_not_taken(&self, reason: Option<String>) {
        if reason.is_some() || self.shared.is_not_taken.load(Ordering::Relaxed) {
            self.change(|condition| condition.not_taken = reason);
        }
    }

    fn change(&self, change: impl FnOnce(&mut Condition)) {
        let source = self.source();
        let mut condition = self.lock();
        let before = condition.reason().cloned();
        change(&mut condition);
        self.shared.is_not_taken.store(condition.not_taken.is_some(), Ordering::Relaxed);
        match (before, condition.reason()) {
            (before, Some(reason)) if before.as_ref() != Some(reason) => {
                tracing::warn!(source, "fails: {reason}");
            }
            (Some(_), None) => tracing::info!(source, "works again"),
            _ => {}
        }
        self.shared.failing.set(if condition.reason().is_some() { 1.0 } else { 0.0 });
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
                    self.set_not_taken(Some(error.to_string()));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                _ => {
                    self.set_not_taken(None);
                    return Ok(());
                }
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
            failing: condition.reason().cloned(),
            lag: condition.lag,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Condition> {
        self.shared.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Condition {
    fn reason(&self) -> Option<&String> {
        self.not_taken.as_ref().or(self.failing.as_ref())
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("source", &self.shared.source).finish_non_exhaustive()
    }
}

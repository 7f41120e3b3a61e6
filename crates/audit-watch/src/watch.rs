use std::collections::HashMap;
use std::fmt;
use std::future::Future as _;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use audit_alert::{Alert, Rules};
use audit_delivery::{BatchLimits, Beginning, Destination, event_of};
use audit_model::{EventType, Timestamp};
use audit_pipeline::{Emit, EmitError, Receipt as Recorded, Recorder};
use audit_sink::{Batch, Receipt, SendFuture, Sink, SinkError};

use crate::saved::Saved;

/// Rules that watch a log: a destination that reads every record, and records the alerts that it finds.
///
/// Cheap to clone; all clones are the same watch.
#[derive(Clone, Debug)]
pub struct Watch {
    shared: Arc<Shared>,
}

/// Why a watch cannot begin.
#[derive(Debug, thiserror::Error)]
#[error("what the alert rules remember cannot be read from {}: {source}", path.display())]
pub struct WatchError {
    path: PathBuf,
    source: io::Error,
}

struct Shared {
    rules: Rules,
    path: PathBuf,
    recorder: Recorder,
    kept: Mutex<Kept>,
    /// Ends the thread that tells how time goes by.
    ends: Condvar,
}

struct Kept {
    saved: Saved,
    /// Something in `saved` is not in the file yet.
    is_stale: bool,
    /// The `through` that the file says.
    stored_through: u64,
    stored: Instant,
    /// How long it took to store it.
    cost: Duration,
    store_fails: bool,
    /// Alerts on their way into the log, by their ids.
    emitted: HashMap<String, Pin<Box<Emit>>>,
    /// Alerts of an earlier run are recorded when all up to this record was read: they may be there.
    settled_behind: Option<u64>,
    /// The record that was durable a moment ago, and when that was: once all up to it was read, nothing of what happened
    /// before is unknown.
    known: (u64, Timestamp),
    /// The rules' clock, which does not go back but where the machine's was set back.
    clock: Timestamp,
    is_ended: bool,
    /// What nobody was told yet.
    notices: Vec<String>,
}

/// What it is called among destinations.
const NAME: &str = "alerts";
/// How often it is looked at what time changes.
const TICK: Duration = Duration::from_millis(250);
/// The state is stored after it has changed for this long, or fifty times what storing takes, whichever is longer. What a
/// crash loses of it is read once more from the log.
const STORE: Duration = Duration::from_millis(200);
/// It is stored after this long when nothing has changed but how far was read.
const STORE_PROGRESS: Duration = Duration::from_secs(5);
/// A clock that is so much behind what it said before was set back; one that is less behind waits.
const SET_BACK: Duration = Duration::from_secs(60);

impl Watch {
    /// Rules that go on where they were when `path` was last written. The file is made when there is none.
    ///
    /// Nothing is watched before the [`destination`](Self::destination) is given to the pipeline of that `recorder`.
    ///
    /// # Errors
    /// When the file is there and cannot be read. One that is damaged is set aside, and told.
    pub fn open(rules: Rules, path: impl Into<PathBuf>, recorder: Recorder) -> Result<Self, WatchError> {
        let path = path.into();
        let mut notices = Vec::new();
        let saved = match Saved::load(&path) {
            Ok(saved) => saved,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let aside = path.with_extension("json.before");
                std::fs::rename(&path, &aside).map_err(|source| WatchError { path: path.clone(), source })?;
                notices.push(format!(
                    "what the alert rules remembered is damaged ({error}); it is in {}, and they begin anew",
                    aside.display()
                ));
                None
            }
            Err(source) => return Err(WatchError { path, source }),
        };
        let saved = saved.unwrap_or_default();
        let kept = Kept {
            stored_through: saved.through,
            saved,
            is_stale: false,
            stored: Instant::now(),
            cost: Duration::ZERO,
            store_fails: false,
            emitted: HashMap::new(),
            settled_behind: None,
            known: (u64::MAX, Timestamp::now()),
            clock: Timestamp::now(),
            is_ended: false,
            notices,
        };
        let (kept, ends) = (Mutex::new(kept), Condvar::new());
        Ok(Self { shared: Arc::new(Shared { rules, path, recorder, kept, ends }) })
    }

    /// The destination that is to be given to the pipeline, once.
    #[must_use]
    pub fn destination(&self) -> Destination {
        let kept = self.shared.lock();
        // What was read since the file was written is read once more; of a log that was not watched yet, nothing.
        let beginning = match kept.saved.chain_id.as_str() {
            "" => Beginning::Now,
            _ => Beginning::Behind(kept.saved.through),
        };
        drop(kept);
        let eyes = Eyes { shared: Arc::clone(&self.shared), ticker: None };
        Destination::new(NAME, Box::new(eyes))
            .beginning(beginning)
            .limits(BatchLimits { age: Duration::from_millis(50), ..BatchLimits::default() })
    }

    /// Waits until all that was accepted so far was looked at, and the alerts are in the log, those included that would be summed
    /// up later; not longer than `patience`.
    /// For [`Options::before_close`](audit_pipeline::Options::before_close).
    pub fn settle(&self, patience: Duration) {
        let begun = Instant::now();
        let settled = || {
            while begun.elapsed() < patience && !self.shared.is_settled() {
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        settled();
        // Nobody will be there at the end of the minute to tell of these.
        self.shared.finish();
        settled();
        let mut kept = self.shared.lock();
        self.shared.store(&mut kept, false);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_settled(&self) -> bool {
        let Some(last) = self.recorder.flushed() else { return false };
        let mut kept = self.lock();
        self.follow_up(&mut kept);
        kept.is_ended || (kept.saved.through >= last && kept.saved.unrecorded.is_empty())
    }

    /// Looks at records of the log.
    fn look(&self, batch: &Batch, now: Timestamp) {
        let mut kept = self.lock();
        let kept = &mut *kept;
        let now = kept.advance(now, now);
        if kept.saved.chain_id != batch.chain_id {
            kept.saved.chain_id.clone_from(&batch.chain_id);
            kept.saved.through = 0;
            kept.is_stale = true;
        }
        if kept.settled_behind.is_none() {
            // Not known while the pipeline is being opened, when its followers read already.
            kept.settled_behind = Some(self.recorder.durable()).filter(|durable| *durable > 0);
            let first = batch.records.first().map(|record| record.sequence_number);
            if let Some((first, durable)) = first.zip(kept.settled_behind)
                && kept.saved.through > durable
            {
                // A log that lost its end, in a power failure say, goes on with numbers that were read before.
                kept.saved.through = first.saturating_sub(1);
            }
        }
        let mut alerts = Vec::new();
        for record in &batch.records {
            if record.sequence_number <= kept.saved.through {
                continue;
            }
            kept.saved.through = record.sequence_number;
            if record.event_type.parse::<EventType>().is_ok_and(|event_type| event_type.is_alert()) {
                let before = kept.saved.unrecorded.len();
                kept.saved.unrecorded.retain(|alert| alert.event_id.as_str() != record.event_id);
                kept.emitted.remove(&record.event_id);
                kept.is_stale |= kept.saved.unrecorded.len() != before;
            } else if self.rules.may_match_type(&record.event_type)
                && let Some(event) = event_of(&record.bytes)
            {
                alerts.extend(self.rules.observe(&mut kept.saved.state, &event, now));
                kept.is_stale = true;
            }
        }
        self.raise(kept, alerts, now);
    }

    /// Records what would be told as one at the end of a minute.
    fn finish(&self) {
        let mut kept = self.lock();
        if !kept.is_ended {
            let clock = kept.clock;
            let alerts = self.rules.finish(&mut kept.saved.state, clock);
            self.raise(&mut kept, alerts, clock);
        }
    }

    /// Looks at what time has changed.
    fn tick(&self, kept: &mut Kept, now: Timestamp) {
        self.follow_up(kept);
        let (durable, as_of) = kept.known;
        let clock = kept.advance(as_of, now);
        if kept.saved.through >= durable {
            let alerts = self.rules.tick(&mut kept.saved.state, clock);
            kept.is_stale |= !alerts.is_empty();
            self.raise(kept, alerts, now);
        }
        if kept.saved.through >= durable || durable == u64::MAX {
            // None is durable while the pipeline is not open: then nothing is known.
            kept.known = (Some(self.recorder.durable()).filter(|it| *it > 0).unwrap_or(u64::MAX), now);
        }
        kept.is_stale |= kept.has_moved() && kept.stored.elapsed() >= STORE_PROGRESS;
        if kept.stored.elapsed() >= STORE.max(kept.cost * 50) {
            self.store(kept, false);
        }
    }

    /// Puts alerts into the log.
    fn raise(&self, kept: &mut Kept, alerts: Vec<Alert>, now: Timestamp) {
        if alerts.is_empty() {
            return;
        }
        for alert in alerts {
            let (rule, status) = (alert.rule.clone(), alert.status.as_str());
            metrics::counter!("audit_log_alerts_total", "rule" => rule, "status" => status).increment(1);
            kept.saved.unrecorded.push(alert.to_event(now));
        }
        // First kept, and then told: whoever is told once is not told again after a crash.
        kept.is_stale = true;
        self.store(kept, true);
        self.follow_up(kept);
    }

    /// Records alerts that are not on their way, or were on their way in vain.
    fn follow_up(&self, kept: &mut Kept) {
        kept.notices.drain(..).for_each(|sentence| self.recorder.notice(sentence));
        let mut context = Context::from_waker(Waker::noop());
        kept.emitted.retain(|_, emit| match emit.as_mut().poll(&mut context) {
            Poll::Pending => true,
            // It is there, and will be read.
            Poll::Ready(Ok(Recorded::Recorded { .. }) | Err(EmitError::Undelivered { .. })) => true,
            Poll::Ready(_) => false,
        });
        let Some(settled_behind) = kept.settled_behind else { return };
        if kept.saved.through < settled_behind {
            return;
        }
        let Kept { saved, emitted, notices, .. } = kept;
        saved.unrecorded.retain(|alert| {
            let id = alert.event_id.as_str();
            if emitted.contains_key(id) {
                return true;
            }
            match self.recorder.record(alert) {
                Ok(emit) => drop(emitted.insert(id.to_owned(), Box::pin(emit))),
                // It never will be; kept, it would be tried for ever.
                Err(EmitError::Event(error)) => {
                    notices.push(format!("an alert cannot be recorded: {error}"));
                    return false;
                }
                Err(_) => {}
            }
            true
        });
    }

    fn store(&self, kept: &mut Kept, sync: bool) {
        if !kept.is_stale {
            return;
        }
        let begun = Instant::now();
        match kept.saved.store(&self.path, sync) {
            Ok(()) => {
                kept.is_stale = false;
                kept.stored_through = kept.saved.through;
                kept.store_fails = false;
            }
            Err(error) if !kept.store_fails => {
                kept.store_fails = true;
                kept.notices.push(format!(
                    "what the alert rules remember cannot be stored in {}: {error}; after a crash an alert may be told twice",
                    self.path.display()
                ));
            }
            Err(_) => {}
        }
        kept.stored = Instant::now();
        kept.cost = begun.elapsed();
    }
}

impl Kept {
    /// Moves the rules' clock up to a time that was `now` or is past.
    fn advance(&mut self, to: Timestamp, now: Timestamp) -> Timestamp {
        let ahead = self.clock.as_milliseconds().saturating_sub(now.as_milliseconds());
        if u128::try_from(ahead).is_ok_and(|ahead| ahead > SET_BACK.as_millis()) {
            self.clock = now;
        }
        self.clock = self.clock.max(to.min(now));
        self.clock
    }

    /// Whether a start would read again what was read, although nothing of it concerned a rule.
    fn has_moved(&self) -> bool {
        self.saved.through != self.stored_through
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The watch as a destination.
#[derive(Debug)]
struct Eyes {
    shared: Arc<Shared>,
    /// Tells how time goes by, from the first record on.
    ticker: Option<JoinHandle<()>>,
}

impl Sink for Eyes {
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(async move {
            if self.ticker.is_none() {
                let shared = Arc::clone(&self.shared);
                let thread = std::thread::Builder::new().name("audit-alerts-clock".to_owned());
                self.ticker = Some(thread.spawn(move || tick(&shared)).map_err(SinkError::retryable)?);
            }
            self.shared.look(batch, Timestamp::now());
            Ok(Receipt::default())
        })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        self.end();
        Box::pin(async { Ok(()) })
    }
}

impl Eyes {
    fn end(&mut self) {
        let mut kept = self.shared.lock();
        kept.is_ended = true;
        kept.is_stale |= kept.has_moved();
        self.shared.store(&mut kept, true);
        // What is on its way keeps the pipeline in memory, which keeps this.
        kept.emitted.clear();
        drop(kept);
        self.shared.ends.notify_all();
        if let Some(ticker) = self.ticker.take() {
            let _ = ticker.join();
        }
    }
}

impl Drop for Eyes {
    fn drop(&mut self) {
        self.end();
    }
}

fn tick(shared: &Shared) {
    let mut kept = shared.lock();
    while !kept.is_ended {
        kept = shared.ends.wait_timeout(kept, TICK).unwrap_or_else(PoisonError::into_inner).0;
        if !kept.is_ended {
            shared.tick(&mut kept, Timestamp::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use audit_alert::{Rule, RuleOptions};
    use audit_condition::Condition;
    use audit_model::{Action, Actor, Event};
    use audit_sink::Record;

    use super::*;

    fn watch(directory: &std::path::Path) -> Watch {
        let options = RuleOptions { window: Some(Duration::from_secs(300)), ..RuleOptions::default() };
        let condition = Condition::parse("event_type == 'access.denied'").expect("a condition");
        let rules = Rules::new(vec![Rule::new("denied", condition, options).expect("a rule")]);
        Watch::open(rules.expect("rules"), directory.join("memory.json"), Recorder::default())
            .expect("opened")
    }

    fn denied(number: u64, at: Timestamp) -> Batch {
        let mut event = Event::new(EventType::ACCESS_DENIED, Actor::user("bob"), Action::denied("read"));
        event.timestamp = at;
        let bytes = event.to_canonical_json().expect("an event");
        let event_type = EventType::ACCESS_DENIED.as_str().to_owned();
        let record = Record { sequence_number: number, event_type, bytes, ..Record::default() };
        Batch { chain_id: "c".to_owned(), records: vec![record] }
    }

    #[test]
    fn a_clock_that_was_far_ahead_for_a_moment_blinds_no_rule() {
        let directory = tempfile::tempdir().expect("a directory");
        let watch = watch(directory.path());
        let at = |seconds: i64| {
            let now = Timestamp::now().as_milliseconds();
            Timestamp::from_milliseconds(now + 1000 * seconds).expect("a time")
        };
        let fired = || watch.shared.lock().saved.unrecorded.len();
        watch.shared.look(&denied(1, at(0)), at(86_400));
        assert_eq!(fired(), 1);
        let clock = watch.shared.lock().clock;
        assert_eq!(watch.shared.lock().advance(at(86_390), at(86_390)), clock, "ten seconds are waited for");
        assert_eq!(
            watch.shared.lock().advance(at(3), at(86_401)),
            clock,
            "what is known is old, and not the clock"
        );
        // It was set back; then it is quiet for longer than the window.
        for seconds in [0, 400] {
            watch.shared.lock().known = (1, at(seconds));
            watch.shared.tick(&mut watch.shared.lock(), at(seconds));
        }
        assert_eq!(fired(), 2, "it is over");
        watch.shared.look(&denied(2, at(500)), at(500));
        assert_eq!(fired(), 3, "and it fires again");
    }

    #[test]
    fn nothing_is_settled_before_it_is_known_how_far_the_log_goes() {
        let directory = tempfile::tempdir().expect("a directory");
        let watch = watch(directory.path());
        let now = Timestamp::now();
        // The pipeline is still being opened.
        watch.shared.look(&denied(1, now), now);
        watch.shared.tick(&mut watch.shared.lock(), now);
        let kept = watch.shared.lock();
        assert_eq!((kept.settled_behind, kept.known.0), (None, u64::MAX));
    }
}

//! A destination as the log and others see it.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use audit_model::Timestamp;
use tokio::sync::Notify;

use crate::delivery::Undelivered;
use crate::outage::Watch;
use crate::progress::until;
use crate::{Destination, Failure, Outage, State};

/// How a destination is doing, as of this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlaceStatus {
    /// Its name.
    pub name: String,
    /// Whether callers wait for it.
    pub required: bool,
    /// Whether the log is kept for it only while there is room.
    pub optional: bool,
    /// All records up to this number are accepted, dead letters, or not for it.
    pub acknowledged: u64,
    /// How many durable records it lacks, those that are not for it counted, too.
    pub lag: u64,
    /// When the oldest event of the batch happened that is on its way; `None` when it has all.
    pub oldest: Option<Timestamp>,
    /// Why it takes no records; `None` while all is well.
    pub failing: Option<Failure>,
    /// When a batch was last accepted.
    pub last_success: Option<Timestamp>,
    /// How many records it accepted, ever.
    pub delivered: u64,
    /// How many batches were sent more than once, ever, each time counted.
    pub retried: u64,
    /// How many records it refused for good, ever.
    pub dead_lettered: u64,
}

#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) required: bool,
    pub(crate) optional: bool,
    pub(crate) acknowledged: AtomicU64,
    /// Callers wait for it only with records behind this one.
    pub(crate) required_behind: u64,
    /// When the event of the oldest record happened that is known not to be accepted yet, in milliseconds.
    pub(crate) oldest_ms: AtomicI64,
    /// It is none of the delivery's destinations any more, though its follower may still be at work.
    pub(crate) is_removed: AtomicBool,
    known: Mutex<Known>,
    pub(crate) ending: Ending,
}

#[derive(Debug)]
struct Known {
    state: State,
    outage: Watch,
}

impl Place {
    pub(crate) fn new(destination: &Destination, state: &State, required_behind: u64) -> Self {
        let outage = Watch::new(destination.outages, state.failure.as_ref(), Instant::now());
        Self {
            name: destination.name.clone(),
            required: destination.required,
            optional: destination.optional,
            acknowledged: AtomicU64::new(state.acknowledged),
            required_behind,
            oldest_ms: AtomicI64::new(i64::MAX),
            is_removed: AtomicBool::new(false),
            known: Mutex::new(Known { state: state.clone(), outage }),
            ending: Ending::default(),
        }
    }

    /// Its successor of the same name goes on with what was told of its failure, and with who waits for it.
    pub(crate) fn succeed(&mut self, before: &Self, limits: crate::OutageLimits) {
        if before.required {
            self.required_behind = before.required_behind;
        }
        self.known().outage = before.known().outage.clone().limited(limits);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }

    pub(crate) fn is_removed(&self) -> bool {
        self.is_removed.load(Ordering::SeqCst)
    }

    /// Lets others see how it is doing.
    pub(crate) fn publish(&self, state: &State) {
        self.known().state.clone_from(state);
    }

    /// Notes that it was tried in vain, and says whether it is on record that it fails.
    pub(crate) fn failed(&self, failure: &Failure) -> bool {
        let mut known = self.known();
        known.outage.failed(failure, Instant::now());
        known.outage.is_told()
    }

    /// Nobody delivers to it, and why.
    pub(crate) fn broken(&self, why: &str) {
        let mut known = self.known();
        let since = known.state.failure.as_ref().map_or_else(Timestamp::now, |failure| failure.since);
        let failure =
            Failure { since, attempts: 0, message: why.to_owned(), on_record: known.outage.is_told() };
        known.outage.failed(&failure, Instant::now());
        known.state.failure = Some(failure);
    }

    pub(crate) fn works(&self) {
        self.known().outage.works();
    }

    pub(crate) fn is_failing(&self) -> bool {
        self.known().state.failure.is_some()
    }

    /// Has `tell` know what is due of its failure. It says whether it took it.
    pub(crate) fn tell_outage(&self, durable: u64, tell: impl FnOnce(&Outage) -> bool) {
        let now = Instant::now();
        let Some((failure, is_over)) =
            self.known().outage.due(now).map(|(it, is_over)| (it.clone(), is_over))
        else {
            return;
        };
        let outage = Outage {
            destination: self.name.clone(),
            since: failure.since,
            reason: failure.message.clone(),
            lag: durable.saturating_sub(self.acknowledged()),
            is_over,
        };
        if tell(&outage) {
            self.known().outage.told(failure, is_over, now);
        }
    }

    pub(crate) fn status(&self, durable: u64) -> PlaceStatus {
        let acknowledged = self.acknowledged();
        let lag = durable.saturating_sub(acknowledged);
        let oldest = Some(self.oldest_ms.load(Ordering::Relaxed)).filter(|_| lag > 0);
        let known = self.known();
        PlaceStatus {
            name: self.name.clone(),
            required: self.required,
            optional: self.optional,
            acknowledged,
            lag,
            oldest: oldest.and_then(|milliseconds| Timestamp::from_milliseconds(milliseconds).ok()),
            failing: known.state.failure.clone(),
            last_success: known.state.last_success,
            delivered: known.state.delivered,
            retried: known.state.retried,
            dead_lettered: known.state.dead_lettered,
        }
    }
}

/// How long after its time a follower may take to end: it lets go of its place meanwhile.
const GIVE_WAY: Duration = Duration::from_secs(2);

/// How a follower's end comes about: each has its own, as destinations come and go.
#[derive(Debug)]
pub(crate) struct Ending {
    closing: AtomicBool,
    /// The last record that it is still to send.
    last: AtomicU64,
    deadline: Mutex<Option<Instant>>,
    closed: Notify,
    /// What it lacked when its thread ended.
    end: OnceLock<Undelivered>,
}

impl Default for Ending {
    fn default() -> Self {
        Self {
            closing: AtomicBool::new(false),
            last: AtomicU64::new(u64::MAX),
            deadline: Mutex::new(None),
            closed: Notify::new(),
            end: OnceLock::new(),
        }
    }
}

impl Ending {
    /// Asks the follower to send what there is up to that record, and to end by then. It may sleep, and be woken by
    /// [`Progress::wake`](crate::progress::Progress::wake).
    pub(crate) fn close(&self, deadline: Instant, last: u64) {
        let mut sooner = self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        *sooner = Some(sooner.map_or(deadline, |before| before.min(deadline)));
        drop(sooner);
        // In this order: whoever sees that it is to end knows with which record.
        self.last.fetch_min(last, Ordering::SeqCst);
        self.closing.store(true, Ordering::SeqCst);
        self.closed.notify_waiters();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::SeqCst)
    }

    /// When whoever closes waits no longer.
    pub(crate) fn ends(&self) -> Option<Instant> {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn closing(&self) {
        until(&self.closed, || self.is_closing()).await;
    }

    /// Returns when whoever closes waits no longer.
    pub(crate) async fn deadline(&self) {
        self.closing().await;
        loop {
            let Some(deadline) = self.ends().filter(|deadline| *deadline > Instant::now()) else { return };
            let sooner = until(&self.closed, || self.ends().is_some_and(|now| now < deadline));
            let mut sooner = pin!(sooner);
            let _ = tokio::time::timeout_at(deadline.into(), &mut sooner).await;
        }
    }

    /// Whether the follower has ended, or whoever ends it has waited for its sink to give way, too.
    pub(crate) fn is_over(&self) -> bool {
        self.end.get().is_some() || self.ends().is_some_and(|ends: Instant| ends.elapsed() > GIVE_WAY)
    }

    /// What it lacked when its thread ended.
    pub(crate) fn end(&self) -> Option<&Undelivered> {
        self.end.get()
    }

    pub(crate) fn ended(&self, with: Undelivered) {
        let _ = self.end.set(with);
    }
}

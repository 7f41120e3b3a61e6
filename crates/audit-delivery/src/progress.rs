//! What the log and its followers know of each other.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use audit_model::Timestamp;
use tokio::sync::Notify;

use crate::Destination;
use crate::delivery::{Listener, Refused};

#[derive(Debug)]
pub(crate) struct Progress {
    /// The last record that is durable: what lies behind it may yet be cut off.
    durable: AtomicU64,
    /// Followers that sleep until there is more. Nobody is woken who does not sleep: a lone caller that waits for every
    /// record would pay for it.
    sleepers: AtomicUsize,
    changed: Notify,
    /// For those who wait for nothing but the end: each follower does all the time, and none is woken by a commit.
    closed: Notify,
    closing: AtomicBool,
    deadline: Mutex<Option<Instant>>,
    pub(crate) places: Vec<Place>,
    pub(crate) listener: Arc<dyn Listener>,
}

/// A destination as others see it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) required: bool,
    pub(crate) optional: bool,
    pub(crate) acknowledged: AtomicU64,
    /// When the event of the oldest record happened that is known not to be accepted yet, in milliseconds.
    pub(crate) oldest_ms: AtomicI64,
}

impl Place {
    pub(crate) fn new(destination: &Destination, acknowledged: u64) -> Self {
        Self {
            name: destination.name.clone(),
            required: destination.required,
            optional: destination.optional,
            acknowledged: AtomicU64::new(acknowledged),
            oldest_ms: AtomicI64::new(i64::MAX),
        }
    }
}

impl Progress {
    pub(crate) fn new(durable: u64, places: Vec<Place>, listener: Arc<dyn Listener>) -> Self {
        Self {
            durable: AtomicU64::new(durable),
            sleepers: AtomicUsize::new(0),
            changed: Notify::new(),
            closed: Notify::new(),
            closing: AtomicBool::new(false),
            deadline: Mutex::new(None),
            places,
            listener,
        }
    }

    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, durable: u64) {
        self.durable.store(durable, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }

    /// Asks the followers to send what there is, and to end by then.
    pub(crate) fn close(&self, deadline: Instant) {
        let mut sooner = self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        *sooner = Some(sooner.map_or(deadline, |before| before.min(deadline)));
        drop(sooner);
        self.closing.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
        self.closed.notify_waiters();
    }

    /// When whoever closes waits no longer.
    pub(crate) fn ends(&self) -> Option<Instant> {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells how time goes by while nothing else happens: those who wait for required destinations.
    pub(crate) fn tell(&self, refused: Vec<Refused>) {
        if let Some(through) = self.acknowledged_by_required() {
            self.listener.acknowledged(through, refused);
        }
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Returns when there are records behind `seen`, or none will come.
    pub(crate) async fn more_than(&self, seen: u64) {
        let _asleep = Asleep::new(&self.sleepers);
        until(&self.changed, || self.durable() > seen || self.is_closing()).await;
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
            let _ = tokio::time::timeout_at(deadline.into(), sooner).await;
        }
    }

    /// Tells the metrics how far behind a destination is.
    pub(crate) fn gauge_lag(&self, place: &Place) {
        let records = self.durable().saturating_sub(place.acknowledged.load(Ordering::SeqCst));
        let since = place.oldest_ms.load(Ordering::Relaxed);
        let now = Timestamp::now().as_milliseconds();
        let milliseconds = if records == 0 { 0 } else { now.saturating_sub(since).max(0) };
        let name = || place.name.clone();
        // Exact up to 2^53 of either.
        metrics::gauge!("audit_log_delivery_lag_records", "destination" => name()).set(records as f64);
        metrics::gauge!("audit_log_delivery_lag_seconds", "destination" => name())
            .set(milliseconds as f64 / 1000.0);
    }

    /// Up to where every destination has all.
    pub(crate) fn acknowledged_by_all(&self) -> u64 {
        Self::least(self.places.iter()).unwrap_or(u64::MAX)
    }

    /// Up to where every destination has all that is not optional.
    pub(crate) fn acknowledged_by_others(&self) -> u64 {
        Self::least(self.places.iter().filter(|place| !place.optional)).unwrap_or(u64::MAX)
    }

    /// Up to where every required destination has all; `None` when none is required.
    pub(crate) fn acknowledged_by_required(&self) -> Option<u64> {
        Self::least(self.places.iter().filter(|place| place.required))
    }

    fn least<'a>(places: impl Iterator<Item = &'a Place>) -> Option<u64> {
        places.map(|place| place.acknowledged.load(Ordering::SeqCst)).min()
    }
}

/// Returns when it holds; whoever changes that notifies.
async fn until(notify: &Notify, holds: impl Fn() -> bool) {
    loop {
        let mut notified = pin!(notify.notified());
        // From here on a change wakes; so what changed before is looked at now.
        notified.as_mut().enable();
        if holds() {
            return;
        }
        notified.await;
    }
}

/// Counted for as long as it lives: a future that is dropped sleeps no longer.
struct Asleep<'a>(&'a AtomicUsize);

impl<'a> Asleep<'a> {
    fn new(sleepers: &'a AtomicUsize) -> Self {
        sleepers.fetch_add(1, Ordering::SeqCst);
        Self(sleepers)
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

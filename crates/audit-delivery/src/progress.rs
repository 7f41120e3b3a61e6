//! What the log and its followers know of each other.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use audit_model::Timestamp;
use tokio::sync::Notify;

use crate::delivery::{Listener, Refused};
use crate::place::Place;

#[derive(Debug)]
pub(crate) struct Progress {
    /// The last record that is durable: what lies behind it may yet be cut off.
    durable: AtomicU64,
    /// Followers that sleep until there is more. Nobody is woken who does not sleep: a lone caller that waits for every
    /// record would pay for it.
    sleepers: AtomicUsize,
    changed: Notify,
    /// Locked for moments only: it is read with every commit that somebody waits for.
    places: RwLock<Vec<Arc<Place>>>,
    pub(crate) listener: Arc<dyn Listener>,
    /// For those who wait for the end of followers.
    end: Mutex<()>,
    ended: Condvar,
}

impl Progress {
    pub(crate) fn new(durable: u64, listener: Arc<dyn Listener>) -> Self {
        Self {
            durable: AtomicU64::new(durable),
            sleepers: AtomicUsize::new(0),
            changed: Notify::new(),
            places: RwLock::default(),
            listener,
            end: Mutex::new(()),
            ended: Condvar::new(),
        }
    }

    pub(crate) fn places(&self) -> RwLockReadGuard<'_, Vec<Arc<Place>>> {
        self.places.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn places_mut(&self) -> RwLockWriteGuard<'_, Vec<Arc<Place>>> {
        self.places.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn place(&self, name: &str) -> Option<Arc<Place>> {
        self.places().iter().find(|place| place.name == name).cloned()
    }

    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, durable: u64) {
        // Two may tell of it at once, and the later number counts.
        self.durable.fetch_max(durable, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }

    /// Has followers that sleep look whether they are to end.
    pub(crate) fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// Tells how time goes by while nothing else happens: those who wait for required destinations.
    pub(crate) fn tell(&self, refused: Vec<Refused>) {
        if let Some(through) = self.acknowledged_by_required() {
            self.listener.acknowledged(through, refused);
        }
    }

    /// Has those go on who waited for a destination that is not required any more.
    pub(crate) fn release(&self) {
        self.listener.acknowledged(self.acknowledged_by_required().unwrap_or(u64::MAX), Vec::new());
    }

    /// Returns when there are records behind `seen`, or the follower of that place is to end.
    pub(crate) async fn more_than(&self, seen: u64, place: &Place) {
        let _asleep = Asleep::new(&self.sleepers);
        until(&self.changed, || self.durable() > seen || place.ending.is_closing()).await;
    }

    /// Called when a follower has ended.
    pub(crate) fn note_end(&self) {
        drop(self.end.lock().unwrap_or_else(PoisonError::into_inner));
        self.ended.notify_all();
    }

    /// Waits until one of these followers has ended or is long over its time. Looks often, as somebody may give up.
    pub(crate) fn wait_for_end(&self, of: &[Arc<Place>]) {
        let mut guard = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        while !of.iter().any(|place| place.ending.is_over()) {
            let waited = self.ended.wait_timeout(guard, Duration::from_millis(50));
            (guard, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Tells the metrics how far behind a destination is.
    pub(crate) fn gauge_lag(&self, place: &Place) {
        if place.is_removed() {
            return;
        }
        let records = self.durable().saturating_sub(place.acknowledged());
        let since = place.oldest_ms.load(Ordering::Relaxed);
        let now = Timestamp::now().as_milliseconds();
        let milliseconds = if records == 0 { 0 } else { now.saturating_sub(since).max(0) };
        gauge(&place.name, records, milliseconds);
    }

    /// Up to where every destination has all.
    pub(crate) fn acknowledged_by_all(&self) -> u64 {
        self.places().iter().map(|place| place.acknowledged()).min().unwrap_or(u64::MAX)
    }

    /// Up to where every destination has all that is not optional.
    pub(crate) fn acknowledged_by_others(&self) -> u64 {
        let places = self.places();
        let others = places.iter().filter(|place| !place.optional);
        others.map(|place| place.acknowledged()).min().unwrap_or(u64::MAX)
    }

    /// Up to where every required destination has all that callers wait for; `None` when none is required.
    pub(crate) fn acknowledged_by_required(&self) -> Option<u64> {
        let places = self.places();
        let required = places.iter().filter(|place| place.required);
        required.map(|place| place.acknowledged().max(place.required_behind)).min()
    }
}

/// Tells the metrics that nobody is behind any more.
pub(crate) fn gauge_nothing(name: &str) {
    gauge(name, 0, 0);
}

fn gauge(name: &str, records: u64, milliseconds: i64) {
    // Exact up to 2^53 of either.
    metrics::gauge!("audit_log_delivery_lag_records", "destination" => name.to_owned()).set(records as f64);
    metrics::gauge!("audit_log_delivery_lag_seconds", "destination" => name.to_owned())
        .set(milliseconds as f64 / 1000.0);
}

/// Returns when it holds; whoever changes that notifies.
pub(crate) async fn until(notify: &Notify, holds: impl Fn() -> bool) {
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

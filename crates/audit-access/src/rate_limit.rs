use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use audit_model::Timestamp;

use crate::network::network;

/// How much one caller may send: so many at once, and so many a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Events a second, in the long run.
    pub events_per_second: NonZeroU32,
    /// Events at once, after a pause. A single request that is larger is let in when nothing was sent for a while, and what it took
    /// too much is waited off after it: refused for good, its events would never arrive.
    pub burst: NonZeroU32,
}

/// What callers have used of their rates: a token bucket for each, and a bounded number of those.
///
/// Our own and not `governor`'s, whose keyed limiter grows with each key until it is told to shrink, and keeps time by itself.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    known: Mutex<Table<String>>,
    strangers: Mutex<Table<IpAddr>>,
}

/// How many buckets there are of each kind. Who comes when all are in use shares one with all others who do; so a stranger with many
/// addresses neither fills the memory nor takes a bucket from a known caller.
const MAX_BUCKETS: usize = 16_384;

#[derive(Debug)]
struct Table<K> {
    buckets: HashMap<K, Bucket>,
    overflow: Option<Bucket>,
    swept: Option<Timestamp>,
}

/// Thousandths of an event: at a rate of so many events a second, a bucket gets that many of them each millisecond, without rounding.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    level: i64,
    at: Timestamp,
}

impl Buckets {
    pub(crate) fn admit_known(
        &self,
        limit: RateLimit,
        identity: &str,
        events: u32,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let mut table = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked up first, so that a caller who is there already costs no allocation.
        if let Some(bucket) = table.buckets.get_mut(identity) {
            return bucket.take(limit, events, now);
        }
        table.admit(limit, identity.to_owned(), events, now)
    }

    /// A stranger counts with their whole network: addresses in an IPv6 /64 cost nothing.
    pub(crate) fn admit_stranger(
        &self,
        limit: RateLimit,
        peer: IpAddr,
        events: u32,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let mut table = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        table.admit(limit, network(peer), events, now)
    }
}

impl<K: std::hash::Hash + Eq> Table<K> {
    fn admit(&mut self, limit: RateLimit, key: K, events: u32, now: Timestamp) -> Result<(), Duration> {
        if self.buckets.len() >= MAX_BUCKETS && !self.buckets.contains_key(&key) {
            // A bucket that has filled up says nothing. Looking for those costs a walk over all, so no more than one a second.
            if self.swept.is_none_or(|swept| milliseconds_between(swept, now) >= 1000 || now < swept) {
                self.swept = Some(now);
                self.buckets.retain(|_, bucket| !bucket.is_full(limit, now));
            }
            if self.buckets.len() >= MAX_BUCKETS {
                return self
                    .overflow
                    .get_or_insert_with(|| Bucket::full(limit, now))
                    .take(limit, events, now);
            }
        }
        self.buckets.entry(key).or_insert_with(|| Bucket::full(limit, now)).take(limit, events, now)
    }
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { buckets: HashMap::new(), overflow: None, swept: None }
    }
}

impl Bucket {
    fn full(limit: RateLimit, now: Timestamp) -> Self {
        Self { level: capacity(limit), at: now }
    }

    fn is_full(self, limit: RateLimit, now: Timestamp) -> bool {
        self.refilled(limit, now) >= capacity(limit)
    }

    fn refilled(self, limit: RateLimit, now: Timestamp) -> i64 {
        let rate = i64::from(limit.events_per_second.get());
        let more = milliseconds_between(self.at, now).max(0).saturating_mul(rate);
        self.level.saturating_add(more).min(capacity(limit))
    }

    fn take(&mut self, limit: RateLimit, events: u32, now: Timestamp) -> Result<(), Duration> {
        self.level = self.refilled(limit, now);
        // Also when the clock was set back: otherwise nobody would be let in until it is where it was.
        self.at = now;
        let wanted = i64::from(events) * 1000;
        let missing = wanted.min(capacity(limit)) - self.level;
        if missing > 0 {
            let milliseconds = missing.unsigned_abs().div_ceil(u64::from(limit.events_per_second.get()));
            return Err(Duration::from_millis(milliseconds));
        }
        self.level -= wanted;
        Ok(())
    }
}

fn capacity(limit: RateLimit) -> i64 {
    i64::from(limit.burst.get()) * 1000
}

fn milliseconds_between(earlier: Timestamp, later: Timestamp) -> i64 {
    later.as_milliseconds() - earlier.as_milliseconds()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(1_764_000_000_000 + milliseconds).unwrap()
    }

    fn limit(events_per_second: u32, burst: u32) -> RateLimit {
        RateLimit {
            events_per_second: events_per_second.try_into().unwrap(),
            burst: burst.try_into().unwrap(),
        }
    }

    #[test]
    fn strangers_from_a_million_addresses_share_what_is_left_and_spare_the_known() {
        let buckets = Buckets::default();
        let limit = limit(10, 5);
        assert!(buckets.admit_known(limit, "token:ci", 5, at(0)).is_ok());
        let admitted = (0..1_000_000u32)
            .filter(|address| buckets.admit_stranger(limit, IpAddr::V4((*address).into()), 1, at(0)).is_ok())
            .count();
        assert_eq!(admitted, MAX_BUCKETS + 5);
        assert_eq!(buckets.strangers.lock().unwrap().buckets.len(), MAX_BUCKETS);
        assert!(buckets.admit_known(limit, "token:other", 5, at(0)).is_ok());
        // A second later all are full again, and make room.
        assert!(buckets.admit_stranger(limit, "2001:db8::1".parse().unwrap(), 5, at(1000)).is_ok());
        assert!(buckets.strangers.lock().unwrap().buckets.len() < 10);
    }

    #[test]
    fn a_network_of_ipv6_is_one_stranger() {
        let buckets = Buckets::default();
        let admit = |peer: &str| buckets.admit_stranger(limit(1, 1), peer.parse().unwrap(), 1, at(0));
        assert!(admit("2001:db8::1").is_ok());
        assert!(admit("2001:db8::ffff:2").is_err());
        assert!(admit("2001:db8:0:1::1").is_ok());
        assert!(admit("10.0.0.1").is_ok());
        assert!(admit("::ffff:10.0.0.1").is_err());
        assert!(admit("10.0.0.2").is_ok());
    }

    #[test]
    fn a_request_larger_than_the_burst_waits_for_a_full_bucket_and_is_paid_off_later() {
        let buckets = Buckets::default();
        let admit = |events, milliseconds| {
            buckets.admit_known(limit(1000, 5000), "token:ci", events, at(milliseconds))
        };
        assert!(admit(10_000, 0).is_ok());
        assert_eq!(admit(1, 0), Err(Duration::from_millis(5001)));
        assert_eq!(admit(10_000, 5001), Err(Duration::from_millis(4999)));
        assert!(admit(10_000, 10_000).is_ok());
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let buckets = Buckets::default();
        let admit = |milliseconds| buckets.admit_known(limit(1, 1), "token:ci", 1, at(milliseconds));
        assert!(admit(3_600_000).is_ok());
        assert_eq!(admit(0), Err(Duration::from_secs(1)));
        assert!(admit(1000).is_ok());
    }
}

//! How much callers and strangers are let do.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::net::IpAddr;
use std::time::Duration;

use audit_access::{Access, Caller, Denial, Presented, RateLimit, Role};
use audit_model::Timestamp;
use proptest::prelude::*;

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(1_790_000_000_000 + milliseconds).unwrap()
}

fn limited(events_per_second: u32, burst: u32) -> Access {
    Access::default().rate_limit(RateLimit {
        events_per_second: events_per_second.try_into().unwrap(),
        burst: burst.try_into().unwrap(),
    })
}

proptest! {
    #[test]
    fn never_more_than_the_burst_and_the_rate(
        rate in 1..5000u32, burst in 1..5000u32, requests in prop::collection::vec((0..3000i64, 1..5000u32), 1..60)
    ) {
        let access = limited(rate, burst);
        let caller = Caller::new("token:ci", [Role::Ingest]);
        let (mut now, mut admitted, mut largest) = (0, 0u64, 0);
        for (pause, events) in requests {
            now += pause;
            if access.admit(&caller, events, at(now)).is_ok() {
                admitted += u64::from(events);
                largest = largest.max(events);
            }
            // A single request that is larger than the burst is let in after a pause, and paid off.
            let most = u64::from(burst.max(largest)) * 1000 + u64::from(rate) * now.unsigned_abs();
            prop_assert!(admitted * 1000 <= most, "{admitted} in {now} ms");
        }
    }

    #[test]
    fn who_waits_as_told_is_let_in(rate in 1..5000u32, burst in 1..5000u32, first in 1..20_000u32, second in 1..20_000u32) {
        let access = limited(rate, burst);
        let caller = Caller::new("token:ci", [Role::Ingest]);
        access.admit(&caller, first, at(0)).unwrap();
        if let Err(Denial::RateLimited { retry_after, identity }) = access.admit(&caller, second, at(0)) {
            prop_assert_eq!(identity, "token:ci");
            let wait = i64::try_from(retry_after.as_millis()).unwrap();
            prop_assert!(access.admit(&caller, second, at(wait - 1)).is_err());
            prop_assert!(access.admit(&caller, second, at(wait)).is_ok());
        }
    }
}

#[test]
fn each_caller_has_their_own_and_nobody_without_a_limit() {
    let access = limited(1, 10);
    let [ci, other] = ["token:ci", "token:other"].map(|identity| Caller::new(identity, [Role::Ingest]));
    assert!(access.admit(&ci, 10, at(0)).is_ok());
    assert!(access.admit(&ci, 1, at(0)).is_err());
    assert!(access.admit(&other, 10, at(0)).is_ok());
    assert!(Access::default().admit(&ci, u32::MAX, at(0)).is_ok());
}

#[test]
fn what_was_used_survives_a_new_configuration() {
    let old = limited(1, 10);
    let ci = Caller::new("token:ci", [Role::Ingest]);
    old.admit(&ci, 10, at(0)).unwrap();
    for new in [limited(1, 20).sharing_rates_with(&old), old.clone().anonymous([Role::Read])] {
        let denied = new.admit(&ci, 1, at(0)).unwrap_err();
        assert_eq!(
            denied,
            Denial::RateLimited { identity: "token:ci".into(), retry_after: Duration::from_secs(1) }
        );
    }
}

#[test]
fn failures_of_a_network_are_limited_and_do_not_lock_out_its_others() {
    let mut tokens = audit_access::Tokens::default();
    let secret = tokens.create(audit_access::NewToken::new("ci", [Role::Ingest]), at(0)).unwrap();
    let access = limited(1, 3).tokens(tokens);
    let from = |bearer, peer: &str| {
        let peer: IpAddr = peer.parse().unwrap();
        access.identify(&Presented::from_peer(Some(peer)).bearer(Some(bearer)), at(0))
    };
    for host in 1..=3 {
        let denied = from("wrong", &format!("2001:db8::{host}")).unwrap_err();
        assert!(matches!(denied, Denial::Unauthenticated { reason: "unknown_token", .. }));
    }
    let denied = from("wrong", "2001:db8::4").unwrap_err();
    assert_eq!(
        denied,
        Denial::RateLimited { identity: "peer:2001:db8::/64".into(), retry_after: Duration::from_secs(1) }
    );
    let caller = from(secrecy::ExposeSecret::expose_secret(&secret), "2001:db8::4").unwrap();
    assert_eq!(caller.identity, "token:ci");
    assert_eq!(caller.actor().ip_address.as_deref(), Some("2001:db8::4"));
    assert!(matches!(from("wrong", "2001:db8:1::1"), Err(Denial::Unauthenticated { .. })));
}

#[test]
fn who_shows_nothing_is_let_in_from_this_machine_only() {
    let access = limited(1, 1).anonymous([Role::Ingest]);
    let from = |peer: Option<&str>| {
        access.identify(&Presented::from_peer(peer.map(|peer| peer.parse().unwrap())), at(0))
    };
    for local in [None, Some("127.0.0.1"), Some("::1"), Some("::ffff:127.0.0.1")] {
        assert_eq!(from(local).unwrap().identity, "anonymous");
    }
    for remote in ["10.0.0.1", "2001:db8::1", "0.0.0.0"] {
        assert_eq!(from(Some(remote)), Err(Denial::NoCredentials));
    }
    assert_eq!(Access::default().identify(&Presented::default(), at(0)), Err(Denial::NoCredentials));
    // A bad token is not made good by being local.
    assert!(access.identify(&Presented::default().bearer(Some("x")), at(0)).is_err());
}

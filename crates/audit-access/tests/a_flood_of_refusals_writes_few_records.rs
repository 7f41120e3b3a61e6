//! How many records refusals and log-ins make, and that none is missing from their counts.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use audit_access::{Caller, Denial, Logins, Presented, Refusals, Role};
use audit_model::{Event, Timestamp};
use proptest::prelude::*;

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(1_790_000_000_000 + milliseconds).unwrap()
}

fn unknown() -> Denial {
    Denial::Unauthenticated { reason: "unknown_token", claimed: None }
}

fn from(address: u32) -> Presented<'static> {
    Presented::from_peer(Some(IpAddr::V4(Ipv4Addr::from_bits(address)))).bearer(Some("alog_hunter2"))
}

fn count(event: &Event) -> u64 {
    event.details["count"].as_u64().unwrap()
}

fn total(events: &[Event]) -> u64 {
    events.iter().map(count).sum()
}

#[test]
fn the_first_at_once_and_then_one_a_minute() {
    let mut refusals = Refusals::new();
    let mut note =
        |milliseconds| refusals.note(&unknown(), &from(1), "POST /v1/events?token=hunter2", at(milliseconds));
    let first = note(0).unwrap();
    assert_eq!((first.event_type.as_str(), count(&first)), ("auth.failed", 1));
    assert_eq!(first.details["reason"], "unknown_token");
    assert_eq!(first.details["operation"], "POST /v1/events");
    assert_eq!(first.actor.as_ref().unwrap().ip_address.as_deref(), Some("0.0.0.1"));
    assert_eq!(first.action.as_ref().unwrap().result.as_ref().unwrap().as_str(), "failure");
    assert!(!String::from_utf8(first.to_canonical_json().unwrap()).unwrap().contains("hunter2"));
    for milliseconds in 1..60_000 {
        assert_eq!(note(milliseconds), None);
    }
    let second = note(60_000).unwrap();
    assert_eq!(count(&second), 60_000);
    assert_eq!(second.details["first"], at(1).to_string());
    assert_eq!(second.details["last"], at(60_000).to_string());
    assert_eq!(note(60_001), None);
    assert_eq!(refusals.flush(at(119_999)), []);
    let third = refusals.flush(at(120_000));
    assert_eq!((third.len(), total(&third)), (1, 1));
    assert_eq!(refusals.flush(at(180_000)), []);
    assert!(refusals.note(&unknown(), &from(1), "", at(180_000)).is_some(), "at once again");
}

#[test]
fn a_hundred_thousand_from_ten_thousand_addresses() {
    let mut refusals = Refusals::new();
    let mut events = Vec::new();
    // In five seconds, each address in turn.
    for attempt in 0..100_000u32 {
        events.extend(refusals.note(
            &unknown(),
            &from(attempt % 10_000),
            "POST /v1/events",
            at(i64::from(attempt) / 20),
        ));
    }
    assert_eq!(events.len(), 257);
    events.extend(refusals.drain(at(5000)));
    assert_eq!(total(&events), 100_000);
    assert_eq!(events.len(), 257 + 257);
    let various: Vec<_> = events.iter().filter(|event| event.details["reason"] == "various").collect();
    assert_eq!(various.len(), 2);
    assert_eq!(various[1].details["reasons"]["unknown_token"], 100_000 - 2560 - 1);
    assert_eq!(refusals.drain(at(5000)), []);
}

#[test]
fn who_is_known_and_may_not_is_access_denied() {
    let mut refusals = Refusals::new();
    let missing = Denial::MissingRole { identity: "token:ci".into(), needed: Role::Read };
    let event = refusals.note(&missing, &from(1), "GET /v1/status", at(0)).unwrap();
    assert_eq!(event.event_type.as_str(), "access.denied");
    assert_eq!(event.actor.as_ref().unwrap().id.as_deref(), Some("token:ci"));
    assert_eq!(event.action.as_ref().unwrap().result.as_ref().unwrap().as_str(), "denied");
    assert_eq!(
        (&event.details["reason"], &event.details["required_role"]),
        (&"missing_role".into(), &"read".into())
    );
    let limited = Denial::RateLimited { identity: "token:ci".into(), retry_after: Duration::from_secs(1) };
    let event = refusals.note(&limited, &from(1), "POST /v1/events", at(0)).unwrap();
    assert_eq!(
        (event.event_type.as_str(), &event.details["reason"]),
        ("access.denied", &"rate_limited".into())
    );
    let stranger =
        Denial::RateLimited { identity: "peer:0.0.0.1".into(), retry_after: Duration::from_secs(1) };
    let event = refusals.note(&stranger, &from(1), "POST /v1/events", at(0)).unwrap();
    assert_eq!(event.actor.unwrap().id, None);
    let nothing = refusals.note(&Denial::NoCredentials, &Presented::default(), "socket", at(0)).unwrap();
    assert_eq!((nothing.event_type.as_str(), nothing.actor), ("auth.failed", None));
    let huge = Denial::Unauthenticated { reason: "expired", claimed: Some("x".repeat(1 << 20)) };
    let event = refusals.note(&huge, &from(1), &"y".repeat(1 << 20), at(0)).unwrap();
    assert!(event.to_canonical_json().unwrap().len() < 2000);
}

proptest! {
    #[test]
    fn whatever_comes_the_counts_are_exact_and_the_records_few(
        attempts in prop::collection::vec((0..2000i64, 0..600u32, 0..4usize, any::<bool>()), 1..2000)
    ) {
        let mut refusals = Refusals::new();
        let denials = [
            unknown(),
            Denial::NoCredentials,
            Denial::MissingRole { identity: "token:ci".into(), needed: Role::Admin },
            Denial::RateLimited { identity: "token:ci".into(), retry_after: Duration::from_secs(1) },
        ];
        let (mut now, mut events) = (0, Vec::new());
        for (pause, address, denial, flush) in &attempts {
            now += pause;
            events.extend(refusals.note(&denials[*denial], &from(*address), "x", at(now)));
            if *flush {
                events.extend(refusals.flush(at(now)));
            }
        }
        let minutes = usize::try_from(now / 60_000).unwrap() + 1;
        prop_assert!(events.len() <= 258 * minutes);
        events.extend(refusals.drain(at(now)));
        prop_assert_eq!(total(&events), attempts.len() as u64);
    }
}

#[test]
fn a_clock_that_is_set_back_holds_nothing_up() {
    let mut refusals = Refusals::new();
    assert!(refusals.note(&unknown(), &from(1), "x", at(10_000_000)).is_some());
    assert!(refusals.note(&unknown(), &from(1), "x", at(0)).is_some());
}

#[test]
fn a_credential_is_on_record_when_it_is_first_used_from_somewhere() {
    let mut logins = Logins::new();
    let ci = |peer: &str| Caller::new("token:ci", [Role::Ingest]).peer(Some(peer.parse().unwrap()));
    let first = logins.note(&ci("10.0.0.5"), at(0)).unwrap();
    assert_eq!(first.event_type.as_str(), "auth.login");
    let actor = first.actor.unwrap();
    assert_eq!((actor.id.as_deref(), actor.ip_address.as_deref()), (Some("token:ci"), Some("10.0.0.5")));
    assert_eq!(first.details["method"], "token");
    assert_eq!(logins.note(&ci("10.0.0.5"), at(1)), None);
    assert!(logins.note(&ci("10.0.0.6"), at(2)).is_some());
    assert_eq!(logins.note(&ci("10.0.0.5"), at(3_599_000)), None);
    assert_eq!(logins.note(&ci("10.0.0.5"), at(7_198_999)), None);
    assert!(logins.note(&ci("10.0.0.5"), at(7_198_999 + 3_600_000)).is_some());
    assert_eq!(logins.note(&Caller::new("anonymous", [Role::Ingest]), at(0)), None);
}

#[test]
fn a_credential_that_is_used_from_everywhere_writes_few_records() {
    let mut logins = Logins::new();
    let mut note = |host: u32, milliseconds| {
        logins.note(
            &Caller::new("token:ci", [Role::Ingest]).peer(Some(IpAddr::V4(host.into()))),
            at(milliseconds),
        )
    };
    let events: Vec<_> = (0..50_000).filter_map(|host| note(host, 0)).collect();
    assert_eq!(events.len(), 4096 + 1);
    assert_eq!(note(50_000, 59_999), None);
    let more = note(50_001, 60_000).unwrap();
    assert_eq!(count(&more), 50_000 - 4096 - 1 + 2);
    assert_eq!(note(50_002, 60_001), None);
    assert_eq!(logins.flush(at(119_999)), None);
    assert_eq!(count(&logins.flush(at(120_000)).unwrap()), 1);
    assert_eq!(logins.flush(at(180_000)), None);
}

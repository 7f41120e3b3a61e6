//! However the records are parted among threads, the report is the same.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod sample;

use audit_model::Event;
use audit_report::{Report, Tally};
use proptest::prelude::*;
use sample::{event, everything, made, october, sound, take, tally};
use serde_json::json;

fn any_event() -> impl Strategy<Value = Event> {
    let types = prop::sample::select(vec![
        "backup.started",
        "backup.failed",
        "access.denied",
        "config.changed",
        "audit.started",
        "audit.stopped",
        "audit.events_lost",
        "audit.log_tampered",
        "alert.fired",
        "alert.resolved",
        "alert.notify_failed",
        "own.type",
    ]);
    let result = prop::sample::select(vec!["success", "failure", "denied", "odd"]);
    (types, result, 0..45_i64, 0..4_u8, 0..6_u32).prop_map(|(event_type, result, day, actor, id)| {
        let at = october().from().as_milliseconds() + (day - 5) * 86_400_000;
        let at = audit_model::Timestamp::from_milliseconds(at).unwrap();
        let mut value = json!({"timestamp": at.to_string(), "event_type": event_type, "event_id": format!("e{id}"),
            "resource": {"type": "audit_log", "id": format!("log{actor}")},
            "details": {"alert_id": format!("alert-{id}"), "rule": "r", "count": id, "repeat": id % 2, "error": format!("{id}")}});
        if actor > 0 {
            value["actor"] = json!({"id": format!("actor{actor}")});
        }
        if result != "odd" {
            value["action"] = json!({"result": result});
        }
        event(&value)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_split_gives_the_same(
        mut events in prop::collection::vec(any_event(), 0..120),
        cuts in prop::collection::vec(0..140_usize, 0..5),
    ) {
        events.extend(everything());
        let whole = Report::new(tally(october(), &events), sound(), made());
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(events.len())).collect();
        cuts.extend([0, events.len()]);
        cuts.sort_unstable();
        let parts: Vec<Tally> =
            cuts.windows(2).map(|cut| tally(october(), &events[cut[0]..cut[1]])).collect();
        let left = parts.iter().cloned().fold(Tally::new(october()), Tally::merge);
        // The other way of putting parentheses.
        let right = parts.into_iter().rev().fold(Tally::new(october()), |later, part| part.merge(later));
        for merged in [left, right] {
            prop_assert_eq!(&Report::new(merged, sound(), made()), &whole);
        }
    }

    #[test]
    fn what_is_not_notable_need_not_be_observed(events in prop::collection::vec(any_event(), 0..120)) {
        let mut all = Tally::new(october());
        for event in &events {
            take(&mut all, event);
        }
        let lazily = Report::new(tally(october(), &events), sound(), made());
        let mut eager = Tally::new(october());
        for event in &events {
            let result = event.action.as_ref().and_then(|action| action.result.as_ref());
            let actor = event.actor.as_ref().and_then(|actor| actor.id.as_deref());
            eager.count(event.timestamp, event.event_type.as_str(), result.map(|it| it.as_str()), actor);
            eager.observe(event);
        }
        prop_assert_eq!(Report::new(eager, sound(), made()), lazily);
    }
}

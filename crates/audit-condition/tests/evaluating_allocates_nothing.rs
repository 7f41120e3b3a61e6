//! Trying a condition, or a set of them, allocates nothing, whatever it tests.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_condition::{Condition, ConditionSet};
use audit_model::{Action, Actor, Context, Event, EventType, Timestamp};
use serde_json::json;

const CONDITIONS: &[&str] = &[
    "event_type == 'restore.started' and context.environment == 'production'",
    "event_type in ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'restore.started')",
    "event_type like 'restore.%' and actor.id ilike '%ALICE%' and actor.id like '_l%@%'",
    "actor.id contains 'alice' and actor.id starts_with 'a' and actor.id ends_with 'y' or actor.id matches '^a.*e$'",
    "actor.ip_address in cidr('10.0.0.0/8', '2001:db8::/32') and not actor.ip_address in cidr('10.1.0.0/16')",
    "timestamp > now - 7d and hour(timestamp, 'Europe/Berlin') between 0 and 23 and weekday(timestamp) < 8",
    "details.until > now - 7d or details.topics < now or hour(details.until, 'America/New_York') = 3",
    "details.topics.name = 'orders' and details.`my key`.x >= 1.5 and details.a.b.c is null",
    "'admin' in actor.roles and action.duration_ms > 5m and details.flag and actor.id != resource.id",
    "details.number = 9007199254740991 or details.number between 1 and 10 or details.number in (1, 2.5, 'x')",
];

#[test]
fn of_any_kind() {
    let event = Event::new(
        EventType::RESTORE_STARTED,
        Actor::user("alice@company").role("admin"),
        Action::success("restore").duration_ms(400_000),
    )
    .context(Context::new().environment("production"))
    .detail("topics", json!([{"name": ["payments", "orders"]}, "2024-13-99T99:99:99Z"]))
    .detail("my key", json!({"x": 2}))
    .detail("until", "2024-12-10T12:00:00Z")
    .detail("flag", true)
    .detail("number", 9_007_199_254_740_991u64);
    let now = Timestamp::from_milliseconds(1_733_000_000_000).unwrap();
    let conditions: Vec<Condition> = CONDITIONS.iter().map(|text| Condition::parse(text).unwrap()).collect();
    let set: ConditionSet = conditions.iter().cloned().collect();
    for condition in &conditions {
        // The first time the regular expression engine makes its scratch space.
        let expected = condition.matches(&event, now);
        let counted = allocation_counter::measure(|| {
            for _ in 0..10 {
                assert_eq!(condition.matches(&event, now), expected);
            }
        });
        assert_eq!(counted.count_total, 0, "{condition}");
    }
    let counted = allocation_counter::measure(|| {
        let mut found = 0;
        set.matching(&event, now, |_| found += 1);
        assert!(found > 3);
        assert!(set.may_match_type("restore.started"));
    });
    assert_eq!(counted.count_total, 0);
    assert!(allocation_counter::measure(|| drop(event.clone())).count_total > 0, "the counter counts");
}

//! The laws of the README, one example each.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_condition::{Condition, FieldValue, Path};
use audit_model::{Event, Timestamp, Value};
use serde_json::json;

fn event() -> Event {
    let json = json!({
        "event_type": "backup.failed",
        "timestamp": "2024-12-01T23:30:15.500Z",
        "actor": {"id": "O'Brien", "ip_address": "::ffff:10.1.2.3", "roles": ["sysadmin", "auditor"], "department": "ops"},
        "action": {"duration_ms": 300_000, "result": "failure"},
        "resource": {"path": r"C:\new\100%"},
        "context": {"environment": "production", "shard": 7},
        "details": {
            "topics": [{"name": "orders"}, {"name": ["payments", null]}],
            "sizes": [1, [9, 30]], "empty": [], "nothing": null, "big": 9_007_199_254_740_991u64, "half": 0.5,
            "flag": true, "until": "2024-12-02T00:30:00+02:00", "number": "5", "my key": {"x": 1},
        },
        "tenant": {"id": "t1"},
    });
    Event::from_value(json, Timestamp::from_milliseconds(0).unwrap()).unwrap()
}

#[test]
fn in_every_row() {
    let now = "2024-12-02T00:00:00Z".parse().unwrap();
    let event = event();
    for (truth, condition) in [
        // equality, order, lists
        (true, "event_type == 'backup.failed'"),
        (true, "'backup.failed' = event_type"),
        (false, "event_type <> 'backup.failed'"),
        (true, "actor.id = 'O''Brien' and actor.id = 'O\\'Brien' and actor.id = \"O'Brien\""),
        (false, "actor.id = 'o''brien'"),
        (true, "actor.id ilike 'o''BRIEN'"),
        (true, "action.duration_ms = 5m and action.duration_ms >= 300s and action.duration_ms < 5m1s"),
        (true, "action.result in ('denied', 'failure') AND action.result NOT IN ('success')"),
        (true, "300000 <= action.duration_ms"),
        (true, "context.shard between 7 and 7 and context.shard not between 8 and 9"),
        // precedence: not, and, or
        (true, "true or true and false"),
        (false, "(true or true) and false"),
        (true, "not false or true"),
        (false, "not (false or true)"),
        (true, "!false && true || false"),
        // texts and patterns
        (true, r"resource.path = 'C:\new\100%'"),
        (true, r"resource.path like '%\\\\100\%'"),
        (false, r"resource.path like '%100'"),
        (true, r"resource.path matches '\d{3}%$'"),
        (true, "event_type ~ 'fail' and event_type =~ '^backup' and event_type !~ '^fail'"),
        (
            true,
            "event_type starts_with 'backup.' and event_type ends_with 'failed' and event_type contains 'up.f'",
        ),
        (true, "event_type like 'backup.%' and event_type like 'backup.failed' and actor.id like '%B_ien'"),
        (false, "event_type like 'backup.' or event_type like 'restore.%' or event_type like '%.fail'"),
        // missing and null
        (false, "resource.id = 'x'"),
        (true, "resource.id != 'x'"),
        (true, "resource.id is null and not resource.id exists and not exists(resource.id)"),
        (true, "details.nothing is null and details.empty is not null and details.absent is null"),
        (false, "actor.id is null"),
        (true, "details.topics.name exists and details.topics.size is null"),
        // any element
        (true, "details.topics.name = 'orders' and details.topics.name = 'payments'"),
        (false, "details.topics.name != 'orders'"),
        (true, "details.topics.name != 'users'"),
        (true, "details.sizes > 20 and details.sizes < 2"),
        (false, "details.sizes between 10 and 20"),
        (true, "30 in details.sizes and 5 not in details.sizes"),
        (false, "'admin' in actor.roles"),
        (true, "actor.roles contains 'admin'"),
        (true, "'auditor' in actor.roles and actor.roles = 'auditor'"),
        (false, "details.empty = 1"),
        (true, "details.empty != 1"),
        // types
        (false, "details.number = 5"),
        (false, "details.number < 9 or details.number >= 9"),
        (true, "details.flag and details.flag = true and not details.half"),
        (true, "details.half = 0.5 and details.half < 1 and details.half > 0"),
        (true, "details.big = 9007199254740991 and details.big > 9007199254740990.5"),
        (true, "details.big = 9007199254740991.0"),
        // odd names
        (true, "actor.`department` = 'ops' and `tenant`.id = 't1' and details.`my key`.x = 1"),
        // addresses
        (true, "actor.ip_address in cidr('10.0.0.0/8')"),
        (true, "actor.ip_address in cidr('::ffff:10.0.0.0/104')"),
        (false, "actor.ip_address in cidr('::/0')"),
        (false, "actor.id in cidr('0.0.0.0/0')"),
        // times
        (true, "timestamp >= '2024-12-01' and timestamp < '2024-12-02'"),
        (true, "timestamp = '2024-12-02T00:30:15.500+01:00'"),
        (
            true,
            "timestamp > now - 30m and timestamp < now and now - 30m < timestamp and now() - 29m > timestamp",
        ),
        (true, "hour(timestamp) = 23 and minute(timestamp) = 30 and weekday(timestamp) = 7"),
        (true, "hour(timestamp, '+01:00') = 0 and weekday(timestamp, '+01:00') = 1"),
        (true, "hour(timestamp, 'America/New_York') = 18 and hour(timestamp, 'Asia/Kolkata') = 5"),
        (true, "details.until < now and details.until > now - 2h and hour(details.until) = 22"),
        (true, "timestamp > details.until"),
        (false, "details.number < now or details.number >= now"),
        (false, "details.until = '2024-12-01T22:30:00Z'"),
    ] {
        let read = Condition::parse(condition).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read.matches(&event, now), truth, "{}", read.explain(&event, now));
        let complement = Condition::parse(&format!("not ({condition})")).unwrap();
        assert_eq!(complement.matches(&event, now), !truth, "{complement}");
    }
}

#[test]
fn paths_find_what_conditions_test() {
    let event = event();
    for (path, shown) in [
        ("event_type", "backup.failed"),
        ("actor.id", "O'Brien"),
        ("actor.roles", r#"["sysadmin","auditor"]"#),
        ("action.duration_ms", "300000"),
        ("timestamp", "2024-12-01T23:30:15.500Z"),
        ("context.shard", "7"),
        ("details.topics.name", "orders"),
        ("details.sizes", "[1,[9,30]]"),
        ("details.`my key`.x", "1"),
        ("`tenant`.id", "t1"),
        ("actor.`department`", "ops"),
    ] {
        let read = Path::parse(path).unwrap();
        assert_eq!(read.to_string(), path);
        assert_eq!(read.get(&event).unwrap().to_string(), shown);
        assert_eq!(Path::parse(&read.to_string()).unwrap(), read);
    }
    for path in ["resource.id", "details.nothing", "details.absent.x", "`other`"] {
        assert_eq!(Path::parse(path).unwrap().get(&event), None, "{path}");
    }
    assert_eq!(Path::parse("actor.`id`").unwrap(), Path::parse("actor.id").unwrap());
    assert_eq!(Path::parse("action.duration_ms").unwrap().get(&event), Some(FieldValue::Number(300_000)));
    assert_eq!(
        Path::parse("actor.roles").unwrap().get(&event).unwrap().to_value(),
        json!(["sysadmin", "auditor"])
    );
}

#[test]
fn explanations_tell_what_was_found() {
    let now = "2024-12-02T00:00:00Z".parse().unwrap();
    let text = "not (actor.id = 'bob') and (details.topics.name = 'users'\n or hour(timestamp, '+01:00') > 5) and resource.id = actor.id";
    let condition: Condition = text.parse().unwrap();
    let explanation = condition.explain(&event(), now);
    assert_eq!(
        explanation.to_string(),
        r#"✗ not (actor.id = 'bob') and (details.topics.name = 'users' or hour(timestamp, '+01:00') > 5) and resource.id = actor.id
  ✓ not (actor.id = 'bob')
    ✗ actor.id = 'bob'   (actor.id: "O'Brien")
  ✗ details.topics.name = 'users' or hour(timestamp, '+01:00') > 5
    ✗ details.topics.name = 'users'   (details.topics.name: ["orders",["payments",null]])
    ✗ hour(timestamp, '+01:00') > 5   (hour(timestamp, '+01:00'): 0)
  ✗ resource.id = actor.id   (resource.id: missing, actor.id: "O'Brien")"#
    );
    let value = explanation.to_value();
    assert_eq!(value["true"], Value::Bool(false));
    assert_eq!(value["parts"][0]["parts"][0]["found"], json!({"actor.id": "O'Brien"}));
    assert_eq!(value["parts"][2]["missing"], json!(["resource.id"]));
    assert_eq!(explanation.parts()[1].parts()[1].found()[0].value, Some(json!(0)));
}

#[test]
fn conditions_are_told_apart_by_their_text_and_can_be_shared() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    let condition: Condition = "actor.id = 'x'".parse().unwrap();
    shared(&condition);
    assert_eq!(condition, condition.clone());
    assert_ne!(condition, Condition::parse("actor.id  = 'x'").unwrap());
    assert_eq!(format!("{condition} {condition:?}"), r#"actor.id = 'x' Condition("actor.id = 'x'")"#);
}

#[test]
fn types_that_no_condition_can_match_are_known_without_the_event() {
    for (condition, yes, no) in [
        ("event_type = 'a.b' and actor.id = 'x'", "a.b", "a.c"),
        ("event_type in ('a.b', 'c') or event_type like 'd.%'", "d.x", "e"),
        ("event_type ends_with '.failed'", "a.failed", "a.done"),
        ("not (event_type != 'a.b')", "a.b", "a.c"),
        ("event_type like 'a.%' and event_type != 'a.b'", "a.c", "a.b"),
        ("event_type matches '^a' or false", "ab", "b"),
        ("event_type > 'm' and actor.id is null", "n", "a"),
        ("event_type exists and event_type between 'b' and 'c'", "b.x", "d"),
    ] {
        let read = Condition::parse(condition).unwrap();
        assert!(read.may_match_type(yes) && !read.may_match_type(no), "{condition}");
        let set: audit_condition::ConditionSet = [read].into_iter().collect();
        assert!(set.may_match_type(yes) && !set.may_match_type(no), "{condition}");
    }
    assert!(Condition::parse("actor.id = 'x' or event_type = 'a'").unwrap().may_match_type("b"));
    assert!(!Condition::parse("event_type is null").unwrap().may_match_type("b"));
}

//! The coalescer: what is joined, what is not, and what holds for any events.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::HashSet;
use std::time::Duration;

use audit_model::{Action, Event, EventId, EventType, MAX_SAFE_INTEGER, Timestamp, Value};
use audit_ocsf::{Coalesced, Coalescer};
use proptest::prelude::*;
use serde_json::json;

/// The first time of the sample in which Redpanda counts.
const START: i64 = 1_700_533_480_724;

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(START + milliseconds).unwrap()
}

fn written(milliseconds: i64) -> Value {
    time(milliseconds).to_string().into()
}

fn denied(milliseconds: i64, user: &str) -> Event {
    let mut event = Event::at(time(milliseconds), EventType::ACCESS_DENIED).detail("user", user);
    event.event_id = EventId::from(format!("evt_{user}_{milliseconds}"));
    event
}

fn with(mut event: Event, name: &str, value: Value) -> Event {
    event.extra.insert(name.to_owned(), value);
    event
}

fn changed(mut event: Event, change: impl FnOnce(&mut Event)) -> Event {
    change(&mut event);
    event
}

fn seconds<T>(seconds: u64) -> Coalescer<T> {
    Coalescer::new().rule([], Duration::from_secs(seconds))
}

/// All that comes out of these events.
fn all(mut coalescer: Coalescer<usize>, events: &[Event]) -> Vec<Coalesced<usize>> {
    let mut out = Vec::new();
    for (index, event) in events.iter().enumerate() {
        out.extend(coalescer.push(event.clone(), index));
    }
    out.extend(coalescer.finish());
    assert!(coalescer.finish().is_empty());
    out
}

fn items(out: &[Coalesced<usize>]) -> Vec<Vec<usize>> {
    out.iter().map(|coalesced| coalesced.items.clone()).collect()
}

#[test]
fn as_in_redpanda_s_sample() {
    let out = all(seconds(60), &[denied(0, "user"), denied(1, "user")]);
    assert_eq!(items(&out), [[0, 1]]);
    let event = &out[0].event;
    assert_eq!((event.event_id.as_str(), event.timestamp), ("evt_user_0", time(0)), "the first one");
    let expected =
        json!({"count": 2, "start_time": "2023-11-21T02:24:40.724Z", "end_time": "2023-11-21T02:24:40.725Z"});
    assert_eq!(Value::Object(event.extra.clone()), expected);
    assert_eq!(event.details["user"], "user");
}

#[test]
fn the_first_to_come_is_kept_with_the_earliest_time() {
    let out = all(seconds(60), &[denied(500, "a"), denied(200, "a"), denied(900, "a")]);
    let event = &out[0].event;
    assert_eq!((event.event_id.as_str(), event.timestamp), ("evt_a_500", time(200)));
    assert_eq!(
        [&event.extra["count"], &event.extra["start_time"], &event.extra["end_time"]],
        [&json!(3), &written(200), &written(900)]
    );
}

#[test]
fn one_alone_is_as_it_came() {
    let counted = with(with(denied(7, "a"), "count", json!(5)), "start_time", json!("2023-11-21T02:24:40Z"));
    for event in [denied(7, "a"), counted] {
        let out = all(seconds(60), std::slice::from_ref(&event));
        let [alone] = &out[..] else { panic!("{out:?}") };
        assert_eq!((&alone.event, &alone.items), (&event, &vec![0]));
    }
}

#[test]
fn what_differs_in_anything_but_time_and_id_stays_apart() {
    let mut events = vec![
        denied(0, "a"),
        denied(0, "b"),
        denied(0, "a").detail("more", 1),
        with(denied(0, "a"), "tenant", json!(1)),
        with(denied(0, "a"), "tenant", json!("1")),
        changed(denied(0, "a"), |event| event.event_type = EventType::ACCESS_GRANTED),
        changed(denied(0, "a"), |event| event.version = "1.1".into()),
        changed(denied(0, "a"), |event| event.action = Some(Action::denied("read"))),
        changed(denied(0, "a"), |event| event.action = Some(Action::denied("read").duration_ms(3))),
    ];
    let kinds = events.len();
    events.extend(events.clone());
    let out = all(seconds(60), &events);
    assert_eq!(items(&out), (0..kinds).map(|kind| vec![kind, kind + kinds]).collect::<Vec<_>>());
}

#[test]
fn a_window_is_as_long_as_the_rule_says_and_no_longer() {
    let out = all(seconds(1), &[denied(0, "a"), denied(1000, "a"), denied(1001, "a"), denied(1500, "a")]);
    assert_eq!(items(&out), [[0, 1], [2, 3]]);
    let late = all(seconds(1), &[denied(0, "a"), denied(900, "a"), denied(-100, "a"), denied(-101, "a")]);
    assert_eq!(items(&late), [vec![0, 1, 2], vec![3]], "the other way round as well");
    assert_eq!(late[0].event.timestamp, time(-100));
    let none = all(seconds(0), &[denied(0, "a"), denied(0, "a"), denied(1, "a")]);
    assert_eq!(items(&none), [vec![0, 1], vec![2]]);
    let ever = Coalescer::new().rule([], Duration::MAX);
    let ends = [-62_167_219_200_000, 253_402_207_200_000].map(|end| {
        let mut event = denied(0, "a");
        event.timestamp = Timestamp::from_milliseconds(end).unwrap();
        event
    });
    assert_eq!(items(&all(ever, &ends)), [[0, 1]]);
}

#[test]
fn the_first_rule_that_is_about_a_type_counts() {
    let rules = || {
        Coalescer::new()
            .rule(["access.*".parse().unwrap(), "auth.failed".parse().unwrap()], Duration::from_secs(1))
            .rule(["access.denied".parse().unwrap(), "auth.login".parse().unwrap()], Duration::from_secs(9))
    };
    let of = |event_type: EventType| {
        let event =
            |milliseconds| changed(denied(milliseconds, "a"), |event| event.event_type = event_type.clone());
        items(&all(rules(), &[event(0), event(5000), event(5000)]))
    };
    assert_eq!(of(EventType::ACCESS_DENIED), [vec![0], vec![1, 2]]);
    assert_eq!(of(EventType::AUTH_FAILED), [vec![0], vec![1, 2]]);
    assert_eq!(of(EventType::AUTH_LOGIN), [vec![0, 1, 2]]);
    assert_eq!(of(EventType::BACKUP_STARTED), [[0], [1], [2]]);
    assert_eq!(
        items(&all(Coalescer::new(), &[denied(0, "a"), denied(0, "a")])),
        [[0], [1]],
        "off by default"
    );
}

#[test]
fn what_was_coalesced_before_is_coalesced_again() {
    let first = all(seconds(60), &[denied(0, "a"), denied(900, "a")]).remove(0).event;
    let second = all(seconds(60), &[denied(300, "a"), denied(400, "a"), denied(2000, "a")]).remove(0).event;
    let out = all(seconds(60), &[second, first, denied(100, "a")]);
    let extra = json!({"count": 6, "start_time": written(0), "end_time": written(2000)});
    assert_eq!(Value::Object(out[0].event.extra.clone()), extra);
    assert_eq!(out[0].event.timestamp, time(0));

    let long = with(denied(0, "a"), "end_time", written(1001));
    let out = all(seconds(1), &[denied(0, "a"), long.clone(), denied(0, "a")]);
    assert_eq!(items(&out), [vec![1], vec![0, 2]], "longer than the window by itself");
    assert_eq!(out[0].event, long);
    let out = all(seconds(1), &[denied(2, "a"), with(denied(1, "a"), "end_time", written(1000))]);
    assert_eq!(items(&out), [[0, 1]]);
}

#[test]
fn fields_that_mean_something_else_keep_their_event_by_itself() {
    let wrong = [
        ("count", json!("2")),
        ("count", json!(0)),
        ("count", json!(-1)),
        ("count", json!(1.5)),
        ("count", json!(1e300)),
        ("count", json!(u64::MAX)),
        ("count", json!(MAX_SAFE_INTEGER + 1)),
        ("count", json!(null)),
        ("count", json!([2])),
        ("start_time", json!("yesterday")),
        ("start_time", json!(1_700_533_480_724_i64)),
        ("end_time", json!({})),
        ("version", json!("an event has one of its own, so this has no canonical JSON")),
    ];
    for (name, value) in wrong {
        let odd = with(denied(1, "a"), name, value.clone());
        let out = all(seconds(60), &[denied(0, "a"), odd.clone(), odd.clone(), denied(2, "a")]);
        assert_eq!(items(&out), [vec![1], vec![2], vec![0, 3]], "{name} {value}");
        assert_eq!(out[0].event, odd);
        assert_eq!(out[2].event.extra["count"], 2);
    }
    let out = all(seconds(60), &[denied(0, "a"), with(denied(1, "a"), "count", json!(2.0))]);
    assert_eq!(out[0].event.extra["count"], 3, "2.0 is 2 in canonical JSON");
}

#[test]
fn a_sum_that_could_not_be_written_is_never_made() {
    let most = with(denied(0, "a"), "count", json!(MAX_SAFE_INTEGER - 1));
    let out = all(seconds(60), &[most, denied(1, "a"), denied(2, "a"), denied(3, "a")]);
    assert_eq!(items(&out), [[0, 1], [2, 3]]);
    assert_eq!(out[0].event.extra["count"], MAX_SAFE_INTEGER);
    assert!(out.iter().all(|coalesced| coalesced.event.to_canonical_json().is_ok()));
}

#[test]
fn what_is_over_comes_out_in_the_order_in_which_it_began() {
    let mut coalescer = seconds(1);
    for (index, event) in
        [denied(500, "a"), denied(0, "b"), denied(100, "c"), denied(50, "a")].into_iter().enumerate()
    {
        assert!(coalescer.push(event, index).is_empty());
    }
    assert!(coalescer.expire(time(1000)).is_empty(), "an event of that time could join b");
    assert_eq!(items(&coalescer.expire(time(1051))), [vec![0, 3], vec![1]]);
    assert!(coalescer.expire(time(1100)).is_empty());
    assert!(coalescer.push(denied(2000, "c"), 4).iter().all(|out| out.items == [2]));
    assert_eq!(items(&coalescer.finish()), [[4]]);
    assert!(coalescer.expire(time(1 << 40)).is_empty());
}

#[test]
fn beyond_a_bound_what_began_first_is_given_out() {
    let users = ["a", "b", "a", "c", "b", "a"];
    let events: Vec<Event> = users.iter().map(|user| denied(0, user)).collect();
    assert_eq!(items(&all(seconds(60).max_groups(2), &events)), [vec![0, 2], vec![1, 4], vec![3], vec![5]]);
    assert_eq!(items(&all(seconds(60).max_items(3), &events)), [vec![0, 2], vec![1, 4], vec![3], vec![5]]);
    let unnamed = changed(denied(0, "a"), |event| event.event_id = EventId::from(""));
    let one = unnamed.to_canonical_json().unwrap().len();
    assert_eq!(
        items(&all(seconds(60).max_bytes(2 * one), &events)),
        [vec![0, 2], vec![1, 4], vec![3], vec![5]]
    );
    for nothing in [seconds(60).max_groups(0), seconds(60).max_items(0), seconds(60).max_bytes(one - 1)] {
        assert_eq!(items(&all(nothing, &events)), [[0], [1], [2], [3], [4], [5]]);
    }
}

/// What is done to a coalescer.
#[derive(Clone, Debug)]
enum Step {
    Push(Box<Event>),
    Expire(i64),
}

fn event() -> impl Strategy<Value = Event> {
    let user = prop::sample::select(vec!["a", "b", "c", "d"]);
    let count = prop_oneof![
        6 => Just(None),
        2 => (1..5_u64).prop_map(|count| Some(json!(count))),
        1 => prop::sample::select(vec![
            json!("x"), json!(0), json!(-3), json!(1e308), json!(u64::MAX), json!(null), json!(MAX_SAFE_INTEGER), json!(2.0),
        ]).prop_map(Some),
    ];
    let edge = || {
        prop_oneof![
            5 => Just(None),
            1 => (-30..30_i64).prop_map(|at| Some(written(at))),
            1 => Just(Some(json!("never"))),
        ]
    };
    (user, -30..30_i64, count, edge(), edge()).prop_map(|(user, at, count, start, end)| {
        let fields = [("count", count), ("start_time", start), ("end_time", end)];
        let set = |event, (name, value): (&str, Option<Value>)| match value {
            Some(value) => with(event, name, value),
            None => event,
        };
        fields.into_iter().fold(denied(at, user), set)
    })
}

/// How many events an event stands for, as anybody would count them.
fn count(event: &Event) -> u128 {
    let whole = |count: &Value| match count.as_u64() {
        Some(count) => Some(count),
        None => {
            count.as_f64().filter(|count| count.fract() == 0.0 && *count < 1e10).map(|count| count as u64)
        }
    };
    let count = event.extra.get("count").and_then(whole);
    u128::from(count.filter(|count| (1..=MAX_SAFE_INTEGER).contains(count)).unwrap_or(1))
}

fn times(event: &Event) -> Vec<i64> {
    let named = ["start_time", "end_time"].into_iter().filter_map(|name| event.extra.get(name));
    let named = named.filter_map(|time| time.as_str()?.parse::<Timestamp>().ok());
    named.chain([event.timestamp]).map(Timestamp::as_milliseconds).collect()
}

/// An event without what may differ between those that are joined.
fn content(event: &Event) -> Value {
    let mut event = event.clone();
    event.timestamp = time(0);
    event.event_id = EventId::from("");
    event.extra.retain(|name, _| !["count", "start_time", "end_time"].contains(&name.as_str()));
    serde_json::to_value(event).unwrap()
}

proptest! {
    #[test]
    fn whatever_comes_nothing_is_lost_or_mixed(
        steps in prop::collection::vec(
            prop_oneof![8 => event().prop_map(|event| Step::Push(Box::new(event))), 1 => (-40..60_i64).prop_map(Step::Expire)],
            0..80,
        ),
        window in 0..40_u64,
        max_groups in 0..5_usize,
        max_items in 0..20_usize,
    ) {
        let mut coalescer =
            Coalescer::new().rule([], Duration::from_millis(window)).max_groups(max_groups).max_items(max_items);
        let (mut events, mut out, mut open) = (Vec::new(), Vec::new(), HashSet::new());
        for step in steps {
            let complete = match step {
                Step::Push(event) => {
                    let index = events.len();
                    events.push((*event).clone());
                    open.insert(index);
                    coalescer.push(*event, index)
                }
                Step::Expire(at) => {
                    let complete = coalescer.expire(time(at));
                    let last = |coalesced: &Coalesced<usize>| {
                        coalesced.items.iter().flat_map(|item| times(&events[*item])).min()
                    };
                    let limit = time(at).as_milliseconds() - window as i64;
                    prop_assert!(complete.iter().all(|coalesced| last(coalesced) < Some(limit)));
                    complete
                }
            };
            for item in complete.iter().flat_map(|coalesced| &coalesced.items) {
                prop_assert!(open.remove(item), "an item comes out once");
            }
            prop_assert!(open.len() <= max_items);
            let kinds: HashSet<String> = open.iter().map(|item| content(&events[*item]).to_string()).collect();
            prop_assert!(kinds.len() <= max_groups);
            out.extend(complete);
        }
        let left = coalescer.finish();
        prop_assert!(left.is_sorted_by_key(|coalesced| coalesced.items[0]));
        out.extend(left);

        let mut items: Vec<usize> = out.iter().flat_map(|coalesced| coalesced.items.clone()).collect();
        items.sort_unstable();
        prop_assert_eq!(items, (0..events.len()).collect::<Vec<_>>(), "every item comes out, once");
        let sum = |all: &mut dyn Iterator<Item = &Event>| all.map(count).sum::<u128>();
        prop_assert_eq!(sum(&mut out.iter().map(|out| &out.event)), sum(&mut events.iter()));
        for Coalesced { event, items, .. } in &out {
            prop_assert!(items.is_sorted());
            let members: Vec<&Event> = items.iter().map(|item| &events[*item]).collect();
            if let [member] = members[..] {
                prop_assert_eq!(event, member, "untouched");
                continue;
            }
            let times: Vec<i64> = members.iter().flat_map(|member| times(member)).collect();
            let (first, last) = (*times.iter().min().unwrap(), *times.iter().max().unwrap());
            prop_assert!(last - first <= window as i64);
            let at = |milliseconds| json!(Timestamp::from_milliseconds(milliseconds).unwrap().to_string());
            prop_assert_eq!(&event.extra["start_time"], &at(first));
            prop_assert_eq!(&event.extra["end_time"], &at(last));
            prop_assert_eq!(event.timestamp.as_milliseconds(), first);
            prop_assert_eq!(&event.event_id, &members[0].event_id);
            prop_assert_eq!(u128::from(event.extra["count"].as_u64().unwrap()), members.iter().map(|it| count(it)).sum());
            prop_assert!(members.iter().all(|member| content(member) == content(event)));
        }
    }
}

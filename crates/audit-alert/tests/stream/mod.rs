//! Rules, and streams of events that are written as tables.
#![allow(dead_code, clippy::unwrap_used, reason = "a test that fails may panic, and no test uses all of it")]

use std::time::Duration;

use audit_alert::{Alert, PrecededBy, Rule, RuleOptions, Rules, State, Status};
use audit_condition::{Condition, Path};
use audit_model::{Action, Actor, Event, EventId, Timestamp};

pub(crate) const DENIED: &str = "event_type == 'access.denied'";

pub(crate) fn options() -> RuleOptions {
    RuleOptions::default()
}

pub(crate) fn rule(condition: &str, options: RuleOptions) -> Rule {
    Rule::new("rule", Condition::parse(condition).unwrap(), options).unwrap()
}

pub(crate) fn rules(condition: &str, options: RuleOptions) -> Rules {
    Rules::new(vec![rule(condition, options)]).unwrap()
}

pub(crate) fn by_actor() -> Vec<Path> {
    vec![Path::parse("actor.id").unwrap()]
}

pub(crate) fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

pub(crate) fn minutes(minutes: u64) -> Option<Duration> {
    seconds(60 * minutes)
}

pub(crate) fn preceded_by(condition: &str, threshold: u32, window: Option<Duration>) -> Option<PrecededBy> {
    let condition = Condition::parse(condition).unwrap();
    Some(PrecededBy { threshold, ..PrecededBy::new(condition, window.unwrap()) })
}

/// 2026-01-01, and so many milliseconds.
pub(crate) fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(1_767_225_600_000 + milliseconds).unwrap()
}

pub(crate) fn event(at: i64, event_type: &str, actor: &str, id: &str) -> Event {
    let mut event = Event::at(time(at), event_type.parse().unwrap());
    event.event_id = EventId::from(id);
    if actor != "?" {
        event.actor = Some(Actor::user(actor));
    }
    event.action = Some(Action::denied("restore"));
    event
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) struct Happening {
    pub(crate) now: i64,
    /// None: time passes, and nothing else.
    pub(crate) event: Option<Event>,
}

/// `minutes:seconds`, then what happens: `.` (nothing), or `actor`, with `:type` (else access.denied), `@minutes:seconds` when
/// the event's own time is another, and `#id` when its id matters.
pub(crate) fn happening(line: &str, number: usize) -> Happening {
    let (now, what) = line.trim().split_once(' ').unwrap_or_else(|| panic!("line {number}: `{line}`"));
    let now = milliseconds(now);
    let what = what.trim();
    if what == "." {
        return Happening { now, event: None };
    }
    let (what, id) =
        what.split_once('#').map_or((what, format!("evt_{number}")), |(w, id)| (w, id.to_owned()));
    let (what, at) = what.split_once('@').map_or((what, now), |(w, at)| (w, milliseconds(at)));
    let (actor, event_type) = what.split_once(':').unwrap_or((what, "access.denied"));
    Happening { now, event: Some(event(at, event_type, actor, &id)) }
}

pub(crate) fn milliseconds(text: &str) -> i64 {
    let (minutes, seconds) = text.split_once(':').unwrap_or_else(|| panic!("`{text}` is no time"));
    minutes.parse::<i64>().unwrap() * 60_000 + (seconds.parse::<f64>().unwrap() * 1000.0).round() as i64
}

/// What is told when that happens: first because of the time that it is, then because of the event.
pub(crate) fn play(rules: &Rules, state: &mut State, happening: &Happening) -> Vec<Alert> {
    let mut alerts = rules.tick(state, time(happening.now));
    if let Some(event) = &happening.event {
        alerts.extend(rules.observe(state, event, time(happening.now)));
    }
    alerts
}

/// Plays a table, and compares what is told with what stands behind `->` in it. Whatever is told at a time that is not in the
/// table is an error: the clock calls as `next_tick` wishes.
pub(crate) fn check(rules: &Rules, table: &str) {
    let mut state = State::default();
    let _ = rules.tick(&mut state, time(0));
    let mut played = String::new();
    let lines: Vec<&str> = table.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    for (number, line) in lines.iter().enumerate() {
        let (what, expected) = line.split_once("->").unwrap_or((line, ""));
        let happening = happening(what, number);
        while let Some(due) = rules.next_tick(&state).filter(|due| *due < time(happening.now)) {
            let alerts = rules.tick(&mut state, due);
            assert!(alerts.is_empty(), "before line `{line}`, at {due}: {}", told(&alerts));
            let next = rules.next_tick(&state);
            assert!(next.is_none_or(|next| next > due), "nothing was done at {due}, before `{line}`");
        }
        let alerts = play(rules, &mut state, &happening);
        played += &format!("{} -> {}\n", what.trim(), told(&alerts));
        assert_eq!(told(&alerts), expected.trim(), "in line `{line}` of\n{table}\nso far:\n{played}");
    }
}

pub(crate) fn told(alerts: &[Alert]) -> String {
    alerts.iter().map(one_told).collect::<Vec<_>>().join(", ")
}

fn one_told(alert: &Alert) -> String {
    let what = match (alert.status, alert.repeat, alert.summed_up) {
        (Status::Fired, 0, None) => "fired".to_owned(),
        (Status::Fired, 0, Some(alerts)) => format!("{alerts} more"),
        (Status::Fired, repeat, _) => format!("again[{repeat}]"),
        _ => "resolved".to_owned(),
    };
    let group = alert.group.iter().flat_map(|group| group.values());
    let group: String = group.map(|value| format!(" {}", value.as_str().unwrap_or("?"))).collect();
    format!("{what}{group} {}", alert.count)
}

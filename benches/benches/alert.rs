//! What do alert rules cost for each event of the log?
//!
//! `cargo xtask bench alert`
//!
//! `Rules::observe` with 1, 100 and 1000 rules, each about a type of its own, so that at most one matches an event; with one
//! rule of which the window is always full; and with one threshold rule that counts in 100,000 groups. The goal is that of the
//! conditions: a thousand rules cost at most 50 times one.

use std::hint::black_box;
use std::time::Duration;

use audit_alert::{Rule, RuleOptions, Rules, State};
use audit_benches::{Sides, Table, is_measuring, rate};
use audit_condition::{Condition, Path};
use audit_model::{Action, Actor, Event, EventType, Timestamp};
use criterion::{Criterion, Throughput};

const GROUPS: u64 = 100_000;

fn rules(count: usize, options: &RuleOptions) -> Rules {
    let rule = |number: usize| {
        let event_type =
            if number == 0 { "access.denied".to_owned() } else { format!("custom.type_{number}") };
        let condition = format!("event_type == '{event_type}' and action.result == 'denied'");
        let condition = Condition::parse(&condition).expect("a condition");
        Rule::new(format!("rule-{number}"), condition, options.clone()).expect("a rule")
    };
    Rules::new((0..count).map(rule).collect()).expect("each has a name of its own")
}

fn spike() -> RuleOptions {
    RuleOptions { threshold: 10, window: Some(Duration::from_secs(300)), ..RuleOptions::default() }
}

fn by_actor() -> RuleOptions {
    RuleOptions { group_by: vec![Path::parse("actor.id").expect("a path")], max_groups: 1_000_000, ..spike() }
}

/// A log that never ends: events that were made before, one a millisecond.
struct Log {
    events: Vec<Event>,
    time: i64,
}

impl Log {
    /// Every event is an `access.denied`, or every tenth.
    fn new(all: bool, actors: u64) -> Self {
        let event = |number: u64| {
            let denied = all || number.is_multiple_of(10);
            let event_type = if denied { EventType::ACCESS_DENIED } else { EventType::BACKUP_COMPLETED };
            // A step that visits every actor before any of them again, and in no order.
            let actor = Actor::user(format!("user-{}", number * 48_271 % actors));
            Event::new(event_type, actor, Action::denied("restore"))
        };
        Self { events: (0..actors).map(event).collect(), time: 1_700_000_000_000 }
    }
}

/// One side: rules, their state and a log.
struct Side {
    rules: Rules,
    state: State,
    log: Log,
}

impl Side {
    fn new(count: usize, options: &RuleOptions, all: bool, actors: u64) -> Self {
        Self { rules: rules(count, options), state: State::default(), log: Log::new(all, actors) }
    }

    fn turn(&mut self, events: usize) {
        let Self { rules, state, log } = self;
        // Another part of the events each time, so that a short turn visits all groups in the end.
        let skip = usize::try_from(log.time).expect("after 1970") % log.events.len();
        let count = log.events.len();
        for number in 0..events {
            let event = &mut log.events[(skip + number) % count];
            log.time += 1;
            event.timestamp = Timestamp::from_milliseconds(log.time).expect("in range");
            black_box(rules.observe(state, event, event.timestamp));
        }
    }
}

fn main() {
    let sides = || {
        [
            ("no rule", Side::new(0, &spike(), false, 1000)),
            ("1 rule", Side::new(1, &spike(), false, 1000)),
            ("100 rules", Side::new(100, &spike(), false, 1000)),
            ("1000 rules", Side::new(1000, &spike(), false, 1000)),
            ("1 rule, every event matches", Side::new(1, &spike(), true, 1000)),
            ("1 rule, 100,000 groups", Side::new(1, &by_actor(), true, GROUPS)),
        ]
    };

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("alert, 1000 events");
    group.throughput(Throughput::Elements(1000)).sample_size(20).measurement_time(Duration::from_secs(2));
    group.warm_up_time(Duration::from_millis(500));
    for (name, mut side) in sides() {
        group.bench_function(name, |b| b.iter(|| side.turn(1000)));
    }
    group.finish();
    criterion.final_summary();

    if is_measuring() {
        const EVENTS: usize = 200_000;
        let mut sides = sides();
        let mut measured = Sides::new();
        for (name, side) in &mut sides {
            measured = measured.side(name, || rate(EVENTS as u64, || side.turn(EVENTS)));
        }
        let rates = measured.measure(11);
        let mut table = Table::new("alert");
        table.ratio(&rates, "1000 rules", "1 rule", Some(0.02));
        table.ratio(&rates, "100 rules", "1 rule", None);
        table.ratio(&rates, "1 rule, 100,000 groups", "1 rule, every event matches", None);
        for name in [
            "no rule",
            "1 rule",
            "100 rules",
            "1000 rules",
            "1 rule, every event matches",
            "1 rule, 100,000 groups",
        ] {
            table.rate(&rates, name, "k events/s", 1e3);
        }
        table.note("every tenth event matches, except where all do");
        table.print();
    }
}

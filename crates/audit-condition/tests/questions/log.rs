use std::collections::BTreeSet;

use audit_model::{Action, Actor, Event, EventType, Resource, Timestamp};

use crate::translation::now;
use crate::translation::random::Random;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// What is nearly of a type that is asked for.
const LOOKALIKES: [&str; 5] = [
    "backup.failed_over",
    "backups.listed",
    "restore.completed.partly",
    "billing.failed",
    "restores.planned",
];

const ASKED_FOR: [&str; 6] = [
    "backup.failed",
    "access.denied",
    "restore.completed",
    "restore.failed",
    "validate.failed",
    "backup.completed",
];

const PEOPLE: [&str; 8] = [
    "bob@company.com",
    "alice@company.com",
    "Bob@company.com",
    "bob@company.com.evil.example",
    "o'brien \"ob\" \\ brien",
    "ci-runner",
    "日本",
    "deploy@company.com",
];

/// A log of seven weeks before now, with many events in its last days, in no order. No two of what a question asks for in
/// their order are at the same time.
pub(crate) fn events(seed: u64, count: usize) -> Vec<Event> {
    let mut random = Random::new(seed);
    let mut times = BTreeSet::new();
    let mut events = Vec::new();
    // Where a time begins or ends, and just before.
    let month = |text: &str| text.parse::<Timestamp>().unwrap().as_milliseconds();
    let (first, end) = (month("2024-11-01T00:00:00Z"), month("2024-12-01T00:00:00Z"));
    let limits = [now().as_milliseconds() - DAY, now().as_milliseconds() - 7 * DAY, first, end];
    for time in limits.into_iter().flat_map(|limit| [limit - 1, limit]) {
        times.insert(time);
        events.extend(ASKED_FOR[..3].iter().map(|event_type| event(&mut random, time, event_type)));
    }
    while events.len() < count {
        let back = [DAY, 9 * DAY, 49 * DAY][random.below(3)];
        let time = now().as_milliseconds() - random.below(usize::try_from(back).unwrap()) as i64;
        if times.insert(time) {
            let event_type = match random.below(10) {
                0..5 => random.pick(&ASKED_FOR),
                5 => random.pick(&LOOKALIKES),
                _ => EventType::CATALOGUE[random.below(EventType::CATALOGUE.len())].0.as_str(),
            };
            events.push(event(&mut random, time, event_type));
        }
    }
    for index in (1..events.len()).rev() {
        events.swap(index, random.below(index + 1));
    }
    events
}

fn event(random: &mut Random, time: i64, event_type: &str) -> Event {
    let mut event = Event::at(Timestamp::from_milliseconds(time).unwrap(), event_type.parse().unwrap());
    if random.chance(92) {
        event.actor = Some(Actor::user(random.pick(&PEOPLE)).role("operator").ip_address("10.0.0.50"));
    }
    let (area, outcome) = event_type.split_once('.').unwrap();
    if random.chance(90) {
        event.action = Some(match outcome {
            "failed" => Action::failure(area),
            "denied" => Action::denied(area),
            _ => Action::success(area).duration_ms(random.below(100_000) as u64),
        });
        event = event.resource(Resource::new(area, format!("{area}-{}", random.below(5))));
    }
    if outcome == "failed" && random.chance(80) {
        event = event.detail(
            "error",
            random.pick(&["disk full", "it said \"no\"\nand left", "a\\b", "Zeit überschritten"]),
        );
    }
    if outcome == "denied" && random.chance(90) {
        event = event
            .detail("operation", random.pick(&["restore", "delete"]))
            .detail("resource", random.pick(&["topic:production-orders", "topic:it's"]))
            .detail("reason", "insufficient_permissions");
    }
    event
}

/// The log's lines, as `docs/formats.md` has them; the seals are made up.
pub(crate) fn text(events: &[Event], is_sealed: bool) -> String {
    let seal = "sha256:00000000000000000000000000000000000000000000000000000000000000ff";
    let line = |(event, number): (&Event, u32)| {
        let json = String::from_utf8(event.to_canonical_json().unwrap()).unwrap();
        if !is_sealed {
            return json + "\n";
        }
        format!(
            "{{\"event\":{json},\"integrity\":{{\"chain_id\":\"main\",\"previous_signature\":\"{seal}\",\
             \"sequence_number\":{number},\"signature\":\"{seal}\"}}}}\n"
        )
    };
    events.iter().zip(1..).map(line).collect()
}

//! What is found by looking for texts and at a few members of a line is what is found by reading every line whole.
//!
//! `AUDIT_TEST_SEED` and `AUDIT_TEST_ROUNDS` make longer runs.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod generated;

use audit_condition::{Condition, Path};
use audit_model::{Event, Timestamp};
use audit_search::{Input, NoEvent, Query, read_event};
use generated::conditions::conditions;
use generated::events::{Shape, TEXTS, events};
use generated::random::Random;
use generated::{Found, bytes, find, line, now};

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

const FIELDS: [&str; 12] = [
    "event_type",
    "actor.id",
    "timestamp",
    "event_id",
    "version",
    "actor.roles",
    "action.duration_ms",
    "details.topics",
    "details.n",
    "details.a.b.c",
    "context.region",
    "`tenant`.id",
];

fn query(condition: Option<Condition>, random: &mut Random) -> Query {
    let mut query = Query { condition, ..Query::default() };
    let around = |random: &mut Random| {
        Timestamp::from_milliseconds(
            now().as_milliseconds() - 864_000_000 + random.below(1_728_000_000) as i64,
        )
    };
    if random.chance(15) {
        query.since = Some(around(random).unwrap());
    }
    if random.chance(15) {
        query.until = Some(around(random).unwrap());
    }
    if random.chance(15) {
        let patterns = ["backup.failed", "backup.*", "*.login", "*", "auth.failed", "a*b"];
        query.types = (0..=random.below(2)).map(|_| random.pick(&patterns).parse().unwrap()).collect();
    }
    if random.chance(10) {
        query.actors = (0..=random.below(3)).map(|_| random.pick(&TEXTS).to_owned()).collect();
    }
    let count = random.below(FIELDS.len());
    query.fields = (0..count).map(|_| Path::parse(random.pick(&FIELDS)).unwrap()).collect();
    query
}

/// What reading every line whole finds.
fn expected(lines: &[(String, Result<Event, NoEvent>)], query: &Query) -> Vec<Found> {
    let of_line = |(number, (line, event)): (usize, &(String, Result<Event, NoEvent>))| {
        let line = line.trim_end_matches('\r');
        match event {
            Ok(event) if query.matches(event, now()) => {
                let field = |path: &Path| path.get(event).map(|value| value.to_string());
                Some(Found::Hit(line.to_owned(), query.fields.iter().map(field).collect()))
            }
            Ok(_) => None,
            Err(_) => Some(Found::Bad(line.to_owned(), Some(number as u64 + 1))),
        }
    };
    lines.iter().enumerate().filter_map(of_line).collect()
}

/// What is no event may be passed over, or be taken for one if what was looked at is as it should be.
fn without_bad(found: Vec<Found>, lines: &[(String, Result<Event, NoEvent>)]) -> Vec<Found> {
    let is_bad = |line: &str| {
        lines.iter().any(|(known, event)| event.is_err() && known.trim_end_matches('\r') == line)
    };
    let keep = |one: &Found| match one {
        Found::Hit(line, _) => !is_bad(line),
        Found::Bad(line, number) => {
            let at = usize::try_from(number.unwrap()).unwrap() - 1;
            assert!(lines[at].0.starts_with(line) && lines[at].1.is_err(), "{number:?}: {line}");
            false
        }
    };
    found.into_iter().filter(keep).collect()
}

#[test]
fn on_random_lines_with_random_conditions() {
    let seed = number("AUDIT_TEST_SEED", 7);
    let (mut hits, mut bad) = (0, 0);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    for round in 0..number("AUDIT_TEST_ROUNDS", 6) {
        let mut random = Random::new(seed + round);
        let lines: Vec<(String, Result<Event, NoEvent>)> = events(seed + round, 400, Shape::Wild)
            .iter()
            .map(|event| {
                let line = line(event, &mut random);
                let event = read_event(line.as_bytes());
                (line, event)
            })
            .collect();
        bad += lines.iter().filter(|(_, event)| event.is_err()).count();
        // The first line tells that there is one record a line, if it is one.
        let mut text = String::from("\n");
        lines.iter().for_each(|(line, _)| text += &format!("{line}\n"));
        let text = text.strip_prefix('\n').unwrap();
        if serde_json::from_str::<serde_json::Value>(&lines[0].0).is_err() {
            continue;
        }
        std::fs::write(&file, text).unwrap();
        for condition in conditions(seed + round, 60, Shape::Wild) {
            let condition = Some(condition).filter(|_| random.chance(95));
            let query = query(condition, &mut random);
            let pieces = [300, 2000, 10_000, 1 << 20][random.below(4)];
            let input = if random.chance(50) { bytes("log", text) } else { Input::File(file.clone()) };
            let (found, scanned) = find(vec![input], &query, pieces, 1 + random.below(3));
            assert!(scanned.unreadable.is_empty());
            let found = without_bad(found, &lines);
            let expected = without_bad(expected(&lines, &query), &lines);
            hits += expected.len();
            if found != expected {
                let first = found.iter().zip(&expected).position(|(a, b)| a != b);
                let at = first.unwrap_or(found.len().min(expected.len()));
                panic!("{query:?}\nfound {:#?}\nexpected {:#?}", found.get(at), expected.get(at));
            }
        }
    }
    assert!(hits > 1000 && bad > 50, "{hits} hits, {bad} bad lines");
}

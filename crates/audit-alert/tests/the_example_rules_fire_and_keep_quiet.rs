//! Every rule in `docs/examples/rules` fires as often as its README says on the events beside it that are to make it fire,
//! and never on those that only look similar.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use audit_alert::{PrecededBy, Rule, RuleOptions, Rules, State, Status};
use audit_condition::{Condition, Path};
use audit_model::{Event, Timestamp};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    alerts: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    condition: String,
    description: Option<String>,
    severity: Option<audit_alert::Severity>,
    threshold: Option<u32>,
    window: Option<String>,
    group_by: Option<OneOrMore>,
    cooldown: Option<String>,
    realert_max: Option<String>,
    absent_for: Option<String>,
    preceded_by: Option<Before>,
    resolve: Option<bool>,
    notify: Vec<BTreeMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Before {
    condition: String,
    threshold: Option<u32>,
    window: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[test]
fn each_rule_fires_on_its_events_and_on_no_similar_ones() {
    let expected = expected();
    let rules = rules();
    let names: BTreeSet<&String> = rules.iter().map(|(name, _)| name).collect();
    assert_eq!(names, expected.keys().collect(), "the README lists the rules that there are");
    assert!(rules.len() >= 15);
    for (name, rule) in &rules {
        let fires = format!("{name}.fires.ndjson");
        let quiet = format!("{name}.quiet.ndjson");
        assert_eq!(fired(rule, &fires), expected[name], "{fires}");
        assert_eq!(fired(rule, &quiet), 0, "{quiet}");
    }
}

#[test]
fn there_are_no_events_without_a_rule() {
    let names: BTreeSet<String> = rules().into_iter().map(|(name, _)| name).collect();
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    for file in files.filter(|file| file.ends_with(".ndjson")) {
        let name = file.trim_end_matches(".ndjson").trim_end_matches(".fires").trim_end_matches(".quiet");
        assert!(names.contains(name), "{file}");
    }
}

#[test]
fn the_examples_can_be_used_together() {
    let rules: Vec<Rule> = rules().into_iter().map(|(_, rule)| rule).collect();
    let rules = Rules::new(rules).unwrap();
    assert!(rules.may_match_type("backup.failed"));
}

/// How many alerts begin, when the clock goes with the events.
fn fired(rule: &Rule, file: &str) -> usize {
    let rules = Rules::new(vec![rule.clone()]).unwrap();
    let mut state = State::default();
    let mut now = Timestamp::from_milliseconds(0).unwrap();
    let mut alerts = Vec::new();
    for event in events(&folder().join(file)) {
        now = now.max(event.timestamp);
        while let Some(due) = rules.next_tick(&state).filter(|due| *due < now) {
            alerts.extend(rules.tick(&mut state, due));
        }
        alerts.extend(rules.observe(&mut state, &event, now));
    }
    alerts.iter().filter(|alert| alert.status == Status::Fired && alert.repeat == 0).count()
}

fn events(file: &FilePath) -> Vec<Event> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let read = |line: &str| {
        let never = Timestamp::from_milliseconds(0).unwrap();
        Event::from_json(line.as_bytes(), never).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    let events: Vec<Event> = text.lines().map(read).collect();
    assert!(!events.is_empty(), "{} has no events", file.display());
    events
}

/// The last column of the README's table.
fn expected() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(folder().join("README.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        (cells[1].trim_matches('`').to_owned(), cells[4].parse().unwrap())
    })
    .collect()
}

fn rules() -> Vec<(String, Rule)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let read = |file: PathBuf| {
        let file: File = serde_saphyr::from_str(&fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        file.alerts.into_iter().map(|written| (written.name.clone(), rule(written)))
    };
    files.into_iter().flat_map(read).collect()
}

fn rule(written: Written) -> Rule {
    assert!(!written.notify.is_empty() && written.notify.iter().all(|entry| entry.contains_key("type")));
    let group_by = match written.group_by {
        None => Vec::new(),
        Some(OneOrMore::One(path)) => vec![path],
        Some(OneOrMore::More(paths)) => paths,
    };
    let options = RuleOptions {
        description: written.description,
        severity: written.severity.unwrap_or_default(),
        threshold: written.threshold.unwrap_or(1),
        window: written.window.as_deref().map(duration),
        group_by: group_by.iter().map(|path| Path::parse(path).unwrap()).collect(),
        cooldown: written.cooldown.as_deref().map(duration),
        realert_max: written.realert_max.as_deref().map(duration),
        absent_for: written.absent_for.as_deref().map(duration),
        preceded_by: written.preceded_by.map(|before| PrecededBy {
            condition: condition(&before.condition),
            threshold: before.threshold.unwrap_or(1),
            window: duration(&before.window),
        }),
        resolve: written.resolve,
        ..RuleOptions::default()
    };
    Rule::new(written.name, condition(&written.condition), options).unwrap()
}

fn condition(text: &str) -> Condition {
    Condition::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn duration(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let size = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => panic!("`{text}` is no duration"),
    };
    Duration::from_secs(size * number.parse::<u64>().unwrap())
}

fn folder() -> PathBuf {
    FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/rules")
}

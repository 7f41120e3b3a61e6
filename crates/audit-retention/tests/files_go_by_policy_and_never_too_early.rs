//! For random inventories, policies, holds and times: what a plan deletes may go, what stays has to, and the notes say why.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::BTreeMap;

use audit_model::Timestamp;
use audit_retention::files::{Change, File, Files, Rule, plan};
use audit_retention::{Hold, Holds, Plan, Policy};
use proptest::prelude::*;

const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;
/// 2026-01-01.
const NOW: i64 = 1_767_225_600_000;

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(milliseconds).unwrap()
}

fn days_before_now(days: i64) -> Timestamp {
    time(NOW - days * DAY)
}

/// `max_days` is never less than `min_days`, as `Policy::check` demands; now and then it is the same.
fn policy() -> impl Strategy<Value = Policy> {
    (prop::option::of(1..60_u32), prop::option::weighted(0.8, 0..60_u32)).prop_map(|(min_days, more)| {
        Policy {
            min_days,
            max_days: more.map(|more| min_days.map_or(more + 1, |min| min + more / 2)),
            transitions: Vec::new(),
        }
    })
}

fn holds() -> impl Strategy<Value = Holds> {
    prop::collection::vec(hold(), 0..3).prop_map(Holds)
}

fn hold() -> impl Strategy<Value = Hold> {
    let within = |days: std::ops::Range<i64>| days.prop_map(|days| time(NOW + days * DAY));
    let moment = move || prop::option::weighted(0.7, within(-120..30));
    (0..100_u32, moment(), moment(), prop::option::of(within(-20..20))).prop_map(
        |(number, from, to, until)| Hold {
            id: format!("case-{number}"),
            placed_by: "ann".into(),
            reason: "asked by the court".into(),
            placed: days_before_now(1),
            until,
            from,
            to,
        },
    )
}

/// Files behind each other; in some inventories a clock was set back, so that a later file holds older records.
fn files() -> impl Strategy<Value = Files> {
    let spans = prop::collection::vec((0..400_i64, 1..4_u64, 0..8_u8), 0..12);
    let active = prop::option::of(0..90_i64);
    (spans, active, prop::option::of(0..8_usize), prop::option::of(0..30_u64)).prop_map(
        |(spans, active, max_files, delivered)| {
            let mut at = NOW - 100 * DAY;
            let mut sequence = 0;
            let mut rotated = Vec::new();
            for (index, (hours, records, jump)) in spans.into_iter().enumerate() {
                if jump == 0 {
                    at -= 30 * DAY;
                }
                let oldest = time(at);
                at += hours * HOUR;
                rotated.push(File {
                    name: format!("audit.log.{index:03}"),
                    first_sequence: sequence + 1,
                    last_sequence: sequence + records,
                    oldest,
                    newest: time(at),
                    bytes: 100 * records,
                });
                sequence += records;
            }
            Files {
                rotated,
                active: active.map(days_before_now),
                max_files,
                delivered: delivered.unwrap_or(u64::MAX),
            }
        },
    )
}

fn apply(files: &Files, changes: &[Change], now: Timestamp) -> Files {
    let mut files = files.clone();
    for change in changes {
        match change {
            Change::Delete { name, .. } => {
                assert_eq!(&files.rotated.remove(0).name, name, "the oldest file goes");
            }
            Change::Rotate => {
                let last = files.rotated.last().map_or(1000, |file| file.last_sequence);
                files.rotated.push(File {
                    name: format!("audit.log.{now}"),
                    first_sequence: last + 1,
                    last_sequence: last + 1,
                    oldest: files.active.take().unwrap(),
                    newest: now,
                    bytes: 1,
                });
            }
        }
    }
    files
}

fn deleted(plan: &Plan<Change>) -> Vec<(String, Rule)> {
    let of = |change: &Change| match change {
        Change::Delete { name, rule, .. } => Some((name.clone(), *rule)),
        Change::Rotate => None,
    };
    plan.changes.iter().filter_map(of).collect()
}

fn names(plan: &Plan<Change>) -> Vec<String> {
    deleted(plan).into_iter().map(|(name, _)| name).collect()
}

/// What the notes say of each file: names in them are quoted, and those of a range sort as the files do.
fn said(plan: &Plan<Change>, files: &Files) -> BTreeMap<String, String> {
    let mut said = BTreeMap::new();
    for note in &plan.notes {
        let (subject, why) = note.split_once(" stays: ").or_else(|| note.split_once(" stay: ")).unwrap();
        let quoted: Vec<&str> = subject.split('`').skip(1).step_by(2).collect();
        let range = *quoted.first().unwrap()..=*quoted.last().unwrap();
        for file in files.rotated.iter().filter(|file| range.contains(&file.name.as_str())) {
            assert_eq!(said.insert(file.name.clone(), why.to_owned()), None, "told twice");
        }
    }
    said
}

fn age_in_days(of: Timestamp, now: Timestamp) -> i64 {
    (now.as_milliseconds() - of.as_milliseconds()).div_euclid(DAY)
}

fn is_held(file: &File, holds: &Holds, now: Timestamp) -> bool {
    holds.0.iter().any(|hold| {
        hold.until.is_none_or(|until| until > now)
            && hold.from.is_none_or(|from| from <= file.newest)
            && hold.to.is_none_or(|to| to >= file.oldest)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_goes_may_go_and_what_stays_is_explained(
        (policy, holds, files, hours) in (policy(), holds(), files(), 0..3000_i64)
    ) {
        let now = time(NOW + hours * HOUR);
        let plan = plan(&policy, &holds, &files, now);
        prop_assert_eq!(&plan.problems, &Vec::<String>::new());
        let deleted = deleted(&plan);
        let said = said(&plan, &files);
        // Rotation adds a file, so one more is too many then.
        let added = usize::from(plan.changes.contains(&Change::Rotate));
        let protected = policy.min_days.or(policy.max_days).map(i64::from);
        for (index, file) in files.rotated.iter().enumerate() {
            let is_old = policy.max_days.is_some_and(|max| age_in_days(file.oldest, now) >= i64::from(max));
            let is_one_too_many = files.max_files.is_some_and(|max| index + max < files.rotated.len() + added);
            let is_protected = protected.is_some_and(|days| age_in_days(file.newest, now) < days);
            let is_held = is_held(file, &holds, now);
            let is_lacked = file.last_sequence > files.delivered;
            match deleted.get(index) {
                Some((name, rule)) => {
                    prop_assert_eq!(name, &file.name, "only a prefix goes");
                    prop_assert!(!is_protected && !is_held && !is_lacked);
                    prop_assert_eq!(*rule == Rule::MaxDays, is_old);
                    prop_assert!(is_old || is_one_too_many);
                    prop_assert_eq!(said.get(name), None);
                }
                None if is_old || is_one_too_many => {
                    let why = &said[&file.name];
                    match () {
                        () if is_held => prop_assert!(why.starts_with("hold `case-"), "{}", why),
                        () if is_protected => prop_assert!(why.contains("are younger than"), "{}", why),
                        () if is_lacked => prop_assert!(why.starts_with("a destination has"), "{}", why),
                        () => {
                            prop_assert!(index > deleted.len(), "nothing keeps it, and it is the first");
                            let before = format!("`{}` before it stays", files.rotated[deleted.len()].name);
                            prop_assert_eq!(why, &before);
                        }
                    }
                }
                None => prop_assert_eq!(said.get(&file.name), None),
            }
        }
    }

    #[test]
    fn after_a_plan_was_applied_there_is_nothing_to_do(
        (policy, holds, files, hours) in (policy(), holds(), files(), 0..3000_i64)
    ) {
        let now = time(NOW + hours * HOUR);
        let first = plan(&policy, &holds, &files, now);
        prop_assert_eq!(&first, &plan(&policy, &holds, &files, now));
        let again = plan(&policy, &holds, &apply(&files, &first.changes, now), now);
        prop_assert!(again.is_empty(), "{:?}", again.changes);
    }

    #[test]
    fn one_more_hold_deletes_no_more(
        (policy, holds, more, files, hours) in (policy(), holds(), hold(), files(), 0..3000_i64)
    ) {
        let now = time(NOW + hours * HOUR);
        let before = names(&plan(&policy, &holds, &files, now));
        let after = names(&plan(&policy, &Holds(holds.0.into_iter().chain([more]).collect()), &files, now));
        prop_assert!(before.starts_with(&after));
    }

    #[test]
    fn what_goes_now_goes_later_as_well(
        (policy, holds, files, hours, more) in (policy(), holds(), files(), 0..2000_i64, 0..2000_i64)
    ) {
        let now = plan(&policy, &holds, &files, time(NOW + hours * HOUR));
        let later = plan(&policy, &holds, &files, time(NOW + (hours + more) * HOUR));
        prop_assert!(names(&later).starts_with(&names(&now)));
        prop_assert!(!now.changes.contains(&Change::Rotate) || later.changes.contains(&Change::Rotate));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// A log that gets records each day, or seldom, and is tended once a day for two years.
    #[test]
    fn a_log_tended_daily_keeps_to_the_policy(
        (max, min, every) in (1..200_u32, prop::option::of(1..200_u32), 1..50_i64)
    ) {
        let min = min.map(|min| min.min(max));
        let policy = Policy { min_days: min, max_days: Some(max), transitions: Vec::new() };
        let longer = if min.is_some_and(|min| min < max) { 0 } else { (max / 10).max(1) };
        let mut files = Files { rotated: Vec::new(), active: None, max_files: None, delivered: u64::MAX };
        for day in 0..730 {
            let now = time(NOW + day * DAY);
            let plan = plan(&policy, &Holds::default(), &files, now);
            for (name, _) in deleted(&plan) {
                let file = files.rotated.iter().find(|file| file.name == name).unwrap();
                prop_assert!(age_in_days(file.newest, now) >= i64::from(min.unwrap_or(max)));
            }
            files = apply(&files, &plan.changes, now);
            let oldest = files.rotated.first().map(|file| file.oldest).or(files.active);
            let days = oldest.map_or(0, |oldest| age_in_days(oldest, now));
            // Less than a day passes between being due and being tended.
            prop_assert!(days <= i64::from(max + longer), "{} days", days);
            if day % every == 0 {
                files.active = files.active.or(Some(time(NOW + day * DAY + HOUR)));
            }
        }
    }
}

fn file(name: &str, sequences: (u64, u64), days: (i64, i64)) -> File {
    File {
        name: name.into(),
        first_sequence: sequences.0,
        last_sequence: sequences.1,
        oldest: days_before_now(days.0),
        newest: days_before_now(days.1),
        bytes: 4096,
    }
}

#[test]
fn a_plan_reads_as_sentences() {
    let policy = Policy { min_days: Some(365), max_days: Some(2555), transitions: Vec::new() };
    let holds = Holds(vec![Hold {
        id: "case-2026-17".into(),
        placed_by: "carol@company.com".into(),
        reason: "asked by the court".into(),
        placed: days_before_now(10),
        until: Some(days_before_now(-30)),
        from: Some(days_before_now(2700)),
        to: Some(days_before_now(2650)),
    }]);
    let files = Files {
        rotated: vec![
            file("a", (1, 10), (2800, 2750)),
            file("b", (11, 20), (2750, 2660)),
            file("c", (21, 30), (2660, 2600)),
            file("d", (31, 40), (2600, 2590)),
            file("e", (41, 50), (2590, 300)),
            file("f", (51, 60), (300, 200)),
        ],
        active: Some(days_before_now(200)),
        max_files: None,
        delivered: u64::MAX,
    };
    let plan = plan(&policy, &holds, &files, time(NOW));
    let changes: Vec<String> = plan.changes.iter().map(Change::to_string).collect();
    assert_eq!(changes, ["Delete `a` (records 1 to 10, 4096 bytes) by retention.max_days."]);
    assert_eq!(
        plan.notes,
        [
            "`b` to `c` (2 files) are due by retention.max_days and stay: hold `case-2026-17` by carol@company.com covers \
             records in it until 2026-01-31T00:00:00.000Z",
            "`d` is due by retention.max_days and stays: `b` before it stays",
            "`e` is due by retention.max_days and stays: records in it are younger than 365 days",
        ]
    );
    assert_eq!(
        serde_json::to_value(&plan.changes).unwrap(),
        serde_json::json!([{
            "change": "delete", "name": "a", "first_sequence": 1, "last_sequence": 10, "bytes": 4096,
            "rule": "retention.max_days",
        }])
    );
}

#[test]
fn numbers_that_overlap_are_a_problem_and_stop_it() {
    let policy = Policy { min_days: None, max_days: Some(10), transitions: Vec::new() };
    let rotated =
        vec![file("a", (1, 10), (90, 80)), file("b", (11, 20), (80, 70)), file("c", (15, 30), (70, 60))];
    let files = Files { rotated, active: None, max_files: None, delivered: u64::MAX };
    let plan = plan(&policy, &Holds::default(), &files, time(NOW));
    assert_eq!(names(&plan), ["a"]);
    let problem = "`b` goes up to record 20 and `c` behind it begins at 15";
    assert!(plan.problems[0].starts_with(problem), "{:?}", plan.problems);
    assert!(said(&plan, &files)["b"].starts_with("the numbers of its records overlap"));
    assert_eq!(said(&plan, &files)["c"], "`b` before it stays");
}

#[test]
fn without_max_days_only_max_files_deletes_and_nothing_is_rotated() {
    let rotated = vec![file("a", (1, 10), (3, 2)), file("b", (11, 20), (2, 1)), file("c", (21, 30), (1, 0))];
    let files = Files { rotated, active: Some(days_before_now(9000)), max_files: Some(2), delivered: 10 };
    let at = |policy: &Policy| plan(policy, &Holds::default(), &files, time(NOW));
    let a = [("a".to_owned(), Rule::MaxFiles)];
    assert_eq!(deleted(&at(&Policy::default())), a);
    assert_eq!(deleted(&at(&Policy { min_days: Some(2), ..Policy::default() })), a);
    assert!(at(&Policy { min_days: Some(3), ..Policy::default() }).is_empty());
    assert_eq!(at(&Policy::default()).changes.len(), 1);
}

#[test]
fn behind_a_file_that_is_not_due_none_goes() {
    let policy = Policy { min_days: Some(10), max_days: Some(30), transitions: Vec::new() };
    // The clock was ahead when the second one was written.
    let rotated =
        vec![file("a", (1, 10), (90, 80)), file("b", (11, 20), (20, 19)), file("c", (21, 30), (80, 70))];
    let mut files = Files { rotated, active: None, max_files: None, delivered: u64::MAX };
    let all = plan(&policy, &Holds::default(), &files, time(NOW));
    assert_eq!(names(&all), ["a"]);
    assert_eq!(all.notes, ["`c` is due by retention.max_days and stays: `b` before it stays"]);
    files.delivered = 0;
    let why = "is due by retention.max_days and stays: a destination has got records only up to 0";
    let none = plan(&policy, &Holds::default(), &files, time(NOW));
    assert_eq!(none.notes, [format!("`a` {why}"), format!("`c` {why}")]);
}

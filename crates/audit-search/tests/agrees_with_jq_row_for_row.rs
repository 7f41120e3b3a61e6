//! A scan finds the rows that `jq` selects with the condition's translation, of bare and of sealed records.
//!
//! `AUDIT_TEST_EVENTS`, `AUDIT_TEST_CONDITIONS` and `AUDIT_TEST_SEED` set the size and the seed of longer runs.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say what it skips")]

mod generated;

use std::process::Command;

use audit_condition::{Condition, Target};
use audit_search::{Input, Query};
use generated::conditions::conditions;
use generated::events::{Shape, events};
use generated::{Found, find, now};

fn size(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// What jq selects of a file, for each of the filters, which are tried in one pass.
fn jq(filters: &[String], folder: &std::path::Path, log: &std::path::Path) -> Option<Vec<String>> {
    let program = folder.join("filters.jq");
    let filters: Vec<String> = filters.iter().map(|filter| format!("([{filter}] | length)")).collect();
    // A definition of this name hides the clock.
    let seconds = now().as_milliseconds() / 1000;
    let text = format!("def now: {seconds}; [\n{}\n] | map(tostring) | join(\"\")", filters.join(",\n"));
    std::fs::write(&program, text).unwrap();
    let jq = std::env::var("AUDIT_TEST_JQ").unwrap_or_else(|_| "jq".to_owned());
    match Command::new(&jq).args(["-r", "-f"]).args([&program, log]).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
        }
        Err(error) => {
            let is_ci = std::env::var("CI").as_deref() == Ok("true");
            assert!(!is_ci, "{jq} can't be run ({error}), and in CI nothing is skipped");
            println!("skipped: {jq} can't be run ({error})");
            None
        }
    }
}

#[test]
fn on_generated_records_with_generated_conditions() {
    let seed = size("AUDIT_TEST_SEED", 1) as u64;
    let (mut chosen, mut filters): (Vec<Condition>, Vec<String>) = (Vec::new(), Vec::new());
    for condition in conditions(seed, 2 * size("AUDIT_TEST_CONDITIONS", 80), Shape::Wild) {
        // What jq cannot say is told by the translation's own tests.
        if let Ok(filter) = condition.translate(Target::Jq) {
            chosen.push(condition);
            filters.push(filter);
        }
    }
    let seal = r#"{"chain_id":"c","previous_signature":"p","sequence_number":1,"signature":"s"}"#;
    let lines: Vec<String> = events(seed, size("AUDIT_TEST_EVENTS", 1500), Shape::Wild)
        .iter()
        .enumerate()
        .map(|(number, event)| {
            let json = String::from_utf8(event.to_canonical_json().unwrap()).unwrap();
            if number % 2 == 0 { format!(r#"{{"event":{json},"integrity":{seal}}}"#) } else { json }
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    std::fs::write(&log, lines.join("\n") + "\n").unwrap();
    let Some(theirs) = jq(&filters, folder.path(), &log) else { return };
    assert_eq!(theirs.len(), lines.len());
    let mut some = 0;
    for (number, condition) in chosen.iter().enumerate() {
        let query = Query { condition: Some(condition.clone()), ..Query::default() };
        let (found, _) = find(vec![Input::File(log.clone())], &query, 100_000, 2);
        let ours: Vec<&str> = found
            .iter()
            .map(|one| match one {
                Found::Hit(line, _) => line.as_str(),
                Found::Bad(line, _) => panic!("{line}"),
            })
            .collect();
        let is_selected = |bits: &String| bits.as_bytes()[number] == b'1';
        let theirs: Vec<&str> = lines
            .iter()
            .zip(&theirs)
            .filter(|(_, bits)| is_selected(bits))
            .map(|(line, _)| line.as_str())
            .collect();
        assert!(ours == theirs, "{condition}: {} rows, jq {}\n{}", ours.len(), theirs.len(), filters[number]);
        some += usize::from(!ours.is_empty() && ours.len() < lines.len());
    }
    println!(
        "{} conditions select the same of {} records; {some} some and not all",
        chosen.len(),
        lines.len()
    );
    assert!(some > 50, "only {some} conditions say anything");
}

use std::env;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;

use audit_model::{Event, Timestamp};

use super::is_ci;

/// What jq selects by these filters, or none where there is no jq. Every second event is in a sealed record.
pub(crate) fn rows(filters: &[String], events: &[Event], now: Timestamp) -> Option<Vec<String>> {
    run(filters, events, now, |index| index % 2 == 1)
}

/// As [`rows`], with no event in a sealed record.
pub(crate) fn rows_of_bare(filters: &[String], events: &[Event], now: Timestamp) -> Option<Vec<String>> {
    run(filters, events, now, |_| false)
}

/// All filters are evaluated in one pass over the events.
fn run(
    filters: &[String],
    events: &[Event],
    now: Timestamp,
    is_sealed: impl Fn(usize) -> bool,
) -> Option<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("filters.jq");
    let filters: Vec<String> = filters.iter().map(|filter| format!("([{filter}] | length)")).collect();
    // A definition of this name hides the clock.
    let seconds = now.as_milliseconds() / 1000;
    fs::write(
        &program,
        format!("def now: {seconds}; [\n{}\n] | map(tostring) | join(\"\")", filters.join(",\n")),
    )
    .unwrap();
    let mut lines = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let json = String::from_utf8(event.to_canonical_json().unwrap()).unwrap();
        lines.push(if is_sealed(index) {
            format!(r#"{{"event":{json},"integrity":{{"sequence_number":{index}}}}}"#)
        } else {
            json
        });
    }
    let jq = env::var("AUDIT_TEST_JQ").unwrap_or_else(|_| "jq".to_owned());
    // One run for each half of the events, side by side.
    let mut runs = Vec::new();
    for (half, lines) in lines.chunks(lines.len().div_ceil(2)).enumerate() {
        let data = folder.path().join(format!("events-{half}.ndjson"));
        fs::write(&data, lines.join("\n")).unwrap();
        let run = Command::new(&jq).args(["-r", "-f"]).args([&program, &data]).stdout(Stdio::piped()).spawn();
        match run {
            Ok(run) => runs.push(thread::spawn(|| run.wait_with_output().unwrap())),
            Err(error) => {
                assert!(!is_ci(), "{jq} can't be run ({error}), and in CI nothing is skipped");
                println!("skipped: {jq} can't be run ({error})");
                return None;
            }
        }
    }
    let mut by_event = Vec::new();
    for run in runs {
        let output = run.join().unwrap();
        assert!(output.status.success(), "{jq} failed; what it says is above");
        by_event.extend(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned));
    }
    assert_eq!(by_event.len(), events.len());
    assert!(by_event.iter().all(|bits| bits.len() == filters.len()));
    let bits_of = |filter: usize| by_event.iter().map(|bits| char::from(bits.as_bytes()[filter])).collect();
    Some((0..filters.len()).map(bits_of).collect())
}

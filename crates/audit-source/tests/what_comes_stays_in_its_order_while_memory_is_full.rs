//! A source that reads on begins many events before it waits for the first of them.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_pipeline::Pipeline;
use audit_source::{Format, Intake, Provenance, Taken};
use futures_util::future::join_all;

const BUFFER: usize = 4 << 10;

#[tokio::test]
async fn a_small_event_finds_no_room_before_a_large_one_that_waits_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let log = Pipeline::options(&path).buffer_bytes(BUFFER).start().unwrap();
    let intake = Intake::new(log.clone(), "app");
    let (provenance, numbers) = (Provenance::default(), 0..300_u64);
    let begun = numbers.clone().map(|number| {
        let text = "x".repeat(if number % 3 == 0 { BUFFER * 3 / 4 } else { 1 });
        let event =
            format!(r#"{{"event_type":"backup.started","details":{{"n":{number},"text":"{text}"}}}}"#);
        intake.take(Format::Native, event, &provenance, "a file", number)
    });
    let begun: Vec<_> = begun.collect();
    assert!(join_all(begun).await.iter().all(|taken| matches!(taken, Taken::Recorded(_))));
    log.close().unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let recorded: Vec<u64> = events.filter_map(|event| event["details"]["n"].as_u64()).collect();
    assert_eq!(recorded, numbers.collect::<Vec<_>>());
}

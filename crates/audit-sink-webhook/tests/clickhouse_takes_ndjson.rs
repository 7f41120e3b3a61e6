//! A server that others wrote and that teams keep their logs in: ClickHouse takes the sink's NDJSON as it is, and its own
//! SQL reads the records back.
//!
//! `AUDIT_TEST_CLICKHOUSE` is the URL of its HTTP interface, such as `http://127.0.0.1:8123`; the user `default` without a
//! password may create tables there.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod receiver;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use audit_sink::testkit::{batch, deliver};
use audit_sink::{Sink as _, SinkError};
use audit_sink_webhook::{WebhookOptions, WebhookSink};
use receiver::{run_on, runtime, variable};

#[test]
fn and_gives_back_every_record_once() {
    let Some(base) = variable("AUDIT_TEST_CLICKHOUSE") else { return };
    let table = format!("audit_test_{}", std::process::id());
    query(
        &base,
        &format!(
            "CREATE TABLE {table} (sequence_number UInt64, event_type String, details String) \
             ENGINE = ReplacingMergeTree() ORDER BY sequence_number"
        ),
    );
    let url = format!("{base}/?query=INSERT%20INTO%20{table}%20FORMAT%20JSONEachRow");
    let options = WebhookOptions::new(url).gzip(true).max_body_bytes(16 << 10);

    let mut wrong = options.clone().header("X-ClickHouse-User", "nobody".into());
    wrong = wrong.header("X-ClickHouse-Key", "wrong-password".into());
    let line = |n: u64| {
        format!(
            r#"{{"sequence_number":{n},"event_type":"backup.started","details":"naïve 漢字 🦀 \n \"{n}\""}}"#
        )
    };
    let lines: Vec<String> = (1..=10_000).map(line).collect();
    let batches = lines.chunks(1000).zip((1..).step_by(1000));
    let batches = batches.map(|(lines, first)| {
        batch(first, &lines.iter().map(|line| line.clone().into_bytes()).collect::<Vec<_>>())
    });
    let batches: Vec<_> = batches.collect();

    let runtime = runtime();
    let mut sink = WebhookSink::new(wrong).unwrap();
    let refused = runtime.block_on(sink.send(&batches[0]));
    assert!(matches!(refused, Err(SinkError::Retryable { .. })), "{refused:?}");

    let mut sink = WebhookSink::new(options).unwrap();
    runtime.block_on(sink.check()).unwrap();
    for batch in batches.iter().chain(&batches[3..5]) {
        deliver(&mut sink, batch, &run_on(&runtime));
    }
    // FINAL: of rows with one number, one. Rows are written as JSON again by the server.
    let found =
        query(&base, &format!("SELECT * FROM {table} FINAL ORDER BY sequence_number FORMAT JSONEachRow"));
    let found: Vec<serde_json::Value> =
        found.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    query(&base, &format!("DROP TABLE {table}"));
    assert_eq!(found.len(), lines.len());
    for (found, sent) in found.iter().zip(&lines) {
        let mut sent: serde_json::Value = serde_json::from_str(sent).unwrap();
        // A 64-bit integer is written as a string by default.
        sent["sequence_number"] = sent["sequence_number"].to_string().into();
        assert_eq!(found, &sent);
    }
}

fn query(base: &str, sql: &str) -> String {
    let address = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    // HTTP/1.0: an answer without chunks.
    write!(stream, "POST / HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n{sql}", sql.len())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.lines().next().unwrap().contains(" 200 "), "{sql}: {answer}");
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

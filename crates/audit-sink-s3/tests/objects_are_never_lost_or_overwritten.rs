//! What is at the place after a batch is sent twice, and when the key is taken.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod server;

use std::process::Command;

use audit_sink::{Batch, Record, Sink, testkit};
use audit_sink_s3::{Compression, S3Options, S3Sink};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use server::{Server, in_time, runtime, unique};

/// 2026-11-22T08:30:00Z
const MORNING: i64 = 1_795_336_200_000;

fn batch(text: &str) -> Batch {
    let record = |sequence_number| Record {
        sequence_number,
        timestamp_ms: MORNING,
        bytes: text.as_bytes().to_vec(),
        ..Record::default()
    };
    Batch { chain_id: "orders/eu".to_owned(), records: vec![record(5), record(6)] }
}

fn send(options: S3Options, batch: &Batch) {
    let mut sink = S3Sink::new(options);
    runtime().block_on(in_time(sink.send(batch))).map(drop).unwrap();
}

#[test]
fn an_object_says_what_it_is() {
    let Some(server) = Server::find() else { return };
    let prefix = unique("object");
    send(server.options(&server.bucket, &prefix).compression(Compression::None), &batch("{}"));
    let [object] = &server.ask(&["versions", &server.bucket, &prefix])[..] else { panic!("one object") };
    let key = "chain=orders%2Feu/year=2026/month=11/day=22/000000000005-000000000006.20261122T083000Z.ndjson";
    assert_eq!(object["key"], format!("{prefix}/{key}"));
    assert_eq!(object["type"], "application/x-ndjson");
    assert_eq!(object["encoding"], serde_json::Value::Null);
    assert_eq!(object["sha256"], STANDARD.encode(Sha256::digest("{}\n{}\n")));
    let metadata = serde_json::json!({
        "chain-id": "orders%2Feu", "first-sequence": "5", "last-sequence": "6", "record-count": "2",
        "sha256": const_hex::encode(Sha256::digest("{}\n{}\n"))
    });
    assert_eq!(object["metadata"], metadata);
}

#[test]
fn a_batch_sent_again_is_still_one_object_of_one_version() {
    let Some(server) = Server::find() else { return };
    // The locked bucket keeps versions, so that a second put would show.
    let prefix = unique("again");
    for compression in [Compression::Gzip, Compression::Zstd, Compression::Gzip, Compression::Zstd] {
        send(server.options(&server.locked_bucket, &prefix).compression(compression), &batch("{\"n\":1}"));
    }
    let versions = server.ask(&["versions", &server.locked_bucket, &prefix]);
    assert_eq!(versions.len(), 2, "one for each compression: {versions:?}");
}

#[test]
fn other_content_of_the_same_range_is_put_beside() {
    let Some(server) = Server::find() else { return };
    let prefix = unique("beside");
    let options = server.options(&server.bucket, &prefix);
    for _ in 0..2 {
        send(options.clone(), &batch("{\"first\":1}"));
        send(options.clone(), &batch("{\"second\":2}"));
    }
    let lines = server.lines(&server.bucket, &prefix);
    assert_eq!(lines, [&b"{\"first\":1}"[..], b"{\"first\":1}", b"{\"second\":2}", b"{\"second\":2}"]);
    let versions = server.ask(&["versions", &server.bucket, &prefix]);
    let keys: Vec<&str> = versions.iter().map(|object| object["key"].as_str().unwrap()).collect();
    let [first, second] = keys[..] else { panic!("two objects: {keys:?}") };
    let (stem, digest) = second.split_once('~').unwrap();
    assert_eq!(first, format!("{stem}.ndjson.gz"));
    assert_eq!(digest.len(), 12 + ".ndjson.gz".len());
}

#[test]
fn an_object_of_somebody_else_is_left_alone() {
    let Some(server) = Server::find() else { return };
    let prefix = unique("else");
    let options = server.options(&server.bucket, &prefix).compression(Compression::None);
    send(options.clone(), &batch("mine"));
    let key = server.ask(&["versions", &server.bucket, &prefix])[0]["key"].as_str().unwrap().to_owned();
    // The same bytes, put without the checksum that the sink always brings, are not known to be the same.
    server.ask(&["put", &server.bucket, &key, "theirs\n"]);
    send(options, &batch("mine"));
    assert_eq!(server.lines(&server.bucket, &prefix), [&b"theirs"[..], b"mine", b"mine"]);
}

#[test]
fn what_is_at_both_keys_already_is_said() {
    let Some(server) = Server::find() else { return };
    let prefix = unique("both");
    let options = server.options(&server.bucket, &prefix).compression(Compression::None);
    send(options.clone(), &batch("first"));
    send(options.clone(), &batch("second"));
    let versions = server.ask(&["versions", &server.bucket, &prefix]);
    let beside =
        versions.iter().find_map(|object| object["key"].as_str().filter(|key| key.contains('~'))).unwrap();
    server.ask(&["put", &server.bucket, beside, "theirs\n"]);
    let mut sink = S3Sink::new(options);
    let error = server::retryable(runtime().block_on(in_time(sink.send(&batch("second")))));
    assert!(
        error.contains("are taken by objects with other content; find out who else writes there"),
        "{error}"
    );
}

/// Runs another test with credentials that may do nothing but the action. The environment is a process's, so it is run in
/// one of its own.
fn with_permission(server: &Server, action: &str, test: &str, prefix: &str) {
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["{action}"],"Resource":["arn:aws:s3:::*"]}}]}}"#
    );
    let session = server.ask(&["session", "", &policy]);
    let [id, secret, token] = [0, 1, 2].map(|n| session[0][n].as_str().unwrap());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored"])
        .env("PREFIX", prefix)
        .envs([("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret), ("AWS_SESSION_TOKEN", token)])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn who_may_only_write_gets_everything_there() {
    let Some(server) = Server::find() else { return };
    let prefix = unique("writeonly");
    with_permission(&server, "s3:PutObject", "sends_three_times", &prefix);
    // The second could not see that the first was the same; the third could by its name.
    assert_eq!(server.lines(&server.bucket, &prefix), [b"{}"; 4]);
}

#[test]
fn who_may_not_write_is_told_so() {
    let Some(server) = Server::find() else { return };
    with_permission(&server, "s3:GetObject", "is_denied", &unique("readonly"));
}

/// With the credentials of the environment, which is the usual chain.
fn with_the_environment() -> S3Options {
    let server = Server::find().unwrap();
    S3Options::new(&server.bucket).endpoint(&server.endpoint).prefix(std::env::var("PREFIX").unwrap())
}

#[test]
#[ignore = "run by another test, with credentials in the environment"]
fn sends_three_times() {
    runtime().block_on(in_time(S3Sink::new(with_the_environment()).check())).unwrap();
    for _ in 0..3 {
        send(with_the_environment(), &batch("{}"));
    }
}

#[test]
#[ignore = "run by another test, with credentials in the environment"]
fn is_denied() {
    let mut sink = S3Sink::new(with_the_environment());
    for error in [
        server::retryable(runtime().block_on(in_time(sink.check()))),
        server::retryable(runtime().block_on(in_time(sink.send(&batch("{}"))))),
    ] {
        assert!(error.contains("AccessDenied (403)") && error.contains("grant s3:PutObject"), "{error}");
    }
}

#[test]
fn a_batch_of_no_records_is_no_object() {
    let Some(server) = Server::find() else { return };
    let prefix = unique("none");
    send(server.options(&server.bucket, &prefix), &testkit::batch(1, &[]));
    assert!(server.ask(&["versions", &server.bucket, &prefix]).is_empty());
}

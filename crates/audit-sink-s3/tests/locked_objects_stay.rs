//! Object Lock: nobody deletes or overwrites before the date.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod server;

use std::time::{SystemTime, UNIX_EPOCH};

use audit_sink::{Sink, testkit};
use audit_sink_s3::{ObjectLock, ObjectLockMode, S3Sink};
use serde_json::Value;

use server::{Server, in_time, retryable, runtime, unique};

fn locked_object_stays(mode: ObjectLockMode, word: &str) {
    let Some(server) = Server::find() else { return };
    let (runtime, bucket, prefix) = (runtime(), &*server.locked_bucket, unique(word));
    let lock = ObjectLock { mode, retain_days: 30 };
    let mut sink = S3Sink::new(server.options(bucket, &prefix).object_lock(lock));
    let batch = testkit::batch(1, &[b"{\"kept\":1}".to_vec(), b"{\"kept\":2}".to_vec()]);
    runtime.block_on(in_time(sink.check())).unwrap();
    assert!(server.ask(&["versions", bucket, &prefix]).is_empty(), "a check leaves nothing");
    let sent = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    runtime.block_on(in_time(sink.send(&batch))).map(drop).unwrap();
    // A retry meets the lock and is satisfied.
    runtime.block_on(in_time(sink.send(&batch))).map(drop).unwrap();

    let versions = server.ask(&["versions", bucket, &prefix]);
    let [object] = &versions[..] else { panic!("one version, not {versions:?}") };
    assert_eq!(object["lock"], word);
    let (until, expected) = (object["until"].as_u64().unwrap(), sent + 30 * 86_400);
    assert!((expected..=expected + 60).contains(&until), "retained until {until}, not {expected}");
    assert!(object["sha256"].is_string(), "a locked object has a checksum");

    let [key, version] = ["key", "version"].map(|field| object[field].as_str().unwrap());
    refused(&server.ask(&["delete", bucket, key, version]));
    refused(&server.ask(&["shorten", bucket, key, version, word]));
    // A put to the same key makes a version of its own; what was there stays.
    server.ask(&["put", bucket, key, "overwritten"]);
    let versions = server.ask(&["versions", bucket, &prefix]);
    let kept: Vec<&Value> = versions.iter().filter(|found| found["version"] == version).collect();
    assert_eq!(kept, [object], "the locked version is as it was");
}

/// AWS says that it is not allowed, MinIO that it is not possible.
fn refused(answer: &[Value]) {
    let [answer] = answer else { panic!("one answer, not {answer:?}") };
    let text = answer.as_str().unwrap();
    assert!(text.starts_with("AccessDenied: ") || text.contains("WORM protected"), "not refused: {text}");
}

#[test]
fn under_compliance() {
    locked_object_stays(ObjectLockMode::Compliance, "COMPLIANCE");
}

#[test]
fn under_governance_without_bypass() {
    locked_object_stays(ObjectLockMode::Governance, "GOVERNANCE");
}

#[test]
fn a_bucket_without_object_lock_is_found_before_and_while_sending() {
    let Some(server) = Server::find() else { return };
    let runtime = runtime();
    let lock = ObjectLock { mode: ObjectLockMode::Compliance, retain_days: 1 };
    let prefix = unique("unlocked");
    let mut sink = S3Sink::new(server.options(&server.bucket, &prefix).object_lock(lock));
    let error = retryable(runtime.block_on(in_time(sink.check())));
    assert!(error.contains("does not have Object Lock enabled"), "{error}");
    let batch = testkit::batch(1, &[b"{}".to_vec()]);
    let error = retryable(runtime.block_on(in_time(sink.send(&batch))));
    assert!(error.contains("InvalidRequest (400): Bucket is missing ObjectLockConfiguration"), "{error}");
    assert!(server.ask(&["versions", &server.bucket, &prefix]).is_empty());
}

#[test]
fn a_lock_of_no_days_is_said_to_be_one() {
    let lock = ObjectLock { mode: ObjectLockMode::Compliance, retain_days: 0 };
    let options =
        audit_sink_s3::S3Options::new("b").endpoint("http://127.0.0.1:9").credentials("id", "hush".into());
    let mut sink = S3Sink::new(options.object_lock(lock));
    let batch = testkit::batch(1, &[b"{}".to_vec()]);
    let error = retryable(runtime().block_on(in_time(sink.send(&batch))));
    assert!(error.contains("cannot be locked for 0 days"), "{error}");
}

//! What is wrong with a real server's bucket or credentials, in words; and that it may heal.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod server;

use std::fs;
use std::process::Command;

use audit_sink::{Sink, testkit};
use audit_sink_s3::{S3Options, S3Sink};

use server::{Server, in_time, retryable, runtime, unique};

#[test]
fn a_missing_bucket_can_be_created() {
    let Some(server) = Server::find() else { return };
    let (runtime, bucket) = (runtime(), unique("missing"));
    let mut sink = S3Sink::new(server.options(&bucket, ""));
    let batch = testkit::batch(1, &[b"{}".to_vec()]);
    for error in [
        retryable(runtime.block_on(in_time(sink.check()))),
        retryable(runtime.block_on(in_time(sink.send(&batch)))),
    ] {
        let begin = format!("PutObject in the bucket {bucket}: NoSuchBucket (404): ");
        assert!(error.starts_with(&begin), "{error}");
        assert!(error.contains("create the bucket, or correct its name; request id"), "{error}");
    }
    assert_eq!(server.ask(&["create", &bucket]), ["done"]);
    runtime.block_on(in_time(sink.check())).unwrap();
    runtime.block_on(in_time(sink.send(&batch))).map(drop).unwrap();
    assert_eq!(server.lines(&bucket, ""), [b"{}"]);
    assert_eq!(server.ask(&["drop", &bucket]), ["done"]);
}

#[test]
fn wrong_credentials_are_named_and_not_shown() {
    let Some(server) = Server::find() else { return };
    let runtime = runtime();
    for (id, code) in [(&*server.access_key, "SignatureDoesNotMatch"), ("nobody", "InvalidAccessKeyId")] {
        let options =
            server.options(&server.bucket, &unique("wrong")).credentials(id, "hush-hush-hush".into());
        let mut sink = S3Sink::new(options);
        let error = retryable(runtime.block_on(in_time(sink.check())));
        assert!(
            error.contains(&format!("{code} (403)")) && error.contains("correct the credentials"),
            "{error}"
        );
        let batch = testkit::batch(1, &[b"{}".to_vec()]);
        let error = retryable(runtime.block_on(in_time(sink.send(&batch))));
        assert!(error.contains(code), "{error}");
        assert!(!format!("{sink:?} {error}").contains("hush-hush"), "no secret is shown");
    }
}

#[test]
fn a_kms_key_that_cannot_be_used_is_said() {
    let Some(server) = Server::find() else { return };
    let runtime = runtime();
    let prefix = unique("kms");
    let mut sink = S3Sink::new(server.options(&server.bucket, &prefix).kms_key_id("no-such-key"));
    let batch = testkit::batch(1, &[b"{}".to_vec()]);
    for error in [
        retryable(runtime.block_on(in_time(sink.check()))),
        retryable(runtime.block_on(in_time(sink.send(&batch)))),
    ] {
        assert!(error.contains("KMS"), "{error}");
    }
    assert!(
        server.ask(&["versions", &server.bucket, &prefix]).is_empty(),
        "nothing is put unencrypted instead"
    );
}

#[test]
fn a_check_leaves_nothing() {
    let Some(server) = Server::find() else { return };
    let prefix = unique("check");
    let mut sink = S3Sink::new(server.options(&server.bucket, &prefix));
    runtime().block_on(in_time(sink.check())).unwrap();
    assert!(server.ask(&["versions", &server.bucket, &prefix]).is_empty());
    assert!(!format!("{sink:#?}").contains(&server.secret_key), "no secret is shown, connected neither");
}

#[test]
fn nobody_listens() {
    let options = S3Options::new("audit").endpoint("http://127.0.0.1:9").credentials("id", "hush".into());
    let mut sink = S3Sink::new(options);
    let error = retryable(runtime().block_on(in_time(sink.check())));
    assert!(
        error.starts_with("PutObject in the bucket audit: ") && error.contains("onnection refused"),
        "{error}"
    );
    assert!(error.ends_with("; is http://127.0.0.1:9 up, and reachable from here?"), "{error}");
}

#[test]
fn a_password_in_the_endpoint_is_refused_and_not_shown() {
    for endpoint in ["http://id:hush@127.0.0.1:9", "https://id:hu/sh@127.0.0.1:9/s3", "id:hush@127.0.0.1:9"] {
        for options in
            [S3Options::new("audit"), S3Options::new("audit").role_arn("arn:aws:iam::1:role/audit")]
        {
            let mut sink = S3Sink::new(options.endpoint(endpoint).credentials("id", "hush".into()));
            let error = retryable(runtime().block_on(in_time(sink.check())));
            assert!(
                error.contains("***@127.0.0.1:9") && error.contains("as access_key_id and secret_access_key"),
                "{error}"
            );
            let shown = format!("{error} {sink:?}");
            assert!(!shown.contains("hu/sh") && !shown.contains("hush"), "{shown}");
        }
    }
}

#[test]
fn credentials_are_missing_and_then_mended_in_their_file() {
    if Server::find().is_none() {
        return;
    }
    let file = std::env::temp_dir().join(unique("credentials"));
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "with_a_credentials_file", "--ignored", "--nocapture"])
        .env_remove("AWS_ACCESS_KEY_ID")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_SHARED_CREDENTIALS_FILE", &file)
        .env("PREFIX", unique("mended"))
        .output()
        .unwrap();
    let _ = fs::remove_file(file);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// The environment is a process's: this has one of its own.
#[test]
#[ignore = "run by another test, with a credentials file of its own"]
fn with_a_credentials_file() {
    let (server, runtime) = (Server::find().unwrap(), runtime());
    let file = std::env::var("AWS_SHARED_CREDENTIALS_FILE").unwrap();
    let write = |id: &str| {
        let secret = &server.secret_key;
        fs::write(&file, format!("[default]\naws_access_key_id={id}\naws_secret_access_key={secret}\n"))
            .unwrap();
    };
    let options =
        S3Options::new(&server.bucket).endpoint(&server.endpoint).prefix(std::env::var("PREFIX").unwrap());
    let mut sink = S3Sink::new(options);
    let batch = testkit::batch(1, &[b"{}".to_vec()]);
    let error = retryable(runtime.block_on(in_time(sink.send(&batch))));
    assert!(error.contains("credentials"), "{error}");
    write("nobody");
    let error = retryable(runtime.block_on(in_time(sink.send(&batch))));
    assert!(error.contains("InvalidAccessKeyId"), "{error}");
    write(&server.access_key);
    runtime.block_on(in_time(sink.send(&batch))).map(drop).unwrap();
}

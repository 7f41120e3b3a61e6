//! Answers that a server at hand does not give, word by word as AWS documents them.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod answers;

use std::thread;
use std::time::Duration;

use audit_sink::{Sink, SinkError, testkit};
use audit_sink_s3::{S3Options, S3Sink};

use answers::Answers;

/// Sends a batch to a server that gives these answers.
fn answered(answers: &[(&str, &str, &str)]) -> Result<(), SinkError> {
    let server = Answers::listen();
    let options = S3Options::new("audit")
        .endpoint(server.endpoint())
        .region("us-east-1")
        .credentials("id", "hush".into());
    thread::scope(|scope| {
        scope.spawn(|| server.give(answers));
        let batch = testkit::batch(1, &[b"{}".to_vec()]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(S3Sink::new(options).send(&batch)).map(drop)
    })
}

fn error(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>"
    )
}

#[test]
fn another_region_is_named() {
    let body = error(
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint.",
    );
    let answer = ("301 Moved Permanently", "x-amz-bucket-region: eu-central-1\r\n", &*body);
    let Err(SinkError::Retryable { source, .. }) = answered(&[answer]) else { panic!("it may heal") };
    assert!(source.to_string().contains("the bucket is in eu-central-1: set the region to that"), "{source}");

    let body = error(
        "AuthorizationHeaderMalformed",
        "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-3'",
    );
    let Err(SinkError::Retryable { source, .. }) = answered(&[("400 Bad Request", "", &*body)]) else {
        panic!("it may heal")
    };
    assert!(source.to_string().contains("expecting 'eu-west-3'; set the region to the bucket's"), "{source}");
}

#[test]
fn who_is_asked_to_slow_down_knows_for_how_long() {
    let body = error("SlowDown", "Please reduce your request rate.");
    let answer = ("503 Slow Down", "Retry-After: 11\r\nx-amz-request-id: 4442587FB7D0A2F9\r\n", &*body);
    let Err(SinkError::Retryable { source, retry_after }) = answered(&[answer]) else {
        panic!("it may heal")
    };
    assert_eq!(retry_after, Some(Duration::from_secs(11)));
    assert_eq!(
        source.to_string(),
        "PutObject in the bucket audit: SlowDown (503): Please reduce your request rate; request id 4442587FB7D0A2F9"
    );
}

#[test]
fn two_puts_at_once_are_tried_again() {
    let body =
        error("ConditionalRequestConflict", "Cannot complete the request. A conflicting operation occurred.");
    assert!(matches!(answered(&[("409 Conflict", "", &*body)]), Err(SinkError::Retryable { .. })));
}

#[test]
fn what_never_heals_is_rejected() {
    for (status, code) in [
        ("400 Bad Request", "EntityTooLarge"),
        ("400 Bad Request", "KeyTooLongError"),
        ("400 Bad Request", "MetadataTooLarge"),
        ("413 Content Too Large", "EntityTooLarge"),
    ] {
        let body = error(code, "No.");
        let Err(SinkError::Rejected { source }) = answered(&[(status, "", &*body)]) else { panic!("{code}") };
        assert!(source.to_string().contains(code), "{source}");
    }
}

#[test]
fn an_object_that_vanishes_between_put_and_look_is_put_again_later() {
    let body = error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
    let answers = [("412 Precondition Failed", "", &*body), ("404 Not Found", "", "")];
    assert!(matches!(answered(&answers), Err(SinkError::Retryable { .. })));
}

//! Answers that a server at hand does not give, word by word as AWS documents them.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod answers;

use std::thread;
use std::time::Duration;

use audit_sink::{Sink, SinkError, testkit};
use audit_sink_s3::{Compression, S3Options, S3Sink};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use answers::Answers;

/// Sends a batch to a server that gives these answers.
fn answered(answers: &[(&str, &str, &str)]) -> Result<(), SinkError> {
    let server = Answers::listen();
    let options = S3Options::new("audit")
        .endpoint(server.endpoint())
        .region("us-east-1")
        .compression(Compression::None)
        .credentials("id", "hush".into());
    thread::scope(|scope| {
        scope.spawn(|| server.give(answers));
        let batch = testkit::batch(1, &[b"{}".to_vec()]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(S3Sink::new(options).send(&batch)).map(drop)
    })
}

/// The object that the batch makes, and the beginning of a web page.
const OBJECT: &str = "{}\n";
const PAGE: &str = "<!DOCTYPE html><html><body>Please log in.</body></html>";

const TAKEN: (&str, &str, &str) = ("412 Precondition Failed", "", "");
const PUT: (&str, &str, &str) = ("200 OK", "ETag: \"99914b932bd37a50b983c5e7c90ae93b\"\r\n", "");

/// The message of an error that may heal.
fn retryable(answers: &[(&str, &str, &str)]) -> String {
    match answered(answers) {
        Err(SinkError::Retryable { source, .. }) => source.to_string(),
        other => panic!("expected an error that may heal after {answers:?}, found {other:?}"),
    }
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
    for status in ["413 Content Too Large", "414 URI Too Long"] {
        assert!(matches!(answered(&[(status, "", PAGE)]), Err(SinkError::Rejected { .. })), "{status}");
    }
}

/// To S3 an object is bytes: but for their number it has nothing to refuse in them.
#[test]
fn whatever_else_is_refused_is_tried_again() {
    for (status, code) in [
        ("400 Bad Request", "XMinioAdminBucketQuotaExceeded"),
        ("400 Bad Request", "CredentialsNotSupported"),
        ("400 Bad Request", "IncompleteSignatureException"),
        ("400 Bad Request", "InvalidArgument"),
        ("400 Bad Request", "InvalidURI"),
        ("405 Method Not Allowed", "MethodNotAllowed"),
        ("411 Length Required", "MissingContentLength"),
        ("418 I'm a teapot", "NobodyKnows"),
    ] {
        let body = error(code, "No.");
        let said = retryable(&[(status, "", &*body)]);
        assert!(said.contains(&format!("{code} ({}): No", &status[..3])), "{said}");
    }
}

#[test]
fn who_answers_without_a_code_may_be_another_server() {
    for status in ["400 Bad Request", "404 Not Found", "405 Method Not Allowed", "421 Misdirected Request"] {
        for body in ["", PAGE, "Client sent an HTTP request to an HTTPS server.\n"] {
            let said = retryable(&[(status, "", body)]);
            assert!(said.contains(&status[..3]), "{said}");
            assert!(said.contains("an S3 server, and reached by the right one of http and https?"), "{said}");
        }
    }
}

#[test]
fn a_server_without_conditional_puts_is_named_as_one() {
    let body =
        error("NotImplemented", "A header you provided implies functionality that is not implemented.");
    let said = retryable(&[("501 Not Implemented", "", &*body)]);
    assert!(said.contains("take a server that knows conditional puts (If-None-Match: *)"), "{said}");
}

#[test]
fn only_an_object_that_is_kept_as_it_was_sent_is_accepted() {
    let said = retryable(&[("200 OK", "Content-Type: text/html\r\n", PAGE)]);
    assert!(said.contains("answered 200 without an ETag; is it an S3 server?"), "{said}");

    let kept = |content: &str| {
        let digest = STANDARD.encode(Sha256::digest(content));
        format!("{}x-amz-checksum-sha256: {digest}\r\n", PUT.1)
    };
    let said = retryable(&[("200 OK", &kept("{}"), "")]);
    assert!(said.contains("keeps another SHA-256 than the object's"), "{said}");
    answered(&[("200 OK", &kept(OBJECT), "")]).unwrap();
    answered(&[PUT]).unwrap();
}

/// An answer to HEAD has no body, so no code.
#[test]
fn a_look_that_fails_rejects_nothing() {
    for status in ["400 Bad Request", "403 Forbidden"] {
        answered(&[TAKEN, (status, "", ""), PUT]).unwrap();
        answered(&[TAKEN, (status, "", ""), TAKEN, (status, "", "")]).unwrap();
    }
    for status in
        ["405 Method Not Allowed", "413 Content Too Large", "414 URI Too Long", "501 Not Implemented"]
    {
        retryable(&[TAKEN, (status, "", "")]);
    }
}

#[test]
fn a_server_that_keeps_no_checksums_is_told_the_digest_in_metadata() {
    let digest = const_hex::encode(Sha256::digest(OBJECT));
    let held = |digest: &str| format!("{}x-amz-meta-sha256: {digest}\r\n", PUT.1);
    answered(&[TAKEN, ("200 OK", &held(&digest), OBJECT)]).unwrap();
    answered(&[TAKEN, ("200 OK", &held(&"0".repeat(64)), OBJECT), PUT]).unwrap();
}

/// Both puts were made before, and their answers lost.
#[test]
fn a_server_that_keeps_neither_is_not_asked_without_end() {
    let seen = ("200 OK", PUT.1, OBJECT);
    answered(&[TAKEN, seen, TAKEN, seen]).unwrap();
    let other = ("200 OK", PUT.1, "not this object\n");
    let said = retryable(&[TAKEN, other, TAKEN, other]);
    assert!(said.contains("are taken by objects with other content"), "{said}");
}

#[test]
fn an_object_that_vanishes_between_put_and_look_is_put_again_later() {
    let body = error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
    let answers = [("412 Precondition Failed", "", &*body), ("404 Not Found", "", "")];
    assert!(matches!(answered(&answers), Err(SinkError::Retryable { .. })));
}

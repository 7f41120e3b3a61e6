//! The conformance suite against the receiver, in every body, compressed or not, with TLS and client certificates.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod receiver;

use audit_sink::testkit::{Place as _, batch, conforms};
use audit_sink::{Sink as _, SinkError};
use audit_sink_webhook::{Body, WebhookSink};
use audit_tls::TlsOptions;
use receiver::{Path, run_on, runtime, variable};

const COLLECTOR: &str = "/services/collector/event";

#[test]
fn ndjson() {
    let Some(base) = variable("AUDIT_TEST_WEBHOOK") else { return };
    conforms(&mut Path::new(&base, "/ndjson", Body::Ndjson), &run_on(&runtime()));
}

#[test]
fn ndjson_compressed_and_deduplicated() {
    let Some(base) = variable("AUDIT_TEST_WEBHOOK") else { return };
    let mut path = Path::new(&base, "/ndjson", Body::Ndjson).with(|options| options.gzip(true));
    path.drops_repeated = true;
    conforms(&mut path, &run_on(&runtime()));
    assert!(path.requests().iter().all(|request| request["headers"]["content-encoding"] == "gzip"));
}

#[test]
fn json_arrays() {
    let Some(base) = variable("AUDIT_TEST_WEBHOOK") else { return };
    for gzip in [false, true] {
        let mut path = Path::new(&base, "/array", Body::JsonArray).with(|options| options.gzip(gzip));
        conforms(&mut path, &run_on(&runtime()));
        assert!(
            path.requests().iter().all(|request| request["headers"]["content-type"] == "application/json")
        );
    }
}

#[test]
fn one_record_a_request() {
    let Some(base) = variable("AUDIT_TEST_WEBHOOK") else { return };
    for gzip in [false, true] {
        let mut path = Path::new(&base, "/single", Body::Json).with(|options| options.gzip(gzip));
        path.drops_repeated = gzip;
        conforms(&mut path, &run_on(&runtime()));
        assert!(
            path.requests().iter().all(|request| request["headers"]["content-type"] == "application/json")
        );
    }
}

#[test]
fn splunk_events() {
    let Some(base) = variable("AUDIT_TEST_WEBHOOK") else { return };
    for gzip in [false, true] {
        let mut path = Path::new(&base, COLLECTOR, Body::SplunkHec).with(|options| options.gzip(gzip));
        conforms(&mut path, &run_on(&runtime()));
    }
}

#[test]
fn requests_of_a_few_records() {
    let Some(base) = variable("AUDIT_TEST_WEBHOOK") else { return };
    for body in [Body::Ndjson, Body::JsonArray] {
        let mut path = Path::new(&base, "/split", body).with(|options| options.max_body_bytes(1024));
        path.limit = 1024;
        conforms(&mut path, &run_on(&runtime()));
        let longest = path.requests().iter().map(|request| request["body"].as_str().unwrap().len()).max();
        assert_eq!(longest, Some(1024), "{body:?}: no body is longer, and the longest is used in full");
    }
}

/// The sink would send more than the receiver takes: its 413 splits batches and rejects records.
#[test]
fn the_limit_of_the_receiver() {
    let Some(base) = variable("AUDIT_TEST_WEBHOOK") else { return };
    let mut path = Path::new(&base, "/limit", Body::Ndjson).with(|options| options.max_body_bytes(8 << 20));
    conforms(&mut path, &run_on(&runtime()));

    let lines: Vec<Vec<u8>> =
        (0..40).map(|n| format!("{{\"{n}\":\"{}\"}}", "x".repeat(100_000)).into()).collect();
    let mut path = Path::new(&base, "/limit", Body::Ndjson).with(|options| options.max_body_bytes(8 << 20));
    let runtime = runtime();
    let receipt = runtime.block_on(path.sink().send(&batch(1, &lines))).unwrap();
    assert_eq!(receipt.rejected, []);
    assert!(path.read_back() == lines, "every record once, in order");
}

#[test]
fn tls() {
    let (Some(base), Some(ca)) = (variable("AUDIT_TEST_WEBHOOK_TLS"), variable("AUDIT_TEST_CA")) else {
        return;
    };
    let tls = TlsOptions::default().ca_file(ca);
    conforms(
        &mut Path::new(&base, "/tls", Body::Ndjson).with(|options| options.tls(tls)),
        &run_on(&runtime()),
    );
}

#[test]
fn a_server_of_another_authority_gets_nothing() {
    let Some(base) = variable("AUDIT_TEST_WEBHOOK_TLS") else { return };
    let Some(other) = variable("AUDIT_TEST_OTHER_CA") else { return };
    let tls = TlsOptions::default().ca_file(other);
    let path = Path::new(&base, "/other", Body::Ndjson).with(|options| options.tls(tls));
    let error = refusal(&mut path.sink());
    assert!(error.contains("no TLS connection to https://") && error.contains("set ca_file"), "{error}");
    assert!(path.requests().is_empty());
}

#[test]
fn client_certificates() {
    let Some(base) = variable("AUDIT_TEST_WEBHOOK_MTLS") else { return };
    let Some(ca) = variable("AUDIT_TEST_CA") else { return };
    let (Some(cert), Some(key)) = (variable("AUDIT_TEST_CLIENT_CERT"), variable("AUDIT_TEST_CLIENT_KEY"))
    else {
        return;
    };
    let tls = TlsOptions::default().ca_file(&ca).cert_file(cert).key_file(key);
    let mut path = Path::new(&base, "/mtls", Body::Ndjson).with(|options| options.tls(tls).gzip(true));
    conforms(&mut path, &run_on(&runtime()));

    let without = TlsOptions::default().ca_file(ca);
    let path = Path::new(&base, "/mtls", Body::Ndjson).with(|options| options.tls(without));
    let error = refusal(&mut path.sink());
    assert!(error.contains("set cert_file and key_file"), "{error}");
}

/// The receiver reckons signatures with Python's hmac.
#[test]
fn signatures_are_valid_to_another_implementation() {
    let Some(base) = variable("AUDIT_TEST_WEBHOOK") else { return };
    let Some(secret) = variable("AUDIT_TEST_WEBHOOK_SECRET") else { return };
    for gzip in [false, true] {
        let mut path = Path::new(&base, "/signed", Body::Ndjson)
            .with(|options| options.gzip(gzip).signing_secret(secret.as_str().into()));
        conforms(&mut path, &run_on(&runtime()));
        assert!(path.requests().iter().all(|request| request["signature"] == "valid"));
    }
    let forged = Path::new(&base, "/signed", Body::Ndjson)
        .with(|options| options.signing_secret("not the secret".into()));
    assert!(refusal(&mut forged.sink()).contains("401 Unauthorized"));
}

#[test]
fn headers_arrive() {
    let Some(base) = variable("AUDIT_TEST_WEBHOOK") else { return };
    let mut path = Path::new(&base, "/token", Body::Ndjson).with(|options| {
        options.header("Authorization", "Bearer right-token".into()).header("X-Api-Key", "abc".into())
    });
    conforms(&mut path, &run_on(&runtime()));
    let headers = &path.requests()[0]["headers"];
    assert_eq!(headers["x-api-key"], "abc");
    assert_eq!(headers["user-agent"], concat!("audit-log/", env!("CARGO_PKG_VERSION")));
    assert_eq!(headers["content-type"], "application/x-ndjson");
    let key = headers["idempotency-key"].as_str().unwrap();
    assert!(key.starts_with("\"conformance-1-1-") && key.ends_with('"'), "{key}");
}

#[test]
fn a_redirect_to_another_name_is_not_followed() {
    let Some(base) = variable("AUDIT_TEST_WEBHOOK") else { return };
    let path = Path::new(&base, "/redirect", Body::Ndjson);
    let error = refusal(&mut path.sink());
    assert!(error.contains("redirected to http://localhost:") && error.contains("not followed"), "{error}");
}

fn refusal(sink: &mut WebhookSink) -> String {
    let error = runtime().block_on(sink.send(&batch(1, &[b"{}".to_vec()]))).unwrap_err();
    assert!(matches!(error, SinkError::Retryable { .. }), "{error:?}");
    error.to_string()
}

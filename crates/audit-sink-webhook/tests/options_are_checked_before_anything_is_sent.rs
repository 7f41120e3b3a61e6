//! What can be known to be wrong without the network.

use std::time::Duration;

use audit_sink_webhook::{WebhookOptions, WebhookSink};
use audit_tls::TlsOptions;

fn refusal(options: WebhookOptions) -> String {
    WebhookSink::new(options).expect_err("not to be accepted").to_string()
}

fn ok() -> WebhookOptions {
    WebhookOptions::new("http://127.0.0.1:9/in")
}

#[test]
fn the_url() {
    for (url, expected) in [
        ("", "url cannot be used: relative URL without a base; expected http://host/path"),
        ("logs.example/in", "url cannot be used: relative URL without a base"),
        ("localhost:8080", "url cannot be used: its scheme is localhost"),
        ("ftp://logs.example/", "url cannot be used: its scheme is ftp"),
        ("http://", "url cannot be used: empty host"),
    ] {
        let expected = expected.replace("http://host/path", "http://host:port/path or https://host/path");
        assert!(
            refusal(WebhookOptions::new(url)).starts_with(&expected),
            "{}",
            refusal(WebhookOptions::new(url))
        );
    }
    let error = refusal(WebhookOptions::new("https://me:hunter2@logs.example/"));
    assert!(error.contains("set the header Authorization") && !error.contains("hunter2"), "{error}");
}

#[test]
fn headers() {
    for name in ["", "a b", "a:b", "ä"] {
        assert!(refusal(ok().header(name, "v".into())).contains("cannot be the name of a header"), "{name}");
    }
    for name in ["Idempotency-Key", "content-length", "X-Audit-Signature", "Host"] {
        assert!(refusal(ok().header(name, "v".into())).contains("set by the sink itself"), "{name}");
    }
    let error = refusal(ok().header("Authorization", "Bearer hunter2\n".into()));
    assert!(error.contains("the header Authorization") && !error.contains("hunter2"), "{error}");
    let twice = ok().header("X-Key", "1".into()).header("x-key", "2".into());
    assert!(refusal(twice).contains("x-key is given twice"));
}

#[test]
fn limits_and_secrets() {
    assert!(refusal(ok().max_body_bytes(0)).contains("expected at least 1024"));
    assert!(refusal(ok().connect_timeout(Duration::ZERO)).contains("connect_timeout is zero"));
    assert!(refusal(ok().signing_secret("".into())).contains("signing_secret is empty"));
    assert!(
        refusal(ok().proxy("proxy:3128".into())).starts_with("proxy cannot be used: its scheme is proxy")
    );
}

#[test]
fn tls() {
    let missing = TlsOptions::default().ca_file("/nonexistent/ca.pem");
    let error = refusal(WebhookOptions::new("https://logs.example/").tls(missing.clone()));
    assert!(error.starts_with("cannot read the certificate in /nonexistent/ca.pem: "), "{error}");
    assert!(refusal(ok().tls(missing)).contains("expected https://"));
}

#[test]
fn nothing_secret_is_shown() {
    let options = WebhookOptions::new("http://127.0.0.1:9/path-token?key=query-token")
        .header("Authorization", "Bearer header-token".into())
        .signing_secret("signing-token".into())
        .proxy("http://user:proxy-token@127.0.0.1:9".into());
    let shown = format!("{options:?} {options:#?}");
    assert!(shown.contains("Authorization") && shown.contains("http://127.0.0.1:9"), "{shown}");
    assert!(!shown.contains("token"), "{shown}");
    let sink = WebhookSink::new(options).expect("options that are right");
    assert!(!format!("{sink:?}").contains("token"), "{sink:?}");
}

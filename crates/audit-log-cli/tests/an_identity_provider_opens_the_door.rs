//! `audit-log serve` with a real OpenID provider: keys found by discovery, tokens got with a client's secret, and keys that the provider
//! changes while the service runs.
#![cfg(feature = "oidc")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

mod service;
use service::{Service, events, request, setting, verify};

/// A real one, on this machine.
struct Provider {
    issuer: String,
    secret: String,
}

impl Provider {
    fn address(&self) -> SocketAddr {
        self.issuer.strip_prefix("http://").unwrap().parse().unwrap()
    }

    /// RFC 6749 §4.4.
    fn token(&self, client: &str, more: &str) -> String {
        let credentials = STANDARD.encode(format!("{client}:{}", self.secret));
        let header = format!("Authorization: Basic {credentials}");
        let form = "application/x-www-form-urlencoded";
        let body = format!("grant_type=client_credentials{more}");
        let answer = request(self.address(), "POST", "/token", form, &[&header], body.as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    fn rotate(&self) {
        assert_eq!(request(self.address(), "POST", "/rotate", "", &[], b"").status, 200);
    }
}

#[test]
fn its_tokens_are_believed_and_its_new_keys_are_found() {
    let (Some(issuer), Some(secret)) = (setting("AUDIT_TEST_OIDC"), setting("AUDIT_TEST_OIDC_SECRET")) else {
        return;
    };
    let provider = Provider { issuer, secret };
    let directory = tempfile::tempdir().unwrap();
    let config = format!(
        "
destination: {{type: file, path: log/audit.log}}
integrity: {{chain: {{enabled: true}}}}
sources: [{{type: http, listen: '127.0.0.1:0'}}]
access: {{jwt: {{issuer: '{}', audience: audit-log}}}}
",
        provider.issuer
    );
    let service = Service::start(directory.path(), &config);
    let post = |token: &str, event_type: &str| {
        let event = json!({ "event_type": event_type }).to_string();
        let header = format!("Authorization: Bearer {token}");
        service.post("application/json", &[&header], event.as_bytes()).status
    };
    let first = provider.token("orders", "");
    assert_eq!(post(&first, "app.first"), 200);
    let recorded = service.event("app.first", |_| true);
    assert_eq!(recorded["received"]["by"], "jwt:orders");

    assert_eq!(post(&provider.token("prometheus", ""), "app.intruder"), 403);
    assert_eq!(post(&provider.token("guest", ""), "app.intruder"), 403);
    assert_eq!(post(&provider.token("orders", "&resource=urn:payments"), "app.intruder"), 401);
    service.event("access.denied", |event| event["actor"]["id"] == "jwt:prometheus");
    service.event("access.denied", |event| event["actor"]["id"] == "jwt:guest");
    let meets = |event: &Value| {
        event["details"]["reason"] == "wrong_audience" && event["actor"]["id"] == "jwt:orders"
    };
    service.event("auth.failed", meets);

    // Keys are not fetched again within a minute, as anybody can make up a token with an unknown one; so it takes that long at most.
    provider.rotate();
    let second = provider.token("orders", "");
    assert_eq!(post(&first, "app.between"), 200, "what was fetched is good until something else is");
    while post(&second, "app.second") == 401 {
        std::thread::sleep(Duration::from_secs(1));
    }
    service.event("app.second", |event| event["received"]["by"] == "jwt:orders");
    service.event("auth.failed", |event| event["details"]["reason"] == "unknown_key");
    assert_eq!(post(&first, "app.intruder"), 401, "the provider has that key no longer");

    assert!(service.end().0.success());
    let events = events(directory.path());
    let count = |name: &str| events.iter().filter(|event| event["event_type"] == name).count();
    assert_eq!((count("app.first"), count("app.second"), count("app.intruder")), (1, 1, 0));
    let verdict = verify(directory.path());
    assert_eq!(verdict["chains"][0]["verdict"], "intact", "{verdict}");
}

//! API tokens over HTTP: the right one, wrong ones, an expired one, and one whose caller sends too much.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod service;

use std::sync::Arc;

use audit_access::{Access, NewToken, RateLimit, Role, Tokens};
use audit_model::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use service::{Reply, Service, event, post, service};

const DAY: i64 = 86_400_000;

fn days_ago(days: i64) -> Timestamp {
    Timestamp::from_milliseconds(Timestamp::now().as_milliseconds() - days * DAY).unwrap()
}

fn send(service: &Service, token: &SecretString, body: &str) -> Reply {
    let header = format!("authorization: Bearer {}\r\n", token.expose_secret());
    service.ask(post("application/json", &header, body))
}

#[test]
fn to_who_has_the_right_one() {
    let mut tokens = Tokens::default();
    let ci = tokens.create(NewToken::new("ci", [Role::Ingest]), days_ago(2)).unwrap();
    let reader = tokens.create(NewToken::new("reader", [Role::Read]), days_ago(2)).unwrap();
    let old = tokens.create(NewToken::new("old", [Role::Ingest]).expires(days_ago(1)), days_ago(2)).unwrap();
    let service = service(|options| options.access(Access::default().tokens(tokens)));

    let forged = r#"{"event_type": "a.b", "received": {"by": "token:root"}}"#;
    let answer = send(&service, &ci, forged);
    assert_eq!(answer.status, 200, "{answer:?}");
    let number = usize::try_from(answer.results()[0]["sequence_number"].as_u64().unwrap()).unwrap();
    assert_eq!(service.records()[number - 1]["received"]["by"], "token:ci");

    assert_eq!(send(&service, &reader, forged).status, 403);
    let wrong = SecretString::from(format!("{}x", ci.expose_secret()));
    for token in [&old, &wrong, &SecretString::from("guess")] {
        let answer = send(&service, token, forged);
        assert_eq!(answer.status, 401);
        assert_eq!(answer.detail(), "the token or certificate is not known here, or not valid any more");
    }
    assert_eq!(service.log.recorded(), 1);
}

#[test]
fn and_no_further_than_the_rate() {
    let mut tokens = Tokens::default();
    let [ci, other] =
        ["ci", "other"].map(|id| tokens.create(NewToken::new(id, [Role::Ingest]), days_ago(1)).unwrap());
    let limit = RateLimit { events_per_second: 1.try_into().unwrap(), burst: 10.try_into().unwrap() };
    let service = service(|options| options.access(Access::default().tokens(tokens).rate_limit(limit)));
    let many = |n: usize| format!("[{}]", vec![event("a.b", 1); n].join(","));
    assert_eq!(send(&service, &ci, &many(10)).status, 200);
    let answer = send(&service, &ci, &many(9));
    assert_eq!(answer.status, 429, "{answer:?}");
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=9).contains(&wait), "{wait}");
    assert_eq!(send(&service, &other, &many(10)).status, 200, "each has a rate of its own");
    assert_eq!(service.log.recorded(), 20, "nothing of what was too much");
}

struct Well;

impl audit_source_http::Operations for Well {
    fn ready(&self) -> Result<(), Vec<String>> {
        Ok(())
    }

    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    fn metrics(&self) -> String {
        String::new()
    }

    fn status(&self) -> Value {
        json!({})
    }
}

#[test]
fn of_operations_too() {
    let mut tokens = Tokens::default();
    let reader = tokens.create(NewToken::new("reader", [Role::Read]), days_ago(1)).unwrap();
    let access = Access::default().tokens(tokens);
    let service = service(|options| options.access(access).operations(Arc::new(Well)));
    let get =
        |path: &str, header: &str| service.ask(format!("GET {path} HTTP/1.1\r\nhost: x\r\n{header}\r\n"));
    let bearer = format!("authorization: Bearer {}\r\n", reader.expose_secret());
    for path in ["/healthz", "/readyz", "/metrics", "/v1/status"] {
        assert_eq!((get(path, &bearer).status, get(path, "").status), (200, 401), "{path}");
    }
}

//! `audit-log serve` with tokens of an identity provider, client certificates and API tokens: who may gets in, who may not is on record,
//! and the log verifies.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rcgen::{SanType, date_time_ymd};
use serde_json::{Value, json};

mod authority;
mod issuer;
mod service;
use authority::Authority;
use issuer::{Issuer, token};
use service::{Service, audit_log, events, until, verify};

const LOG: &str = "
destination: {type: file, path: log/audit.log}
integrity: {chain: {enabled: true}}
";

/// What a refusal leaves behind.
#[derive(Debug)]
struct Refused {
    event_type: &'static str,
    reason: &'static str,
    actor: Option<String>,
    operation: &'static str,
}

impl Refused {
    fn unknown(reason: &'static str, actor: Option<&str>) -> Self {
        let actor = actor.map(str::to_owned);
        Self { event_type: "auth.failed", reason, actor, operation: "POST /v1/events" }
    }

    fn not_enough(actor: &str) -> Self {
        let actor = Some(actor.to_owned());
        Self { event_type: "access.denied", reason: "missing_role", actor, operation: "POST /v1/events" }
    }

    /// Before anything is asked for. Of whom is not known: the name in what is not believed may be anybody's.
    fn handshake(reason: &'static str) -> Self {
        Self { operation: "TLS handshake", ..Self::unknown(reason, None) }
    }

    fn status(&self) -> u16 {
        if self.event_type == "access.denied" { 403 } else { 401 }
    }

    fn is(&self, event: &Value) -> bool {
        event["event_type"] == self.event_type
            && event["details"]["reason"] == self.reason
            && event["actor"]["id"].as_str() == self.actor.as_deref()
            && event["actor"]["ip_address"] == "127.0.0.1"
            && event["details"]["operation"] == self.operation
            && event["action"]["result"] == if self.status() == 403 { "denied" } else { "failure" }
    }
}

/// After the end: each refusal is on record, no intruder's event is in the log, it verifies.
fn check_the_log(directory: &Path, refused: &[Refused]) {
    let events = events(directory);
    for refusal in refused {
        let of_its_type: Vec<_> =
            events.iter().filter(|event| event["event_type"] == refusal.event_type).collect();
        assert!(
            events.iter().any(|event| refusal.is(event)),
            "{refusal:?} is not on record: {of_its_type:?}"
        );
    }
    assert!(events.iter().all(|event| event["event_type"] != "app.intruder"));
    let verdict = verify(directory);
    assert_eq!(verdict["chains"][0]["verdict"], "intact", "{verdict}");
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn a_provider_s_token_is_believed_when_all_of_it_is_right() {
    let Some(provider) = Issuer::new() else { return };
    let stranger = Issuer::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let keys = provider.jwks();
    fs::write(directory.path().join("jwks.json"), keys.to_string()).unwrap();
    let config = format!(
        "{LOG}
sources: [{{type: http, listen: '127.0.0.1:0'}}]
access:
  jwt:
    issuer: https://id.example.com/realms/shop
    audience: audit-log
    jwks_file: jwks.json
    role_claim: realm_access.roles
    roles: {{audit-writer: [ingest], auditor: [read]}}
"
    );
    let service = Service::start(directory.path(), &config);
    let post = |token: &str, event_type: &str| {
        let event = json!({ "event_type": event_type }).to_string();
        let header = format!("Authorization: Bearer {token}");
        service.post("application/json", &[&header], event.as_bytes())
    };
    let claims = |subject: &str, changes: Value| {
        let mut claims = json!({
            "iss": "https://id.example.com/realms/shop",
            "aud": ["account", "audit-log"],
            "sub": subject,
            "iat": now() - 10,
            "exp": now() + 3600,
            "realm_access": {"roles": ["offline_access", "audit-writer"]},
        });
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        claims
    };
    let good = |subject| claims(subject, json!({}));

    for (subject, token) in [("alice", provider.rs256(&good("alice"))), ("bob", provider.es256(&good("bob")))]
    {
        let answer = post(&token, &format!("app.{subject}"));
        assert_eq!(answer.status, 200, "{subject}: {answer:?}");
        let recorded = service.event(&format!("app.{subject}"), |_| true);
        assert_eq!(recorded["received"]["by"], format!("jwt:{subject}"));
        service.event("auth.login", |event| event["actor"]["id"] == format!("jwt:{subject}"));
    }

    let header = |algorithm: &str| json!({"alg": algorithm, "kid": "rsa", "typ": "JWT"});
    let nothing = |_: &[u8]| Vec::new();
    let of = |subject: &str| Some(format!("jwt:{subject}"));
    let changed = |subject: &str, changes: Value| provider.rs256(&claims(subject, changes));
    let signature = provider.rs256(&good("alice")).rsplit_once('.').unwrap().1.to_owned();
    let unsigned = token(&header("RS256"), &good("altered"), nothing);
    let unknown = |reason, actor: Option<String>| Refused::unknown(reason, actor.as_deref());
    let attempts = [
        // Whose keys are not known can name anybody: no name is taken from it.
        (
            changed("a", json!({"iss": "https://id.example.com/realms/other"})),
            unknown("unknown_issuer", None),
        ),
        (
            changed("b", json!({"iss": "https://id.example.com/realms/shop/"})),
            unknown("unknown_issuer", None),
        ),
        (changed("payments", json!({"aud": "payments"})), unknown("wrong_audience", of("payments"))),
        (changed("nobody's", json!({"aud": null})), unknown("wrong_audience", of("nobody's"))),
        (changed("late", json!({"exp": now() - 61})), unknown("expired", of("late"))),
        (changed("eternal", json!({"exp": null})), unknown("malformed_token", of("eternal"))),
        (changed("early", json!({"nbf": now() + 3600})), unknown("not_yet_valid", of("early"))),
        (token(&header("none"), &good("none"), nothing), unknown("algorithm", of("none"))),
        (token(&header("nOnE"), &good("nOnE"), nothing), unknown("algorithm", of("nOnE"))),
        (
            provider.hs256_with_the_public_key(&header("HS256"), &good("confused")),
            unknown("algorithm", of("confused")),
        ),
        (
            provider.hs256_with_the_public_key(&header("RS256"), &good("still confused")),
            unknown("bad_signature", of("still confused")),
        ),
        (format!("{unsigned}{signature}"), unknown("bad_signature", of("altered"))),
        (unsigned, unknown("bad_signature", of("altered"))),
        (stranger.rs256(&good("strange")), unknown("bad_signature", of("strange"))),
        (stranger.es256(&good("stranger")), unknown("bad_signature", of("stranger"))),
        ("e30.e30.e30".to_owned(), unknown("unknown_issuer", None)),
        ("x".to_owned(), unknown("unknown_token", None)),
        (changed("poor", json!({"realm_access": {}})), Refused::not_enough("jwt:poor")),
        (changed("ann", json!({"realm_access": {"roles": ["auditor"]}})), Refused::not_enough("jwt:ann")),
        (
            changed(
                "sly",
                json!({"realm_access": {"roles": ["ingest", "admin"]}, "roles": ["audit-writer"]}),
            ),
            Refused::not_enough("jwt:sly"),
        ),
    ];
    let mut refused = Vec::new();
    for (token, refusal) in attempts {
        let answer = post(&token, "app.intruder");
        assert_eq!(answer.status, refusal.status(), "{refusal:?}: {answer:?}");
        assert!(!answer.body.contains(refusal.reason) || refusal.status() == 403, "{answer:?}");
        refused.push(refusal);
    }

    // The provider has withdrawn one of its keys.
    let kept: Vec<_> = keys["keys"].as_array().unwrap()[1..].to_vec();
    fs::write(directory.path().join("jwks.json"), json!({ "keys": kept }).to_string()).unwrap();
    let withdrawn = provider.rs256(&good("carol"));
    until("it is known that the key is withdrawn", || post(&withdrawn, "app.carol").status == 401);
    refused.push(unknown("unknown_key", of("carol")));
    assert_eq!(post(&provider.es256(&good("bob")), "app.bob").status, 200);

    assert!(service.end().0.success());
    check_the_log(directory.path(), &refused);
    let text = fs::read_to_string(directory.path().join("log/audit.log")).unwrap();
    assert!(!text.contains(&signature), "no credential is in the log");
}

#[test]
fn a_certificate_opens_the_door_to_whom_it_names() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    let (own, other) = (Authority::new(place, "own"), Authority::new(place, "other"));
    own.issue("server", &["localhost"], |_| ());
    own.issue("orders", &[], |_| ());
    own.issue("backup", &[], |params| {
        let name = "spiffe://example.com/backup".try_into().unwrap();
        params.subject_alt_names = vec![SanType::URI(name)];
    });
    own.issue("prometheus", &[], |_| ());
    own.issue("mallory", &[], |_| ());
    own.issue("former", &[], |params| {
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    });
    own.issue("future", &[], |params| {
        (params.not_before, params.not_after) = (date_time_ymd(2090, 1, 1), date_time_ymd(2091, 1, 1));
    });
    // Whoever has an authority can have a certificate for any name.
    other.issue("forged", &[], |params| {
        params.distinguished_name.push(rcgen::DnType::CommonName, "orders");
    });
    let tls = "cert_file: server.pem, key_file: server-key.pem, client_ca_file: own.pem";
    let config = format!(
        "{LOG}
sources:
  - {{type: http, listen: '127.0.0.1:0', tls: {{{tls}}}}}
  - {{type: http, name: asking, listen: '127.0.0.1:0', tls: {{{tls}, require_client_certificate: false}}}}
operations: {{listen: '127.0.0.1:0'}}
access:
  client_certificates:
    - {{subject: CN=orders, roles: [ingest]}}
    - {{subject: CN=former, roles: [ingest]}}
    - {{subject: CN=future, roles: [ingest]}}
    - {{san: 'spiffe://example.com/backup', roles: [ingest]}}
    - {{subject: CN=prometheus, roles: [read]}}
"
    );
    let service = Service::start(place, &config);
    let refused = [
        ("mallory", Refused::unknown("unknown_certificate", Some("certificate:CN=mallory"))),
        ("prometheus", Refused::not_enough("certificate:CN=prometheus")),
    ];
    let intruder = r#"{"event_type":"app.intruder"}"#;
    let mut shaken_off: BTreeMap<&'static str, u64> = BTreeMap::new();
    for listener in ["http", "asking"] {
        let address = service.address(listener);
        let post = |tls: &audit_tls::TlsOptions, event: &str| authority::post(address, tls, &[], event);
        for (file, event_type) in [("orders", "app.orders"), ("backup", "app.backup")] {
            let answer = post(&own.client(file), &json!({ "event_type": event_type }).to_string()).unwrap();
            assert_eq!(answer.status, 200, "{file}: {answer:?}");
            let by = format!("certificate:CN={file}");
            let meets =
                |event: &Value| event["received"]["by"] == by && event["received"]["source"] == listener;
            service.event(event_type, meets);
        }
        for (file, refusal) in &refused {
            assert_eq!(post(&own.client(file), intruder).unwrap().status, refusal.status(), "{file}");
        }
        // The handshake itself turns these away.
        let forged =
            own.trusting().cert_file(place.join("forged.pem")).key_file(place.join("forged-key.pem"));
        for (reason, client, expected) in [
            ("certificate_expired", own.client("former"), "CertificateExpired"),
            ("certificate_not_yet_valid", own.client("future"), "CertificateExpired"),
            ("unknown_authority", forged, "UnknownCA"),
        ] {
            let error = authority::refusal(address, &client);
            assert!(error.contains(expected), "{reason}: {error}");
            assert!(post(&client, intruder).is_err(), "{reason}");
            *shaken_off.entry(reason).or_default() += 2;
        }
        // Who speaks no TLS, or does not trust us, says nothing of who they are.
        let plain =
            service::try_request(address, "POST", "/v1/events", "application/json", &[], intruder.as_bytes());
        assert!(plain.is_err(), "{plain:?}");
        assert!(post(&other.trusting(), intruder).is_err());
        let without = post(&own.trusting(), intruder);
        if listener == "http" {
            let error = authority::refusal(address, &own.trusting());
            assert!(without.is_err() && error.contains("CertificateRequired"), "{error}");
            shaken_off.insert("no_certificate", 2);
        } else {
            assert_eq!(without.unwrap().status, 401);
        }
    }
    let failed = shaken_off.values().sum::<u64>() + 4;
    let counted = format!("\naudit_log_http_handshakes_failed_total {failed}\n");
    until("all that failed are counted", || service.get("operations", "/metrics").body.contains(&counted));
    assert!(service.end().0.success());
    let mut refused: Vec<_> = refused.into_iter().map(|(_, refusal)| refusal).collect();
    refused.push(Refused::unknown("no_credentials", None));
    refused.extend(shaken_off.keys().copied().map(Refused::handshake));
    check_the_log(place, &refused);
    let mut on_record = BTreeMap::<String, u64>::new();
    for event in events(place).iter().filter(|event| event["details"]["operation"] == "TLS handshake") {
        let reason = event["details"]["reason"].as_str().unwrap().to_owned();
        *on_record.entry(reason).or_default() += event["details"]["count"].as_u64().unwrap();
    }
    let expected: BTreeMap<_, _> = shaken_off.iter().map(|(reason, n)| ((*reason).to_owned(), *n)).collect();
    assert_eq!(on_record, expected);
}

#[test]
fn an_api_token_is_good_for_what_it_was_made_for_and_as_long() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    let config = format!(
        "{LOG}
sources: [{{type: http, listen: '127.0.0.1:0'}}]
access: {{tokens_file: tokens.yaml}}
"
    );
    let create = |file: &str, id: &str, role: &str, more: &[&str]| {
        let arguments = ["token", "create", "--tokens-file", file, id, "--role", role];
        audit_log(place, &[&arguments[..], more].concat())
    };
    let good = create("tokens.yaml", "ci", "ingest", &[]);
    let reader = create("tokens.yaml", "prometheus", "read", &[]);
    let short = create("tokens.yaml", "visitor", "ingest", &["--expires", "1s"]);
    let leaked = create("tokens.yaml", "leaked", "ingest", &[]);
    // Of another installation: one has the name of ours, with another secret.
    let namesake = create("elsewhere.yaml", "ci", "admin", &[]);
    let foreign = create("elsewhere.yaml", "foreign", "admin", &[]);
    let service = Service::start(place, &config);
    let post = |token: &str, event_type: &str| {
        let event = json!({ "event_type": event_type }).to_string();
        let header = format!("Authorization: Bearer {token}");
        service.post("application/json", &[&header], event.as_bytes())
    };
    assert_eq!(post(&good, "app.good").status, 200);
    assert_eq!(post(&leaked, "app.leaked").status, 200);
    until("the visitor's time is over", || post(&short, "app.visitor").status == 401);

    audit_log(place, &["token", "revoke", "--tokens-file", "tokens.yaml", "leaked"]);
    until("it is known that the token is revoked", || post(&leaked, "app.leaked").status == 401);
    service
        .event("config.changed", |event| event["details"]["changes"][0]["field"] == "access.tokens[leaked]");
    let attempts = [
        (leaked.clone(), Refused::unknown("revoked", Some("token:leaked"))),
        (short.clone(), Refused::unknown("expired", Some("token:visitor"))),
        (namesake, Refused::unknown("wrong_secret", Some("token:ci"))),
        // A name that is not ours may be anything, a secret for instance.
        (foreign, Refused::unknown("unknown_token", None)),
        (good[..good.len() - 1].to_owned(), Refused::unknown("malformed_token", None)),
        (reader.clone(), Refused::not_enough("token:prometheus")),
    ];
    for (token, refusal) in &attempts {
        assert_eq!(post(token, "app.intruder").status, refusal.status(), "{refusal:?}");
    }
    // Rotated: for as long as was said, both are good.
    let rotated =
        audit_log(place, &["token", "rotate", "--tokens-file", "tokens.yaml", "ci", "--overlap", "1s"]);
    until("the new secret is known", || post(&rotated, "app.good").status == 200);
    until("the old secret's time is over", || post(&good, "app.good").status == 401);
    assert_eq!(post(&rotated, "app.good").status, 200);
    // In any other place than where it belongs, a token is none.
    let event = br#"{"event_type":"app.intruder"}"#;
    for header in [format!("Authorization: Basic {rotated}"), format!("X-Api-Key: {rotated}")] {
        assert_eq!(service.post("application/json", &[&header], event).status, 401, "{header}");
    }

    assert!(service.end().0.success());
    let refused: Vec<_> = attempts.into_iter().map(|(_, refusal)| refusal).collect();
    check_the_log(place, &refused);
    let text = fs::read_to_string(place.join("log/audit.log")).unwrap();
    for token in [&good, &reader, &short, &leaked, &rotated] {
        let secret = token.rsplit('_').next().unwrap();
        assert!(!text.contains(secret), "no secret is in the log");
    }
}

//! Keys, authorities, certificates and tokens that are swapped under an unchanged configuration are on record, told apart by fingerprints;
//! and a certificate that is broken then leaves the one before in use, told wherever somebody looks.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod running;

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use audit_access::{NewToken, Role, TokensFile};
use audit_model::Timestamp;
use audit_tls::TlsOptions;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use running::{Running, answer, post, start, until};
use rustls::{ClientConnection, StreamOwned};
use serde_json::{Value, json};

const KEYS: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// An authority, a certificate of its for this machine, a token and an identity provider's keys.
fn write(directory: &Path) {
    certify(directory);
    fs::write(directory.join("keys.json"), KEYS).unwrap();
    token(directory, "2026-11-22T10:00:00Z");
}

fn certify(directory: &Path) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let root = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    for (file, text) in
        [("ca.pem", root.pem()), ("server.pem", own.pem()), ("server-key.pem", key.serialize_pem())]
    {
        fs::write(directory.join(file), text).unwrap();
    }
}

fn token(directory: &Path, created: &str) {
    let _ = fs::remove_file(directory.join("tokens.yaml"));
    let mut new = NewToken::default();
    new.id = "ci".to_owned();
    new.roles = [Role::Ingest].into();
    let created: Timestamp = created.parse().unwrap();
    TokensFile::at(directory.join("tokens.yaml")).create(new, created).unwrap();
}

fn config(directory: &Path) -> String {
    let at = |name: &str| directory.join(name).display().to_string();
    format!(
        "
destination: {{type: file, path: {log}}}
sources:
  - type: http
    listen: '127.0.0.1:0'
    tls: {{cert_file: {cert}, key_file: {key}, client_ca_file: {ca}, require_client_certificate: false}}
operations: {{listen: '127.0.0.1:0'}}
access:
  anonymous: [ingest]
  tokens_file: {tokens}
  jwt: {{issuer: 'https://login.example.com/', audience: audit-log, jwks_file: {keys}}}
",
        log = at("audit.log"),
        cert = at("server.pem"),
        key = at("server-key.pem"),
        ca = at("ca.pem"),
        tokens = at("tokens.yaml"),
        keys = at("keys.json"),
    )
}

fn begin() -> Running {
    start(|directory| {
        write(directory);
        config(directory)
    })
}

/// What the last record of so many says of one field: old and new.
fn told(running: &Running, count: usize, field: &str) -> (Value, Value) {
    let events = running.changes(count);
    let changes = events[count - 1]["details"]["changes"].as_array().unwrap().clone();
    assert_eq!(changes.len(), 1, "{changes:?}");
    let change =
        changes.iter().find(|change| change["field"] == field).unwrap_or_else(|| panic!("{changes:?}"));
    (change["old_value"].clone(), change["new_value"].clone())
}

#[test]
fn the_file_and_its_fingerprints_are_named() {
    let running = begin();
    assert_eq!(running.service.reload().unwrap(), [], "nothing changed");

    fs::write(running.path("keys.json"), KEYS.replace("\"1\"", "\"2\"")).unwrap();
    running.service.reload().unwrap();
    let (old, new) = told(&running, 1, "access.jwt.jwks_file");
    assert_eq!(old["file"], json!(running.path("keys.json").display().to_string()));
    assert_eq!(old["file"], new["file"]);
    assert!(old["fingerprint"].as_str().unwrap().starts_with("sha256:"));
    assert_ne!(old["fingerprint"], new["fingerprint"]);

    let authority = fs::read_to_string(running.path("ca.pem")).unwrap();
    fs::write(running.path("ca.pem"), format!("# the same, and a comment\n{authority}")).unwrap();
    running.service.reload().unwrap();
    let (old, new) = told(&running, 2, "sources[http].tls.client_ca_file");
    assert_ne!(old["fingerprint"], new["fingerprint"]);

    fs::write(running.path("ca.pem"), &authority).unwrap();
    running.service.reload().unwrap();
    assert_eq!(told(&running, 3, "sources[http].tls.client_ca_file"), (new, old));

    // Another secret under the same name, of the same moment.
    token(running.directory.path(), "2026-11-22T10:00:00Z");
    running.service.reload().unwrap();
    let (old, new) = told(&running, 4, "access.tokens[ci]");
    assert_ne!(old["secret_fingerprint"], new["secret_fingerprint"]);
    let without = |value: &Value| {
        let mut value = value.clone();
        value.as_object_mut().unwrap().remove("secret_fingerprint");
        value
    };
    assert_eq!(without(&old), without(&new));
    let file = fs::read_to_string(running.path("tokens.yaml")).unwrap();
    let hash = file.lines().find_map(|line| line.trim().strip_prefix("hash: sha256:")).unwrap();
    let log = fs::read_to_string(running.path("audit.log")).unwrap();
    assert!(!log.contains(&hash[..16]), "of the hash itself nothing is told");
    running.end();
}

/// The status of an event that is sent over TLS, if the certificate is of this authority.
fn over_tls(running: &Running, authority: &Path) -> Option<u16> {
    let config = TlsOptions::default().ca_file(authority).client_config().unwrap();
    let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(client, TcpStream::connect(running.address("http")).unwrap());
    stream.write_all(&post(r#"{"event_type":"app.one"}"#)).ok()?;
    Some(answer(&mut stream)?.0)
}

#[test]
fn a_broken_certificate_leaves_the_one_before_in_use() {
    let running = begin();
    let before = running.path("before.pem");
    fs::copy(running.path("ca.pem"), &before).unwrap();
    let good = fs::read_to_string(running.path("server.pem")).unwrap();
    assert_eq!(over_tls(&running, &before), Some(200));

    fs::write(running.path("server.pem"), "oops").unwrap();
    let more = running.text().replace("[ingest]", "[ingest, read]");
    let error = running.change(&more).unwrap_err().to_string();
    assert!(error.contains("source `http`: no server certificate in"), "{error}");
    assert_eq!(running.changes(1)[0]["action"]["result"], "failure");
    assert_eq!(over_tls(&running, &before), Some(200), "the old one serves on");
    let warned = || {
        let ready = running::get(running.address("operations"), "/readyz").unwrap();
        assert_eq!(ready.0, 200, "it takes events all the same: {}", ready.1);
        ready.1.contains("source `http`: the certificate cannot be renewed, and the one before stays in use")
    };
    until("readiness warns of it", warned);
    let status = running.service.status();
    assert!(status["sources"][0]["failing"].as_str().unwrap().contains("server.pem"), "{status}");

    fs::write(running.path("server.pem"), &good).unwrap();
    running.change(&more).unwrap();
    until("it is over", || !warned());
    assert_eq!(over_tls(&running, &before), Some(200));

    // One that is good is taken over, and is on record.
    certify(running.directory.path());
    running.service.reload().unwrap();
    let last = running.changes(3)[2].to_string();
    assert!(last.contains("sources[http].tls.cert_file") && !last.contains("server-key"), "{last}");
    until("the new one is shown", || over_tls(&running, &running.path("ca.pem")) == Some(200));
    assert_eq!(over_tls(&running, &before), None);
    running.end();
}

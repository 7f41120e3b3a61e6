//! Sources, access and operations: what is taken, and what is refused with which words.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_config::parse;

const DESTINATION: &str = "destination: {type: file, path: a.log}\n";

fn errors(text: &str) -> String {
    parse("audit.yaml", &format!("{DESTINATION}{text}"), &|_| None).unwrap_err().to_string()
}

fn warnings(text: &str) -> Vec<String> {
    let parsed = parse("audit.yaml", &format!("{DESTINATION}{text}"), &|_| None).unwrap();
    parsed.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_right_is_taken() {
    let text = "
sources:
  - {type: http, listen: 0.0.0.0:8400, tls: {cert_file: a.pem, key_file: a.key, client_ca_file: ca.pem}}
  - {type: http, name: plain, listen: 'localhost:8401'}
  - {type: socket, path: /run/a.sock, mode: '0660', format: native}
  - {type: file, path: /var/log/app.ndjson, start: end}
  - {type: kafka, bootstrap_servers: ['127.0.0.1:9092'], topic: _redpanda.audit_log, format: ocsf}
  - {type: kafka, name: two, bootstrap_servers: ['127.0.0.1:9092'], topic: [a, b], group: g}
  - {type: syslog, protocol: tls, tls: {cert_file: a.pem, key_file: a.key}}
  - {type: syslog, name: old, protocol: tcp}
access:
  tokens_file: tokens.yaml
  jwt: {issuer: 'https://login.example', audience: audit-log, role_claim: realm_access.roles, roles: {writer: [ingest]}}
  client_certificates: [{subject: CN=orders, roles: [ingest]}, {san: orders.internal, roles: [read]}]
  anonymous: [ingest]
  rate_limit: {events_per_second: 1000, burst: 5000}
operations: {listen: '0.0.0.0:9400', danger_allow_plain_http: true}
";
    assert_eq!(warnings(text), [""; 0]);
}

#[test]
fn plain_http_to_other_machines_has_to_be_asked_for_by_name() {
    let access = "access: {anonymous: [ingest]}\n";
    let text = format!("{access}sources: [{{type: http, listen: '0.0.0.0:8400'}}]");
    let told = errors(&text);
    assert!(
        told.contains("audit.yaml:3:32: sources[0].listen: found an address that other machines reach"),
        "{told}"
    );
    assert!(told.contains("`danger_allow_plain_http: true`"), "{told}");
    assert!(errors("operations: {listen: '[::]:9400'}").contains("operations.listen: found an address"));
    assert_eq!(warnings(&text.replace("'}", "', danger_allow_plain_http: true}")), [""; 0]);
}

#[test]
fn a_door_that_nobody_may_use_is_an_error() {
    let told = errors("sources: [{type: http}]");
    assert!(told.contains("nobody may send events here"), "{told}");
    assert!(told.contains("`access: {anonymous: [ingest]}`"), "{told}");
}

#[test]
fn what_cannot_be_is_refused() {
    let access = "access: {anonymous: [ingest]}\n";
    for (text, expected) in [
        ("sources: [{type: htp}]", "did you mean `http`?"),
        ("sources: [{type: http, listen: here}]", "an IP address and a port"),
        ("sources: [{type: socket, path: a, mode: '0999'}]", "permission bits"),
        ("sources: [{type: socket, path: a}, {type: socket, path: b}]", "expected a `name` for each"),
        ("sources: [{type: http}, {type: http, name: b}]", "found the address of `sources[0]` again"),
        (
            "sources: [{type: http, listen: '127.0.0.1:9400'}]\noperations: {}",
            "found the address of `operations` again",
        ),
        ("sources: [{type: syslog, protocol: tls}]", "missing key `tls`"),
        (
            "sources: [{type: syslog, protocol: tcp, tls: {cert_file: a, key_file: b}}]",
            "found `tcp`, expected `tls`",
        ),
        ("sources: [{type: kafka, bootstrap_servers: [a], topic: t}]", "`host:port`"),
        ("sources: [{type: kafka, bootstrap_servers: ['a:1'], topic: []}]", "the name of a topic"),
        (
            "sources: [{type: file, path: x}, {type: file, name: b, path: ./x}]",
            "found the file of `sources[0]` again",
        ),
        ("sources: [{type: file, path: a.log}]", "found the file of `destination` again"),
        ("sources: [{type: file, path: a, format: ocfs}]", "did you mean `ocsf`?"),
    ] {
        let told = errors(&format!("{access}{text}"));
        assert!(told.contains(expected), "{text}: {told}");
    }
    for (text, expected) in [
        ("access: {anonymous: [ingst]}", "did you mean `ingest`?"),
        ("access: {jwt: {issuer: 'http://login.example', audience: a}}", "begins with `https://`"),
        (
            "access: {jwt: {issuer: 'i', audience: a, jwks_file: f, jwks_url: 'https://u'}}",
            "only one of them",
        ),
        ("access: {client_certificates: [{roles: [ingest]}]}", "expected `subject` or `san`"),
    ] {
        let told = errors(text);
        assert!(told.contains(expected), "{text}: {told}");
    }
}

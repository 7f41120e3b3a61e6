//! Tokens of PyJWT, and made by hand as attackers do (RFC 8725): `tests/data/make_jwt.py` writes them.
#![cfg(feature = "jwt")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_access::{Access, Algorithm, Caller, Denial, Jwt, JwtOptions, KeySet, Presented, Role};
use audit_model::{Timestamp, Value};

const JWKS: &[u8] = include_bytes!("data/jwks.json");

fn vectors() -> Value {
    serde_json::from_str(include_str!("data/jwt.json")).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_milliseconds(vectors()["now"].as_i64().unwrap() * 1000).unwrap()
}

fn options() -> JwtOptions {
    JwtOptions::new(vectors()["issuer"].as_str().unwrap(), "audit-log")
        .role_claim("realm_access.roles")
        .role("audit-writer", [Role::Ingest])
}

fn access(options: JwtOptions) -> Access {
    Access::default().jwt(Jwt::new(options, KeySet::parse(JWKS).unwrap()).unwrap())
}

fn show(access: &Access, token: &str) -> Result<Caller, Denial> {
    access.identify(&Presented::default().bearer(Some(token)), now())
}

fn reason(result: &Result<Caller, Denial>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(Denial::Unauthenticated { reason, .. }) => reason,
        Err(_) => "another denial",
    }
}

fn named(name: &str) -> String {
    let vectors = vectors();
    let case = vectors["cases"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap();
    case["token"].as_str().unwrap().to_owned()
}

#[test]
fn each_case_has_its_verdict() {
    let access = access(options());
    let vectors = vectors();
    let cases = vectors["cases"].as_array().unwrap();
    assert!(cases.len() > 60);
    for case in cases {
        let result = show(&access, case["token"].as_str().unwrap());
        assert_eq!(reason(&result), case["expect"], "{}: {result:?}", case["name"]);
        if let Ok(caller) = result {
            assert_eq!(caller, Caller::new("jwt:alice@example.com", [Role::Ingest]), "{}", case["name"]);
        }
    }
}

#[test]
fn one_bit_changed_anywhere_is_found() {
    let access = access(options());
    for name in ["RS256", "PS256", "ES256", "ES384", "EdDSA"] {
        let token = named(name);
        assert!(show(&access, &token).is_ok());
        for at in 0..token.len() {
            for bit in 0..7 {
                let mut bytes = token.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let changed = String::from_utf8(bytes).unwrap();
                assert!(show(&access, &changed).is_err(), "{name}: bit {bit} of byte {at}");
            }
        }
        for cut in 0..token.len() {
            assert!(show(&access, &token[..cut]).is_err(), "{name}: cut at {cut}");
        }
    }
}

#[test]
fn only_the_algorithms_of_the_list_are_let_in() {
    let access = access(options().algorithms([Algorithm::Es256]));
    assert_eq!(reason(&show(&access, &named("ES256"))), "ok");
    for other in ["RS256", "PS256", "ES384", "EdDSA"] {
        assert_eq!(reason(&show(&access, &named(other))), "algorithm");
    }
    for never in ["none", "None", "HS256", "HS512", "rs256", "", "RSA-OAEP"] {
        assert!(never.parse::<Algorithm>().is_err(), "{never}");
    }
}

#[test]
fn a_huge_token_is_not_looked_at() {
    let access = access(options());
    let token = named("RS256");
    let (signed, signature) = token.rsplit_once('.').unwrap();
    for huge in [
        "a".repeat(1 << 24),
        ".".repeat(1 << 20),
        format!("{signed}{}.{signature}", "A".repeat(16 << 10)),
        "[".repeat(20_000),
    ] {
        assert_eq!(reason(&show(&access, &huge)), "token_too_long");
    }
    // As deep as 16 KiB go: no stack is overflown.
    use base64::Engine as _;
    let deep = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode("[".repeat(6000));
    assert_eq!(reason(&show(&access, &format!("{deep}.{deep}.AA"))), "malformed_token");
}

#[test]
fn who_is_refused_is_named_and_what_was_shown_is_not() {
    let access = access(options());
    let claimed = |name: &str| match show(&access, &named(name)) {
        Err(Denial::Unauthenticated { claimed, .. }) => claimed,
        other => panic!("{other:?}"),
    };
    assert_eq!(claimed("expired").as_deref(), Some("jwt:alice@example.com"));
    assert_eq!(claimed("another's key").as_deref(), Some("jwt:alice@example.com"));
    assert_eq!(claimed("another issuer"), None);
}

#[test]
fn two_issuers_do_not_vouch_for_each_other() {
    let other = JwtOptions::new("https://other.example.com", "audit-log");
    let keys = KeySet::parse(JWKS).unwrap();
    let others = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "rsa", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let others = KeySet::parse(others.as_bytes()).unwrap();
    let both = access(options()).jwt(Jwt::new(other.clone(), others).unwrap());
    let caller = show(&both, &named("RS256")).unwrap();
    assert_eq!(caller.identity, "jwt:https://id.example.com/realms/shop#alice@example.com");
    // The keys are there, and another issuer's.
    let swapped = Access::default().jwt(Jwt::new(other, keys).unwrap());
    assert_eq!(reason(&show(&swapped, &named("RS256"))), "unknown_issuer");
}

#[test]
fn roles_come_from_where_the_options_say() {
    let token = named("RS256");
    let roles = |options| show(&access(options), &token).unwrap().roles.into_iter().collect::<Vec<_>>();
    assert_eq!(roles(options().role("offline_access", [Role::Read])), [Role::Ingest, Role::Read]);
    assert_eq!(roles(options().role_claim("realm_access")), []);
    assert_eq!(roles(options().role_claim("roles")), []);
    // A text is names with spaces between.
    assert_eq!(roles(options().role_claim("sub").role("alice@example.com", [Role::Admin])), [Role::Admin]);
}

#[test]
fn options_and_keys_that_make_no_sense_are_refused() {
    let keys = || KeySet::parse(JWKS).unwrap();
    for (options, part) in [
        (JwtOptions::new("", "audit-log"), "issuer is empty"),
        (JwtOptions::new("https://id.example.com", ""), "audience is empty"),
        (options().algorithms([]), "algorithms is empty"),
        (options().leeway(std::time::Duration::from_secs(301)), "leeway is 301 seconds"),
    ] {
        assert!(Jwt::new(options, keys()).unwrap_err().to_string().starts_with(part));
    }
    assert_eq!(keys().len(), 6, "neither the one for encryption, nor the symmetric one, nor P-521");
    for (text, part) in [
        ("", "it is no set of keys"),
        ("{}", "it is no set of keys: there is no array `keys`"),
        (r#"{"keys": []}"#, "none of its 0 keys"),
        (r#"{"keys": [{"kty": "oct", "k": "AAAA"}]}"#, "none of its 1 keys"),
        (r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}]}"#, "none of its 1 keys"),
    ] {
        let error = KeySet::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(part), "{error}");
    }
}

#[test]
fn keys_can_be_replaced_while_they_are_used() {
    let jwt = std::sync::Arc::new(Jwt::new(options(), KeySet::parse(JWKS).unwrap()).unwrap());
    let access = Access::default().jwt(std::sync::Arc::clone(&jwt));
    assert!(show(&access, &named("RS256")).is_ok());
    jwt.replace_keys(KeySet::default());
    assert_eq!(reason(&show(&access, &named("RS256"))), "keys_unavailable");
}

//! API tokens: made, shown, expired, revoked, rotated, changed by a bit.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::time::Duration;

use audit_access::{Access, Caller, Denial, NewToken, Presented, Role, TokenError, Tokens};
use audit_model::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_milliseconds((1_790_000_000 + seconds) * 1000).unwrap()
}

fn one() -> (Tokens, SecretString) {
    let mut tokens = Tokens::default();
    let new = NewToken::new("ci", [Role::Ingest]).owner("build team").expires(at(1000));
    let secret = tokens.create(new, at(0)).unwrap();
    (tokens, secret)
}

fn show(tokens: &Tokens, token: &str, now: Timestamp) -> Result<Caller, Denial> {
    Access::default().tokens(tokens.clone()).identify(&Presented::default().bearer(Some(token)), now)
}

fn refused(reason: &'static str, claimed: Option<&str>) -> Result<Caller, Denial> {
    Err(Denial::Unauthenticated { reason, claimed: claimed.map(str::to_owned) })
}

#[test]
fn until_it_expires_or_is_revoked() {
    let (mut tokens, secret) = one();
    let token = secret.expose_secret();
    assert_eq!(show(&tokens, token, at(999)), Ok(Caller::new("token:ci", [Role::Ingest])));
    assert_eq!(show(&tokens, token, at(1000)), refused("expired", Some("token:ci")));
    tokens.revoke("ci", at(5)).unwrap();
    tokens.revoke("ci", at(7)).unwrap();
    assert_eq!(tokens.get("ci").unwrap().revoked, Some(at(5)), "the first time counts");
    assert_eq!(show(&tokens, token, at(0)), refused("revoked", Some("token:ci")), "whatever the time");
    assert!(matches!(tokens.rotate("ci", Duration::ZERO, at(6)), Err(TokenError::Revoked { .. })));
}

#[test]
fn whoever_has_another_one_is_told_apart() {
    let (tokens, _) = one();
    let (_, of_another_table) = one();
    let token = of_another_table.expose_secret();
    assert_eq!(show(&tokens, token, at(1)), refused("wrong_secret", Some("token:ci")));
    assert_eq!(show(&Tokens::default(), token, at(1)), refused("unknown_token", None));
    assert_eq!(show(&tokens, &token[..token.len() - 1], at(1)), refused("malformed_token", None));
    assert_eq!(show(&tokens, "hunter2", at(1)), refused("unknown_token", None));
}

#[test]
fn one_bit_changed_anywhere_is_found() {
    let (tokens, secret) = one();
    let token = secret.expose_secret();
    for byte in 0..token.len() {
        for bit in 0..7 {
            let mut changed = token.as_bytes().to_vec();
            changed[byte] ^= 1 << bit;
            assert!(
                show(&tokens, std::str::from_utf8(&changed).unwrap(), at(1)).is_err(),
                "bit {bit} of byte {byte}"
            );
        }
    }
}

#[test]
fn a_rotated_one_is_good_with_both_secrets_for_a_while() {
    let (mut tokens, first) = one();
    let second = tokens.rotate("ci", Duration::from_secs(100), at(10)).unwrap();
    let shown =
        |tokens: &Tokens, secret: &SecretString, now| show(tokens, secret.expose_secret(), at(now)).is_ok();
    assert!(shown(&tokens, &first, 109) && shown(&tokens, &second, 109));
    assert!(!shown(&tokens, &first, 110) && shown(&tokens, &second, 110));
    assert!(!shown(&tokens, &second, 1000), "that does not make it last longer");
    let third = tokens.rotate("ci", Duration::from_secs(10_000), at(20)).unwrap();
    assert!(!shown(&tokens, &first, 21) && shown(&tokens, &second, 21) && shown(&tokens, &third, 21));
    assert!(!shown(&tokens, &second, 1000), "nor the secret before");
    tokens.rotate("ci", Duration::ZERO, at(30)).unwrap();
    assert!(!shown(&tokens, &third, 30));
    assert!(matches!(tokens.rotate("ci", Duration::MAX, at(1000)), Err(TokenError::Past { .. })));
    assert!(tokens.rotate("ci", Duration::MAX, at(40)).is_ok());
}

#[test]
fn what_cannot_be_a_token_is_refused_with_what_to_do() {
    let (mut tokens, secret) = one();
    let mut error = |id: &str| tokens.create(NewToken::new(id, [Role::Read]), at(1)).unwrap_err().to_string();
    assert_eq!(error("ci"), "there is a token `ci` already; expected another name, or rotate that one");
    for id in ["", "CI", "-a", "a_b", "a b", "ü", &"a".repeat(33)] {
        assert!(error(id).contains("cannot be the name of a token; expected 1 to 32"), "{id}");
    }
    assert!(
        !error(secret.expose_secret()).contains(&secret.expose_secret()[5..40]),
        "given in the wrong place"
    );
    let none = tokens.create(NewToken::new("none", []), at(1)).unwrap_err();
    assert!(none.to_string().ends_with("has no role; expected one or more of ingest, read, admin"));
    let past = tokens.create(NewToken::new("past", [Role::Read]).expires(at(1)), at(1)).unwrap_err();
    assert!(past.to_string().contains("which is past"));
    let long = tokens.create(NewToken::new("long", [Role::Read]).name("a\nb"), at(1)).unwrap_err();
    assert!(long.to_string().starts_with("the name of a token is too long or holds control characters"));
    let unknown = tokens.revoke("cii", at(1)).unwrap_err();
    assert_eq!(unknown.to_string(), "there is no token `cii`; did you mean `ci`?");
    assert_eq!(tokens.len(), 1);
}

#[test]
fn no_secret_is_in_debug_output() {
    let (tokens, secret) = one();
    let hash = tokens.get("ci").unwrap().hash.to_string();
    let access = Access::default().tokens(tokens);
    let shown = format!("{access:?} {secret:?}");
    assert!(
        shown.contains("ci")
            && !shown.contains(&hash[7..20])
            && !shown.contains(&secret.expose_secret()[8..20])
    );
}

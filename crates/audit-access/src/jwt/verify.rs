use std::collections::BTreeSet;
use std::sync::Arc;

use audit_model::{Map, Timestamp, Value};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::shared_keys::SharedKeys;
use super::{Algorithm, JwtOptions, JwtOptionsError, KeySet};
use crate::{Caller, Denial, Role};

/// Whoever shows a token of one identity provider, as [`JwtOptions`] say.
///
/// What RFC 8725 asks for is done: the algorithm is one of a list without `none` and without HS*, and fits the key (§3.1, §3.2); a signature that does not verify
/// is the end (§3.3); issuer and audience are checked, and the key is the issuer's (§3.8, §3.9); keys are not taken from the token or from where
/// it says (`jwk`, `jku`, `x5c`, `x5u`: §3.10); a token of another type is refused (`typ`: §3.11). Header parameters that `crit` names are not understood
/// here, so such a token is refused (RFC 7515 §4.1.11). `exp` has to be there.
#[derive(Debug)]
pub struct Jwt {
    options: JwtOptions,
    keys: Arc<SharedKeys>,
    #[cfg(feature = "oidc")]
    remote: Option<Arc<super::RemoteKeys>>,
}

/// The longest token that is looked at, in bytes: more than a server takes of all headers together.
const MAX_TOKEN: usize = 16 << 10;

const MAX_SUBJECT: usize = 256;

/// Why a token is not believed.
struct Refusal {
    reason: &'static str,
    claimed: Option<String>,
}

struct Parts<'a> {
    signed: &'a str,
    header: Map,
    claims: Map,
    signature: Vec<u8>,
}

impl Jwt {
    /// Believes tokens that are signed with these keys.
    ///
    /// # Errors
    /// When the options would let nobody in, or too many.
    pub fn new(options: JwtOptions, keys: KeySet) -> Result<Self, JwtOptionsError> {
        options.check()?;
        let shared = SharedKeys::default();
        shared.set(keys);
        Ok(Self {
            options,
            keys: Arc::new(shared),
            #[cfg(feature = "oidc")]
            remote: None,
        })
    }

    /// Believes tokens that are signed with the provider's keys of the moment.
    ///
    /// # Errors
    /// As [`Jwt::new`].
    #[cfg(feature = "oidc")]
    pub fn with_remote_keys(
        options: JwtOptions,
        keys: Arc<super::RemoteKeys>,
    ) -> Result<Self, JwtOptionsError> {
        options.check()?;
        Ok(Self { options, keys: keys.shared(), remote: Some(keys) })
    }

    /// Believes tokens that are signed with these keys from now on, and with no others.
    pub fn replace_keys(&self, keys: KeySet) {
        self.keys.set(keys);
    }

    /// Whose tokens these are.
    #[must_use]
    pub fn options(&self) -> &JwtOptions {
        &self.options
    }

    pub(crate) fn identify(issuers: &[Arc<Self>], token: &str, now: Timestamp) -> Result<Caller, Denial> {
        identify(issuers, token, now)
            .map_err(|Refusal { reason, claimed }| Denial::Unauthenticated { reason, claimed })
    }

    #[cfg(feature = "oidc")]
    pub(crate) async fn refresh_for(&self, token: &str, now: Timestamp) {
        let is_ours = read(token).is_ok_and(|parts| text(&parts.claims, "iss") == Some(&self.options.issuer));
        if let Some(remote) = self.remote.as_ref().filter(|_| is_ours) {
            // In a task of its own: else who sends a forged token and hangs up would end the one fetch of that minute. Whatever goes wrong,
            // the keys that are there stay; the token is refused by those.
            let remote = Arc::clone(remote);
            let _ = tokio::spawn(async move { remote.refresh(now).await }).await;
        }
    }

    fn check_header(&self, header: &Map) -> Result<Algorithm, &'static str> {
        if header.contains_key("crit") {
            return Err("critical_header");
        }
        let algorithm = text(header, "alg")
            .and_then(|name| name.parse().ok())
            .filter(|algorithm| self.options.algorithms.contains(algorithm))
            .ok_or("algorithm")?;
        match header.get("typ") {
            None => Ok(algorithm),
            Some(Value::String(name)) => {
                // RFC 7515 §4.1.9: a media type, whose `application/` may be left out. RFC 9068 §2.1: at+jwt.
                let name = name.to_ascii_lowercase();
                let known = ["jwt", "at+jwt"].contains(&name.strip_prefix("application/").unwrap_or(&name));
                known.then_some(algorithm).ok_or("wrong_type")
            }
            Some(_) => Err("malformed_token"),
        }
    }

    fn check_claims(&self, claims: &Map, now: Timestamp) -> Result<(), &'static str> {
        let leeway = i64::try_from(self.options.leeway.as_millis()).expect("no more than five minutes");
        let now = now.as_milliseconds();
        let expires = time(claims, "exp")?.ok_or("no_expiry")?;
        if now >= expires.saturating_add(leeway) {
            return Err("expired");
        }
        for name in ["nbf", "iat"] {
            if time(claims, name)?.is_some_and(|time| now < time.saturating_sub(leeway)) {
                return Err("not_yet_valid");
            }
        }
        let is_ours = |audience: &Value| self.options.audiences.iter().any(|ours| audience == ours);
        let for_us = match claims.get("aud") {
            Some(Value::Array(audiences)) => audiences.iter().any(is_ours),
            Some(audience) => is_ours(audience),
            None => false,
        };
        if for_us { Ok(()) } else { Err("wrong_audience") }
    }

    fn roles(&self, claims: &Map) -> BTreeSet<Role> {
        let names: Vec<&str> = match find(claims, &self.options.role_claim) {
            Some(Value::String(text)) => text.split_ascii_whitespace().collect(),
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        names.into_iter().filter_map(|name| self.options.roles.get(name)).flatten().copied().collect()
    }
}

fn identify(issuers: &[Arc<Jwt>], token: &str, now: Timestamp) -> Result<Caller, Refusal> {
    let parts = read(token).map_err(|reason| Refusal { reason, claimed: None })?;
    // Not believed yet: it only says whose keys to take, and an issuer has no others than its own.
    let issuer = issuers
        .iter()
        .find(|issuer| text(&parts.claims, "iss") == Some(&issuer.options.issuer))
        .ok_or(Refusal { reason: "unknown_issuer", claimed: None })?;
    let subject = text(&parts.claims, "sub")
        .filter(|subject| (1..=MAX_SUBJECT).contains(&subject.len()) && !subject.contains(char::is_control));
    let identity = subject.map(|subject| match issuers {
        [_] => format!("jwt:{subject}"),
        // An issuer has no `#` (OpenID Connect Core §2), so nobody can be taken for somebody of another one.
        _ => format!("jwt:{}#{subject}", issuer.options.issuer),
    });
    let refused = |reason| Refusal { reason, claimed: identity.clone() };
    let algorithm = issuer.check_header(&parts.header).map_err(refused)?;
    let key_id = match parts.header.get("kid") {
        None => None,
        Some(Value::String(id)) => Some(id.as_str()),
        Some(_) => return Err(refused("malformed_token")),
    };
    let keys = issuer.keys.get();
    match keys.verify(key_id, algorithm, parts.signed.as_bytes(), &parts.signature) {
        Some(true) => {}
        Some(false) => return Err(refused("bad_signature")),
        None => {
            issuer.keys.want();
            return Err(refused(if keys.is_empty() { "keys_unavailable" } else { "unknown_key" }));
        }
    }
    issuer.check_claims(&parts.claims, now).map_err(refused)?;
    let identity = identity.ok_or(Refusal { reason: "no_subject", claimed: None })?;
    Ok(Caller::new(identity, issuer.roles(&parts.claims)))
}

/// Takes a token apart (RFC 7515 §5.2), and believes nothing in it.
fn read(token: &str) -> Result<Parts<'_>, &'static str> {
    if token.len() > MAX_TOKEN {
        return Err("token_too_long");
    }
    let (signed, signature) = token.rsplit_once('.').ok_or("unknown_token")?;
    let (header, claims) = signed.split_once('.').ok_or("unknown_token")?;
    // Strict: no padding, no spaces, no bits left over, so one token has one text. Duplicate names are refused.
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "malformed_token");
    let object = |part| match audit_model::parse_json(&decode(part)?) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err("malformed_token"),
    };
    Ok(Parts { signed, header: object(header)?, claims: object(claims)?, signature: decode(signature)? })
}

fn text<'a>(object: &'a Map, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

/// A claim that is a time, in milliseconds: RFC 7519 §2 has seconds, with or without a fraction.
fn time(claims: &Map, name: &str) -> Result<Option<i64>, &'static str> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().ok_or("malformed_token")?;
    // As far as a calendar goes, and exact to the millisecond that far.
    if !(-1e11..1e12).contains(&seconds) {
        return Err("malformed_token");
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked above")]
    Ok(Some((seconds * 1000.0).floor() as i64))
}

/// The claim at a path. A name may have dots itself (`https://example.com/roles`), so the whole path comes first, then the shortest name.
fn find<'a>(claims: &'a Map, path: &str) -> Option<&'a Value> {
    claims.get(path).or_else(|| {
        path.match_indices('.').find_map(|(dot, _)| match claims.get(&path[..dot]) {
            Some(Value::Object(inner)) => find(inner, &path[dot + 1..]),
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_found_by_its_path() {
        let Value::Object(claims) = serde_json::json!({
            "roles": ["a"],
            "realm_access": {"roles": ["b"]},
            "https://example.com/roles": ["c"],
            "resource_access": {"audit.log": {"roles": ["d"]}},
        }) else {
            panic!("an object")
        };
        let at = |path| find(&claims, path).map(|found| found[0].as_str().unwrap());
        assert_eq!(at("roles"), Some("a"));
        assert_eq!(at("realm_access.roles"), Some("b"));
        assert_eq!(at("https://example.com/roles"), Some("c"));
        assert_eq!(at("resource_access.audit.log.roles"), Some("d"));
        assert_eq!(at("resource_access.roles"), None);
        assert_eq!(at("."), None);
    }
}

//! Which names stand for secrets.
//!
//! In a name, case, white space around it, and `-`, `_` and spaces in it don't count. It is a secret's when
//!
//! - one of [`PARTS`] stands in it, or `auth`: `X-Auth-Key`, `authentication`, `oauth`. Where `auth` begins a form of
//!   *author* or *authority* it isn't one (`author`, `X-Author`, `:authority`), but in forms of *authorize* it is;
//! - it is a session's id: the word `sid`, a word that ends in `sessionid` or `sessid`, or the words `session` and `id`;
//! - and it doesn't end in a word that says that its value only describes one ([`DESCRIBES`]): `token_type`,
//!   `auth_protocol_id`.

const PARTS: [&str; 17] = [
    "accesskey",
    "apikey",
    "assertion",
    "bearer",
    "cookie",
    "credential",
    "jwt",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "samlresponse",
    "secret",
    "signature",
    "token",
    "userinfo",
];

const DESCRIBES: [&str; 8] =
    ["algorithm", "authorizations", "factor", "factors", "method", "protocol", "type", "version"];

/// Secret as names of parameters only: an authorization code (RFC 6749 §4.1.2), and the signature of a shared access.
const PARAMETERS: [&str; 2] = ["code", "sig"];

/// Whether a header of that name, or a field, holds what lets somebody in.
pub(super) fn is_secret(name: &str) -> bool {
    let squeezed = squeezed(name);
    let is_suspicious = PARTS.iter().any(|part| squeezed.contains(part)) || has_auth(&squeezed);
    (is_suspicious || is_session_id(name, &squeezed)) && !describes(name)
}

/// The same for a parameter of an address, which may be percent-encoded.
pub(super) fn is_secret_parameter(name: &str) -> bool {
    let decoded = super::address::decoded(name);
    PARAMETERS.iter().any(|secret| decoded.trim().eq_ignore_ascii_case(secret)) || is_secret(&decoded)
}

/// In lower case, without what joins words.
pub(super) fn squeezed(name: &str) -> String {
    name.chars()
        .filter(|letter| !matches!(letter, '-' | '_') && !letter.is_whitespace())
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}

fn has_auth(squeezed: &str) -> bool {
    squeezed.match_indices("auth").any(|(at, auth)| {
        let rest = &squeezed[at + auth.len()..];
        !rest.starts_with("or") || rest.starts_with("oriz") || rest.starts_with("oris")
    })
}

/// By words, because `side` and `session_idle_time` are none.
fn is_session_id(name: &str, squeezed: &str) -> bool {
    // Most names are told apart without taking them to words.
    if !squeezed.contains("sid") && !squeezed.contains("sessi") {
        return false;
    }
    let words = words(name);
    words.iter().any(|word| word == "sid" || word.ends_with("sessionid") || word.ends_with("sessid"))
        || words.windows(2).any(|two| two == ["session", "id"])
}

fn describes(name: &str) -> bool {
    let words = words(name);
    let last = words.iter().rev().find(|word| *word != "id");
    last.is_some_and(|word| DESCRIBES.contains(&word.as_str()))
}

/// `sessionId`, `session-id` and `SESSION_ID` are the words `session` and `id`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
        let starts = !letter.is_alphanumeric() || (was_lower && letter.is_uppercase());
        if starts && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(letter.to_ascii_lowercase());
        }
        was_lower = letter.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for name in [
            "Authorization",
            " authorization ",
            "PROXY-AUTHORIZATION",
            "authentication",
            "x-auth",
            "X-Auth-Key",
            "auth",
            "OAuth",
            "Set-Cookie",
            "session-id",
            "sessionId",
            "SESSIONID",
            "JSESSIONID",
            "PHPSESSID",
            "connect.sid",
            "SID",
            "user_credential",
            "passPhrase",
            "private_key",
            "JWT",
            "db.pwd",
            "passwd",
            "new Password",
            "X-Amz-Security-Token",
            "client_secret",
            "API_KEY",
            "x-hub-signature",
            "X-CSRF-Token",
            "unauthorized_by",
            "session_id_hash",
            "secret_id",
            "x-author-token",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "",
            "author",
            "Authors",
            "x-author",
            ":authority",
            "authority",
            "authored_by",
            "Content-Type",
            "Accept",
            "inside",
            "side",
            "SSID",
            "session_idle_time",
            "session",
            "key",
            "code",
            "uid",
            "token_type",
            "auth_protocol",
            "auth_protocol_id",
            "auth_factors",
            "authorizations",
            "SignatureMethod",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn names_of_parameters_may_be_encoded() {
        for name in ["code", "SIG", "access%5Ftoken", "pass%77ord", "user%5Bpassword%5D", "api+key"] {
            assert!(is_secret_parameter(name), "{name}");
        }
        for name in ["country_code", "signal", "%", "%zz", "%a", "a%20b"] {
            assert!(!is_secret_parameter(name), "{name}");
        }
    }
}

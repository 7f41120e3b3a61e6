//! How somebody logged in: `details` of `auth.*` events, and what OCSF calls them.

use crate::Version;

/// Details that are true or false, and their attributes.
pub(crate) const FACTS: &[(&str, &str)] = &[
    ("cleartext", "\"is_cleartext\":"),
    ("mfa", "\"is_mfa\":"),
    ("new_logon", "\"is_new_logon\":"),
    ("remote", "\"is_remote\":"),
];

/// Names of `details.method`, their `auth_protocol_id` and its caption, and the version it came with.
const PROTOCOLS: &[(&str, i64, &str, Version)] = &[
    ("ntlm", 1, "NTLM", Version::V1_0_0),
    ("kerberos", 2, "Kerberos", Version::V1_0_0),
    ("digest", 3, "Digest", Version::V1_0_0),
    ("oidc", 4, "OpenID", Version::V1_0_0),
    ("saml", 5, "SAML", Version::V1_0_0),
    ("oauth2", 6, "OAUTH 2.0", Version::V1_0_0),
    ("pap", 7, "PAP", Version::V1_0_0),
    ("chap", 8, "CHAP", Version::V1_0_0),
    ("eap", 9, "EAP", Version::V1_0_0),
    ("radius", 10, "RADIUS", Version::V1_0_0),
    ("basic", 11, "Basic Authentication", Version::V1_8_0),
    ("ldap", 12, "LDAP", Version::V1_8_0),
];

/// Other names of the same.
const ALIASES: &[(&str, &str)] =
    &[("openid", "oidc"), ("openid connect", "oidc"), ("oauth", "oauth2"), ("oauth 2.0", "oauth2")];

/// `auth_protocol_id` and `auth_protocol` of a method, in whatever case; what has no id of its own is 99 under its own name.
pub(crate) fn protocol(method: &str, version: Version) -> (i64, &str) {
    let lower = method.to_ascii_lowercase();
    let name = ALIASES.iter().find(|(alias, _)| *alias == lower).map_or(lower.as_str(), |(_, name)| name);
    let known = PROTOCOLS.iter().find(|(known, .., since)| *known == name && version >= *since);
    known.map_or((99, method), |(_, id, caption, _)| (*id, caption))
}

/// The method that an `auth_protocol_id` stands for.
pub(crate) fn method(protocol_id: i64) -> Option<&'static str> {
    PROTOCOLS.iter().find(|(_, id, ..)| *id == protocol_id).map(|(name, ..)| *name)
}

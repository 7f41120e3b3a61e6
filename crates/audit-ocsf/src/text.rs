//! Which texts the types of OCSF take.

use std::net::IpAddr;

use crate::Version;

/// `string_t`, and something in it: an attribute that is there says something.
#[inline]
pub(crate) fn fits(text: &str, version: Version) -> bool {
    !text.is_empty() && version.takes(text)
}

/// `ip_t`: at most 40 characters.
pub(crate) fn is_ip(text: &str) -> bool {
    text.len() <= 40 && text.parse::<IpAddr>().is_ok()
}

/// `email_t`, as the strictest version has it: `^[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+$`.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let Some((first, rest)) = domain.split_once('.') else { return false };
    let all = |text: &str, marks: &[u8]| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || marks.contains(&b))
    };
    text.len() <= 320 && all(local, b"_.+-") && all(first, b"-") && all(rest, b"-.")
}

/// `hostname_t`, as the strictest version has it.
pub(crate) fn is_hostname(text: &str) -> bool {
    text.len() <= 255
        && text.split('.').all(|label| {
            let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
            let bytes = label.as_bytes();
            ends(bytes.first())
                && ends(bytes.last())
                && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
        })
}

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};
use x509_parser::x509::AttributeTypeAndValue;

use crate::{Caller, Denial, Role};

/// What whoever shows a certificate may do. That it is genuine and in force, the TLS server has seen to.
///
/// A subject such as `CN=orders,O=Shop` matches certificates that have for each attribute named just these values; they may have other attributes beside.
/// `CN=orders` does not match a certificate with the names `orders` and `mallory`. Capital and small letters are different.
///
/// A subject alternative name is a DNS name (capital and small letters are the same), a URI (`spiffe://…`) or an e-mail address, as a whole: a `*` in
/// the certificate stands for itself, and in a rule it is refused.
///
/// A certificate may match several rules; it has the roles of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRule {
    subject: Vec<(String, String)>,
    name: Option<String>,
    roles: BTreeSet<Role>,
}

/// A rule that could match nothing, or too much.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no {what}: {problem}; expected {expected}")]
pub struct CertificateRuleError {
    what: &'static str,
    found: String,
    problem: String,
    expected: &'static str,
}

const MAX_CERTIFICATE: usize = 64 << 10;

const MAX_TEXT: usize = 512;

/// RFC 4514 §3, and what else is usual.
const ATTRIBUTES: [(&str, &str); 14] = [
    ("CN", "2.5.4.3"),
    ("SN", "2.5.4.4"),
    ("serialNumber", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("title", "2.5.4.12"),
    ("GN", "2.5.4.42"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
];

impl CertificateRule {
    /// Gives who has this subject these roles. Attributes are written as in RFC 4514: `CN=orders,O=Shop`, a comma in a value as `\,`.
    ///
    /// # Errors
    /// When the text is no subject.
    pub fn subject(
        subject: &str,
        roles: impl IntoIterator<Item = Role>,
    ) -> Result<Self, CertificateRuleError> {
        let error = |problem: String| CertificateRuleError {
            what: "subject of a certificate",
            found: subject.chars().take(80).collect(),
            problem,
            expected: "attributes with commas between, such as CN=orders,O=Shop",
        };
        let mut attributes = Vec::new();
        for part in split(subject) {
            let (name, value) =
                part.split_once('=').ok_or_else(|| error("an attribute has no `=`".to_owned()))?;
            let name = name.trim();
            let oid = oid_of(name).ok_or_else(|| {
                let nearest = ATTRIBUTES
                    .iter()
                    .map(|(known, _)| {
                        (strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase()), known)
                    })
                    .filter(|(likeness, _)| *likeness > 0.8)
                    .max_by(|a, b| a.0.total_cmp(&b.0));
                let hint =
                    nearest.map(|(_, known)| format!(" (did you mean `{known}`?)")).unwrap_or_default();
                error(format!("`{name}` is no attribute that is known{hint}"))
            })?;
            let value = unescape(value.trim_start())
                .ok_or_else(|| error("a `\\` in it escapes nothing".to_owned()))?;
            if value.is_empty() {
                return Err(error(format!("`{name}` is empty")));
            }
            attributes.push((oid, value));
        }
        Ok(Self { subject: attributes, name: None, roles: roles.into_iter().collect() })
    }

    /// Gives who has this subject alternative name these roles.
    ///
    /// # Errors
    /// When the text is empty, or has a `*`.
    pub fn alternative_name(
        name: &str,
        roles: impl IntoIterator<Item = Role>,
    ) -> Result<Self, CertificateRuleError> {
        let problem = match name {
            "" => Some("it is empty"),
            _ if name.contains('*') => Some("there is a `*` in it, which stands for nothing here"),
            _ if name.contains(char::is_whitespace) => Some("there are spaces in it"),
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(CertificateRuleError {
                what: "alternative name of a certificate",
                found: name.chars().take(80).collect(),
                problem: problem.to_owned(),
                expected: "a DNS name, a URI or an e-mail address, such as orders.internal",
            });
        }
        Ok(Self { subject: Vec::new(), name: Some(name.to_owned()), roles: roles.into_iter().collect() })
    }

    /// What who matches may do.
    pub fn roles(&self) -> impl Iterator<Item = Role> {
        self.roles.iter().copied()
    }

    /// Who shows this certificate: by its subject, most particular first (`certificate:CN=orders,O=Shop`), or by the alternative name of
    /// the rule when it has no subject.
    pub(crate) fn identify(rules: &[Self], certificate: &[u8]) -> Result<Caller, Denial> {
        let denied = |reason, claimed| Denial::Unauthenticated { reason, claimed };
        let shown = Shown::read(certificate).ok_or_else(|| denied("malformed_certificate", None))?;
        let matching: Vec<_> = rules.iter().filter(|rule| rule.matches(&shown)).collect();
        let Some(first) = matching.first() else {
            return Err(denied("unknown_certificate", Some(format!("certificate:{}", shown.subject))));
        };
        let name =
            if shown.subject.is_empty() { first.name.as_deref().unwrap_or_default() } else { &shown.subject };
        Ok(Caller::new(format!("certificate:{name}"), matching.into_iter().flat_map(Self::roles)))
    }

    fn matches(&self, shown: &Shown) -> bool {
        if let Some(name) = &self.name {
            return shown.names.iter().any(|shown| match shown {
                Name::Dns(shown) => shown.eq_ignore_ascii_case(name),
                Name::Exact(shown) => shown == name,
            });
        }
        let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (oid, value) in &self.subject {
            wanted.entry(oid).or_default().insert(value);
        }
        // A rule always names an attribute: from no text comes one that has no `=`.
        !wanted.is_empty()
            && wanted.iter().all(|(oid, values)| {
                shown.attributes.get(*oid).is_some_and(|shown| {
                    shown.len() == values.len()
                        && shown
                            .iter()
                            .all(|shown| shown.as_deref().is_some_and(|shown| values.contains(shown)))
                })
            })
    }
}

/// What a certificate says of whom it is for.
struct Shown {
    /// As RFC 4514 writes it.
    subject: String,
    /// By attribute; nothing in place of a value that is no text.
    attributes: BTreeMap<String, Vec<Option<String>>>,
    names: Vec<Name>,
}

enum Name {
    Dns(String),
    Exact(String),
}

impl Shown {
    fn read(der: &[u8]) -> Option<Self> {
        if der.len() > MAX_CERTIFICATE {
            return None;
        }
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let mut attributes: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
        let mut parts = Vec::new();
        for part in certificate.subject().iter_rdn() {
            let mut texts = Vec::new();
            for attribute in part.iter() {
                let oid = attribute.attr_type().to_id_string();
                let value = attribute.as_str().ok().map(str::to_owned);
                texts.push(written(&oid, attribute, value.as_deref()));
                attributes.entry(oid).or_default().push(value);
            }
            parts.push(texts.join("+"));
        }
        parts.reverse();
        let mut subject = parts.join(",");
        if subject.chars().count() > MAX_TEXT {
            // Two that are the same so far have to stay two.
            let digest = <sha2::Sha256 as sha2::Digest>::digest(subject.as_bytes());
            subject = format!(
                "{}…{}",
                subject.chars().take(MAX_TEXT).collect::<String>(),
                const_hex::encode(digest)
            );
        }
        let mut names = Vec::new();
        if let Some(extension) = certificate.subject_alternative_name().ok()? {
            for name in &extension.value.general_names {
                match name {
                    GeneralName::DNSName(name) => names.push(Name::Dns((*name).to_owned())),
                    GeneralName::URI(name) | GeneralName::RFC822Name(name) => {
                        names.push(Name::Exact((*name).to_owned()));
                    }
                    _ => {}
                }
            }
        }
        Some(Self { subject, attributes, names })
    }
}

fn written(oid: &str, attribute: &AttributeTypeAndValue<'_>, value: Option<&str>) -> String {
    let name = ATTRIBUTES.iter().find(|(_, known)| *known == oid).map_or(oid, |(name, _)| name);
    match value {
        Some(value) => format!("{name}={}", escape(value)),
        None => format!("{name}=#{}", const_hex::encode(attribute.as_slice())),
    }
}

fn oid_of(name: &str) -> Option<String> {
    if name.contains('.') && name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Some(name.to_owned());
    }
    ATTRIBUTES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, oid)| (*oid).to_owned())
}

/// RFC 4514 §2.4, and control characters, so that a name stays on one line.
fn escape(value: &str) -> String {
    let mut text = String::new();
    let last = value.chars().count().saturating_sub(1);
    for (index, c) in value.chars().enumerate() {
        match c {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => text.extend(['\\', c]),
            '#' if index == 0 => text.push_str("\\#"),
            ' ' if index == 0 || index == last => text.push_str("\\ "),
            c if c.is_control() => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(text, "\\{byte:02X}");
                }
            }
            c => text.push(c),
        }
    }
    text
}

/// At the commas that are not escaped.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if c == ',' && !escaped {
            parts.push(&text[from..at]);
            from = at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    parts.push(&text[from..]);
    parts
}

fn unescape(value: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = value.bytes().peekable();
    // Spaces at the end are not meant, unless they are escaped.
    let mut meant = 0;
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            if byte != b' ' {
                meant = bytes.len();
            }
            continue;
        }
        let first = rest.next()?;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        match (digit(first), rest.peek().copied().and_then(digit)) {
            (Some(high), Some(low)) => {
                rest.next();
                bytes.push(u8::try_from(high * 16 + low).ok()?);
            }
            _ if b",+\"\\<>;#= ".contains(&first) => bytes.push(first),
            _ => return None,
        }
        meant = bytes.len();
    }
    bytes.truncate(meant);
    String::from_utf8(bytes).ok()
}

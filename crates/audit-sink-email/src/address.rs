use lettre::Address;
use lettre::message::Mailbox;

use crate::EmailOptionsError;
use crate::one_line::one_line;

/// RFC 5321 §4.5.3.1.3.
const LONGEST: usize = 254;

/// `ops@example.com`, or with a name before it: `Operations <ops@example.com>`; one address, and nothing behind it.
///
/// ASCII only: anything else needs a server that knows SMTPUTF8 (RFC 6531), and a reader too.
pub(crate) fn mailbox(what: &'static str, text: &str) -> Result<Mailbox, EmailOptionsError> {
    let refused = |problem: &str| EmailOptionsError::Address {
        what,
        found: one_line(text, 100),
        problem: problem.to_owned(),
    };
    let trimmed = text.trim();
    if trimmed.contains(char::is_control) {
        return Err(refused("it holds a line break or another control character"));
    }
    let (name, address) = match trimmed.strip_suffix('>').map(|text| text.rsplit_once('<')) {
        Some(Some((name, address))) => (name.trim().trim_matches('"').trim(), address),
        Some(None) => return Err(refused("it has a > and no <")),
        None => ("", trimmed),
    };
    if !address.is_ascii() {
        return Err(refused("it is not ASCII; write the domain in its xn-- form"));
    }
    if address.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,;\"()\\".contains(c)) {
        return Err(refused("it holds a character that no address needs; give several as a list"));
    }
    if address.len() > LONGEST {
        return Err(refused("it is longer than 254 characters"));
    }
    let address: Address = address.parse().map_err(|error: lettre::address::AddressError| {
        refused(match error {
            lettre::address::AddressError::MissingParts => "it has no @",
            lettre::address::AddressError::InvalidDomain => "what is behind the @ is no domain",
            _ => "what is before the @ is no mailbox",
        })
    })?;
    let name = one_line(name, 100);
    Ok(Mailbox::new(Some(name).filter(|name| !name.is_empty()), address))
}

#[cfg(test)]
mod tests {
    use super::mailbox;

    #[test]
    fn an_address_with_or_without_a_name() {
        for (text, name, address) in [
            ("ops@example.com", None, "ops@example.com"),
            ("  Öps & Co <ops+alerts@mail.example.com>", Some("Öps & Co"), "ops+alerts@mail.example.com"),
            ("\"Doe, Jane\" <jane@example.com>", Some("Doe, Jane"), "jane@example.com"),
            ("<root@localhost>", None, "root@localhost"),
        ] {
            let found = mailbox("to", text).unwrap();
            assert_eq!((found.name.as_deref(), found.email.as_ref()), (name, address), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_said() {
        for (text, expected) in [
            ("", "it has no @"),
            ("ops", "it has no @"),
            ("ops@", "what is behind the @"),
            ("@example.com", "what is before the @"),
            ("a@b.com, c@d.com", "give several as a list"),
            ("a@b.com\r\nBcc: c@d.com", "a line break"),
            ("x\r\nBcc: y <a@b.com>", "a line break"),
            ("a@b.com> <c@d.com", "a character that no address needs"),
            ("x>", "no <"),
            ("jürgen@example.com", "not ASCII"),
            ("a@bücher.example", "xn--"),
        ] {
            let error = mailbox("to", text).unwrap_err().to_string();
            assert!(error.contains(expected) && error.starts_with("to "), "{text}: {error}");
        }
        assert!(mailbox("to", &format!("{}@example.com", "a".repeat(300))).is_err());
    }
}

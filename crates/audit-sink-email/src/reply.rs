use std::cmp::Reverse;

use lettre::transport::smtp::Error;

use crate::one_line::one_line;

/// As much of a reply as an error quotes.
const CHARACTERS: usize = 200;

/// A reply of the server's that is no yes (RFC 5321 §4.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct No {
    pub(crate) code: u16,
    /// Code and text on one line.
    pub(crate) said: String,
}

impl No {
    /// The reply in an error of lettre's, if that is what it is. `secrets` are not quoted: some servers repeat what they
    /// did not understand.
    pub(crate) fn of(error: &Error, secrets: &[String]) -> Option<Self> {
        let code = u16::from(error.status()?);
        let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        Some(Self::new(code, &text, secrets))
    }

    pub(crate) fn new(code: u16, text: &str, secrets: &[String]) -> Self {
        let mut secrets: Vec<&String> = secrets.iter().filter(|secret| secret.len() >= 4).collect();
        secrets.sort_by_key(|secret| Reverse(secret.len()));
        let mut text = text.to_owned();
        for secret in secrets {
            text = text.replace(secret, "[secret]");
        }
        let said = one_line(&format!("{code} {text}"), CHARACTERS);
        Self { code, said }
    }

    /// Whether the same may be taken later.
    pub(crate) fn is_for_now(&self) -> bool {
        (400..500).contains(&self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::No;

    #[test]
    fn one_bounded_line_without_secrets() {
        let secrets = ["hunter2hunter2".to_owned(), "hunter2".to_owned(), String::new()];
        let no = No::new(500, "5.5.2 what is\r\n hunter2hunter2?\x1b[31m hunter2", &secrets);
        assert_eq!(no.said, "500 5.5.2 what is [secret]? [31m [secret]");
        assert!(!no.is_for_now() && No::new(450, "", &[]).is_for_now());
        assert_eq!(No::new(550, &"ü".repeat(9000), &[]).said.chars().count(), 201);
    }
}

use serde::{Deserialize, Serialize};

/// One e-mail, as far as whoever writes it decides: the sink knows whom it is from and for, and when it was written.
///
/// A record of an e-mail destination holds one, as the JSON object that [`to_bytes`](Self::to_bytes) makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Letter {
    /// One line; line breaks and other control characters become spaces, and what is longer than 255 characters is cut.
    pub subject: String,
    /// The letter as plain text, of any length, with lines of any length.
    pub text: String,
    /// The same as HTML, for readers that show it. It is sent as it stands: what it quotes of events has to be escaped
    /// by whoever writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
}

/// A record that is no letter.
#[derive(Debug, thiserror::Error)]
#[error(
    "the record is no letter: {0}; expected a JSON object with subject, text and perhaps html, as Letter::to_bytes makes it"
)]
pub struct LetterError(#[source] serde_json::Error);

impl Letter {
    /// The bytes of a record: a JSON object on one line.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a struct of strings is JSON")
    }

    /// Reads what [`to_bytes`](Self::to_bytes) made.
    ///
    /// # Errors
    /// When the bytes are not such an object, a member is missing, or one is unknown.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LetterError> {
        serde_json::from_slice(bytes).map_err(LetterError)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Letter;

    #[test]
    fn what_is_no_letter_is_said() {
        for (bytes, expected) in [
            (&b"{}"[..], "missing field `subject`"),
            (br#"{"subject":"s"}"#, "missing field `text`"),
            (br#"{"subject":"s","text":"t","to":"x@example.com"}"#, "unknown field `to`"),
            (br#"{"event_type":"alert.fired"}"#, "unknown field `event_type`"),
            (b"CEF:0|a", "expected value at line 1 column 1"),
            (b"", "EOF"),
        ] {
            let error = Letter::from_bytes(bytes).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("with subject, text"), "{error}");
        }
        assert!(Letter::from_bytes("[".repeat(100_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn bytes_are_read_back(subject: String, text: String, html: Option<String>) {
            let letter = Letter { subject, text, html };
            let bytes = letter.to_bytes();
            prop_assert!(!bytes.contains(&b'\n'));
            prop_assert_eq!(Letter::from_bytes(&bytes).expect("a letter"), letter);
        }
    }
}

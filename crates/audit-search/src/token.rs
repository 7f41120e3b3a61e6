//! A JSON value as it stands in a line.

use std::borrow::Cow;

use audit_model::{MAX_DEPTH, Timestamp, Value, parse_json};

use crate::time::plain_time;
use crate::wanted::Odd;

/// A value that was found, and not yet read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Token<'l> {
    /// Not there, or null.
    #[default]
    Missing,
    /// What is between the quotes, without any backslash.
    Plain(&'l [u8]),
    /// A string with its quotes, and with backslashes.
    Escaped(&'l [u8]),
    /// Anything else.
    Other(&'l [u8]),
}

impl<'l> Token<'l> {
    pub(crate) fn is_missing(self) -> bool {
        self == Self::Missing
    }

    /// A text, or nothing where there is none.
    pub(crate) fn text(self) -> Result<Option<Cow<'l, str>>, Odd> {
        match self {
            Self::Missing => Ok(None),
            Self::Plain(text) => {
                // JSON has no control characters in strings (RFC 8259 §7).
                let is_json = text.iter().fold(true, |so_far, byte| so_far & (*byte >= b' '));
                let text = std::str::from_utf8(text).map_err(|_| Odd)?;
                if is_json { Ok(Some(Cow::Borrowed(text))) } else { Err(Odd) }
            }
            Self::Escaped(text) => {
                serde_json::from_slice(text).map(|text| Some(Cow::Owned(text))).map_err(|_| Odd)
            }
            Self::Other(_) => Err(Odd),
        }
    }

    /// A time.
    pub(crate) fn time(self) -> Result<Timestamp, Odd> {
        if let Self::Plain(text) = self
            && let Some(time) = plain_time(text)
        {
            return Ok(time);
        }
        self.text()?.ok_or(Odd)?.parse().map_err(|_| Odd)
    }

    /// Any value.
    pub(crate) fn value(self) -> Result<Value, Odd> {
        match self {
            Self::Missing => Ok(Value::Null),
            Self::Plain(_) | Self::Escaped(_) => {
                Ok(self.text()?.map_or(Value::Null, |text| Value::String(text.into_owned())))
            }
            Self::Other(text) => {
                if let Some(number) = whole_number(text) {
                    return Ok(number.into());
                }
                // The line nests deeper than its parts.
                let deep = text.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
                if deep > MAX_DEPTH / 2 { Err(Odd) } else { parse_json(text).map_err(|_| Odd) }
            }
        }
    }
}

/// A whole number as JSON writes most: not long, without a sign.
pub(crate) fn whole_number(text: &[u8]) -> Option<u64> {
    let is_plain = matches!(text, [b'0'] | [b'1'..=b'9', ..]) && text.len() <= 15;
    if !is_plain {
        return None;
    }
    text.iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0')))
}

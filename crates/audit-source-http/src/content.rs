//! What a body is, by its head: its encoding, its type, and for CloudEvents whether the head is a part of the event.

use audit_model::{Map, Value, parse_json};
use audit_source::Format;
use bytes::Bytes;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName};
use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::answer::Refusal;
use crate::problem::{bad_request, too_large, wrong_encoding, wrong_type};

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
}

impl Encoding {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        const EXPECTED: &str = "this Content-Encoding is not taken; expected gzip, once, or none";
        let mut given = headers.get_all(CONTENT_ENCODING).iter();
        match (given.next(), given.next()) {
            (None, _) => Ok(Self::Identity),
            (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"identity") => Ok(Self::Identity),
            // RFC 9110 §8.4.1.3: x-gzip is the same.
            (Some(one), None)
                if one.as_bytes().eq_ignore_ascii_case(b"gzip")
                    || one.as_bytes().eq_ignore_ascii_case(b"x-gzip") =>
            {
                Ok(Self::Gzip)
            }
            _ => Err(wrong_encoding(EXPECTED)),
        }
    }
}

/// How events stand in a body.
#[derive(Debug)]
pub(crate) enum Content {
    /// One event, or an array of them.
    Json,
    /// One a line.
    Lines,
    /// A CloudEvent.
    CloudEvent,
    /// An array of CloudEvents.
    CloudEvents,
    /// The data of a CloudEvent whose attributes are these (HTTP binding §3.1, binary mode).
    CloudEventData(Map),
}

const EXPECTED_TYPES: &str = "expected Content-Type application/json (an event, or an array of events), application/x-ndjson or \
                              application/jsonl (one a line), application/cloudevents+json or \
                              application/cloudevents-batch+json";

impl Content {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut given = headers.get_all(CONTENT_TYPE).iter();
        let one = match (given.next(), given.next()) {
            (one, None) => one,
            _ => return Err(wrong_type("found more than one Content-Type; expected one")),
        };
        let text = one.map(|one| one.to_str().map_err(|_| wrong_type(EXPECTED_TYPES))).transpose()?;
        let mut parts = text.unwrap_or_default().split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let charset =
            parts.find_map(|part| part.split_once('=').filter(|part| part.0.eq_ignore_ascii_case("charset")));
        if let Some((_, charset)) = charset
            && !charset.trim_matches('"').eq_ignore_ascii_case("utf-8")
        {
            return Err(wrong_type("expected the charset UTF-8"));
        }
        match media.as_str() {
            "application/cloudevents+json" => Ok(Self::CloudEvent),
            "application/cloudevents-batch+json" => Ok(Self::CloudEvents),
            _ if headers.contains_key("ce-specversion") => {
                attributes(headers, text).map(Self::CloudEventData)
            }
            "application/json" => Ok(Self::Json),
            "application/x-ndjson" | "application/jsonl" => Ok(Self::Lines),
            _ => Err(wrong_type(EXPECTED_TYPES)),
        }
    }

    /// What its events are written as.
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Json | Self::Lines => Format::Any,
            _ => Format::CloudEvents,
        }
    }

    /// The texts of the events in a body: no more than `most` of them.
    pub(crate) fn split<'a>(&self, body: &'a [u8], most: usize) -> Result<Vec<&'a [u8]>, Refusal> {
        let nothing = || bad_request("there is no event in the body");
        let texts = match self {
            Self::CloudEventData(_) => return Ok(vec![body]),
            Self::Lines => lines(body, most)?,
            Self::Json | Self::CloudEvent | Self::CloudEvents => {
                let begins = body.iter().find(|byte| !byte.is_ascii_whitespace()).ok_or_else(nothing)?;
                match (self, begins) {
                    (Self::Json | Self::CloudEvents, b'[') => elements(body, most)?,
                    (Self::CloudEvents, _) => return Err(bad_request("expected an array of CloudEvents")),
                    _ => vec![body],
                }
            }
        };
        if texts.is_empty() { Err(nothing()) } else { Ok(texts) }
    }
}

fn more_than(most: usize) -> Refusal {
    too_large(&format!("there are more than {most} events in the body; send fewer at once"))
}

/// Lines that are not blank.
fn lines(body: &[u8], most: usize) -> Result<Vec<&[u8]>, Refusal> {
    let mut texts = Vec::new();
    let mut begin = 0;
    for end in memchr::memchr_iter(b'\n', body).chain([body.len()]) {
        let line = body[begin..end].trim_ascii();
        begin = (end + 1).min(body.len());
        if line.is_empty() {
            continue;
        }
        if texts.len() == most {
            return Err(more_than(most));
        }
        texts.push(line);
    }
    Ok(texts)
}

/// The elements of an array, which has to be JSON to its end: nothing is recorded of a body that was cut short.
fn elements(body: &[u8], most: usize) -> Result<Vec<&[u8]>, Refusal> {
    struct Elements {
        most: usize,
    }
    impl<'de> Visitor<'de> for Elements {
        type Value = Vec<&'de [u8]>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an array of events")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
            let mut texts = Vec::new();
            while let Some(text) = sequence.next_element::<&RawValue>()? {
                if texts.len() == self.most {
                    return Err(A::Error::custom(TOO_MANY));
                }
                texts.push(text.get().as_bytes());
            }
            Ok(texts)
        }
    }
    const TOO_MANY: &str = "too many";
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = json.deserialize_seq(Elements { most }).and_then(|texts| json.end().map(|()| texts));
    read.map_err(|error| {
        if error.is_data() && error.to_string().starts_with(TOO_MANY) {
            return more_than(most);
        }
        bad_request(&format!("the body is no JSON: {error}"))
    })
}

/// The attributes of a CloudEvent that stand in the head.
fn attributes(headers: &HeaderMap, content_type: Option<&str>) -> Result<Map, Refusal> {
    let mut attributes = Map::new();
    for (name, value) in headers {
        let Some(attribute) = name.as_str().strip_prefix("ce-") else { continue };
        let text = value.to_str().ok().and_then(percent_decoded).ok_or_else(|| unreadable(name))?;
        if attributes.insert(attribute.to_owned(), text.into()).is_some() {
            return Err(bad_request(&format!("the header {name} occurs twice")));
        }
    }
    if let Some(content_type) = content_type {
        attributes.insert("datacontenttype".to_owned(), content_type.into());
    }
    Ok(attributes)
}

fn unreadable(name: &HeaderName) -> Refusal {
    bad_request(&format!("the header {name} cannot be read; expected percent-encoded UTF-8"))
}

/// HTTP binding §3.1.3.2: `%` and two hexadecimal digits are a byte; what stands in quotation marks is what they hold.
fn percent_decoded(text: &str) -> Option<String> {
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let encoded = (*first == b'%').then(|| rest.get(..2)).flatten();
        let digits = encoded.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit())) {
            Some(digits) => {
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &rest[2..];
            }
            None => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).ok()
}

/// A CloudEvent in binary mode as the one it would be in JSON.
pub(crate) fn cloud_event(mut attributes: Map, body: &Bytes) -> Result<Value, String> {
    let is_json = attributes.get("datacontenttype").and_then(Value::as_str).is_none_or(|content_type| {
        let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        media == "application/json" || media == "text/json" || media.ends_with("+json")
    });
    if !body.is_empty() {
        let data = if is_json {
            parse_json(body).map_err(|error| format!("data: {error}"))?
        } else {
            let text = std::str::from_utf8(body);
            text.map_err(|_| "data: not UTF-8 text; expected JSON or text".to_owned())?.into()
        };
        attributes.insert("data".to_owned(), data);
    }
    Ok(Value::Object(attributes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_that_encode_nothing_stay() {
        assert_eq!(percent_decoded("100%").as_deref(), Some("100%"));
        assert_eq!(percent_decoded("%+1 %41%C3%A9").as_deref(), Some("%+1 Aé"));
        assert_eq!(percent_decoded("\"a b\"").as_deref(), Some("a b"));
        assert_eq!(percent_decoded("%ff"), None);
    }

    #[test]
    fn blank_lines_are_no_events() {
        let body = b"\r\n {\"a\":1}\r\n\n{}";
        assert_eq!(lines(body, 2).unwrap(), [&b"{\"a\":1}"[..], b"{}"]);
        assert!(lines(body, 1).is_err());
        assert!(lines(b"", 1).unwrap().is_empty());
    }
}

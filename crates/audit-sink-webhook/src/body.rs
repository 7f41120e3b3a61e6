use audit_sink::Record;

/// How records are put into the body of a request. Their bytes are not touched in any of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// One record a line (`application/x-ndjson`).
    #[default]
    Ndjson,
    /// One JSON array of the records (`application/json`); for records that are JSON.
    JsonArray,
    /// One record a request, and nothing around it (`application/json`); for records that are JSON. For places that take
    /// one message a request, such as Slack's incoming webhooks and PagerDuty's Events API.
    Json,
    /// Events of Splunk's HTTP Event Collector, one a line (`application/json`); for records that are JSON.
    ///
    /// `{"time":<seconds>.<milliseconds>,"fields":{"chain_id":"…","sequence_number":"7"},"event":<record>}`. Index,
    /// source and sourcetype are those of the token. See Splunk's "Format events for HTTP Event Collector".
    SplunkHec,
}

impl Body {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::JsonArray | Self::Json | Self::SplunkHec => "application/json",
        }
    }

    /// Whether a request holds one record and no more.
    pub(crate) fn is_single(self) -> bool {
        self == Self::Json
    }

    /// Why a record cannot be in such a body without harm to the others, if it cannot.
    pub(crate) fn refuses(self, record: &Record) -> Option<&'static str> {
        match self {
            Self::Ndjson if record.bytes.contains(&b'\n') => {
                Some("the record holds a newline, which ends a record in NDJSON")
            }
            Self::JsonArray | Self::Json | Self::SplunkHec if !is_json(&record.bytes) => {
                Some("the record is not JSON, and this body holds JSON only; use ndjson")
            }
            _ => None,
        }
    }

    /// How many bytes a record adds to a body.
    pub(crate) fn length_of(self, chain_id: &str, record: &Record) -> usize {
        match self {
            Self::Ndjson | Self::JsonArray => record.bytes.len() + 1,
            Self::Json => record.bytes.len(),
            Self::SplunkHec => hec_prefix(chain_id, record).len() + record.bytes.len() + HEC_SUFFIX.len(),
        }
    }

    /// How many bytes a body has besides those of its records.
    pub(crate) fn overhead(self) -> usize {
        match self {
            Self::Ndjson | Self::Json | Self::SplunkHec => 0,
            Self::JsonArray => 1,
        }
    }

    /// The body of a request.
    pub(crate) fn encode(self, chain_id: &str, records: &[Record]) -> Vec<u8> {
        let length: usize = records.iter().map(|record| self.length_of(chain_id, record)).sum();
        let mut body = Vec::with_capacity(length + self.overhead());
        match self {
            Self::Ndjson => {
                for record in records {
                    body.extend_from_slice(&record.bytes);
                    body.push(b'\n');
                }
            }
            Self::JsonArray => {
                for (index, record) in records.iter().enumerate() {
                    body.push(if index == 0 { b'[' } else { b',' });
                    body.extend_from_slice(&record.bytes);
                }
                body.push(b']');
            }
            // One: `is_single`.
            Self::Json => records.iter().for_each(|record| body.extend_from_slice(&record.bytes)),
            Self::SplunkHec => {
                for record in records {
                    body.extend_from_slice(hec_prefix(chain_id, record).as_bytes());
                    body.extend_from_slice(&record.bytes);
                    body.extend_from_slice(HEC_SUFFIX);
                }
            }
        }
        body
    }
}

const HEC_SUFFIX: &[u8] = b"}\n";

/// Indexed fields are flat strings at Splunk; with these two a repeated event can be told from another.
fn hec_prefix(chain_id: &str, record: &Record) -> String {
    let sign = if record.timestamp_ms < 0 { "-" } else { "" };
    let ms = record.timestamp_ms.unsigned_abs();
    format!(
        r#"{{"time":{sign}{}.{:03},"fields":{{"chain_id":{},"sequence_number":"{}"}},"event":"#,
        ms / 1000,
        ms % 1000,
        serde_json::Value::from(chain_id),
        record.sequence_number,
    )
}

/// Looks at every byte, and keeps nothing.
fn is_json(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_ok_and(|text| serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok())
}

#[cfg(test)]
mod tests {
    use audit_sink::Record;
    use proptest::prelude::*;

    use super::Body;

    fn record(sequence_number: u64, bytes: &[u8]) -> Record {
        Record {
            sequence_number,
            timestamp_ms: 1_426_279_439_007,
            bytes: bytes.to_vec(),
            ..Record::default()
        }
    }

    #[test]
    fn records_stand_in_the_body_byte_for_byte() {
        let records = [record(1, br#"{"b":1.0,"a":"\u00e9"}"#), record(2, b"[ ]")];
        let text = |body: Body| String::from_utf8(body.encode("o\"1", &records)).expect("text");
        assert_eq!(text(Body::Ndjson), "{\"b\":1.0,\"a\":\"\\u00e9\"}\n[ ]\n");
        assert_eq!(text(Body::JsonArray), r#"[{"b":1.0,"a":"\u00e9"},[ ]]"#);
        let single = Body::Json.encode("c", &records[..1]);
        assert_eq!(single, records[0].bytes);
        assert_eq!(
            text(Body::SplunkHec),
            concat!(
                r#"{"time":1426279439.007,"fields":{"chain_id":"o\"1","sequence_number":"1"},"event":{"b":1.0,"a":"\u00e9"}}"#,
                "\n",
                r#"{"time":1426279439.007,"fields":{"chain_id":"o\"1","sequence_number":"2"},"event":[ ]}"#,
                "\n"
            )
        );
    }

    #[test]
    fn times_before_1970_are_negative() {
        let old = Record { timestamp_ms: -1, bytes: b"1".to_vec(), ..Record::default() };
        let text = String::from_utf8(Body::SplunkHec.encode("c", &[old])).expect("text");
        assert!(text.starts_with(r#"{"time":-0.001,"#), "{text}");
    }

    #[test]
    fn a_record_that_would_break_the_body_is_refused() {
        assert!(Body::Ndjson.refuses(&record(1, b"{\n}")).is_some());
        assert_eq!(Body::Ndjson.refuses(&record(1, b"CEF:0|a|b")), None);
        for body in [Body::JsonArray, Body::Json, Body::SplunkHec] {
            assert_eq!(body.refuses(&record(1, b"{\n}")), None);
            for broken in [&b"CEF:0|a|b"[..], b"", b"1,2", b"{}]", b"\"\xff\""] {
                assert!(body.refuses(&record(1, broken)).is_some(), "{broken:?}");
            }
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(Body::JsonArray.refuses(&record(1, deep.as_bytes())), None);
    }

    proptest! {
        #[test]
        fn a_body_is_as_long_as_was_reckoned(
            chain_id in ".{0,8}",
            records in prop::collection::vec(("[a-z]{0,20}", any::<u64>(), any::<i64>()), 1..6),
        ) {
            let records: Vec<Record> = records.into_iter().map(|(text, sequence_number, timestamp_ms)| {
                Record { sequence_number, timestamp_ms, bytes: text.into_bytes(), ..Record::default() }
            }).collect();
            for body in [Body::Ndjson, Body::JsonArray, Body::Json, Body::SplunkHec] {
                let lengths: usize = records.iter().map(|record| body.length_of(&chain_id, record)).sum();
                prop_assert_eq!(body.encode(&chain_id, &records).len(), body.overhead() + lengths);
            }
        }
    }
}

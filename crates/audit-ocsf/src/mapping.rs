use audit_model::{
    CanonicalError, Event, EventId, MAX_SAFE_INTEGER, Timestamp, Value, parse_json, write_json_string,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::object::Product;
use crate::record::{Record, UNKNOWN};
use crate::target::target;
use crate::writer::Writer;
use crate::{Rule, Version};

/// What `metadata.log_provider` says of records that a [`Mapping`] made.
pub(crate) const LOG_PROVIDER: &str = "audit-log";

/// How events become OCSF records: of which version, of whose product, and what custom types of events are.
///
/// ```
/// use audit_model::{Action, Actor, Event, EventType};
/// use audit_ocsf::{Mapping, Recorded, Version};
///
/// let event = Event::new(EventType::AUTH_LOGIN, Actor::user("alice@company.com"), Action::success("login"));
/// let record = Mapping::new(Version::V1_3_0).to_value(&event, Recorded::default())?;
/// assert_eq!(record["class_uid"], 3002);
/// assert_eq!(record["user"]["email_addr"], "alice@company.com");
/// # Ok::<(), audit_ocsf::MappingError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Mapping {
    pub(crate) version: Version,
    pub(crate) rules: Vec<Rule>,
    pub(crate) raw_data: bool,
    /// The product as JSON, and its name as one.
    pub(crate) product: Vec<u8>,
    pub(crate) product_name: Vec<u8>,
}

/// What is known of the record that an event is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded<'a> {
    /// Its chain; becomes `metadata.log_name`.
    pub chain_id: Option<&'a str>,
    /// Its number in the chain; becomes `metadata.sequence`.
    pub sequence_number: Option<u64>,
    /// Of several that were coalesced, the number of the last; becomes `unmapped.audit_log.last_sequence`.
    pub last_sequence_number: Option<u64>,
    /// Its exact text, sealed or not; becomes `raw_data`.
    pub line: Option<&'a str>,
}

/// An event that has no OCSF record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MappingError {
    /// A field of its own naming holds what JSON cannot say exactly.
    #[error("{part}: {source}")]
    Field {
        /// Which part of the event.
        part: &'static str,
        /// What is wrong with it.
        source: CanonicalError,
    },
    /// A line that is no record.
    #[error("found no record of an audit log: {0}")]
    Line(String),
}

impl Mapping {
    /// Records of that version, from the product `audit-log`.
    #[must_use]
    pub fn new(version: Version) -> Self {
        let mapping = Self {
            version,
            rules: Vec::new(),
            raw_data: true,
            product: Vec::new(),
            product_name: Vec::new(),
        };
        let mut product = Product::new("audit-log", "audit-log");
        product.version = Some(env!("CARGO_PKG_VERSION").to_owned());
        mapping.product(&product)
    }

    /// Sets whose records they are: `metadata.product`, and where a service or an application is asked for. Attributes
    /// that the version does not take are left out.
    #[must_use]
    pub fn product(self, product: &Product) -> Self {
        let product = crate::product::value(product, self.version);
        self.product_json(&product)
    }

    /// The product as a record has it.
    pub(crate) fn product_json(mut self, product: &Value) -> Self {
        self.product = product.to_string().into_bytes();
        let name = product.get("name").or(product.get("uid")).and_then(Value::as_str);
        self.product_name.clear();
        write_json_string(name.unwrap_or(UNKNOWN), &mut self.product_name);
        self
    }

    /// Adds what events become; the first rule that names an event's type decides, also of types in the catalogue.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Sets whether records carry the log's own line in `raw_data`, by which they can be verified; they do unless this
    /// says otherwise.
    #[must_use]
    pub fn raw_data(mut self, raw_data: bool) -> Self {
        self.raw_data = raw_data;
        self
    }

    /// The version of the records.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Appends the event's record to `out`, as one line without its newline. On an error `out` is as before.
    ///
    /// # Errors
    /// When the event holds a number or a depth that it could not be sealed with either.
    pub fn write(
        &self,
        event: &Event,
        recorded: Recorded<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), MappingError> {
        let before = out.len();
        let target = target(event, self.version, &self.rules);
        let written = Record::new(self, event, recorded, target).write(&mut Writer { out });
        if written.is_err() {
            out.truncate(before);
        }
        written
    }

    /// The event's record as a JSON value.
    ///
    /// # Errors
    /// As [`Mapping::write`].
    pub fn to_value(&self, event: &Event, recorded: Recorded<'_>) -> Result<Value, MappingError> {
        let mut out = Vec::new();
        self.write(event, recorded, &mut out)?;
        Ok(serde_json::from_slice(&out).expect("what is written here is JSON"))
    }

    /// Appends the record of a log's line, sealed or not, to `out`; chain, sequence number and `raw_data` are the line's.
    ///
    /// # Errors
    /// When the line is no record of an audit log, and as [`Mapping::write`].
    pub fn write_line(&self, line: &[u8], out: &mut Vec<u8>) -> Result<(), MappingError> {
        let record = NativeRecord::parse(line)?;
        self.write(&record.event, record.recorded(), out)
    }
}

/// A line of an audit log, taken apart.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NativeRecord<'a> {
    /// The event in it.
    pub event: Event,
    /// Its chain, when it is sealed.
    pub chain_id: Option<String>,
    /// Its number in the chain, when it is sealed.
    pub sequence_number: Option<u64>,
    /// The line itself.
    pub line: &'a str,
}

/// Whatever has more fields is an event that names its own so: anybody may have written it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<'a> {
    #[serde(borrow)]
    event: &'a RawValue,
    integrity: Seal,
}

#[derive(Deserialize)]
struct Seal {
    chain_id: String,
    sequence_number: u64,
    #[serde(rename = "previous_signature")]
    _previous_signature: String,
    #[serde(rename = "signature")]
    _signature: String,
}

impl<'a> NativeRecord<'a> {
    /// Reads a line, sealed or not. It does not verify: that is for `audit-integrity`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(line: &'a [u8]) -> Result<Self, MappingError> {
        let line = std::str::from_utf8(line).map_err(|_| MappingError::Line("not UTF-8 text".to_owned()))?;
        let wrong = |error: &dyn std::fmt::Display| MappingError::Line(error.to_string());
        let event = |text: &str| {
            let value = parse_json(text.as_bytes()).map_err(|error| wrong(&error))?;
            let has = |name| value.get(name).is_some_and(|value: &Value| !value.is_null());
            let (has_id, has_time) = (has("event_id"), has("timestamp"));
            let unused = Timestamp::from_milliseconds(0).expect("1970 is in range");
            let mut event = Event::from_value(value, unused).map_err(|error| wrong(&error))?;
            if !has_time {
                return Err(wrong(&"timestamp: found nothing; expected the record's own time"));
            }
            if !has_id {
                // Not a new one each time that the line is read.
                event.event_id = EventId::from("");
            }
            Ok(event)
        };
        Ok(match serde_json::from_str::<Sealed<'_>>(line) {
            Ok(Sealed { event: inner, integrity }) => Self {
                event: event(inner.get())?,
                chain_id: Some(integrity.chain_id),
                sequence_number: Some(integrity.sequence_number.min(MAX_SAFE_INTEGER)),
                line,
            },
            Err(_) => Self { event: event(line)?, chain_id: None, sequence_number: None, line },
        })
    }

    /// What is known of it beside its event.
    #[must_use]
    pub fn recorded(&self) -> Recorded<'_> {
        Recorded {
            chain_id: self.chain_id.as_deref(),
            sequence_number: self.sequence_number,
            last_sequence_number: None,
            line: Some(self.line),
        }
    }
}

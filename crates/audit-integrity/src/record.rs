use serde::Deserialize;
use serde_json::value::RawValue;

use crate::key::KeyId;
use crate::seal::{Template, decimal};
use crate::{ChainId, EventDigest, KeyRing, Signature, Signer};

/// A record's seal, as it stands in the record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Integrity {
    /// Which chain the record belongs to.
    pub chain_id: ChainId,
    /// Which key signed it; `None` in a chain that is not signed.
    pub key_id: Option<KeyId>,
    /// The signature of the record before.
    pub previous_signature: Signature,
    /// The record's place in its chain, from 1.
    pub sequence_number: u64,
    /// The signature over all of it.
    pub signature: Signature,
}

/// A line that is not a sealed record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A JSON object without an `integrity` block: an unsealed event.
    #[error("an event without an integrity block: it was never sealed, or its seal was removed")]
    Unsealed,
    /// Anything else.
    #[error("not a sealed record: {0}")]
    Malformed(String),
}

/// One sealed record, read from a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SealedRecord {
    /// The event as canonical JSON.
    pub event: Vec<u8>,
    /// Its seal.
    pub integrity: Integrity,
}

/// What to do about JSON that was laid out for people.
const PRETTY: &str = "JSON spread over several lines, where one record has to be one line: run `jq -c .` on it \
    (`jq -c '.[]'` on an array)";

const OCSF: &str = "an OCSF record among a log's own: OCSF copies are verified as files of their own";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    event: &'a RawValue,
    integrity: Block,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    chain_id: String,
    #[serde(default)]
    key_id: Option<String>,
    previous_signature: String,
    sequence_number: u64,
    signature: String,
}

impl SealedRecord {
    /// Reads a sealed record. The line need not be canonical: a copy that went through a program
    /// that reorders names or adds white space is put back into canonical form.
    ///
    /// # Errors
    /// When it is an unsealed event, or no record at all.
    pub fn parse(line: &[u8]) -> Result<Self, RecordError> {
        let malformed = |error: &dyn std::fmt::Display| RecordError::Malformed(error.to_string());
        if matches!(line.trim_ascii(), b"{" | b"[") {
            return Err(malformed(&PRETTY));
        }
        let parsed: Line<'_> = serde_json::from_slice(line).map_err(|error| {
            let names = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(line);
            let has = |name: &str| names.as_ref().is_ok_and(|names| names.contains_key(name));
            match has("event_type") {
                true => RecordError::Unsealed,
                false if has("class_uid") => malformed(&OCSF),
                false => malformed(&error),
            }
        })?;
        if !(1..=audit_model::MAX_SAFE_INTEGER).contains(&parsed.integrity.sequence_number) {
            return Err(malformed(&"sequence numbers go from 1 to 2^53−1"));
        }
        let event = audit_model::parse_json(parsed.event.get().as_bytes()).map_err(|e| malformed(&e))?;
        let block = parsed.integrity;
        let key_id =
            block.key_id.map(|id| KeyId::parse(&id).ok_or_else(|| malformed(&format!("bad key_id `{id}`"))));
        Ok(Self {
            event: audit_model::canonical_json(&event).map_err(|e| malformed(&e))?,
            integrity: Integrity {
                chain_id: block.chain_id.parse().map_err(|e| malformed(&e))?,
                key_id: key_id.transpose()?,
                previous_signature: block.previous_signature.parse().map_err(|e| malformed(&e))?,
                sequence_number: block.sequence_number,
                signature: block.signature.parse().map_err(|e| malformed(&e))?,
            },
        })
    }

    /// The number of a record in canonical form, as a log holds it, without reading all of it. That it is whole and
    /// authentic is for [`parse`](Self::parse) and [`is_authentic`](Self::is_authentic) to say.
    #[must_use]
    pub fn sequence_number_of(line: &[u8]) -> Option<u64> {
        // …,"sequence_number":7,"signature":"sha256:<64 digits>"}}
        const DIGITS: usize = 64;
        let line = line.strip_suffix(b"\"}}")?;
        let line = line.get(..line.len().checked_sub(DIGITS)?)?.strip_suffix(b",\"signature\":\"sha256:")?;
        let digits = line.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (line, number) = line.split_at(line.len() - digits);
        let number = std::str::from_utf8(number).ok()?.parse().ok()?;
        let is_possible = (1..=audit_model::MAX_SAFE_INTEGER).contains(&number);
        (is_possible && line.ends_with(b"\"sequence_number\":")).then_some(number)
    }

    /// Whether the record's own signature is right. `None` when nobody can tell: no key on the ring made it, or
    /// the ring has keys and the record was sealed without one (anybody could have made it).
    #[must_use]
    pub fn is_authentic(&self, keys: &KeyRing) -> Option<bool> {
        let seal = &self.integrity;
        let mut text = Vec::new();
        let mut digits = [0; 20];
        Template::new(&seal.chain_id, None).signed_text(
            decimal(seal.sequence_number, &mut digits),
            &seal.previous_signature.hex(),
            &EventDigest::of(&self.event),
            &mut text,
        );
        let made_by = |signer: &Signer| signer.sign(&text) == seal.signature.0;
        let named = match &seal.key_id {
            Some(id) => keys.get(id.as_str()).map(|key| Signer::Hmac(key.clone())),
            None if keys.is_empty() => Some(Signer::Digest),
            None => None,
        };
        if let Some(signer) = named {
            return Some(made_by(&signer));
        }
        // Made with a key that was given, though it names another: then the name was edited.
        let misnamed = match keys.is_empty() {
            true => made_by(&Signer::Digest),
            false => keys.iter().any(|key| made_by(&Signer::Hmac(key.clone()))),
        };
        misnamed.then_some(false)
    }

    /// The event's type, if it has one.
    pub(crate) fn event_type(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Typed {
            event_type: String,
        }
        serde_json::from_slice::<Typed>(&self.event).ok().map(|event| event.event_type)
    }
}

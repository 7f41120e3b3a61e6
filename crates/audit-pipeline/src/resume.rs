//! Where the chain goes on when a log is opened.

use std::path::Path;

use audit_integrity::{ChainId, Head, KeyRing, SealedRecord, Sealer, Signature, Signer};
use audit_journal::{Journal, Recovery};
use audit_model::{Event, Timestamp};
use serde::Deserialize;

use crate::lifecycle::tampered_at_rest;
use crate::pipeline::{Notices, note};
use crate::{Options, StartError};

/// A record's own number, as the journal asks for it.
pub(crate) fn sequence_of(line: &[u8]) -> Option<u64> {
    SealedRecord::parse(line).ok().map(|record| record.integrity.sequence_number)
}

/// When an event of the log happened, as the journal asks for it.
pub(crate) fn time_of(line: &[u8]) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Event {
        timestamp: Timestamp,
    }
    #[derive(Deserialize)]
    struct Sealed {
        event: Event,
    }
    let sealed = serde_json::from_slice::<Sealed>(line).map(|sealed| sealed.event.timestamp);
    sealed.or_else(|_| serde_json::from_slice::<Event>(line).map(|event| event.timestamp)).ok()
}

/// The sealer that goes on behind the log's last record, and what was found wrong on the way.
pub(crate) fn resume(
    options: &Options,
    signer: Signer,
    journal: &mut Journal,
    recovery: &Recovery,
    notices: &Notices,
    now: Timestamp,
) -> Result<(Sealer, Vec<Event>), StartError> {
    let notice = |sentence: String| note(notices, sentence);
    let path = journal.path().to_owned();
    let shown = || path.display().to_string();
    let mut found = Vec::new();
    let mut find = |change: &str, message: &str, lost: Option<(u64, u64)>| {
        let which = lost.map(|(first, last)| format!(" (records {first} to {last})")).unwrap_or_default();
        notice(format!("{message}{which}; this is on record as audit.log_tampered"));
        found.push(tampered_at_rest(now, &path, change, message, lost));
    };
    let keys = ring(options, &signer);
    let last = recovery.last_line.as_deref().and_then(|line| SealedRecord::parse(line).ok());
    let kept = Head::from_json(&journal.read_head()?, &keys).ok();
    let mut head = match &last {
        Some(record) => {
            let seal = &record.integrity;
            match (record.is_authentic(&keys), &seal.key_id) {
                (Some(false), _) => {
                    find("edited", "the last record's signature does not match its content", None);
                }
                (None, Some(id)) => notice(format!(
                    "the log's last record was signed with key {id}, which was not given, so its end cannot be checked; \
                     add that key to the previous keys"
                )),
                _ => {}
            }
            Head {
                chain_id: seal.chain_id.clone(),
                sequence_number: seal.sequence_number,
                signature: seal.signature,
            }
        }
        None => Head {
            chain_id: match (&options.chain_id, &kept) {
                (Some(id), _) => id.clone(),
                (None, Some(kept)) => kept.chain_id.clone(),
                (None, None) => new_chain_id(),
            },
            sequence_number: 0,
            signature: Signature::NONE,
        },
    };
    if let Some(expected) = options.chain_id.as_ref().filter(|id| **id != head.chain_id) {
        return Err(StartError::OtherChain {
            path: shown(),
            found: head.chain_id.to_string(),
            expected: expected.to_string(),
        });
    }
    // An authentic head says whose log it is; a last record that disagrees with it was made by somebody else.
    let kept = kept.filter(|kept| kept.chain_id == head.chain_id);
    match &last {
        Some(record)
            if kept.is_none() && record.integrity.key_id.is_some() != matches!(signer, Signer::Hmac(_)) =>
        {
            let found = if record.integrity.key_id.is_some() { "with" } else { "without" };
            return Err(StartError::OtherSealing { path: shown(), found });
        }
        None if kept.is_none() && recovery.last_sequence > 0 => {
            return Err(StartError::Unsealed { path: shown() });
        }
        _ => {}
    }
    if recovery.foreign_lines > 0 && last.is_some() {
        find("extended", "lines that are no records stood at the log's end", None);
    }
    // How far the log reached is told by the kept head, and by the name of the newest segment.
    let reached = kept.as_ref().map_or(0, |kept| kept.sequence_number).max(recovery.last_sequence);
    if reached > head.sequence_number {
        // Going on behind that leaves the gap for everyone to see; going on behind the last record that is left would
        // give the lost numbers to other records.
        let message = "the log's end is gone: it was cut off while nobody wrote it, or not yet on disk when the power failed";
        find("shortened", message, Some((head.sequence_number + 1, reached)));
        head.sequence_number = reached;
        head.signature =
            kept.filter(|kept| kept.sequence_number == reached).map_or(head.signature, |kept| kept.signature);
    }
    if journal.next_sequence() != head.sequence_number + 1 {
        journal.skip_to(head.sequence_number + 1, now)?;
    }
    Ok((Sealer::resume(head, signer), found))
}

fn ring(options: &Options, signer: &Signer) -> KeyRing {
    let present = match signer {
        Signer::Hmac(key) => Some(key.clone()),
        _ => None,
    };
    present.into_iter().chain(options.previous_keys.iter().cloned()).collect()
}

/// Not taken from the machine's or the file's name: a log that is begun anew is another chain.
pub(crate) fn new_chain_id() -> ChainId {
    let id = format!("chain-{}", uuid::Uuid::now_v7().simple());
    id.parse().expect("letters, digits and a hyphen")
}

/// Refuses to put unsealed records behind sealed ones.
pub(crate) fn refuse_sealed(path: &Path, recovery: &Recovery) -> Result<(), StartError> {
    match recovery.last_line.as_deref().map(SealedRecord::parse) {
        Some(Ok(_)) => Err(StartError::Sealed { path: path.display().to_string() }),
        _ => Ok(()),
    }
}

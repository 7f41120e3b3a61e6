use std::sync::Arc;

use audit_journal::JournalError;
use audit_model::{CanonicalError, EventType};

/// Why an event was not recorded, or not confirmed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The event itself cannot be written; sending it again is no use.
    #[error("the event cannot be recorded: {0}")]
    Event(#[from] CanonicalError),
    /// Only the log itself records events of this type.
    #[error(
        "the event cannot be recorded: `{0}` is for the log's records about itself; use another event type"
    )]
    Reserved(EventType),
    /// The log could not take it: the disk is full or failing. It is not in the log, and may be sent again.
    #[error("the event was not recorded: {0}")]
    Journal(Arc<JournalError>),
    /// As many events wait in memory as may; only from `try_emit`, which does not wait.
    #[error("the event was not recorded: {waiting_bytes} bytes of events already wait for the disk")]
    Full {
        /// How much is waiting, in bytes.
        waiting_bytes: usize,
    },
    /// The event is in the log, and a required destination has not confirmed it: it is delivered when that can be, or
    /// is in the dead letters. Do not send it again: it would be there twice.
    #[error("the event is record {sequence_number} of the log, but {reason}")]
    Undelivered {
        /// The record's number.
        sequence_number: u64,
        /// Which destination, and why.
        reason: Arc<str>,
    },
    /// The pipeline was closed.
    #[error("the event was not recorded: the audit log is closed")]
    Closed,
}

/// Why a pipeline could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The log cannot be opened, or its first record not be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The log belongs to another chain.
    #[error(
        "{path}: this log is chain `{found}`, and the configuration says `{expected}`; use its own id or another path"
    )]
    OtherChain {
        /// The log.
        path: String,
        /// The chain that it holds.
        found: String,
        /// The chain that was asked for.
        expected: String,
    },
    /// Records without a seal cannot follow sealed ones.
    #[error("{path}: this log holds sealed records, and sealing is off; turn it on or use another path")]
    Sealed {
        /// The log.
        path: String,
    },
    /// Sealed records cannot follow unsealed ones.
    #[error(
        "{path}: the rotated files of this log hold events without a seal; move them elsewhere, or use another path"
    )]
    Unsealed {
        /// The log.
        path: String,
    },
    /// Signed records cannot follow those that were sealed without a key, nor the other way round: no key would
    /// verify both.
    #[error("{path}: this log was sealed {found} signing; change that back, or move its files elsewhere")]
    OtherSealing {
        /// The log.
        path: String,
        /// `with` or `without`.
        found: &'static str,
    },
    /// Delivery could not be started.
    #[cfg(feature = "delivery")]
    #[error(transparent)]
    Delivery(#[from] audit_delivery::DeliveryError),
    /// The thread that writes could not be started.
    #[error("cannot start the thread that writes the log: {0}")]
    Thread(std::io::Error),
}

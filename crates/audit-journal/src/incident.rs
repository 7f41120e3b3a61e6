use crate::{Segment, Tampering};

/// What the journal noticed and whoever writes it has to record in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Incident {
    /// Somebody else touched the log's file.
    Tampered(Tampering),
    /// There are more rotated segments than are to be kept. The oldest is deleted by
    /// [`Journal::prune`](crate::Journal::prune) once that is on record. Told once for each segment, until the journal is opened again.
    PruneDue(Prunable),
}

/// A segment that is to be deleted, and its last line, which the records that stay follow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prunable {
    /// The segment.
    pub segment: Segment,
    /// Its last record, without the newline; empty when all its records were lost.
    pub last_line: Vec<u8>,
}

use audit_model::Severity;

/// Records for one place, in the order of their chain. A sink that keeps its progress tells one batch from another by
/// its hash, content and all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Batch {
    /// Which chain they are of; where a place keeps order by key, this is the key.
    pub chain_id: String,
    /// The records, each numbered higher than the one before.
    pub records: Vec<Record>,
}

/// One record, encoded for the place it goes to, and what a place may want to know of it
/// without reading it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Record {
    /// Its number in its chain.
    pub sequence_number: u64,
    /// When the event happened, in milliseconds since 1970-01-01T00:00:00Z.
    pub timestamp_ms: i64,
    /// The event's id.
    pub event_id: String,
    /// The event's type.
    pub event_type: String,
    /// How much the event matters to whoever watches.
    pub severity: Severity,
    /// The record's bytes: one line without its newline.
    pub bytes: Vec<u8>,
}

impl Batch {
    /// The bytes of all records together.
    #[must_use]
    pub fn byte_count(&self) -> usize {
        self.records.iter().map(|record| record.bytes.len()).sum()
    }
}

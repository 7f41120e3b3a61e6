/// What was promised about one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Receipt {
    /// It is in the log, as durably as was asked for.
    Recorded {
        /// Its number in the chain.
        sequence_number: u64,
    },
    /// It is in memory, on its way to the log: all that [`Durability::None`](crate::Durability::None) waits for.
    Queued,
    /// The configuration does not select events of its kind.
    NotSelected,
    /// The log could take no more, and [`OnFailure::Permit`](crate::OnFailure::Permit) lets the caller go on: it is
    /// counted, and an `audit.events_lost` record will say so.
    Dropped,
}

impl Receipt {
    /// The record's number in the chain, if it has one yet.
    #[must_use]
    pub fn sequence_number(self) -> Option<u64> {
        match self {
            Self::Recorded { sequence_number } => Some(sequence_number),
            _ => None,
        }
    }
}

use std::fmt;

use crate::Timestamp;

/// The event's identity: `evt_` and a UUID version 7 (RFC 9562 §5.7), so that ids sort by time.
///
/// Ids that other systems chose are kept as they are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(String);

impl EventId {
    /// A new id that sorts after every id of an earlier millisecond.
    #[must_use]
    pub fn generate(at: Timestamp) -> Self {
        let milliseconds = u64::try_from(at.as_milliseconds()).unwrap_or(0);
        let time = uuid::Timestamp::from_unix(
            uuid::NoContext,
            milliseconds / 1000,
            u32::try_from(milliseconds % 1000).expect("under a thousand") * 1_000_000,
        );
        let mut buffer = *b"evt_00000000000000000000000000000000";
        uuid::Uuid::new_v7(time).simple().encode_lower(&mut buffer[4..]);
        Self(std::str::from_utf8(&buffer).expect("hexadecimal digits").to_owned())
    }

    /// The id as it stands in the record.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for EventId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl From<String> for EventId {
    fn from(id: String) -> Self {
        Self(id)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time() {
        let at = |ms| EventId::generate(Timestamp::from_milliseconds(ms).unwrap());
        assert!(at(1_700_000_000_000) < at(1_700_000_000_001));
        assert!(at(1_700_000_000_999) < at(1_700_000_001_000));
        assert_eq!(at(0).as_str().len(), 36);
        assert_ne!(at(5), at(5));
    }
}

use serde::de::{Deserializer, Error, Unexpected};
use serde::{Deserialize, Serialize, Serializer};

/// The value of `class_uid`, which is the same in all records of a class: reading any other is an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClassUid<const UID: i64>;

impl<const UID: i64> Serialize for ClassUid<UID> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(UID)
    }
}

impl<'de, const UID: i64> Deserialize<'de> for ClassUid<UID> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match i64::deserialize(deserializer)? {
            uid if uid == UID => Ok(Self),
            other => Err(D::Error::invalid_value(Unexpected::Signed(other), &UID.to_string().as_str())),
        }
    }
}

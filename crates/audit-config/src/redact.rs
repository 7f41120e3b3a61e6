use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to do with one field of every event before it is recorded.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct RedactRule {
    /// The field, from the event's root: `details.password`.
    pub path: String,
    /// What to do with it.
    #[serde(default)]
    pub action: RedactAction,
}

/// What to do with a field that must not be recorded as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RedactAction {
    /// Put asterisks in its place.
    #[default]
    Mask,
    /// Put its HMAC in its place, so that equal values can still be told.
    Hmac,
    /// Leave it out.
    Drop,
}

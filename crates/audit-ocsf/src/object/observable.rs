use audit_model::{Map, Value};
use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::id::{ObservableTypeId, ReputationScoreId};

/// The OCSF object `observable`: a value in a record that is worth looking for in others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Observable {
    /// `event_uid` (optional; since 1.8.0): the id (`metadata.uid`) of the record that the observable was
    /// taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_uid: Option<String>,
    /// `name` (required up to 1.3.0, recommended since 1.8.0): the path of the attribute that holds the
    /// value, such as `src_endpoint.ip`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `reputation` (optional): the value's reputation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reputation: Option<Box<Reputation>>,
    /// `type` (optional): the caption of `type_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// `type_id` (required): what kind of value it is.
    pub type_id: ObservableTypeId,
    /// `type_uid` (optional; since 1.8.0): the `type_uid` of the record that the observable was taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_uid: Option<i64>,
    /// `value` (optional): the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Observable {
    /// That value, of that kind, at that path, such as `src_endpoint.ip`.
    #[must_use]
    pub fn new(name: impl Into<String>, type_id: ObservableTypeId, value: impl Into<String>) -> Self {
        Self {
            event_uid: None,
            name: Some(name.into()),
            reputation: None,
            r#type: None,
            type_id,
            type_uid: None,
            value: Some(value.into()),
            extra: Map::new(),
        }
    }
}

/// The OCSF object `enrichment`: what another source knows about a value in the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Enrichment {
    /// `created_time` (recommended; since 1.3.0): when the enrichment was made, in milliseconds since
    /// 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time: Option<i64>,
    /// `created_time_dt` (optional; since 1.3.0; with the profile `datetime`): as `created_time`, as text
    /// (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time_dt: Option<String>,
    /// `data` (required): what is added to the record; any JSON but null.
    pub data: Value,
    /// `desc` (optional; since 1.3.0): what the enrichment is, at length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desc: Option<String>,
    /// `name` (required): the path of the attribute that the enrichment is about.
    pub name: String,
    /// `provider` (recommended): who provided the enrichment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// `reputation` (optional; since 1.3.0): the reputation that is added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reputation: Option<Box<Reputation>>,
    /// `short_desc` (recommended; since 1.3.0): what the enrichment is, in short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_desc: Option<String>,
    /// `src_url` (recommended; since 1.3.0): where the enrichment was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub src_url: Option<String>,
    /// `type` (recommended): what kind of enrichment it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// `value` (required): the value of the attribute that the enrichment is about.
    pub value: String,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Enrichment {
    /// What is known about the attribute of that path and value.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>, data: impl Into<Value>) -> Self {
        Self {
            created_time: None,
            created_time_dt: None,
            data: data.into(),
            desc: None,
            name: name.into(),
            provider: None,
            reputation: None,
            short_desc: None,
            src_url: None,
            r#type: None,
            value: value.into(),
            extra: Map::new(),
        }
    }
}

/// The OCSF object `reputation`: how good or bad somebody holds a value to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reputation {
    /// `base_score` (required): the score as the source gave it.
    pub base_score: Number,
    /// `provider` (recommended): who gave the reputation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// `score` (optional): the caption of `score_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<String>,
    /// `score_id` (required): how good or bad the reputation is.
    pub score_id: ReputationScoreId,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Reputation {
    /// A score as the source gave it, and what it comes to.
    #[must_use]
    pub fn new(base_score: impl Into<Number>, score_id: ReputationScoreId) -> Self {
        Self { base_score: base_score.into(), provider: None, score: None, score_id, extra: Map::new() }
    }
}

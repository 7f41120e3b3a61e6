use std::time::Duration;

use audit_model::EventPattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deserialize::recover_each;
use crate::scalar::{ocsf_version, patterns, window};
use crate::tagged::tagged;

tagged! {
    /// How records are written for a destination, told apart by `type`.
    pub enum Format {
        /// As the log holds them.
        Native(NativeFormat),
        /// As the Open Cybersecurity Schema Framework has them.
        Ocsf(OcsfFormat),
    }
}

impl Default for Format {
    fn default() -> Self {
        Self::Native(NativeFormat::default())
    }
}

impl Format {
    /// Whether records go as the log holds them.
    #[must_use]
    pub fn is_native(&self) -> bool {
        matches!(self, Self::Native(_))
    }
}

/// `type: native`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct NativeFormat {}

/// `type: ocsf`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct OcsfFormat {
    /// The version of the schema: 1.0.0, 1.1.0, 1.3.0 or 1.8.0.
    #[serde(with = "ocsf_version")]
    #[schemars(schema_with = "ocsf_version::schema")]
    pub version: audit_ocsf::Version,
    /// Whose records they are; `audit-log` when left out.
    pub product: Option<OcsfProduct>,
    /// What events become, before the table in the documentation is asked: the first that names an event's type decides.
    #[serde(deserialize_with = "recover_each")]
    pub mapping: Vec<OcsfRule>,
    /// Which events become one when they are identical and close together; none when left out.
    #[serde(deserialize_with = "recover_each")]
    pub coalesce: Vec<OcsfCoalesce>,
    /// Whether records carry the log's own line, by which they can be verified.
    pub raw_data: bool,
}

impl Default for OcsfFormat {
    fn default() -> Self {
        Self {
            version: audit_ocsf::Version::default(),
            product: None,
            mapping: Vec::new(),
            coalesce: Vec::new(),
            raw_data: true,
        }
    }
}

impl OcsfFormat {
    /// The longest time over which events are merged.
    pub(crate) fn longest_window(&self) -> Option<Duration> {
        self.coalesce.iter().map(|coalesce| coalesce.window).max()
    }
}

/// The product whose records they are: `metadata.product`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct OcsfProduct {
    /// The product's name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Who makes it.
    #[schemars(length(min = 1))]
    pub vendor_name: String,
    /// Which version of it.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub version: Option<String>,
    /// Which installation of it.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub uid: Option<String>,
}

/// What events of some types become.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct OcsfRule {
    /// The types, or patterns of them.
    #[serde(with = "patterns")]
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub events: Vec<EventPattern>,
    /// The class.
    pub class: OcsfClass,
    /// The activity, as its caption in the schema: `create`, `logon`, `service_ticket_renew`, `other`.
    pub activity: String,
    /// What `activity_name` says with the activity `other`; the event's type when left out.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub activity_name: Option<String>,
}

/// A class of OCSF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OcsfClass {
    /// 3002
    Authentication,
    /// 6002
    ApplicationLifecycle,
    /// 6003
    ApiActivity,
}

impl OcsfClass {
    /// The name of the class with that `class_uid`, which is what those who know OCSF may write.
    pub(crate) fn name_of_uid(text: &str) -> Option<&'static str> {
        let uid: u32 = text.parse().ok()?;
        audit_ocsf::Class::ALL.iter().find(|class| class.uid() == uid).map(|class| class.name())
    }
}

impl From<OcsfClass> for audit_ocsf::Class {
    fn from(class: OcsfClass) -> Self {
        match class {
            OcsfClass::Authentication => Self::Authentication,
            OcsfClass::ApplicationLifecycle => Self::ApplicationLifecycle,
            OcsfClass::ApiActivity => Self::ApiActivity,
        }
    }
}

/// Identical events that become one.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct OcsfCoalesce {
    /// The types, or patterns of them; all when left out.
    #[serde(default, with = "patterns")]
    #[schemars(with = "Vec<String>")]
    pub events: Vec<EventPattern>,
    /// How far apart the first and the last of them may be: `10s`.
    #[serde(with = "window")]
    #[schemars(with = "String")]
    pub window: Duration,
}

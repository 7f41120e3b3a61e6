use audit_model::Map;
use serde::{Deserialize, Serialize};

use crate::id::OsTypeId;

/// The OCSF object `os`: an operating system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Os {
    /// `build` (optional): the build number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// `country` (optional): the country, as two capital letters (ISO 3166-1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// `cpe_name` (optional; since 1.1.0): the Common Platform Enumeration name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpe_name: Option<String>,
    /// `cpu_bits` (optional): how many bits an address in memory has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_bits: Option<i64>,
    /// `edition` (optional): the edition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
    /// `kernel_release` (optional; since 1.8.0): the kernel's release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel_release: Option<String>,
    /// `lang` (optional): the language, as two small letters (ISO 639-1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// `name` (required): the operating system's name.
    pub name: String,
    /// `sp_name` (optional): the service pack's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sp_name: Option<String>,
    /// `sp_ver` (optional): the service pack's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sp_ver: Option<i64>,
    /// `type` (optional): the caption of `type_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// `type_id` (required): which operating system it is.
    pub type_id: OsTypeId,
    /// `version` (optional): the operating system's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Os {
    /// An operating system of that name and kind.
    #[must_use]
    pub fn new(name: impl Into<String>, type_id: OsTypeId) -> Self {
        Self {
            build: None,
            country: None,
            cpe_name: None,
            cpu_bits: None,
            edition: None,
            kernel_release: None,
            lang: None,
            name: name.into(),
            sp_name: None,
            sp_ver: None,
            r#type: None,
            type_id,
            version: None,
            extra: Map::new(),
        }
    }
}

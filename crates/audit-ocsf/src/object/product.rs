use audit_model::Map;
use serde::{Deserialize, Serialize};

/// The OCSF object `product`: the software that reported an event, or that one is about.
///
/// Left untyped in `extra`: `data_classification`, `data_classifications`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Product {
    /// `cpe_name` (optional; since 1.1.0): the Common Platform Enumeration name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpe_name: Option<String>,
    /// `feature` (optional): the part of the product that reported the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<Box<Feature>>,
    /// `lang` (recommended in 1.0.0, optional since 1.1.0): the language, as two small letters (ISO 639-1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// `name` (recommended): the product's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `path` (optional): where the product is installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `uid` (recommended): the product's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `url_string` (optional): the product's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_string: Option<String>,
    /// `vendor_name` (required up to 1.3.0, recommended since 1.8.0): who makes the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_name: Option<String>,
    /// `version` (recommended): the product's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Product {
    /// A product of that name, and who makes it.
    #[must_use]
    pub fn new(name: impl Into<String>, vendor_name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), vendor_name: Some(vendor_name.into()), ..Self::default() }
    }
}

/// The OCSF object `feature`: a part of a product.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Feature {
    /// `name` (recommended): the feature's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `uid` (recommended): the feature's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `version` (recommended): the feature's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Feature {
    /// A part of that name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}

use serde::{Deserialize, Serialize};

/// Whose records they are: the `product` of OCSF.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// `name` (recommended): the product's name.
    pub name: String,
    /// `vendor_name` (required before 1.8.0): who makes it.
    pub vendor_name: String,
    /// `version` (recommended): which version of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `uid` (recommended): which installation of it, such as a node's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
}

impl Default for Product {
    fn default() -> Self {
        let own = || "audit-log".to_owned();
        let version = Some(env!("CARGO_PKG_VERSION").to_owned());
        Self { name: own(), vendor_name: own(), version, uid: None }
    }
}

impl Product {
    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings have a JSON text")
    }
}

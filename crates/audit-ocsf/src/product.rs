//! `metadata.product`, as far as a version takes it.

use audit_model::{Map, Value};

use crate::Version;
use crate::object::Product;
use crate::record::UNKNOWN;
use crate::text::fits;

/// The product as a record has it: an attribute that the version does not take is left out, and one that it requires is
/// `unknown`.
pub(crate) fn value(product: &Product, version: Version) -> Value {
    let mut made = Map::new();
    let texts = [
        ("name", &product.name),
        ("uid", &product.uid),
        ("vendor_name", &product.vendor_name),
        ("version", &product.version),
        ("lang", &product.lang),
        ("path", &product.path),
        ("url_string", &product.url_string),
        ("cpe_name", &product.cpe_name),
    ];
    let is_known = |name: &str| name != "cpe_name" || version >= Version::V1_1_0;
    for (name, text) in texts {
        if let Some(text) = text.as_ref().filter(|text| is_known(name) && fits(text, version)) {
            made.insert(name.to_owned(), text.as_str().into());
        }
    }
    if !made.contains_key("name") && !made.contains_key("uid") {
        made.insert("name".to_owned(), UNKNOWN.into());
    }
    if version < Version::V1_8_0 {
        made.entry("vendor_name").or_insert_with(|| UNKNOWN.into());
    }
    let mut feature = Map::new();
    if let Some(of) = &product.feature {
        for (name, text) in [("name", &of.name), ("uid", &of.uid), ("version", &of.version)] {
            if let Some(text) = text.as_ref().filter(|text| fits(text, version)) {
                feature.insert(name.to_owned(), text.as_str().into());
            }
        }
    }
    if feature.contains_key("name") || feature.contains_key("uid") {
        made.insert("feature".to_owned(), feature.into());
    }
    made.into()
}

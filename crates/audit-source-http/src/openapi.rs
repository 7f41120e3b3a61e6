use bytes::Bytes;
use serde_json::Value;

use crate::Limits;

/// The description of the interface, with the limits that are in force.
pub(crate) fn document(limits: &Limits) -> Bytes {
    let mut document: Value =
        serde_json::from_str(include_str!("../openapi.json")).expect("a test reads the document");
    if let Some(most) = document.pointer_mut("/components/schemas/Events/maxItems") {
        *most = limits.max_events.into();
    }
    document.to_string().into()
}

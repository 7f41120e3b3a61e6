//! What the schema allows, and what is likely a mistake nevertheless.

use serde_json::{Map, Value};

use crate::finding::{Code, Finding};
use crate::verb::reads;
use crate::wording::quoted;

const API_ACTIVITY: i64 = 6003;

pub(crate) fn findings(record: &Map<String, Value>) -> Option<Finding> {
    let integer = |name| record.get(name).and_then(Value::as_i64);
    let operation = record.get("api").and_then(|api| api.get("operation")).and_then(Value::as_str)?;
    let activity = match integer("activity_id")? {
        1 => "1 (Create)",
        3 => "3 (Update)",
        4 => "4 (Delete)",
        _ => return None,
    };
    // Where an event says no operation, its type stands there: that of a program of its own naming may be anything.
    let is_type = record.get("metadata").and_then(|it| it.get("event_code")?.as_str()) == Some(operation);
    let is_suspicious = integer("class_uid") == Some(API_ACTIVITY) && !is_type && reads(operation);
    is_suspicious.then(|| {
        let message = format!("expected 2 (Read) for the operation {}, found {activity}", quoted(operation));
        Finding::new(Code::ActivityIdSuspicious, "activity_id", message)
    })
}

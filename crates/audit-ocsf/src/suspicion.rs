//! What the schema allows, and what is likely a mistake nevertheless.

use serde_json::{Map, Value};

use crate::finding::{Code, Finding};
use crate::wording::quoted;

const API_ACTIVITY: i64 = 6003;
/// First words of operations that change nothing, as Kafka, HTTP and the clouds name them.
const READING: [&str; 7] = ["describe", "fetch", "get", "head", "list", "metadata", "read"];

pub(crate) fn findings(record: &Map<String, Value>) -> Option<Finding> {
    let integer = |name| record.get(name).and_then(Value::as_i64);
    let operation = record.get("api").and_then(|api| api.get("operation")).and_then(Value::as_str)?;
    let activity = match integer("activity_id")? {
        1 => "1 (Create)",
        3 => "3 (Update)",
        4 => "4 (Delete)",
        _ => return None,
    };
    let is_suspicious =
        integer("class_uid") == Some(API_ACTIVITY) && READING.contains(&first_word(operation).as_str());
    is_suspicious.then(|| {
        let message = format!("expected 2 (Read) for the operation {}, found {activity}", quoted(operation));
        Finding::new(Code::ActivityIdSuspicious, "activity_id", message)
    })
}

/// In lower case; of `s3:GetObject`, `get_object`, `GetObject` and `GET /object` it is `get`.
fn first_word(operation: &str) -> String {
    let name = operation.rsplit(':').next().unwrap_or(operation);
    let mut word = String::new();
    let mut was_lower = false;
    for letter in name.chars().take_while(|letter| letter.is_ascii_alphanumeric()) {
        if was_lower && letter.is_ascii_uppercase() {
            break;
        }
        was_lower = letter.is_ascii_lowercase();
        word.push(letter.to_ascii_lowercase());
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_of_an_operation_is_found_however_words_are_joined() {
        for (operation, word) in [
            ("metadata", "metadata"),
            ("create_acls", "create"),
            ("DescribeInstances", "describe"),
            ("s3:GetObject", "get"),
            ("listOffsets", "list"),
            ("GET /v1/brokers", "get"),
            ("HEAD", "head"),
            ("getaway", "getaway"),
            ("", ""),
            ("é", ""),
        ] {
            assert_eq!(first_word(operation), word, "{operation}");
        }
    }
}

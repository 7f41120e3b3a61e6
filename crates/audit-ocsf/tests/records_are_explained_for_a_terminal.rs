//! `explain`: every id in words, everything foreign marked, and nothing that a terminal would obey.
#![cfg(feature = "validate")]

use audit_ocsf::{Requirement, explain};
use serde_json::{Value, json};

#[test]
fn ids_times_and_arrays_of_enums_are_in_words_and_what_is_foreign_is_marked() {
    let record = json!({
        "activity_id": 3,
        "actor": {"invoked_by": "cron", "user": {"type_id": 2, "colour": "red"}},
        "class_uid": 6003,
        "cloud": {"provider": ""},
        "http_request": {"http_method": "GET", "url": {"category_ids": [38, 99, 1000]}},
        "metadata": {"version": "1.3.0", "logged_time": 1_700_533_469_078_i64},
        "resources": [],
        "severity_id": "1",
        "start_time": i64::MAX,
        "unmapped": {"class_uid": 3002, "deep": [{"er": null}]},
    });
    assert_eq!(
        explain(&record).to_string(),
        r#"API Activity (Application Activity), OCSF 1.3.0
  activity_id: 3 (Update)
  actor:
    invoked_by: "cron" (deprecated since 1.2.0)
    user:
      colour: "red" (not in OCSF 1.3.0)
      type_id: 2 (Admin)
  class_uid: 6003 (API Activity)
  cloud: (only with the profile cloud)
    provider: ""
  http_request:
    http_method: "GET" (Get)
    url:
      category_ids:
        [0]: 38 (Technology/Internet)
        [1]: 99 (Other)
        [2]: 1000
  metadata:
    logged_time: 1700533469078 (2023-11-21T02:24:29.078Z)
    version: "1.3.0"
  resources: []
  severity_id: "1" (Informational)
  start_time: 9223372036854775807
  unmapped:
    class_uid: 3002
    deep:
      [0]:
        er: null
"#
    );
}

#[test]
fn control_characters_are_escaped_in_values_and_in_names() {
    let record = json!({
        "class_uid": 3002,
        "metadata": {"version": "1.0.0"},
        "message": "\u{1b}[2J\r\n\u{202e}\u{9b}31m é \"quoted\"",
        "\u{1b}]0;title\u{7}": {"a\nb": 1},
    });
    let text = explain(&record).to_string();
    assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text:?}");
    assert!(text.contains(r#"  message: "\u{1b}[2J\r\n\u{202e}\u{9b}31m é \"quoted\"""#), "{text}");
    assert!(text.contains("  \\u{1b}]0;title\\u{7}: (not in OCSF 1.0.0)\n    a\\nb: 1\n"), "{text}");
}

#[test]
fn what_is_no_record_is_explained_as_far_as_it_goes() {
    for (value, text) in [
        (json!({}), "no known class, OCSF 1.8.0\n"),
        (json!({"class_uid": 7, "a": [1]}), "no known class, OCSF 1.8.0\n  a:\n    [0]: 1\n  class_uid: 7\n"),
        (json!("text"), "no known class, OCSF 1.8.0\n  : \"text\"\n"),
    ] {
        assert_eq!(explain(&value).to_string(), text);
    }
    let mut deep = json!("bottom");
    for _ in 0..1000 {
        deep = json!([deep]);
    }
    assert!(explain(&deep).to_string().ends_with(": (nested deeper than is shown)\n"));
}

#[test]
fn programs_get_the_same_as_json() {
    let record = json!({"class_uid": 6002, "metadata": {"version": "1.0.0"}, "app": {"x": true}});
    let explanation = explain(&record);
    assert_eq!(explanation.lines[0].requirement, Some(Requirement::Required));
    let expected: Value = json!({
        "version": "1.0.0",
        "class": "Application Lifecycle",
        "category": "Application Activity",
        "lines": [
            {"path": "app", "depth": 0, "name": "app", "requirement": "required"},
            {"path": "app.x", "depth": 1, "name": "x", "value": true, "note": "not in OCSF 1.0.0"},
            {"path": "class_uid", "depth": 0, "name": "class_uid", "value": 6002, "words": "Application Lifecycle",
             "requirement": "required"},
            {"path": "metadata", "depth": 0, "name": "metadata", "requirement": "required"},
            {"path": "metadata.version", "depth": 1, "name": "version", "value": "1.0.0", "requirement": "required"},
        ],
    });
    assert_eq!(serde_json::to_value(&explanation).ok(), Some(expected));
}

use audit_model::{Value, parse_json};

use crate::Notice;

/// An alert of each kind: with all fields and with none, fired and resolved. Templates are tried on them when they are read.
pub(crate) fn samples(severity: &str) -> Vec<Notice> {
    const FULL: &str = r#"{"event_type":"alert.fired","timestamp":"2024-12-01T10:15:31.000Z","details":{
        "alert_id":"alert-00112233445566aa","rule":"sample","description":"A sample.","status":"firing",
        "condition":"event_type == 'access.denied'","count":12,"threshold":10,"window":"5m","absent_for":"26h",
        "group":{"actor.id":"bob"},"first_time":"2024-12-01T10:12:00.000Z","last_time":"2024-12-01T10:15:30.000Z","repeat":0,
        "event":{"event_id":"evt_1","event_type":"access.denied","timestamp":"2024-12-01T10:15:30.000Z","version":"1.0",
            "actor":{"type":"user","id":"O'Brien \"bob\" \\ <b>","ip_address":"10.0.0.66","roles":["viewer"],"user_agent":"curl"},
            "action":{"operation":"read","result":"denied","duration_ms":7},
            "resource":{"type":"topic","id":"payments","path":"kafka://prod/payments"},
            "context":{"cluster_id":"prod","correlation_id":"c-1","environment":"production"},
            "details":{"reason":"line 1\nline 2"}}}}"#;
    const BARE: &str =
        r#"{"event_type":"alert.fired","timestamp":"2024-12-01T10:15:31.000Z","details":{"rule":"sample"}}"#;
    let mut notices = Vec::new();
    for text in [FULL, BARE] {
        for event_type in ["alert.fired", "alert.resolved"] {
            let mut record = parse_json(text.as_bytes()).expect("the samples are JSON");
            record["event_type"] = event_type.into();
            record["details"]["severity"] = Value::from(severity);
            let notice = Notice::from_line(record.to_string().as_bytes());
            notices.extend(notice.expect("the samples are records"));
        }
    }
    notices
}

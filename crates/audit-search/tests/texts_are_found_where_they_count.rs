//! Texts in every spelling, and in the field that is asked for and no other.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod generated;

use audit_condition::{Condition, Path};
use audit_search::Query;
use generated::{Found, bytes, find};

const TIME: &str = r#""timestamp":"2024-12-01T10:15:30.123Z""#;
const SEAL: &str =
    r#""integrity":{"chain_id":"c","previous_signature":"p","sequence_number":7,"signature":"s"}"#;

/// The numbers of the lines that match, and of those that are no events.
fn matching(condition: &str, lines: &[String]) -> (Vec<usize>, Vec<u64>) {
    let query = Query { condition: Some(Condition::parse(condition).unwrap()), ..Query::default() };
    // A line that tells the layout, and is asked for by nobody.
    let mut all = vec![format!(r#"{{"event_type":"first.line",{TIME}}}"#)];
    all.extend_from_slice(lines);
    let (found, _) = find(vec![bytes("log", all.join("\n") + "\n")], &query, 1 << 20, 1);
    let (mut hits, mut bad) = (Vec::new(), Vec::new());
    for one in found {
        match one {
            Found::Hit(line, _) => hits.extend(lines.iter().position(|known| *known == line)),
            Found::Bad(_, line) => bad.push(line.unwrap() - 2),
        }
    }
    (hits, bad)
}

#[test]
fn every_spelling_of_a_text_is_found() {
    let lines = [
        format!(r#"{{"event_type":"backup.failed",{TIME}}}"#),
        format!(r#"{{"event_type":"b\u0061ckup.failed",{TIME}}}"#),
        format!(r#"{{"\u0065vent_type":"backup.failed",{TIME}}}"#),
        format!(r#"{{"event_type":"\u0062ackup.failed\u0022",{TIME}}}"#),
        format!(r#"{{"event":{{"event_type":"backup\u002Efailed",{TIME}}},{SEAL}}}"#),
        format!(r#"{{ "\u0065vent" : {{ "event_type" : "backup.failed" , {TIME} }} , {SEAL} }}"#),
        format!(r#"{{"event_type":"backup.started",{TIME}}}"#),
    ];
    let (hits, _) = matching("event_type == 'backup.failed'", &lines);
    assert_eq!(hits, [0, 1, 2, 4, 5]);
    let paths = [r"s3:\/\/b\/x", "s3://b/x", r"s3:\u002f\/b\/x", "s3://b/y"];
    let line = |path: &&str| format!(r#"{{"event_type":"a.b",{TIME},"resource":{{"path":"{path}"}}}}"#);
    let lines: Vec<String> = paths.iter().map(line).collect();
    for condition in
        ["resource.path == 's3://b/x'", "resource.path ends_with '/x'", "resource.path matches '/x$'"]
    {
        assert_eq!(matching(condition, &lines).0, [0, 1, 2], "{condition}");
    }
    let quoted = [r#"say \"hi\" now"#, r"say \u0022hi\u0022 now", "say hi now"];
    let lines: Vec<String> = quoted.iter().map(line).collect();
    assert_eq!(matching("resource.path contains '\"hi\"'", &lines).0, [0, 1]);
}

#[test]
fn a_text_in_another_place_is_no_match() {
    let of = |more: &str| format!(r#"{{"event":{{"event_type":"auth.login",{TIME}{more}}},{SEAL}}}"#);
    let lines = [
        of(r#","details":{"note":"backup.failed"}"#),
        of(r#","details":{"event_type":"backup.failed"}"#),
        of(r#","details":{"backup.failed":1}"#),
        of(r#","details":{"line":"{\"event_type\":\"backup.failed\"}"}"#),
        of(r#","details":{"event":{"event_type":"backup.failed"}}"#),
        of(r#","actor":{"id":"backup.failed"}"#),
        of("").replace(r#""chain_id":"c""#, r#""chain_id":"backup.failed""#),
        of(r#","was":"backup.failed""#),
        format!(r#"{{"event_type":"auth.login",{TIME},"event":{{"event_type":"backup.failed"}},{SEAL}}}"#),
    ];
    assert_eq!(matching("event_type == 'backup.failed'", &lines), (vec![], vec![]));
    assert_eq!(matching("actor.id == 'backup.failed'", &lines), (vec![5], vec![]));
    assert_eq!(matching("details.note == 'backup.failed'", &lines), (vec![0], vec![]));
}

#[test]
fn what_only_looks_like_a_sealed_record_is_what_it_is() {
    let inner = format!(r#""event":{{"event_type":"backup.failed",{TIME},"action":{{"duration_ms":7}}}}"#);
    let own = format!(r#""event_type":"auth.login",{TIME}"#);
    let lines = [
        format!("{{{inner},{SEAL}}}"),
        // An event of its own that has members of these names.
        format!("{{{inner},{own},{SEAL}}}"),
        format!("{{{inner},{SEAL},{own}}}"),
        format!("{{{own},{inner},{SEAL}}}"),
        // Neither.
        format!("{{{inner},\"more\":1,{SEAL}}}"),
        format!("{{{inner},\"integrity\":{{}}}}"),
        format!("{{{inner}}}"),
        // An OCSF record.
        format!(r#"{{{inner},{SEAL},"class_uid":3002,"activity_id":1,"status_id":1,"time":1733048130123}}"#),
    ];
    assert_eq!(matching("event_type == 'backup.failed'", &lines), (vec![0], vec![4, 5, 6]));
    assert_eq!(matching("event_type == 'auth.login'", &lines).0, [1, 2, 3, 7]);
    assert_eq!(matching("action.duration_ms = 7", &lines).0, [0]);
    // Without its text there is no looking closer, and no telling that it is none.
    assert_eq!(matching("action.duration_ms != 7", &lines).0, [1, 2, 3, 7]);
}

#[test]
fn records_of_ocsf_are_found_by_what_they_become() {
    let text = include_str!("../../audit-ocsf/tests/data/redpanda.txt");
    let mut records: Vec<serde_json::Value> = Vec::new();
    for (at, _) in text.match_indices('{') {
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter();
        if let Some(Ok(value @ serde_json::Value::Object(_))) = values.next()
            && value.get("class_uid").is_some()
        {
            records.push(value);
        }
    }
    assert!(!records.is_empty());
    let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
    for record in &lines {
        let event = audit_search::read_event(record.as_bytes()).unwrap();
        let (hits, bad) = matching(&format!("event_type == '{}'", event.event_type), &lines);
        assert!(!hits.is_empty() && bad.is_empty(), "{record}");
        assert!(!record.contains(&format!("\"{}\"", event.event_type)), "its type is not written in it");
    }
}

#[test]
fn fields_are_shown_as_the_event_has_them() {
    let line =
        r#"{"event_type":"a.b","timestamp":"2024-12-31T01:00:00+01:00","actor":{"id":"b\u006fb","roles":["x", "y"]},"details":{"n":5,"f":1.50,"o":{ "a" : [1, 2] },"t":true,"z":null},"action":{"duration_ms":5.0}}"#.to_owned();
    let shown = [
        ("timestamp", Some("2024-12-31T00:00:00.000Z")),
        ("actor.id", Some("bob")),
        ("actor.roles", Some(r#"["x","y"]"#)),
        ("details.n", Some("5")),
        ("details.f", Some("1.5")),
        ("details.o", Some(r#"{"a":[1,2]}"#)),
        ("details.o.a", Some("[1,2]")),
        ("details.t", Some("true")),
        ("details.z", None),
        ("action.duration_ms", Some("5")),
        ("action.result", None),
        ("version", Some("1.0")),
    ];
    for (path, text) in shown {
        let query = Query { fields: vec![Path::parse(path).unwrap()], ..Query::default() };
        let (found, _) = find(vec![bytes("log", format!("{line}\n"))], &query, 1 << 20, 1);
        let expected = Found::Hit(line.clone(), vec![text.map(str::to_owned)]);
        assert_eq!(found, [expected], "{path}");
    }
}

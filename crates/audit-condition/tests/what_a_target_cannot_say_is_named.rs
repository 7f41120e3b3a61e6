#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]
//! What can't be said with the same meaning is an error that names the part, the place, the reason and a way out.

use audit_condition::{Condition, Target};

fn refused(target: Target, text: &str, part: &str, why: &str) {
    let error = Condition::parse(text).unwrap().translate(target).unwrap_err();
    assert_eq!(error.part(), part, "{error}");
    assert_eq!(error.target(), target);
    let before = text.find(part).unwrap();
    assert_eq!(error.column(), text[..before].chars().count() + 1, "{error}");
    assert!(error.reason().contains(why), "{error}");
    assert!(!error.instead().is_empty(), "{error}");
    let shown = error.to_string();
    for piece in
        [part, &target.to_string(), error.reason(), error.instead(), &format!("column {}", error.column())]
    {
        assert!(shown.contains(piece), "{shown}");
    }
}

#[test]
fn by_sql() {
    let refused = |text, part, why| refused(Target::Sql, text, part, why);
    refused("event_type = 'auth.login' and actor.`team` = 'ops'", "actor.`team` = 'ops'", "no column");
    refused("`tenant` = 'a' or details.x = 1", "`tenant` = 'a'", "no column");
    refused(
        "actor.ip_address in cidr('2001:db8::/32')",
        "actor.ip_address in cidr('2001:db8::/32')",
        "spellings",
    );
    refused("details.due < now", "details.due < now", "time as text");
    refused("hour(details.due) = 5", "hour(details.due) = 5", "time as text");
    refused("details.`a\"b` = 'x'", "details.`a\"b` = 'x'", "quote");
    refused("actor.id = 'ä' and resource.id matches '\\\\d+'", "resource.id matches '\\\\d+'", "[0-9]");
    refused("actor.id contains 'a\0b'", "actor.id contains 'a\0b'", "NUL");
}

#[test]
fn by_insights() {
    let refused = |text, part, why| refused(Target::Insights, text, part, why);
    refused("not ('admin' in actor.roles)", "'admin' in actor.roles", "number");
    refused("actor.id < 'm'", "actor.id < 'm'", "order of texts");
    refused("actor.id between 'a' and 'm'", "actor.id between 'a' and 'm'", "order of texts");
    refused("details.a = actor.id", "details.a = actor.id", "types");
    refused("details.a in (1, 'a')", "details.a in (1, 'a')", "same");
    refused("hour(timestamp, 'Europe/Berlin') < 6", "hour(timestamp, 'Europe/Berlin') < 6", "time zones");
    refused("details.`a.b` = 'x'", "details.`a.b` = 'x'", "dot");
    refused("actor.ip_address in cidr('::/0')", "actor.ip_address in cidr('::/0')", "documented");
    refused("actor.id matches '(?m)^x$'", "actor.id matches '(?m)^x$'", "flags");
}

#[test]
fn by_opensearch() {
    let refused = |text, part, why| refused(Target::OpenSearch, text, part, why);
    refused("hour(timestamp) < 6", "hour(timestamp) < 6", "script");
    refused("actor.id = resource.id", "actor.id = resource.id", "script");
    refused("details.`a.b` = 'x'", "details.`a.b` = 'x'", "dot");
    refused("details.`a*` = 'x'", "details.`a*` = 'x'", "star");
    refused("timestamp > now - 1500ms", "timestamp > now - 1500ms", "whole seconds");
    refused("details.a in (1, 'a')", "details.a in (1, 'a')", "one type");
    refused("actor.id matches 'a(^b|c)'", "actor.id matches 'a(^b|c)'", "whole texts");
    let long = format!("actor.id like '{}_'", "x".repeat(1000));
    refused(&long, &long, "1000");
}

#[test]
fn by_jq() {
    let refused = |text, part, why| refused(Target::Jq, text, part, why);
    refused("hour(timestamp, 'Europe/Berlin') < 6", "hour(timestamp, 'Europe/Berlin') < 6", "time zones");
    refused(
        "actor.ip_address in cidr('2001:db8::/32')",
        "actor.ip_address in cidr('2001:db8::/32')",
        "spellings",
    );
    refused("details.due > now - 7d", "details.due > now - 7d", "time as text");
    refused("timestamp = details.due", "timestamp = details.due", "time as text");
}

#[test]
fn a_part_is_named_wherever_it_stands() {
    refused(
        Target::OpenSearch,
        "event_type = 'bäckup' or not (actor.id = 'ü' and (resource.id = actor.id))"
            .replace("bäckup", "backup")
            .as_str(),
        "resource.id = actor.id",
        "script",
    );
}

#[test]
fn expressions_that_engines_read_differently_are_refused_by_all() {
    for regex in [
        r"\\d",
        r"\\w",
        r"\\s",
        r"\\bx",
        r"\\pL",
        "(?i)ä",
        "(?x)a b",
        "(?P<name>a)",
        "a(?i)b",
        "[[:alpha:]]",
        "[a&&b]",
        "a**",
        "x{2000}",
        r"\\x41",
        "[a--b]",
    ] {
        let Ok(condition) = Condition::parse(&format!("actor.id matches '{regex}'")) else {
            panic!("{regex} is an expression of ours");
        };
        for target in Target::ALL {
            let error = condition.translate(target).unwrap_err();
            assert_eq!(error.part(), condition.as_str(), "{error}");
        }
    }
}

#[test]
fn targets_have_names() {
    for target in Target::ALL {
        assert_eq!(target.as_str().parse::<Target>(), Ok(target));
    }
    for (word, likely) in
        [("athena", "sql"), ("cloudwatch", "insights"), ("OpenSearch", "opensearch"), ("insight", "insights")]
    {
        let error = word.parse::<Target>().unwrap_err().to_string();
        assert!(error.contains(&format!("did you mean {likely}?")), "{error}");
    }
    assert!(
        "xml"
            .parse::<Target>()
            .unwrap_err()
            .to_string()
            .ends_with("expected sql, insights, opensearch or jq")
    );
}

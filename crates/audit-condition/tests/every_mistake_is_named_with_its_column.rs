//! What people get wrong, or bring from elsewhere: where the error is, and words that have to be in it.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_condition::{Condition, Path};

const MISTAKES: &[(&str, usize, &str)] = &[
    // names
    ("evnt_type = 'x'", 1, "evnt_type is not a field; did you mean event_type?"),
    ("eventType = 'x'", 1, "did you mean event_type?"),
    (
        "actor.idd = 'x'",
        1,
        "did you mean actor.id? Or if your events have a member idd of their own, write actor.`idd`",
    ),
    ("actor.ip = 'x'", 1, "did you mean actor.ip_address?"),
    ("actor.department = 'x'", 1, "write actor.`department`"),
    ("action.outcome = 'x'", 1, "action.outcome is not a field"),
    ("action.type = 'x'", 1, "there are action.duration_ms, action.operation, action.result; if your events"),
    (
        "actor.nme = 'x'",
        1,
        "there are actor.id, actor.ip_address, actor.roles, actor.type, actor.user_agent; if",
    ),
    ("hour > 5", 1, "hour is a function; write hour(timestamp)"),
    ("hour() > 5", 6, "such as timestamp"),
    ("@timestamp > now", 1, "the field timestamp, without @"),
    ("`details.my key` = 'x'", 1, "write details.`my key`"),
    ("\"actor.id\" = 'bob'", 1, "for the field write actor.id"),
    ("actor.roles any 'admin'", 13, "expected an operator"),
    ("user = 'x'", 1, "did you mean actor.id?"),
    ("environment = 'x'", 1, "did you mean context.environment?"),
    ("foo = 'x'", 1, "fields begin with event_type, timestamp, actor., action."),
    ("event.actor.id = 'x'", 1, "write actor.id, without event."),
    ("$.actor.id = 'x'", 1, "without $"),
    (".actor.id = 'x'", 1, "without a dot before it"),
    ("actor = 'x'", 1, "actor is an object; name a field of it, such as actor.id"),
    ("details is null", 1, "details is an object"),
    ("actor.id.x = 'x'", 1, "actor.id has no parts"),
    ("details.my-key = 1", 1, "in back-quotes: `my-key`"),
    ("details.2fa = true", 9, "in back-quotes: `2fa`"),
    ("details.a[0] = 1", 10, "an array stands for all of its elements"),
    ("details.a.0 = 1", 11, "every element of it is tried"),
    ("details. = 1", 9, "after the dot a name is expected"),
    ("details.`a = 1", 9, "this name has no closing `"),
    // texts
    (
        "event_type == backup.failed",
        15,
        "backup.failed is not a field; did you mean the text 'backup.failed'?",
    ),
    ("actor.type = user", 14, "did you mean the text 'user', or the field actor.id?"),
    ("event_type in (backup.failed, backup.started)", 16, "did you mean the text 'backup.failed'"),
    ("actor.id = \"bob", 12, "no closing \""),
    ("actor.id = 'it's'", 17, "no closing '"),
    (r"resource.path = 'C:\'", 17, r"a backslash before the last quote is written \\"),
    ("actor.id = “bob”", 12, "typographic quote"),
    ("actor.id = 'é' and ‘x’ = 1", 20, "typographic quote"),
    // operators
    ("actor.id = 'x' & actor.id = 'y'", 16, "write `and`"),
    ("actor.id = 'x' | actor.id = 'y'", 16, "write `or`"),
    ("action.duration_ms => 5", 20, "write >="),
    ("action.duration_ms =< 5", 20, "write <="),
    ("actor.id === 'x'", 10, "write ="),
    ("actor.id := 'x'", 10, "write ="),
    ("event_type:backup.failed", 11, "write = for equality"),
    ("action.duration_ms ≥ 5", 20, "write >="),
    ("actor.id IS 'x'", 13, "to compare write = or !="),
    ("details.a is true", 14, "write = true"),
    ("actor.id eq 'x'", 10, "write ="),
    ("actor.id startswith 'x'", 10, "write starts_with"),
    ("actor.roles has 'x'", 13, "write contains"),
    ("actor.id regexp 'x'", 10, "write matches"),
    ("actor.id liek 'x'", 10, "did you mean like?"),
    ("actor.id ~ /x/", 12, "written as a text"),
    ("actor.id not = 'x'", 10, "stands before the whole comparison"),
    ("actor.id not !~ 'x'", 10, "two negations"),
    ("actor.id not 'x'", 10, "an operator is expected"),
    ("actor.id 'x'", 10, "expected an operator"),
    ("lower(actor.id) = 'x'", 1, "there is no function lower(); for a comparison without case write ilike"),
    ("contains(actor.id, 'x')", 1, "write resource.id contains 'x'"),
    // types
    (
        "action.duration_ms like 'x'",
        1,
        "action.duration_ms is a number of milliseconds, and `like` wants a text",
    ),
    ("timestamp contains '2024'", 1, "timestamp is a time"),
    ("timestamp > 5", 13, "timestamp is a time and this is a number"),
    ("timestamp > 7d", 13, "write now - …"),
    ("timestamp > 'yesterday'", 13, "this is not a time; expected 2024-12-01T10:00:00Z"),
    ("timestamp > '2024-12-01T10:00'", 13, "an offset is missing"),
    ("timestamp > '2024-02-30'", 13, "this is not a time"),
    ("event_type > 3", 14, "event_type is a text and this is a number"),
    ("3 < event_type", 1, "event_type is a text and this is a number"),
    ("actor.roles < 'x'", 15, "actor.roles is a list and has no order"),
    ("actor.id = now", 12, "actor.id is a text and this is a time"),
    ("actor.id = true", 12, "this is true"),
    ("action.duration_ms > '5m'", 22, "write one such as 5m or 300000"),
    ("details.a > true", 13, "no order"),
    ("actor.id = null", 12, "write actor.id is null"),
    ("actor.id in ('x', null)", 19, "write actor.id is null"),
    ("event_type = 'not a type!!'", 14, "no event has this type"),
    ("event_type = 'backup.*'", 14, "write event_type like 'backup.%'"),
    ("event_type like 'backup.*'", 17, "any run of characters is %, as in 'backup.%'"),
    ("actor.ip_address = '10.0.0.0/8'", 20, "write actor.ip_address in cidr('10.0.0.0/8')"),
    ("actor.ip_address in ('10.0.0.1', '10.0.0.0/8')", 34, "this is a block and no address"),
    (
        "event_type in ('backup.failed', 'backup..failed')",
        33,
        "no event has this type; did you mean 'backup.failed'?",
    ),
    ("actor.id like 5", 15, "`like` is followed by a text in quotes; this is a number"),
    ("'x' like actor.id", 1, "`like` tests a field, which stands on its left"),
    ("'x' in actor.id", 8, "actor.id is one value, not a list"),
    ("timestamp = action.duration_ms", 1, "timestamp is a time and action.duration_ms is a number"),
    ("actor.roles < actor.id", 1, "a list has no order"),
    ("1 = 1", 1, "two constants are compared"),
    ("actor.id", 1, "actor.id alone is neither true nor false; compare it, as in actor.id = 'x'"),
    ("'x'", 1, "a text alone is neither true nor false"),
    ("details.a between 5 and 1", 19, "write the smaller one first"),
    ("details.a between 5 and 'x'", 19, "different types"),
    (
        "details.a between 1 and event_type",
        25,
        "this is a field; compare two fields, as in details.a = actor.id",
    ),
    ("details.a between hour(timestamp) and 5", 19, "this is a field"),
    ("details.a in ('x', actor.id)", 20, "a list has constants, not fields; join comparisons with `or`"),
    ("actor.id in (resource.id)", 14, "a list has constants, not fields; join comparisons with `or`"),
    (
        "hour(timestamp) in (hour(timestamp))",
        21,
        "a list has constants, not fields; join comparisons with `or`",
    ),
    ("timestamp between now and now - 1d", 19, "write the smaller one first"),
    (
        "hour(timestamp) not between 22 and 6",
        29,
        "on a clock; write hour(timestamp) >= 22 or hour(timestamp) <= 6",
    ),
    ("hour(timestamp) = 24", 19, "it can never be 24"),
    ("weekday(timestamp) in (0, 1)", 24, "a whole number from 1 to 7"),
    ("hour(timestamp) = 'x'", 19, "hour() is a number from 0 to 23"),
    ("hour(actor.id) = 3", 6, "actor.id is not a time; write hour(timestamp)"),
    ("hour(timestamp) like 'x'", 1, "hour() is a number, and `like` wants a text"),
    // patterns, blocks, zones, numbers
    ("actor.id matches '(x'", 18, "not a regular expression: unclosed group"),
    (r"actor.id matches 'x(?=y)'", 18, "look-around"),
    (r"actor.id like 'C:\temp'", 15, "a backslash in a pattern stands before %, _ or another backslash"),
    ("actor.ip_address in cidr('10.0.0.0/33')", 26, "from 0 to 32"),
    ("actor.ip_address in cidr('10.0.0.5/8')", 26, "did you mean 10.0.0.0/8?"),
    ("actor.ip_address in cidr('::1', 'x')", 33, "'x' is not an address of IPv4 or IPv6"),
    ("actor.ip_address in cidr '10.0.0.0/8'", 26, "cidr('10.0.0.0/8')"),
    ("cidr('10.0.0.0/8') = 1", 1, "write actor.ip_address in cidr('10.0.0.0/8')"),
    (
        "hour(timestamp, 'Europe/Berln') = 3",
        17,
        "did you mean 'Europe/Berlin'? Otherwise give an offset from UTC",
    ),
    ("hour(timestamp, 'Nowhere') = 3", 17, "an offset from UTC such as '+01:00'"),
    ("hour(timestamp, '+1') = 3", 17, "is not an offset from UTC"),
    ("details.a = 9007199254740992", 13, "is beyond ±(2^53−1)"),
    ("details.a = 1e300", 13, "is beyond ±(2^53−1)"),
    ("details.a > 5y", 13, "expected a duration such as 500ms"),
    ("details.a > 1.5h", 13, "of whole numbers"),
    ("actor.ip_address = 10.0.0.1", 20, "put addresses, versions and dates in quotes"),
    ("timestamp > now - 7", 19, "expected a duration here"),
    // structure
    ("", 1, "the condition is empty"),
    ("   ", 4, "the condition is empty"),
    ("not", 4, "ends where a test is expected"),
    ("actor.id =", 11, "ends where a value is expected"),
    ("actor.id = 'x' and", 19, "ends where a test is expected"),
    ("and actor.id = 'x'", 1, "expected a test"),
    ("actor.id = 'x' and or actor.id = 'y'", 20, "expected a test"),
    ("(actor.id = 'x'", 1, "this ( is never closed"),
    ("actor.id = 'x')", 15, "this ) closes nothing"),
    ("()", 2, "expected a test, such as actor.id = 'x', and not )"),
    ("actor.id = 'x' actor.id = 'y'", 16, "expected `and`, `or` or the end"),
    ("actor.id = 'x', actor.id = 'y'", 15, "not by commas"),
    ("actor.id = 'x';", 15, "without a semicolon"),
    ("actor.id in ()", 13, "this list is empty"),
    ("actor.id in ('x' 'y')", 18, "expected , or )"),
    ("actor.id in ('x',)", 18, "a member of the list is missing"),
    ("actor.id in ['x']", 13, "lists are written in parentheses"),
    ("actor.id in 'x'", 13, "a list in parentheses"),
    ("actor.id in (resource.id)", 14, "a list has constants, not fields"),
    ("details.a between 1, 5", 20, "expected `and` and the upper end"),
];

#[test]
fn in_a_condition() {
    let mut wrong = String::new();
    for (text, column, words) in MISTAKES {
        match Condition::parse(text) {
            Ok(_) => wrong += &format!("{text}\n  is accepted\n"),
            Err(error)
                if !error.message().contains(words) || (error.line(), error.column()) != (1, *column) =>
            {
                wrong += &format!("{error}\n  expected at column {column}: {words}\n");
            }
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn in_a_path() {
    for (text, words) in [
        ("", "expected a path"),
        ("'x'", "expected a path"),
        ("actor.id = 'x'", "expected a path"),
        ("actor.idd", "did you mean actor.id?"),
        ("details", "is an object"),
    ] {
        let error = Path::parse(text).expect_err(text);
        assert!(error.message().contains(words), "{error}");
    }
}

#[test]
fn and_shown_with_its_line() {
    let error =
        Condition::parse("event_type = 'x'\n  and (actor.idd = 'ü' or\n  actor.id = 'y')").unwrap_err();
    assert_eq!((error.line(), error.column()), (2, 8));
    let shown = error.to_string();
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[0].starts_with("line 2 column 8: actor.idd is not a field"), "{shown}");
    assert_eq!(lines[1..], ["    and (actor.idd = 'ü' or", "         ^^^^^^^^^"]);
}

#[test]
fn and_a_long_line_is_cut_around_it() {
    let text =
        format!("{}actor.idd = 'x'{}", "actor.id = 'x' or ".repeat(20), " or actor.id = 'x'".repeat(20));
    let shown = Condition::parse(&text).unwrap_err().to_string();
    let lines: Vec<_> = shown.lines().collect();
    assert!(
        lines[1].starts_with("  …") && lines[1].ends_with('…') && lines[1].chars().count() < 110,
        "{shown}"
    );
    let place = lines[2].chars().count() - 9;
    assert_eq!(lines[1].chars().skip(place).take(9).collect::<String>(), "actor.idd", "{shown}");
}

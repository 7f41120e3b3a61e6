//! Random conditions over random events: the evaluator, the explanation and the set say what an interpreter says that
//! knows nothing of how they work, and goes by the event's JSON and the rules in the README.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test that fails may panic")]

use std::cmp::Ordering;
use std::net::IpAddr;

use audit_condition::{Condition, ConditionSet};
use audit_model::{Event, Timestamp, Value};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

const NOW: &str = "2024-12-10T12:00:00Z";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Text,
    Type,
    Texts,
    Number,
    Time,
    Free,
}

type Field = (&'static str, &'static [&'static str], Kind);

const FIELDS: [Field; 24] = [
    ("event_type", &["event_type"], Kind::Type),
    ("event_id", &["event_id"], Kind::Text),
    ("timestamp", &["timestamp"], Kind::Time),
    ("actor.id", &["actor", "id"], Kind::Text),
    ("actor.ip_address", &["actor", "ip_address"], Kind::Text),
    ("actor.roles", &["actor", "roles"], Kind::Texts),
    ("actor.`type`", &["actor", "type"], Kind::Text),
    ("actor.`dept`.a", &["actor", "dept", "a"], Kind::Free),
    ("action.duration_ms", &["action", "duration_ms"], Kind::Number),
    ("action.result", &["action", "result"], Kind::Text),
    ("resource.id", &["resource", "id"], Kind::Text),
    ("context.environment", &["context", "environment"], Kind::Text),
    ("context.x", &["context", "x"], Kind::Free),
    ("details.a", &["details", "a"], Kind::Free),
    ("details.b", &["details", "b"], Kind::Free),
    ("details.a.b", &["details", "a", "b"], Kind::Free),
    ("details.`my key`.a", &["details", "my key", "a"], Kind::Free),
    ("details.`ti``ck`", &["details", "ti`ck"], Kind::Free),
    ("`top`.a", &["top", "a"], Kind::Free),
    ("resource.`b`", &["resource", "b"], Kind::Free),
    // more often, since it is what most is made of
    ("event_type", &["event_type"], Kind::Type),
    ("event_type", &["event_type"], Kind::Type),
    ("actor.id", &["actor", "id"], Kind::Text),
    ("details.a", &["details", "a"], Kind::Free),
];

const TEXTS: [&str; 19] = [
    "",
    "alice",
    "Alice",
    "bob",
    "it's",
    "say \"hi\"",
    r"C:\temp\x",
    "100%",
    "a_b",
    "ÄÖü",
    "äöÜ",
    "production",
    "success",
    "10.0.0.1",
    "::ffff:10.0.0.1",
    "2001:db8::5",
    "2024-12-09T23:30:00+01:00",
    "2024-12-10T12:00:00Z",
    "user",
];

const TYPES: [&str; 6] =
    ["backup.failed", "backup.completed", "restore.started", "backups.x", "auth.login", "custom"];

const PATTERNS: [&str; 14] = [
    "%",
    "",
    "alice",
    "%l%",
    "_lice",
    "a%e",
    r"100\%",
    "back%.%",
    "backup.%",
    "backup%",
    "restore.started",
    "äö_",
    "%i%",
    "10.%.1",
];

const REGEXES: [&str; 7] = ["^a", "i.", r"\d+", "(?i)ALICE", "e$", r"^\w+\.\w+$", r"\\"];

const NETWORKS: [&str; 6] =
    ["10.0.0.0/8", "10.0.0.1", "0.0.0.0/0", "::/0", "2001:db8::/32", "192.168.0.0/16"];

const TIMES: [&str; 4] =
    ["2024-12-10", "2024-12-10T12:00:00Z", "2024-12-09T22:30:00.000Z", "2024-12-10T00:00:00.5+01:00"];

const OFFSETS: [(&str, i64); 5] = [
    ("now", 0),
    ("now - 1d", -86_400_000),
    ("NOW() + 90s", 90_000),
    ("now -1h - 30m", -5_400_000),
    ("now-1w", -604_800_000),
];

const ZONES: [(&str, &str); 4] =
    [("", "UTC"), (", 'Europe/Berlin'", "Europe/Berlin"), (", '+05:30'", "Asia/Kolkata"), (", \"Z\"", "UTC")];

#[derive(Clone, Debug)]
enum Literal {
    Text(String),
    /// As written, and what it is.
    Number(String, Value),
    Bool(bool),
    At(String),
    Now(&'static str, i64),
}

#[derive(Clone, Debug)]
enum Test {
    Compare(Field, usize, Literal, bool),
    Paths(Field, usize, Field),
    Between(Field, Literal, Literal, bool),
    In(Field, Vec<Literal>, bool),
    Element(Literal, Field, bool),
    Like(Field, String, bool, bool),
    Affix(Field, usize, String, bool),
    Regex(Field, String, bool),
    Networks(Field, Vec<&'static str>, bool),
    Null(Field, bool),
    Exists(Field, u8),
    Alone(Field),
    Clock(usize, Field, (&'static str, &'static str), usize, i64, bool),
}

#[derive(Clone, Debug)]
enum Logic {
    Test(Test, u8),
    Constant(bool),
    Not(Box<Logic>, u8),
    And(Vec<Logic>, u8),
    Or(Vec<Logic>, u8),
}

const OPERATORS: [[&str; 2]; 6] =
    [["=", "=="], ["!=", "<>"], ["<", "< "], ["<=", " <="], [">", ">"], [">=", ">="]];
const TURNED: [usize; 6] = [0, 1, 4, 5, 2, 3];
const AFFIXES: [&str; 3] = ["contains", "starts_with", "ENDS_WITH"];
const CLOCKS: [(&str, i64, i64); 3] = [("hour", 0, 23), ("Minute", 0, 59), ("weekday", 1, 7)];

// ---- the interpreter -----------------------------------------------------------------------------------------

fn values(json: &Value, path: &[&str]) -> Vec<Value> {
    match (json, path) {
        (Value::Array(items), _) => items.iter().flat_map(|item| values(item, path)).collect(),
        (Value::Null, _) => vec![],
        (value, []) => vec![value.clone()],
        (Value::Object(map), [key, rest @ ..]) => map.get(*key).map_or(vec![], |value| values(value, rest)),
        _ => vec![],
    }
}

fn exists(json: &Value, path: &[&str]) -> bool {
    match (json, path) {
        (Value::Null, _) => false,
        (Value::Array(items), [_, ..]) => items.iter().any(|item| exists(item, path)),
        (Value::Array(_), []) => true,
        (Value::Object(map), [key, rest @ ..]) => map.get(*key).is_some_and(|value| exists(value, rest)),
        (_, rest) => rest.is_empty(),
    }
}

/// All digits of the number: sign, digits before the point without leading zeros, digits after it.
fn digits(number: &serde_json::Number) -> (bool, String, String) {
    let text =
        if number.is_f64() { format!("{:.1100}", number.as_f64().unwrap()) } else { number.to_string() };
    let (negative, text) = text.strip_prefix('-').map_or((false, text.as_str()), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    (negative && !(whole.is_empty() && fraction.is_empty()), whole.to_owned(), fraction.to_owned())
}

fn order_numbers(a: &serde_json::Number, b: &serde_json::Number) -> Ordering {
    let ((a_negative, a_whole, a_fraction), (b_negative, b_whole, b_fraction)) = (digits(a), digits(b));
    let magnitude =
        a_whole.len().cmp(&b_whole.len()).then(a_whole.cmp(&b_whole)).then(a_fraction.cmp(&b_fraction));
    match (a_negative, b_negative) {
        (false, false) => magnitude,
        (true, true) => magnitude.reverse(),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

fn milliseconds(text: &str) -> Option<i64> {
    let time: Timestamp = text.parse().ok()?;
    Some(time.as_milliseconds())
}

fn order(value: &Value, literal: &Literal) -> Option<Ordering> {
    let now = milliseconds(NOW).unwrap();
    match (value, literal) {
        (Value::String(a), Literal::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Value::Number(a), Literal::Number(_, Value::Number(b))) => Some(order_numbers(a, b)),
        (Value::Bool(a), Literal::Bool(b)) => (a == b).then_some(Ordering::Equal),
        (Value::String(a), Literal::At(b)) => {
            let b = if b.len() == 10 { format!("{b}T00:00:00Z") } else { b.clone() };
            Some(milliseconds(a)?.cmp(&milliseconds(&b).unwrap()))
        }
        (Value::String(a), Literal::Now(_, offset)) => Some(milliseconds(a)?.cmp(&(now + offset))),
        _ => None,
    }
}

fn holds(operator: usize, order: Option<Ordering>) -> bool {
    let order = order.map_or(9, |order| order as i8);
    [order == 0, order == 0, order == -1, order == -1 || order == 0, order == 1, order == 1 || order == 0]
        [operator]
}

fn like(text: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|cut| like(&text[cut..], rest)),
        ['\\', c, rest @ ..] => text.first() == Some(c) && like(&text[1..], rest),
        ['_', rest @ ..] => !text.is_empty() && like(&text[1..], rest),
        [c, rest @ ..] => text.first() == Some(c) && like(&text[1..], rest),
    }
}

fn bits(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("4{:032b}", u32::from(v4)),
        IpAddr::V6(v6) => {
            v6.to_ipv4_mapped().map_or_else(|| format!("6{:0128b}", u128::from(v6)), |v4| bits(v4.into()))
        }
    }
}

fn is_in_network(text: &str, network: &str) -> bool {
    let (block, prefix) = network.split_once('/').unwrap_or((network, "32"));
    let Ok(address) = text.parse() else { return false };
    bits(address).starts_with(&bits(block.parse().unwrap())[..=prefix.parse().unwrap()])
}

fn clock(part: usize, value: &Value, zone: &str) -> Option<i64> {
    let time = jiff::Timestamp::from_millisecond(milliseconds(value.as_str()?)?).unwrap();
    let local = time.in_tz(zone).unwrap();
    Some(match part {
        0 => local.hour().into(),
        1 => local.minute().into(),
        _ => local.weekday().to_monday_one_offset().into(),
    })
}

fn texts(json: &Value, field: &Field) -> Vec<String> {
    values(json, field.1).iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

impl Test {
    fn naive(&self, json: &Value) -> bool {
        let all = |field: &Field| values(json, field.1);
        match self {
            Self::Compare(field, operator, literal, _) => {
                // `!=` is the complement of `=`, not a test of its own.
                all(field).iter().any(|value| holds(*operator, order(value, literal))) != (*operator == 1)
            }
            Self::Paths(left, operator, right) => {
                let is_time = left.2 == Kind::Time || right.2 == Kind::Time;
                all(left).iter().any(|a| {
                    all(right).iter().any(|b| {
                        let order = match (a, b) {
                            (Value::String(a), Value::String(b)) if is_time => {
                                milliseconds(a).zip(milliseconds(b)).map(|(a, b)| a.cmp(&b))
                            }
                            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
                            (Value::Number(a), Value::Number(b)) => Some(order_numbers(a, b)),
                            (Value::Bool(a), Value::Bool(b)) if *operator < 2 => {
                                (a == b).then_some(Ordering::Equal)
                            }
                            _ => None,
                        };
                        holds(*operator, order)
                    })
                }) != (*operator == 1)
            }
            Self::Between(field, low, high, not) => {
                all(field).iter().any(|value| holds(5, order(value, low)) && holds(3, order(value, high)))
                    != *not
            }
            Self::In(field, list, not) => {
                all(field).iter().any(|value| list.iter().any(|literal| holds(0, order(value, literal))))
                    != *not
            }
            Self::Element(literal, field, not) => {
                all(field).iter().any(|value| holds(0, order(value, literal))) != *not
            }
            Self::Like(field, pattern, ignore_case, not) => {
                let folded = |text: &str| -> Vec<char> {
                    text.chars()
                        .flat_map(|c| if *ignore_case { c.to_lowercase().collect() } else { vec![c] })
                        .collect()
                };
                texts(json, field).iter().any(|text| like(&folded(text), &folded(pattern))) != *not
            }
            Self::Affix(field, affix, part, not) => {
                texts(json, field).iter().any(|text| match affix {
                    0 => text.contains(part),
                    1 => text.starts_with(part),
                    _ => text.ends_with(part),
                }) != *not
            }
            Self::Regex(field, regex, not) => {
                let regex = regex::Regex::new(regex).unwrap();
                texts(json, field).iter().any(|text| regex.is_match(text)) != *not
            }
            Self::Networks(field, networks, not) => {
                texts(json, field)
                    .iter()
                    .any(|text| networks.iter().any(|network| is_in_network(text, network)))
                    != *not
            }
            Self::Null(field, not) => exists(json, field.1) == *not,
            Self::Exists(field, _) => exists(json, field.1),
            Self::Alone(field) => all(field).contains(&Value::Bool(true)),
            Self::Clock(part, field, zone, operator, number, _) => {
                all(field)
                    .iter()
                    .any(|value| holds(*operator, clock(*part, value, zone.1).map(|found| found.cmp(number))))
                    != (*operator == 1)
            }
        }
    }

    fn text(&self, style: u8) -> String {
        let pick = usize::from(style & 1);
        let not = |not: &bool| if *not { ["not ", "NOT "][pick] } else { "" };
        let list = |list: &[Literal]| list.iter().map(|l| l.text(style)).collect::<Vec<_>>().join(", ");
        match self {
            Self::Compare(field, operator, literal, false) => {
                format!("{}{}{}", field.0, OPERATORS[*operator][pick], literal.text(style))
            }
            Self::Compare(field, operator, literal, true) => {
                format!("{} {} {}", literal.text(style), OPERATORS[TURNED[*operator]][pick], field.0)
            }
            Self::Paths(left, operator, right) => {
                format!("{} {} {}", left.0, OPERATORS[*operator][pick], right.0)
            }
            Self::Between(field, low, high, n) => {
                format!("{} {}between {} AND {}", field.0, not(n), low.text(style), high.text(style))
            }
            Self::In(field, members, n) => format!("{} {}In ({})", field.0, not(n), list(members)),
            Self::Element(literal, field, n) => format!("{} {}in {}", literal.text(style), not(n), field.0),
            Self::Like(field, pattern, ignore_case, n) => {
                let name = if *ignore_case { "ilike" } else { "like" };
                format!("{} {}{name} {}", field.0, not(n), quoted(pattern, style))
            }
            Self::Affix(field, affix, part, n) => {
                format!("{} {}{} {}", field.0, not(n), AFFIXES[*affix], quoted(part, style))
            }
            Self::Regex(field, regex, n) => {
                let name = match (n, style % 3) {
                    (false, 0) => "~",
                    (false, 1) => "=~",
                    (false, _) => "matches",
                    (true, 0) => "!~",
                    (true, _) => "not matches",
                };
                format!("{} {name} {}", field.0, quoted(regex, style))
            }
            Self::Networks(field, networks, n) => {
                format!(
                    "{} {}in CIDR({})",
                    field.0,
                    not(n),
                    networks.iter().map(|n| quoted(n, style)).collect::<Vec<_>>().join(",")
                )
            }
            Self::Null(field, n) => format!("{} is {}null", field.0, not(n)),
            Self::Exists(field, 0) => format!("exists({})", field.0),
            Self::Exists(field, 1) => format!("exists {}", field.0),
            Self::Exists(field, _) => format!("{} exists", field.0),
            Self::Alone(field) => field.0.to_owned(),
            Self::Clock(part, field, zone, operator, number, turned) => {
                let call = format!("{}({}{})", CLOCKS[*part].0, field.0, zone.0);
                if *turned {
                    format!("{number} {} {call}", OPERATORS[TURNED[*operator]][pick])
                } else {
                    format!("{call} {} {number}", OPERATORS[*operator][pick])
                }
            }
        }
    }
}

fn quoted(text: &str, style: u8) -> String {
    let text = text.replace('\\', r"\\");
    match style & 3 {
        0 => format!("'{}'", text.replace('\'', "''")),
        1 => format!("\"{}\"", text.replace('"', "\"\"")),
        2 => format!("'{}'", text.replace('\'', r"\'")),
        _ => format!("\"{}\"", text.replace('"', "\\\"")),
    }
}

impl Literal {
    fn text(&self, style: u8) -> String {
        match self {
            Self::Text(text) | Self::At(text) => quoted(text, style),
            Self::Number(text, _) => text.clone(),
            Self::Bool(truth) => {
                if style & 4 == 0 {
                    truth.to_string()
                } else {
                    truth.to_string().to_uppercase()
                }
            }
            Self::Now(text, _) => (*text).to_owned(),
        }
    }
}

impl Logic {
    fn naive(&self, json: &Value) -> bool {
        match self {
            Self::Test(test, _) => test.naive(json),
            Self::Constant(constant) => *constant,
            Self::Not(part, _) => !part.naive(json),
            Self::And(parts, _) => parts.iter().all(|part| part.naive(json)),
            Self::Or(parts, _) => parts.iter().any(|part| part.naive(json)),
        }
    }

    /// Binding: 0 `or`, 1 `and`, 2 `not`, 3 all else. Parentheses only where they are needed, or by whim.
    fn text(&self, outer: u8) -> String {
        let join = |parts: &[Self], joint: &str, own: u8| {
            parts.iter().map(|part| part.text(own + 1)).collect::<Vec<_>>().join(joint)
        };
        let (own, whim, text) = match self {
            Self::Test(test, style) => (3, style & 64 != 0, test.text(*style)),
            Self::Constant(constant) => (3, false, constant.to_string()),
            Self::Not(part, style) => (
                2,
                false,
                format!("{}{}", ["not ", "! ", "NOT\n", "!"][usize::from(style & 3)], part.text(2)),
            ),
            Self::And(parts, style) => {
                (1, false, join(parts, [" and ", " && ", "\tAnd\n", "&&"][usize::from(style & 3)], 1))
            }
            Self::Or(parts, style) => {
                (0, false, join(parts, [" or ", " || ", " OR ", "||"][usize::from(style & 3)], 0))
            }
        };
        if own < outer || whim { format!("({text})") } else { text }
    }
}

// ---- what is generated ---------------------------------------------------------------------------------------

fn number() -> impl Strategy<Value = (String, Value)> {
    prop_oneof![
        4 => (-3i64..8).prop_map(|n| (n.to_string(), json!(n))),
        1 => select(vec![9_007_199_254_740_991i64, -9_007_199_254_740_991, 1_500_000, 300_000])
            .prop_map(|n| (n.to_string(), json!(n))),
        1 => select(vec!["0.5", "1.5", "-2.25", "5.0", "1e3", "2.5E-1", "-0.0", "1e15"])
            .prop_map(|text| (text.to_owned(), json!(text.parse::<f64>().unwrap()))),
        1 => select(vec![("5m", 300_000i64), ("1h30m", 5_400_000), ("500ms", 500), ("1w", 604_800_000), ("-2s", -2000)])
            .prop_map(|(text, n)| (text.to_owned(), json!(n))),
    ]
}

fn text_of(kind: Kind) -> BoxedStrategy<String> {
    match kind {
        Kind::Type => select(&TYPES[..]).prop_map(str::to_owned).boxed(),
        _ => prop_oneof![9 => select(&TEXTS[..]).prop_map(str::to_owned), 1 => "[^`]{0,4}"].boxed(),
    }
}

fn literal(kind: Kind) -> BoxedStrategy<Literal> {
    let text = text_of(kind).prop_map(Literal::Text);
    let number = number().prop_map(|(text, value)| Literal::Number(text, value));
    let now = select(&OFFSETS[..]).prop_map(|(text, offset)| Literal::Now(text, offset));
    match kind {
        Kind::Text | Kind::Type | Kind::Texts => text.boxed(),
        Kind::Number => number.boxed(),
        Kind::Time => prop_oneof![select(&TIMES[..]).prop_map(|t| Literal::At(t.to_owned())), now].boxed(),
        Kind::Free => {
            prop_oneof![4 => text, 4 => number, 2 => any::<bool>().prop_map(Literal::Bool), 1 => now].boxed()
        }
    }
}

fn field(wanted: &'static [Kind]) -> impl Strategy<Value = Field> {
    select(FIELDS.iter().copied().filter(|field| wanted.contains(&field.2)).collect::<Vec<_>>())
}

const TEXTUAL: &[Kind] = &[Kind::Text, Kind::Type, Kind::Texts, Kind::Free];
const ALL: &[Kind] = &[Kind::Text, Kind::Type, Kind::Texts, Kind::Number, Kind::Time, Kind::Free];

fn test() -> impl Strategy<Value = Test> {
    let compare = (field(ALL), 0..6usize, any::<bool>())
        .prop_flat_map(|(field, operator, turned)| {
            (Just(field), Just(operator), literal(field.2), Just(turned))
        })
        .prop_map(|(field, operator, literal, turned)| {
            let unordered = field.2 == Kind::Texts || matches!(literal, Literal::Bool(_));
            Test::Compare(field, if unordered { operator % 2 } else { operator }, literal, turned)
        });
    let paths = (field(ALL), 0..6usize, field(ALL)).prop_map(|(left, operator, right)| {
        let class = |kind| match kind {
            Kind::Text | Kind::Type | Kind::Texts => 0,
            Kind::Number => 1,
            Kind::Time => 2,
            Kind::Free => 3,
        };
        let (a, b) = (class(left.2), class(right.2));
        let right = if a == b || a == 3 || b == 3 { right } else { FIELDS[13] };
        let unordered = left.2 == Kind::Texts || right.2 == Kind::Texts;
        Test::Paths(left, if unordered { operator % 2 } else { operator }, right)
    });
    let between = field(&[Kind::Text, Kind::Type, Kind::Number, Kind::Time, Kind::Free])
        .prop_flat_map(|field| {
            let kind = match field.2 {
                Kind::Free => prop_oneof![Just(Kind::Text), Just(Kind::Number)].boxed(),
                kind => Just(kind).boxed(),
            };
            (Just(field), kind.prop_flat_map(|kind| (literal(kind), literal(kind))), any::<bool>())
        })
        .prop_map(|(field, (low, high), not)| {
            let reversed = match (&low, &high) {
                (Literal::Text(low), Literal::Text(high)) => low > high,
                (Literal::Number(_, Value::Number(low)), Literal::Number(_, Value::Number(high))) => {
                    order_numbers(low, high).is_gt()
                }
                (Literal::At(_), Literal::At(b)) => {
                    let full = |text: &str| {
                        if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() }
                    };
                    order(&json!(full(b)), &low) == Some(Ordering::Less)
                }
                (Literal::Now(_, low), Literal::Now(_, high)) => low > high,
                _ => false,
            };
            if reversed { Test::Between(field, high, low, not) } else { Test::Between(field, low, high, not) }
        });
    let within = (field(ALL), any::<bool>())
        .prop_flat_map(|(field, not)| {
            (Just(field), prop::collection::vec(literal(field.2), 1..12), Just(not))
        })
        .prop_map(|(field, list, not)| Test::In(field, list, not));
    let element = (field(&[Kind::Texts, Kind::Free]), any::<bool>())
        .prop_flat_map(|(field, not)| (literal(field.2), Just(field), Just(not)))
        .prop_map(|(literal, field, not)| Test::Element(literal, field, not));
    let clock =
        (0..3usize, field(&[Kind::Time, Kind::Free]), select(&ZONES[..]), 0..6usize, 0..60i64, any::<bool>())
            .prop_map(|(part, field, zone, operator, number, turned)| {
                let (_, low, high) = CLOCKS[part];
                Test::Clock(part, field, zone, operator, low + number % (high - low + 1), turned)
            });
    prop_oneof![
        6 => compare,
        2 => paths,
        2 => between,
        2 => within,
        1 => element,
        2 => (field(TEXTUAL), select(&PATTERNS[..]), any::<bool>(), any::<bool>())
            .prop_map(|(field, pattern, ignore_case, not)| Test::Like(field, pattern.to_owned(), ignore_case, not)),
        2 => (field(TEXTUAL), 0..3usize, prop_oneof![text_of(Kind::Text), "[a-z.]{1,2}", Just("backup.".to_owned())], any::<bool>())
            .prop_map(|(field, affix, part, not)| Test::Affix(field, affix, part, not)),
        1 => (field(TEXTUAL), select(&REGEXES[..]), any::<bool>())
            .prop_map(|(field, regex, not)| Test::Regex(field, regex.to_owned(), not)),
        1 => (field(TEXTUAL), prop::collection::vec(select(&NETWORKS[..]), 1..3), any::<bool>())
            .prop_map(|(field, networks, not)| Test::Networks(field, networks, not)),
        1 => (field(ALL), any::<bool>()).prop_map(|(field, not)| Test::Null(field, not)),
        1 => (field(ALL), 0..3u8).prop_map(|(field, form)| Test::Exists(field, form)),
        1 => field(&[Kind::Free]).prop_map(Test::Alone),
        2 => clock,
    ]
}

fn logic() -> impl Strategy<Value = Logic> {
    let leaf = prop_oneof![
        20 => (test(), any::<u8>()).prop_map(|(test, style)| Logic::Test(test, style)),
        1 => any::<bool>().prop_map(Logic::Constant),
    ];
    leaf.prop_recursive(4, 24, 4, |part| {
        prop_oneof![
            (part.clone(), any::<u8>()).prop_map(|(part, style)| Logic::Not(Box::new(part), style)),
            (prop::collection::vec(part.clone(), 2..5), any::<u8>())
                .prop_map(|(parts, style)| Logic::And(parts, style)),
            (prop::collection::vec(part, 2..5), any::<u8>())
                .prop_map(|(parts, style)| Logic::Or(parts, style)),
        ]
    })
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        2 => any::<bool>().prop_map(Value::from),
        4 => number().prop_map(|(_, value)| value),
        1 => select(vec![json!(i64::MIN), json!(u64::MAX), json!(9_007_199_254_740_993u64), json!(1e300), json!(-1e-300),
            json!(9.007_199_254_740_992e15), json!(1.844_674_407_370_955_2e19)]),
        6 => text_of(Kind::Free).prop_map(Value::from),
        1 => select(&TYPES[..]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 10, 3, |value| {
        prop_oneof![
            prop::collection::vec(value.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(
                select(vec!["a", "b", "my key"]).prop_map(str::to_owned),
                value,
                0..3
            )
            .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn maybe(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![3 => value, 1 => Just(Value::Null)].boxed()
}

/// An object of such members; one whose value is null is left out half the time, which has to make no difference.
fn object(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = members.into_iter().unzip();
    (values, any::<bool>())
        .prop_map(move |(values, keep_null)| {
            let members = names.iter().map(|name| (*name).to_owned()).zip(values);
            Value::Object(members.filter(|(_, value)| keep_null || !value.is_null()).collect())
        })
        .boxed()
}

fn text() -> BoxedStrategy<Value> {
    maybe(text_of(Kind::Text).prop_map(Value::from))
}

fn event() -> impl Strategy<Value = Value> {
    let roles = prop::collection::vec(text_of(Kind::Text), 0..3).prop_map(Value::from);
    let time = select(vec![
        "2024-12-10T12:00:00.000Z",
        "2024-12-09T22:30:00.000Z",
        "2024-12-08T05:59:59.999Z",
        "2024-12-10T00:00:00.000Z",
    ]);
    object(vec![
        ("event_type", select(&TYPES[..]).prop_map(Value::from).boxed()),
        ("event_id", text_of(Kind::Text).prop_map(Value::from).boxed()),
        ("timestamp", time.prop_map(Value::from).boxed()),
        (
            "actor",
            maybe(object(vec![
                ("id", text()),
                ("ip_address", text()),
                ("roles", maybe(roles)),
                ("type", text()),
                ("dept", json_value().boxed()),
            ])),
        ),
        (
            "action",
            maybe(object(vec![
                (
                    "duration_ms",
                    maybe(select(vec![json!(0), json!(5), json!(300_000), json!(9_007_199_254_740_991u64)])),
                ),
                ("result", text()),
            ])),
        ),
        ("resource", maybe(object(vec![("id", text()), ("b", json_value().boxed())]))),
        ("context", maybe(object(vec![("environment", text()), ("x", json_value().boxed())]))),
        (
            "details",
            maybe(object(vec![
                ("a", json_value().boxed()),
                ("b", json_value().boxed()),
                ("my key", json_value().boxed()),
                ("ti`ck", json_value().boxed()),
            ])),
        ),
        ("top", json_value().boxed()),
    ])
}

/// The event, and the JSON as the rules see it: an actor without roles has no `roles`.
fn read(json: &Value) -> (Event, Value) {
    let mut json = json.clone();
    let event = Event::from_value(json.clone(), NOW.parse().unwrap()).unwrap();
    if let Some(actor) = json["actor"].as_object_mut()
        && actor.get("roles") == Some(&json!([]))
    {
        actor.remove("roles");
    }
    (event, json)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn on_any_condition_and_event(logic in logic(), jsons in prop::collection::vec(event(), 8)) {
        let now = NOW.parse().unwrap();
        let text = logic.text(0);
        let condition = Condition::parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let complement = Condition::parse(&format!("not ({text})")).unwrap();
        for json in jsons {
            let (event, json) = read(&json);
            let expected = logic.naive(&json);
            prop_assert_eq!(condition.matches(&event, now), expected, "{} of {}", text, json);
            prop_assert_eq!(complement.matches(&event, now), !expected, "not ({}) of {}", text, json);
            let explanation = condition.explain(&event, now);
            prop_assert_eq!(explanation.is_true(), expected, "{}", explanation);
            if expected {
                prop_assert!(condition.may_match_type(event.event_type.as_str()), "{}", text);
            }
        }
    }

    #[test]
    fn a_set_finds_what_trying_each_finds(
        logics in prop::collection::vec(logic(), 0..12),
        tests in prop::collection::vec((field(&[Kind::Type]), 0..5u8, select(&TYPES[..]), any::<bool>()), 0..8),
        jsons in prop::collection::vec(event(), 8),
    ) {
        let now = NOW.parse().unwrap();
        let mut texts: Vec<String> = logics.iter().map(|logic| logic.text(0)).collect();
        for (_, form, name, more) in tests {
            let text = match form {
                0 => format!("event_type = '{name}'"),
                1 => format!("event_type in ('{name}', 'auth.login')"),
                2 => format!("event_type like '{}%'", &name[..name.len() - 1]),
                3 => format!("event_type starts_with '{}'", name.split_inclusive('.').next().unwrap()),
                _ => format!("(event_type = '{name}' or event_type like 'backup.%')"),
            };
            texts.push(if more { format!("details.b is null and {text}") } else { text });
        }
        let conditions: Vec<Condition> = texts.iter().map(|text| Condition::parse(text).unwrap()).collect();
        let set: ConditionSet = conditions.iter().cloned().collect();
        for json in jsons {
            let (event, _) = read(&json);
            let each: Vec<usize> = (0..conditions.len()).filter(|i| conditions[*i].matches(&event, now)).collect();
            let mut found = Vec::new();
            set.matching(&event, now, |index| found.push(index));
            prop_assert_eq!(&found, &each, "{:?}", texts);
            prop_assert_eq!(set.matches_any(&event, now), !each.is_empty());
            prop_assert!(each.is_empty() || set.may_match_type(event.event_type.as_str()));
        }
    }
}

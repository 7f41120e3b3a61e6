use audit_condition::Condition;

use super::events::{ADDRESSES, FREE, OPERATIONS, Shape, TEXTS, TYPES, Type};
use super::random::Random;

const TEXT_FIELDS: [&str; 14] = [
    "event_id",
    "event_type",
    "version",
    "actor.id",
    "actor.ip_address",
    "actor.type",
    "actor.user_agent",
    "action.operation",
    "action.result",
    "resource.id",
    "resource.path",
    "resource.type",
    "context.cluster_id",
    "context.environment",
];

const REGEXES: [&str; 22] = [
    "^a",
    "b$",
    "^(alice|b.*)$",
    "[ab]+",
    "a.b",
    "[^a-z]",
    "^$",
    "a|^5",
    "(?i)ALICE",
    "(?i)[k-s]",
    "x{2,3}|a{1}",
    "\\.",
    "a\\*b",
    "/var",
    "[\\]\\[]",
    "'",
    "\"",
    "^.$",
    "(?s)a.b",
    "#",
    "(?:a|b)?c",
    "[-x]",
];

const BLOCKS: [&str; 8] = [
    "10.0.0.0/8",
    "10.0.0.0/9",
    "172.16.0.0/12",
    "10.0.0.1",
    "0.0.0.0/0",
    "10.9.8.0/29",
    "192.168.0.0/16",
    "2001:db8::/32",
];

/// So many different conditions that can be read, each operator and each kind of path among them.
pub(crate) fn conditions(seed: u64, count: usize, shape: Shape) -> Vec<Condition> {
    let mut random = Random::new(seed);
    let mut found: Vec<Condition> = Vec::new();
    let mut tried = 0;
    while found.len() < count {
        tried += 1;
        assert!(tried < 3 * count + 100, "most of what is generated should be a condition");
        // At first each operator alone.
        let depth = if found.len() < count / 3 { 0 } else { 1 + random.below(4) };
        let text = expression(&mut random, depth, shape);
        match Condition::parse(&text) {
            Ok(condition) if !found.contains(&condition) => found.push(condition),
            Ok(_) => {}
            Err(error) => assert!(random.chance(99), "{error}"),
        }
    }
    found
}

fn expression(random: &mut Random, depth: usize, shape: Shape) -> String {
    if depth == 0 {
        return test(random, shape);
    }
    match random.below(8) {
        0 => format!("not ({})", expression(random, depth - 1, shape)),
        1 => format!("!({})", expression(random, depth - 1, shape)),
        2..=4 => joined(random, depth, shape, [" and ", " && "]),
        5 | 6 => joined(random, depth, shape, [" or ", " || "]),
        _ if random.chance(10) => random.pick(&["true", "false"]).to_owned(),
        _ => test(random, shape),
    }
}

fn joined(random: &mut Random, depth: usize, shape: Shape, operators: [&str; 2]) -> String {
    let parts: Vec<String> = (0..2 + random.below(3))
        .map(|_| {
            let inner = expression(random, depth - 1, shape);
            if random.chance(70) { format!("({inner})") } else { inner }
        })
        .collect();
    parts.join(random.pick(&operators))
}

/// A text as it is written in a condition.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn text_literal(random: &mut Random, path: &str) -> String {
    quoted(match path {
        "event_type" => random.pick(&TYPES),
        "action.operation" if random.chance(80) => random.pick(&OPERATIONS),
        "action.result" if random.chance(80) => random.pick(&["success", "failure", "denied"]),
        "actor.type" if random.chance(80) => random.pick(&["user", "service", "system"]),
        "actor.ip_address" if random.chance(80) => random.pick(&ADDRESSES),
        "context.environment" if random.chance(80) => random.pick(&["production", "staging", "prod'uction"]),
        "actor.roles" if random.chance(50) => "admin",
        _ => random.pick(&TEXTS),
    })
}

fn number_literal(random: &mut Random, path: &str) -> String {
    if path == "action.duration_ms" && random.chance(70) {
        return random.pick(&["5s", "1m", "100", "5m", "0", "1ms", "100ms"]).to_owned();
    }
    random
        .pick(&[
            "0",
            "1",
            "2",
            "5",
            "5.0",
            "10",
            "100",
            "-1",
            "-5.5",
            "0.1",
            "5.5",
            "1e-7",
            "60000",
            "9007199254740991",
        ])
        .to_owned()
}

fn time_literal(random: &mut Random) -> String {
    random
        .pick(&[
            "now",
            "now - 7d",
            "now - 1h",
            "now + 2h",
            "now - 90s",
            "now - 1d",
            "'2024-12-11T10:15:30Z'",
            "'2024-12-09'",
            "'2024-12-15T12:00:00.123+02:00'",
        ])
        .to_owned()
}

fn literal(random: &mut Random, path: &str, of_type: Type) -> String {
    match of_type {
        Type::Text => text_literal(random, path),
        Type::Number => number_literal(random, path),
        Type::Bool => random.pick(&["true", "false"]).to_owned(),
    }
}

fn free(random: &mut Random, shape: Shape) -> (&'static str, Type) {
    let (path, of_type) = FREE[random.below(FREE.len())];
    let anything = matches!(shape, Shape::Wild | Shape::Flat) && random.chance(20);
    (path, if anything { [Type::Text, Type::Number, Type::Bool][random.below(3)] } else { of_type })
}

fn order(random: &mut Random) -> &'static str {
    random.pick(&["<", "<=", ">", ">="])
}

fn equality(random: &mut Random) -> &'static str {
    random.pick(&["=", "==", "!=", "<>"])
}

fn not(random: &mut Random) -> &'static str {
    random.pick(&["", "", "not "])
}

/// A path that has texts.
fn text_path(random: &mut Random, shape: Shape) -> &'static str {
    if random.chance(25) {
        return "actor.roles";
    }
    if random.chance(60) {
        return random.pick(&TEXT_FIELDS);
    }
    loop {
        if let (path, Type::Text) = free(random, shape) {
            return path;
        }
    }
}

fn typed_path(random: &mut Random, shape: Shape) -> (&'static str, Type) {
    match random.below(10) {
        0..=3 => free(random, shape),
        4 => ("action.duration_ms", Type::Number),
        _ => (random.pick(&TEXT_FIELDS), Type::Text),
    }
}

fn test(random: &mut Random, shape: Shape) -> String {
    match random.below(18) {
        0 | 1 => {
            let (path, of_type) = typed_path(random, shape);
            format!("{path} {} {}", equality(random), literal(random, path, of_type))
        }
        2 => {
            let (path, of_type) = typed_path(random, shape);
            let of_type = if of_type == Type::Bool { Type::Number } else { of_type };
            let path = if of_type == Type::Number && path == "details.flag" { "details.n" } else { path };
            format!("{path} {} {}", order(random), literal(random, path, of_type))
        }
        3 => {
            format!("timestamp {} {}", random.pick(&["<", "<=", ">", ">=", "=", "!="]), time_literal(random))
        }
        4 => {
            let function = random.pick(&["hour", "minute", "weekday"]);
            let zone =
                random.pick(&["", ", '+01:00'", ", '-05:30'", ", 'Europe/Berlin'", ", 'UTC'", ", '+02:00'"]);
            let clock = format!("{function}(timestamp{zone})");
            match random.below(3) {
                0 => format!("{clock} {} {}", random.pick(&["<", ">=", "=", "!="]), 1 + random.below(7)),
                1 => format!("{clock} {}between 2 and {}", not(random), 3 + random.below(4)),
                _ => format!("{clock} {}in (1, 6, 7)", not(random)),
            }
        }
        5 => {
            let not = not(random);
            if random.chance(25) {
                return format!("timestamp {not}in ({}, '2024-12-09')", time_literal(random));
            }
            let (path, of_type) = typed_path(random, shape);
            let mut list: Vec<String> =
                (0..1 + random.below(4)).map(|_| literal(random, path, of_type)).collect();
            if matches!(shape, Shape::Wild | Shape::Flat) && path.contains('`') {
                list.push("5".to_owned());
                list.push("'a'".to_owned());
                list.push("true".to_owned());
            }
            format!("{path} {not}in ({})", list.join(", "))
        }
        6 => {
            let path = random.pick(&["actor.roles", "details.topics", "actor.roles", "details.a.b.c"]);
            format!("{} {}in {path}", text_literal(random, path), not(random))
        }
        7 => {
            let not = not(random);
            match random.below(4) {
                0 => format!("action.duration_ms {not}between 100 and 5m"),
                1 => format!(
                    "timestamp {not}between now - 7d and {}",
                    random.pick(&["now", "now + 1d", "'2024-12-12'"])
                ),
                2 => format!("details.n {not}between -1 and {}", random.pick(&["0", "5", "100"])),
                _ => format!(
                    "{} {not}between 'a' and {}",
                    text_path_but_roles(random, shape),
                    random.pick(&["'b'", "'k'", "'ä'"])
                ),
            }
        }
        8 | 9 => {
            let (path, not) = (text_path(random, shape), not(random));
            format!("{path} {not}{} {}", random.pick(&["like", "like", "ilike"]), like_pattern(random))
        }
        10 | 11 => {
            let (path, not) = (text_path(random, shape), not(random));
            let word = random.pick(&["contains", "starts_with", "ends_with"]);
            let whole = if random.chance(30) { random.pick(&TYPES) } else { random.pick(&TEXTS) };
            let chars: Vec<char> = whole.chars().collect();
            let length = (1 + random.below(4)).min(chars.len());
            let part: String = if word == "ends_with" {
                chars[chars.len() - length..].iter().collect()
            } else {
                chars[..length].iter().collect()
            };
            format!("{path} {not}{word} {}", quoted(&part))
        }
        12 => {
            let path = text_path(random, shape);
            format!(
                "{path} {} {}",
                random.pick(&["matches", "~", "!~", "not matches"]),
                quoted(random.pick(&REGEXES))
            )
        }
        13 => {
            let path = match random.below(4) {
                0 => "actor.roles",
                1 if shape == Shape::Scalar => "action.duration_ms",
                1 => random.pick(&["action.duration_ms", "timestamp", "details.source"]),
                2 => FREE[random.below(FREE.len())].0,
                _ => random.pick(&TEXT_FIELDS),
            };
            format!("{path} is {}null", not(random))
        }
        14 => {
            let path = if random.chance(80) { "actor.ip_address" } else { "details.topics" };
            let blocks: Vec<String> =
                (0..1 + random.below(2)).map(|_| quoted(random.pick(&BLOCKS[..7]))).collect();
            let blocks = if random.chance(10) { quoted(BLOCKS[7]) } else { blocks.join(", ") };
            format!("{path} {}in cidr({blocks})", not(random))
        }
        15 => {
            let (left, right) = match random.below(6) {
                0 => ("actor.id", "resource.id"),
                1 => ("details.n", "details.ratio"),
                2 => ("details.error", "actor.id"),
                3 => ("action.duration_ms", "details.n"),
                4 => ("details.topics", "actor.roles"),
                _ => ("resource.path", "resource.id"),
            };
            let op =
                if right == "actor.roles" || random.chance(50) { equality(random) } else { order(random) };
            format!("{left} {op} {right}")
        }
        16 => "details.flag".to_owned(),
        _ => {
            let path = random.pick(&["details.flag", "details.flag", "details.topics"]);
            format!("{path} {} {}", equality(random), if path == "details.flag" { "true" } else { "'a'" })
        }
    }
}

fn text_path_but_roles(random: &mut Random, shape: Shape) -> &'static str {
    loop {
        let path = text_path(random, shape);
        if path != "actor.roles" {
            return path;
        }
    }
}

/// A text of the events, in part replaced by wildcards, the rest escaped.
fn like_pattern(random: &mut Random) -> String {
    let text = if random.chance(40) { random.pick(&TYPES) } else { random.pick(&TEXTS) };
    let mut pattern = String::new();
    if random.chance(40) {
        pattern.push('%');
    }
    for c in text.chars() {
        match (c, random.below(12)) {
            (_, 0) => pattern.push('_'),
            (_, 1) => pattern.push('%'),
            ('%' | '_' | '\\', _) => pattern.extend(['\\', c]),
            _ => pattern.push(c),
        }
    }
    if random.chance(40) {
        pattern.push('%');
    }
    quoted(&pattern)
}

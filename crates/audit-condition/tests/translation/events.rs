use audit_model::{Event, Timestamp};
use serde_json::{Map, Value, json};

use super::now;
use super::random::Random;

/// What the free fields of the events hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Anything anywhere.
    Wild,
    /// Anything but arrays in arrays.
    Flat,
    /// A type for each field, arrays of it, and no empty arrays or objects.
    Typed,
    /// A type for each field, and no arrays.
    Scalar,
}

pub(crate) const TYPES: [&str; 8] = [
    "backup.started",
    "backup.completed",
    "backup.failed",
    "restore.completed",
    "restore.started",
    "access.denied",
    "auth.login",
    "billing.exported-all",
];

pub(crate) const OPERATIONS: [&str; 4] = ["backup", "restore", "create_topic", "delete%all"];

pub(crate) const ADDRESSES: [&str; 12] = [
    "10.0.0.1",
    "10.1.2.3",
    "10.255.255.255",
    "11.0.0.1",
    "172.16.5.4",
    "172.31.0.1",
    "172.32.0.1",
    "::ffff:10.9.8.7",
    "2001:db8::1",
    "10.0.0",
    "10.0.0.01",
    "unknown",
];

/// Whatever an engine may take for something else.
pub(crate) const TEXTS: [&str; 62] = [
    "alice",
    "bob@company.com",
    "Bob@Company.com",
    "",
    " ",
    "a'b",
    "a''b",
    "a\"b",
    "a\\b",
    "a\\\\b",
    "\\",
    "100%",
    "100",
    "a_b",
    "axb",
    "a*b",
    "a?b",
    "a.b",
    "a+b",
    "(a|b)",
    "[x]",
    "[^x]",
    "{2}",
    "^a$",
    "a",
    "b",
    "ab",
    "abc",
    "äöü",
    "ÄÖÜ",
    "straße",
    "日本語",
    "😀",
    "\u{212a}",
    "k",
    "K",
    "\u{17f}",
    "s",
    "S",
    "5",
    "5.0",
    "-1",
    "true",
    "null",
    "a\nb",
    "a\n",
    "\na",
    "a\tb",
    "/var/log/x",
    "$(x)",
    "\\(1)",
    "${x}",
    "{{ .x }}",
    "#",
    "`a`",
    "\u{7f}",
    "~<>&@#",
    "a-b",
    "a\u{2028}b",
    "e\u{301}",
    "İ",
    "x' or 1=1 --",
];

/// The free fields with the type that they have in typed events. In others it is their most frequent one.
pub(crate) const FREE: [(&str, Type); 12] = [
    ("details.topics", Type::Text),
    ("details.n", Type::Number),
    ("details.ratio", Type::Number),
    ("details.flag", Type::Bool),
    ("details.error", Type::Text),
    ("details.source.name", Type::Text),
    ("details.source.size", Type::Number),
    ("details.a.b.c", Type::Text),
    ("details.`odd key`", Type::Text),
    ("details.`x-y`.z", Type::Number),
    ("context.region", Type::Text),
    ("context.trace.depth", Type::Number),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Number,
    Bool,
}

pub(crate) const NUMBERS: [f64; 14] =
    [0.0, 1.0, 2.0, 5.0, 10.0, 100.0, -1.0, -5.5, 0.1, 5.5, 1e-7, 60000.0, 9007199254740991.0, 123456.789];

pub(crate) fn number(random: &mut Random) -> Value {
    let number = NUMBERS[random.below(NUMBERS.len())];
    if number.fract() == 0.0 { json!(number as i64) } else { json!(number) }
}

pub(crate) fn events(seed: u64, count: usize, shape: Shape) -> Vec<Event> {
    let mut random = Random::new(seed);
    (0..count).map(|number| event(&mut random, number, shape)).collect()
}

fn event(random: &mut Random, number: usize, shape: Shape) -> Event {
    let ten_days = 864_000_000;
    let mut milliseconds = now().as_milliseconds() - ten_days + random.below(2 * ten_days as usize) as i64;
    if random.chance(5) {
        // On the limits of what conditions ask for.
        milliseconds = now().as_milliseconds() - [0, 604_800_000, 3_600_000, 86_400_000][random.below(4)];
    }
    let time = Timestamp::from_milliseconds(milliseconds).unwrap();
    let mut event = json!({
        "event_id": if random.chance(90) { format!("evt_{number}") } else { random.pick(&TEXTS).to_owned() },
        "event_type": random.pick(&TYPES),
        "timestamp": time.to_string(),
        "version": "1.0",
    });
    let top = event.as_object_mut().unwrap();
    if random.chance(85) {
        let mut actor = Map::new();
        maybe(random, 80, &mut actor, "id", |r| json!(r.pick(&TEXTS)));
        maybe(random, 60, &mut actor, "ip_address", |r| json!(r.pick(&ADDRESSES)));
        maybe(random, 60, &mut actor, "type", |r| json!(r.pick(&["user", "service", "system", "robot"])));
        maybe(random, 30, &mut actor, "user_agent", |r| json!(r.pick(&TEXTS)));
        maybe(random, 60, &mut actor, "roles", |r| {
            (0..r.below(4)).map(|_| json!(if r.chance(50) { "admin" } else { r.pick(&TEXTS) })).collect()
        });
        top.insert("actor".into(), actor.into());
    }
    if random.chance(80) {
        let mut action = Map::new();
        maybe(random, 70, &mut action, "duration_ms", |r| {
            json!([0, 1, 100, 5000, 60000, 300_000, 9_007_199_254_740_991_i64][r.below(7)])
        });
        maybe(random, 80, &mut action, "operation", |r| json!(r.pick(&OPERATIONS)));
        maybe(random, 80, &mut action, "result", |r| json!(r.pick(&["success", "failure", "denied"])));
        top.insert("action".into(), action.into());
    }
    if random.chance(70) {
        let mut resource = Map::new();
        maybe(random, 80, &mut resource, "id", |r| json!(r.pick(&TEXTS)));
        maybe(random, 50, &mut resource, "path", |r| json!(r.pick(&TEXTS)));
        maybe(random, 60, &mut resource, "type", |r| json!(r.pick(&["backup", "topic", "a b"])));
        top.insert("resource".into(), resource.into());
    }
    if random.chance(80) {
        let mut context = Map::new();
        maybe(random, 70, &mut context, "environment", |r| {
            json!(r.pick(&["production", "staging", "prod'uction"]))
        });
        maybe(random, 30, &mut context, "cluster_id", |r| json!(r.pick(&TEXTS)));
        maybe(random, 30, &mut context, "correlation_id", |r| json!(r.pick(&TEXTS)));
        free_fields(random, "context", &mut context, shape);
        top.insert("context".into(), context.into());
    }
    let mut details = Map::new();
    free_fields(random, "details", &mut details, shape);
    top.insert("details".into(), details.into());
    Event::from_value(event, now()).unwrap()
}

fn maybe(
    random: &mut Random,
    percent: usize,
    into: &mut Map<String, Value>,
    name: &str,
    make: impl FnOnce(&mut Random) -> Value,
) {
    if random.chance(percent) {
        let value = make(random);
        into.insert(name.to_owned(), value);
    }
}

fn free_fields(random: &mut Random, part: &str, into: &mut Map<String, Value>, shape: Shape) {
    for (path, of_type) in FREE {
        let mut keys = path.split('.').map(|key| key.trim_matches('`'));
        if keys.next() == Some(part) && random.chance(60) {
            let keys: Vec<&str> = keys.collect();
            insert(random, into, &keys, of_type, shape);
        }
    }
}

fn insert(random: &mut Random, into: &mut Map<String, Value>, keys: &[&str], of_type: Type, shape: Shape) {
    let (key, rest) = keys.split_first().unwrap();
    if rest.is_empty() {
        let mut value = value(random, of_type, shape, 2);
        // In typed events nothing is an object or array that holds no value.
        if value.is_null() && matches!(shape, Shape::Typed | Shape::Scalar) {
            value = typed(random, of_type);
        }
        into.insert((*key).to_owned(), value);
        return;
    }
    if matches!(shape, Shape::Wild | Shape::Flat) && random.chance(10) {
        let value = value(random, of_type, shape, 2);
        into.insert((*key).to_owned(), value);
        return;
    }
    if let Some(Value::Object(inner)) = into.get_mut(*key) {
        return insert(random, inner, rest, of_type, shape);
    }
    if into.contains_key(*key) {
        return;
    }
    let mut object = || {
        let mut inner = Map::new();
        insert(random, &mut inner, rest, of_type, shape);
        Value::from(inner)
    };
    let first = object();
    let second = object();
    let value = if shape != Shape::Scalar && random.chance(25) {
        let array = json!([first, second]);
        if shape == Shape::Wild && random.chance(30) { json!([array]) } else { array }
    } else {
        first
    };
    into.insert((*key).to_owned(), value);
}

fn value(random: &mut Random, of_type: Type, shape: Shape, depth: usize) -> Value {
    let anything = matches!(shape, Shape::Wild | Shape::Flat);
    if depth > 0 && shape != Shape::Scalar && random.chance(25) {
        let inside = if shape == Shape::Flat { 0 } else { depth - 1 };
        let count = random.below(4);
        let mut items: Vec<Value> = (0..count).map(|_| value(random, of_type, shape, inside)).collect();
        if shape == Shape::Typed && items.iter().all(Value::is_null) {
            items.push(typed(random, of_type));
        }
        return items.into();
    }
    if random.chance(8) {
        return Value::Null;
    }
    if anything && random.chance(20) {
        return match random.below(6) {
            0 => json!({}),
            1 => json!({ "b": { "c": "a" }, "name": 5, "z": [1, "a"] }),
            2 if depth > 0 => json!([]),
            3 => typed(random, Type::Bool),
            4 => typed(random, Type::Number),
            _ => typed(random, Type::Text),
        };
    }
    typed(random, of_type)
}

fn typed(random: &mut Random, of_type: Type) -> Value {
    match of_type {
        Type::Text => json!(random.pick(&TEXTS)),
        Type::Number => number(random),
        Type::Bool => json!(random.chance(50)),
    }
}

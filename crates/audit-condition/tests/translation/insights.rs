//! An interpreter of the part of CloudWatch Logs Insights that translations use, from its documentation. (The query
//! engine of moto reads `fields`, `sort` and `limit`, and passes over `filter`.)

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use audit_model::{Event, Timestamp};
use regex::Regex;
use serde_json::Value as Json;

/// What a comparison with a missing field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Neither true nor false, as in SQL. Truth values of JSON are 1 and 0.
    Null,
    /// False. Truth values of JSON are words.
    False,
    /// False when it asks for equality, otherwise true.
    Lowest,
}

pub(crate) const MISSING: [Missing; 3] = [Missing::Null, Missing::False, Missing::Lowest];

pub(crate) fn rows(
    queries: &[String],
    events: &[Event],
    now: Timestamp,
    sealed: bool,
    missing: Missing,
) -> Vec<String> {
    let records: Vec<Record> = events
        .iter()
        .map(|event| {
            let json = serde_json::from_slice(&event.to_canonical_json().unwrap()).unwrap();
            let mut fields = BTreeMap::new();
            discover(if sealed { "event" } else { "" }, &json, missing, &mut fields);
            Record { fields, time: event.timestamp.as_milliseconds(), now: now.as_milliseconds(), missing }
        })
        .collect();
    queries
        .iter()
        .map(|query| {
            let query = read(query);
            records.iter().map(|record| if record.truth(&query) == Some(true) { '1' } else { '0' }).collect()
        })
        .collect()
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Missing,
    Number(f64),
    Text(String),
    Truth(Option<bool>),
}

struct Record {
    fields: BTreeMap<String, Value>,
    time: i64,
    now: i64,
    missing: Missing,
}

/// Objects and arrays are flattened: `details.topics.0`.
fn discover(name: &str, json: &Json, missing: Missing, fields: &mut BTreeMap<String, Value>) {
    let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    let value = match json {
        Json::Null => return,
        Json::Array(items) => {
            return items
                .iter()
                .enumerate()
                .for_each(|(n, item)| discover(&inner(&n.to_string()), item, missing, fields));
        }
        Json::Object(members) => {
            return members.iter().for_each(|(key, value)| discover(&inner(key), value, missing, fields));
        }
        Json::String(text) => Value::Text(text.clone()),
        Json::Number(number) => Value::Number(number.as_f64().unwrap()),
        Json::Bool(truth) if missing == Missing::Null => Value::Number(f64::from(u8::from(*truth))),
        Json::Bool(truth) => Value::Text(truth.to_string()),
    };
    fields.insert(name.to_owned(), value);
}

#[derive(Debug)]
enum Expr {
    Number(f64),
    Text(String),
    Field(String),
    Call(String, Vec<Expr>),
    Not(Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Vec<Expr>),
    Like(Box<Expr>, Regex),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Text(String),
    Number(f64),
    Regex(String),
    Symbol(&'static str),
}

const SYMBOLS: [&str; 14] = ["!=", "<=", ">=", "=", "<", ">", "(", ")", "[", "]", ",", "+", "-", "%"];

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(' ');
        let Some(first) = rest.chars().next() else { return tokens };
        let until = |end: char| {
            let length = rest[1..].find(end).unwrap_or_else(|| panic!("no closing {end}: {text}"));
            (rest[1..=length].to_owned(), &rest[length + 2..])
        };
        let after_like = tokens.last() == Some(&Token::Word("like".into()));
        let token;
        (token, rest) = match first {
            '"' => {
                let (inner, rest) = until('"');
                assert!(!inner.contains(|c: char| c == '\\' || c.is_control()), "{text}");
                (Token::Text(inner), rest)
            }
            '`' => {
                let (inner, rest) = until('`');
                (Token::Quoted(inner), rest)
            }
            '/' if after_like => {
                let (inner, rest) = until('/');
                // Whatever a reader may take for the end of a command, a text or a comment.
                assert!(
                    !inner.is_empty() && !inner.contains(|c: char| "\"'`#".contains(c) || c.is_control()),
                    "{text}"
                );
                (Token::Regex(inner), rest)
            }
            '/' => (Token::Symbol("/"), &rest[1..]),
            '*' => (Token::Symbol("*"), &rest[1..]),
            c if c.is_ascii_digit() => {
                let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
                (Token::Number(rest[..length].parse().unwrap()), &rest[length..])
            }
            c if c.is_ascii_alphabetic() || c == '@' => {
                let belongs = |c: char| c.is_ascii_alphanumeric() || "@._".contains(c);
                let length = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
                (Token::Word(rest[..length].to_owned()), &rest[length..])
            }
            _ => {
                let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
                let symbol = symbol.unwrap_or_else(|| panic!("{rest} in {text}"));
                (Token::Symbol(symbol), &rest[symbol.len()..])
            }
        };
        tokens.push(token);
    }
}

fn read(query: &str) -> Expr {
    let mut reader = Reader { tokens: tokens(query), at: 0 };
    assert!(reader.word("filter"), "{query}");
    let expr = reader.binary(0);
    assert_eq!(reader.at, reader.tokens.len(), "one command and nothing after it: {query}");
    expr
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

/// From loose to tight.
const OPERATORS: [&[&str]; 5] =
    [&["or"], &["and"], &["=", "!=", "<", "<=", ">", ">="], &["+", "-"], &["*", "/", "%"]];

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        self.at += usize::from(found);
        found
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) {
        assert!(self.symbol(symbol), "expected {symbol} at {:?}", self.tokens.get(self.at..));
    }

    fn binary(&mut self, level: usize) -> Expr {
        let Some(operators) = OPERATORS.get(level) else { return self.primary() };
        if level == 2 && self.word("not") {
            return Expr::Not(Box::new(self.binary(2)));
        }
        let mut left = self.binary(level + 1);
        if level == 2 {
            if self.word("in") {
                self.expect("[");
                return Expr::In(Box::new(left), self.list("]"));
            }
            if self.word("like") {
                let Some(Token::Regex(regex)) = self.peek().cloned() else { panic!("like what?") };
                self.at += 1;
                return Expr::Like(Box::new(left), Regex::new(&regex).unwrap());
            }
        }
        while let Some(operator) = operators.iter().copied().find(|operator| {
            matches!(self.peek(), Some(Token::Word(found)) if found == operator)
                || matches!(self.peek(), Some(Token::Symbol(found)) if found == operator)
        }) {
            self.at += 1;
            left = Expr::Binary(operator, Box::new(left), Box::new(self.binary(level + 1)));
        }
        left
    }

    fn list(&mut self, end: &str) -> Vec<Expr> {
        let mut items = Vec::new();
        while !self.symbol(end) {
            if !items.is_empty() {
                self.expect(",");
            }
            items.push(self.binary(0));
        }
        items
    }

    fn primary(&mut self) -> Expr {
        let token = self.peek().cloned().unwrap_or_else(|| panic!("it ends too early"));
        self.at += 1;
        match token {
            Token::Number(number) => Expr::Number(number),
            Token::Text(text) => Expr::Text(text),
            Token::Quoted(name) => Expr::Field(name),
            Token::Word(name) if self.symbol("(") => Expr::Call(name, self.list(")")),
            Token::Word(name) => Expr::Field(name),
            Token::Symbol("-") => match self.primary() {
                Expr::Number(number) => Expr::Number(-number),
                other => panic!("- {other:?}"),
            },
            Token::Symbol("(") => {
                let inner = self.binary(0);
                self.expect(")");
                inner
            }
            other => panic!("{other:?} has no place here"),
        }
    }
}

impl Record {
    fn truth(&self, expr: &Expr) -> Option<bool> {
        match self.value(expr) {
            Value::Truth(truth) => truth,
            other => panic!("{other:?} is no condition"),
        }
    }

    fn value(&self, expr: &Expr) -> Value {
        match expr {
            Expr::Number(number) => Value::Number(*number),
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::Field(name) => self.fields.get(name).cloned().unwrap_or(Value::Missing),
            Expr::Call(name, arguments) => self.call(name, arguments),
            Expr::Not(inner) => Value::Truth(self.truth(inner).map(|truth| !truth)),
            Expr::Binary("or", left, right) => Value::Truth(match (self.truth(left), self.truth(right)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            }),
            Expr::Binary("and", left, right) => Value::Truth(match (self.truth(left), self.truth(right)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            }),
            Expr::Binary(op @ ("+" | "-" | "*" | "/" | "%"), left, right) => {
                match (self.value(left), self.value(right)) {
                    (Value::Number(a), Value::Number(b)) => Value::Number(match *op {
                        "+" => a + b,
                        "-" => a - b,
                        "*" => a * b,
                        "/" => a / b,
                        _ => a % b,
                    }),
                    (a, b) => panic!("{a:?} {op} {b:?}"),
                }
            }
            Expr::Binary(op, left, right) => self.compare(op, &self.value(left), &self.value(right)),
            Expr::In(item, list) => {
                let item = self.value(item);
                let tests = list.iter().map(|other| self.compare("=", &item, &self.value(other)));
                let tests: Vec<Value> = tests.collect();
                let has = |truth| tests.contains(&Value::Truth(truth));
                Value::Truth(if has(Some(true)) { Some(true) } else { (!has(None)).then_some(false) })
            }
            Expr::Like(item, regex) => match self.value(item) {
                Value::Missing => self.of_missing("="),
                Value::Text(text) => Value::Truth(Some(regex.is_match(&text))),
                other => panic!("{other:?} is no text"),
            },
        }
    }

    fn of_missing(&self, op: &str) -> Value {
        Value::Truth(match self.missing {
            Missing::Null => None,
            Missing::False => Some(false),
            Missing::Lowest => Some(op != "="),
        })
    }

    fn compare(&self, op: &str, left: &Value, right: &Value) -> Value {
        let order = match (left, right) {
            (Value::Missing, _) | (_, Value::Missing) => return self.of_missing(op),
            (Value::Number(a), Value::Number(b)) => a.partial_cmp(b).unwrap(),
            (Value::Text(a), Value::Text(b)) => {
                assert!(op == "=" || op == "!=", "the order of texts is not documented");
                a.cmp(b)
            }
            // Digits in a text may count as a number, or not; for truth values they don't.
            (Value::Number(_), Value::Text(text)) | (Value::Text(text), Value::Number(_)) => {
                assert!(text == "true" || text == "false", "{left:?} {op} {right:?}");
                return Value::Truth(Some(op == "!="));
            }
            _ => panic!("{left:?} {op} {right:?}"),
        };
        Value::Truth(Some(match op {
            "=" => order.is_eq(),
            "!=" => order.is_ne(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            ">=" => order.is_ge(),
            other => panic!("no {other}"),
        }))
    }

    fn call(&self, name: &str, arguments: &[Expr]) -> Value {
        match (name, arguments) {
            ("now", []) => Value::Number((self.now / 1000) as f64),
            ("toMillis", [Expr::Field(field)]) => {
                assert_eq!(field, "@timestamp");
                Value::Number(self.time as f64)
            }
            ("floor", [number]) => match self.value(number) {
                Value::Number(number) => Value::Number(number.floor()),
                other => panic!("floor of {other:?}"),
            },
            ("isPresent", [field @ Expr::Field(_)]) => {
                Value::Truth(Some(self.value(field) != Value::Missing))
            }
            ("isIpv6InSubnet", [field, Expr::Text(subnet)]) => {
                let (network, prefix) = subnet.split_once('/').unwrap();
                let mask = u128::MAX.checked_shl(128 - prefix.parse::<u32>().unwrap()).unwrap_or(0);
                let network = network.parse::<Ipv6Addr>().unwrap().to_bits() & mask;
                match self.value(field) {
                    Value::Missing => self.of_missing("="),
                    Value::Text(text) => Value::Truth(Some(
                        matches!(text.parse(), Ok(IpAddr::V6(address)) if address.to_bits() & mask == network),
                    )),
                    other => panic!("{other:?} is no address"),
                }
            }
            _ => panic!("no function {name}{arguments:?}"),
        }
    }
}

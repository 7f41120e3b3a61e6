use std::cell::Cell;

use super::pattern::{Flavor, Pattern};
use super::{Dialect, Gap, LiteralType, Words, gap, is_identifier, literal_type, no_time_in_free_field};
use crate::clock::{Clock, ClockPart, Zone};
use crate::expr::{Affix, CompareOp, Literal, Term, TestKind, TimeLiteral};
use crate::field::{Field, Kind};
use crate::like::{LikePart, LikePattern};
use crate::number::Number;
use crate::path::{Part, Path, Place};

/// A boolean expression of Trino.
#[derive(Debug)]
pub(super) struct Sql {
    prefix: &'static str,
    variables: Cell<usize>,
}

/// One value of a term, as each type that it can have.
struct Value {
    text: Option<String>,
    number: Option<String>,
    bool: Option<String>,
    time: Option<String>,
}

type Check<'c> = &'c dyn Fn(&Value) -> Result<String, Gap>;

impl Sql {
    pub(super) fn new(prefix: &'static str) -> Self {
        Self { prefix, variables: Cell::new(0) }
    }

    fn variable(&self) -> String {
        self.variables.set(self.variables.get() + 1);
        format!("x{}", self.variables.get())
    }

    fn column(&self, field: Field) -> String {
        match field {
            Field::Timestamp => format!("{}\"timestamp\"", self.prefix),
            Field::ClusterId | Field::CorrelationId | Field::Environment => {
                let key = field.name().rsplit('.').next().unwrap_or_default();
                format!("json_extract_scalar({}context, '$.{key}')", self.prefix)
            }
            field => format!("{}{}", self.prefix, field.name()),
        }
    }

    /// Whether any of the term's values passes; null if there is none.
    fn any_value(&self, term: &Term, check: Check<'_>) -> Result<String, Gap> {
        match term {
            Term::Path(path) => self.any_of_path(path, check),
            Term::Clock(clock, path) if path.kind() == Kind::Time => {
                check(&Value::number(self.clock_value(clock)))
            }
            Term::Clock(..) => no_time_in_free_field(),
        }
    }

    fn any_of_path(&self, path: &Path, check: Check<'_>) -> Result<String, Gap> {
        match &path.place {
            Place::Fixed(Field::ActorRoles) => {
                let role = self.variable();
                let test = check(&Value::text(role.clone()))?;
                Ok(format!("any_match({}, {role} -> {test})", self.column(Field::ActorRoles)))
            }
            Place::Fixed(field @ Field::ActionDurationMs) => check(&Value::number(self.column(*field))),
            Place::Fixed(field @ Field::Timestamp) => check(&Value::time(self.column(*field))),
            Place::Fixed(field) => check(&Value::text(self.column(*field))),
            Place::Free(part, keys) => self.any_in(&self.json_column(*part)?, keys, check),
        }
    }

    fn json_column(&self, part: Part) -> Result<String, Gap> {
        match part {
            Part::Details | Part::Context => Ok(format!("{}{}", self.prefix, part.name())),
            Part::Event | Part::Actor | Part::Action | Part::Resource => gap(
                "the table has no column for a field that the event's form does not know",
                "record such fields under details or context, or add a column and write the query by hand",
            ),
        }
    }

    fn any_in(&self, json: &str, keys: &[Box<str>], check: Check<'_>) -> Result<String, Gap> {
        let Some((key, rest)) = keys.split_first() else { return check(&Value::json(json)) };
        let found = extract(json, key)?;
        let element = self.variable();
        let test = self.any_in(&element, rest, check)?;
        Ok(format!(
            "any_match(coalesce(try_cast({found} AS array(json)), array[{found}]), {element} -> {test})"
        ))
    }

    fn exists_in(&self, json: &str, keys: &[Box<str>]) -> Result<String, Gap> {
        match keys {
            [] => Ok("true".to_owned()),
            [last] => Ok(format!("json_format({}) <> 'null'", extract(json, last)?)),
            [key, rest @ ..] => {
                let found = extract(json, key)?;
                let element = self.variable();
                let test = self.exists_in(&element, rest)?;
                Ok(format!(
                    "any_match(coalesce(try_cast({found} AS array(json)), array[{found}]), {element} -> {test})"
                ))
            }
        }
    }

    fn instant(&self) -> String {
        format!("from_iso8601_timestamp({})", self.column(Field::Timestamp))
    }

    fn clock_value(&self, clock: &Clock) -> String {
        let instant = self.instant();
        let local = match &clock.zone {
            Zone::Fixed(0) => instant,
            Zone::Fixed(offset) if *offset < 0 => {
                format!("{instant} - INTERVAL '{}' SECOND", offset.unsigned_abs())
            }
            Zone::Fixed(offset) => format!("{instant} + INTERVAL '{offset}' SECOND"),
            // The names of the time zones that are known have no quotes.
            Zone::Named(name, _) => format!("{instant} AT TIME ZONE '{name}'"),
        };
        let function = match clock.part {
            ClockPart::Hour => "hour",
            ClockPart::Minute => "minute",
            ClockPart::Weekday => "day_of_week",
        };
        format!("{function}({local})")
    }

    /// The column and the literal, both as text or both as times.
    fn times(&self, column: &str, time: TimeLiteral) -> (String, String) {
        match time {
            // Events have their times in one form, in which letters are in the order of time.
            TimeLiteral::At(time) => (column.to_owned(), format!("'{time}'")),
            TimeLiteral::Now(offset) => (self.instant(), now(offset)),
        }
    }

    fn compare(&self, value: &Value, op: CompareOp, literal: &Literal) -> Result<String, Gap> {
        let of_type = |found: &Option<String>, literal: String| match found {
            Some(found) => Ok(format!("{found} {} {literal}", sign(op))),
            None => Ok("false".to_owned()),
        };
        match literal {
            Literal::Text(text) => of_type(&value.text, string(text)?),
            Literal::Number(number) => of_type(&value.number, number_text(*number)),
            Literal::Bool(truth) => of_type(&value.bool, format!("'{truth}'")),
            Literal::Time(time) => match &value.time {
                Some(column) => {
                    let (left, right) = self.times(column, *time);
                    Ok(format!("{left} {} {right}", sign(op)))
                }
                None => no_time_in_free_field(),
            },
        }
    }

    fn in_list(&self, value: &Value, list: &[Literal]) -> Result<String, Gap> {
        let mut tests = Vec::new();
        for of_type in [LiteralType::Text, LiteralType::Number, LiteralType::Bool, LiteralType::Time] {
            let literals: Vec<&Literal> =
                list.iter().filter(|literal| literal_type(literal) == of_type).collect();
            let found = match of_type {
                LiteralType::Text => &value.text,
                LiteralType::Number => &value.number,
                LiteralType::Bool => &value.bool,
                LiteralType::Time => &None,
            };
            match (literals.as_slice(), found) {
                ([], _) => {}
                ([_], _) | (_, None) => {
                    for literal in literals {
                        tests.push(self.compare(value, CompareOp::Equal, literal)?);
                    }
                }
                (_, Some(found)) => {
                    let texts = literals.into_iter().map(|literal| match literal {
                        Literal::Text(text) => string(text),
                        Literal::Number(number) => Ok(number_text(*number)),
                        Literal::Bool(truth) => Ok(format!("'{truth}'")),
                        Literal::Time(_) => no_time_in_free_field(),
                    });
                    tests.push(format!("{found} IN ({})", texts.collect::<Result<Vec<_>, _>>()?.join(", ")));
                }
            }
        }
        Ok(if tests.len() == 1 { tests.remove(0) } else { format!("({})", tests.join(" or ")) })
    }

    fn compare_values(&self, left: &Value, op: CompareOp, right: &Value) -> Result<String, Gap> {
        if left.time.is_some() != right.time.is_some() {
            return no_time_in_free_field();
        }
        let bools = (op == CompareOp::Equal).then_some((&left.bool, &right.bool));
        let pairs = [(&left.text, &right.text), (&left.number, &right.number), (&left.time, &right.time)];
        let tests: Vec<String> = pairs
            .into_iter()
            .chain(bools)
            .filter_map(|(left, right)| Some(format!("{} {} {}", left.as_ref()?, sign(op), right.as_ref()?)))
            .collect();
        Ok(match tests.as_slice() {
            [] => "false".to_owned(),
            [test] => test.clone(),
            tests => format!("({})", tests.join(" or ")),
        })
    }

    fn text_test(&self, path: &Path, test: &dyn Fn(&str) -> Result<String, Gap>) -> Result<String, Gap> {
        self.any_of_path(path, &|value| match &value.text {
            Some(text) => test(text),
            None => Ok("false".to_owned()),
        })
    }

    fn positive(&self, test: &TestKind) -> Result<String, Gap> {
        match test {
            TestKind::Compare { term, op, literal } => {
                self.any_value(term, &|value| self.compare(value, *op, literal))
            }
            TestKind::ComparePaths { left, op, right } => self.any_value(left, &|left| {
                self.any_value(right, &|right| self.compare_values(left, *op, right))
            }),
            TestKind::Between { term, low, high } => self.any_value(term, &|value| {
                let low = self.compare(value, CompareOp::GreaterOrEqual, low)?;
                let high = self.compare(value, CompareOp::LessOrEqual, high)?;
                Ok(format!("({low} and {high})"))
            }),
            TestKind::In { term, list } => self.any_value(term, &|value| self.in_list(value, list)),
            TestKind::InNetworks { path, networks } => self.text_test(path, &|text| {
                let mut tests = Vec::new();
                for network in networks {
                    let Some(pattern) = Pattern::of_network(network) else {
                        return gap(
                            "the field is a text there, and an address of IPv6 has many spellings",
                            format!("in Trino write contains('{network}', try_cast({text} AS ipaddress))"),
                        );
                    };
                    tests.push(regexp_like(text, &pattern)?);
                }
                Ok(if tests.len() == 1 { tests.remove(0) } else { format!("({})", tests.join(" or ")) })
            }),
            TestKind::Like { path, pattern } if pattern.ignore_case => {
                self.text_test(path, &|text| regexp_like(text, &Pattern::of_like(pattern)))
            }
            TestKind::Like { path, pattern } => self.text_test(path, &|text| like(text, pattern)),
            TestKind::Affix { path, affix, text: part } => self.text_test(path, &|text| match affix {
                Affix::Contains => Ok(format!("strpos({text}, {}) > 0", string(part)?)),
                Affix::StartsWith => Ok(format!("starts_with({text}, {})", string(part)?)),
                Affix::EndsWith => {
                    let any = std::iter::once(LikePart::Any);
                    let parts = any.chain(part.chars().map(LikePart::Char)).collect();
                    like(text, &LikePattern { parts, ignore_case: false })
                }
            }),
            TestKind::Regex { path, regex } => match Pattern::of_regex(regex.as_str()) {
                Ok(pattern) => self.text_test(path, &|text| regexp_like(text, &pattern)),
                Err(why) => gap(why, "write the expression with what all engines have in common"),
            },
            TestKind::Exists { path } => match &path.place {
                Place::Fixed(Field::ActorRoles) => {
                    Ok(format!("cardinality({}) > 0", self.column(Field::ActorRoles)))
                }
                Place::Fixed(field) => Ok(format!("{} IS NOT NULL", self.column(*field))),
                Place::Free(part, keys) => self.exists_in(&self.json_column(*part)?, keys),
            },
        }
    }
}

impl Value {
    fn text(text: String) -> Self {
        Self { text: Some(text), number: None, bool: None, time: None }
    }

    fn number(number: String) -> Self {
        Self { text: None, number: Some(number), bool: None, time: None }
    }

    fn time(time: String) -> Self {
        Self { text: None, number: None, bool: None, time: Some(time) }
    }

    /// The text of JSON tells types apart: one of a string begins with a quote.
    fn json(json: &str) -> Self {
        Self {
            text: Some(format!("if(json_format({json}) LIKE '\"%', json_extract_scalar({json}, '$'))")),
            number: Some(format!("try_cast(json_format({json}) AS double)")),
            bool: Some(format!("if(json_format({json}) IN ('true', 'false'), json_format({json}))")),
            time: None,
        }
    }
}

impl Dialect for Sql {
    type Clause = Words;

    fn constant(&self, value: bool) -> Words {
        Words::whole(value.to_string())
    }

    fn all(&self, clauses: Vec<Words>) -> Words {
        Words::all(clauses)
    }

    fn any(&self, clauses: Vec<Words>) -> Words {
        Words::any(clauses)
    }

    fn test(&self, test: &TestKind, negated: bool) -> Result<Words, Gap> {
        let text = self.positive(test)?;
        // A field that is missing makes a test null, which `not` would leave as it is.
        Ok(Words::whole(if negated { format!("not coalesce({text}, false)") } else { text }))
    }
}

fn extract(json: &str, key: &str) -> Result<String, Gap> {
    if key.contains(|c: char| matches!(c, '"' | '\\' | '*') || c.is_control()) {
        return gap(
            "a path into JSON can't name a key with a quote, a backslash, a star or a control character",
            "search with jq",
        );
    }
    let path = if is_identifier(key) { format!("$.{key}") } else { format!("$[\"{key}\"]") };
    Ok(format!("json_extract({json}, {})", string(&path)?))
}

fn now(offset: i64) -> String {
    let (sign, offset) = match offset {
        0 => return "now()".to_owned(),
        offset if offset < 0 => ('-', offset.unsigned_abs()),
        offset => ('+', offset.unsigned_abs()),
    };
    let (seconds, milliseconds) = (offset / 1000, offset % 1000);
    let fraction = if milliseconds == 0 { String::new() } else { format!(".{milliseconds:03}") };
    format!("now() {sign} INTERVAL '{seconds}{fraction}' SECOND")
}

fn like(text: &str, pattern: &LikePattern) -> Result<String, Gap> {
    let mut escape = false;
    let mut out = String::new();
    for part in &pattern.parts {
        match part {
            LikePart::Any => out.push('%'),
            LikePart::One => out.push('_'),
            LikePart::Char(c) => {
                if matches!(c, '%' | '_' | '\\') {
                    escape = true;
                    out.push('\\');
                }
                out.push(*c);
            }
        }
    }
    let escape = if escape { r" ESCAPE '\'" } else { "" };
    Ok(format!("{text} LIKE {}{escape}", string(&out)?))
}

fn regexp_like(text: &str, pattern: &Pattern) -> Result<String, Gap> {
    Ok(format!("regexp_like({text}, {})", string(&pattern.print(Flavor::Ruby))?))
}

fn sign(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Equal => "=",
        CompareOp::Less => "<",
        CompareOp::LessOrEqual => "<=",
        CompareOp::Greater => ">",
        CompareOp::GreaterOrEqual => ">=",
    }
}

fn number_text(number: Number) -> String {
    match number {
        Number::Int(int) => int.to_string(),
        Number::Large(large) => large.to_string(),
        // Without an exponent it would be a decimal, with other rounding.
        Number::Float(float) => format!("{float:E}"),
    }
}

/// A string of SQL, in which only the quote is special.
fn string(text: &str) -> Result<String, Gap> {
    if text.contains('\0') {
        return gap("a text of SQL can't hold a NUL", "search with jq");
    }
    Ok(format!("'{}'", text.replace('\'', "''")))
}

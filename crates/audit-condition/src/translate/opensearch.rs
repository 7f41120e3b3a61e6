use serde_json::{Value, json};

use super::pattern::Pattern;
use super::{Dialect, Gap, LiteralType, gap, literal_type, no_time_in_free_field};
use crate::expr::{Affix, CompareOp, Literal, Term, TestKind, TimeLiteral};
use crate::field::{Field, Kind};
use crate::number::Number;
use crate::path::{Path, Place};

/// Clauses of the query DSL.
#[derive(Debug)]
pub(super) struct OpenSearch {
    pub(super) prefix: &'static str,
}

/// What `index.max_regex_length` allows unless it is set.
const MAX_REGEX_LENGTH: usize = 1000;

/// The body of a search.
pub(super) fn body(clause: &Value) -> String {
    serde_json::to_string_pretty(&json!({ "query": clause })).expect("a JSON value can be written")
}

impl OpenSearch {
    fn name(&self, path: &Path) -> Result<String, Gap> {
        match &path.place {
            Place::Fixed(field) => Ok(format!("{}{}", self.prefix, field.name())),
            Place::Free(part, keys) => {
                if keys.iter().any(|key| key.is_empty() || key.contains(['.', '*'])) {
                    return gap(
                        "it takes a dot in a name for a path, and a star for any name",
                        "search with another target",
                    );
                }
                let part = Some(part.name()).filter(|name| !name.is_empty());
                let names: Vec<&str> = part.into_iter().chain(keys.iter().map(|key| &**key)).collect();
                Ok(format!("{}{}", self.prefix, names.join(".")))
            }
        }
    }

    /// The field that has whole texts, where the field itself has their words.
    fn keyword(&self, path: &Path) -> Result<String, Gap> {
        Ok(format!("{}.keyword", self.name(path)?))
    }

    fn field(&self, term: &Term, literal: LiteralType) -> Result<String, Gap> {
        match (term, literal) {
            (Term::Clock(..), _) => gap(
                "a time of day takes a script",
                "leave it out here and filter what was found, or search with another target",
            ),
            (Term::Path(path), LiteralType::Time) if path.kind() != Kind::Time => no_time_in_free_field(),
            (Term::Path(path), LiteralType::Text) => self.keyword(path),
            (Term::Path(path), _) => self.name(path),
        }
    }

    fn regexp(&self, field: &str, pattern: &Pattern) -> Result<Value, Gap> {
        let instead = "search with another target";
        match pattern.print_lucene() {
            Err(why) => gap(why, instead),
            Ok(text) if text.chars().count() > MAX_REGEX_LENGTH => {
                gap(format!("it refuses regular expressions beyond {MAX_REGEX_LENGTH} characters"), instead)
            }
            Ok(text) => Ok(json!({ "regexp": { field: { "value": text, "flags": "NONE" } } })),
        }
    }
}

impl Dialect for OpenSearch {
    type Clause = Value;

    fn constant(&self, value: bool) -> Value {
        if value { json!({ "match_all": {} }) } else { json!({ "match_none": {} }) }
    }

    fn all(&self, clauses: Vec<Value>) -> Value {
        json!({ "bool": { "filter": clauses } })
    }

    fn any(&self, clauses: Vec<Value>) -> Value {
        json!({ "bool": { "should": clauses, "minimum_should_match": 1 } })
    }

    fn test(&self, test: &TestKind, negated: bool) -> Result<Value, Gap> {
        let clause = match test {
            TestKind::Compare { term, op, literal } => {
                let field = self.field(term, literal_type(literal))?;
                match (op, literal) {
                    (CompareOp::Equal, Literal::Time(time)) => {
                        let time = time_text(*time)?;
                        json!({ "range": { field: { "gte": time, "lte": time } } })
                    }
                    (CompareOp::Equal, literal) => json!({ "term": { field: value(literal)? } }),
                    (op, literal) => json!({ "range": { field: { range_name(*op): value(literal)? } } }),
                }
            }
            TestKind::ComparePaths { .. } => {
                return gap(
                    "comparing two fields takes a script",
                    "compare the field with a literal, or search with another target",
                );
            }
            TestKind::Between { term, low, high } => {
                let field = self.field(term, literal_type(low))?;
                json!({ "range": { field: { "gte": value(low)?, "lte": value(high)? } } })
            }
            TestKind::In { term, list } => {
                let first = list.first().map_or(LiteralType::Text, literal_type);
                if list.iter().any(|literal| literal_type(literal) != first) {
                    return gap(
                        "one field holds values of one type there",
                        "compare with values of one type",
                    );
                }
                let field = self.field(term, first)?;
                if first == LiteralType::Time {
                    let tests = list.iter().map(|literal| {
                        let time = value(literal)?;
                        Ok(json!({ "range": { field.clone(): { "gte": time, "lte": time } } }))
                    });
                    self.any(tests.collect::<Result<_, _>>()?)
                } else {
                    let values = list.iter().map(value).collect::<Result<Vec<_>, _>>()?;
                    json!({ "terms": { field: values } })
                }
            }
            TestKind::InNetworks { path, networks } => {
                let field = self.keyword(path)?;
                let tests = networks.iter().map(|network| match Pattern::of_network(network) {
                    Some(pattern) => self.regexp(&field, &pattern),
                    None => gap(
                        "the field is a text there, and an address of IPv6 has many spellings",
                        "map the field as `ip` and write a term query with the block, or test with a block of IPv4",
                    ),
                });
                let mut tests = tests.collect::<Result<Vec<_>, _>>()?;
                if tests.len() == 1 { tests.remove(0) } else { self.any(tests) }
            }
            TestKind::Like { path, pattern } => {
                self.regexp(&self.keyword(path)?, &Pattern::of_like(pattern))?
            }
            TestKind::Affix { path, affix, text } => {
                let field = self.keyword(path)?;
                match affix {
                    Affix::StartsWith => json!({ "prefix": { field: { "value": text } } }),
                    Affix::Contains => wildcard(field, &format!("*{}*", escaped(text))),
                    Affix::EndsWith => wildcard(field, &format!("*{}", escaped(text))),
                }
            }
            TestKind::Regex { path, regex } => match Pattern::of_regex(regex.as_str()) {
                Ok(pattern) => self.regexp(&self.keyword(path)?, &pattern)?,
                Err(why) => return gap(why, "write the expression with what all engines have in common"),
            },
            TestKind::Exists { path } => match &path.place {
                // An empty text has no words, so that the field itself seems to be missing.
                Place::Fixed(Field::Timestamp | Field::ActionDurationMs) => {
                    json!({ "exists": { "field": self.name(path)? } })
                }
                Place::Fixed(_) => json!({ "exists": { "field": self.keyword(path)? } }),
                Place::Free(..) => self.any(vec![
                    json!({ "exists": { "field": self.name(path)? } }),
                    json!({ "exists": { "field": self.keyword(path)? } }),
                ]),
            },
        };
        Ok(if negated { json!({ "bool": { "must_not": [clause] } }) } else { clause })
    }
}

fn range_name(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Less => "lt",
        CompareOp::LessOrEqual => "lte",
        CompareOp::Greater => "gt",
        CompareOp::GreaterOrEqual | CompareOp::Equal => "gte",
    }
}

fn value(literal: &Literal) -> Result<Value, Gap> {
    Ok(match literal {
        Literal::Text(text) => json!(text),
        Literal::Number(Number::Int(int)) => json!(int),
        Literal::Number(Number::Large(large)) => json!(large),
        Literal::Number(Number::Float(float)) => json!(float),
        Literal::Bool(value) => json!(value),
        Literal::Time(time) => json!(time_text(*time)?),
    })
}

fn time_text(time: TimeLiteral) -> Result<String, Gap> {
    let offset = match time {
        TimeLiteral::At(time) => return Ok(time.to_string()),
        TimeLiteral::Now(0) => return Ok("now".to_owned()),
        TimeLiteral::Now(offset) => offset,
    };
    let sign = if offset < 0 { '-' } else { '+' };
    for (unit, milliseconds) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        let count = offset.unsigned_abs() / milliseconds;
        // Its counts are 32 bits wide.
        if offset.unsigned_abs().is_multiple_of(milliseconds) && i32::try_from(count).is_ok() {
            return Ok(format!("now{sign}{count}{unit}"));
        }
    }
    gap("its times from now on are in whole seconds", "write a duration in seconds, as in now - 90s")
}

fn wildcard(field: String, value: &str) -> Value {
    json!({ "wildcard": { field: { "value": value } } })
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

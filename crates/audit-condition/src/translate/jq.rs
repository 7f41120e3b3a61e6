use std::cell::Cell;

use super::pattern::{Flavor, Pattern};
use super::{
    Dialect, Gap, LiteralType, Words, gap, is_identifier, literal_type, no_time_in_free_field, plus,
};
use crate::clock::{Clock, ClockPart, Zone};
use crate::expr::{Affix, CompareOp, Literal, Term, TestKind, TimeLiteral};
use crate::field::{Field, Kind};
use crate::path::{Part, Path, Place};

/// A filter of jq 1.6 or later.
#[derive(Debug, Default)]
pub(super) struct Jq {
    uses_each: Cell<bool>,
    uses_ms: Cell<bool>,
}

impl Jq {
    pub(super) fn select(&self, condition: &str) -> String {
        let mut defs = String::new();
        if self.uses_each.get() {
            defs.push_str(r#"def each: if type == "array" then .[] | each else . end; "#);
        }
        if self.uses_ms.get() {
            defs.push_str(r#"def ms: (.[0:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber); "#);
        }
        // A sealed record has its event under `event`, and none once that was erased.
        format!("select({defs}if has(\"event_type\") then . else .event // empty end | {condition})")
    }

    /// Filters that give the path's values, arrays taken apart; of them, those of one type.
    fn values(&self, path: &Path, of_type: &str) -> String {
        let (part, keys) = match &path.place {
            Place::Fixed(Field::ActorRoles) => return format!(".actor.roles[]? | {of_type}"),
            Place::Fixed(field) => return format!(".{} | {of_type}", field.name()),
            Place::Free(part, keys) => (part, keys),
        };
        self.uses_each.set(true);
        format!("{} | each | {of_type}", steps(*part, keys))
    }

    fn term(&self, term: &Term, literal: LiteralType) -> Result<String, Gap> {
        let of_type = match literal {
            LiteralType::Text => "strings",
            LiteralType::Number => "numbers",
            LiteralType::Bool => "booleans",
            LiteralType::Time => "strings",
        };
        match term {
            Term::Path(path) => {
                if literal == LiteralType::Time && path.kind() != Kind::Time {
                    return no_time_in_free_field();
                }
                Ok(self.values(path, of_type))
            }
            Term::Clock(clock, path) if path.kind() == Kind::Time => clock_value(clock),
            Term::Clock(..) => no_time_in_free_field(),
        }
    }

    /// Whether any of the term's values passes `check`, which may count times in milliseconds.
    fn any_value(
        &self,
        term: &Term,
        literals: &[&Literal],
        check: impl FnOnce(&dyn Fn(&Literal) -> String) -> String,
    ) -> Result<String, Gap> {
        let types: Vec<LiteralType> = literals.iter().map(|literal| literal_type(literal)).collect();
        let counted = literals.iter().any(|literal| matches!(literal, Literal::Time(TimeLiteral::Now(_))));
        let mut values = match types.split_first() {
            Some((first, rest)) if rest.iter().all(|other| other == first) => self.term(term, *first)?,
            // Equality only, which tells types apart.
            _ => match term {
                Term::Path(path) if types.contains(&LiteralType::Time) && path.kind() != Kind::Time => {
                    return no_time_in_free_field();
                }
                Term::Path(path) => self.values(path, "scalars"),
                Term::Clock(..) => self.term(term, LiteralType::Number)?,
            },
        };
        if counted {
            self.uses_ms.set(true);
            values.push_str(" | ms");
        }
        let print = |literal: &Literal| literal_text(literal, counted);
        Ok(format!("any({values}; {})", check(&print)))
    }

    fn compare(&self, term: &Term, op: CompareOp, literal: &Literal, negated: bool) -> Result<String, Gap> {
        if let Some(name) = single_text(term)
            && op == CompareOp::Equal
            && !matches!(literal, Literal::Time(TimeLiteral::Now(_)))
        {
            let sign = if negated { "!=" } else { "==" };
            return Ok(format!(".{name} {sign} {}", literal_text(literal, false)));
        }
        let text = self.any_value(term, &[literal], |print| format!(". {} {}", sign(op), print(literal)))?;
        Ok(turned(text, negated))
    }

    fn compare_paths(&self, left: &Term, op: CompareOp, right: &Term) -> Result<String, Gap> {
        let is_time = |term: &Term| matches!(term, Term::Path(path) if path.kind() == Kind::Time);
        if is_time(left) != is_time(right) {
            return no_time_in_free_field();
        }
        let types =
            if op == CompareOp::Equal { "(strings, numbers, booleans)" } else { "(strings, numbers)" };
        let values = |term: &Term| match term {
            Term::Path(path) => Ok(self.values(path, types)),
            Term::Clock(..) => self.term(term, LiteralType::Number),
        };
        Ok(format!(
            ". as $event | any({}; . as $left | any($event | {}; type == ($left | type) and $left {} .))",
            values(left)?,
            values(right)?,
            sign(op)
        ))
    }

    fn text_test(&self, path: &Path, check: &str) -> String {
        format!("any({}; {check})", self.values(path, "strings"))
    }
}

impl Dialect for Jq {
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
        let text = match test {
            TestKind::Compare { term, op, literal } => {
                return Ok(Words::whole(self.compare(term, *op, literal, negated)?));
            }
            TestKind::ComparePaths { left, op, right } => {
                let text = self.compare_paths(left, *op, right)?;
                // `as` reaches to the next closing parenthesis.
                return Ok(Words::whole(if negated {
                    format!("({text} | not)")
                } else {
                    format!("({text})")
                }));
            }
            TestKind::Between { term, low, high } => self.any_value(term, &[low, high], |print| {
                format!(". >= {} and . <= {}", print(low), print(high))
            })?,
            TestKind::In { term, list } => {
                self.any_value(term, &list.iter().collect::<Vec<_>>(), |print| {
                    let list: Vec<String> = list.iter().map(print).collect();
                    format!("IN({})", list.join(", "))
                })?
            }
            TestKind::InNetworks { path, networks } => {
                let mut tests = Vec::new();
                for network in networks {
                    let Some(pattern) = Pattern::of_network(network) else {
                        return gap(
                            "jq knows no addresses, and those of IPv6 have many spellings",
                            "test with a block of IPv4, or let `audit-log` evaluate the condition",
                        );
                    };
                    tests.push(regex_test(&pattern));
                }
                self.text_test(path, &tests.join(" or "))
            }
            TestKind::Like { path, pattern } => self.text_test(path, &regex_test(&Pattern::of_like(pattern))),
            TestKind::Affix { path, affix, text } => {
                let literal = string(text);
                self.text_test(
                    path,
                    &match affix {
                        Affix::Contains if text.is_empty() => "true".to_owned(),
                        // Not `contains`, which jq 1.6 ends at a NUL.
                        Affix::Contains => format!("index({literal}) != null"),
                        Affix::StartsWith => format!("startswith({literal})"),
                        Affix::EndsWith => format!("endswith({literal})"),
                    },
                )
            }
            TestKind::Regex { path, regex } => match Pattern::of_regex(regex.as_str()) {
                Ok(pattern) => self.text_test(path, &regex_test(&pattern)),
                Err(why) => return gap(why, "write the expression with what all engines have in common"),
            },
            TestKind::Exists { path } => {
                let text = match &path.place {
                    Place::Fixed(Field::ActorRoles) => {
                        return Ok(Words::whole(turned("any(.actor.roles[]?; true)".to_owned(), negated)));
                    }
                    Place::Fixed(field) => {
                        let sign = if negated { "==" } else { "!=" };
                        return Ok(Words::whole(format!(".{} {sign} null", field.name())));
                    }
                    Place::Free(part, keys) => {
                        self.uses_each.set(self.uses_each.get() || keys.len() > 1);
                        steps(*part, keys)
                    }
                };
                format!("any({text}; . != null)")
            }
        };
        Ok(Words::whole(turned(text, negated)))
    }
}

/// The field, if it is one and has at most one value.
fn single_text(term: &Term) -> Option<&'static str> {
    match term {
        Term::Path(Path { place: Place::Fixed(field) }) if *field != Field::ActorRoles => Some(field.name()),
        _ => None,
    }
}

fn turned(text: String, negated: bool) -> String {
    if negated { format!("({text} | not)") } else { text }
}

/// To the value under the last key, through arrays before it.
fn steps(part: Part, keys: &[Box<str>]) -> String {
    let mut text = if part == Part::Event { String::new() } else { format!(".{}", part.name()) };
    for (index, key) in keys.iter().enumerate() {
        if index > 0 {
            text.push_str(" | each | ");
        }
        match (is_identifier(key), text.is_empty() || index > 0) {
            (true, _) => text.push_str(&format!(".{key}?")),
            (false, true) => text.push_str(&format!(".[{}]?", string(key))),
            (false, false) => text.push_str(&format!("[{}]?", string(key))),
        }
    }
    text
}

fn clock_value(clock: &Clock) -> Result<String, Gap> {
    let Zone::Fixed(offset) = &clock.zone else {
        return gap(
            "jq knows no time zones by name",
            "give the offset from UTC, as in hour(timestamp, '+01:00')",
        );
    };
    let offset = plus(i64::from(*offset));
    let seconds = format!(".timestamp | strings | (.[0:19] + \"Z\" | fromdate){offset}");
    // Twice, because a remainder of something before 1970 is negative.
    Ok(match clock.part {
        ClockPart::Hour => format!("{seconds} | . / 3600 | floor | (. % 24 + 24) % 24"),
        ClockPart::Minute => format!("{seconds} | . / 60 | floor | (. % 60 + 60) % 60"),
        ClockPart::Weekday => format!("{seconds} | . / 86400 | floor | ((. + 3) % 7 + 7) % 7 + 1"),
    })
}

fn sign(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Equal => "==",
        CompareOp::Less => "<",
        CompareOp::LessOrEqual => "<=",
        CompareOp::Greater => ">",
        CompareOp::GreaterOrEqual => ">=",
    }
}

fn literal_text(literal: &Literal, counted: bool) -> String {
    match literal {
        Literal::Text(text) => string(text),
        Literal::Number(number) => number.to_string(),
        Literal::Bool(value) => value.to_string(),
        Literal::Time(TimeLiteral::At(time)) if counted => time.as_milliseconds().to_string(),
        // Events have their times in one form, in which letters are in the order of time.
        Literal::Time(TimeLiteral::At(time)) => string(&time.to_string()),
        Literal::Time(TimeLiteral::Now(offset)) => format!("((now * 1000 | floor){})", plus(*offset)),
    }
}

fn regex_test(pattern: &Pattern) -> String {
    format!("test({})", string(&pattern.print(Flavor::Ruby)))
}

/// A JSON string; jq's `\(` can't come about, because every backslash is doubled.
fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

use super::pattern::{Flavor, Pattern};
use super::{
    Dialect, Gap, LiteralType, Words, gap, is_identifier, literal_type, no_time_in_free_field, plus,
};
use crate::clock::{Clock, ClockPart, Zone};
use crate::expr::{CompareOp, Literal, Term, TestKind, TimeLiteral};
use crate::field::{Field, Kind};
use crate::network::Network;
use crate::path::{Path, Place};

/// The condition of a `filter` command.
#[derive(Debug)]
pub(super) struct Insights {
    pub(super) prefix: &'static str,
}

/// A field, as the language names it.
struct Name {
    text: String,
    /// Whether every record has it.
    always: bool,
}

impl Insights {
    fn name(&self, path: &Path) -> Result<Name, Gap> {
        match &path.place {
            Place::Fixed(Field::ActorRoles) => gap(
                "it names each element of an array by its number (actor.roles.0, actor.roles.1 …), and can't ask \
                 for any of them",
                "search with another target, or export the log group and use jq or SQL",
            ),
            Place::Fixed(field) => Ok(Name {
                text: format!("{}{}", self.prefix, field.name()),
                always: matches!(
                    field,
                    Field::EventId | Field::EventType | Field::Version | Field::Timestamp
                ),
            }),
            Place::Free(part, keys) => {
                let first = Some(part.name()).filter(|name| !name.is_empty());
                let names: Vec<&str> = first.into_iter().chain(keys.iter().map(|key| &**key)).collect();
                let text = format!("{}{}", self.prefix, names.join("."));
                if names.iter().all(|name| is_identifier(name)) {
                    return Ok(Name { text, always: false });
                }
                if names.iter().any(|name| {
                    name.contains(['`', '.', '\\']) || name.is_empty() || name.contains(char::is_control)
                }) {
                    return gap(
                        "it has no way to write a field's name with a dot, a back-quote or a control character in it",
                        "search with another target",
                    );
                }
                Ok(Name { text: format!("`{text}`"), always: false })
            }
        }
    }

    fn compare(&self, term: &Term, op: CompareOp, literal: &Literal, negated: bool) -> Result<Words, Gap> {
        let path = match term {
            Term::Clock(clock, path) => {
                let Literal::Number(number) = literal else { return self.mixed() };
                return Ok(counted(&format!("{} {} {number}", clock_value(clock, path)?, sign(op)), negated));
            }
            Term::Path(path) => path,
        };
        match literal {
            Literal::Time(time) => {
                if path.kind() != Kind::Time {
                    return no_time_in_free_field();
                }
                Ok(counted(&format!("toMillis(@timestamp) {} {}", sign(op), milliseconds(*time)), negated))
            }
            Literal::Text(text) => {
                if op != CompareOp::Equal {
                    return unordered_texts();
                }
                Ok(guarded(&self.name(path)?, vec![equals(&self.name(path)?.text, text)], negated))
            }
            Literal::Number(number) => {
                let name = self.name(path)?;
                let test = Words::whole(format!("{} {} {number}", name.text, sign(op)));
                Ok(if op == CompareOp::Equal {
                    guarded(&name, vec![test], negated)
                } else {
                    present_and(&name, test, negated)
                })
            }
            Literal::Bool(value) => {
                let name = self.name(path)?;
                Ok(guarded(&name, vec![is_bool(&name.text, *value)], negated))
            }
        }
    }

    fn between(&self, term: &Term, low: &Literal, high: &Literal, negated: bool) -> Result<Words, Gap> {
        let path = match term {
            Term::Path(path) => path,
            Term::Clock(clock, path) => {
                let (Literal::Number(low), Literal::Number(high)) = (low, high) else { return self.mixed() };
                let value = clock_value(clock, path)?;
                return Ok(counted(&format!("({value} >= {low} and {value} <= {high})"), negated));
            }
        };
        match (low, high) {
            (Literal::Number(low), Literal::Number(high)) => {
                let name = self.name(path)?;
                let test = format!("{0} >= {low} and {0} <= {high}", name.text);
                Ok(present_and(
                    &name,
                    Words::whole(if negated { format!("({test})") } else { test }),
                    negated,
                ))
            }
            (Literal::Time(low), Literal::Time(high)) if path.kind() == Kind::Time => {
                let (low, high) = (milliseconds(*low), milliseconds(*high));
                let test = format!("(toMillis(@timestamp) >= {low} and toMillis(@timestamp) <= {high})");
                Ok(counted(&test, negated))
            }
            (Literal::Time(_), _) | (_, Literal::Time(_)) => no_time_in_free_field(),
            _ => unordered_texts(),
        }
    }

    fn in_list(&self, term: &Term, list: &[Literal], negated: bool) -> Result<Words, Gap> {
        let path = match term {
            Term::Clock(clock, path) => {
                let value = clock_value(clock, path)?;
                let numbers: Vec<String> = list.iter().filter_map(number).collect();
                return Ok(counted(&format!("{value} in [{}]", numbers.join(", ")), negated));
            }
            Term::Path(path) => path,
        };
        let first = list.first().map(literal_type);
        if list.iter().any(|literal| Some(literal_type(literal)) != first) {
            return self.mixed();
        }
        if first == Some(LiteralType::Time) {
            if path.kind() != Kind::Time {
                return no_time_in_free_field();
            }
            let times = list.iter().filter_map(|literal| match literal {
                Literal::Time(time) => Some(milliseconds(*time)),
                _ => None,
            });
            let text = format!("toMillis(@timestamp) in [{}]", times.collect::<Vec<_>>().join(", "));
            return Ok(counted(&text, negated));
        }
        let name = self.name(path)?;
        let mut plain = Vec::new();
        let mut tests = Vec::new();
        for literal in list {
            match literal {
                Literal::Text(text) if is_plain(text) => plain.push(format!("\"{text}\"")),
                Literal::Text(text) => tests.push(equals(&name.text, text)),
                Literal::Bool(value) => tests.push(is_bool(&name.text, *value)),
                Literal::Number(number) => plain.push(number.to_string()),
                Literal::Time(_) => {}
            }
        }
        if !plain.is_empty() {
            tests.insert(0, Words::whole(format!("{} in [{}]", name.text, plain.join(", "))));
        }
        Ok(guarded(&name, tests, negated))
    }

    fn mixed<T>(&self) -> Result<T, Gap> {
        gap("it takes a text of digits and a number for the same", "compare with values of one type")
    }

    fn regex(&self, path: &Path, pattern: &Pattern, negated: bool) -> Result<Words, Gap> {
        let name = self.name(path)?;
        if pattern.is_anything() {
            return Ok(is_present(&name, negated));
        }
        Ok(guarded(&name, vec![like(&name.text, pattern)], negated))
    }
}

impl Dialect for Insights {
    type Clause = Words;

    fn constant(&self, value: bool) -> Words {
        Words::whole(if value { "1 = 1" } else { "1 = 0" })
    }

    fn all(&self, clauses: Vec<Words>) -> Words {
        Words::all(clauses)
    }

    fn any(&self, clauses: Vec<Words>) -> Words {
        Words::any(clauses)
    }

    fn test(&self, test: &TestKind, negated: bool) -> Result<Words, Gap> {
        match test {
            TestKind::Compare { term, op, literal } => self.compare(term, *op, literal, negated),
            TestKind::ComparePaths { left, op, right } => {
                let (Term::Path(left), Term::Path(right)) = (left, right) else {
                    return gap("two times of day are compared", "compare each with a number");
                };
                let same_text = left.kind() == Kind::Text && right.kind() == Kind::Text;
                if !same_text {
                    return gap(
                        "it doesn't tell types apart, and compares a text of digits with a number",
                        "compare the field with a literal, or search with jq or SQL",
                    );
                }
                if *op != CompareOp::Equal {
                    return unordered_texts();
                }
                let (left, right) = (self.name(left)?, self.name(right)?);
                let present: Vec<&Name> = [&left, &right].into_iter().filter(|name| !name.always).collect();
                let test = format!("{} {} {}", left.text, if negated { "!=" } else { "=" }, right.text);
                let mut tests: Vec<Words> =
                    present.into_iter().map(|name| is_present(name, negated)).collect();
                tests.push(Words::whole(test));
                Ok(match tests.len() {
                    1 => tests.remove(0),
                    _ if negated => Words::any(tests),
                    _ => Words::all(tests),
                })
            }
            TestKind::Between { term, low, high } => self.between(term, low, high, negated),
            TestKind::In { term, list } => self.in_list(term, list, negated),
            TestKind::InNetworks { path, networks } => {
                let name = self.name(path)?;
                let tests = networks.iter().map(|network| network_test(&name.text, network));
                Ok(guarded(&name, tests.collect::<Result<_, _>>()?, negated))
            }
            TestKind::Like { path, pattern } => self.regex(path, &Pattern::of_like(pattern), negated),
            TestKind::Affix { path, affix, text } => {
                self.regex(path, &Pattern::of_affix(*affix, text), negated)
            }
            TestKind::Regex { path, regex } => match Pattern::of_regex(regex.as_str()) {
                Ok(pattern) => self.regex(path, &pattern, negated),
                Err(why) => gap(why, "write the expression with what all engines have in common"),
            },
            TestKind::Exists { path } => match &path.place {
                // Records have no empty roles.
                Place::Fixed(Field::ActorRoles) => {
                    let name = Name { text: format!("{}actor.roles.0", self.prefix), always: false };
                    Ok(is_present(&name, negated))
                }
                _ => Ok(is_present(&self.name(path)?, negated)),
            },
        }
    }
}

/// Whether one of the tests, none of which is true of a missing field, is true.
fn guarded(name: &Name, mut tests: Vec<Words>, negated: bool) -> Words {
    let test = if tests.len() == 1 { tests.remove(0) } else { Words::any(tests) };
    if !negated {
        return test;
    }
    let negation = Words::whole(format!("not ({})", test.text));
    if name.always { negation } else { Words::any(vec![is_present(name, true), negation]) }
}

/// As [`guarded`], for a test of which nobody says what it is of a missing field.
fn present_and(name: &Name, test: Words, negated: bool) -> Words {
    if negated {
        return Words::any(vec![is_present(name, true), Words::whole(format!("not ({})", test.text))]);
    }
    Words::all(vec![is_present(name, false), test])
}

fn is_present(name: &Name, negated: bool) -> Words {
    let not = if negated { "not " } else { "" };
    Words::whole(format!("{not}isPresent({})", name.text))
}

/// A test of the record's own time, which is never missing.
fn counted(test: &str, negated: bool) -> Words {
    Words::whole(if negated { format!("not ({test})") } else { test.to_owned() })
}

fn equals(name: &str, text: &str) -> Words {
    if is_plain(text) {
        Words::whole(format!("{name} = \"{text}\""))
    } else {
        like(name, &Pattern::of_text(text))
    }
}

/// Whether it can stand between double quotes: how to write other characters there is not documented.
fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c == '"' || c == '\\' || c.is_control())
}

/// Not `isIpv4InSubnet`: what it says of an IPv4 address written as IPv6 is not documented.
fn network_test(name: &str, network: &Network) -> Result<Words, Gap> {
    if let Some(pattern) = Pattern::of_network(network) {
        return Ok(like(name, &pattern));
    }
    if network.address.to_string() == "::" && network.prefix < 96 {
        return gap(
            "whether it takes an IPv4 address written as IPv6 for one in this block is not documented",
            "test with a smaller block",
        );
    }
    Ok(Words::whole(format!("isIpv6InSubnet({name}, \"{network}\")")))
}

fn like(name: &str, pattern: &Pattern) -> Words {
    Words::whole(format!("{name} like /{}/", pattern.print(Flavor::Insights)))
}

/// Truth values of JSON have been seen as numbers and as words.
fn is_bool(name: &str, value: bool) -> Words {
    Words::whole(format!("{name} in [{}, \"{value}\"]", i32::from(value)))
}

fn unordered_texts<T>() -> Result<T, Gap> {
    gap("its order of texts is not documented", "use = or like, or search with another target")
}

fn number(literal: &Literal) -> Option<String> {
    match literal {
        Literal::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn clock_value(clock: &Clock, path: &Path) -> Result<String, Gap> {
    if path.kind() != Kind::Time {
        return no_time_in_free_field();
    }
    let Zone::Fixed(offset) = &clock.zone else {
        return gap(
            "it knows no time zones by name",
            "give the offset from UTC, as in hour(timestamp, '+01:00')",
        );
    };
    let local = match i64::from(*offset) * 1000 {
        0 => "toMillis(@timestamp)".to_owned(),
        offset => format!("(toMillis(@timestamp){})", plus(offset)),
    };
    Ok(match clock.part {
        ClockPart::Hour => format!("floor({local} / 3600000) % 24"),
        ClockPart::Minute => format!("floor({local} / 60000) % 60"),
        ClockPart::Weekday => format!("((floor({local} / 86400000) + 3) % 7 + 1)"),
    })
}

fn milliseconds(time: TimeLiteral) -> String {
    match time {
        TimeLiteral::At(time) => time.as_milliseconds().to_string(),
        // In whole seconds, as the language has it.
        TimeLiteral::Now(offset) => format!("(now() * 1000{})", plus(offset)),
    }
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

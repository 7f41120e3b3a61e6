//! From operands as they were written to tests in which both sides fit.

use std::ops::Range;

use audit_model::{EventType, Timestamp, nearest_event_type};

use crate::Path;
use crate::clock::Clock;
use crate::error::{Fault, fault};
use crate::expr::{Affix, CompareOp, Literal, Term, TestKind, TimeLiteral};
use crate::field::{Field, Kind};
use crate::instant::{read_date, read_rfc3339};
use crate::like::LikePattern;
use crate::network::Network;
use crate::number::Number;
use crate::path::Place;

/// One side of an operator, as it was written.
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    pub(crate) kind: OperandKind,
    pub(crate) span: Range<usize>,
}

#[derive(Clone, Debug)]
pub(crate) enum OperandKind {
    Path(Path),
    Clock(Clock, Path),
    Text(String),
    Number(Number),
    /// In milliseconds.
    Duration(i64),
    Bool(bool),
    Null,
    /// `now` plus milliseconds.
    Now(i64),
}

/// How much memory one regular expression may take when compiled, in bytes.
const REGEX_SIZE: usize = 1 << 20;

/// `left op right`, at least one of them a field.
pub(crate) fn compare(left: Operand, op: CompareOp, right: Operand) -> Result<TestKind, Fault> {
    let span = left.span.start..right.span.end;
    match (as_term(left), as_term(right)) {
        (Ok(term), Err(literal)) => {
            let literal = literal_for(&term, op == CompareOp::Equal, literal)?;
            Ok(TestKind::Compare { term, op, literal })
        }
        (Err(literal), Ok(term)) => {
            let literal = literal_for(&term, op == CompareOp::Equal, literal)?;
            Ok(TestKind::Compare { term, op: op.turned(), literal })
        }
        (Ok(left), Ok(right)) => compare_terms(left, op, right, &span),
        (Err(left), Err(right)) => {
            for side in [left, right] {
                if let OperandKind::Text(text) = side.kind
                    && Field::named(&text).is_some()
                {
                    return fault(
                        &side.span,
                        format!("in quotes this is a text; for the field write {text}"),
                    );
                }
            }
            fault(&span, "two constants are compared; one side has to be a field, such as actor.id")
        }
    }
}

pub(crate) fn between(term: Operand, low: Operand, high: Operand) -> Result<TestKind, Fault> {
    let span = low.span.start..high.span.end;
    let term = need_term(term)?;
    let (low, high) = (literal_for(&term, false, low)?, literal_for(&term, false, high)?);
    let reversed = match (&low, &high) {
        (Literal::Text(low), Literal::Text(high)) => low > high,
        (Literal::Number(low), Literal::Number(high)) => {
            low.compare(*high).is_some_and(std::cmp::Ordering::is_gt)
        }
        (Literal::Time(TimeLiteral::At(low)), Literal::Time(TimeLiteral::At(high))) => low > high,
        (Literal::Time(TimeLiteral::Now(low)), Literal::Time(TimeLiteral::Now(high))) => low > high,
        (Literal::Time(_), Literal::Time(_)) => false,
        _ => return fault(&span, "the two ends have different types"),
    };
    if reversed && let (Term::Clock(..), Literal::Number(low), Literal::Number(high)) = (&term, &low, &high) {
        // Exchanged, as below, they would be the other part of the day.
        let name = term.name();
        return fault(
            &span,
            format!("nothing is between these, also on a clock; write {name} >= {low} or {name} <= {high}"),
        );
    }
    if reversed {
        return fault(
            &span,
            "nothing is between these: the first is the greater one; write the smaller one first",
        );
    }
    Ok(TestKind::Between { term, low, high })
}

pub(crate) fn within(term: Operand, list: Vec<Operand>) -> Result<TestKind, Fault> {
    let term = need_term(term)?;
    let list = list.into_iter().map(|item| literal_for(&term, true, item)).collect::<Result<_, _>>()?;
    Ok(TestKind::In { term, list })
}

/// `'x' in actor.roles`
pub(crate) fn element(literal: Operand, list: Path, span: &Range<usize>) -> Result<TestKind, Fault> {
    if !matches!(list.kind(), Kind::Texts | Kind::Free) {
        return fault(
            span,
            format!(
                "{list} is one value, not a list; write {list} = … , or {list} contains '…' for a part of its text"
            ),
        );
    }
    compare(literal, CompareOp::Equal, Operand { kind: OperandKind::Path(list), span: span.clone() })
}

pub(crate) fn in_networks(term: &Operand, networks: Vec<Operand>) -> Result<TestKind, Fault> {
    let path = need_texts(term, "in cidr(…)")?;
    let read = |operand: Operand| match operand.kind {
        OperandKind::Text(text) => {
            Network::parse(&text).map_err(|message| Fault { span: operand.span.clone(), message })
        }
        _ => fault(&operand.span, "expected a block of addresses in quotes, such as '10.0.0.0/8'"),
    };
    let networks = networks.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(TestKind::InNetworks { path, networks })
}

pub(crate) fn like(term: &Operand, pattern: Operand, ignore_case: bool) -> Result<TestKind, Fault> {
    let name = if ignore_case { "ilike" } else { "like" };
    let path = need_texts(term, name)?;
    let (text, span) = need_text(pattern, name)?;
    if path.is(Field::EventType) && text.contains('*') {
        return fault(
            &span,
            format!("no event type has a *; any run of characters is %, as in '{}'", text.replace('*', "%")),
        );
    }
    let pattern = LikePattern::parse(&text, ignore_case).map_err(|message| Fault { span, message })?;
    Ok(TestKind::Like { path, pattern })
}

pub(crate) fn affix(term: &Operand, affix: Affix, text: Operand) -> Result<TestKind, Fault> {
    let path = need_texts(term, affix.name())?;
    let (text, _) = need_text(text, affix.name())?;
    Ok(TestKind::Affix { path, affix, text: text.into() })
}

pub(crate) fn regex(term: &Operand, regex: Operand) -> Result<TestKind, Fault> {
    let path = need_texts(term, "matches")?;
    let (text, span) = need_text(regex, "matches")?;
    let compiled = regex::RegexBuilder::new(&text).size_limit(REGEX_SIZE).dfa_size_limit(REGEX_SIZE).build();
    match compiled {
        Ok(regex) => Ok(TestKind::Regex { path, regex }),
        Err(regex::Error::CompiledTooBig(_)) => {
            fault(&span, "this regular expression is too large when compiled; use smaller repetitions")
        }
        Err(error) => {
            // Its last line says what is wrong; the others draw the place.
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            fault(&span, format!("this is not a regular expression: {reason}"))
        }
    }
}

/// A path that stands alone.
pub(crate) fn truth(path: Path, span: &Range<usize>) -> Result<TestKind, Fault> {
    if path.kind() == Kind::Free {
        return Ok(TestKind::Compare {
            term: Term::Path(path),
            op: CompareOp::Equal,
            literal: Literal::Bool(true),
        });
    }
    fault(
        span,
        format!("{path} alone is neither true nor false; compare it, as in {}", example(path.kind(), &path)),
    )
}

fn example(kind: Kind, path: &Path) -> String {
    match kind {
        Kind::Text | Kind::Free => format!("{path} = 'x'"),
        Kind::Texts => format!("'x' in {path}"),
        Kind::Number => format!("{path} > 5m"),
        Kind::Time => format!("{path} > now - 7d"),
    }
}

fn as_term(operand: Operand) -> Result<Term, Operand> {
    match operand.kind {
        OperandKind::Path(path) => Ok(Term::Path(path)),
        OperandKind::Clock(clock, path) => Ok(Term::Clock(clock, path)),
        kind => Err(Operand { kind, ..operand }),
    }
}

fn need_term(operand: Operand) -> Result<Term, Fault> {
    as_term(operand)
        .or_else(|literal| fault(&literal.span, "expected a field here, such as actor.id, and no constant"))
}

fn need_texts(operand: &Operand, operator: &str) -> Result<Path, Fault> {
    let message = match &operand.kind {
        OperandKind::Path(path) => match path.kind() {
            Kind::Text | Kind::Texts | Kind::Free => return Ok(path.clone()),
            kind @ (Kind::Number | Kind::Time) => {
                let is = if kind == Kind::Time { "a time" } else { "a number of milliseconds" };
                format!(
                    "{path} is {is}, and `{operator}` wants a text; compare it, as in {}",
                    example(kind, path)
                )
            }
        },
        OperandKind::Clock(clock, _) => {
            format!("{}() is a number, and `{operator}` wants a text", clock.part.name())
        }
        _ => format!("`{operator}` tests a field, which stands on its left, as in resource.id {operator} …"),
    };
    fault(&operand.span, message)
}

fn need_text(operand: Operand, operator: &str) -> Result<(String, Range<usize>), Fault> {
    match operand.kind {
        OperandKind::Text(text) => Ok((text, operand.span)),
        kind => fault(
            &operand.span,
            format!("`{operator}` is followed by a text in quotes; this is {}", kind.describe()),
        ),
    }
}

/// The constant in the type of what it is compared with.
fn literal_for(term: &Term, equality: bool, operand: Operand) -> Result<Literal, Fault> {
    let Operand { kind: written, span } = operand;
    let name = term.name();
    if matches!(written, OperandKind::Null) {
        return fault(
            &span,
            format!("nothing is equal to null; write {name} is null, or {name} is not null"),
        );
    }
    if matches!(written, OperandKind::Path(_) | OperandKind::Clock(..)) {
        return fault(
            &span,
            format!(
                "`in` and `between` take constants and this is a field; compare two fields, as in {name} = actor.id"
            ),
        );
    }
    let path = match term {
        Term::Clock(clock, _) => return clock_literal(clock, equality, &written, &span),
        Term::Path(path) => path,
    };
    let described = written.describe();
    match (path.kind(), written) {
        (Kind::Texts, _) if !equality => fault(
            &span,
            format!("{name} is a list and has no order; write 'x' in {name}, or {name} contains 'x'"),
        ),
        (Kind::Free, OperandKind::Bool(_)) if !equality => {
            fault(&span, "true and false have no order; compare with = or !=")
        }
        (Kind::Text, OperandKind::Text(text)) if equality && path.place == Place::Fixed(Field::EventType) => {
            possible_event_type(&text, &span)?;
            Ok(Literal::Text(text.into()))
        }
        (Kind::Text, OperandKind::Text(text))
            if path.is(Field::ActorIpAddress) && text.contains('/') && Network::parse(&text).is_ok() =>
        {
            fault(&span, format!("this is a block and no address; write {name} in cidr('{text}')"))
        }
        (Kind::Text | Kind::Texts | Kind::Free, OperandKind::Text(text)) => Ok(Literal::Text(text.into())),
        (Kind::Number | Kind::Free, OperandKind::Number(number)) => Ok(Literal::Number(number)),
        (Kind::Number | Kind::Free, OperandKind::Duration(milliseconds)) => {
            Ok(Literal::Number(Number::Int(milliseconds)))
        }
        (Kind::Free, OperandKind::Bool(truth)) => Ok(Literal::Bool(truth)),
        (Kind::Time | Kind::Free, OperandKind::Now(offset)) => Ok(Literal::Time(TimeLiteral::Now(offset))),
        (Kind::Time, OperandKind::Text(text)) => Ok(Literal::Time(TimeLiteral::At(time(&text, &span)?))),
        (Kind::Time, OperandKind::Duration(_)) => {
            fault(&span, format!("{name} is a time and this is a duration; write now - … for so long ago"))
        }
        (Kind::Time, _) => fault(
            &span,
            format!(
                "{name} is a time and this is {described}; write one such as '2024-12-01T10:00:00Z', or now - 7d"
            ),
        ),
        (Kind::Number, _) => fault(
            &span,
            format!(
                "{name} is a number of milliseconds and this is {described}; write one such as 5m or 300000"
            ),
        ),
        (Kind::Text | Kind::Texts, _) => fault(
            &span,
            format!("{name} is a text and this is {described}; write a text in quotes, as in 'x'"),
        ),
        (Kind::Free, OperandKind::Null | OperandKind::Path(_) | OperandKind::Clock(..)) => {
            unreachable!("null and fields were refused above")
        }
    }
}

fn clock_literal(
    clock: &Clock,
    equality: bool,
    written: &OperandKind,
    span: &Range<usize>,
) -> Result<Literal, Fault> {
    let (name, range) = (clock.part.name(), clock.part.range());
    let (low, high) = (*range.start(), *range.end());
    let OperandKind::Number(number) = written else {
        let what = written.describe();
        return fault(span, format!("{name}() is a number from {low} to {high} and this is {what}"));
    };
    if equality && !matches!(number, Number::Int(int) if range.contains(int)) {
        return fault(
            span,
            format!("{name}() is a whole number from {low} to {high}; it can never be {number}"),
        );
    }
    Ok(Literal::Number(*number))
}

fn possible_event_type(text: &str, span: &Range<usize>) -> Result<(), Fault> {
    if text.parse::<EventType>().is_ok() {
        return Ok(());
    }
    let hint = if text.contains(['%', '*']) {
        format!("; for a pattern write event_type like '{}'", text.replace('*', "%"))
    } else if let Some(nearest) = nearest_event_type(text) {
        format!("; did you mean '{nearest}'?")
    } else {
        "; types are names of letters, digits, _ and - joined by dots, such as backup.completed".to_owned()
    };
    fault(span, format!("no event has this type{hint}"))
}

fn time(text: &str, span: &Range<usize>) -> Result<Timestamp, Fault> {
    let milliseconds = read_date(text).or_else(|| read_rfc3339(text));
    if let Some(time) = milliseconds.and_then(|time| Timestamp::from_milliseconds(time).ok()) {
        return Ok(time);
    }
    let hint = if read_rfc3339(&format!("{text}Z")).is_some()
        || read_rfc3339(&format!("{text}:00Z")).is_some()
    {
        "an offset is missing: write Z for UTC or one such as +01:00 after it, as in 2024-12-01T10:00:00Z"
    } else {
        "expected 2024-12-01T10:00:00Z (RFC 3339, with any offset), 2024-12-01 (midnight in UTC), or now - 7d without quotes"
    };
    fault(span, format!("this is not a time; {hint}"))
}

fn compare_terms(left: Term, op: CompareOp, right: Term, span: &Range<usize>) -> Result<TestKind, Fault> {
    let (a, b) = (left.kind(), right.kind());
    let texts = |kind| matches!(kind, Kind::Text | Kind::Texts);
    if !(a == b || a == Kind::Free || b == Kind::Free || texts(a) && texts(b)) {
        let (left, right) = (left.name(), right.name());
        return fault(
            span,
            format!(
                "{left} is {} and {right} is {}; they can never be equal, nor in order",
                a.describe(),
                b.describe()
            ),
        );
    }
    if (a == Kind::Texts || b == Kind::Texts) && op != CompareOp::Equal {
        return fault(span, "a list has no order; compare with = or !=");
    }
    Ok(TestKind::ComparePaths { left, op, right })
}

impl Term {
    fn kind(&self) -> Kind {
        match self {
            Self::Path(path) => path.kind(),
            Self::Clock(..) => Kind::Number,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Path(path) => path.to_string(),
            Self::Clock(clock, path) => clock.call(path),
        }
    }
}

impl Kind {
    fn describe(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Texts => "a list of texts",
            Self::Number => "a number",
            Self::Time => "a time",
            Self::Free => "any value",
        }
    }
}

impl OperandKind {
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::Path(_) => "a field",
            Self::Clock(..) | Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::Duration(_) => "a duration",
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
            Self::Null => "null",
            Self::Now(_) => "a time",
        }
    }
}

impl Affix {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
        }
    }
}

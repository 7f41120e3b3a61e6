//! What a test says of an event. Nothing is allocated, unless two long arrays are compared.

use std::cmp::Ordering;
use std::net::IpAddr;

use audit_model::{Event, Timestamp};

use crate::Path;
use crate::clock::Clock;
use crate::expr::{Affix, CompareOp, Expr, Literal, Node, Term, TestKind};
use crate::field::Field;
use crate::instant::read_rfc3339;
use crate::number::Number;
use crate::path::Scalar;

impl Node {
    /// Whether the condition could be true of an event of that type, whatever else is in it.
    pub(crate) fn may_match_type(&self, event_type: &str) -> bool {
        self.by_type(event_type) != Some(false)
    }

    /// What the type alone decides, if it decides anything.
    fn by_type(&self, event_type: &str) -> Option<bool> {
        match &self.expr {
            Expr::And(parts) => decided(parts, event_type, false),
            Expr::Or(parts) => decided(parts, event_type, true),
            Expr::Not(part) => part.by_type(event_type).map(|truth| !truth),
            Expr::Constant(constant) => Some(*constant),
            Expr::Test(test) => match (&test.kind, test.kind.term()) {
                (TestKind::Exists { path }, _) if path.is(Field::EventType) => Some(!test.negated),
                (kind, Some((path, None))) if path.is(Field::EventType) => {
                    // The checker lets nothing that depends on `now` near a text.
                    let unused = Timestamp::from_milliseconds(0).expect("1970 is in range");
                    Some(kind.passes(Scalar::Text(event_type), unused) != test.negated)
                }
                _ => None,
            },
        }
    }
}

/// One part that is `absorbing` decides all; else every part has to be decided.
fn decided(parts: &[Node], event_type: &str, absorbing: bool) -> Option<bool> {
    let mut all = Some(!absorbing);
    for part in parts {
        match part.by_type(event_type) {
            Some(truth) if truth == absorbing => return Some(absorbing),
            Some(_) => {}
            None => all = None,
        }
    }
    all
}

impl TestKind {
    /// Whether the positive form of the test is true.
    pub(crate) fn matches(&self, event: &Event, now: Timestamp) -> bool {
        match self {
            Self::Exists { path } => path.get(event).is_some(),
            Self::ComparePaths { left, op, right } => any_pair(left, *op, right, event),
            _ => match self.term() {
                Some((path, None)) => path.any(event, |value| self.passes(value, now)),
                Some((path, Some(clock))) => {
                    any_on_clock(clock, path, event, |value| self.passes(value, now))
                }
                None => false,
            },
        }
    }

    /// What is tested against constants: a path, and the clock that is read at its time.
    pub(crate) fn term(&self) -> Option<(&Path, Option<&Clock>)> {
        match self {
            Self::Compare { term, .. } | Self::Between { term, .. } | Self::In { term, .. } => {
                Some(match term {
                    Term::Path(path) => (path, None),
                    Term::Clock(clock, path) => (path, Some(clock)),
                })
            }
            Self::InNetworks { path, .. }
            | Self::Like { path, .. }
            | Self::Affix { path, .. }
            | Self::Regex { path, .. } => Some((path, None)),
            Self::Exists { .. } | Self::ComparePaths { .. } => None,
        }
    }

    /// Whether one value of the term passes.
    fn passes(&self, value: Scalar<'_>, now: Timestamp) -> bool {
        match (self, value) {
            (Self::Compare { op, literal, .. }, _) => value.compare(*op, literal, now),
            (Self::Between { low, high, .. }, _) => {
                value.compare(CompareOp::GreaterOrEqual, low, now)
                    && value.compare(CompareOp::LessOrEqual, high, now)
            }
            (Self::In { list, .. }, _) => {
                list.iter().any(|literal| value.compare(CompareOp::Equal, literal, now))
            }
            (Self::InNetworks { networks, .. }, Scalar::Text(text)) => text
                .parse::<IpAddr>()
                .is_ok_and(|address| networks.iter().any(|network| network.contains(address))),
            (Self::Like { pattern, .. }, Scalar::Text(text)) => pattern.matches(text),
            (Self::Affix { affix: Affix::Contains, text: part, .. }, Scalar::Text(text)) => {
                contains(text, part)
            }
            (Self::Affix { affix: Affix::StartsWith, text: part, .. }, Scalar::Text(text)) => {
                text.starts_with(&**part)
            }
            (Self::Affix { affix: Affix::EndsWith, text: part, .. }, Scalar::Text(text)) => {
                text.ends_with(&**part)
            }
            (Self::Regex { regex, .. }, Scalar::Text(text)) => regex.is_match(text),
            _ => false,
        }
    }
}

/// So many values on one side are compared with each of the other's.
const FEW: usize = 32;

/// Whether any value of one side is so to any of the other.
fn any_pair(left: &Term, op: CompareOp, right: &Term, event: &Event) -> bool {
    let has_many = |term: &Term| {
        let mut count = 0;
        term.any(event, |_| {
            count += 1;
            count > FEW
        })
    };
    if !(has_many(left) && has_many(right)) {
        return left.any(event, |a| right.any(event, |b| a.compare_with(op, b)));
    }
    // Every pair of two long arrays would take minutes: of the sorted values only the nearest one can be it.
    let mut sorted = Vec::new();
    right.any(event, |value| {
        sorted.push(value);
        false
    });
    sorted.sort_unstable_by(|a, b| a.order(*b));
    left.any(event, |a| {
        let below = |also_equal: bool| {
            sorted.partition_point(|b| b.order(a).is_lt() || also_equal && b.order(a).is_eq())
        };
        let nearest = match op {
            CompareOp::Equal | CompareOp::LessOrEqual => Some(below(false)),
            CompareOp::Less => Some(below(true)),
            CompareOp::Greater => below(false).checked_sub(1),
            CompareOp::GreaterOrEqual => below(true).checked_sub(1),
        };
        nearest.and_then(|at| sorted.get(at)).is_some_and(|b| a.compare_with(op, *b))
    })
}

fn contains(text: &str, part: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), part.as_bytes()).is_some()
}

fn any_on_clock<'e>(
    clock: &Clock,
    path: &Path,
    event: &'e Event,
    mut passes: impl FnMut(Scalar<'e>) -> bool,
) -> bool {
    path.any(event, |value| {
        value.time().is_some_and(|time| passes(Scalar::Number(Number::Int(clock.read(time)))))
    })
}

impl Term {
    /// Whether any of the term's values in the event passes.
    pub(crate) fn any<'e>(&self, event: &'e Event, passes: impl FnMut(Scalar<'e>) -> bool) -> bool {
        match self {
            Self::Path(path) => path.any(event, passes),
            Self::Clock(clock, path) => any_on_clock(clock, path, event, passes),
        }
    }
}

impl Scalar<'_> {
    fn compare(self, op: CompareOp, literal: &Literal, now: Timestamp) -> bool {
        let order = match (self, literal) {
            (Self::Text(a), Literal::Text(b)) if op == CompareOp::Equal => return *a == **b,
            (Self::Text(a), Literal::Text(b)) => a.cmp(b),
            (Self::Number(a), Literal::Number(b)) => {
                return a.compare(*b).is_some_and(|order| op.holds(order));
            }
            (Self::Bool(a), Literal::Bool(b)) => return op == CompareOp::Equal && a == *b,
            (value, Literal::Time(literal)) => {
                return value.time().is_some_and(|time| op.holds(time.cmp(&literal.milliseconds(now))));
            }
            _ => return false,
        };
        op.holds(order)
    }

    fn compare_with(self, op: CompareOp, other: Self) -> bool {
        let order = match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => return a.compare(b).is_some_and(|order| op.holds(order)),
            (Self::Bool(a), Self::Bool(b)) => return op == CompareOp::Equal && a == b,
            (a @ Self::Time(_), b) | (a, b @ Self::Time(_)) => match (a.time(), b.time()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => return false,
            },
            _ => return false,
        };
        op.holds(order)
    }

    /// An order of all values, those of one type together.
    fn order(self, other: Self) -> Ordering {
        let of_type = |value: Self| match value {
            Self::Text(_) => 0,
            Self::Number(_) => 1,
            Self::Bool(_) => 2,
            Self::Time(_) => 3,
        };
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.compare(b).expect("JSON has no NaN"),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(&b),
            (Self::Time(a), Self::Time(b)) => a.cmp(&b),
            (a, b) => of_type(a).cmp(&of_type(b)),
        }
    }

    fn time(self) -> Option<i64> {
        match self {
            Self::Time(milliseconds) => Some(milliseconds),
            Self::Text(text) => read_rfc3339(text),
            Self::Number(_) | Self::Bool(_) => None,
        }
    }
}

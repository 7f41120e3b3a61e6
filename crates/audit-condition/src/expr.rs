//! The checked tree: what a condition says, with every name resolved, every literal of the type that its field
//! has, and every pattern compiled. Explanations and translations are made from it.
//!
//! The rules that whoever walks it has to keep:
//! - Logic has two values. A test of a field that is missing, or of another JSON type, is false.
//! - A test is positive; `negated` turns its result round (`!=`, `not in`, `not like`, `is null` …), so that it is
//!   exactly `not (…)` of the positive form.
//! - A path may stand for several values (roles, JSON arrays at any step, nested ones too): a positive test is true
//!   when any of them passes.

use std::ops::Range;

use audit_model::Timestamp;

use crate::Path;
use crate::clock::Clock;
use crate::like::LikePattern;
use crate::network::Network;
use crate::number::Number;

/// A part of a condition and where in the source text it stands (bytes), parentheses around it left out.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) expr: Expr,
    pub(crate) span: Range<usize>,
}

/// The logic. `And` and `Or` have two or more parts, in the order of the source.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    And(Vec<Node>),
    Or(Vec<Node>),
    /// A written `not`; the negated operators are `Test::negated`.
    Not(Box<Node>),
    /// A literal `true` or `false`.
    Constant(bool),
    Test(Test),
}

/// One test of one field, or of two.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    /// `!=`, `not in`, `not between`, `not like`, `not contains`, `!~`, `is null` …
    pub(crate) negated: bool,
    pub(crate) kind: TestKind,
}

#[derive(Clone, Debug)]
pub(crate) enum TestKind {
    /// `term = literal`, `'x' in path` (as `=`), and a free path that stands alone (as `= true`).
    /// A literal on the left has been turned to the right.
    Compare { term: Term, op: CompareOp, literal: Literal },
    /// `path = path`: any value of the left one with any of the right one.
    ComparePaths { left: Term, op: CompareOp, right: Term },
    /// `term between low and high`, both included: one value that is in between.
    Between { term: Term, low: Literal, high: Literal },
    /// `term in (…)`; at least one literal.
    In { term: Term, list: Vec<Literal> },
    /// `path in cidr(…)`: the text is an address in one of the networks; at least one.
    InNetworks { path: Path, networks: Vec<Network> },
    /// `like`, `ilike`.
    Like { path: Path, pattern: LikePattern },
    /// `contains`, `starts_with`, `ends_with`; case-sensitive.
    Affix { path: Path, affix: Affix, text: Box<str> },
    /// `matches`, `~`, `=~`: the expression is found anywhere in the text, unless it has `^` or `$`.
    Regex { path: Path, regex: regex::Regex },
    /// `exists`, `is not null`: there is a value and it is not JSON's null. An empty array is a value, the
    /// roles of an actor without any are not.
    Exists { path: Path },
}

/// What has a value that is compared.
#[derive(Clone, Debug)]
pub(crate) enum Term {
    Path(Path),
    /// `hour(path)`, `minute(path)`, `weekday(path)`: a whole number.
    Clock(Clock, Path),
}

/// `!=` is `Equal`, negated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CompareOp {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Affix {
    Contains,
    StartsWith,
    EndsWith,
}

/// A constant. The checker has seen to it that it fits what it is compared with:
/// `Text` with text fields and free ones, `Number` (durations are milliseconds) with `action.duration_ms`,
/// clock terms and free fields, `Bool` with free fields and equality only, `Time` with `timestamp` and free fields
/// (whose text is then read as RFC 3339; what isn't that is no value).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Text(Box<str>),
    Number(Number),
    Bool(bool),
    Time(TimeLiteral),
}

/// A time that is written out or counted from `now`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeLiteral {
    At(Timestamp),
    /// `now` plus so many milliseconds (negative for `now - 7d`), held within the years 0 to 9999.
    Now(i64),
}

impl Node {
    pub(crate) fn uses_now(&self) -> bool {
        match &self.expr {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().any(Self::uses_now),
            Expr::Not(part) => part.uses_now(),
            Expr::Constant(_) => false,
            Expr::Test(test) => match &test.kind {
                TestKind::Compare { literal, .. } => literal.is_now(),
                TestKind::Between { low, high, .. } => low.is_now() || high.is_now(),
                TestKind::In { list, .. } => list.iter().any(Literal::is_now),
                TestKind::ComparePaths { .. }
                | TestKind::InNetworks { .. }
                | TestKind::Like { .. }
                | TestKind::Affix { .. }
                | TestKind::Regex { .. }
                | TestKind::Exists { .. } => false,
            },
        }
    }
}

impl Literal {
    fn is_now(&self) -> bool {
        matches!(self, Self::Time(TimeLiteral::Now(_)))
    }
}

impl CompareOp {
    /// The operator with its sides exchanged: `5 < x` is `x > 5`.
    pub(crate) fn turned(self) -> Self {
        match self {
            Self::Equal => Self::Equal,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }

    pub(crate) fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl TimeLiteral {
    /// The time in milliseconds since 1970.
    pub(crate) fn milliseconds(self, now: Timestamp) -> i64 {
        match self {
            Self::At(time) => time.as_milliseconds(),
            Self::Now(offset) => now.as_milliseconds().saturating_add(offset),
        }
    }
}

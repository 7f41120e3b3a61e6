//! What is run: the tree made flat and small, with the cheap tests first.

use audit_model::{Event, Timestamp};

use crate::expr::{Affix, CompareOp, Expr, Literal, Node, Term, Test, TestKind};
use crate::field::{Field, Kind};
use crate::path::{Path, Place};

/// A compiled condition. Which part of an `and` or `or` is tried first makes no difference to the result, since a test
/// changes nothing and never fails; so each is sorted by cost.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    Constant(bool),
    /// A text field has this text.
    TextIs(Field, Box<str>),
    /// A text field has one of these texts, sorted.
    TextIn(Field, Box<[Box<str>]>),
    /// A text field begins with this text.
    TextBegins(Field, Box<str>),
    /// Any other test, in its positive form.
    Test(Box<TestKind>),
    Not(Box<Program>),
    All(Box<[Program]>),
    Any(Box<[Program]>),
}

impl Program {
    pub(crate) fn of(node: &Node) -> Self {
        match &node.expr {
            Expr::Constant(constant) => Self::Constant(*constant),
            Expr::Not(part) => Self::of(part).negated(),
            Expr::Test(Test { negated, kind }) => {
                let test = Self::of_test(kind);
                if *negated { test.negated() } else { test }
            }
            Expr::And(parts) => {
                let mut flat = Vec::with_capacity(parts.len());
                for part in parts {
                    match Self::of(part) {
                        Self::All(inner) => flat.extend(inner),
                        other => flat.push(other),
                    }
                }
                flat.sort_by_key(Self::cost);
                Self::All(flat.into())
            }
            Expr::Or(parts) => {
                let mut flat = Vec::with_capacity(parts.len());
                for part in parts {
                    match Self::of(part) {
                        Self::Any(inner) => flat.extend(inner),
                        other => flat.push(other),
                    }
                }
                flat.sort_by_key(Self::cost);
                Self::Any(flat.into())
            }
        }
    }

    fn of_test(kind: &TestKind) -> Self {
        let general = || Self::Test(Box::new(kind.clone()));
        match kind {
            TestKind::Compare { term, op: CompareOp::Equal, literal: Literal::Text(text) } => {
                text_field(term).map_or_else(general, |field| Self::TextIs(field, text.clone()))
            }
            TestKind::In { term, list } => text_field(term).map_or_else(general, |field| {
                let texts = list.iter().filter_map(|literal| match literal {
                    Literal::Text(text) => Some(text.clone()),
                    _ => None,
                });
                let mut texts: Vec<_> = texts.collect();
                texts.sort_unstable();
                texts.dedup();
                Self::TextIn(field, texts.into())
            }),
            TestKind::Affix { path, affix: Affix::StartsWith, text } => {
                fixed_text(path).map_or_else(general, |field| Self::TextBegins(field, text.clone()))
            }
            TestKind::Like { path, pattern } => match (fixed_text(path), pattern.simple()) {
                (Some(field), Some((text, false))) => Self::TextIs(field, text.into()),
                (Some(field), Some((text, true))) => Self::TextBegins(field, text.into()),
                _ => general(),
            },
            _ => general(),
        }
    }

    fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            Self::Constant(constant) => Self::Constant(!constant),
            other => Self::Not(Box::new(other)),
        }
    }

    #[inline]
    pub(crate) fn run(&self, event: &Event, now: Timestamp) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.run_part(event, now)),
            part => part.run_part(event, now),
        }
    }

    /// By far the most frequent test is inlined into every loop, and all else is a call.
    #[inline]
    fn run_part(&self, event: &Event, now: Timestamp) -> bool {
        match self {
            Self::TextIs(field, wanted) => field.text(event).is_some_and(|text| is_same(text, wanted)),
            other => other.run_other(event, now),
        }
    }

    #[inline(never)]
    fn run_other(&self, event: &Event, now: Timestamp) -> bool {
        match self {
            Self::TextIs(field, wanted) => field.text(event).is_some_and(|text| is_same(text, wanted)),
            Self::TextIn(field, texts) => field.text(event).is_some_and(|text| is_among(text, texts)),
            Self::TextBegins(field, start) => {
                field.text(event).is_some_and(|text| text.starts_with(&**start))
            }
            Self::Test(test) => test.matches(event, now),
            Self::Not(part) => !part.run_part(event, now),
            Self::All(parts) => parts.iter().all(|part| part.run_part(event, now)),
            Self::Any(parts) => parts.iter().any(|part| part.run_part(event, now)),
            Self::Constant(constant) => *constant,
        }
    }

    /// Roughly, in nanoseconds.
    fn cost(&self) -> u32 {
        match self {
            Self::Constant(_) => 0,
            Self::TextIs(..) => 3,
            Self::TextBegins(..) => 4,
            Self::TextIn(_, texts) => 4 + texts.len().ilog2(),
            Self::Not(part) => part.cost(),
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().fold(0, |sum, part| sum.saturating_add(part.cost()))
            }
            Self::Test(test) => match &**test {
                TestKind::Compare { term, .. } | TestKind::Between { term, .. } => term_cost(term),
                TestKind::In { term, list } => {
                    term_cost(term).saturating_add(u32::try_from(list.len()).unwrap_or(u32::MAX))
                }
                TestKind::Exists { path } => path_cost(path),
                TestKind::ComparePaths { left, right, .. } => term_cost(left) + term_cost(right),
                TestKind::InNetworks { path, .. } => path_cost(path) + 30,
                TestKind::Affix { path, .. } => path_cost(path) + 15,
                TestKind::Like { path, .. } => path_cost(path) + 30,
                TestKind::Regex { path, .. } => path_cost(path) + 100,
            },
        }
    }
}

/// `a == b`, without a call for the lengths that event types, results, roles and environments have.
#[inline]
fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        // Two halves that overlap.
        8..=16 => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
        4..=7 => a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk(),
        _ => a == b,
    }
}

fn is_among(text: &str, sorted: &[Box<str>]) -> bool {
    // Few texts of different lengths are told apart sooner one by one.
    if sorted.len() <= 8 {
        return sorted.iter().any(|one| is_same(one, text));
    }
    sorted.binary_search_by(|one| (**one).cmp(text)).is_ok()
}

fn fixed_text(path: &Path) -> Option<Field> {
    match path.place {
        Place::Fixed(field) if field.kind() == Kind::Text => Some(field),
        _ => None,
    }
}

fn text_field(term: &Term) -> Option<Field> {
    match term {
        Term::Path(path) => fixed_text(path),
        Term::Clock(..) => None,
    }
}

fn path_cost(path: &Path) -> u32 {
    match &path.place {
        Place::Fixed(_) => 4,
        Place::Free(_, keys) => 15 * u32::try_from(keys.len()).unwrap_or(1),
    }
}

fn term_cost(term: &Term) -> u32 {
    match term {
        Term::Path(path) => path_cost(path),
        Term::Clock(_, path) => path_cost(path) + 15,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_length_are_the_same_only_when_every_byte_is() {
        for length in 0..40 {
            let text = "x".repeat(length);
            assert!(is_same(&text, &"x".repeat(length)));
            assert!(!is_same(&text, &"x".repeat(length + 1)));
            for place in 0..length {
                let other = format!("{}y{}", "x".repeat(place), "x".repeat(length - place - 1));
                assert!(!is_same(&text, &other), "{other}");
            }
        }
    }
}

use std::collections::{BTreeSet, HashMap};

use audit_model::{Event, Timestamp};

use crate::Condition;
use crate::expr::{Affix, CompareOp, Expr, Literal, Node, Term, TestKind};
use crate::field::Field;
use crate::like::LikePart;

/// Many conditions, of which those that can't be true of an event's type are not tried.
///
/// A condition that is true only of certain event types (`event_type == 'x'`, `event_type in (…)`,
/// `event_type like 'backup.%'`, in every branch of its `or`s) is found by the type; the others are tried each time.
///
/// ```
/// use audit_condition::{Condition, ConditionSet};
/// use audit_model::{Action, Actor, Event, EventType, Timestamp};
///
/// let set = ConditionSet::new([
///     Condition::parse("event_type == 'backup.failed'")?,
///     Condition::parse("actor.id == 'bob'")?,
///     Condition::parse("event_type like 'restore.%' and actor.id == 'bob'")?,
/// ]);
/// let event = Event::new(EventType::BACKUP_FAILED, Actor::user("bob"), Action::failure("backup"));
/// let mut found = Vec::new();
/// set.matching(&event, Timestamp::now(), |index| found.push(index));
/// assert_eq!(found, [0, 1]);
/// # Ok::<(), audit_condition::ConditionError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ConditionSet {
    conditions: Vec<Condition>,
    /// By exact event type; all lists are of indices, ascending.
    by_type: HashMap<Box<str>, Vec<u32>>,
    /// By the first name of the event type, without its dot.
    by_category: HashMap<Box<str>, Vec<u32>>,
    others: Vec<u32>,
}

/// The event types that a condition can be true of.
struct Types {
    exact: BTreeSet<Box<str>>,
    categories: BTreeSet<Box<str>>,
}

impl ConditionSet {
    /// A set of those conditions, which are told apart by their index.
    #[must_use]
    pub fn new(conditions: impl IntoIterator<Item = Condition>) -> Self {
        let mut set = Self { conditions: conditions.into_iter().collect(), ..Self::default() };
        for (index, condition) in set.conditions.iter().enumerate() {
            let index = u32::try_from(index).expect("so many conditions do not fit in memory");
            match types(condition.tree()) {
                None => set.others.push(index),
                Some(Types { exact, categories }) => {
                    for event_type in exact {
                        // Its category finds it already.
                        if !categories.contains(category(&event_type)) {
                            set.by_type.entry(event_type).or_default().push(index);
                        }
                    }
                    for category in categories {
                        set.by_category.entry(category).or_default().push(index);
                    }
                }
            }
        }
        set
    }

    /// The conditions, in the order they were given.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Calls `found` with the index of each condition that is true of the event, when it is `now`, in ascending order.
    pub fn matching(&self, event: &Event, now: Timestamp, mut found: impl FnMut(usize)) {
        for index in self.candidates(event.event_type.as_str()) {
            if self.conditions[index].matches(event, now) {
                found(index);
            }
        }
    }

    /// Whether any of the conditions is true of the event, when it is `now`.
    #[must_use]
    pub fn matches_any(&self, event: &Event, now: Timestamp) -> bool {
        self.candidates(event.event_type.as_str()).any(|index| self.conditions[index].matches(event, now))
    }

    /// Whether there can be an event of that type of which any of the conditions is true: when not, a reader need
    /// not read the rest of it.
    #[must_use]
    pub fn may_match_type(&self, event_type: &str) -> bool {
        self.candidates(event_type).any(|index| self.conditions[index].may_match_type(event_type))
    }

    /// The conditions that the type does not rule out, ascending.
    fn candidates(&self, event_type: &str) -> Candidates<'_> {
        Candidates {
            lists: [
                self.by_type.get(event_type).map_or(&[], Vec::as_slice),
                self.by_category.get(category(event_type)).map_or(&[], Vec::as_slice),
                &self.others,
            ],
        }
    }
}

impl FromIterator<Condition> for ConditionSet {
    fn from_iter<I: IntoIterator<Item = Condition>>(conditions: I) -> Self {
        Self::new(conditions)
    }
}

/// Three ascending lists without a common member, as one.
struct Candidates<'a> {
    lists: [&'a [u32]; 3],
}

impl Iterator for Candidates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let first = |list: &&[u32]| list.first().copied().unwrap_or(u32::MAX);
        let list = self.lists.iter_mut().min_by_key(|list| first(list))?;
        let (index, rest) = list.split_first()?;
        *list = rest;
        Some(*index as usize)
    }
}

fn category(event_type: &str) -> &str {
    event_type.split('.').next().unwrap_or(event_type)
}

/// None is any type.
fn types(node: &Node) -> Option<Types> {
    match &node.expr {
        Expr::Constant(false) => Some(Types::none()),
        Expr::Constant(true) | Expr::Not(_) => None,
        // Each part narrows it; the narrowest will do.
        Expr::And(parts) => parts.iter().filter_map(types).min_by_key(Types::breadth),
        Expr::Or(parts) => parts.iter().try_fold(Types::none(), |mut all, part| {
            let types = types(part)?;
            all.exact.extend(types.exact);
            all.categories.extend(types.categories);
            Some(all)
        }),
        Expr::Test(test) if test.negated => None,
        Expr::Test(test) => types_of_test(&test.kind),
    }
}

fn types_of_test(test: &TestKind) -> Option<Types> {
    let (path, None) = test.term()? else { return None };
    if !path.is(Field::EventType) {
        return None;
    }
    let text = |literal: &Literal| match literal {
        Literal::Text(text) => Some(text.clone()),
        _ => None,
    };
    match test {
        TestKind::Compare { op: CompareOp::Equal, literal, .. } => {
            Some(Types { exact: text(literal).into_iter().collect(), ..Types::none() })
        }
        TestKind::In { term: Term::Path(_), list } => {
            Some(Types { exact: list.iter().filter_map(text).collect(), ..Types::none() })
        }
        TestKind::Affix { affix: Affix::StartsWith, text, .. } => Types::beginning(text),
        TestKind::Like { pattern, .. } => match pattern.prefix() {
            (text, []) => Some(Types { exact: [text.into()].into(), ..Types::none() }),
            (prefix, [LikePart::Any | LikePart::One | LikePart::Char(_), ..]) => Types::beginning(&prefix),
        },
        _ => None,
    }
}

impl Types {
    fn none() -> Self {
        Self { exact: BTreeSet::new(), categories: BTreeSet::new() }
    }

    /// Types that begin so, if the first name is complete.
    fn beginning(prefix: &str) -> Option<Self> {
        let (category, _) = prefix.split_once('.')?;
        Some(Self { categories: [category.into()].into(), ..Self::none() })
    }

    fn breadth(&self) -> usize {
        self.exact.len() + 8 * self.categories.len()
    }
}

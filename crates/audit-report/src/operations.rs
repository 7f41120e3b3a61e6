use hashbrown::HashMap;

use serde::Serialize;

use crate::excerpt::excerpt;
use crate::outcome::Outcome;

/// What was done, by type and result.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Operations {
    /// Every result that there is, the known ones first; null stands for events that name none.
    pub results: Vec<Option<String>>,
    /// Every event type that there is, by category and name.
    pub types: Vec<Operation>,
    /// How many events have each of [`results`](Self::results).
    pub totals: Vec<u64>,
}

/// The events of one type.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Operation {
    /// Which type.
    pub event_type: String,
    /// How many.
    pub total: u64,
    /// How many failed.
    pub failures: u64,
    /// How many were denied.
    pub denied: u64,
    /// How many have each of the results, in the order of [`Operations::results`].
    pub counts: Vec<u64>,
}

impl Operation {
    /// What stands before the first dot of the type.
    #[must_use]
    pub fn category(&self) -> &str {
        category(&self.event_type)
    }
}

pub(crate) fn category(event_type: &str) -> &str {
    event_type.split('.').next().unwrap_or(event_type)
}

/// Counts by type and result.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    types: HashMap<Box<str>, TypeCount>,
}

#[derive(Clone, Debug, Default)]
struct TypeCount {
    total: u64,
    failures: u64,
    denied: u64,
    /// Few: a list is faster than a map.
    results: Vec<(Option<Box<str>>, u64)>,
}

impl TypeCount {
    fn add(&mut self, result: Option<&str>, number: u64) {
        match self.results.iter_mut().find(|(name, _)| name.as_deref() == result) {
            Some((_, count)) => *count += number,
            None => self.results.push((result.map(Box::from), number)),
        }
    }
}

impl Counts {
    pub(crate) fn count(&mut self, event_type: &str, result: Option<&str>, outcome: Outcome) {
        let count = match self.types.get_mut(event_type) {
            Some(count) => count,
            None => self.types.entry(event_type.into()).or_default(),
        };
        count.total += 1;
        count.failures += u64::from(outcome == Outcome::Failed);
        count.denied += u64::from(outcome == Outcome::Denied);
        count.add(result, 1);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (event_type, its) in other.types {
            let count = self.types.entry(event_type).or_default();
            count.total += its.total;
            count.failures += its.failures;
            count.denied += its.denied;
            for (result, number) in its.results {
                count.add(result.as_deref(), number);
            }
        }
    }

    pub(crate) fn finish(self) -> Operations {
        let mut results: Vec<Option<String>> = self
            .types
            .values()
            .flat_map(|count| &count.results)
            .map(|(name, _)| name.as_deref().map(str::to_owned))
            .collect();
        results.sort_by(|a, b| rank(a.as_deref()).cmp(&rank(b.as_deref())).then_with(|| a.cmp(b)));
        results.dedup();
        let index: HashMap<Option<&str>, usize> =
            results.iter().enumerate().map(|(index, name)| (name.as_deref(), index)).collect();
        let mut totals = vec![0; results.len()];
        let mut types: Vec<Operation> = Vec::with_capacity(self.types.len());
        for (event_type, count) in self.types {
            let mut counts = vec![0; results.len()];
            for (name, number) in &count.results {
                let column = index[&name.as_deref()];
                counts[column] += number;
                totals[column] += number;
            }
            let TypeCount { total, failures, denied, .. } = count;
            types.push(Operation { event_type: excerpt(&event_type), total, failures, denied, counts });
        }
        types.sort_by(|a, b| (a.category(), &a.event_type).cmp(&(b.category(), &b.event_type)));
        drop(index);
        let results = results.into_iter().map(|name| name.map(|name| excerpt(&name))).collect();
        Operations { results, types, totals }
    }
}

/// The order in which people expect results.
fn rank(result: Option<&str>) -> usize {
    const KNOWN: [&str; 5] = ["success", "failure", "denied", "cancelled", "in_progress"];
    match result {
        Some(result) => KNOWN.iter().position(|known| *known == result).unwrap_or(KNOWN.len()),
        None => KNOWN.len() + 1,
    }
}

use std::collections::{BTreeMap, HashSet};

use audit_condition::ConditionSet;
use audit_model::{Event, EventType, Timestamp};

use crate::alert::Alert;
use crate::clock::timestamp;
use crate::rule::{Rule, RuleError, digest};
use crate::state::{Remembered, State};
use crate::times::id_number;
use crate::window::Arrival;

/// All rules, found by the event that they are about.
///
/// Nothing here has a clock: `now` is what the caller's says. What it is about to tell follows from its arguments alone.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<Rule>,
    conditions: ConditionSet,
    /// For each condition, which rule it is of, and whether it is the one of its `preceded_by`.
    owners: Vec<(usize, bool)>,
    fingerprint: [u8; 32],
}

impl Rules {
    /// These rules.
    ///
    /// # Errors
    /// When two have the same name.
    pub fn new(rules: Vec<Rule>) -> Result<Self, RuleError> {
        let mut names = HashSet::new();
        if let Some(rule) = rules.iter().find(|rule| !names.insert(rule.name())) {
            return Err(rule.duplicate());
        }
        let mut conditions = Vec::new();
        let mut owners = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            conditions.push(rule.condition().clone());
            owners.push((index, false));
            if let Some(before) = &rule.options().preceded_by {
                conditions.push(before.condition.clone());
                owners.push((index, true));
            }
        }
        let texts = rules.iter().flat_map(|rule| {
            [rule.name().to_owned(), rule.definition().to_owned(), format!("{:?}", rule.terms())]
        });
        let texts: Vec<String> = texts.collect();
        let fingerprint = digest(texts.iter().map(String::as_str));
        Ok(Self { conditions: ConditionSet::new(conditions), rules, owners, fingerprint })
    }

    /// The rules, in their order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The rule of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name() == name)
    }

    /// Whether an event of that type may match any rule. Records about alerts (`alert.fired`, `alert.resolved`,
    /// `alert.notify_failed`) match none: an alert cannot trigger an alert.
    #[must_use]
    pub fn may_match_type(&self, event_type: &str) -> bool {
        !is_of_alert(event_type) && self.conditions.may_match_type(event_type)
    }

    /// Takes in one event of the log, and returns whom it makes tell what.
    ///
    /// To be called with every event, in the order of the log. Events before the log's end are to be observed before
    /// [`tick`](Self::tick) is called, or alerts that go on would be taken for over.
    #[must_use]
    pub fn observe(&self, state: &mut State, event: &Event, now: Timestamp) -> Vec<Alert> {
        let mut alerts = Vec::new();
        self.adopt(state, now);
        if event.event_type.is_alert() {
            return alerts;
        }
        let mut matched: Vec<(usize, bool)> = Vec::new();
        self.conditions.matching(event, now, |condition| matched.push(self.owners[condition]));
        if matched.is_empty() {
            return alerts;
        }
        let now = now.as_milliseconds();
        // An event of the future would make all that follows late.
        let entry = (event.timestamp.as_milliseconds().min(now), id_number(&event.event_id));
        for of_rule in matched.chunk_by(|a, b| a.0 == b.0) {
            let index = of_rule[0].0;
            let arrival = Arrival {
                event,
                entry,
                counts: of_rule.iter().any(|(_, before)| !before),
                precedes: of_rule.iter().any(|(_, before)| *before),
                now,
            };
            state.rules[index].observe(&self.rules[index], &arrival, &mut alerts);
        }
        alerts
    }

    /// Lets time pass: alerts end, are told again, and absences are noticed. To be called when [`next_tick`](Self::next_tick)
    /// says so; more often does no harm, later only delays.
    #[must_use]
    pub fn tick(&self, state: &mut State, now: Timestamp) -> Vec<Alert> {
        let mut alerts = Vec::new();
        self.adopt(state, now);
        for (rule, remembered) in self.rules.iter().zip(&mut state.rules) {
            remembered.tick(rule, now.as_milliseconds(), &mut alerts);
        }
        alerts
    }

    /// Tells at once what would be told as one at the end of a minute (see [`RuleOptions::max_alerts`](crate::RuleOptions)):
    /// for when nobody will call [`tick`](Self::tick) for a while, as the program ends.
    #[must_use]
    pub fn finish(&self, state: &mut State, now: Timestamp) -> Vec<Alert> {
        let mut alerts = Vec::new();
        self.adopt(state, now);
        for (rule, remembered) in self.rules.iter().zip(&mut state.rules) {
            remembered.finish(rule, now.as_milliseconds(), &mut alerts);
        }
        alerts
    }

    /// When [`tick`](Self::tick) has something to do next, unless an event comes first.
    ///
    /// Of a state that was just read back, or that other rules used: the time at which it was used last, which is at once. Of
    /// a new one nothing: call `tick` when it is first used, or absences are waited for only from the first event on.
    #[must_use]
    pub fn next_tick(&self, state: &State) -> Option<Timestamp> {
        if state.fingerprint != Some(self.fingerprint) {
            return state.clock.map(timestamp);
        }
        state.rules.iter().filter_map(Remembered::due).min().map(timestamp)
    }

    /// Makes the state one of these rules and of this time.
    fn adopt(&self, state: &mut State, now: Timestamp) {
        let now = now.as_milliseconds();
        if state.fingerprint != Some(self.fingerprint) {
            let mut known: BTreeMap<String, Remembered> =
                std::mem::take(&mut state.rules).into_iter().map(|rule| (rule.name.clone(), rule)).collect();
            state.rules = self
                .rules
                .iter()
                .map(|rule| {
                    let mut remembered = known
                        .remove(rule.name())
                        .filter(|remembered| remembered.is_of(rule))
                        .unwrap_or_else(|| Remembered::new(rule, now));
                    remembered.refresh(rule, None);
                    remembered
                })
                .collect();
            state.fingerprint = Some(self.fingerprint);
        }
        if state.clock.is_some_and(|clock| now < clock) {
            for (rule, remembered) in self.rules.iter().zip(&mut state.rules) {
                remembered.refresh(rule, Some(now));
            }
        }
        state.clock = Some(now);
    }
}

/// Only those that nobody else can send: an event of another type that begins so is one like any other.
fn is_of_alert(event_type: &str) -> bool {
    // Of most types the beginning tells, without a copy.
    event_type.starts_with("alert.") && event_type.parse().is_ok_and(|own: EventType| own.is_alert())
}

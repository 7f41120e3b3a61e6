use std::time::Duration;

use audit_condition::{Condition, Path};

use crate::Severity;

/// What a rule may have beside its name and condition. What is not set has the default that stands with it.
#[derive(Clone, Debug)]
pub struct RuleOptions {
    /// What the alert means and what to do about it.
    pub description: Option<String>,
    /// How urgent it is: medium.
    pub severity: Severity,
    /// How many events fire it: 1; at most 100,000. More than one need a `window`.
    pub threshold: u32,
    /// How close together they must be, by their own times. At most 366 days, as every duration here.
    pub window: Option<Duration>,
    /// The fields whose values make groups, each with its own count: none. At most 8.
    pub group_by: Vec<Path>,
    /// For how long an alert is not told again: `resolve_after` (of an absence `absent_for`), else the window; without
    /// any of them each event is an alert of its own.
    pub cooldown: Option<Duration>,
    /// Whether an alert that goes on is told again after the cooldown: it is.
    pub realert: bool,
    /// The pause before it is told again doubles each time, up to this: 24 hours, or the cooldown when that is longer.
    pub realert_max: Option<Duration>,
    /// Fires when no event matches for so long, instead of when one does.
    pub absent_for: Option<Duration>,
    /// Events count only after others.
    pub preceded_by: Option<PrecededBy>,
    /// Whether it is told that an alert is over: where there is `window`, `resolve_after` or `absent_for`.
    pub resolve: Option<bool>,
    /// How long an alert goes on after the last time that its condition held: the window, else the cooldown.
    pub resolve_after: Option<Duration>,
    /// How many groups are kept: 10,000; at most 1,000,000.
    pub max_groups: usize,
    /// How many alerts are told one by one within a minute: 100; at most 10,000. The others are told as one.
    pub max_alerts: u32,
}

/// What must have happened in the same group before an event counts.
#[derive(Clone, Debug)]
pub struct PrecededBy {
    /// Which events.
    pub condition: Condition,
    /// How many of them at least; at most 100,000.
    pub threshold: u32,
    /// How long before it at most, by the events' own times.
    pub window: Duration,
}

impl PrecededBy {
    /// At least one event that matches `condition`, no longer before than `window`.
    #[must_use]
    pub fn new(condition: Condition, window: Duration) -> Self {
        Self { condition, threshold: 1, window }
    }
}

impl Default for RuleOptions {
    fn default() -> Self {
        Self {
            description: None,
            severity: Severity::default(),
            threshold: 1,
            window: None,
            group_by: Vec::new(),
            cooldown: None,
            realert: true,
            realert_max: None,
            absent_for: None,
            preceded_by: None,
            resolve: None,
            resolve_after: None,
            max_groups: 10_000,
            max_alerts: 100,
        }
    }
}

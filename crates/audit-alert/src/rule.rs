use std::ops::RangeInclusive;
use std::time::Duration;

use audit_condition::{Condition, Path};
use audit_model::Timestamp;
use sha2::{Digest, Sha256};

use crate::terms::Terms;
use crate::{Alert, RuleOptions, Severity};

/// A checked rule: a condition with what fires it and how its alerts are told.
///
/// ```
/// use std::time::Duration;
///
/// use audit_alert::{Rule, RuleOptions, Severity};
/// use audit_condition::{Condition, Path};
///
/// let options = RuleOptions {
///     severity: Severity::High,
///     threshold: 10,
///     window: Some(Duration::from_secs(300)),
///     group_by: vec![Path::parse("actor.id")?],
///     ..RuleOptions::default()
/// };
/// let rule = Rule::new("access-denied-spike", Condition::parse("event_type == 'access.denied'")?, options)?;
/// assert_eq!(rule.name(), "access-denied-spike");
///
/// let without_window = RuleOptions { threshold: 10, ..RuleOptions::default() };
/// let error = Rule::new("spike", rule.condition().clone(), without_window).unwrap_err();
/// assert!(error.to_string().starts_with("rule `spike`: threshold 10 needs a window"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rule {
    name: String,
    condition: Condition,
    options: RuleOptions,
    terms: Terms,
    definition: String,
}

/// A rule that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule `{rule}`: {fault}")]
pub struct RuleError {
    rule: String,
    fault: Fault,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("not a name; expected 1 to 128 characters: letters of ASCII, digits, `.`, `_` and `-`")]
    Name,
    #[error(
        "the name is taken by another rule; each needs one of its own, since alerts are told apart by it"
    )]
    Duplicate,
    #[error("{key} {found}; expected {} to {}", .expected.start(), .expected.end())]
    Number { key: &'static str, found: u64, expected: RangeInclusive<u64> },
    #[error("{key} {found:?}; expected 1 millisecond to 366 days")]
    Duration { key: &'static str, found: Duration },
    #[error("threshold {0} needs a window: how close together must the events be?")]
    NoWindow(u32),
    #[error(
        "absent_for and {0} contradict each other: one waits for what does not happen, the other counts what does"
    )]
    Absent(&'static str),
    #[error("group_by has {0} paths; expected at most 8")]
    Paths(usize),
    #[error(
        "resolve: there is nothing to resolve, as each event is an alert of its own; give a resolve_after or a window"
    )]
    NothingToResolve,
    #[error("realert_max {0:?} is shorter than the cooldown; expected it to be at least as long")]
    RealertMax(Duration),
}

const LONGEST: Duration = Duration::from_secs(366 * 86_400);

impl Rule {
    /// A rule of that name.
    ///
    /// # Errors
    /// When the name or an option is out of its range, or options contradict each other.
    pub fn new(
        name: impl Into<String>,
        condition: Condition,
        options: RuleOptions,
    ) -> Result<Self, RuleError> {
        let name = name.into();
        if let Err(fault) = check(&name, &options) {
            return Err(RuleError { rule: name.chars().take(128).collect(), fault });
        }
        let terms = Terms::of(&options);
        let definition = definition(&condition, &options);
        Ok(Self { name, condition, options, terms, definition })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The condition.
    #[must_use]
    pub fn condition(&self) -> &Condition {
        &self.condition
    }

    /// Everything else.
    #[must_use]
    pub fn options(&self) -> &RuleOptions {
        &self.options
    }

    /// How urgent its alerts are.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.options.severity
    }

    /// An alert of this rule that is clearly marked as a test, to try out those who are told.
    #[must_use]
    pub fn test_alert(&self, now: Timestamp) -> Alert {
        Alert::test(self, now)
    }

    pub(crate) fn terms(&self) -> &Terms {
        &self.terms
    }

    pub(crate) fn group_by(&self) -> &[Path] {
        &self.options.group_by
    }

    pub(crate) fn max_alerts(&self) -> u32 {
        self.options.max_alerts
    }

    /// A digest of what decides whether events count: a rule for which it changes is another rule.
    pub(crate) fn definition(&self) -> &str {
        &self.definition
    }

    /// The same for the same alert, however often it is found out; nobody can make another one's.
    pub(crate) fn alert_id(&self, key: &str, subject: &str, time: i64) -> String {
        let digest = digest([&self.name, &self.definition, key, subject, &time.to_string()]);
        format!("alert-{}", const_hex::encode(&digest[..8]))
    }

    pub(crate) fn duplicate(&self) -> RuleError {
        RuleError { rule: self.name.clone(), fault: Fault::Duplicate }
    }
}

impl RuleError {
    /// The rule's name, as it was given.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// What is wrong, without the rule's name.
    #[must_use]
    pub fn message(&self) -> String {
        self.fault.to_string()
    }
}

pub(crate) fn digest<'t>(texts: impl IntoIterator<Item = &'t str>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for text in texts {
        // With its length, so that no two lists have one text.
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

fn check(name: &str, options: &RuleOptions) -> Result<(), Fault> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if !(1..=128).contains(&name.len()) || !name.bytes().all(known) {
        return Err(Fault::Name);
    }
    let before = options.preceded_by.as_ref();
    number("threshold", options.threshold.into(), 1..=100_000)?;
    number("preceded_by.threshold", before.map_or(1, |before| before.threshold.into()), 1..=100_000)?;
    number("max_groups", options.max_groups as u64, 1..=1_000_000)?;
    number("max_alerts", options.max_alerts.into(), 1..=10_000)?;
    duration("window", options.window)?;
    duration("cooldown", options.cooldown)?;
    duration("realert_max", options.realert_max)?;
    duration("absent_for", options.absent_for)?;
    duration("resolve_after", options.resolve_after)?;
    duration("preceded_by.window", before.map(|before| before.window))?;
    if options.group_by.len() > 8 {
        return Err(Fault::Paths(options.group_by.len()));
    }
    if options.absent_for.is_some() {
        let counting = [
            ("threshold", options.threshold > 1),
            ("window", options.window.is_some()),
            ("preceded_by", before.is_some()),
            ("resolve_after", options.resolve_after.is_some()),
        ];
        if let Some((key, _)) = counting.into_iter().find(|(_, given)| *given) {
            return Err(Fault::Absent(key));
        }
    }
    if options.threshold > 1 && options.window.is_none() {
        return Err(Fault::NoWindow(options.threshold));
    }
    let lasts = [options.absent_for, options.window, options.resolve_after, options.cooldown];
    let lasts = lasts.into_iter().flatten().next();
    if options.resolve == Some(true) && lasts.is_none() {
        return Err(Fault::NothingToResolve);
    }
    match options.realert_max {
        Some(most) if most < Duration::from_millis(Terms::of(options).cooldown.unsigned_abs()) => {
            Err(Fault::RealertMax(most))
        }
        _ => Ok(()),
    }
}

fn number(key: &'static str, found: u64, expected: RangeInclusive<u64>) -> Result<(), Fault> {
    if expected.contains(&found) { Ok(()) } else { Err(Fault::Number { key, found, expected }) }
}

fn duration(key: &'static str, found: Option<Duration>) -> Result<(), Fault> {
    match found {
        Some(found) if !(Duration::from_millis(1)..=LONGEST).contains(&found) => {
            Err(Fault::Duration { key, found })
        }
        _ => Ok(()),
    }
}

/// Neither what the alerts say nor how often they are told is part of it.
fn definition(condition: &Condition, options: &RuleOptions) -> String {
    let mut texts = vec![condition.to_string(), format!("{:?}", options.threshold)];
    texts.push(format!("{:?} {:?}", options.window, options.absent_for));
    if let Some(before) = &options.preceded_by {
        texts.push(format!("{:?} {:?}", before.threshold, before.window));
        texts.push(before.condition.to_string());
    }
    texts.extend(options.group_by.iter().map(ToString::to_string));
    const_hex::encode(&digest(texts.iter().map(String::as_str))[..8])
}

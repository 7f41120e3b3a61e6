//! From configured alerts to rules.

use audit_alert::{PrecededBy, Rule, RuleOptions, Rules};
use audit_condition::{Condition, ConditionError, Path};

use crate::{AlertRule, Config, ConfigError, ConfigErrors, Severity};

impl Config {
    /// The alerts' rules, ready to be asked about events.
    ///
    /// # Errors
    /// One for each condition that is none and for each rule that cannot be.
    pub fn rules(&self) -> Result<Rules, ConfigErrors> {
        let mut errors = Vec::new();
        let mut rules = Vec::new();
        for (index, rule) in self.alerts.iter().enumerate() {
            match self.rule(index, rule) {
                Ok(rule) => rules.push(rule),
                Err(wrong) => errors.extend(wrong),
            }
        }
        ConfigErrors::unless_empty(errors)?;
        // Names have been looked at with the rest of the configuration.
        Rules::new(rules).map_err(|error| ConfigErrors(vec![self.origin.error("alerts", error.to_string())]))
    }

    fn rule(&self, index: usize, rule: &AlertRule) -> Result<Rule, Vec<ConfigError>> {
        let at = format!("alerts[{index}]");
        let mut errors = Vec::new();
        let condition = self.condition_at(&format!("{at}.condition"), &rule.condition, &mut errors);
        let mut group_by = Vec::new();
        for (position, path) in rule.group_by.iter().enumerate() {
            match Path::parse(path) {
                Ok(path) => group_by.push(path),
                Err(error) => {
                    // One that is no list has no position.
                    let listed = format!("{at}.group_by[{position}]");
                    let key = if self.origin.has(&listed) { listed } else { format!("{at}.group_by") };
                    errors.push(self.origin.error(&key, told(&error)));
                }
            }
        }
        let preceded_by = rule.preceded_by.as_ref().and_then(|before| {
            let key = format!("{at}.preceded_by.condition");
            let condition = self.condition_at(&key, &before.condition, &mut errors)?;
            let mut preceded_by = PrecededBy::new(condition, before.window);
            preceded_by.threshold = before.threshold.map_or(1, std::num::NonZero::get);
            Some(preceded_by)
        });
        let Some(condition) = condition.filter(|_| errors.is_empty()) else { return Err(errors) };
        let default = RuleOptions::default();
        let options = RuleOptions {
            description: rule.description.clone(),
            severity: rule.severity.into(),
            threshold: rule.threshold.map_or(default.threshold, std::num::NonZero::get),
            window: rule.window,
            group_by,
            cooldown: rule.cooldown,
            realert: rule.realert.unwrap_or(default.realert),
            realert_max: rule.realert_max,
            absent_for: rule.absent_for,
            preceded_by,
            resolve: rule.resolve,
            resolve_after: rule.resolve_after,
            max_groups: rule.max_groups.map_or(default.max_groups, |most| most.get() as usize),
            max_alerts: rule.max_alerts.map_or(default.max_alerts, std::num::NonZero::get),
        };
        Rule::new(&rule.name, condition, options)
            .map_err(|error| vec![self.origin.error(&at, error.message())])
    }

    /// Reads a condition that stands at `path`.
    pub(crate) fn condition_at(
        &self,
        path: &str,
        text: &str,
        errors: &mut Vec<ConfigError>,
    ) -> Option<Condition> {
        let wrong = |error: ConditionError| {
            // A variable's value is nobody's business who reads the error.
            let message = match self.origin.is_from_variable(path) {
                true => format!("found a variable's value that is no condition (column {})", error.column()),
                false => told(&error),
            };
            self.origin.error(path, message)
        };
        Condition::parse(text).map_err(|error| errors.push(wrong(error))).ok()
    }
}

/// In one line, as the place in the file is shown already.
fn told(error: &ConditionError) -> String {
    let line = if error.line() > 1 { format!("line {} ", error.line()) } else { String::new() };
    format!("{line}column {}: {}", error.column(), error.message())
}

impl From<Severity> for audit_alert::Severity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Critical => Self::Critical,
            Severity::High => Self::High,
            Severity::Medium => Self::Medium,
            Severity::Low => Self::Low,
            Severity::Info => Self::Info,
        }
    }
}

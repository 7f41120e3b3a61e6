//! Rules out of configurations, and how they are told.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{anyhow, bail};
use audit_alert::{Rule, Rules};
use audit_config::{Config, ConfigErrors, process_environment};
use clap::Args;

use super::loggable::Loggable;
use crate::config::read;

/// Where rules come from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct From {
    /// The configuration (YAML) whose rules they are
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A file with `alerts:`, whatever else is in it. May be given many times
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
}

/// Rules that were asked for.
pub(crate) struct Chosen {
    pub(crate) rules: Rules,
    /// What the configuration logs; all, if there is none.
    pub(crate) loggable: Loggable,
}

impl From {
    /// The rules of those names; all, if none is named.
    pub(crate) fn choose(&self, names: &[String]) -> anyhow::Result<Chosen> {
        let mut all = Vec::new();
        let mut loggable = Loggable::default();
        for path in self.config.iter().chain(&self.rules) {
            let config = configuration(path)?;
            let rules = config.rules().map_err(|errors| anyhow!("{errors}"))?;
            if rules.iter().len() == 0 {
                bail!("{}: found no rule; expected `alerts:` with at least one", path.display());
            }
            all.extend(rules.iter().cloned());
            if self.config.is_some() {
                loggable = Loggable::of(&config);
            }
        }
        if let Some(unknown) = names.iter().find(|name| !all.iter().any(|rule| rule.name() == **name)) {
            bail!(no_rule(unknown, all.iter().map(Rule::name)));
        }
        all.retain(|rule| names.is_empty() || names.iter().any(|name| name == rule.name()));
        Ok(Chosen { rules: Rules::new(all)?, loggable })
    }
}

/// What to say when there is no rule of that name.
pub(crate) fn no_rule<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let far = |other: &&&str| strsim::damerau_levenshtein(name, other);
    let nearest = known.iter().min_by_key(far).filter(|other| far(other) <= other.len().max(3) / 3);
    match nearest {
        Some(nearest) => format!("no rule is called `{name}`; did you mean `{nearest}`?"),
        None => {
            let listed: Vec<_> = known.iter().take(20).map(|name| format!("`{name}`")).collect();
            let more = if known.len() > listed.len() { ", …" } else { "" };
            format!("no rule is called `{name}`; expected one of {}{more}", listed.join(", "))
        }
    }
}

/// Stands for the value of a variable that is not set.
const UNSET: &str = "https://unset.invalid/";

/// The configuration, of which nothing but the rules has to be complete: where rules are tried out, what the notifiers need
/// is hardly ever set.
fn configuration(path: &Path) -> anyhow::Result<Config> {
    let (name, text) = read(path)?;
    let parse = |unset: &BTreeSet<String>| {
        audit_config::parse(&name, &text, &|variable| {
            process_environment(variable).or_else(|| unset.contains(variable).then(|| UNSET.to_owned()))
        })
    };
    let parsed = match parse(&BTreeSet::new()) {
        Ok(parsed) => Ok(parsed),
        // What is wrong with the value that stands for another is no news.
        Err(errors) => match beside_the_rules(&errors) {
            Some(unset) => parse(&unset).or(Err(errors)),
            None => Err(errors),
        },
    };
    parsed.map(|parsed| parsed.config).map_err(|errors| anyhow!("{errors}"))
}

/// The variables that are not set, if that is all that is wrong, and no rule depends on them.
fn beside_the_rules(errors: &ConfigErrors) -> Option<BTreeSet<String>> {
    let unset = |message: &str| {
        let (variable, rest) = message.strip_prefix("the environment variable `")?.split_once('`')?;
        rest.starts_with(" is not set").then(|| variable.to_owned())
    };
    errors.errors().iter().map(|error| unset(&error.message).filter(|_| !is_of_rules(&error.path))).collect()
}

fn is_of_rules(path: &str) -> bool {
    let path = path.strip_prefix("spec.").unwrap_or(path);
    let path = path.strip_prefix("enterprise.audit.").unwrap_or(path);
    let section = path.split(['.', '[']).next().unwrap_or(path);
    let sections = ["", "alerts", "events", "exclude_events", "actors", "exclude_actors", "where"];
    sections.contains(&section) && !path.contains(".notify")
}

/// What has to come together, beside the condition: `10 events within 5m, per actor.id`.
pub(crate) fn terms(rule: &Rule) -> String {
    let options = rule.options();
    let mut text = match (options.absent_for, options.threshold, options.window) {
        (Some(limit), ..) => format!("none for {}", duration(limit)),
        (None, 1, _) => "each event".to_owned(),
        (None, threshold, None) => format!("{threshold} events"),
        (None, threshold, Some(window)) => format!("{threshold} events within {}", duration(window)),
    };
    if !options.group_by.is_empty() {
        let paths: Vec<_> = options.group_by.iter().map(ToString::to_string).collect();
        text += &format!(", per {}", paths.join(", "));
    }
    if let Some(before) = &options.preceded_by {
        let events =
            if before.threshold == 1 { "1 event".to_owned() } else { format!("{} events", before.threshold) };
        text += &format!(", {events} of another kind at most {} before", duration(before.window));
    }
    text
}

/// In the largest unit that it is a whole number of, as it is configured: `90s`, `5m`, `26h`, `7d`.
pub(crate) fn duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];
    let unit = units.into_iter().find(|(_, size)| milliseconds.is_multiple_of(*size));
    let (unit, size) = unit.unwrap_or(("ms", 1));
    format!("{}{unit}", milliseconds / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_rule_depends_on_may_be_unset() {
        for (path, depends) in [
            ("alerts[0].notify[1].webhook", false),
            ("enterprise.audit.notifiers.slack.webhook", false),
            ("spec.enterprise.audit.destination.bucket", false),
            ("alerts[0].condition", true),
            ("enterprise.audit.alerts[3].threshold", true),
            ("where", true),
            ("", true),
        ] {
            assert_eq!(is_of_rules(path), depends, "{path}");
        }
    }
}

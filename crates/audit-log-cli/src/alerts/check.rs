use std::path::PathBuf;
use std::process::ExitCode;

use audit_alert::Rule;
use audit_config::{BUILT, Config, ConfigError, NotifierPlace, process_environment};
use clap::Args;
use comfy_table::{Table, presets};
use serde_json::{Value, json};

use super::loggable::Loggable;
use super::rules::{duration, terms};
use crate::config::{load, tell};
use crate::output::{count, harmless, print, print_json};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The configuration (YAML); `-` is standard input
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let name = arguments.config.display().to_string();
    let found = match load(&arguments.config)? {
        Err(errors) => Found { errors: errors.errors().to_vec(), ..Found::default() },
        Ok(parsed) => Found::of(&parsed.config, parsed.warnings),
    };
    if arguments.json {
        print_json(&found.json())?;
    } else {
        print(&found.text(&harmless(&name)))?;
    }
    Ok(if found.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What there is to say of a configuration's alerts.
#[derive(Default)]
struct Found {
    rules: Vec<Checked>,
    errors: Vec<ConfigError>,
    warnings: Vec<ConfigError>,
}

struct Checked {
    rule: Rule,
    /// Where it is in the configuration, and where the places are that it shares with rules before it: their parts of paths.
    paths: Vec<String>,
    types: Vec<String>,
    /// The names of those it tells, where they can be made out.
    notifiers: Option<Vec<String>>,
    /// Why it can never fire, or always would.
    doubt: Option<String>,
}

impl Found {
    fn of(config: &Config, warnings: Vec<ConfigError>) -> Self {
        // What a notifier lacks is a warning where the configuration is read, and an error here.
        let (places, lacking) = match config.notifier_places(&process_environment) {
            Ok(places) => (Some(places), Vec::new()),
            Err(errors) => (None, errors.errors().to_vec()),
        };
        let mut errors: Vec<ConfigError> =
            config.check_built(BUILT).err().into_iter().flat_map(|it| it.errors().to_vec()).collect();
        errors.retain(is_about_alerts);
        errors.splice(0..0, lacking);
        let mut warnings: Vec<ConfigError> =
            warnings.into_iter().filter(is_about_alerts).filter(|it| !errors.contains(it)).collect();
        for place in places.iter().flatten() {
            errors.extend(config.check_place(place));
            warnings.extend(config.doubts_of_place(place));
        }
        let mut found = Self { rules: Vec::new(), errors, warnings };
        let rules = match config.rules() {
            Ok(rules) => rules,
            Err(errors) => {
                found.errors.extend(errors.errors().to_vec());
                return found;
            }
        };
        let loggable = Loggable::of(config);
        for (index, (rule, configured)) in rules.iter().zip(&config.alerts).enumerate() {
            let consequence = |why| match rule.options().absent_for {
                None => format!("can never fire: it {why}"),
                Some(_) => format!("would always fire: it {why}"),
            };
            let never =
                |(what, condition): (&str, _)| Some(format!("{what}{}", loggable.why_never(condition)?));
            let before = rule.options().preceded_by.as_ref().map(|before| ("", &before.condition));
            let before = before.and_then(never).map(|why| format!("can never fire: its preceded_by {why}"));
            let of_rule: Option<Vec<&NotifierPlace>> = places.as_ref().map(|places| {
                places.iter().filter(|it| it.rules.iter().any(|(name, _)| name == rule.name())).collect()
            });
            let names = |places: &Vec<&NotifierPlace>| places.iter().map(|it| it.name.clone()).collect();
            let paths = of_rule.iter().flatten().map(|place| place.path.clone());
            found.rules.push(Checked {
                rule: rule.clone(),
                paths: std::iter::once(format!("alerts[{index}]")).chain(paths).collect(),
                types: configured.notify.iter().map(|it| it.type_name().to_owned()).collect(),
                notifiers: of_rule.as_ref().map(names),
                doubt: never(("", rule.condition())).map(consequence).or(before),
            });
        }
        found
    }

    fn text(&self, name: &str) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["RULE", "SEVERITY", "CONDITION", "FIRES ON", "TELLS", "CHECK"]);
        for checked in &self.rules {
            let rule = &checked.rule;
            table.add_row([
                rule.name().to_owned(),
                rule.severity().to_string(),
                cut(rule.condition().as_str()),
                terms(rule),
                harmless(&checked.notifiers.as_ref().unwrap_or(&checked.types).join(", ")),
                self.state(checked).to_owned(),
            ]);
        }
        let mut text = match self.rules.is_empty() {
            true => String::new(),
            false => format!("{}\n", table.trim_fmt()),
        };
        for error in &self.errors {
            text += &format!("error: {error}\n");
        }
        for warning in &self.warnings {
            text += &format!("warning: {warning}\n");
        }
        for checked in &self.rules {
            if let Some(doubt) = &checked.doubt {
                text += &format!("warning: {}: {}\n", checked.rule.name(), harmless(doubt));
            }
        }
        let warnings = self.warnings.len() + self.rules.iter().filter(|rule| rule.doubt.is_some()).count();
        let wrong = match (self.errors.len(), warnings) {
            (0, 0) => "all is well".to_owned(),
            (0, warnings) => count(warnings as u64, "warning"),
            (errors, _) => count(errors as u64, "error"),
        };
        let rules = if self.rules.is_empty() {
            String::new()
        } else {
            format!("{}, ", count(self.rules.len() as u64, "rule"))
        };
        let none = if self.rules.is_empty() && self.errors.is_empty() { "no rules, " } else { "" };
        text + &format!("{name}: {none}{rules}{wrong}\n")
    }

    fn state(&self, checked: &Checked) -> &'static str {
        if self.errors.iter().any(|error| checked.is_at(error)) {
            "WRONG"
        } else if checked.doubt.is_some() || self.warnings.iter().any(|warning| checked.is_at(warning)) {
            "doubtful"
        } else {
            "ok"
        }
    }

    fn json(&self) -> Value {
        let told = |list: &[ConfigError]| list.iter().map(tell).collect::<Vec<_>>();
        let rules = self.rules.iter().map(|checked| {
            let rule = &checked.rule;
            let options = rule.options();
            let of_rule = |list: &[ConfigError]| {
                list.iter().filter(|it| checked.is_at(it)).map(tell).collect::<Vec<_>>()
            };
            json!({
                "rule": rule.name(),
                "severity": rule.severity().as_str(),
                "condition": rule.condition().as_str(),
                "threshold": options.threshold,
                "window": options.window.map(duration),
                "absent_for": options.absent_for.map(duration),
                "group_by": options.group_by.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "preceded_by": options.preceded_by.as_ref().map(|before| json!({
                    "condition": before.condition.as_str(),
                    "threshold": before.threshold,
                    "window": duration(before.window),
                })),
                "notify": checked.types,
                "notifiers": checked.notifiers,
                "ok": !self.errors.iter().any(|error| checked.is_at(error)),
                "errors": of_rule(&self.errors),
                "warnings": of_rule(&self.warnings),
                "doubt": checked.doubt,
            })
        });
        json!({
            "valid": self.errors.is_empty(),
            "rules": rules.collect::<Vec<_>>(),
            "errors": told(&self.errors),
            "warnings": told(&self.warnings),
        })
    }
}

impl Checked {
    fn is_at(&self, error: &ConfigError) -> bool {
        self.paths.iter().any(|path| {
            let rest = error.path.rfind(path).map(|begin| &error.path[begin + path.len()..]);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

fn is_about_alerts(error: &ConfigError) -> bool {
    error.path.contains("alerts[")
        || error.path.split('.').any(|part| part == "alerts" || part == "notifiers")
}

/// How much of a condition is shown, in characters.
const SHOWN: usize = 48;

fn cut(condition: &str) -> String {
    let text = condition.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => harmless(&format!("{}…", &text[..end])),
        None => harmless(&text),
    }
}

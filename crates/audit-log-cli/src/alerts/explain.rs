use std::path::PathBuf;
use std::process::ExitCode;

use audit_alert::{Rule, Rules};
use audit_model::{Event, Timestamp, Value};
use audit_ocsf::event_from_value;
use clap::Args;
use serde_json::json;

use super::loggable::Loggable;
use super::rules::{Chosen, From, duration, terms};
use crate::ocsf::source;
use crate::output::{Printer, complain, harmless};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    from: From,
    /// Files of events; `-`, or none, is standard input
    #[arg(value_name = "EVENT")]
    files: Vec<PathBuf>,
    /// Only this rule. May be given many times
    #[arg(long, value_name = "NAME")]
    rule: Vec<String>,
    /// Print each event's explanation as a JSON object, one a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Chosen { rules, loggable } = arguments.from.choose(&arguments.rule)?;
    let (mut explained, mut refused) = (0, 0);
    let mut printer = Printer::stdout();
    let (opened, all_opened) = source::each(&arguments.files, |source| {
        let name = source.name.clone();
        let mut refuse = |line: u64, why: &str| {
            complain(&format!("{name}:{line}: {why}"));
            refused += 1;
        };
        let ended = source.each_value(|line, value| {
            let read = match value {
                Err(not_json) => Err((not_json.line, not_json.message)),
                Ok(source::Parsed { refused: Some(it), .. }) => Err((it.line, it.message)),
                Ok(parsed) => event(parsed.value).map_err(|why| (line, why)),
            };
            match read {
                Err((line, why)) => refuse(line, &why),
                Ok(event) => {
                    let text = if arguments.json {
                        format!("{}\n", as_json(&rules, &loggable, &event, &name, line))
                    } else {
                        let gap = if explained > 0 { "\n" } else { "" };
                        format!("{gap}{name}:{line}: {}", as_text(&rules, &loggable, &event))
                    };
                    explained += 1;
                    printer.print(&text)?;
                }
            }
            Ok(())
        })?;
        if let Err(broken_off) = ended {
            refuse(broken_off.line, &broken_off.message);
        }
        Ok(())
    })?;
    printer.finish()?;
    if explained == 0 && opened > 0 && refused == 0 {
        complain("no events: nothing to explain");
    }
    Ok(match (explained, refused == 0 && all_opened) {
        (0, _) => ExitCode::from(2),
        (_, true) => ExitCode::SUCCESS,
        (_, false) => ExitCode::FAILURE,
    })
}

/// The event that it is, or that is in it.
fn event(value: Value) -> Result<Event, String> {
    let now = Timestamp::now();
    if value.get("class_uid").is_some() {
        return event_from_value(value, now).map_err(|error| error.to_string());
    }
    let is_sealed = value.get("integrity").is_some() && value.get("event").is_some_and(Value::is_object);
    let event = match value {
        Value::Object(mut record) if is_sealed => record.remove("event").unwrap_or_default(),
        other => other,
    };
    Event::from_value(event, now).map_err(|error| error.to_string())
}

/// What keeps the event from every rule.
fn obstacle(loggable: &Loggable, event: &Event) -> Option<&'static str> {
    if event.event_type.is_alert() {
        Some("it is about an alert, and an alert cannot trigger an alert")
    } else if !loggable.is_logged(event) {
        Some("the configuration does not log it, so that no rule sees it")
    } else {
        None
    }
}

fn as_text(rules: &Rules, loggable: &Loggable, event: &Event) -> String {
    let mut text = format!(
        "{} {} of {}\n",
        harmless(event.event_type.as_str()),
        harmless(event.event_id.as_str()),
        event.timestamp
    );
    if let Some(obstacle) = obstacle(loggable, event) {
        text += &format!("  {obstacle}\n");
    }
    for rule in rules.iter() {
        let explanation = rule.condition().explain(event, event.timestamp);
        text +=
            &format!("  {} ({}): {}\n", rule.name(), rule.severity(), verdict(rule, explanation.is_true()));
        text += &indented(&explanation.to_string(), "    ");
        if let Some(before) = &rule.options().preceded_by {
            let explanation = before.condition.explain(event, event.timestamp);
            let counts = if explanation.is_true() { "is" } else { "is not" };
            text += &format!("    preceded_by: it {counts} one of those that have to come before\n");
            text += &indented(&explanation.to_string(), "      ");
        }
    }
    text
}

/// What it comes to.
fn verdict(rule: &Rule, matches: bool) -> String {
    match (matches, rule.options().absent_for) {
        (false, None) => "it does not count".to_owned(),
        (false, Some(_)) => format!("it does not end the absence ({})", terms(rule)),
        (true, Some(_)) => format!("it ends the absence ({})", terms(rule)),
        (true, None) if is_enough(rule) => "it fires the rule".to_owned(),
        (true, None) => format!("it counts; the rule fires on {}", terms(rule)),
    }
}

/// Whether one event fires the rule, whatever was before.
fn is_enough(rule: &Rule) -> bool {
    rule.options().threshold == 1 && rule.options().preceded_by.is_none()
}

fn indented(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{}\n", harmless(line))).collect()
}

fn as_json(rules: &Rules, loggable: &Loggable, event: &Event, name: &str, line: u64) -> Value {
    let rules = rules.iter().map(|rule| {
        let options = rule.options();
        let condition = rule.condition().explain(event, event.timestamp);
        json!({
            "rule": rule.name(),
            "severity": rule.severity().as_str(),
            "matches": condition.is_true(),
            "condition": condition.to_value(),
            "threshold": options.threshold,
            "window": options.window.map(duration),
            "group_by": options.group_by.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "absent_for": options.absent_for.map(duration),
            "preceded_by": options.preceded_by.as_ref().map(|before| {
                let condition = before.condition.explain(event, event.timestamp);
                json!({
                    "matches": condition.is_true(),
                    "condition": condition.to_value(),
                    "threshold": before.threshold,
                    "window": duration(before.window),
                })
            }),
        })
    });
    json!({
        "file": name,
        "line": line,
        "event_id": event.event_id.as_str(),
        "event_type": event.event_type.as_str(),
        "timestamp": event.timestamp,
        "logged": loggable.is_logged(event),
        "rules": rules.collect::<Vec<_>>(),
    })
}

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use audit_alert::Rule;
use audit_config::{Config, NotifierPlace, process_environment};
use audit_model::Timestamp;
use audit_pipeline::Recorder;
use audit_sink::{Batch, Record};
use clap::Args;
use serde_json::{Value, json};

use super::rules::no_rule;
use super::sample::sample;
use crate::config::checked;
use crate::destinations::{deliver, print_outcome, runtime};
use crate::output::{complain, describe, harmless, print_json};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The configuration (YAML)
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// The rule whose notifiers are to be tried
    #[arg(long, value_name = "NAME")]
    rule: String,
    /// Only this notifier: its name, as `audit-log status` shows it, or its type
    #[arg(long, value_name = "NAME")]
    notifier: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Some(config) = checked(&arguments.config)? else { return Ok(ExitCode::from(2)) };
    let rules = config.rules().map_err(|errors| anyhow!("{errors}"))?;
    let Some(rule) = rules.get(&arguments.rule) else {
        bail!(no_rule(&arguments.rule, rules.iter().map(Rule::name)));
    };
    let places = arguments.choose(&config)?;
    let batch = batch(rule)?;
    let runtime = runtime()?;
    let mut all_told = true;
    let mut told = Vec::new();
    for place in &places {
        let sent = config
            .told(place, Recorder::default())
            .map_err(anyhow::Error::from)
            .and_then(|mut destination| runtime.block_on(deliver(&mut destination, &batch)));
        all_told &= sent.is_ok();
        let (name, kind) = (harmless(&place.name), place.type_name());
        let failure = sent.err().map(|error| harmless(&describe(&error)));
        if arguments.json {
            told.push(json!({"notifier": name, "type": kind, "ok": failure.is_none(), "error": failure}));
        } else {
            print_outcome(&name, kind, failure.as_deref())?;
        }
    }
    if arguments.json {
        print_json(&Value::Array(told))?;
    }
    Ok(if all_told { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Arguments {
    /// The places where the rule tells somebody.
    fn choose(&self, config: &Config) -> anyhow::Result<Vec<NotifierPlace>> {
        let mut places =
            config.notifier_places(&process_environment).map_err(|errors| anyhow!("{errors}"))?;
        for place in &mut places {
            place.rules.retain(|(rule, _)| *rule == self.rule);
        }
        places.retain(|place| !place.rules.is_empty());
        if places.is_empty() {
            bail!("the rule `{}` has no `notify`: nobody would be told", self.rule);
        }
        if let Some(wanted) = &self.notifier {
            let names: Vec<_> = places.iter().map(|place| format!("`{}`", place.name)).collect();
            places.retain(|place| place.name == *wanted || place.type_name() == wanted);
            if places.is_empty() {
                let (rule, names) = (&self.rule, names.join(", "));
                bail!("the rule `{rule}` has no notifier `{wanted}`; expected one of {names}");
            }
        }
        Ok(places)
    }
}

/// The record of a test alert, as if the log had it.
fn batch(rule: &Rule) -> anyhow::Result<Batch> {
    let now = Timestamp::now();
    let mut alert = rule.test_alert(now);
    if rule.options().absent_for.is_none() {
        let event = sample(rule.condition(), now);
        if !rule.condition().matches(&event, now) {
            complain(&format!(
                "note: no event could be made up that fits the condition; the one in the test is of type `{}` and does not",
                event.event_type.as_str()
            ));
        }
        alert.event = Some(event);
    }
    let event = alert.to_event(now);
    let record = Record {
        sequence_number: 1,
        timestamp_ms: now.as_milliseconds(),
        event_id: event.event_id.as_str().to_owned(),
        event_type: event.event_type.as_str().to_owned(),
        bytes: event.to_canonical_json()?,
        ..Record::default()
    };
    Ok(Batch { chain_id: "test".to_owned(), records: vec![record] })
}

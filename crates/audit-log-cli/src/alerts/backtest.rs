use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::bail;
use audit_alert::{Alert, Counters, Rules, Status};
use audit_model::Timestamp;
use audit_source::MAX_EVENT;
use clap::Args;
use comfy_table::{Table, presets};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::expectation::Expectation;
use super::history::{self, Glance};
use super::replay::Replay;
use super::rules::{Chosen, From, no_rule};
use crate::input::read_line;
use crate::logs;
use crate::moment::moment;
use crate::ocsf::source::{Source, or_standard_input};
use crate::output::{Printer, complain, count, describe, harmless};
use crate::progress;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    from: From,
    /// Logs (with their rotated files), other files of events or OCSF records, or directories of them, in the order in which
    /// they are to be replayed; `-`, or none, is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Replay just the files named, without the rotated ones beside them
    #[arg(long)]
    only: bool,
    /// Leave out what happened before: a time, a date (UTC), or how long ago, such as `7d`. The rules are in force from
    /// then on
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Leave out what happened at this time or later, and let time pass up to it
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Only this rule. May be given many times
    #[arg(long, value_name = "NAME")]
    rule: Vec<String>,
    /// How often a rule has to fire: NAME=3, NAME=0, NAME>=1 or NAME<=10. May be given many times
    #[arg(long, value_name = "NAME=NUMBER")]
    expect: Vec<Expectation>,
    /// Print every alert, too, as it is found
    #[arg(long)]
    list: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Chosen { rules, loggable } = arguments.from.choose(&arguments.rule)?;
    for expectation in &arguments.expect {
        if rules.get(&expectation.rule).is_none() {
            bail!(
                "--expect {expectation}: {}",
                no_rule(&expectation.rule, rules.iter().map(|rule| rule.name()))
            );
        }
    }
    if let (Some(since), Some(until)) = (arguments.since, arguments.until)
        && since >= until
    {
        bail!("--since {since} is not before --until {until}: nothing is left to replay");
    }
    let files = logs::files(&or_standard_input(&arguments.files), arguments.only)?;
    let read = Arc::new(AtomicU64::new(0));
    let mut course = Course {
        arguments,
        rules: &rules,
        replay: Replay::new(&rules),
        outcome: Outcome::new(&rules, arguments)?,
        bar: progress::bar(&files).map(|bar| (bar, Arc::clone(&read))),
        lag: None,
        held: Vec::new(),
    };
    let is_logged = |event: &audit_model::Event| loggable.is_logged(event);
    for file in &files {
        match Source::open_counted(file, &read) {
            Ok(source) => course.take(source, &is_logged)?,
            Err(error) => course.outcome.complain(&format!("error: {}", describe(&error))),
        }
    }
    course.release(&is_logged);
    course.finish()
}

/// A replay on its way through files.
struct Course<'a> {
    arguments: &'a Arguments,
    rules: &'a Rules,
    replay: Replay<'a>,
    outcome: Outcome<'a>,
    bar: Option<(ProgressBar, Arc<AtomicU64>)>,
    /// How far the log's clock was ahead of that of the last event, in milliseconds; nothing before the first event.
    lag: Option<i64>,
    /// The log's own records before the first event.
    held: Vec<Held>,
}

/// A line that waits.
struct Held {
    line: Vec<u8>,
    name: String,
    number: u64,
}

/// How many of them wait: a log begins with one or two.
const MOST_HELD: usize = 64;

impl Course<'_> {
    fn take(
        &mut self,
        source: Source,
        is_logged: &impl Fn(&audit_model::Event) -> bool,
    ) -> anyhow::Result<()> {
        let Source { name, mut reader } = source;
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let whole = match read_line(&mut reader, &mut line) {
                Ok(Some(whole)) => whole,
                Ok(None) => break,
                Err(error) => {
                    self.outcome.complain(&format!("{name}:{number}: cannot be read from here on: {error}"));
                    break;
                }
            };
            if number % 1024 == 0
                && let Some((bar, read)) = &self.bar
            {
                bar.set_position(read.load(Ordering::Relaxed));
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let taken = match whole {
                true => self.take_line(&line, &name, number, is_logged),
                false => Err(format!("longer than {MAX_EVENT} bytes")),
            };
            if let Err(why) = taken {
                self.refuse(&name, number, &why);
            }
            self.outcome.printed()?;
        }
        Ok(())
    }

    fn take_line(
        &mut self,
        line: &[u8],
        name: &str,
        number: u64,
        is_logged: &impl Fn(&audit_model::Event) -> bool,
    ) -> Result<(), String> {
        let mut event = None;
        let glance = match history::glance(line) {
            Some(glance) => glance,
            None => Glance::of(event.insert(history::event(line, name, number)?)),
        };
        if !glance.is_own() {
            let begins = self.lag.is_none();
            self.lag = Some(glance.lag());
            if begins {
                self.release(is_logged);
            }
        } else if self.lag.is_none() && self.held.len() < MOST_HELD {
            self.held.push(Held { line: line.to_owned(), name: name.to_owned(), number });
            return Ok(());
        }
        // What the log says of itself is by its own clock, which may be far from that of events that it got afterwards.
        let ahead = if glance.is_own() { self.lag.unwrap_or(0) } else { 0 };
        let time = glance.time.as_milliseconds().saturating_sub(ahead);
        let time = Timestamp::from_milliseconds(time).unwrap_or(glance.time);
        // Most lines are of no interest to any rule, but that they say how late it is.
        if !self.note(time) || !self.rules.may_match_type(&glance.event_type) {
            return Ok(());
        }
        let event = event.map_or_else(|| history::event(line, name, number), Ok)?;
        if !is_logged(&event) {
            self.outcome.not_logged += 1;
        } else {
            self.replay.observe(&event, &mut |now, alert| self.outcome.tell(now, &alert));
        }
        Ok(())
    }

    /// Takes the log's own records that were held back until it is known how late it is.
    fn release(&mut self, is_logged: &impl Fn(&audit_model::Event) -> bool) {
        self.lag.get_or_insert(0);
        for Held { line, name, number } in std::mem::take(&mut self.held) {
            if let Err(why) = self.take_line(&line, &name, number, is_logged) {
                self.refuse(&name, number, &why);
            }
        }
    }

    fn refuse(&mut self, name: &str, number: u64, why: &str) {
        self.outcome.refuse(&format!("{name}:{number}: {why}"), self.bar.as_ref().map(|(bar, _)| bar));
    }

    fn is_left_out(&self, time: Timestamp) -> bool {
        self.arguments.since.is_some_and(|since| time < since)
            || self.arguments.until.is_some_and(|until| time >= until)
    }

    /// Notes that it is that late. False when the event is left out.
    fn note(&mut self, time: Timestamp) -> bool {
        if self.is_left_out(time) {
            self.outcome.left_out += 1;
            return false;
        }
        let outcome = &mut self.outcome;
        outcome.events += 1;
        outcome.first = Some(outcome.first.map_or(time, |first| first.min(time)));
        outcome.last = Some(outcome.last.map_or(time, |last| last.max(time)));
        let mut tell = |now, alert: Alert| outcome.tell(now, &alert);
        match self.replay.clock() {
            Some(clock) if time <= clock => {
                outcome.out_of_order += u64::from(time < clock);
            }
            Some(_) => self.replay.pass(time, &mut tell),
            None => {
                self.replay.pass(self.arguments.since.unwrap_or(time), &mut tell);
                self.replay.pass(time, &mut tell);
            }
        }
        true
    }

    fn finish(mut self) -> anyhow::Result<ExitCode> {
        let outcome = &mut self.outcome;
        if let Some(end) = self.arguments.until.or(self.replay.clock()).filter(|_| outcome.events > 0) {
            self.replay.finish(end, &mut |now, alert| outcome.tell(now, &alert));
        }
        if let Some((bar, _)) = self.bar {
            bar.finish_and_clear();
        }
        self.outcome.finish(self.rules, &self.replay)
    }
}

/// How many lines are complained of.
const SHOWN: u64 = 10;

/// How many groups of a rule are told apart.
const MOST_GROUPS: usize = 100_000;

/// What came of it.
struct Outcome<'a> {
    arguments: &'a Arguments,
    printer: Printer,
    /// What could not be printed.
    failure: Option<anyhow::Error>,
    tallies: BTreeMap<String, Tally>,
    listed: u64,
    events: u64,
    left_out: u64,
    not_logged: u64,
    out_of_order: u64,
    refused: u64,
    broken_off: bool,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// What came of one rule.
#[derive(Default)]
struct Tally {
    fired: u64,
    repeated: u64,
    resolved: u64,
    summaries: u64,
    summed_up: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    /// Digests of them.
    groups: HashSet<u64>,
}

impl<'a> Outcome<'a> {
    fn new(rules: &Rules, arguments: &'a Arguments) -> anyhow::Result<Self> {
        let mut printer = Printer::stdout();
        if arguments.json && arguments.list {
            printer.print("{\"alerts\": [")?;
        }
        Ok(Self {
            arguments,
            printer,
            failure: None,
            tallies: rules.iter().map(|rule| (rule.name().to_owned(), Tally::default())).collect(),
            listed: 0,
            events: 0,
            left_out: 0,
            not_logged: 0,
            out_of_order: 0,
            refused: 0,
            broken_off: false,
            first: None,
            last: None,
        })
    }

    fn tell(&mut self, now: Timestamp, alert: &Alert) {
        if let Some(tally) = self.tallies.get_mut(&alert.rule) {
            tally.add(now, alert);
        }
        if !self.arguments.list {
            return;
        }
        let text = if self.arguments.json {
            let comma = if self.listed > 0 { ",\n  " } else { "\n  " };
            format!("{comma}{}", as_json(now, alert))
        } else {
            as_line(now, alert)
        };
        self.listed += 1;
        if let Err(error) = self.printer.print(&text) {
            self.failure.get_or_insert(error);
        }
    }

    fn printed(&mut self) -> anyhow::Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    fn complain(&mut self, text: &str) {
        self.broken_off = true;
        complain(text);
    }

    fn refuse(&mut self, text: &str, bar: Option<&ProgressBar>) {
        self.refused += 1;
        if self.refused <= SHOWN {
            let say = || complain(text);
            bar.map_or_else(say, |bar| bar.suspend(say));
        }
    }

    fn finish(mut self, rules: &Rules, replay: &Replay<'_>) -> anyhow::Result<ExitCode> {
        self.printed()?;
        if self.refused > SHOWN {
            complain(&format!("and {} that are no events", count(self.refused - SHOWN, "more line")));
        }
        let missed: Vec<(&Expectation, u64)> = self
            .arguments
            .expect
            .iter()
            .map(|expectation| (expectation, self.tallies.get(&expectation.rule).map_or(0, |it| it.fired)))
            .filter(|(expectation, fired)| !expectation.is_met(*fired))
            .collect();
        let counters: BTreeMap<&str, Counters> = replay.state().counters().collect();
        let text = if self.arguments.json {
            self.json(rules, &counters, &missed)
        } else {
            self.text(rules, &counters, &missed)
        };
        self.printer.print(&text)?;
        self.printer.finish()?;
        if self.events == 0 {
            complain("no events: nothing to replay");
            return Ok(ExitCode::from(2));
        }
        Ok(if missed.is_empty() && !self.broken_off { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn text(
        &self,
        rules: &Rules,
        counters: &BTreeMap<&str, Counters>,
        missed: &[(&Expectation, u64)],
    ) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header([
            "RULE", "SEVERITY", "MATCHED", "FIRED", "REPEATED", "RESOLVED", "GROUPS", "FIRST", "LAST",
        ]);
        let mut notes = String::new();
        for rule in rules.iter() {
            let Some(tally) = self.tallies.get(rule.name()) else { continue };
            let counters = counters.get(rule.name()).copied().unwrap_or_default();
            let groups = match tally.groups.len() {
                _ if rule.options().group_by.is_empty() => String::new(),
                MOST_GROUPS => format!("{MOST_GROUPS} or more"),
                groups => groups.to_string(),
            };
            let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
            table.add_row([
                rule.name().to_owned(),
                rule.severity().to_string(),
                counters.matched.to_string(),
                tally.fired.to_string(),
                tally.repeated.to_string(),
                tally.resolved.to_string(),
                groups,
                time(tally.first),
                time(tally.last),
            ]);
            notes += &tally.notes(rule.name(), counters);
        }
        let gap = if self.listed > 0 { "\n" } else { "" };
        let mut text = format!("{gap}{}\n{notes}", table.trim_fmt());
        text += &self.summary();
        for (expectation, fired) in missed {
            let times = count(*fired, "time");
            text += &format!("FAILED  expected {expectation}, and it fired {times}\n");
        }
        let met = self.arguments.expect.len() - missed.len();
        if met > 0 {
            text += &format!("ok      {} met\n", count(met as u64, "expectation"));
        }
        text
    }

    fn summary(&self) -> String {
        let mut text = count(self.events, "event");
        if let (Some(first), Some(last)) = (self.first, self.last) {
            text += &format!(" from {first} to {last}");
        }
        for (number, what) in [
            (self.left_out, "outside --since and --until"),
            (self.not_logged, "that the configuration does not log"),
            (self.out_of_order, "older than one before"),
        ] {
            if number > 0 {
                text += &format!(", {number} {what}");
            }
        }
        if self.refused > 0 {
            text += &format!(
                ", {} that {} no event",
                count(self.refused, "line"),
                if self.refused == 1 { "is" } else { "are" }
            );
        }
        text + "\n"
    }

    fn json(
        &self,
        rules: &Rules,
        counters: &BTreeMap<&str, Counters>,
        missed: &[(&Expectation, u64)],
    ) -> String {
        let rules = rules.iter().filter_map(|rule| {
            let tally = self.tallies.get(rule.name())?;
            let mut told = json!({
                "rule": rule.name(),
                "severity": rule.severity().as_str(),
                "fired": tally.fired,
                "repeated": tally.repeated,
                "resolved": tally.resolved,
                "summaries": tally.summaries,
                "summed_up": tally.summed_up,
                "groups": tally.groups.len(),
                "first": tally.first,
                "last": tally.last,
            });
            let Counters { matched, late, duplicates, evicted, .. } =
                counters.get(rule.name()).copied().unwrap_or_default();
            let counts =
                [("matched", matched), ("late", late), ("duplicates", duplicates), ("evicted", evicted)];
            counts.into_iter().for_each(|(name, number)| told[name] = number.into());
            Some(told)
        });
        let expectations = self.arguments.expect.iter().map(|expectation| {
            let fired = self.tallies.get(&expectation.rule).map_or(0, |tally| tally.fired);
            let is_met = !missed.iter().any(|(missed, _)| *missed == expectation);
            json!({"expected": expectation.to_string(), "rule": expectation.rule, "fired": fired, "met": is_met})
        });
        let summary = json!({
            "rules": rules.collect::<Vec<_>>(),
            "expectations": expectations.collect::<Vec<_>>(),
            "events": self.events,
            "first": self.first,
            "last": self.last,
            "left_out": self.left_out,
            "not_logged": self.not_logged,
            "out_of_order": self.out_of_order,
            "no_events": self.refused,
            "whole": !self.broken_off,
        });
        let text = format!("{summary:#}\n");
        // The alerts, which may be many, are printed already, in front of the rest of the object.
        if self.arguments.list { format!("\n],{}", &text[1..]) } else { text }
    }
}

impl Tally {
    fn add(&mut self, now: Timestamp, alert: &Alert) {
        if let Some(alerts) = alert.summed_up {
            self.summaries += 1;
            self.summed_up += alerts;
            return;
        }
        match alert.status {
            Status::Resolved => {
                self.resolved += 1;
                return;
            }
            _ if alert.repeat > 0 => self.repeated += 1,
            _ => self.fired += 1,
        }
        self.first.get_or_insert(now);
        self.last = Some(now);
        if let Some(group) = &alert.group
            && self.groups.len() < MOST_GROUPS
        {
            let mut hasher = DefaultHasher::new();
            Value::from(group.clone()).to_string().hash(&mut hasher);
            self.groups.insert(hasher.finish());
        }
    }

    /// What may explain a number that is not what it was expected to be.
    fn notes(&self, rule: &str, counters: Counters) -> String {
        let mut notes = String::new();
        if self.summed_up > 0 {
            let (alerts, summaries) = (count(self.summed_up, "more alert"), count(self.summaries, "alert"));
            notes += &format!(
                "{rule}: {alerts}, which were too many within a minute (max_alerts), would be told as {summaries}\n"
            );
        }
        for (number, what) in [
            (counters.late, "came too late to be counted with others"),
            (counters.duplicates, "stood there twice and counted once"),
        ] {
            if number > 0 {
                notes += &format!("{rule}: {} {what}\n", count(number, "event"));
            }
        }
        if counters.evicted > 0 {
            let groups = count(counters.evicted, "group");
            notes += &format!("{rule}: {groups} forgotten, as there were too many (max_groups)\n");
        }
        notes
    }
}

fn status(alert: &Alert) -> &'static str {
    match alert.status {
        _ if alert.summed_up.is_some() => "summed up",
        Status::Resolved => "resolved",
        _ if alert.repeat > 0 => "repeated",
        _ => "fired",
    }
}

fn as_line(now: Timestamp, alert: &Alert) -> String {
    let group: Vec<String> =
        alert.group.iter().flatten().map(|(path, value)| format!("{path}={value}")).collect();
    let group = if group.is_empty() { String::new() } else { format!("  {}", group.join(" ")) };
    let event =
        alert.event.as_ref().map(|event| format!("  {}", event.event_id.as_str())).unwrap_or_default();
    let number = match alert.summed_up {
        Some(alerts) => count(alerts, "alert"),
        None => count(alert.count, "event"),
    };
    let line = format!("{now}  {:<9}  {}  {number}{group}{event}", status(alert), alert.rule);
    format!("{}\n", harmless(&line))
}

fn as_json(now: Timestamp, alert: &Alert) -> Value {
    json!({
        "time": now,
        "rule": alert.rule,
        "severity": alert.severity.as_str(),
        "status": status(alert),
        "alert_id": alert.alert_id,
        "count": alert.count,
        "summed_up": alert.summed_up,
        "group": alert.group,
        "event_id": alert.event.as_ref().map(|event| event.event_id.as_str()),
        "first_time": alert.first_time,
        "last_time": alert.last_time,
    })
}

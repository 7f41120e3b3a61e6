//! docs/reference: what is made from the code, so that it says what the code does.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use audit_model::{Action, Actor, Event, EventType};
use audit_ocsf::{Class, Mapping, Recorded, Version};
use regex::Regex;
use serde_json::Value;

use super::configuration;
use crate::report::Outcome;
use crate::shell::{program, root};

const FOLDER: &str = "docs/reference";
const MADE_BY: &str =
    "<!-- Made by `cargo xtask book --write`. -->\n\n<!-- tested by: xtask/src/book/reference.rs -->\n\n";

pub(crate) fn write(binary: &Path) -> Result<()> {
    fs::create_dir_all(root().join(FOLDER)).with_context(|| format!("cannot make {FOLDER}"))?;
    for (name, text) in pages(binary)? {
        fs::write(root().join(FOLDER).join(name), text)
            .with_context(|| format!("cannot write {FOLDER}/{name}"))?;
    }
    Ok(())
}

pub(crate) fn check(binary: &Path) -> Result<Outcome> {
    let mut wrong = Vec::new();
    for (name, text) in pages(binary)? {
        if fs::read_to_string(root().join(FOLDER).join(name)).ok().as_ref() != Some(&text) {
            wrong.push(format!(
                "{FOLDER}/{name} is not what the code says; write it: cargo xtask book --write"
            ));
        }
    }
    Ok(Outcome::of(&wrong))
}

fn pages(binary: &Path) -> Result<[(&'static str, String); 5]> {
    let commands = commands(binary)?;
    let schema = ask(binary, &["config", "schema"])?;
    let schema = serde_json::from_str(&schema).context("the schema of configurations is no JSON")?;
    let table = serde_json::from_str(&ask(binary, &["metrics"])?).context("the table of metrics")?;
    Ok([
        ("command-line.md", format!("{MADE_BY}{}", command_line(&commands))),
        ("configuration.md", format!("{MADE_BY}{}", configuration::page(&schema)?)),
        ("event-types.md", format!("{MADE_BY}{}", event_types()?)),
        ("exit-codes.md", format!("{MADE_BY}{}", exit_codes(&commands)?)),
        ("metrics.md", format!("{MADE_BY}{}", metrics(&table)?)),
    ])
}

struct Command {
    /// `dead-letter list`
    name: String,
    help: String,
    has_subcommands: bool,
}

fn ask(binary: &Path, arguments: &[&str]) -> Result<String> {
    let output = program(binary).args(arguments).env("LC_ALL", "C.UTF-8").output()?;
    if !output.status.success() {
        bail!("audit-log {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).context("what it prints is UTF-8")
}

fn commands(binary: &Path) -> Result<Vec<Command>> {
    let mut found = Vec::new();
    collect(binary, &mut Vec::new(), &mut found)?;
    Ok(found)
}

fn collect(binary: &Path, path: &mut Vec<String>, found: &mut Vec<Command>) -> Result<()> {
    let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = ask(binary, &arguments)?;
    let listed = help.split_once("\nCommands:\n").map(|(_, rest)| rest.split("\n\n").next().unwrap_or(rest));
    let names: Vec<String> = listed
        .into_iter()
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?.split(' ').next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect();
    found.push(Command { name: path.join(" "), help, has_subcommands: !names.is_empty() });
    for name in names {
        path.push(name);
        collect(binary, path, found)?;
        path.pop();
    }
    Ok(())
}

fn command_line(commands: &[Command]) -> String {
    let mut page = "# The command line\n\nWhat `--help` says of `audit-log` and each of its commands, built with all features. \
                    What they end with: [exit codes](exit-codes.md).\n"
        .to_owned();
    for Command { name, help, .. } in commands {
        let level = if name.contains(' ') { "###" } else { "##" };
        let title = format!("{level} audit-log {name}");
        page += &format!("\n{}\n\n```text\n{}\n```\n", title.trim_end(), trimmed(help));
    }
    page
}

fn trimmed(text: &str) -> String {
    text.trim_end().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Commands that look into nothing, so that nothing can be found wrong.
const NEVER_ONE: &[&str] =
    &["completions", "config schema", "dead-letter list", "hold list", "keygen", "metrics", "token"];

fn exit_codes(commands: &[Command]) -> Result<String> {
    let mut page = "# Exit codes\n\n\
        0 says that all is well, 1 that something is wrong with what was asked about, and 2 that nothing was found out or done: wrong \
        usage, a file that cannot be read, a configuration that is wrong. What that is for a command:\n\n\
        | command | 0 | 1 | 2 |\n|---|---|---|---|\n"
        .to_owned();
    let codes =
        Regex::new(r"Exit code (0: .*?; 1: .*?)\.(?: With (--\S+) (0: .*)\.)?$").expect("a fixed pattern");
    let mut others = Vec::new();
    for command in commands.iter().filter(|command| !command.has_subcommands) {
        let Command { name, help, .. } = command;
        let parent =
            name.split_once(' ').and_then(|(parent, _)| commands.iter().find(|it| it.name == parent));
        let said = std::iter::once(help).chain(parent.map(|parent| &parent.help)).find_map(|help| {
            let paragraph = help.split("\n\n").find(|paragraph| paragraph.contains("Exit code 0"))?;
            Some(paragraph.replace('\n', " "))
        });
        let Some(said) = said else {
            if !NEVER_ONE.iter().any(|it| name == it || parent.is_some_and(|parent| parent.name == *it)) {
                bail!("the help of `{name}` has no paragraph that begins with `Exit code 0: `");
            }
            others.push(format!("`{name}`"));
            continue;
        };
        let said = codes
            .captures(&said)
            .with_context(|| format!("`{name}` tells its exit codes in other words: {said}"))?;
        page += &row(&format!("`{name}`"), &said[1]);
        if let (Some(option), Some(its)) = (said.get(2), said.get(3)) {
            page += &row(&format!("`{name} {}`", option.as_str()), its.as_str());
        }
    }
    let list = others.join(", ");
    page += &format!(
        "\nThe others end with 0 when they have done what they were asked for, and else with 2: {list}.\n"
    );
    Ok(page)
}

/// From `0: all is well; 1: something is wrong`.
fn row(name: &str, codes: &str) -> String {
    let mut row = format!("| {name} |");
    for code in ["0: ", "1: ", "2: "] {
        let from = codes.find(code).map(|start| &codes[start + code.len()..]).unwrap_or_default();
        let ends = ["; 1: ", "; 2: "].into_iter().filter_map(|next| from.find(next)).min();
        row += &format!(" {} |", &from[..ends.unwrap_or(from.len())]);
    }
    row + "\n"
}

fn event_types() -> Result<String> {
    let mut page = "# Event types\n\n\
        The catalogue. Any other name of the form `category.event` is a type of your own. Types marked with * are recorded by the log \
        itself, and refused from anybody else. The class is that of the OCSF record that such an event becomes: \
        [the whole mapping](../ocsf.md).\n"
        .to_owned();
    let mapping = Mapping::new(Version::default());
    let mut category = "";
    for (event_type, when) in EventType::CATALOGUE {
        if event_type.category() != category {
            category = event_type.category();
            page += &format!("\n## {category}\n\n| type | when | OCSF class |\n|---|---|---|\n");
        }
        let event = Event::new(event_type.clone(), Actor::user("alice"), Action::success("do"));
        let record = mapping.to_value(&event, Recorded::default())?;
        let class = Class::ALL
            .iter()
            .find(|class| record["class_uid"] == class.uid())
            .context("a record has a class")?;
        let reserved = if event_type.is_reserved() { " *" } else { "" };
        page += &format!(
            "| `{event_type}`{reserved} | {} | `{class}` ({}) |\n",
            when.trim_end_matches('.'),
            class.uid()
        );
    }
    Ok(page)
}

fn metrics(table: &Value) -> Result<String> {
    let mut page = "# Metrics\n\n\
        What `/metrics` has, in Prometheus' text format: all of it, and nothing else but what Prometheus adds itself. Counters begin \
        at 0 with the program; those with a label, or of something rare, are there from the first time on. Times of a last event are \
        0 before the first. What each means is its `# HELP`, too. Over these there are [alert rules](../operations/prometheus-rules.yaml) and a \
        [Grafana dashboard](../operations/grafana-dashboard.json). A program of yours that uses \
        [audit-tower](../../crates/audit-tower/README.md#metrics) or [audit-tracing](../../crates/audit-tracing/README.md#metrics) has \
        theirs, too.\n\n\
        | name | type | unit | labels | meaning |\n|---|---|---|---|---|\n"
        .to_owned();
    for metric in table.as_array().context("the metrics are no list")? {
        let cell = |name: &str| metric[name].as_str().with_context(|| format!("no {name}: {metric}"));
        let labels = metric["labels"].as_array().with_context(|| format!("no labels: {metric}"))?;
        let labels: Vec<String> =
            labels.iter().filter_map(|label| Some(format!("`{}`", label.as_str()?))).collect();
        page += &format!(
            "| `{}` | {} | {} | {} | {} |\n",
            cell("name")?,
            cell("type")?,
            cell("unit")?,
            labels.join(", "),
            cell("meaning")?
        );
    }
    Ok(page)
}

//! `docs/benchmarks.md`: every bench run once, ours beside its peers, with the machine and the versions.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use regex::Regex;

use crate::report::Outcome;
use crate::services;
use crate::shell::{Shell, cargo, program, root};

pub(crate) const PAGE: &str = "docs/benchmarks.md";

/// A crate's peers, as they are called in Cargo.lock.
const PEER_CRATES: [&str; 9] = [
    "audit-trail",
    "axum",
    "cel",
    "evalexpr",
    "flexi_logger",
    "logroller",
    "tracing-appender",
    "tracing-subscriber",
    "wirefilter-engine",
];

/// Those in the Python that the benches ask.
const PEER_MODULES: [&str; 2] = ["duckdb", "py-ocsf-models"];

/// `cargo xtask bench NAME…`
pub(crate) fn bench(names: &[String]) -> Result<Outcome> {
    let chosen = names.iter().flat_map(|name| ["--bench", name]);
    benches(&services::python()?).args(chosen).run().map(Outcome::passed)
}

fn benches(python: &Path) -> Shell {
    cargo("bench --package audit-benches").env("AUDIT_TEST_PYTHON", &python.to_string_lossy())
}

/// `cargo xtask compare`
pub(crate) fn write() -> Result<Outcome> {
    let python = services::python()?;
    let mut page = String::from(
        "# Benchmarks\n\nOne run of `cargo xtask compare`, which writes this page. Each bench measures its sides in turns and divides\n\
         their rates within each round: the median of those ratios, with the quartiles. What is measured and how, and why a goal\n\
         is missed: [benches](../benches/README.md).\n\n",
    );
    page += &machine(&python)?;
    for name in names()? {
        let source = fs::read_to_string(root().join(format!("benches/benches/{name}.rs")))?;
        let question = source.lines().next().and_then(|line| line.strip_prefix("//! ")).unwrap_or(&name);
        println!("{name}: {question}");
        let ran = benches(&python).args(["--bench", &name]).output()?;
        ensure!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let printed = String::from_utf8_lossy(&ran.stdout).into_owned();
        write!(page, "\n## {question}\n\n{}\n", command(&name))?;
        for table in tables(&printed) {
            page += &rows(table)?;
        }
    }
    fs::write(root().join(PAGE), page)?;
    println!("{PAGE} is written");
    Ok(Outcome::Passed)
}

/// What the page has of a bench.
pub(crate) fn section<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    page.split("\n## ").find(|section| section.lines().any(|line| line == command(name)))
}

fn command(name: &str) -> String {
    format!("`cargo xtask bench {name}`")
}

fn names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join("benches/benches"))? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// What the benches print behind their titles, up to an empty line.
fn tables(printed: &str) -> impl Iterator<Item = &str> {
    const TITLE: &str = ": ratios of rates, median of the rounds (quartiles)\n";
    printed.split(TITLE).skip(1).filter_map(|rest| rest.split("\n\n").next())
}

fn rows(table: &str) -> Result<String> {
    let ratio = Regex::new(
        r"^ *([0-9.]+) x +\(([0-9.]+) to ([0-9.]+)\) +(?:goal +([0-9.]+) +(\w+)|for information) +(.+)$",
    )?;
    let rate = Regex::new(r"^ {2,}([0-9.]+) ([^ ].*?)  (.+)$")?;
    let (mut ratios, mut rates, mut notes) = (String::new(), String::new(), String::new());
    for line in table.replace('|', "\\|").lines() {
        if let Some(found) = ratio.captures(line) {
            let goal = found
                .get(4)
                .map_or(String::new(), |goal| format!("{}, {}", goal.as_str(), found[5].to_lowercase()));
            writeln!(ratios, "| {} | {} | {}–{} | {goal} |", &found[6], &found[1], &found[2], &found[3])?;
        } else if let Some(found) = rate.captures(line) {
            writeln!(rates, "| {} | {} {} |", &found[3], &found[1], &found[2])?;
        } else if !line.trim().is_empty() {
            writeln!(notes, "- {}", line.trim())?;
        }
    }
    let mut text = format!("\n| | ratio | quartiles | goal |\n|---|---|---|---|\n{ratios}");
    if !rates.is_empty() {
        write!(text, "\n| side | rate |\n|---|---|\n{rates}")?;
    }
    if !notes.is_empty() {
        write!(text, "\n{notes}")?;
    }
    Ok(text)
}

fn machine(python: &Path) -> Result<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |it| it.1);
    let cores = std::thread::available_parallelism()?;
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory: u64 =
        memory.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse().ok()).unwrap_or(0);
    let mut text = String::from("| | |\n|---|---|\n");
    writeln!(text, "| machine | {model}, {cores} cores, {} GiB |", memory.div_ceil(1 << 20))?;
    let system = first_line("uname", &["-sr"])?;
    writeln!(text, "| system | {} |", system.split('-').next().unwrap_or_default())?;
    writeln!(
        text,
        "| file system | {} |",
        first_line("findmnt", &["--noheadings", "--output", "FSTYPE", "--target", "."])?
    )?;
    writeln!(text, "| compiler | {} |", first_line("rustc", &["--version"])?)?;
    writeln!(
        text,
        "| audit-log | {}, {} |",
        env!("CARGO_PKG_VERSION"),
        first_line("git", &["rev-parse", "--short", "HEAD"])?
    )?;
    for (name, version) in peers(&root().join("Cargo.lock"))? {
        writeln!(text, "| {name} | {version} |")?;
    }
    for module in PEER_MODULES {
        let version = format!("import importlib.metadata; print(importlib.metadata.version('{module}'))");
        writeln!(text, "| {module} | {} |", first_line(&python.to_string_lossy(), &["-c", &version])?)?;
    }
    for name in ["jq", "rg", "python3"] {
        writeln!(text, "| {name} | {} |", first_line(name, &["--version"])?)?;
    }
    Ok(text)
}

fn peers(lock: &Path) -> Result<Vec<(&'static str, String)>> {
    let lock = fs::read_to_string(lock)?;
    let version = |name: &str| {
        let entry = format!("name = \"{name}\"\nversion = \"");
        lock.split(&entry).nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned)
    };
    let found = PEER_CRATES.iter().map(|name| {
        version(name).map(|version| (*name, version)).with_context(|| format!("{name} is not in Cargo.lock"))
    });
    found.collect()
}

fn first_line(name: &str, arguments: &[&str]) -> Result<String> {
    let Ok(ran) = program(name).args(arguments).output() else { return Ok("not installed".to_owned()) };
    Ok(String::from_utf8_lossy(&ran.stdout).lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_bench_prints_becomes_tables() {
        let printed = "noise\n\nhttp, 64 connections: ratios of rates, median of the rounds (quartiles)\n     0.52 x  (0.49 to 0.56)  \
                       goal  0.50  reached   one / parsed\n     7.80 x  (7.22 to 7.98)  for information       one / a | b\n     26082.1 \
                       events/s  one\n  one: p50 2.25 ms\n\nmore\n";
        let tables: Vec<_> = tables(printed).collect();
        assert_eq!(tables.len(), 1);
        assert_eq!(
            rows(tables[0]).unwrap(),
            "\n| | ratio | quartiles | goal |\n|---|---|---|---|\n| one / parsed | 0.52 | 0.49–0.56 | 0.50, reached |\n| one / a \\| b | \
             7.80 | 7.22–7.98 |  |\n\n| side | rate |\n|---|---|\n| one | 26082.1 events/s |\n\n- one: p50 2.25 ms\n"
        );
    }
}

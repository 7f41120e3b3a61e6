//! `cargo xtask services`: the real servers that the live tests talk to, on ports of 127.0.0.1.

mod certificates;
mod clickhouse;
mod cloudwatch;
mod control;
mod debian;
mod environment;
mod http;
mod kafka;
mod lock;
mod maven;
mod oidc;
mod opensearch;
mod ports;
mod process;
mod python;
mod s3;
mod server;
mod smtp;
mod syslog;
pub(crate) mod tools;
mod toxiproxy;
mod webhook;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::checkers::or_skipped;
use crate::report::{Outcome, Report};
use crate::shell::target_dir;
use control::State;
pub(crate) use environment::variables;
use server::{Server, folder_of};

/// The one that takes longest comes first.
const SERVERS: [&dyn Server; 9] = [
    &kafka::Kafka,
    &s3::S3,
    &cloudwatch::CloudWatch,
    &syslog::Syslog,
    &smtp::Smtp,
    &webhook::Webhook,
    &oidc::Oidc,
    &clickhouse::ClickHouse,
    &toxiproxy::Toxiproxy,
];

const HELP: &str = "\
The servers that the live tests talk to: kafka, s3, cloudwatch, syslog, smtp, webhook, oidc, clickhouse,
toxiproxy

    cargo xtask services up [NAME…]      start them (all), or again after a kill, and wait until each answers
    cargo xtask services down [NAME…]    stop them and remove their data
    cargo xtask services kill NAME       SIGKILL one; its data and ports stay for the next `up`
    cargo xtask services status          which are up, where, and where their logs are
    cargo xtask services env             what the tests are told: eval \"$(cargo xtask services env)\"

A server that needs a tool which can't be installed here is unavailable, and the others go on without it. With
AUDIT_TEST_KAFKA, AUDIT_TEST_S3, … set to a server of your own, that one is tested and ours not started.
";

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let (task, names) = match arguments.split_first() {
        Some((task, names)) => (task.as_str(), names),
        None => ("", arguments),
    };
    let done = match (task, names) {
        ("up", _) => up(names),
        ("down", _) => down(names).map(|()| true),
        ("kill", [_]) => named(names).and_then(|servers| control::kill(servers[0])).map(|()| true),
        ("status", []) => status().map(|()| true),
        ("env", []) => environment::print().map(|()| true),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Without the backtrace that anyhow may add: the tests show this to people.
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// All of them when none is named.
fn named(names: &[String]) -> Result<Vec<&'static dyn Server>> {
    if names.is_empty() {
        return Ok(SERVERS.to_vec());
    }
    let find = |name: &String| {
        let server = SERVERS.into_iter().find(|server| server.name() == name);
        server.with_context(|| {
            format!(
                "no server is called `{name}`; there are {}",
                SERVERS.map(|server| server.name()).join(", ")
            )
        })
    };
    names.iter().map(find).collect()
}

/// For `cargo xtask test`: a row for each.
pub(crate) fn up_for_tests(report: &mut Report) {
    for (server, start) in start(&SERVERS) {
        report.suite(&format!("live: {}", server.name()), || {
            Ok(match start.join().expect("a start does not panic") {
                Ok(State::Unavailable(why)) => Outcome::Skipped(why),
                Ok(_) => Outcome::Passed,
                Err(error) => Outcome::Failed(format!("{error:#}")),
            })
        });
    }
    report.suite("live: opensearch", || found(opensearch::jars().map(drop)));
    report.suite("live: chromium", || found(chromium().map(drop)));
}

fn found(what: Result<()>) -> Result<Outcome> {
    or_skipped(|| what.map(|()| Outcome::Passed))
}

/// A Python with what tests and benches hold us against.
///
/// # Errors
/// `Missing` if there is none.
pub(crate) fn python() -> Result<PathBuf> {
    python::ensure()?;
    python::bin("python3")
}

/// The browser that reports are looked at with.
pub(crate) fn chromium() -> Result<&'static str> {
    const PATH: &str = "/usr/bin/chromium";
    debian::ensure(&[("chromium", PATH)])?;
    Ok(PATH)
}

/// Where the jars of OpenSearch are, if they can be had.
pub(crate) fn opensearch_jars() -> Option<PathBuf> {
    opensearch::jars().ok()
}

/// All of them, however the tests ended.
pub(crate) fn down_after_tests() -> Result<()> {
    down(&[])
}

type Start = JoinHandle<Result<State>>;

/// All at once.
fn start(servers: &[&'static dyn Server]) -> Vec<(&'static dyn Server, Start)> {
    let start = |server: &&'static dyn Server| {
        let server = *server;
        let start = thread::spawn(move || {
            let began = Instant::now();
            let state = control::up(server)?;
            println!("{}: {state} ({:.1} s)", server.name(), began.elapsed().as_secs_f64());
            Ok(state)
        });
        (server, start)
    };
    servers.iter().map(start).collect()
}

/// Succeeds without a server that can't be had here, unless that one was asked for by its name.
fn up(names: &[String]) -> Result<bool> {
    let mut is_good = true;
    for (server, start) in start(&named(names)?) {
        match start.join().expect("a start does not panic") {
            Ok(State::Unavailable(_)) => is_good &= names.is_empty(),
            Ok(_) => {}
            Err(error) => {
                eprintln!("{}: {error:#}", server.name());
                is_good = false;
            }
        }
    }
    Ok(is_good)
}

fn down(names: &[String]) -> Result<()> {
    let servers = named(names)?;
    let stops: Vec<_> = servers.into_iter().map(|server| thread::spawn(|| control::down(server))).collect();
    for stop in stops {
        stop.join().expect("a stop does not panic")?;
    }
    let folder = run_folder()?;
    if names.is_empty() && folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

fn status() -> Result<()> {
    println!("{:10}  state", "name");
    for server in SERVERS {
        println!("{:10}  {}", server.name(), control::state(server)?);
        let log = folder_of(server)?.join("log");
        if log.exists() {
            println!("{:10}  log: {}", "", log.display());
        }
    }
    Ok(())
}

/// Where all of this is kept: the tools, and the data of the servers that run.
fn home() -> Result<PathBuf> {
    Ok(target_dir()?.join("services"))
}

fn run_folder() -> Result<PathBuf> {
    Ok(home()?.join("run"))
}

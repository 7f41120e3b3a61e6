//! The README lists the commands that `--help` lists, each with arguments that it takes.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::path::Path;
use std::process::{Command, Output};

const README: &str = include_str!("../README.md");

/// As a shell reads it.
fn audit_log(line: &str) -> Output {
    let folder = Path::new(env!("CARGO_BIN_EXE_audit-log")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    Command::new("sh").args(["-c", line]).env("PATH", path).output().unwrap()
}

/// The commands that do something, each by its whole name; an alias is one, too.
fn commands(name: &str) -> Vec<String> {
    let help = String::from_utf8(audit_log(&format!("{name} --help")).stdout).unwrap();
    let Some((_, listed)) = help.split_once("\nCommands:\n") else { return vec![name.to_owned()] };
    let listed = listed.split("\n\n").next().unwrap();
    // What a command does may go on in further lines, which are indented more.
    let lines = listed.lines().filter_map(|line| line.strip_prefix("  "));
    let names = lines.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(' ').next());
    let aliases = ["[alias: ", "[aliases: "].into_iter().flat_map(|begin| listed.split(begin).skip(1));
    let aliases = aliases.filter_map(|rest| rest.split(']').next()).flat_map(|aliases| aliases.split(", "));
    let own = names.chain(aliases).filter(|own| *own != "help");
    own.flat_map(|own| commands(&format!("{name} {own}"))).collect()
}

fn shown() -> Vec<&'static str> {
    let block = README.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    block.lines().collect()
}

#[test]
fn that_help_lists() {
    let commands = commands("audit-log");
    assert!(commands.len() > 25, "{commands:?}");
    for command in ["audit-log serve", "audit-log token rotate"] {
        assert!(commands.iter().any(|name| name == command), "{commands:?}");
    }
    for command in &commands {
        let is_shown = |line: &&str| {
            line.strip_prefix(command.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        assert!(shown().iter().any(is_shown), "`{command}` is not in the README");
    }
}

#[test]
fn with_arguments_that_it_takes() {
    for line in shown() {
        let output = audit_log(&format!("{line} --help"));
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        // A subcommand that there is not would be answered with the help of those that there are.
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(!help.contains("\nCommands:\n"), "{line}: {help}");
    }
}

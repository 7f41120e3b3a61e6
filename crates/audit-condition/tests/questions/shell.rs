use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::translation::{is_ci, now};

/// What the shell prints for these commands beside an `audit.log` of this text, or none where there is no jq.
pub(crate) fn outputs(commands: &[String], log: &str) -> Option<Vec<Output>> {
    let jq = env::var("AUDIT_TEST_JQ").unwrap_or_else(|_| "jq".to_owned());
    if let Err(error) = Command::new(&jq).arg("--version").output() {
        assert!(!is_ci(), "{jq} can't be run ({error}), and in CI nothing is skipped");
        println!("skipped: {jq} can't be run ({error})");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("audit.log"), log).unwrap();
    // What jq reads before each program: a definition of this name hides the clock.
    fs::write(at(".jq"), format!("def now: {};\n", now().as_milliseconds() / 1000)).unwrap();
    let mut path = env::var("PATH").unwrap();
    if Path::new(&jq).is_absolute() {
        fs::create_dir(at("bin")).unwrap();
        fs::write(at("bin/jq"), format!("#!/bin/sh\nexec '{jq}' \"$@\"\n")).unwrap();
        assert!(Command::new("chmod").arg("+x").arg(at("bin/jq")).status().unwrap().success());
        path = format!("{}:{path}", at("bin").display());
    }
    let run = |command: &String| {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(&folder).env("HOME", folder.path()).env("PATH", &path);
        shell.output().unwrap()
    };
    Some(commands.iter().map(run).collect())
}

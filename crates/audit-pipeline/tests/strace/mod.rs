//! What a process asked of the kernel, and in which order, as strace tells. A kill can't show it: what is with the kernel outlives the
//! process.
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::log::{CHILD, Log};

/// Runs one test of this file in another process, in which `child_argument` is the log's path: its calls. Nothing, with a word about it,
/// where there is no strace; in CI there has to be one.
pub(crate) fn calls(test: &str, log: &Log) -> Option<String> {
    if !Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status().is_ok_and(|s| s.success()) {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "there is no strace here, or it may not trace"
        );
        println!("skipped: there is no strace here, or it may not trace");
        return None;
    }
    let trace = log.directory.path().join("trace");
    let child = Command::new("strace")
        .args(["-f", "-qq", "-y", "-s", "100000", "-e", "signal=none", "-o"])
        .arg(&trace)
        .args(["-e", "trace=write,writev,pwrite64,fdatasync,fsync,?unlink,unlinkat"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, &log.path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    Some(std::fs::read_to_string(trace).unwrap())
}

/// For each call that `done` finds a name in, that name, and whether the log was synced before, after it was written there behind `sign`.
pub(crate) fn order<'a>(
    calls: &'a str,
    log: &Path,
    sign: &str,
    done: impl Fn(&'a str) -> Option<&'a str>,
) -> Vec<(&'a str, bool)> {
    let log = format!("<{}>", log.display());
    let mut order = Vec::new();
    // Of each thread that is in a call: the call, and what was written when it began.
    let mut begun: HashMap<&str, (&str, HashSet<&str>)> = HashMap::new();
    let (mut written, mut synced) = (HashSet::new(), HashSet::new());
    for line in calls.lines() {
        let (thread, call) = line.split_once(char::is_whitespace).unwrap();
        let call = call.trim_start();
        if !call.starts_with("<...") {
            order.extend(done(call).map(|name| (name, synced.contains(name))));
            begun.insert(thread, (call, written.clone()));
        }
        if call.ends_with("<unfinished ...>") {
            continue;
        }
        let (call, before) = begun.remove(thread).unwrap();
        if !call.contains(&log) {
            continue;
        }
        if !call.contains("sync(") {
            written.extend(call.split(sign).skip(1).map(up_to_escape));
        } else if line.ends_with("= 0") {
            synced.extend(before);
        }
    }
    order
}

/// Strace escapes quotation marks and line ends.
pub(crate) fn up_to_escape(text: &str) -> &str {
    text.split('\\').next().unwrap_or(text)
}

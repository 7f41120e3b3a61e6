//! A listener, and the log that what it hears goes to.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use audit_pipeline::Pipeline;
use audit_source::{CancellationToken, Intake, Source as _, SourceError};
use audit_source_syslog::{SyslogSource, SyslogSourceOptions};
use serde_json::Value;

pub(crate) struct Place {
    root: PathBuf,
    _directory: Option<tempfile::TempDir>,
}

pub(crate) struct Running {
    stop: CancellationToken,
    pub(crate) intake: Intake,
    pub(crate) address: SocketAddr,
    thread: JoinHandle<Result<(), SourceError>>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { root: directory.path().to_owned(), _directory: Some(directory) }
    }

    /// One that another process has made.
    pub(crate) fn of(root: &str) -> Self {
        Self { root: root.into(), _directory: None }
    }

    pub(crate) fn root(&self) -> &str {
        self.root.to_str().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn run(&self, change: impl FnOnce(SyslogSourceOptions) -> SyslogSourceOptions) -> Running {
        self.run_at("127.0.0.1:0", change)
    }

    pub(crate) fn run_at(
        &self,
        address: &str,
        change: impl FnOnce(SyslogSourceOptions) -> SyslogSourceOptions,
    ) -> Running {
        let stop = CancellationToken::new();
        let pipeline = Pipeline::options(self.path("audit.log")).start().unwrap();
        let intake = Intake::new(pipeline.clone(), "syslog");
        let source = SyslogSource::bind(change(SyslogSourceOptions::new(address))).unwrap();
        let address = source.local_addr();
        let (status, stopped) = (intake.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let ended = runtime.block_on(Box::new(source).run(intake, stopped));
            pipeline.close().unwrap();
            ended
        });
        Running { stop, intake: status, address, thread }
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("audit.log")).unwrap();
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let events = whole.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| !event["event_type"].as_str().unwrap().starts_with("audit.")).collect()
    }
}

impl Running {
    pub(crate) fn stop(self) {
        self.stop.cancel();
        self.thread.join().unwrap().unwrap();
    }

    pub(crate) fn until_recorded(&self, events: u64) {
        while self.intake.status().recorded < events {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// A variable of the environment; a test without it is skipped, and says so.
pub(crate) fn setting(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    if value.is_none() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{name} is not set");
        eprintln!("skipped: {name} is not set (cargo xtask test sets it)");
    }
    value
}

const CHILD: &str = "AUDIT_SOURCE_SYSLOG_TEST_CHILD";

/// In a child process, what it was given; in the test itself, nothing.
pub(crate) fn child_argument() -> Option<String> {
    std::env::var(CHILD).ok()
}

/// Runs one test of this file in another process, in which `child_argument` is `argument`. It ignores SIGXFSZ, so that a file at its
/// limit looks like a full disk.
pub(crate) fn spawn_child(test: &str, argument: &str) -> Child {
    Command::new("bash")
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, argument)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

pub(crate) fn limit_files(bytes: &str) {
    let process = std::process::id().to_string();
    let limited = Command::new("prlimit").args(["--pid", &process, &format!("--fsize={bytes}:")]).status();
    assert!(limited.expect("util-linux has prlimit").success());
}

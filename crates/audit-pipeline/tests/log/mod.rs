//! A log in a directory of its own, and what these tests ask of it.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use audit_integrity::{ChainReport, Head, Key, KeyRing, Report, Verifier, open_log};
use audit_journal::segments;
use audit_model::{Action, Actor, Event, EventType, Value};
use audit_pipeline::{Options, Pipeline};

pub(crate) struct Log {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) path: PathBuf,
}

/// One event that these tests recorded, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) sequence_number: u64,
}

pub(crate) fn key() -> Key {
    Key::from_bytes(&[7; 32]).unwrap()
}

pub(crate) fn other_key() -> Key {
    Key::from_bytes(&[8; 32]).unwrap()
}

pub(crate) fn event(name: impl Into<String>) -> Event {
    let actor = Actor::user("alice");
    Event::new(EventType::BACKUP_STARTED, actor, Action::success("backup")).detail("name", name.into())
}

impl Log {
    pub(crate) fn new() -> Self {
        Self::beneath(&std::env::temp_dir())
    }

    /// In memory where that can be had.
    pub(crate) fn fast() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::beneath(memory) } else { Self::new() }
    }

    fn beneath(parent: &Path) -> Self {
        let directory = tempfile::tempdir_in(parent).unwrap();
        Self { path: directory.path().join("audit.log"), directory }
    }

    pub(crate) fn options(&self) -> Options {
        Pipeline::options(&self.path).signing_key(key())
    }

    /// Segments and the active file, in the order of their records.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let rotated = segments(&self.path).unwrap().into_iter().map(|segment| segment.path);
        rotated.chain(self.path.exists().then(|| self.path.clone())).collect()
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        let mut text = String::new();
        for file in self.files() {
            open_log(&file).unwrap().read_to_string(&mut text).unwrap();
        }
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The events, without their seals.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.lines()
            .into_iter()
            .map(|mut line| if line["event"].is_null() { line } else { line["event"].take() })
            .collect()
    }

    pub(crate) fn types(&self) -> Vec<String> {
        self.events().iter().map(|event| event["event_type"].as_str().unwrap().to_owned()).collect()
    }

    /// The events of a type.
    pub(crate) fn of_type(&self, event_type: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["event_type"] == event_type).collect()
    }

    /// The events that have a name, in their order.
    pub(crate) fn found(&self) -> Vec<Found> {
        let named = |line: Value| {
            let name = line["event"]["details"]["name"].as_str()?.to_owned();
            Some(Found { name, sequence_number: line["integrity"]["sequence_number"].as_u64()? })
        };
        self.lines().into_iter().filter_map(named).collect()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.found().into_iter().map(|found| found.name).collect()
    }

    pub(crate) fn head(&self, keys: &KeyRing) -> Head {
        let kept = std::fs::read(self.directory.path().join(".audit.log.head")).unwrap();
        Head::from_json(&kept, keys).unwrap()
    }

    /// What the verifier says, told where the log has to reach.
    pub(crate) fn verify_with(&self, keys: impl IntoIterator<Item = Key>) -> Report {
        let keys: KeyRing = keys.into_iter().collect();
        Verifier::new(keys.clone()).expect_head(self.head(&keys)).verify(&self.files()).unwrap()
    }

    pub(crate) fn verify(&self) -> ChainReport {
        let report = self.verify_with([key()]);
        assert_eq!((report.unsealed, report.chains.len()), (0, 1), "{report:?}");
        assert!(report.unreadable.is_empty(), "{report:?}");
        report.chains.into_iter().next().unwrap()
    }

    pub(crate) fn assert_intact(&self) {
        let chain = self.verify();
        assert_eq!(chain.verdict.as_str(), "intact", "{chain:?}");
        assert_eq!(chain.duplicates, 0);
    }

    pub(crate) fn assert_open(&self) {
        let chain = self.verify();
        assert_eq!(chain.verdict.as_str(), "intact, open", "{chain:?}");
        assert_eq!(chain.duplicates, 0);
    }
}

/// Ends the process when it is not dropped in time: a test that hangs fails.
pub(crate) struct Watchdog(#[allow(dead_code, reason = "its end is the sign")] Sender<()>);

pub(crate) fn watchdog(seconds: u64) -> Watchdog {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        if receiver.recv_timeout(Duration::from_secs(seconds))
            == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
        {
            eprintln!("still waiting after {seconds} seconds");
            std::process::abort();
        }
    });
    Watchdog(sender)
}

pub(crate) const CHILD: &str = "AUDIT_PIPELINE_TEST_CHILD";

/// In a child process, what it was given; in the test itself, nothing.
pub(crate) fn child_argument() -> Option<String> {
    std::env::var(CHILD).ok()
}

/// Runs one test of this file in another process, in which `child_argument` is `argument`. It ignores SIGXFSZ, so that
/// a file at its limit looks like a full disk.
pub(crate) fn spawn_child(test: &str, argument: &str) -> Child {
    Command::new("bash")
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, argument)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

//! A directory with a file that is followed, and the log that its lines go to.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use audit_pipeline::Pipeline;
use audit_source::{CancellationToken, Intake, Rejects, Source as _, SourceError};
use audit_source_file::{FileOptions, FileSource};
use serde_json::Value;

pub(crate) struct Place {
    root: PathBuf,
    _directory: Option<tempfile::TempDir>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("logs")).unwrap();
        Self { root: directory.path().to_owned(), _directory: Some(directory) }
    }

    /// One that another process has made.
    pub(crate) fn of(root: &str) -> Self {
        Self { root: root.into(), _directory: None }
    }

    pub(crate) fn root(&self) -> &str {
        self.root.to_str().unwrap()
    }

    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.root.join("logs").join(name)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.beside("app.log")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    pub(crate) fn rejects(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.root.join("rejects.ndjson")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Impatient, so that tests are short.
    pub(crate) fn options(&self) -> FileOptions {
        FileOptions::new(self.file(), self.state())
            .poll(Duration::from_millis(20))
            .settle(Duration::from_millis(300))
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.root.join("audit.log")
    }

    /// What the log holds, without its own records of itself.
    pub(crate) fn events(&self) -> Vec<Value> {
        let is_own = |event: &Value| event["event_type"].as_str().unwrap().starts_with("audit.");
        self.records().into_iter().filter(|event| !is_own(event)).collect()
    }

    fn records(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.log_path()).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The numbers of the lines in the log.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.events().iter().filter_map(|event| event["details"]["n"].as_u64()).collect()
    }

    pub(crate) fn gaps(&self) -> Vec<Value> {
        self.records().into_iter().filter(|event| event["event_type"] == "audit.source_gap").collect()
    }

    /// Waits for the log to hold these.
    pub(crate) fn until(&self, numbers: &[u64]) {
        self.until_that(
            |place| place.numbers() == numbers,
            |place| format!("{:?}, not {numbers:?}", place.numbers()),
        );
    }

    /// Waits for something; a log that has not changed for many seconds will not.
    pub(crate) fn until_that(&self, what: impl Fn(&Self) -> bool, found: impl Fn(&Self) -> String) {
        let (mut length, mut since) = (0, Instant::now());
        while !what(self) {
            let now = fs::metadata(self.log_path()).map_or(0, |metadata| metadata.len());
            if now != length {
                (length, since) = (now, Instant::now());
            }
            assert!(since.elapsed() < Duration::from_secs(20), "the log stays at {}", found(self));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn run(&self) -> Running {
        self.run_with(self.options())
    }

    pub(crate) fn run_with(&self, options: FileOptions) -> Running {
        let stop = CancellationToken::new();
        let pipeline = Pipeline::options(self.log_path()).start().unwrap();
        let rejects = Arc::new(Rejects::new(self.root.join("rejects.ndjson")).unwrap());
        let intake = Intake::new(pipeline.clone(), "app").rejects(rejects);
        let source = FileSource::open(options).unwrap();
        let (status, stopped) = (intake.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let ended = runtime.block_on(Box::new(source).run(intake, stopped));
            drop(runtime);
            // On a disk that is full it cannot be closed in good order.
            drop(pipeline.close());
            ended
        });
        Running { stop, intake: status, thread }
    }
}

/// A source at work.
pub(crate) struct Running {
    stop: CancellationToken,
    pub(crate) intake: Intake,
    thread: JoinHandle<Result<(), SourceError>>,
}

impl Running {
    pub(crate) fn stop(self) {
        self.end().unwrap();
    }

    pub(crate) fn end(self) -> Result<(), SourceError> {
        self.stop.cancel();
        self.thread.join().unwrap()
    }
}

pub(crate) fn line(number: u64) -> String {
    format!("{{\"event_type\":\"backup.started\",\"details\":{{\"n\":{number}}}}}\n")
}

pub(crate) fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

pub(crate) fn append_lines(path: &Path, numbers: impl IntoIterator<Item = u64>) {
    append(path, &numbers.into_iter().map(line).collect::<String>());
}

/// As logrotate does it.
pub(crate) fn copy_and_truncate(path: &Path, to: &Path) {
    fs::copy(path, to).unwrap();
    File::options().write(true).open(path).unwrap().set_len(0).unwrap();
}

const CHILD: &str = "AUDIT_SOURCE_FILE_TEST_CHILD";

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
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

//! A source that runs: here, or in a process of its own that may be killed.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "each test file uses a part, and a test that fails may panic"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use audit_pipeline::Pipeline;
use audit_source::{CancellationToken, Intake, Rejects, Source as _, SourceError, SourceStatus};
use audit_source_kafka::{KafkaSource, KafkaSourceOptions, LostRecords};

use crate::broker;

/// A source in a thread of this process.
pub struct Member {
    pub intake: Intake,
    pub lost: Arc<Mutex<Vec<LostRecords>>>,
    stop: CancellationToken,
    thread: JoinHandle<Result<(), SourceError>>,
}

impl Member {
    pub fn start(log: &Pipeline, options: KafkaSourceOptions) -> Self {
        Self::with(options, Intake::new(log.clone(), "kafka:audit"))
    }

    pub fn with_rejects(log: &Pipeline, options: KafkaSourceOptions, path: &Path) -> Self {
        let rejects = Arc::new(Rejects::new(path).unwrap());
        Self::with(options, Intake::new(log.clone(), "kafka:audit").rejects(rejects))
    }

    fn with(options: KafkaSourceOptions, intake: Intake) -> Self {
        let stop = CancellationToken::new();
        let lost: Arc<Mutex<Vec<LostRecords>>> = Arc::default();
        let told = Arc::clone(&lost);
        let source = KafkaSource::new(options).unwrap();
        let source = Box::new(source.on_lost(move |lost| told.lock().unwrap().push(lost.clone())));
        let thread = std::thread::spawn({
            let (intake, stop) = (intake.clone(), stop.clone());
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(source.run(intake, stop))
            }
        });
        Self { intake, lost, stop, thread }
    }

    pub fn status(&self) -> SourceStatus {
        self.intake.status()
    }

    pub fn stop(self) {
        self.stop.cancel();
        self.end().unwrap();
    }

    pub fn end(self) -> Result<(), SourceError> {
        self.thread.join().unwrap()
    }
}

/// A process that runs the test `in_a_process_of_its_own` of the same file.
pub struct Process {
    child: Child,
    pub log: PathBuf,
    said: Arc<Mutex<Vec<String>>>,
}

const DIRECTORY: &str = "AUDIT_TEST_MEMBER_DIRECTORY";
const SERVERS: &str = "AUDIT_TEST_MEMBER_SERVERS";
const TOPIC: &str = "AUDIT_TEST_MEMBER_TOPIC";

impl Process {
    pub fn start(directory: &Path, servers: &str, topic: &str) -> Self {
        Self::launched(Command::new(std::env::current_exe().unwrap()), directory, servers, topic)
    }

    /// One that may write files of so many KiB only, until it is told otherwise.
    pub fn start_limited(directory: &Path, servers: &str, topic: &str, kib: u32) -> Self {
        let mut bash = Command::new("bash");
        bash.args(["-c", &format!("trap '' XFSZ; ulimit -S -f {kib}; exec \"$0\" \"$@\"")]);
        bash.arg(std::env::current_exe().unwrap());
        Self::launched(bash, directory, servers, topic)
    }

    fn launched(mut command: Command, directory: &Path, servers: &str, topic: &str) -> Self {
        let mut child = command
            .args(["--exact", "in_a_process_of_its_own", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, directory)
            .env(SERVERS, servers)
            .env(TOPIC, topic)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn({
            let said = Arc::clone(&said);
            move || output.lines().map_while(Result::ok).for_each(|line| said.lock().unwrap().push(line))
        });
        Self { child, log: directory.join("audit.log"), said }
    }

    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub fn lift_limit(&self) {
        let pid = self.child.id().to_string();
        let lifted = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited:"]).status().unwrap();
        assert!(lifted.success());
    }

    /// Its memory, in KiB.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// What it has told with this word before it, the rest of each line.
    pub fn told(&self, word: &str) -> Vec<String> {
        let said = self.said.lock().unwrap();
        said.iter().filter_map(|line| Some(line.split_once(word)?.1.to_owned())).collect()
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn stop(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success(), "{:?}", self.said.lock().unwrap());
    }
}

/// What the process does, if this is one.
pub fn run_if_asked() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let (servers, topic) = (std::env::var(SERVERS).unwrap(), std::env::var(TOPIC).unwrap());
    let log = Pipeline::options(Path::new(&directory).join("audit.log")).chain().start().unwrap();
    let member = Member::start(&log, broker::options(&servers, &topic));
    let stopped = std::thread::spawn(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let mut told = 0;
    let mut failing = None;
    while !stopped.is_finished() {
        for lost in &member.lost.lock().unwrap()[told..] {
            println!("lost: {} {} {} {}", lost.topic, lost.partition, lost.from, lost.to);
            told += 1;
        }
        let status = member.status();
        if status.failing != failing {
            failing = status.failing;
            println!("failing: {failing:?}");
        }
        println!("recorded: {}", status.recorded);
        std::io::stdout().flush().unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }
    member.stop();
    log.close().unwrap();
}

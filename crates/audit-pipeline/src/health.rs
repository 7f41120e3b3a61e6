//! How the log is doing, for those who do not write it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use audit_model::Timestamp;
use metrics::{Counter, Gauge, Histogram};

/// What the one who writes tells everybody, each part on its own and without a wait.
#[derive(Debug, Default)]
pub(crate) struct Health {
    is_troubled: AtomicBool,
    /// Why the last attempt to write failed, and when that was.
    trouble: Mutex<Option<(String, Instant)>>,
    last_sequence: AtomicU64,
    commits: AtomicU64,
    dropped: AtomicU64,
    tampered: AtomicU64,
}

/// How often it is tried whether something can be written, while nobody writes.
const PROBE: Duration = Duration::from_secs(1);
/// What is written to find out. More than a file may have left in its last block.
const SCRATCH: usize = 64 << 10;

impl Health {
    /// Notes whether something can be written.
    pub(crate) fn found(&self, found: Result<(), String>) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = found.err().map(|why| (why, Instant::now()));
        self.is_troubled.store(trouble.is_some(), Ordering::Relaxed);
    }

    pub(crate) fn is_troubled(&self) -> bool {
        self.is_troubled.load(Ordering::Relaxed)
    }

    /// Why nothing can be written.
    pub(crate) fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.as_ref().map(|(why, _)| why.clone())
    }

    /// Whether it is time to find out.
    pub(crate) fn is_due(&self) -> bool {
        let is_old = |(_, since): &(String, Instant)| since.elapsed() >= PROBE;
        self.is_troubled()
            && self.trouble.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(is_old)
    }

    /// Whether something can be written beside the log; says what can't.
    pub(crate) fn probe(log: &Path) -> Result<(), String> {
        let name = log.file_name().unwrap_or_default().to_string_lossy();
        let path = log.with_file_name(format!(".{name}.probe"));
        let written = write(&path);
        // Also what was half written.
        let removed = fs::remove_file(&path);
        written.and(removed).map_err(|error| format!("cannot write beside {}: {error}", log.display()))
    }

    pub(crate) fn advance(&self, last_sequence: u64) {
        self.last_sequence.store(last_sequence, Ordering::SeqCst);
    }

    pub(crate) fn last_sequence(&self) -> u64 {
        self.last_sequence.load(Ordering::SeqCst)
    }

    pub(crate) fn committed(&self) {
        self.commits.fetch_add(1, Ordering::SeqCst);
    }

    /// How many commits there were.
    #[cfg(feature = "delivery")]
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }

    pub(crate) fn dropped(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }

    /// How many events were dropped.
    pub(crate) fn dropped_so_far(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn tampered(&self) {
        self.tampered.fetch_add(1, Ordering::Relaxed);
    }

    /// How often somebody else touched the log's files.
    pub(crate) fn tampered_so_far(&self) -> u64 {
        self.tampered.load(Ordering::Relaxed)
    }
}

fn write(path: &Path) -> io::Result<()> {
    let mut file = create_private(path)?;
    file.write_all(&[0; SCRATCH])?;
    file.sync_data()
}

/// An empty file, for the owner alone.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// What the `metrics` facade is told with each commit.
#[derive(Default)]
pub(crate) struct CommitMetrics {
    known: Option<(Instant, Known)>,
}

struct Known {
    recorded: Counter,
    duration: Histogram,
    last_event: Gauge,
    used: Gauge,
    capacity: Gauge,
}

/// How often it is asked where they go: whoever installs a recorder may come later than the log, and to ask with every
/// commit would cost more than to tell.
const ASK: Duration = Duration::from_secs(1);

impl CommitMetrics {
    /// So many events were written at that time, and it took so long.
    pub(crate) fn committed(&mut self, took: Duration, events: u64, at: Timestamp) {
        let known = self.known();
        known.recorded.increment(events);
        known.duration.record(took.as_secs_f64());
        if events > 0 {
            known.last_event.set(at.as_milliseconds() as f64 / 1000.0);
        }
    }

    /// So many bytes of events wait, and so many may.
    pub(crate) fn buffer(&mut self, used: usize, capacity: usize) {
        // Whether others want to know is asked once a commit: clocks cost more than gauges.
        let known = &self.known.get_or_insert_with(|| (Instant::now(), Known::ask())).1;
        known.used.set(used as f64);
        known.capacity.set(capacity as f64);
    }

    fn known(&mut self) -> &Known {
        let is_old = self.known.as_ref().is_none_or(|(asked, _)| asked.elapsed() >= ASK);
        if is_old {
            self.known = Some((Instant::now(), Known::ask()));
        }
        let (_, known) = self.known.as_ref().expect("just asked");
        known
    }
}

impl Known {
    fn ask() -> Self {
        Self {
            recorded: metrics::counter!("audit_log_events_recorded_total"),
            duration: metrics::histogram!("audit_log_journal_commit_duration_seconds"),
            last_event: metrics::gauge!("audit_log_last_event_timestamp_seconds"),
            used: metrics::gauge!("audit_log_buffer_used_bytes"),
            capacity: metrics::gauge!("audit_log_buffer_bytes"),
        }
    }
}

impl std::fmt::Debug for CommitMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommitMetrics").finish_non_exhaustive()
    }
}

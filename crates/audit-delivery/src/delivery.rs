use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use audit_journal::SequenceOf;

use crate::follower::Follower;
use crate::progress::{Place, Progress};
use crate::state::private;
use crate::{Destination, State};

/// The log whose records are delivered.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its active file.
    pub log: PathBuf,
    /// The chain that its records are of, or what else it is called.
    pub chain_id: String,
    /// Reads a record's number from its line; without it, lines are counted.
    pub sequence_of: Option<SequenceOf>,
    /// The last record that is durable now.
    pub durable: u64,
}

/// Who is told how the delivery goes.
pub trait Listener: Send + Sync + fmt::Debug {
    /// Something that somebody should know, as a sentence.
    fn notice(&self, sentence: String);

    /// Every required destination has all records up to `through`, but for those that were refused, each told once
    /// with its destination and the reason. Called now and then, too, when nothing has changed.
    fn acknowledged(&self, through: u64, refused: Vec<Refused>);
}

/// A record that a required destination will never take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The record's number.
    pub sequence_number: u64,
    /// The destination.
    pub destination: String,
    /// Why.
    pub reason: String,
}

/// Followers of one log, each delivering to one destination, in a thread of its own with a tokio runtime of its own:
/// one that is slow, dead or busy compressing holds up no other.
///
/// Dropping it ends the followers at once; [`close`](Self::close) lets them finish.
#[derive(Debug)]
pub struct Delivery {
    progress: Arc<Progress>,
    threads: Mutex<Vec<JoinHandle<Undelivered>>>,
    /// Held for as long as the followers run.
    lock: Mutex<Option<File>>,
}

/// What a destination still lacked when the delivery was closed. It gets that when the log is opened again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Undelivered {
    /// The destination.
    pub destination: String,
    /// How many records; those that are not for it counted, too.
    pub records: u64,
    /// Why, if something failed.
    pub reason: Option<String>,
}

/// Why a delivery could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// A name that is no name of a file, or is another destination's.
    #[error("destination {0:?}: expected a name of its own, of ASCII letters, digits, `.`, `_` and `-`")]
    Name(String),
    /// Another process delivers with this state.
    #[error("{}: another process delivers from here; give each log a directory of its own (`state_dir`)", .0.display())]
    Locked(PathBuf),
    /// The directory for the state cannot be made or used.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl Delivery {
    /// Begins to deliver, each destination from where it was when `directory` was last used.
    ///
    /// # Errors
    /// When the directory is in use or cannot be used, or names of destinations are not what they should be.
    pub fn start(
        source: &Source,
        directory: &Path,
        destinations: Vec<Destination>,
        listener: Arc<dyn Listener>,
    ) -> Result<Self, DeliveryError> {
        let failed = |what| move |source| DeliveryError::Io { what, path: directory.to_owned(), source };
        let mut names = HashSet::new();
        for Destination { name, .. } in &destinations {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) || !names.insert(name)
            {
                return Err(DeliveryError::Name(name.clone()));
            }
        }
        make_private(directory).map_err(failed("cannot make"))?;
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        private(&mut options);
        let lock = options.open(directory.join(".lock")).map_err(failed("cannot lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => DeliveryError::Locked(directory.to_owned()),
            TryLockError::Error(source) => failed("cannot lock")(source),
        })?;
        let mut states = Vec::new();
        let mut places = Vec::new();
        for destination in &destinations {
            let state = resume(source, directory, destination, &*listener);
            places.push(Place::new(&destination.name, destination.required, state.acknowledged));
            states.push(state);
        }
        let progress = Arc::new(Progress::new(source.durable, places, listener));
        let mut threads = Vec::new();
        for (index, (destination, state)) in destinations.into_iter().zip(states).enumerate() {
            let name = destination.name.clone();
            let follower = Follower::new(index, destination, state, source, directory, Arc::clone(&progress));
            let thread = std::thread::Builder::new().name(format!("audit-{name}"));
            threads.push(thread.spawn(move || follower.work()).map_err(failed("cannot start a thread for"))?);
        }
        Ok(Self { progress, threads: Mutex::new(threads), lock: Mutex::new(Some(lock)) })
    }

    /// Tells the followers that records up to this one are durable. Cheap, and never waits.
    pub fn advance(&self, durable: u64) {
        self.progress.advance(durable);
    }

    /// Up to which record every destination has all: what may be deleted from the log.
    #[must_use]
    pub fn acknowledged_by_all(&self) -> u64 {
        self.progress.acknowledged_by_all()
    }

    /// Up to which record every required destination has all; `None` when none is required.
    #[must_use]
    pub fn acknowledged_by_required(&self) -> Option<u64> {
        self.progress.acknowledged_by_required()
    }

    /// The destination that is the farthest behind.
    #[must_use]
    pub fn slowest(&self) -> Option<&str> {
        let places = self.progress.places.iter();
        places.min_by_key(|place| place.acknowledged.load(Ordering::SeqCst)).map(|place| place.name.as_str())
    }

    /// Has a [`close`](Self::close) that is on its way wait no longer.
    pub fn give_up(&self) {
        self.progress.close(Instant::now());
    }

    /// Has every destination get what the log holds, and ends; after `patience` whatever is then on its way is given
    /// up, to be sent again later. Returns who lacks what.
    pub fn close(&self, patience: Duration) -> Vec<Undelivered> {
        self.progress.close(Instant::now() + patience);
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = threads.into_iter().map(JoinHandle::join);
        let undelivered =
            ended.filter_map(Result::ok).filter(|left| left.records > 0 || left.reason.is_some());
        let undelivered = undelivered.collect();
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        undelivered
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let _ = self.close(Duration::ZERO);
    }
}

/// Where a destination goes on.
fn resume(source: &Source, directory: &Path, destination: &Destination, listener: &dyn Listener) -> State {
    let name = &destination.name;
    let kept = State::load(directory, name).unwrap_or_else(|error| {
        listener.notice(format!("destination `{name}`: {error}; it gets all that the log holds once more"));
        None
    });
    match kept {
        Some(state) if state.chain_id == source.chain_id && state.acknowledged <= source.durable => state,
        Some(state) => {
            listener.notice(format!(
                "destination `{name}` had the records of {} up to {}, which this log ({} up to {}) is not: it gets all \
                 that this log holds",
                state.chain_id, state.acknowledged, source.chain_id, source.durable
            ));
            State { chain_id: source.chain_id.clone(), ..State::default() }
        }
        None => State { chain_id: source.chain_id.clone(), ..State::default() },
    }
}

/// Makes a directory, and those above it, for the owner alone.
///
/// # Errors
/// When that cannot be made.
pub fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

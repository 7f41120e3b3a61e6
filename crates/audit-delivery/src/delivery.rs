use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use audit_journal::SequenceOf;

use crate::follower::Follower;
use crate::progress::{Place, Progress};
use crate::state::{StateFile, private};
use crate::{Beginning, Destination, State};

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
/// Dropping it ends the followers as soon as their sinks give way, two seconds later at the latest;
/// [`close`](Self::close) lets them finish.
#[derive(Debug)]
pub struct Delivery {
    progress: Arc<Progress>,
    /// What each follower says at its end.
    ends: Mutex<Option<Receiver<(usize, Undelivered)>>>,
    /// Ends the thread that tells how time goes by.
    ticker: Mutex<Option<Sender<()>>>,
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
            let state = resume(source, directory, destination, &*listener).map_err(failed("cannot use"))?;
            places.push(Place::new(destination, state.acknowledged));
            states.push(state);
        }
        let progress = Arc::new(Progress::new(source.durable, places, listener));
        let (report, ends) = channel();
        let (ticker, stop) = channel();
        // Should a thread not start, dropping this ends those that did.
        let delivery = Self {
            progress: Arc::clone(&progress),
            ends: Mutex::new(Some(ends)),
            ticker: Mutex::new(Some(ticker)),
            lock: Mutex::new(Some(lock)),
        };
        let thread = |name: String| std::thread::Builder::new().name(name);
        for (index, (destination, state)) in destinations.into_iter().zip(states).enumerate() {
            let named = thread(format!("audit-{}", destination.name));
            let follower = Follower::new(index, destination, state, source, directory, Arc::clone(&progress));
            let report = report.clone();
            let work = move || drop(report.send((index, follower.work())));
            named.spawn(work).map_err(failed("cannot start a thread for"))?;
        }
        let named = thread("audit-ticker".to_owned());
        named.spawn(move || tick(&progress, &stop)).map_err(failed("cannot start a thread for"))?;
        Ok(delivery)
    }

    /// Tells the followers that records up to this one are durable. Cheap, and never waits.
    pub fn advance(&self, durable: u64) {
        self.progress.advance(durable);
    }

    /// The last record that the followers were told is durable.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.progress.durable()
    }

    /// Up to which record every destination has all: what may be deleted from the log.
    #[must_use]
    pub fn acknowledged_by_all(&self) -> u64 {
        self.progress.acknowledged_by_all()
    }

    /// Up to which record every destination has all that is not [optional](Destination::optional): what may be deleted
    /// when there is no room for more.
    #[must_use]
    pub fn acknowledged_by_others(&self) -> u64 {
        self.progress.acknowledged_by_others()
    }

    /// Up to which record a destination has all; `None` when there is none of that name.
    #[must_use]
    pub fn acknowledged_by(&self, destination: &str) -> Option<u64> {
        let place = self.progress.places.iter().find(|place| place.name == destination)?;
        Some(place.acknowledged.load(Ordering::SeqCst))
    }

    /// Up to which record every required destination has all; `None` when none is required.
    #[must_use]
    pub fn acknowledged_by_required(&self) -> Option<u64> {
        self.progress.acknowledged_by_required()
    }

    /// The destination that is the farthest behind, of those that are not optional.
    #[must_use]
    pub fn slowest(&self) -> Option<&str> {
        let places = self.progress.places.iter().filter(|place| !place.optional);
        places.min_by_key(|place| place.acknowledged.load(Ordering::SeqCst)).map(|place| place.name.as_str())
    }

    /// Has a [`close`](Self::close) that is on its way wait no longer.
    pub fn give_up(&self) {
        self.progress.close(Instant::now());
    }

    /// Has every destination get what the log holds, and ends; after `patience` whatever is then on its way is given
    /// up, to be sent again later. Returns who lacks what. A sink that does not give way is left behind in its thread.
    pub fn close(&self, patience: Duration) -> Vec<Undelivered> {
        self.progress.close(Instant::now() + patience.min(LONGEST));
        let taken = self.ends.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(ends) = taken else { return Vec::new() };
        let mut told: Vec<Option<Undelivered>> = vec![None; self.progress.places.len()];
        let mut left_behind = false;
        while told.iter().any(Option::is_none) {
            // Looked at often, as somebody may give up.
            match ends.recv_timeout(Duration::from_millis(50)) {
                Ok((index, undelivered)) => told[index] = Some(undelivered),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let is_over = |ends: Instant| ends.elapsed() > GIVE_WAY;
                    if self.progress.ends().is_some_and(is_over) {
                        left_behind = true;
                        break;
                    }
                }
            }
        }
        self.ticker.lock().unwrap_or_else(PoisonError::into_inner).take();
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        if left_behind {
            // Whoever is left may still write here; nobody else may, until this process has ended.
            std::mem::forget(lock);
        }
        let places = self.progress.places.iter().zip(told);
        let missing = |place: &Place| Undelivered {
            destination: place.name.clone(),
            records: self.progress.durable().saturating_sub(place.acknowledged.load(Ordering::SeqCst)),
            reason: Some("its thread ended by a panic, or its sink does not give way".to_owned()),
        };
        let all = places.map(|(place, told)| told.unwrap_or_else(|| missing(place)));
        all.filter(|left| left.records > 0 || left.reason.is_some()).collect()
    }
}

/// Longer than anybody waits, and short enough to be added to any time.
const LONGEST: Duration = Duration::from_secs(1 << 30);
/// How long after its time a follower may take to end: it lets go of its place meanwhile.
const GIVE_WAY: Duration = Duration::from_secs(2);
/// How often those who wait for required destinations see how time goes by.
const TICK: Duration = Duration::from_millis(100);

/// Tells how time goes by, whatever the followers do.
fn tick(progress: &Progress, stop: &Receiver<()>) {
    let tick = if progress.acknowledged_by_required().is_some() { TICK } else { 10 * TICK };
    while stop.recv_timeout(tick) == Err(RecvTimeoutError::Timeout) {
        progress.places.iter().for_each(|place| progress.gauge_lag(place));
        progress.tell(Vec::new());
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let _ = self.close(Duration::ZERO);
    }
}

/// Where a destination goes on.
fn resume(
    source: &Source,
    directory: &Path,
    destination: &Destination,
    listener: &dyn Listener,
) -> io::Result<State> {
    let name = &destination.name;
    let acknowledged = match destination.beginning {
        Beginning::First => 0,
        Beginning::Now => source.durable,
        Beginning::Behind(number) => number.min(source.durable),
    };
    let gets = match destination.beginning {
        Beginning::First => "all that this log holds",
        _ => "what this log gets from now on",
    };
    let anew = State { chain_id: source.chain_id.clone(), acknowledged, ..State::default() };
    let begun = |anew: State| {
        if destination.beginning == Beginning::Now {
            // Or else a crash before the first record that is for it would have it begin behind that.
            StateFile::of(directory, name).store(&anew)?;
        }
        Ok(anew)
    };
    match State::load(directory, name) {
        Ok(None) => begun(anew),
        Ok(Some(mut state)) if state.chain_id == source.chain_id && state.acknowledged <= source.durable => {
            if let Beginning::Behind(number) = destination.beginning
                && number < state.acknowledged
            {
                state.acknowledged = number;
                state.in_flight = None;
            }
            Ok(state)
        }
        Ok(Some(state)) => {
            State::set_aside(directory, name)?;
            listener.notice(format!(
                "destination `{name}` had the records of {} up to {}, which this log ({} up to {}) is not: it gets \
                 {gets}, and nothing more of the other one",
                state.chain_id, state.acknowledged, source.chain_id, source.durable
            ));
            begun(anew)
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            State::set_aside(directory, name)?;
            listener.notice(format!("destination `{name}`: {error}; it gets {gets}"));
            begun(anew)
        }
        Err(error) => Err(error),
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

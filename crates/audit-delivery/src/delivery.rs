use std::collections::HashSet;
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use audit_journal::SequenceOf;

use crate::follower::Follower;
use crate::place::Place;
use crate::progress::Progress;
use crate::resume::{make_private, resume};
use crate::state::private;
use crate::{Destination, Outage, PlaceStatus, State};

/// The log whose records are delivered.
#[derive(Clone, Debug)]
pub struct Log {
    /// Its active file.
    pub path: PathBuf,
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
    /// `u64::MAX` when none is required any more.
    fn acknowledged(&self, through: u64, refused: Vec<Refused>);

    /// A destination has taken no records for some time, or takes them again; see
    /// [`OutageLimits`](crate::OutageLimits). It must not block. Says whether it took note: if not, it is told again soon.
    fn outage(&self, outage: &Outage) -> bool;
}

/// A record that a required destination will never take.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The record's number.
    pub sequence_number: u64,
    /// The destination.
    pub destination: String,
    /// Why.
    pub reason: String,
}

/// Followers of one log, each delivering to one destination, in a thread of its own with a tokio runtime of its own:
/// one that is slow, dead or busy compressing holds up no other. Destinations come and go while it runs; the others are not
/// disturbed.
///
/// Dropping it ends the followers as soon as their sinks give way, two seconds later at the latest;
/// [`close`](Self::close) lets them finish.
#[derive(Debug)]
pub struct Delivery {
    pub(crate) log: Log,
    pub(crate) directory: PathBuf,
    pub(crate) progress: Arc<Progress>,
    pub(crate) running: Mutex<Running>,
    /// Held by whoever changes destinations, and by nobody else.
    pub(crate) changing: Mutex<()>,
    /// Ends the thread that tells how time goes by.
    ticker: Mutex<Option<Sender<()>>>,
    /// Held for as long as the followers run.
    lock: Mutex<Option<File>>,
}

/// The followers whose threads are not known to have ended, also those whose destination was removed.
#[derive(Debug, Default)]
pub(crate) struct Running {
    pub(crate) followers: Vec<Arc<Place>>,
    pub(crate) is_closed: bool,
}

/// What a destination still lacked when the delivery was closed, or it was removed. It gets that when the log is opened
/// again, or it is added again.
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

/// Why a delivery could not be started or changed.
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
    /// There is no destination of that name to be removed.
    #[error("destination {name:?}: there is none of that name; expected one of {known:?}")]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// What had that name before still holds its place: two would write the same files.
    #[error(
        "destination {0:?}: the one before does not let go of its place; try again when it has, or restart the program"
    )]
    Busy(String),
    /// The delivery was closed.
    #[error("the delivery is closed")]
    Closed,
    /// All of a [change](Delivery::change) that could be made has been made, and this was not.
    #[error(transparent)]
    Partly(Box<DeliveryError>),
}

impl Delivery {
    /// Begins to deliver, each destination from where it was when `directory` was last used.
    ///
    /// # Errors
    /// When the directory is in use or cannot be used, or names of destinations are not what they should be.
    pub fn start(
        log: &Log,
        directory: &Path,
        destinations: Vec<Destination>,
        listener: Arc<dyn Listener>,
    ) -> Result<Self, DeliveryError> {
        let failed = |what| move |source| DeliveryError::Io { what, path: directory.to_owned(), source };
        check_names(&destinations)?;
        make_private(directory).map_err(failed("cannot make"))?;
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        private(&mut options);
        let lock = options.open(directory.join(".lock")).map_err(failed("cannot lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => DeliveryError::Locked(directory.to_owned()),
            TryLockError::Error(source) => failed("cannot lock")(source),
        })?;
        let (ticker, stop) = channel();
        // Should a thread not start, dropping this ends those that did.
        let delivery = Self {
            log: log.clone(),
            directory: directory.to_owned(),
            progress: Arc::new(Progress::new(log.durable, listener)),
            running: Mutex::default(),
            changing: Mutex::default(),
            ticker: Mutex::new(Some(ticker)),
            lock: Mutex::new(Some(lock)),
        };
        let mut begun = Vec::new();
        for destination in destinations {
            let state = delivery.resume(&destination)?;
            // Nobody waits yet, so it counts with all that it lacks.
            let place = Arc::new(Place::new(&destination, &state, 0));
            delivery.progress.places_mut().push(Arc::clone(&place));
            begun.push((destination, state, place));
        }
        for (destination, state, place) in begun {
            delivery.spawn(destination, state, place)?;
        }
        let progress = Arc::clone(&delivery.progress);
        let named = std::thread::Builder::new().name("audit-ticker".to_owned());
        named.spawn(move || tick(&progress, &stop)).map_err(failed("cannot start a thread for"))?;
        Ok(delivery)
    }

    /// Where a destination begins now.
    pub(crate) fn resume(&self, destination: &Destination) -> Result<State, DeliveryError> {
        let log = Log { durable: self.progress.durable(), ..self.log.clone() };
        let failed = |source| DeliveryError::Io { what: "cannot use", path: self.directory.clone(), source };
        resume(&log, &self.directory, destination, &*self.progress.listener).map_err(failed)
    }

    /// Starts the follower of a place, unless the delivery was closed.
    pub(crate) fn spawn(
        &self,
        destination: Destination,
        state: State,
        place: Arc<Place>,
    ) -> Result<(), DeliveryError> {
        let mut running = self.running();
        if running.is_closed {
            return Err(DeliveryError::Closed);
        }
        let named = std::thread::Builder::new().name(format!("audit-{}", destination.name));
        let progress = Arc::clone(&self.progress);
        let ended = Ended { place: Arc::clone(&place), progress: Arc::clone(&progress) };
        let follower = Follower::new(
            Arc::clone(&place),
            destination,
            state,
            &self.log,
            &self.directory,
            Arc::clone(&progress),
        );
        let work = move || {
            let ended = ended;
            ended.place.ending.ended(follower.work());
        };
        let failed = |source| DeliveryError::Io {
            what: "cannot start a thread for",
            path: self.directory.clone(),
            source,
        };
        named.spawn(work).map_err(failed)?;
        running.followers.push(place);
        Ok(())
    }

    pub(crate) fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.progress.place(destination).map(|place| place.acknowledged())
    }

    /// Up to which record every required destination has all that callers wait for; `None` when none is required.
    #[must_use]
    pub fn acknowledged_by_required(&self) -> Option<u64> {
        self.progress.acknowledged_by_required()
    }

    /// The destination that is the farthest behind, of those that are not optional.
    #[must_use]
    pub fn slowest(&self) -> Option<String> {
        let places = self.progress.places();
        let others = places.iter().filter(|place| !place.optional);
        others.min_by_key(|place| place.acknowledged()).map(|place| place.name.clone())
    }

    /// How each destination is doing. Cheap: nothing is asked of any of them.
    #[must_use]
    pub fn places(&self) -> Vec<PlaceStatus> {
        let durable = self.progress.durable();
        self.progress.places().iter().map(|place| place.status(durable)).collect()
    }

    /// Has a [`close`](Self::close) that is on its way wait no longer.
    pub fn give_up(&self) {
        self.end_all(&self.running().followers, Instant::now());
    }

    /// Has every destination get what the log holds, and ends; after `patience` whatever is then on its way is given
    /// up, to be sent again later. Returns who lacks what. A sink that does not give way is left behind in its thread.
    #[must_use]
    pub fn close(&self, patience: Duration) -> Vec<Undelivered> {
        let mut running = self.running();
        let was_closed = std::mem::replace(&mut running.is_closed, true);
        let followers = running.followers.clone();
        drop(running);
        self.end_all(&followers, Instant::now() + patience.min(LONGEST));
        if was_closed {
            return Vec::new();
        }
        let mut waited_for = followers;
        while !waited_for.is_empty() {
            self.progress.wait_for_end(&waited_for);
            waited_for.retain(|place| !place.ending.is_over());
        }
        self.ticker.lock().unwrap_or_else(PoisonError::into_inner).take();
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        if self.running().followers.iter().any(|place| place.ending.end().is_none()) {
            // Whoever is left may still write here; nobody else may, until this process has ended.
            std::mem::forget(lock);
        }
        let durable = self.progress.durable();
        self.progress.places().iter().filter_map(|place| left(place, durable)).collect()
    }

    fn end_all(&self, followers: &[Arc<Place>], deadline: Instant) {
        followers.iter().for_each(|place| place.ending.close(deadline, u64::MAX));
        self.progress.wake();
    }
}

/// Says that a follower has ended, however it did.
struct Ended {
    place: Arc<Place>,
    progress: Arc<Progress>,
}

impl Drop for Ended {
    fn drop(&mut self) {
        let durable = self.progress.durable();
        self.place.ending.ended(missing(&self.place, durable));
        self.progress.note_end();
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended").field("place", &self.place.name).finish_non_exhaustive()
    }
}

/// What a place lacks whose follower has ended, or does not; `None` when it has all.
pub(crate) fn left(place: &Place, durable: u64) -> Option<Undelivered> {
    let left = place.ending.end().cloned().unwrap_or_else(|| missing(place, durable));
    (left.records > 0 || left.reason.is_some()).then_some(left)
}

fn missing(place: &Place, durable: u64) -> Undelivered {
    Undelivered {
        destination: place.name.clone(),
        records: durable.min(place.ending.last()).saturating_sub(place.acknowledged()),
        reason: Some("its thread ended by a panic, or its sink does not give way".to_owned()),
    }
}

/// Names of files, each once.
pub(crate) fn check_names(destinations: &[Destination]) -> Result<(), DeliveryError> {
    let mut names = HashSet::new();
    for Destination { name, .. } in destinations {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) || !names.insert(name) {
            return Err(DeliveryError::Name(name.clone()));
        }
    }
    Ok(())
}

/// Longer than anybody waits, and short enough to be added to any time.
pub(crate) const LONGEST: Duration = Duration::from_secs(1 << 30);
/// How often those who wait for required destinations see how time goes by.
const TICK: Duration = Duration::from_millis(100);

/// Tells how time goes by, whatever the followers do.
fn tick(progress: &Progress, stop: &Receiver<()>) {
    let interval = || if progress.acknowledged_by_required().is_some() { TICK } else { 10 * TICK };
    while stop.recv_timeout(interval()) == Err(RecvTimeoutError::Timeout) {
        // Locked meanwhile, so that nobody is told of a place that is being removed.
        progress.places().iter().for_each(|place| progress.gauge_lag(place));
        let places = progress.places().clone();
        for place in places {
            place.tell_outage(progress.durable(), |outage| progress.listener.outage(outage));
        }
        progress.tell(Vec::new());
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let _ = self.close(Duration::ZERO);
    }
}

//! Whoever gets the records behind the log, and callers who wait for them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use audit_delivery::{Delivery, DeliveryError, Destination, Listener, Refused, Source, Undelivered};
use audit_integrity::SealedRecord;
use audit_journal::{JournalError, segments};

use crate::committer::Committer;
use crate::completion::{Completion, Outcome};
use crate::pipeline::{Notices, note};
use crate::resume::new_chain_id;
use crate::{OnFailure, Options, Recorder, StartError};

/// What concerns delivery among the options of a pipeline.
#[derive(Debug)]
pub(crate) struct DeliveryOptions {
    /// In a lock since a sink, which one thread uses, need not be fit for two at once.
    pub(crate) destinations: Mutex<Vec<Destination>>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) drain: Duration,
    pub(crate) patience: Duration,
    pub(crate) max_spool_bytes: Option<u64>,
    pub(crate) recorder: Recorder,
    pub(crate) before_close: Vec<Hook>,
    /// In a lock for the same reason.
    pub(crate) work: Mutex<Vec<crate::worker::Work>>,
    pub(crate) workers: crate::worker::Workers,
}

/// Called when the pipeline is to be closed.
pub(crate) struct Hook(pub(crate) Box<dyn Fn() + Send + Sync>);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

impl Default for DeliveryOptions {
    fn default() -> Self {
        Self {
            destinations: Mutex::default(),
            directory: None,
            drain: Duration::from_secs(10),
            patience: Duration::from_secs(10),
            max_spool_bytes: None,
            recorder: Recorder::default(),
            before_close: Vec::new(),
            work: Mutex::default(),
            workers: crate::worker::Workers::default(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Followers {
    delivery: Arc<Delivery>,
    callers: Arc<Callers>,
    drain: Duration,
    max_spool_bytes: Option<u64>,
    /// When the spool was last looked at, and what was found too much.
    spool: Mutex<(Option<Instant>, Option<String>)>,
    /// When it was last looked at whether the log may be kept for optional destinations, and whether it may.
    room_for_optional: Mutex<(Option<Instant>, bool)>,
}

/// How many bytes of the log are kept for optional destinations that do not take them.
const KEPT_FOR_OPTIONAL: u64 = 1 << 30;
/// How often the spool's size is looked at.
const LOOK: Duration = Duration::from_millis(200);

impl Followers {
    /// Begins to deliver to the destinations in `options`, if there are any.
    pub(crate) fn start(
        options: &Options,
        committer: &Committer,
        notices: &Notices,
    ) -> Result<Option<Self>, StartError> {
        let delivery = &options.delivery;
        let destinations = std::mem::take(&mut *lock(&delivery.destinations));
        if destinations.is_empty() {
            return Ok(None);
        }
        let log = &options.path;
        let name = log.file_name().unwrap_or_default().to_string_lossy();
        let directory =
            delivery.directory.clone().unwrap_or_else(|| log.with_file_name(format!(".{name}.delivery")));
        let sealed = committer.chain_id();
        let chain_id = match (sealed, &options.chain_id) {
            (Some(id), _) => id.to_owned(),
            (None, Some(id)) => id.to_string(),
            (None, None) => name_of_unsealed(&directory)?,
        };
        let source = Source {
            log: log.clone(),
            chain_id,
            sequence_of: sealed.map(|_| SealedRecord::sequence_number_of as _),
            durable: committer.last_sequence(),
        };
        let callers = Arc::new(Callers {
            waiting: Mutex::default(),
            refused: Mutex::default(),
            on_failure: options.on_failure,
            patience: delivery.patience,
            notices: Arc::clone(notices),
        });
        let listener = Arc::clone(&callers) as Arc<dyn Listener>;
        let started = Delivery::start(&source, &directory, destinations, listener)?;
        Ok(Some(Self {
            delivery: Arc::new(started),
            callers,
            drain: delivery.drain,
            max_spool_bytes: delivery.max_spool_bytes,
            spool: Mutex::default(),
            room_for_optional: Mutex::default(),
        }))
    }

    /// For whoever may want to cut its closing short; it does not outlive the one who writes.
    pub(crate) fn delivery(&self) -> Weak<Delivery> {
        Arc::downgrade(&self.delivery)
    }

    pub(crate) fn advance(&self, durable: u64) {
        self.delivery.advance(durable);
    }

    /// Answers those who wait for records `first` to `last`, which are durable and which nobody was told of yet: at once,
    /// or when the required destinations have them.
    pub(crate) fn answer(&self, completion: &Arc<Completion>, first: u64, last: u64) {
        if self.delivery.acknowledged_by_required().is_none() {
            return completion.complete(Outcome::Recorded(first));
        }
        let completion = Arc::clone(completion);
        let since = Instant::now();
        lock(&self.callers.waiting).push_back(Waiting { first, last, completion, since });
    }

    /// Whether a destination has not got that record yet. For one that is optional it is kept while there is room.
    pub(crate) fn lacks(&self, sequence_number: u64, log: &Path, durable: u64) -> bool {
        if self.delivery.acknowledged_by_others() < sequence_number {
            return true;
        }
        let by_all = self.delivery.acknowledged_by_all();
        if by_all >= sequence_number {
            return false;
        }
        let mut room = lock(&self.room_for_optional);
        let (looked, is_left) = &mut *room;
        if looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            *looked = Some(Instant::now());
            let most = self.max_spool_bytes.map_or(KEPT_FOR_OPTIONAL, |max| max / 2);
            *is_left = spooled(log, by_all, durable) <= most;
        }
        *is_left
    }

    /// Fails when as much waits for destinations as may.
    pub(crate) fn check_room(&self, log: &Path, durable: u64) -> Result<(), JournalError> {
        let Some(max) = self.max_spool_bytes else { return Ok(()) };
        let mut spool = lock(&self.spool);
        let (looked, excess) = &mut *spool;
        if looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            *looked = Some(Instant::now());
            let waiting = spooled(log, self.delivery.acknowledged_by_others(), durable);
            *excess = (waiting > max).then(|| {
                format!(
                    "{waiting} bytes wait for destination `{}`, and {max} may; see what keeps it, or raise `max_spool_mb`",
                    self.delivery.slowest().unwrap_or_default()
                )
            });
        }
        match excess {
            None => Ok(()),
            Some(excess) => Err(JournalError::Io {
                what: "the log takes no more",
                path: log.to_owned(),
                source: io::Error::new(io::ErrorKind::StorageFull, excess.clone()),
            }),
        }
    }

    /// Lets the destinations finish, and says what they lack.
    pub(crate) fn close(self) -> Vec<Undelivered> {
        self.delivery.close(self.drain)
    }
}

impl Drop for Followers {
    /// However it ends, nobody waits for ever.
    fn drop(&mut self) {
        drop(self.delivery.close(Duration::ZERO));
        let left = std::mem::take(&mut *lock(&self.callers.waiting));
        for waiting in left {
            let reason = "the log was closed before a required destination confirmed it".into();
            waiting.unconfirmed(vec![(waiting.first..=waiting.last, reason)]);
        }
    }
}

/// What a log without seals is called at its destinations: made up once, as places tell logs apart by it, and kept.
fn name_of_unsealed(directory: &Path) -> Result<String, StartError> {
    let path = directory.join("chain_id");
    match std::fs::read_to_string(&path) {
        Ok(name) if !name.trim().is_empty() => return Ok(name.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(path)(error)),
        _ => {}
    }
    let name = new_chain_id().to_string();
    audit_delivery::make_private(directory).map_err(unusable(directory.to_owned()))?;
    std::fs::write(&path, format!("{name}\n")).map_err(unusable(path))?;
    Ok(name)
}

fn unusable(path: PathBuf) -> impl FnOnce(io::Error) -> StartError {
    move |source| DeliveryError::Io { what: "cannot use", path, source }.into()
}

/// How many bytes of the log's files are those of records that somebody lacks, if all records of a file are of one size.
/// A file that cannot be looked at counts nothing.
fn spooled(log: &Path, acknowledged: u64, durable: u64) -> u64 {
    let rotated = segments(log).unwrap_or_default();
    let behind = rotated.last().map_or(1, |segment| segment.last_sequence + 1);
    let files = rotated.iter().map(|it| (it.path.as_path(), it.first_sequence, it.last_sequence));
    let lacking = |(path, first, last): (&Path, u64, u64)| {
        let size = std::fs::metadata(path).map_or(0, |file| file.len());
        lacking_part(size, first, last, acknowledged)
    };
    files.chain([(log, behind, durable)]).map(lacking).sum()
}

/// The part of a file of that size, with those records, that is behind what was acknowledged.
fn lacking_part(size: u64, first: u64, last: u64, acknowledged: u64) -> u64 {
    let records = (last + 1).saturating_sub(first);
    let lacking = last.saturating_sub(acknowledged.max(first - 1)).min(records);
    if records == 0 { 0 } else { (u128::from(size) * u128::from(lacking) / u128::from(records)) as u64 }
}

/// Callers who wait for required destinations.
#[derive(Debug)]
struct Callers {
    /// In the order of the log.
    waiting: Mutex<VecDeque<Waiting>>,
    refused: Mutex<BTreeMap<u64, Arc<str>>>,
    on_failure: OnFailure,
    patience: Duration,
    notices: Notices,
}

/// Records that a required destination did not confirm, and why.
type Unconfirmed = Vec<(RangeInclusive<u64>, Arc<str>)>;

/// The callers of one batch.
#[derive(Debug)]
struct Waiting {
    first: u64,
    last: u64,
    completion: Arc<Completion>,
    since: Instant,
}

impl Waiting {
    fn recorded(&self) {
        self.answer(Outcome::Recorded(self.first));
    }

    fn unconfirmed(&self, which: Unconfirmed) {
        self.answer(Outcome::Unconfirmed(self.first, which.into()));
    }

    /// Wakers are somebody else's code: one that panics is no reason to deliver no more.
    fn answer(&self, outcome: Outcome) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.completion.complete(outcome)));
    }
}

impl Listener for Callers {
    fn notice(&self, sentence: String) {
        note(&self.notices, sentence);
    }

    fn acknowledged(&self, through: u64, refused: Vec<Refused>) {
        // Answered when nothing is locked any more: wakers may do anything.
        let mut answers: Vec<(Waiting, Unconfirmed)> = Vec::new();
        let mut told = lock(&self.refused);
        told.extend(refused.into_iter().map(|it| {
            (it.sequence_number, format!("destination `{}` refused it: {}", it.destination, it.reason).into())
        }));
        let mut waiting = lock(&self.waiting);
        while let Some(first) = pop_if(&mut waiting, |first| first.last <= through) {
            let which: Vec<_> =
                told.range(first.first..=first.last).map(|(at, why)| (*at..=*at, Arc::clone(why))).collect();
            answers.push((first, which));
        }
        *told = told.split_off(&waiting.front().map_or(through + 1, |first| first.first));
        let is_over =
            |first: &Waiting| self.on_failure != OnFailure::Block && first.since.elapsed() >= self.patience;
        while let Some(first) = pop_if(&mut waiting, is_over) {
            let reason = format!("no confirmation from a required destination within {:?}", self.patience);
            let which =
                (self.on_failure != OnFailure::Permit).then(|| (first.first..=first.last, reason.into()));
            answers.push((first, which.into_iter().collect()));
        }
        drop((waiting, told));
        for (waiting, which) in answers {
            if which.is_empty() {
                waiting.recorded();
            } else {
                waiting.unconfirmed(which);
            }
        }
    }
}

fn pop_if(waiting: &mut VecDeque<Waiting>, goes: impl Fn(&Waiting) -> bool) -> Option<Waiting> {
    if waiting.front().is_some_and(goes) { waiting.pop_front() } else { None }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::lacking_part;

    #[test]
    fn the_part_of_a_file_that_waits() {
        for ((first, last, acknowledged), part) in [
            ((1, 100, 0), 1000),
            ((1, 100, 50), 500),
            ((1, 100, 100), 0),
            ((1, 100, 200), 0),
            ((101, 200, 50), 1000),
            ((101, 200, 190), 100),
            ((5, 4, 0), 0),
        ] {
            assert_eq!(
                lacking_part(1000, first, last, acknowledged),
                part,
                "{first} to {last}, {acknowledged}"
            );
        }
    }
}

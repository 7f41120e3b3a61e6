//! Whoever gets the records behind the log.

use std::io::{self, Write as _};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use audit_delivery::{Delivery, DeliveryError, Destination, Listener, Log, Undelivered};
use audit_integrity::SealedRecord;
use audit_journal::{JournalError, segments};

use crate::callers::Callers;
use crate::committer::Committer;
use crate::completion::{Completion, Outcome};
use crate::health::create_private;
use crate::pipeline::Notices;
use crate::resume::new_chain_id;
use crate::settings::Live;
use crate::{Options, Recorder};

/// What concerns delivery among the options of a pipeline.
#[derive(Debug, Default)]
pub(crate) struct DeliveryOptions {
    /// In a lock since a sink, which one thread uses, need not be fit for two at once.
    pub(crate) destinations: Mutex<Vec<Destination>>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) recorder: Recorder,
    /// In a lock for the same reason.
    pub(crate) work: Mutex<Vec<crate::worker::Work>>,
    pub(crate) workers: crate::worker::Workers,
}

/// The destinations of a log; it may get its first one at any time.
#[derive(Debug)]
pub(crate) struct Followers {
    log: PathBuf,
    directory: PathBuf,
    /// The chain that records are sealed in.
    sealed: Option<String>,
    /// What an unsealed log is to be called.
    name: Option<String>,
    /// The last record that is durable.
    durable: AtomicU64,
    /// From the first destination on.
    delivery: OnceLock<Delivery>,
    /// The log is closed, or nobody writes it any more.
    ended: AtomicBool,
    callers: Arc<Callers>,
    live: Arc<Live>,
    /// When the spool was last looked at, and what was found too much.
    spool: Mutex<(Option<Instant>, Option<String>)>,
    /// When it was last looked at whether the log may be kept for optional destinations, and whether it may.
    room_for_optional: Mutex<(Option<Instant>, bool)>,
}

/// The followers as the one who writes has them: when it goes, however that is, nobody waits for ever.
#[derive(Debug)]
pub(crate) struct Followed(pub(crate) Arc<Followers>);

impl Deref for Followed {
    type Target = Followers;

    fn deref(&self) -> &Followers {
        &self.0
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// How many bytes of the log are kept for optional destinations that do not take them.
const KEPT_FOR_OPTIONAL: u64 = 1 << 30;
/// How often the spool's size is looked at.
const LOOK: Duration = Duration::from_millis(200);

impl Followers {
    pub(crate) fn new(options: &Options, committer: &Committer, live: &Arc<Live>, notices: &Notices) -> Self {
        let delivery = &options.delivery;
        let log = options.path.clone();
        let name = log.file_name().unwrap_or_default().to_string_lossy();
        let beside = || log.with_file_name(format!(".{name}.delivery"));
        let (live, notices) = (Arc::clone(live), Arc::clone(notices));
        let callers = Callers::new(Arc::clone(&live), notices, delivery.recorder.clone(), log.clone());
        Self {
            directory: delivery.directory.clone().unwrap_or_else(beside),
            sealed: committer.chain_id().map(str::to_owned),
            name: options.chain_id.as_ref().map(ToString::to_string),
            durable: AtomicU64::new(committer.last_sequence()),
            delivery: OnceLock::new(),
            ended: AtomicBool::new(false),
            callers: Arc::new(callers),
            live,
            spool: Mutex::default(),
            room_for_optional: Mutex::default(),
            log,
        }
    }

    /// Begins to deliver to the first destinations, if there are any. Nobody else does meanwhile.
    pub(crate) fn begin(&self, destinations: Vec<Destination>) -> Result<(), DeliveryError> {
        if destinations.is_empty() {
            return Ok(());
        }
        let chain_id = match (&self.sealed, &self.name) {
            (Some(id), _) | (None, Some(id)) => id.clone(),
            (None, None) => name_of_unsealed(&self.directory)?,
        };
        let log = Log {
            path: self.log.clone(),
            chain_id,
            sequence_of: self.sealed.as_ref().map(|_| SealedRecord::sequence_number_of as _),
            durable: self.durable(),
        };
        let listener = Arc::clone(&self.callers) as Arc<dyn Listener>;
        let delivery = Delivery::start(&log, &self.directory, destinations, listener)?;
        let delivery = self.delivery.get_or_init(|| delivery);
        // What became durable meanwhile was told to nobody.
        delivery.advance(self.durable());
        if self.ended.load(Ordering::SeqCst) {
            drop(delivery.close(Duration::ZERO));
            return Err(DeliveryError::Closed);
        }
        Ok(())
    }

    /// While the log is open, and from its first destination on.
    pub(crate) fn delivery(&self) -> Option<&Delivery> {
        self.delivery.get().filter(|_| !self.ended.load(Ordering::SeqCst))
    }

    /// The last record that is durable.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, durable: u64) {
        // In this order: the first destination may be on its way, and then reads the number.
        self.durable.fetch_max(durable, Ordering::SeqCst);
        if let Some(delivery) = self.delivery.get() {
            delivery.advance(durable);
        }
    }

    /// Answers those who wait for records `first` to `last`, which are durable and which nobody was told of yet: at once,
    /// or when the required destinations have them.
    pub(crate) fn answer(&self, completion: &Arc<Completion>, first: u64, last: u64) {
        let none_required = || self.delivery.get().and_then(Delivery::acknowledged_by_required).is_none();
        if none_required() {
            return completion.complete(Outcome::Recorded(first));
        }
        self.callers.wait(completion, first, last);
        // Whoever removed the last required one in between had those go on who waited by then.
        if none_required() {
            self.callers.acknowledged(u64::MAX, Vec::new());
        }
    }

    /// Whether a destination has not got that record yet. For one that is optional it is kept while there is room.
    pub(crate) fn lacks(&self, sequence_number: u64, log: &Path, durable: u64) -> bool {
        let Some(delivery) = self.delivery.get() else { return false };
        if delivery.acknowledged_by_others() < sequence_number {
            return true;
        }
        let by_all = delivery.acknowledged_by_all();
        if by_all >= sequence_number {
            return false;
        }
        let mut room = lock(&self.room_for_optional);
        let (looked, is_left) = &mut *room;
        if looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            *looked = Some(Instant::now());
            let most = self.live.now().max_spool_bytes.map_or(KEPT_FOR_OPTIONAL, |max| max / 2);
            *is_left = spooled(log, by_all, durable) <= most;
        }
        *is_left
    }

    /// Fails when as much waits for destinations as may.
    pub(crate) fn check_room(&self, log: &Path, durable: u64) -> Result<(), JournalError> {
        let (Some(delivery), Some(max)) = (self.delivery.get(), self.live.now().max_spool_bytes) else {
            return Ok(());
        };
        let mut spool = lock(&self.spool);
        let (looked, excess) = &mut *spool;
        if looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            *looked = Some(Instant::now());
            let waiting = spooled(log, delivery.acknowledged_by_others(), durable);
            *excess = (waiting > max).then(|| {
                format!(
                    "{waiting} bytes wait for destination `{}`, and {max} may; see what keeps it, or raise `max_spool_mb`",
                    delivery.slowest().unwrap_or_default()
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

    /// Has the next look at the spool be a new one: what may wait has changed.
    pub(crate) fn look_again(&self) {
        lock(&self.spool).0 = None;
        lock(&self.room_for_optional).0 = None;
    }

    /// Lets the destinations finish, and says what they lack.
    pub(crate) fn close(&self) -> Vec<Undelivered> {
        let drain = self.live.now().drain;
        self.delivery.get().map(|delivery| delivery.close(drain)).unwrap_or_default()
    }

    fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(delivery) = self.delivery.get() {
            drop(delivery.close(Duration::ZERO));
        }
        self.callers.end();
    }
}

/// What a log without seals is called at its destinations: made up once, as places tell logs apart by it, and kept.
fn name_of_unsealed(directory: &Path) -> Result<String, DeliveryError> {
    let path = directory.join("chain_id");
    match std::fs::read_to_string(&path) {
        Ok(name) if !name.trim().is_empty() => return Ok(name.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(path)(error)),
        _ => {}
    }
    let name = new_chain_id().to_string();
    audit_delivery::make_private(directory).map_err(unusable(directory.to_owned()))?;
    let mut file = create_private(&path).map_err(unusable(path.clone()))?;
    file.write_all(format!("{name}\n").as_bytes()).map_err(unusable(path))?;
    Ok(name)
}

fn unusable(path: PathBuf) -> impl FnOnce(io::Error) -> DeliveryError {
    move |source| DeliveryError::Io { what: "cannot use", path, source }
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

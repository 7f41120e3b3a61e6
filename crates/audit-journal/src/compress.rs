//! Compressing rotated segments off the hot path, noting the times in them, and finding those that are too many.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::file::{private, sync_directory};
use crate::incident::Prunable;
use crate::reader::open_segment;
use crate::recovery::last_record;
use crate::segment::beside;
use crate::{Options, Segment, segments, times};

/// Works in a thread of its own, from rotation to rotation.
#[derive(Debug)]
pub(crate) struct Housekeeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    log: PathBuf,
    options: Options,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Something was rotated since the last round.
    due: bool,
    closing: bool,
    prunable: VecDeque<Prunable>,
    /// The last number of the newest segment that was ever in there: each is announced once.
    announced: u64,
    failure: Option<String>,
}

impl Housekeeper {
    /// Begins with what an earlier run left undone. There is no thread when nothing is ever to do.
    pub(crate) fn start(log: &Path, options: &Options) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            log: log.to_owned(),
            options: options.clone(),
            state: Mutex::new(State { due: true, ..State::default() }),
            changed: Condvar::new(),
        });
        let rotation = &options.rotation;
        let thread = if rotation.compress || rotation.max_files.is_some() || options.time_of.is_some() {
            let shared = Arc::clone(&shared);
            Some(std::thread::Builder::new().name("audit-housekeeper".into()).spawn(move || shared.work())?)
        } else {
            None
        };
        Ok(Self { shared, thread })
    }

    /// Something was rotated.
    pub(crate) fn wake(&self) {
        self.shared.lock().due = true;
        self.shared.changed.notify_one();
    }

    /// The next segment that is to be deleted.
    pub(crate) fn take_prunable(&self) -> Option<Prunable> {
        let prunes = self.shared.options.rotation.max_files.is_some();
        prunes.then(|| self.shared.lock().prunable.pop_front()).flatten()
    }

    /// Why the last round could not be finished, told once.
    pub(crate) fn take_failure(&self) -> Option<String> {
        self.shared.lock().failure.take()
    }

    /// Waits until all that was rotated is compressed, and ends.
    pub(crate) fn finish(&mut self) {
        self.shared.lock().closing = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the thread; the log itself is whole without it.
            drop(thread.join());
        }
    }
}

impl Drop for Housekeeper {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            {
                let mut state = self.lock();
                while !state.due && !state.closing {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                if !state.due {
                    return;
                }
                state.due = false;
            }
            if let Err(error) = self.round() {
                self.lock().failure = Some(error.to_string());
            }
        }
    }

    fn round(&self) -> io::Result<()> {
        // Pruning first: what is about to go need not be compressed.
        let rotation = &self.options.rotation;
        let found = segments(&self.log)?;
        let (too_many, kept) =
            found.split_at(rotation.max_files.map_or(0, |max| found.len().saturating_sub(max)));
        let announced = too_many.iter().try_for_each(|segment| self.announce(segment));
        // What was just rotated is still plain, and still in memory; those that were packed before it can wait.
        let noted = self.note_times(found.iter().filter(|segment| !segment.is_compressed()));
        let compressed = match rotation.compress {
            // One that cannot be compressed keeps none of the others from it.
            true => kept.iter().map(|segment| compress(&self.log, segment)).fold(Ok(()), Result::and),
            false => Ok(()),
        };
        let noted_later = self.note_times(found.iter().filter(|segment| segment.is_compressed()));
        let tidied = self.options.time_of.map_or(Ok(()), |_| times::tidy(&self.log, &found));
        announced.and(compressed).and(noted).and(noted_later).and(tidied)
    }

    fn note_times<'a>(&self, segments: impl DoubleEndedIterator<Item = &'a Segment>) -> io::Result<()> {
        let Some(time_of) = self.options.time_of else { return Ok(()) };
        times::note(&self.log, segments, time_of, || {
            let state = self.lock();
            state.due || state.closing
        })
    }

    fn announce(&self, segment: &Segment) -> io::Result<()> {
        if segment.last_sequence > self.lock().announced {
            let last_line =
                last_record(open_segment(segment)?, self.options.sequence_of)?.unwrap_or_default();
            let mut state = self.lock();
            state.prunable.push_back(Prunable { segment: segment.clone(), last_line });
            state.announced = segment.last_sequence;
        }
        Ok(())
    }
}

/// Compresses a plain segment.
///
/// The compressed file gets its name only when it is whole and on disk, and the plain one goes only after that: at
/// every moment one of the two is there and whole. What a crash leaves half done is done again.
fn compress(log: &Path, segment: &Segment) -> io::Result<()> {
    if segment.is_compressed() {
        return Ok(());
    }
    // A hidden name, so that no pattern for the log's files finds the half-made one.
    let half_made = beside(log, ".", ".compressing");
    let packed = pack(&segment.path, &half_made).and_then(|()| {
        // It may have been deleted meanwhile, and is not to come back.
        fs::metadata(&segment.path)?;
        fs::rename(&half_made, segment.packed_path())
    });
    if let Err(error) = packed {
        // What is left of an attempt would take up a full disk.
        let _ = fs::remove_file(&half_made);
        return if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) };
    }
    sync_directory(log)?;
    match fs::remove_file(&segment.path) {
        // Deleted between the look and the rename, it has come back.
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::remove_file(segment.packed_path()),
        removed => removed,
    }
}

fn pack(plain: &Path, packed: &Path) -> io::Result<()> {
    let mut source = File::open(plain)?;
    let target = private(packed, OpenOptions::new().write(true).create(true).truncate(true))?;
    let mut encoder = GzEncoder::new(target, Compression::default());
    io::copy(&mut source, &mut encoder)?;
    encoder.finish()?.sync_all()
}

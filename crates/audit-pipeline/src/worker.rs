use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Recorder;

/// What works beside an open log, on a thread of its own, is given this: a way to put records into the log, and to know
/// when to end.
///
/// See [`Options::worker`](crate::Options::worker).
#[derive(Clone, Debug)]
pub struct Worker {
    recorder: Recorder,
    closing: Arc<Closing>,
}

#[derive(Debug, Default)]
struct Closing {
    is_closing: Mutex<bool>,
    changed: Condvar,
}

impl Worker {
    /// The log.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Whether the log is to be closed, or another worker takes this one's place.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        *self.closing.lock()
    }

    /// Waits so long, or until the log is to be closed or another worker takes this one's place: then it is `false`, and the
    /// work has to end soon, since somebody waits for it.
    #[must_use]
    pub fn pause(&self, time: Duration) -> bool {
        let (closing, _) = self
            .closing
            .changed
            .wait_timeout_while(self.closing.lock(), time, |closing| !*closing)
            .unwrap_or_else(PoisonError::into_inner);
        !*closing
    }
}

impl Closing {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_closing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Some work that is to be done beside the log.
pub(crate) struct Work {
    name: String,
    body: Box<dyn FnOnce(&Worker) + Send>,
}

impl Work {
    pub(crate) fn new(name: &str, body: impl FnOnce(&Worker) + Send + 'static) -> Self {
        Self { name: name.to_owned(), body: Box::new(body) }
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How long closing waits for what works beside the log, and so does who replaces it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The threads that work beside the log.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    threads: Vec<Thread>,
    is_closing: bool,
}

/// A worker's thread, and what tells it to end.
#[derive(Debug)]
struct Thread {
    name: String,
    closing: Arc<Closing>,
    handle: JoinHandle<()>,
}

/// Why a worker was not replaced.
#[derive(Debug)]
pub(crate) enum WorkerError {
    /// The one before does not end.
    Stays,
    /// All of them are to end.
    Closing,
    Thread(io::Error),
}

impl Workers {
    pub(crate) fn start(&self, work: Vec<Work>, recorder: &Recorder) -> io::Result<()> {
        for work in work {
            if let Err(WorkerError::Thread(error)) = self.begin(work, recorder) {
                return Err(error);
            }
        }
        Ok(())
    }

    fn begin(&self, work: Work, recorder: &Recorder) -> Result<(), WorkerError> {
        let Work { name, body } = work;
        let closing = Arc::<Closing>::default();
        let worker = Worker { recorder: recorder.clone(), closing: Arc::clone(&closing) };
        // Locked meanwhile: one that nobody tells to end would be waited for for ever.
        let mut running = self.lock();
        if running.is_closing {
            return Err(WorkerError::Closing);
        }
        let thread = std::thread::Builder::new().name(name.clone()).spawn(move || body(&worker));
        running.threads.push(Thread { name, closing, handle: thread.map_err(WorkerError::Thread)? });
        Ok(())
    }

    /// Has those of that name end, and this one begin then.
    pub(crate) fn replace(
        &self,
        name: &str,
        work: Option<Work>,
        recorder: &Recorder,
    ) -> Result<(), WorkerError> {
        let begun = Instant::now();
        self.lock().threads.iter().filter(|thread| thread.name == name).for_each(Thread::tell);
        loop {
            let mut running = self.lock();
            let ended = |thread: &mut Thread| thread.name == name && thread.handle.is_finished();
            let ended: Vec<Thread> = running.threads.extract_if(.., ended).collect();
            let stays = running.threads.iter().any(|thread| thread.name == name);
            drop(running);
            // A panic there was told by its thread.
            ended.into_iter().for_each(|thread| drop(thread.handle.join()));
            if !stays {
                return work.map_or(Ok(()), |work| self.begin(work, recorder));
            }
            if begun.elapsed() >= PATIENCE {
                return Err(WorkerError::Stays);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Tells them to end, and gives them time to, while the log still takes what they record. It may take nothing: then they
    /// are told so when it is closed, which does not wait for them longer.
    pub(crate) fn tell(&self) {
        let mut running = self.lock();
        running.is_closing = true;
        running.threads.iter().for_each(Thread::tell);
        drop(running);
        let begun = Instant::now();
        let ended = || self.lock().threads.iter().all(|thread| thread.handle.is_finished());
        while !ended() && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until they have ended, behind the log's closing.
    pub(crate) fn join(&self) {
        let threads = std::mem::take(&mut self.lock().threads);
        for thread in threads {
            // One of them may hold the last clone of the pipeline. A panic there was told by its thread.
            if thread.handle.thread().id() != std::thread::current().id() {
                drop(thread.handle.join());
            }
        }
    }
}

impl Thread {
    fn tell(&self) {
        *self.closing.lock() = true;
        self.closing.changed.notify_all();
    }
}

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

    /// Whether the log is to be closed.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        *self.closing.lock()
    }

    /// Waits so long, or until the log is to be closed: then it is `false`, and the work has to end soon, since whoever
    /// closes the log waits for it.
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

/// How long closing waits for what works beside the log.
const PATIENCE: Duration = Duration::from_secs(10);

/// The threads that work beside the log.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    closing: Arc<Closing>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Workers {
    pub(crate) fn start(&self, work: Vec<Work>, recorder: &Recorder) -> io::Result<()> {
        for Work { name, body } in work {
            let worker = Worker { recorder: recorder.clone(), closing: Arc::clone(&self.closing) };
            let thread = std::thread::Builder::new().name(name).spawn(move || body(&worker))?;
            self.lock().push(thread);
        }
        Ok(())
    }

    /// Tells them to end, and gives them time to, while the log still takes what they record. It may take nothing: then they
    /// are told so when it is closed, which does not wait for them longer.
    pub(crate) fn tell(&self) {
        *self.closing.lock() = true;
        self.closing.changed.notify_all();
        let begun = Instant::now();
        let ended = || self.lock().iter().all(JoinHandle::is_finished);
        while !ended() && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until they have ended, behind the log's closing.
    pub(crate) fn join(&self) {
        let threads = std::mem::take(&mut *self.lock());
        for thread in threads {
            // One of them may hold the last clone of the pipeline. A panic there was told by its thread.
            if thread.thread().id() != std::thread::current().id() {
                drop(thread.join());
            }
        }
    }
}

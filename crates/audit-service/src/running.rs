//! A source on its way.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use audit_source::{CancellationToken, Intake, Source, SourceStatus};
#[cfg(feature = "http")]
use audit_source_http::Listener;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A source that holds its address or file.
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) source: Box<dyn Source>,
    /// Where it listens, if it does.
    pub(crate) address: Option<SocketAddr>,
    /// What it listens with, if another source can go on with that.
    #[cfg(feature = "http")]
    pub(crate) listener: Option<Listener>,
}

/// A source that was started, and how to end it.
pub(crate) struct Running {
    /// Where it listens, if it does.
    pub(crate) address: Option<SocketAddr>,
    /// Until it is told to stop.
    #[cfg(feature = "http")]
    pub(crate) listener: Option<Listener>,
    intake: Intake,
    stop: CancellationToken,
    task: JoinHandle<()>,
    /// Why it ended by itself.
    ended: Arc<Mutex<Option<String>>>,
    /// Until when it may finish what is on its way, once it was told to stop.
    until: Option<Instant>,
}

impl Running {
    pub(crate) fn start(made: Made, intake: Intake, runtime: &Handle) -> Self {
        let stop = CancellationToken::new();
        let ended: Arc<Mutex<Option<String>>> = Arc::default();
        let work = made.source.run(intake.clone(), stop.clone());
        let (told, name, stopped) = (Arc::clone(&ended), intake.source().to_owned(), stop.clone());
        let task = runtime.spawn(async move {
            let outcome = work.await;
            if stopped.is_cancelled() {
                return;
            }
            let why =
                outcome.err().map_or_else(|| "it ended by itself".to_owned(), |error| error.to_string());
            tracing::error!(source = %name, "the source ended: {why}");
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        });
        Self {
            address: made.address,
            #[cfg(feature = "http")]
            listener: made.listener,
            intake,
            stop,
            task,
            ended,
            until: None,
        }
    }

    /// How it goes; one that ended by itself is failing.
    pub(crate) fn status(&self) -> SourceStatus {
        let mut status = self.intake.status();
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let panicked = || self.task.is_finished().then(|| "its task ended by a panic".to_owned());
        if !self.stop.is_cancelled() {
            status.failing = ended.or_else(panicked).or(status.failing);
        }
        status
    }

    /// Has it take nothing new.
    pub(crate) fn begin_to_stop(&mut self) {
        #[cfg(feature = "http")]
        {
            self.listener = None;
        }
        self.stop.cancel();
        self.until.get_or_insert_with(|| Instant::now() + PATIENCE);
    }

    /// Waits until it has finished what was on its way. Dropped before, it can be called again.
    pub(crate) async fn stopped(&mut self) {
        self.begin_to_stop();
        let name = self.intake.source();
        match tokio::time::timeout_at(self.until.unwrap_or_else(Instant::now), &mut self.task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.is_panic() => {
                tracing::error!(source = %name, "the source's task ended by a panic");
            }
            Ok(Err(_)) => {}
            Err(_) => {
                tracing::warn!(source = %name, "the source did not end within {} seconds", PATIENCE.as_secs());
                self.task.abort();
            }
        }
    }
}

/// How long a source may take to finish what is on its way.
const PATIENCE: Duration = Duration::from_secs(15);

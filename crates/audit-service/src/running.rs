//! A source on its way.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use audit_source::{CancellationToken, Intake, Source, SourceStatus};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// A source that was started, and how to end it.
pub(crate) struct Running {
    /// Where it listens, if it does.
    pub(crate) address: Option<SocketAddr>,
    intake: Intake,
    stop: CancellationToken,
    task: JoinHandle<()>,
    /// Why it ended by itself.
    ended: Arc<Mutex<Option<String>>>,
}

impl Running {
    pub(crate) fn start(
        source: Box<dyn Source>,
        address: Option<SocketAddr>,
        intake: Intake,
        runtime: &Handle,
    ) -> Self {
        let stop = CancellationToken::new();
        let ended: Arc<Mutex<Option<String>>> = Arc::default();
        let work = source.run(intake.clone(), stop.clone());
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
        Self { address, intake, stop, task, ended }
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
    pub(crate) fn begin_to_stop(&self) {
        self.stop.cancel();
    }

    /// Waits until it has finished what was on its way.
    pub(crate) async fn stopped(self) {
        self.stop.cancel();
        let (name, abort) = (self.intake.source().to_owned(), self.task.abort_handle());
        match tokio::time::timeout(PATIENCE, self.task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.is_panic() => {
                tracing::error!(source = %name, "the source's task ended by a panic");
            }
            Ok(Err(_)) => {}
            Err(_) => {
                tracing::warn!(source = %name, "the source did not end within {} seconds", PATIENCE.as_secs());
                abort.abort();
            }
        }
    }
}

/// How long a source may take to finish what is on its way.
const PATIENCE: Duration = Duration::from_secs(15);

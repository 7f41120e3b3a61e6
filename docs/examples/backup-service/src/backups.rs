//! Backups: they run behind the requests that start them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use audit_model::Actor;
use serde::Serialize;
use tokio::task::JoinSet;
use tracing::{Instrument as _, info, info_span};

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Backup {
    pub(crate) id: String,
    pub(crate) topics: Vec<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Backups {
    started: Mutex<Vec<Backup>>,
    running: Mutex<JoinSet<()>>,
}

impl Backups {
    /// Starts a backup. Its end is an audit event of its own, `backup.completed`: the span's name.
    pub(crate) fn start(&self, actor: &Actor, topics: Vec<String>) -> Backup {
        let mut started = lock(&self.started);
        let backup = Backup { id: format!("backup-{}", started.len() + 1), topics };
        started.push(backup.clone());
        let span = info_span!(
            target: "audit",
            "backup.completed",
            audit.failure_type = "backup.failed",
            actor.id = actor.id,
            actor.r#type = "user",
            action.operation = "backup",
            action.result = tracing::field::Empty,
            resource.r#type = "backup",
            resource.id = backup.id,
            backup_id = backup.id,
            records_backed_up = tracing::field::Empty,
        );
        let mut running = lock(&self.running);
        while running.try_join_next().is_some() {}
        running.spawn(run(backup.topics.len()).instrument(span));
        backup
    }

    pub(crate) fn find(&self, id: &str) -> Option<Backup> {
        lock(&self.started).iter().find(|backup| backup.id == id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Backup> {
        lock(&self.started).clone()
    }

    /// Waits until none runs any more.
    pub(crate) async fn finish(&self) {
        let mut running = std::mem::take(&mut *lock(&self.running));
        while running.join_next().await.is_some() {}
    }
}

/// Would read topics. What it says of itself is in the span's event.
async fn run(topics: usize) {
    for topic in 1..=topics {
        tokio::time::sleep(Duration::from_millis(20)).await;
        // Within the span, so who and which backup are in it, too. The configuration leaves it out.
        info!(name: "backup.checkpoint", target: "audit", topic);
    }
    let span = tracing::Span::current();
    span.record("records_backed_up", 1000 * topics as u64);
    span.record("action.result", "success");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

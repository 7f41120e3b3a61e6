use std::sync::atomic::Ordering;

use crate::Pipeline;

/// How an open log is doing, as of this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PipelineStatus {
    /// Whether events can be recorded; else why not: the disk fails, as much waits for destinations as may, or the log was
    /// closed. It is what the last attempt to write found; while nobody tries, a scratch file beside the log finds out once a
    /// second.
    pub can_record: Result<(), String>,
    /// The number of the log's last record, the log's own counted.
    pub last_sequence: u64,
    /// The last record that is as durable as `Options::durability` says, and that destinations can have.
    pub durable: u64,
    /// How many events were recorded since the log was opened, the log's own not counted.
    pub recorded: u64,
    /// How many events [`OnFailure::Permit`](crate::OnFailure::Permit) dropped since then.
    pub dropped: u64,
    /// How often since then somebody else touched the log's files, which is on record each time.
    pub tampered: u64,
    /// How many bytes of events wait in memory.
    pub buffer_used: usize,
    /// How many may.
    pub buffer_bytes: usize,
    /// Each destination.
    #[cfg(feature = "delivery")]
    pub destinations: Vec<audit_delivery::PlaceStatus>,
}

impl Pipeline {
    /// How the log is doing. Cheap, and never waits for the disk or a destination.
    #[must_use]
    pub fn status(&self) -> PipelineStatus {
        let shared = &self.inner.shared;
        let health = &shared.health;
        let trouble = || match health.trouble() {
            Some(why) => Err(why),
            None => Ok(()),
        };
        let last_sequence = health.last_sequence();
        PipelineStatus {
            can_record: if shared.queue.is_closed() {
                Err("the log is closed".to_owned())
            } else {
                trouble()
            },
            last_sequence,
            durable: last_sequence,
            recorded: shared.recorded.load(Ordering::Relaxed),
            dropped: health.dropped_so_far(),
            tampered: health.tampered_so_far(),
            buffer_used: shared.queue.used(),
            buffer_bytes: shared.queue.capacity(),
            #[cfg(feature = "delivery")]
            destinations: shared
                .followers
                .delivery()
                .map(audit_delivery::Delivery::places)
                .unwrap_or_default(),
        }
    }
}

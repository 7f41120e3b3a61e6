//! The one who writes: number, seal, append, sync, answer.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use audit_integrity::{EventDigest, Head, Sealer};
use audit_journal::{Incident, Journal, JournalError, Prunable, Recovery, Tampering};
use audit_model::{Event, Timestamp};

use crate::completion::Outcome;
use crate::followers::Followed;
use crate::health::{CommitMetrics, Health};
use crate::lifecycle::{self, Lost};
use crate::pipeline::{Notices, Summary, note};
use crate::queue::{Batch, LastCommit};
use crate::settings::Live;
use crate::shared::Shared;
use crate::{EmitError, OnFailure};

/// All that only one thread at a time may touch.
#[derive(Debug)]
pub(crate) struct Committer {
    journal: Journal,
    sealer: Option<Sealer>,
    followers: Option<Followed>,
    live: Arc<Live>,
    notices: Notices,
    health: Arc<Health>,
    metrics: CommitMetrics,
    /// The last attempt to write failed.
    fails: bool,
    /// Events whose loss is on record.
    dropped: u64,
    /// Sealed lines, on their way to the file.
    lines: Vec<u8>,
    /// An empty batch whose buffers are used again.
    spare: Batch,
    /// Events that nobody waits for and that could not be written yet.
    held: Batch,
    lost: Option<Lost>,
    /// What the journal noticed and could not be put on record yet.
    unrecorded: Vec<Tampering>,
    /// Segments that are too many, and still there.
    prunable: VecDeque<Prunable>,
    housekeeping_failure: Option<String>,
    /// Records were appended since the head file was written.
    head_is_stale: bool,
    head_written: Instant,
    last: LastCommit,
}

/// How often the head file is written at most: for a lone caller who waits for every record it would be two parts in a
/// hundred of the time.
const HEAD_INTERVAL: Duration = Duration::from_millis(100);

impl Committer {
    pub(crate) fn new(
        journal: Journal,
        sealer: Option<Sealer>,
        live: Arc<Live>,
        notices: Notices,
        health: Arc<Health>,
    ) -> Self {
        Self {
            journal,
            sealer,
            followers: None,
            live,
            notices,
            health,
            metrics: CommitMetrics::default(),
            fails: false,
            dropped: 0,
            lines: Vec::new(),
            spare: Batch::default(),
            held: Batch::default(),
            lost: None,
            unrecorded: Vec::new(),
            prunable: VecDeque::new(),
            housekeeping_failure: None,
            head_is_stale: false,
            head_written: Instant::now(),
            last: LastCommit::default(),
        }
    }

    /// Has these told of every record from now on.
    #[cfg(feature = "delivery")]
    pub(crate) fn follow(&mut self, followers: Followed) {
        self.followers = Some(followers);
        self.tell_followers();
    }

    /// Tells whoever follows how far the log is durable.
    pub(crate) fn tell_followers(&self) {
        let last = self.last_sequence();
        self.health.advance(last);
        if let Some(followers) = &self.followers {
            followers.advance(last);
        }
    }

    fn on_failure(&self) -> OnFailure {
        self.live.now().on_failure
    }

    /// The number of the log's last record.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.journal.next_sequence() - 1
    }

    /// The chain that records are sealed in.
    #[cfg(feature = "delivery")]
    pub(crate) fn chain_id(&self) -> Option<&str> {
        self.sealer.as_ref().map(|sealer| sealer.head().chain_id.as_str())
    }

    pub(crate) fn path(&self) -> &Path {
        self.journal.path()
    }

    pub(crate) fn last_commit(&self) -> LastCommit {
        self.last
    }

    /// Commits what has gathered.
    pub(crate) fn commit(&mut self, shared: &Shared) {
        self.commit_held(shared);
        let (batch, turned_away) = shared.queue.take(std::mem::take(&mut self.spare));
        self.lose(turned_away, Timestamp::now(), "no room in memory");
        self.last = LastCommit::default();
        if !batch.entries.is_empty() || self.lost.is_some() {
            self.commit_batch(&batch, shared);
        }
        self.spare = batch.emptied();
        self.record_incidents();
        if self.head_written.elapsed() >= HEAD_INTERVAL {
            self.write_head();
        }
        self.tell_followers();
        // Callers who are told that nothing can be recorded may not come again before they are told otherwise.
        self.probe();
        let behind = self.head_is_stale
            || self.lost.is_some()
            || !self.held.entries.is_empty()
            || !self.unrecorded.is_empty()
            || self.health.is_troubled();
        let used = shared.queue.settle(self.held.bytes.len(), behind);
        self.metrics.buffer(used, shared.queue.capacity());
        self.health.committed();
    }

    /// While the last attempt to write failed, and nobody makes another one: looks whether it would.
    fn probe(&mut self) {
        if !self.health.is_due() {
            return;
        }
        let (path, last) = (self.journal.path(), self.last_sequence());
        let room = self.followers.as_ref().map_or(Ok(()), |followers| followers.check_room(path, last));
        let found = room.map_err(|error| error.to_string()).and_then(|()| Health::probe(path));
        self.health.found(found);
    }

    fn commit_batch(&mut self, batch: &Batch, shared: &Shared) {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(10);
        let written = loop {
            match self.write(batch, shared, Timestamp::now()) {
                // Asked each time: it may be changed meanwhile.
                Err(_) if self.on_failure() == OnFailure::Block && !shared.queue.is_closed() => {
                    self.metrics.buffer(shared.queue.used(), shared.queue.capacity());
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_secs(1));
                }
                result => break result,
            }
        };
        // Counted before anybody is answered, and so before anybody can be back.
        self.last = LastCommit { callers: batch.waiting + shared.queue.waiting(), took: begun.elapsed() };
        match written {
            Ok(first) => match self.followers.as_ref().filter(|_| batch.waiting > 0) {
                Some(followers) => followers.answer(&batch.completion, first, self.last_sequence()),
                None => batch.completion.complete(Outcome::Recorded(first)),
            },
            Err(error) => self.fail(batch, error, Timestamp::now()),
        }
    }

    /// Tries again to write what nobody waits for.
    fn commit_held(&mut self, shared: &Shared) {
        let held = std::mem::take(&mut self.held);
        if !held.entries.is_empty() && self.write(&held, shared, Timestamp::now()).is_err() {
            self.held = held;
        }
    }

    /// Seals and appends a batch, behind the record of what was lost before it. Returns the number of its first record.
    /// On an error nothing is written, and the chain is where it was.
    fn write(&mut self, batch: &Batch, shared: &Shared, now: Timestamp) -> Result<u64, JournalError> {
        // What was accepted before the log was closed is little, and its callers are gone.
        if let Some(followers) = self.followers.as_ref().filter(|_| !shared.queue.is_closed()) {
            let room = followers.check_room(self.journal.path(), self.last_sequence());
            room.inspect_err(|error| self.notice_failure(error))?;
        }
        let before = self.head();
        let mut first = match &self.sealer {
            Some(sealer) => sealer.head().sequence_number + 1,
            None => self.journal.next_sequence(),
        };
        let mut records = batch.entries.len() as u64;
        self.lines.clear();
        if let Some(lost) = self.lost.clone() {
            self.add_event(&lifecycle::events_lost(now, self.journal.path(), &lost));
            first += 1;
            records += 1;
        }
        for (entry, event) in batch.events() {
            self.add_record(event, entry.digest);
        }
        let begun = Instant::now();
        self.append(records, before, now)?;
        let took = begun.elapsed();
        self.dropped += self.lost.take().map_or(0, |lost| lost.count);
        let by_callers = batch.entries.iter().filter(|entry| !entry.is_own).count() as u64;
        shared.recorded.fetch_add(by_callers, Ordering::Relaxed);
        self.metrics.committed(took, by_callers, now);
        Ok(first)
    }

    /// Appends `lines`, and notes where the chain ends now; on an error takes the chain back to `before`.
    fn append(&mut self, records: u64, before: Option<Head>, now: Timestamp) -> Result<(), JournalError> {
        let appended = self.journal.append(&self.lines, records, now);
        match &appended {
            Err(error) => self.notice_failure(error),
            Ok(()) if self.fails => {
                self.notice("the log can be written again".to_owned());
                self.fails = false;
                self.health.found(Ok(()));
            }
            Ok(()) => {}
        }
        if let (Some(sealer), Some(before)) = (&mut self.sealer, before) {
            match &appended {
                Ok(()) => self.head_is_stale = true,
                Err(_) => sealer.rewind(before),
            }
        }
        appended
    }

    /// Tells of a failure, once until it is over.
    fn notice_failure(&mut self, error: &JournalError) {
        if !self.fails {
            self.notice(format!("the log cannot be written: {error}"));
        }
        self.fails = true;
        self.health.found(Err(error.to_string()));
    }

    fn notice(&self, sentence: String) {
        note(&self.notices, sentence);
    }

    /// Tells what was found at the log's end when it was opened.
    pub(crate) fn notice_recovery(&self, recovery: &Recovery) {
        if recovery.torn_bytes > 0 {
            let bytes = recovery.torn_bytes;
            self.notice(format!(
                "a half-written line of {bytes} bytes was cut off the log's end; it was never acknowledged"
            ));
        }
        if recovery.foreign_lines > 0 {
            let lines = recovery.foreign_lines;
            self.notice(format!("{lines} lines at the log's end were no records, and were set aside"));
        }
    }

    /// Notes in the head file where the chain ends.
    pub(crate) fn write_head(&mut self) {
        if let Some(sealer) = self.sealer.as_ref().filter(|_| self.head_is_stale) {
            // A head that is behind is right, too, so a failure here costs nothing but freshness.
            let _ = self.journal.write_head(&sealer.head().to_json(sealer.signer()));
        }
        self.head_is_stale = false;
        self.head_written = Instant::now();
    }

    fn head(&self) -> Option<Head> {
        self.sealer.as_ref().map(|sealer| sealer.head().clone())
    }

    fn add_event(&mut self, event: &Event) {
        let text =
            event.to_canonical_json().expect("the log's own events hold nothing that has no canonical text");
        self.add_record(&text, None);
    }

    /// Adds the record of an event to `lines`. Its hash is made here, where nobody has made it yet.
    fn add_record(&mut self, event: &[u8], digest: Option<EventDigest>) {
        match &mut self.sealer {
            Some(sealer) => {
                sealer.seal(event, &digest.unwrap_or_else(|| EventDigest::of(event)), &mut self.lines);
            }
            None => {
                self.lines.extend_from_slice(event);
                self.lines.push(b'\n');
            }
        }
    }

    /// Appends one of the log's own events.
    pub(crate) fn record(&mut self, event: &Event, now: Timestamp) -> Result<(), JournalError> {
        let before = self.head();
        self.lines.clear();
        self.add_event(event);
        self.append(1, before, now)
    }

    fn fail(&mut self, batch: &Batch, error: JournalError, now: Timestamp) {
        let reason = error.to_string();
        if self.on_failure() == OnFailure::Permit {
            // The log's own parts are told, and record theirs again.
            let by_callers = batch.entries.iter().filter(|entry| !entry.is_own).count() as u64;
            self.lose(by_callers, now, &reason);
            batch.completion.complete(Outcome::Dropped);
            return;
        }
        // Those who wait can do something about it. What nobody waits for is held and tried again: its emitter was told
        // that it is on its way.
        for (entry, event) in batch.events().filter(|(entry, _)| !entry.waited_for) {
            self.held.bytes.extend_from_slice(event);
            self.held.entries.push(*entry);
        }
        batch.completion.complete(Outcome::Failed(EmitError::Journal(Arc::new(error))));
    }

    fn lose(&mut self, count: u64, now: Timestamp, reason: &str) {
        if count == 0 {
            return;
        }
        let lost = self.lost.get_or_insert_with(|| Lost {
            count: 0,
            first: now,
            last: now,
            reason: reason.to_owned(),
        });
        lost.count += count;
        lost.last = now;
        self.health.dropped(count);
        metrics::counter!("audit_log_events_dropped_total").increment(count);
    }

    /// Goes on in a new file.
    #[cfg(feature = "delivery")]
    pub(crate) fn rotate(&mut self) -> Result<(), JournalError> {
        self.journal.rotate(Timestamp::now())
    }

    /// Puts on record what the journal noticed.
    pub(crate) fn record_incidents(&mut self) {
        if let Some(failure) = self.journal.take_housekeeping_failure() {
            self.housekeeping_failure = Some(failure);
        }
        for incident in self.journal.take_incidents() {
            match incident {
                Incident::Tampered(what) => {
                    self.notice(what.to_string());
                    self.health.tampered();
                    self.unrecorded.push(what);
                }
                Incident::PruneDue(prunable) => self.prunable.push_back(prunable),
                _ => {}
            }
        }
        self.prune();
        while let Some(what) = self.unrecorded.first() {
            let now = Timestamp::now();
            let event = lifecycle::tampered(now, self.journal.path(), what);
            if self.record(&event, now).is_err() {
                return;
            }
            self.unrecorded.remove(0);
        }
    }

    /// Deletes segments that are too many, the oldest first, unless a destination lacks them. What is not on record is not
    /// deleted.
    fn prune(&mut self) {
        while let Some(due) = self.prunable.pop_front() {
            let now = Timestamp::now();
            let (log, last) = (self.journal.path(), self.last_sequence());
            let segment = &due.segment;
            let numbers = Some((segment.first_sequence, segment.last_sequence));
            let rule = "rotation.max_files";
            let event = lifecycle::retention_applied(now, log, segment, numbers, &due.last_line, rule);
            let lacks = |followers: &Followed| followers.lacks(due.segment.last_sequence, log, last);
            let is_lacked = self.followers.as_ref().is_some_and(lacks);
            if is_lacked || self.record(&event, now).is_err() {
                return self.prunable.push_front(due);
            }
            // If it cannot be deleted, the next opening finds that it is one too many.
            let _ = self.journal.prune(&due);
        }
    }

    /// Writes whatever is left, the close record, and closes the log.
    pub(crate) fn close(mut self, shared: &Shared) -> Result<Summary, JournalError> {
        self.commit(shared);
        // Once more, with whatever room the others have left.
        self.commit_held(shared);
        // A program that runs for a moment at a time prunes, too.
        self.journal.finish_housekeeping();
        self.record_incidents();
        let lost = self.held.entries.len() as u64 + self.lost.as_ref().map_or(0, |lost| lost.count);
        let recorded = shared.recorded.load(Ordering::Relaxed);
        let now = Timestamp::now();
        let stopped = lifecycle::stopped(now, self.journal.path(), recorded);
        let closed = self.record(&stopped, now);
        self.write_head();
        self.tell_followers();
        #[cfg(feature = "delivery")]
        let undelivered = self.followers.as_ref().map(|followers| followers.close()).unwrap_or_default();
        let (head, dropped, housekeeping_failure) = (self.head(), self.dropped, self.housekeeping_failure);
        match closed.and(self.journal.close()) {
            Ok(()) => Ok(Summary {
                recorded,
                dropped,
                lost,
                head,
                housekeeping_failure,
                #[cfg(feature = "delivery")]
                undelivered,
            }),
            Err(JournalError::Io { what, path, source }) if lost > 0 => {
                let message = format!("{source}; {lost} events that were accepted are lost with it");
                Err(JournalError::Io { what, path, source: std::io::Error::new(source.kind(), message) })
            }
            Err(error) => Err(error),
        }
    }
}

//! The thread that reads: librdkafka's calls block, so they get one of their own.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::Message as _;
use rdkafka::consumer::{CommitMode, Consumer as _, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use tokio::sync::mpsc::UnboundedSender;

use crate::condition::Condition;
use crate::options::KafkaSourceOptions;
use crate::progress::Progress;
use crate::session::{Client, FINISH, Session};
use crate::taking::{Begun, Destination, Record};

/// How often offsets are committed.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// How long one wait for a record is, and so how late a stop is noticed at most.
const POLL: Duration = Duration::from_millis(100);
/// How long the log may take nothing before the partitions are paused; what was fetched ahead is thrown away then.
const FULL: Duration = Duration::from_secs(1);
/// How long a last commit is waited for.
const LAST_COMMIT: Duration = Duration::from_secs(5);
/// How long to wait until a consumer is made anew.
const AGAIN: Duration = Duration::from_secs(5);
/// A longer key says nothing that a person would look for.
const LONGEST_KEY: usize = 1024;

pub(crate) struct Reader {
    pub(crate) options: KafkaSourceOptions,
    pub(crate) topics: Vec<Arc<str>>,
    pub(crate) destination: Destination,
    pub(crate) condition: Arc<Condition>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) begun: UnboundedSender<Begun>,
    pub(crate) session: Box<dyn Fn() -> Session + Send>,
}

impl Reader {
    /// Reads until it is told to stop. What heals by making a new consumer is no end.
    pub(crate) fn run(&self) {
        let fingerprints = RandomState::new();
        while !self.progress.is_stopping() {
            match self.options.client_config().create_with_context((self.session)()) {
                Ok(client) => Reading { reader: self, client: &client, fingerprints: &fingerprints }.run(),
                Err(error) => {
                    self.condition.topics_are_not_read(audit_kafka::refusal(&error).to_string());
                }
            }
            for place in self.progress.owned() {
                self.progress.disown(place);
            }
            self.progress.pause(AGAIN);
        }
    }
}

/// One consumer's life.
struct Reading<'a> {
    reader: &'a Reader,
    client: &'a Client,
    fingerprints: &'a RandomState,
}

impl Reading<'_> {
    fn run(&self) {
        let topics: Vec<&str> = self.reader.topics.iter().map(|topic| &**topic).collect();
        if let Err(error) = self.client.subscribe(&topics) {
            self.reader.condition.topics_are_not_read(error.to_string());
            return;
        }
        let session = Arc::clone(self.client.context());
        let progress = &self.reader.progress;
        let mut last_commit = Instant::now();
        let mut is_paused = false;
        let mut stalled = None;
        let mut trouble_told = true;
        while !progress.is_stopping() {
            if last_commit.elapsed() >= COMMIT_EVERY {
                last_commit = Instant::now();
                self.commit(&session);
            }
            if stalled.is_some_and(|since: Instant| since.elapsed() >= COMMIT_EVERY) {
                stalled = None;
                self.aim_again(&session);
            }
            if !progress.wait_for_room(FULL) {
                // Paused, so that the group's other members and the brokers go on hearing of this one while the log
                // takes nothing.
                if std::mem::take(&mut session.lock().assigned) || !is_paused {
                    is_paused = self.pause(true);
                }
            } else if is_paused {
                is_paused = !self.pause(false);
            }
            match self.client.poll(if is_paused { Duration::ZERO } else { POLL }) {
                None => {}
                Some(Ok(message)) => {
                    if std::mem::take(&mut trouble_told) {
                        session.condition.broker_is_up();
                        session.condition.topics_are_read();
                    }
                    self.take(&message);
                }
                Some(Err(KafkaError::MessageConsumptionFatal(_))) => {
                    tracing::warn!(source = session.intake.source(), "the consumer has to be made anew");
                    break;
                }
                Some(Err(error)) => {
                    trouble_told = true;
                    if is_out_of_range(&error) {
                        stalled.get_or_insert_with(Instant::now);
                    }
                }
            }
        }
        self.finish(&session);
    }

    fn take(&self, message: &BorrowedMessage<'_>) {
        let Some(index) = self.reader.topics.iter().position(|topic| **topic == *message.topic()) else {
            return;
        };
        let (place, offset) = ((index, message.partition()), message.offset());
        let milliseconds = message.timestamp().to_millis();
        let payload = message.payload();
        let fingerprint = self.fingerprints.hash_one((milliseconds, message.key(), payload));
        let bytes = payload.map_or(0, <[u8]>::len);
        let Some(ticket) = self.reader.progress.admit(place, offset, fingerprint, bytes) else { return };
        let key = message.key().filter(|key| key.len() <= LONGEST_KEY);
        let record = Record {
            ticket,
            topic: Arc::clone(&self.reader.topics[index]),
            partition: place.1,
            offset,
            milliseconds,
            key: key.and_then(|key| std::str::from_utf8(key).ok()).map(str::to_owned),
            payload: payload.map(<[u8]>::to_vec),
        };
        // Nobody receives it only when the source was dropped, and then it is not committed.
        let _ = self.reader.begun.send(self.reader.destination.begin(record));
    }

    fn commit(&self, session: &Session) {
        if session.lock().committing {
            return;
        }
        if let Some(list) = session.commit() {
            session.lock().committing = true;
            if let Err(error) = self.client.commit(&list, CommitMode::Async) {
                tracing::debug!(%error, "offsets were not committed");
                session.lock().committing = false;
            }
        }
    }

    /// librdkafka has stopped reading partitions whose offsets the brokers do not have, without saying which: all of them
    /// are aimed anew.
    fn aim_again(&self, session: &Session) {
        let Ok(mut list) = self.client.assignment() else { return };
        if list.count() == 0 {
            return;
        }
        session.aim(self.client, &mut list, true);
        let done = match self.client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => {
                self.client.incremental_unassign(&list).and_then(|()| self.client.incremental_assign(&list))
            }
            _ => self.client.assign(&list),
        };
        // If they were paused, they are not any more.
        session.lock().assigned = true;
        if let Err(error) = done {
            tracing::warn!(source = session.intake.source(), %error, "librdkafka does not take the assignment");
        }
    }

    /// Whether it was done.
    fn pause(&self, pause: bool) -> bool {
        let Ok(list) = self.client.assignment() else { return false };
        let done = if pause { self.client.pause(&list) } else { self.client.resume(&list) };
        done.is_ok()
    }

    /// Waits for what is on its way, and commits it.
    fn finish(&self, session: &Session) {
        self.reader.progress.settle(None, FINISH);
        let end = Instant::now() + LAST_COMMIT;
        // One may be on its way, and the last one has to come after it.
        for last in [false, true] {
            if last {
                self.commit(session);
            }
            while session.lock().committing && Instant::now() < end {
                // What arrives now is not taken, and so not committed.
                drop(self.client.poll(POLL));
            }
        }
    }
}

fn is_out_of_range(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    matches!(
        code,
        Some(
            RDKafkaErrorCode::AutoOffsetReset
                | RDKafkaErrorCode::OffsetOutOfRange
                | RDKafkaErrorCode::LogTruncation
        )
    )
}

//! What librdkafka asks and tells while a consumer is a member of its group. All of it but the log comes in the reader's thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use audit_source::Intake;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, Statistics, TopicPartitionList};

use crate::condition::Condition;
use crate::lost::{LostRecords, OnLost};
use crate::options::Start;
use crate::progress::{Commit, Place, Progress};

/// How long partitions that are taken away are waited for, so that who gets them repeats nothing.
pub(crate) const FINISH: Duration = Duration::from_secs(10);
/// How long brokers are waited for that are asked something.
const ASK: Duration = Duration::from_secs(10);

pub(crate) type Client = BaseConsumer<Session>;

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) intake: Intake,
    pub(crate) topics: Vec<Arc<str>>,
    pub(crate) start: Start,
    pub(crate) on_lost: OnLost,
    pub(crate) progress: Arc<Progress>,
    pub(crate) condition: Arc<Condition>,
    pub(crate) state: Mutex<State>,
}

/// What the callbacks leave for the reader.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// A commit is on its way to the brokers.
    pub(crate) committing: bool,
    /// Partitions were assigned.
    pub(crate) assigned: bool,
}

impl Session {
    fn place(&self, topic: &str, partition: i32) -> Option<Place> {
        let index = self.topics.iter().position(|known| **known == *topic)?;
        Some((index, partition))
    }

    pub(crate) fn places(&self, list: &TopicPartitionList) -> Vec<Place> {
        let elements = list.elements();
        elements.iter().filter_map(|element| self.place(element.topic(), element.partition())).collect()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides where each of these partitions is read from, and says what of them is lost. `resume`: it was read here
    /// until now.
    pub(crate) fn aim(&self, client: &Client, list: &mut TopicPartitionList, resume: bool) {
        let committed = client.committed_offsets(list.clone(), ASK);
        if let Err(error) = &committed {
            tracing::debug!(%error, "cannot ask what is committed");
        }
        for (index, partition) in self.places(list) {
            let topic = &*self.topics[index];
            let place = (index, partition);
            let stored = committed.as_ref().ok().map(|list| {
                let element = list.find_partition(topic, partition);
                element.and_then(|element| match element.offset() {
                    Offset::Offset(offset) => Some(offset),
                    _ => None,
                })
            });
            let own = self.progress.next(place).filter(|_| resume);
            let offset = self.aim_at(client, place, own, stored);
            if list.set_partition_offset(topic, partition, offset).is_err() {
                tracing::debug!(topic, partition, "librdkafka takes no offset for this partition");
            }
            let at = match offset {
                Offset::Offset(at) => Some(at),
                _ => None,
            };
            self.progress.own(place, stored.flatten(), at);
        }
    }

    /// `stored`: what the group has committed, if the brokers told; `own`: where it was read here.
    fn aim_at(
        &self,
        client: &Client,
        (index, partition): Place,
        own: Option<i64>,
        stored: Option<Option<i64>>,
    ) -> Offset {
        let topic = &*self.topics[index];
        let begin = match (own, stored) {
            (Some(own), _) => Some(own),
            (None, Some(stored)) => stored,
            // librdkafka goes on asking, and complains if there is nothing: then this is tried again.
            (None, None) => return Offset::Stored,
        };
        let watermarks = client.fetch_watermarks(topic, partition, ASK);
        let (low, high) = match watermarks {
            Ok(watermarks) => watermarks,
            Err(error) => {
                tracing::debug!(topic, partition, %error, "cannot ask which offsets there are");
                return match (begin, self.start) {
                    (Some(begin), _) => Offset::Offset(begin),
                    (None, Start::Beginning) => Offset::Beginning,
                    // Asked again, rather than missing what comes meanwhile.
                    (None, Start::End) => Offset::Stored,
                };
            }
        };
        match begin {
            Some(begin) if begin < low => {
                if let Some(from) = self.progress.untold((index, partition), begin, low) {
                    let lost = LostRecords { topic: topic.to_owned(), partition, from, to: low };
                    self.on_lost.tell(self.intake.source(), &lost);
                }
                Offset::Offset(low)
            }
            Some(begin) if begin > high => {
                tracing::warn!(
                    source = self.intake.source(),
                    "topic {topic}, partition {partition}: the brokers have offsets {low} to {high}, and {begin} was next: the \
                     topic is another one, or brokers lost records; it is read from {low}"
                );
                Offset::Offset(low)
            }
            Some(begin) => Offset::Offset(begin),
            None if self.start == Start::End && !self.was_read(client, topic) => Offset::Offset(high),
            None => Offset::Offset(low),
        }
    }

    /// Whether the group has committed something of the topic: then a partition of which it has not is new.
    fn was_read(&self, client: &Client, topic: &str) -> bool {
        let Ok(metadata) = client.fetch_metadata(Some(topic), ASK) else { return false };
        let mut list = TopicPartitionList::new();
        for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
            list.add_partition(topic, partition.id());
        }
        let Ok(committed) = client.committed_offsets(list, ASK) else { return false };
        committed.elements().iter().any(|element| matches!(element.offset(), Offset::Offset(_)))
    }

    /// What may be committed, once the rejects file holds what it passes.
    pub(crate) fn commit(&self) -> Option<TopicPartitionList> {
        let commit = self.progress.to_commit();
        if commit.positions.is_empty() || !self.sync(&commit) {
            return None;
        }
        let mut list = TopicPartitionList::with_capacity(commit.positions.len());
        for ((index, partition), offset) in commit.positions {
            let added = list.add_partition_offset(&self.topics[index], partition, Offset::Offset(offset));
            if let Err(error) = added {
                tracing::debug!(%error, "librdkafka takes no offset for this partition");
            }
        }
        Some(list)
    }

    fn sync(&self, commit: &Commit) -> bool {
        if !commit.refused {
            return true;
        }
        let synced = self.intake.sync_rejects();
        self.condition.rejects(synced.as_ref().err().map(ToString::to_string));
        if synced.is_err() {
            self.progress.not_synced(commit);
        }
        synced.is_ok()
    }

    fn give_up(&self, client: &Client, list: &TopicPartitionList) {
        let places = self.places(list);
        // Who was thrown out of the group cannot commit; another member has the partitions already.
        if !client.assignment_lost() {
            // At the end that is done already, and what is not settled by then will not be.
            if !self.progress.is_stopping() {
                self.progress.settle(Some(&places), FINISH);
            }
            if let Some(list) = self.commit() {
                let answer = client.commit(&list, CommitMode::Sync);
                self.answered(&answer, &list);
            }
        }
        for place in places {
            self.progress.disown(place);
        }
    }

    fn answered(&self, answer: &KafkaResult<()>, list: &TopicPartitionList) {
        for element in list.elements() {
            let Some(place) = self.place(element.topic(), element.partition()) else { continue };
            let offset = match element.offset() {
                Offset::Offset(offset) if answer.is_ok() && element.error().is_ok() => Some(offset),
                _ => None,
            };
            self.progress.committed(place, offset);
        }
        if let Err(error) = answer {
            // It is tried again, or the partitions are somebody else's by now.
            tracing::debug!(%error, "offsets were not committed");
        }
    }
}

impl ConsumerContext for Session {
    fn rebalance(&self, client: &Client, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let cooperative = matches!(client.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let done = if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.aim(client, list, false);
            if list.count() > 0 {
                self.condition.topics_are_read();
            }
            self.lock().assigned = true;
            if cooperative { client.incremental_assign(list) } else { client.assign(list) }
        } else {
            self.give_up(client, list);
            if cooperative { client.incremental_unassign(list) } else { client.unassign() }
        };
        if let Err(error) = done {
            tracing::warn!(source = self.intake.source(), %error, "librdkafka does not take the assignment");
        }
    }

    fn commit_callback(&self, answer: KafkaResult<()>, list: &TopicPartitionList) {
        self.lock().committing = false;
        self.answered(&answer, list);
    }
}

impl ClientContext for Session {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", "{facility}: {message}");
        if facility == "FAIL" {
            self.condition.failure_in_log(message);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if let Some(code) = error.rdkafka_error_code() {
            self.condition.error(code, reason);
        }
    }

    fn stats(&self, statistics: Statistics) {
        if statistics.brokers.values().any(|broker| broker.state == "UP") {
            self.condition.broker_is_up();
        }
        let mut lag = 0;
        let mut known = false;
        for (index, partition) in self.progress.owned() {
            let topic = statistics.topics.get(&*self.topics[index]);
            let Some(read) = topic.and_then(|topic| topic.partitions.get(&partition)) else { continue };
            // With transactions, what is not committed yet cannot be read.
            let end = if read.ls_offset >= 0 { read.ls_offset } else { read.hi_offset };
            if let Some(next) = self.progress.next((index, partition)).filter(|_| end >= 0) {
                lag += u64::try_from(end - next).unwrap_or(0);
                known = true;
            }
        }
        self.intake.set_lag(known.then_some(lag));
    }
}

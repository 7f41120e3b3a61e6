use std::sync::Arc;
use std::thread;
use std::time::Duration;

use audit_kafka::Trouble;
use audit_sink::Record;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer, PurgeConfig, ThreadedProducer};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::record;
use crate::reports::{Failure, OutOfReach, Reports, advice};

const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long, and how many times, to wait for room in an empty queue.
const ROOM_WAIT: Duration = Duration::from_millis(1);
const ROOM_WAITS: u32 = 1000;

/// A producer of librdkafka's, good for as long as nothing went wrong.
///
/// After a failure, or when whoever waited for it went away, it is dropped with what it still holds, so that nothing of
/// an attempt that was given up is delivered after what is sent later; a fresh one also says at once what is
/// wrong, where an old one would be silent until its next try.
pub(crate) struct Connection {
    producer: Option<ThreadedProducer<Reports>>,
    reports: Arc<Reports>,
}

/// Why records were not delivered.
#[derive(Debug)]
pub(crate) enum Undelivered {
    /// The place will not take this one; it is the first, and nothing is known of those after it.
    Refused(Failure),
    /// Something else is wrong.
    Failed(String),
}

impl Failure {
    /// What the broker answered, in the protocol's word and in librdkafka's.
    pub(crate) fn answer(&self) -> String {
        match refusal_name(self.code) {
            Some(name) => format!("the broker answered {name}: {}", self.code),
            None => self.code.to_string(),
        }
    }
}

impl Connection {
    pub(crate) fn open(config: &ClientConfig) -> KafkaResult<Self> {
        let producer: ThreadedProducer<Reports> = config.create_with_context(Reports::default())?;
        let reports = Arc::clone(producer.context());
        Ok(Self { producer: Some(producer), reports })
    }

    pub(crate) fn producer(&self) -> &ThreadedProducer<Reports> {
        self.producer.as_ref().expect("it is taken by drop only")
    }

    pub(crate) fn reports(&self) -> &Reports {
        &self.reports
    }

    /// Hands records over in their order and waits until each is acknowledged.
    pub(crate) async fn deliver(
        &self,
        topic: &str,
        chain_id: &str,
        records: &[&Record],
    ) -> Result<(), Undelivered> {
        self.reports.expect(records.len());
        let enqueued = self.enqueue(topic, chain_id, records).await;
        if let Err(failure) = enqueued {
            self.reports.expect_fewer(records.len() - failure.index);
        }
        let settled = self.reports.settled(0).await;
        let failures = self.reports.take_failures();
        let failures: Vec<Failure> = failures.into_iter().chain(enqueued.err()).collect();
        match (settled, failures.first()) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(first)) if failures.iter().all(|failure| is_refusal(failure.code)) => {
                Err(Undelivered::Refused(*first))
            }
            (Err(OutOfReach), _) => Err(Undelivered::Failed(self.explain(None))),
            (Ok(()), _) => {
                Err(Undelivered::Failed(self.explain(failures.iter().find(|f| !is_refusal(f.code)).copied())))
            }
        }
    }

    /// Stops at the first record that librdkafka does not take.
    async fn enqueue(&self, topic: &str, chain_id: &str, records: &[&Record]) -> Result<(), Failure> {
        for (index, record) in records.iter().enumerate() {
            let mut message = BaseRecord::with_opaque_to(topic, index)
                .key(chain_id)
                .payload(&record.bytes)
                .headers(record::headers(record));
            // The record's timestamp is left to be the time of delivery. Were it the event's, Kafka's `retention.ms`
            // would delete what is delivered late (after an outage, or from an old journal) as soon as it arrives,
            // and brokers whose clock differs would refuse it (`message.timestamp.before.max.ms`,
            // `…after.max.ms`). The event's own time is in the record.
            let mut waits = 0;
            while let Err((error, rejected)) = self.producer().send(message) {
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
                if code != RDKafkaErrorCode::QueueFull || waits == ROOM_WAITS {
                    return Err(Failure { index, code });
                }
                let not_handed_over = records.len() - index;
                let queued = self.reports.outstanding() - not_handed_over;
                if queued > 0 {
                    let room = not_handed_over + queued / 2;
                    self.reports.settled(room).await.map_err(|OutOfReach| Failure { index, code })?;
                } else {
                    // librdkafka makes room only after it has reported; or it never will, for one as large as this.
                    waits += 1;
                    sleep(ROOM_WAIT).await;
                }
                message = rejected;
            }
        }
        Ok(())
    }

    /// Lets go of the brokers, and waits until librdkafka's threads have ended, though not for ever.
    pub(crate) async fn close(mut self) {
        let ended = self.let_go();
        let _later_then = timeout(CLOSE_TIMEOUT, ended).await;
    }

    /// librdkafka joins its threads, and one of these may be waiting for a name server: that is left to a thread.
    fn let_go(&mut self) -> oneshot::Receiver<()> {
        let (end, ended) = oneshot::channel();
        if let Some(producer) = self.producer.take() {
            producer.purge(PurgeConfig::default().queue().inflight().non_blocking());
            // Where no thread can be had, it is dropped here.
            let _ = thread::Builder::new().name("kafka close".to_owned()).spawn(move || {
                drop(producer);
                let _ = end.send(());
            });
        }
        ended
    }

    /// What to tell whoever can mend it.
    pub(crate) fn explain(&self, failure: Option<Failure>) -> String {
        let fatal = self.producer().client().fatal_error().map(|(_, reason)| reason);
        let trouble = self.reports.trouble();
        explain(failure.map(|failure| failure.code), fatal, trouble.as_ref())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let _nobody_waits = self.let_go();
    }
}

/// Whether it is about this record and will be the same next time. Brokers answer for the record batch that the
/// record was in: a neighbour may be meant.
fn is_refusal(code: RDKafkaErrorCode) -> bool {
    refusal_name(code).is_some()
}

/// What the protocol calls it: <https://kafka.apache.org/protocol.html#protocol_error_codes>.
fn refusal_name(code: RDKafkaErrorCode) -> Option<&'static str> {
    Some(match code {
        RDKafkaErrorCode::MessageSizeTooLarge => "MESSAGE_TOO_LARGE (10)",
        RDKafkaErrorCode::MessageBatchTooLarge => "RECORD_LIST_TOO_LARGE (18)",
        // The second is librdkafka's own, for the neighbours of a record that the broker named.
        RDKafkaErrorCode::InvalidRecord | RDKafkaErrorCode::InvalidDifferentRecord => "INVALID_RECORD (87)",
        _ => return None,
    })
}

fn explain(code: Option<RDKafkaErrorCode>, fatal: Option<String>, trouble: Option<&Trouble>) -> String {
    // That a message timed out or was purged says nothing of why.
    let code = code.filter(|code| {
        let vague = matches!(
            code,
            RDKafkaErrorCode::MessageTimedOut
                | RDKafkaErrorCode::PurgeQueue
                | RDKafkaErrorCode::PurgeInflight
                | RDKafkaErrorCode::Fatal
                | RDKafkaErrorCode::QueueFull
                | RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::AllBrokersDown
        );
        !(vague && (fatal.is_some() || trouble.is_some()))
    });
    match (code, fatal, trouble) {
        (Some(code), _, _) => match advice(code) {
            Some(advice) => format!("{code}; {advice}"),
            None => code.to_string(),
        },
        (None, Some(fatal), _) => fatal,
        (None, None, Some(trouble)) => trouble.to_string(),
        (None, None, None) => "the brokers do not answer".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::error::RDKafkaErrorCode;

    use super::explain;
    use audit_kafka::Trouble;

    #[test]
    fn the_cause_is_told_rather_than_its_effect() {
        let trouble = Trouble { code: RDKafkaErrorCode::Resolve, reason: "no such host".into() };
        let told = |code, trouble| explain(code, None, trouble);
        assert!(told(Some(RDKafkaErrorCode::MessageTimedOut), Some(&trouble)).starts_with("no such host; "));
        assert!(told(Some(RDKafkaErrorCode::TopicAuthorizationFailed), Some(&trouble)).contains("WRITE"));
        assert!(told(Some(RDKafkaErrorCode::MessageTimedOut), None).contains("timed out"));
        assert!(told(None, Some(&trouble)).starts_with("no such host; "));
    }
}

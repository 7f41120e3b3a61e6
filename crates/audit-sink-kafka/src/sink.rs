use std::fmt;

use audit_kafka::{KafkaOptionsError, refusal};
use audit_sink::{Batch, Receipt, Record, Rejection, SendFuture, Sink, SinkError};
use rdkafka::error::KafkaError;
use tokio::time::Instant;

use crate::connection::{Connection, Undelivered};
use crate::progress::Progress;
use crate::reports::Failure;
use crate::{KafkaOptions, check, record};

/// Sends records to a topic, and waits until all in-sync replicas have them.
///
/// It connects at the first use, and has librdkafka's threads while it is connected. Call `close` before the process
/// ends: a sink that is dropped lets go of its brokers in a thread that nobody waits for.
pub struct KafkaSink {
    options: KafkaOptions,
    /// Taken by `send` and put back when the brokers answered: a future that is dropped half-way drops the connection too.
    connection: Option<Connection>,
    /// Not the connection's: it outlives one that failed.
    progress: Progress,
    closed: bool,
}

/// How an attempt ended.
enum Delivered {
    /// The brokers have decided of each record.
    All(Vec<Rejection>),
    /// The brokers answer, and there was no time for all of the search.
    Part(String),
    Failed(String),
}

impl KafkaSink {
    /// A sink for these options. Certificates are read, and nothing is connected to.
    ///
    /// # Errors
    /// When the options contradict each other, name a file that cannot be read, or would break what the sink promises.
    pub fn new(options: KafkaOptions) -> Result<Self, KafkaOptionsError> {
        options.try_out()?;
        Ok(Self { options, connection: None, progress: Progress::default(), closed: false })
    }

    async fn send(&mut self, batch: &Batch) -> Result<Receipt, SinkError> {
        if self.closed {
            return Err(SinkError::Closed);
        }
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                Connection::open(&self.options.client_config()).map_err(|error| self.cannot_start(&error))?
            }
        };
        match self.deliver(&connection, batch).await {
            Delivered::All(rejected) => {
                self.connection = Some(connection);
                Ok(Receipt::rejecting(rejected))
            }
            Delivered::Part(why) => {
                self.connection = Some(connection);
                Err(self.undelivered(&why))
            }
            Delivered::Failed(why) => Err(self.undelivered(&why)),
        }
    }

    async fn deliver(&mut self, connection: &Connection, batch: &Batch) -> Delivered {
        let begun = Instant::now();
        let (records, mut rejected) = self.sift(batch);
        // Brokers refuse a whole record batch for one record in it, so what was refused is tried in halves, down to
        // the records that are to blame.
        self.progress.of(batch, records.len());
        while let Some(range) = self.progress.next() {
            let part = &records[range];
            match connection.deliver(self.options.topic(), &batch.chain_id, part).await {
                Ok(()) => self.progress.accepted(),
                Err(Undelivered::Refused(failure)) => {
                    self.progress.refused(batch, failure.index, || Rejection {
                        sequence_number: part[0].sequence_number,
                        reason: failure.answer(),
                    });
                    if begun.elapsed() >= self.options.search_time() && self.progress.next().is_some() {
                        return Delivered::Part(self.interrupted(records.len(), &failure));
                    }
                }
                Err(Undelivered::Failed(why)) => return Delivered::Failed(why),
            }
        }
        rejected.append(&mut self.progress.take_rejected());
        rejected.sort_unstable_by_key(|rejection| rejection.sequence_number);
        Delivered::All(rejected)
    }

    fn interrupted(&self, count: usize, failure: &Failure) -> String {
        format!(
            "{}; of {count} records {} are rejected so far and {} are still to be tried; the next attempt goes on from \
             there; if these records are too large, set the property message.max.bytes to the topic's \
             max.message.bytes, and there is no search",
            failure.answer(),
            self.progress.rejected(),
            self.progress.undecided(),
        )
    }

    /// Those that fit the topic, and those that do not.
    fn sift<'a>(&self, batch: &'a Batch) -> (Vec<&'a Record>, Vec<Rejection>) {
        let limit = self.options.max_message_bytes();
        let mut rejected = Vec::new();
        let mut records = Vec::with_capacity(batch.records.len());
        for record in &batch.records {
            match record::batch_bytes(&batch.chain_id, record) {
                bytes if bytes <= limit => records.push(record),
                bytes => rejected.push(Rejection {
                    sequence_number: record.sequence_number,
                    reason: format!(
                        "{bytes} bytes as a Kafka record batch, more than message.max.bytes = {limit}"
                    ),
                }),
            }
        }
        (records, rejected)
    }

    fn undelivered(&self, why: &str) -> SinkError {
        let (topic, servers) = (self.options.topic(), self.options.servers());
        SinkError::retryable(format!("cannot deliver to Kafka topic {topic} at {servers}: {why}"))
    }

    fn cannot_start(&self, error: &KafkaError) -> SinkError {
        self.undelivered(&refusal(error).to_string())
    }
}

impl Sink for KafkaSink {
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(self.send(batch))
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async {
            if self.closed {
                return Err(SinkError::Closed);
            }
            check::check(&self.options).await.map_err(|why| {
                let (topic, servers) = (self.options.topic(), self.options.servers());
                SinkError::retryable(format!("Kafka topic {topic} at {servers}: {why}"))
            })
        })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async {
            if std::mem::replace(&mut self.closed, true) {
                return Err(SinkError::Closed);
            }
            if let Some(connection) = self.connection.take() {
                connection.close().await;
            }
            Ok(())
        })
    }
}

impl fmt::Debug for KafkaSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSink")
            .field("options", &self.options)
            .field("connected", &self.connection.is_some())
            .field("closed", &self.closed)
            .finish()
    }
}

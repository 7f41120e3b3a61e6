use std::fmt;

use audit_sink::{Batch, Receipt, Record, Rejection, SendFuture, Sink, SinkError};
use rdkafka::error::KafkaError;
use rdkafka::producer::BaseProducer;

use crate::connection::{Connection, Undelivered};
use crate::options::refusal;
use crate::{KafkaOptions, KafkaOptionsError, check, record};

/// Sends records to a topic, and waits until all in-sync replicas have them.
///
/// It connects at the first use, and has librdkafka's threads while it is connected. Call `close` before the process
/// ends: a sink that is dropped lets go of its brokers in a thread that nobody waits for.
pub struct KafkaSink {
    options: KafkaOptions,
    /// Taken by `send` and put back when all went well: a future that is dropped half-way drops the connection too.
    connection: Option<Connection>,
    closed: bool,
}

impl KafkaSink {
    /// A sink for these options. Certificates are read, and nothing is connected to.
    ///
    /// # Errors
    /// When the options contradict each other, name a file that cannot be read, or would break what the sink promises.
    pub fn new(options: KafkaOptions) -> Result<Self, KafkaOptionsError> {
        options.validate()?;
        // A producer that knows no brokers connects to nobody, and shows all that librdkafka has to say.
        let mut config = options.client_config();
        config.remove("bootstrap.servers");
        config.create::<BaseProducer>().map_err(|error| refusal(&error))?;
        Ok(Self { options, connection: None, closed: false })
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
        let rejected = self.deliver(&connection, batch).await?;
        self.connection = Some(connection);
        Ok(Receipt { rejected })
    }

    async fn deliver(&self, connection: &Connection, batch: &Batch) -> Result<Vec<Rejection>, SinkError> {
        let (records, mut rejected) = self.sift(batch);
        // Brokers refuse a whole record batch for one record in it, so what was refused is tried in halves, down to
        // the records that are to blame.
        let mut pending = vec![(0, records.len())];
        while let Some((start, end)) = pending.pop() {
            let part = &records[start..end];
            match connection.deliver(self.options.topic(), &batch.chain_id, part).await {
                Ok(()) => {}
                Err(Undelivered::Refused(failure)) if part.len() == 1 => rejected.push(Rejection {
                    sequence_number: part[0].sequence_number,
                    reason: failure.code.to_string(),
                }),
                Err(Undelivered::Refused(failure)) => {
                    let first = start + failure.index;
                    let middle = first + (end - first).div_ceil(2);
                    pending.extend([(middle, end), (first, middle)]);
                }
                Err(Undelivered::Failed(why)) => return Err(self.undelivered(&why)),
            }
        }
        rejected.sort_unstable_by_key(|rejection| rejection.sequence_number);
        Ok(rejected)
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

//! Topics of Kafka.

use std::sync::Arc;

use audit_config::{KafkaSource as Configured, Start};
use audit_source::SourceError;
use audit_source_kafka::{KafkaSource, KafkaSourceOptions};

use crate::record;
use crate::service::Inner;
use crate::sources::format;

impl Inner {
    pub(crate) fn kafka(&self, name: &str, kafka: &Configured) -> Result<KafkaSource, SourceError> {
        let group = kafka.group.as_deref().unwrap_or("audit-log");
        let options = KafkaSourceOptions::new(kafka.brokers(), kafka.topics.iter().cloned(), group)
            .format(format(kafka.format))
            .start(match kafka.start {
                Start::Beginning => audit_source_kafka::Start::Beginning,
                Start::End => audit_source_kafka::Start::End,
            });
        let (witness, name) = (Arc::clone(&self.witness), name.to_owned());
        let source = KafkaSource::new(options).map_err(|error| SourceError::Other(error.into()))?;
        Ok(source.on_lost(move |lost| {
            witness.put(record::never_read(&name, lost));
        }))
    }
}

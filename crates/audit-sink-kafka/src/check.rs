use std::time::Duration;

use audit_kafka::refusal;
use futures_util::future::{Either, select};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use rdkafka::producer::Producer;
use tokio::sync::oneshot;

use crate::KafkaOptions;
use crate::connection::Connection;
use crate::reports::advice;

pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks the brokers for the topic, and creates nothing.
pub(crate) async fn check(options: &KafkaOptions) -> Result<(), String> {
    let mut config = options.client_config();
    let may_be_created = config.get("allow.auto.create.topics") != Some("false");
    config.set("allow.auto.create.topics", "false").set("enable.idempotence", "false");
    let connection = Connection::open(&config).map_err(|error| refusal(&error).to_string())?;
    let metadata = metadata(&connection, options.topic()).await?;
    let topic = metadata.topics().iter().find(|topic| topic.name() == options.topic());
    let Some(topic) = topic else { return Err("the brokers know nothing of it".to_owned()) };
    match topic.error().map(RDKafkaErrorCode::from) {
        None => {}
        Some(RDKafkaErrorCode::UnknownTopicOrPartition) if !may_be_created => {
            return Err("it does not exist, and allow.auto.create.topics is false; create it".to_owned());
        }
        Some(RDKafkaErrorCode::UnknownTopicOrPartition) => {
            let broker = metadata.brokers().first().map(|broker| broker.id());
            return missing(&config, broker).await;
        }
        Some(code) => {
            let advice = advice(code).map(|advice| format!("; {advice}")).unwrap_or_default();
            return Err(format!("{code}{advice}"));
        }
    }
    match topic.partitions().iter().find(|partition| partition.leader() < 0) {
        Some(partition) => Err(format!(
            "partition {} has no leader; are enough brokers up for its replicas?",
            partition.id()
        )),
        None => Ok(()),
    }
}

/// What the brokers say of the topic, or what is wrong with them.
pub(crate) async fn metadata(connection: &Connection, topic: &str) -> Result<Metadata, String> {
    let reports = connection.reports();
    match select(Box::pin(fetch(connection, topic)), Box::pin(reports.out_of_reach())).await {
        Either::Left((Ok(metadata), _)) => Ok(metadata),
        Either::Left((Err(error), _)) => {
            let why = reports.trouble().map(|trouble| trouble.to_string());
            Err(why.unwrap_or_else(|| unanswered(&error)))
        }
        Either::Right(_) => Err(connection.explain(None)),
    }
}

/// librdkafka's call blocks, so it gets a thread.
async fn fetch(connection: &Connection, topic: &str) -> KafkaResult<Metadata> {
    let (answer, answered) = oneshot::channel();
    let (producer, topic) = (connection.producer().clone(), topic.to_owned());
    let spawned = std::thread::Builder::new().name("kafka check".to_owned()).spawn(move || {
        let metadata = producer.client().fetch_metadata(Some(&topic), TIMEOUT);
        // Whoever asked may have gone.
        let _ = answer.send(metadata);
    });
    if spawned.is_err() {
        return Err(KafkaError::Canceled);
    }
    answered.await.unwrap_or(Err(KafkaError::Canceled))
}

fn unanswered(error: &KafkaError) -> String {
    match error.rdkafka_error_code().and_then(advice) {
        Some(advice) => format!("no answer within {} s; {advice}", TIMEOUT.as_secs()),
        None => error.to_string(),
    }
}

/// A topic that is missing is no obstacle where the brokers create it at the first record.
async fn missing(config: &ClientConfig, broker: Option<i32>) -> Result<(), String> {
    match creates_topics(config, broker).await {
        Some(true) => Ok(()),
        Some(false) => {
            Err("it does not exist, and the brokers create none (auto.create.topics.enable=false); create it"
                .into())
        }
        None => Err(
            "it does not exist, and the brokers do not say whether they would create it at the first record \
             (that takes DESCRIBE_CONFIGS on the cluster); create it"
                .into(),
        ),
    }
}

/// What a broker says about its `auto.create.topics.enable`, if it tells us.
async fn creates_topics(config: &ClientConfig, broker: Option<i32>) -> Option<bool> {
    let admin: AdminClient<DefaultClientContext> = config.create().ok()?;
    let resource = [ResourceSpecifier::Broker(broker?)];
    let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
    let described = admin.describe_configs(&resource, &options).await.ok()?;
    let described = described.into_iter().next()?.ok()?;
    let value = described.get("auto.create.topics.enable")?.value.clone()?;
    Some(value == "true")
}

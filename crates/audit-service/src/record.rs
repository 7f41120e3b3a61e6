//! What the service puts on record about itself.

use audit_config::{Change, Config};
use audit_model::{Action, Actor, Event, EventType, Resource, Timestamp, Value};
use serde_json::json;

/// A configuration was taken over while the service ran, or why not. Secrets are masked.
pub(crate) fn config_changed(file: &str, outcome: Result<&[Change], &str>, now: Timestamp) -> Event {
    let mut event = Event::at(now, EventType::CONFIG_CHANGED).resource(Resource::new("audit_config", file));
    event.actor = Some(Actor::system("audit-log"));
    match outcome {
        Ok(changes) => {
            event.action = Some(Action::success("reload"));
            let changes: Vec<Value> = changes
                .iter()
                .map(
                    |change| json!({"field": change.field, "old_value": change.old, "new_value": change.new}),
                )
                .collect();
            event.detail("config_type", "audit").detail("changes", changes)
        }
        Err(why) => {
            event.action = Some(Action::failure("reload"));
            event.detail("config_type", "audit").detail("error", why)
        }
    }
}

/// What a service that begins has been told to do.
pub(crate) fn service_started(config: &Config, sources: &[String], now: Timestamp) -> Event {
    let mut event = Event::at(now, EventType::CONFIG_VIEWED);
    event.actor = Some(Actor::system("audit-log"));
    event.action = Some(Action::success("start"));
    event.detail("config_type", "audit").detail("sources", sources.to_vec()).detail("config", config.show())
}

/// Records of a topic that were deleted before they were read.
#[cfg(feature = "kafka")]
pub(crate) fn never_read(source: &str, lost: &audit_source_kafka::LostRecords) -> Event {
    let topic = format!("{}/{}", lost.topic, lost.partition);
    let mut event = Event::at(Timestamp::now(), EventType::AUDIT_SOURCE_GAP)
        .resource(Resource::new("kafka_partition", topic));
    event.actor = Some(Actor::system("audit-log"));
    event.action = Some(Action::failure("read"));
    event
        .detail("count", lost.count())
        .detail("source", source)
        .detail("first_offset", lost.from)
        .detail("next_offset", lost.to)
        .detail("reason", lost.to_string())
}

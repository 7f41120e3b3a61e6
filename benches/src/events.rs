use audit_integrity::Key;
use audit_model::{
    Action, Actor, BackupDetails, BackupStage, Context, Event, EventId, Map, Resource, Timestamp, Value,
};
use serde::Serialize;

/// `count` different events of one kind: every standard field, and the details of a backup, as the
/// specification has them. 792 bytes of JSON each.
///
/// # Panics
/// Never: the details are plain JSON.
#[must_use]
pub fn events(count: u32) -> Vec<Event> {
    (0..count).map(event).collect()
}

fn event(number: u32) -> Event {
    let actor = Actor::user("alice@company.com")
        .role("backup-operator")
        .ip_address("10.0.0.50")
        .user_agent("kafka-backup-cli/1.0.0");
    let details = BackupDetails {
        backup_id: format!("production-backup-{}", 20_241_201 + number),
        topics: ["orders", "payments", "users"].map(str::to_owned).to_vec(),
        records_backed_up: Some(1_500_000 + u64::from(number)),
        bytes_backed_up: Some(524_288_000),
        compressed_bytes: Some(104_857_600),
        // Not 5.0, for which RFC 8785 writes 5: every encoder is to write the same bytes.
        compression_ratio: Some(4.97),
        duration_secs: Some(45.123),
        checkpoints: Some(4),
        ..BackupDetails::default()
    };
    let time = Timestamp::from_milliseconds(1_733_048_130_123 + i64::from(number)).expect("in range");
    let mut event =
        Event::backup(BackupStage::Completed, actor.clone(), &details).expect("details are plain JSON");
    event.timestamp = time;
    event.event_id = EventId::generate(time);
    event
        .resource(Resource::new("backup", &details.backup_id).path("s3://kafka-backups/production/"))
        .action(Action::success("backup").duration_ms(45_123))
        .context(
            Context::new()
                .cluster_id("prod-us-west-2")
                .environment("production")
                .correlation_id("req_xyz789"),
        )
}

trait SetAction {
    fn action(self, action: Action) -> Self;
}

impl SetAction for Event {
    fn action(mut self, action: Action) -> Self {
        self.action = Some(action);
        self
    }
}

/// The event's canonical bytes.
///
/// # Panics
/// When it has none.
#[must_use]
pub fn canonical(event: &Event) -> Vec<u8> {
    event.to_canonical_json().expect("the sample events have a canonical text")
}

/// A signing key.
///
/// # Panics
/// Never: it is long enough.
#[must_use]
pub fn key() -> Key {
    Key::from_bytes(b"0123456789abcdef0123456789abcdef").expect("32 bytes")
}

/// The same data as a user of serde would declare them, with the fields in canonical order: `serde_json` writes the very
/// bytes that `Event::write_canonical_json` does. It is what the peers are given, since `Event`'s own `Serialize` goes
/// through canonical JSON and would cost them that as well.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are the event's")]
pub struct PlainEvent {
    pub action: PlainAction,
    pub actor: PlainActor,
    pub context: PlainContext,
    pub details: Map,
    pub event_id: String,
    pub event_type: String,
    pub resource: PlainResource,
    pub timestamp: String,
    pub version: String,
}

/// As [`Action`].
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are the event's")]
pub struct PlainAction {
    pub duration_ms: u64,
    pub operation: String,
    pub result: String,
}

/// As [`Actor`].
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are the event's")]
pub struct PlainActor {
    pub id: String,
    pub ip_address: String,
    pub roles: Vec<String>,
    #[serde(rename = "type")]
    pub actor_type: String,
    pub user_agent: String,
}

/// As [`Context`].
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are the event's")]
pub struct PlainContext {
    pub cluster_id: String,
    pub correlation_id: String,
    pub environment: String,
}

/// As [`Resource`].
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are the event's")]
pub struct PlainResource {
    pub id: String,
    pub path: String,
    #[serde(rename = "type")]
    pub resource_type: String,
}

/// The event's data as a plain struct.
///
/// # Panics
/// When it lacks a field that the sample events have, or `serde_json` writes other bytes for it than the canonical ones.
#[must_use]
pub fn plain(event: &Event) -> PlainEvent {
    let canonical = canonical(event);
    let value: Value = serde_json::from_slice(&canonical).expect("canonical JSON is JSON");
    let text = |part: &str, name: &str| {
        let field = if part.is_empty() { &value[name] } else { &value[part][name] };
        field.as_str().unwrap_or_else(|| panic!("the sample has {part}.{name}")).to_owned()
    };
    let plain = PlainEvent {
        action: PlainAction {
            duration_ms: value["action"]["duration_ms"].as_u64().expect("the sample has a duration"),
            operation: text("action", "operation"),
            result: text("action", "result"),
        },
        actor: PlainActor {
            id: text("actor", "id"),
            ip_address: text("actor", "ip_address"),
            roles: event.actor.as_ref().map(|actor| actor.roles.clone()).unwrap_or_default(),
            actor_type: text("actor", "type"),
            user_agent: text("actor", "user_agent"),
        },
        context: PlainContext {
            cluster_id: text("context", "cluster_id"),
            correlation_id: text("context", "correlation_id"),
            environment: text("context", "environment"),
        },
        details: event.details.clone(),
        event_id: text("", "event_id"),
        event_type: text("", "event_type"),
        resource: PlainResource {
            id: text("resource", "id"),
            path: text("resource", "path"),
            resource_type: text("resource", "type"),
        },
        timestamp: text("", "timestamp"),
        version: text("", "version"),
    };
    let written = serde_json::to_vec(&plain).expect("strings and numbers");
    assert_eq!(written, canonical, "both sides write the same bytes");
    plain
}

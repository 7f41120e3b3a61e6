//! The records that the log makes about itself.

use std::path::Path;

use audit_integrity::SealedRecord;
use audit_journal::{Recovery, Segment, Tampering};
use audit_model::{Action, Actor, Event, EventType, Resource, Timestamp};
use serde_json::json;

use crate::Durability;

fn event(now: Timestamp, event_type: EventType, log: &Path, action: Action) -> Event {
    let mut event =
        Event::at(now, event_type).resource(Resource::new("audit_log", log.display().to_string()));
    event.actor = Some(Actor::system("audit-log"));
    event.action = Some(action);
    event
}

pub(crate) fn started(now: Timestamp, log: &Path, recovery: &Recovery, durability: Durability) -> Event {
    let mut started = event(now, EventType::AUDIT_STARTED, log, Action::success("open"))
        .detail("durability", format!("{durability:?}").to_lowercase())
        .detail("process_id", std::process::id())
        .detail("program", concat!("audit-log ", env!("CARGO_PKG_VERSION")));
    if recovery.torn_bytes > 0 {
        started = started.detail("torn_bytes_cut", recovery.torn_bytes);
    }
    if recovery.foreign_lines > 0 {
        started = started.detail("lines_set_aside", recovery.foreign_lines);
    }
    started
}

pub(crate) fn stopped(now: Timestamp, log: &Path, recorded: u64) -> Event {
    event(now, EventType::AUDIT_STOPPED, log, Action::success("close")).detail("events_recorded", recorded)
}

/// Events that could not be recorded: how many, and from when to when.
#[derive(Clone, Debug)]
pub(crate) struct Lost {
    pub(crate) count: u64,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) reason: String,
}

pub(crate) fn events_lost(now: Timestamp, log: &Path, lost: &Lost) -> Event {
    event(now, EventType::AUDIT_EVENTS_LOST, log, Action::failure("record"))
        .detail("count", lost.count)
        .detail("first_time", lost.first.to_string())
        .detail("last_time", lost.last.to_string())
        .detail("reason", lost.reason.as_str())
}

pub(crate) fn tampered(now: Timestamp, log: &Path, what: &Tampering) -> Event {
    let tampered = event(now, EventType::AUDIT_LOG_TAMPERED, log, Action::success("detect"));
    let tampered = match what {
        Tampering::Removed { restored } => {
            tampered.detail("change", "removed").detail("restored_to", restored.display().to_string())
        }
        Tampering::Replaced { restored, moved_aside } => tampered
            .detail("change", "replaced")
            .detail("restored_to", restored.display().to_string())
            .detail("moved_aside_to", moved_aside.display().to_string()),
        Tampering::Shortened { bytes, lost } => {
            let tampered = tampered.detail("change", "shortened").detail("bytes", *bytes);
            match lost {
                Some((first, last)) => tampered.detail("lost_sequences", json!([first, last])),
                None => tampered,
            }
        }
        Tampering::Extended { bytes, moved_aside } => tampered
            .detail("change", "extended")
            .detail("bytes", *bytes)
            .detail("moved_aside_to", moved_aside.display().to_string()),
        other => tampered.detail("change", other.to_string()),
    };
    tampered.detail("message", what.to_string())
}

/// What was found wrong with the log's end when it was opened.
pub(crate) fn tampered_at_rest(
    now: Timestamp,
    log: &Path,
    change: &str,
    message: &str,
    lost: Option<(u64, u64)>,
) -> Event {
    let tampered = event(now, EventType::AUDIT_LOG_TAMPERED, log, Action::success("detect"))
        .detail("change", change)
        .detail("message", message);
    match lost {
        Some((first, last)) => tampered.detail("lost_sequences", json!([first, last])),
        None => tampered,
    }
}

pub(crate) fn retention_applied(
    now: Timestamp,
    log: &Path,
    segment: &Segment,
    numbers: Option<(u64, u64)>,
    last_line: &[u8],
    rule: &str,
) -> Event {
    let mut applied = retention(now, log, segment, rule, Action::success("delete"));
    if let Some((first, last)) = numbers {
        applied = applied.detail("first_sequence", first).detail("last_sequence", last);
    }
    match SealedRecord::parse(last_line) {
        Ok(record) => applied.detail("last_signature", record.integrity.signature.to_string()),
        Err(_) => applied,
    }
}

#[cfg(feature = "delivery")]
pub(crate) fn retention_failed(
    now: Timestamp,
    log: &Path,
    segment: &Segment,
    rule: &str,
    why: &str,
) -> Event {
    retention(now, log, segment, rule, Action::failure("delete")).detail("error", why)
}

/// A destination has taken no records for some time, or takes them again.
#[cfg(feature = "delivery")]
pub(crate) fn outage(now: Timestamp, log: &Path, outage: &audit_delivery::Outage) -> Event {
    let (event_type, action) = match outage.is_over {
        false => (EventType::AUDIT_DESTINATION_FAILING, Action::failure("deliver")),
        true => (EventType::AUDIT_DESTINATION_RECOVERED, Action::success("deliver")),
    };
    event(now, event_type, log, action)
        .resource(Resource::new("audit_destination", outage.destination.as_str()))
        .detail("log", log.display().to_string())
        .detail("since", outage.since.to_string())
        .detail("lag_records", outage.lag)
        .detail("reason", outage.reason.as_str())
}

fn retention(now: Timestamp, log: &Path, segment: &Segment, rule: &str, action: Action) -> Event {
    event(now, EventType::AUDIT_RETENTION_APPLIED, log, action)
        .detail("file", segment.path.file_name().unwrap_or_default().to_string_lossy())
        .detail("rule", rule)
}

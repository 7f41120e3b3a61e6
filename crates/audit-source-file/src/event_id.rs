use audit_model::{Event, EventId, Timestamp};
use audit_source::Format;
use sha2::{Digest as _, Sha256};

/// The id of an event that brings none: the same whenever its line is read, so that a second time is recognised.
///
/// A UUID of version 8 (RFC 9562 §5.8) made of SHA-256 over the file's generation, the line's place in it, and the line.
pub(crate) fn of_line(generation: &str, offset: u64, line: &[u8]) -> EventId {
    let digest = Sha256::new()
        .chain_update(b"audit-source-file/v1\n")
        .chain_update(generation)
        .chain_update(b"\n")
        .chain_update(offset.to_be_bytes())
        .chain_update(line)
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    format!("evt_{}", uuid::Builder::from_custom_bytes(bytes).into_uuid().simple()).into()
}

/// The line with that id, as a native event, if it is an event that brings none.
pub(crate) fn with_id(
    format: Format,
    line: &[u8],
    id: impl FnOnce() -> EventId,
    now: Timestamp,
) -> Option<Vec<u8>> {
    let mut event = format.read(line, now).ok()?;
    if brings_id(format, line, &event, now) || event.event_type.is_reserved() {
        return None;
    }
    event.event_id = id();
    event.to_canonical_json().ok()
}

/// Whether an event's id is the sender's: it stands in the line, or at least is the same when the line is read again, as one that was
/// made up is not.
fn brings_id(format: Format, line: &[u8], event: &Event, now: Timestamp) -> bool {
    memchr::memmem::find(line, event.event_id.as_str().as_bytes()).is_some()
        || format.read(line, now).is_ok_and(|again| again.event_id == event.event_id)
}

#[cfg(test)]
mod tests {
    use super::{of_line, with_id};
    use audit_model::{Event, EventId, Timestamp};
    use audit_source::Format;

    fn given(format: Format, line: &[u8]) -> Option<String> {
        let now = Timestamp::from_milliseconds(1_700_000_000_000).unwrap();
        let text = with_id(format, line, || EventId::from("given"), now)?;
        Some(Event::from_json(&text, now).unwrap().event_id.as_str().to_owned())
    }

    #[test]
    fn only_what_has_no_id_is_given_one() {
        let native = Format::Native;
        assert_eq!(given(native, br#"{"event_type":"auth.login"}"#).unwrap(), "given");
        assert_eq!(given(native, br#"{"event_type":"auth.login","event_id":null}"#).unwrap(), "given");
        assert_eq!(given(native, br#"{"event_type":"auth.login","event_id":"mine"}"#), None);
        assert_eq!(given(native, br#"{"event_type":"auth.login","event_id":"\u006dine"}"#), None);
        let ocsf = br#"{"class_uid":3002,"activity_id":1,"time":1,"metadata":{"uid":"theirs"}}"#;
        assert_eq!(given(Format::Ocsf, ocsf), None);
        assert_eq!(given(Format::Ocsf, br#"{"class_uid":3002,"activity_id":1,"time":1}"#).unwrap(), "given");
        assert_eq!(given(native, b"no event"), None);
        assert_eq!(given(native, br#"{"event_type":"audit.stopped"}"#), None, "refused as it stands");
    }

    #[test]
    fn the_id_follows_from_file_place_and_line() {
        let id = of_line("g", 7, b"{}");
        assert_eq!(id, of_line("g", 7, b"{}"));
        assert_eq!(id.as_str().len(), 36);
        assert_eq!(id.as_str().as_bytes()[16], b'8', "a UUID of version 8: {id}");
        for other in [of_line("h", 7, b"{}"), of_line("g", 8, b"{}"), of_line("g", 7, b"[]")] {
            assert_ne!(id, other);
        }
    }
}

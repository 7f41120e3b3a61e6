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

/// Whether an event's id is the sender's: it stands in the line, or at least is the same when the line is read again, as one that was
/// made up is not.
pub(crate) fn is_brought(format: Format, line: &[u8], event: &Event, now: Timestamp) -> bool {
    memchr::memmem::find(line, event.event_id.as_str().as_bytes()).is_some()
        || memchr::memchr(b'\\', line).is_some()
            && format.read(line, now).is_ok_and(|again| again.event_id == event.event_id)
}

#[cfg(test)]
mod tests {
    use super::{is_brought, of_line};
    use audit_model::Timestamp;
    use audit_source::Format;

    fn brings(format: Format, line: &[u8]) -> bool {
        let now = Timestamp::from_milliseconds(1_700_000_000_000).unwrap();
        is_brought(format, line, &format.read(line, now).unwrap(), now)
    }

    #[test]
    fn an_id_that_stands_in_the_line_is_the_senders() {
        let native = Format::Native;
        assert!(!brings(native, br#"{"event_type":"auth.login"}"#));
        assert!(!brings(native, br#"{"event_type":"auth.login","event_id":null}"#));
        assert!(!brings(native, br#"{"event_type":"auth.login","event_id":""}"#));
        assert!(!brings(native, br#"{"event_type":"auth.login","details":{"path":"C:\\evt_"}}"#));
        assert!(brings(native, br#"{"event_type":"auth.login","event_id":"mine"}"#));
        assert!(brings(native, br#"{"event_type":"auth.login","event_id":"\u006dine"}"#));
        let ocsf = br#"{"class_uid":3002,"activity_id":1,"time":1,"metadata":{"uid":"theirs"}}"#;
        assert!(brings(Format::Ocsf, ocsf));
        assert!(!brings(
            Format::Ocsf,
            br#"{"class_uid":3002,"activity_id":1,"time":1,"metadata":{"uid":""}}"#
        ));
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

use std::time::{Duration, SystemTime};

use audit_sink::Record;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message, MultiPart, SinglePart};
use sha2::{Digest as _, Sha256};

use crate::Letter;
use crate::one_line::one_line;

const SUBJECT_CHARACTERS: usize = 255;

/// 9999-12-31T23:59:59Z, the last second that a `Date` can say.
const LAST_SECOND: i64 = 253_402_300_799;

/// The e-mail (RFC 5322, MIME) of a letter.
///
/// Without the end of its last line. Nothing of a record gets into the headers but what [`one_line`] leaves of it, encoded (RFC 2047) where it is not ASCII.
pub(crate) fn message(
    letter: &Letter,
    chain_id: &str,
    record: &Record,
    from: &Mailbox,
    to: &[Mailbox],
) -> Result<Vec<u8>, lettre::error::Error> {
    let mut builder = Message::builder()
        .from(from.clone())
        .subject(one_line(&letter.subject, SUBJECT_CHARACTERS))
        .date(date(record.timestamp_ms))
        .message_id(Some(message_id(chain_id, record, from)))
        // RFC 3834 §5: no machine answers a machine.
        .raw_header(header("Auto-Submitted", "auto-generated"));
    for recipient in to {
        builder = builder.to(recipient.clone());
    }
    // For rules of mailboxes.
    for (name, value) in [("X-Audit-Event-Type", &record.event_type), ("X-Audit-Event-Id", &record.event_id)]
    {
        if !value.is_empty() {
            builder = builder.raw_header(header(name, value));
        }
    }
    let text = part(ContentType::TEXT_PLAIN, &letter.text);
    let message = match &letter.html {
        // RFC 2046 §5.1.4: the plainest first.
        Some(html) => builder.multipart(
            MultiPart::alternative().singlepart(text).singlepart(part(ContentType::TEXT_HTML, html)),
        ),
        None => builder.singlepart(text),
    };
    let mut bytes = message?.formatted();
    // The end of the last line is written with the dot that ends the message (RFC 5321 §4.1.1.4).
    if bytes.ends_with(b"\r\n") {
        bytes.truncate(bytes.len() - 2);
    }
    Ok(bytes)
}

/// `<number.digest@domain of the sender>`, the same for the same record, so that whoever gets it twice can know. The digest
/// is of chain and content: two destinations that write different letters of one record, to one mailbox perhaps, must not
/// make one of them look like a copy of the other.
pub(crate) fn message_id(chain_id: &str, record: &Record, from: &Mailbox) -> String {
    let mut digest = Sha256::new();
    digest.update((chain_id.len() as u64).to_be_bytes());
    digest.update(chain_id);
    digest.update(&record.bytes);
    let digest: String = digest.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("<{}.{digest}@{}>", record.sequence_number, from.email.domain())
}

/// Times that a `Date` cannot say become the nearest that it can.
fn date(timestamp_ms: i64) -> SystemTime {
    let seconds = timestamp_ms.div_euclid(1000).clamp(0, LAST_SECOND);
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), one_line(value, SUBJECT_CHARACTERS))
}

/// Quoted-printable, or base64 where that is shorter: lines of any length and every character get through servers that
/// know neither 8BITMIME nor lines of more than 998 bytes.
fn part(content_type: ContentType, text: &str) -> SinglePart {
    let body = Body::new(text.to_owned());
    let body = if body.encoding() == ContentTransferEncoding::Base64 {
        body
    } else {
        Body::new_with_encoding(text.to_owned(), ContentTransferEncoding::QuotedPrintable)
            .unwrap_or_else(|_| Body::new(text.to_owned()))
    };
    SinglePart::builder().header(content_type).body(body)
}

#[cfg(test)]
mod tests {
    use audit_sink::Record;
    use lettre::message::Mailbox;
    use mail_parser::{MessageParser, MimeHeaders as _};
    use proptest::prelude::*;

    use super::{date, message, message_id};
    use crate::Letter;

    fn mailbox(text: &str) -> Mailbox {
        crate::address::mailbox("to", text).expect("an address")
    }

    fn record() -> Record {
        Record {
            sequence_number: 7,
            timestamp_ms: 1_700_000_000_123,
            event_id: "evt_1".into(),
            event_type: "alert.fired".into(),
            ..Record::default()
        }
    }

    fn letter(text: &str, html: Option<&str>) -> Letter {
        Letter { subject: "Ünusual access".into(), text: text.into(), html: html.map(str::to_owned) }
    }

    fn written(letter: &Letter, record: &Record) -> Vec<u8> {
        let to = [mailbox("Öps <ops@example.com>"), mailbox("b@example.com")];
        message(letter, "orders", record, &mailbox("Audit <audit@example.org>"), &to).expect("a message")
    }

    #[test]
    fn every_header_is_as_it_should_be() {
        let bytes = written(&letter("text", Some("<p>html</p>")), &record());
        let message = MessageParser::default().parse(&bytes).expect("a message");
        assert_eq!(message.subject(), Some("Ünusual access"));
        assert_eq!(message.from().and_then(|from| from.first()?.address()), Some("audit@example.org"));
        let to: Vec<_> = message.to().expect("to").iter().map(|to| (to.name(), to.address())).collect();
        assert_eq!(to, [(Some("Öps"), Some("ops@example.com")), (None, Some("b@example.com"))]);
        assert_eq!(message.date().map(|date| date.to_timestamp()), Some(1_700_000_000));
        let raw = |name| message.header_raw(name).map(str::trim);
        assert_eq!(raw("Auto-Submitted"), Some("auto-generated"));
        assert_eq!(raw("X-Audit-Event-Type"), Some("alert.fired"));
        assert_eq!(raw("X-Audit-Event-Id"), Some("evt_1"));
        assert_eq!(raw("MIME-Version"), Some("1.0"));
        let id = message.message_id().expect("an id");
        assert!(id.starts_with("7.") && id.ends_with("@example.org"), "{id}");
        assert_eq!(message.content_type().and_then(|kind| kind.subtype()), Some("alternative"));
        assert_eq!(message.body_text(0).as_deref(), Some("text"));
        assert_eq!(message.body_html(0).as_deref(), Some("<p>html</p>"));
    }

    #[test]
    fn the_id_is_that_of_the_record() {
        let from = mailbox("a@example.org");
        let id = |chain: &str, change: &dyn Fn(&mut Record)| {
            let mut record = record();
            change(&mut record);
            message_id(chain, &record, &from)
        };
        let first = id("orders", &|_| {});
        assert_eq!(first, id("orders", &|record| record.timestamp_ms += 1), "a repeated send");
        assert_ne!(first, id("others", &|_| {}));
        assert_ne!(first, id("orders", &|record| record.sequence_number += 1));
        assert_ne!(first, id("orders", &|record| record.bytes = b"another letter".to_vec()));
        // Whatever the chain is called.
        let odd = id("a>\r\nBcc: x@y ü", &|_| {});
        assert!(odd.is_ascii() && !odd.contains(['\r', '\n', ' ']), "{odd}");
    }

    #[test]
    fn dates_stay_in_what_a_header_can_say() {
        for (ms, expected) in
            [(i64::MIN, 0), (-1, 0), (1_700_000_000_999, 1_700_000_000), (i64::MAX, 253_402_300_799)]
        {
            let since = date(ms).duration_since(std::time::UNIX_EPOCH).expect("not before 1970");
            assert_eq!(since.as_secs(), expected);
            written(&letter("", None), &Record { timestamp_ms: ms, ..record() });
        }
    }

    proptest! {
        #[test]
        fn nothing_of_a_record_becomes_a_header_or_a_long_line(
            subject in "(\\PC|[\r\n\t\0 :]|Bcc: x@y){0,400}",
            text in "(\\PC|[\r\n. ]|\r\n\\.){0,3000}",
            event_type in "(\\PC|[\r\n]|Bcc: ){0,60}",
        ) {
            let letter = Letter { subject: subject.clone(), text: text.clone(), html: None };
            let bytes = written(&letter, &Record { event_type, ..record() });
            prop_assert!(bytes.is_ascii());
            prop_assert!(bytes.split(|byte| *byte == b'\n').all(|line| line.len() <= 998));
            prop_assert!(bytes.iter().enumerate().all(|(at, byte)| *byte != b'\n' || at > 0 && bytes[at - 1] == b'\r'));
            let message = MessageParser::default().parse(&bytes).expect("a message");
            let known = ["From", "Subject", "Date", "Message-ID", "Auto-Submitted", "To", "X-Audit-Event-Type",
                "X-Audit-Event-Id", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"];
            for header in message.headers() {
                prop_assert!(known.iter().any(|name| name.eq_ignore_ascii_case(header.name())), "{}", header.name());
            }
            // As a mailbox shows it: what ends a line is one thing.
            let lines = |text: &str| text.replace("\r\n", "\n").trim_end_matches('\n').to_owned();
            prop_assert_eq!(lines(&message.body_text(0).unwrap_or_default()), lines(&text));
        }
    }
}

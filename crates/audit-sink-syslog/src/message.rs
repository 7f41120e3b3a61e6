//! Messages: pure functions of options and records.

use audit_model::Severity;
use audit_sink::{Batch, Record, Rejection};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::options::{Format, Framing, SyslogOptions, SyslogOptionsError};

/// The SD-ID of our structured data. 32473 is the enterprise number that RFC 5612 sets aside for documentation: the
/// project has none of its own.
const SD_ID: &str = "audit@32473";

/// What is the same in all messages of a sink.
#[derive(Clone, Debug)]
pub(crate) struct Messages {
    format: Format,
    facility: u8,
    /// Without one, RFC 3164 leaves the field out, as `syslog(3)` does on local sockets.
    hostname: Option<String>,
    app_name: String,
    process_id: String,
    /// What the server takes, as the options say.
    max_message_bytes: usize,
    /// What the transport takes.
    largest: usize,
}

impl Messages {
    /// Checks the names. `local` says that the messages go to a socket of this machine.
    pub(crate) fn new(
        options: &SyslogOptions,
        system_hostname: Option<String>,
        process_id: u32,
        local: bool,
        largest: usize,
    ) -> Result<Self, SyslogOptionsError> {
        let hostname = match &options.hostname {
            Some(hostname) => {
                // RFC 5424 §6, HOSTNAME
                fits("host name", hostname, 255, "printable ASCII characters", |c| c.is_ascii_graphic())?;
                hostname.clone()
            }
            None => system_hostname
                .filter(|name| (1..=255).contains(&name.len()) && name.bytes().all(|c| c.is_ascii_graphic()))
                .unwrap_or_else(|| "-".to_owned()),
        };
        match options.format {
            // RFC 5424 §6, APP-NAME
            Format::Rfc5424 => fits("app name", &options.app_name, 48, "printable ASCII characters", |c| {
                c.is_ascii_graphic()
            })?,
            // RFC 3164 §4.1.3 has letters and digits only; every server takes these too, and ends the tag at a colon.
            Format::Rfc3164 => {
                fits("app name", &options.app_name, 32, "letters, digits, '-', '_', '.' or '/'", |c| {
                    c.is_ascii_alphanumeric() || b"-_./".contains(&c)
                })?;
            }
        }
        let in_header = options.format == Format::Rfc5424 || !local;
        Ok(Self {
            format: options.format,
            facility: options.facility.numeric(),
            hostname: in_header.then_some(hostname),
            app_name: options.app_name.clone(),
            process_id: process_id.to_string(),
            max_message_bytes: options.max_message_bytes,
            largest,
        })
    }

    /// Appends the message of one record.
    pub(crate) fn write(&self, chain_id: &str, record: &Record, into: &mut Vec<u8>) {
        into.push(b'<');
        digits(into, u64::from(self.facility) * 8 + severity(record.severity), 1);
        into.push(b'>');
        match self.format {
            Format::Rfc5424 => self.header_5424(chain_id, record, into),
            Format::Rfc3164 => self.header_3164(record, into),
        }
        // No BOM before it (§6.4): the record is MSG-ANY, octets that are kept as they are, and JSON on a network
        // begins with no BOM (RFC 8259 §8.1).
        into.extend_from_slice(&record.bytes);
    }

    fn header_5424(&self, chain_id: &str, record: &Record, into: &mut Vec<u8>) {
        into.extend_from_slice(b"1 ");
        match utc(record.timestamp_ms).filter(|time| (0..=9999).contains(&time.year())) {
            Some(time) => timestamp_5424(time, into),
            None => into.push(b'-'),
        }
        let hostname = self.hostname.as_deref().unwrap_or("-");
        for field in [hostname, &self.app_name, &self.process_id, message_id(&record.event_type)] {
            into.push(b' ');
            into.extend_from_slice(field.as_bytes());
        }
        into.extend_from_slice(b" [");
        into.extend_from_slice(SD_ID.as_bytes());
        parameter("type", &record.event_type, into);
        parameter("id", &record.event_id, into);
        into.extend_from_slice(b" seq=\"");
        digits(into, record.sequence_number, 1);
        into.push(b'"');
        parameter("chain", chain_id, into);
        into.extend_from_slice(b"] ");
    }

    fn header_3164(&self, record: &Record, into: &mut Vec<u8>) {
        timestamp_3164(utc(record.timestamp_ms).unwrap_or_default(), into);
        if let Some(hostname) = &self.hostname {
            into.push(b' ');
            into.extend_from_slice(hostname.as_bytes());
        }
        into.push(b' ');
        into.extend_from_slice(self.app_name.as_bytes());
        into.extend_from_slice(b": ");
    }

    /// Why a message cannot be sent, if it cannot.
    pub(crate) fn too_large(&self, message: &[u8]) -> Option<String> {
        let (length, largest, max) = (message.len(), self.largest, self.max_message_bytes);
        if length > largest {
            return Some(format!(
                "the message is {length} bytes with its header, and {largest} is the most that this transport carries; \
                 use TCP or TLS"
            ));
        }
        (length > max).then(|| {
            format!(
                "the message is {length} bytes with its header, and max_message_bytes is {max}; if the server takes larger \
                 ones (maxMessageSize in rsyslog, log-msg-size() in syslog-ng), raise it (max_message_kb in a \
                 configuration)"
            )
        })
    }

    /// The messages of a batch as one piece of a stream, and those that no stream can carry.
    pub(crate) fn frames(&self, batch: &Batch, framing: Framing) -> (Vec<u8>, Vec<Rejection>) {
        let mut stream = Vec::with_capacity(batch.byte_count() + 256 * batch.records.len());
        let mut rejected = Vec::new();
        let mut message = Vec::new();
        for record in &batch.records {
            message.clear();
            self.write(&batch.chain_id, record, &mut message);
            let reason = self.too_large(&message).or_else(|| {
                (framing == Framing::Newline && message.contains(&b'\n')).then(|| {
                    "the record has a newline inside, where newline framing ends a message; use octet counting".into()
                })
            });
            if let Some(reason) = reason {
                rejected.push(Rejection { sequence_number: record.sequence_number, reason });
                continue;
            }
            match framing {
                Framing::OctetCounting => {
                    digits(&mut stream, message.len() as u64, 1);
                    stream.push(b' ');
                    stream.extend_from_slice(&message);
                }
                Framing::Newline => {
                    stream.extend_from_slice(&message);
                    stream.push(b'\n');
                }
            }
        }
        (stream, rejected)
    }
}

/// RFC 5424 §6.2.1, table 2. There is no counterpart to emergency, alert and debug.
fn severity(severity: Severity) -> u64 {
    match severity {
        Severity::Critical => 2,
        Severity::High => 3,
        Severity::Medium => 4,
        Severity::Low => 5,
        _ => 6,
    }
}

/// MSGID (§6.2.7): the event type, at most 32 printable ASCII characters of it. The whole is in the structured data.
fn message_id(event_type: &str) -> &str {
    if event_type.is_empty() || !event_type.bytes().all(|c| c.is_ascii_graphic()) {
        return "-";
    }
    &event_type[..event_type.len().min(32)]
}

/// An SD-PARAM: `"`, `\` and `]` are escaped, and nothing else is (§6.3.3).
fn parameter(name: &str, value: &str, into: &mut Vec<u8>) {
    into.push(b' ');
    into.extend_from_slice(name.as_bytes());
    into.extend_from_slice(b"=\"");
    for byte in value.bytes() {
        if matches!(byte, b'"' | b'\\' | b']') {
            into.push(b'\\');
        }
        into.push(byte);
    }
    into.push(b'"');
}

fn utc(milliseconds: i64) -> Option<DateTime> {
    Timestamp::from_millisecond(milliseconds).ok().map(|time| Offset::UTC.to_datetime(time))
}

/// RFC 3339 as §6.2.3 narrows it.
fn timestamp_5424(time: DateTime, into: &mut Vec<u8>) {
    digits(into, time.year().unsigned_abs().into(), 4);
    for (before, value) in [
        (b'-', time.month()),
        (b'-', time.day()),
        (b'T', time.hour()),
        (b':', time.minute()),
        (b':', time.second()),
    ] {
        into.push(before);
        digits(into, value.unsigned_abs().into(), 2);
    }
    into.push(b'.');
    digits(into, time.millisecond().unsigned_abs().into(), 3);
    into.push(b'Z');
}

/// `Mmm dd hh:mm:ss` (RFC 3164 §4.1.2): a day below ten has a space before it.
fn timestamp_3164(time: DateTime, into: &mut Vec<u8>) {
    const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = usize::from(time.month().unsigned_abs() - 1) * 3;
    into.extend_from_slice(&MONTHS[month..month + 3]);
    into.extend_from_slice(if time.day() < 10 { b"  " } else { b" " });
    digits(into, time.day().unsigned_abs().into(), 1);
    for (before, value) in [(b' ', time.hour()), (b':', time.minute()), (b':', time.second())] {
        into.push(before);
        digits(into, value.unsigned_abs().into(), 2);
    }
}

/// A number in decimal, with zeros before it up to `width`.
fn digits(into: &mut Vec<u8>, value: u64, width: usize) {
    let mut reversed = [b'0'; 20];
    let mut rest = value;
    let mut count = 0;
    while rest > 0 {
        reversed[19 - count] = b'0' + (rest % 10) as u8;
        rest /= 10;
        count += 1;
    }
    into.extend_from_slice(&reversed[20 - count.max(width)..]);
}

fn fits(
    field: &'static str,
    value: &str,
    longest: usize,
    expected: &'static str,
    allowed: impl Fn(u8) -> bool,
) -> Result<(), SyslogOptionsError> {
    if (1..=longest).contains(&value.len()) && value.bytes().all(allowed) {
        return Ok(());
    }
    Err(SyslogOptionsError::Name { field, value: value.to_owned(), longest, expected })
}

#[cfg(test)]
mod tests {
    use audit_model::Severity;
    use audit_sink::{Batch, Record};
    use proptest::prelude::*;

    use super::Messages;
    use crate::{Facility, Format, Framing, SyslogOptions, Transport};

    /// 2003-10-11T22:14:15.003Z, the time of the examples in both RFCs.
    const EXAMPLE_MS: i64 = 1_065_910_455_003;

    fn messages(change: impl Fn(SyslogOptions) -> SyslogOptions) -> Messages {
        let options = SyslogOptions::new(Transport::Udp { server: "h:1".into() });
        Messages::new(&change(options), Some("mymachine".into()), 17, false, usize::MAX).unwrap()
    }

    fn write(messages: &Messages, record: &Record) -> String {
        let mut message = Vec::new();
        messages.write("orders", record, &mut message);
        String::from_utf8(message).unwrap()
    }

    /// RFC 5424 §6.5, examples 1 and 3, in the fields that are not ours to choose.
    #[test]
    fn the_header_of_the_examples_of_rfc_5424() {
        let record = Record {
            sequence_number: 8,
            timestamp_ms: EXAMPLE_MS,
            event_id: "evt_1".into(),
            event_type: "ID47".into(),
            severity: Severity::Critical,
            bytes: b"'su root' failed for lonvick on /dev/pts/8".to_vec(),
        };
        let su = messages(|o| o.facility(Facility::Auth).hostname("mymachine.example.com").app_name("su"));
        assert_eq!(
            write(&su, &record),
            "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su 17 ID47 \
             [audit@32473 type=\"ID47\" id=\"evt_1\" seq=\"8\" chain=\"orders\"] \
             'su root' failed for lonvick on /dev/pts/8"
        );
        let evntslog = messages(|o| o.facility(Facility::Local4).hostname("192.0.2.1").app_name("evntslog"));
        let record = Record { severity: Severity::Low, ..record };
        assert!(
            write(&evntslog, &record)
                .starts_with("<165>1 2003-10-11T22:14:15.003Z 192.0.2.1 evntslog 17 ID47 [")
        );
    }

    /// RFC 3164 §5.4, example 1, and §4.1.2 on days of one digit.
    #[test]
    fn the_example_of_rfc_3164() {
        let mut record = Record {
            timestamp_ms: EXAMPLE_MS,
            severity: Severity::Critical,
            bytes: b"'su root' failed for lonvick on /dev/pts/8".to_vec(),
            ..Record::default()
        };
        let bsd = |o: SyslogOptions| o.format(Format::Rfc3164).facility(Facility::Auth).app_name("su");
        let example = "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8";
        assert_eq!(write(&messages(bsd), &record), example);
        record.timestamp_ms = 1_059_728_705_999;
        assert!(write(&messages(bsd), &record).starts_with("<34>Aug  1 09:05:05 mymachine su: "));
        let options = bsd(SyslogOptions::new(Transport::Udp { server: "h:1".into() }));
        let local = Messages::new(&options, Some("mymachine".into()), 17, true, usize::MAX).unwrap();
        assert!(
            write(&local, &record).starts_with("<34>Aug  1 09:05:05 su: "),
            "syslog(3) writes no host name"
        );
    }

    #[test]
    fn severities_of_table_2() {
        let kern = messages(|o| o.facility(Facility::Kern));
        let severities =
            [Severity::Informational, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
        let written = severities
            .map(|severity| write(&kern, &Record { severity, ..Record::default() })[..4].to_owned());
        assert_eq!(written, ["<6>1", "<5>1", "<4>1", "<3>1", "<2>1"]);
    }

    #[test]
    fn what_does_not_fit_a_field_is_cut_or_left_out() {
        let of = |event_type: &str, timestamp_ms| {
            let record = Record { event_type: event_type.into(), timestamp_ms, ..Record::default() };
            write(&messages(|o| o), &record)
        };
        assert!(of("a", -62_167_219_200_000).starts_with("<134>1 0000-01-01T00:00:00.000Z "));
        assert!(of("a", i64::MAX).starts_with("<134>1 - mymachine "), "no such time");
        assert!(of("a", -62_167_219_200_001).starts_with("<134>1 - mymachine "), "no year of four digits");
        assert!(of(&"x".repeat(33), 0).contains(&format!(" 17 {} [", "x".repeat(32))));
        for unprintable in ["", "a b", "création", "tab\t"] {
            assert!(of(unprintable, 0).contains(" 17 - [audit@32473 type="), "{unprintable:?}");
        }
    }

    #[test]
    fn names_that_fit_no_field_are_refused() {
        let new = |options: &SyslogOptions| {
            Messages::new(options, None, 1, false, usize::MAX).map(drop).map_err(|error| error.to_string())
        };
        let options = SyslogOptions::new(Transport::Udp { server: "h:1".into() });
        assert_eq!(
            new(&options.clone().app_name("two words")).unwrap_err(),
            "the app name \"two words\" does not fit the message; expected 1 to 48 printable ASCII characters"
        );
        assert!(new(&options.clone().app_name("")).is_err());
        assert!(new(&options.clone().app_name("x".repeat(49))).is_err());
        assert!(new(&options.clone().app_name("x".repeat(48))).is_ok());
        assert!(new(&options.clone().format(Format::Rfc3164).app_name("x".repeat(33))).is_err());
        assert!(new(&options.clone().format(Format::Rfc3164).app_name("a:b")).is_err());
        assert!(new(&options.clone().hostname("naïve")).is_err());
        assert!(new(&options.hostname("x".repeat(255))).is_ok());
    }

    #[test]
    fn a_host_name_of_the_system_that_does_not_fit_is_left_out() {
        let options = SyslogOptions::new(Transport::Udp { server: "h:1".into() });
        for hostname in [None, Some("two words".to_owned()), Some(String::new())] {
            let messages = Messages::new(&options, hostname, 17, false, usize::MAX).unwrap();
            assert!(
                write(&messages, &Record::default())
                    .starts_with("<134>1 1970-01-01T00:00:00.000Z - audit-log 17 - [")
            );
        }
    }

    #[test]
    fn what_no_stream_can_carry_is_rejected_beside_the_rest() {
        let record = |sequence_number, bytes: &[u8]| Record {
            sequence_number,
            bytes: bytes.to_vec(),
            ..Record::default()
        };
        let batch = Batch {
            chain_id: "c".into(),
            records: vec![record(1, b"a"), record(2, b"b\nc"), record(3, &[b'd'; 200])],
        };
        let messages = messages(|o| o.max_message_bytes(250));
        let (stream, rejected) = messages.frames(&batch, Framing::Newline);
        let numbers: Vec<u64> = rejected.iter().map(|rejection| rejection.sequence_number).collect();
        assert_eq!(numbers, [2, 3]);
        assert!(rejected[0].reason.contains("newline"), "{}", rejected[0].reason);
        assert!(
            rejected[1].reason.contains("bytes with its header, and max_message_bytes is 250; if the server")
        );
        assert!(stream.ends_with(b"] a\n") && stream.iter().filter(|byte| **byte == b'\n').count() == 1);
        let (stream, rejected) = messages.frames(&batch, Framing::OctetCounting);
        assert_eq!(rejected.len(), 1, "a newline is nothing special where octets are counted");
        assert!(stream.ends_with(b"] b\nc"));
    }

    /// What a reader of RFC 5424 §6 finds in a message: MSGID, the values of our structured data, MSG.
    fn parse(message: &[u8]) -> (String, [String; 4], Vec<u8>) {
        let mut fields = message.splitn(7, |byte| *byte == b' ');
        let message_id = String::from_utf8(fields.nth(5).unwrap().to_vec()).unwrap();
        let mut rest = fields.next().unwrap().strip_prefix(b"[audit@32473").unwrap();
        let values = ["type", "id", "seq", "chain"].map(|name| {
            rest = rest.strip_prefix(format!(" {name}=\"").as_bytes()).unwrap();
            let mut value = Vec::new();
            loop {
                let (first, after) = rest.split_first().unwrap();
                rest = after;
                match first {
                    b'"' => break,
                    b'\\' => {
                        assert!(matches!(rest[0], b'"' | b'\\' | b']'), "escaped only where §6.3.3 says");
                        value.push(rest[0]);
                        rest = &rest[1..];
                    }
                    b']' => panic!("a bare ] in a value"),
                    other => value.push(*other),
                }
            }
            String::from_utf8(value).unwrap()
        });
        (message_id, values, rest.strip_prefix(b"] ").unwrap().to_vec())
    }

    /// Text with many of the characters that need care.
    fn text() -> impl Strategy<Value = String> {
        proptest::collection::vec(
            prop_oneof![any::<char>(), proptest::sample::select(vec!['"', '\\', ']', '[', ' ', '\n', '='])],
            0..40,
        )
        .prop_map(|characters| characters.into_iter().collect())
    }

    proptest! {
        #[test]
        fn every_field_comes_back(
            event_type in text(), event_id in text(), chain in text(),
            sequence_number: u64, timestamp_ms: i64, bytes: Vec<u8>,
        ) {
            let record = Record { sequence_number, timestamp_ms, event_id, event_type, bytes, ..Record::default() };
            let mut message = Vec::new();
            messages(|o| o).write(&chain, &record, &mut message);
            let (message_id, values, found) = parse(&message);
            let number = sequence_number.to_string();
            let expected = [&*record.event_type, &*record.event_id, &*number, &*chain];
            prop_assert_eq!(values, expected.map(str::to_owned));
            prop_assert_eq!(found, &record.bytes[..], "the record's bytes as they stand");
            prop_assert!((1..=32).contains(&message_id.len()) && message_id.bytes().all(|c| c.is_ascii_graphic()));
        }

        #[test]
        fn frames_come_apart_again(records in proptest::collection::vec(any::<Vec<u8>>(), 0..20)) {
            let messages = messages(|o| o);
            let batch = Batch {
                chain_id: "c".into(),
                records: records.into_iter().map(|bytes| Record { bytes, ..Record::default() }).collect(),
            };
            let (stream, rejected) = messages.frames(&batch, Framing::OctetCounting);
            prop_assert!(rejected.is_empty());
            let mut rest = &stream[..];
            for record in &batch.records {
                let space = rest.iter().position(|byte| *byte == b' ').unwrap();
                let length: usize = std::str::from_utf8(&rest[..space]).unwrap().parse().unwrap();
                prop_assert_eq!(&parse(&rest[space + 1..][..length]).2, &record.bytes);
                rest = &rest[space + 1 + length..];
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn times_are_those_of_jiff(timestamp_ms in 0_i64..253_402_300_799_999) {
            let record = Record { timestamp_ms, ..Record::default() };
            let expected = jiff::Timestamp::from_millisecond(timestamp_ms).unwrap();
            let message = write(&messages(|o| o), &record);
            prop_assert_eq!(message.split(' ').nth(1).unwrap(), format!("{expected:.3}"));
            let message = write(&messages(|o| o.format(Format::Rfc3164)), &record);
            prop_assert_eq!(&message[5..20], expected.strftime("%b %e %H:%M:%S").to_string());
        }
    }
}

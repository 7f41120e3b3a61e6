//! rsyslog as the judge of what is in a message.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod rsyslog;

use audit_model::Severity;
use audit_sink::{Batch, Record, Sink};
use audit_sink_syslog::{Facility, Format, Framing, SyslogOptions, SyslogSink, Transport};
use rsyslog::{Output, Runner};

const SEVERITIES: [(Severity, u8); 5] = [
    (Severity::Informational, 6),
    (Severity::Low, 5),
    (Severity::Medium, 4),
    (Severity::High, 3),
    (Severity::Critical, 2),
];

fn record(sequence_number: u64, severity: Severity, event_type: &str) -> Record {
    Record {
        sequence_number,
        // 2003-10-11T22:14:15.003Z
        timestamp_ms: 1_065_910_455_003,
        event_id: format!("evt_\"{sequence_number}\"]\\"),
        event_type: event_type.to_owned(),
        severity,
        bytes: format!("{{\"naïve\":\"漢字 🦀 \\\"]\\\\\",\"n\":{sequence_number}}}").into_bytes(),
    }
}

fn send(options: SyslogOptions, records: Vec<Record>) {
    let batch = Batch { chain_id: "orders/\"eu\"".into(), records };
    let receipt = Runner::new().run(SyslogSink::new(options).unwrap().send(&batch)).unwrap();
    assert_eq!(receipt.rejected, []);
}

#[test]
fn every_facility_and_severity() {
    let Some(transport) = rsyslog::tcp() else { return };
    let app_name = rsyslog::unique("fields");
    let Some(output) = Output::of(&app_name) else { return };
    for facility in Facility::all() {
        let records =
            SEVERITIES.iter().zip(1..).map(|((severity, _), n)| record(n, *severity, "config.changed"));
        let options = SyslogOptions::new(transport.clone()).app_name(&app_name).facility(facility);
        send(options.hostname("db1.example.com"), records.collect());
    }
    let lines = output.lines();
    let expected =
        Facility::all().flat_map(|facility| SEVERITIES.iter().zip(1..).map(move |(s, n)| (facility, s.1, n)));
    let expected: Vec<(Facility, u8, u64)> = expected.collect();
    assert_eq!(lines.len(), expected.len());
    for (line, (facility, severity, number)) in lines.iter().zip(expected) {
        let sent = record(number, Severity::Low, "config.changed");
        assert_eq!(line["facility"], facility.numeric().to_string());
        assert_eq!(line["severity"], severity.to_string());
        assert_eq!(line["pri"], (u32::from(facility.numeric()) * 8 + u32::from(severity)).to_string());
        assert_eq!(line["timestamp"], "2003-10-11T22:14:15.003Z");
        assert_eq!(line["hostname"], "db1.example.com");
        assert_eq!(line["procid"], std::process::id().to_string());
        assert_eq!(line["msgid"], "config.changed");
        assert_eq!(
            line["structured_data"],
            format!(
                "[audit@32473 type=\"config.changed\" id=\"evt_\\\"{number}\\\"\\]\\\\\" seq=\"{number}\" \
                 chain=\"orders/\\\"eu\\\"\"]"
            )
        );
        assert_eq!(line["msg"].as_str().unwrap().as_bytes(), sent.bytes, "byte for byte");
    }
}

#[test]
fn message_ids_that_do_not_fit() {
    let Some(transport) = rsyslog::tcp() else { return };
    let app_name = rsyslog::unique("msgid");
    let Some(output) = Output::of(&app_name) else { return };
    let long = "a.type.that.has.more.than.thirty-two.characters";
    let types = [long, "création", "two words", ""];
    let records = types.iter().zip(1..).map(|(event_type, n)| record(n, Severity::Low, event_type));
    send(SyslogOptions::new(transport).app_name(&app_name), records.collect());
    let lines = output.lines();
    let found: Vec<&str> = lines.iter().map(|line| line["msgid"].as_str().unwrap()).collect();
    assert_eq!(found, [&long[..32], "-", "-", "-"]);
    for (line, event_type) in lines.iter().zip(types) {
        let start = format!("[audit@32473 type=\"{event_type}\" id=");
        assert!(line["structured_data"].as_str().unwrap().starts_with(&start), "{line}");
    }
}

#[test]
fn the_bsd_format_over_each_transport() {
    let Some(output) = Output::of("") else { return };
    drop(output);
    for (name, transport) in [
        ("bsd-tcp", rsyslog::tcp()),
        ("bsd-tls", rsyslog::tls()),
        ("bsd-udp", rsyslog::udp()),
        ("bsd-unix", rsyslog::unix()),
    ] {
        let Some(transport) = transport else { return };
        let local = matches!(transport, Transport::Unix { .. });
        let app_name = &rsyslog::unique(name)[..32.min(name.len() + 20)];
        let output = Output::of(app_name).unwrap();
        let options =
            SyslogOptions::new(transport).app_name(app_name).facility(Facility::Authpriv).hostname("db1");
        send(options.format(Format::Rfc3164).framing(Framing::Newline), vec![record(1, Severity::High, "t")]);
        let lines = output.awaited(1);
        let [line] = &lines[..] else { panic!("{name}: one line, found {lines:?}") };
        assert_eq!((&line["facility"], &line["severity"]), (&"10".into(), &"3".into()));
        assert_eq!(line["msg"].as_str().unwrap().as_bytes()[1..], record(1, Severity::High, "t").bytes);
        // On a local socket there is no host name, and rsyslog takes its own time as it comes (`ignoreTimestamp`).
        if !local {
            assert_eq!(line["hostname"], "db1", "{name}");
            let timestamp = line["timestamp"].as_str().unwrap();
            assert!(timestamp.contains("-10-11T22:14:15"), "the year is the server's guess: {timestamp}");
        }
    }
}

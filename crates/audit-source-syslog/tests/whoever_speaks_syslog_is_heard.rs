//! Senders of all kinds, against a source with a real log behind it.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod place;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use audit_model::{Actor, Event, EventType};
use audit_ocsf::{Mapping, Recorded, Version};
use audit_pipeline::Pipeline;
use audit_sink::{Batch, Record, Sink as _};
use audit_sink_syslog::{Format, Framing, SyslogOptions as SinkOptions, SyslogSink, Transport};
use audit_source_syslog::SyslogSourceOptions;
use place::{Place, Running, setting};
use serde_json::{Value, json};

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn sink(running: &Running) -> SinkOptions {
    SinkOptions::new(Transport::Tcp { server: running.address.to_string() }).max_message_bytes(100_000)
}

fn record(number: u64, bytes: Vec<u8>) -> Record {
    Record {
        sequence_number: number,
        timestamp_ms: 1_700_000_000_000,
        bytes,
        event_type: "auth.login".into(),
        ..Record::default()
    }
}

/// Without what the way here has added.
fn as_sent(mut event: Value) -> Value {
    let members = event.as_object_mut().unwrap();
    members.remove("received").unwrap();
    members.remove("logged_time");
    event
}

#[test]
fn what_our_own_sink_sends_comes_back_as_the_same_events() {
    let other = tempfile::tempdir().unwrap();
    let log = Pipeline::options(other.path().join("audit.log")).chain().start().unwrap();
    for number in 0..20_u64 {
        let event = Event::at("2024-12-01T10:15:30.123Z".parse().unwrap(), EventType::AUTH_LOGIN)
            .detail("n", number)
            .detail("text", "\"quoted\\ ]\n\u{e9}");
        let mut event = event;
        event.actor = Some(Actor::user("alice"));
        let _ = log.emit_blocking(&event).unwrap();
    }
    log.close().unwrap();
    let text = fs::read_to_string(other.path().join("audit.log")).unwrap();
    let sealed: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let records: Vec<Record> =
        (1..).zip(text.lines()).map(|(number, line)| record(number, line.into())).collect();
    let batch = Batch { chain_id: "orders".into(), records };
    for change in [
        |options: SinkOptions| options,
        |options: SinkOptions| options.framing(Framing::Newline),
        |options: SinkOptions| options.format(Format::Rfc3164),
        |options: SinkOptions| options.confirm(false),
    ] {
        let place = Place::new();
        let running = place.run(|options| options);
        let mut sink = SyslogSink::new(change(sink(&running))).unwrap();
        run(async { sink.check().await.unwrap() });
        let receipt = run(async { sink.send(&batch).await.unwrap() });
        assert_eq!(receipt.rejected, []);
        drop(sink);
        running.until_recorded(22);
        running.stop();
        let events = place.events();
        assert_eq!(events.len(), 22);
        // Of those only the log itself may record, the message is kept.
        for (number, event) in [(0, &events[0]), (21, &events[21])] {
            assert_eq!(event["event_type"], "syslog.message");
            assert_eq!(event["details"]["message"], text.lines().nth(number).unwrap());
        }
        for (event, sealed) in events[1..21].iter().zip(&sealed[1..21]) {
            assert_eq!(event["received"]["integrity"], sealed["integrity"]);
            assert_eq!(event["received"]["from"], "127.0.0.1");
            assert_eq!(as_sent(event.clone()), sealed["event"]);
        }
    }
    // In the words of OCSF, too.
    let place = Place::new();
    let running = place.run(|options| options);
    let events: Vec<Event> =
        sealed[1..21].iter().map(|sealed| serde_json::from_value(sealed["event"].clone()).unwrap()).collect();
    let mapping = Mapping::new(Version::V1_3_0);
    let bytes =
        |event: &Event| serde_json::to_vec(&mapping.to_value(event, Recorded::default()).unwrap()).unwrap();
    let records = (1..).zip(&events).map(|(number, event)| record(number, bytes(event))).collect();
    let mut sink = SyslogSink::new(sink(&running)).unwrap();
    let _ = run(async { sink.send(&Batch { chain_id: "orders".into(), records }).await.unwrap() });
    assert_eq!(place.events().len(), 20, "accepted is durable");
    running.stop();
    for (event, sealed) in place.events().into_iter().zip(&sealed[1..21]) {
        assert_eq!(as_sent(event), sealed["event"]);
    }
}

#[test]
fn logger_is_heard_in_all_its_ways() {
    let place = Place::new();
    let running = place.run(|options| options);
    let port = running.address.port().to_string();
    for (count, arguments) in [
        ["--octet-count", "--rfc5424"].as_slice(),
        &["--rfc5424"],
        &["--rfc3164"],
        &["--octet-count", "--rfc3164"],
    ]
    .iter()
    .enumerate()
    {
        let sent = Command::new("logger")
            .args([
                "--tcp",
                "--server",
                "127.0.0.1",
                "--port",
                &port,
                "--tag",
                "tester",
                "--priority",
                "auth.warning",
            ])
            .args(*arguments)
            .arg("two words")
            .status();
        assert!(sent.expect("util-linux has logger").success());
        running.until_recorded(count as u64 + 1);
    }
    running.stop();
    for event in place.events() {
        let details = &event["details"];
        assert_eq!(
            (&details["message"], &details["app_name"], &details["facility"], &details["severity"]),
            (&"two words".into(), &"tester".into(), &"auth".into(), &"warning".into()),
            "{event}"
        );
        assert_eq!(event["actor"]["id"], format!("{}/tester", details["hostname"].as_str().unwrap()));
    }
    assert!(
        place.events()[0]["details"]["structured_data"]["timeQuality"].is_object(),
        "{}",
        place.events()[0]
    );
}

#[test]
fn python_is_heard() {
    let Some(python) = setting("AUDIT_TEST_PYTHON") else { return };
    let place = Place::new();
    let running = place.run(|options| options);
    let program = r#"
import logging, logging.handlers, socket, sys
handler = logging.handlers.SysLogHandler(("127.0.0.1", int(sys.argv[1])), socktype=socket.SOCK_STREAM)
log = logging.getLogger(); log.addHandler(handler)
for n in range(50): log.error("message %d from Python: \u00e9", n)
log.error('{"event_type": "auth.login", "event_id": "python"}')
handler.close()
"#;
    let sent = Command::new(python).args(["-c", program, &running.address.port().to_string()]).status();
    assert!(sent.unwrap().success());
    running.until_recorded(51);
    running.stop();
    let events = place.events();
    assert_eq!(
        events[49]["details"],
        json!({"message": "message 49 from Python: \u{e9}", "facility": "user", "severity": "error"})
    );
    assert_eq!(events[50]["event_id"], "python");
}

#[test]
fn rsyslog_forwards() {
    if setting("AUDIT_TEST_SYSLOG_TCP").is_none() {
        return;
    }
    for framing in ["octet-counted", "traditional"] {
        let place = Place::new();
        let running = place.run(|options| options);
        let (socket, port) = (place.path("in"), running.address.port());
        let configuration = format!(
            r#"global(workDirectory="{folder}")
module(load="imuxsock" sysSock.use="off")
input(type="imuxsock" socket="{socket}" rateLimit.interval="0")
action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" TCP_Framing="{framing}" template="RSYSLOG_SyslogProtocol23Format")
"#,
            folder = place.root(),
            socket = socket.display(),
        );
        fs::write(place.path("rsyslog.conf"), configuration).unwrap();
        let mut rsyslog = Command::new("/usr/sbin/rsyslogd")
            .args(["-n", "-iNONE", "-f"])
            .arg(place.path("rsyslog.conf"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while !socket.exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        for number in 0..20 {
            let sent = Command::new("logger")
                .arg("--socket")
                .arg(&socket)
                .args(["--tag", "app", &format!("line {number}")])
                .status();
            assert!(sent.unwrap().success());
        }
        let forwarded =
            || place.events().iter().filter(|event| event["details"]["app_name"] == "app").count();
        while forwarded() < 20 {
            std::thread::sleep(Duration::from_millis(10));
        }
        rsyslog.kill().unwrap();
        rsyslog.wait().unwrap();
        running.stop();
        let events = place.events();
        let lines = events.iter().filter(|event| event["details"]["app_name"] == "app");
        let messages: Vec<&str> =
            lines.map(|event| event["details"]["message"].as_str().unwrap().trim()).collect();
        assert_eq!(messages, (0..20).map(|number| format!("line {number}")).collect::<Vec<_>>());
    }
}

#[test]
fn slow_and_silent_senders_hold_up_nobody() {
    let place = Place::new();
    let running = place.run(|options| options.max_connections(3).idle_timeout(Duration::from_millis(400)));
    let mut slow = TcpStream::connect(running.address).unwrap();
    let mut silent = TcpStream::connect(running.address).unwrap();
    for byte in b"26 <13>1 - h slow - - - slow" {
        slow.write_all(&[*byte]).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    // The first was silent for long enough to be closed.
    assert_eq!(silent.read(&mut [0]).unwrap(), 0);
    let quick = "<13>1 - h quick - - - x\n".repeat(1000);
    TcpStream::connect(running.address).unwrap().write_all(quick.as_bytes()).unwrap();
    running.until_recorded(1001);
    running.stop();
    assert!(place.events().iter().any(|event| event["details"]["app_name"] == "slow"));
}

#[test]
fn more_senders_than_are_served_at_once_wait() {
    let place = Place::new();
    let running = place.run(|options| options.max_connections(1));
    let mut first = TcpStream::connect(running.address).unwrap();
    first.write_all(b"<13>first\n").unwrap();
    running.until_recorded(1);
    let mut second = TcpStream::connect(running.address).unwrap();
    second.write_all(b"<13>second\n").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(place.events().len(), 1);
    drop(first);
    running.until_recorded(2);
    running.stop();
}

#[test]
fn what_is_too_long_or_cut_off_is_recorded_and_says_so() {
    let place = Place::new();
    let running = place.run(|options: SyslogSourceOptions| options.max_message_bytes(100));
    let mut sender = TcpStream::connect(running.address).unwrap();
    let long = format!("<13>1 - h a - - - {}", "x".repeat(1_000_000));
    write!(sender, "{} {long}{long}\n50 <13>1 - h a - - - half", long.len()).unwrap();
    drop(sender);
    running.until_recorded(3);
    running.stop();
    let events = place.events();
    for event in &events[..2] {
        let problem = format!("the message is {} bytes long, of which the first 100 were taken", long.len());
        assert_eq!(event["details"]["problem"], problem);
        assert_eq!(event["details"]["message"], "x".repeat(82));
    }
    assert_eq!(events[2]["details"]["message"], "half");
    let problem = "the connection ended within the message, of which 22 bytes of 50 came";
    assert_eq!(events[2]["details"]["problem"], problem);
}

/// What had come of a message is one no more than half of it.
#[test]
fn a_message_that_a_reset_or_silence_cut_says_so() {
    let place = Place::new();
    let running = place.run(|options| options.idle_timeout(Duration::from_millis(300)));
    let mut silent = TcpStream::connect(running.address).unwrap();
    silent.write_all(b"<13>1 - h a - - - whole\n<13>1 - h a - - - half of a si").unwrap();
    running.until_recorded(2);
    let mut broken = TcpStream::connect(running.address).unwrap();
    broken.write_all(b"<13>1 - h a - - - whole\n<13>1 - h a - - - half of a re").unwrap();
    running.until_recorded(3);
    broken.set_nonblocking(true).unwrap();
    run(async { tokio::net::TcpStream::from_std(broken).unwrap().set_zero_linger().unwrap() });
    running.until_recorded(4);
    let mut ended = TcpStream::connect(running.address).unwrap();
    ended.write_all(b"<13>1 - h a - - - whole").unwrap();
    drop(ended);
    running.until_recorded(5);
    running.stop();
    let events = place.events();
    let problem = |index: usize| events[index]["details"]["problem"].as_str().unwrap_or_default();
    assert_eq!(problem(1), "nothing came for 0.3 s, perhaps within the message");
    assert!(
        problem(3).starts_with("the connection broke (")
            && problem(3).ends_with(", perhaps within the message"),
        "{}",
        problem(3)
    );
    assert_eq!([problem(0), problem(2), problem(4)], ["", "", ""]);
}

#[test]
fn what_was_sent_before_the_end_is_recorded() {
    let place = Place::new();
    for round in 1..=10 {
        let running = place.run(|options| options);
        let mut sender = TcpStream::connect(running.address).unwrap();
        sender.write_all(b"<13>first\n").unwrap();
        running.until_recorded(1);
        sender.write_all("<13>1 - h a - - - x\n".repeat(500).as_bytes()).unwrap();
        running.stop();
        assert_eq!(place.events().len(), round * 501);
    }
}

/// A file that may not grow (RLIMIT_FSIZE) for a full disk, in a process of its own.
#[test]
fn while_the_disk_is_full_senders_wait_and_nothing_is_lost() {
    let name = "while_the_disk_is_full_senders_wait_and_nothing_is_lost";
    if place::child_argument().is_none() {
        let output = place::spawn_child(name, "").wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let place = Place::new();
    let running = place.run(|options| options);
    place::limit_files(&fs::metadata(place.path("audit.log")).unwrap().len().to_string());
    let address = running.address;
    let sender = std::thread::spawn(move || {
        let mut sender = TcpStream::connect(address).unwrap();
        for number in 0..3000 {
            writeln!(sender, "<13>1 - h a - - - {number}").unwrap();
        }
    });
    while running.intake.status().failing.is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Until all is refused that was on its way when the first was: that may come before it.
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(place.events().len(), 0);
    place::limit_files("unlimited");
    sender.join().unwrap();
    running.until_recorded(3000);
    running.stop();
    let numbers: Vec<u64> = place
        .events()
        .iter()
        .map(|event| event["details"]["message"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(numbers, (0..3000).collect::<Vec<u64>>(), "in their order");
}

/// Syslog has no acknowledgement; the end of the connection is one, for a sender that waits for it.
#[test]
fn what_a_confirming_sender_was_told_is_durable_though_the_source_is_killed() {
    let name = "what_a_confirming_sender_was_told_is_durable_though_the_source_is_killed";
    if let Some(argument) = place::child_argument() {
        let (root, port) = argument.rsplit_once(' ').unwrap();
        let place = Place::of(root);
        let address = format!("127.0.0.1:{port}");
        let _running = place.run_at(&address, |options| options);
        loop {
            std::thread::park();
        }
    }
    let place = Place::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut accepted = Vec::new();
    let mut number = 0_u64;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for round in 0..20_u64 {
        let mut child = place::spawn_child(name, &format!("{} {port}", place.root()));
        let deadline = std::time::Instant::now() + Duration::from_millis(120 + round * 17 % 100);
        let killer = std::thread::spawn(move || {
            std::thread::sleep(deadline.saturating_duration_since(std::time::Instant::now()));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        let transport = Transport::Tcp { server: format!("127.0.0.1:{port}") };
        let mut sink = SyslogSink::new(SinkOptions::new(transport).timeout(Duration::from_secs(2))).unwrap();
        while !killer.is_finished() {
            let numbers: Vec<u64> = (number..number + 100).collect();
            number += 100;
            let records = numbers
                .iter()
                .map(|n| {
                    record(
                        *n + 1,
                        json!({"event_type": "auth.login", "event_id": format!("e{n}")})
                            .to_string()
                            .into_bytes(),
                    )
                })
                .collect();
            let sent = runtime.block_on(sink.send(&Batch { chain_id: "c".into(), records }));
            if sent.is_ok() {
                accepted.extend(numbers);
            }
        }
        killer.join().unwrap();
    }
    // Whatever the last one left is put right when the log is opened once more.
    place.run(|options| options).stop();
    let found: std::collections::HashSet<String> =
        place.events().iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect();
    eprintln!("{} of {number} events accepted, {} in the log", accepted.len(), found.len());
    assert!(accepted.len() > 1000, "nothing was tested: {} accepted", accepted.len());
    let lost: Vec<u64> = accepted.into_iter().filter(|n| !found.contains(&format!("e{n}"))).collect();
    assert_eq!(lost, Vec::<u64>::new());
}

/// Whoever sees the connection end in order knows that all of it is durable: a killed source must not end it so.
#[test]
fn a_killed_source_ends_no_connection_in_order_before_all_is_durable() {
    let name = "a_killed_source_ends_no_connection_in_order_before_all_is_durable";
    if let Some(argument) = place::child_argument() {
        let (root, port) = argument.rsplit_once(' ').unwrap();
        let place = Place::of(root);
        let running = place.run_at(&format!("127.0.0.1:{port}"), |options| options);
        place::limit_files(&fs::metadata(place.path("audit.log")).unwrap().len().to_string());
        fs::write(place.path("ready"), "").unwrap();
        while running.intake.status().failing.is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        fs::write(place.path("failing"), "").unwrap();
        loop {
            std::thread::park();
        }
    }
    let place = Place::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut child = place::spawn_child(name, &format!("{} {port}", place.root()));
    let until = |file: &str| {
        while !place.path(file).exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    until("ready");
    let mut sender = TcpStream::connect(("127.0.0.1", port)).unwrap();
    sender.write_all(b"<13>1 - h a - - - x\n").unwrap();
    sender.shutdown(std::net::Shutdown::Write).unwrap();
    until("failing");
    child.kill().unwrap();
    child.wait().unwrap();
    let end = sender.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(end, Err(std::io::ErrorKind::ConnectionReset));
}

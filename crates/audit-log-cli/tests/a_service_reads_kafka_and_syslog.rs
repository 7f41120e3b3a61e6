//! `audit-log serve` reads topics of a real Kafka and hears a real rsyslog over TLS: all that was sent is in the log once, with where it
//! came from; and what came in while the service was down, or was killed, is there when it is back.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

mod authority;
mod service;
use authority::Authority;
use service::{Service, events, setting, until, verify};

const PARTITIONS: i64 = 3;
const MESSAGES: usize = 300;

/// Kafka's own tools.
struct Kafka {
    classpath: String,
    server: String,
}

impl Kafka {
    fn create(&self, topic: &str) {
        let partitions = PARTITIONS.to_string();
        let arguments =
            ["--create", "--topic", topic, "--partitions", &partitions, "--replication-factor", "1"];
        self.run("org.apache.kafka.tools.TopicCommand", &arguments, b"");
    }

    /// Lines of a key, a tabulator and a value.
    fn produce(&self, topic: &str, lines: &str) {
        let arguments = ["--topic", topic, "--property", "parse.key=true"];
        self.run("org.apache.kafka.tools.ConsoleProducer", &arguments, lines.as_bytes());
    }

    fn run(&self, class: &str, arguments: &[&str], input: &[u8]) {
        let mut command = Command::new("java");
        command.args(["-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", &self.classpath, class]);
        command.args(["--bootstrap-server", &self.server]).args(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{class}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Numbered events, spread over the partitions by their keys.
fn numbered(numbers: std::ops::Range<u32>) -> String {
    numbers
        .map(|number| {
            format!(
                "key-{number}\t{{\"event_type\":\"backup.completed\",\"details\":{{\"number\":{number}}}}}\n"
            )
        })
        .collect()
}

/// By the number in the details: the ids of the events that have it.
fn ids(directory: &Path) -> BTreeMap<u64, Vec<String>> {
    let mut found: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for event in events(directory) {
        if let Some(number) = event["details"]["number"].as_u64() {
            found.entry(number).or_default().push(event["event_id"].as_str().unwrap().to_owned());
        }
    }
    found
}

fn from<'a>(events: &'a [Value], source: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["received"]["source"] == source).collect()
}

#[test]
fn what_is_in_the_topics_is_in_the_log() {
    let (Some(server), Some(classpath)) =
        (setting("AUDIT_TEST_KAFKA"), setting("AUDIT_TEST_KAFKA_CLASSPATH"))
    else {
        return;
    };
    let kafka = Kafka { classpath, server };
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    let topic = format!("served-{}", std::process::id());
    let redpanda = format!("{topic}-redpanda");
    for topic in [&topic, &redpanda] {
        kafka.create(topic);
    }
    kafka.produce(&topic, &numbered(0..500));
    // As Redpanda writes its own log; its records have no keys.
    let samples = include_str!("../../../docs/examples/redpanda.ndjson");
    let keyed: String = samples.lines().map(|line| format!("\t{line}\n")).collect();
    kafka.produce(&redpanda, &keyed);

    // With a name of its own in the group, one that was killed may come back at once.
    let source = |name: &str, topic: &str, more: &str| {
        format!(
            "  - {{type: kafka, name: {name}, bootstrap_servers: ['{server}'], topic: {topic}, group: {topic}, {more}
     librdkafka: {{group.instance.id: one}}}}\n",
            server = kafka.server,
        )
    };
    let config = format!(
        "
destination: {{type: file, path: log/audit.log}}
integrity: {{chain: {{enabled: true}}}}
sources:
{}{}",
        source("orders", &topic, ""),
        source("redpanda", &redpanda, "format: ocsf,"),
    );
    let service = Service::start(place, &config);
    until("all is read", || {
        let events = events(place);
        from(&events, "orders").len() >= 500 && from(&events, "redpanda").len() >= samples.lines().count()
    });
    assert!(service.end().0.success());

    // In good order nothing comes twice.
    kafka.produce(&topic, &numbered(500..700));
    kafka.produce(&topic, "key\tno event\n");
    let service = Service::start_again(place);
    until("what came meanwhile is read", || ids(place).len() >= 700);
    until("what is no event is set aside", || {
        fs::read_to_string(place.join("log/.audit.log.rejects.ndjson"))
            .is_ok_and(|text| text.contains("no event"))
    });
    assert!(service.end().0.success());
    let all = events(place);
    let found = ids(place);
    assert!((0..700).all(|number| found.get(&number).is_some_and(|ids| ids.len() == 1)), "{found:?}");
    let orders = from(&all, "orders");
    assert_eq!((orders.len(), from(&all, "redpanda").len()), (700, samples.lines().count()));
    let mut places = BTreeSet::new();
    for event in orders {
        let received = &event["received"];
        assert_eq!(received["topic"], topic);
        assert_eq!(received["key"], format!("key-{}", event["details"]["number"]));
        places.insert((received["partition"].as_i64().unwrap(), received["offset"].as_i64().unwrap()));
    }
    assert_eq!(places.len(), 700, "each from a place of its own");
    assert!(places.iter().all(|(partition, _)| (0..PARTITIONS).contains(partition)));
    for (event, line) in from(&all, "redpanda").into_iter().zip(samples.lines()) {
        assert_eq!(event["received"]["topic"], redpanda);
        assert!(event["event_type"].is_string(), "{line} became {event}");
    }

    // After a kill: at least once, and what comes twice has the id that it had.
    let service = Service::start_again(place);
    kafka.produce(&topic, &numbered(700..2700));
    until("some of it is read", || ids(place).len() > 800);
    service.kill();
    let service = Service::start_again(place);
    until("all of it is read", || ids(place).len() >= 2700);
    assert!(service.end().0.success());
    let found = ids(place);
    assert_eq!(found.len(), 2700);
    assert!(found.values().all(|ids| ids.iter().all(|id| *id == ids[0])), "{found:?}");
    let verdict = verify(place);
    assert_eq!(verdict["chains"][0]["verdict"], "intact", "{verdict}");
}

/// rsyslog, with a socket for programs, that forwards all it gets.
struct Rsyslog {
    child: Child,
    directory: tempfile::TempDir,
}

impl Rsyslog {
    fn start(certificates: &Path, port: u16) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (socket, file) = (directory.path().join("in"), directory.path().join("rsyslog.conf"));
        let configuration = format!(
            r#"global(
  workDirectory="{folder}"
  defaultNetstreamDriverCAFile="{certificates}/own.pem"
  defaultNetstreamDriverCertFile="{certificates}/appliance.pem"
  defaultNetstreamDriverKeyFile="{certificates}/appliance-key.pem"
)
module(load="imuxsock" sysSock.use="off")
input(type="imuxsock" socket="{socket}" rateLimit.interval="0")
if $syslogfacility-text != "syslog" then {{
  action(type="omfwd" target="localhost" port="{port}" protocol="tcp" TCP_Framing="octet-counted"
    template="RSYSLOG_SyslogProtocol23Format"
    StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="localhost")
}}
"#,
            folder = directory.path().display(),
            socket = socket.display(),
            certificates = certificates.display(),
        );
        fs::write(&file, configuration).unwrap();
        let mut command = Command::new("/usr/sbin/rsyslogd");
        let child = command.args(["-n", "-iNONE", "-f"]).arg(file).stderr(Stdio::null()).spawn().unwrap();
        let this = Self { child, directory };
        until("rsyslog listens", || socket.exists());
        this
    }

    /// Each line is a message.
    fn log(&self, tag: &str, lines: &str) {
        let file = self.directory.path().join("lines");
        fs::write(&file, lines).unwrap();
        let sent = Command::new("logger")
            .args(["--tag", tag, "--priority", "auth.notice", "--file"])
            .arg(file)
            .arg("--socket")
            .arg(self.directory.path().join("in"))
            .status();
        assert!(sent.expect("util-linux has logger").success());
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_rsyslog_sends_over_tls_is_in_the_log() {
    // The tests' rsyslog shows that there is one, with what it needs for TLS.
    if setting("AUDIT_TEST_SYSLOG_TLS").is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    let own = Authority::new(place, "own");
    own.issue("server", &["localhost"], |_| ());
    own.issue("appliance", &["appliance.example.com"], |_| ());
    let config = "
destination: {type: file, path: log/audit.log}
integrity: {chain: {enabled: true}}
sources:
  - type: syslog
    protocol: tls
    listen: 127.0.0.1:0
    tls: {cert_file: server.pem, key_file: server-key.pem, client_ca_file: own.pem}
    rules: [{app_name: vpn*, event_type: auth.login}]
";
    let service = Service::start(place, config);
    let address = service.address("syslog");

    let mut plain = TcpStream::connect(address).unwrap();
    plain.write_all(b"28 <13>1 - h vpnd - - - intruder").unwrap();
    let error = authority::refusal(address, &own.trusting());
    assert!(error.contains("CertificateRequired"), "{error}");

    let rsyslog = Rsyslog::start(place, address.port());
    let lines: String =
        (0..MESSAGES).map(|number| format!("session {number} of h\u{e9}l\u{e8}ne\n")).collect();
    rsyslog.log("vpnd", &lines);
    rsyslog.log("kernel", "something else\n");
    let event = json!({"event_type": "backup.started", "event_id": "evt_appliance"});
    rsyslog.log("backup", &format!("{event}\n"));
    until("all is heard", || from(&events(place), "syslog").len() >= MESSAGES + 2);
    // What would come twice, or from the others, has time to.
    sleep(Duration::from_millis(500));
    drop(rsyslog);
    assert!(service.end().0.success());

    let all = events(place);
    let heard = from(&all, "syslog");
    let of_type = |name: &str| heard.iter().filter(|event| event["event_type"] == name).copied().collect();
    let logins: Vec<&Value> = of_type("auth.login");
    let messages: Vec<_> =
        logins.iter().map(|event| event["details"]["message"].as_str().unwrap().trim()).collect();
    assert_eq!(messages, lines.lines().collect::<Vec<_>>());
    assert_eq!(logins[0]["details"]["facility"], "auth");
    assert_eq!(logins[0]["details"]["severity"], "notice");
    let others: Vec<&Value> = of_type("syslog.message");
    assert_eq!((others.len(), &others[0]["details"]["app_name"]), (1, &json!("kernel")));
    let told: Vec<&Value> = of_type("backup.started");
    assert_eq!((told.len(), &told[0]["event_id"]), (1, &json!("evt_appliance")));
    assert_eq!(heard.len(), MESSAGES + 2, "once each, and nobody else's");
    for event in heard {
        let received = &event["received"];
        assert_eq!(
            (&received["transport"], &received["from"]),
            (&json!("tls"), &json!("127.0.0.1")),
            "{event}"
        );
        assert!(received["by"].as_str().unwrap().starts_with("certificate:sha256:"), "{event}");
    }
    let verdict = verify(place);
    assert_eq!(verdict["chains"][0]["verdict"], "intact", "{verdict}");
}

//! 100,000 events to six destinations at once, with two servers killed and started again at random: each place has every
//! record in the end, read back by somebody else's client, and each copy verifies.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that fails may panic, and says what it found"
)]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use audit_integrity::SealedRecord;

const EVENTS: u64 = 100_000;
/// `audit.started` and `audit.stopped` come to them.
const RECORDS: u64 = EVENTS + 2;
/// Those that keep on disk what they have.
const KILLABLE: [&str; 4] = ["kafka", "s3", "syslog", "webhook"];

fn variable(name: &str) -> Option<String> {
    std::env::var(format!("AUDIT_TEST_{name}")).ok()
}

fn need(name: &str) -> String {
    variable(name).unwrap_or_else(|| panic!("AUDIT_TEST_{name} is not set, and others are"))
}

#[test]
fn six_destinations_lose_nothing() {
    let servers = ["XTASK", "S3", "CLOUDWATCH", "KAFKA_SASL_SSL", "SYSLOG_TLS", "WEBHOOK_TLS"];
    if let Some(missing) = servers.iter().find(|name| variable(name).is_none()) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI, AUDIT_TEST_{missing} has to be set");
        println!("skipped: AUDIT_TEST_{missing} is not set (cargo xtask test sets it)");
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let id = format!("six{}", std::process::id());
    let configuration = scratch.path().join("audit.yaml");
    std::fs::write(&configuration, configuration_of(&id, scratch.path())).unwrap();

    let check = audit_log().args(["check", "destinations", "-c"]).arg(&configuration).output().unwrap();
    let checked = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(check.status.success(), "{checked}{}", String::from_utf8_lossy(&check.stderr));
    assert_eq!(checked.matches("ok  ").count(), 6, "{checked}");

    let begun = Instant::now();
    let mut run = audit_log();
    run.args(["run", "--json", "-c"]).arg(&configuration).stdin(Stdio::piped());
    let mut run = run.stdout(Stdio::piped()).spawn().unwrap();
    let feeding = std::thread::spawn({
        let mut input = run.stdin.take().unwrap();
        move || {
            for chunk in 0..100 {
                let mut lines = Vec::new();
                for number in 0..EVENTS / 100 {
                    let number = chunk * (EVENTS / 100) + number;
                    writeln!(
                        lines,
                        r#"{{"event_type":"backup.completed","actor":{{"id":"alice","type":"user"}},"action":{{"operation":"backup","result":"success"}},"details":{{"number":{number},"text":"naïve 漢字 🦀"}}}}"#
                    )
                    .unwrap();
                }
                input.write_all(&lines).unwrap();
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    });
    let watching = std::thread::spawn({
        let process = run.id();
        move || watch(process)
    });
    let seed = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos() as usize;
    let first = seed % KILLABLE.len();
    let second = (first + 1 + seed / 7 % (KILLABLE.len() - 1)) % KILLABLE.len();
    for (which, pause) in [(first, 1000 + seed % 1500), (second, 500 + seed % 2500)] {
        std::thread::sleep(Duration::from_millis(pause as u64));
        services("kill", KILLABLE[which]);
        std::thread::sleep(Duration::from_millis(800));
        services("up", KILLABLE[which]);
    }
    feeding.join().unwrap();
    let peak = watching.join().unwrap();
    let ended = run.wait_with_output().unwrap();
    let summary = String::from_utf8_lossy(&ended.stdout).into_owned();
    let status = audit_log().args(["status", "-c"]).arg(&configuration).output().unwrap();
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(ended.status.success(), "{summary}\n{status}");
    println!(
        "killed {} and {}; all there after {:.1} s; peak RSS {} MiB\n{status}",
        KILLABLE[first],
        KILLABLE[second],
        begun.elapsed().as_secs_f64(),
        peak >> 10
    );
    assert!(peak < 400 << 10, "memory is bounded: {peak} KiB");

    let copies = read_back(&id, scratch.path());
    assert_eq!(copies.len(), 6);
    for (place, lines) in copies {
        let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let number = SealedRecord::sequence_number_of(line).unwrap_or_else(|| {
                panic!("{place}: no record of ours: {}", String::from_utf8_lossy(line));
            });
            *seen.entry(number).or_default() += 1;
        }
        let missing: Vec<u64> = (1..=RECORDS).filter(|number| !seen.contains_key(number)).collect();
        assert!(
            missing.is_empty(),
            "{place} lacks {} records, such as {:?}",
            missing.len(),
            &missing[..missing.len().min(5)]
        );
        assert_eq!(seen.len() as u64, RECORDS, "{place}: nothing that was never sent");
        let repeated = seen.values().filter(|times| **times > 1).count();
        let copy = scratch.path().join(format!("copy-{place}"));
        std::fs::write(&copy, lines).unwrap();
        let verified = audit_log().args(["verify", "-c"]).arg(&configuration).arg(&copy).output().unwrap();
        let verdict = String::from_utf8_lossy(&verified.stdout).into_owned();
        assert!(verified.status.success(), "{place}: {verdict}");
        println!("{place}: {RECORDS} records, {repeated} of them repeated; verified");
    }
}

fn audit_log() -> Command {
    Command::new(env!("CARGO_BIN_EXE_audit-log"))
}

fn services(task: &str, name: &str) {
    let done = Command::new(need("XTASK")).args(["services", task, name]).output().unwrap();
    assert!(done.status.success(), "services {task} {name}: {}", String::from_utf8_lossy(&done.stdout));
}

/// The most memory that a process had when it ended, in KiB.
fn watch(process: u32) -> u64 {
    let mut peak = 0;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        // A process that has ended has no memory.
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        match line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()) {
            Some(now) => peak = now,
            None => return peak,
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn configuration_of(id: &str, scratch: &Path) -> String {
    let scratch = scratch.display();
    std::fs::write(format!("{scratch}/key"), "0123456789abcdef0123456789abcdef").unwrap();
    let ca = need("CA");
    format!(
        r#"
drain_timeout: 3m
destinations:
  - {{type: file, path: {scratch}/audit.log, rotation: {{max_size_mb: 10, compress: true}}}}
  - {{type: s3, bucket: {bucket}, prefix: {id}, region: us-east-1, endpoint: "{s3}", path_style: true,
     access_key_id: {access_key}, secret_access_key: {secret_key}, batch_interval_secs: 2}}
  - {{type: cloudwatch, log_group: {id}, log_stream: a, region: us-east-1, endpoint: "{cloudwatch}",
     access_key_id: any, secret_access_key: any}}
  - type: kafka
    bootstrap_servers: ["{kafka}"]
    topic: {id}
    security: {{security_protocol: SASL_SSL, sasl_mechanism: SCRAM-SHA-512, sasl_username: {user}, sasl_password: {password},
                ssl_ca_location: {ca}}}
  - {{type: syslog, server: "{syslog}", protocol: tls, facility: local0, app_name: {id}, tls: {{ca_file: {ca}}}}}
  - type: webhook
    url: {webhook}/{id}
    headers: {{Authorization: Bearer right-token}}
    batch_size: 1000
    signing_secret: {signing_secret}
    gzip: true
    tls: {{ca_file: {ca}}}
integrity:
  signing: {{enabled: true, algorithm: HMAC-SHA256, key_file: {scratch}/key}}
  chain: {{enabled: true}}
"#,
        bucket = need("S3_BUCKET"),
        s3 = need("S3"),
        access_key = need("S3_ACCESS_KEY"),
        secret_key = need("S3_SECRET_KEY"),
        cloudwatch = need("CLOUDWATCH"),
        kafka = need("KAFKA_SASL_SSL"),
        user = need("KAFKA_USER"),
        password = need("KAFKA_PASSWORD"),
        syslog = need("SYSLOG_TLS"),
        webhook = need("WEBHOOK_TLS"),
        signing_secret = need("WEBHOOK_SECRET"),
    )
}

/// What is at each place, in its order.
fn read_back(id: &str, scratch: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let python = |arguments: &[&str]| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read_back.py");
        printed(&Command::new(need("PYTHON")).arg(script).args(arguments).output().unwrap())
    };
    let file = |name: &str| {
        let mut text = Vec::new();
        let opened = audit_integrity::open_log(Path::new(name)).unwrap();
        std::io::copy(&mut { opened }, &mut text).unwrap();
        text
    };
    let log = scratch.join("audit.log");
    let mut own: Vec<u8> = Vec::new();
    for segment in audit_journal::segments(&log).unwrap() {
        own.extend(file(&segment.path.display().to_string()));
    }
    std::io::copy(&mut File::open(&log).unwrap(), &mut own).unwrap();
    let kcat = Command::new("kcat")
        .args(["-C", "-b", &need("KAFKA"), "-t", id, "-o", "beginning", "-e", "-q", "-u"])
        .output()
        .unwrap();
    vec![
        ("file", own),
        (
            "s3",
            python(&[
                "s3",
                &need("S3"),
                &need("S3_ACCESS_KEY"),
                &need("S3_SECRET_KEY"),
                &need("S3_BUCKET"),
                id,
            ]),
        ),
        ("cloudwatch", python(&["cloudwatch", &need("CLOUDWATCH"), id, "a"])),
        ("kafka", printed(&kcat)),
        ("syslog", python(&["syslog", &need("SYSLOG_OUTPUT"), id])),
        ("webhook", python(&["webhook", &need("WEBHOOK_OUTPUT"), &format!("/{id}")])),
    ]
}

fn printed(output: &Output) -> Vec<u8> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.clone()
}

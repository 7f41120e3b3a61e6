//! A measurement: how fast do records get through rsyslog into its file, beside `logger` (util-linux) and `loggen`
//! (syslog-ng-core), the same records in the same run? It prints the median rate of each, and its ratio to ours.
//!
//! `cargo test --release -p audit-sink-syslog --test as_fast_as_logger_and_loggen -- --ignored --nocapture`

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]
#![allow(clippy::print_stdout, reason = "a measurement is printed")]

mod rsyslog;

use std::fmt::Write as _;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use audit_sink::testkit::batch;
use audit_sink::{Batch, Sink};
use audit_sink_syslog::{SyslogOptions, SyslogSink, Transport};
use rsyslog::{Runner, setting};

const RECORDS: usize = 40_000;
const ROUNDS: usize = 5;

#[test]
#[ignore = "a measurement"]
fn records_a_second_until_they_are_in_the_file() {
    let (Some(tcp), Some(tls), Some(output)) =
        (rsyslog::tcp(), rsyslog::tls(), setting("AUDIT_TEST_SYSLOG_OUTPUT"))
    else {
        return;
    };
    let Transport::Tcp { server } = &tcp else { panic!("TCP") };
    let (host, port) = server.rsplit_once(':').unwrap();
    let lines: Vec<Vec<u8>> = (0..RECORDS).map(|n| line(n).into_bytes()).collect();
    let directory = tempfile::tempdir().unwrap();
    let (bare, whole) = (directory.path().join("bare"), directory.path().join("whole"));
    std::fs::write(&bare, lines.join(&b'\n')).unwrap();
    // loggen sends the lines of a file as they are, so they have to be whole messages.
    let header = "<134>1 2026-11-22T00:00:00.000Z host audit-log 1 test.conformance [audit@32473 \
                  type=\"test.conformance\" id=\"evt_10000\" seq=\"10000\" chain=\"conformance\"] ";
    let messages = lines.iter().fold(String::new(), |mut all, line| {
        writeln!(all, "{header}{}", std::str::from_utf8(line).unwrap()).unwrap();
        all
    });
    std::fs::write(&whole, messages).unwrap();

    let tool = |program: &str, arguments: &[&str]| {
        let status =
            Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let logger = |size: &str| {
        let file = bare.to_str().unwrap();
        tool(
            "logger",
            &["--tcp", "--octet-count", "--size", size, "--rfc5424", "-n", host, "-P", port, "--file", file],
        )
    };
    let loggen = || {
        let (file, count) = (whole.to_str().unwrap(), RECORDS.to_string());
        tool("loggen", &["-i", "-S", "-d", "-r", "10000000", "-n", &count, "-R", file, host, port])
    };
    let ours = |transport: &Transport, size: usize, confirm: bool| {
        let batches: Vec<Batch> =
            lines.chunks(size).enumerate().map(|(n, lines)| batch((n * size) as u64 + 1, lines)).collect();
        let mut sink = SyslogSink::new(SyslogOptions::new(transport.clone()).confirm(confirm)).unwrap();
        let runner = Runner::new();
        for batch in &batches {
            let _ = runner.run(sink.send(batch)).unwrap();
        }
        runner.run(sink.close()).unwrap();
        true
    };

    let runs: [(&str, &dyn Fn() -> bool); 9] = [
        ("ours, TCP, batches of 1000", &|| ours(&tcp, 1000, true)),
        ("ours, TCP, batches of 1000, confirm: false", &|| ours(&tcp, 1000, false)),
        ("ours, TCP, batches of 100", &|| ours(&tcp, 100, true)),
        ("ours, TCP, batches of 100, confirm: false", &|| ours(&tcp, 100, false)),
        ("ours, TLS, batches of 1000", &|| ours(&tls, 1000, true)),
        ("ours, TLS, batches of 1000, confirm: false", &|| ours(&tls, 1000, false)),
        ("ours, TLS, batches of 100", &|| ours(&tls, 100, true)),
        ("logger, TCP", &|| logger("8192")),
        ("loggen, TCP", &loggen),
    ];
    let mut rates = vec![Vec::new(); runs.len()];
    for _ in 0..ROUNDS {
        // One after the other in each round, so that what else the machine does meets all alike.
        for ((_, run), rates) in runs.iter().zip(&mut rates) {
            if let Some(taken) = until_written(Path::new(&output), run) {
                rates.push(RECORDS as f64 / taken.as_secs_f64());
            }
        }
    }
    let medians: Vec<Option<f64>> = rates
        .iter_mut()
        .map(|rates| {
            rates.sort_by(f64::total_cmp);
            rates.get(rates.len() / 2).copied()
        })
        .collect();
    for ((name, _), median) in runs.iter().zip(&medians) {
        match median {
            Some(rate) => println!("{name}: {rate:.0} records/s, {:.2} of ours", rate / medians[0].unwrap()),
            None => println!("{name}: not here, or it does not run"),
        }
    }
}

fn line(n: usize) -> String {
    format!(
        "{{\"action\":\"read\",\"actor\":{{\"id\":\"user-{}\"}},\"n\":{n},\"padding\":\"{}\"}}",
        n % 97,
        "x".repeat(400)
    )
}

/// How long it takes until all records are in the file; `None` where the tool is not here.
fn until_written(output: &Path, run: &dyn Fn() -> bool) -> Option<Duration> {
    let size = || std::fs::metadata(output).unwrap().len();
    let before = size();
    let begun = Instant::now();
    if !run() {
        return None;
    }
    // Looked at often, and counted only afterwards, so that the server has the machine to itself.
    let (mut seen, mut grown) = (size(), Instant::now());
    while grown.elapsed() < Duration::from_millis(500) {
        std::thread::sleep(Duration::from_millis(1));
        let now = size();
        if now > seen {
            (seen, grown) = (now, Instant::now());
        }
    }
    let mut written = String::new();
    let mut file = std::fs::File::open(output).unwrap();
    file.seek(SeekFrom::Start(before)).unwrap();
    file.read_to_string(&mut written).unwrap();
    assert_eq!(written.matches('\n').count(), RECORDS, "all of the records arrived");
    Some(grown - begun)
}

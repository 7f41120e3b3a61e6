//! What does it cost to write an event as OCSF?
//!
//! `cargo xtask bench ocsf`
//!
//! `Mapping::write` (mapping and encoding) beside `Event::write_canonical_json` of the same event, with and without the
//! sealed line in `raw_data`, which alone is as long as the event and has to be escaped; and beside the Python package
//! `py-ocsf-models` building and dumping the same record, if `AUDIT_TEST_PYTHON` names a Python that has it. The goals: at
//! most twice the time of native encoding, and twenty times as fast as the package.

use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use audit_benches::{Sides, Table, canonical, events, is_measuring, rate};
use audit_model::Event;
use audit_ocsf::{Mapping, Recorded, Version};
use criterion::{Criterion, Throughput};

fn native_turn(events: &[Event], buffer: &mut Vec<u8>) {
    for event in events {
        buffer.clear();
        black_box(event).write_canonical_json(buffer).expect("the samples have a canonical text");
        black_box(&buffer);
    }
}

fn ocsf_turn(mapping: &Mapping, events: &[(Event, String)], with_line: bool, buffer: &mut Vec<u8>) {
    for (number, (event, line)) in events.iter().enumerate() {
        buffer.clear();
        let recorded = Recorded {
            chain_id: Some("orders"),
            sequence_number: Some(number as u64 + 1),
            line: with_line.then_some(line.as_str()),
            ..Recorded::default()
        };
        mapping.write(black_box(event), recorded, buffer).expect("the samples have a record");
        black_box(&buffer);
    }
}

fn line_turn(mapping: &Mapping, events: &[(Event, String)], buffer: &mut Vec<u8>) {
    for (_, line) in events {
        buffer.clear();
        mapping.write_line(black_box(line.as_bytes()), buffer).expect("the samples have a record");
        black_box(&buffer);
    }
}

/// The package, asked over pipes for its rate.
struct Python {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Python {
    fn start(record: &[u8]) -> Option<Self> {
        let python = std::env::var_os("AUDIT_TEST_PYTHON")?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/ocsf_models.py");
        let mut process =
            Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let (input, output) = (process.stdin.take()?, BufReader::new(process.stdout.take()?));
        let mut python = Self { process, input, output };
        assert_eq!(python.ask(std::str::from_utf8(record).expect("JSON")), "ready");
        Some(python)
    }

    fn ask(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}").expect("it listens");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("it answers");
        answer.trim().to_owned()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn main() {
    let events: Vec<Event> = events(256);
    let lines = |event: &Event| String::from_utf8(canonical(event)).expect("JSON");
    let with_lines: Vec<(Event, String)> = events.iter().map(|event| (event.clone(), lines(event))).collect();
    let mapping = Mapping::new(Version::V1_3_0);
    let mut one = Vec::new();
    mapping.write(&events[0], Recorded::default(), &mut one).expect("a record");
    let bytes: usize = with_lines.iter().map(|(_, line)| line.len()).sum();

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("write 256 events");
    group.throughput(Throughput::Elements(256)).sample_size(20).measurement_time(Duration::from_secs(2));
    group.warm_up_time(Duration::from_millis(500));
    let mut buffer = Vec::new();
    group.bench_function("native", |b| b.iter(|| native_turn(&events, &mut buffer)));
    group.bench_function("OCSF", |b| b.iter(|| ocsf_turn(&mapping, &with_lines, false, &mut buffer)));
    group.bench_function("OCSF with raw_data", |b| {
        b.iter(|| ocsf_turn(&mapping, &with_lines, true, &mut buffer));
    });
    group.bench_function("OCSF of a line", |b| b.iter(|| line_turn(&mapping, &with_lines, &mut buffer)));
    group.finish();
    criterion.final_summary();

    if is_measuring() {
        const TURNS: u64 = 40;
        let count = TURNS * events.len() as u64;
        let python = Python::start(&one);
        let has_python = python.is_some();
        let (mut a, mut b, mut c, mut d) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut sides = Sides::new()
            .side("native", || rate(count, || (0..TURNS).for_each(|_| native_turn(&events, &mut a))))
            .side("OCSF", || {
                rate(count, || (0..TURNS).for_each(|_| ocsf_turn(&mapping, &with_lines, false, &mut b)))
            })
            .side("OCSF with raw_data", || {
                rate(count, || (0..TURNS).for_each(|_| ocsf_turn(&mapping, &with_lines, true, &mut c)))
            })
            .side("OCSF of a line", || {
                rate(count, || (0..TURNS).for_each(|_| line_turn(&mapping, &with_lines, &mut d)))
            });
        if let Some(mut python) = python {
            let turn = move || python.ask("100").parse().expect("a rate");
            sides = sides.side("py-ocsf-models", turn);
        }
        let rates = sides.measure(21);
        let mut table = Table::new("ocsf");
        table.ratio(&rates, "OCSF", "native", Some(0.5));
        table.ratio(&rates, "OCSF with raw_data", "native", Some(0.5));
        table.ratio(&rates, "OCSF of a line", "native", None);
        if has_python {
            table.ratio(&rates, "OCSF", "py-ocsf-models", Some(20.0));
        } else {
            table.note("py-ocsf-models: not measured, AUDIT_TEST_PYTHON is not set");
        }
        for name in ["native", "OCSF", "OCSF with raw_data"] {
            table.rate(&rates, name, "k events/s", 1e3);
        }
        table.note(format!(
            "an event has {} bytes, its record without raw_data {}",
            bytes / events.len(),
            one.len()
        ));
        table.print();
    }
}

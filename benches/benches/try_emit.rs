//! How many events a second does one emitter get into the log without waiting for the disk?
//!
//! `cargo xtask bench try_emit`
//!
//! `try_emit` (and `enqueue_blocking` when there is no room, so that every event is written), sealed under a key and chained,
//! `Durability::Os`. Beside it, each given the same events and left to serialise them as its users do:
//! - `audit-trail`: the event's JSON as the target of a record in its SHA-256 chain, which has no key, through its `FileSink`;
//! - `tracing` with `tracing-subscriber`'s JSON format and `tracing-appender`'s non-blocking writer, made lossless: the
//!   event as fields, which that format serialises itself;
//! - `logroller` and `flexi_logger` (buffered): the event's JSON as a line.
//!
//! A side's time ends when all is with the operating system: for the log, when `emit_blocking` of the last event returns;
//! for the peers, when they are flushed or their worker has ended. None syncs. `Durability::Fsync` is there for information,
//! and so is how long one call of `try_emit` takes.

use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use audit_benches::{PlainEvent, Sides, Table, directory, events, is_measuring, key, plain, rate};
use audit_model::Event;
use audit_pipeline::{Durability, EmitError, Pipeline};
use audit_trail::{Chain, FileSink, Outcome, Sha256Hasher, SystemClock};
use criterion::{Criterion, Throughput};
use flexi_logger::writers::{FileLogWriter, LogWriter as _};
use flexi_logger::{DeferredNow, FileSpec, WriteMode};
use logroller::{LogRollerBuilder, Rotation, RotationSize};
use tracing_appender::non_blocking::NonBlockingBuilder;

/// How many events a side writes in one turn.
const COUNT: usize = 50_000;

/// An empty directory for one turn.
struct Place<'a>(&'a Path);

impl Place<'_> {
    fn file(&self) -> PathBuf {
        drop(std::fs::remove_dir_all(self.0));
        std::fs::create_dir_all(self.0).expect("the directory can be made");
        self.0.join("log")
    }

    fn check(&self, events: usize) {
        let lines = |path: PathBuf| {
            let text = std::fs::read(path).expect("it was just written");
            text.iter().filter(|byte| **byte == b'\n').count()
        };
        assert_eq!(lines(self.0.join("log")), events, "every event was written");
    }
}

/// Emits every event, and returns when all are written: the last one's caller waits for all before it.
fn emit_all(log: &Pipeline, events: &[Event], count: usize) {
    for event in events.iter().cycle().take(count - 1) {
        match log.try_emit(black_box(event)) {
            Ok(_) => {}
            Err(EmitError::Full { .. }) => {
                let _ = log.enqueue_blocking(event).expect("open");
            }
            Err(error) => panic!("{error}"),
        }
    }
    let last = log.emit_blocking(&events[0]).expect("the disk has room");
    assert!(last.sequence_number().is_some());
}

fn start(path: &Path, durability: Durability) -> Pipeline {
    Pipeline::options(path).signing_key(key()).durability(durability).start().expect("a new log")
}

fn try_emit_rate(place: &Place<'_>, durability: Durability, events: &[Event], count: usize) -> f64 {
    let log = start(&place.file(), durability);
    let rate = rate(count as u64, || emit_all(&log, events, count));
    // Behind `audit.started`.
    place.check(count + 1);
    rate
}

fn json(event: &PlainEvent) -> String {
    serde_json::to_string(black_box(event)).expect("plain JSON")
}

fn audit_trail_rate(place: &Place<'_>, events: &[PlainEvent], count: usize) -> f64 {
    let sink = FileSink::open_or_create(place.file()).expect("a new file");
    let mut chain = Chain::new(Sha256Hasher::new(), sink, SystemClock::new());
    rate(count as u64, || {
        for event in events.iter().cycle().take(count) {
            let (actor, action) = (event.actor.id.as_str(), event.event_type.as_str());
            let target = json(event);
            chain
                .append(
                    audit_trail::Actor::new(actor),
                    audit_trail::Action::new(action),
                    audit_trail::Target::new(&target),
                    Outcome::Success,
                )
                .expect("the disk has room");
        }
        chain.flush().expect("the disk has room");
    })
}

fn tracing_rate(place: &Place<'_>, events: &[PlainEvent], count: usize) -> f64 {
    let file = OpenOptions::new().append(true).create(true).open(place.file()).expect("a new file");
    let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(file);
    let dropped = writer.error_counter();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(writer)
        .finish();
    let rate = tracing::subscriber::with_default(subscriber, || {
        rate(count as u64, || {
            for event in events.iter().cycle().take(count) {
                trace(black_box(event));
            }
            // Dropped with the worker's work done.
            drop(guard);
        })
    });
    assert_eq!(dropped.dropped_lines(), 0);
    place.check(count);
    rate
}

fn trace(event: &PlainEvent) {
    let detail = |name: &str| event.details.get(name).expect("the sample has it");
    let number = |name: &str| detail(name).as_u64().expect("a number");
    tracing::info!(
        action.duration_ms = event.action.duration_ms,
        action.operation = event.action.operation,
        action.result = event.action.result,
        actor.id = event.actor.id,
        actor.ip_address = event.actor.ip_address,
        actor.roles = ?event.actor.roles,
        actor.r#type = event.actor.actor_type,
        actor.user_agent = event.actor.user_agent,
        context.cluster_id = event.context.cluster_id,
        context.correlation_id = event.context.correlation_id,
        context.environment = event.context.environment,
        details.backup_id = detail("backup_id").as_str(),
        details.bytes_backed_up = number("bytes_backed_up"),
        details.checkpoints = number("checkpoints"),
        details.compressed_bytes = number("compressed_bytes"),
        details.compression_ratio = detail("compression_ratio").as_f64(),
        details.duration_secs = detail("duration_secs").as_f64(),
        details.records_backed_up = number("records_backed_up"),
        details.topics = %detail("topics"),
        event_id = event.event_id,
        event_type = event.event_type,
        resource.id = event.resource.id,
        resource.path = event.resource.path,
        resource.r#type = event.resource.resource_type,
        event_timestamp = event.timestamp,
        version = event.version,
    );
}

fn logroller_rate(place: &Place<'_>, events: &[PlainEvent], count: usize) -> f64 {
    let path = place.file();
    let mut roller = LogRollerBuilder::new(path.parent().expect("a directory"), Path::new("log"))
        .rotation(Rotation::SizeBased(RotationSize::GB(4)))
        .build()
        .expect("a new file");
    let rate = rate(count as u64, || {
        for event in events.iter().cycle().take(count) {
            let mut line = serde_json::to_vec(black_box(event)).expect("plain JSON");
            line.push(b'\n');
            roller.write_all(&line).expect("the disk has room");
        }
        roller.flush().expect("the disk has room");
    });
    place.check(count);
    rate
}

fn flexi_logger_rate(place: &Place<'_>, events: &[PlainEvent], count: usize) -> f64 {
    let writer = FileLogWriter::builder(FileSpec::try_from(place.file()).expect("a file's name"))
        .format(|out, _, record| write!(out, "{}", record.args()))
        .write_mode(WriteMode::BufferAndFlush)
        .try_build()
        .expect("a new file");
    let rate = rate(count as u64, || {
        for event in events.iter().cycle().take(count) {
            let json = json(event);
            let arguments = format_args!("{json}");
            let record =
                log::Record::builder().args(arguments).level(log::Level::Info).target("audit").build();
            writer.write(&mut DeferredNow::new(), &record).expect("the disk has room");
        }
        writer.flush().expect("the disk has room");
    });
    place.check(count);
    rate
}

/// The 50th and 99th percentile of what one call of `try_emit` takes, with a pause between calls or without.
fn percentiles(place: &Place<'_>, events: &[Event], pause: Duration) -> (Duration, Duration, usize) {
    let log = start(&place.file(), Durability::Os);
    let mut taken = Vec::with_capacity(COUNT);
    let mut full = 0;
    for event in events.iter().cycle().take(COUNT) {
        let begun = Instant::now();
        let answer = log.try_emit(black_box(event));
        taken.push(begun.elapsed());
        match answer {
            Ok(_) => {}
            Err(EmitError::Full { .. }) => {
                full += 1;
                let _ = log.enqueue_blocking(event).expect("open");
            }
            Err(error) => panic!("{error}"),
        }
        while begun.elapsed() < pause {
            std::hint::spin_loop();
        }
    }
    taken.sort_unstable();
    (taken[COUNT / 2], taken[COUNT / 100 * 99], full)
}

fn main() {
    let events = events(256);
    let plain: Vec<PlainEvent> = events.iter().map(plain).collect();
    let directory = directory();
    let inside = directory.path().join("turn");
    let place = Place(&inside);

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("one event, not waited for");
    group.throughput(Throughput::Elements(1)).sample_size(10).measurement_time(Duration::from_secs(2));
    group.warm_up_time(Duration::from_millis(500));
    group.bench_function("try_emit", |b| {
        b.iter_custom(|count| {
            let log = start(&place.file(), Durability::Os);
            let begun = Instant::now();
            emit_all(&log, &events, usize::try_from(count).expect("few"));
            begun.elapsed()
        });
    });
    group.finish();
    criterion.final_summary();

    if is_measuring() {
        let mut table = Table::new("try_emit");
        let ours = "try_emit";
        let beside = |name, peer: &mut dyn FnMut() -> f64| {
            let turn = || try_emit_rate(&place, Durability::Os, &events, COUNT);
            Sides::new().side(ours, turn).side(name, peer).measure(11)
        };
        let mut compare = |name, goal, peer: &mut dyn FnMut() -> f64| {
            let rates = beside(name, peer);
            table.ratio(&rates, ours, name, goal);
            table.rate(&rates, ours, "k events/s", 1e3);
            table.rate(&rates, name, "k events/s", 1e3);
        };
        compare("audit-trail", Some(2.5), &mut || audit_trail_rate(&place, &plain, COUNT));
        compare("tracing-appender", Some(5.0), &mut || tracing_rate(&place, &plain, COUNT));
        compare("logroller", Some(1.3), &mut || logroller_rate(&place, &plain, COUNT));
        compare("flexi_logger", Some(1.3), &mut || flexi_logger_rate(&place, &plain, COUNT));
        compare("Durability::Fsync", None, &mut || try_emit_rate(&place, Durability::Fsync, &events, COUNT));
        for (name, pause) in
            [("one after another", Duration::ZERO), ("one every 20 µs", Duration::from_micros(20))]
        {
            let (half, most, full) = percentiles(&place, &events, pause);
            table.note(format!(
                "one call, {name}: p50 {half:.1?}, p99 {most:.1?}; {full} of {COUNT} found no room"
            ));
        }
        table.print();
    }
}

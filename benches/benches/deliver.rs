//! What do destinations cost a caller, what does a dead one cost, and how fast does one catch up from disk?
//!
//! `cargo xtask bench deliver`
//!
//! Four logs side by side, `Durability::Fsync`, sealed: with no destination; with one that takes everything at once; with
//! that one and one that is black-holed (it accepts, and never answers); with six that take everything. One caller of
//! `emit_blocking` on each. Then the rate at which the destination that works gets what a `try_emit` loop records, with and
//! without the black-holed one beside it. Then a destination that was away for 100,000 records, beside reading the same file
//! line by line.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use audit_benches::{Sides, Table, directory, events, is_measuring, key, rate};
use audit_delivery::{BatchLimits, Destination};
use audit_model::Event;
use audit_pipeline::Pipeline;
use audit_sink::{Batch, Receipt, SendFuture, Sink};

/// How many events one caller emits in its turn. Few, so that a slow spell of the disk hits all sides.
const LONE: u64 = 50;
/// How many events are recorded by one who does not wait.
const MANY: u64 = 20_000;
/// How many records a destination has to catch up with.
const BACKLOG: u64 = 100_000;

/// Counts what it gets.
#[derive(Clone, Debug, Default)]
struct Counter {
    records: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

impl Sink for Counter {
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        self.bytes.fetch_add(batch.byte_count() as u64, Ordering::Relaxed);
        self.records.fetch_add(batch.records.len() as u64, Ordering::Relaxed);
        Box::pin(async { Ok(Receipt::default()) })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// Accepts, and never answers.
#[derive(Debug)]
struct BlackHole;

impl Sink for BlackHole {
    fn send<'a>(&'a mut self, _batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(std::future::pending())
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

fn healthy(name: &str, counter: &Counter) -> Destination {
    Destination::new(name, Box::new(counter.clone()))
}

fn dead() -> Destination {
    Destination::new("dead", Box::new(BlackHole)).timeout(Duration::from_secs(3600))
}

fn start(directory: &Path, name: &str, destinations: Vec<Destination>) -> Pipeline {
    let options = Pipeline::options(directory.join(name)).signing_key(key()).drain_timeout(Duration::ZERO);
    destinations.into_iter().fold(options, |options, to| options.deliver_to(to)).start().expect("a new log")
}

fn emit_blocking(log: &Pipeline, events: &[Event]) {
    for event in events.iter().cycle().take(LONE as usize) {
        assert!(log.emit_blocking(event).expect("the disk has room").sequence_number().is_some());
    }
}

/// How fast a destination gets what is recorded by one who does not wait.
fn recorded_and_delivered(log: &Pipeline, counter: &Counter, events: &[Event]) -> f64 {
    let until = counter.records.load(Ordering::Relaxed) + MANY;
    rate(MANY, || {
        for event in events.iter().cycle().take(MANY as usize) {
            let _ = log.enqueue_blocking(event).expect("open");
        }
        wait_for(counter, until);
    })
}

fn wait_for(counter: &Counter, records: u64) {
    while counter.records.load(Ordering::Relaxed) < records {
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// The bytes per second of a destination that gets a log from its beginning.
fn catch_up(directory: &Path, round: u64, bytes: u64) -> f64 {
    let counter = Counter::default();
    let limits = BatchLimits { records: 10_000, bytes: 4 << 20, age: Duration::ZERO };
    let listener = Arc::new(Deaf);
    let log = audit_delivery::Log {
        path: directory.join("backlog"),
        chain_id: "bench".to_owned(),
        sequence_of: Some(audit_integrity::SealedRecord::sequence_number_of),
        durable: BACKLOG,
    };
    let begun = Instant::now();
    let to = healthy("late", &counter).limits(limits);
    let state = directory.join(format!("state-{round}"));
    let delivery = audit_delivery::Delivery::start(&log, &state, vec![to], listener).expect("a new state");
    wait_for(&counter, BACKLOG);
    let took = begun.elapsed();
    drop(delivery);
    bytes as f64 / took.as_secs_f64()
}

#[derive(Debug)]
struct Deaf;

impl audit_delivery::Listener for Deaf {
    fn notice(&self, sentence: String) {
        panic!("{sentence}");
    }

    fn acknowledged(&self, _through: u64, _refused: Vec<audit_delivery::Refused>) {}

    fn outage(&self, _outage: &audit_delivery::Outage) -> bool {
        true
    }
}

/// The bytes per second of reading a file line by line into a buffer for each.
fn read_lines(path: &Path, bytes: u64) -> f64 {
    use std::io::BufRead as _;
    rate(bytes, || {
        let file = std::io::BufReader::with_capacity(1 << 17, std::fs::File::open(path).expect("there"));
        assert!(file.split(b'\n').map(|line| line.expect("readable").len()).sum::<usize>() > 0);
    })
}

fn main() {
    let events = events(256);
    let scratch = directory();
    let directory = scratch.path();
    if !is_measuring() {
        // Whether it works at all.
        let bytes = write_backlog(directory, &events);
        assert!(catch_up(directory, 0, bytes) > 0.0);
        return;
    }

    let counters: Vec<Counter> = std::iter::repeat_with(Counter::default).take(9).collect();
    let none = start(directory, "none", Vec::new());
    let one = start(directory, "one", vec![healthy("a", &counters[0])]);
    let with_dead = start(directory, "with_dead", vec![healthy("a", &counters[1]), dead()]);
    let six = (0..6).map(|number| healthy(&format!("d{number}"), &counters[2 + number])).collect();
    let six = start(directory, "six", six);

    let mut table = Table::new("deliver");
    let emit = |log: &Pipeline| rate(LONE, || emit_blocking(log, &events));
    let rates = Sides::new()
        .side("none", || emit(&none))
        .side("none again", || emit(&none))
        .side("one", || emit(&one))
        .side("one and a black hole", || emit(&with_dead))
        .side("six", || emit(&six))
        .measure(101);
    table.ratio(&rates, "none again", "none", None);
    table.ratio(&rates, "one", "none", None);
    table.ratio(&rates, "one and a black hole", "one", None);
    table.ratio(&rates, "six", "none", None);

    let rates = Sides::new()
        .side("alone", || recorded_and_delivered(&one, &counters[0], &events))
        .side("alone again", || recorded_and_delivered(&one, &counters[0], &events))
        .side("beside a black hole", || recorded_and_delivered(&with_dead, &counters[1], &events))
        .measure(25);
    table.ratio(&rates, "alone again", "alone", None);
    table.ratio(&rates, "beside a black hole", "alone", None);
    drop((none, one, with_dead, six));

    let bytes = write_backlog(directory, &events);
    let path = directory.join("backlog");
    let mut round = 0;
    let rates = Sides::new()
        .side("caught up", || {
            round += 1;
            catch_up(directory, round, bytes)
        })
        .side("lines read", || read_lines(&path, bytes))
        .measure(15);
    table.ratio(&rates, "caught up", "lines read", None);
    table.rate(&rates, "caught up", "MB/s", 1e6);
    table.rate(&rates, "lines read", "MB/s", 1e6);
    table.print();
}

/// A log, and how many bytes it has.
fn write_backlog(directory: &Path, events: &[Event]) -> u64 {
    let backlog = Pipeline::options(directory.join("backlog")).signing_key(key()).start().expect("a new log");
    for event in events.iter().cycle().take(usize::try_from(BACKLOG).expect("few") - 2) {
        let _ = backlog.enqueue_blocking(event).expect("open");
    }
    backlog.close().expect("the disk has room");
    std::fs::metadata(directory.join("backlog")).expect("there").len()
}

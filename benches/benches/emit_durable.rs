//! What does a durable event cost its caller, and how far do callers share it?
//!
//! `cargo xtask bench emit_durable`
//!
//! `Durability::Fsync`, sealed. One caller of `emit_blocking` beside a loop of `write` and `fdatasync` of a line of the same
//! size, to a file opened for appending in the same directory. Then 1, 8, 64 and 512 tasks that await `emit` on a runtime
//! of two threads, and 64 threads of `emit_blocking`, each beside that one caller.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use audit_benches::{Sides, Table, directory, events, is_measuring, key, rate};
use audit_model::Event;
use audit_pipeline::{EmitError, Pipeline, Receipt};
use criterion::{Criterion, Throughput};
use tokio::runtime::Runtime;

/// How many events one caller emits in its turn. Few, so that a slow spell of the disk hits both sides.
const LONE: u64 = 50;
/// How long many callers emit in theirs.
const TURN: Duration = Duration::from_millis(200);

fn start(directory: &Path, name: &str) -> Pipeline {
    Pipeline::options(directory.join(name)).signing_key(key()).start().expect("a new log")
}

fn open_bare(directory: &Path, name: &str) -> File {
    OpenOptions::new().append(true).create(true).open(directory.join(name)).expect("a new file")
}

fn recorded(answer: Result<Receipt, EmitError>) {
    assert!(answer.expect("the disk has room").sequence_number().is_some());
}

fn emit_blocking(log: &Pipeline, events: &[Event], count: u64) {
    for event in events.iter().cycle().take(usize::try_from(count).expect("few")) {
        recorded(log.emit_blocking(event));
    }
}

fn write_and_sync(file: &mut File, line: &[u8], count: u64) {
    for _ in 0..count {
        file.write_all(line).expect("the disk has room");
        file.sync_data().expect("the disk works");
    }
}

/// The rate of `tasks` tasks that emit one event after another for a while.
fn tasks_rate(runtime: &Runtime, log: &Pipeline, events: &Arc<Vec<Event>>, tasks: usize) -> f64 {
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let begun = Instant::now();
    runtime.block_on(async {
        let running: Vec<_> = (0..tasks)
            .map(|task| {
                let (log, events) = (log.clone(), Arc::clone(events));
                let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
                tokio::spawn(async move {
                    let mut count = 0;
                    for event in events.iter().cycle().skip(task) {
                        recorded(log.emit(event).await);
                        count += 1;
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                    done.fetch_add(count, Ordering::Relaxed);
                })
            })
            .collect();
        tokio::time::sleep(TURN).await;
        stop.store(true, Ordering::Relaxed);
        for task in running {
            task.await.expect("no panic");
        }
    });
    done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

/// The rate of `threads` threads that emit one event after another for a while.
fn threads_rate(log: &Pipeline, events: &[Event], threads: usize) -> f64 {
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (stop, done) = (&stop, &done);
            scope.spawn(move || {
                let mut count = 0;
                for event in events.iter().cycle().skip(thread) {
                    recorded(log.emit_blocking(event));
                    count += 1;
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
                done.fetch_add(count, Ordering::Relaxed);
            });
        }
        std::thread::sleep(TURN);
        stop.store(true, Ordering::Relaxed);
    });
    done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

/// The last line of the log, as the bare loop writes it.
fn sealed_line(directory: &Path, events: &[Event]) -> Vec<u8> {
    let log = start(directory, "sample");
    // So many that the sequence number has as many digits as most of those measured.
    emit_blocking(&log, events, 1000);
    let text = std::fs::read(directory.join("sample")).expect("it was just written");
    let mut line = text.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().expect("a line").to_vec();
    line.push(b'\n');
    line
}

fn main() {
    let events = Arc::new(events(256));
    let directory = directory();
    let place = directory.path();
    let line = sealed_line(place, &events);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime");
    let lone = start(place, "lone");
    let mut bare = open_bare(place, "bare");

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("durable event");
    group.throughput(Throughput::Elements(1)).sample_size(10).measurement_time(Duration::from_secs(2));
    group.warm_up_time(Duration::from_millis(500));
    group.bench_function("emit_blocking, one caller", |b| {
        b.iter_custom(|count| {
            let begun = Instant::now();
            emit_blocking(&lone, &events, count);
            begun.elapsed()
        });
    });
    group.bench_function("bare write and fdatasync", |b| {
        b.iter_custom(|count| {
            let begun = Instant::now();
            write_and_sync(&mut bare, &line, count);
            begun.elapsed()
        });
    });
    group.finish();
    criterion.final_summary();

    if is_measuring() {
        let mut table = Table::new("emit_durable");
        let (one, bare_loop) = ("emit_blocking, one caller", "bare write and fdatasync");
        let mut second = open_bare(place, "bare-2");
        let rates = Sides::new()
            .side(one, || rate(LONE, || emit_blocking(&lone, &events, LONE)))
            .side(bare_loop, || rate(LONE, || write_and_sync(&mut bare, &line, LONE)))
            .side("the bare loop again", || rate(LONE, || write_and_sync(&mut second, &line, LONE)))
            .measure(301);
        table.ratio(&rates, one, bare_loop, Some(0.97));
        // How far the disk lets any two sides be told apart.
        table.ratio(&rates, "the bare loop again", bare_loop, None);
        table.rate(&rates, one, "events/s", 1.0);
        table.rate(&rates, bare_loop, "events/s", 1.0);

        let logs = [1, 8, 64, 512, 0].map(|tasks| start(place, &format!("shared-{tasks}")));
        let tasks = |log: usize, tasks: usize| tasks_rate(&runtime, &logs[log], &events, tasks);
        let rates = Sides::new()
            .side(one, || rate(8 * LONE, || emit_blocking(&lone, &events, 8 * LONE)))
            .side("emit, 1 task", || tasks(0, 1))
            .side("emit, 8 tasks", || tasks(1, 8))
            .side("emit, 64 tasks", || tasks(2, 64))
            .side("emit, 512 tasks", || tasks(3, 512))
            .side("emit_blocking, 64 threads", || threads_rate(&logs[4], &events, 64))
            .measure(15);
        let many = [
            ("emit, 1 task", None),
            ("emit, 8 tasks", None),
            ("emit, 64 tasks", Some(20.0)),
            ("emit, 512 tasks", Some(40.0)),
            ("emit_blocking, 64 threads", Some(20.0)),
        ];
        for (name, goal) in many {
            table.ratio(&rates, name, one, goal);
        }
        for (name, _) in [(one, None)].into_iter().chain(many) {
            table.rate(&rates, name, "events/s", 1.0);
        }
        table.print();
    }
}

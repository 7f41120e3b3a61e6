//! What does the journal cost on top of the write itself?
//!
//! `cargo xtask bench append`
//!
//! A batch of 64 events with their hashes, sealed and appended (`sync` off): what the pipeline's one writer does for a batch.
//! Beside it `Journal::append` of lines that are sealed already, and a bare `write_all` of the same bytes to a file opened
//! for appending in the same directory. There is no goal; `emit_durable` and `try_emit` have those.

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use audit_benches::{Sides, Table, canonical, directory, events, is_measuring, key, rate};
use audit_integrity::{EventDigest, Sealer, Signer};
use audit_journal::{Journal, Options};
use audit_model::Timestamp;
use criterion::{Criterion, Throughput};

const BATCH: u64 = 64;
/// After so many batches a side begins a new file, untimed, so that none fills the disk.
const BATCHES: u64 = 512;

type Hashed = (Vec<u8>, EventDigest);

fn new_path(directory: &Path, name: &str) -> PathBuf {
    let path = directory.join(name);
    for file in
        [path.clone(), directory.join(format!(".{name}.head")), directory.join(format!(".{name}.lock"))]
    {
        drop(std::fs::remove_file(file));
    }
    path
}

fn open_journal(directory: &Path) -> Journal {
    let path = new_path(directory, "journal");
    Journal::open(&path, Options::default().sync(false), Timestamp::now()).expect("a new log").0
}

fn open_file(directory: &Path) -> File {
    OpenOptions::new().append(true).create(true).open(new_path(directory, "bare")).expect("a new file")
}

fn new_sealer() -> Sealer {
    Sealer::new("bench".parse().expect("a plain name"), Signer::Hmac(key()))
}

fn seal(sealer: &mut Sealer, events: &[Hashed], lines: &mut Vec<u8>) {
    lines.clear();
    for (event, digest) in black_box(events) {
        sealer.seal(event, digest, lines);
    }
}

fn append(journal: &mut Journal, lines: &[u8]) {
    journal.append(black_box(lines), BATCH, Timestamp::now()).expect("the disk has room");
}

/// The time that `batches` calls of what `open` returns take, with a new one after every [`BATCHES`].
fn timed<T>(mut batches: u64, mut open: impl FnMut() -> T, mut batch: impl FnMut(&mut T)) -> Duration {
    let mut elapsed = Duration::ZERO;
    while batches > 0 {
        let mut target = open();
        let now = batches.min(BATCHES);
        let begun = Instant::now();
        (0..now).for_each(|_| batch(&mut target));
        elapsed += begun.elapsed();
        batches -= now;
    }
    elapsed
}

fn main() {
    let events: Vec<Hashed> = events(BATCH as u32)
        .iter()
        .map(canonical)
        .map(|event| (EventDigest::of(&event), event))
        .map(|(d, e)| (e, d))
        .collect();
    let mut sealed = Vec::new();
    seal(&mut new_sealer(), &events, &mut sealed);
    let directory = directory();
    let place = directory.path();

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("append a batch of 64");
    group
        .throughput(Throughput::Bytes(sealed.len() as u64))
        .sample_size(10)
        .measurement_time(Duration::from_secs(2));
    group.warm_up_time(Duration::from_millis(500));
    let (mut sealer, mut lines) = (new_sealer(), Vec::new());
    group.bench_function("seal and append", |b| {
        b.iter_custom(|n| {
            timed(
                n,
                || open_journal(place),
                |journal| {
                    seal(&mut sealer, &events, &mut lines);
                    append(journal, &lines);
                },
            )
        });
    });
    group.bench_function("append", |b| {
        b.iter_custom(|n| timed(n, || open_journal(place), |journal| append(journal, &sealed)));
    });
    group.bench_function("bare write", |b| {
        b.iter_custom(|n| {
            timed(n, || open_file(place), |file| file.write_all(black_box(&sealed)).expect("room"))
        });
    });
    group.finish();
    criterion.final_summary();

    if is_measuring() {
        let rates = Sides::new()
            .side("seal and append", || {
                let mut journal = open_journal(place);
                rate(BATCHES, || {
                    for _ in 0..BATCHES {
                        seal(&mut sealer, &events, &mut lines);
                        append(&mut journal, &lines);
                    }
                })
            })
            .side("append", || {
                let mut journal = open_journal(place);
                rate(BATCHES, || (0..BATCHES).for_each(|_| append(&mut journal, &sealed)))
            })
            .side("bare write", || {
                let mut file = open_file(place);
                rate(BATCHES, || (0..BATCHES).for_each(|_| file.write_all(black_box(&sealed)).expect("room")))
            })
            .measure(21);
        let mut table = Table::new("append");
        table.ratio(&rates, "append", "bare write", None);
        table.ratio(&rates, "seal and append", "bare write", None);
        for side in ["seal and append", "append", "bare write"] {
            table.rate(&rates, side, "k events/s", 1e3 / BATCH as f64);
        }
        table.print();
    }
}

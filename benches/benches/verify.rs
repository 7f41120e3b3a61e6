//! How fast is a log verified?
//!
//! `cargo xtask bench verify`
//!
//! `Verifier` over a sealed log of 256 MB that is in the page cache for every side:
//! - one thread beside raw HMAC-SHA256 over every line of that file, read in blocks of the same size;
//! - two threads beside one, and raw HMAC likewise, which tells what the machine has to give at that moment;
//! - by the byte, all threads beside `python3 docs/verify.py` on the log's first 32 MB.

use std::fs::File;
use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use audit_benches::{Sides, Table, canonical, directory, events, is_measuring, key, rate};
use audit_integrity::{EventDigest, KeyRing, Sealer, Signer, Verifier};
use criterion::{Criterion, Throughput};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const LOG: u64 = 256 << 20;
const PART: u64 = 32 << 20;
const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

/// Writes a sealed log of at least `size` bytes, and returns how many it has.
fn write_log(path: &Path, size: u64) -> u64 {
    let events: Vec<Vec<u8>> = events(4096).iter().map(canonical).collect();
    let mut sealer = Sealer::new("bench".parse().expect("a plain name"), Signer::Hmac(key()));
    let mut file = File::create(path).expect("a new file");
    let mut written = 0;
    let mut lines = Vec::new();
    while written < size {
        lines.clear();
        for event in &events {
            sealer.seal(event, &EventDigest::of(event), &mut lines);
            if written + lines.len() as u64 >= size {
                break;
            }
        }
        file.write_all(&lines).expect("the disk has room");
        written += lines.len() as u64;
    }
    // Not to be written back while something is measured.
    file.sync_all().expect("the disk works");
    written
}

fn verify(path: &Path, threads: usize) {
    let verifier = Verifier::new(KeyRing::from_iter([key()])).threads(threads);
    let report = verifier.verify(&[black_box(path)]).expect("the log can be read");
    assert!(report.is_intact(), "{report:?}");
}

/// HMAC-SHA256 of every line, read in blocks of a megabyte as `Verifier` reads.
fn hmac_lines(path: &Path) {
    let keyed = Hmac::<Sha256>::new_from_slice(KEY).expect("any length");
    let mut file = File::open(path).expect("the log can be read");
    let mut block = vec![0; 1 << 20];
    let mut filled = 0;
    loop {
        let read = file.read(&mut block[filled..]).expect("the log can be read");
        if read == 0 {
            break;
        }
        filled += read;
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', &block[..filled]) {
            let mut mac = keyed.clone();
            mac.update(&block[start..newline]);
            black_box(mac.finalize().into_bytes());
            start = newline + 1;
        }
        block.copy_within(start..filled, 0);
        filled -= start;
    }
    assert_eq!(filled, 0, "the log ends with a newline");
}

/// The same in two threads, for each the whole file.
fn hmac_lines_twice(path: &Path) {
    std::thread::scope(|scope| {
        scope.spawn(|| hmac_lines(path));
        hmac_lines(path);
    });
}

/// The interpreter itself: a version manager's stand-in for it takes its own time to start.
fn python() -> Option<PathBuf> {
    let output = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    output.status.success().then_some(path)
}

fn verify_in_python(python: &Path, key_file: &Path, log: &Path) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/verify.py");
    let output = Command::new(python).arg(script).arg(key_file).arg(log).output().expect("python3 starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn main() {
    let directory = directory();
    let (log, part) = (directory.path().join("log"), directory.path().join("part"));
    // A mere trial, as by `cargo test`, makes do with less.
    let (size, part_size) = match is_measuring() {
        true => (write_log(&log, LOG), write_log(&part, PART)),
        false => (write_log(&log, 1 << 20), write_log(&part, 1 << 20)),
    };

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("verify 256 MB");
    group.throughput(Throughput::Bytes(size)).sample_size(10).measurement_time(Duration::from_secs(4));
    group.warm_up_time(Duration::from_millis(500));
    group.bench_function("1 thread", |b| b.iter(|| verify(&log, 1)));
    group.bench_function("2 threads", |b| b.iter(|| verify(&log, 2)));
    group.bench_function("raw HMAC, 1 thread", |b| b.iter(|| hmac_lines(&log)));
    group.finish();
    criterion.final_summary();

    if is_measuring() {
        let rates = Sides::new()
            .side("1 thread", || rate(size, || verify(&log, 1)))
            .side("raw HMAC, 1 thread", || rate(size, || hmac_lines(&log)))
            .side("2 threads", || rate(size, || verify(&log, 2)))
            .side("raw HMAC, 2 threads", || rate(2 * size, || hmac_lines_twice(&log)))
            .measure(15);
        let mut table = Table::new("verify");
        table.ratio(&rates, "1 thread", "raw HMAC, 1 thread", Some(0.8));
        table.ratio(&rates, "2 threads", "1 thread", Some(1.85));
        // What the machine has to give at this moment.
        table.ratio(&rates, "raw HMAC, 2 threads", "raw HMAC, 1 thread", None);
        for side in ["1 thread", "raw HMAC, 1 thread", "2 threads"] {
            table.rate(&rates, side, "MB/s", 1e6);
        }
        match python() {
            Some(python) => {
                let key_file = directory.path().join("key");
                std::fs::write(&key_file, KEY).expect("the directory can be written");
                let rates = Sides::new()
                    .side("all threads", || rate(size, || verify(&log, 0)))
                    .side("1 thread", || rate(size, || verify(&log, 1)))
                    .side("docs/verify.py", || {
                        rate(part_size, || verify_in_python(&python, &key_file, &part))
                    })
                    .measure(9);
                table.ratio(&rates, "all threads", "docs/verify.py", Some(30.0));
                table.ratio(&rates, "1 thread", "docs/verify.py", None);
                table.rate(&rates, "docs/verify.py", "MB/s", 1e6);
            }
            None => table.note("docs/verify.py: skipped, python3 does not start here"),
        }
        table.print();
    }
}

//! A kilobyte can become a megabyte: it is inflated no further than the limit, whatever it would be. Alone in its file, since it asks
//! for the memory of the whole process.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod service;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use service::{event, post, service};

/// The most memory that this process ever had, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or(0, |line| line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024)
}

#[test]
fn however_much_it_would_be() {
    // 500 MB of blanks, made in pieces: 500 kB.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..500 {
        encoder.write_all(&[b' '; 1_000_000]).unwrap();
    }
    let bomb = post("application/json", "content-encoding: gzip\r\n", encoder.finish().unwrap());
    let service = service(|options| options);
    assert_eq!(service.json(event("a.b", 1)).status, 200);
    let before = peak();
    if before == 0 {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "/proc/self/status does not tell the peak here"
        );
        println!("skipped: /proc/self/status does not tell the peak here");
        return;
    }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..3 {
                    let answer = service.ask(&bomb);
                    assert_eq!(answer.status, 413, "{answer:?}");
                }
            });
        }
    });
    let more = peak() - before;
    // Four bodies of the limit, each in a buffer that may have doubled while it grew, and half that in what it grew from.
    assert!(more < 4 * 3 * (10 << 20), "{} MB more", more >> 20);
    assert_eq!(service.json(event("a.b", 1)).status, 200);
}

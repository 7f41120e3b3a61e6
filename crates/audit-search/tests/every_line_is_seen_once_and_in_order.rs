//! Whatever the inputs, threads and pieces are.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod generated;

use std::fs::OpenOptions;
use std::io::{Read, Write as _};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use audit_condition::Condition;
use audit_search::{BadLine, Hit, Input, Query, Visitor, scan, scan_in_pieces};
use flate2::Compression;
use flate2::write::GzEncoder;
use generated::{Found, bytes, find, now};

fn line(number: usize) -> String {
    // Lines of very different lengths.
    let filler = "x".repeat([0, 10, 3000, 100, 7, 20_000][number % 6]);
    format!(
        r#"{{"event_type":"a.b","timestamp":"2024-12-01T10:15:30.123Z","details":{{"n":{number},"x":"{filler}"}}}}"#
    )
}

fn text(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| line(number) + "\n").collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

fn numbers(found: &[Found]) -> Vec<usize> {
    let number = |one: &Found| match one {
        Found::Hit(line, _) => {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            value["details"]["n"].as_u64().unwrap() as usize
        }
        Found::Bad(line, _) => panic!("{line}"),
    };
    found.iter().map(number).collect()
}

#[test]
fn with_any_number_of_threads_and_any_size_of_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let plain = file("plain", text(0..300).as_bytes());
    let gzipped = file("gz", &gzip(&text(300..600)));
    let members = file("members.gz", &[gzip(&text(600..700)), gzip(&text(700..800))].concat());
    let small = file("small", text(800..801).as_bytes());
    let empty = file("empty", b"");
    let unended = file("unended", text(801..900).trim_end().as_bytes());
    let zstd = file("zst", &zstd_frames(&[&text(900..950), &text(950..1000)]));
    let spread: String = (1000..1050).map(|n| format!("{{\n {}\n", &line(n)[1..])).collect();
    let spread = file("spread", spread.as_bytes());
    for threads in [1, 2, 7] {
        for pieces in [50, 4000, 100_000, 1 << 20] {
            let mut inputs: Vec<Input> =
                [&plain, &gzipped, &members, &small, &empty, &unended, &zstd, &spread]
                    .into_iter()
                    .map(|path| Input::File(path.clone()))
                    .collect();
            inputs.push(bytes("bytes", text(1050..1100)));
            inputs.push(bytes("gzipped bytes", gzip(&text(1100..1150))));
            let reader = Box::new(std::io::Cursor::new(text(1150..1200)));
            inputs.push(Input::Reader { name: "reader".into(), reader });
            let (found, scanned) = find(inputs, &Query::default(), pieces, threads);
            assert_eq!(numbers(&found), (0..1200).collect::<Vec<_>>(), "{threads} threads, {pieces} bytes");
            assert!(scanned.unreadable.is_empty() && !scanned.stopped, "{scanned:?}");
        }
    }
}

fn zstd_frames(texts: &[&str]) -> Vec<u8> {
    let frame = |text: &&str| {
        ruzstd::encoding::compress_to_vec(text.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest)
    };
    texts.iter().flat_map(frame).collect()
}

#[test]
fn what_is_no_event_is_told_with_its_line_and_the_rest_goes_on() {
    let mut content = text(0..40);
    content += "no JSON\n\n{}\n";
    content += &text(40..80);
    content += r#"{"event_type":"a.b","timest"#;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, &content).unwrap();
    let gzipped = bytes("gz", gzip(&content));
    for input in [bytes("log", &content), Input::File(path), gzipped] {
        for condition in ["true", "details.n > 77", "details.n > 1000"] {
            let query = Query { condition: Some(Condition::parse(condition).unwrap()), ..Query::default() };
            let again = match &input {
                Input::Bytes { name, bytes } => Input::Bytes { name: name.clone(), bytes: Arc::clone(bytes) },
                Input::File(path) => Input::File(path.clone()),
                _ => panic!("none is"),
            };
            let (found, _) = find(vec![again], &query, 5000, 2);
            let bad: Vec<u64> = found
                .iter()
                .filter_map(|one| match one {
                    Found::Bad(_, line) => *line,
                    Found::Hit(..) => None,
                })
                .collect();
            match condition {
                "true" => assert_eq!((bad, found.len()), (vec![41, 43, 84], 83)),
                // A text that has to be there, `n`, is in none of the others.
                _ => assert!(bad.ends_with(&[84]), "{condition}: {bad:?}"),
            }
        }
    }
}

#[test]
fn an_input_that_cannot_be_read_is_told_and_the_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut torn = gzip(&text(0..50));
    torn.truncate(torn.len() / 2);
    let inputs = vec![
        Input::File(folder.path().join("missing")),
        Input::File(folder.path().to_owned()),
        bytes("good", text(50..60)),
        bytes("torn", torn),
    ];
    let (found, scanned) = find(inputs, &Query::default(), 1 << 20, 3);
    let names: Vec<&str> =
        scanned.unreadable.iter().map(|one| one.name.rsplit('/').next().unwrap()).collect();
    let own = folder.path().file_name().unwrap().to_str().unwrap();
    assert_eq!(names, ["missing", own, "torn"]);
    assert_eq!(numbers(&found)[..10], (50..60).collect::<Vec<_>>());
}

/// Counts, and tells how many parts there were.
struct Counting;

impl Visitor for Counting {
    type Part = u64;

    fn hit(&self, part: &mut u64, _: &Hit<'_>) {
        *part += 1;
    }

    fn bad_line(&self, _: &mut u64, _: &BadLine<'_>) {}

    fn size(&self, _: &u64) -> usize {
        8
    }
}

#[test]
fn the_first_part_comes_before_the_last_is_read_and_a_stop_is_soon() {
    /// Never ends.
    struct Endless(Vec<u8>, usize);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let length = buffer.len().min(self.0.len() - self.1);
            buffer[..length].copy_from_slice(&self.0[self.1..self.1 + length]);
            self.1 = (self.1 + length) % self.0.len();
            Ok(length)
        }
    }
    let reader = Box::new(Endless(text(0..100).into_bytes(), 0));
    let inputs = vec![Input::Reader { name: "endless".into(), reader }, bytes("never", text(0..10))];
    let mut count = 0;
    let read = AtomicU64::new(0);
    let scanned = scan(inputs, &Query::default(), now(), 2, &read, &Counting, |part| {
        count += part;
        if count > 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(scanned.stopped && count > 10);
    assert!(read.load(Ordering::Relaxed) > 0);
}

#[test]
fn a_file_that_grows_or_is_cut_while_it_is_read_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, text(0..600)).unwrap();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            let mut number = 600;
            while !is_done.load(Ordering::Relaxed) {
                if number % 50 == 0 {
                    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
                }
                // In two steps, so that lines are torn.
                let line = line(number) + "\n";
                let (a, b) = line.split_at(line.len() / 2);
                file.write_all(a.as_bytes()).unwrap();
                file.write_all(b.as_bytes()).unwrap();
                number += 1;
            }
        });
        for round in 0..60 {
            let read = AtomicU64::new(0);
            let inputs = vec![Input::File(path.clone())];
            let pieces = [500, 50_000][round % 2];
            let scanned =
                scan_in_pieces(pieces, inputs, &Query::default(), now(), 2, &read, &Counting, |_| {
                    ControlFlow::Continue(())
                });
            assert!(scanned.unreadable.is_empty(), "{scanned:?}");
        }
        is_done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn what_waits_for_a_slow_first_input_is_bounded() {
    /// Does not go on before it is told to.
    struct Held(Arc<AtomicBool>, std::io::Cursor<Vec<u8>>);
    impl Read for Held {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            while !self.0.load(Ordering::Relaxed) {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            self.1.read(buffer)
        }
    }
    /// Counts the bytes that are held in parts now, and the most that ever were.
    #[derive(Default)]
    struct Rows(AtomicU64);
    impl Visitor for Rows {
        type Part = Vec<u8>;
        fn hit(&self, part: &mut Vec<u8>, hit: &Hit<'_>) {
            part.extend_from_slice(hit.line());
            self.0.fetch_add(hit.line().len() as u64, Ordering::Relaxed);
        }
        fn bad_line(&self, _: &mut Vec<u8>, _: &BadLine<'_>) {}
        fn size(&self, part: &Vec<u8>) -> usize {
            part.len()
        }
    }
    let released = Arc::new(AtomicBool::new(false));
    let reader = Box::new(Held(Arc::clone(&released), std::io::Cursor::new(text(0..10).into_bytes())));
    let long: Arc<[u8]> = Arc::from(text(10..4000).repeat(8).into_bytes());
    let later = |number: usize| Input::Bytes { name: number.to_string(), bytes: Arc::clone(&long) };
    let mut inputs = vec![Input::Reader { name: "held".into(), reader }];
    inputs.extend((0..2).map(later));
    let rows = Rows::default();
    let read = AtomicU64::new(0);
    let (mut most, mut taken) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Until nothing more is made, since so much waits.
            let mut before = u64::MAX;
            loop {
                std::thread::sleep(std::time::Duration::from_millis(300));
                let now = rows.0.load(Ordering::Relaxed);
                if now == before && now > 0 {
                    break;
                }
                before = now;
            }
            released.store(true, Ordering::Relaxed);
        });
        let scanned = scan(inputs, &Query::default(), now(), 3, &read, &rows, |part: Vec<u8>| {
            most = most.max(rows.0.load(Ordering::Relaxed) - taken);
            taken += part.len() as u64;
            ControlFlow::Continue(())
        });
        assert!(scanned.unreadable.is_empty(), "{scanned:?}");
    });
    let total = 2 * (long.len() as u64);
    assert!(taken > total * 9 / 10);
    assert!(most < 48 << 20 && total > 4 * most, "{most} of {total} bytes have waited");
}

//! Rotation by size and age, compression and what a crash leaves of it, pruning, and readers across all that.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::time::Duration;

use audit_journal::{Incident, Journal, Options, Prunable, Reader, Rotation, segments};
use common::{Place, at, number_of, record, records, text};

fn rotated(rotation: Rotation) -> Options {
    Options::default().rotation(rotation)
}

fn one_each(journal: &mut Journal, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        journal.append(records([number]).as_bytes(), 1, at(0)).unwrap();
    }
}

#[test]
fn by_size_with_names_that_say_what_is_in_them() {
    let place = Place::new();
    let three = records(1..=3).len() as u64;
    let (mut journal, _) = place.open(rotated(Rotation::never().max_size(three).compress(true)));
    one_each(&mut journal, 1..=8);
    // The clock may go backwards.
    journal.append(records(9..=19).as_bytes(), 11, at(-100)).unwrap();
    journal.append(records([20]).as_bytes(), 1, at(-200)).unwrap();
    journal.close().unwrap();
    let found = segments(&place.log()).unwrap();
    let names: Vec<_> = found.iter().map(|s| s.path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "audit.log.000000000001-000000000003.20231114T221320Z.gz",
            "audit.log.000000000004-000000000006.20231114T221320Z.gz",
            "audit.log.000000000007-000000000008.20231114T221140Z.gz",
            "audit.log.000000000009-000000000019.20231114T221000Z.gz",
        ]
    );
    for segment in &found {
        assert_eq!(text(&segment.path), records(segment.first_sequence..=segment.last_sequence));
    }
    assert_eq!(text(&place.log()), records([20]));
    for numbered in [false, true] {
        for first in 0..=21 {
            let expected: Vec<_> =
                (first.max(1)..=20).map(|n| (n, record(n, 10).trim_end().to_owned())).collect();
            assert_eq!(place.read_from(first, numbered), expected);
        }
    }
}

#[test]
fn by_the_age_of_the_first_record() {
    let place = Place::new();
    let options = rotated(Rotation::never().max_age(Duration::from_secs(60)));
    let (mut journal, _) = place.open(options);
    for (number, seconds) in [(1, 1000), (2, 1059), (3, 1060), (4, 1000), (5, 1119), (6, 1120)] {
        journal.append(records([number]).as_bytes(), 1, at(seconds)).unwrap();
    }
    let ranges: Vec<_> =
        segments(&place.log()).unwrap().iter().map(|s| (s.first_sequence, s.last_sequence)).collect();
    assert_eq!(ranges, [(1, 2), (3, 5)]);
}

#[test]
fn a_reader_follows_a_writer_that_rotates_and_compresses() {
    for numbered in [false, true] {
        let place = Place::new();
        let options = rotated(Rotation::never().max_size(400).compress(true)).sync(false);
        let (mut journal, _) = place.open(options);
        let log = place.log();
        let follower = std::thread::spawn(move || {
            let mut reader = Reader::from_sequence(&log, 1);
            if numbered {
                reader = reader.numbered_by(number_of);
            }
            let mut expected = 1;
            while expected <= 3000 {
                match reader.next_line().unwrap() {
                    Some(line) => {
                        assert_eq!(line.sequence_number, expected);
                        assert_eq!(number_of(line.bytes), Some(expected));
                        expected += 1;
                    }
                    None => std::thread::yield_now(),
                }
            }
        });
        one_each(&mut journal, 1..=3000);
        follower.join().unwrap();
        assert_eq!(journal.take_housekeeping_failure(), None);
        journal.close().unwrap();
    }
}

#[test]
fn nothing_is_read_ahead_of_what_is_acknowledged() {
    let place = Place::new();
    fs::write(place.log(), records(1..=2) + "record 3 never acknow").unwrap();
    let mut reader = Reader::from_sequence(&place.log(), 1);
    assert_eq!(reader.next_until(1).unwrap().map(|line| line.sequence_number), Some(1));
    assert_eq!(reader.next_until(1).unwrap(), None);
    fs::write(place.log(), records([1]) + "record 2 another\nrecord 3 acknowledged\n").unwrap();
    assert_eq!(reader.next_until(2).unwrap().map(|line| line.bytes), Some(&b"record 2 another"[..]));
    assert_eq!(reader.next_until(2).unwrap(), None);
    assert_eq!(reader.next_until(3).unwrap().map(|line| line.bytes), Some(&b"record 3 acknowledged"[..]));
}

/// What is left of compressing one segment, at each point at which the process may be killed.
#[test]
fn compression_that_a_crash_cut_short_is_finished() {
    let plain = "audit.log.000000000001-000000000002.20231114T221320Z";
    let content = records(1..=2);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, content.as_bytes()).unwrap();
    let gz = encoder.finish().unwrap();
    let half = &gz[..gz.len() / 2];
    let hidden = ".audit.log.compressing";
    let packed = format!("{plain}.gz");
    let points: [Vec<(&str, &[u8])>; 6] = [
        vec![(plain, content.as_bytes())],
        vec![(plain, content.as_bytes()), (hidden, b"")],
        vec![(plain, content.as_bytes()), (hidden, half)],
        vec![(plain, content.as_bytes()), (hidden, &gz)],
        vec![(plain, content.as_bytes()), (&packed, &gz)],
        // This one is not ours: `gzip` beside us, half-way.
        vec![(plain, content.as_bytes()), (&packed, half)],
    ];
    for files in points {
        let place = Place::new();
        for (name, bytes) in files {
            fs::write(place.directory().join(name), bytes).unwrap();
        }
        let read: Vec<u64> = place.read_from(1, true).into_iter().map(|(number, _)| number).collect();
        assert_eq!(read, [1, 2]);
        let (journal, recovery) = place.open(rotated(Rotation::never().compress(true)));
        assert_eq!(recovery.last_sequence, 2);
        journal.close().unwrap();
        assert_eq!(place.files(), [".audit.log.head", ".audit.log.lock", "audit.log", &packed]);
        assert_eq!(place.content(), content);
    }
}

fn prunable(journal: &mut Journal, expected: usize) -> Vec<Prunable> {
    let mut found = Vec::new();
    for _ in 0..500 {
        found.extend(journal.take_incidents().into_iter().map(|incident| match incident {
            Incident::PruneDue(prunable) => prunable,
            other => panic!("{other:?}"),
        }));
        if found.len() >= expected {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    found
}

#[test]
fn old_segments_are_announced_once_and_deleted_only_by_prune() {
    for compress in [false, true] {
        let place = Place::new();
        let options =
            rotated(Rotation::never().max_size(1).max_files(2).compress(compress)).numbered_by(number_of);
        let (mut journal, _) = place.open(options.clone());
        one_each(&mut journal, 1..=5);
        let due = prunable(&mut journal, 2);
        let due: Vec<_> = due.iter().map(|p| (p.segment.first_sequence, p.last_line.clone())).collect();
        assert_eq!(due, [(1, b"record 1 xxxxxxxxxx".to_vec()), (2, b"record 2 xxxxxxxxxx".to_vec())]);
        journal.close().unwrap();
        assert_eq!(segments(&place.log()).unwrap().len(), 4);

        let (mut journal, _) = place.open(options);
        let due = prunable(&mut journal, 2);
        assert_eq!(due.len(), 2);
        // The record of it rotates, and so announces the next one, but not these again.
        one_each(&mut journal, 6..=6);
        let more = prunable(&mut journal, 1);
        assert_eq!(more.iter().map(|p| p.segment.first_sequence).collect::<Vec<_>>(), [3]);
        for prunable in due.iter().chain(&more) {
            journal.prune(prunable).unwrap();
            journal.prune(prunable).unwrap();
        }
        journal.close().unwrap();
        let left: Vec<_> = segments(&place.log()).unwrap().iter().map(|s| s.first_sequence).collect();
        assert_eq!(left, [4, 5]);
        assert_eq!(place.read_from(1, false).first().map(|(number, _)| *number), Some(4));
    }
}

#[test]
fn a_segment_that_was_compressed_since_is_pruned_too() {
    let place = Place::new();
    let (mut journal, _) = place.open(rotated(Rotation::never().max_size(1).max_files(0)));
    one_each(&mut journal, 1..=2);
    let due = prunable(&mut journal, 1);
    journal.close().unwrap();
    let (journal, _) = place.open(rotated(Rotation::never().compress(true)));
    journal.close().unwrap();
    assert!(segments(&place.log()).unwrap()[0].is_compressed());
    let (mut journal, _) = place.open(Options::default());
    journal.prune(&due[0]).unwrap();
    assert_eq!(segments(&place.log()).unwrap(), []);
}

#[test]
fn names_that_anybody_made_up_do_no_harm() {
    let place = Place::new();
    let (mut journal, _) = place.open(rotated(Rotation::never().max_size(1)));
    one_each(&mut journal, 1..=2);
    fs::write(place.directory().join("audit.log.000000000001-000000000001.€€€€€Z"), "x\n").unwrap();
    fs::create_dir(place.directory().join("audit.log.000000000002-000000000009.20231114T221320Z")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(
        "nowhere",
        place.directory().join("audit.log.000000000003-000000000009.20231114T221320Z"),
    )
    .unwrap();
    let read: Vec<u64> = place.read_from(1, false).into_iter().map(|(number, _)| number).collect();
    assert_eq!(read, [1, 2]);
}

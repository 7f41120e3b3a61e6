//! The file is deleted, replaced, cut or written to while the journal is open.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;

use audit_journal::{Incident, Journal, Options, Rotation, Tampering, segments};
use common::{Place, at, number_of, record, records, tampering, text, truncate, write_into};

fn options(numbered: bool) -> Options {
    if numbered { Options::default().numbered_by(number_of) } else { Options::default() }
}

fn append(journal: &mut Journal, numbers: std::ops::RangeInclusive<u64>) {
    let count = numbers.clone().count() as u64;
    journal.append(records(numbers).as_bytes(), count, at(0)).unwrap();
}

/// What three acknowledged records, `harm` and more appends leave. `rotating`: the next append finds the file full.
struct Case {
    harm: fn(&Place),
    present: Vec<u64>,
    told: fn(&Place, &[Tampering]) -> bool,
}

fn check(case: &Case) {
    for numbered in [false, true] {
        for rotating in [false, true] {
            // A batch larger than the file so far is found, too, and a smaller one.
            for batch in [1, 20] {
                let place = Place::new();
                let full = if rotating { records(1..=3).len() as u64 } else { u64::MAX };
                let options = options(numbered).rotation(Rotation::never().max_size(full));
                let (mut journal, _) = place.open(options.clone());
                append(&mut journal, 1..=3);
                (case.harm)(&place);
                append(&mut journal, 4..=3 + batch);
                let told = tampering(&mut journal);
                assert!((case.told)(&place, &told), "{told:?}");
                append(&mut journal, 4 + batch..=4 + batch);
                assert_eq!(journal.take_incidents(), []);
                let present: Vec<u64> = case.present.iter().copied().chain(4..=4 + batch).collect();
                for _ in 0..2 {
                    assert_eq!(place.content(), records(present.clone()));
                    for first in 1..=5 {
                        let read: Vec<_> = place.read_from(first, numbered);
                        let expected = present.iter().filter(|number| **number >= first);
                        let expected: Vec<_> =
                            expected.map(|n| (*n, record(*n, 10).trim_end().to_owned())).collect();
                        assert_eq!(read, expected);
                    }
                    drop(journal);
                    let (reopened, recovery) = place.open(options.clone());
                    assert_eq!(recovery.last_sequence, 4 + batch);
                    journal = reopened;
                }
            }
        }
    }
}

#[test]
fn deleted() {
    check(&Case {
        harm: |place| fs::remove_file(place.log()).unwrap(),
        present: vec![1, 2, 3],
        told: |_, told| matches!(told, [Tampering::Removed { restored }] if restored.exists()),
    });
}

#[test]
fn deleted_with_its_directory_made_anew() {
    let place = Place::new();
    let log = place.directory().join("sub/audit.log");
    let (mut journal, _) = Journal::open(&log, Options::default(), at(0)).unwrap();
    append(&mut journal, 1..=3);
    fs::remove_dir_all(log.parent().unwrap()).unwrap();
    append(&mut journal, 4..=4);
    append(&mut journal, 5..=5);
    assert_eq!(text(&segments(&log).unwrap()[0].path) + &text(&log), records(1..=5));
}

#[test]
fn replaced() {
    check(&Case {
        harm: |place| {
            fs::rename(place.log(), place.directory().join("audit.log.1")).unwrap();
            fs::write(place.log(), "hello\n").unwrap();
        },
        present: vec![1, 2, 3],
        told: |_, told| matches!(told, [Tampering::Replaced { moved_aside, .. }] if text(moved_aside) == "hello\n"),
    });
}

#[cfg(unix)]
#[test]
fn replaced_by_what_is_no_file() {
    let replacements: [fn(&Place); 4] = [
        |place| fs::create_dir(place.log()).unwrap(),
        |place| std::os::unix::fs::symlink("nowhere", place.log()).unwrap(),
        |place| std::os::unix::fs::symlink("/dev/null", place.log()).unwrap(),
        |place| assert!(std::process::Command::new("mkfifo").arg(place.log()).status().unwrap().success()),
    ];
    for replace in replacements {
        let place = Place::new();
        let (mut journal, _) = place.open(Options::default());
        append(&mut journal, 1..=3);
        fs::remove_file(place.log()).unwrap();
        replace(&place);
        let _ = place.read_from(1, true);
        append(&mut journal, 4..=4);
        let told = tampering(&mut journal);
        assert!(matches!(&told[..], [Tampering::Replaced { .. }]), "{told:?}");
        append(&mut journal, 5..=5);
        assert_eq!(place.content(), records(1..=5));
    }
}

#[test]
fn truncated_to_nothing() {
    check(&Case {
        harm: |place| truncate(&place.log(), 0),
        present: vec![],
        told: |_, told| {
            matches!(told, [Tampering::Shortened { bytes, lost: Some((1, 3)) }]
            if *bytes == records(1..=3).len() as u64)
        },
    });
}

#[test]
fn truncated_at_a_line() {
    check(&Case {
        harm: |place| truncate(&place.log(), records(1..=2).len() as u64),
        present: vec![1, 2],
        told: |_, told| matches!(told, [Tampering::Shortened { lost: Some((3, 3)), .. }]),
    });
}

#[test]
fn truncated_in_the_middle_of_a_line() {
    check(&Case {
        harm: |place| truncate(&place.log(), records(1..=2).len() as u64 - 1),
        present: vec![1],
        told: |_, told| matches!(told, [Tampering::Shortened { lost: Some((2, 3)), .. }]),
    });
}

#[test]
fn appended_to() {
    for foreign in ["hello\n", "half a line", "\n", "\0\0\0\0"] {
        let place = Place::new();
        let (mut journal, _) = place.open(Options::default());
        append(&mut journal, 1..=3);
        write_into(&place.log(), foreign);
        append(&mut journal, 4..=4);
        let told = tampering(&mut journal);
        assert!(
            matches!(&told[..], [Tampering::Extended { bytes, moved_aside }]
            if text(moved_aside) == foreign && *bytes == foreign.len() as u64),
            "{told:?}"
        );
        assert_eq!(place.content(), records(1..=4));
    }
    check(&Case {
        harm: |place| write_into(&place.log(), "hello\n"),
        present: vec![1, 2, 3],
        told: |_, told| matches!(told, [Tampering::Extended { bytes: 6, moved_aside }] if text(moved_aside) == "hello\n"),
    });
}

#[test]
fn appended_to_and_deleted() {
    check(&Case {
        harm: |place| {
            write_into(&place.log(), "hello\n");
            fs::remove_file(place.log()).unwrap();
        },
        present: vec![1, 2, 3],
        told: |_, told| matches!(told, [Tampering::Extended { bytes: 6, .. }, Tampering::Removed { .. }]),
    });
}

#[test]
fn truncated_and_deleted() {
    check(&Case {
        harm: |place| {
            truncate(&place.log(), records(1..=1).len() as u64);
            fs::remove_file(place.log()).unwrap();
        },
        present: vec![1],
        told: |_, told| {
            matches!(told, [Tampering::Shortened { lost: Some((2, 3)), .. }, Tampering::Removed { .. }])
        },
    });
}

// `echo hello > audit.log`. Only numbered records can be told from the foreign line.
#[test]
fn overwritten() {
    for foreign in ["hello\n", &"a much longer text\n".repeat(20)] {
        for batch in [4..=4, 4..=23] {
            let place = Place::new();
            let (mut journal, _) = place.open(options(true));
            append(&mut journal, 1..=3);
            truncate(&place.log(), 0);
            write_into(&place.log(), foreign);
            append(&mut journal, batch.clone());
            let told = tampering(&mut journal);
            assert!(
                matches!(&told[..], [Tampering::Shortened { lost: Some((1, 3)), .. },
                Tampering::Extended { moved_aside, .. }] if text(moved_aside) == foreign),
                "{told:?}"
            );
            assert_eq!(place.content(), records(batch));
        }
    }
}

#[test]
fn while_it_is_empty() {
    let harms: [fn(&Place); 4] = [
        |place| fs::remove_file(place.log()).unwrap(),
        |place| write_into(&place.log(), "hello\n"),
        |place| {
            fs::remove_file(place.log()).unwrap();
            fs::write(place.log(), "hello\n").unwrap();
        },
        |place| {
            fs::rename(place.log(), place.directory().join("audit.log.1")).unwrap();
            fs::write(place.log(), "").unwrap();
        },
    ];
    for harm in harms {
        for numbered in [false, true] {
            let place = Place::new();
            let (mut journal, _) = place.open(options(numbered));
            harm(&place);
            journal.check(at(0)).unwrap();
            append(&mut journal, 1..=2);
            assert_eq!(tampering(&mut journal).len(), 1);
            append(&mut journal, 3..=3);
            assert_eq!(place.content(), records(1..=3));
            let read: Vec<u64> = place.read_from(1, numbered).into_iter().map(|(number, _)| number).collect();
            assert_eq!(read, [1, 2, 3]);
        }
    }
}

#[test]
fn in_a_pause_and_at_the_end() {
    for closing in [false, true] {
        let place = Place::new();
        let (mut journal, _) = place.open(Options::default());
        append(&mut journal, 1..=3);
        fs::remove_file(place.log()).unwrap();
        if closing {
            journal.close().unwrap();
        } else {
            journal.check(at(0)).unwrap();
            assert_eq!(tampering(&mut journal).len(), 1);
            journal.check(at(0)).unwrap();
            assert_eq!(journal.take_incidents(), []);
        }
        assert_eq!(place.content(), records(1..=3));
    }
}

#[test]
fn a_failed_rescue_is_repeated() {
    let place = Place::new();
    let (mut journal, _) = place.open(Options::default());
    append(&mut journal, 1..=3);
    fs::remove_file(place.log()).unwrap();
    // The copy cannot be made.
    let obstacle = place.directory().join(".audit.log.restoring");
    fs::create_dir(&obstacle).unwrap();
    for _ in 0..2 {
        assert!(journal.append(records(4..=6).as_bytes(), 3, at(0)).is_err());
    }
    fs::remove_dir(&obstacle).unwrap();
    append(&mut journal, 4..=4);
    assert!(matches!(&tampering(&mut journal)[..], [Tampering::Removed { .. }]));
    append(&mut journal, 5..=5);
    assert_eq!(place.content(), records(1..=5));
}

#[test]
fn a_rotation_without_a_new_file_is_finished_later() {
    let place = Place::new();
    let (mut journal, _) = place.open(Options::default().rotation(Rotation::never().max_size(1)));
    append(&mut journal, 1..=3);
    fs::create_dir(place.log().with_file_name("audit.log.000000000001-000000000003.20231114T221320Z"))
        .unwrap();
    assert!(journal.append(records([4]).as_bytes(), 1, at(0)).is_err());
    assert_eq!(text(&place.log()), records(1..=3));
    journal.append(records([4]).as_bytes(), 1, at(1)).unwrap();
    assert_eq!(place.content(), records(1..=4));
}

#[test]
fn a_rescue_that_a_crash_cut_short_is_finished() {
    for end in ["", "record 3 to"] {
        let place = Place::new();
        fs::write(place.directory().join(".audit.log.restoring"), records(1..=2) + end).unwrap();
        let (mut journal, recovery) = place.open(options(true));
        assert_eq!(recovery.last_sequence, 2);
        assert!(matches!(&journal.take_incidents()[..], [Incident::Tampered(Tampering::Removed { .. })]));
        append(&mut journal, 3..=3);
        assert_eq!(place.content(), records(1..=3));
    }
}

//! Appending, reopening, and what a crash leaves at the end of the file.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;

use audit_journal::{Journal, Options};
use common::{Place, at, number_of, record, records, text, write_into};

#[test]
fn lines_and_numbers_are_there_after_reopening() {
    for options in
        [Options::default(), Options::default().sync(false), Options::default().numbered_by(number_of)]
    {
        let place = Place::new();
        for round in 0..3 {
            let (mut journal, recovery) = place.open(options.clone());
            assert_eq!(
                (recovery.last_sequence, recovery.torn_bytes, recovery.foreign_lines),
                (round * 3, 0, 0)
            );
            let last = (round > 0).then(|| record(round * 3, 10).trim_end().as_bytes().to_vec());
            assert_eq!(recovery.last_line, last);
            journal.append(records([round * 3 + 1]).as_bytes(), 1, at(0)).unwrap();
            journal.append(records([round * 3 + 2, round * 3 + 3]).as_bytes(), 2, at(0)).unwrap();
            assert_eq!(journal.next_sequence(), round * 3 + 4);
            journal.close().unwrap();
        }
        assert_eq!(text(&place.log()), records(1..=9));
        assert_eq!(place.files(), [".audit.log.head", ".audit.log.lock", "audit.log"]);
    }
}

#[test]
fn a_torn_line_is_cut_wherever_it_is_torn() {
    let torn = record(3, 10);
    for length in 0..torn.len() {
        for numbered in [false, true] {
            let place = Place::new();
            fs::write(place.log(), records(1..=2) + &torn[..length]).unwrap();
            let options =
                if numbered { Options::default().numbered_by(number_of) } else { Options::default() };
            let (mut journal, recovery) = place.open(options);
            assert_eq!((recovery.torn_bytes, recovery.last_sequence), (length as u64, 2));
            assert_eq!(recovery.last_line.as_deref(), Some(record(2, 10).trim_end().as_bytes()));
            journal.append(torn.as_bytes(), 1, at(0)).unwrap();
            assert_eq!(text(&place.log()), records(1..=3));
        }
    }
}

#[test]
fn a_log_of_nothing_but_a_torn_line_begins_anew() {
    let place = Place::new();
    write_into(&place.log(), "record 1");
    let (mut journal, recovery) = place.open(Options::default());
    assert_eq!((recovery.torn_bytes, recovery.last_sequence, recovery.last_line), (8, 0, None));
    journal.append(records([1]).as_bytes(), 1, at(0)).unwrap();
    assert_eq!(place.content(), records([1]));
}

// XFS and ext4 may have the new length on disk before the data.
#[test]
fn nuls_at_the_end_are_cut_and_lines_with_nuls_are_no_records() {
    for (end, torn, foreign) in [("\0".repeat(5000), 5000, 0), ("\0".repeat(5000) + "\n", 0, 1)] {
        for options in [Options::default(), Options::default().numbered_by(number_of)] {
            let place = Place::new();
            fs::write(place.log(), records(1..=2) + &end).unwrap();
            let (mut journal, recovery) = place.open(options);
            assert_eq!(
                (recovery.torn_bytes, recovery.foreign_lines, recovery.last_sequence),
                (torn, foreign, 2)
            );
            journal.append(records([3]).as_bytes(), 1, at(0)).unwrap();
            journal.close().unwrap();
            let read: Vec<u64> = place.read_from(1, false).into_iter().map(|(number, _)| number).collect();
            assert_eq!(read, [1, 2, 3]);
        }
    }
}

#[test]
fn foreign_lines_at_the_end_are_kept_and_are_no_records() {
    let place = Place::new();
    fs::write(place.log(), records(1..=2) + "hello\nworld\n").unwrap();
    let (mut journal, recovery) = place.open(Options::default().numbered_by(number_of));
    assert_eq!((recovery.foreign_lines, recovery.last_sequence), (2, 2));
    drop(journal);
    // Now the active file is empty, and the newest segment ends with lines that are no records.
    let (reopened, recovery) = place.open(Options::default().numbered_by(number_of));
    assert_eq!(recovery.last_line.as_deref(), Some(record(2, 10).trim_end().as_bytes()));
    journal = reopened;
    journal.append(records([3]).as_bytes(), 1, at(0)).unwrap();
    assert_eq!(place.content(), records(1..=2) + "hello\nworld\n" + &records([3]));
    for first in 1..=3 {
        let read: Vec<u64> = place.read_from(first, true).into_iter().map(|(number, _)| number).collect();
        assert_eq!(read, (first..=3).collect::<Vec<_>>());
    }
}

#[test]
fn a_file_of_foreign_lines_is_kept_beside_the_log() {
    let place = Place::new();
    for round in 0..2 {
        fs::write(place.log(), format!("hello {round}\n")).unwrap();
        let (_, recovery) = place.open(Options::default().numbered_by(number_of));
        assert_eq!((recovery.foreign_lines, recovery.last_sequence), (1, 0));
    }
    let kept: Vec<String> = place.files().into_iter().filter(|name| name.contains(".before-")).collect();
    assert_eq!(kept, ["audit.log.before-20231114T221320Z", "audit.log.before-20231114T221320Z-2"]);
}

/// Going by the names alone, the log's own records would be foreign, and the next one numbered a million millions.
#[test]
fn a_planted_segment_does_not_turn_the_records_out() {
    let place = Place::new();
    let numbered = || Options::default().numbered_by(number_of);
    let (mut journal, _) = place.open(numbered());
    journal.append(records(1..=5).as_bytes(), 5, at(0)).unwrap();
    journal.close().unwrap();
    let planted = place.directory().join("audit.log.000000000001-999999999999.20261121T000000Z");
    for content in [String::new(), records([1]).replace("record", "rec0rd")] {
        fs::write(&planted, content).unwrap();
        let (mut journal, recovery) = place.open(numbered());
        assert_eq!((recovery.last_sequence, recovery.foreign_lines), (5, 0));
        assert_eq!(journal.take_incidents().len(), 1, "it is told");
        assert!(!planted.exists());
    }
    assert_eq!(place.content(), records(1..=5));
}

#[test]
fn an_older_copy_in_the_logs_place_does_not_turn_the_numbers_back() {
    let place = Place::new();
    let (mut journal, _) = place.open(Options::default().numbered_by(number_of));
    journal.append(records(1..=5).as_bytes(), 5, at(0)).unwrap();
    journal.skip_to(8, at(0)).unwrap();
    drop(journal);
    fs::write(place.log(), records(1..=3)).unwrap();
    let (journal, recovery) = place.open(Options::default().numbered_by(number_of));
    assert_eq!((recovery.foreign_lines, recovery.last_sequence, journal.next_sequence()), (3, 7, 8));
}

#[test]
fn a_skipped_number_is_skipped_for_everybody() {
    for numbered in [false, true] {
        let options = if numbered { Options::default().numbered_by(number_of) } else { Options::default() };
        let place = Place::new();
        let (mut journal, _) = place.open(options.clone());
        journal.skip_to(5, at(0)).unwrap();
        journal.skip_to(4, at(0)).unwrap();
        journal.append(records([5]).as_bytes(), 1, at(0)).unwrap();
        journal.skip_to(10, at(0)).unwrap();
        drop(journal);
        let (mut journal, recovery) = place.open(options);
        assert_eq!(recovery.last_line.as_deref(), Some(record(5, 10).trim_end().as_bytes()));
        assert_eq!(journal.next_sequence(), 10);
        journal.append(records([10]).as_bytes(), 1, at(0)).unwrap();
        let read: Vec<u64> = place.read_from(1, numbered).into_iter().map(|(number, _)| number).collect();
        assert_eq!(read, [5, 10]);
    }
}

#[test]
fn a_rotation_that_a_crash_cut_short_is_gone_on_with() {
    let place = Place::new();
    let (mut journal, _) = place.open(Options::default());
    journal.append(records(1..=2).as_bytes(), 2, at(0)).unwrap();
    drop(journal);
    // Between the rename and the new active file.
    fs::rename(
        place.log(),
        place.log().with_file_name("audit.log.000000000001-000000000002.20231114T221320Z"),
    )
    .unwrap();
    let (mut journal, recovery) = place.open(Options::default());
    assert_eq!((recovery.last_sequence, recovery.last_line.is_some()), (2, true));
    journal.append(records([3]).as_bytes(), 1, at(0)).unwrap();
    assert_eq!(place.content(), records(1..=3));
}

#[test]
fn the_head_is_what_was_written_last() {
    let place = Place::new();
    let (mut journal, _) = place.open(Options::default());
    assert_eq!(journal.read_head().unwrap(), b"");
    for content in [&b"a long head"[..], b"short", b"", b"longer again", b"x"] {
        journal.write_head(content).unwrap();
        assert_eq!(journal.read_head().unwrap(), content);
    }
    journal.close().unwrap();
    let (mut journal, _) = place.open(Options::default());
    journal.write_head(b"").unwrap();
    assert_eq!(journal.read_head().unwrap(), b"");
}

#[test]
fn what_is_no_file_is_refused() {
    let place = Place::new();
    fs::create_dir(place.log()).unwrap();
    assert!(Journal::open(&place.log(), Options::default(), at(0)).is_err());
    #[cfg(unix)]
    {
        fs::remove_dir(place.log()).unwrap();
        std::os::unix::fs::symlink("/dev/null", place.log()).unwrap();
        let error = Journal::open(&place.log(), Options::default(), at(0)).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
    }
}

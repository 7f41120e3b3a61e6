//! What happens to log files, one thing at a time.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod place;

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use audit_source_file::{FileOptions, FileSource, Start};
use place::{Place, append, append_lines, copy_and_truncate, line};

#[test]
fn a_file_that_comes_later_is_read_from_its_beginning() {
    let place = Place::new();
    let running = place.run_with(place.options().start(Start::End));
    while running.intake.status().failing.is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let failing = running.intake.status().failing.unwrap();
    assert!(
        failing.starts_with("waiting for ") && failing.ends_with("app.log, which is not there"),
        "{failing}"
    );
    append_lines(&place.file(), 0..3);
    place.until(&[0, 1, 2]);
    while running.intake.status().failing.is_some() || running.intake.status().lag != Some(0) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let event = &place.events()[1];
    assert_eq!(event["received"]["source"], "app");
    assert_eq!(event["received"]["path"], place.file().to_str().unwrap());
    assert_eq!(event["received"]["offset"], line(0).len());
    running.stop();
}

#[test]
fn from_the_end_only_what_is_written_from_now_on_is_read() {
    let place = Place::new();
    append_lines(&place.file(), 0..3);
    append(&place.file(), r#"{"event_type":"backup.started","#);
    let running = place.run_with(place.options().start(Start::End));
    while !place.state().exists() || fs::read_dir(place.state()).unwrap().count() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    append(&place.file(), "\"details\":{\"n\":3}}\n");
    append_lines(&place.file(), 4..5);
    place.until(&[3, 4]);
    running.stop();
    append_lines(&place.file(), 5..6);
    let running = place.run_with(place.options().start(Start::End));
    place.until(&[3, 4, 5]);
    running.stop();
}

#[test]
fn a_stop_and_a_start_read_nothing_twice_and_leave_nothing_out() {
    let place = Place::new();
    for round in 0..5 {
        append_lines(&place.file(), round * 10..round * 10 + 10);
        let running = place.run();
        place.until(&(0..round * 10 + 10).collect::<Vec<_>>());
        running.stop();
    }
    assert_eq!(place.gaps().len(), 0);
}

#[test]
fn a_last_line_waits_for_its_end_or_for_the_rotation() {
    let place = Place::new();
    let running = place.run();
    append_lines(&place.file(), 0..1);
    let (first, second) = (line(1), line(2));
    append(&place.file(), &first[..10]);
    place.until(&[0]);
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(place.numbers(), [0], "whoever writes it may go on");
    append(&place.file(), &first[10..]);
    place.until(&[0, 1]);
    append(&place.file(), second.trim_end());
    fs::rename(place.file(), place.beside("app.log.1")).unwrap();
    append_lines(&place.file(), 3..4);
    place.until_that(|place| place.numbers().len() == 4, |place| format!("{:?}", place.numbers()));
    assert!(place.numbers().contains(&2), "{:?}", place.numbers());
    running.stop();
    assert_eq!(place.rejects().len(), 0);
}

/// Not every writer reopens its log at once.
#[test]
fn what_is_written_to_a_rotated_file_is_read_though_it_was_removed() {
    let place = Place::new();
    append_lines(&place.file(), 0..2);
    let running = place.run();
    place.until(&[0, 1]);
    let mut writer = fs::OpenOptions::new().append(true).open(place.file()).unwrap();
    let rotated = place.beside("app.log.1");
    fs::rename(place.file(), &rotated).unwrap();
    append_lines(&place.file(), 2..3);
    place.until(&[0, 1, 2]);
    std::io::Write::write_all(&mut writer, line(3).as_bytes()).unwrap();
    place.until(&[0, 1, 2, 3]);
    // As compressing it does.
    fs::write(place.beside("app.log.1.gz"), "compressed").unwrap();
    std::io::Write::write_all(&mut writer, line(4).as_bytes()).unwrap();
    fs::remove_file(&rotated).unwrap();
    append_lines(&place.file(), 5..6);
    place.until_that(|place| place.numbers().len() == 6, |place| format!("{:?}", place.numbers()));
    running.stop();
    assert_eq!(place.gaps().len(), 0);
}

#[test]
fn several_rotations_while_nobody_reads_are_read_in_their_order() {
    let place = Place::new();
    append_lines(&place.beside("app.log.9"), 900..903);
    append_lines(&place.file(), 0..5);
    let running = place.run();
    place.until(&[0, 1, 2, 3, 4]);
    running.stop();
    append_lines(&place.file(), 5..7);
    for rotation in 0..3_u64 {
        for number in (1..=rotation).rev() {
            fs::rename(
                place.beside(&format!("app.log.{number}")),
                place.beside(&format!("app.log.{}", number + 1)),
            )
            .unwrap();
        }
        fs::rename(place.file(), place.beside("app.log.1")).unwrap();
        append_lines(&place.file(), 7 + rotation * 2..9 + rotation * 2);
    }
    let running = place.run();
    place.until(&(0..13).collect::<Vec<_>>());
    running.stop();
    assert_eq!(place.gaps().len(), 0, "{:?}", place.gaps());
}

#[test]
fn copytruncate_while_nobody_reads_loses_nothing() {
    let place = Place::new();
    append_lines(&place.file(), 0..5);
    let running = place.run();
    place.until(&[0, 1, 2, 3, 4]);
    running.stop();
    append_lines(&place.file(), 5..8);
    copy_and_truncate(&place.file(), &place.beside("app.log-20261121"));
    append_lines(&place.file(), 8..20);
    copy_and_truncate(&place.file(), &place.beside("app.log-20261122"));
    append_lines(&place.file(), 20..40);
    let running = place.run();
    place.until(&(0..40).collect::<Vec<_>>());
    running.stop();
    assert_eq!(place.gaps().len(), 0, "{:?}", place.gaps());
}

/// A ConfigMap's files are behind a link that is replaced.
#[test]
fn a_link_that_is_swapped_is_a_rotation() {
    let place = Place::new();
    let (one, two) = (place.beside("one"), place.beside("two"));
    append_lines(&one, 0..2);
    symlink("one", place.file()).unwrap();
    let running = place.run();
    place.until(&[0, 1]);
    append_lines(&one, 2..3);
    append_lines(&two, 3..5);
    symlink("two", place.beside("next")).unwrap();
    fs::rename(place.beside("next"), place.file()).unwrap();
    place.until(&[0, 1, 2, 3, 4]);
    // And back: what is known of it is not read again.
    append_lines(&one, 5..6);
    symlink("one", place.beside("next")).unwrap();
    fs::rename(place.beside("next"), place.file()).unwrap();
    place.until(&[0, 1, 2, 3, 4, 5]);
    running.stop();
    assert_eq!(place.gaps().len(), 0);
}

#[test]
fn a_file_that_was_written_anew_is_noticed_and_told() {
    let place = Place::new();
    append_lines(&place.file(), 0..3);
    // Long pauses, so that it happens between two looks.
    let running = place.run_with(place.options().poll(Duration::from_secs(1)));
    place.until(&[0, 1, 2]);
    std::thread::sleep(Duration::from_millis(700));
    fs::write(place.file(), (10..20).map(line).collect::<String>()).unwrap();
    let expected: Vec<u64> = (0..3).chain(10..20).collect();
    place.until(&expected);
    running.stop();
    let gaps = place.gaps();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0]["details"]["offset"], 3 * line(0).len());
    assert_eq!(gaps[0]["resource"]["path"], place.file().to_str().unwrap());
    assert!(gaps[0]["details"]["reason"].as_str().unwrap().contains("written anew"), "{gaps:?}");
}

#[test]
fn a_file_that_was_replaced_or_restored_while_nobody_read_is_noticed() {
    let place = Place::new();
    append_lines(&place.file(), 0..3);
    let running = place.run();
    place.until(&[0, 1, 2]);
    running.stop();
    // Under the same inode, and longer.
    fs::write(place.file(), (10..20).map(line).collect::<String>()).unwrap();
    let running = place.run();
    place.until(&(0..3).chain(10..20).collect::<Vec<_>>());
    running.stop();
    assert_eq!(place.gaps().len(), 1);
    // Under another inode, with the same content: a restored file is the same file.
    let text = fs::read(place.file()).unwrap();
    fs::write(place.beside("copy"), text).unwrap();
    fs::rename(place.beside("copy"), place.file()).unwrap();
    append_lines(&place.file(), 20..21);
    let running = place.run();
    place.until(&(0..3).chain(10..21).collect::<Vec<_>>());
    running.stop();
    assert_eq!(place.gaps().len(), 1);
}

#[test]
fn a_file_that_was_truncated_without_a_copy_is_told() {
    let place = Place::new();
    append_lines(&place.file(), 0..30);
    let running = place.run();
    place.until(&(0..30).collect::<Vec<_>>());
    fs::write(place.file(), "").unwrap();
    place.until_that(|place| place.gaps().len() == 1, |place| format!("{:?}", place.gaps()));
    append_lines(&place.file(), 30..32);
    place.until(&(0..32).collect::<Vec<_>>());
    running.stop();
    assert!(place.gaps()[0]["details"]["reason"].as_str().unwrap().contains("truncated"));
}

#[test]
fn a_hole_before_a_line_is_passed_over() {
    let place = Place::new();
    append_lines(&place.file(), 0..2);
    let running = place.run();
    place.until(&[0, 1]);
    let mut file = fs::OpenOptions::new().write(true).open(place.file()).unwrap();
    let end = file.metadata().unwrap().len();
    // Room made in advance, and filled later.
    file.set_len(end + (1 << 20)).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(end)).unwrap();
    std::io::Write::write_all(&mut file, line(2).as_bytes()).unwrap();
    place.until(&[0, 1, 2]);
    append_lines(&place.file(), 3..4);
    place.until(&[0, 1, 2, 3]);
    running.stop();
    assert_eq!(place.gaps().len(), 0);
    assert_eq!(place.rejects().len(), 0);
}

#[test]
fn what_is_no_event_is_set_aside_and_the_rest_goes_on() {
    let place = Place::new();
    append_lines(&place.file(), 0..1);
    append(&place.file(), "no event\n\n  \r\n{\"event_type\":\"audit.source_gap\"}\n");
    // An event, and more behind it than an event may have.
    let long = format!("{}{}", line(99).trim_end(), " ".repeat(audit_source::MAX_EVENT));
    append(&place.file(), &long);
    append(&place.file(), "x\n");
    append_lines(&place.file(), 1..2);
    let running = place.run();
    place.until(&[0, 1]);
    running.stop();
    let rejects = place.rejects();
    assert_eq!(rejects.len(), 3, "{rejects:?}");
    assert_eq!((&rejects[0]["input"], &rejects[0]["line"]), (&"no event".into(), &2.into()));
    assert!(rejects[1]["error"].as_str().unwrap().contains("audit.source_gap"));
    let error = rejects[2]["error"].as_str().unwrap();
    let length = long.len() + 1;
    assert!(
        error.starts_with(&format!("a line of {length} bytes, of which the first 65536 are here")),
        "{error}"
    );
    assert_eq!(rejects[2]["input"].as_str().unwrap().len(), 65536);
    assert!(rejects[2]["input"].as_str().unwrap().starts_with("{\"event_type\":\"backup.started\""));
}

#[test]
fn many_files_by_a_pattern_have_each_its_own_place() {
    let place = Place::new();
    append_lines(&place.beside("a.log"), 0..3);
    append_lines(&place.beside("b.log"), 10..13);
    fs::write(place.beside("c.log.gz"), "compressed").unwrap();
    let pattern = || {
        FileOptions::new(place.beside("*.log*"), place.state())
            .poll(Duration::from_millis(20))
            .settle(Duration::from_millis(300))
    };
    let sorted = |expected: &[u64]| {
        let of = |place: &Place| {
            let mut numbers = place.numbers();
            numbers.sort_unstable();
            numbers
        };
        place.until_that(|place| of(place) == expected, |place| format!("{:?}", of(place)));
    };
    let running = place.run_with(pattern());
    sorted(&[0, 1, 2, 10, 11, 12]);
    // A new one, and one that is renamed to what the pattern matches as well.
    append_lines(&place.beside("d.log"), 20..21);
    fs::rename(place.beside("a.log"), place.beside("a.log.1")).unwrap();
    append_lines(&place.beside("a.log"), 3..4);
    sorted(&[0, 1, 2, 3, 10, 11, 12, 20]);
    std::thread::sleep(Duration::from_millis(1500));
    running.stop();
    append_lines(&place.beside("b.log"), 13..14);
    let running = place.run_with(pattern());
    sorted(&[0, 1, 2, 3, 10, 11, 12, 13, 20]);
    std::thread::sleep(Duration::from_millis(1500));
    running.stop();
    sorted(&[0, 1, 2, 3, 10, 11, 12, 13, 20]);
    assert_eq!(place.gaps().len(), 0, "{:?}", place.gaps());
}

/// A state file from before a crash: the lines behind it are read again, and recognised.
#[test]
fn what_is_read_twice_has_the_same_id() {
    let place = Place::new();
    append_lines(&place.file(), 0..3);
    append(&place.file(), "{\"event_type\":\"auth.login\",\"event_id\":\"mine\"}\n");
    let running = place.run();
    place.until(&[0, 1, 2]);
    running.stop();
    let state = fs::read_dir(place.state()).unwrap().next().unwrap().unwrap().path();
    let before = fs::read(&state).unwrap();
    append_lines(&place.file(), 3..6);
    let running = place.run();
    place.until(&[0, 1, 2, 3, 4, 5]);
    running.stop();
    fs::write(&state, before).unwrap();
    let running = place.run();
    place.until(&[0, 1, 2, 3, 4, 5, 3, 4, 5]);
    running.stop();
    let ids: Vec<String> =
        place.events().iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids[4..7], ids[7..10]);
    assert_eq!(ids[3], "mine");
    assert_eq!(ids[..7].iter().collect::<std::collections::HashSet<_>>().len(), 7);
}

#[test]
fn positions_that_cannot_be_read_are_an_error_that_says_what_to_do() {
    let place = Place::new();
    append_lines(&place.file(), 0..1);
    let running = place.run();
    place.until(&[0]);
    running.stop();
    let state = fs::read_dir(place.state()).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&state).unwrap();
    assert!(!String::from_utf8_lossy(&whole).contains("backup.started"), "no part of an event is in it");
    for length in 0..whole.len() {
        fs::write(&state, &whole[..length]).unwrap();
        let error = FileSource::open(place.options()).unwrap_err().to_string();
        assert!(error.contains("remove it to begin as if for the first time"), "{error}");
    }
    let error = FileSource::open(FileOptions::new("/x/[", place.state())).unwrap_err().to_string();
    assert!(error.contains("expected a path with"), "{error}");
}

//! What is noted of when a segment's events happened is true, and whatever becomes of the notes, never wrong.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use audit_journal::{Incident, Options, Rotation, segments, times};
use audit_model::Timestamp;
use common::{Place, at, text};
use proptest::prelude::*;

/// `event 17`: it happened 17 seconds after the beginning. Other lines do not say.
fn time_of(line: &[u8]) -> Option<Timestamp> {
    std::str::from_utf8(line.strip_prefix(b"event ")?).ok()?.parse().ok().map(at)
}

/// Lines of ten bytes, two to a segment.
fn options(compress: bool) -> Options {
    Options::default().rotation(Rotation::never().max_size(20).compress(compress)).sync(false)
}

fn line(seconds: Option<i64>) -> String {
    seconds.map_or("what, when\n".into(), |seconds| format!("event {seconds}\n"))
}

fn append(place: &Place, options: Options, now: i64, lines: &[Option<i64>]) {
    let (mut journal, _) = place.open(options);
    for seconds in lines {
        journal.append(line(*seconds).as_bytes(), 1, at(now)).unwrap();
    }
    journal.close().unwrap();
}

fn notes(place: &Place) -> PathBuf {
    place.directory().join(".audit.log.times")
}

type Known = BTreeMap<(u64, u64), (Timestamp, Timestamp)>;

fn known(log: &Path) -> Known {
    let found = times(log).unwrap();
    found
        .iter()
        .map(|of| ((of.segment.first_sequence, of.segment.last_sequence), (of.earliest, of.latest)))
        .collect()
}

/// What reading all segments says.
fn truth(log: &Path) -> Known {
    let mut truth = Known::new();
    for segment in segments(log).unwrap() {
        let times: Option<Vec<Timestamp>> =
            text(&segment.path).lines().map(|line| time_of(line.as_bytes())).collect();
        if let Some(times) = times.filter(|times| !times.is_empty()) {
            let span = (*times.iter().min().unwrap(), *times.iter().max().unwrap());
            truth.insert((segment.first_sequence, segment.last_sequence), span);
        }
    }
    truth
}

/// Opens the log so often that each segment has been looked through: one is each time.
fn catch_up(place: &Place, options: &Options) {
    for _ in 0..=segments(&place.log()).unwrap().len() {
        place.open(options.clone()).0.close().unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn of_each_segment_that_says_and_of_no_other(
        (lines, compress) in (prop::collection::vec(prop::option::weighted(0.9, -1000..1000_i64), 1..16), any::<bool>())
    ) {
        let place = Place::new();
        let options = options(compress).times_by(time_of);
        append(&place, options.clone(), 0, &lines);
        catch_up(&place, &options);
        prop_assert_eq!(known(&place.log()), truth(&place.log()));
    }
}

#[test]
fn the_first_and_last_time_in_any_order() {
    let place = Place::new();
    let rotation = Rotation::never().max_size(40);
    append(
        &place,
        Options::default().rotation(rotation).times_by(time_of),
        0,
        &[5, -7, 300, 4, 1, 1, 2, 3].map(Some),
    );
    assert_eq!(known(&place.log()), BTreeMap::from([((1, 4), (at(-7), at(300)))]));
    assert_eq!(
        fs::read_to_string(notes(&place)).unwrap(),
        "{\"first_sequence\":1,\"last_sequence\":4,\"rotated\":\"20231114T221320Z\",\
         \"earliest\":\"2023-11-14T22:13:13.000Z\",\"latest\":\"2023-11-14T22:18:20.000Z\"}\n"
    );
}

#[test]
fn a_log_from_before_is_caught_up_with() {
    let place = Place::new();
    let lines: Vec<_> = (0..40).map(Some).collect();
    append(&place, options(true), 0, &lines);
    assert_eq!(known(&place.log()), Known::new());
    assert!(!notes(&place).exists(), "nobody asked for it");
    catch_up(&place, &options(true).times_by(time_of));
    assert!(truth(&place.log()).len() > 10);
    assert_eq!(known(&place.log()), truth(&place.log()));
}

#[test]
fn while_it_is_written_a_journal_catches_up_by_itself() {
    let place = Place::new();
    append(&place, options(false), 0, &(0..40).map(Some).collect::<Vec<_>>());
    let (journal, _) = place.open(options(false).times_by(time_of));
    while known(&place.log()) != truth(&place.log()) {
        std::thread::yield_now();
    }
    journal.close().unwrap();
}

#[test]
fn notes_that_were_cut_or_spoilt_are_never_wrong_and_are_made_anew() {
    let place = Place::new();
    let options = options(true).times_by(time_of);
    append(&place, options.clone(), 0, &[Some(1), Some(2), None, Some(4), Some(5), Some(6), Some(7)]);
    catch_up(&place, &options);
    let truth = truth(&place.log());
    assert_eq!((truth.len(), known(&place.log())), (2, truth.clone()));
    let whole = fs::read(notes(&place)).unwrap();
    let is_true = |what: &str| {
        for (segment, span) in known(&place.log()) {
            assert_eq!(truth.get(&segment), Some(&span), "{what}");
        }
    };
    for length in 0..whole.len() {
        fs::write(notes(&place), &whole[..length]).unwrap();
        is_true("cut");
        if length % 90 == 0 {
            catch_up(&place, &options);
            assert_eq!(known(&place.log()), truth, "after {length} bytes");
        }
        let mut spoilt = whole.clone();
        // As a power loss leaves it.
        spoilt[length..].fill(0);
        fs::write(notes(&place), &spoilt).unwrap();
        is_true("zeroed");
        spoilt.truncate(length);
        spoilt.extend(&whole);
        fs::write(notes(&place), &spoilt).unwrap();
        is_true("written twice");
    }
    // One that is torn costs only itself: one look makes up for it.
    fs::write(notes(&place), &whole[..whole.len() - 5]).unwrap();
    append(&place, options, 0, &[]);
    assert_eq!(known(&place.log()), truth);
    let backwards =
        String::from_utf8(whole.clone()).unwrap().replace("earliest", "last").replace("latest", "earliest");
    fs::write(notes(&place), backwards.replace("\"last\"", "\"latest\"")).unwrap();
    assert_eq!(known(&place.log()), Known::new());
    let two = String::from_utf8(whole).unwrap();
    fs::write(notes(&place), two.replace("22:13:21", "22:13:20") + &two).unwrap();
    is_true("two that differ");
}

#[test]
fn another_log_in_the_same_place_gets_its_own() {
    let place = Place::new();
    let without = options(false);
    let options = without.clone().times_by(time_of);
    append(&place, options.clone(), 0, &[1, 2, 3, 4, 5].map(Some));
    catch_up(&place, &options);
    let before = known(&place.log());
    assert_eq!(before.len(), 2);
    for segment in segments(&place.log()).unwrap() {
        fs::remove_file(segment.path).unwrap();
    }
    fs::remove_file(place.log()).unwrap();
    fs::remove_file(place.directory().join(".audit.log.head")).unwrap();
    append(&place, without, 77, &[61, 62, 63, 64, 65].map(Some));
    let ranges: Vec<_> =
        segments(&place.log()).unwrap().iter().map(|s| (s.first_sequence, s.last_sequence)).collect();
    assert_eq!(ranges, before.keys().copied().collect::<Vec<_>>(), "the same numbers");
    assert_eq!(known(&place.log()), Known::new());
    catch_up(&place, &options);
    assert_eq!(known(&place.log()), truth(&place.log()));
}

#[test]
fn notes_of_pruned_segments_are_dropped() {
    let place = Place::new();
    let rotation = Rotation::never().max_size(20).max_files(3);
    let options = Options::default().rotation(rotation).sync(false).times_by(time_of);
    for round in 0..4 {
        let (mut journal, _) = place.open(options.clone());
        for seconds in 0..20 {
            journal.append(line(Some(20 * round + seconds)).as_bytes(), 1, at(0)).unwrap();
        }
        // What is to be pruned is found in the background.
        while segments(&place.log()).unwrap().len() > 3 {
            for incident in journal.take_incidents() {
                if let Incident::PruneDue(prunable) = incident {
                    journal.prune(&prunable).unwrap();
                }
            }
            std::thread::yield_now();
        }
        journal.close().unwrap();
    }
    catch_up(&place, &options);
    assert_eq!(known(&place.log()), truth(&place.log()));
    let lines = || fs::read_to_string(notes(&place)).unwrap().lines().count();
    assert!(lines() <= 17, "{} lines", lines());
    let many: String = (1000..1040)
        .map(|number| {
            format!("{{\"first_sequence\":{number},\"last_sequence\":{number},\"rotated\":\"\"}}\n")
        })
        .collect();
    fs::write(notes(&place), many + &fs::read_to_string(notes(&place)).unwrap()).unwrap();
    append(&place, options, 0, &[]);
    assert_eq!(known(&place.log()), truth(&place.log()), "those that are there stay");
    assert_eq!(lines(), 3);
    assert!(!place.files().iter().any(|name| name.ends_with(".times.new")));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    append(&place, options(false).times_by(time_of), 0, &[1, 2, 3].map(Some));
    assert_eq!(notes(&place).metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_cannot_be_unpacked_is_not_known_and_stops_nothing() {
    let place = Place::new();
    append(&place, options(true), 0, &(0..10).map(Some).collect::<Vec<_>>());
    let damaged = segments(&place.log()).unwrap().remove(2);
    let bytes = fs::read(&damaged.path).unwrap();
    for bytes in [&bytes[..bytes.len() - 9], b"not a gzip file"] {
        let _ = fs::remove_file(notes(&place));
        fs::write(&damaged.path, bytes).unwrap();
        catch_up(&place, &options(true).times_by(time_of));
        let known = known(&place.log());
        assert_eq!(known.len(), segments(&place.log()).unwrap().len() - 1);
        assert!(!known.contains_key(&(damaged.first_sequence, damaged.last_sequence)));
    }
}

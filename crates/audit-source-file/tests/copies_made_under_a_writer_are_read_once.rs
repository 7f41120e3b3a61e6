//! `copytruncate` while the writer goes on: what it wrote between the copy and the truncation may have been read, or is lost.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use audit_source_file::FileOptions;
use place::{Place, append_lines, child_argument, line, spawn_child};
use serde_json::Value;

/// A last line that numbers none of what was written.
const END: u64 = 1 << 40;

#[test]
fn each_into_a_file_of_its_own() {
    let rotated =
        Rotated::while_it_is_read(80, |place, rotation| place.beside(&format!("app.log-{rotation:04}")));
    rotated.assert_once();
}

/// Shifted before the copy is made, as `logrotate` does it: which keeps some, and not so many that renaming them all is never over.
#[test]
fn each_into_the_same_name_with_the_older_ones_shifted() {
    let rotated = Rotated::while_it_is_read(20, |place, rotation| {
        for number in (1..=rotation).rev() {
            let (from, to) = (format!("app.log.{number}"), format!("app.log.{}", number + 1));
            fs::rename(place.beside(&from), place.beside(&to)).unwrap();
        }
        place.beside("app.log.1")
    });
    rotated.assert_once();
}

/// The copy before is overwritten: nothing of it is kept but what was read.
#[test]
fn each_over_the_one_before() {
    let place = Place::new();
    append_lines(&place.file(), 0..30);
    let running = place.run();
    place.until(&(0..30).collect::<Vec<_>>());
    let copy = place.beside("app.log.1");
    for rotation in 1..6 {
        fs::copy(place.file(), &copy).unwrap();
        append_lines(&place.file(), rotation * 30..rotation * 30 + 1);
        place.until(&(0..rotation * 30 + 1).collect::<Vec<_>>());
        truncate(&place.file());
        append_lines(&place.file(), rotation * 30 + 1..rotation * 30 + 30);
        place.until(&(0..rotation * 30 + 30).collect::<Vec<_>>());
    }
    running.stop();
    assert_eq!((place.gaps(), place.rejects()), (Vec::new(), Vec::new()));
}

/// Nothing of what is in a copy was read before the file is empty again.
#[test]
fn each_over_the_one_before_between_two_looks() {
    let place = Place::new();
    let running = place.run_with(slow(&place));
    let copy = place.beside("app.log.1");
    let mut next = 100;
    // As long as the one before, longer and shorter.
    for lines in [0, 5, 5, 5, 7, 7, 4, 4, 6] {
        pause();
        append_lines(&place.file(), next..next + lines);
        fs::copy(place.file(), &copy).unwrap();
        truncate(&place.file());
        next += lines;
        place.until(&(100..next).collect::<Vec<_>>());
    }
    running.stop();
    assert_eq!((place.gaps(), place.rejects()), (Vec::new(), Vec::new()));
}

#[test]
fn each_over_the_one_before_of_which_a_part_was_read() {
    let place = Place::new();
    let running = place.run_with(slow(&place));
    let copy = place.beside("app.log.1");
    let mut next = 100;
    for (read, unread) in [(2, 3), (2, 3), (1, 4), (3, 4), (1, 2)] {
        append_lines(&place.file(), next..next + read);
        place.until(&(100..next + read).collect::<Vec<_>>());
        pause();
        next += read;
        append_lines(&place.file(), next..next + unread);
        fs::copy(place.file(), &copy).unwrap();
        truncate(&place.file());
        next += unread;
        place.until(&(100..next).collect::<Vec<_>>());
    }
    running.stop();
    assert_eq!((place.gaps(), place.rejects()), (Vec::new(), Vec::new()));
}

#[test]
fn by_a_pattern_that_the_copies_match() {
    let place = Place::new();
    append_lines(&place.file(), 0..5);
    let options =
        || FileOptions::new(place.beside("app.log*"), place.state()).poll(Duration::from_millis(20));
    let running = place.run_with(options());
    place.until(&[0, 1, 2, 3, 4]);
    fs::copy(place.file(), place.beside("app.log-1")).unwrap();
    append_lines(&place.file(), 5..7);
    place.until(&(0..7).collect::<Vec<_>>());
    // As often as a pattern is looked through.
    std::thread::sleep(Duration::from_millis(1500));
    truncate(&place.file());
    append_lines(&place.file(), 7..9);
    place.until(&(0..9).collect::<Vec<_>>());
    std::thread::sleep(Duration::from_millis(1500));
    running.stop();
    let running = place.run_with(options());
    append_lines(&place.file(), 9..10);
    place.until(&(0..10).collect::<Vec<_>>());
    running.stop();
    assert_eq!(place.gaps(), Vec::<Value>::new());
}

#[test]
fn a_line_that_was_cut_by_it_is_told() {
    let place = Place::new();
    append_lines(&place.file(), 0..30);
    let running = place.run();
    place.until(&(0..30).collect::<Vec<_>>());
    fs::copy(place.file(), place.beside("app.log.1")).unwrap();
    append_lines(&place.file(), 30..31);
    let half = line(31);
    place::append(&place.file(), &half[..half.len() / 2]);
    let written = fs::metadata(place.file()).unwrap().len();
    place.until(&(0..31).collect::<Vec<_>>());
    while running.intake.status().lag != Some(half.len() as u64 / 2) {
        std::thread::sleep(Duration::from_millis(5));
    }
    truncate(&place.file());
    append_lines(&place.file(), 32..34);
    place.until(&(0..31).chain(32..34).collect::<Vec<_>>());
    running.stop();
    let gaps = place.gaps();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0]["details"]["offset"], written - half.len() as u64 / 2);
    assert!(
        gaps[0]["details"]["reason"].as_str().unwrap().contains("behind the end of the copy"),
        "{gaps:?}"
    );
}

/// A copy from long ago says nothing of why a file was truncated.
#[test]
fn a_backup_from_before_hides_no_truncation() {
    let place = Place::new();
    append_lines(&place.file(), 0..30);
    let running = place.run();
    place.until(&(0..30).collect::<Vec<_>>());
    let backup = place.beside("app.log.bak");
    fs::copy(place.file(), &backup).unwrap();
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(600);
    File::options().write(true).open(&backup).unwrap().set_modified(long_ago).unwrap();
    append_lines(&place.file(), 30..32);
    place.until(&(0..32).collect::<Vec<_>>());
    truncate(&place.file());
    append_lines(&place.file(), 32..34);
    place.until_that(|place| place.numbers().len() == 34, |place| format!("{:?}", place.numbers()));
    running.stop();
    assert_eq!(place.gaps().len(), 1);
}

/// Lines that were read, and are in no copy, since the source was killed before it saw the truncation.
#[test]
fn a_truncation_while_nobody_reads_repeats_nothing() {
    let place = Place::new();
    append_lines(&place.file(), 0..30);
    let running = place.run();
    place.until(&(0..30).collect::<Vec<_>>());
    fs::copy(place.file(), place.beside("app.log.1")).unwrap();
    append_lines(&place.file(), 30..40);
    place.until(&(0..40).collect::<Vec<_>>());
    running.stop();
    truncate(&place.file());
    append_lines(&place.file(), 40..42);
    let running = place.run();
    place.until(&(0..42).collect::<Vec<_>>());
    running.stop();
    assert_eq!(place.gaps(), Vec::<Value>::new());
}

const KILLED: &str = "with_a_source_that_is_killed";

#[test]
fn with_a_source_that_is_killed() {
    if let Some(root) = child_argument() {
        let place = Place::of(&root);
        let _running = place.run();
        loop {
            std::thread::park();
        }
    }
    let place = Place::new();
    begin(&place);
    let is_over = AtomicBool::new(false);
    let rotated = std::thread::scope(|scope| {
        let rotating = scope.spawn(|| {
            let rotated =
                rotate(&place, 60, |place, rotation| place.beside(&format!("app.log-{rotation:04}")));
            is_over.store(true, Ordering::Relaxed);
            rotated
        });
        let mut kills = 0;
        let mut random = seed();
        while kills < 15 || !is_over.load(Ordering::Relaxed) {
            let mut child = spawn_child(KILLED, place.root());
            std::thread::sleep(Duration::from_millis(30 + random(200)));
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
        }
        eprintln!("{kills} kills");
        rotating.join().unwrap()
    });
    let running = place.run();
    wait_for_the_end(&place);
    running.stop();
    Rotated { place, rotated }.assert_known();
}

/// A file that was rotated while its writer went on.
struct Rotated {
    place: Place,
    rotated: Written,
}

/// What became of the lines that were written.
struct Written {
    all: u64,
    /// What is in the copies, and in the file.
    kept: BTreeSet<u64>,
}

impl Rotated {
    fn while_it_is_read(rotations: u64, name: impl Fn(&Place, u64) -> PathBuf + Sync) -> Self {
        let place = Place::new();
        begin(&place);
        let running = place.run();
        let rotated = rotate(&place, rotations, name);
        wait_for_the_end(&place);
        running.stop();
        Self { place, rotated }
    }

    fn assert_once(&self) {
        let ids = self.assert_known();
        for gap in self.place.gaps() {
            assert!(
                gap["details"]["reason"].as_str().unwrap().contains("behind the end of the copy"),
                "{gap}"
            );
        }
        assert!(ids.values().all(|ids| ids.len() == 1), "{:?}", ids.iter().find(|(_, ids)| ids.len() > 1));
    }

    /// Whatever is there twice has the same id, and whatever is missing was lost by `copytruncate` itself.
    fn assert_known(&self) -> BTreeMap<u64, Vec<String>> {
        let mut ids: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for event in self.place.events() {
            let Some(number) = event["details"]["n"].as_u64().filter(|number| *number != END) else {
                continue;
            };
            ids.entry(number).or_default().push(event["event_id"].as_str().unwrap().to_owned());
        }
        for (number, ids) in &ids {
            assert!(ids.iter().all(|id| *id == ids[0]), "line {number} is there twice under two ids");
        }
        let unread: Vec<u64> =
            self.rotated.kept.iter().copied().filter(|number| !ids.contains_key(number)).collect();
        assert_eq!(unread, Vec::<u64>::new(), "gaps: {:?}", self.place.gaps());
        let lost: Vec<u64> = (0..self.rotated.all).filter(|number| !ids.contains_key(number)).collect();
        let runs = lost.iter().filter(|number| **number == 0 || ids.contains_key(&(*number - 1))).count();
        let saved = ids.keys().filter(|number| !self.rotated.kept.contains(number)).count();
        let gaps = self.place.gaps();
        eprintln!(
            "{} lines, {} lost in {runs} places, {saved} in no copy and read all the same, gaps {:?}, {} rejects",
            self.rotated.all,
            lost.len(),
            gaps.iter().map(|gap| gap["details"].to_string()).collect::<Vec<_>>(),
            self.place.rejects().len()
        );
        assert!(gaps.len() <= runs, "a gap where nothing is missing: {gaps:?}, and lost {lost:?}");
        for reject in self.place.rejects() {
            let input = reject["input"].as_str().unwrap().to_owned();
            assert!(
                lost.iter().any(|number| line(*number).starts_with(&input)),
                "{reject}, and lost {lost:?}"
            );
        }
        ids
    }
}

/// What is rotated away before the source was there is not its own.
fn begin(place: &Place) {
    File::create(place.file()).unwrap();
    let running = place.run();
    while fs::read_dir(place.state()).unwrap().next().is_none() {
        std::thread::yield_now();
    }
    running.stop();
}

fn wait_for_the_end(place: &Place) {
    place.until_that(|place| place.numbers().contains(&END), |place| format!("{:?}", place.numbers().last()));
}

/// A writer, and beside it copies and truncations.
fn rotate(place: &Place, rotations: u64, name: impl Fn(&Place, u64) -> PathBuf + Sync) -> Written {
    let is_over = AtomicBool::new(false);
    let path = place.file();
    let all = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
            let mut number = 0;
            while !is_over.load(Ordering::Relaxed) {
                file.write_all(line(number).as_bytes()).unwrap();
                number += 1;
                if number % 10 == 0 {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            number
        });
        let mut random = seed();
        for rotation in 0..rotations {
            std::thread::sleep(Duration::from_millis(random(50)));
            // Of an empty copy nobody can tell whose it is.
            while fs::metadata(&path).unwrap().len() == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            fs::copy(&path, name(place, rotation)).unwrap();
            std::thread::sleep(Duration::from_millis([0, 1, 15, 40][random(4) as usize]));
            truncate(&path);
        }
        is_over.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    append_lines(&path, [END]);
    let mut kept = BTreeSet::new();
    for entry in fs::read_dir(place.beside("")).unwrap() {
        let text = fs::read(entry.unwrap().path()).unwrap();
        let whole = text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        let events = whole.map(|line| serde_json::from_slice::<Value>(line).unwrap());
        kept.extend(
            events.map(|event| event["details"]["n"].as_u64().unwrap()).filter(|number| *number != END),
        );
    }
    Written { all, kept }
}

/// Looks that are so far apart that a rotation fits in between.
fn slow(place: &Place) -> FileOptions {
    place.options().poll(Duration::from_millis(300))
}

/// Until they are.
fn pause() {
    std::thread::sleep(Duration::from_millis(700));
}

fn truncate(path: &Path) {
    File::options().write(true).open(path).unwrap().set_len(0).unwrap();
}

fn seed() -> impl FnMut(u64) -> u64 {
    let mut random = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    eprintln!("seed {random}");
    move |below| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    }
}

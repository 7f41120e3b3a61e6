//! A writer that writes flat out and rotates its file, and a source that is killed again and again.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod place;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use place::{Place, child_argument, copy_and_truncate, line, spawn_child};

const ROTATIONS: u64 = 100;
const LINES_EACH: u64 = 300;
const KILLS: u64 = 30;

#[test]
fn rotated_by_rename() {
    survives("rotated_by_rename", |path, to, _| {
        fs::rename(path, to).unwrap();
        OpenOptions::new().append(true).create(true).open(path).unwrap()
    });
}

/// What is written between the copy and the truncation is lost by `copytruncate` itself: here nobody writes then.
#[test]
fn rotated_by_copytruncate() {
    survives("rotated_by_copytruncate", |path, to, file| {
        copy_and_truncate(path, to);
        file
    });
}

fn survives(test: &str, rotate: fn(&Path, &Path, File) -> File) {
    if let Some(root) = child_argument() {
        let place = Place::of(&root);
        let _running = place.run();
        loop {
            std::thread::park();
        }
    }
    let place = Place::new();
    let path = place.file();
    let name = |rotation: u64| place.beside(&format!("app.log-{rotation:06}"));
    let mut file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
    // What was rotated away before the source was there is not its own.
    let running = place.run();
    while fs::read_dir(place.state()).unwrap().next().is_none() {
        std::thread::yield_now();
    }
    running.stop();
    let mut random = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    eprintln!("seed {random}");
    let mut next = move |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for rotation in 0..ROTATIONS {
                for number in 0..LINES_EACH {
                    let text = line(rotation * LINES_EACH + number);
                    // Some lines in two pieces, so that halves are there to be seen.
                    let (first, second) = text.split_at(if number % 7 == 0 { text.len() / 2 } else { 0 });
                    file.write_all(first.as_bytes()).unwrap();
                    file.write_all(second.as_bytes()).unwrap();
                    if number % 20 == 0 {
                        std::thread::sleep(Duration::from_millis(2));
                    }
                }
                file = rotate(&path, &name(rotation), file.try_clone().unwrap());
            }
        });
        let mut kills = 0;
        while kills < KILLS || !writer.is_finished() {
            let mut child = spawn_child(test, place.root());
            std::thread::sleep(Duration::from_millis(30 + next(150)));
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
        }
        eprintln!("{kills} kills");
    });
    let all = ROTATIONS * LINES_EACH;
    let distinct = |place: &Place| place.numbers().into_iter().collect::<HashSet<u64>>().len() as u64;
    let running = place.run();
    place.until_that(
        |place| distinct(place) == all,
        |place| {
            let found: HashSet<u64> = place.numbers().into_iter().collect();
            let missing: Vec<u64> = (0..all).filter(|number| !found.contains(number)).collect();
            format!(
                "{} of {all} lines; missing {:?}; gaps {:?}",
                found.len(),
                &missing[..missing.len().min(20)],
                place.gaps()
            )
        },
    );
    running.stop();

    let mut ids: HashMap<u64, String> = HashMap::new();
    let (mut twice, mut of_id) = (0, HashSet::new());
    for event in place.events() {
        let Some(number) = event["details"]["n"].as_u64() else { continue };
        let id = event["event_id"].as_str().unwrap().to_owned();
        match ids.get(&number) {
            Some(before) => {
                assert_eq!(*before, id, "line {number} is there twice, and nobody can tell");
                twice += 1;
            }
            None => assert!(of_id.insert(id.clone()), "two lines have the id {id}"),
        }
        ids.insert(number, id);
    }
    eprintln!("{twice} lines of {all} are there twice");
    assert_eq!(place.gaps(), Vec::<serde_json::Value>::new(), "nothing was lost, and nothing is said to be");
    assert_eq!(place.rejects(), Vec::<serde_json::Value>::new());
}

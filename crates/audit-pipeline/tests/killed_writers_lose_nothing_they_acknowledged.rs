//! `kill -9` at random moments, over and over, on one log.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod log;

use std::collections::{HashMap, HashSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::sync::mpsc::channel;
use std::time::Duration;

use audit_journal::Rotation;
use audit_pipeline::{Pipeline, Receipt};
use log::{Log, child_argument, event, spawn_child, watchdog};

const ROUNDS: u64 = 60;

#[test]
fn killed_writers_lose_nothing_they_acknowledged() {
    if let Some(argument) = child_argument() {
        return write_until_killed(&argument);
    }
    let _watchdog = watchdog(120);
    let log = Log::new();
    let mut acknowledged: HashMap<String, u64> = HashMap::new();
    let mut emitted = HashSet::new();
    let mut random =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    println!("seed {random}");
    for round in 0..ROUNDS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut child = spawn_child(
            "killed_writers_lose_nothing_they_acknowledged",
            &format!("{round} {}", log.path.display()),
        );
        let output = BufReader::new(child.stdout.take().unwrap());
        let (ready, is_ready) = channel();
        let lines = std::thread::spawn(move || {
            let tell = |line: &String| _ = (line == "ready").then(|| ready.send(()));
            output.lines().map(Result::unwrap).inspect(tell).collect::<Vec<_>>()
        });
        // One in eight is killed while it opens the log.
        if round % 8 != 7 {
            is_ready.recv().expect("the log opens");
        }
        std::thread::sleep(Duration::from_micros((random >> 33) % 40_000));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.join().unwrap() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["emit", name] => drop(emitted.insert(name.to_owned())),
                ["recorded", name, number] => {
                    let number = number.parse().unwrap();
                    assert_eq!(
                        acknowledged.insert(name.to_owned(), number),
                        None,
                        "{name} was answered twice"
                    );
                }
                _ => {}
            }
        }
    }
    // What the last one left is put right when the log is opened once more.
    log.options().rotation(rotation()).start().unwrap().close().unwrap();
    log.assert_intact();
    assert!(acknowledged.len() > ROUNDS as usize, "only {} events: nothing was tested", acknowledged.len());
    assert!(log.files().len() > 2, "nothing was rotated");

    println!("{} acknowledged, {} emitted", acknowledged.len(), emitted.len());
    let mut found = HashMap::new();
    for there in log.found() {
        assert!(emitted.contains(&there.name), "{} was not emitted", there.name);
        assert_eq!(
            found.insert(there.name.clone(), there.sequence_number),
            None,
            "{} is there twice",
            there.name
        );
    }
    for (name, number) in &acknowledged {
        assert_eq!(found.get(name), Some(number), "{name} was acknowledged as record {number}");
    }
}

fn rotation() -> Rotation {
    Rotation::never().max_size(40_000).compress(true)
}

fn say(line: &str) {
    // One write, so that no line is half there.
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn write_until_killed(argument: &str) {
    let (round, path) = argument.split_once(' ').unwrap();
    let mut options = Pipeline::options(path).signing_key(log::key());
    if round.parse::<u64>().unwrap() % 2 == 0 {
        options = options.rotation(rotation());
    }
    let pipeline = options.start().unwrap();
    say("ready");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let pipeline = &pipeline;
            scope.spawn(move || {
                for number in 0.. {
                    let name = format!("{round}-{thread}-{number}");
                    say(&format!("emit {name}"));
                    let receipt = match thread % 4 {
                        0 | 1 => pipeline.emit_blocking(&event(&name)),
                        2 => futures_executor::block_on(pipeline.emit(&event(&name))),
                        _ => pipeline.try_emit(&event(&name)),
                    };
                    if let Ok(Receipt::Recorded { sequence_number }) = receipt {
                        say(&format!("recorded {name} {sequence_number}"));
                    } else if number % 50 == 0 {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
            });
        }
    });
}

//! An event whose `emit` returned was written, and synced after that, before it returned.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![cfg(target_os = "linux")]

mod log;
mod strace;

use std::io::Write as _;
use std::path::Path;

use audit_pipeline::{Durability, Pipeline};
use log::{Log, child_argument, event};

const THREADS: usize = 4;
const EVENTS: usize = 25;

/// Several threads at once, so that some share a sync.
fn emit_all(log: &Path, durability: Durability) {
    let pipeline = Pipeline::options(log).signing_key(log::key()).durability(durability).start().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let pipeline = &pipeline;
            scope.spawn(move || {
                for number in 0..EVENTS {
                    let name = format!("event-{thread}-{number}");
                    let receipt = match thread % 2 {
                        0 => pipeline.emit_blocking(&event(&name)),
                        _ => futures_executor::block_on(pipeline.emit(&event(&name))),
                    };
                    assert!(receipt.is_ok());
                    // One write.
                    std::io::stdout().write_all(format!("\nacknowledged {name}\n").as_bytes()).unwrap();
                }
            });
        }
    });
}

/// How many were acknowledged, and how many of them too early.
fn acknowledged(test: &str, durability: Durability) -> Option<(usize, usize)> {
    if let Some(path) = child_argument() {
        emit_all(Path::new(&path), durability);
        return None;
    }
    let log = Log::new();
    let calls = strace::calls(test, &log)?;
    let order = strace::order(&calls, &log.path, r#"\"name\":\""#, |call| {
        let name = call.strip_prefix("write(1<")?.split("acknowledged ").nth(1)?;
        Some(strace::up_to_escape(name))
    });
    Some((order.len(), order.iter().filter(|(_, synced)| !synced).count()))
}

#[test]
fn with_fsync_which_is_the_default() {
    let Some(acknowledged) = acknowledged("with_fsync_which_is_the_default", Durability::default()) else {
        return;
    };
    assert_eq!(acknowledged, (THREADS * EVENTS, 0));
}

#[test]
fn with_less_it_is_not() {
    let Some(acknowledged) = acknowledged("with_less_it_is_not", Durability::Os) else { return };
    assert_eq!(acknowledged, (THREADS * EVENTS, THREADS * EVENTS), "the other test can fail");
}

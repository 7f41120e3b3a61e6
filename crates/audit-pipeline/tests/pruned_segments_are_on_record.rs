//! `max_files`: the oldest segments go, and the log says so before they do.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod log;
#[cfg(target_os = "linux")]
mod strace;

use std::time::Duration;

use audit_journal::{Rotation, segments};
use audit_pipeline::Pipeline;
use log::{Log, child_argument, event, watchdog};

#[test]
fn pruned_segments_are_on_record() {
    for compress in [false, true] {
        let _watchdog = watchdog(60);
        let log = Log::new();
        let options =
            || log.options().rotation(Rotation::never().max_size(2000).max_files(3).compress(compress));
        for _ in 0..3 {
            let pipeline = options().start().unwrap();
            for number in 0..20 {
                assert!(pipeline.emit_blocking(&event(format!("{number}"))).is_ok());
                std::thread::sleep(Duration::from_millis(1));
            }
            // The thread that looks for old segments finds the last ones, and the next record takes them away.
            std::thread::sleep(Duration::from_millis(200));
            assert!(pipeline.emit_blocking(&event("last")).is_ok());
            pipeline.close().unwrap();
        }
        let left = segments(&log.path).unwrap();
        assert!((3..=5).contains(&left.len()), "{left:?}");
        let first = left[0].first_sequence;
        assert!(first > 30, "only {first} records were pruned");
        let chain = log.verify();
        assert_eq!(chain.verdict.as_str(), "intact", "{chain:?}");
        assert_eq!(chain.pruned_to, Some(first - 1));
        // Each deletion that is still in the log is told as it was.
        let told = log.of_type("audit.retention_applied");
        assert_eq!(told.last().unwrap()["details"]["last_sequence"], first - 1);
        for event in told {
            let details = &event["details"];
            assert_eq!(details["rule"], "rotation.max_files");
            assert!(
                details["first_sequence"].as_u64().unwrap() <= details["last_sequence"].as_u64().unwrap()
            );
            assert!(details["last_signature"].as_str().unwrap().starts_with("sha256:"));
            assert!(details["file"].as_str().unwrap().starts_with("audit.log.0"));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn and_the_record_is_on_disk_before_they_go() {
    if let Some(path) = child_argument() {
        let rotation = Rotation::never().max_size(2000).max_files(3);
        let pipeline = Pipeline::options(path).signing_key(log::key()).rotation(rotation).start().unwrap();
        for number in 0..60 {
            assert!(pipeline.emit_blocking(&event(format!("{number}"))).is_ok());
            std::thread::sleep(Duration::from_millis(5));
        }
        return pipeline.close().map(drop).unwrap();
    }
    let log = Log::new();
    let Some(calls) = strace::calls("and_the_record_is_on_disk_before_they_go", &log) else { return };
    let order = strace::order(&calls, &log.path, r#"\"file\":\""#, |call| {
        let (_, path) = call.strip_prefix("unlink")?.split_once('"')?;
        let (_, name) = path.split('"').next()?.rsplit_once('/')?;
        // Beside each it looks for a compressed one, which there is not.
        (name.starts_with("audit.log.0") && !name.ends_with(".gz")).then_some(name)
    });
    assert!(order.len() > 3, "{order:?}");
    assert!(order.iter().all(|(_, is_on_record)| *is_on_record), "{order:?}");
}

//! The file of holds: what it keeps, what it refuses, and that neither a crash nor many writers at once lose a hold.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use audit_model::Timestamp;
use audit_retention::{Hold, Holds, HoldsFile, HoldsFileError};
use tempfile::TempDir;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn hold(id: &str) -> Hold {
    Hold {
        id: id.into(),
        placed_by: "carol@company.com".into(),
        reason: "subpoena".into(),
        placed: time("2026-11-22T10:00:00Z"),
        until: None,
        from: None,
        to: None,
    }
}

fn place() -> (TempDir, HoldsFile) {
    let directory = tempfile::tempdir().unwrap();
    let file = HoldsFile::at(directory.path().join("state/holds.json"));
    (directory, file)
}

fn ids(holds: &Holds) -> BTreeSet<String> {
    holds.0.iter().map(|hold| hold.id.clone()).collect()
}

fn later() -> Timestamp {
    time("2026-11-23T10:00:00Z")
}

#[test]
fn what_is_placed_is_there_until_it_is_released() {
    let (_directory, file) = place();
    assert_eq!(file.read().unwrap(), Holds::default());
    assert!(!file.path().parent().unwrap().exists(), "reading makes nothing");
    let full = Hold {
        until: Some(time("2027-01-01T00:00:00Z")),
        from: Some(time("2026-01-01T00:00:00Z")),
        to: Some(time("2026-06-30T23:59:59.999Z")),
        ..hold("case-1")
    };
    file.place(full.clone()).unwrap();
    file.place(hold("case-2")).unwrap();
    assert_eq!(file.read().unwrap(), Holds(vec![full.clone(), hold("case-2")]));
    assert_eq!(file.release("case-1", "dave", "settled", later()).unwrap(), full);
    assert_eq!(file.read().unwrap(), Holds(vec![hold("case-2")]));
}

#[test]
fn what_happened_waits_until_it_is_on_record() {
    let (_directory, file) = place();
    file.place(Hold { until: Some(time("2027-01-01T00:00:00Z")), ..hold("case-1") }).unwrap();
    file.release("case-1", "dave", "settled", later()).unwrap();
    let unrecorded = file.unrecorded().unwrap();
    let [placed, released] = &unrecorded[..] else { panic!("{unrecorded:?}") };
    let mut events =
        [placed.to_event(), released.to_event()].map(|event| serde_json::to_value(event).unwrap());
    for event in &mut events {
        assert!(event["event_id"].take().as_str().unwrap().starts_with("evt_"));
    }
    assert_eq!(
        events,
        [
            serde_json::json!({
                "event_id": null, "event_type": "audit.hold_placed", "timestamp": "2026-11-22T10:00:00.000Z", "version": "1.0",
                "actor": { "type": "user", "id": "carol@company.com" },
                "action": { "operation": "hold", "result": "success" },
                "resource": { "type": "hold", "id": "case-1" },
                "details": {
                    "reason": "subpoena", "placed": "2026-11-22T10:00:00.000Z", "until": "2027-01-01T00:00:00.000Z",
                },
            }),
            serde_json::json!({
                "event_id": null, "event_type": "audit.hold_released", "timestamp": "2026-11-23T10:00:00.000Z", "version": "1.0",
                "actor": { "type": "user", "id": "dave" },
                "action": { "operation": "release", "result": "success" },
                "resource": { "type": "hold", "id": "case-1" },
                "details": {
                    "reason": "settled", "placed_by": "carol@company.com", "placed": "2026-11-22T10:00:00.000Z",
                    "until": "2027-01-01T00:00:00.000Z",
                },
            }),
        ]
    );
    // Recorded again after a crash it is the same record.
    assert_eq!(file.unrecorded().unwrap()[0].to_event(), placed.to_event());
    file.recorded(placed).unwrap();
    assert_eq!(file.unrecorded().unwrap(), std::slice::from_ref(released));
    file.recorded(placed).unwrap();
    file.recorded(released).unwrap();
    assert_eq!(file.unrecorded().unwrap(), []);
}

#[test]
fn ids_are_unique_among_the_active_ones() {
    let (_directory, file) = place();
    file.place(Hold { until: Some(later()), ..hold("case-1") }).unwrap();
    let error = file.place(hold("case-1")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is a hold `case-1` already, placed by carol@company.com on 2026-11-22T10:00:00.000Z; expected another id, or \
         release that one first"
    );
    // Once it has ended by itself, its id is free.
    let next = Hold { placed: later(), ..hold("case-1") };
    file.place(next.clone()).unwrap();
    assert_eq!(file.read().unwrap(), Holds(vec![next]));
    let error = file.release("case-2", "dave", "settled", later()).unwrap_err();
    assert_eq!(error.to_string(), "there is no hold `case-2`; there are `case-1`");
    assert_eq!(file.unrecorded().unwrap().len(), 2, "what failed is not recorded");
}

#[test]
fn holds_that_cannot_be_are_refused() {
    let (_directory, file) = place();
    let cases = [
        (Hold { id: "  ".into(), ..hold("") }, "id: found nothing, expected a text"),
        (
            Hold { id: "a\u{1b}[2J".into(), ..hold("") },
            "id: found \"a\\u{1b}[2J\", expected a text without control characters",
        ),
        (Hold { placed_by: String::new(), ..hold("a") }, "placed by: found nothing, expected a text"),
        (Hold { reason: String::new(), ..hold("a") }, "reason: found nothing, expected a text"),
        (
            Hold { until: Some(time("2026-11-22T10:00:00Z")), ..hold("a") },
            "until: found 2026-11-22T10:00:00.000Z, expected a time after 2026-11-22T10:00:00.000Z, when it is placed",
        ),
        (
            Hold { from: Some(later()), to: Some(time("2026-11-22T10:00:00Z")), ..hold("a") },
            "to: found 2026-11-22T10:00:00.000Z, expected a time not before `from`, 2026-11-23T10:00:00.000Z",
        ),
    ];
    for (hold, expected) in cases {
        assert_eq!(file.place(hold).unwrap_err().to_string(), expected);
    }
    file.place(hold("a")).unwrap();
    assert!(file.release("a", "dave", "", later()).is_err());
    assert!(file.release("a", "", "settled", later()).is_err());
    assert_eq!(file.read().unwrap(), Holds(vec![hold("a")]));
}

/// Whatever is wrong with it, nobody takes it for a file without holds, and nobody writes over it.
#[test]
fn a_broken_file_is_an_error_for_everybody() {
    let (_directory, file) = place();
    file.place(hold("case-1")).unwrap();
    let whole = std::fs::read(file.path()).unwrap();
    let mut broken: Vec<Vec<u8>> = (0..whole.len() - 2).map(|length| whole[..length].to_vec()).collect();
    broken.push(b"{}".to_vec());
    broken.push(b"[]".to_vec());
    broken.push(br#"{"holds":[],"hold":[]}"#.to_vec());
    broken.push(vec![0; whole.len()]);
    for text in broken {
        std::fs::write(file.path(), &text).unwrap();
        let errors = [
            file.read().unwrap_err(),
            file.unrecorded().unwrap_err(),
            file.place(hold("case-2")).unwrap_err(),
            file.release("case-1", "dave", "settled", later()).unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, HoldsFileError::Broken { .. }), "{error}");
            assert!(error.to_string().contains("Nothing is deleted while it is so. Restore it"), "{error}");
        }
        assert_eq!(std::fs::read(file.path()).unwrap(), text);
    }
}

/// As `rm *.json` does: the holds that were in it must not be forgotten.
#[test]
fn a_file_that_was_deleted_is_an_error_for_everybody() {
    let (_directory, file) = place();
    file.place(hold("case-1")).unwrap();
    std::fs::remove_file(file.path()).unwrap();
    let errors = [
        file.read().unwrap_err(),
        file.unrecorded().unwrap_err(),
        file.place(hold("case-2")).unwrap_err(),
        file.release("case-1", "dave", "settled", later()).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, HoldsFileError::Gone { .. }), "{error}");
        assert!(error.to_string().contains(".holds.json.lock` as well"), "{error}");
    }
    let lock = file.path().with_file_name(".holds.json.lock");
    // As a crash leaves it that comes before the first hold is there.
    std::fs::write(&lock, "").unwrap();
    assert_eq!(file.read().unwrap(), Holds::default());
    file.place(hold("case-3")).unwrap();
    std::fs::remove_file(file.path()).unwrap();
    assert!(file.read().is_err());
    std::fs::remove_file(&lock).unwrap();
    assert_eq!(file.read().unwrap(), Holds::default());
}

/// A crash before the rename leaves any part of the new content; the old one counts, and the next change goes through.
#[test]
fn a_crash_between_the_steps_loses_nothing() {
    let (_directory, file) = place();
    file.place(hold("case-1")).unwrap();
    let before = std::fs::read(file.path()).unwrap();
    file.place(hold("case-2")).unwrap();
    let after = std::fs::read(file.path()).unwrap();
    let new = file.path().with_file_name(".holds.json.new");
    assert!(!new.exists());
    for length in (0..after.len()).step_by(29).chain([after.len()]) {
        std::fs::write(file.path(), &before).unwrap();
        std::fs::write(&new, &after[..length]).unwrap();
        assert_eq!(ids(&file.read().unwrap()), ["case-1".to_owned()].into());
        file.place(hold("case-3")).unwrap();
        assert_eq!(ids(&file.read().unwrap()), ["case-1".to_owned(), "case-3".to_owned()].into());
        assert!(!new.exists());
    }
}

#[cfg(unix)]
#[test]
fn a_change_that_cannot_be_written_changes_nothing() {
    let (_directory, file) = place();
    file.place(hold("case-1")).unwrap();
    // A directory of that name can be neither removed as a file nor written to.
    std::fs::create_dir(file.path().with_file_name(".holds.json.new")).unwrap();
    let error = file.release("case-1", "dave", "settled", later()).unwrap_err();
    assert!(matches!(error, HoldsFileError::Io { .. }), "{error}");
    assert_eq!(file.read().unwrap(), Holds(vec![hold("case-1")]));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_directory, file) = place();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    std::fs::create_dir_all(file.path().parent().unwrap()).unwrap();
    std::fs::write(file.path().with_file_name(".holds.json.new"), "left there, for all to read").unwrap();
    file.place(hold("case-1")).unwrap();
    assert_eq!(mode(file.path()), 0o600);
    let (_directory, file) = place();
    file.place(hold("case-1")).unwrap();
    assert_eq!(mode(file.path().parent().unwrap()), 0o700);
}

fn place_many(file: &HoldsFile, who: usize, count: usize) {
    for number in 0..count {
        let id = format!("case-{who}-{number}");
        file.place(hold(&id)).unwrap();
        if number % 2 == 0 {
            file.release(&id, "dave", "settled", later()).unwrap();
        }
        let events = file.unrecorded().unwrap();
        file.recorded(events.iter().find(|event| event.hold.id == id).unwrap()).unwrap();
    }
}

/// Of each hold the odd ones stay; and what nobody has recorded yet is the releases of the even ones.
fn assert_none_was_lost(file: &HoldsFile, writers: usize, count: usize) {
    let expected = |parity: usize| -> BTreeSet<String> {
        let of = |who| (0..count).map(move |number| (who, number));
        let all = (0..writers).flat_map(of).filter(|(_, number)| number % 2 == parity);
        all.map(|(who, number)| format!("case-{who}-{number}")).collect()
    };
    assert_eq!(ids(&file.read().unwrap()), expected(1));
    let unrecorded = file.unrecorded().unwrap();
    assert!(unrecorded.iter().all(|event| event.release.is_some()));
    assert_eq!(unrecorded.iter().map(|event| event.hold.id.clone()).collect::<BTreeSet<_>>(), expected(0));
}

#[test]
fn threads_at_once_lose_nothing() {
    let (_directory, file) = place();
    std::thread::scope(|scope| {
        for who in 0..8 {
            let file = &file;
            scope.spawn(move || place_many(file, who, 12));
        }
    });
    assert_none_was_lost(&file, 8, 12);
}

#[test]
fn processes_at_once_lose_nothing() {
    if let (Ok(path), Ok(who)) = (std::env::var("HOLDS_FILE"), std::env::var("HOLDS_WHO")) {
        place_many(&HoldsFile::at(path), who.parse().unwrap(), 12);
        return;
    }
    let (_directory, file) = place();
    let start = |who: usize| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes_at_once_lose_nothing"])
            .env("HOLDS_FILE", file.path())
            .env("HOLDS_WHO", who.to_string())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..4).map(start).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_none_was_lost(&file, 4, 12);
}

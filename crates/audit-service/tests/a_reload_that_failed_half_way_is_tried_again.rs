//! A change of the log that was done in part only is finished by the next reload, whether the file says the same as before or what it said
//! at first.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod running;

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use audit_service::ReloadError;
use running::{Running, answer, post, start, start_that_retries, until};

fn old(directory: &Path) -> String {
    let at = |name: &str| directory.join(name).display().to_string();
    format!(
        "
destinations:
  - {{type: file, path: {}}}
  - {{type: file, name: copy, path: {}, batch: {{max_age: 20ms}}}}
events: [app.*]
sources: [{{type: http, listen: '127.0.0.1:0'}}]
access: {{anonymous: [ingest]}}
",
        at("audit.log"),
        at("copy.log")
    )
}

/// Another destination, another selection, another limit of the source, and one of the destination that cannot be replaced.
fn new(running: &Running) -> String {
    let more = format!(
        "  - {{type: file, name: more, path: {}, batch: {{max_age: 20ms}}}}\nevents: [app.*, other.*]",
        running.path("more.log").display()
    );
    let text = running.text().replace("20ms", "30ms").replace("events: [app.*]", &more);
    text.replace("listen:", "max_events: 5, listen:")
}

/// Where the state of the copy's delivery is: a directory there is nothing that can be read or written.
fn break_it(running: &Running) -> impl Fn() + use<> {
    let state = running.path(".audit.log.delivery/copy.json");
    until("the copy has a state", || state.is_file());
    fs::remove_file(&state).unwrap();
    fs::create_dir(&state).unwrap();
    move || fs::remove_dir_all(&state).unwrap()
}

fn has(running: &Running, file: &str, text: &str) -> bool {
    fs::read_to_string(running.path(file)).is_ok_and(|all| all.contains(text))
}

/// A service whose log is between two configurations, the text of the new one, and what mends it.
fn half_way() -> (Running, String, impl Fn() + use<>) {
    half_way_of(start(old))
}

fn half_way_of(running: Running) -> (Running, String, impl Fn() + use<>) {
    assert_eq!(running.post("app.one"), "recorded");
    until("the copy has it", || has(&running, "copy.log", "app.one"));
    let text = new(&running);
    let mend = break_it(&running);
    let error = running.change(&text).unwrap_err();
    assert!(matches!(error, ReloadError::HalfWay(_)), "{error}");
    assert_eq!(running.post("other.one"), "not_selected", "the rest is not done");
    until("the destination that could begin has", || has(&running, "more.log", "app.one"));
    let warnings = running.service.status()["warnings"].to_string();
    assert!(warnings.contains("the last reload stopped half-way"), "{warnings}");
    (running, text, mend)
}

#[test]
fn with_the_same_file_the_rest_is_done() {
    let (running, text, mend) = half_way();
    assert!(running.change(&text).is_err(), "nothing is mended yet");
    mend();
    let changes = running.change(&text).unwrap();
    assert!(changes.iter().any(|change| change.field == "events"), "{changes:?}");
    assert_eq!(running.post("other.two"), "recorded");
    until("all destinations have it", || {
        has(&running, "copy.log", "other.two") && has(&running, "more.log", "other.two")
    });
    assert_eq!(running.service.status()["warnings"].to_string(), "[]");
    assert!(running.change(&text).unwrap().is_empty());
    let told = running.changes(3);
    let results: Vec<_> = told.iter().map(|event| event["action"]["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["failure", "failure", "success"]);
    running.end();
}

#[test]
fn with_the_file_of_before_all_is_as_before() {
    let (running, _, mend) = half_way();
    mend();
    let old = old(running.directory.path());
    // Nothing is different from what was last in effect, and the log is.
    assert_eq!(running.change(&old).unwrap(), []);
    assert_eq!(running.service.status()["warnings"].to_string(), "[]");
    assert_eq!(running.post("other.two"), "not_selected");
    assert_eq!(running.post("app.two"), "recorded");
    until("the copy has it", || has(&running, "copy.log", "app.two"));
    assert!(!has(&running, "more.log", "app.two"), "that destination is gone");
    let told = running.changes(2);
    assert_eq!(told[0]["action"]["result"], "failure");
    assert_eq!(told[1]["action"]["result"], "success", "the log's last word is not that it is half-way");
    running.end();
}

#[test]
fn by_itself_it_disturbs_no_source_and_tells_each_reason_once() {
    let reads = Arc::new(AtomicUsize::new(0));
    // What is broken in another way is to be so when nobody looks.
    let to_loop: Arc<Mutex<Option<PathBuf>>> = Arc::default();
    let (counted, looped) = (Arc::clone(&reads), Arc::clone(&to_loop));
    let on_read = Box::new(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        if let Some(state) = looped.lock().unwrap().take() {
            fs::remove_dir_all(&state).unwrap();
            std::os::unix::fs::symlink("copy.json", &state).unwrap();
        }
    });
    let running = start_that_retries(old, on_read, Duration::from_millis(1));
    let (running, ..) = half_way_of(running);
    let mut kept = TcpStream::connect(running.address("http")).unwrap();
    for _ in 0..3 {
        let before = reads.load(Ordering::SeqCst);
        until("it is tried again", || reads.load(Ordering::SeqCst) > before);
        kept.write_all(&post(r#"{"event_type":"app.two"}"#)).unwrap();
        assert_eq!(answer(&mut kept).expect("a connection that goes on").0, 200);
    }
    running.changes(1);
    let state = running.path(".audit.log.delivery/copy.json");
    *to_loop.lock().unwrap() = Some(state.clone());
    let told = running.changes(2);
    assert!(told[1]["details"]["error"].to_string().contains("symbolic links"), "{}", told[1]);
    fs::remove_file(&state).unwrap();
    let warnings = || running.service.status()["warnings"].to_string();
    until("the rest is done", || warnings() == "[]");
    assert_eq!(running.changes(3)[2]["action"]["result"], "success");
    assert_eq!(running.post("other.two"), "recorded");
    running.end();
}

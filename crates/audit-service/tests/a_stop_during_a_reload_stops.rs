//! Who stops the service does not wait for a reload that is on its way.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod running;

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use audit_service::ReloadError;
use running::{answer, get, post, start, start_with, until};

fn config(directory: &Path) -> String {
    let log = directory.join("audit.log");
    format!(
        "
destination: {{type: file, path: {}}}
sources: [{{type: http, listen: '127.0.0.1:0', max_events: 100}}]
access: {{anonymous: [ingest]}}
",
        log.display()
    )
}

#[test]
fn nothing_changes_any_more() {
    let ((reads, is_read), (go_on, may_go_on)) = (channel(), channel::<()>());
    let may_go_on = Mutex::new(may_go_on);
    let on_read = Box::new(move || {
        reads.send(()).unwrap();
        may_go_on.lock().unwrap().recv().unwrap();
    });
    let running = start_with(config, on_read);
    std::thread::scope(|scope| {
        let reload =
            scope.spawn(|| running.change(running.text().replace("max_events: 100", "max_events: 200")));
        is_read.recv().unwrap();
        let stop = scope.spawn(|| running.service.stop());
        until("it says so", || running.service.ready().is_err());
        go_on.send(()).unwrap();
        let outcome = reload.join().unwrap();
        assert!(matches!(outcome, Err(ReloadError::Stopping)), "{outcome:?}");
        stop.join().unwrap();
    });
    assert!(running.events("config.changed").is_empty());
    assert!(matches!(running.service.reload(), Err(ReloadError::Stopping)), "and none is begun");
    running.log.close().unwrap();
}

#[test]
fn a_request_on_a_source_that_changes_is_answered_and_the_reload_is_not_waited_for() {
    let running = start(config);
    let address = running.address("http");
    let mut stream = TcpStream::connect(address).unwrap();
    let whole = String::from_utf8(post(r#"{"event_type":"app.one"}"#)).unwrap();
    let whole = whole.replace("host: log\r\n", "host: log\r\nexpect: 100-continue\r\n");
    let head = whole.find("\r\n\r\n").unwrap() + 4;
    stream.write_all(&whole.as_bytes()[..head]).unwrap();
    assert_eq!(answer(&mut stream).unwrap().0, 100);
    std::thread::scope(|scope| {
        let reload =
            scope.spawn(|| running.change(running.text().replace("max_events: 100", "max_events: 200")));
        until("the new source is there, and the old one is waited for", || {
            let document = get(address, "/v1/openapi.json");
            document.is_some_and(|(_, document)| document.contains(r#""maxItems":200"#))
        });
        let stop = scope.spawn(|| running.service.stop());
        let outcome = reload.join().unwrap();
        assert!(matches!(outcome, Err(ReloadError::Stopping)), "{outcome:?}");
        // Had it waited for the source, the request would have been cut by now.
        stream.write_all(&whole.as_bytes()[head..]).unwrap();
        assert_eq!(answer(&mut stream).unwrap().0, 200);
        stop.join().unwrap();
    });
    assert_eq!(running.events("app.one").len(), 1);
    running.log.close().unwrap();
}

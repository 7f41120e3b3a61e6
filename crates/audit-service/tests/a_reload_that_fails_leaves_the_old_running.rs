//! A configuration that cannot be had changes nothing, and what is wrong is told with where it stands and what to do.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod running;

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use running::{answer, get, post, start};

fn config(directory: &Path) -> String {
    let log = directory.join("audit.log");
    format!(
        "
destination: {{type: file, path: {}}}
events: [app.*]
sources: [{{type: http, listen: '127.0.0.1:0'}}]
operations: {{listen: '127.0.0.1:0'}}
access: {{anonymous: [ingest]}}
",
        log.display()
    )
}

#[test]
fn whatever_is_wrong_the_service_goes_on_as_it_was() {
    let running = start(config);
    let text = running.text();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let another = format!("sources: [{{type: http, name: second, listen: '127.0.0.1:{port}'}}, ");
    let moved = format!("listen: '127.0.0.1:{port}'");
    let tokens = running.path("no-tokens.yaml").display().to_string();
    let wrong = [
        (text.replace("events:", "evnts:"), "audit.yaml:3:1: evnts:"),
        (
            format!("{text}durability: os\n"),
            "audit.yaml:7:13: durability: cannot change while the log is open; change it back, or restart the service",
        ),
        (text.replace("sources: [", &another), "set the source's `listen` to a port that is free"),
        (text.replacen("listen: '127.0.0.1:0'", &moved, 1), "`ss -ltnp 'sport = :"),
        (
            text.replace("[app.*]", "[other.*]")
                .replace("127.0.0.1:0'}\na", &format!("127.0.0.1:{port}'}}\na")),
            "`operations.listen`",
        ),
        (
            text.replace("[ingest]", &format!("[ingest], tokens_file: {tokens}")),
            "`audit-log token create NAME --role ingest --tokens-file ",
        ),
    ];
    // One connection outlives all of it: nothing was begun anew.
    let mut kept = TcpStream::connect(running.address("http")).unwrap();
    let (listeners, wrongs) = (running.service.addresses(), wrong.len());
    for (text, expected) in wrong {
        let error = running.change(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        kept.write_all(&post(r#"{"event_type":"app.one"}"#)).unwrap();
        assert_eq!(answer(&mut kept).unwrap().0, 200);
        assert_eq!(running.post("other.one"), "not_selected");
        assert_eq!(running.service.addresses(), listeners);
        assert_eq!(get(running.address("operations"), "/readyz").unwrap().0, 200);
    }
    assert_eq!(running.change(&text).unwrap(), []);
    let told = running.changes(wrongs);
    assert!(told.iter().all(|event| event["action"]["result"] == "failure"));
    running.end();
}

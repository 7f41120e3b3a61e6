//! What is wrong is told by the status, and in words; what was right beside it is recorded.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod service;

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use audit_access::{Access, Caller, Denial, Presented, Role};
use audit_source_http::{Asked, HttpOptions, HttpSource, Limits, Operations, OperationsServer, Witness};
use serde_json::{Value, json};
use service::{Reply, Service, event, post, reply, reply_to, service, service_with_log, until};

fn limits(change: impl FnOnce(&mut Limits)) -> impl FnOnce(HttpOptions) -> HttpOptions {
    let mut limits = Limits::default();
    change(&mut limits);
    |options| options.limits(limits)
}

fn error_of(result: &Value) -> &str {
    result["error"].as_str().unwrap()
}

#[test]
fn some_events_are_refused_and_the_others_recorded() {
    let service = service(|options| options);
    let body = [
        event("a.b", 1),
        r#"{"event_type": "not a type"}"#.to_owned(),
        r#"{"event_type": "a.b", "actor": {"id": 1}}"#.to_owned(),
        r#"{"event_type": "a.b", "actor": {"id": "a", "id": "b"}}"#.to_owned(),
        r#"{"event_type": "a.b", "details": {"n": 9007199254740993}}"#.to_owned(),
        r#"{"event_type": "audit.stopped", "event_id": "forged"}"#.to_owned(),
        "7".to_owned(),
        event("a.b", 2),
    ]
    .join(",");
    let answer = service.json(format!("[{body}]"));
    assert_eq!(answer.status, 207, "{answer:?}");
    assert_eq!((&answer.json()["recorded"], &answer.json()["refused"]), (&json!(2), &json!(6)));
    let results = answer.results();
    assert_eq!((&results[0]["status"], &results[7]["status"]), (&json!("recorded"), &json!("recorded")));
    for (result, says) in results[1..7].iter().zip([
        "event_type: found the string",
        "actor.id: found 1; expected a string",
        "the name `id` occurs twice",
        "9007199254740993",
        "`audit.stopped` is for the log's records about itself",
        "$: found 7; expected an object",
    ]) {
        assert_eq!(result["status"], "refused");
        assert!(error_of(result).contains(says), "{says}: {result}");
        assert_eq!(result.get("sequence_number"), None);
    }
    assert_eq!(results[5]["event_id"], "forged");
    let told = service.records().iter().filter(|record| record["event_type"] == "a.b").count();
    assert_eq!(told, 2);
    assert_eq!((service.status().recorded, service.status().refused), (2, 6));
}

#[test]
fn all_events_are_refused() {
    let service = service(|options| options);
    for (content_type, body) in [
        ("application/json", "{}"),
        ("application/json", "5"),
        ("application/json", r#"{"event_type": "a.b", "a": 1, "a": 1}"#),
        ("application/json", "[{}, {}]"),
        ("application/x-ndjson", "{\n}"),
        ("application/x-ndjson", "[1]"),
        ("application/cloudevents+json", "{}"),
    ] {
        let answer = service.post(content_type, body);
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        assert_eq!(answer.json()["recorded"], 0);
        assert!(answer.statuses().iter().all(|status| status == "refused"));
    }
}

#[test]
fn a_body_that_cannot_be_read_is_recorded_not_even_in_part() {
    let service = service(|options| options);
    let cut = format!("[{},{}", event("a.b", 1), event("a.b", 2));
    for (content_type, body) in [
        ("application/json", ""),
        ("application/json", "[]"),
        ("application/json", "  \n"),
        ("application/json", "{"),
        ("application/json", "\u{feff}{}"),
        ("application/json", "{\"event_type\": \"a.b\"} x"),
        ("application/json", &cut),
        ("application/x-ndjson", "\n\r\n"),
        ("application/cloudevents-batch+json", "[]"),
    ] {
        let answer = service.post(content_type, body);
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert!(!answer.detail().is_empty());
    }
    assert_eq!(service.json(b"[{\"event_type\": \"a.b\", \"x\": \"\xff\"}]").status, 400);
    assert_eq!(service.log.recorded(), 0);
}

#[test]
fn types_and_encodings_that_are_not_taken() {
    let service = service(|options| options);
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "", "json"]
    {
        let answer = service.post(content_type, event("a.b", 1));
        assert_eq!(answer.status, 415, "{content_type}");
        assert!(answer.detail().contains("expected"), "{answer:?}");
    }
    for encoding in ["br", "gzip, gzip", "deflate", "zstd", ""] {
        let answer = service.ask(post(
            "application/json",
            &format!("content-encoding: {encoding}\r\n"),
            event("a.b", 1),
        ));
        assert_eq!(answer.status, 415, "{encoding}");
        assert_eq!(answer.header("accept-encoding"), Some("gzip, identity"));
    }
    let twice =
        post("application/json", "content-encoding: gzip\r\ncontent-encoding: gzip\r\n", event("a.b", 1));
    assert_eq!(service.ask(twice).status, 415);
}

#[test]
fn too_large_in_every_way() {
    let service = service(limits(|limits| {
        limits.max_body_bytes = 1000;
        limits.max_inflated_bytes = 2000;
        limits.max_events = 3;
        limits.max_event_bytes = 300;
    }));
    let too_large = |answer: Reply| {
        assert_eq!(answer.status, 413, "{answer:?}");
        answer.detail()
    };
    let long = "x".repeat(1001);
    assert!(too_large(service.json(&long)).contains("1000 bytes"));
    let chunked = format!(
        "POST /v1/events HTTP/1.1\r\nhost: log\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n\
         3e9\r\n{long}\r\n0\r\n\r\n"
    );
    assert!(too_large(service.ask(chunked)).contains("1000 bytes"));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b' '; 2001]).unwrap();
    let bomb = post("application/json", "content-encoding: gzip\r\n", encoder.finish().unwrap());
    assert!(too_large(service.ask(bomb)).contains("2000 bytes"));
    let (array, lines) = (format!("[{}]", ["{}"; 4].join(",")), ["{}"; 4].join("\n"));
    assert!(too_large(service.json(array)).contains("more than 3 events"));
    assert!(too_large(service.post("application/x-ndjson", lines)).contains("more than 3 events"));
    let one_long = format!("[{},{}]", event("a.b", 1), event("a.b", "x".repeat(300)));
    let answer = service.json(one_long);
    assert_eq!(answer.status, 207);
    assert!(error_of(&answer.results()[1]).contains("at most 300 are taken"), "{answer:?}");
}

/// Keeps what it is told.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Witness for Notes {
    fn refused(&self, denial: &Denial, presented: &Presented<'_>, asked: &Asked<'_>) {
        let agent = asked.user_agent.unwrap_or("-");
        let note =
            format!("{denial:?} {} {} {agent} {}", asked.method, asked.path, presented.bearer.is_some());
        self.0.lock().unwrap().push(note);
    }

    fn used(&self, caller: &Caller, _: &Asked<'_>) {
        self.0.lock().unwrap().push(format!("used by {}", caller.identity));
    }
}

#[test]
fn nobody_comes_in_unseen() {
    let notes = Arc::new(Notes::default());
    let witness = Arc::clone(&notes);
    let service = service(|options| options.access(Access::default()).witness(witness));
    let answer = service.ask(post("application/json", "user-agent: curl\r\n", event("a.b", 1)));
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer realm=\"audit-log\"")));
    for header in ["Bearer abc", "bearer  abc", "Basic YTpi", "Bearer", "Bearer a\r\nauthorization: Bearer b"]
    {
        let answer =
            service.ask(post("application/json", &format!("authorization: {header}\r\n"), event("a.b", 1)));
        assert_eq!(answer.status, 401, "{header}");
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer realm=\"audit-log\", error=\"invalid_token\"")
        );
    }
    let notes = notes.0.lock().unwrap();
    assert_eq!(notes.len(), 6, "{notes:?}");
    assert_eq!(notes[0], "NoCredentials POST /v1/events curl false");
    assert!(notes[1].starts_with("Unauthenticated") && notes[1].ends_with("true"), "{notes:?}");
    assert!(notes[3].contains("malformed_credentials"), "{notes:?}");
    assert_eq!(service.log.recorded(), 0);
}

#[test]
fn a_role_opens_its_own_door_and_no_other() {
    let notes = Arc::new(Notes::default());
    let witness = Arc::clone(&notes);
    let reader = service(|options| {
        options
            .access(Access::default().anonymous([Role::Read]))
            .witness(witness)
            .operations(Arc::new(Well(true)))
    });
    let answer = reader.json(event("a.b", 1));
    assert_eq!(answer.status, 403);
    assert_eq!(answer.detail(), "this needs the role `ingest`");
    assert_eq!(reader.get("/v1/status").status, 200);
    let told = notes.0.lock().unwrap().clone();
    assert_eq!(told[0], "used by anonymous");
    assert!(told[1].starts_with("MissingRole"), "{told:?}");
    let writer = service(|options| options.operations(Arc::new(Well(true))));
    assert_eq!(writer.json(event("a.b", 1)).status, 200);
    for path in ["/healthz", "/readyz", "/metrics", "/v1/status"] {
        assert_eq!(writer.get(path).status, 403, "{path}");
    }
    assert_eq!(writer.get("/v1/openapi.json").status, 200, "it is no secret");
    // A token that is not known does not fall back to what anybody may.
    let answer = writer.ask(post("application/json", "authorization: Bearer x\r\n", event("a.b", 1)));
    assert_eq!(answer.status, 401);
}

#[test]
fn access_may_change_while_it_runs() {
    let now = Arc::new(Mutex::new(Arc::new(Access::default())));
    let current = Arc::clone(&now);
    let service =
        service(|options| options.current_access(Arc::new(move || Arc::clone(&current.lock().unwrap()))));
    assert_eq!(service.json(event("a.b", 1)).status, 401);
    *now.lock().unwrap() = Arc::new(service::anonymous());
    assert_eq!(service.json(event("a.b", 1)).status, 200);
}

#[test]
fn paths_methods_and_types_of_answers() {
    let service = service(|options| options);
    let ask = |method: &str, path: &str, headers: &str| {
        service.ask(format!("{method} {path} HTTP/1.1\r\nhost: log\r\ncontent-length: 0\r\n{headers}\r\n"))
    };
    for path in ["/", "/v1/event", "/v1/events/", "/V1/events", "*", "/healthz", "/v1/status"] {
        let answer = ask("GET", path, "");
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.detail().contains("/v1/events"));
    }
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let answer = ask(method, "/v1/events", "");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
    }
    let answer = ask("POST", "/v1/openapi.json", "");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(ask("POST", "/v1/events", "accept: text/html\r\n").status, 406);
    assert_eq!(ask("POST", "/v1/events", "accept: text/html, */*;q=0.1\r\n").status, 415, "it has no type");
}

struct Well(bool);

impl Operations for Well {
    fn ready(&self) -> Result<(), Vec<String>> {
        if self.0 { Ok(()) } else { Err(vec!["the disk is \"full\"".to_owned(), "kafka is down".to_owned()]) }
    }

    fn warnings(&self) -> Vec<String> {
        vec!["a \"broken\" certificate".to_owned()]
    }

    fn metrics(&self) -> String {
        "# TYPE a counter\na 1\n".to_owned()
    }

    fn status(&self) -> Value {
        json!({"sources": []})
    }
}

#[test]
fn operations_are_answered_with_head_and_with_headers() {
    for on_its_own in [false, true] {
        for is_ready in [true, false] {
            let operations: Arc<dyn Operations> = Arc::new(Well(is_ready));
            let access = Access::default().anonymous([Role::Read]);
            let service = service(|options| options.access(access).operations(Arc::clone(&operations)));
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let own = runtime.block_on(OperationsServer::bind("127.0.0.1:0", operations)).unwrap();
            let address = if on_its_own { own.local_addr() } else { service.address };
            runtime.spawn(own.run(service.stop.clone()));
            let ask = |method: &str, path: &str| {
                let mut stream = std::net::TcpStream::connect(address).unwrap();
                write!(stream, "{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
                reply_to(&mut stream, method != "HEAD").unwrap()
            };
            for (path, status, content_type, body) in [
                ("/healthz", 200, "text/plain; charset=utf-8", "ok\n"),
                ("/metrics", 200, "text/plain; version=0.0.4; charset=utf-8", "# TYPE a counter\na 1\n"),
                ("/v1/status", 200, "application/json", r#"{"sources":[]}"#),
                (
                    "/readyz",
                    if is_ready { 200 } else { 503 },
                    "application/json",
                    match is_ready {
                        true => r#"{"ready":true,"reasons":[],"warnings":["a \"broken\" certificate"]}"#,
                        false => {
                            r#"{"ready":false,"reasons":["the disk is \"full\"","kafka is down"],"warnings":["a \"broken\" certificate"]}"#
                        }
                    },
                ),
            ] {
                let (got, head) = (ask("GET", path), ask("HEAD", path));
                assert_eq!((got.status, got.text().as_str()), (status, body), "{path}");
                for answer in [&got, &head] {
                    assert_eq!(answer.status, status);
                    assert_eq!(answer.header("content-type"), Some(content_type));
                    assert_eq!(answer.header("cache-control"), Some("no-store"));
                    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
                    assert_eq!(answer.header("content-length"), Some(body.len().to_string().as_str()));
                }
                assert_eq!(ask("POST", path).status, 405);
            }
            if on_its_own {
                assert_eq!(ask("GET", "/v1/events").status, 404);
                assert_eq!(ask("POST", "/v1/events").status, 404);
            }
        }
    }
}

/// Sends the head of a request, and a part of its body when the source has begun to take it.
fn begin_to_be_taken(service: &Service, body: &[u8], length: usize) -> std::net::TcpStream {
    let mut stream = service.connect();
    let head =
        "POST /v1/events HTTP/1.1\r\nhost: log\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n";
    write!(stream, "{head}content-length: {length}\r\n\r\n").unwrap();
    assert_eq!(reply(&mut stream).unwrap().status, 100);
    stream.write_all(body).unwrap();
    stream
}

/// Sends the head and a part of the body of a request.
fn begin(service: &Service, body: &[u8], length: usize) -> std::net::TcpStream {
    let mut stream = service.connect();
    let head = "POST /v1/events HTTP/1.1\r\nhost: log\r\ncontent-type: application/json\r\n";
    write!(stream, "{head}content-length: {length}\r\n\r\n").unwrap();
    stream.write_all(body).unwrap();
    stream
}

#[test]
fn too_much_at_once_is_answered_at_once() {
    let service = service(limits(|limits| limits.max_in_flight = 1));
    let text = event("a.b", 1);
    let mut first = begin_to_be_taken(&service, &text.as_bytes()[..5], text.len());
    // Answered before its own body is there, so that nobody sends it in vain.
    let answer = reply(&mut begin(&service, b"", 100)).unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    first.write_all(&text.as_bytes()[5..]).unwrap();
    assert_eq!(reply(&mut first).unwrap().status, 200);
    until("its place is free", || service.json(&text).status == 200);
}

#[test]
fn bodies_take_no_more_memory_than_they_may_together() {
    let service = service(limits(|limits| limits.max_in_flight_bytes = 1000));
    assert_eq!(begin_and_ask(&service, 1001).status, 503);
    let text = event("a.b", 1);
    let mut first = begin_to_be_taken(&service, &[b' '; 900], 900 + text.len());
    until("there is no room for another", || begin_and_ask(&service, 101).status == 503);
    first.write_all(text.as_bytes()).unwrap();
    assert_eq!(reply(&mut first).unwrap().status, 200);
    until("there is room again", || service.json(&text).status == 200);
}

/// A request that may be answered before its body is there; where it is not, the body is blank.
fn begin_and_ask(service: &Service, length: usize) -> Reply {
    let mut stream = begin(service, b"", length);
    let _ = stream.write_all(&vec![b' '; length]);
    reply(&mut stream).unwrap()
}

#[test]
fn one_connection_too_many_is_told_so() {
    let service = service(limits(|limits| limits.max_connections = 2));
    // All places are those of requests that are on their way; one without would make room.
    let body = event("a.b", 1);
    let mut first = begin_to_be_taken(&service, &body.as_bytes()[..1], body.len());
    let _second = begin_to_be_taken(&service, b"{", 100);
    let answer = reply(&mut service.connect()).unwrap();
    assert_eq!((answer.status, answer.header("connection")), (503, Some("close")));
    assert_eq!(answer.detail(), "too many connections; send the same again later");
    first.write_all(&body.as_bytes()[1..]).unwrap();
    assert_eq!(reply(&mut first).unwrap().status, 200);
    until("its place is free", || {
        let mut stream = service.connect();
        let _ = stream.write_all(&post("application/json", "", event("a.b", 1)));
        reply(&mut stream).is_some_and(|answer| answer.status == 200)
    });
}

#[test]
fn what_the_configuration_leaves_out_is_said_so() {
    let service = service_with_log(
        |options| options,
        |log| log.select(audit_pipeline::Selection::default().exclude_events(["a.*".parse().unwrap()])),
    );
    let answer = service.json(format!("[{},{}]", event("a.b", 1), event("b.c", 2)));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.statuses(), ["not_selected", "recorded"]);
    assert_eq!(answer.json()["recorded"], 1);
}

#[test]
fn a_log_that_is_closed_takes_nothing() {
    let service = service(|options| options);
    service.log.close().unwrap();
    let answer = service.json(format!("[{},{{}}]", event("a.b", 1)));
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!(answer.statuses(), ["unavailable", "refused"]);
}

#[test]
fn plain_http_is_not_for_all_to_read() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bind = |options| runtime.block_on(HttpSource::bind(options));
    let error = bind(HttpOptions::new("0.0.0.0:0")).unwrap_err().to_string();
    assert!(error.contains("danger_allow_plain_http: true") && error.contains("0.0.0.0"), "{error}");
    bind(HttpOptions::new("0.0.0.0:0").danger_allow_plain_http(true)).unwrap();
    let first = bind(HttpOptions::new("127.0.0.1:0")).unwrap();
    let error = bind(HttpOptions::new(first.local_addr().to_string())).unwrap_err().to_string();
    assert!(error.starts_with("cannot listen on 127.0.0.1:"), "{error}");
}

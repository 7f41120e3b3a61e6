//! What the sink does with answers: statuses, limits, redirects, codes of a collector, and none at all.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod scripted;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use audit_sink::testkit::batch;
use audit_sink::{Batch, Receipt, Sink, SinkError};
use audit_sink_webhook::{Body, WebhookOptions, WebhookSink};
use scripted::{Request, Scripted, plain};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn sink(options: WebhookOptions) -> WebhookSink {
    WebhookSink::new(options).unwrap()
}

fn lines(texts: impl IntoIterator<Item = impl ToString>) -> Batch {
    let lines: Vec<Vec<u8>> = texts.into_iter().map(|text| text.to_string().into_bytes()).collect();
    batch(1, &lines)
}

/// One batch of two records to a server that gives one answer.
fn answered(
    status: u16,
    headers: &'static str,
    body: &'static str,
) -> (Scripted, Result<Receipt, SinkError>) {
    let server = Scripted::new(move |_| Some((status, headers.to_owned(), body.to_owned())));
    let mut sink = sink(WebhookOptions::new(server.url("/in")).header("X-Api-Key", "s3cr3t-key".into()));
    let result = runtime().block_on(sink.send(&lines([1, 2])));
    (server, result)
}

fn retryable(result: Result<Receipt, SinkError>) -> (String, Option<Duration>) {
    match result {
        Err(SinkError::Retryable { source, retry_after }) => (source.to_string(), retry_after),
        other => panic!("expected an error that may be retried, found {other:?}"),
    }
}

#[test]
fn what_may_heal_is_retried_and_says_what_to_do() {
    for (status, advice) in [
        (401, "are the credentials in headers right?"),
        (403, "are the credentials in headers right?"),
        (404, "is the path of url right?"),
        (415, "does it take this body"),
        (408, ""),
        (429, ""),
        (500, ""),
        (503, ""),
    ] {
        let (server, result) = answered(status, "", "because");
        let (error, _) = retryable(result);
        assert!(error.contains(&format!("http://{} answered {status}", server.address)), "{error}");
        assert!(error.contains("because") && error.contains(advice), "{error}");
        assert_eq!(server.requests().len(), 1, "{status}: no retry inside");
    }
}

#[test]
fn a_place_that_asks_to_be_left_alone_is() {
    let asked = |headers| retryable(answered(503, headers, "").1).1;
    assert_eq!(asked("Retry-After: 7\r\n"), Some(Duration::from_secs(7)));
    assert_eq!(asked("Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n"), Some(Duration::ZERO));
    assert_eq!(asked("Retry-After: 1000000\r\n"), Some(Duration::from_secs(3600)));
    assert_eq!(asked("Retry-After: soon\r\n"), None);
    assert_eq!(asked(""), None);
}

#[test]
fn secrets_that_an_answer_repeats_stay_out_of_errors() {
    let (_, result) = answered(403, "", "{\"you\":\"sent\", \"x-api-key\":\"s3cr3t-key\"}\r\n\u{1b}[31m");
    let error = format!("{:?}", result.unwrap_err());
    assert!(error.contains("[secret]") && !error.contains("s3cr3t"), "{error}");
    assert!(!error.contains("\\u{1b}") && !error.contains("\\r"), "{error}");
}

/// PagerDuty's key is in the body.
#[test]
fn secrets_in_records_stay_out_of_errors() {
    let server = Scripted::new(|request| Some((403, String::new(), request.body.clone())));
    let mut sink = sink(WebhookOptions::new(server.url("/in")).unquoted("r0uting-key".into()));
    let (error, _) = retryable(runtime().block_on(sink.send(&lines([r#"{"routing_key":"r0uting-key"}"#]))));
    assert!(error.contains("[secret]") && !error.contains("r0uting"), "{error}");
}

/// At many places whoever knows the URL may write, and a page about it quotes it.
#[test]
fn an_answer_that_quotes_the_url_does_not_give_it_away() {
    let server = Scripted::new(|request| {
        let target = request.line.split(' ').nth(1).unwrap();
        if let Some(rest) = target.strip_prefix("/moved") {
            return Some((307, format!("Location: /services/other-t0ken{rest}\r\n"), String::new()));
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let decoded = "hooks über-s3cr3t v&lue/1 ";
        Some((
            404,
            String::new(),
            format!("nothing at {target}, {path}, {query}, {decoded}: POST it elsewhere"),
        ))
    });
    for path in [
        "/hooks/%C3%BCber-s3cr3t?key=v%26lue%2F1&t0ken-alone",
        "/hooks/über-s3cr3t?key=v%26lue%2f1&t0ken-alone#part",
        "/hooks/%C3%BCber-s3cr3t?v%26lue%2F1",
        "/a/t0k/en?x=1",
        "/moved?key=t0ken",
    ] {
        let mut sink = sink(WebhookOptions::new(server.url(path)));
        let (error, _) = retryable(runtime().block_on(sink.send(&lines([1]))));
        assert!(error.contains("answered 404") && error.contains("POST it elsewhere"), "{error}");
        for secret in ["s3cr3t", "lue", "t0ken", "t0k"] {
            let known = path.contains(secret) || (secret == "t0ken" && path.contains("moved"));
            assert!(!known || !error.contains(secret), "{path}: {error}");
        }
    }
}

#[test]
fn only_the_records_that_are_refused_are_rejected() {
    let refuses_bad = |request: &Request| match request.body.contains("bad") {
        true => Some((422, String::new(), "no\nbad please".to_owned())),
        false => plain(200),
    };
    let server = Scripted::new(refuses_bad);
    let mut sink = sink(WebhookOptions::new(server.url("/in")));
    let batch =
        lines((1..=20).map(|n| if n == 3 || n == 17 { format!("\"bad {n}\"") } else { n.to_string() }));
    let receipt = runtime().block_on(sink.send(&batch)).unwrap();
    let rejected: Vec<u64> = receipt.rejected.iter().map(|rejection| rejection.sequence_number).collect();
    assert_eq!(rejected, [3, 17]);
    let reason = &receipt.rejected[0].reason;
    assert!(reason.contains("answered 422") && reason.ends_with(": no bad please"), "{reason}");
    let accepted: String = server
        .requests()
        .into_iter()
        .filter(|request| !request.body.contains("bad"))
        .map(|request| request.body)
        .collect();
    let others: String = (1..=20).filter(|n| *n != 3 && *n != 17).map(|n| format!("{n}\n")).collect();
    assert_eq!(accepted, others, "all others, once and in order");
}

#[test]
fn a_collector_names_the_record_and_three_more_requests_are_enough() {
    let server = Scripted::new(|request| {
        let at = request.body.lines().position(|line| line.contains("bad"));
        let answer = match at {
            Some(at) => format!(r#"{{"text":"Invalid data format","code":6,"invalid-event-number":{at}}}"#),
            None => r#"{"text":"Success","code":0}"#.to_owned(),
        };
        Some((if at.is_some() { 400 } else { 200 }, String::new(), answer))
    });
    let mut sink = sink(WebhookOptions::new(server.url("/services/collector/event")).body(Body::SplunkHec));
    let batch = lines((0..1000).map(|n| if n == 777 { "\"bad\"".to_owned() } else { n.to_string() }));
    let receipt = runtime().block_on(sink.send(&batch)).unwrap();
    assert_eq!(receipt.rejected.len(), 1);
    assert_eq!(receipt.rejected[0].sequence_number, 778);
    assert!(receipt.rejected[0].reason.contains("Invalid data format"), "{}", receipt.rejected[0].reason);
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_page_with_200_is_not_the_word_of_a_collector() {
    let server = Scripted::new(|_| Some((200, String::new(), "<html>Please log in</html>".to_owned())));
    let mut sink = sink(WebhookOptions::new(server.url("/services/collector")).body(Body::SplunkHec));
    let (error, _) = retryable(runtime().block_on(sink.send(&lines([1]))));
    assert!(error.contains("Please log in"), "{error}");
    assert!(runtime().block_on(sink.check()).is_err());
}

#[test]
fn records_that_would_break_the_body_are_never_sent() {
    let server = Scripted::new(|_| plain(200));
    let mut sink = sink(WebhookOptions::new(server.url("/in")).body(Body::JsonArray));
    let receipt = runtime().block_on(sink.send(&lines(["1", "CEF:0|", "3"]))).unwrap();
    assert_eq!(receipt.rejected.len(), 1);
    assert_eq!(receipt.rejected[0].sequence_number, 2);
    let bodies: Vec<String> = server.requests().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, ["[1]", "[3]"]);
}

#[test]
fn requests_that_were_accepted_are_not_sent_again() {
    let count = AtomicUsize::new(0);
    let server = Scripted::new(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        2 => plain(503),
        4 => None,
        _ => plain(200),
    });
    let mut sink = sink(WebhookOptions::new(server.url("/in")).max_body_bytes(1024));
    let batch = lines((0..6).map(|n| format!("\"{n}{}\"", "x".repeat(900))));
    let runtime = runtime();
    let attempt = |sink: &mut WebhookSink| {
        runtime.block_on(async {
            tokio::time::timeout(Duration::from_millis(500), sink.send(&batch)).await.ok()
        })
    };
    assert!(matches!(attempt(&mut sink), Some(Err(SinkError::Retryable { .. }))), "the third request");
    assert!(attempt(&mut sink).is_none(), "the fourth is not answered, and the future dropped");
    assert_eq!(attempt(&mut sink).unwrap().unwrap(), Receipt::default());

    let first = |request: &Request| request.body[1..2].to_owned();
    let requests = server.requests();
    let sent: Vec<String> = requests.iter().map(first).collect();
    assert_eq!(sent, ["0", "1", "2", "2", "3", "3", "4", "5"]);
    let key = |index: usize| requests[index].header("idempotency-key").unwrap();
    assert_eq!(key(2), key(3), "a repeated request has the key that it had");
    assert!(key(2) != key(1), "each request has its own");
}

#[test]
fn another_batch_does_not_inherit_the_progress_of_one_given_up() {
    let count = AtomicUsize::new(0);
    let server =
        Scripted::new(move |_| plain(if count.fetch_add(1, Ordering::Relaxed) == 1 { 503 } else { 200 }));
    let mut sink = sink(WebhookOptions::new(server.url("/in")).max_body_bytes(1024));
    let given_up = lines((0..2).map(|_| "x".repeat(900)));
    let runtime = runtime();
    retryable(runtime.block_on(sink.send(&given_up)));
    assert_eq!(runtime.block_on(sink.send(&lines(["first", "second"]))).unwrap(), Receipt::default());
    assert_eq!(server.requests()[2].body, "first\nsecond\n");
}

#[test]
fn an_endpoint_that_refuses_everything_does_not_hold_the_sender_for_long() {
    let server = Scripted::new(|_| plain(400));
    let mut sink = sink(WebhookOptions::new(server.url("/in")));
    let batch = lines(0..500);
    let runtime = runtime();
    let mut attempts = 1;
    let receipt = loop {
        match runtime.block_on(sink.send(&batch)) {
            Ok(receipt) => break receipt,
            other => assert!(retryable(other).0.contains("the next attempt goes on from there")),
        }
        attempts += 1;
    };
    assert_eq!(receipt.rejected.len(), 500);
    assert_eq!((attempts, server.requests().len()), (4, 999));
}

#[test]
fn a_plain_text_server_on_the_way_to_a_collector_empties_nothing_into_the_dead_letters() {
    let page = "<center>The plain HTTP request was sent to HTTPS port</center>";
    let server = Scripted::new(move |_| Some((400, String::new(), page.to_owned())));
    let mut sink = sink(WebhookOptions::new(server.url("/services/collector")).body(Body::SplunkHec));
    let (error, _) = retryable(runtime().block_on(sink.send(&lines([1, 2]))));
    assert!(error.contains("was sent to HTTPS port"), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn another_batch_of_the_same_shape_does_not_inherit_the_progress_of_one_given_up() {
    let count = AtomicUsize::new(0);
    let server =
        Scripted::new(move |_| plain(if count.fetch_add(1, Ordering::Relaxed) == 1 { 503 } else { 200 }));
    let mut sink = sink(WebhookOptions::new(server.url("/in")).max_body_bytes(1024));
    let runtime = runtime();
    retryable(runtime.block_on(sink.send(&lines(["x".repeat(900), "x".repeat(900)]))));
    let _ = runtime.block_on(sink.send(&lines(["y".repeat(900), "y".repeat(900)]))).unwrap();
    let sent: Vec<String> = server.requests().iter().map(|request| request.body[..1].to_owned()).collect();
    assert_eq!(sent, ["x", "x", "y", "y"]);
}

/// A proxy that was misconfigured for an hour must not make requests small for a month.
#[test]
fn requests_grow_again_after_a_413() {
    let count = AtomicUsize::new(0);
    let server = Scripted::new(move |request| {
        let mended = count.fetch_add(1, Ordering::Relaxed) >= 20;
        plain(if request.body.len() > 300 && !mended { 413 } else { 200 })
    });
    let mut sink = sink(WebhookOptions::new(server.url("/in")).max_body_bytes(2048));
    let batch = lines((0..20).map(|n| format!("\"{n:0>97}\"")));
    let runtime = runtime();
    let mut requests = Vec::new();
    for _ in 0..80 {
        let before = server.requests().len();
        let _ = runtime.block_on(sink.send(&batch)).unwrap();
        requests.push(server.requests().len() - before);
    }
    assert!(requests[1] >= 10, "at first as small as the endpoint wants them: {requests:?}");
    assert_eq!(requests.last(), Some(&1), "in the end as large as max_body_bytes allows: {requests:?}");
}

#[test]
fn redirects_stay_at_home() {
    let elsewhere = Scripted::new(|_| plain(200));
    let target = elsewhere.url("/token-1/in");
    let server = Scripted::new(move |request| {
        let path = request.line.split(' ').nth(1).unwrap();
        let (status, location) = match path {
            "/same" => (307, "/home"),
            "/loop" => (308, "/loop"),
            "/login" => (302, "/home"),
            "/away" => (307, target.as_str()),
            _ => return plain(200),
        };
        Some((status, format!("Location: {location}\r\n"), String::new()))
    });
    let send = |path: &str| {
        let mut sink =
            sink(WebhookOptions::new(server.url(path)).header("Authorization", "Bearer abcdef".into()));
        runtime().block_on(async { (sink.send(&lines([1])).await, sink.check().await) })
    };
    assert!(send("/same").0.is_ok());
    let requests = server.requests();
    assert_eq!(requests[1].line, "POST /home HTTP/1.1");
    assert_eq!(requests[1].body, "1\n");
    assert_eq!(requests[0].header("idempotency-key"), requests[1].header("idempotency-key"));
    assert_eq!(requests[1].header("authorization"), Some("Bearer abcdef"));

    for (path, expected) in [
        ("/loop", "redirected more than 5 times"),
        ("/login", "answered 302 Found: redirected to http://"),
        ("/away", "not followed, as the credentials and records would go along"),
    ] {
        let (sent, checked) = send(path);
        let (error, _) = retryable(sent);
        assert!(error.contains(expected) && !error.contains("token-1"), "{error}");
        assert!(checked.unwrap_err().to_string().contains(expected));
    }
    assert!(elsewhere.requests().is_empty(), "nothing of it went elsewhere");
}

#[test]
fn the_check_leaves_no_record_and_says_what_it_can() {
    for (status, passes) in [
        (200, true),
        (204, true),
        (404, true),
        (405, true),
        (501, true),
        (401, false),
        (403, false),
        (503, false),
    ] {
        let server = Scripted::new(move |_| plain(status));
        let mut sink = sink(WebhookOptions::new(server.url("/in")));
        let checked = runtime().block_on(sink.check());
        assert_eq!(checked.is_ok(), passes, "{status}: {checked:?}");
        assert!(server.requests().iter().all(|request| request.line.starts_with("HEAD ")));
        if let Err(error) = checked {
            assert!(error.to_string().contains("a POST was not tried"), "{error}");
        }
    }
    for (status, answer, passes) in [
        (400, r#"{"text":"No data","code":5}"#, true),
        (403, r#"{"text":"Invalid token","code":4}"#, false),
        (404, "", false),
        (400, "<html>", false),
    ] {
        let server = Scripted::new(move |_| Some((status, String::new(), answer.to_owned())));
        let mut sink = sink(WebhookOptions::new(server.url("/services/collector")).body(Body::SplunkHec));
        assert_eq!(runtime().block_on(sink.check()).is_ok(), passes, "{answer}");
        assert_eq!(server.requests()[0].body, "", "no event was sent");
    }
}

#[test]
fn a_server_that_never_answers_is_left_after_the_timeout() {
    let server = Scripted::new(|_| None);
    let mut sink = sink(WebhookOptions::new(server.url("/in")).request_timeout(Duration::from_millis(200)));
    let begun = Instant::now();
    let (error, _) = retryable(runtime().block_on(sink.send(&lines([1]))));
    assert!(error.contains("no answer from") && error.contains("within 200ms"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    let server = Scripted::new(|_| Some((503, String::new(), "y".repeat(50 << 20))));
    let mut sink = sink(WebhookOptions::new(server.url("/in")));
    let (error, _) = retryable(runtime().block_on(sink.send(&lines([1]))));
    assert!(error.len() < 500, "{} bytes", error.len());
}

#[test]
fn a_proxy_is_used_where_one_is_set() {
    let proxy = Scripted::new(|_| plain(200));
    let url = format!("http://user:pass@{}", proxy.address);
    let mut sink = sink(WebhookOptions::new("http://logs.example/in").proxy(url.as_str().into()));
    assert!(runtime().block_on(sink.send(&lines([1]))).is_ok());
    let request = &proxy.requests()[0];
    assert_eq!(request.line, "POST http://logs.example/in HTTP/1.1");
    assert_eq!(request.header("proxy-authorization"), Some("Basic dXNlcjpwYXNz"));
}

//! What the sink makes of the answers of CloudWatch Logs, moto's lack of which a scripted server makes up for.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod responder;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use audit_sink::{Batch, Receipt, Record, Sink, SinkError};
use audit_sink_cloudwatch::CloudwatchSink;
use responder::{Answer, Request, Responder, accepted, answer, refused, silence};
use serde_json::json;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// Numbered from 1.
fn batch(timestamps: impl IntoIterator<Item = i64>) -> Batch {
    let records = (1..).zip(timestamps).map(|(sequence_number, timestamp_ms)| Record {
        sequence_number,
        timestamp_ms,
        bytes: format!(r#"{{"n":{sequence_number}}}"#).into_bytes(),
        ..Record::default()
    });
    Batch { chain_id: "c".into(), records: records.collect() }
}

/// Three requests: their records are two days apart.
fn three_requests() -> Batch {
    batch([DAY, DAY, 3 * DAY, 3 * DAY, 5 * DAY])
}

fn numbers(receipt: &Receipt) -> Vec<u64> {
    receipt.rejected.iter().map(|rejection| rejection.sequence_number).collect()
}

fn retryable(result: Result<impl std::fmt::Debug, SinkError>) -> (String, Option<Duration>) {
    match result {
        Err(SinkError::Retryable { source, retry_after }) => (source.to_string(), retry_after),
        other => panic!("expected an error that may be retried, found {other:?}"),
    }
}

#[tokio::test]
async fn what_may_heal_is_retryable() {
    let answers = [
        (refused(400, "UnrecognizedClientException"), "UnrecognizedClientException (400): Said so"),
        (refused(400, "AccessDeniedException"), "AccessDeniedException"),
        (refused(403, "InvalidSignatureException"), "InvalidSignatureException"),
        (refused(400, "ExpiredTokenException"), "ExpiredTokenException"),
        (refused(400, "ThrottlingException"), "ThrottlingException"),
        // None of these is about what is in the events, whatever the status says.
        (refused(400, "ServiceQuotaExceededException"), "ServiceQuotaExceededException (400): Said so"),
        (refused(400, "IncompleteSignatureException"), "IncompleteSignatureException"),
        (refused(400, "UnknownOperationException"), "UnknownOperationException"),
        (refused(400, "InvalidOperationException"), "InvalidOperationException"),
        (refused(400, "KMSInvalidStateException"), "KMSInvalidStateException"),
        (refused(400, "DisabledException"), "DisabledException"),
        (refused(422, "SomethingNew"), "SomethingNew"),
        (refused(500, "InternalFailure"), "InternalFailure"),
        (refused(503, "ServiceUnavailableException"), "ServiceUnavailableException"),
        (refused(400, "InvalidSequenceTokenException"), "InvalidSequenceTokenException"),
        (answer(400, "<html>a proxy's page</html>"), "400"),
        (answer(502, ""), "502"),
    ];
    for (answer, expected) in answers {
        let responder = Responder::new([answer.clone(), answer, accepted()]);
        let mut sink = responder.sink();
        let (message, _) = retryable(sink.send(&batch([DAY, DAY])).await);
        assert!(message.contains(expected), "{expected}: {message}");
        assert!(message.starts_with("PutLogEvents to `host-7` in `audit` at http://127.0.0.1:"), "{message}");
        assert!(!message.contains("hush"));
        assert_eq!(responder.requests().len(), 1, "no retry inside the sink");
        let (message, _) = retryable(sink.check().await);
        assert!(message.contains(expected), "{expected}: the check says so too: {message}");
        let receipt = sink.send(&batch([DAY, DAY])).await.unwrap();
        assert_eq!(receipt.rejected, [], "{expected}: the same sink goes on when it is mended");
        assert_eq!(responder.requests()[2].events(), 2, "{expected}: with all of it");
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_or_is_not_there_is_retryable() {
    let responder = Responder::new([]);
    retryable(responder.sink().send(&batch([DAY])).await);
    assert_eq!(responder.requests().len(), 1);

    let options = audit_sink_cloudwatch::CloudwatchOptions::new("audit", "host-7")
        .endpoint("http://127.0.0.1:1")
        .credentials("id", "hush".to_owned().into());
    let mut sink = CloudwatchSink::new(options).unwrap();
    let (message, _) = retryable(sink.send(&batch([DAY])).await);
    assert!(message.contains("127.0.0.1:1") && message.contains("refused"), "{message}");
}

#[tokio::test]
async fn how_long_to_wait_is_passed_on() {
    let responder = Responder::new([refused(400, "ThrottlingException").header("Retry-After", "7")]);
    let (_, retry_after) = retryable(responder.sink().send(&batch([DAY])).await);
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn rejected_events_are_the_records_that_they_were_made_of() {
    let info = json!({"rejectedLogEventsInfo": {
        "tooOldLogEventEndIndex": 1, "expiredLogEventEndIndex": 2, "tooNewLogEventStartIndex": 4,
    }});
    let responder = Responder::new([answer(200, &info.to_string())]);
    // As sorted: 5, 3, 4, 1, 2
    let receipt = responder.sink().send(&batch([40, 50, 20, 30, 10])).await.unwrap();
    assert_eq!(numbers(&receipt), [2, 3, 5], "in the order of the batch");
    for (rejection, part) in receipt.rejected.iter().zip(["too new", "expired", "too old"]) {
        assert!(rejection.reason.contains(part), "{rejection:?}");
    }
}

#[tokio::test]
async fn requests_that_were_accepted_are_not_sent_again() {
    let too_old = json!({"rejectedLogEventsInfo": {"tooOldLogEventEndIndex": 1}}).to_string();
    let responder = Responder::new([
        answer(200, &too_old),
        refused(500, "InternalFailure"),
        refused(400, "ThrottlingException"),
        accepted(),
        accepted(),
        accepted(),
    ]);
    let mut sink = responder.sink();
    let batch = three_requests();
    retryable(sink.send(&batch).await);
    retryable(sink.send(&batch).await);
    let receipt = sink.send(&batch).await.unwrap();
    assert_eq!(numbers(&receipt), [1], "what was rejected of the first request is still said");
    let first = |n: usize| responder.requests()[n].body["logEvents"][0]["message"].clone();
    assert_eq!((0..5).map(first).collect::<Vec<_>>(), [1, 3, 3, 3, 5].map(|n| format!(r#"{{"n":{n}}}"#)));

    assert_eq!(numbers(&sink.send(&batch).await.unwrap()), [1]);
    assert_eq!(responder.requests().len(), 5, "a batch that was accepted is not sent again");
    let _ = sink.send(&self::batch([DAY])).await.unwrap();
    assert_eq!(responder.requests().len(), 6, "another batch is");
}

#[tokio::test]
async fn a_batch_goes_on_where_its_dropped_future_was() {
    let responder = Responder::new([accepted(), silence(), accepted(), accepted()]);
    let mut sink = responder.sink();
    let batch = three_requests();
    {
        let mut send = sink.send(&batch);
        while responder.requests().len() < 2 {
            tokio::select! {
                _ = &mut send => panic!("the second request is not answered"),
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
        }
    }
    let _ = sink.send(&batch).await.unwrap();
    let events: Vec<usize> = responder.requests().iter().map(Request::events).collect();
    assert_eq!(
        events,
        [2, 2, 2, 1],
        "the second is sent again, as its answer is not known; the first is not"
    );
}

/// moto takes requests of any size, so this counts what is on the wire, as the API page does.
#[tokio::test]
async fn what_is_sent_is_within_the_limits() {
    let mut batch = batch((0..25_000).map(|n| DAY + n * 12_345));
    for record in batch.records.iter_mut().skip(20_000).step_by(3) {
        record.bytes = "\"é\\n".repeat(3_000).into_bytes();
    }
    batch.records[24_000].bytes = vec![b'x'; 1_048_576 - 26];
    let responder = Responder::new((0..100).map(|_| accepted()));
    assert_eq!(responder.sink().send(&batch).await.unwrap().rejected, []);
    let mut arrived = Vec::new();
    for request in responder.requests() {
        let events = request.body["logEvents"].as_array().unwrap().clone();
        let message = |event: &serde_json::Value| event["message"].as_str().unwrap().as_bytes().to_vec();
        let time = |event: &serde_json::Value| event["timestamp"].as_i64().unwrap();
        assert!((1..=10_000).contains(&events.len()));
        assert!(events.iter().map(|event| message(event).len() + 26).sum::<usize>() <= 1_048_576);
        assert!(events.is_sorted_by_key(time));
        assert!(time(&events[events.len() - 1]) - time(&events[0]) <= DAY);
        arrived.extend(events.iter().map(message));
    }
    assert!(arrived.iter().eq(batch.records.iter().map(|record| &record.bytes)), "each once, in order");
}

#[tokio::test]
async fn what_is_missing_is_created() {
    let missing = || refused(400, "ResourceNotFoundException");
    let exists = || refused(400, "ResourceAlreadyExistsException");
    let (put, stream, group) = ("PutLogEvents", "CreateLogStream", "CreateLogGroup");
    let cases = [
        (vec![missing(), accepted(), accepted()], vec![put, stream, put]),
        (
            vec![missing(), missing(), accepted(), accepted(), accepted()],
            vec![put, stream, group, stream, put],
        ),
        // Somebody else was faster.
        (vec![missing(), exists(), accepted()], vec![put, stream, put]),
        (vec![missing(), missing(), exists(), exists(), accepted()], vec![put, stream, group, stream, put]),
    ];
    for (answers, operations) in cases {
        let responder = Responder::new(answers);
        let receipt = responder.sink().send(&batch([DAY])).await.unwrap();
        assert_eq!(receipt.rejected, []);
        assert_eq!(responder.operations(), operations);
        for request in responder.requests() {
            assert_eq!(request.body["logGroupName"], "audit");
            assert!(request.operation == group || request.body["logStreamName"] == "host-7");
        }
    }

    // It takes a while until what was created is known everywhere.
    let responder = Responder::new([missing(), accepted(), missing()]);
    retryable(responder.sink().send(&batch([DAY])).await);
    assert_eq!(responder.operations(), [put, stream, put], "it is tried once");
}

#[tokio::test]
async fn what_may_not_be_created_is_said_with_the_permission() {
    let missing = || refused(400, "ResourceNotFoundException");
    let denied = || refused(400, "AccessDeniedException");
    let responder = Responder::new([missing(), denied()]);
    let (message, _) = retryable(responder.sink().send(&batch([DAY])).await);
    for part in ["stream `host-7` in the log group `audit`", "logs:CreateLogStream", "AccessDenied"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let responder = Responder::new([missing(), missing(), denied()]);
    let (message, _) = retryable(responder.sink().send(&batch([DAY])).await);
    for part in ["the log group `audit`", "logs:CreateLogGroup", "AccessDenied"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// A server that takes no request with one of these, and what it took, in the order in which it did.
fn particular(
    bad: impl Fn(u64) -> bool + Send + 'static,
    refusal: Answer,
) -> (Responder, Arc<Mutex<Vec<u64>>>) {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let took = Arc::clone(&taken);
    let responder = Responder::judging(move |request| {
        let numbers = request.numbers();
        if numbers.iter().any(|number| bad(*number)) {
            return Some(refusal.clone());
        }
        took.lock().unwrap().extend(numbers);
        Some(accepted())
    });
    (responder, taken)
}

#[tokio::test]
async fn of_a_thousand_records_the_bad_one_is_rejected_and_the_others_arrive_once_in_order() {
    let refusals = [
        (refused(400, "InvalidParameterException"), "InvalidParameterException (400): Said so"),
        (refused(400, "ValidationException"), "ValidationException (400): Said so"),
        (refused(400, "SerializationException"), "SerializationException (400): Said so"),
        (answer(413, "<html>a proxy's page</html>"), "status 413"),
    ];
    for (refusal, expected) in refusals {
        let (responder, taken) = particular(|number| number == 613, refusal);
        let receipt = responder.sink().send(&batch((0..1000).map(|n| DAY + n))).await.unwrap();
        assert_eq!(numbers(&receipt), [613], "{expected}");
        let reason = &receipt.rejected[0].reason;
        assert!(reason.contains(expected), "{reason}");
        let others: Vec<u64> = (1..=1000).filter(|number| *number != 613).collect();
        assert_eq!(*taken.lock().unwrap(), others, "{expected}");
        let requests = responder.requests().len();
        assert!(requests <= 21, "halves, of which ten times one is refused: {requests} requests");
    }
}

#[tokio::test]
async fn only_the_request_with_the_bad_record_is_taken_apart() {
    let (responder, taken) = particular(|number| number == 4, refused(400, "InvalidParameterException"));
    assert_eq!(numbers(&responder.sink().send(&three_requests()).await.unwrap()), [4]);
    let sent: Vec<Vec<u64>> = responder.requests().iter().map(Request::numbers).collect();
    assert_eq!(sent, [vec![1, 2], vec![3, 4], vec![3], vec![4], vec![5]]);
    assert_eq!(*taken.lock().unwrap(), [1, 2, 3, 5]);
}

#[tokio::test]
async fn the_search_goes_on_where_a_dropped_future_was() {
    let count = Arc::new(Mutex::new((0, Vec::new())));
    let seen = Arc::clone(&count);
    let responder = Responder::judging(move |request| {
        let mut seen = seen.lock().unwrap();
        seen.0 += 1;
        let numbers = request.numbers();
        Some(match seen.0 {
            8 => silence(),
            _ if numbers.contains(&613) => refused(400, "InvalidParameterException"),
            _ => {
                seen.1.extend(numbers);
                accepted()
            }
        })
    });
    let mut sink = responder.sink();
    let batch = batch((0..1000).map(|n| DAY + n));
    {
        let mut send = sink.send(&batch);
        while responder.requests().len() < 8 {
            tokio::select! {
                _ = &mut send => panic!("the eighth request is not answered"),
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
        }
    }
    assert_eq!(numbers(&sink.send(&batch).await.unwrap()), [613]);
    let requests = responder.requests();
    assert_eq!(requests[8].numbers(), requests[7].numbers(), "the one without an answer is the next one");
    assert!(requests.len() <= 22, "nothing else is asked again: {} requests", requests.len());
    let others: Vec<u64> = (1..=1000).filter(|number| *number != 613).collect();
    assert_eq!(count.lock().unwrap().1, others);

    assert_eq!(numbers(&sink.send(&batch).await.unwrap()), [613]);
    assert_eq!(responder.requests().len(), requests.len(), "the same again is answered without a request");
    let mut other = batch.clone();
    other.records[612].bytes = br#"{"n":0}"#.to_vec();
    assert_eq!(sink.send(&other).await.unwrap().rejected, []);
    assert_eq!(
        responder.requests().len(),
        requests.len() + 1,
        "other content under the same numbers is sent"
    );
}

#[tokio::test]
async fn a_server_that_takes_nothing_is_not_asked_without_end() {
    let (responder, _) = particular(|_| true, refused(400, "InvalidParameterException"));
    let mut sink = responder.sink();
    let batch = batch((0..200).map(|n| DAY + n));
    let (message, _) = retryable(sink.send(&batch).await);
    assert_eq!(responder.requests().len(), 256);
    for part in ["InvalidParameterException", "256 requests", "of 200 records"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(numbers(&sink.send(&batch).await.unwrap()), (1..=200).collect::<Vec<_>>());
    assert_eq!(
        responder.requests().len(),
        399,
        "every record, and whatever it was asked together with, once"
    );
}

#[tokio::test]
async fn a_password_in_the_endpoint_is_nowhere_to_be_read() {
    for endpoint in
        ["http://me:hunter2@127.0.0.1:1", "http://me:hunter2@hunter2@127.0.0.1:1/", "me:hunter2@127.0.0.1:1"]
    {
        let options = audit_sink_cloudwatch::CloudwatchOptions::new("audit", "host-7")
            .endpoint(endpoint)
            .credentials("id", "hush".to_owned().into());
        let said = format!("{options:?}");
        assert!(!said.contains("hunter2"), "{said}");
        let mut sink = CloudwatchSink::new(options).unwrap();
        let error = sink.send(&batch([DAY])).await.unwrap_err();
        for said in [error.to_string(), format!("{error:?}"), format!("{sink:?}")] {
            assert!(!said.contains("hunter2"), "{said}");
        }
        assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    }
}

#[tokio::test]
async fn what_was_already_accepted_is_accepted() {
    let responder = Responder::new([refused(400, "DataAlreadyAcceptedException")]);
    assert_eq!(responder.sink().send(&batch([DAY])).await.unwrap().rejected, []);
}

#[tokio::test]
async fn the_check_needs_the_permission_to_put_only_and_leaves_nothing() {
    let too_old = json!({"rejectedLogEventsInfo": {"tooOldLogEventEndIndex": 1}}).to_string();
    for answer in [answer(200, &too_old), refused(400, "ResourceNotFoundException")] {
        let responder = Responder::new([answer]);
        responder.sink().check().await.unwrap();
        assert_eq!(responder.operations(), ["PutLogEvents"], "nothing is created");
        let events = &responder.requests()[0].body["logEvents"];
        assert_eq!(events, &json!([{"timestamp": 0, "message": "audit-log check"}]), "older than is taken");
    }
    let responder = Responder::new([refused(400, "AccessDeniedException")]);
    assert!(responder.sink().check().await.unwrap_err().to_string().contains("AccessDeniedException"));
}

#[tokio::test]
async fn a_closed_sink_does_nothing() {
    let responder = Responder::new([]);
    let mut sink = responder.sink();
    sink.close().await.unwrap();
    assert!(matches!(sink.send(&batch([DAY])).await, Err(SinkError::Closed)));
    assert!(matches!(sink.check().await, Err(SinkError::Closed)));
    assert!(matches!(sink.close().await, Err(SinkError::Closed)));
    assert_eq!(responder.requests().len(), 0);
}

//! The conformance suite: what every sink has to do, tried against the place it sends to.
//!
//! A sink's tests implement [`Place`] once and call [`conforms`]; where the place can be killed and started again they
//! implement [`Breakable`] too and call [`survives`].

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::{Batch, Receipt, Record, SendFuture, Sink, SinkError};

/// A place to send to, and a way to read back what arrived that does not go through the sink.
pub trait Place {
    /// A new sink to the same place, as after a restart.
    fn open(&mut self) -> Box<dyn Sink>;

    /// The lines at the place, in its order.
    fn read_back(&mut self) -> Vec<Vec<u8>>;

    /// How many bytes the place takes in one record.
    fn largest_record(&self) -> usize;

    /// Whether a record of one byte more is rejected by the sink or its place; some take records of any size.
    fn rejects_larger(&self) -> bool;
}

/// A place that the suite may do harm to.
pub trait Breakable: Place {
    /// Ends the server with SIGKILL.
    fn kill(&mut self);

    /// Starts the server again on what it has on disk, and waits until it answers.
    fn start(&mut self);

    /// From now on every answer takes so long.
    fn slow_down(&mut self, delay: Duration);

    /// From now on the server accepts connections and bytes, and never answers; or, where a server never answers
    /// anyway, takes no bytes.
    fn stall(&mut self);

    /// Undoes [`slow_down`](Self::slow_down) and [`stall`](Self::stall).
    fn restore(&mut self);

    /// A sink that the place turns away for its credentials; `None` where there are none.
    fn open_with_wrong_credentials(&mut self) -> Option<Box<dyn Sink>>;
}

/// Drives a future to its end, or drops it after some seconds and says that it may work later, as who delivers does.
pub type Run<'a> = &'a (dyn Fn(SendFuture<'_, Receipt>) -> Result<Receipt, SinkError> + Sync);

/// Runs what every sink has to do against one place.
///
/// # Panics
/// When the sink does not conform, saying in what.
pub fn conforms(place: &mut dyn Place, run: Run<'_>) {
    let mut sent: Vec<Vec<u8>> = Vec::new();
    let mut sink = place.open();
    run(checking(&mut *sink)).map(drop).expect("a place that works passes the check");
    let next = Cell::new(1);
    let send = |sink: &mut Box<dyn Sink>, lines: Vec<Vec<u8>>, sent: &mut Vec<Vec<u8>>| {
        let batch = batch(next.replace(next.get() + lines.len() as u64), &lines);
        let receipt = run(sink.send(&batch)).expect("the sink accepts what the suite sends");
        assert_eq!(receipt.rejected, [], "nothing of this is to be rejected");
        sent.extend(lines);
        batch
    };

    send(&mut sink, vec![br#"{"n":1}"#.to_vec()], &mut sent);
    assert_eq!(place.read_back(), sent, "a single record");

    send(&mut sink, numbered("order", 1000), &mut sent);
    assert_eq!(place.read_back(), sent, "a big batch, in order");

    let unicode = "{\"text\":\"naïve 漢字 🦀 \u{2028} \\n \\u0000\"}".as_bytes().to_vec();
    send(&mut sink, vec![unicode], &mut sent);
    assert_eq!(place.read_back(), sent, "text of all scripts");

    send(&mut sink, vec![filled("big", place.largest_record())], &mut sent);
    assert_eq!(place.read_back(), sent, "the largest record that the place takes");

    if place.rejects_larger() {
        let [before, after] = [br#"{"beside":1}"#.to_vec(), br#"{"beside":2}"#.to_vec()];
        let too_big = filled("too_big", place.largest_record() + 1);
        let first = next.replace(next.get() + 3);
        let receipt = run(sink.send(&batch(first, &[before.clone(), too_big, after.clone()])))
            .expect("a record that is too large keeps no other from being accepted");
        let rejected: Vec<u64> = receipt.rejected.iter().map(|rejection| rejection.sequence_number).collect();
        assert_eq!(rejected, [first + 1], "exactly the record that is too large is rejected");
        assert!(!receipt.rejected[0].reason.is_empty(), "a rejection says why");
        sent.extend([before, after]);
        assert_eq!(place.read_back(), sent, "records beside one that is too large");
    }

    let again = send(&mut sink, numbered("again", 2), &mut sent);
    run(sink.send(&again)).map(drop).expect("a repeated batch is accepted");
    assert_holds(&place.read_back(), &sent, "a repeated batch");

    run(closing(&mut *sink)).map(drop).expect("a sink that is idle closes");
    assert!(matches!(run(sink.send(&again)), Err(SinkError::Closed)), "a closed sink says that it is");
    drop(sink);
    let mut sink = place.open();
    run(sink.send(&again)).map(drop).expect("a batch repeated after a restart is accepted");
    send(&mut sink, vec![br#"{"after":"restart"}"#.to_vec()], &mut sent);
    assert_holds(&place.read_back(), &sent, "after a restart");

    for polls in 0..4 {
        let lines = numbered(&format!("dropped after {polls} polls"), 3);
        let unfinished = batch(next.get(), &lines);
        let _ = run(interrupted(sink.send(&unfinished), polls));
        send(&mut sink, lines, &mut sent);
    }
    assert_holds(&place.read_back(), &sent, "batches sent again after their futures were dropped");
}

/// Runs what a sink has to do when its place fails: each time, everything arrives in the end, in order, and nothing that
/// may heal is called rejected.
///
/// # Panics
/// When the sink does not conform, saying in what.
pub fn survives(place: &mut dyn Breakable, run: Run<'_>) {
    let mut sent: Vec<Vec<u8>> = Vec::new();

    place.kill();
    let mut sink = place.open();
    let lines = numbered("down at the start", 3);
    let first = batch(1, &lines);
    assert_retryable(&run(sink.send(&first)), "the server is down");
    assert!(run(checking(&mut *sink)).is_err(), "the check of a place that is down says so");
    place.start();
    deliver(&mut *sink, &first, run);
    sent.extend(lines);
    assert_holds(&place.read_back(), &sent, "the server was down at the start");

    let batches: Vec<Batch> = (0..40)
        .map(|round| {
            let lines = numbered(&format!("stream {round}"), 50);
            let batch = batch(sent.len() as u64 + 1, &lines);
            sent.extend(lines);
            batch
        })
        .collect();
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            for batch in &batches {
                deliver(&mut *sink, batch, run);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        std::thread::sleep(Duration::from_millis(150));
        place.kill();
        std::thread::sleep(Duration::from_millis(300));
        place.start();
        if let Err(panic) = sender.join() {
            std::panic::resume_unwind(panic);
        }
    });
    assert_holds(&place.read_back(), &sent, "the server was killed in mid-stream and started again");

    let mut send = |place: &mut dyn Breakable, sink: &mut dyn Sink, what: &str| {
        let lines = numbered(what, 3);
        deliver(sink, &batch(sent.len() as u64 + 1, &lines), run);
        sent.extend(lines);
        assert_holds(&place.read_back(), &sent, what);
    };

    // Whatever comes before or after: a connection that the server's end closed is not a place to lose a batch in.
    place.kill();
    place.start();
    send(place, &mut *sink, "the server was started again between two batches");

    place.slow_down(Duration::from_millis(300));
    send(place, &mut *sink, "a slow server");
    place.restore();

    place.stall();
    let lines = numbered("stalled", 3);
    let stalled = batch(u64::MAX / 2, &lines);
    assert_retryable(&run(sink.send(&stalled)), "the server does not answer");
    place.restore();
    deliver(&mut *sink, &stalled, run);
    let found = place.read_back();
    assert!(lines.iter().all(|line| found.contains(line)), "lost after a server that did not answer");
    drop(sink);

    if let Some(mut turned_away) = place.open_with_wrong_credentials() {
        let lines = numbered("credentials", 3);
        let batch = batch(u64::MAX / 2 + 10, &lines);
        assert_retryable(&run(turned_away.send(&batch)), "credentials can be mended");
        assert!(run(checking(&mut *turned_away)).is_err(), "the check says that the credentials are wrong");
        drop(turned_away);
        let mut sink = place.open();
        deliver(&mut *sink, &batch, run);
        let found = place.read_back();
        assert!(lines.iter().all(|line| found.contains(line)), "lost after wrong credentials");
    }
}

/// Sends a batch until it is accepted, as who delivers does.
///
/// # Panics
/// When it is rejected, or not accepted within a minute.
pub fn deliver(sink: &mut dyn Sink, batch: &Batch, run: Run<'_>) {
    let begun = Instant::now();
    loop {
        match run(sink.send(batch)) {
            Ok(receipt) => return assert_eq!(receipt.rejected, [], "nothing of this is to be rejected"),
            Err(SinkError::Retryable { source, .. }) => {
                assert!(begun.elapsed() < Duration::from_secs(60), "not accepted within a minute: {source}");
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(other) => panic!("given up: {other}"),
        }
    }
}

/// A batch of the suite's: numbered from `first`.
#[must_use]
pub fn batch(first: u64, lines: &[Vec<u8>]) -> Batch {
    let records = lines.iter().zip(first..).map(|(line, sequence_number)| Record {
        sequence_number,
        timestamp_ms: now_ms(),
        event_id: format!("evt_{sequence_number}"),
        event_type: "test.conformance".to_owned(),
        bytes: line.clone(),
        ..Record::default()
    });
    Batch { chain_id: "conformance".to_owned(), records: records.collect() }
}

/// Some places take no records of other times.
fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

fn numbered(what: &str, count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| format!("{{\"{what}\":{n}}}").into_bytes()).collect()
}

/// A JSON object of that many bytes.
fn filled(key: &str, bytes: usize) -> Vec<u8> {
    format!("{{\"{key}\":\"{}\"}}", "x".repeat(bytes - key.len() - 7)).into_bytes()
}

fn checking(sink: &mut dyn Sink) -> SendFuture<'_, Receipt> {
    Box::pin(async move { sink.check().await.map(|()| Receipt::default()) })
}

fn closing(sink: &mut dyn Sink) -> SendFuture<'_, Receipt> {
    Box::pin(async move { sink.close().await.map(|()| Receipt::default()) })
}

/// Polls a future so many times, and then drops it.
fn interrupted(mut send: SendFuture<'_, Receipt>, polls: usize) -> SendFuture<'_, Receipt> {
    let mut left = polls;
    Box::pin(async move {
        let ended = poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(None);
            }
            left -= 1;
            send.as_mut().poll(context).map(Some)
        });
        ended.await.unwrap_or_else(|| Err(SinkError::retryable("interrupted")))
    })
}

fn assert_retryable(result: &Result<Receipt, SinkError>, when: &str) {
    assert!(
        matches!(result, Err(SinkError::Retryable { .. })),
        "{when}: expected an error that may be retried, found {result:?}"
    );
}

/// Every line that was sent is there, in order; repetitions of lines may stand between.
fn assert_holds(found: &[Vec<u8>], sent: &[Vec<u8>], when: &str) {
    let mut rest = found.iter();
    for line in sent {
        assert!(
            rest.any(|found| found == line),
            "{when}: lost or out of order: {}",
            String::from_utf8_lossy(&line[..line.len().min(200)])
        );
    }
    let known: std::collections::HashSet<&Vec<u8>> = sent.iter().collect();
    assert!(found.iter().all(|line| known.contains(line)), "{when}: something that was never sent");
}

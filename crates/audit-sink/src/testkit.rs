//! The conformance suite: what every sink has to do, tried against the place it sends to.
//!
//! A sink's tests implement [`Place`] once and call [`conforms`].

use crate::{Batch, Receipt, Record, SendFuture, Sink, SinkError};

/// A place to send to, and a way to read back what arrived that does not go through the sink.
pub trait Place {
    /// A new sink to the same place, as after a restart.
    fn open(&mut self) -> Box<dyn Sink>;

    /// The lines at the place, in its order.
    fn read_back(&mut self) -> Vec<Vec<u8>>;

    /// How many bytes the place takes in one record.
    fn largest_record(&self) -> usize;
}

/// Runs the whole suite against one place; `run` drives a future.
///
/// # Panics
/// When the sink does not conform, saying in what.
pub fn conforms(place: &mut dyn Place, run: &dyn Fn(SendFuture<'_, Receipt>) -> Result<Receipt, SinkError>) {
    let mut sent: Vec<Vec<u8>> = Vec::new();
    let mut sink = place.open();
    let send = |sink: &mut Box<dyn Sink>, lines: Vec<Vec<u8>>, sent: &mut Vec<Vec<u8>>| {
        let batch = batch(sent.len() as u64 + 1, &lines);
        let receipt = run(sink.send(&batch)).expect("the sink accepts what the suite sends");
        assert_eq!(receipt.rejected, [], "nothing in the suite is to be rejected");
        sent.extend(lines);
        batch
    };

    send(&mut sink, vec![br#"{"n":1}"#.to_vec()], &mut sent);
    assert_eq!(place.read_back(), sent, "a single record");

    send(&mut sink, (0..1000).map(|n| format!("{{\"order\":{n}}}").into_bytes()).collect(), &mut sent);
    assert_eq!(place.read_back(), sent, "a big batch, in order");

    let unicode = "{\"text\":\"naïve 漢字 🦀 \u{2028} \\n \\u0000\"}".as_bytes().to_vec();
    send(&mut sink, vec![unicode], &mut sent);
    assert_eq!(place.read_back(), sent, "text of all scripts");

    let big = format!("{{\"big\":\"{}\"}}", "x".repeat(place.largest_record() - 10)).into_bytes();
    send(&mut sink, vec![big], &mut sent);
    assert_eq!(place.read_back(), sent, "the largest record that the place takes");

    let again = send(&mut sink, vec![br#"{"again":1}"#.to_vec(), br#"{"again":2}"#.to_vec()], &mut sent);
    run(sink.send(&again)).map(drop).expect("a repeated batch is accepted");
    assert_holds(&place.read_back(), &sent, "a repeated batch");

    drop(sink);
    let mut sink = place.open();
    run(sink.send(&again)).map(drop).expect("a batch repeated after a restart is accepted");
    send(&mut sink, vec![br#"{"after":"restart"}"#.to_vec()], &mut sent);
    assert_holds(&place.read_back(), &sent, "after a restart");

    let unfinished = batch(sent.len() as u64 + 1, &[br#"{"dropped":1}"#.to_vec()]);
    drop(sink.send(&unfinished));
    send(&mut sink, vec![br#"{"dropped":1}"#.to_vec()], &mut sent);
    assert_holds(&place.read_back(), &sent, "a batch sent again after its future was dropped");
}

/// Every line that was sent is there, in order; repetitions of lines may stand between.
fn assert_holds(found: &[Vec<u8>], sent: &[Vec<u8>], when: &str) {
    let mut rest = found.iter();
    for line in sent {
        assert!(
            rest.any(|found| found == line),
            "{when}: lost or out of order: {}",
            String::from_utf8_lossy(line)
        );
    }
    assert!(found.iter().all(|line| sent.contains(line)), "{when}: something that was never sent");
}

fn batch(first: u64, lines: &[Vec<u8>]) -> Batch {
    let records = lines.iter().zip(first..).map(|(line, sequence_number)| Record {
        sequence_number,
        timestamp_ms: 1_764_000_000_000,
        event_id: format!("evt_{sequence_number}"),
        event_type: "test.conformance".to_owned(),
        bytes: line.clone(),
    });
    Batch { chain_id: "conformance".to_owned(), records: records.collect() }
}

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use audit_model::{Event, write_json_string};
use audit_pipeline::{Emit, EmitError, Receipt};
use audit_source::{Intake, Provenance};
use hyper::StatusCode;

/// The events of one request, on their way into the log, and what became of each.
///
/// All are begun before any is waited for, so that they share a commit.
pub(crate) struct Batch {
    /// The ids of the events, as JSON strings, one behind the other.
    ids: Vec<u8>,
    entries: Vec<Entry>,
}

struct Entry {
    /// Where its id ends in `ids`; it begins where the one before ends.
    id_end: usize,
    fate: Fate,
}

enum Fate {
    Begun(Emit),
    Known(Result<Receipt, EmitError>),
    Refused(Box<str>),
}

/// What is answered to a request as a whole.
pub(crate) struct Verdict {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
    pub(crate) recorded: u64,
    pub(crate) refused: u64,
}

/// The longest error that is told of an event, in characters: it may quote what the event has.
const LONGEST_ERROR: usize = 500;

impl Batch {
    pub(crate) fn with_capacity(events: usize) -> Self {
        Self { ids: Vec::with_capacity(40 * events), entries: Vec::with_capacity(events) }
    }

    /// Begins to record an event, or notes why it is none.
    pub(crate) fn add(&mut self, event: Result<Event, String>, intake: &Intake, provenance: &Provenance) {
        let fate = match event {
            Ok(event) => {
                write_json_string(event.event_id.as_str(), &mut self.ids);
                Fate::Begun(intake.emit(event, provenance))
            }
            Err(reason) => Fate::Refused(reason.into()),
        };
        self.entries.push(Entry { id_end: self.ids.len(), fate });
    }

    /// Waits until it is known of all what became of them.
    ///
    /// As a rule they share a commit: then waiting for the first is waiting for all, and costs one waker. When that is not so (the log
    /// had no room for some), all that are left are asked each time, since each has to be there when there is room.
    pub(crate) async fn settle(&mut self) {
        let (mut first, mut is_first_time) = (0, true);
        poll_fn(|context| {
            let mut is_settled = true;
            for (index, entry) in self.entries.iter_mut().enumerate().skip(first) {
                if let Fate::Begun(emit) = &mut entry.fate {
                    match Pin::new(emit).poll(context) {
                        Poll::Ready(known) => entry.fate = Fate::Known(known),
                        Poll::Pending if is_first_time => {
                            is_settled = false;
                            break;
                        }
                        Poll::Pending => is_settled = false,
                    }
                }
                if is_settled {
                    first = index + 1;
                }
            }
            is_first_time = false;
            if is_settled { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// The answer, when all is [settled](Self::settle).
    pub(crate) fn verdict(&self) -> Verdict {
        let (mut recorded, mut refused, mut passed_over) = (0, 0, 0);
        let mut results = Vec::with_capacity(self.ids.len() + 64 * self.entries.len());
        let mut again = false;
        let mut id_start = 0;
        for entry in &self.entries {
            let id = &self.ids[id_start..entry.id_end];
            id_start = entry.id_end;
            let mut result = ResultWriter::new(&mut results, id);
            match &entry.fate {
                Fate::Known(Ok(Receipt::Recorded { sequence_number })) => {
                    recorded += 1;
                    result.sequence_number(*sequence_number);
                    result.end("recorded");
                }
                Fate::Known(Ok(receipt)) => {
                    passed_over += 1;
                    result.end(match receipt {
                        Receipt::Queued => "queued",
                        Receipt::Dropped => "dropped",
                        _ => "not_selected",
                    });
                }
                Fate::Refused(reason) => {
                    refused += 1;
                    result.error(reason);
                    result.end("refused");
                }
                Fate::Known(Err(error @ (EmitError::Event(_) | EmitError::Reserved(_)))) => {
                    refused += 1;
                    result.error(&error.to_string());
                    result.end("refused");
                }
                Fate::Known(Err(error @ EmitError::Undelivered { sequence_number, .. })) => {
                    again = true;
                    result.error(&error.to_string());
                    // It is in the log.
                    passed_over += 1;
                    result.sequence_number(*sequence_number);
                    result.end("unconfirmed");
                }
                Fate::Known(Err(error)) => {
                    again = true;
                    result.error(&error.to_string());
                    result.end("unavailable");
                }
                Fate::Begun(_) => {
                    again = true;
                    result.end("unavailable");
                }
            }
        }
        let status = match (again, refused) {
            (true, _) => StatusCode::SERVICE_UNAVAILABLE,
            (_, 0) => StatusCode::OK,
            _ if refused == self.entries.len() as u64 => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::MULTI_STATUS,
        };
        let mut body = Vec::with_capacity(results.len() + 64);
        let mut number = itoa::Buffer::new();
        body.extend_from_slice(b"{\"recorded\":");
        body.extend_from_slice(number.format(recorded).as_bytes());
        body.extend_from_slice(b",\"refused\":");
        body.extend_from_slice(number.format(refused).as_bytes());
        body.extend_from_slice(b",\"results\":[");
        body.extend_from_slice(&results);
        body.extend_from_slice(b"]}");
        Verdict { status, body, recorded: recorded + passed_over, refused }
    }
}

/// Writes what became of one event.
struct ResultWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> ResultWriter<'a> {
    fn new(out: &'a mut Vec<u8>, id: &[u8]) -> Self {
        if !out.is_empty() {
            out.push(b',');
        }
        out.push(b'{');
        if !id.is_empty() {
            out.extend_from_slice(b"\"event_id\":");
            out.extend_from_slice(id);
            out.push(b',');
        }
        Self { out }
    }

    fn error(&mut self, error: &str) {
        self.out.extend_from_slice(b"\"error\":");
        let end = error.char_indices().nth(LONGEST_ERROR).map_or(error.len(), |(at, _)| at);
        write_json_string(&error[..end], self.out);
        self.out.push(b',');
    }

    fn sequence_number(&mut self, number: u64) {
        self.out.extend_from_slice(b"\"sequence_number\":");
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        self.out.push(b',');
    }

    fn end(self, status: &str) {
        self.out.extend_from_slice(b"\"status\":\"");
        self.out.extend_from_slice(status.as_bytes());
        self.out.extend_from_slice(b"\"}");
    }
}

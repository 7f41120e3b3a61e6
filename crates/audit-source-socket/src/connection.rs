//! One client: its lines, and its receipts if it asked for them.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use audit_model::Timestamp;
use audit_pipeline::{EmitError, Receipt};
use audit_source::{CancellationToken, Format, Intake, MAX_EVENT, Provenance, Taken};
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use futures_util::stream::{FuturesOrdered, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::Instant;

use crate::lines::{Line, Lines};

/// How many events of a client are on their way at once, at the most.
const WINDOW: usize = 256;
/// How many bytes of them; one more may be on its way.
const WINDOW_BYTES: usize = 4 << 20;

/// How long, after `stop`, more is waited for that is on its way here.
const GRACE: Duration = Duration::from_millis(50);
/// How long, after `stop`, a client is listened to that goes on writing.
const LAST_READS: Duration = Duration::from_secs(1);
/// What a client asks for receipts with, and the answer that says that they will come.
const RECEIPTS: &str = r#"{"receipts":true}"#;

/// A connection, and what it is for.
pub(crate) struct Connection {
    pub(crate) intake: Intake,
    pub(crate) format: Format,
    pub(crate) provenance: Provenance,
    /// The socket's name, for the rejects file.
    pub(crate) place: String,
}

/// What became of a line: the answer to it, if one was asked for.
type Answer = Result<Option<String>, Ended>;

/// Why a connection ends before its client ends it.
pub(crate) enum Ended {
    /// The log was closed: the client sends the rest again.
    Closed,
    /// The client is gone.
    Gone,
}

#[derive(Default)]
struct Window {
    answers: FuturesOrdered<BoxFuture<'static, Answer>>,
    sizes: VecDeque<usize>,
    bytes: usize,
}

impl Connection {
    /// Takes lines until the client has written all, or until `stop`: then what it has sent already.
    pub(crate) async fn serve(self, stream: UnixStream, stop: CancellationToken) -> Result<(), Ended> {
        let (reader, mut writer) = stream.into_split();
        let mut reader = BufReader::with_capacity(64 << 10, reader);
        let mut lines = Lines::default();
        let mut window = Window::default();
        let (mut number, mut is_first, mut receipts, mut last_reads) = (0, true, false, None);
        loop {
            tokio::select! {
                biased;
                answer = window.next(), if !window.is_empty() => send(&mut writer, answer).await?,
                line = next(&mut lines, &mut reader, &stop, &mut last_reads), if window.has_room() => {
                    let Ok(Some(line)) = line else { break };
                    number += 1;
                    if line.is_blank() {
                        continue;
                    }
                    if std::mem::take(&mut is_first) && asks_for_receipts(&line.text) {
                        receipts = true;
                        window.push(0, ready(Ok(Some(RECEIPTS.to_owned()))).boxed());
                    } else {
                        let size = line.text.len();
                        window.push(size, if receipts { self.answer(&line) } else { self.take(line, number) });
                    }
                }
            }
        }
        while !window.is_empty() {
            let answer = window.next().await;
            send(&mut writer, answer).await?;
        }
        let _ = writer.shutdown().await;
        Ok(())
    }

    /// Takes a line of a client that asks for no receipt: nobody would send it again.
    fn take(&self, line: Line, number: u64) -> BoxFuture<'static, Answer> {
        let taken = match too_long(&line) {
            Some(reason) => self.intake.refuse(reason, line.text, &self.place, number).boxed(),
            None => self.intake.take(self.format, line.text, &self.provenance, &self.place, number).boxed(),
        };
        async move {
            match taken.await {
                Taken::Closed => Err(Ended::Closed),
                Taken::Recorded(_) | Taken::Refused(_) => Ok(None),
            }
        }
        .boxed()
    }

    /// Takes a line of a client that waits for the receipt, and can send it again.
    fn answer(&self, line: &Line) -> BoxFuture<'static, Answer> {
        let read = match too_long(line) {
            Some(reason) => Err(reason),
            None => self.format.read(&line.text, Timestamp::now()),
        };
        let event = match read {
            Ok(event) => event,
            Err(error) => {
                self.intake.count_refused();
                return ready(Ok(Some(refused(&error)))).boxed();
            }
        };
        let id = event.event_id.clone();
        let emit = self.intake.emit(event, &self.provenance);
        let intake = self.intake.clone();
        async move {
            let mut answer = json!({"status": "recorded", "event_id": id.as_str()});
            match emit.await {
                Ok(Receipt::Recorded { sequence_number }) => {
                    answer["sequence_number"] = sequence_number.into();
                }
                // Neither of them has a number.
                Ok(Receipt::Dropped) => answer["status"] = "dropped".into(),
                Ok(Receipt::NotSelected) => answer["status"] = "not_selected".into(),
                Ok(_) => answer["status"] = "queued".into(),
                Err(EmitError::Undelivered { sequence_number, reason }) => {
                    answer["sequence_number"] = sequence_number.into();
                    answer["undelivered"] = (*reason).into();
                }
                Err(EmitError::Closed) => return Err(Ended::Closed),
                Err(error @ (EmitError::Event(_) | EmitError::Reserved(_))) => {
                    intake.count_refused();
                    return Ok(Some(refused(&error.to_string())));
                }
                Err(error) => {
                    let answer =
                        json!({"status": "unavailable", "event_id": id.as_str(), "error": error.to_string()});
                    return Ok(Some(answer.to_string()));
                }
            }
            intake.count_recorded();
            Ok(Some(answer.to_string()))
        }
        .boxed()
    }
}

impl Window {
    fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    fn has_room(&self) -> bool {
        self.sizes.len() < WINDOW && self.bytes < WINDOW_BYTES
    }

    fn push(&mut self, size: usize, answer: BoxFuture<'static, Answer>) {
        self.bytes += size;
        self.sizes.push_back(size);
        self.answers.push_back(answer);
    }

    async fn next(&mut self) -> Answer {
        let answer = self.answers.next().await;
        self.bytes -= self.sizes.pop_front().unwrap_or(0);
        answer.unwrap_or(Ok(None))
    }
}

/// The next line; after `stop` only if it was on its way here.
async fn next(
    lines: &mut Lines,
    reader: &mut BufReader<OwnedReadHalf>,
    stop: &CancellationToken,
    last_reads: &mut Option<Instant>,
) -> io::Result<Option<Line>> {
    if let Some(line) = stop.run_until_cancelled(lines.next(reader)).await {
        return line;
    }
    let now = Instant::now();
    let end = *last_reads.get_or_insert(now + LAST_READS);
    tokio::time::timeout_at(end.min(now + GRACE), lines.next(reader)).await.unwrap_or(Ok(None))
}

async fn send(writer: &mut OwnedWriteHalf, answer: Answer) -> Result<(), Ended> {
    let Some(mut answer) = answer? else { return Ok(()) };
    answer.push('\n');
    writer.write_all(answer.as_bytes()).await.map_err(|_| Ended::Gone)
}

fn too_long(line: &Line) -> Option<String> {
    let reason = || format!("the line has {} bytes, and an event has at most {MAX_EVENT}", line.length);
    line.is_cut().then(reason)
}

fn refused(error: &str) -> String {
    json!({"status": "refused", "error": error}).to_string()
}

fn asks_for_receipts(line: &[u8]) -> bool {
    line.len() < 100
        && serde_json::from_slice::<Value>(line).is_ok_and(|line| line == json!({"receipts": true}))
}

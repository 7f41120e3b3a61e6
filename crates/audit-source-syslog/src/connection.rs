//! One sender.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use audit_model::Timestamp;
use audit_source::{CancellationToken, Intake, Provenance, Taken};
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesOrdered, StreamExt as _};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::Instant;

use crate::event::event_of;
use crate::frames::{Frame, Frames};
use crate::rule::Rule;

/// How many messages of a sender are on their way into the log at once, about.
const WINDOW: usize = 256;
/// How many bytes of them, about.
const WINDOW_BYTES: usize = 4 << 20;
/// How long, after `stop`, more is waited for that is on its way here.
const GRACE: Duration = Duration::from_millis(50);
/// How long, after `stop`, a sender is listened to that goes on sending.
const LAST_READS: Duration = Duration::from_secs(1);
/// How much is read at once, in bytes.
const CHUNK: usize = 16 << 10;

/// What is taken from a sender.
pub(crate) struct Connection {
    pub(crate) intake: Intake,
    pub(crate) rules: Arc<[Rule]>,
    pub(crate) provenance: Provenance,
    pub(crate) peer: String,
    pub(crate) max_message_bytes: usize,
    pub(crate) idle_timeout: Duration,
}

/// Why what came from a sender is not all in the log.
pub(crate) enum Ended {
    /// The log was closed.
    Closed,
}

#[derive(Default)]
struct Window {
    takes: FuturesOrdered<BoxFuture<'static, Result<(), Ended>>>,
    sizes: VecDeque<usize>,
    bytes: usize,
}

impl Connection {
    /// Takes messages until the sender ends, is silent for too long, or `stop`; all are durable when this returns without an error.
    pub(crate) async fn serve(
        &self,
        stream: &mut (impl AsyncRead + Unpin),
        stop: &CancellationToken,
    ) -> Result<(), Ended> {
        let mut frames = Frames::new(self.max_message_bytes);
        let mut window = Window::default();
        let mut buffer = vec![0; CHUNK];
        let mut found = Vec::new();
        let (mut last_reads, mut broken) = (None, None);
        loop {
            tokio::select! {
                biased;
                done = window.next(), if !window.is_empty() => done?,
                read = read(stream, &mut buffer, self.idle_timeout, stop, &mut last_reads), if window.has_room() => {
                    match read {
                        Ok(0) => break,
                        Ok(read) => frames.feed(&buffer[..read], &mut found),
                        Err(reason) => {
                            broken = Some(reason);
                            break;
                        }
                    }
                    for frame in found.drain(..) {
                        window.push(frame.bytes.len(), self.take(&frame));
                    }
                }
            }
        }
        if let Some(rest) = frames.finish(broken.as_deref()) {
            window.push(rest.bytes.len(), self.take(&rest));
        }
        while !window.is_empty() {
            window.next().await?;
        }
        Ok(())
    }

    /// It is on its way when this returns.
    fn take(&self, frame: &Frame) -> BoxFuture<'static, Result<(), Ended>> {
        let said = event_of(frame, &self.rules, &self.peer, Timestamp::now());
        let provenance = match said.integrity {
            Some(seal) => self.provenance.clone().with("integrity", seal),
            None => self.provenance.clone(),
        };
        let taken = self.intake.take_event(said.event, &*frame.bytes, &provenance, &self.peer, 0);
        async move {
            match taken.await {
                Taken::Recorded(_) | Taken::Refused(_) => Ok(()),
                Taken::Closed => Err(Ended::Closed),
            }
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

    fn push(&mut self, size: usize, take: BoxFuture<'static, Result<(), Ended>>) {
        self.bytes += size;
        self.sizes.push_back(size);
        self.takes.push_back(take);
    }

    async fn next(&mut self) -> Result<(), Ended> {
        let done = self.takes.next().await;
        self.bytes -= self.sizes.pop_front().unwrap_or(0);
        done.unwrap_or(Ok(()))
    }
}

/// How much came; nothing where the sender has ended, and why nothing more comes where it has not. After `stop` only what was on its way
/// here.
async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut [u8],
    idle_timeout: Duration,
    stop: &CancellationToken,
    last_reads: &mut Option<Instant>,
) -> Result<usize, String> {
    let reading = tokio::time::timeout(idle_timeout, stream.read(buffer));
    if let Some(read) = stop.run_until_cancelled(reading).await {
        return match read {
            Ok(read) => read.map_err(|error| format!("the connection broke ({error})")),
            Err(_) => Err(format!("nothing came for {} s", idle_timeout.as_secs_f64())),
        };
    }
    let now = Instant::now();
    let end = *last_reads.get_or_insert(now + LAST_READS);
    let reading = tokio::time::timeout_at(end.min(now + GRACE), stream.read(buffer));
    match reading.await {
        Ok(read) => read.map_err(|error| format!("the connection broke ({error})")),
        Err(_) => Err("the source was stopped".to_owned()),
    }
}

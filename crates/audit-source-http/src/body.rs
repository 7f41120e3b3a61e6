use std::error::Error as _;
use std::io::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout_at};

use crate::Limits;
use crate::answer::Refusal;
use crate::content::Encoding;
use crate::gate::Pass;
use crate::measures::Measures;
use crate::problem::{bad_request, overloaded, too_large, too_slow};

/// Reads a whole body, within the limits.
pub(crate) async fn read(
    mut body: Incoming,
    encoding: Encoding,
    limits: &Limits,
    pass: &mut Pass<'_>,
) -> Result<Bytes, Refusal> {
    let begun = Instant::now();
    let mut received = 0_usize;
    let mut content = match encoding {
        Encoding::Identity => Content::Plain(Plain::Nothing),
        Encoding::Gzip => Content::Gzip(Box::new(MultiGzDecoder::new(Inflated {
            bytes: Vec::new(),
            limit: limits.max_inflated_bytes,
            is_over: false,
        }))),
    };
    loop {
        // A body that is there already costs no timer.
        let deadline = begun + allowed(received, limits);
        let frame = match timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => break,
            Ok(Some(Err(error))) => {
                if ended_early(&error) {
                    // The system takes the answer all the same, for a peer that is not there.
                    Measures::gone();
                }
                return Err(bad_request(&format!("the body cannot be read: {error}")));
            }
            Err(_) => return Err(too_slow(&format!("the body came too slowly: {received} bytes so far"))),
        };
        // Trailers say nothing to us.
        let Ok(data) = frame.into_data() else { continue };
        received += data.len();
        if received > limits.max_body_bytes {
            return Err(longer_than(limits.max_body_bytes));
        }
        let before = content.len();
        let rest = body.size_hint().exact().and_then(|rest| usize::try_from(rest).ok()).unwrap_or(0);
        content.add(data, rest, limits)?;
        if !pass.hold(content.len() - before) {
            return Err(overloaded("too much is being taken already; send the same again later"));
        }
    }
    content.finish(limits)
}

fn ended_early(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    error.is_incomplete_message() || cause.is_some_and(|cause| cause.kind() == io::ErrorKind::UnexpectedEof)
}

pub(crate) fn longer_than(limit: usize) -> Refusal {
    too_large(&format!("the body is longer than {limit} bytes; send fewer events at once"))
}

/// How long a body may have been under way that has brought so much.
fn allowed(received: usize, limits: &Limits) -> Duration {
    let grace = Duration::from_secs(5).min(limits.request_timeout / 10);
    let by_rate = received as f64 / f64::from(limits.min_body_rate.max(1));
    let by_rate = Duration::try_from_secs_f64(by_rate).unwrap_or(Duration::MAX);
    grace.saturating_add(by_rate).min(limits.request_timeout)
}

/// What has come of a body.
enum Content {
    Plain(Plain),
    Gzip(Box<MultiGzDecoder<Inflated>>),
}

/// A body that came in one piece is not copied.
enum Plain {
    Nothing,
    Piece(Bytes),
    Pieces(Vec<u8>),
}

impl Content {
    fn len(&self) -> usize {
        match self {
            Self::Plain(Plain::Nothing) => 0,
            Self::Plain(Plain::Piece(piece)) => piece.len(),
            Self::Plain(Plain::Pieces(pieces)) => pieces.len(),
            Self::Gzip(decoder) => decoder.get_ref().bytes.len(),
        }
    }

    /// Adds a piece; `rest` is how much is announced to follow.
    fn add(&mut self, data: Bytes, rest: usize, limits: &Limits) -> Result<(), Refusal> {
        match self {
            Self::Plain(plain) => plain.add(data, rest.min(limits.max_body_bytes)),
            Self::Gzip(decoder) => decoder.write_all(&data).map_err(|_| not_gzip(decoder, limits))?,
        }
        Ok(())
    }

    fn finish(self, limits: &Limits) -> Result<Bytes, Refusal> {
        match self {
            Self::Plain(Plain::Nothing) => Ok(Bytes::new()),
            Self::Plain(Plain::Piece(piece)) => Ok(piece),
            Self::Plain(Plain::Pieces(pieces)) => Ok(pieces.into()),
            Self::Gzip(mut decoder) => match decoder.try_finish() {
                Ok(()) => Ok(std::mem::take(&mut decoder.get_mut().bytes).into()),
                Err(_) => Err(not_gzip(&decoder, limits)),
            },
        }
    }
}

fn not_gzip(decoder: &MultiGzDecoder<Inflated>, limits: &Limits) -> Refusal {
    if decoder.get_ref().is_over {
        return longer_than(limits.max_inflated_bytes);
    }
    bad_request("the body is no whole gzip stream, as its Content-Encoding says it is")
}

impl Plain {
    fn add(&mut self, data: Bytes, rest: usize) {
        if data.is_empty() {
            return;
        }
        match std::mem::replace(self, Self::Nothing) {
            Self::Nothing => *self = Self::Piece(data),
            Self::Piece(piece) => {
                // What is announced is made room for as it comes near, not at once: it may never come.
                let expected = (piece.len() + data.len()) + rest.min(piece.len() + data.len());
                let mut pieces = Vec::with_capacity(expected);
                pieces.extend_from_slice(&piece);
                pieces.extend_from_slice(&data);
                *self = Self::Pieces(pieces);
            }
            Self::Pieces(mut pieces) => {
                pieces.extend_from_slice(&data);
                *self = Self::Pieces(pieces);
            }
        }
    }
}

/// Where a body is decompressed to, and no further than the limit: a kilobyte can become a megabyte.
struct Inflated {
    bytes: Vec<u8>,
    limit: usize,
    is_over: bool,
}

impl Write for Inflated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.limit - self.bytes.len() {
            self.is_over = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_faster_is_waited_for_longer() {
        let mut limits = Limits::default();
        let seconds = |received, limits: &Limits| allowed(received, limits).as_secs_f64();
        assert!((seconds(0, &limits) - 3.0).abs() < 1e-9, "a tenth of the whole");
        assert!((seconds(5120, &limits) - 13.0).abs() < 1e-9);
        assert!((seconds(1 << 20, &limits) - 30.0).abs() < 1e-9, "never longer than the whole");
        limits.request_timeout = Duration::from_secs(3600);
        assert!((seconds(0, &limits) - 5.0).abs() < 1e-9);
        limits.min_body_rate = 0;
        assert!(seconds(usize::MAX, &limits) <= 3600.0);
    }
}

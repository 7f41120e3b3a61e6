use std::cell::OnceCell;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use audit_integrity::decompress;
use audit_model::Timestamp;

use crate::{BadLine, Ends, Hit, Input, JsonStream, MAX_VALUE, Place, Query, Visitor, read_event};

/// What a scan has to say at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scanned {
    /// Inputs that could not be read, or not to their end, in their order.
    pub unreadable: Vec<Unreadable>,
    /// Whether the taker ended it.
    pub stopped: bool,
}

/// An input that could not be read, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable {
    /// What messages call the input.
    pub name: String,
    /// Why.
    pub why: String,
}

/// Reads all inputs with that many threads, has what matches folded into parts by the `visitor`, and hands these to `take` in
/// the order of the inputs and of the lines in them, until it says that it is enough.
///
/// `now` is the time that conditions may ask for. The bytes that were read of files (not what they are decompressed to) are
/// added to `read` as they are read.
pub fn scan<V: Visitor>(
    inputs: Vec<Input>,
    query: &Query,
    now: Timestamp,
    threads: usize,
    read: &AtomicU64,
    visitor: &V,
    mut take: impl FnMut(V::Part) -> ControlFlow<()>,
) -> Scanned {
    let _ = threads;
    let mut scanned = Scanned::default();
    for input in inputs {
        let name = input.name();
        let outcome = scan_one(input, &name, query, now, visitor, &mut take);
        match outcome {
            Ok((ControlFlow::Continue(()), bytes)) => {
                read.fetch_add(bytes, Ordering::Relaxed);
            }
            Ok((ControlFlow::Break(()), _)) => {
                scanned.stopped = true;
                return scanned;
            }
            Err(error) => scanned.unreadable.push(Unreadable { name, why: error.to_string() }),
        }
    }
    scanned
}

fn scan_one<V: Visitor>(
    input: Input,
    name: &str,
    query: &Query,
    now: Timestamp,
    visitor: &V,
    take: &mut impl FnMut(V::Part) -> ControlFlow<()>,
) -> io::Result<(ControlFlow<()>, u64)> {
    let raw: Box<dyn Read + Send> = match input {
        Input::File(path) => Box::new(File::open(path)?),
        Input::Bytes { bytes, .. } => Box::new(Cursor::new(bytes)),
        Input::Reader { reader, .. } => reader,
    };
    let mut stream = JsonStream::new(BufReader::new(decompress(BufReader::new(raw))?));
    let mut part = V::Part::default();
    let (mut count, mut bytes) = (0, 0);
    let mut failed = None;
    loop {
        let piece = match stream.next() {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(error) => {
                failed = Some(error);
                break;
            }
        };
        bytes += piece.text.len() as u64;
        let place = Place { name, line: piece.line };
        let read = if piece.ends == Ends::TooLong {
            Err(format!("longer than {MAX_VALUE} bytes"))
        } else {
            read_event(&piece.text).map_err(|error| error.to_string())
        };
        match read {
            Ok(event) if query.matches(&event, now) => {
                let hit = Hit { line: &piece.text, place, event: OnceCell::from(Ok(event)) };
                visitor.hit(&mut part, &hit);
            }
            Ok(_) => {}
            Err(why) => visitor.bad_line(&mut part, &BadLine { text: &piece.text, why, place }),
        }
        count += 1;
        if count % 1000 == 0 && take(std::mem::take(&mut part)).is_break() {
            return Ok((ControlFlow::Break(()), bytes));
        }
    }
    let flow = take(part);
    failed.map_or(Ok((flow, bytes)), Err)
}

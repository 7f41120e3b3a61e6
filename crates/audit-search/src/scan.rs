use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use audit_model::Timestamp;

use crate::compressed::{Decompressed, is_compressed};
use crate::judge::{Judge, Special};
use crate::layout::Layout;
use crate::outbox::Outbox;
use crate::plain_file::{From, PlainFile};
use crate::sieve::Sieve;
use crate::wanted::Wanted;
use crate::worker::{Chooser, Worker};
use crate::{Input, Query, Visitor};

/// What a scan has to say at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
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

/// How a scan cuts its work.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// The bytes of a plain file that are one piece of work.
    piece: u64,
    /// The bytes that are read at once; to begin with, since lines may be longer.
    block: usize,
}

const SIZES: Sizes = Sizes { piece: 1 << 20, block: 256 << 10 };

/// Reads all inputs with that many threads, has what matches folded into parts by the `visitor`, and hands these to `take` in
/// the order of the inputs and of the lines in them, until it says that it is enough.
///
/// `now` is the time that conditions may ask for. The bytes that were read of the inputs (not what they are decompressed to) are
/// added to `read` as they are read. `take` is called on the calling thread.
pub fn scan<V: Visitor>(
    inputs: Vec<Input>,
    query: &Query,
    now: Timestamp,
    threads: usize,
    read: &AtomicU64,
    visitor: &V,
    take: impl FnMut(V::Part) -> ControlFlow<()>,
) -> Scanned {
    scan_in(SIZES, inputs, query, now, threads, read, visitor, take)
}

/// [`scan`], whose pieces of work have that many bytes: for tests, since it makes no difference to what is found.
#[doc(hidden)]
#[expect(clippy::too_many_arguments, reason = "one more than the public function")]
pub fn scan_in_pieces<V: Visitor>(
    bytes: usize,
    inputs: Vec<Input>,
    query: &Query,
    now: Timestamp,
    threads: usize,
    read: &AtomicU64,
    visitor: &V,
    take: impl FnMut(V::Part) -> ControlFlow<()>,
) -> Scanned {
    let bytes = bytes.max(1);
    let sizes = Sizes { piece: bytes as u64, block: bytes };
    scan_in(sizes, inputs, query, now, threads, read, visitor, take)
}

#[expect(clippy::too_many_arguments, reason = "one more than the public function")]
fn scan_in<V: Visitor>(
    sizes: Sizes,
    inputs: Vec<Input>,
    query: &Query,
    now: Timestamp,
    threads: usize,
    read: &AtomicU64,
    visitor: &V,
    mut take: impl FnMut(V::Part) -> ControlFlow<()>,
) -> Scanned {
    let wanted = Wanted::of(query);
    let sieve = Sieve::of(query);
    let outbox = Outbox::new();
    let is_for_few = inputs.len() < threads;
    let queue = Queue {
        state: Mutex::new(Waiting { inputs: inputs.into_iter().enumerate(), file: None, next: 0 }),
        unreadable: Mutex::new(Vec::new()),
        sizes,
        is_for_few,
        read,
    };
    let work = || {
        // Also when the visitor panics: nobody is to wait for what does not come.
        let _stop = StopOnPanic(&outbox);
        let mut worker = Worker {
            judge: Judge::new(query, wanted.as_ref(), now),
            wanted: wanted.as_ref(),
            visitor,
            outbox: &outbox,
            chooser: Chooser::new(sieve.as_ref()),
            buffer: vec![0; sizes.block],
            special: Special::new(),
        };
        queue.work(&mut worker);
    };
    let mut stopped = false;
    thread::scope(|scope| {
        let _stop = StopOnPanic(&outbox);
        let mut running = 0;
        for _ in 0..threads.max(1) {
            // Fewer threads than wanted do the work as well.
            if thread::Builder::new().spawn_scoped(scope, work).is_ok() {
                running += 1;
            }
        }
        if running == 0 {
            queue.fail("no thread can be started to read it");
            outbox.set_total(0);
        }
        while let Some(part) = outbox.take() {
            if take(part).is_break() {
                stopped = true;
                break;
            }
        }
        outbox.stop();
    });
    let mut unreadable = queue.unreadable.into_inner().unwrap_or_else(PoisonError::into_inner);
    unreadable.sort_by_key(|(index, _)| *index);
    Scanned { unreadable: unreadable.into_iter().map(|(_, input)| input).collect(), stopped }
}

struct StopOnPanic<'o, P>(&'o Outbox<P>);

impl<P> Drop for StopOnPanic<'_, P> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop();
        }
    }
}

/// The work that nobody has begun.
struct Queue<'s> {
    state: Mutex<Waiting>,
    unreadable: Mutex<Vec<(usize, Unreadable)>>,
    sizes: Sizes,
    /// Whether there are threads to spare.
    is_for_few: bool,
    read: &'s AtomicU64,
}

struct Waiting {
    inputs: std::iter::Enumerate<std::vec::IntoIter<Input>>,
    /// A file of which some has been begun, and where the rest is.
    file: Option<Ranges>,
    /// The number of the next piece.
    next: u64,
}

struct Ranges {
    index: usize,
    file: Arc<PlainFile>,
    next: u64,
    length: u64,
}

/// A piece of work.
struct Claim {
    piece: u64,
    index: usize,
    work: Work,
}

enum Work {
    Range { file: Arc<PlainFile>, start: u64, end: u64 },
    Stream { name: String, stream: Stream },
}

/// An input that was opened.
enum Opened {
    /// A file of that length, of which several can read.
    Plain(PlainFile, u64),
    Stream(Stream),
}

/// What is read from its beginning to its end.
struct Stream {
    reader: Box<dyn Read + Send>,
    /// As far as it is known.
    is_compressed: bool,
    layout: Option<Layout>,
}

impl Queue<'_> {
    /// Does pieces of work until there are none.
    fn work<V: Visitor>(&self, worker: &mut Worker<'_, V>) {
        while let Some(Claim { piece, index, work }) = self.claim() {
            worker.outbox.wait_for_turn(piece);
            if worker.outbox.is_stopped() {
                return;
            }
            let (name, outcome) = match work {
                Work::Range { file, start, end } => {
                    let reader = From { file: &file, at: start.saturating_sub(1) };
                    let outcome = worker.range(piece, reader, start, end);
                    self.read.fetch_add(end - start, Ordering::Relaxed);
                    (file.name.clone(), outcome)
                }
                Work::Stream { name, stream } => {
                    let aside = stream.is_compressed && self.is_for_few;
                    let text = Decompressed::new(stream.reader, aside, self.read);
                    let outcome = text.and_then(|text| worker.stream(piece, &name, text, stream.layout));
                    (name, outcome)
                }
            };
            if let Err(error) = outcome {
                self.note(index, name, &error);
            }
            worker.outbox.done(piece);
        }
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        worker.outbox.set_total(state.next);
    }

    fn claim(&self) -> Option<Claim> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(claim) = state.range(self.sizes.piece) {
                return Some(claim);
            }
            let (index, input) = state.inputs.next()?;
            let name = input.name();
            match open(input, &name) {
                Ok(Opened::Plain(file, length)) => {
                    state.file = Some(Ranges { index, file: Arc::new(file), next: 0, length });
                }
                Ok(Opened::Stream(stream)) => {
                    let piece = state.next;
                    state.next += 1;
                    return Some(Claim { piece, index, work: Work::Stream { name, stream } });
                }
                Err(error) => self.note(index, name, &error),
            }
        }
    }

    /// Notes the first thing that is wrong with an input.
    fn note(&self, index: usize, name: String, error: &io::Error) {
        let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        if unreadable.iter().all(|(known, _)| *known != index) {
            unreadable.push((index, Unreadable { name, why: error.to_string() }));
        }
    }

    fn fail(&self, why: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, input) in state.inputs.by_ref() {
            self.note(index, input.name(), &io::Error::other(why));
        }
    }
}

impl Waiting {
    fn range(&mut self, piece: u64) -> Option<Claim> {
        let ranges = self.file.as_mut()?;
        if ranges.next >= ranges.length {
            self.file = None;
            return None;
        }
        let start = ranges.next;
        ranges.next = ranges.length.min(start + piece);
        let work = Work::Range { file: Arc::clone(&ranges.file), start, end: ranges.next };
        let claim = Claim { piece: self.next, index: ranges.index, work };
        self.next += 1;
        Some(claim)
    }
}

fn open(input: Input, name: &str) -> io::Result<Opened> {
    let stream = |reader, is_compressed, layout| Opened::Stream(Stream { reader, is_compressed, layout });
    let path = match input {
        Input::Bytes { bytes, .. } => {
            let is_compressed = is_compressed(&bytes);
            return Ok(stream(Box::new(Cursor::new(bytes)), is_compressed, None));
        }
        Input::Reader { reader, .. } => return Ok(stream(reader, false, None)),
        Input::File(path) => path,
    };
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
    }
    // What is no file of its own, such as a pipe, can be read once and in order.
    if !metadata.is_file() {
        return Ok(stream(Box::new(file), false, None));
    }
    let mut mark = Vec::new();
    file.by_ref().take(4).read_to_end(&mut mark)?;
    file.rewind()?;
    if is_compressed(&mark) {
        return Ok(stream(Box::new(file), true, None));
    }
    let plain = PlainFile::new(name.to_owned(), file);
    Ok(match plain.layout()? {
        Layout::Lines => Opened::Plain(plain, metadata.len()),
        Layout::Spread => stream(Box::new(plain.into_file()), false, Some(Layout::Spread)),
    })
}

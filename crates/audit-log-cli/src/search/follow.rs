//! What is appended, as it is appended.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

use anyhow::{Context as _, bail};
use audit_integrity::{SealedRecord, open_log};
use audit_journal::{Reader, segments};
use audit_model::Timestamp;
use audit_search::{Input, MAX_VALUE, Query};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::complaints::Complaints;
use super::place::Place;
use super::rows::{Output, Rows};
use super::sweep::{Sweep, Swept, identity, identity_of};
use crate::logs::{is_numbered, is_ours};

/// How long nothing is looked at when there was nothing new.
const PAUSE: Duration = Duration::from_millis(100);

/// How much of one place is read before the others have their turn, in bytes.
const TURN: usize = 1 << 20;

/// Shows what is there, and goes on until a signal comes, nobody reads, or enough was shown. Returns whether all that was
/// there could be read.
pub(super) fn follow(
    places: &[Place],
    sweep: &Sweep<'_>,
    rows: &Rows<'_>,
    output: &mut Output<'_>,
    complaints: &Complaints,
) -> anyhow::Result<bool> {
    let is_ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The first one ends it in order, and a second one at once.
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&is_ended))
            .context("cannot watch for signals")?;
        flag::register(signal, Arc::clone(&is_ended)).context("cannot watch for signals")?;
    }
    let is_ended = || is_ended.load(Ordering::Relaxed);
    let mut swept = Swept::default();
    let mut all_read = true;
    let mut sources = Vec::new();
    for place in places {
        let mut take = |part| match output.take(part) {
            ControlFlow::Continue(()) if !is_ended() => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        };
        let mut history = History { sweep, rows, take: &mut take, swept: &mut swept, complaints };
        sources.push(Source::begin(place, &mut history)?);
        all_read &= swept.problems.is_empty();
        swept.problems.drain(..).for_each(|problem| complaints.tell(&format!("error: {problem}")));
        if swept.stopped {
            return Ok(all_read);
        }
    }
    let mut batch = Batch::default();
    while !is_ended() && !output.is_over() && !sources.is_empty() {
        let mut is_idle = true;
        let mut left = Vec::new();
        for mut source in sources {
            batch.clear();
            let state = source.read(&mut batch, complaints);
            if !batch.text.is_empty() {
                is_idle = false;
                show(&batch, sweep.query, rows, output, complaints);
            }
            match state {
                Ok(State::Open) => left.push(source),
                Ok(State::Ended) => {}
                Err(error) => bail!("cannot read {}: {error}", source.name()),
            }
        }
        sources = left;
        if is_idle && !sources.is_empty() {
            std::thread::sleep(PAUSE);
        }
    }
    Ok(all_read)
}

/// Shows those of some lines that match.
fn show(batch: &Batch, query: &Query, rows: &Rows<'_>, output: &mut Output<'_>, complaints: &Complaints) {
    complaints.begin_behind(batch.before);
    let input = Input::Bytes { name: batch.name.clone(), bytes: Arc::from(batch.text.as_slice()) };
    let sweep = Sweep {
        query,
        now: Timestamp::now(),
        threads: 1,
        read: &AtomicU64::new(0),
        config: None,
        trusts_times: false,
    };
    sweep.scan(vec![input], rows, &mut |part| output.take(part), &mut Swept::default());
    complaints.begin_behind(0);
}

/// What is needed for reading what is there already.
struct History<'a, 'b> {
    sweep: &'a Sweep<'b>,
    rows: &'a Rows<'b>,
    take: &'a mut dyn FnMut(super::rows::Part) -> ControlFlow<()>,
    swept: &'a mut Swept,
    complaints: &'a Complaints,
}

/// Whole lines that were appended.
#[derive(Debug, Default)]
struct Batch {
    name: String,
    /// How many lines of it there were before.
    before: u64,
    text: Vec<u8>,
}

impl Batch {
    fn clear(&mut self) {
        self.text.clear();
        self.before = 0;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Ended,
}

/// Something that is followed.
enum Source {
    /// A log of ours, by the numbers of its records.
    Log(Log),
    /// Any other file, by its name.
    Tail(Tail),
    /// A file that is not there yet.
    Missing(PathBuf),
    StandardInput(Receiver<io::Result<Vec<u8>>>, u64),
    /// What cannot grow.
    Ended,
}

impl Source {
    /// Reads what is there, and stands behind it.
    fn begin(place: &Place, history: &mut History<'_, '_>) -> anyhow::Result<Self> {
        Ok(match place {
            Place::Log(log) => Self::Log(Log::begin(log, history)),
            Place::File(file) if !file.exists() => {
                history.complaints.tell(&format!("{} is not there yet: waiting for it", file.display()));
                Self::Missing(file.clone())
            }
            Place::File(file) => {
                Tail::begin(file, history).with_context(|| format!("cannot read {}", file.display()))?
            }
            Place::StandardInput(_) => Self::StandardInput(standard_input(), 0),
            Place::S3(address) => bail!("{address}: only files and standard input can be followed"),
        })
    }

    fn name(&self) -> String {
        match self {
            Self::Log(log) => log.path.display().to_string(),
            Self::Tail(tail) => tail.path.display().to_string(),
            Self::Missing(path) => path.display().to_string(),
            Self::StandardInput(..) | Self::Ended => "standard input".to_owned(),
        }
    }

    /// Reads what is new.
    fn read(&mut self, batch: &mut Batch, complaints: &Complaints) -> io::Result<State> {
        batch.name = self.name();
        match self {
            Self::Log(log) => log.read(batch)?,
            Self::Tail(tail) => tail.read(batch, complaints)?,
            Self::Missing(path) if is_ours(path) => {
                *self = Self::Log(Log { path: path.clone(), done: 0, reader: None });
            }
            Self::Missing(path) if path.exists() => *self = Self::Tail(Tail::of(path)),
            Self::Missing(_) => {}
            Self::StandardInput(lines, number) => {
                batch.before = *number;
                while batch.text.len() < TURN {
                    match lines.try_recv() {
                        Ok(line) => {
                            batch.text.append(&mut line?);
                            *number += 1;
                        }
                        Err(TryRecvError::Empty) => break,
                        Err(TryRecvError::Disconnected) => return Ok(State::Ended),
                    }
                }
            }
            Self::Ended => return Ok(State::Ended),
        }
        Ok(State::Open)
    }
}

/// A log of ours that is followed.
struct Log {
    path: PathBuf,
    /// The last record that was shown already.
    done: u64,
    /// None until there is a record to see whether they are numbered.
    reader: Option<Reader>,
}

impl Log {
    fn begin(log: &Path, history: &mut History<'_, '_>) -> Self {
        // The file that is being written is left to the reader: it begins behind the last rotated record, whenever that is.
        let done = history.sweep.log(log, false, history.rows, history.take, history.swept);
        Self { path: log.to_owned(), done, reader: None }
    }

    fn read(&mut self, batch: &mut Batch) -> io::Result<()> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => {
                let Some(line) = first_line(&self.path)? else { return Ok(()) };
                let reader = Reader::from_sequence(&self.path, self.done + 1);
                let is_sealed = SealedRecord::sequence_number_of(&line).is_some();
                self.reader.insert(match is_sealed && is_numbered(&self.path) {
                    true => reader.numbered_by(SealedRecord::sequence_number_of),
                    false => reader,
                })
            }
        };
        batch.name += ", record";
        while batch.text.len() < TURN {
            let Some(line) = reader.next_line()? else { return Ok(()) };
            if batch.text.is_empty() {
                batch.before = line.sequence_number - 1;
            }
            batch.text.extend_from_slice(line.bytes);
            batch.text.push(b'\n');
        }
        Ok(())
    }
}

/// The first whole line of a log, if there is one yet.
fn first_line(log: &Path) -> io::Result<Option<Vec<u8>>> {
    let first = segments(log)?.into_iter().next().map_or_else(|| log.to_owned(), |segment| segment.path);
    let opened = match open_log(&first) {
        Ok(opened) => opened,
        // It was rotated or compressed just now, or is not there yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut line = Vec::new();
    BufReader::new(opened).read_until(b'\n', &mut line)?;
    Ok(line.pop_if(|byte| *byte == b'\n').map(|_| line))
}

/// A file that is followed by its name, as `tail -F` does.
struct Tail {
    path: PathBuf,
    file: Option<File>,
    identity: Option<(u64, u64)>,
    offset: u64,
    /// How many lines were read.
    lines: u64,
    /// A line without its end.
    rest: Vec<u8>,
}

impl Tail {
    fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), file: None, identity: None, offset: 0, lines: 0, rest: Vec::new() }
    }

    fn begin(path: &Path, history: &mut History<'_, '_>) -> io::Result<Source> {
        let mut file = File::open(path)?;
        let mut mark = [0; 4];
        let length = file.read(&mut mark)?;
        let is_packed = mark[..length].starts_with(&[0x1f, 0x8b]) || mark == [0x28, 0xb5, 0x2f, 0xfd];
        if is_packed || !file.metadata()?.is_file() {
            let input = Input::File(path.to_owned());
            history.sweep.scan(vec![input], history.rows, history.take, history.swept);
            return Ok(Source::Ended);
        }
        let end = end_of_lines(&mut file)?;
        let lines = Arc::new(AtomicU64::new(0));
        let mut whole = file.try_clone()?;
        whole.seek(SeekFrom::Start(0))?;
        let reader = Counted { raw: whole.take(end), lines: Arc::clone(&lines) };
        let input = Input::Reader { name: path.display().to_string(), reader: Box::new(reader) };
        history.sweep.scan(vec![input], history.rows, history.take, history.swept);
        let identity = Some(identity_of(&file.metadata()?));
        file.seek(SeekFrom::Start(end))?;
        let lines = lines.load(Ordering::Relaxed);
        Ok(Source::Tail(Self { file: Some(file), identity, offset: end, lines, ..Self::of(path) }))
    }

    fn read(&mut self, batch: &mut Batch, complaints: &Complaints) -> io::Result<()> {
        batch.before = self.lines;
        let Some(file) = &mut self.file else { return self.open() };
        // Looked at before it is read to its end, so that nothing that was written before it was replaced is missed.
        let now = identity(&self.path);
        let was = self.rest.len();
        let read = file.take(TURN as u64).read_to_end(&mut self.rest)?;
        self.offset += read as u64;
        if read > 0 {
            if self.rest.len() > MAX_VALUE {
                // No event is that long: what there is of the line is refused.
                batch.text = std::mem::take(&mut self.rest);
            } else if let Some(newline) = memchr::memrchr(b'\n', &self.rest[was..]) {
                let rest = self.rest.split_off(was + newline + 1);
                batch.text = std::mem::replace(&mut self.rest, rest);
                self.lines += memchr::memchr_iter(b'\n', &batch.text).count() as u64;
            }
            return Ok(());
        }
        if file.metadata()?.len() < self.offset {
            complaints.tell(&format!("{} was cut: it is read from its beginning", self.path.display()));
            file.seek(SeekFrom::Start(0))?;
            (self.offset, self.lines) = (0, 0);
            self.rest.clear();
        } else if now.is_some() && now != self.identity {
            if !self.rest.is_empty() {
                self.rest.push(b'\n');
                batch.text = std::mem::take(&mut self.rest);
            }
            *self = Self::of(&self.path);
        }
        Ok(())
    }

    fn open(&mut self) -> io::Result<()> {
        match File::open(&self.path) {
            Ok(file) => {
                self.identity = Some(identity_of(&file.metadata()?));
                self.file = Some(file);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Where the last whole line of a file ends.
fn end_of_lines(file: &mut File) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut block = vec![0; 64 << 10];
    while end > 0 {
        let length = usize::try_from(end).unwrap_or(usize::MAX).min(block.len());
        file.seek(SeekFrom::Start(end - length as u64))?;
        file.read_exact(&mut block[..length])?;
        if let Some(newline) = memchr::memrchr(b'\n', &block[..length]) {
            return Ok(end - (length - newline) as u64 + 1);
        }
        end -= length as u64;
    }
    Ok(0)
}

/// Counts the lines that are read.
struct Counted<R> {
    raw: R,
    lines: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.raw.read(buffer)?;
        let lines = memchr::memchr_iter(b'\n', &buffer[..length]).count() as u64;
        self.lines.fetch_add(lines, Ordering::Relaxed);
        Ok(length)
    }
}

/// Standard input's lines as they come, so that others can be looked at meanwhile.
fn standard_input() -> Receiver<io::Result<Vec<u8>>> {
    let (lines, received) = sync_channel(1024);
    std::thread::spawn(move || {
        let mut reader = io::stdin().lock();
        loop {
            let mut line = Vec::new();
            let read = reader.read_until(b'\n', &mut line).map(|length| (length > 0).then_some(line));
            match read.transpose() {
                Some(line) => {
                    let is_last = line.is_err();
                    if lines.send(line).is_err() || is_last {
                        return;
                    }
                }
                None => return,
            }
        }
    });
    received
}

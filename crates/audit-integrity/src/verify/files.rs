//! Files → the runs of records in them, on all cores, in constant memory.
//!
//! A plain file is cut into blocks that any worker may take; the records of a block verify on their own, since
//! each names the signature before it. A compressed file is one worker's, from beginning to end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::block::{Gatherer, Item, MAX_LINE, push_item};
use crate::KeyRing;
use crate::source::{Compression, open_log};

const BLOCK: u64 = 1 << 20;

/// The items of one file, in the file's order.
#[derive(Debug, Default)]
pub(crate) struct FileItems {
    pub(crate) items: Vec<Item>,
    lines: u64,
}

/// One piece of work.
#[derive(Clone, Debug)]
struct Task {
    file: usize,
    part: Part,
}

#[derive(Clone, Debug)]
enum Part {
    /// The lines that begin in these bytes of a plain file.
    Block { start: u64, end: u64 },
    /// All of a compressed file.
    Whole,
}

/// Reads every file. The outer error is the first file that cannot be opened.
pub(crate) fn read_all(
    paths: &[PathBuf],
    keys: &KeyRing,
    threads: usize,
    read_bytes: &AtomicU64,
) -> Result<Vec<FileItems>, (PathBuf, io::Error)> {
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        files.push(plan(path).map_err(|e| (path.clone(), e))?);
    }
    let queue = Mutex::new(Queue {
        files: files.iter().map(|(size, c)| (*size, *c)).collect(),
        file: 0,
        at: 0,
        number: 0,
    });
    let assembly = Mutex::new(Assembly {
        files: paths.iter().map(|_| FileItems::default()).collect(),
        next: 0,
        waiting: BTreeMap::new(),
    });
    let failure = Mutex::new(None);
    let work = || {
        loop {
            // In a statement of its own: a `while let` would hold the lock for as long as the work takes.
            let next = lock(&queue).next();
            let Some((number, task)) = next else { return };
            match run(&task, &paths[task.file], keys, read_bytes) {
                Ok(result) => lock(&assembly).add(number, task.file, result),
                Err(error) => {
                    lock(&failure).get_or_insert((paths[task.file].clone(), error));
                    return;
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    if let Some(failure) = failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        return Err(failure);
    }
    Ok(assembly.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).files)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn plan(path: &Path) -> io::Result<(u64, Compression)> {
    Ok((std::fs::metadata(path)?.len(), Compression::of_file(path)?))
}

/// Hands out tasks in order; it never holds more than one.
struct Queue {
    files: Vec<(u64, Compression)>,
    file: usize,
    at: u64,
    number: u64,
}

impl Queue {
    fn next(&mut self) -> Option<(u64, Task)> {
        let &(size, compression) = self.files.get(self.file)?;
        let start = self.at;
        let (part, done) = match compression {
            Compression::None => {
                let end = (start + BLOCK).min(size);
                (Part::Block { start, end }, end == size)
            }
            _ => (Part::Whole, true),
        };
        let task = Task { file: self.file, part };
        if done {
            self.file += 1;
            self.at = 0;
        } else {
            self.at = start + BLOCK;
        }
        self.number += 1;
        Some((self.number - 1, task))
    }
}

/// Puts results together in the order of the tasks, whatever order they arrive in.
struct Assembly {
    files: Vec<FileItems>,
    next: u64,
    waiting: BTreeMap<u64, (usize, (Vec<Item>, u64))>,
}

impl Assembly {
    fn add(&mut self, number: u64, file: usize, result: (Vec<Item>, u64)) {
        self.waiting.insert(number, (file, result));
        while let Some((file, (items, lines))) = self.waiting.remove(&self.next) {
            self.next += 1;
            let target = &mut self.files[file];
            for mut item in items {
                match &mut item {
                    Item::Run(run) => run.line += target.lines,
                    Item::Junk(junk) => junk.line += target.lines,
                }
                push_item(&mut target.items, item);
            }
            target.lines += lines;
        }
    }
}

fn run(task: &Task, path: &Path, keys: &KeyRing, read_bytes: &AtomicU64) -> io::Result<(Vec<Item>, u64)> {
    let mut gatherer = Gatherer::new(keys);
    match task.part {
        Part::Block { start, end } => {
            let block = lines_beginning_in(&mut File::open(path)?, start, end)?;
            gatherer.take_block(&block);
            read_bytes.fetch_add(end - start, Ordering::Relaxed);
        }
        Part::Whole => {
            let size = std::fs::metadata(path)?.len();
            if let Err(error) = each_block(open_log(path)?, |block| gatherer.take_block(block)) {
                gatherer.take_unreadable(format!("cannot be decompressed from here on: {error}"));
            }
            read_bytes.fetch_add(size, Ordering::Relaxed);
        }
    }
    Ok(gatherer.finish())
}

/// The bytes of all lines whose first byte is in `start..end`.
fn lines_beginning_in(file: &mut File, start: u64, end: u64) -> io::Result<Vec<u8>> {
    // The byte before tells whether a line begins at `start`.
    let from = start.saturating_sub(1);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::with_capacity(usize::try_from(end - from).unwrap_or(0) + 4096);
    file.take(end - from).read_to_end(&mut bytes)?;
    if start > 0 {
        match memchr::memchr(b'\n', &bytes) {
            Some(newline) if newline + 1 < bytes.len() => drop(bytes.drain(..=newline)),
            _ => return Ok(Vec::new()),
        }
    }
    // The last line may end in a later block.
    let mut more = [0; 4096];
    while bytes.last().is_some_and(|b| *b != b'\n') {
        if bytes.len() >= MAX_LINE {
            // No record is as long as that. What stands here of the line is enough to say that it is none.
            bytes.push(b'\n');
            break;
        }
        let read = file.read(&mut more)?;
        let newline = memchr::memchr(b'\n', &more[..read]);
        bytes.extend_from_slice(&more[..newline.map_or(read, |at| at + 1)]);
        if read == 0 || newline.is_some() {
            break;
        }
    }
    Ok(bytes)
}

/// Calls `take` with one block of whole lines after another; the last may lack its newline.
fn each_block(mut reader: impl Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; BLOCK as usize];
    let mut filled = 0;
    loop {
        let read = match reader.read(&mut buffer[filled..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                take(&buffer[..filled]);
                return Err(error);
            }
            Ok(read) => read,
        };
        filled += read;
        if read == 0 {
            if filled > 0 {
                take(&buffer[..filled]);
            }
            return Ok(());
        }
        if filled < buffer.len() {
            continue;
        }
        match memchr::memrchr(b'\n', &buffer) {
            Some(newline) => {
                take(&buffer[..=newline]);
                buffer.copy_within(newline + 1.., 0);
                filled -= newline + 1;
            }
            None if buffer.len() >= MAX_LINE => return Err(io::Error::other("a line of more than 64 MiB")),
            None => buffer.resize(buffer.len() * 2, 0),
        }
    }
}

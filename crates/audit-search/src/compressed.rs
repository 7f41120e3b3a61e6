//! Decompressing, and counting what is decompressed.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, channel, sync_channel};
use std::thread;

use audit_integrity::decompress;

/// Reads what may be compressed, and adds the bytes of the input itself to a count.
pub(crate) struct Decompressed<'r> {
    text: Box<dyn Read + Send>,
    fresh: Arc<AtomicU64>,
    read: &'r AtomicU64,
}

/// Whether content that begins so is compressed.
pub(crate) fn is_compressed(mark: &[u8]) -> bool {
    matches!(mark, [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..])
}

impl<'r> Decompressed<'r> {
    /// `aside` is whether to decompress in a thread of its own.
    pub(crate) fn new(reader: Box<dyn Read + Send>, aside: bool, read: &'r AtomicU64) -> io::Result<Self> {
        let fresh = Arc::new(AtomicU64::new(0));
        let counted = Counted { reader, fresh: Arc::clone(&fresh) };
        let text = decompress(BufReader::with_capacity(128 << 10, counted))?;
        let text = if aside { ReadAhead::of(text) } else { text };
        Ok(Self { text, fresh, read })
    }
}

impl Read for Decompressed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.text.read(buffer);
        self.read.fetch_add(self.fresh.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        length
    }
}

struct Counted {
    reader: Box<dyn Read + Send>,
    fresh: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.fresh.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// Reads in a thread of its own, a little ahead. The thread ends when this is dropped, after its next read.
struct ReadAhead {
    full: Receiver<io::Result<Vec<u8>>>,
    empty: std::sync::mpsc::Sender<Vec<u8>>,
    current: Vec<u8>,
    at: usize,
}

const BLOCK: usize = 256 << 10;

/// So many blocks are read ahead.
const AHEAD: usize = 4;

impl ReadAhead {
    fn of(text: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        let (full_sender, full) = sync_channel(AHEAD);
        let (empty, empty_receiver) = channel();
        // Handed to the thread by a channel, so that it is still here if there is no thread.
        let (text_sender, text_receiver) = sync_channel::<Box<dyn Read + Send>>(1);
        let spawned = thread::Builder::new().name("decompress".to_owned()).spawn(move || {
            if let Ok(text) = text_receiver.recv() {
                read_ahead(text, &full_sender, &empty_receiver);
            }
        });
        if spawned.is_err() {
            return text;
        }
        match text_sender.send(text) {
            Ok(()) => Box::new(Self { full, empty, current: Vec::new(), at: 0 }),
            Err(unsent) => unsent.0,
        }
    }
}

fn read_ahead(
    mut text: Box<dyn Read + Send>,
    full: &SyncSender<io::Result<Vec<u8>>>,
    empty: &Receiver<Vec<u8>>,
) {
    loop {
        let mut block = match empty.try_recv() {
            Ok(block) => block,
            Err(TryRecvError::Empty) => Vec::new(),
            Err(TryRecvError::Disconnected) => return,
        };
        block.resize(BLOCK, 0);
        let mut filled = 0;
        let outcome = loop {
            match text.read(&mut block[filled..]) {
                Ok(0) => break Ok(()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
            if filled == block.len() {
                break Ok(());
            }
        };
        let is_last = filled < BLOCK;
        block.truncate(filled);
        if full.send(Ok(block)).is_err() {
            return;
        }
        if let Err(error) = outcome {
            // Nobody may be there to hear of it, who has enough already.
            let _ = full.send(Err(error));
            return;
        }
        if is_last {
            return;
        }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.current.len() {
            let used = std::mem::take(&mut self.current);
            self.at = 0;
            if used.capacity() > 0 {
                // A thread that is done needs no blocks.
                let _ = self.empty.send(used);
            }
            match self.full.recv() {
                Ok(block) => self.current = block?,
                Err(_) => return Ok(0),
            }
            if self.current.is_empty() {
                return self.full.recv().unwrap_or(Ok(Vec::new())).map(|_| 0);
            }
        }
        let length = buffer.len().min(self.current.len() - self.at);
        buffer[..length].copy_from_slice(&self.current[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_ahead_is_all_there_is_and_then_the_error() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("no more"))
            }
        }
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK] {
            let text: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let mut all = Vec::new();
            ReadAhead::of(Box::new(io::Cursor::new(text.clone()))).read_to_end(&mut all).unwrap();
            assert!(all == text, "{length}");
            let mut some = Vec::new();
            let failing = Box::new(io::Cursor::new(text.clone()).chain(Failing));
            let error = ReadAhead::of(failing).read_to_end(&mut some).unwrap_err();
            assert!(some == text && error.to_string() == "no more", "{length}");
        }
        // Dropped early, it does not wait for anybody.
        let mut endless = ReadAhead::of(Box::new(io::repeat(7)));
        assert_eq!(endless.read(&mut [0; 10]).unwrap(), 10);
    }
}

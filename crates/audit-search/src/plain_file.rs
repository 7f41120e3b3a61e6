use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Mutex;

use crate::layout::{Layout, layout};

/// A file that is not compressed, of which several threads read.
#[derive(Debug)]
pub(crate) struct PlainFile {
    pub(crate) name: String,
    file: File,
    /// How many newlines there are before some places.
    newlines: Mutex<BTreeMap<u64, u64>>,
}

/// Reads on from a place in a file.
#[derive(Debug)]
pub(crate) struct From<'f> {
    pub(crate) file: &'f PlainFile,
    pub(crate) at: u64,
}

/// So far apart are the places at least of which something is remembered.
const APART: u64 = 1 << 20;

impl PlainFile {
    pub(crate) fn new(name: String, file: File) -> Self {
        Self { name, file, newlines: Mutex::default() }
    }

    pub(crate) fn into_file(self) -> File {
        self.file
    }

    /// How its records are laid out, by the first of them.
    pub(crate) fn layout(&self) -> io::Result<Layout> {
        let mut text = vec![0; 16 << 10];
        let mut filled = 0;
        loop {
            let read = self.file.read_at(&mut text[filled..], filled as u64)?;
            filled += read;
            if let Some(layout) = layout(&text[..filled], read == 0) {
                return Ok(layout);
            }
            if filled == text.len() {
                text.resize(filled * 2, 0);
            }
        }
    }

    /// The number of the line, from 1, that begins or is at that place.
    pub(crate) fn line_at(&self, place: u64) -> Option<u64> {
        let known = |newlines: &BTreeMap<u64, u64>| {
            newlines.range(..=place).next_back().map_or((0, 0), |(at, count)| (*at, *count))
        };
        let (mut at, mut count) = known(&*self.newlines.lock().ok()?);
        let begun = at;
        let mut buffer = vec![0; 64 << 10];
        while at < place {
            let wanted = usize::try_from(place - at).unwrap_or(usize::MAX).min(buffer.len());
            let read = self.file.read_at(&mut buffer[..wanted], at).ok().filter(|read| *read > 0)?;
            count += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
            at += read as u64;
        }
        if place - begun >= APART {
            self.newlines.lock().ok()?.insert(place, count);
        }
        Some(count + 1)
    }
}

impl Read for From<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

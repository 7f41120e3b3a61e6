//! Reading a log, compressed or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// How a log is compressed, by its first bytes (RFC 1952 §2.3.1, RFC 8878 §3.1.1): a renamed
/// file is read all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// The length of the longest mark.
const MARK: u64 = 4;

impl Compression {
    fn of(mark: &[u8]) -> Self {
        match mark {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] => Self::Zstd,
            _ => Self::None,
        }
    }

    pub(crate) fn of_file(path: &Path) -> io::Result<Self> {
        let mut mark = Vec::new();
        File::open(path)?.take(MARK).read_to_end(&mut mark)?;
        Ok(Self::of(&mark))
    }
}

/// Reads a log that may be compressed: plain, gzip or zstd, told by its first bytes.
///
/// # Errors
/// When the first bytes cannot be read.
pub fn decompress(mut log: impl BufRead + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut mark = Vec::new();
    (&mut log).take(MARK).read_to_end(&mut mark)?;
    let compression = Compression::of(&mark);
    let log = io::Cursor::new(mark).chain(log);
    Ok(match compression {
        Compression::None => Box::new(log),
        Compression::Gzip => Box::new(MultiGzDecoder::new(log)),
        Compression::Zstd => Box::new(ZstdReader::Between(log)),
    })
}

/// Opens a log file as [`decompress`] does.
///
/// # Errors
/// When the file cannot be opened or its first bytes not be read.
pub fn open_log(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    decompress(BufReader::with_capacity(128 << 10, File::open(path)?))
}

/// Reads one zstd frame after another, as `cat a.zst b.zst` makes them.
enum ZstdReader<R: BufRead> {
    Between(R),
    Within(Box<StreamingDecoder<R, FrameDecoder>>),
    End,
}

impl<R: BufRead> Read for ZstdReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(self, Self::End) {
                Self::Between(mut log) => {
                    if log.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    *self = Self::Within(Box::new(StreamingDecoder::new(log).map_err(io::Error::other)?));
                }
                Self::Within(mut decoder) => {
                    let read = decoder.read(out)?;
                    if read == 0 && !out.is_empty() {
                        *self = Self::Between(decoder.into_inner());
                    } else {
                        *self = Self::Within(decoder);
                        return Ok(read);
                    }
                }
                Self::End => return Ok(0),
            }
        }
    }
}

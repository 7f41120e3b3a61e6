//! Reading a log, compressed or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

#[cfg(feature = "compression")]
use flate2::bufread::MultiGzDecoder;

#[cfg(feature = "compression")]
use crate::zstd::ZstdReader;

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

    /// # Errors
    /// When the file cannot be read, or is compressed and this build has not the feature that reads it.
    pub(crate) fn of_file(path: &Path) -> io::Result<Self> {
        let mut mark = Vec::new();
        File::open(path)?.take(MARK).read_to_end(&mut mark)?;
        Self::of(&mark).readable()
    }

    fn readable(self) -> io::Result<Self> {
        if self == Self::None || cfg!(feature = "compression") { Ok(self) } else { Err(self.refused()) }
    }

    fn refused(self) -> io::Error {
        let name = if self == Self::Zstd { "zstd" } else { "gzip" };
        let message = format!(
            "the log is compressed with {name}, and this program was built without the feature `compression` of \
             audit-integrity: switch it on, or decompress the file first"
        );
        io::Error::new(io::ErrorKind::Unsupported, message)
    }
}

/// Reads a log that may be compressed: plain, gzip or zstd, told by its first bytes.
///
/// # Errors
/// When the first bytes cannot be read; without the feature `compression`, also when they say that the log is
/// compressed ([`io::ErrorKind::Unsupported`]).
pub fn decompress(mut log: impl BufRead + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut mark = Vec::new();
    (&mut log).take(MARK).read_to_end(&mut mark)?;
    let compression = Compression::of(&mark);
    let log = io::Cursor::new(mark).chain(log);
    Ok(match compression {
        Compression::None => Box::new(log),
        #[cfg(feature = "compression")]
        Compression::Gzip => Box::new(MultiGzDecoder::new(log)),
        #[cfg(feature = "compression")]
        Compression::Zstd => Box::new(ZstdReader::Between(log)),
        #[cfg(not(feature = "compression"))]
        packed => return Err(packed.refused()),
    })
}

/// Opens a log file as [`decompress`] does.
///
/// # Errors
/// When the file cannot be opened or its first bytes not be read.
pub fn open_log(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    decompress(BufReader::with_capacity(128 << 10, File::open(path)?))
}

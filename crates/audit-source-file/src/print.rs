use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How much of a file's beginning tells which file it is, in bytes.
pub(crate) const HEAD: usize = 1024;
/// How much of what stands before a position tells that it is that position, in bytes.
pub(crate) const TAIL: usize = 256;

/// By what some bytes are recognised. It is a hash, since it stands in a file that is to hold no part of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Print {
    pub(crate) length: u64,
    sha256: String,
}

impl Print {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { length: bytes.len() as u64, sha256: const_hex::encode(Sha256::digest(bytes)) }
    }

    /// Whether the file has these bytes there.
    pub(crate) fn is_at(&self, file: &File, offset: u64) -> io::Result<bool> {
        if self.length == 0 {
            return Ok(true);
        }
        // A state file that was tampered with cannot have us read a file whole.
        if self.length > HEAD as u64 {
            return Ok(false);
        }
        let bytes = read_at(file, offset, self.length as usize)?;
        Ok(bytes.len() as u64 == self.length && Self::of(&bytes) == *self)
    }
}

/// Up to so many bytes from there; fewer at the file's end.
pub(crate) fn read_at(file: &File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

use std::io::{self, BufWriter, IntoInnerError, Write};

use audit_sink::Batch;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::GzBuilder;
use sha2::{Digest, Sha256};

/// How objects are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, which whatever reads S3 can read.
    #[default]
    Gzip,
    /// Zstandard: smaller and faster than gzip, and not read by everything.
    Zstd,
}

/// On sealed records half the time of level 6 for 9 % more bytes: no level compresses signatures.
const GZIP_LEVEL: u32 = 2;
/// On sealed records half the time of level 3, the default, and no larger.
const ZSTD_LEVEL: i32 = 1;

impl Compression {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    /// The object is a gzip file and is called one. It has no `Content-Encoding`, with which clients unpack on the way: then
    /// what they hold has another length and checksum than the object.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::None => "application/x-ndjson",
            Self::Gzip => "application/gzip",
            Self::Zstd => "application/zstd",
        }
    }
}

/// An object's bytes, the same for the same batch, and what tells them from others.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    pub(crate) fingerprint: Fingerprint,
}

/// What tells an object's bytes from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) length: u64,
    pub(crate) sha256: [u8; 32],
}

impl Fingerprint {
    fn of(bytes: &[u8]) -> Self {
        Self { length: bytes.len() as u64, sha256: Sha256::digest(bytes).into() }
    }

    /// As S3 writes checksums.
    pub(crate) fn base64(&self) -> String {
        STANDARD.encode(self.sha256)
    }

    /// As `sha256sum` does.
    pub(crate) fn hex(&self) -> String {
        const_hex::encode(self.sha256)
    }
}

impl Body {
    /// One line a record. Records go straight into the compressor, so that besides the batch there is only the result.
    pub(crate) fn of(batch: &Batch, compression: Compression) -> io::Result<Self> {
        let size = batch.byte_count() + batch.records.len();
        let bytes = match compression {
            Compression::None => {
                let mut bytes = Vec::with_capacity(size);
                write_lines(batch, &mut bytes)?;
                bytes
            }
            Compression::Gzip => {
                // No time in the header: a batch sent again has to be the same object.
                let level = flate2::Compression::new(GZIP_LEVEL);
                let gzip = GzBuilder::new().mtime(0).write(Vec::with_capacity(size / 8), level);
                // A third of the time is saved by handing over more than a line at once.
                let mut buffer = BufWriter::with_capacity(64 << 10, gzip);
                write_lines(batch, &mut buffer)?;
                buffer.into_inner().map_err(IntoInnerError::into_error)?.finish()?
            }
            Compression::Zstd => {
                let mut zstd = zstd::Encoder::new(Vec::with_capacity(size / 8), ZSTD_LEVEL)?;
                zstd.include_checksum(true)?;
                write_lines(batch, &mut zstd)?;
                zstd.finish()?
            }
        };
        let fingerprint = Fingerprint::of(&bytes);
        Ok(Self { bytes, fingerprint })
    }
}

fn write_lines(batch: &Batch, to: &mut impl Write) -> io::Result<()> {
    for record in &batch.records {
        to.write_all(&record.bytes)?;
        to.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use audit_sink::testkit;
    use proptest::prelude::*;

    use super::{Body, Compression};

    proptest! {
        #[test]
        fn every_record_is_a_line_and_the_same_batch_the_same_bytes(
            lines in prop::collection::vec("[^\n]{0,300}".prop_map(String::into_bytes), 1..40)
        ) {
            let batch = testkit::batch(1, &lines);
            let expected: Vec<u8> = lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
            for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
                let body = Body::of(&batch, compression).expect("memory takes everything");
                let again = Body::of(&batch, compression).expect("memory takes everything");
                prop_assert_eq!(&body.bytes, &again.bytes);
                prop_assert_eq!(body.fingerprint, again.fingerprint);
                let mut unpacked = Vec::new();
                match compression {
                    Compression::None => unpacked = body.bytes,
                    Compression::Gzip => {
                        flate2::read::GzDecoder::new(&*body.bytes).read_to_end(&mut unpacked)?;
                    }
                    Compression::Zstd => unpacked = zstd::decode_all(&*body.bytes)?,
                }
                prop_assert_eq!(&unpacked, &expected);
            }
        }
    }
}

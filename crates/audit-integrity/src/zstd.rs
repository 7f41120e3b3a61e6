//! zstd, frame by frame.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// Reads one zstd frame after another, as `cat a.zst b.zst` makes them.
pub(crate) enum ZstdReader<R: BufRead> {
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

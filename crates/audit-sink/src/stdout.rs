use std::io::{self, Write};

use crate::{Batch, Receipt, SendFuture, Sink, SinkError};

/// Writes records to standard output, one a line, where a container's runtime collects them.
///
/// It is written with blocking calls inside the future: run it where a wait for the reader holds up nobody else.
#[derive(Clone, Debug, Default)]
pub struct StdoutSink {
    closed: bool,
}

impl StdoutSink {
    /// One for this process.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Sink for StdoutSink {
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(async move {
            if self.closed {
                return Err(SinkError::Closed);
            }
            write(&mut io::stdout().lock(), batch).map_err(SinkError::retryable)
        })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { io::stdout().flush().map_err(SinkError::retryable) })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        self.closed = true;
        self.check()
    }
}

/// One write for the batch, so that lines of others do not come between.
fn write(to: &mut impl Write, batch: &Batch) -> io::Result<Receipt> {
    let mut lines = Vec::with_capacity(batch.byte_count() + batch.records.len());
    for record in &batch.records {
        lines.extend_from_slice(&record.bytes);
        lines.push(b'\n');
    }
    to.write_all(&lines)?;
    to.flush()?;
    Ok(Receipt::default())
}

#[cfg(test)]
mod tests {
    use super::write;
    use crate::{Batch, Record};

    #[test]
    fn one_record_a_line() {
        let record = |bytes: &[u8]| Record { bytes: bytes.to_vec(), ..Record::default() };
        let batch =
            Batch { chain_id: "c".into(), records: vec![record(br#"{"a":1}"#), record("\"é\"".as_bytes())] };
        let mut written = Vec::new();
        assert_eq!(write(&mut written, &batch).expect("memory takes everything").rejected, []);
        assert_eq!(String::from_utf8_lossy(&written), "{\"a\":1}\n\"é\"\n");
    }
}

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Batch, Receipt, Record, SendFuture, Sink, SinkError};

/// Keeps records in memory, for tests of what sends to a sink.
///
/// ```
/// use audit_sink::{Batch, MemorySink, Record, Sink};
///
/// let mut sink = MemorySink::default();
/// let batch = Batch { chain_id: "c".into(), records: vec![Record { sequence_number: 1, ..Record::default() }] };
/// futures_executor::block_on(sink.send(&batch))?;
/// futures_executor::block_on(sink.send(&batch))?;
/// assert_eq!(sink.records().len(), 1, "a repeated batch is kept once");
/// # Ok::<(), audit_sink::SinkError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemorySink {
    records: Arc<Mutex<Vec<Record>>>,
    closed: bool,
}

impl MemorySink {
    /// What has been accepted so far, by this one and its clones.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for MemorySink {
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(async move {
            if self.closed {
                return Err(SinkError::Closed);
            }
            let mut records = self.lock();
            let last = records.last().map_or(0, |record| record.sequence_number);
            records.extend(batch.records.iter().filter(|record| record.sequence_number > last).cloned());
            Ok(Receipt::default())
        })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(std::future::ready(if self.closed { Err(SinkError::Closed) } else { Ok(()) }))
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        self.closed = true;
        Box::pin(std::future::ready(Ok(())))
    }
}

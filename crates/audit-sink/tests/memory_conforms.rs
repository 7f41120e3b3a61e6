//! The conformance suite against the sink in memory.
#![cfg(feature = "testkit")]

use audit_sink::testkit::{Place, conforms};
use audit_sink::{MemorySink, Sink};

struct Memory(MemorySink);

impl Place for Memory {
    fn open(&mut self) -> Box<dyn Sink> {
        Box::new(self.0.clone())
    }

    fn read_back(&mut self) -> Vec<Vec<u8>> {
        self.0.records().into_iter().map(|record| record.bytes).collect()
    }

    fn rejects_larger(&self) -> bool {
        false
    }

    fn largest_record(&self) -> usize {
        1 << 20
    }
}

#[test]
fn memory() {
    conforms(&mut Memory(MemorySink::default()), &|send| futures_executor::block_on(send));
}

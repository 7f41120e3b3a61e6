//! The conformance suite, and what is particular to files.

use std::path::PathBuf;

use audit_journal::{Rotation, segments};
use audit_sink::testkit::{Place, conforms};
use audit_sink::{Batch, Record, Sink, SinkError};
use audit_sink_file::FileSink;
use futures_executor::block_on;

struct File {
    path: PathBuf,
    rotation: Rotation,
}

impl Place for File {
    fn open(&mut self) -> Box<dyn Sink> {
        Box::new(FileSink::open(&self.path, self.rotation.clone()).expect("the file opens"))
    }

    fn read_back(&mut self) -> Vec<Vec<u8>> {
        let mut files: Vec<PathBuf> =
            segments(&self.path).expect("a directory").into_iter().map(|s| s.path).collect();
        files.push(self.path.clone());
        let text: Vec<u8> = files.iter().flat_map(|file| std::fs::read(file).expect("a file")).collect();
        text.split_inclusive(|b| *b == b'\n').map(|line| line[..line.len() - 1].to_vec()).collect()
    }

    fn largest_record(&self) -> usize {
        8 << 20
    }

    fn rejects_larger(&self) -> bool {
        false
    }
}

#[test]
fn one_file() {
    let directory = tempfile::tempdir().unwrap();
    conforms(&mut File { path: directory.path().join("copy.log"), rotation: Rotation::never() }, &|send| {
        block_on(send)
    });
}

#[test]
fn many_files() {
    let directory = tempfile::tempdir().unwrap();
    let rotation = Rotation::never().max_size(1000);
    conforms(&mut File { path: directory.path().join("copy.log"), rotation }, &|send| block_on(send));
}

#[test]
fn a_closed_sink_takes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = FileSink::open(&directory.path().join("copy.log"), Rotation::never()).unwrap();
    block_on(sink.close()).unwrap();
    let batch = Batch { chain_id: "c".into(), records: vec![Record::default()] };
    assert!(matches!(block_on(sink.send(&batch)), Err(SinkError::Closed)));
}

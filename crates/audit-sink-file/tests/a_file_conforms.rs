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

fn batch(bytes: &[u8]) -> Batch {
    let record = Record { sequence_number: 1, bytes: bytes.to_vec(), ..Record::default() };
    Batch { chain_id: "c".into(), records: vec![record] }
}

#[test]
fn other_records_under_the_same_numbers_are_another_batch() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("copy.log");
    let mut sink = FileSink::open(&path, Rotation::never()).unwrap();
    for bytes in [b"one", b"one", b"two", b"one"] {
        let _ = block_on(sink.send(&batch(bytes))).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\none\n");
}

#[test]
fn the_oldest_files_go_when_there_are_enough() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("copy.log");
    let mut sink = FileSink::open(&path, Rotation::never().max_size(10).max_files(2)).unwrap();
    let start = std::time::Instant::now();
    // Which are too many is found out in the background, and they go with a later batch.
    let mut number = 0;
    while number < 20 || segments(&path).unwrap().len() > 3 {
        number += 1;
        let _ = block_on(sink.send(&batch(format!("record {number:09}").as_bytes()))).unwrap();
        assert!(start.elapsed().as_secs() < 60, "{} files", segments(&path).unwrap().len());
    }
    assert!(std::fs::read_to_string(&path).unwrap().contains(&format!("record {number:09}")));
}

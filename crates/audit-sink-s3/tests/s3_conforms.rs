//! The conformance suite, read back with boto3.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod server;

use audit_sink::{Sink, testkit};
use audit_sink_s3::{Compression, S3Options, S3Sink};

use server::{Server, in_time, runtime, unique};

struct Prefix<'a> {
    server: &'a Server,
    options: S3Options,
    prefix: String,
}

impl testkit::Place for Prefix<'_> {
    fn open(&mut self) -> Box<dyn Sink> {
        Box::new(S3Sink::new(self.options.clone()))
    }

    fn read_back(&mut self) -> Vec<Vec<u8>> {
        self.server.lines(&self.server.bucket, &self.prefix)
    }

    /// S3 knows no records; this is more than anyone sends.
    fn largest_record(&self) -> usize {
        8 << 20
    }

    fn rejects_larger(&self) -> bool {
        false
    }
}

fn conforms(compression: Compression) {
    let Some(server) = Server::find() else { return };
    let runtime = runtime();
    let prefix = unique("conforms");
    let options = server.options(&server.bucket, &prefix).compression(compression);
    let mut place = Prefix { server: &server, options, prefix };
    testkit::conforms(&mut place, &|work| runtime.block_on(in_time(work)));
}

#[test]
fn with_gzip() {
    conforms(Compression::Gzip);
}

#[test]
fn with_zstd() {
    conforms(Compression::Zstd);
}

#[test]
fn uncompressed() {
    conforms(Compression::None);
}

#[test]
fn a_batch_of_32_mib() {
    let Some(server) = Server::find() else { return };
    for compression in [Compression::None, Compression::Gzip] {
        let prefix = unique("32mib");
        let lines: Vec<Vec<u8>> = (0..32 << 10)
            .map(|n: u32| {
                let noise = n.wrapping_mul(2_654_435_761);
                format!(r#"{{"n":{n},"noise":"{}"}}"#, format!("{noise:08x}").repeat(125)).into_bytes()
            })
            .collect();
        let batch = testkit::batch(1, &lines);
        assert!(batch.byte_count() > 32_000_000);
        let mut sink = S3Sink::new(server.options(&server.bucket, &prefix).compression(compression));
        runtime().block_on(in_time(sink.send(&batch))).map(drop).unwrap();
        assert!(server.lines(&server.bucket, &prefix) == lines, "every line is there");
    }
}

//! How fast batches get into the bucket, against boto3 putting the same bytes, in turns on the same server.
//!
//! `cargo test -p audit-sink-s3 --release --test throughput -- --ignored --nocapture`
//!
//! boto3 stands for what somebody would write instead: `put_object` of a file's bytes, plain; and with
//! `gzip.compress` before it.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement prints, and may panic")]

mod server;

use std::time::Instant;

use audit_sink::{Batch, Sink, testkit};
use audit_sink_s3::{Compression, S3Sink};
use serde_json::Value;

use server::{Server, runtime, unique};

const ROUNDS: usize = 15;

/// Records that look like sealed ones: most of it repeats, ids and signatures do not.
fn records(count: u64) -> Vec<Vec<u8>> {
    let hex = |seed: u64| {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut text = String::new();
        for _ in 0..4 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.push_str(&format!("{state:016x}"));
        }
        text
    };
    let record = |n: u64| {
        format!(
            r#"{{"event":{{"action":"update","actor":{{"id":"user-{}@example.com","ip":"10.1.{}.{}","type":"user"}},"context":{{"cluster":"prod-{}","environment":"production","request_id":"{}"}},"details":{{"bytes":{},"duration_ms":{}}},"event_id":"evt_{}","event_type":"backup.completed","resource":{{"id":"backup-{}","type":"backup"}},"result":"success"}},"integrity":{{"chain_id":"orders","key_id":"k1","previous_signature":"sha256:{}","sequence_number":{n},"signature":"sha256:{}"}}}}"#,
            n * 7 % 499,
            n % 251,
            n * 13 % 241,
            n % 8,
            &hex(n + 1_000_000)[..32],
            n * 7919 % 1_000_003,
            n * 31 % 9973,
            &hex(n + 2_000_000)[..32],
            n * 17 % 99_991,
            hex(n),
            hex(n + 1),
        )
        .into_bytes()
    };
    (1..=count).map(record).collect()
}

#[test]
#[ignore = "a measurement"]
fn against_boto3() {
    let Some(server) = Server::find() else { return };
    let runtime = runtime();
    let bucket = &*server.bucket;
    for count in [100, 1000, 10_000] {
        let lines = records(count);
        let batches: Vec<Batch> =
            (0..ROUNDS as u64).map(|round| testkit::batch(round * count + 1, &lines)).collect();
        let bytes = batches[0].byte_count() + lines.len();
        println!("{count} records, {bytes} bytes");
        let path = std::env::temp_dir().join(unique("throughput"));
        std::fs::write(&path, lines.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect::<Vec<u8>>())
            .unwrap();
        let rounds = ROUNDS.to_string();
        let boto3 = |level: Option<&str>| {
            let prefix = unique("boto3");
            let mut arguments = vec!["time-put", bucket, &prefix, path.to_str().unwrap(), &rounds];
            arguments.extend(level);
            median(server.ask(&arguments).iter().map(|seconds| Value::as_f64(seconds).unwrap()).collect())
        };
        let plain = boto3(None);
        let packed = boto3(Some("6"));
        println!(
            "  boto3 {:.1} MB/s, with gzip.compress level 6 {:.1} MB/s",
            rate(bytes, plain),
            rate(bytes, packed)
        );
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let options = server.options(bucket, &unique("throughput")).compression(compression);
            let mut sink = S3Sink::new(options);
            let send = |batch| {
                let begun = Instant::now();
                runtime.block_on(sink.send(batch)).map(drop).unwrap();
                begun.elapsed().as_secs_f64()
            };
            let seconds = median(batches.iter().map(send).collect());
            println!(
                "  sink {compression:?}: {:.1} MB/s, {:.2} x boto3, {:.2} x boto3 with gzip",
                rate(bytes, seconds),
                plain / seconds,
                packed / seconds
            );
        }
        std::fs::remove_file(path).unwrap();
    }
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn rate(bytes: usize, seconds: f64) -> f64 {
    bytes as f64 / seconds / 1e6
}

//! With the feature `compression` a compressed log is read; without, the error says which feature is missing.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod log;

use std::io::{self, Read as _};

use audit_integrity::{Verdict, decompress};
use log::{closed, files, gzip, verifier, zstd};

#[test]
fn whoever_verifies_a_compressed_log_is_told_what_to_do() {
    let (lines, _) = closed(3);
    for (name, packed) in [("gzip", gzip(&lines.concat())), ("zstd", zstd(&lines.concat()))] {
        let result = verifier().verify(&files(&[packed]).paths);
        if cfg!(feature = "compression") {
            assert_eq!(result.unwrap().chains[0].verdict, Verdict::Intact);
        } else {
            says_what_to_do(&result.unwrap_err().source, name);
        }
    }
}

#[test]
fn whoever_reads_a_compressed_log_is_told_what_to_do() {
    for (name, packed) in [("gzip", gzip(b"one line\n")), ("zstd", zstd(b"one line\n"))] {
        let result = decompress(io::Cursor::new(packed));
        if cfg!(feature = "compression") {
            let mut text = String::new();
            result.unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "one line\n");
        } else {
            says_what_to_do(&result.err().unwrap(), name);
        }
    }
}

fn says_what_to_do(error: &io::Error, compression: &str) {
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    let text = error.to_string();
    assert!(
        text.contains(compression) && text.contains("feature `compression` of audit-integrity"),
        "{text}"
    );
}

//! Logs to try the verifier on.
#![allow(dead_code, unreachable_pub)]

use std::io::Write;
use std::path::PathBuf;

use audit_integrity::{
    ChainReport, EventDigest, Finding, Head, Key, KeyRing, Report, Sealer, Signer, Verdict, Verifier,
};

pub type Line = Vec<u8>;

pub fn key(name: &str) -> Key {
    Key::from_bytes(format!("{name:*<32}").as_bytes()).unwrap()
}

pub fn ring(names: &[&str]) -> KeyRing {
    names.iter().map(|name| key(name)).collect()
}

pub fn hmac(name: &str) -> Signer {
    Signer::Hmac(key(name))
}

pub fn sealer(chain: &str, signer: Signer) -> Sealer {
    Sealer::new(chain.parse().unwrap(), signer)
}

pub fn seal(sealer: &mut Sealer, event: &str) -> Line {
    let event = audit_model::canonical_json(&audit_model::parse_json(event.as_bytes()).unwrap()).unwrap();
    let mut line = Vec::new();
    sealer.seal(&event, &EventDigest::of(&event), &mut line);
    line
}

pub fn event(number: u64, padding: usize) -> String {
    format!(
        r#"{{"details":{{"n":{number},"text":"{}"}},"event_type":"backup.started"}}"#,
        "x".repeat(padding)
    )
}

/// `count` records, sealed by `sealer`.
pub fn more(sealer: &mut Sealer, count: u64) -> Vec<Line> {
    let first = sealer.head().sequence_number + 1;
    (first..first + count).map(|number| seal(sealer, &event(number, 0))).collect()
}

/// A chain `c` of `count` records under key `k`, the last a close record; and its head.
pub fn closed(count: u64) -> (Vec<Line>, Head) {
    let mut sealer = sealer("c", hmac("k"));
    let mut lines = more(&mut sealer, count - 1);
    lines.push(seal(&mut sealer, r#"{"event_type":"audit.stopped"}"#));
    (lines, sealer.head().clone())
}

/// The same without the close record.
pub fn open(count: u64) -> (Vec<Line>, Head) {
    let mut sealer = sealer("c", hmac("k"));
    (more(&mut sealer, count), sealer.head().clone())
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// A directory with those files, named `0`, `1` …
pub struct Files {
    _directory: tempfile::TempDir,
    pub paths: Vec<PathBuf>,
}

pub fn files<B: AsRef<[u8]>>(contents: &[B]) -> Files {
    let directory = tempfile::tempdir().unwrap();
    let write = |(number, content): (usize, &B)| {
        let path = directory.path().join(number.to_string());
        std::fs::write(&path, content).unwrap();
        path
    };
    Files { paths: contents.iter().enumerate().map(write).collect(), _directory: directory }
}

pub fn verifier() -> Verifier {
    Verifier::new(ring(&["k"])).threads(1)
}

/// What the verifier says of files with those contents.
pub fn report_of<B: AsRef<[u8]>>(verifier: &Verifier, contents: &[B]) -> Report {
    verifier.verify(&files(contents).paths).unwrap()
}

/// What it says of the only chain in one file of those lines.
pub fn judge(verifier: &Verifier, lines: &[Line]) -> ChainReport {
    only_chain(report_of(verifier, &[lines.concat()]))
}

pub fn only_chain(mut report: Report) -> ChainReport {
    assert_eq!(report.chains.len(), 1, "{report:#?}");
    assert_eq!((report.unsealed, report.unreadable.len()), (0, 0), "{report:#?}");
    assert_eq!(report.is_intact(), report.chains[0].verdict.is_intact());
    report.chains.remove(0)
}

/// A finding without its words: what, in which file, at which line, which records.
pub type Place = (Verdict, Option<usize>, Option<u64>, Option<(u64, u64)>);

pub fn place(finding: &Finding) -> Place {
    let name = |path: &PathBuf| path.file_name()?.to_str()?.parse().ok();
    (finding.verdict, finding.file.as_ref().and_then(name), finding.line, finding.records)
}

/// Asserts the verdict and all findings of a chain.
#[track_caller]
pub fn assert_found(report: &ChainReport, verdict: Verdict, findings: &[Place]) {
    let found: Vec<Place> = report.findings.iter().map(place).collect();
    assert_eq!((report.verdict, found.as_slice()), (verdict, findings), "{report:#?}");
}

/// A place in the first file.
pub fn at(verdict: Verdict, line: u64, records: impl Into<Option<(u64, u64)>>) -> Place {
    (verdict, Some(0), Some(line), records.into())
}

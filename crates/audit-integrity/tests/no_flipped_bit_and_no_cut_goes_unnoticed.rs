//! A small log, damaged at every bit and cut at every byte.
#![allow(clippy::unwrap_used)]

mod log;

use audit_integrity::{Report, Verdict};
use log::*;

const RECORDS: u64 = 4;

/// The line that byte `at` is in, from 1, and whether it is the line's newline.
fn line_of(content: &[u8], at: usize) -> (u64, bool) {
    let before = content[..at].iter().filter(|byte| **byte == b'\n').count();
    (before as u64 + 1, content[at] == b'\n')
}

fn has(report: &Report, verdict: Verdict, line: u64, records: (u64, u64)) -> bool {
    report.chains.iter().flat_map(|chain| &chain.findings).any(|finding| {
        (finding.verdict, finding.line) == (verdict, Some(line))
            && finding.records.is_some_and(|(first, last)| first <= records.1 && records.0 <= last)
    })
}

fn flip_every_bit(content: &[u8], verifier: &audit_integrity::Verifier) {
    let files = files(&[content]);
    let mut damaged = content.to_vec();
    for at in 0..content.len() {
        let (line, is_newline) = line_of(content, at);
        for bit in 0..8 {
            damaged[at] ^= 1 << bit;
            std::fs::write(&files.paths[0], &damaged).unwrap();
            damaged[at] ^= 1 << bit;
            let report = verifier.verify(&files.paths).unwrap();
            let place = format!("byte {at} bit {bit}: {report:#?}");
            assert!(!report.is_intact() && report.is_broken(), "{place}");
            assert_eq!(report.chains.len(), 1, "{place}");
            let (chain, findings) = (&report.chains[0], report.chains[0].findings.len());
            if is_newline && line == RECORDS {
                assert_eq!(
                    chain.findings.iter().map(log::place).next_back(),
                    Some(log::at(Verdict::TornTail, line, None))
                );
            } else if is_newline {
                assert_eq!((chain.verdict, chain.records), (Verdict::Edited, RECORDS - 2), "{place}");
                assert!(has(&report, Verdict::Edited, line, (line, line + 1)), "{place}");
            } else {
                assert_eq!(
                    (chain.verdict, chain.records, findings),
                    (Verdict::Edited, RECORDS - 1, 1),
                    "{place}"
                );
                assert_eq!(
                    log::place(&chain.findings[0]),
                    log::at(Verdict::Edited, line, (line, line)),
                    "{place}"
                );
            }
        }
    }
}

#[test]
fn every_bit_of_a_closed_log() {
    flip_every_bit(&closed(RECORDS).0.concat(), &verifier());
}

#[test]
fn every_bit_of_an_open_log_with_a_kept_head() {
    let (lines, head) = open(RECORDS);
    flip_every_bit(&lines.concat(), &verifier().expect_head(head));
}

#[test]
fn every_bit_of_an_unsigned_log() {
    let lines = more(&mut sealer("c", audit_integrity::Signer::Digest), RECORDS);
    flip_every_bit(&lines.concat(), &verifier_without_keys());
}

fn verifier_without_keys() -> audit_integrity::Verifier {
    audit_integrity::Verifier::new(ring(&[])).threads(1)
}

/// Of a compressed file some bits carry nothing (a time, a name): those may flip, and no other.
#[test]
fn every_bit_of_compressed_logs() {
    let (lines, head) = closed(RECORDS);
    let verifier = verifier().expect_head(head);
    for content in [gzip(&lines.concat()), zstd(&lines.concat())] {
        let files = files(&[&content]);
        let whole = verifier.verify(&files.paths).unwrap();
        assert!(whole.is_intact());
        for at in 0..content.len() {
            for bit in 0..8 {
                let mut damaged = content.clone();
                damaged[at] ^= 1 << bit;
                std::fs::write(&files.paths[0], &damaged).unwrap();
                let report = verifier.verify(&files.paths).unwrap();
                assert!(!report.is_intact() || report == whole, "byte {at} bit {bit}: {report:#?}");
            }
        }
    }
}

#[test]
fn every_cut_at_the_end() {
    let (lines, head) = closed(RECORDS);
    let content = lines.concat();
    for end in 0..content.len() {
        let cut = &content[..end];
        let records = cut.iter().filter(|byte| **byte == b'\n').count() as u64;
        let report = only_chain(report_of(&verifier().expect_head(head.clone()), &[cut]));
        assert_eq!(report.verdict, Verdict::TailCut, "{end}: {report:#?}");
        assert!(
            report.findings.iter().any(|finding| finding.records == Some((records + 1, RECORDS))),
            "{report:#?}"
        );
        if records > 0 {
            let expected = if cut.ends_with(b"\n") { Verdict::IntactOpen } else { Verdict::TornTail };
            assert_eq!(only_chain(report_of(&verifier(), &[cut])).verdict, expected, "{end}");
        }
    }
}

#[test]
fn every_cut_at_the_beginning() {
    let content = closed(RECORDS).0.concat();
    for start in 1..content.len() - 1 {
        let report = report_of(&verifier(), &[&content[start..]]);
        assert!(!report.is_intact() && report.is_broken(), "{start}: {report:#?}");
        // What is left of the first line is nothing, or a newline.
        let at_boundary = content[start - 1] == b'\n' || content[start] == b'\n';
        let expected = if at_boundary { Verdict::HeadCut } else { Verdict::Edited };
        let verdict = report.chains.first().map_or(Verdict::Edited, |chain| chain.verdict);
        assert_eq!(verdict, expected, "{start}: {report:#?}");
    }
}

#[test]
fn every_cut_of_compressed_logs() {
    let (lines, head) = open(60);
    let verifier = verifier().expect_head(head);
    for content in [gzip(&lines.concat()), zstd(&lines.concat())] {
        let whole = report_of(&verifier, &[&content]);
        assert!(whole.is_intact());
        for end in (4..content.len()).step_by(3) {
            let report = report_of(&verifier, &[&content[..end]]);
            // Only a check sum may be cut off: all records are there then.
            assert!(
                !report.is_intact() || (report == whole && end + 8 > content.len()),
                "{end}: {report:#?}"
            );
        }
    }
}

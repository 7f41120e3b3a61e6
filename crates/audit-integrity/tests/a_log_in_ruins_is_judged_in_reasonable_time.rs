//! A hundred thousand damaged places, in every way that could make a careless judge compare each with each. If one
//! of these takes minutes, that is what happened.
#![allow(clippy::unwrap_used)]

mod log;

use audit_integrity::{Signer, Verdict, Verifier};
use log::*;

const RECORDS: u64 = 100_000;

/// An unsigned chain: quick to make.
fn chain(id: &str) -> Vec<Line> {
    more(&mut sealer(id, Signer::Digest), RECORDS)
}

fn verifier() -> Verifier {
    Verifier::new(ring(&[])).threads(2)
}

#[track_caller]
fn assert_capped(report: &audit_integrity::ChainReport, verdict: Verdict, damages: u64) {
    assert_eq!((report.verdict, report.findings.len()), (verdict, 1000));
    assert_eq!(report.findings_left_out, damages - 1000);
}

#[test]
fn every_other_record_is_missing() {
    let lines: Vec<_> = chain("c").into_iter().step_by(2).collect();
    assert_capped(&judge(&verifier(), &lines), Verdict::Missing, RECORDS / 2 - 1);
}

#[test]
fn every_other_record_is_garbage() {
    let mut lines = chain("c");
    lines.iter_mut().skip(1).step_by(2).for_each(|line| *line = b"?\n".to_vec());
    let report = judge(&verifier(), &lines);
    assert_eq!((report.verdict, report.records), (Verdict::Edited, RECORDS / 2));
    assert_eq!(report.findings.len() as u64 + report.findings_left_out, RECORDS / 2);
}

#[test]
fn every_other_record_is_edited() {
    let mut lines = chain("c");
    for line in lines.iter_mut().skip(1).step_by(2) {
        line[20] ^= 1;
    }
    assert_capped(&judge(&verifier(), &lines), Verdict::Edited, RECORDS / 2);
}

#[test]
fn the_records_stand_in_reverse() {
    let lines: Vec<_> = chain("c").into_iter().rev().collect();
    assert_capped(&judge(&verifier(), &lines), Verdict::Reordered, RECORDS - 1);
}

#[test]
fn every_record_comes_twice() {
    let lines: Vec<_> = chain("c").into_iter().flat_map(|line| [line.clone(), line]).collect();
    let report = judge(&verifier(), &lines);
    assert_found(&report, Verdict::IntactOpen, &[]);
    assert_eq!((report.records, report.duplicates), (RECORDS, RECORDS));
}

#[test]
fn one_record_comes_again_and_again() {
    let lines = chain("c");
    let report = judge(&verifier(), &[lines.clone(), vec![lines[5].clone(); 50_000]].concat());
    assert_found(&report, Verdict::IntactOpen, &[]);
    assert_eq!((report.records, report.duplicates), (RECORDS, 50_000));
}

#[test]
fn two_chains_take_turns() {
    let lines: Vec<_> = chain("a").into_iter().zip(chain("b")).flat_map(|(a, b)| [a, b]).collect();
    let report = report_of(&verifier(), &[lines.concat()]);
    assert!(report.is_intact(), "{report:#?}");
    assert_eq!(report.chains.iter().map(|chain| chain.records).collect::<Vec<_>>(), [RECORDS, RECORDS]);
}

#[test]
fn two_chains_take_turns_and_every_third_line_is_garbage() {
    let garbage = || b"?\n".to_vec();
    let lines: Vec<_> = chain("a").into_iter().zip(chain("b")).flat_map(|(a, b)| [a, garbage(), b]).collect();
    let report = report_of(&verifier(), &[lines.concat()]);
    assert_eq!(report.chains[0].verdict, Verdict::Inserted);
}

#[test]
fn every_record_is_forked() {
    let mut other = sealer("c", Signer::Digest);
    let other = (0..RECORDS).map(|_| seal(&mut other, r#"{"event_type":"x.y"}"#));
    let lines: Vec<_> = chain("c").into_iter().zip(other).flat_map(|(a, b)| [a, b]).collect();
    let report = judge(&verifier(), &lines);
    assert_eq!((report.verdict, report.findings.len()), (Verdict::Forked, 1000));
}

#[test]
fn no_line_is_a_record() {
    let lines = vec![b"{\"event\":{},\"integrity\":\n\n".to_vec(); RECORDS as usize];
    let report = report_of(&verifier(), &[lines.concat()]);
    assert_eq!(report.unreadable.len(), 1000);
}

#[test]
fn a_chain_for_every_line() {
    let line = |number: u64| more(&mut sealer(&format!("c{number}"), Signer::Digest), 1).remove(0);
    let lines: Vec<_> = (0..20_000).flat_map(|number| [line(number), b"?\n".to_vec()]).collect();
    let report = report_of(&verifier(), &[lines.concat()]);
    assert_eq!(report.chains.len(), 20_000);
}

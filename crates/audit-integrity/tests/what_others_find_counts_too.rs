//! A report takes in what was found by other means than the verifier's.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod log;

use audit_integrity::{Finding, RecordError, SealedRecord, Verdict};
use log::{closed, report_of, verifier};

#[test]
fn the_gravest_finding_is_the_verdict_and_all_stand_in_the_order_of_the_records() {
    let (mut lines, head) = closed(9);
    lines.remove(4);
    let mut report = report_of(&verifier(), &[lines.concat()]);
    assert_eq!(report.chains[0].verdict, Verdict::Missing);
    let found = |verdict, number| {
        Finding::new(verdict, Some(("copy".into(), 1)), Some((number, number)), format!("record {number}"))
    };
    report.add(Some(&head.chain_id), found(Verdict::TornTail, 7));
    assert_eq!(report.chains[0].verdict, Verdict::Missing, "the graver one stays");
    report.add(Some(&head.chain_id), found(Verdict::Edited, 2));
    assert_eq!(report.chains[0].verdict, Verdict::Edited);
    let order: Vec<u64> = report.chains[0].findings.iter().map(|it| it.records.unwrap().0).collect();
    assert_eq!(order, [2, 5, 7]);
    for number in 0..2000 {
        report.add(Some(&head.chain_id), found(Verdict::Edited, number));
    }
    let chain = &report.chains[0];
    assert_eq!((chain.findings.len() as u64 + chain.findings_left_out, chain.findings.len()), (2003, 1000));
    assert!(report.unreadable.is_empty());
    // About no chain that is here.
    report.add(None, found(Verdict::Edited, 1));
    report.add(Some(&"other".parse().unwrap()), found(Verdict::Edited, 1));
    assert_eq!(report.unreadable.len(), 2);
    assert!(report.is_broken());
}

#[test]
fn an_ocsf_record_is_called_one() {
    let error = SealedRecord::parse(br#"{"class_uid":6003,"activity_id":1}"#).unwrap_err();
    assert!(error.to_string().contains("OCSF copies are verified as files of their own"), "{error}");
    let unsealed = SealedRecord::parse(br#"{"class_uid":6003,"event_type":"a.b"}"#).unwrap_err();
    assert_eq!(unsealed, RecordError::Unsealed);
}

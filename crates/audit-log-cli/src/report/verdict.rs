//! What verifying found, as a report tells it.

use audit_integrity::{ChainReport, Finding};
use audit_report::{Chain, Integrity, Soundness};

use crate::output::path;
use crate::verify::Verified;

pub(super) fn integrity(verified: &Verified) -> Integrity {
    let report = &verified.report;
    let verdict = match (verified.is_intact(), report.is_broken()) {
        (true, _) => Soundness::Sound,
        (false, true) => Soundness::Broken,
        (false, false) => Soundness::CannotTell,
    };
    Integrity {
        verdict,
        chains: report.chains.iter().map(chain).collect(),
        unsealed: report.unsealed,
        unreadable: report.unreadable.iter().map(finding).collect(),
        notes: verified.notes.iter().chain(&verified.notices).cloned().collect(),
    }
}

fn chain(chain: &ChainReport) -> Chain {
    let mut verdict = chain.verdict.to_string();
    if chain.verdict.is_intact() && chain.pruned_to.is_some() {
        verdict += ", head pruned by policy";
    }
    Chain {
        chain_id: chain.chain_id.to_string(),
        verdict,
        intact: chain.verdict.is_intact(),
        records: chain.records,
        first_sequence: chain.range.map(|range| range.0),
        last_sequence: chain.range.map(|range| range.1),
        signed: chain.signed,
        head: chain.head.as_ref().map(ToString::to_string),
        anchored: chain.anchored,
        pruned_to: chain.pruned_to,
        duplicates: chain.duplicates,
        findings: chain.findings.iter().map(finding).collect(),
        more_findings: chain.findings_left_out,
    }
}

fn finding(finding: &Finding) -> audit_report::Finding {
    audit_report::Finding {
        verdict: finding.verdict.to_string(),
        file: finding.file.as_deref().map(path),
        line: finding.line,
        first_sequence: finding.records.map(|records| records.0),
        last_sequence: finding.records.map(|records| records.1),
        message: finding.message.clone(),
    }
}

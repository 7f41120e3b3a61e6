//! What the report on a log's lines is, as a report on the copies that they are from.

use audit_integrity::{ChainId, ChainReport, Finding, Report, Verdict};

use super::{Copies, Merged, Place, WithoutLine};
use crate::output::{count, harmless};

/// What a verifier says of a line that is [`super::JUNK`], and of a file without an end.
const SAID_OF_JUNK: &str = "not a sealed record: expected value at line 1 column 1";
const SAID_OF_A_TORN_LINE: &str = "the file ends within a line";

impl Copies {
    /// Makes the report on the files with the lines one on the copies: it names those, and says what is wrong with the
    /// attributes around the lines. Returns what is worth knowing and not wrong.
    pub(crate) fn judge(&self, report: &mut Report) -> Vec<String> {
        if self.copies.is_empty() {
            return Vec::new();
        }
        self.rename(report);
        self.explain_gaps(report);
        self.judge_merged(report);
        let unknown = self.judge_without_line(report);
        self.judge_edited(report);
        let merged = (!self.merged.is_empty()).then(|| {
            let records = count(self.merged.len() as u64, "record");
            format!("{records} said to stand for several: no line proves their times and counts")
        });
        unknown.into_iter().chain(merged).chain(self.told_of_added()).collect()
    }

    fn rename(&self, report: &mut Report) {
        let chains = report.chains.iter_mut();
        for finding in chains.flat_map(|chain| &mut chain.findings).chain(&mut report.unreadable) {
            for copy in &self.copies {
                let lines = copy.lines.display().to_string();
                if finding.message.contains(&lines) {
                    finding.message = finding.message.replace(&lines, &copy.file.display().to_string());
                }
                if finding.file.as_ref() != Some(&copy.lines) {
                    continue;
                }
                finding.file = Some(copy.file.clone());
                if let Some(reason) = finding.line.and_then(|line| copy.unreadable.get(&line)) {
                    finding.message = finding.message.replace(SAID_OF_JUNK, &harmless(reason));
                }
                if let Some(error) = &copy.broken_off {
                    finding.message = finding.message.replace(SAID_OF_A_TORN_LINE, error);
                }
            }
        }
        for repeated in report.chains.iter_mut().flat_map(|chain| &mut chain.repeated) {
            if let Some(copy) = self.copies.iter().find(|copy| copy.lines == repeated.file) {
                repeated.file.clone_from(&copy.file);
            }
        }
    }

    /// Says of what is missing why a copy may lack it.
    fn explain_gaps(&self, report: &mut Report) {
        for chain in &mut report.chains {
            let id = &chain.chain_id;
            for (finding, (from, to)) in
                chain.findings.iter_mut().filter_map(|it| gap(it).map(|gap| (it, gap)))
            {
                let without = self.without_line.iter().filter(|it| it.is_of(id));
                let merged = self.merged.iter().filter(|it| it.is_of(id));
                let is_within = |number: u64| (from..=to).contains(&number);
                if let Some(it) = without.into_iter().find(|it| it.sequence.is_some_and(is_within)) {
                    let number = it.sequence.unwrap_or_default();
                    finding.message +=
                        &format!("; {}: record {number} {}", self.at(it.place), it.carries_none());
                } else if let Some(it) = merged.into_iter().find(|it| it.first < from && from <= it.last) {
                    finding.message += &format!("; it may be one of those that {}", self.told_of_merged(it));
                }
            }
        }
    }

    /// What a record stands for has to be missing: otherwise it only says so, for its time and count not to be compared.
    fn judge_merged(&self, report: &mut Report) {
        for it in &self.merged {
            let Some(chain) = it.chain_in(report) else { continue };
            let (id, first, last) = (chain.chain_id.clone(), it.first, it.last);
            // Without the key, nobody knows what is there.
            let Some((_, end)) = chain.range else { continue };
            if last > first && last > end && !has_gap_at(chain, last) {
                let gap = (end + 1, last);
                let message = format!("{} missing; which {}", records(gap), self.told_of_merged(it));
                self.find(report, Some(&id), it.place, Verdict::Missing, Some(gap), message);
            } else if !has_gap_at(chain, last) && chain.findings_left_out == 0 {
                let message = format!(
                    "record {first}: unmapped.audit_log.last_sequence says that others up to record {last} were merged \
                     into it, which is not so"
                );
                self.find(report, Some(&id), it.place, Verdict::Edited, Some((first, first)), message);
            }
        }
    }

    /// Where a record carries no line, either one is missing, or somebody put the record there.
    fn judge_without_line(&self, report: &mut Report) -> Option<String> {
        let (mut unknown, mut first) = (0, None);
        for it in &self.without_line {
            let Some(chain) = it.chain_in(report) else {
                (unknown, first) = (unknown + 1, first.or(Some(it.place)));
                continue;
            };
            let id = chain.chain_id.clone();
            let Some((_, end)) = chain.range else { continue };
            let is_explained = it.sequence.is_some_and(|number| has_gap_at(chain, number));
            match it.sequence {
                _ if is_explained || chain.findings_left_out > 0 => {}
                Some(number) if number > end => {
                    let message = format!("record {number} {}: nothing proves it", it.carries_none());
                    self.find(report, Some(&id), it.place, Verdict::Missing, Some((number, number)), message);
                }
                _ => {
                    let which = it
                        .sequence
                        .map(|number| format!("calls itself record {number}, "))
                        .unwrap_or_default();
                    let message =
                        format!("{which}{}, and none is missing there: somebody added it", it.carries_none());
                    self.find(report, Some(&id), it.place, Verdict::Inserted, None, message);
                }
            }
        }
        report.unsealed += unknown;
        let carry = if unknown == 1 { "carries" } else { "carry" };
        first.map(|place| {
            format!(
                "{} {carry} no line of a log, the first in {}",
                count(unknown, "OCSF record"),
                self.at(place)
            )
        })
    }

    fn judge_edited(&self, report: &mut Report) {
        for it in &self.edited {
            let id = it.chain.as_deref().and_then(|chain| chain.parse::<ChainId>().ok());
            let which = it.sequence.map(|number| format!("record {number}: ")).unwrap_or_default();
            let message = format!("{which}{}", it.what);
            let records = it.sequence.map(|number| (number, number));
            self.find(report, id.as_ref(), it.place, Verdict::Edited, records, message);
        }
        if let [chain] = report.chains.as_mut_slice() {
            chain.findings_left_out += self.edited_left_out;
        }
    }

    fn told_of_added(&self) -> impl Iterator<Item = String> {
        self.added.iter().map(|(path, (records, place))| {
            let (records, path, first) = (count(*records, "record"), harmless(path), self.at(*place));
            format!("{path} was added to {records} since, which the log does not prove; the first is {first}")
        })
    }

    fn told_of_merged(&self, it: &Merged) -> String {
        let Merged { place, first, last, .. } = it;
        format!(
            "{} stands for (identical ones from record {first} to {last}, with the first's line only)",
            self.at(*place)
        )
    }

    fn at(&self, (copy, line): Place) -> String {
        format!("{}:{line}", harmless(&self.copies[copy].file.display().to_string()))
    }

    fn find(
        &self,
        report: &mut Report,
        chain: Option<&ChainId>,
        (copy, line): Place,
        verdict: Verdict,
        records: Option<(u64, u64)>,
        message: String,
    ) {
        let file = self.copies[copy].file.clone();
        report.add(chain, Finding::new(verdict, Some((file, line)), records, message));
    }
}

impl WithoutLine {
    fn is_of(&self, chain: &ChainId) -> bool {
        self.chain.as_deref() == Some(chain.as_str())
    }

    /// One that names no chain is in the one that there is.
    fn chain_in<'r>(&self, report: &'r Report) -> Option<&'r ChainReport> {
        match (&self.chain, report.chains.as_slice()) {
            (None, [sole]) => Some(sole),
            _ => report.chains.iter().find(|chain| self.is_of(&chain.chain_id)),
        }
    }

    fn carries_none(&self) -> &'static str {
        match self.is_masked {
            true => "carries no line of the log, because a secret in it is masked",
            false => "carries no line of the log",
        }
    }
}

impl Merged {
    fn is_of(&self, chain: &ChainId) -> bool {
        self.chain.as_deref() == Some(chain.as_str())
    }

    fn chain_in<'r>(&self, report: &'r Report) -> Option<&'r ChainReport> {
        report.chains.iter().find(|chain| self.is_of(&chain.chain_id))
    }
}

/// The records that a finding says are missing.
fn gap(finding: &Finding) -> Option<(u64, u64)> {
    let is_gap = matches!(finding.verdict, Verdict::Missing | Verdict::HeadCut | Verdict::TailCut);
    finding.records.filter(|_| is_gap)
}

fn has_gap_at(chain: &ChainReport, number: u64) -> bool {
    chain.findings.iter().filter_map(gap).any(|(from, to)| (from..=to).contains(&number))
}

fn records((first, last): (u64, u64)) -> String {
    if first == last { format!("record {first}") } else { format!("records {first} to {last}") }
}

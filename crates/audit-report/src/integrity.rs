use serde::Serialize;

use crate::wording::{count, number, records};
use crate::{Gap, GapKind};

/// Whether the logs are what was written, as verifying them found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Integrity {
    /// The one verdict on all of it.
    pub verdict: Soundness,
    /// The chains.
    pub chains: Vec<Chain>,
    /// How many events were never sealed: nothing verifies them.
    pub unsealed: u64,
    /// Lines that are neither records nor events.
    pub unreadable: Vec<Finding>,
    /// What else keeps from telling, or is worth knowing.
    pub notes: Vec<String>,
}

/// The verdict on all of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Soundness {
    /// Every chain is whole and unchanged.
    Sound,
    /// Something is not as it was written.
    Broken,
    /// There is no way to tell: no seal, or no key.
    CannotTell,
}

impl Soundness {
    /// The same in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Broken => "broken",
            Self::CannotTell => "cannot tell",
        }
    }
}

/// What was found of one chain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chain {
    /// Which chain.
    pub chain_id: String,
    /// The verdict on it, in the words of `audit-log verify`: `intact`, `missing` …
    pub verdict: String,
    /// Whether it is sound.
    pub intact: bool,
    /// How many authentic records there are.
    pub records: u64,
    /// The number of the first one.
    pub first_sequence: Option<u64>,
    /// The number of the last one.
    pub last_sequence: Option<u64>,
    /// Whether it is signed with a key.
    pub signed: bool,
    /// Its end, as `number:signature`.
    pub head: Option<String>,
    /// Whether a head that was kept elsewhere was compared with it, so that a cut end would have shown.
    pub anchored: bool,
    /// The number of the last record that was deleted by policy, which is on record.
    pub pruned_to: Option<u64>,
    /// How many records are there more than once, as repeated delivery makes them.
    pub duplicates: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// How many findings more there are.
    pub more_findings: u64,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What: `edited`, `missing` …
    pub verdict: String,
    /// In which file.
    pub file: Option<String>,
    /// At which line, from 1.
    pub line: Option<u64>,
    /// The number of the first record that it is about.
    pub first_sequence: Option<u64>,
    /// The number of the last one.
    pub last_sequence: Option<u64>,
    /// The same for a person.
    pub message: String,
}

impl Integrity {
    /// Of logs that nobody verified.
    #[must_use]
    pub fn unknown(why: impl Into<String>) -> Self {
        Self {
            verdict: Soundness::CannotTell,
            chains: Vec::new(),
            unsealed: 0,
            unreadable: Vec::new(),
            notes: vec![why.into()],
        }
    }

    /// The verdict in a sentence: what is to be read first.
    #[must_use]
    pub fn headline(&self) -> &'static str {
        match self.verdict {
            Soundness::Sound => "The log is sound",
            Soundness::Broken => "The log is broken",
            Soundness::CannotTell => "There is no way to tell whether the log is sound",
        }
    }

    /// Why.
    #[must_use]
    pub fn explanation(&self) -> String {
        let sealed: u64 = self.chains.iter().map(|chain| chain.records).sum();
        let what =
            format!("{} in {}", count(sealed, "sealed record"), count(self.chains.len() as u64, "chain"));
        match self.verdict {
            Soundness::Sound => {
                let (signed, but) = match self.chains.iter().filter(|chain| chain.signed).count() {
                    all if all == self.chains.len() => ("all signed", ""),
                    none_or_some => {
                        let signed = if none_or_some == 0 { "none of them signed" } else { "not all signed" };
                        (signed, " But whoever can write what is not signed can make all of it anew.")
                    }
                };
                let pruned: Vec<String> =
                    self.chains.iter().filter_map(|chain| chain.pruned_to).map(number).collect();
                let pruned = match pruned.as_slice() {
                    [] => String::new(),
                    to => format!(
                        " Records 1 to {} were deleted by policy, which is on record; they are in no count here.",
                        to.join(" and ")
                    ),
                };
                let end = match self.chains.iter().all(|chain| chain.anchored) {
                    true => "",
                    false => {
                        " Whether records were cut from the end was not compared with anything kept elsewhere."
                    }
                };
                format!(
                    "{what}, {signed}. None of them was edited, inserted or moved since it was written, and none between \
                     them is gone.{but}{pruned}{end}"
                )
            }
            Soundness::Broken => {
                let wrong = self.findings() + self.unreadable.len() as u64;
                let broken: Vec<String> = self
                    .chains
                    .iter()
                    .filter(|chain| !chain.intact)
                    .take(5)
                    .map(|chain| format!("chain {}: {}", chain.chain_id, chain.verdict))
                    .collect();
                let which =
                    if broken.is_empty() { String::new() } else { format!(" ({})", broken.join("; ")) };
                format!(
                    "{} in {what}{which}. What this report counts may be incomplete or falsified.",
                    count(wrong, "finding")
                )
            }
            Soundness::CannotTell => {
                let mut why = Vec::new();
                if self.chains.iter().any(|chain| !chain.intact) {
                    why.push("records are signed with a key that was not given".to_owned());
                }
                if self.unsealed > 0 {
                    why.push(format!(
                        "{} without a seal: nothing verifies them",
                        count(self.unsealed, "event")
                    ));
                }
                if self.chains.is_empty() && self.unsealed == 0 {
                    why.push("no sealed records were found".to_owned());
                }
                let mut text = why.join("; ");
                if let Some(first) = text.get(..1).map(str::to_uppercase) {
                    text.replace_range(..1, &first);
                    text.push('.');
                }
                text
            }
        }
    }

    /// How many findings there are in all chains.
    fn findings(&self) -> u64 {
        self.chains.iter().map(|chain| chain.findings.len() as u64 + chain.more_findings).sum()
    }

    /// What of it is missing.
    pub(crate) fn gaps(&self) -> Vec<Gap> {
        let missing = ["missing", "head cut", "tail cut", "torn tail"];
        let of_chain = |chain: &Chain| {
            let found = chain.findings.iter().filter(|finding| missing.contains(&finding.verdict.as_str()));
            let gap = |finding: &Finding| Gap {
                kind: GapKind::RecordsMissing,
                time: None,
                log: Some(chain.chain_id.clone()),
                first_sequence: finding.first_sequence,
                last_sequence: finding.last_sequence,
                events: None,
                message: match finding.verdict.as_str() {
                    "missing" => finding.message.clone(),
                    verdict => format!("{verdict}: {}", finding.message),
                },
            };
            found.map(gap).collect::<Vec<_>>()
        };
        self.chains.iter().flat_map(of_chain).collect()
    }
}

impl Chain {
    /// What else is to be said of a chain: how it is sealed, where it ends.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if let Some(to) = self.pruned_to {
            let which = records(Some(1), Some(to)).unwrap_or_default();
            remarks.push(format!("{which} were deleted by policy, and that is on record"));
        }
        if self.intact && self.verdict.contains("open") {
            remarks.push(
                "no close record at the end: the writer runs, or was stopped without closing the log"
                    .to_owned(),
            );
        }
        if self.intact && !self.anchored {
            remarks.push(
                "the end is unanchored: without a head that was kept elsewhere a cut end would not show"
                    .to_owned(),
            );
        }
        if self.duplicates > 0 {
            let which = count(self.duplicates, "record");
            remarks.push(format!("{which} more than once, as repeated delivery makes them"));
        }
        remarks
    }

    /// `1 to 42`
    pub(crate) fn range(&self) -> Option<String> {
        let (first, last) = self.first_sequence.zip(self.last_sequence)?;
        Some(format!("{} to {}", number(first), number(last)))
    }

    pub(crate) fn sealing(&self) -> &'static str {
        if self.signed { "signed" } else { "chained, not signed" }
    }
}

impl Finding {
    /// `audit.log:7: …`
    pub(crate) fn place(&self) -> Option<String> {
        let file = self.file.as_deref()?;
        Some(self.line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}")))
    }
}

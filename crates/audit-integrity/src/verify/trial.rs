//! One chain: which of its records are there, what is wrong with them, and the verdict. No I/O.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::block::{Item, Run, Standing, hull};
use super::ranges::Ranges;
use super::{ChainReport, Finding, Repeated, Verdict};
use crate::{ChainId, Head, Signature};

/// How many findings are told one by one.
pub(crate) const MAX_FINDINGS: usize = 1000;

/// How many places of repeated records are told.
const MAX_REPEATED: usize = 20;

/// A run that counts as a part of the chain, and where it is.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) file: usize,
    pub(crate) item: usize,
    pub(crate) run: &'a Run,
}

impl Part<'_> {
    /// What it is when this part does not fit to an earlier one.
    pub(crate) fn contradicts(&self, earlier: Option<&Part<'_>>) -> Verdict {
        let is_authentic = |part: &Part<'_>| part.run.standing == Standing::Authentic;
        if is_authentic(self) && earlier.is_none_or(is_authentic) { Verdict::Forked } else { Verdict::Edited }
    }
}

/// Records that are not there: up to which, and the part behind them. The first is the key in the map of gaps.
#[derive(Clone, Copy)]
struct Gap<'a> {
    last: u64,
    behind: Part<'a>,
}

/// Two parts that both have the record `shared`: the same one, or the chain was forked.
pub(crate) struct Overlap<'a> {
    pub(crate) part: Part<'a>,
    pub(crate) earlier: Part<'a>,
    pub(crate) shared: u64,
}

/// Lines that are no part of a chain as they stand.
pub(crate) struct Stray {
    pub(crate) line: u64,
    pub(crate) lines: u64,
    /// How many of them are events without a seal.
    pub(crate) unsealed: u64,
    pub(crate) reason: String,
    /// The file ends within the last of them.
    pub(crate) torn: bool,
    /// The sequence numbers that they claim to have.
    pub(crate) claims: Option<(u64, u64)>,
    /// The signature that they claim to follow.
    pub(crate) previous: Option<Signature>,
    /// The first of them begins as a sealed record does.
    pub(crate) looks_sealed: bool,
}

impl From<&Item> for Stray {
    fn from(item: &Item) -> Self {
        match item {
            Item::Run(run) => Self {
                line: run.line,
                lines: run.lines,
                unsealed: 0,
                reason: match run.standing {
                    Standing::NoKey => "made without the key, and in contradiction to authentic records",
                    _ => "the signature does not match the content",
                }
                .to_owned(),
                torn: false,
                claims: Some((run.first, run.last)),
                previous: Some(run.first_previous),
                looks_sealed: true,
            },
            Item::Junk(junk) => Self {
                line: junk.line,
                lines: junk.lines,
                unsealed: junk.unsealed,
                reason: junk.reason.clone(),
                torn: junk.torn,
                claims: junk.claims,
                previous: None,
                looks_sealed: junk.looks_sealed,
            },
        }
    }
}

impl Stray {
    /// Whether `next` stands in the line behind these.
    pub(crate) fn goes_on_with(&self, next: &Self) -> bool {
        self.line + self.lines == next.line
    }

    pub(crate) fn absorb(&mut self, next: &Self) {
        self.lines += next.lines;
        self.unsealed += next.unsealed;
        self.torn = next.torn;
        self.claims = self.claims.into_iter().chain(next.claims).reduce(hull);
    }
}

/// Where strays stand: the nearest parts of the chain before and behind them in their file.
pub(crate) struct Place<'a> {
    file: usize,
    before: Option<Part<'a>>,
    behind: Option<Part<'a>>,
}

pub(crate) struct Trial<'a> {
    chain: ChainId,
    paths: &'a [PathBuf],
    heads: Vec<&'a Head>,
    keys_given: bool,
    /// In the order of the files and their lines.
    parts: Vec<Part<'a>>,
    overlaps: Vec<Overlap<'a>>,
    gaps: BTreeMap<u64, Gap<'a>>,
    /// Records that strays have been taken for.
    edited: Ranges,
    /// The part that reaches furthest.
    furthest: Option<Part<'a>>,
    /// The last record that is there, edited or not.
    end: u64,
    records: u64,
    duplicates: u64,
    repeated: Vec<Repeated>,
    pruned_to: Option<u64>,
    findings: Vec<Finding>,
    findings_left_out: u64,
    gravest: Option<Verdict>,
}

impl<'a> Trial<'a> {
    /// `parts` in the order of the files and their lines.
    pub(crate) fn new(
        chain: ChainId,
        mut parts: Vec<Part<'a>>,
        heads: Vec<&'a Head>,
        paths: &'a [PathBuf],
        keys_given: bool,
    ) -> Self {
        drop_contradicted(&mut parts);
        let mut trial = Self {
            chain,
            paths,
            heads,
            keys_given,
            parts,
            overlaps: Vec::new(),
            gaps: BTreeMap::new(),
            edited: Ranges::default(),
            furthest: None,
            end: 0,
            records: 0,
            duplicates: 0,
            repeated: Vec::new(),
            pruned_to: None,
            findings: Vec::new(),
            findings_left_out: 0,
            gravest: None,
        };
        trial.go_by_number();
        trial.go_by_line();
        trial
    }

    /// Goes through the parts by number: what is there, what is missing, what comes twice, what does not fit.
    fn go_by_number(&mut self) {
        let mut by_number = self.parts.clone();
        by_number.sort_by_key(|part| (part.run.first, part.file, part.item));
        for part in by_number {
            let run = part.run;
            if run.standing == Standing::NoKey {
                let whose = match &run.key_id {
                    Some(id) => format!("signed with key {id}, which was not given"),
                    None => {
                        "not signed at all, though a key was given: anybody could have made them".to_owned()
                    }
                };
                self.find_part(Verdict::WrongKey, &part, &whose);
            }
            let reached = self.furthest.map_or(0, |before| before.run.last);
            let signature = self.furthest.map_or(Signature::NONE, |before| before.run.last_signature);
            if run.first > reached + 1 {
                self.gaps.insert(reached + 1, Gap { last: run.first - 1, behind: part });
            } else if run.first <= reached {
                let earlier = self.furthest.into_iter();
                self.overlaps.extend(earlier.map(|earlier| Overlap {
                    part,
                    earlier,
                    shared: reached.min(run.last),
                }));
            } else if run.first_previous != signature {
                let verdict = part.contradicts(self.furthest.as_ref());
                self.find_part(verdict, &part, "sealed over another record than the one before it here");
            }
            if run.last > reached {
                if run.standing == Standing::Authentic {
                    self.records += run.last - run.first.max(reached + 1) + 1;
                }
                self.furthest = Some(part);
                self.end = run.last;
            }
        }
    }

    /// Goes through the parts by line: within a file, records come in the order of their numbers and without gaps.
    /// What stands earlier in the file, or in another file too, may come again.
    fn go_by_line(&mut self) {
        let mut files: HashMap<usize, Ranges> = HashMap::new();
        for Part { file, run, .. } in &self.parts {
            files.entry(*file).or_default().insert(run.first, run.last);
        }
        let (all, in_several) = union(files.values());
        let (mut file, mut seen) = (usize::MAX, Ranges::default());
        // The parts of the file so far that each reach further than those before.
        let mut reaching: Vec<Part<'_>> = Vec::new();
        for part in self.parts.clone() {
            if part.file != file {
                (file, seen) = (part.file, Ranges::default());
                reaching.clear();
            }
            let (first, last) = (part.run.first, part.run.last);
            let highest = seen.highest().unwrap_or(0);
            if first <= highest {
                let mut next = first;
                while let Some(end) = seen.end_of(next).max(in_several.end_of(next)) {
                    next = end + 1;
                }
                if next <= last && last < highest {
                    self.find_part(Verdict::Reordered, &part, &format!("behind record {highest}"));
                }
                // The highest is here once more: what is out of place stands before.
                while next <= highest
                    && highest <= last
                    && let Some(early) = reaching.pop_if(|early| early.run.first > next)
                {
                    let message = format!("before record {next}, and again behind it");
                    self.find_part(Verdict::Reordered, &early, &message);
                }
            } else if first > highest + 1 && highest > 0 && in_several.end_of(highest).is_none() {
                let next = highest + 1;
                if all.end_of(next).is_some() && files[&file].end_of(next).is_none() {
                    let message =
                        format!("right behind record {highest}, while record {next} is in another file");
                    self.find_part(Verdict::Reordered, &part, &message);
                }
            }
            seen.insert(first, last);
            if last > highest {
                reaching.push(part);
            }
        }
    }

    pub(crate) fn chain(&self) -> &ChainId {
        &self.chain
    }

    /// The overlaps, which the caller has to look into.
    pub(crate) fn take_overlaps(&mut self) -> Vec<Overlap<'a>> {
        std::mem::take(&mut self.overlaps)
    }

    /// The records that kept heads name, where they are there to be compared.
    pub(crate) fn kept_records(&self) -> Vec<(Part<'a>, &'a Head)> {
        let holder = |head: &Head| {
            self.parts.iter().find(|part| (part.run.first..=part.run.last).contains(&head.sequence_number))
        };
        self.heads.iter().filter_map(|head| Some((*holder(head)?, *head))).collect()
    }

    /// The part that a pruned log begins with: its first record is not the first of the chain.
    pub(crate) fn cut_part(&self) -> Option<Part<'a>> {
        self.gaps.get(&1).map(|gap| gap.behind)
    }

    /// The records before the first part were deleted by policy.
    pub(crate) fn excuse_pruned(&mut self) {
        self.pruned_to = self.gaps.remove(&1).map(|gap| gap.last);
    }

    /// The records of a part from its first to that one come again there.
    pub(crate) fn add_repeated(&mut self, part: &Part<'_>, last: u64) {
        let Part { file, run, .. } = *part;
        self.duplicates += last - run.first + 1;
        if self.repeated.len() < MAX_REPEATED {
            let (file, line) = (self.paths[file].clone(), run.line);
            self.repeated.push(Repeated { file, line, records: (run.first, last) });
        }
    }

    /// Whether that item of that file is a part of the chain.
    pub(crate) fn has_part(&self, file: usize, item: usize) -> bool {
        self.parts.binary_search_by_key(&(file, item), |part| (part.file, part.item)).is_ok()
    }

    /// The place of an item that is no part of the chain.
    pub(crate) fn place(&self, file: usize, item: usize) -> Place<'a> {
        let at = self.parts.partition_point(|part| (part.file, part.item) < (file, item));
        let here = |part: &&Part<'_>| part.file == file;
        let before = self.parts[..at].last().filter(here).copied();
        let behind = self.parts.get(at).filter(here).copied();
        Place { file, before, behind }
    }

    /// Whether records are missing there.
    pub(crate) fn has_gap_at(&self, place: &Place<'_>) -> bool {
        self.gap_at(place).is_some()
    }

    fn gap_at(&self, place: &Place<'_>) -> Option<(u64, u64)> {
        let (before, behind) =
            (place.before.map(|part| part.run.last), place.behind.map(|part| part.run.first));
        let gap = match (before, behind) {
            (Some(before), Some(behind)) if before < behind => self.gaps.range(before + 1..behind).next(),
            (Some(before), None) => self.gaps.get_key_value(&(before + 1)),
            (None, Some(behind)) => {
                self.gaps.range(..behind).next_back().filter(|(_, gap)| gap.last + 1 == behind)
            }
            _ => None,
        };
        gap.map(|(first, gap)| (*first, gap.last))
    }

    /// The missing records that strays are most likely to have been.
    fn records_lost_to(&self, stray: &Stray, place: &Place<'_>) -> Option<(u64, u64)> {
        let claimed = |(first, _)| {
            let (from, gap) = self.gaps.range(..=first).next_back()?;
            (gap.last >= first).then_some((*from, gap.last))
        };
        // A damaged copy: the records are whole elsewhere, and yet these lines are not what they were.
        let damaged_copy = || match (place.before?.run.last + 1, place.behind?.run.first - 1) {
            (first, last) if first <= last && !self.edited.meets(first, last) => Some((first, last)),
            _ => None,
        };
        let alone = || match (place.before, place.behind, stray.claims) {
            (None, None, None) => self.gaps.first_key_value().map(|(first, gap)| (*first, gap.last)),
            _ => None,
        };
        self.gap_at(place).or_else(|| stray.claims.and_then(claimed)).or_else(damaged_copy).or_else(alone)
    }

    /// Says what lines are that are no part of the chain as they stand.
    pub(crate) fn judge_stray(&mut self, stray: &Stray, place: &Place<'_>) {
        let at = |lines_on: u64| Some((place.file, stray.line + lines_on));
        if let Some((first, last)) = self.records_lost_to(stray, place) {
            let lost = last - first + 1;
            let (from, to) = match stray.claims.map(|claims| (claims.0.max(first), claims.1.min(last))) {
                _ if stray.lines >= lost => (first, last),
                Some((from, to)) if from <= to => (from, to),
                // With nothing before them in the file, they stand for the records just behind.
                _ if place.before.is_none() && place.behind.is_some() => (last + 1 - stray.lines, last),
                _ => (first, first + stray.lines - 1),
            };
            self.find(
                Verdict::Edited,
                at(0),
                Some((from, to)),
                format!("{}: {}", records(from, to), stray.reason),
            );
            self.fill_gap(from, to);
            self.edited.insert(from, to);
            if stray.lines > lost {
                let message = format!("{} too many", count(stray.lines - lost, "line"));
                self.find(Verdict::Inserted, at(lost), None, message);
            }
            return;
        }
        let whole = stray.lines - u64::from(stray.torn);
        if whole > 0 {
            self.believe_claims_of_a_lone(stray, place);
            let edited = if self.is_end(place) { self.edited_at_end(stray, whole) } else { 0 };
            if edited > 0 {
                let (first, last) = (self.end + 1, self.end + edited);
                let message = format!("{}: {}", records(first, last), stray.reason);
                self.find(Verdict::Edited, at(0), Some((first, last)), message);
                self.end = last;
            }
            if whole > edited {
                let message = format!("{} too many: {}", count(whole - edited, "line"), stray.reason);
                self.find(Verdict::Inserted, at(edited), stray.claims, message);
            }
        }
        if stray.torn {
            self.find(Verdict::TornTail, at(whole), None, stray.reason.clone());
        }
    }

    /// Where no record of the chain is right, edited ones may still tell that there were others before them.
    fn believe_claims_of_a_lone(&mut self, stray: &Stray, place: &Place<'_>) {
        let Some((first, _)) = stray.claims.filter(|claims| claims.0 > self.end + 1) else { return };
        if self.parts.is_empty() && (self.kept() == 0 || first <= self.kept()) {
            let verdict = if self.end == 0 { Verdict::HeadCut } else { Verdict::Missing };
            let missing = (self.end + 1, first - 1);
            let message = format!("{} missing", records(missing.0, missing.1));
            self.find(verdict, Some((place.file, stray.line)), Some(missing), message);
            self.end = first - 1;
        }
    }

    /// The last record of the chain that is known from outside, by a kept head; 0 when there is none.
    fn kept(&self) -> u64 {
        self.heads.iter().map(|head| head.sequence_number).max().unwrap_or(0)
    }

    /// Whether the chain ends in that file, before that place; or nothing of the chain is in the file, so that it may.
    fn is_end(&self, place: &Place<'_>) -> bool {
        let ends_here = self.furthest.is_some_and(|furthest| {
            furthest.file == place.file
                || place.before.is_some_and(|before| before.run.last == furthest.run.last)
        });
        place.behind.is_none() && (ends_here || place.before.is_none())
    }

    /// How many of the lines at the end are edited records, as opposed to lines that somebody added.
    fn edited_at_end(&self, stray: &Stray, lines: u64) -> u64 {
        let last = self.furthest.map_or(Signature::NONE, |part| part.run.last_signature);
        let goes_on = stray.claims.is_some_and(|claims| claims.0 == self.end + 1)
            || stray.previous.map_or(stray.looks_sealed, |previous| previous == last);
        match self.kept().saturating_sub(self.end) {
            0 if goes_on => lines,
            missing => missing.min(lines),
        }
    }

    /// Takes records out of the gap that they are in.
    fn fill_gap(&mut self, from: u64, to: u64) {
        let Some((&first, &gap)) = self.gaps.range(..=from).next_back().filter(|(_, gap)| gap.last >= to)
        else {
            return;
        };
        self.gaps.remove(&first);
        if first < from {
            self.gaps.insert(first, Gap { last: from - 1, ..gap });
        }
        if to < gap.last {
            self.gaps.insert(to + 1, gap);
        }
    }

    /// Reports something about a part.
    fn find_part(&mut self, verdict: Verdict, part: &Part<'_>, what: &str) {
        let (first, last) = (part.run.first, part.run.last);
        let message = format!("{}: {what}", records(first, last));
        self.find(verdict, Some((part.file, part.run.line)), Some((first, last)), message);
    }

    pub(crate) fn find(
        &mut self,
        verdict: Verdict,
        place: Option<(usize, u64)>,
        records: Option<(u64, u64)>,
        message: String,
    ) {
        self.gravest = Some(self.gravest.map_or(verdict, |gravest| gravest.min(verdict)));
        if self.findings.len() >= MAX_FINDINGS {
            self.findings_left_out += 1;
            return;
        }
        let (file, line) = place.map(|(file, line)| (self.paths[file].clone(), line)).unzip();
        self.findings.push(Finding { verdict, file, line, records, message });
    }

    /// Reports what is missing still, and sums up.
    pub(crate) fn close(mut self) -> ChainReport {
        for (first, Gap { last, behind }) in std::mem::take(&mut self.gaps) {
            let (verdict, hint) = match first {
                1 => (Verdict::HeadCut, " (give the older files as well, if there are any)"),
                _ => (Verdict::Missing, ""),
            };
            let message = format!("{} missing{hint}", records(first, last));
            self.find(verdict, Some((behind.file, behind.run.line)), Some((first, last)), message);
        }
        let kept = self.kept();
        if kept > self.end {
            let first = self.end + 1;
            let place = self.furthest.map(|part| (part.file, part.run.line + part.run.lines));
            let message = format!("{} missing: the kept head is record {kept}", records(first, kept));
            self.find(Verdict::TailCut, place, Some((first, kept)), message);
        }
        self.findings.sort_by_key(|finding| finding.records.map_or(u64::MAX, |records| records.0));
        let proven =
            || self.parts.iter().map(|part| part.run).filter(|run| run.standing == Standing::Authentic);
        let last = proven().max_by_key(|run| run.last);
        let sound = if last.is_some_and(|run| run.closed) { Verdict::Intact } else { Verdict::IntactOpen };
        ChainReport {
            verdict: self.gravest.unwrap_or(sound),
            findings_left_out: self.findings_left_out,
            records: self.records,
            duplicates: self.duplicates,
            repeated: self.repeated,
            range: proven().map(|run| run.first).min().zip(last.map(|run| run.last)),
            head: last.map(|run| Head {
                chain_id: self.chain.clone(),
                sequence_number: run.last,
                signature: run.last_signature,
            }),
            anchored: kept > 0,
            pruned_to: self.pruned_to,
            signed: match self.parts.as_slice() {
                [] => self.keys_given,
                parts => parts.iter().any(|part| part.run.key_id.is_some()),
            },
            findings: self.findings,
            chain_id: self.chain,
        }
    }
}

/// Of runs under a key that was not given nobody can tell whether they are right, unless authentic records say
/// that they are not: by having the same numbers, or by not fitting to them.
fn drop_contradicted(parts: &mut Vec<Part<'_>>) {
    let mut proven = Ranges::default();
    let (mut starts, mut ends) = (HashMap::new(), HashMap::new());
    for run in parts.iter().map(|part| part.run).filter(|run| run.standing == Standing::Authentic) {
        proven.insert(run.first, run.last);
        starts.insert(run.first, run.first_previous);
        ends.insert(run.last, run.last_signature);
    }
    parts.retain(|Part { run, .. }| {
        run.standing == Standing::Authentic
            || (!proven.meets(run.first, run.last)
                && ends.get(&(run.first - 1)).is_none_or(|signature| *signature == run.first_previous)
                && starts.get(&(run.last + 1)).is_none_or(|previous| *previous == run.last_signature))
    });
}

/// What is in any of these sets, and what is in more than one.
fn union<'r>(sets: impl Iterator<Item = &'r Ranges>) -> (Ranges, Ranges) {
    let mut ranges: Vec<_> = sets.flat_map(Ranges::iter).collect();
    ranges.sort_unstable();
    let (mut all, mut in_several) = (Ranges::default(), Ranges::default());
    for (first, last) in ranges {
        if let Some(reached) = all.highest().filter(|reached| first <= *reached) {
            in_several.insert(first, last.min(reached));
        }
        all.insert(first, last);
    }
    (all, in_several)
}

pub(crate) fn records(first: u64, last: u64) -> String {
    if first == last { format!("record {first}") } else { format!("records {first} to {last}") }
}

pub(crate) fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

//! The runs of records in all files → one verdict per chain: which run and which line belongs to which chain, and
//! what has to be read a second time to tell.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use audit_model::EventType;

use super::block::{Item, Standing};
use super::files::FileItems;
use super::reread::Lines;
use super::trial::{MAX_FINDINGS, Overlap, Part, Stray, Trial};
use super::{Finding, Report, Verdict};
use crate::record::{Integrity, SealedRecord};
use crate::{ChainId, Head, KeyRing, Signature};

type Fallible<T> = Result<T, (PathBuf, io::Error)>;

pub(crate) struct Judge<'a> {
    paths: &'a [PathBuf],
    files: Vec<Vec<Item>>,
    keys: &'a KeyRing,
    heads: &'a [Head],
}

/// A deletion by policy that a record tells of.
struct Pruning {
    chain: ChainId,
    /// The copy that it was deleted from; none, if that was the log of record.
    copy: Option<PathBuf>,
    last_sequence: u64,
    last_signature: String,
}

impl Pruning {
    /// What went from a copy is no excuse for what another file lacks.
    fn is_of(&self, file: &Path) -> bool {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_owned();
        let folder = |path: &Path| path.parent().map(name).filter(|folder| !folder.is_empty());
        self.copy.as_ref().is_none_or(|copy| {
            let is_there = folder(copy).is_none_or(|wanted| folder(file) == Some(wanted));
            let (own, copy) = (name(file), name(copy));
            let rest = own.as_encoded_bytes().strip_prefix(copy.as_encoded_bytes());
            is_there && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"."))
        })
    }
}

impl<'a> Judge<'a> {
    pub(crate) fn new(
        paths: &'a [PathBuf],
        files: Vec<FileItems>,
        keys: &'a KeyRing,
        heads: &'a [Head],
    ) -> Self {
        Self { paths, files: files.into_iter().map(|file| file.items).collect(), keys, heads }
    }

    pub(crate) fn report(&self) -> Fallible<Report> {
        let heads = |id: &ChainId| self.heads.iter().filter(|head| head.chain_id == *id).collect();
        let begin = |(id, parts): (&ChainId, _)| {
            Trial::new(id.clone(), parts, heads(id), self.paths, !self.keys.is_empty())
        };
        let mut trials: Vec<_> = self.chains().into_iter().map(begin).collect();
        self.excuse_pruned(&mut trials)?;
        for trial in &mut trials {
            self.compare(trial)?;
        }
        let mut report = Report::default();
        for Assigned { trial, file, item, stray } in self.strays(&trials, &mut report) {
            let place = trials[trial].place(file, item);
            trials[trial].judge_stray(&stray, &place);
        }
        report.chains = trials.into_iter().map(Trial::close).collect();
        Ok(report)
    }

    /// The chains with their parts: authentic runs, and runs under a key that was not given, as far as anybody can
    /// tell without it.
    fn chains(&self) -> BTreeMap<&ChainId, Vec<Part<'_>>> {
        let mut chains: BTreeMap<&ChainId, Vec<Part<'_>>> = BTreeMap::new();
        for head in self.heads.iter().filter(|head| head.sequence_number > 0) {
            chains.entry(&head.chain_id).or_default();
        }
        let mut edited = BTreeSet::new();
        for (file, items) in self.files.iter().enumerate() {
            for (item, it) in items.iter().enumerate() {
                match it {
                    Item::Run(run) if run.standing == Standing::Wrong => drop(edited.insert(&run.chain)),
                    Item::Run(run) => chains.entry(&run.chain).or_default().push(Part { file, item, run }),
                    Item::Junk(_) => {}
                }
            }
        }
        // Nothing is right: then these names are all there is to go by.
        if chains.is_empty() {
            chains.extend(edited.into_iter().map(|id| (id, Vec::new())));
        }
        chains
    }

    /// Finds out whether the records that are missing before the first were deleted by policy.
    fn excuse_pruned(&self, trials: &mut [Trial<'_>]) -> Fallible<()> {
        if trials.iter().all(|trial| trial.cut_part().is_none()) {
            return Ok(());
        }
        let prunings = self.prunings()?;
        for trial in trials {
            let Some(Part { run, file, .. }) = trial.cut_part() else { continue };
            let previous = run.first_previous.to_string();
            // A deletion that was interrupted leaves some of the records that it was to delete.
            let covers = |pruning: &Pruning| {
                pruning.chain == run.chain
                    && pruning.is_of(&self.paths[file])
                    && (pruning.last_sequence >= run.first
                        || (pruning.last_sequence + 1 == run.first && pruning.last_signature == previous))
            };
            if prunings.iter().any(covers) {
                trial.excuse_pruned();
            }
        }
        Ok(())
    }

    fn prunings(&self) -> Fallible<Vec<Pruning>> {
        let event_type = EventType::AUDIT_RETENTION_APPLIED;
        let finder = memchr::memmem::Finder::new(event_type.as_str());
        let mut prunings = Vec::new();
        for path in self.paths {
            let mut lines = Lines::of(path).map_err(|error| (path.clone(), error))?;
            while let Some((_, line)) = lines.next() {
                if finder.find(line).is_none() {
                    continue;
                }
                let Ok(record) = SealedRecord::parse(line) else { continue };
                if record.is_authentic(self.keys) == Some(true)
                    && let Ok(event) = audit_model::parse_json(&record.event)
                    && event["event_type"] == event_type.as_str()
                    && let Some(last_sequence) = event["details"]["last_sequence"].as_u64()
                {
                    let last_signature =
                        event["details"]["last_signature"].as_str().unwrap_or_default().to_owned();
                    let copy = event["details"]["destination"]
                        .as_str()
                        .map(|_| PathBuf::from(event["resource"]["id"].as_str().unwrap_or_default()));
                    prunings.push(Pruning {
                        chain: record.integrity.chain_id,
                        copy,
                        last_sequence,
                        last_signature,
                    });
                }
            }
        }
        Ok(prunings)
    }

    /// Compares records that are there twice, and those that kept heads name.
    fn compare(&self, trial: &mut Trial<'_>) -> Fallible<()> {
        let overlaps = trial.take_overlaps();
        let kept = trial.kept_records();
        let twice = overlaps.iter().flat_map(|o| [(o.part, o.shared), (o.earlier, o.shared)]);
        let wanted: Vec<_> =
            twice.chain(kept.iter().map(|(part, head)| (*part, head.sequence_number))).collect();
        let signatures = self.signatures(&wanted)?;
        let signature = |part: &Part<'_>, number: u64| signatures.get(&(part.file, part.item, number));
        let mut located = false;
        for overlap in overlaps {
            let Overlap { part, earlier, shared } = &overlap;
            let run = part.run;
            if signature(part, *shared) == signature(earlier, *shared) {
                trial.add_repeated(part, *shared);
                continue;
            }
            // Finding where they part means reading both; once is enough to go and look.
            let (line, first) =
                if located { (run.line, run.first) } else { self.first_difference(&overlap)? };
            located = true;
            let other = self.paths[earlier.file].display();
            let message = format!("records from {first} on: {other} has other records with the same numbers");
            trial.find(
                part.contradicts(Some(earlier)),
                Some((part.file, line)),
                Some((first, run.last)),
                message,
            );
        }
        for (part, head) in kept {
            if signature(&part, head.sequence_number) != Some(&head.signature) {
                let number = head.sequence_number;
                let message = format!("record {number}: not the one that the kept head names");
                trial.find(
                    Verdict::Forked,
                    Some((part.file, part.run.line)),
                    Some((number, number)),
                    message,
                );
            }
        }
        Ok(())
    }

    /// The signatures of these records, by file, item and number. Runs keep only their last; the others are read
    /// again, every file at most once.
    fn signatures(&self, wanted: &[(Part<'_>, u64)]) -> Fallible<HashMap<(usize, usize, u64), Signature>> {
        let mut found = HashMap::new();
        let mut files: BTreeMap<usize, BTreeMap<(u64, u64), Part<'_>>> = BTreeMap::new();
        for (part, number) in wanted {
            if *number == part.run.last {
                found.insert((part.file, part.item, *number), part.run.last_signature);
            } else {
                files.entry(part.file).or_default().insert((*number, part.run.line), *part);
            }
        }
        for (file, wanted) in files {
            let failed = |error| (self.paths[file].clone(), error);
            let mut lines = Lines::of(&self.paths[file]).map_err(failed)?;
            let mut left = wanted.len();
            while left > 0 {
                let Some((at, line)) = lines.next() else {
                    return Err(failed(io::Error::other("it was changed while it was being verified")));
                };
                let Ok(SealedRecord { integrity: seal, .. }) = SealedRecord::parse(line) else { continue };
                let number = seal.sequence_number;
                // Runs of one chain do not overlap in a file: a line is in the one that begins last before it.
                let Some((_, part)) = wanted.range((number, 0)..=(number, at)).next_back() else { continue };
                let is_in_it = seal.chain_id == part.run.chain && at < part.run.line + part.run.lines;
                if is_in_it && found.insert((file, part.item, number), seal.signature).is_none() {
                    left -= 1;
                }
            }
        }
        Ok(found)
    }

    /// The line and number of the first record in which two overlapping parts differ.
    fn first_difference(&self, overlap: &Overlap<'_>) -> Fallible<(u64, u64)> {
        let Overlap { part, earlier, shared } = overlap;
        let first = part.run.first;
        let theirs =
            self.seals_of(earlier)?.filter(|(_, seal)| (first..=*shared).contains(&seal.sequence_number));
        let difference = self
            .seals_of(part)?
            .zip(theirs)
            .find(|((_, ours), (_, theirs))| ours.signature != theirs.signature);
        Ok(difference.map_or((part.run.line, first), |((line, ours), _)| (line, ours.sequence_number)))
    }

    fn seals_of<'r>(&self, part: &Part<'r>) -> Fallible<impl Iterator<Item = (u64, Integrity)> + use<'r>> {
        let path = &self.paths[part.file];
        Ok(Lines::of(path).map_err(|error| (path.clone(), error))?.seals_of(part.run))
    }

    /// Every line that is no part of a chain, given to the chain that it has most to do with.
    fn strays(&self, trials: &[Trial<'_>], report: &mut Report) -> Vec<Assigned> {
        let by_chain: HashMap<&ChainId, usize> = trials.iter().map(Trial::chain).zip(0..).collect();
        let mut strays: Vec<Assigned> = Vec::new();
        for (file, items) in self.files.iter().enumerate() {
            let named = |at: usize| match &items[at] {
                Item::Run(run) => by_chain.get(&run.chain).copied(),
                Item::Junk(_) => None,
            };
            let part_at = |at: usize| named(at).filter(|trial| trials[*trial].has_part(file, at));
            let mut nearest = (0..items.len()).find_map(part_at);
            for (item, it) in items.iter().enumerate() {
                if let Some(trial) = part_at(item) {
                    nearest = Some(trial);
                    continue;
                }
                let misses_records =
                    |trial: &usize| trials[*trial].has_gap_at(&trials[*trial].place(file, item));
                let around = item.saturating_sub(NEIGHBOURS)..items.len().min(item + NEIGHBOURS);
                let by_gap = || nearest.into_iter().chain(around.filter_map(part_at)).find(misses_records);
                let sole = (trials.len() == 1).then_some(0);
                let stray = Stray::from(it);
                let Some(trial) = named(item).or_else(by_gap).or(nearest).or(sole) else {
                    self.report_stray(&stray, file, report);
                    continue;
                };
                match strays.last_mut() {
                    Some(last)
                        if last.trial == trial && last.file == file && last.stray.goes_on_with(&stray) =>
                    {
                        last.stray.absorb(&stray);
                    }
                    _ => strays.push(Assigned { trial, file, item, stray }),
                }
            }
        }
        strays
    }

    /// Lines of a file in which no chain is, where there is more than one chain or none.
    fn report_stray(&self, stray: &Stray, file: usize, report: &mut Report) {
        report.unsealed += stray.unsealed;
        if stray.unsealed < stray.lines && report.unreadable.len() < MAX_FINDINGS {
            report.unreadable.push(Finding {
                verdict: if stray.torn { Verdict::TornTail } else { Verdict::Edited },
                file: Some(self.paths[file].clone()),
                line: Some(stray.line),
                records: stray.claims,
                message: match stray.lines {
                    1 => stray.reason.clone(),
                    lines => format!("{lines} lines: {}", stray.reason),
                },
            });
        }
    }
}

/// How many items around a line are looked at to tell which of several chains it belongs to.
const NEIGHBOURS: usize = 16;

/// A stray, the trial of the chain that it was given to, and where it is.
struct Assigned {
    trial: usize,
    file: usize,
    item: usize,
    stray: Stray,
}

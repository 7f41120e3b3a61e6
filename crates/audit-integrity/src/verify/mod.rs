//! Verifying logs: files in, one verdict per chain out.

mod block;
mod files;
mod judge;
mod ranges;
mod reread;
mod trial;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::{ChainId, Head, KeyRing};

/// What is to be said of a chain, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// One sequence number, two contents, both signed.
    Forked,
    /// Records whose content, or seal, is not what was signed.
    Edited,
    /// Lines that are no part of the chain, where no record is missing.
    Inserted,
    /// Records in the middle are not there.
    Missing,
    /// Records are all there, and not in their order.
    Reordered,
    /// The first records are not there.
    HeadCut,
    /// The last records are not there.
    TailCut,
    /// A file ends within a line, or cannot be decompressed to its end, and no record is known to be missing there: the
    /// writer was stopped while writing it.
    TornTail,
    /// The key that signed the records was not given, or keys were given and the records are not signed.
    WrongKey,
    /// Sound, and the last record is not a close record: the writer runs, or crashed.
    IntactOpen,
    /// Sound, with a clean end.
    Intact,
}

impl Verdict {
    /// The verdict in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intact => "intact",
            Self::IntactOpen => "intact, open",
            Self::Edited => "edited",
            Self::Inserted => "inserted",
            Self::Missing => "missing",
            Self::Reordered => "reordered",
            Self::HeadCut => "head cut",
            Self::TailCut => "tail cut",
            Self::TornTail => "torn tail",
            Self::WrongKey => "wrong key",
            Self::Forked => "forked",
        }
    }

    /// Whether the chain is sound.
    #[must_use]
    pub fn is_intact(self) -> bool {
        matches!(self, Self::Intact | Self::IntactOpen)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What is wrong.
    pub verdict: Verdict,
    /// In which file, if it is in one.
    pub file: Option<PathBuf>,
    /// At which line of the file, from 1; what is missing is missing before it.
    pub line: Option<u64>,
    /// Which records: the first and last sequence number.
    pub records: Option<(u64, u64)>,
    /// The same for a person.
    pub message: String,
}

impl Finding {
    /// What was found by other means than a [`Verifier`], for [`Report::add`]. The line counts from 1, and the records are the
    /// first and last sequence number.
    #[must_use]
    pub fn new(
        verdict: Verdict,
        place: Option<(PathBuf, u64)>,
        records: Option<(u64, u64)>,
        message: String,
    ) -> Self {
        let (file, line) = place.unzip();
        Self { verdict, file, line, records, message }
    }
}

/// Authentic records that come again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repeated {
    /// In which file.
    pub file: PathBuf,
    /// At which line of the file the first of them comes again, from 1.
    pub line: u64,
    /// Which records: the first and last sequence number.
    pub records: (u64, u64),
}

/// What was found of one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChainReport {
    /// Which chain.
    pub chain_id: ChainId,
    /// The one verdict: the gravest finding, or how it ends.
    pub verdict: Verdict,
    /// What is wrong, in the order of the records: the first thousand findings.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub findings_left_out: u64,
    /// How many authentic records there are, each counted once.
    pub records: u64,
    /// How many authentic records come again, as at-least-once delivery makes them.
    pub duplicates: u64,
    /// Where they stand, in the order of the records: the first twenty places.
    pub repeated: Vec<Repeated>,
    /// The first and last authentic record.
    pub range: Option<(u64, u64)>,
    /// The last authentic record.
    pub head: Option<Head>,
    /// Whether a kept head was compared with the chain, so that a cut tail would have shown.
    pub anchored: bool,
    /// The last of the records that are not there because they were deleted by policy, as a record in the chain says.
    pub pruned_to: Option<u64>,
    /// Whether the chain is signed with a key. Of a chain of which no record is left: whether keys were given, without
    /// which nobody reads a signed chain's head.
    pub signed: bool,
}

/// What was found in all files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Report {
    /// The chains, by id.
    pub chains: Vec<ChainReport>,
    /// Events that were never sealed, in files where no chain is. (Where there is just one chain in all files, such
    /// lines are findings of that chain.)
    pub unsealed: u64,
    /// Lines that are neither records nor events, in files where no chain is: the first thousand places.
    pub unreadable: Vec<Finding>,
}

impl Report {
    /// Adds what was found by other means, which changes the chain's verdict if it is graver. What is about no chain that is
    /// here goes to [`unreadable`](Self::unreadable).
    pub fn add(&mut self, chain: Option<&ChainId>, finding: Finding) {
        let chain = self.chains.iter_mut().find(|it| Some(&it.chain_id) == chain);
        let Some(chain) = chain else {
            if self.unreadable.len() < trial::MAX_FINDINGS {
                self.unreadable.push(finding);
            }
            return;
        };
        chain.verdict = chain.verdict.min(finding.verdict);
        if chain.findings.len() >= trial::MAX_FINDINGS {
            chain.findings_left_out += 1;
            return;
        }
        let number = |finding: &Finding| finding.records.map_or(u64::MAX, |records| records.0);
        let at = chain.findings.partition_point(|it| number(it) <= number(&finding));
        chain.findings.insert(at, finding);
    }

    /// Whether there is a chain, and nothing wrong.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        !self.chains.is_empty()
            && self.unsealed == 0
            && self.unreadable.is_empty()
            && self.chains.iter().all(|chain| chain.verdict.is_intact())
    }

    /// Whether something is wrong, as opposed to there being no way to tell.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        !self.unreadable.is_empty()
            || self.chains.iter().any(|c| !c.verdict.is_intact() && c.verdict != Verdict::WrongKey)
    }
}

/// A file that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be read: {source}", path.display())]
#[non_exhaustive]
pub struct UnreadableFile {
    /// Which file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Verifies logs: plain, gzip and zstd files, in any order.
///
/// It reads each file from front to back, on as many threads as it may, and holds a few megabytes however long a
/// sound log is; each place of damage costs some 300 bytes more. It reads files a second time only to compare records
/// that are there twice, or that a kept head names, and to find out whether a log that lacks its first records was pruned.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    keys: KeyRing,
    heads: Vec<Head>,
    threads: usize,
    read_bytes: Arc<AtomicU64>,
}

impl Verifier {
    /// Verifies with these keys. Without any, only chains that were not signed.
    #[must_use]
    pub fn new(keys: KeyRing) -> Self {
        Self { keys, ..Self::default() }
    }

    /// Adds a kept head, which the chain of that id has to reach.
    #[must_use]
    pub fn expect_head(mut self, head: Head) -> Self {
        self.heads.push(head);
        self
    }

    /// Sets how many threads verify; 0, the default, takes one for each core.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// The count of bytes read so far (as they are in the files), for showing progress from
    /// another thread.
    #[must_use]
    pub fn read_bytes(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read_bytes)
    }

    /// Verifies all chains in these files, which may come in any order.
    ///
    /// # Errors
    /// When a file cannot be read, or is changed while it is being verified. What is wrong inside a file is in the report.
    pub fn verify(&self, files: &[impl AsRef<Path>]) -> Result<Report, UnreadableFile> {
        let paths: Vec<PathBuf> = files.iter().map(|path| path.as_ref().to_owned()).collect();
        let threads = match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            set => set,
        };
        let unreadable = |(path, source)| UnreadableFile { path, source };
        let items = files::read_all(&paths, &self.keys, threads, &self.read_bytes).map_err(unreadable)?;
        judge::Judge::new(&paths, items, &self.keys, &self.heads).report().map_err(unreadable)
    }
}

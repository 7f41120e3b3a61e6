use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use crate::look::{Gap, Look};
use crate::position::Position;
use crate::siblings;
use crate::tail::{Step, Tail};

/// How much is read in one look, in bytes of lines.
const BUDGET: usize = 1 << 20;
/// How many files that were rotated away are kept open for writers that go on writing to them.
const KEPT: usize = 8;

/// The files that were found at one path one after the other; the last is there now.
#[derive(Debug)]
pub(crate) struct Trail {
    pub(crate) path: PathBuf,
    /// The oldest first.
    pub(crate) tails: VecDeque<Tail>,
    /// Since when what is written beside is new, where no open file tells.
    pub(crate) since: Option<SystemTime>,
}

/// How long nothing may have been written to a file that was rotated away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) settle: Duration,
    pub(crate) keep: Duration,
}

impl Trail {
    pub(crate) fn new(path: PathBuf, since: Option<SystemTime>) -> Self {
        Self { path, tails: VecDeque::new(), since }
    }

    /// The file that is at the path now.
    pub(crate) fn current(&self) -> Option<&Tail> {
        self.tails.back().filter(|tail| !tail.rotated)
    }

    pub(crate) fn current_mut(&mut self) -> Option<&mut Tail> {
        self.tails.back_mut().filter(|tail| !tail.rotated)
    }

    /// Adds one that is to be read before the file that is at the path now, and behind all others.
    pub(crate) fn push_rotated(&mut self, mut tail: Tail) {
        tail.rotated = true;
        let before_current = self.tails.len() - usize::from(self.current().is_some());
        self.tails.insert(before_current, tail);
    }

    /// Another file is at the path, or none.
    pub(crate) fn rotate(&mut self) {
        if let Some(tail) = self.current_mut() {
            tail.rotated = true;
            tail.quiet_since = None;
        }
    }

    /// Whether a file has the number of one of these.
    pub(crate) fn has(&self, identity: (u64, u64)) -> bool {
        self.tails.iter().any(|tail| tail.identity == identity)
    }

    /// Closes files that are others by now, of which nothing is missing: since when what is written beside is new for that reason.
    pub(crate) fn close_overwritten(&mut self) -> Option<SystemTime> {
        let mut since = None;
        self.tails.retain(|tail| {
            let was_overwritten = tail.was_overwritten().unwrap_or(false);
            if was_overwritten {
                since = since.into_iter().chain([tail.modified]).min();
            }
            !was_overwritten
        });
        since
    }

    /// Since when what is written beside is new.
    pub(crate) fn newer_than(&self) -> Option<SystemTime> {
        self.tails.back().map(|tail| tail.modified).or(self.since)
    }

    /// Reads on, an older file to its end before the next. What is told back is a file that was replaced under its own number.
    pub(crate) fn read(
        &mut self,
        now: Instant,
        patience: Patience,
        look: &mut Look,
    ) -> Option<(Tail, &'static str)> {
        let begun = look.lines.len();
        for index in 0..self.tails.len() {
            let tail = &mut self.tails[index];
            loop {
                if look.bytes >= BUDGET {
                    look.more = true;
                    return None;
                }
                let before = look.lines.len();
                match tail.step(&mut look.lines) {
                    Ok(Step::Read) => {
                        let found = &look.lines[before..];
                        look.bytes += found.iter().map(|line| line.line.text.len() + 64).sum::<usize>();
                    }
                    Ok(Step::End) => break,
                    Ok(Step::ToBegin) => {
                        look.more = true;
                        return None;
                    }
                    Ok(Step::Begun) => {
                        (look.changed, look.more) = (true, true);
                        return None;
                    }
                    Ok(Step::Replaced(reason)) => {
                        return self.tails.remove(index).map(|tail| (tail, reason));
                    }
                    Err(error) => {
                        look.failing = Some(format!("cannot read {}: {error}", self.path.display()));
                        return None;
                    }
                }
            }
            let quiet = now.duration_since(*tail.quiet_since.get_or_insert(now));
            if tail.rotated && tail.is_within_line() && quiet >= patience.settle {
                tail.finish(&mut look.lines);
            }
        }
        look.more |= look.lines.len() > begun;
        None
    }

    /// Closes files that were rotated away long enough ago.
    pub(crate) fn retire(&mut self, now: Instant, patience: Patience) -> Vec<Position> {
        let mut retired = Vec::new();
        for index in (0..self.tails.len()).rev() {
            let tail = &self.tails[index];
            let quiet = tail.quiet_since.map_or(Duration::ZERO, |since| now.duration_since(since));
            let many = index + KEPT < self.tails.len();
            let over = quiet >= patience.keep
                || (many || tail.is_unlinked()) && quiet >= patience.settle
                // Files found after a restart or a long pause are many at once, and nobody has them open.
                || index + 4 * KEPT < self.tails.len();
            let at_end = tail.quiet_since.is_some() && !tail.is_within_line() && tail.is_settled();
            if tail.rotated
                && at_end
                && over
                && let Some(tail) = self.tails.remove(index)
            {
                self.since = Some(tail.modified);
                retired.push(Position { complete: true, ..tail.position() });
            }
        }
        retired
    }

    /// What was rotated away from the path after the last file that is known, and is not known itself.
    pub(crate) fn between(&self, newer_than: SystemTime) -> Vec<siblings::Sibling> {
        let mut found = siblings::rotated(&self.path);
        found.retain(|sibling| sibling.modified >= newer_than);
        found
    }

    /// That lines may be missing behind what was read of a file.
    pub(crate) fn gap(&self, offset: u64, reason: &'static str) -> Gap {
        Gap { path: self.path.clone(), offset, reason }
    }
}

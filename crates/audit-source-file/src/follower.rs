//! Which files there are, which of them is which, and what is new in them.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use crate::look::Look;
use crate::options::{FileOptions, Start};
use crate::position::{Position, identity};
use crate::print::{HEAD, read_at};
use crate::siblings::{self, Sibling};
use crate::tail::{STALE, Tail, trim_zeros};
use crate::trail::{Patience, Trail};

/// How many files that were read to their end are remembered, so that they are not taken for new ones.
const REMEMBERED: usize = 256;
/// How often a pattern is looked through.
const PATTERN_PAUSE: Duration = Duration::from_secs(1);
/// How far the clocks of two file systems may be apart.
const CLOCKS: Duration = Duration::from_secs(2);

/// How long before a file's last line a copy may have been made for which the file was truncated.
const COPIED_BEFORE: Duration = Duration::from_secs(60);

/// What no file has for its number.
const NO_FILE: (u64, u64) = (0, 0);

const CUT: &str = "the file was copied and truncated; what had been seen of it behind the end of the copy, and was not read yet, is lost";
const NOT_FOUND: &str = "the file that was being read is gone, or its content before the position has changed; what was not read of it is lost";

/// All files of a source. Everything here blocks.
#[derive(Debug)]
pub(crate) struct Follower {
    options: FileOptions,
    trails: Vec<Trail>,
    /// Files that were read to their end.
    finished: VecDeque<Position>,
    /// What a state file said, until the files are looked for.
    saved: Vec<Position>,
    saved_at: Option<SystemTime>,
    /// Whether the files that are found now were there before the source was.
    first: bool,
    next_tail: u64,
    /// Who is first to be read, so that none waits for ever behind others.
    turn: usize,
    paths: Vec<PathBuf>,
    listed: Option<Instant>,
}

impl Follower {
    pub(crate) fn new(options: FileOptions, saved: Option<(Vec<Position>, SystemTime)>) -> Self {
        let first = saved.is_none();
        let saved_at = saved.as_ref().map(|(_, at)| at.checked_sub(CLOCKS).unwrap_or(*at));
        Self {
            options,
            trails: Vec::new(),
            finished: VecDeque::new(),
            saved: saved.map(|(saved, _)| saved).unwrap_or_default(),
            saved_at,
            first,
            next_tail: 0,
            turn: 0,
            paths: Vec::new(),
            listed: None,
        }
    }

    /// Finds what is new.
    pub(crate) fn look(&mut self, now: Instant) -> Look {
        let mut look = Look::default();
        let mut beside = HashMap::new();
        for position in std::mem::take(&mut self.saved) {
            look.changed = true;
            let siblings = beside.entry(position.path.clone()).or_insert_with_key(|path| siblings::all(path));
            self.resume(position, siblings, &mut look);
        }
        let starts = std::mem::take(&mut self.first);
        for path in self.paths(now) {
            if let Err(error) = self.watch(&path, starts, &mut look) {
                let missing = error.kind() == io::ErrorKind::NotFound;
                look.failing = match missing {
                    true if self.options.pattern().is_some() => continue,
                    true => Some(format!("waiting for {}, which is not there", path.display())),
                    false => Some(format!("cannot read {}: {error}", path.display())),
                };
            }
        }
        for index in 0..self.trails.len() {
            self.begin(index, &mut look);
        }
        if look.changed || starts {
            look.changed = true;
            look.more = true;
            return look;
        }
        let patience = Patience { settle: self.options.settle, keep: self.options.keep_rotated };
        self.turn += 1;
        for offset in 0..self.trails.len() {
            let index = (self.turn + offset) % self.trails.len();
            if let Some((tail, reason)) = self.trails[index].read(now, patience, &mut look) {
                self.replaced(index, &tail, reason, &mut look);
            }
            let retired = self.trails[index].retire(now, patience);
            look.changed |= !retired.is_empty();
            retired.into_iter().for_each(|position| self.remember(position));
        }
        let paths = &self.paths;
        self.trails.retain(|trail| !trail.tails.is_empty() || paths.contains(&trail.path));
        look
    }

    /// Lines of a file are durable up to there.
    pub(crate) fn commit(&mut self, tail: u64, offset: u64, lines: u64, last_line: Vec<u8>) {
        let mut tails = self.trails.iter_mut().flat_map(|trail| &mut trail.tails);
        if let Some(tail) = tails.find(|open| open.id == tail) {
            tail.commit(offset, lines, last_line);
        }
    }

    /// What is to be stored.
    pub(crate) fn positions(&self) -> Vec<Position> {
        let open = self.trails.iter().flat_map(|trail| &trail.tails).map(Tail::position);
        self.finished.iter().cloned().chain(open).collect()
    }

    /// How much is not durable yet, in bytes.
    pub(crate) fn lag(&self) -> u64 {
        self.trails.iter().flat_map(|trail| &trail.tails).map(Tail::lag).sum()
    }

    fn paths(&mut self, now: Instant) -> Vec<PathBuf> {
        let Some(pattern) = self.options.pattern() else {
            self.paths = vec![self.options.path.clone()];
            return self.paths.clone();
        };
        if self.listed.is_none_or(|listed| now.duration_since(listed) >= PATTERN_PAUSE) {
            self.listed = Some(now);
            let found = glob::glob(pattern).into_iter().flatten().flatten();
            self.paths = found.filter(|path| path.is_file() && !siblings::is_compressed(path)).collect();
        }
        let mut paths = self.paths.clone();
        paths.extend(
            self.trails.iter().map(|trail| trail.path.clone()).filter(|path| !self.paths.contains(path)),
        );
        paths
    }

    /// Finds the file again that a position is of.
    fn resume(&mut self, position: Position, beside: &[Sibling], look: &mut Look) {
        let open = |identity| self.trails.iter().any(|trail| trail.has(identity));
        let mut found = siblings::find(&position, beside, open, |file| position.fits(file)).ok().flatten();
        if found.is_none() && !position.complete {
            found = siblings::find_again(&position, open, |file| position.fits(file));
        }
        // A file that was read to its end is of no interest, but for writers that are late.
        let found = found.filter(|(_, metadata)| !position.complete || metadata.len() > position.offset);
        let is_there = match found {
            Some((file, metadata)) => self.push_resumed(&position, file, &metadata),
            None => false,
        };
        if is_there {
            return;
        }
        let saved_at = self.saved_at;
        let index = self.trail(&position.path);
        self.trails[index].since = saved_at;
        if position.complete {
            self.remember(position);
        } else {
            let begins_as = |file: &File| is_begun_as(&position, file).unwrap_or(false);
            if !self.remember_copies(&position, begins_as, NO_FILE, saved_at) {
                look.gaps.push(self.trails[index].gap(position.offset, NOT_FOUND));
            }
        }
    }

    fn push_resumed(&mut self, position: &Position, file: File, metadata: &Metadata) -> bool {
        let Ok(mut tail) = Tail::resume(self.tail_id(), position, file) else { return false };
        let is_current = fs::metadata(&position.path).is_ok_and(|at| identity(&at) == identity(metadata));
        tail.rotated = !is_current;
        if position.offset == 0
            && let Some(saved_at) = self.saved_at
        {
            tail.modified = saved_at;
        }
        let index = self.trail(&position.path);
        self.trails[index].rotate();
        self.trails[index].tails.push_back(tail);
        true
    }

    /// Sees to it that the file at this path is followed.
    fn watch(&mut self, path: &PathBuf, starts: bool, look: &mut Look) -> io::Result<()> {
        let index = self.trails.iter().position(|trail| trail.path == *path);
        let metadata = fs::metadata(path);
        if let Some(index) = index {
            let current = self.trails[index].current().map(|tail| tail.identity);
            if metadata.as_ref().is_ok_and(|metadata| current == Some(identity(metadata))) {
                return Ok(());
            }
            self.trails[index].rotate();
        }
        if !metadata?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if let Some(owner) = self.trails.iter().position(|trail| trail.has(identity(&metadata))) {
            // A pattern matches what another file was renamed to; or the path leads back to a file that it led to before.
            if Some(owner) == index {
                let tails = &mut self.trails[owner].tails;
                let at = tails.iter().position(|tail| tail.identity == identity(&metadata));
                if let Some(mut tail) = at.and_then(|at| tails.remove(at)) {
                    tail.rotated = false;
                    tails.push_back(tail);
                }
            }
            return Ok(());
        }
        if let Some(known) = self.known(&file, &metadata) {
            if self.options.pattern().is_some() && self.finished[known].offset == metadata.len() {
                return Ok(());
            }
            if let Some(position) = self.finished.remove(known) {
                let position = Position { path: path.clone(), ..position };
                self.push_resumed(&position, file, &metadata);
            }
            look.changed = true;
            return Ok(());
        }
        // A pattern matches a copy, too: what is in it is read from the file itself, until that is truncated.
        let is_copy = |trail: &Trail| {
            siblings::is_rotated_name(&trail.path, path)
                && trail.tails.iter().any(|tail| tail.begins_as(&file).unwrap_or(false))
        };
        if !starts && self.trails.iter().any(is_copy) {
            return Ok(());
        }
        let index = self.trail(path);
        if starts {
            self.remember_siblings(index);
        }
        let newer_than = self.trails[index].newer_than().filter(|_| !starts);
        let id = self.tail_id();
        let tail = match self.options.start {
            Start::End if starts => Tail::from_end(id, path, file)?,
            _ => Tail::new(id, path, file)?,
        };
        self.push_current(index, tail, newer_than, identity(&metadata))?;
        look.changed = true;
        Ok(())
    }

    /// Follows the file that is at the path now, behind those that were there after the last one that is known. By which bytes it begins is
    /// noted before they are looked for: whatever was there before it can be found then, and whatever becomes of it is noticed.
    fn push_current(
        &mut self,
        index: usize,
        mut tail: Tail,
        newer_than: Option<SystemTime>,
        except: (u64, u64),
    ) -> io::Result<()> {
        tail.begin()?;
        self.trails[index].tails.push_back(tail);
        self.push_between(index, newer_than, except);
        Ok(())
    }

    /// Follows what came and was rotated away again between two looks.
    fn push_between(&mut self, index: usize, newer_than: Option<SystemTime>, current: (u64, u64)) {
        let Some(newer_than) = newer_than else { return };
        let newer_than =
            self.trails[index].close_overwritten().map_or(newer_than, |since| since.min(newer_than));
        for look in 0..siblings::LOOKS {
            if self.push_listed(index, newer_than, current) {
                break;
            }
            siblings::pause(look);
        }
    }

    /// The same, once: `false` when a file was renamed meanwhile.
    fn push_listed(&mut self, index: usize, newer_than: SystemTime, current: (u64, u64)) -> bool {
        let mut all = true;
        for sibling in self.trails[index].between(newer_than) {
            let open =
                sibling.identity == current || self.trails.iter().any(|trail| trail.has(sibling.identity));
            if open {
                continue;
            }
            let Some((file, metadata)) = sibling.open() else {
                all = false;
                continue;
            };
            // A copy that the truncation is still to follow. What it was made of is in the file, or the truncation was since it was opened.
            let is_copy = |current: &mut Tail| {
                let _ = current.begin();
                current.begins_as(&file).unwrap_or(false)
            };
            if self.trails[index].current_mut().is_some_and(is_copy) {
                continue;
            }
            let path = self.trails[index].path.clone();
            let id = self.tail_id();
            let tail = match self.known(&file, &metadata) {
                Some(known) if self.finished[known].offset >= metadata.len() => continue,
                Some(known) => Tail::resume(id, &Position { path, ..self.finished[known].clone() }, file),
                None => Tail::new(id, &path, file),
            };
            if let Ok(tail) = tail {
                self.trails[index].push_rotated(tail);
            }
        }
        all
    }

    /// Begins the file that is at the path, if it is to be. It may have been filled, copied and truncated since it was seen first.
    fn begin(&mut self, index: usize, look: &mut Look) {
        let Some(current) = self.trails[index].current_mut().filter(|current| !current.is_begun()) else {
            return;
        };
        let (newer_than, identity) = (current.modified, current.identity);
        let begun = current.begin().unwrap_or(false);
        let emptied = if begun { None } else { current.emptied_again() };
        if !begun && emptied.is_none() {
            return;
        }
        let known = self.next_tail;
        self.push_between(index, Some(newer_than), identity);
        if let Some((current, emptied)) = self.trails[index].current_mut().zip(emptied) {
            current.modified = emptied;
        }
        let trail = &self.trails[index];
        let is_new = |tail: &Tail| tail.id > known;
        look.changed |= trail.tails.iter().any(is_new) || trail.current().is_some_and(Tail::is_begun);
    }

    /// A file is not what it was when it was read: what was not read of it may be in a copy, as `copytruncate` makes it.
    fn replaced(&mut self, index: usize, tail: &Tail, reason: &'static str, look: &mut Look) {
        look.changed = true;
        look.more = true;
        if reason == STALE {
            self.saved.push(tail.position());
            return;
        }
        let position = tail.read_position();
        let since = self.trails[index].close_overwritten();
        let is_there =
            |identity| identity == tail.identity || self.trails.iter().any(|trail| trail.has(identity));
        let mut newer_than = tail.modified;
        // Up to where the file was read, or else what came of it is in a copy.
        let mut known = position.offset;
        let fits = |file: &File| Ok(position.fits(file)? || tail.is_within(file, &position)?);
        let rest = siblings::find_again(&position, is_there, fits);
        let has_rest = rest.is_some();
        if let Some((file, metadata)) = rest {
            known = known.max(metadata.len());
            newer_than = metadata.modified().unwrap_or(newer_than);
            if let Ok(copy) = Tail::resume(self.tail_id(), &position, file) {
                self.trails[index].push_rotated(copy);
            }
        }
        let begins_as = |file: &File| tail.begins_as(file).unwrap_or(false);
        let has_copy = self.remember_copies(&position, begins_as, tail.identity, Some(tail.modified));
        // What nobody waits for is no gap: a file that was rotated away makes room for the next.
        let is_over = tail.rotated && tail.was_read_to_its_end();
        if tail.seen() > known && (has_rest || has_copy) && !is_over {
            look.gaps.push(self.trails[index].gap(known, CUT));
        } else if !has_rest && !has_copy && !is_over {
            look.gaps.push(self.trails[index].gap(known, reason));
        }
        let newer_than = since.map_or(newer_than, |since| since.min(newer_than));
        let current = || {
            let file = File::open(&self.trails[index].path)?;
            Tail::new(self.next_tail + 1, &self.trails[index].path, file)
        };
        let current = if tail.rotated { None } else { current().ok() };
        self.next_tail += 1;
        match current {
            Some(current) => _ = self.push_current(index, current, Some(newer_than), tail.identity),
            // A copy that the next one was made over is read anew, unless that one is still being written.
            None if tail.holds_another().unwrap_or(false) => {
                self.push_between(index, Some(newer_than), NO_FILE);
            }
            None => self.push_between(index, Some(newer_than), tail.identity),
        }
    }

    /// Remembers copies in which there is nothing that was not read. Whether one of them is from about the time at which the file was
    /// written to last, so that it was truncated because it had been copied.
    fn remember_copies(
        &mut self,
        position: &Position,
        begins_as: impl Fn(&File) -> bool,
        except: (u64, u64),
        written: Option<SystemTime>,
    ) -> bool {
        let mut is_recent = false;
        for look in 0..siblings::LOOKS {
            let mut all = true;
            for sibling in siblings::all(&position.path) {
                let open =
                    sibling.identity == except || self.trails.iter().any(|trail| trail.has(sibling.identity));
                if open || position.path == sibling.path {
                    continue;
                }
                let Some((file, metadata)) = sibling.open() else {
                    all = false;
                    continue;
                };
                let is_read = metadata.len() < position.offset || position.fits(&file).unwrap_or(false);
                if !is_read || !begins_as(&file) {
                    continue;
                }
                if let Ok(copy) = position.of_copy(&file) {
                    self.finished.retain(|known| (known.device, known.inode) != sibling.identity);
                    self.remember(copy);
                }
                let behind = written.and_then(|written| written.duration_since(sibling.modified).ok());
                is_recent |= behind.unwrap_or_default() <= COPIED_BEFORE;
            }
            if all {
                break;
            }
            siblings::pause(look);
        }
        is_recent
    }

    /// What lies beside a file from before it was followed is not new.
    fn remember_siblings(&mut self, index: usize) {
        for sibling in siblings::rotated(&self.trails[index].path) {
            // What a pattern matches is followed for itself.
            if self.paths.contains(&sibling.path) {
                continue;
            }
            let Some((file, _)) = sibling.open() else { continue };
            if let Ok(mut tail) = Tail::from_end(0, &self.trails[index].path, file) {
                tail.rotated = true;
                self.remember(Position { complete: true, ..tail.position() });
            }
        }
    }

    /// Which of the files that were read to their end a file is.
    fn known(&self, file: &File, metadata: &Metadata) -> Option<usize> {
        self.finished.iter().position(|position| {
            (position.device, position.inode) == identity(metadata)
                && (position.offset > 0 || metadata.len() == 0)
                && position.fits(file).unwrap_or(false)
        })
    }

    fn remember(&mut self, position: Position) {
        if self.finished.len() >= REMEMBERED {
            self.finished.pop_front();
        }
        self.finished.push_back(position);
    }

    fn trail(&mut self, path: &PathBuf) -> usize {
        self.trails.iter().position(|trail| trail.path == *path).unwrap_or_else(|| {
            self.trails.push(Trail::new(path.clone(), None));
            self.trails.len() - 1
        })
    }

    fn tail_id(&mut self) -> u64 {
        self.next_tail += 1;
        self.next_tail
    }
}

/// Whether a file has the first bytes of one that is known by their hash only. Of holes nobody can tell.
fn is_begun_as(position: &Position, file: &File) -> io::Result<bool> {
    let bytes = read_at(file, 0, position.head.length.min(HEAD as u64) as usize)?;
    Ok(!trim_zeros(&bytes).is_empty() && position.head.is_at(file, 0)?)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::path::Path;
    use std::time::{Duration, Instant};

    use super::Follower;
    use crate::look::Look;
    use crate::options::FileOptions;
    use crate::tail::{TRUNCATED, last_bytes};

    /// Reads what there is, and has it durable.
    fn read(follower: &mut Follower) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let look = follower.look(Instant::now());
            assert_eq!(look.gaps, []);
            for found in look.lines {
                follower.commit(found.tail, found.line.end, found.number, last_bytes(&found.line, true));
                lines.push(String::from_utf8(found.line.text).unwrap());
            }
            if !look.more {
                return lines;
            }
        }
    }

    fn copy_and_truncate(path: &Path, copy: &Path) {
        fs::copy(path, copy).unwrap();
        File::options().write(true).open(path).unwrap().set_len(0).unwrap();
    }

    #[test]
    fn a_copy_over_the_one_before_is_found_before_that_one_is_looked_at_again() {
        let directory = tempfile::tempdir().unwrap();
        let (path, copy) = (directory.path().join("app.log"), directory.path().join("app.log.1"));
        let mut follower = Follower::new(FileOptions::new(&path, directory.path().join("state")), None);
        fs::write(&path, "a1\n").unwrap();
        assert_eq!(read(&mut follower), ["a1"]);
        fs::write(&path, "a1\na2\n").unwrap();
        copy_and_truncate(&path, &copy);
        assert_eq!(read(&mut follower), ["a2"]);
        fs::write(&path, "b1\n").unwrap();
        assert_eq!(read(&mut follower), ["b1"]);
        // So that the copy has another time than the one before.
        std::thread::sleep(Duration::from_millis(50));
        fs::write(&path, "b1\nb2\n").unwrap();
        copy_and_truncate(&path, &copy);
        let tail = follower.trails[0].tails.pop_back().unwrap();
        assert!(!tail.rotated && follower.trails[0].tails.len() == 1, "the copy before is open");
        let mut look = Look::default();
        follower.replaced(0, &tail, TRUNCATED, &mut look);
        assert_eq!(look.gaps, []);
        assert_eq!(read(&mut follower), ["b2"]);
    }
}

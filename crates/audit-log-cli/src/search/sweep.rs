//! Reading places from one end to the other, logs too that are rotated meanwhile.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use audit_journal::{Segment, SegmentTimes, segments, times};
use audit_model::Timestamp;
use audit_search::{Input, Query, Visitor, scan};

use super::place::Place;
use crate::output::describe;

/// How places are read.
#[derive(Debug)]
pub(crate) struct Sweep<'a> {
    pub(crate) query: &'a Query,
    pub(crate) now: Timestamp,
    pub(crate) threads: usize,
    /// How many bytes were read of files.
    pub(crate) read: &'a AtomicU64,
    /// A configuration that says how buckets are reached.
    pub(crate) config: Option<&'a Path>,
    /// Whether rotated files are left out whose noted times are all outside what is looked for.
    pub(crate) trusts_times: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    /// What could not be read, or not to its end: what and why.
    pub(crate) problems: Vec<String>,
    /// Whether whoever takes what was found ended it.
    pub(crate) stopped: bool,
}

/// What tells rotated files apart, compressed or not: somebody may have put two of the same numbers there.
type Key = (u64, u64, Timestamp);

fn key(segment: &Segment) -> Key {
    (segment.first_sequence, segment.last_sequence, segment.rotated)
}

/// How often a log is looked at again that has changed since.
const LOOKS: usize = 100;

impl Sweep<'_> {
    /// Reads all places in their order, and hands what the visitor makes of them to `take`, in order, until that ends it.
    pub(crate) fn all<V: Visitor>(
        &self,
        places: &[Place],
        visitor: &V,
        take: &mut dyn FnMut(V::Part) -> ControlFlow<()>,
    ) -> Swept {
        let mut swept = Swept::default();
        let mut inputs = Vec::new();
        for place in places {
            match place {
                Place::Log(log) => {
                    self.scan(std::mem::take(&mut inputs), visitor, take, &mut swept);
                    if !swept.stopped {
                        self.log(log, true, visitor, take, &mut swept);
                    }
                }
                other => match other.inputs(self.config) {
                    Ok(found) => inputs.extend(found),
                    Err(error) => swept.problems.push(describe(&error)),
                },
            }
            if swept.stopped {
                return swept;
            }
        }
        self.scan(inputs, visitor, take, &mut swept);
        swept
    }

    /// The rotated files of a log whose events all happened at other times.
    fn outside(&self, log: &Path) -> HashSet<Key> {
        let Query { since, until, .. } = self.query;
        if !self.trusts_times || (since.is_none() && until.is_none()) {
            return HashSet::new();
        }
        // What is not known is read.
        let known = times(log).unwrap_or_default();
        let is_outside = |it: &SegmentTimes| {
            since.is_some_and(|since| it.latest < since) || until.is_some_and(|until| it.earliest >= until)
        };
        known.into_iter().filter(is_outside).map(|it| key(&it.segment)).collect()
    }

    /// Reads a log in the order of its records, however it is rotated and compressed meanwhile; the file that is being
    /// written only if so wanted. Returns the number of the last rotated record.
    ///
    /// Only that file and rotated ones that are not compressed yet may be called otherwise from one moment to the next. Each
    /// of these is read by itself, and before anything of it is handed on it is made sure that the file under the name is
    /// still the one that was to be read.
    pub(crate) fn log<V: Visitor>(
        &self,
        log: &Path,
        with_active: bool,
        visitor: &V,
        take: &mut dyn FnMut(V::Part) -> ControlFlow<()>,
        swept: &mut Swept,
    ) -> u64 {
        let mut over = self.outside(log);
        let mut last = 0;
        let mut looks = 0;
        while looks < LOOKS {
            looks += 1;
            // In this order: a file that was there before the rotated ones were listed, and still is, holds what follows them.
            let active = identity(log);
            let rotated = match segments(log) {
                Ok(rotated) => rotated,
                Err(error) => {
                    swept.problems.push(format!("cannot read {}: {error}", log.display()));
                    return last;
                }
            };
            last = rotated.last().map_or(last, |segment| segment.last_sequence.max(last));
            let is_there = active.is_some() || rotated.is_empty();
            let left: Vec<_> = rotated.into_iter().filter(|segment| !over.contains(&key(segment))).collect();
            let packed = left.iter().take_while(|segment| segment.is_compressed()).count();
            let Some(next) = left.first() else {
                // Nothing at all is told; a log that was just rotated may have no file of its own for a moment.
                if !with_active || !is_there || self.guarded(log, active, visitor, take, swept) {
                    return last;
                }
                continue;
            };
            if packed > 0 {
                let inputs = left[..packed].iter().map(|segment| Input::File(segment.path.clone())).collect();
                self.scan(inputs, visitor, take, swept);
            } else if !self.guarded(&next.path, identity(&next.path), visitor, take, swept) {
                continue;
            }
            over.extend(left[..packed.max(1)].iter().map(key));
            looks = 0;
            if swept.stopped {
                return last;
            }
        }
        swept.problems.push(format!("cannot read {}: its files change too often", log.display()));
        last
    }

    /// Reads a file if it is that one. False when it is another by now, and nothing of it was handed on.
    fn guarded<V: Visitor>(
        &self,
        file: &Path,
        expected: Option<(u64, u64)>,
        visitor: &V,
        take: &mut dyn FnMut(V::Part) -> ControlFlow<()>,
        swept: &mut Swept,
    ) -> bool {
        let (mut is_sure, mut is_other) = (false, false);
        let mut found = Swept::default();
        let mut guarded = |part: V::Part| {
            if !is_sure {
                is_other = expected.is_none() || identity(file) != expected;
                if is_other {
                    return ControlFlow::Break(());
                }
                is_sure = true;
            }
            take(part)
        };
        self.scan(vec![Input::File(PathBuf::from(file))], visitor, &mut guarded, &mut found);
        if is_other || (!is_sure && identity(file) != expected) {
            return false;
        }
        swept.problems.append(&mut found.problems);
        swept.stopped |= found.stopped;
        true
    }

    pub(super) fn scan<V: Visitor>(
        &self,
        inputs: Vec<Input>,
        visitor: &V,
        take: &mut dyn FnMut(V::Part) -> ControlFlow<()>,
        swept: &mut Swept,
    ) {
        if inputs.is_empty() || swept.stopped {
            return;
        }
        let scanned = scan(inputs, self.query, self.now, self.threads, self.read, visitor, take);
        swept.stopped = scanned.stopped;
        let problem = |it: audit_search::Unreadable| format!("cannot read {}: {}", it.name, it.why);
        swept.problems.extend(scanned.unreadable.into_iter().map(problem));
    }
}

/// What tells one file from another, whatever they are called.
pub(super) fn identity(file: &Path) -> Option<(u64, u64)> {
    fs::metadata(file).ok().map(|metadata| identity_of(&metadata))
}

pub(super) fn identity_of(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use audit_search::{BadLine, Hit};
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// The ids of the events.
    struct Ids;

    impl Visitor for Ids {
        type Part = Vec<String>;

        fn hit(&self, part: &mut Vec<String>, hit: &Hit<'_>) {
            part.push(hit.event().unwrap().event_id.to_string());
        }

        fn bad_line(&self, part: &mut Vec<String>, line: &BadLine<'_>) {
            part.push(line.why().to_owned());
        }

        fn size(&self, _: &Vec<String>) -> usize {
            0
        }
    }

    fn events(numbers: std::ops::RangeInclusive<u32>) -> String {
        let event = |number: u32| {
            format!(
                "{{\"event_type\":\"auth.login\",\"timestamp\":\"2026-03-01T02:00:00Z\",\"event_id\":\"{number}\"}}\n"
            )
        };
        numbers.map(event).collect()
    }

    struct Directory(tempfile::TempDir);

    impl Directory {
        fn log(&self) -> PathBuf {
            self.0.path().join("audit.log")
        }

        fn segment(&self, first: u32, last: u32) -> PathBuf {
            self.0.path().join(format!("audit.log.{first:012}-{last:012}.20261121T213805Z"))
        }

        fn rotate(&self, first: u32, last: u32) {
            fs::rename(self.log(), self.segment(first, last)).unwrap();
        }

        fn compress(&self, first: u32, last: u32) {
            let plain = self.segment(first, last);
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(&fs::read(&plain).unwrap()).unwrap();
            fs::write(plain.with_extension("20261121T213805Z.gz"), packed.finish().unwrap()).unwrap();
            fs::remove_file(plain).unwrap();
        }
    }

    /// What is found, when `meanwhile` happens each time that something was found.
    fn found(directory: &Directory, mut meanwhile: impl FnMut(usize)) -> (Vec<String>, Vec<String>) {
        let (query, read) = (Query::default(), AtomicU64::new(0));
        let sweep = Sweep {
            query: &query,
            now: Timestamp::now(),
            threads: 2,
            read: &read,
            config: None,
            trusts_times: true,
        };
        let (mut ids, mut swept, mut calls) = (Vec::new(), Swept::default(), 0);
        let mut take = |part: Vec<String>| {
            if !part.is_empty() {
                ids.extend(part);
                meanwhile(calls);
                calls += 1;
            }
            ControlFlow::Continue(())
        };
        sweep.log(&directory.log(), true, &Ids, &mut take, &mut swept);
        (ids, swept.problems)
    }

    fn numbers(range: std::ops::RangeInclusive<u32>) -> Vec<String> {
        range.map(|number| number.to_string()).collect()
    }

    #[test]
    fn what_is_rotated_and_compressed_meanwhile_is_found_once() {
        let directory = Directory(tempfile::tempdir().unwrap());
        for (first, last) in [(1, 3), (4, 6), (7, 9)] {
            fs::write(directory.log(), events(first..=last)).unwrap();
            directory.rotate(first, last);
        }
        directory.compress(1, 3);
        fs::write(directory.log(), events(10..=12)).unwrap();
        let (ids, problems) = found(&directory, |call| match call {
            // All that were listed are called otherwise now, and another is where the newest was.
            0 => {
                directory.compress(4, 6);
                directory.compress(7, 9);
                directory.rotate(10, 12);
                fs::write(directory.log(), events(13..=15)).unwrap();
            }
            1 => {
                directory.rotate(13, 15);
                directory.compress(10, 12);
            }
            _ => {}
        });
        assert_eq!((ids, problems), (numbers(1..=15), vec![]));
    }

    #[test]
    fn of_a_file_that_took_the_place_of_another_nothing_is_handed_on() {
        let directory = Directory(tempfile::tempdir().unwrap());
        fs::write(directory.log(), events(1..=3)).unwrap();
        let expected = identity(&directory.log());
        directory.rotate(1, 3);
        let (query, read) = (Query::default(), AtomicU64::new(0));
        let sweep = Sweep {
            query: &query,
            now: Timestamp::now(),
            threads: 1,
            read: &read,
            config: None,
            trusts_times: true,
        };
        let mut ids = Vec::new();
        for is_there in [false, true] {
            if is_there {
                fs::write(directory.log(), events(4..=6)).unwrap();
            }
            let mut take = |part: Vec<String>| {
                ids.extend(part);
                ControlFlow::Continue(())
            };
            let mut swept = Swept::default();
            assert!(!sweep.guarded(&directory.log(), expected, &Ids, &mut take, &mut swept));
            assert!(swept.problems.is_empty() && !swept.stopped);
        }
        assert_eq!(ids, [""; 0]);
    }
}

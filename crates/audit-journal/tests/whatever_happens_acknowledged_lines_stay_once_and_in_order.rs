//! A property, against a model: random appends, restarts and tampering.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;

use audit_journal::{Incident, Options, Rotation};
use common::{Place, at, number_of, record, truncate, write_into};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Append { records: u64, padding: usize },
    Reopen,
    Kill,
    Delete,
    Replace,
    Truncate { permille: usize },
    Write { foreign: String },
    Check,
    Skip,
}

fn step() -> impl Strategy<Value = Step> {
    let foreign = prop_oneof!["[a-z]{1,20}\n", "[a-z]{1,20}", "([a-z]{0,90}\n){1,5}"];
    prop_oneof![
        8 => (1..8_u64, prop_oneof![Just(0), 1..80_usize, Just(5000)])
            .prop_map(|(records, padding)| Step::Append { records, padding }),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
        1 => Just(Step::Delete),
        1 => Just(Step::Replace),
        2 => (0..=1000_usize).prop_map(|permille| Step::Truncate { permille }),
        2 => foreign.prop_map(|foreign| Step::Write { foreign }),
        1 => Just(Step::Check),
        1 => Just(Step::Skip),
    ]
}

fn run(steps: &[Step], max_size: u64, compress: bool) {
    let place = Place::new();
    let rotation = Rotation::never().max_size(max_size).compress(compress);
    let options = Options::default().rotation(rotation).numbered_by(number_of).sync(false);
    let (mut journal, _) = place.open(options.clone());
    let mut acknowledged: Vec<(u64, String)> = Vec::new();
    let mut told = 0;
    for step in steps {
        match step {
            Step::Append { records, padding } => {
                let next = journal.next_sequence();
                let lines: Vec<_> =
                    (next..next + records).map(|number| (number, record(number, *padding))).collect();
                let batch: String = lines.iter().map(|(_, line)| line.as_str()).collect();
                journal.append(batch.as_bytes(), *records, at(0)).unwrap();
                assert_eq!(journal.next_sequence(), next + records);
                acknowledged.extend(lines);
            }
            // `close` saves what `kill` cannot; both find a log that is whole up to here.
            Step::Reopen | Step::Kill => {
                if matches!(step, Step::Kill) {
                    journal.check(at(0)).unwrap();
                    drop(journal);
                } else {
                    journal.close().unwrap();
                }
                let (reopened, recovery) = place.open(options.clone());
                journal = reopened;
                assert_eq!(recovery.last_line.is_some(), !acknowledged.is_empty());
                assert!(acknowledged.last().is_none_or(|(last, _)| *last < journal.next_sequence()));
            }
            Step::Delete => drop(fs::remove_file(place.log())),
            Step::Replace => {
                drop(fs::remove_file(place.log()));
                fs::write(place.log(), "hello\n").unwrap();
            }
            Step::Truncate { permille } if place.log().exists() => {
                // First what is not the journal's goes, so that the model knows what is lost.
                journal.check(at(0)).unwrap();
                let content = fs::read_to_string(place.log()).unwrap();
                let length = content.len() * permille / 1000;
                truncate(&place.log(), length as u64);
                let mut end = 0;
                let ends = content.split_inclusive('\n').filter_map(|line| {
                    end += line.len();
                    number_of(line.as_bytes()).map(|_| end)
                });
                let gone = ends.filter(|end| *end > length).count();
                acknowledged.truncate(acknowledged.len() - gone);
                journal.check(at(0)).unwrap();
            }
            Step::Truncate { .. } => {}
            Step::Write { foreign } => write_into(&place.log(), foreign),
            Step::Check => journal.check(at(0)).unwrap(),
            Step::Skip => journal.skip_to(journal.next_sequence() + 3, at(0)).unwrap(),
        }
        told += journal.take_incidents().iter().filter(|i| matches!(i, Incident::Tampered(_))).count();
    }
    journal.check(at(0)).unwrap();
    journal.close().unwrap();
    let harmless = !steps.iter().any(|step| {
        matches!(step, Step::Delete | Step::Replace | Step::Truncate { .. } | Step::Write { .. })
    });
    assert!(!harmless || told == 0);
    let content: String = acknowledged.iter().map(|(_, line)| line.as_str()).collect();
    // What was written into an empty file is found by the next append, and may have been rotated when reopened.
    let found = place.content();
    let found: String =
        found.split_inclusive('\n').filter(|line| number_of(line.as_bytes()).is_some()).collect();
    assert_eq!(found, content);
    let (middle, end) = (acknowledged.len() / 2, acknowledged.last().map_or(0, |(last, _)| last + 1));
    for first in [1, acknowledged.get(middle).map_or(1, |(number, _)| *number), end] {
        let expected = acknowledged.iter().filter(|(number, _)| *number >= first);
        let expected: Vec<_> =
            expected.map(|(n, line)| (*n, line.trim_end_matches('\n').to_owned())).collect();
        assert_eq!(place.read_from(first, true), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exactly_once_and_in_order(
        steps in proptest::collection::vec(step(), 1..40),
        max_size in prop_oneof![Just(1_u64), 100..3000_u64, Just(u64::MAX / 2)],
        compress: bool,
    ) {
        run(&steps, max_size, compress);
    }
}

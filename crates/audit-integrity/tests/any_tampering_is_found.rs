//! A generated chain in one to four files, plain and compressed, given in any order; then something is done to it.
#![allow(clippy::unwrap_used)]

mod log;

use audit_integrity::{ChainReport, Head, SealedRecord, Signature, Verdict, Verifier};
use log::*;
use proptest::prelude::*;
use proptest::sample::Index;

#[derive(Clone, Copy, Debug)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// How a chain is laid out in files.
#[derive(Clone, Debug)]
struct Layout {
    paddings: Vec<usize>,
    cuts: Vec<Index>,
    packings: Vec<Packing>,
    order: Vec<usize>,
    closed: bool,
}

fn layout() -> impl Strategy<Value = Layout> {
    let packing = prop_oneof![Just(Packing::Plain), Just(Packing::Gzip), Just(Packing::Zstd)];
    (1_usize..=4).prop_flat_map(move |files| {
        (
            prop::collection::vec(0_usize..200, 8..40),
            prop::collection::vec(any::<Index>(), files - 1),
            prop::collection::vec(packing.clone(), files),
            Just((0..files).collect::<Vec<_>>()).prop_shuffle(),
            any::<bool>(),
        )
            .prop_map(|(paddings, cuts, packings, order, closed)| Layout {
                paddings,
                cuts,
                packings,
                order,
                closed,
            })
    })
}

impl Layout {
    fn chain(&self) -> (Vec<Line>, Head) {
        let mut sealer = sealer("c", hmac("k"));
        let number = 1_u64..;
        let mut lines: Vec<Line> =
            number.zip(&self.paddings).map(|(n, padding)| seal(&mut sealer, &event(n, *padding))).collect();
        if self.closed {
            lines.push(seal(&mut sealer, r#"{"event_type":"audit.stopped"}"#));
        }
        (lines, sealer.head().clone())
    }

    /// Where files begin, and where the last one ends.
    fn cuts(&self, lines: &[Line]) -> Vec<usize> {
        let mut cuts: Vec<usize> = self.cuts.iter().map(|cut| 1 + cut.index(lines.len() - 1)).collect();
        cuts.extend([0, lines.len()]);
        cuts.sort_unstable();
        cuts
    }

    /// The lines in files, in the order given.
    fn files(&self, lines: &[Line]) -> Vec<Vec<u8>> {
        let cuts = self.cuts(lines);
        let parts: Vec<Vec<u8>> = cuts.windows(2).map(|cut| lines[cut[0]..cut[1]].concat()).collect();
        let packed = |file: usize| match self.packings[file] {
            Packing::Plain => parts[file].clone(),
            Packing::Gzip => gzip(&parts[file]),
            Packing::Zstd => zstd(&parts[file]),
        };
        self.order.iter().map(|file| packed(*file)).collect()
    }

    fn verify(&self, verifier: &Verifier, lines: &[Line]) -> ChainReport {
        only_chain(report_of(verifier, &self.files(lines)))
    }
}

fn has(report: &ChainReport, verdict: Verdict, records: (u64, u64)) -> bool {
    report.findings.iter().any(|finding| finding.verdict == verdict && finding.records == Some(records))
}

fn number(at: usize) -> u64 {
    at as u64 + 1
}

fn signature_of(line: &[u8]) -> Signature {
    SealedRecord::parse(line).unwrap().integrity.signature
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn untouched_it_is_intact(layout in layout(), threads in 1_usize..4) {
        let (lines, head) = layout.chain();
        let report = layout.verify(&verifier().threads(threads).expect_head(head.clone()), &lines);
        prop_assert_eq!(report.verdict, if layout.closed { Verdict::Intact } else { Verdict::IntactOpen });
        prop_assert_eq!((report.records, report.head, report.findings), (lines.len() as u64, Some(head), vec![]));
    }

    #[test]
    fn a_batch_that_comes_again_is_counted(layout in layout(), from in any::<Index>(), count in 1_usize..10) {
        let (lines, head) = layout.chain();
        let from = from.index(lines.len());
        let to = lines.len().min(from + count);
        let mut again = lines[..to].to_vec();
        again.extend_from_slice(&lines[from..]);
        // In one file: where a repeated batch is cut in two by a rotation, each file has its part of it.
        let one_file = Layout { cuts: vec![], order: vec![0], ..layout };
        let report = one_file.verify(&verifier().expect_head(head), &again);
        prop_assert!(report.verdict.is_intact(), "{:?}", report);
        prop_assert_eq!((report.records, report.duplicates), (lines.len() as u64, (to - from) as u64));
        let places: Vec<_> = report.repeated.iter().map(|again| (again.line, again.records)).collect();
        prop_assert_eq!(places, [(number(to), (number(from), to as u64))]);
    }

    #[test]
    fn a_flipped_bit(layout in layout(), at in any::<Index>(), byte in any::<Index>(), bit in 0..8) {
        let (mut lines, head) = layout.chain();
        let at = at.index(lines.len());
        let byte = byte.index(lines[at].len() - 1);
        lines[at][byte] ^= 1_u8 << bit;
        for verifier in [verifier(), verifier().expect_head(head)] {
            // A line that became two breaks the layout's own rule; such a bit is tried in the exhaustive test.
            prop_assume!(!lines[at][..byte + 1].contains(&b'\n'));
            let report = layout.verify(&verifier, &lines);
            prop_assert_eq!(report.verdict, Verdict::Edited);
            prop_assert!(has(&report, Verdict::Edited, (number(at), number(at))), "{:?}", report);
            prop_assert_eq!(report.findings.len(), 1);
        }
    }

    #[test]
    fn dropped_records(layout in layout(), at in any::<Index>(), count in 1_usize..4) {
        let (mut lines, head) = layout.chain();
        let from = at.index(lines.len());
        let to = lines.len().min(from + count);
        lines.drain(from..to);
        let (first, last) = (number(from), number(to - 1));
        let report = layout.verify(&verifier().expect_head(head), &lines);
        let expected = match from {
            0 => Verdict::HeadCut,
            _ if from == lines.len() => Verdict::TailCut,
            _ => Verdict::Missing,
        };
        prop_assert_eq!(report.verdict, expected);
        prop_assert!(has(&report, expected, (first, last)), "{:?}", report);
        let report = layout.verify(&verifier(), &lines);
        let unanchored = if expected == Verdict::TailCut { Verdict::IntactOpen } else { expected };
        prop_assert_eq!((report.verdict, report.anchored), (unanchored, false));
    }

    #[test]
    fn swapped_records(layout in layout(), a in any::<Index>(), b in any::<Index>()) {
        let (mut lines, _) = layout.chain();
        let (a, b) = (a.index(lines.len()), b.index(lines.len()));
        prop_assume!(a != b);
        // Two that are each alone in a file cannot be out of order: files have none.
        let cuts = layout.cuts(&lines);
        let is_alone = |at: usize| cuts.contains(&at) && cuts.contains(&(at + 1));
        prop_assume!(!(is_alone(a) && is_alone(b)));
        lines.swap(a, b);
        let report = layout.verify(&verifier(), &lines);
        prop_assert_eq!(report.verdict, Verdict::Reordered, "{:?}", report);
    }

    #[test]
    fn a_forged_record_between(layout in layout(), at in any::<Index>(), forged in any::<Index>()) {
        let (mut lines, head) = layout.chain();
        let number = number(forged.index(lines.len()));
        // It follows the record before its number; one that follows the last is taken for an edited one behind it.
        let signature = number.checked_sub(2).map_or(Signature::NONE, |before| signature_of(&lines[before as usize]));
        let before = Head { sequence_number: number - 1, signature, ..head.clone() };
        let mut forger = audit_integrity::Sealer::resume(before, hmac("no"));
        let line = seal(&mut forger, r#"{"event_type":"auth.login"}"#);
        lines.insert(at.index(lines.len()), line);
        let report = layout.verify(&verifier().expect_head(head), &lines);
        prop_assert_eq!(report.verdict, Verdict::Inserted, "{:?}", report);
        prop_assert!(has(&report, Verdict::Inserted, (number, number)));
    }

    #[test]
    fn a_garbage_line(layout in layout(), at in any::<Index>(), garbage in "[^\r\n]{0,40}[a-z]") {
        let (mut lines, head) = layout.chain();
        lines.insert(at.index(lines.len()), format!("{garbage}\n").into_bytes());
        let report = layout.verify(&verifier().expect_head(head), &lines);
        prop_assert_eq!(report.verdict, Verdict::Inserted, "{:?}", report);
        prop_assert_eq!(report.records, lines.len() as u64 - 1);
    }

    #[test]
    fn a_cut_anywhere(layout in layout(), end in any::<Index>()) {
        let (lines, head) = layout.chain();
        let content = lines.concat();
        let end = end.index(content.len());
        let report = only_chain(report_of(&verifier().expect_head(head), &[&content[..end]]));
        let whole = content[..end].iter().filter(|byte| **byte == b'\n').count();
        prop_assert_eq!((report.verdict, report.records), (Verdict::TailCut, whole as u64));
        prop_assert!(has(&report, Verdict::TailCut, (number(whole), lines.len() as u64)));
    }

    #[test]
    fn a_fork(layout in layout(), at in any::<Index>(), count in 1_usize..5) {
        let (lines, head) = layout.chain();
        let at = 1 + at.index(lines.len() - 1);
        let signature = signature_of(&lines[at - 1]);
        let fork = Head { sequence_number: at as u64, signature, ..head };
        let mut sealer = audit_integrity::Sealer::resume(fork, hmac("k"));
        let mut branch = lines[..at].to_vec();
        branch.extend((0..count).map(|_| seal(&mut sealer, r#"{"event_type":"auth.login"}"#)));
        let mut files = layout.files(&lines);
        files.push(branch.concat());
        let report = only_chain(report_of(&verifier(), &files));
        prop_assert_eq!(report.verdict, Verdict::Forked, "{:?}", report);
    }

    #[test]
    fn the_wrong_key_none_and_no_signatures(layout in layout()) {
        let (lines, _) = layout.chain();
        for names in [&["no"] as &[&str], &[]] {
            let report = layout.verify(&Verifier::new(ring(names)), &lines);
            prop_assert_eq!((report.verdict, report.records), (Verdict::WrongKey, 0));
        }
        let unsigned = more(&mut sealer("c", audit_integrity::Signer::Digest), lines.len() as u64);
        prop_assert_eq!(layout.verify(&verifier(), &unsigned).verdict, Verdict::WrongKey);
    }
}

/// One thing that somebody does to the lines of a file.
#[derive(Clone, Debug)]
enum Deed {
    Drop(Index, usize),
    Repeat(Index, usize),
    Swap(Index, Index),
    Edit(Index, Index),
    Insert(Index),
    Move(Index, Index),
}

fn deed() -> impl Strategy<Value = Deed> {
    let any = any::<Index>;
    prop_oneof![
        (any(), 1_usize..4).prop_map(|(at, count)| Deed::Drop(at, count)),
        (any(), 1_usize..4).prop_map(|(at, count)| Deed::Repeat(at, count)),
        (any(), any()).prop_map(|(a, b)| Deed::Swap(a, b)),
        (any(), any()).prop_map(|(at, byte)| Deed::Edit(at, byte)),
        any().prop_map(Deed::Insert),
        (any(), any()).prop_map(|(from, to)| Deed::Move(from, to)),
    ]
}

impl Deed {
    fn apply(&self, lines: &mut Vec<Line>) {
        let count = lines.len();
        if count == 0 {
            return;
        }
        match self {
            Self::Drop(at, n) => drop(lines.drain(at.index(count)..count.min(at.index(count) + n))),
            Self::Repeat(at, n) => {
                let end = count.min(at.index(count) + n);
                let again = lines[at.index(count)..end].to_vec();
                lines.splice(end..end, again);
            }
            Self::Swap(a, b) => lines.swap(a.index(count), b.index(count)),
            Self::Edit(at, byte) => {
                let line = &mut lines[at.index(count)];
                let byte = byte.index(line.len() - 1);
                line[byte] = if line[byte] == b'#' { b'!' } else { b'#' };
            }
            Self::Insert(at) => lines.insert(at.index(count), b"garbage\n".to_vec()),
            Self::Move(from, to) => {
                let line = lines.remove(from.index(count));
                lines.insert(to.index(count), line);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    /// Several deeds at once, against a definition of intact that knows nothing of runs: every line is one of the
    /// writer's, and each is either the next or has been before.
    #[test]
    fn any_mixture(
        count in 1_u64..20,
        deeds in prop::collection::vec(deed(), 0..6),
        cuts in prop::collection::vec(any::<Index>(), 0..3),
        in_reverse in any::<bool>(),
    ) {
        let (original, head) = open(count);
        let mut lines = original.clone();
        deeds.iter().for_each(|deed| deed.apply(&mut lines));
        let numbers: Vec<_> = lines.iter().map(|line| original.iter().position(|o| o == line).map(number)).collect();
        let mut reached = 0;
        let mut in_order = true;
        for number in &numbers {
            in_order &= number.is_some_and(|number| number <= reached + 1);
            reached = reached.max(number.unwrap_or(0));
        }
        let is_there = |number: u64| numbers.contains(&Some(number));

        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(lines.len() + 1)).chain([0, lines.len()]).collect();
        cuts.sort_unstable();
        let mut files: Vec<_> = cuts.windows(2).map(|cut| lines[cut[0]..cut[1]].concat()).collect();
        if in_reverse {
            files.reverse();
        }
        let report = only_chain(report_of(&verifier().expect_head(head), &files));
        if in_order && reached == count {
            prop_assert!(report.verdict.is_intact(), "{:#?}", report);
            prop_assert_eq!(report.duplicates, lines.len() as u64 - report.records);
        } else if files.len() == 1 || numbers.contains(&None) || !(1..=count).all(is_there) {
            prop_assert!(!report.verdict.is_intact(), "{:#?}", report);
        }
        prop_assert_eq!(report.records, (1..=count).filter(|number| is_there(*number)).count() as u64);
        let told = |verdicts: &[Verdict]| -> Vec<u64> {
            let told = report.findings.iter().filter(|finding| verdicts.contains(&finding.verdict));
            told.filter_map(|finding| finding.records).flat_map(|(first, last)| first..=last).collect()
        };
        let missing = told(&[Verdict::Missing, Verdict::HeadCut, Verdict::TailCut]);
        prop_assert!(!missing.iter().any(|number| is_there(*number)), "{:#?}", report);
        let lost = [missing, told(&[Verdict::Edited])].concat();
        prop_assert!((1..=count).all(|number| is_there(number) || lost.contains(&number)), "{:#?}", report);
    }
}

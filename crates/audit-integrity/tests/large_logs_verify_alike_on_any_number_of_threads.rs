//! Logs of several blocks (1 MiB each), where lines begin in one block and end in another.
#![allow(clippy::unwrap_used)]

mod log;

use audit_integrity::{Report, Verdict};
use log::*;

/// Over 4 MiB; some lines are longer than a block, and one of them than two.
fn large() -> Vec<Line> {
    let mut sealer = sealer("c", hmac("k"));
    let padding = |number: u64| match number {
        700 => 1_300_000,
        1500 => 2_400_000,
        n => 200 + (n * 37 % 400) as usize,
    };
    (1..=2000).map(|number| seal(&mut sealer, &event(number, padding(number)))).collect()
}

#[track_caller]
fn alike(contents: &[Vec<u8>]) -> Report {
    let files = files(contents);
    let report = verifier().verify(&files.paths).unwrap();
    for threads in 2..=4 {
        assert_eq!(verifier().threads(threads).verify(&files.paths).unwrap(), report, "{threads} threads");
    }
    report
}

#[test]
fn whole() {
    let content = large().concat();
    assert!(content.len() > 4 << 20);
    for content in [gzip(&content), content] {
        let chain = only_chain(alike(&[content]));
        assert_found(&chain, Verdict::IntactOpen, &[]);
        assert_eq!(chain.records, 2000);
    }
}

#[test]
fn damaged_in_many_places() {
    let mut lines = large();
    for at in [0, 699, 700, 1000, 1499, 1999] {
        let middle = lines[at].len() / 2;
        lines[at][middle] ^= 1;
    }
    lines[1100] = b"\n".to_vec();
    lines.swap(1200, 1210);
    let chain = only_chain(alike(&[lines.concat()]));
    let edited: Vec<_> = chain.findings.iter().filter(|f| f.verdict == Verdict::Edited).map(place).collect();
    let at = |n: u64, last: u64| at(Verdict::Edited, n, (n, last));
    assert_eq!(edited, [at(1, 1), at(700, 701), at(1001, 1001), at(1500, 1500), at(2000, 2000)]);
    let other = |verdict| {
        chain.findings.iter().filter(|f| f.verdict == verdict).map(|f| f.records).collect::<Vec<_>>()
    };
    assert_eq!(other(Verdict::Missing), [Some((1101, 1101))]);
    assert_eq!(other(Verdict::Reordered), [Some((1201, 1201)), Some((1202, 1210))]);
}

#[test]
fn lines_that_end_exactly_where_a_block_does() {
    const BLOCK: usize = 1 << 20;
    for off in [-1_isize, 0, 1] {
        let mut sealer = sealer("c", hmac("k"));
        let bare = seal(&mut sealer.clone(), &event(1, 0)).len();
        let first = seal(&mut sealer, &event(1, (BLOCK - bare).checked_add_signed(off).unwrap()));
        assert_eq!(first.len(), BLOCK.checked_add_signed(off).unwrap());
        let second = seal(&mut sealer, &event(2, BLOCK - bare));
        assert_eq!(second.len(), BLOCK);
        let chain = only_chain(alike(&[[first, second, more(&mut sealer, 3).concat()].concat()]));
        assert_found(&chain, Verdict::IntactOpen, &[]);
        assert_eq!(chain.records, 5);
    }
}

#[test]
fn plain_and_compressed_files_together() {
    let lines = large();
    let contents = [
        gzip(&lines[..600].concat()),
        lines[600..1100].concat(),
        zstd(&lines[1100..1300].concat()),
        lines[1300..1999].concat(),
        lines[1999].clone(),
    ];
    let chain = only_chain(alike(&contents));
    assert_found(&chain, Verdict::IntactOpen, &[]);
}

#[test]
fn duplicates_are_compared_wherever_they_stand() {
    let lines = large();
    let copies = [lines[..1600].concat(), lines[400..].concat(), gzip(&lines[1000..1200].concat())];
    let chain = only_chain(alike(&copies));
    assert_found(&chain, Verdict::IntactOpen, &[]);
    assert_eq!((chain.records, chain.duplicates), (2000, 1400));
}

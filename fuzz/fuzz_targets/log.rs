//! A file of a log: whatever is in it, it has a verdict; a signed chain is intact only if its records are such as the published keys
//! sealed, without a gap; and it does not matter how many threads look at it.
#![no_main]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::sync::LazyLock;

use audit_integrity::{Key, KeyRing, SealedRecord, Verifier};
use libfuzzer_sys::fuzz_target;

const LOGS: [&str; 2] = [
    include_str!("../../docs/test-vectors/sealed.ndjson"),
    include_str!("../../docs/test-vectors/rotated-keys.ndjson"),
];

static RING: LazyLock<KeyRing> = LazyLock::new(|| {
    [include_str!("../../docs/test-vectors/key.txt"), include_str!("../../docs/test-vectors/key-old.txt")]
        .map(|text| Key::from_text(&text.into()).expect("it is a key"))
        .into_iter()
        .collect()
});

static SEALED: LazyLock<Vec<SealedRecord>> = LazyLock::new(|| {
    let lines = LOGS.iter().flat_map(|log| log.lines());
    lines.map(|line| SealedRecord::parse(line.as_bytes()).expect("it is a record")).collect()
});

/// Without a name, so that nothing is left of it.
static LOG: LazyLock<File> = LazyLock::new(|| tempfile::tempfile().expect("a file can be made"));

fuzz_target!(|text: &[u8]| {
    let mut file = &*LOG;
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(text))
        .expect("it can be written");
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let verifier = Verifier::new(RING.clone()).threads(1);
    let report = verifier.verify(&[&path]).expect("the file is there");
    let by_two = Verifier::new(RING.clone()).threads(2).verify(&[&path]).expect("the file is there");
    assert_eq!(report, by_two);

    let lines = text.split(|byte| *byte == b'\n').filter_map(|line| SealedRecord::parse(line).ok());
    let records: Vec<SealedRecord> = lines.collect();
    for chain in report.chains.iter().filter(|chain| chain.signed && chain.verdict.is_intact()) {
        let own = records.iter().filter(|record| record.integrity.chain_id == chain.chain_id);
        let mut numbers = BTreeSet::new();
        for record in own {
            assert!(SEALED.contains(record), "nobody else has the keys");
            numbers.insert(record.integrity.sequence_number);
        }
        let (first, last) = chain.range.expect("a chain in a file has records");
        assert!(numbers.into_iter().eq(first..=last), "{chain:?}");
    }
});

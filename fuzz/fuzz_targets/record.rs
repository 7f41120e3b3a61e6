//! A line of a log: what is read as a record is in canonical form, and can be sealed and read again; of what the published keys
//! sealed, nothing else than what they sealed is authentic.
#![no_main]

use std::sync::LazyLock;

use audit_integrity::{EventDigest, Key, KeyRing, SealedRecord, Sealer, Signer};
use audit_model::{canonical_json, parse_json};
use libfuzzer_sys::fuzz_target;

const LOGS: [&str; 2] = [
    include_str!("../../docs/test-vectors/sealed.ndjson"),
    include_str!("../../docs/test-vectors/rotated-keys.ndjson"),
];

static KEYS: LazyLock<[Key; 2]> = LazyLock::new(|| {
    [include_str!("../../docs/test-vectors/key.txt"), include_str!("../../docs/test-vectors/key-old.txt")]
        .map(|text| Key::from_text(&text.into()).expect("it is a key"))
});

static RING: LazyLock<KeyRing> = LazyLock::new(|| KEYS.iter().cloned().collect());

static SEALED: LazyLock<Vec<SealedRecord>> = LazyLock::new(|| {
    let lines = LOGS.iter().flat_map(|log| log.lines());
    lines.map(|line| SealedRecord::parse(line.as_bytes()).expect("it is a record")).collect()
});

fuzz_target!(|line: &[u8]| {
    let Ok(record) = SealedRecord::parse(line) else { return };
    let event = parse_json(&record.event).expect("what is canonical is JSON");
    let again = canonical_json(&event).expect("what was canonical can be");
    assert_eq!(again, record.event, "canonical form is a fixed point");

    let is_canonical =
        parse_json(line).is_ok_and(|value| canonical_json(&value).is_ok_and(|own| own == line));
    if is_canonical && let Some(number) = SealedRecord::sequence_number_of(line) {
        assert_eq!(number, record.integrity.sequence_number);
    }
    assert_eq!(
        record.is_authentic(&RING) == Some(true),
        SEALED.contains(&record),
        "nobody else has the keys"
    );

    let mut sealer = Sealer::new(record.integrity.chain_id.clone(), Signer::Hmac(KEYS[0].clone()));
    let mut sealed = Vec::new();
    sealer.seal(&record.event, &EventDigest::of(&record.event), &mut sealed);
    let sealed = sealed.strip_suffix(b"\n").expect("a record is a line");
    assert!(!sealed.contains(&b'\n'), "a record is one line");
    assert_eq!(SealedRecord::sequence_number_of(sealed), Some(1));
    let again = SealedRecord::parse(sealed).expect("what is sealed is a record");
    assert_eq!((again.is_authentic(&RING), again.event), (Some(true), record.event));
});

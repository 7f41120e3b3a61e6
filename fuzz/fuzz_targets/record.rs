//! A line of a log: what is read as a record is in canonical form, and reads the same again.
#![no_main]

use audit_integrity::SealedRecord;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    let Ok(record) = SealedRecord::parse(line) else { return };
    let event = audit_model::parse_json(&record.event).expect("what is canonical is JSON");
    let again = audit_model::canonical_json(&event).expect("what was canonical can be");
    assert_eq!(again, record.event, "canonical form is a fixed point");
    if let Some(number) = SealedRecord::sequence_number_of(line) {
        assert_eq!(number, record.integrity.sequence_number);
    }
});

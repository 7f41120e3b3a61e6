//! A record of OCSF, or an event: what is read from it is mapped to records that the validator has nothing to say against, and that
//! are mapped to the same again when they are read.
#![no_main]

use audit_model::{Event, Timestamp, parse_json};
use audit_ocsf::{Mapping, Recorded, Version};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(value) = parse_json(text) else { return };
    for finding in audit_ocsf::validate(&value) {
        assert!(!finding.message.is_empty());
    }
    let explanation = audit_ocsf::explain(&value);
    assert!(!format!("{explanation:?}").is_empty());
    let read = audit_ocsf::event_from_value(value.clone(), now()).ok();
    let Some(event) = read.or_else(|| Event::from_value(value, now()).ok()) else { return };
    for version in Version::ALL {
        let mapping = Mapping::new(*version);
        let Ok(record) = mapping.to_value(&event, Recorded::default()) else { continue };
        let findings = audit_ocsf::validate(&record);
        assert!(findings.is_empty(), "{version:?}: {findings:#?}\n{record:#}");
        let again = audit_ocsf::event_from_value(record.clone(), now()).expect("our own record can be read");
        // It need not be the same event: secrets in its requests are masked by then.
        assert_eq!(mapping.to_value(&again, Recorded::default()).expect("it could be mapped once"), record);
    }
});

fn now() -> Timestamp {
    Timestamp::from_milliseconds(0).expect("1970 is in range")
}

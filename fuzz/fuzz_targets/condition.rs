//! A condition: read, evaluated, explained and translated; an explanation comes to the same end.
#![no_main]

use audit_condition::{Condition, Target};
use audit_model::{Action, Actor, Event, EventType, Resource, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let condition = match Condition::parse(text) {
        Ok(condition) => condition,
        Err(error) => {
            assert!(error.line() >= 1 && error.column() >= 1);
            return;
        }
    };
    let now = Timestamp::UNIX_EPOCH;
    let event =
        Event::new(EventType::RESTORE_STARTED, Actor::user("alice@company.com"), Action::success("restore"))
            .resource(Resource::new("backup", "production-backup-20241201"))
            .detail("bytes", 1024);
    assert_eq!(condition.explain(&event, now).is_true(), condition.matches(&event, now));
    for target in Target::ALL {
        drop(condition.translate(target));
    }
});

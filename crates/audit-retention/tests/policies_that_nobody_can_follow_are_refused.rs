//! Each rule of [`Policy::check`], at its border, and every order of storage classes.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_retention::StorageClass::{
    self, DeepArchive, Glacier, GlacierIr, IntelligentTiering, OneZoneIa, StandardIa,
};
use audit_retention::{Policy, Transition};

const CLASSES: [StorageClass; 6] =
    [StandardIa, IntelligentTiering, OneZoneIa, GlacierIr, Glacier, DeepArchive];

fn policy(min_days: Option<u32>, max_days: Option<u32>, steps: &[(u32, StorageClass)]) -> Policy {
    let transitions = steps.iter().map(|&(days, storage_class)| Transition { days, storage_class }).collect();
    Policy { min_days, max_days, transitions }
}

fn fields(min_days: Option<u32>, max_days: Option<u32>, steps: &[(u32, StorageClass)]) -> Vec<String> {
    policy(min_days, max_days, steps).check().into_iter().map(|error| error.field).collect()
}

#[test]
fn the_documented_policy_is_fine() {
    assert_eq!(fields(Some(365), Some(2555), &[(90, StandardIa), (365, Glacier)]), [""; 0]);
    assert_eq!(fields(None, None, &[]), [""; 0]);
    assert_eq!(fields(Some(7), Some(7), &[]), [""; 0]);
}

#[test]
fn days_have_their_order() {
    assert_eq!(fields(Some(8), Some(7), &[]), ["min_days"]);
    assert_eq!(fields(Some(0), Some(0), &[]), ["min_days", "max_days"]);
    assert_eq!(fields(None, Some(365), &[(364, Glacier)]), [""; 0]);
    assert_eq!(fields(None, Some(365), &[(365, Glacier)]), ["lifecycle[0].days"]);
    assert_eq!(fields(None, None, &[(90, GlacierIr), (90, Glacier)]), ["lifecycle[1].days"]);
    assert_eq!(fields(None, None, &[(90, GlacierIr), (91, Glacier)]), [""; 0]);
    assert_eq!(fields(None, None, &[(0, Glacier)]), ["lifecycle[0].days"]);
}

#[test]
fn classes_for_what_is_seldom_read_take_their_time() {
    for class in [StandardIa, OneZoneIa] {
        assert_eq!(fields(None, None, &[(29, class)]), ["lifecycle[0].days"]);
        assert_eq!(fields(None, None, &[(30, class)]), [""; 0]);
        for next in [Glacier, DeepArchive] {
            assert_eq!(fields(None, None, &[(30, class), (59, next)]), ["lifecycle[1].days"]);
            assert_eq!(fields(None, None, &[(30, class), (60, next)]), [""; 0]);
        }
    }
    assert_eq!(fields(None, None, &[(30, StandardIa), (59, OneZoneIa)]), ["lifecycle[1].days"]);
    assert_eq!(
        fields(None, None, &[(30, StandardIa), (40, GlacierIr), (59, Glacier)]),
        ["lifecycle[2].days"]
    );
    assert_eq!(fields(None, None, &[(1, IntelligentTiering), (2, GlacierIr), (3, Glacier)]), [""; 0]);
}

/// The two lists of the documentation, "supported" and "unsupported", written out.
#[test]
fn classes_follow_each_other_only_downwards() {
    let supported: [(StorageClass, &[StorageClass]); 6] = [
        (StandardIa, &[IntelligentTiering, OneZoneIa, GlacierIr, Glacier, DeepArchive]),
        (IntelligentTiering, &[OneZoneIa, GlacierIr, Glacier, DeepArchive]),
        (OneZoneIa, &[Glacier, DeepArchive]),
        (GlacierIr, &[Glacier, DeepArchive]),
        (Glacier, &[DeepArchive]),
        (DeepArchive, &[]),
    ];
    for (from, to) in supported {
        for next in CLASSES {
            let expected: &[&str] = if to.contains(&next) { &[] } else { &["lifecycle[1].storage_class"] };
            assert_eq!(fields(None, None, &[(100, from), (200, next)]), expected, "{from} to {next}");
        }
    }
}

#[test]
fn errors_say_what_was_found_and_expected() {
    let errors = policy(Some(400), Some(365), &[(90, Glacier), (180, StandardIa)]).check();
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "`min_days`: found 400, expected at most `max_days`, which is 365",
            "`lifecycle[1].storage_class`: found STANDARD_IA, which S3 does not move to from GLACIER, the step before; expected a \
             class below it, of STANDARD_IA, INTELLIGENT_TIERING, ONEZONE_IA, GLACIER_IR (not after ONEZONE_IA), GLACIER, \
             DEEP_ARCHIVE",
        ]
    );
}

#[test]
fn names_are_those_of_s3() {
    for class in CLASSES {
        assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
    }
}

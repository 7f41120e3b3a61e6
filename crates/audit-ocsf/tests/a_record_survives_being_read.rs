//! What is read into the typed classes and written again is the same JSON value, with all that has no type.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_ocsf::OcsfEvent;
use proptest::prelude::*;
use serde_json::{Value, json};

mod any_record;
mod samples;
mod source;

#[test]
fn the_six_samples_and_all_their_attributes_have_fields() {
    let samples = samples::all();
    assert_eq!(samples.len(), 6);
    for sample in samples {
        let event = OcsfEvent::from_json(sample.to_string().as_bytes()).unwrap();
        assert_eq!(event.to_value(), sample);
        let debug = format!("{event:?}");
        assert!(debug.contains("extra: {}") && !debug.contains("extra: {\""), "{debug}");
    }
}

#[test]
fn an_empty_object_or_array_stays_one() {
    let mut sample = samples::all().pop().unwrap();
    assert_eq!(sample["unmapped"], json!({}));
    sample["resources"] = json!([]);
    sample["cloud"]["account"] = json!({});
    assert_eq!(OcsfEvent::from_value(&sample).unwrap().to_value(), sample);
}

#[test]
fn null_counts_as_absent_where_there_is_a_field_and_is_kept_elsewhere() {
    let sample = samples::all().pop().unwrap();
    let mut with_nulls = sample.clone();
    with_nulls["message"] = Value::Null;
    with_nulls["actor"]["session"] = Value::Null;
    with_nulls["cloud"]["something_else"] = Value::Null;
    let mut expected = sample;
    expected["cloud"]["something_else"] = Value::Null;
    assert_eq!(OcsfEvent::from_value(&with_nulls).unwrap().to_value(), expected);
}

proptest! {
    #[test]
    fn with_any_content_and_unknown_attributes_on_every_level(record in any_record::record()) {
        let event = OcsfEvent::from_value(&record).unwrap();
        let written = event.to_value();
        prop_assert_eq!(&written, &record);
        prop_assert_eq!(OcsfEvent::from_value(&written).unwrap(), event.clone());
        let text = serde_json::to_string(&event).unwrap();
        prop_assert_eq!(serde_json::from_str::<OcsfEvent>(&text).unwrap(), event);
    }
}

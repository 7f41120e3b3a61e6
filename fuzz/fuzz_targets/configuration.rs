//! A configuration: read and checked, with a variable that is set and all others not.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let environment = |name: &str| (name == "SET").then(|| "value: [1, '${SET}']".to_owned());
    if let Err(errors) = audit_config::parse("fuzz.yaml", text, &environment) {
        assert!(!errors.to_string().is_empty());
    }
});

//! A configuration: what is shown of it reads the same again; an error has its place in the text, and tells no variable's value.
#![no_main]

use libfuzzer_sys::fuzz_target;

const SET: &str = "value: [1, '${SET}']";

fn environment(name: &str) -> Option<String> {
    match name {
        "SET" => Some(SET.to_owned()),
        "UNSET" => None,
        _ => Some("0123456789abcdef0123456789abcdef".to_owned()),
    }
}

fuzz_target!(|text: &str| {
    match audit_config::parse("fuzz.yaml", text, &environment) {
        Ok(parsed) => {
            let shown = parsed.config.show_yaml();
            let again = audit_config::parse("shown.yaml", &shown, &environment);
            let again = again.unwrap_or_else(|errors| panic!("what is shown is none:\n{shown}\n{errors}"));
            assert_eq!(again.config.show(), parsed.config.show());
            assert!(parsed.config.changes_since(&parsed.config).is_empty());
        }
        Err(errors) => {
            assert!(!errors.errors().is_empty());
            for error in errors.errors() {
                assert!(error.line <= text.split(['\n', '\r']).count() && !error.message.is_empty());
                assert!((error.line == 0) == (error.column == 0));
            }
            assert!(text.contains(SET) || !errors.to_string().contains(SET), "{errors}");
        }
    }
});

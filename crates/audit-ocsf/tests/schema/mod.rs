//! The tables of the schemas, as the Python package that carries them reads them.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say what it skips")]

use std::env;
use std::process::Command;

use audit_ocsf::Version;
use serde_json::Value;

/// What the schemas say about those classes and objects; none, with a word on it, where there is no Python to ask.
pub(crate) fn tables(names: &[&str]) -> Option<Value> {
    let Some(python) = env::var("AUDIT_TEST_PYTHON").ok().filter(|python| !python.is_empty()) else {
        assert_ne!(
            env::var("CI").as_deref(),
            Ok("true"),
            "AUDIT_TEST_PYTHON is not set, and in CI nothing is skipped"
        );
        println!("skipped: AUDIT_TEST_PYTHON is not set (cargo xtask test sets it)");
        return None;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schema_tables.py");
    let output = Command::new(python).arg(script).args(names).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// The attribute of that class or object in each version that has it.
pub(crate) fn attribute<'a>(tables: &'a Value, owner: &str, name: &str) -> Vec<(Version, &'a Value)> {
    let in_version = |&version: &Version| {
        let tables = &tables[version.as_str()];
        let owner = tables["classes"].get(owner).or_else(|| tables["objects"].get(owner))?;
        Some((version, owner.get(name)?))
    };
    Version::ALL.iter().filter_map(in_version).collect()
}

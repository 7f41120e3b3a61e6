//! Each rule in `docs/examples/rules` on its two files of events, as somebody would try it.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod workplace;

use std::path::{Path, PathBuf};
use std::process::Command;

use workplace::assert_code;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/rules").canonicalize().unwrap()
}

/// Name, file and how many alerts begin, as the README's table says.
fn rules() -> Vec<(String, String, u64)> {
    let readme = std::fs::read_to_string(directory().join("README.md")).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.trim_end_matches(" |").split(" | ").collect();
        let name = cells.first()?.strip_suffix('`')?.to_owned();
        let file = cells.get(1)?.split_once("](")?.1.strip_suffix(')')?.to_owned();
        Some((name, file, cells.last()?.trim().parse().ok()?))
    };
    readme.lines().filter_map(row).collect()
}

#[test]
fn every_example_fires_as_often_as_its_table_says_and_else_not() {
    let rules = rules();
    assert!(rules.len() >= 13, "{rules:?}");
    for (name, file, alerts) in rules {
        for (events, expected) in
            [(format!("{name}.fires.ndjson"), alerts), (format!("{name}.quiet.ndjson"), 0)]
        {
            let expected = format!("{name}={expected}");
            let output = Command::new(env!("CARGO_BIN_EXE_audit-log"))
                .current_dir(directory())
                .args(["alerts", "backtest", "--rules", &file, "--expect", &expected, &events])
                .output()
                .unwrap();
            assert_code(&output, 0);
            assert!(output.stderr.is_empty(), "{events}: {}", workplace::text(&output));
        }
    }
}

//! The documentation's own verifiers, over the test vectors: they are what an auditor would run without us.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::report::Outcome;
use crate::shell::{is_installed, program, root, target_dir};

/// Each file of test vectors and the keys it verifies with.
const CHAINS: [(&str, &str); 3] = [
    ("sealed.ndjson", "docs/test-vectors/key.txt"),
    ("chain-only.ndjson", "-"),
    ("rotated-keys.ndjson", "docs/test-vectors/key-old.txt,docs/test-vectors/key.txt"),
];

pub(crate) fn check_program() -> Result<Outcome> {
    if !is_installed("python3") {
        return Ok(Outcome::Skipped("python3 is not installed".to_owned()));
    }
    if !program("python3").args(["docs/test-vectors/generate.py", "--check"]).run()? {
        return Ok(Outcome::passed(false));
    }
    let code = fs::read_to_string(root().join("docs/verify.py"))?;
    if !fs::read_to_string(root().join("docs/formats.md"))?.contains(&code) {
        return Ok(Outcome::Failed("docs/formats.md does not show docs/verify.py as it is".to_owned()));
    }
    if let Some(unknown) = unlisted_vectors()? {
        return Ok(Outcome::Failed(format!("which key verifies {unknown}? Add it to xtask/src/verifier.rs")));
    }
    let mut wrong = Vec::new();
    for (name, keys) in CHAINS {
        let intact = root().join("docs/test-vectors").join(name);
        let records = fs::read(&intact)?;
        let expected = format!("intact: {} records\n", count_lines(&records));
        let printed = verify(keys, &intact)?;
        if !printed.starts_with(&expected) {
            wrong.push(format!("{name}: {printed}"));
        }
        for (damage, line, bytes) in damaged(&records) {
            let copy = target_dir()?.join(format!("damaged-{name}"));
            fs::write(&copy, bytes)?;
            let printed = verify(keys, &copy)?;
            if !printed.contains(&format!("damaged-{name}:{line}: ")) {
                wrong.push(format!("{name}, {damage}: not found in line {line}: {printed}"));
            }
            fs::remove_file(&copy)?;
        }
        println!("{name}: {}every damage found", expected.replace('\n', ", "));
    }
    // A signed log must not pass as an unsigned one, nor an unsigned one with a key.
    for (name, keys) in [(CHAINS[0].0, CHAINS[1].1), (CHAINS[1].0, CHAINS[0].1)] {
        let printed = verify(keys, &root().join("docs/test-vectors").join(name))?;
        if !printed.contains(":1: sealed with another key") {
            wrong.push(format!("{name} with {keys}: {printed}"));
        }
    }
    Ok(Outcome::of(&wrong))
}

fn verify(keys: &str, file: &Path) -> Result<String> {
    let ran = program("python3").args(["docs/verify.py", keys]).arg(file).output()?;
    let printed = if ran.status.success() { ran.stdout } else { ran.stderr };
    Ok(String::from_utf8_lossy(&printed).into_owned())
}

fn unlisted_vectors() -> Result<Option<String>> {
    for entry in fs::read_dir(root().join("docs/test-vectors"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".ndjson") && CHAINS.iter().all(|(listed, _)| *listed != name) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn count_lines(records: &[u8]) -> usize {
    records.iter().filter(|byte| **byte == b'\n').count()
}

/// Copies with one damage each: what it is, the line that shows it, the bytes.
fn damaged(records: &[u8]) -> Vec<(&'static str, usize, Vec<u8>)> {
    let lines: Vec<&[u8]> = records.split_inclusive(|byte| *byte == b'\n').collect();
    let without = |gone: usize| {
        let kept = lines.iter().enumerate().filter(|(place, _)| *place != gone);
        kept.flat_map(|(_, line)| line.to_vec()).collect()
    };
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    let mut repeated = lines.clone();
    repeated.insert(3, lines[2]);
    let year = records.windows(4).rposition(|bytes| bytes == b"2024").expect("every event has its year");
    let mut edited = records.to_vec();
    edited[year + 3] = b'3';
    vec![
        ("edited", lines.len(), edited),
        ("first record removed", 1, without(0)),
        ("third record removed", 3, without(2)),
        ("two records swapped", 3, swapped.concat()),
        ("a record repeated", 4, repeated.concat()),
        ("last line torn", lines.len(), records[..records.len() - 20].to_vec()),
        ("last newline missing", lines.len(), records[..records.len() - 1].to_vec()),
    ]
}

//! The example configurations against the JSON schema that the program prints, by a validator that isn't ours.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::python;
use crate::report::Outcome;
use crate::shell::{cargo, program, root, target_dir};

const FOLDERS: [&str; 3] = ["docs/examples", "docs/examples/rules", "crates/audit-config/tests/data"];

pub(crate) fn check_configurations() -> Result<Outcome> {
    let python = match python::with_modules(&["jsonschema", "yaml"], &["jsonschema", "PyYAML"])? {
        Ok(python) => python,
        Err(missing) => return Ok(Outcome::Skipped(missing)),
    };
    let printed = cargo("run --quiet --bin audit-log -- config schema").output()?;
    if !printed.status.success() || printed.stdout.is_empty() {
        let error = String::from_utf8_lossy(&printed.stderr);
        return Ok(Outcome::Failed(format!("`audit-log config schema` printed no schema\n{error}")));
    }
    let schema = target_dir()?.join("audit-log.schema.json");
    fs::write(&schema, printed.stdout).with_context(|| format!("cannot write {}", schema.display()))?;
    let mut files = Vec::new();
    for folder in FOLDERS {
        files.extend(yaml_files(Path::new(folder))?);
    }
    let validate = program(python).arg("xtask/validate_configurations.py").arg(schema).args(files);
    validate.run().map(Outcome::passed)
}

/// Relative to the top of the repository, as the messages are to show them.
fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let there = root().join(folder);
    if !there.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(&there).with_context(|| format!("cannot list {}", there.display()))? {
        let name = PathBuf::from(entry?.file_name());
        if name.extension().is_some_and(|extension| extension == "yaml") {
            files.push(folder.join(name));
        }
    }
    files.sort();
    Ok(files)
}

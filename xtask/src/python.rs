//! A Python with the modules that a suite needs.

use std::path::PathBuf;

use anyhow::Result;

use crate::shell::{is_installed, program, target_dir};

/// The system's Python if it has the modules, else one of our own under the target directory that gets them
/// installed. `Err` in the inner result says what is missing here.
pub(crate) fn with_modules(modules: &[&str], packages: &[&str]) -> Result<Result<PathBuf, String>> {
    let system = PathBuf::from("python3");
    if !is_installed("python3") {
        return Ok(Err("python3 is not installed".to_owned()));
    }
    if has_modules(&system, modules)? {
        return Ok(Ok(system));
    }
    let home = target_dir()?.join("xtask-python");
    let own = home.join("bin/python3");
    if own.exists() && has_modules(&own, modules)? {
        return Ok(Ok(own));
    }
    let made = program(&system).args(["-m", "venv", "--clear"]).arg(&home).run()?
        && program(&own).args(["-m", "pip", "install", "--quiet"]).args(packages).run()?;
    if made && has_modules(&own, modules)? {
        return Ok(Ok(own));
    }
    Ok(Err(format!("python3 lacks {}, and installing them failed", modules.join(", "))))
}

fn has_modules(python: &PathBuf, modules: &[&str]) -> Result<bool> {
    let import = format!("import {}", modules.join(", "));
    Ok(program(python).args(["-c", &import]).output()?.status.success())
}

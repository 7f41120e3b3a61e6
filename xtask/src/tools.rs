//! Cargo's subcommands that tasks need, at the versions that they were written for.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::shell::{cargo, target_dir};

/// Installs a tool from the registry if that version is not there, and says where the program is.
///
/// It goes into a folder of its own beside the target directory: nobody's own tools are replaced, and a fresh clone
/// finds it compiled.
///
/// # Errors
/// When it cannot be had or compiled.
pub(crate) fn installed(name: &str, version: &str) -> Result<PathBuf> {
    let target = target_dir()?;
    let tools = match target.parent() {
        // In the working copy, what is made goes into the target directory alone.
        Some(parent) if parent != crate::shell::root() => parent.join("tools"),
        _ => target.join("tools"),
    };
    let folder = tools.join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if !program.exists() {
        let install = cargo("install --locked --quiet").arg(name).args(["--version", version]);
        let install = install.args(["--root".as_ref(), folder.as_os_str()]);
        // Away from the workspace's own artefacts, which another set of features would make stale.
        if !install.env("CARGO_TARGET_DIR", &folder.join("build").to_string_lossy()).run()? {
            bail!("{name} {version} could not be installed");
        }
        std::fs::remove_dir_all(folder.join("build"))?;
    }
    Ok(program)
}

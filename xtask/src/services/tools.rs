//! The programs that the servers are, installed once into a folder of their own and used again.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::home;
use super::lock::Lock;
use crate::shell::{cargo, is_installed, program};

/// Why a server can't run here. The other servers go on without it.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// What exactly is installed; when this changes, it is installed anew.
    pub(crate) packages: &'static [&'static str],
    /// The program that installs it.
    pub(crate) installer: &'static str,
    pub(crate) install: fn(packages: &[&str], folder: &Path) -> Result<bool>,
}

impl Tool {
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        Ok(home()?.join("tools").join(self.name))
    }

    /// Installs it unless it is there, and returns its folder.
    ///
    /// # Errors
    /// [`Missing`] if it can't be had here.
    pub(crate) fn ensure(&self) -> Result<PathBuf> {
        let _lock = Lock::take(&format!("install-{}", self.name))?;
        let folder = self.folder()?;
        // Written last, so that what an interrupted installation left behind is not taken for the tool. The
        // folder can't be made elsewhere and renamed: a virtual environment knows its own path.
        let whole = folder.join("installed");
        let packages = self.packages.join("\n");
        if fs::read_to_string(&whole).is_ok_and(|installed| installed == packages) {
            return Ok(folder);
        }
        need(self.installer)?;
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        println!("installing {} into {}", self.name, folder.display());
        if !(self.install)(self.packages, &folder)? {
            return Err(
                Missing(format!("{}: the installation by {} failed", self.name, self.installer)).into()
            );
        }
        fs::write(&whole, packages)?;
        Ok(folder)
    }
}

/// # Errors
/// [`Missing`] if the program is not installed.
pub(crate) fn need(name: &str) -> Result<()> {
    let version = program(name).arg("version").output();
    if is_installed(name) || version.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    Err(Missing(format!("{name} is not installed")).into())
}

/// For [`Tool::install`]: one package, with options of `cargo install` behind it. What it is built with goes when it is built, and is
/// not mixed with the workspace's own.
pub(crate) fn cargo_install(packages: &[&str], folder: &Path) -> Result<bool> {
    let build = folder.join("build");
    let install =
        cargo("install --locked").args(packages).arg("--root").arg(folder).arg("--target-dir").arg(&build);
    Ok(install.run()? && fs::remove_dir_all(build).is_ok())
}

/// For [`Tool::install`]: one package, by `go install`.
pub(crate) fn go(packages: &[&str], folder: &Path) -> Result<bool> {
    let bin = folder.to_string_lossy();
    program("go").arg("install").args(packages).env("GOBIN", &bin).env("GOFLAGS", "-mod=mod").run()
}

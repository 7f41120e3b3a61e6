//! Debian's packages: installed when this may, after saying so.

use std::path::Path;

use anyhow::Result;

use super::lock::Lock;
use super::tools::Missing;
use crate::shell::{is_installed, program};

/// A package, and a file that is there when it is installed. `*` stands for one folder's name.
pub(crate) type Package = (&'static str, &'static str);

/// # Errors
/// [`Missing`] if one is missing and can't be installed.
pub(crate) fn ensure(packages: &[Package]) -> Result<()> {
    let _lock = Lock::take("debian")?;
    let missing = || -> Vec<&str> {
        packages.iter().filter(|package| is_missing(package)).map(|(package, _)| *package).collect()
    };
    let wanted = missing();
    if wanted.is_empty() {
        return Ok(());
    }
    let names = wanted.join(" and ");
    if !is_installed("apt-get") {
        return Err(Missing(format!("not installed: {names}; nor is apt-get")).into());
    }
    if !is_root()? {
        let command = format!("apt-get install {}", wanted.join(" "));
        return Err(Missing(format!("not installed: {names}; as root: {command}")).into());
    }
    println!("installing the Debian packages {names}: this machine gets them, not only the tests");
    let apt = || program("apt-get").args(["--quiet=2", "-o", "DPkg::Lock::Timeout=120"]);
    let apt = || apt().env("DEBIAN_FRONTEND", "noninteractive");
    // Without a list of packages, or with an old one, the installation fails; one that works is not asked for.
    let install = || apt().args(["install", "--yes", "--no-install-recommends"]).args(&wanted).run();
    if !install()? {
        apt().arg("update").run()?;
        install()?;
    }
    if missing().is_empty() {
        Ok(())
    } else {
        Err(Missing(format!("apt-get could not install {names}")).into())
    }
}

pub(crate) fn is_missing((_, file): &Package) -> bool {
    !is_there(file)
}

pub(crate) fn is_root() -> Result<bool> {
    Ok(program("id").arg("-u").output()?.stdout.trim_ascii() == b"0")
}

fn is_there(file: &str) -> bool {
    let Some((before, after)) = file.split_once("*/") else { return Path::new(file).exists() };
    let folders = std::fs::read_dir(before).into_iter().flatten().flatten();
    folders.into_iter().any(|folder| folder.path().join(after).exists())
}

//! The libraries as rustdoc's JSON.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::shell::{cargo, program, target_dir};

const ASKED: &str = "XTASK_IS_RUSTDOC";

/// Documents the libraries with all their features and returns the folder that then has a `NAME.json` for each. The
/// packages are those of the lint for documentation, so that what that one compiled is there.
pub(super) fn document() -> Result<PathBuf> {
    let target = target_dir()?;
    let own = std::env::current_exe().context("cannot find this program's own path")?;
    let documented = cargo("doc --workspace --no-deps --all-features --exclude audit-benches --lib")
        .env("RUSTDOC", &own.to_string_lossy())
        .env("RUSTDOCFLAGS", "-Z unstable-options --output-format json --cap-lints allow")
        .env(ASKED, "1")
        .env("CARGO_TARGET_DIR", &target.to_string_lossy())
        .run()?;
    if !documented {
        bail!("rustdoc failed");
    }
    Ok(target.join("doc"))
}

/// Which Rust's it is, as in `1.95`.
pub(super) fn version() -> Result<String> {
    let said = program("rustdoc").arg("--version").output()?;
    let said = String::from_utf8_lossy(&said.stdout);
    let number = said.split(' ').nth(1).context("rustdoc does not tell its version")?;
    Ok(number.split('.').take(2).collect::<Vec<_>>().join("."))
}

/// Stands in for rustdoc where [`document`] asked cargo to call this program instead. The JSON is for nightlies only
/// unless a variable says otherwise, and were it set for cargo as a whole, half of the dependencies would build anew:
/// their build scripts watch it.
pub(crate) fn run_as_rustdoc() -> Option<ExitCode> {
    std::env::var_os(ASKED)?;
    let mut rustdoc = Command::new("rustdoc");
    let status = rustdoc.args(std::env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1").status();
    Some(match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cannot run rustdoc: {error}");
            ExitCode::FAILURE
        }
    })
}

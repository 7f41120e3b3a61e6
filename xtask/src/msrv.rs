//! `rust-version`: one for the workspace, and a higher one only where dependencies ask for it.

use std::collections::BTreeMap;

use anyhow::Result;
use cargo_metadata::semver::Version;

use crate::report::{Outcome, Report};
use crate::shell::{Shell, program, target_dir};
use crate::workspace::{Features, Workspace};

/// `cargo xtask msrv`: each crate, with its default features, by the Rust that it says it builds with.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    let workspace = Workspace::read()?;
    let mut crates: BTreeMap<Version, Vec<&str>> = BTreeMap::new();
    for member in workspace.published() {
        if let Some(rust) = &member.rust_version {
            crates.entry(rust.clone()).or_default().push(&member.name);
        }
    }
    for (rust, names) in &crates {
        report.suite(&format!("{} crates by Rust {rust}", names.len()), || build(rust, names));
    }
    Ok(())
}

fn build(rust: &Version, crates: &[&str]) -> Result<Outcome> {
    let version = by(rust).arg("--version").output();
    if !version.is_ok_and(|output| output.status.success()) {
        return Ok(Outcome::Skipped(format!(
            "Rust {rust} is not installed; run `rustup toolchain install {rust} --profile minimal`"
        )));
    }
    // Of its own: what another Rust compiled is of no use to it.
    let target = target_dir()?.join("msrv");
    each(crates, |name| {
        let check = by(rust).args(["check", "--locked", "--package", name]);
        check.env("CARGO_TARGET_DIR", &target.to_string_lossy())
    })
}

/// By itself: of several that one command names, each has the features that any of them asks for.
fn each(crates: &[&str], check: impl Fn(&str) -> Shell) -> Result<Outcome> {
    let mut failed = Vec::new();
    for name in crates {
        if !check(name).run()? {
            failed.push(*name);
        }
    }
    Ok(if failed.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("{}: see above", failed.join(", ")))
    })
}

/// Its cargo, which calls its compiler.
fn by(rust: &Version) -> Shell {
    program("rustup").args(["run", &rust.to_string(), "cargo"])
}

/// That no dependency says it needs a newer Rust than the crate does: with the default features exactly so, with all of
/// them only printed. It believes what the dependencies say, and compiles nothing: [`run`] does. What of the standard
/// library our own code may use, clippy holds to `rust-version`: `incompatible_msrv` is denied in the workspace's lints.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let mut wrong = Vec::new();
    let packages = workspace.packages();
    let common = workspace
        .members()
        .iter()
        .find(|member| member.name == "xtask")
        .and_then(|xtask| xtask.rust_version.clone());
    let Some(common) = common else { return Ok(Outcome::Failed("xtask has no rust-version".to_owned())) };
    println!("rust-version {common}");
    for member in workspace.published() {
        let needed = |features: Features<'_>| -> Result<Version> {
            let compiled = workspace.compiled(&member.name, features)?;
            let versions = compiled
                .iter()
                .filter_map(|pinned| packages.get(pinned))
                .filter(|package| package.source.is_some());
            Ok(versions.filter_map(|package| package.rust_version.clone()).fold(common.clone(), Version::max))
        };
        let with_defaults = needed(Features::Default)?;
        if member.rust_version.as_ref() != Some(&with_defaults) {
            let says = if with_defaults == common {
                "rust-version.workspace = true".to_owned()
            } else {
                format!("rust-version = \"{with_defaults}\"")
            };
            wrong.push(format!("{}: its dependencies need `{says}`", member.name));
        }
        let with_all = needed(Features::All)?;
        if with_all > common {
            let when = if with_defaults == with_all { "" } else { ", with all features" };
            println!("{}: {with_all}{when}", member.name);
        }
    }
    Ok(Outcome::of(&wrong))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;

    #[test]
    fn each_crate_is_checked_whatever_became_of_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let check = |name: &str| {
            let command = program("sh").args(["-c", "echo >> $0 && test $0 = a -o $0 = d", name]);
            command.within(folder.path())
        };
        let outcome = each(&["a", "b", "c", "d"], check).unwrap();
        assert!(matches!(outcome, Outcome::Failed(why) if why == "b, c: see above"));
        assert!(["a", "b", "c", "d"].iter().all(|name| folder.path().join(name).exists()));
        assert!(matches!(each(&["a", "d"], check).unwrap(), Outcome::Passed));
    }
}

//! `cargo xtask crates`: each crate can be published, found, taken alone, and is reached through the facade.

use std::fs;

use anyhow::{Context as _, Result};

use crate::report::{Outcome, Report};
use crate::shell::{cargo, target_dir};
use crate::workspace::Workspace;
use crate::{facade, manifests, msrv};

/// A package is sources and a README: one that is larger took in what it should not have.
const LARGEST: u64 = 512 << 10;

pub(crate) fn run(report: &mut Report) -> Result<()> {
    let workspace = Workspace::read()?;
    lint(report, &workspace);
    packages(report);
    Ok(())
}

pub(crate) fn packages(report: &mut Report) {
    report.suite("packages and their sizes", || sizes(&Workspace::read()?));
}

/// What is told without building anything.
pub(crate) fn lint(report: &mut Report, workspace: &Workspace) {
    report.suite("each crate's metadata and README", || manifests::check(workspace));
    report.suite("the facade has every crate", || facade::check(workspace));
    report.suite("rust-version", || msrv::check(workspace));
}

fn sizes(workspace: &Workspace) -> Result<Outcome> {
    let mut package = cargo("package --quiet --workspace --no-verify --allow-dirty");
    for member in workspace.members().iter().filter(|member| member.publish.is_some()) {
        package = package.args(["--exclude", &member.name]);
    }
    let output = package.output()?;
    if !output.status.success() {
        return Ok(Outcome::Failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let folder = target_dir()?.join("package");
    let mut sum = 0;
    let mut too_large = Vec::new();
    for member in workspace.published() {
        let file = folder.join(format!("{}-{}.crate", member.name, member.version));
        let size = fs::metadata(&file).with_context(|| format!("no package {}", file.display()))?.len();
        println!("{:24}{:8.1} KiB", member.name, size as f64 / 1024.0);
        sum += size;
        if size > LARGEST {
            too_large.push(format!("{}: {size} bytes; see `cargo package --list -p {0}`", member.name));
        }
    }
    println!("{:24}{:8.1} KiB", "together", sum as f64 / 1024.0);
    Ok(Outcome::of(&too_large))
}

//! `rust-version`: one for the workspace, and a higher one only where dependencies ask for it.

use anyhow::Result;
use cargo_metadata::semver::Version;

use crate::report::Outcome;
use crate::workspace::{Features, Workspace};

/// Which Rust the standard library's API is held to, clippy knows from `rust-version`: `incompatible_msrv` is denied in
/// the workspace's lints. Here it is about what the dependencies ask for.
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

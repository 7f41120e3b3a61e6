//! `cargo xtask release prepare VERSION`

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use jiff::Zoned;
use jiff::civil::Date;
use semver::Version;

use super::checkout::Checkout;
use super::{changelog, gates, git, manifest, mentions};
use crate::report::{Outcome, Report};
use crate::{api, readme};

pub(crate) fn run(
    report: &mut Report,
    checkout: &Checkout,
    version: &str,
    date: Option<&str>,
    with_advisories: bool,
) -> Result<()> {
    report
        .suite(&format!("prepare {version}"), || prepare(checkout, version, date).map(|()| Outcome::Passed));
    if report.has_failed() {
        return Ok(());
    }
    gates(report, with_advisories)?;
    api::check(report);
    if report.has_failed() {
        println!(
            "\nThe version is set everywhere. Put right what failed before you commit it; `git restore .` takes it back"
        );
        return Ok(());
    }
    println!(
        "\nLook next at\n    git diff\nand at the public API above, if it changed; then\n    \
         git commit --all --message 'Release {version}'\n    cargo xtask release check\n    \
         cargo xtask release publish"
    );
    Ok(())
}

/// Changes the files, once all that can be refused was asked.
///
/// # Errors
/// Each with what to do about it.
pub(crate) fn prepare(checkout: &Checkout, version: &str, date: Option<&str>) -> Result<()> {
    let version: Version =
        version.parse().with_context(|| format!("`{version}` is no version, as 0.2.0 is one"))?;
    let date: Date = match date {
        None => Zoned::now().date(),
        Some(date) => date.parse().with_context(|| format!("`{date}` is no date, as 2026-11-22 is one"))?,
    };
    git::need_clean(checkout)?;
    let now = checkout.version()?;
    // The first release may be of the version that the crates have had from the start.
    let is_first = git::last_release(checkout)?.is_none() && !changelog::has_releases(checkout)?;
    if version < now || version == now && !is_first {
        bail!("{version} is not higher than {now}, which the crates have now; take a higher one");
    }
    large_enough(checkout, &version)?;
    let others = mentions::of_other_versions(checkout, &now)?;
    if !others.is_empty() {
        bail!("these lines name a version that is not {now}; correct them:\n{}", others.join("\n"));
    }
    let root_manifest = checkout.file("Cargo.toml");
    let history = checkout.file("CHANGELOG.md");
    let read =
        |path: &Path| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let new_manifest = manifest::with_version(&read(&root_manifest)?, &version)?;
    let new_history = changelog::release(&read(&history)?, &version, date)?;
    // As they will be.
    let text = |name: &str| anyhow::Ok(mentions::with_version(&read(&checkout.file(name))?, &version));
    let mistakes = readme::mistakes(&text(readme::README)?, &text(readme::FACADE)?, &version)?;
    if !mistakes.is_empty() {
        bail!("the README is not ready; correct it:\n{}", mistakes.join("\n"));
    }
    fs::write(&root_manifest, new_manifest).context("cannot write Cargo.toml")?;
    fs::write(&history, new_history).context("cannot write CHANGELOG.md")?;
    mentions::set(checkout, &version)?;
    if !checkout.cargo("update --workspace --offline --quiet").run()? {
        bail!("Cargo.lock could not be brought to {version}");
    }
    let fuzz = checkout.file("fuzz/Cargo.lock");
    if fuzz.exists() {
        let lock = manifest::lock_with_version(&read(&fuzz)?, &now, &version).context("fuzz/Cargo.lock")?;
        fs::write(&fuzz, lock).context("cannot write fuzz/Cargo.lock")?;
    }
    println!("{now} -> {version}, of {date}");
    Ok(())
}

/// Held against the last release, whatever versions were prepared since.
fn large_enough(checkout: &Checkout, version: &Version) -> Result<()> {
    let Some(tag) = git::last_release(checkout)? else {
        if changelog::has_releases(checkout)? {
            bail!(
                "CHANGELOG.md has a release, and there is no tag of one, so nobody can say what broke since; fetch it: git fetch --tags"
            );
        }
        println!("no tag of a release: this is the first one, which breaks nobody");
        return Ok(());
    };
    let released: Version = tag.trim_start_matches('v').parse().with_context(|| format!("the tag {tag}"))?;
    let step = api::step_since(&checkout.root, &tag)?;
    let advice = step.advice(&released);
    if !step.is_made(&released, version) {
        bail!("{version} is too small: {advice}");
    }
    println!("{advice}");
    Ok(())
}

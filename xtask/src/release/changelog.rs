//! The changelog's section of what is not released yet becomes that of a version.

use std::fs;

use anyhow::{Context as _, Result, bail};
use jiff::civil::Date;
use semver::Version;

use super::checkout::Checkout;

const UNRELEASED: &str = "## [Unreleased]";

/// The changelog after the release: an empty Unreleased section, then the version with its date and all that was
/// in it.
///
/// # Errors
/// If there is no Unreleased section, nothing in it, or one of the version already.
pub(crate) fn release(changelog: &str, version: &Version, date: Date) -> Result<String> {
    let (before, rest) = changelog
        .split_once(UNRELEASED)
        .with_context(|| format!("CHANGELOG.md has no section `{UNRELEASED}`; add one"))?;
    let heading = heading(version);
    if has(changelog, &heading) {
        bail!("CHANGELOG.md has a section `{heading}` already; take a higher version");
    }
    if !section(rest).lines().any(|line| line.starts_with("- ")) {
        bail!("CHANGELOG.md has nothing below `{UNRELEASED}`; write there what this release changes");
    }
    Ok(format!("{before}{UNRELEASED}\n\n{heading} - {date}{rest}"))
}

/// What is published was prepared: its changes are told under its version.
///
/// # Errors
/// If they are not.
pub(crate) fn need(checkout: &Checkout, version: &Version) -> Result<()> {
    let heading = heading(version);
    if !has(&read(checkout)?, &heading) {
        bail!("CHANGELOG.md has no section `{heading}`; run `cargo xtask release prepare` first");
    }
    Ok(())
}

/// Whether a version was released before.
pub(crate) fn has_releases(checkout: &Checkout) -> Result<bool> {
    Ok(read(checkout)?.lines().any(|line| line.starts_with("## [") && !line.starts_with(UNRELEASED)))
}

fn read(checkout: &Checkout) -> Result<String> {
    fs::read_to_string(checkout.file("CHANGELOG.md")).context("cannot read CHANGELOG.md")
}

fn heading(version: &Version) -> String {
    format!("## [{version}]")
}

fn has(changelog: &str, heading: &str) -> bool {
    changelog.lines().any(|line| line.starts_with(heading))
}

/// Until the next version's heading.
fn section(rest: &str) -> &str {
    rest.find("\n## ").map_or(rest, |end| &rest[..end])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;

    const VERSION: Version = Version::new(0, 2, 0);
    const DATE: Date = jiff::civil::date(2026, 11, 22);

    #[test]
    fn what_was_unreleased_gets_the_version() {
        let before =
            "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- a: b.\n\n## [0.1.0] - 2026-01-01\n\n- c: d.\n";
        let after = "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-11-22\n\n### Added\n\n- a: b.\n\n\
                     ## [0.1.0] - 2026-01-01\n\n- c: d.\n";
        assert_eq!(release(before, &VERSION, DATE).unwrap(), after);
    }

    #[test]
    fn nothing_to_release_is_refused() {
        let headings_only = "## [Unreleased]\n\n### Added\n\n## [0.1.0] - 2026-01-01\n\n- c: d.\n";
        let error = release(headings_only, &VERSION, DATE).unwrap_err().to_string();
        assert!(error.contains("write there what this release changes"), "{error}");
    }

    #[test]
    fn a_version_is_released_once() {
        let again = "## [Unreleased]\n\n- a: b.\n\n## [0.2.0] - 2026-01-01\n\n- c: d.\n";
        let error = release(again, &VERSION, DATE).unwrap_err().to_string();
        assert!(error.contains("take a higher version"), "{error}");
    }

    #[test]
    fn a_changelog_without_the_section_is_refused() {
        let error = release("# Changelog\n", &VERSION, DATE).unwrap_err().to_string();
        assert!(error.contains("add one"), "{error}");
    }
}

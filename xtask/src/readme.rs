//! What README.md says that nothing else would notice to be wrong.

mod figures;

use std::fs;

use anyhow::{Context as _, Result};
use semver::Version;

use crate::compare;
use crate::report::Outcome;
use crate::shell::root;

pub(crate) const README: &str = "README.md";
/// Of the crate that one begins with.
pub(crate) const FACADE: &str = "crates/audit-log/README.md";
const BENCHMARKS: &str = "## Benchmarks";
/// What a link to a bench begins with.
const TO_A_BENCH: &str = "](benches/benches/";

pub(crate) fn check() -> Result<Outcome> {
    let read = |name: &str| fs::read_to_string(root().join(name)).with_context(|| name.to_owned());
    let version = env!("CARGO_PKG_VERSION").parse()?;
    let ours = read(README)?;
    let mut wrong = mistakes(&ours, &read(FACADE)?, &version)?;
    wrong.extend(figures::not_measured(&ours, &read(compare::PAGE)?));
    Ok(Outcome::of(&wrong))
}

/// The example is the facade's, whose README is run as a test; the versions in the snippets are the workspace's.
///
/// # Errors
/// If there is no example.
pub(crate) fn mistakes(ours: &str, facade: &str, version: &Version) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let tested: String =
        block(facade, FACADE)?.split_inclusive('\n').filter(|line| !line.starts_with("# ")).collect();
    if block(ours, README)? != tested {
        wrong.push(format!("the example in {README} is not the one in {FACADE}"));
    }
    let version = format!("\"{}\"", as_written(version));
    for snippet in ours.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        if !snippet.contains(&version) {
            wrong.push(format!("{README} does not name version {version} in:\n{snippet}"));
        }
    }
    wrong.extend(not_shown(ours, "## What is promised", "/tests/"));
    wrong.extend(not_shown(ours, BENCHMARKS, TO_A_BENCH));
    Ok(wrong)
}

/// The rows of a section's table that link to nothing below such a folder. That what is linked to is there, `cargo xtask book` checks.
fn not_shown(page: &str, heading: &str, folder: &str) -> Vec<String> {
    let mut rows = rows(page, heading).peekable();
    if rows.peek().is_none() {
        return vec![format!("README.md has no table below `{heading}`")];
    }
    rows.filter(|row| !row.contains(folder))
        .map(|row| format!("README.md makes a claim without a link to a file below `{folder}`:\n{row}"))
        .collect()
}

/// Of a section's table.
fn rows<'a>(page: &'a str, heading: &str) -> impl Iterator<Item = &'a str> {
    let section = page.split(heading).nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    section.lines().filter(|line| line.starts_with('|')).skip(2)
}

/// As in a manifest: 0.1, or 1.
fn as_written(version: &Version) -> String {
    if version.major == 0 { format!("0.{}", version.minor) } else { version.major.to_string() }
}

fn block<'a>(page: &'a str, name: &str) -> Result<&'a str> {
    let found = page.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next());
    found.with_context(|| format!("there is no block of Rust in {name}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;

    const PAGE: &str = "```rust\na();\n```\n\n```toml\naudit-log = \"0.2\"\n```\n\n\
                        ## What is promised\n\n| promise | shown by |\n|---|---|\n| a | [t](crates/a/tests/t.rs) |\n\n\
                        ## Benchmarks\n\n| what | by |\n|---|---|\n| a | [b](benches/benches/b.rs) |\n";

    #[test]
    fn another_example_or_version_is_found() {
        let facade = "```rust\n# hidden();\na();\n```\n";
        let found = |page: &str, version| mistakes(page, facade, &version).unwrap();
        assert!(found(PAGE, Version::new(0, 2, 7)).is_empty());
        assert!(found(PAGE, Version::new(0, 3, 0))[0].contains("does not name version \"0.3\""));
        assert!(found(PAGE, Version::new(2, 0, 0))[0].contains("does not name version \"2\""));
        assert!(found(&PAGE.replace("a();", "b();"), Version::new(0, 2, 0))[0].contains("is not the one"));
        assert!(mistakes("", facade, &Version::new(0, 2, 0)).is_err());
    }

    #[test]
    fn a_claim_without_its_test_is_found() {
        let page = "## What is promised\n\n| promise | shown by |\n|---|---|\n| a | [t](crates/a/tests/t.rs) |\n| b | us |\n\n## More\n";
        let wrong = not_shown(page, "## What is promised", "/tests/");
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].ends_with("| b | us |"), "{wrong:?}");
        assert_eq!(
            not_shown(page, "## Benchmarks", "/benches/"),
            ["README.md has no table below `## Benchmarks`"]
        );
    }
}

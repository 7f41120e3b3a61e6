//! What README.md says that nothing else would notice to be wrong.

use std::fs;

use anyhow::{Context as _, Result};

use crate::report::Outcome;
use crate::shell::root;

/// The example is the facade's, whose README is run as a test; the versions in the snippets are the workspace's.
pub(crate) fn check() -> Result<Outcome> {
    let ours = fs::read_to_string(root().join("README.md"))?;
    let facade = fs::read_to_string(root().join("crates/audit-log/README.md"))?;
    let mut wrong = Vec::new();
    let tested: String =
        block(&facade, "rust")?.split_inclusive('\n').filter(|line| !line.starts_with("# ")).collect();
    if block(&ours, "rust")? != tested {
        wrong.push("the example in README.md is not the one in crates/audit-log/README.md".to_owned());
    }
    let version = format!("\"{}\"", version()?);
    for snippet in ours.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        if !snippet.contains(&version) {
            wrong.push(format!("README.md does not name version {version} in:\n{snippet}"));
        }
    }
    wrong.extend(not_shown(&ours, "## What is promised", "/tests/"));
    wrong.extend(not_shown(&ours, "## Benchmarks", "](benches/benches/"));
    Ok(Outcome::of(&wrong))
}

/// The rows of a section's table that link to nothing below such a folder. That what is linked to is there, `cargo xtask book` checks.
fn not_shown(page: &str, heading: &str, folder: &str) -> Vec<String> {
    let section = page.split(heading).nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    let mut rows = section.lines().filter(|line| line.starts_with('|')).skip(2).peekable();
    if rows.peek().is_none() {
        return vec![format!("README.md has no table below `{heading}`")];
    }
    rows.filter(|row| !row.contains(folder))
        .map(|row| format!("README.md makes a claim without a link to a file below `{folder}`:\n{row}"))
        .collect()
}

/// As one writes it into a manifest: 0.1, or 1.
fn version() -> Result<String> {
    let mut parts = env!("CARGO_PKG_VERSION").split('.');
    let (major, minor) = (parts.next().context("a version")?, parts.next().context("its second part")?);
    Ok(if major == "0" { format!("0.{minor}") } else { major.to_owned() })
}

fn block<'a>(page: &'a str, language: &str) -> Result<&'a str> {
    let begin = format!("```{language}\n");
    let found = page.split(&begin).nth(1).and_then(|rest| rest.split("```").next());
    found.with_context(|| format!("there is no block of {language}"))
}

#[cfg(test)]
mod tests {
    use super::*;

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

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
    Ok(if wrong.is_empty() { Outcome::Passed } else { Outcome::Failed(wrong.join("\n")) })
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

//! What a release asks of git.

use anyhow::{Result, bail};

use super::checkout::Checkout;

/// What is published must be what is committed.
///
/// # Errors
/// If it is not, with what differs.
pub(crate) fn need_clean(checkout: &Checkout) -> Result<()> {
    let changes = ask(checkout, &["status", "--porcelain"])?;
    if changes.is_empty() {
        return Ok(());
    }
    bail!("these files differ from the last commit; commit or stash them, then try again:\n{changes}")
}

/// The commit that a tag is on, if there is such a tag.
pub(crate) fn tagged(checkout: &Checkout, tag: &str) -> Result<Option<String>> {
    let name = format!("refs/tags/{tag}^{{commit}}");
    let output = checkout.git(&["rev-parse", "--quiet", "--verify", &name]).output()?;
    Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned()))
}

/// The tag of the newest release that this commit comes after.
pub(crate) fn last_release(checkout: &Checkout) -> Result<Option<String>> {
    let tags = ask(checkout, &["tag", "--merged", "HEAD", "--sort=-version:refname", "--list", "v[0-9]*"])?;
    Ok(tags.lines().next().map(str::to_owned))
}

pub(crate) fn head(checkout: &Checkout) -> Result<String> {
    ask(checkout, &["rev-parse", "HEAD"])
}

/// Runs git for what it prints.
pub(crate) fn ask(checkout: &Checkout, arguments: &[&str]) -> Result<String> {
    let output = checkout.git(arguments).output()?;
    if !output.status.success() {
        bail!("`git {}` failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

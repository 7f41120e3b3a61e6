//! The root manifest: the one version, and the dependencies of our crates on each other.

use anyhow::{Context as _, Result};
use semver::Version;
use toml_edit::{DocumentMut, InlineTable, Value};

/// The manifest with another version for all crates, and for what they ask of each other.
///
/// # Errors
/// If it is no manifest of a workspace.
pub(crate) fn with_version(manifest: &str, version: &Version) -> Result<String> {
    let mut document: DocumentMut = manifest.parse().context("Cargo.toml is no TOML")?;
    let package = document["workspace"]["package"].as_table_mut();
    let own = package.and_then(|package| package.get_mut("version")).and_then(|own| own.as_value_mut());
    replace(own.context("Cargo.toml has no `workspace.package.version`")?, version);
    for dependency in internal(&mut document)? {
        if let Some(own) = dependency.get_mut("version") {
            replace(own, version);
        }
    }
    Ok(document.to_string())
}

/// The manifest with our crates to be had from a registry of this name, rather than from crates.io, by whoever
/// does not have them in the same checkout.
///
/// # Errors
/// If it is no manifest of a workspace.
pub(crate) fn with_registry(manifest: &str, registry: &str) -> Result<String> {
    let mut document: DocumentMut = manifest.parse().context("Cargo.toml is no TOML")?;
    for dependency in internal(&mut document)? {
        dependency.insert("registry", registry.into());
    }
    Ok(document.to_string())
}

/// The lock file of another workspace that has our crates by their paths.
///
/// # Errors
/// If it is no lock file.
pub(crate) fn lock_with_version(lock: &str, from: &Version, to: &Version) -> Result<String> {
    let mut document: DocumentMut = lock.parse().context("this is no lock file")?;
    let packages = document["package"].as_array_of_tables_mut().context("this is no lock file")?;
    // What has no source has a path.
    for package in packages.iter_mut().filter(|package| !package.contains_key("source")) {
        if let Some(own) = package.get_mut("version").and_then(|own| own.as_value_mut())
            && own.as_str() == Some(&from.to_string())
        {
            replace(own, to);
        }
    }
    Ok(document.to_string())
}

/// The dependencies that are members: they have a path.
fn internal(document: &mut DocumentMut) -> Result<impl Iterator<Item = &mut InlineTable>> {
    let all = document["workspace"]["dependencies"].as_table_mut();
    let all = all.context("Cargo.toml has no `workspace.dependencies`")?;
    let inline = all.iter_mut().filter_map(|(_, item)| item.as_inline_table_mut());
    Ok(inline.filter(|dependency| dependency.contains_key("path")))
}

/// Keeps the white space around it.
fn replace(value: &mut Value, version: &Version) {
    let decor = value.decor().clone();
    *value = version.to_string().into();
    *value.decor_mut() = decor;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;

    const MANIFEST: &str = r#"[workspace.package]
version = "0.1.0" # one

[workspace.dependencies]
ours = { path = "crates/ours", version = "0.1.0", default-features = false }
# theirs
theirs = { version = "0.1.0", features = ["a"] }
plain = "0.1.0"
"#;

    #[test]
    fn only_our_own_versions_change() {
        let after = with_version(MANIFEST, &Version::new(0, 2, 0)).unwrap();
        let expected = MANIFEST
            .replace("version = \"0.1.0\" # one", "version = \"0.2.0\" # one")
            .replace("crates/ours\", version = \"0.1.0\"", "crates/ours\", version = \"0.2.0\"");
        assert_eq!(after, expected);
    }

    #[test]
    fn a_lock_file_follows() {
        let lock = "version = 4\n\n[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n\n[[package]]\n\
                    name = \"theirs\"\nversion = \"0.1.0\"\nsource = \"registry\"\n\n[[package]]\n\
                    name = \"fuzz\"\nversion = \"0.0.0\"\n";
        let after = lock_with_version(lock, &Version::new(0, 1, 0), &Version::new(0, 2, 0)).unwrap();
        assert_eq!(after, lock.replacen("0.1.0", "0.2.0", 1));
    }

    #[test]
    fn only_our_own_crates_get_the_registry() {
        let after = with_registry(MANIFEST, "far").unwrap();
        let named: Vec<&str> = after.lines().filter(|line| line.contains("registry = \"far\"")).collect();
        assert_eq!(named.len(), 1);
        assert!(named[0].starts_with("ours = "));
    }
}

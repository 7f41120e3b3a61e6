//! Where texts name a version of ours: `audit-log:0.1.0` of an image, `audit-model = "0.1"` of a dependency.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use regex::{Captures, Regex};
use semver::Version;

use super::checkout::Checkout;
use super::git;

static IMAGE: LazyLock<Regex> = LazyLock::new(|| {
    let image = r#"(audit-log:|org\.opencontainers\.image\.version=")(\d+\.\d+\.\d+[-.0-9A-Za-z]*)"#;
    Regex::new(image).expect("a test uses it")
});

static DEPENDENCY: LazyLock<Regex> = LazyLock::new(|| {
    let dependency =
        r#"(audit-[a-z0-9-]+(?:@| = "| = \{[^}]*version = ")\^?=?)(\d+(?:\.\d+)*[-.0-9A-Za-z]*)"#;
    Regex::new(dependency).expect("a test uses it")
});

/// Writes the version into every text.
pub(crate) fn set(checkout: &Checkout, version: &Version) -> Result<()> {
    for path in texts(checkout)? {
        let before = read(&path)?;
        let after = with_version(&before, version);
        if after != before {
            fs::write(&path, after).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}

/// Every line that names another version, as `file:line: text`.
pub(crate) fn of_other_versions(checkout: &Checkout, version: &Version) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for path in texts(checkout)? {
        let shown = path.strip_prefix(&checkout.root).unwrap_or(&path).display().to_string();
        let text = read(&path)?;
        let wrong = text.lines().enumerate().filter(|(_, line)| names_another(line, version));
        found.extend(wrong.map(|(place, line)| format!("{shown}:{}: {}", place + 1, line.trim())));
    }
    Ok(found)
}

/// The text with the version wherever one is named, as exactly as it was.
pub(super) fn with_version(text: &str, version: &Version) -> String {
    let text = IMAGE.replace_all(text, |found: &Captures<'_>| format!("{}{version}", &found[1]));
    let as_exactly = |found: &Captures<'_>| {
        let numbers = [version.major, version.minor, version.patch].map(|number| number.to_string());
        match found[2].split('.').count() {
            exact @ 1..=2 => format!("{}{}", &found[1], numbers[..exact].join(".")),
            _ => format!("{}{version}", &found[1]),
        }
    };
    DEPENDENCY.replace_all(&text, as_exactly).into_owned()
}

fn names_another(line: &str, version: &Version) -> bool {
    let images = IMAGE.captures_iter(line).any(|found| found[2] != version.to_string());
    let dependencies = DEPENDENCY.captures_iter(line).any(|found| !covers(&found[2], version));
    images || dependencies
}

/// `0.1` covers 0.1.3; written out, it has to be that version.
fn covers(written: &str, version: &Version) -> bool {
    let whole = version.to_string();
    whole.strip_prefix(written).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What people and their machines read, and cargo does not: no manifest or lock file, and no changelog.
fn texts(checkout: &Checkout) -> Result<Vec<PathBuf>> {
    let listed = git::ask(checkout, &["ls-files", "Dockerfile", "*.md", "docs/*"])?;
    let is_text = |path: &&str| {
        let ending = Path::new(path).extension().and_then(|ending| ending.to_str());
        let last = Path::new(path).file_name().and_then(|name| name.to_str());
        last != Some("CHANGELOG.md")
            && (last == Some("Dockerfile") || matches!(ending, Some("md" | "yaml" | "yml" | "json")))
    };
    Ok(listed.lines().filter(is_text).map(|path| checkout.file(path)).collect())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: Version = Version::new(0, 2, 0);

    #[test]
    fn images_get_the_version_and_the_rest_stays() {
        let before = "image: audit-log:0.1.0\napiVersion: 0.1.0\n    image.version=\"0.1.0\"\n";
        let after = with_version(before, &VERSION);
        assert_eq!(after, before.replace("audit-log:0.1.0", "audit-log:0.2.0"));
        let label = with_version("org.opencontainers.image.version=\"0.1.0-rc.1\"", &VERSION);
        assert_eq!(label, "org.opencontainers.image.version=\"0.2.0\"");
    }

    #[test]
    fn dependencies_get_it_as_exactly_as_it_was() {
        for (before, after) in [
            ("audit-log = \"0.1\"", "audit-log = \"0.2\""),
            (
                "audit-log = { version = \"0.1.0\", features = [] }",
                "audit-log = { version = \"0.2.0\", features = [] }",
            ),
            ("cargo add audit-log@=0.1.0", "cargo add audit-log@=0.2.0"),
            ("audit-integrity = \"0\"", "audit-integrity = \"0\""),
        ] {
            assert_eq!(with_version(before, &VERSION), after);
        }
    }

    #[test]
    fn another_version_is_noticed_however_it_is_written() {
        for line in [
            "audit-log = \"0.1\"",
            "audit-model = { version = \"0.1.0\", default-features = false }",
            "cargo add audit-log@0.1.0",
            "docker run audit-log:0.1.0",
            "audit-log = { features = [\"file\"], version = \"0.20\" }",
        ] {
            assert!(names_another(line, &VERSION), "{line}");
        }
        for line in [
            "audit-log = \"0.2\"",
            "audit-log = { features = [\"file\"], version = \"0.2.0\" }",
            "cargo add audit-log",
            "Redpanda's `_redpanda.audit_log` of OCSF 1.0.0",
            "audit-trail, a crate of others, 1.1",
        ] {
            assert!(!names_another(line, &VERSION), "{line}");
        }
    }
}

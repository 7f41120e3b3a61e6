//! Each crate's manifest, README and licence files.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, Package, TargetKind};
use toml_edit::{DocumentMut, Item};

use crate::report::Outcome;
use crate::shell::root;
use crate::workspace::Workspace;

/// The registry's categories that ours are in; it drops those that it does not know.
const CATEGORIES: &[&str] = &[
    "api-bindings",
    "asynchronous",
    "authentication",
    "command-line-utilities",
    "concurrency",
    "config",
    "cryptography",
    "data-structures",
    "database-implementations",
    "date-and-time",
    "development-tools::debugging",
    "email",
    "encoding",
    "filesystem",
    "network-programming",
    "os::unix-apis",
    "parser-implementations",
    "template-engine",
    "text-processing",
    "value-formatting",
    "web-programming",
    "web-programming::http-client",
    "web-programming::http-server",
];

pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let members: BTreeSet<&str> = workspace.members().iter().map(|member| member.name.as_str()).collect();
    let mut wrong = Vec::new();
    for package in workspace.members() {
        let is_crate = package.manifest_path.starts_with(root().join("crates"));
        if is_crate != package.publish.is_none() {
            wrong.push(format!("{}: what is in crates/ is published, and nothing else", package.name));
        }
        if !takes_lints(&fs::read_to_string(&package.manifest_path)?)? {
            wrong.push(format!("{}: needs `[lints]` with `workspace = true`", package.name));
        }
        if package.publish.is_none() {
            let faults =
                [metadata(package), dependencies(package, &members), readme(package)?, files(package)?];
            wrong.extend(faults.concat().into_iter().map(|fault| format!("{}: {fault}", package.name)));
        }
    }
    println!("{} crates", workspace.published().len());
    Ok(Outcome::of(&wrong))
}

/// Cargo does not tell: without it a crate has none of them, and clippy passes.
fn takes_lints(manifest: &str) -> Result<bool> {
    let manifest: DocumentMut = manifest.parse().context("a manifest is no TOML")?;
    let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
    Ok(lints.and_then(Item::as_bool) == Some(true))
}

fn metadata(package: &Package) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    must(
        package.description.as_ref().is_some_and(|text| text.ends_with('.')),
        "needs a description: a sentence",
    );
    must(package.license.as_deref() == Some("MIT OR Apache-2.0"), "needs `license.workspace = true`");
    must(package.repository.is_some(), "needs `repository.workspace = true`");
    must(package.readme.is_some(), "needs a README.md");
    must((1..=5).contains(&package.keywords.len()), "needs one to five keywords");
    for word in &package.keywords {
        let is_valid = word.len() <= 20
            && word.starts_with(|first: char| first.is_ascii_alphanumeric())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-+".contains(c));
        must(is_valid, &format!("the registry takes no keyword `{word}`: at most 20 of a-z 0-9 _ - +"));
    }
    must(!package.categories.is_empty(), "needs a category");
    for name in &package.categories {
        let known = CATEGORIES.contains(&name.as_str());
        must(known, &format!("`{name}`: put it into {} if the registry has that category", file!()));
    }
    let docs = &package.metadata["docs"]["rs"];
    let is_complete = docs["all-features"] == true && docs["rustdoc-args"][1] == "docsrs";
    must(is_complete, "needs `[package.metadata.docs.rs]` with all-features and `--cfg docsrs`");
    wrong
}

/// A version on a development dependency makes a cycle that cannot be published; any other has to have one.
fn dependencies(package: &Package, members: &BTreeSet<&str>) -> Vec<String> {
    let of_ours = package.dependencies.iter().filter(|dependency| members.contains(dependency.name.as_str()));
    let wrong = of_ours.filter_map(|dependency| {
        let name = &dependency.name;
        let has_version = dependency.req.to_string() != "*";
        match dependency.kind {
            DependencyKind::Development => has_version.then(|| {
                format!("development dependency: `{name} = {{ path = \"../{name}\" }}`, without a version")
            }),
            _ => {
                (!has_version).then(|| format!("dependency: `{name}.workspace = true`, which has a version"))
            }
        }
    });
    wrong.collect()
}

fn readme(package: &Package) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let folder = package.manifest_path.parent().expect("a manifest is in a folder");
    let read = |name: &str| fs::read_to_string(folder.join(name)).with_context(|| format!("{folder}/{name}"));
    let readme = read("README.md")?;
    if !readme.starts_with(&format!("# {}\n", package.name)) {
        wrong.push(format!("README.md does not begin with `# {}`", package.name));
    }
    for section in ["In scope", "Out of scope"] {
        let is_there =
            |line: &str| line == format!("## {section}") || line.starts_with(&format!("**{section}:**"));
        if !readme.lines().any(is_there) {
            wrong.push(format!("README.md has no `## {section}`"));
        }
    }
    let features: Vec<&String> = package.features.keys().filter(|name| *name != "default").collect();
    let told = features_told(&readme);
    for name in features.iter().filter(|name| !told.contains(name.as_str())) {
        wrong.push(format!(
            "README.md does not tell what the feature `{name}` is, in an item or a row that begins with it"
        ));
    }
    let manifest = read("Cargo.toml")?;
    for name in &features {
        let explained = manifest.lines().zip(manifest.lines().skip(1)).any(|(above, line)| {
            line.split_once(" = ").is_some_and(|(left, _)| left == name.as_str()) && above.starts_with("## ")
        });
        if !explained {
            wrong.push(format!("Cargo.toml has no `##` comment above the feature `{name}`"));
        }
    }
    if package.targets.iter().any(|target| target.kind.contains(&TargetKind::Lib)) {
        let lib = read("src/lib.rs")?;
        if !lib.starts_with("#![doc = include_str!(\"../README.md\")]\n") {
            wrong.push("src/lib.rs does not begin by taking its documentation from README.md".to_owned());
        }
        if !features.is_empty() && !lib.contains("#![cfg_attr(docsrs, feature(doc_cfg))]") {
            wrong.push(
                "src/lib.rs needs `#![cfg_attr(docsrs, feature(doc_cfg))]`: it has features".to_owned(),
            );
        }
    }
    Ok(wrong)
}

/// What a README tells of in a line that begins with its name: `a` and `b` in ``- `a`, `b`: …`` and in ``| `a`, `b` | … |``.
fn features_told(readme: &str) -> BTreeSet<&str> {
    let told = readme.lines().filter_map(|line| {
        let item = line.strip_prefix("- ").and_then(|item| item.split_once(": "));
        let (names, _) = item.or_else(|| line.strip_prefix("| ")?.split_once(" | "))?;
        let names = names.split(", ").map(|name| name.strip_prefix('`')?.strip_suffix('`'));
        names.collect::<Option<Vec<_>>>()
    });
    told.flatten().collect()
}

fn files(package: &Package) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let folder = package.manifest_path.parent().expect("a manifest is in a folder");
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        let ours = fs::read(root().join(name)).with_context(|| name.to_owned())?;
        if fs::read(folder.join(name)).ok() != Some(ours) {
            wrong.push(format!("needs the licence: ln -s ../../{name} crates/{}/", package.name));
        }
    }
    let manifest = fs::read_to_string(&package.manifest_path)?;
    if !manifest.lines().any(|line| line.starts_with("include")) {
        wrong.push("needs `include.workspace = true`, or a list of its own".to_owned());
    }
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;

    #[test]
    fn each_feature_has_a_line_that_begins_with_it() {
        let told = features_told(
            "- `a`: one\n- `b`, `c-d`: two\n\n| feature | |\n|---|---|\n| `e` | `x` | three |\n| `f`, `g` | four |\n",
        );
        assert_eq!(told, BTreeSet::from(["a", "b", "c-d", "e", "f", "g"]));
        let passing =
            "Needs `a`.\n- As `b`: this\n- one: `c`\n- `d` too: two\n- `f`\n| one | `g` |\n`h`: three\n";
        assert_eq!(features_told(passing), BTreeSet::new());
    }

    #[test]
    fn a_feature_that_its_readme_only_mentions_is_found() {
        let path = root().join("crates/audit-config/README.md");
        let readme = fs::read_to_string(path).unwrap();
        assert!(features_told(&readme).contains("pipeline"));
        let row = readme.lines().find(|line| line.starts_with("| `pipeline` |")).unwrap();
        let without = readme.replace(row, "");
        assert!(without.contains("`pipeline`") && !features_told(&without).contains("pipeline"));
    }

    #[test]
    fn lints_are_taken_from_the_workspace_or_not_at_all() {
        assert!(takes_lints("[lints]\nworkspace = true\n").unwrap());
        assert!(takes_lints("lints.workspace = true\n").unwrap());
        for manifest in ["", "[lints]\nworkspace = false\n", "[lints.rust]\nunsafe_code = \"forbid\"\n"] {
            assert!(!takes_lints(manifest).unwrap(), "{manifest}");
        }
    }
}

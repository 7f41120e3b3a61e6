//! What a release refuses, each with what to do, tried on a repository of one crate.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::checkout::Checkout;
use super::git;
use super::prepare::prepare;
use super::publish::{Options, publish};
use crate::api::step_since;

const MANIFEST: &str = "[workspace]\nmembers = [\"one\"]\nresolver = \"3\"\n\n[workspace.package]\nversion = \"0.1.0\"\n\n\
                        [workspace.dependencies]\none = { path = \"one\", version = \"0.1.0\" }\n";

const MEMBER: &str = "[package]\nname = \"one\"\nversion.workspace = true\nedition = \"2024\"\n";

const API: &str = "feature extra\npub mod one\npub fn one::make()\n";

const EXAMPLE: &str = "```rust\none::make();\n```\n";

/// All that is asked of one, in as few words.
fn readme() -> String {
    format!(
        "{EXAMPLE}\n```toml\naudit-log = \"0.1\"\n```\n\n`docker run audit-log:0.1.0`\n\n\
         ## What is promised\n\n| what | by |\n|---|---|\n| it | [a test](one/tests/it.rs) |\n\n\
         ## Benchmarks\n\n| what | by |\n|---|---|\n| it | [a bench](benches/benches/it.rs) |\n"
    )
}

fn repository() -> (TempDir, Checkout) {
    let folder = tempfile::tempdir().unwrap();
    let checkout = Checkout { root: folder.path().to_owned(), registry: None, environment: Vec::new() };
    write(folder.path(), "Cargo.toml", MANIFEST);
    write(folder.path(), "one/Cargo.toml", MEMBER);
    write(folder.path(), "one/src/lib.rs", "");
    write(folder.path(), "api/one.txt", API);
    write(folder.path(), "CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n- one: a change.\n");
    write(folder.path(), "README.md", &readme());
    write(folder.path(), "crates/audit-log/README.md", EXAMPLE);
    assert!(checkout.cargo("generate-lockfile --offline --quiet").run().unwrap());
    for arguments in [
        &["init", "--quiet"][..],
        &["config", "user.name", "Nobody"],
        &["config", "user.email", "nobody@localhost"],
        &["config", "commit.gpgsign", "false"],
    ] {
        git::ask(&checkout, arguments).unwrap();
    }
    commit(&checkout);
    (folder, checkout)
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn commit(checkout: &Checkout) {
    git::ask(checkout, &["add", "--all"]).unwrap();
    git::ask(checkout, &["commit", "--quiet", "--allow-empty", "--message", "A change"]).unwrap();
}

fn read(checkout: &Checkout, name: &str) -> String {
    fs::read_to_string(checkout.file(name)).unwrap()
}

#[track_caller]
fn refused(checkout: &Checkout, version: &str, date: Option<&str>, why: &str) {
    let before = git::ask(checkout, &["status", "--porcelain"]).unwrap();
    let error = format!("{:#}", prepare(checkout, version, date).unwrap_err());
    assert!(error.contains(why), "{error}");
    assert_eq!(git::ask(checkout, &["status", "--porcelain"]).unwrap(), before, "nothing was changed");
}

#[test]
fn a_version_is_written_everywhere() {
    let (_folder, checkout) = repository();
    prepare(&checkout, "0.2.0", Some("2026-11-22")).unwrap();
    assert_eq!(checkout.version().unwrap().to_string(), "0.2.0");
    assert_eq!(read(&checkout, "Cargo.toml"), MANIFEST.replace("0.1.0", "0.2.0"));
    assert!(read(&checkout, "Cargo.lock").contains("name = \"one\"\nversion = \"0.2.0\""));
    let expected = readme().replace("audit-log:0.1.0", "audit-log:0.2.0").replace("\"0.1\"", "\"0.2\"");
    assert_eq!(read(&checkout, "README.md"), expected);
    assert!(read(&checkout, "CHANGELOG.md").contains("## [0.2.0] - 2026-11-22\n\n- one: a change.\n"));
}

#[test]
fn what_is_not_ready_is_not_prepared() {
    let (_folder, checkout) = repository();
    git::ask(&checkout, &["tag", "v0.1.0"]).unwrap();
    refused(&checkout, "0.0.9", None, "take a higher one");
    refused(&checkout, "next", None, "`next` is no version");
    refused(&checkout, "0.2.0", Some("22.11.2026"), "is no date");
    write(&checkout.root, "one/src/lib.rs", "//! Changed.\n");
    refused(&checkout, "0.2.0", None, "one/src/lib.rs");
    commit(&checkout);
    write(
        &checkout.root,
        "CHANGELOG.md",
        "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-01-01\n\n- one.\n",
    );
    commit(&checkout);
    refused(&checkout, "0.2.0", None, "nothing below");
}

#[test]
fn the_first_release_may_have_the_version_of_the_crates() {
    let (_folder, checkout) = repository();
    prepare(&checkout, "0.1.0", Some("2026-11-22")).unwrap();
    assert!(read(&checkout, "CHANGELOG.md").contains("## [0.1.0] - 2026-11-22\n\n- one: a change.\n"));
    commit(&checkout);
    refused(&checkout, "0.1.0", None, "0.1.0 is not higher than 0.1.0");
    refused(&checkout, "0.1.1", None, "there is no tag of one");
    git::ask(&checkout, &["tag", "v0.1.0"]).unwrap();
    refused(&checkout, "0.1.0", None, "0.1.0 is not higher than 0.1.0");
    refused(&checkout, "0.1.1", None, "nothing below");
}

#[test]
fn what_was_not_prepared_is_not_published() {
    let (_folder, checkout) = repository();
    let error = publish(&checkout, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("no section `## [0.1.0]`; run `cargo xtask release prepare` first"), "{error}");
}

#[test]
fn a_text_that_names_another_version_is_told() {
    let (_folder, checkout) = repository();
    write(&checkout.root, "docs/use.md", "Write\n\n    audit-log = \"0.0.9\"\n");
    commit(&checkout);
    refused(&checkout, "0.2.0", None, "docs/use.md:3: audit-log = \"0.0.9\"");
}

#[test]
fn a_readme_that_would_not_pass_is_refused() {
    let (_folder, checkout) = repository();
    write(
        &checkout.root,
        "README.md",
        &readme().replace("audit-log = \"0.1\"", "audit-log = { git = \"…\" }"),
    );
    commit(&checkout);
    refused(&checkout, "0.2.0", None, "README.md does not name version \"0.2\"");
    write(&checkout.root, "README.md", &readme());
    write(&checkout.root, "crates/audit-log/README.md", &EXAMPLE.replace("make", "take"));
    commit(&checkout);
    refused(&checkout, "0.2.0", None, "is not the one in crates/audit-log/README.md");
}

#[test]
fn a_version_that_is_too_small_for_what_broke_is_refused() {
    let (_folder, checkout) = repository();
    git::ask(&checkout, &["tag", "v0.1.0"]).unwrap();
    write(&checkout.root, "api/one.txt", &API.replace("feature extra\n", ""));
    commit(&checkout);
    refused(&checkout, "0.1.1", None, "0.1.1 is too small: the API breaks its users");
    git::ask(&checkout, &["mv", "api/one.txt", "api/other.txt"]).unwrap();
    write(&checkout.root, "api/other.txt", API);
    commit(&checkout);
    refused(&checkout, "0.1.1", None, "the API breaks its users");
    prepare(&checkout, "0.2.0", None).unwrap();
}

#[test]
fn what_only_grew_is_a_patch_before_one() {
    let (_folder, checkout) = repository();
    git::ask(&checkout, &["tag", "v0.1.0"]).unwrap();
    write(&checkout.root, "api/one.txt", &format!("{API}pub fn one::more()\n"));
    commit(&checkout);
    prepare(&checkout, "0.1.1", None).unwrap();
}

#[test]
fn a_tag_that_is_not_there_or_has_no_record_is_told() {
    let (_folder, checkout) = repository();
    let error = step_since(&checkout.root, "v9.9.9").unwrap_err().to_string();
    assert!(error.contains("there is no tag `v9.9.9`"), "{error}");
    git::ask(&checkout, &["rm", "--quiet", "api/one.txt"]).unwrap();
    commit(&checkout);
    git::ask(&checkout, &["tag", "v0.1.0"]).unwrap();
    refused(&checkout, "0.2.0", None, "v0.1.0 has no record of the API");
}

#[test]
fn a_version_that_is_tagged_elsewhere_is_not_published() {
    let (_folder, checkout) = repository();
    git::ask(&checkout, &["tag", "v0.1.0"]).unwrap();
    commit(&checkout);
    let error = publish(&checkout, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("v0.1.0 is on"), "{error}");
    write(&checkout.root, "one/src/lib.rs", "//! Changed.\n");
    let error = publish(&checkout, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("one/src/lib.rs"), "{error}");
}

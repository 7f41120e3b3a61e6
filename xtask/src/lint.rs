//! `cargo xtask lint`

use std::fs;

use anyhow::{Context as _, Result};

use crate::book;
use crate::readme;
use crate::report::{Outcome, Report};
use crate::shell::{cargo, root};

pub(crate) fn run(report: &mut Report) -> Result<()> {
    report.suite("fmt", || cargo("fmt --all --check").run().map(Outcome::passed))?;
    report.suite("README.md", readme::check)?;
    report.suite("clippy", || {
        cargo("clippy --workspace --all-targets --all-features -- -D warnings").run().map(Outcome::passed)
    })?;
    for library in libraries()? {
        let Library { name, has_features } = library;
        report.suite(&format!("clippy {name}, no default features"), || {
            cargo(&format!("clippy --package {name} --no-default-features -- -D warnings"))
                .run()
                .map(Outcome::passed)
        })?;
        if has_features {
            report.suite(&format!("clippy {name}, default features"), || {
                cargo(&format!("clippy --package {name} -- -D warnings")).run().map(Outcome::passed)
            })?;
        }
    }
    report.suite("docs", || {
        cargo("doc --workspace --no-deps --all-features --exclude audit-benches")
            .env("RUSTDOCFLAGS", "-D warnings")
            .run()
            .map(Outcome::passed)
    })?;
    book::check_site(report)
}

struct Library {
    name: String,
    has_features: bool,
}

/// The workspace builds all crates with their features united; each also has to build alone, as its users do.
fn libraries() -> Result<Vec<Library>> {
    let crates = root().join("crates");
    let mut libraries = Vec::new();
    for entry in fs::read_dir(&crates).with_context(|| format!("cannot list {}", crates.display()))? {
        let folder = entry?.path();
        if folder.join("src/lib.rs").exists() {
            let manifest = fs::read_to_string(folder.join("Cargo.toml"))
                .with_context(|| format!("cannot read the manifest in {}", folder.display()))?;
            let name = folder.file_name().expect("an entry of a folder has a name");
            libraries.push(Library {
                name: name.to_string_lossy().into_owned(),
                has_features: manifest.lines().any(|line| line.trim() == "[features]"),
            });
        }
    }
    libraries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(libraries)
}

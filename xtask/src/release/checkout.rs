//! A checkout of this repository, and how cargo and git are run in it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use semver::Version;
use serde_json::Value;

use crate::shell::{self, Shell};

pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Where crates are published, if that is not crates.io.
    pub(crate) registry: Option<String>,
    /// For every cargo that runs here.
    pub(crate) environment: Vec<(String, String)>,
}

impl Workspace {
    /// The repository that this program belongs to, and crates.io.
    pub(crate) fn here() -> Self {
        Self { root: shell::root(), registry: None, environment: Vec::new() }
    }

    pub(crate) fn cargo(&self, arguments: &str) -> Shell {
        let environment = self.environment.iter();
        let cargo = shell::cargo(arguments).within(&self.root);
        environment.fold(cargo, |cargo, (name, value)| cargo.env(name, value))
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> Shell {
        shell::program("git").within(&self.root).args(arguments)
    }

    pub(crate) fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// The crates that are published, by name. Cargo finds their order.
    pub(crate) fn crates(&self) -> Result<Vec<Crate>> {
        let output = self.cargo("metadata --format-version 1 --no-deps").output()?;
        if !output.status.success() {
            bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        let packages = metadata["packages"].as_array().context("`cargo metadata` lists no packages")?;
        let mut crates = Vec::new();
        // An empty list of registries is how cargo writes `publish = false`.
        for package in packages.iter().filter(|package| package["publish"] != Value::Array(Vec::new())) {
            let text = |key: &str| package[key].as_str().with_context(|| format!("a package without {key}"));
            crates.push(Crate { name: text("name")?.to_owned(), version: text("version")?.parse()? });
        }
        Ok(crates)
    }

    /// The one version of all crates.
    pub(crate) fn version(&self) -> Result<Version> {
        let crates = self.crates()?;
        let first = crates.first().context("there is no crate to publish")?;
        if let Some(other) = crates.iter().find(|each| each.version != first.version) {
            bail!(
                "{} is of version {}, and {} of {}; all have one: write `version.workspace = true`",
                first.name,
                first.version,
                other.name,
                other.version
            );
        }
        Ok(first.version.clone())
    }
}

pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) version: Version,
}

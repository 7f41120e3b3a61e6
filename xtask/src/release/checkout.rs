//! A checkout of this repository, and how cargo and git are run in it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::{MetadataCommand, Package};
use semver::Version;

use crate::shell::{self, Shell};

pub(crate) struct Checkout {
    pub(crate) root: PathBuf,
    /// Where crates are published, if that is not crates.io.
    pub(crate) registry: Option<String>,
    /// For every cargo that runs here.
    pub(crate) environment: Vec<(String, String)>,
}

impl Checkout {
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

    /// The crates that are published. Cargo finds their order.
    pub(crate) fn crates(&self) -> Result<Vec<Package>> {
        let mut command = MetadataCommand::new();
        command.current_dir(&self.root).no_deps();
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        let metadata = command.exec().with_context(|| format!("cannot read {}", self.root.display()))?;
        Ok(metadata.packages.into_iter().filter(|package| package.publish.is_none()).collect())
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

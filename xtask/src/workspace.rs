//! The workspace as cargo sees it.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package};

use crate::shell::{cargo, root};

pub(crate) struct Workspace {
    metadata: Metadata,
    /// What was asked before: it takes cargo a third of a second each time.
    compiled: RefCell<HashMap<String, BTreeSet<Pinned>>>,
}

/// A package's name and version, as cargo prints them: `ring v0.17.14`.
pub(crate) type Pinned = String;

impl Workspace {
    /// The members and, with every feature on, all that they depend on.
    pub(crate) fn read() -> Result<Self> {
        let mut command = MetadataCommand::new();
        command.current_dir(root()).features(CargoOpt::AllFeatures);
        let metadata = command.exec().context("cannot read the workspace")?;
        Ok(Self { metadata, compiled: RefCell::default() })
    }

    /// All members, by name.
    pub(crate) fn members(&self) -> Vec<&Package> {
        let mut members = self.metadata.workspace_packages();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        members
    }

    /// The members that go to the registry.
    pub(crate) fn published(&self) -> Vec<&Package> {
        self.members().into_iter().filter(|package| package.publish.is_none()).collect()
    }

    /// The members that a member builds with; its tests may use others.
    pub(crate) fn uses(&self, package: &Package) -> BTreeSet<String> {
        let members: BTreeSet<&str> =
            self.metadata.workspace_packages().iter().map(|member| member.name.as_str()).collect();
        let built =
            package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
        built
            .map(|dependency| dependency.name.clone())
            .filter(|name| members.contains(name.as_str()))
            .collect()
    }

    /// Every package there is, by name and version.
    pub(crate) fn packages(&self) -> HashMap<Pinned, &Package> {
        let packages = self.metadata.packages.iter();
        packages.map(|package| (format!("{} v{}", package.name, package.version), package)).collect()
    }

    /// The packages that hold or compile C: they say that they link a library, or build with `cc` or `cmake`.
    pub(crate) fn with_c_code(&self) -> HashMap<Pinned, &Package> {
        let nodes = self.metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
        let compiles: BTreeSet<_> = nodes
            .filter(|node| {
                node.deps.iter().any(|dependency| {
                    ["cc", "cmake"].contains(&dependency.name.as_str())
                        && dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Build)
                })
            })
            .map(|node| &node.id)
            .collect();
        let mut packages = self.packages();
        packages.retain(|_, package| package.links.is_some() || compiles.contains(&package.id));
        packages
    }

    /// What a member compiles for this machine, itself included.
    ///
    /// # Errors
    /// When cargo does not know the member or a feature.
    pub(crate) fn compiled(&self, package: &str, features: Features<'_>) -> Result<BTreeSet<Pinned>> {
        let tree = cargo("tree --color never --edges normal,build --prefix none --format {p}")
            .args(["--package", package]);
        let tree = match features {
            Features::Default => tree,
            Features::Only("") => tree.arg("--no-default-features"),
            Features::Only(names) => tree.args(["--no-default-features", "--features", names]),
            Features::All => tree.arg("--all-features"),
        };
        let question = tree.shown();
        if let Some(known) = self.compiled.borrow().get(&question) {
            return Ok(known.clone());
        }
        let output = tree.output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        // `name vVERSION`, and behind it for some a path, or what they are.
        let pinned = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let text = String::from_utf8_lossy(&output.stdout);
        let compiled: BTreeSet<Pinned> = text.lines().filter(|line| !line.is_empty()).map(pinned).collect();
        self.compiled.borrow_mut().insert(question, compiled.clone());
        Ok(compiled)
    }
}

/// Which features a package is compiled with.
#[derive(Clone, Copy)]
pub(crate) enum Features<'a> {
    Default,
    /// These, separated by commas, and not the default ones.
    Only(&'a str),
    All,
}

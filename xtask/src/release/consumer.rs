//! Programs outside of the workspace that have our crates from the registry.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use semver::Version;

use super::checkout::Checkout;
use super::rehearse::REGISTRY;

struct Consumer {
    name: &'static str,
    /// Lines of `[dependencies]`; `OURS` becomes the version and where it is.
    dependencies: &'static str,
    program: &'static str,
    /// What it prints.
    says: &'static str,
}

const CONSUMERS: [Consumer; 3] = [
    Consumer {
        name: "one-crate",
        dependencies: "audit-integrity = { OURS }\ntempfile = \"3\"\n",
        program: include_str!("../../release/one_crate.rs"),
        says: "edited, line 2\n",
    },
    Consumer {
        name: "file-and-integrity",
        dependencies: "audit-log = { OURS, default-features = false, features = [\"file\", \"integrity\"] }\n\
                       tempfile = \"3\"\n",
        program: include_str!("../../release/file_and_integrity.rs"),
        says: "intact, 3 records, of which the event is number 2\n",
    },
    Consumer {
        name: "layer",
        dependencies: "audit-tower = { OURS }\naudit-model = { OURS }\naudit-pipeline = { OURS }\nhttp = \"1\"\n\
                       serde_json = \"1\"\ntempfile = \"3\"\n\
                       tokio = { version = \"1\", features = [\"macros\", \"rt\"] }\n\
                       tower = { version = \"0.5\", features = [\"util\"] }\n",
        program: include_str!("../../release/layer.rs"),
        says: "backup.started by alice@company.com: success\n",
    },
];

/// Each is a project of its own, as those of other people are: no features of one help another.
pub(crate) fn build_and_run(copy: &Checkout, folder: &Path, version: &Version) -> Result<()> {
    forget_ours(&folder.join("target/debug"))?;
    let ours = format!("version = \"={version}\", registry = \"{REGISTRY}\"");
    for consumer in CONSUMERS {
        let root = folder.join(consumer.name);
        if root.exists() {
            fs::remove_dir_all(&root).with_context(|| format!("cannot remove {}", root.display()))?;
        }
        fs::create_dir_all(root.join("src"))?;
        let dependencies = consumer.dependencies.replace("OURS", &ours);
        let name = consumer.name;
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies]\n{dependencies}"
        );
        fs::write(root.join("Cargo.toml"), manifest)?;
        fs::write(root.join("src/main.rs"), consumer.program)?;
        // The versions of others' crates that this commit was tested with, not those of the day.
        fs::copy(copy.file("Cargo.lock"), root.join("Cargo.lock"))?;
        let own = Checkout { root, registry: None, environment: copy.environment.clone() };
        ensure!(own.cargo("build --quiet").run()?, "{name} does not build");
        let output = own.cargo("run --quiet").output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success() && said == consumer.says, "{name} said {said:?}: {error}");
        print!("{name}: {said}");
    }
    Ok(())
}

/// Cargo takes what it has compiled from a registry for what it would compile again, and a rehearsal publishes other
/// code under the same version.
fn forget_ours(target: &Path) -> Result<()> {
    for folder in ["deps", "build", ".fingerprint", "incremental"] {
        for entry in fs::read_dir(target.join(folder)).into_iter().flatten() {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().replace('_', "-");
            if name.starts_with("audit-") || name.starts_with("libaudit-") {
                let path = entry.path();
                let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                removed.with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
    }
    Ok(())
}

//! Jars, by Maven.

use std::path::Path;

use anyhow::Result;

use super::server::text;
use crate::shell::{program, root};

/// Copies what a project in `xtask/services` depends on into a folder.
pub(crate) fn copy_jars(project: &str, folder: &Path) -> Result<bool> {
    program("mvn")
        .args(["-q", "-B", "-Dstyle.color=never", "-f"])
        .arg(root().join("xtask/services").join(project))
        .arg("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", text(folder)?))
        .run()
}

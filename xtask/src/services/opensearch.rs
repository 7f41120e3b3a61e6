//! The jars of OpenSearch. No server of it is started: a test runs one within itself.

use std::path::PathBuf;

use anyhow::Result;

use super::maven;
use super::tools::Tool;

const TOOL: Tool = Tool {
    name: "opensearch",
    packages: &[include_str!("../../services/opensearch.pom.xml")],
    installer: "mvn",
    install: |_, folder| maven::copy_jars("opensearch.pom.xml", folder),
};

/// The folder that they are in.
///
/// # Errors
/// `Missing` if they can't be had here.
pub(crate) fn jars() -> Result<PathBuf> {
    TOOL.ensure()
}

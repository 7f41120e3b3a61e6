//! A virtual environment with moto, with boto3 (AWS's own client, which reads back what was sent), with the OCSF schemas as
//! somebody else reads them, and with DuckDB, which runs the SQL that conditions become.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::tools::Tool;
use crate::shell::program;

const TOOL: Tool = Tool {
    name: "python",
    packages: &[
        "moto[server,logs]==5.2.5",
        "boto3==1.44.5",
        "ocsf-json-schema==1.2.0",
        "jsonschema==4.26.0",
        "py-ocsf-models==0.10.0",
        "duckdb==2.0.0",
        "sqlglot==30.30.0",
        "schemathesis==4.32.5",
    ],
    installer: "python3",
    install,
};

/// # Errors
/// `Missing` if there is no Python.
pub(crate) fn ensure() -> Result<()> {
    TOOL.ensure().map(drop)
}

pub(crate) fn bin(name: &str) -> Result<PathBuf> {
    Ok(TOOL.folder()?.join("bin").join(name))
}

fn install(packages: &[&str], folder: &Path) -> Result<bool> {
    let own = folder.join("bin/python3");
    Ok(program("python3").args(["-m", "venv"]).arg(folder).run()?
        && program(own).args(["-m", "pip", "install", "--quiet"]).args(packages).run()?)
}

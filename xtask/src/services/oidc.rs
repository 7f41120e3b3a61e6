//! An OpenID provider, in Node: `xtask/services/oidc.mjs` says whom it knows.

use std::process::Command;

use anyhow::Result;

use super::http;
use super::server::{Place, Server, Variable};
use super::tools::{Tool, need};
use crate::shell::{program, root};

const TOOL: Tool = Tool {
    name: "oidc",
    packages: &["oidc-provider@9.13.3"],
    installer: "npm",
    install: |packages, folder| {
        let quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--prefix"];
        program("npm").arg("install").args(quiet).arg(folder).args(packages).run()
    },
};

const SECRET: &str = "audit-test-oidc-secret";

pub(crate) struct Oidc;

impl Server for Oidc {
    fn name(&self) -> &'static str {
        "oidc"
    }

    fn variable(&self) -> &'static str {
        "AUDIT_TEST_OIDC"
    }

    fn untested(&self) -> &'static str {
        "tokens of a real identity provider"
    }

    fn ports(&self) -> &'static [&'static str] {
        &["http"]
    }

    fn install(&self) -> Result<()> {
        need("node")?;
        TOOL.ensure().map(drop)
    }

    fn command(&self, place: &Place) -> Result<Command> {
        let mut command = Command::new("node");
        command.arg(root().join("xtask/services/oidc.mjs")).arg(TOOL.folder()?);
        command.arg(place.port("http").to_string()).env("OIDC_SECRET", SECRET);
        Ok(command)
    }

    fn check(&self, place: &Place) -> Result<()> {
        http::get(place.port("http"), "/.well-known/openid-configuration")
    }

    fn environment(&self, place: &Place) -> Result<Vec<Variable>> {
        Ok(vec![
            (self.variable(), format!("http://{}", place.address("http"))),
            ("AUDIT_TEST_OIDC_SECRET", SECRET.to_owned()),
        ])
    }
}

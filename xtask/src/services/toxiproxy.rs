//! toxiproxy: makes the network between a test and a server slow, or silent.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::http;
use super::kafka::Kafka;
use super::server::{Place, Server, Variable, folder_of, text};
use super::tools::{Tool, go};

const TOOL: Tool = Tool {
    name: "toxiproxy",
    packages: &["github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0"],
    installer: "go",
    install: go,
};

pub(crate) struct Toxiproxy;

impl Toxiproxy {
    /// The proxy in front of Kafka is a lasting one: a broker tells its clients where to connect, and so has
    /// to know the proxy's address when it starts. Tests make the proxies in front of the other servers.
    pub(crate) fn kafka_proxy() -> Result<String> {
        let own = Place::of(&Self)?;
        let (listen, upstream) = (own.address("kafka"), Place::of(&Kafka)?.address("proxied"));
        Ok(format!(r#"[{{"name":"kafka","listen":"{listen}","upstream":"{upstream}","enabled":true}}]"#))
    }
}

impl Server for Toxiproxy {
    fn name(&self) -> &'static str {
        "toxiproxy"
    }

    fn variable(&self) -> &'static str {
        "AUDIT_TEST_TOXIPROXY"
    }

    fn untested(&self) -> &'static str {
        "slow and silent networks"
    }

    fn ports(&self) -> &'static [&'static str] {
        &["api", "kafka"]
    }

    fn install(&self) -> Result<()> {
        TOOL.ensure().map(drop)
    }

    fn command(&self, place: &Place) -> Result<Command> {
        fs::write(place.file("proxies.json"), Self::kafka_proxy()?)?;
        let mut command = Command::new(TOOL.folder()?.join("server"));
        command.args(["-host", "127.0.0.1", "-port", &place.port("api").to_string()]);
        command.args(["-config", &text(&place.file("proxies.json"))?]);
        Ok(command)
    }

    fn check(&self, place: &Place) -> Result<()> {
        http::get(place.port("api"), "/version")
    }

    fn environment(&self, place: &Place) -> Result<Vec<Variable>> {
        Ok(vec![(self.variable(), format!("http://{}", place.address("api")))])
    }
}

/// Kafka's ports may have changed since toxiproxy was started.
pub(crate) fn follow_kafka() -> Result<()> {
    let runs = super::control::process(&folder_of(&Toxiproxy)?).is_some();
    if runs {
        http::post(Place::of(&Toxiproxy)?.port("api"), "/populate", &Toxiproxy::kafka_proxy()?)?;
    }
    Ok(())
}

//! ClickHouse, as Debian has it, with a user `default` who needs no password.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::server::{Place, Server, Variable, text};
use super::{debian, http};

const PROGRAM: &str = "/usr/sbin/clickhouse-server";
const CONFIGURATION: &str = include_str!("../../services/clickhouse.xml");
const USERS: &str = include_str!("../../services/clickhouse.users.xml");

pub(crate) struct ClickHouse;

impl Server for ClickHouse {
    fn name(&self) -> &'static str {
        "clickhouse"
    }

    fn variable(&self) -> &'static str {
        "AUDIT_TEST_CLICKHOUSE"
    }

    fn untested(&self) -> &'static str {
        "the webhook destination with ClickHouse"
    }

    fn ports(&self) -> &'static [&'static str] {
        &["http", "tcp"]
    }

    fn install(&self) -> Result<()> {
        debian::ensure(&[("clickhouse-server", PROGRAM)])
    }

    fn command(&self, place: &Place) -> Result<Command> {
        let mut configuration = CONFIGURATION.replace("{folder}", &text(&place.folder)?);
        for port in self.ports() {
            configuration = configuration.replace(&format!("{{{port}}}"), &place.port(port).to_string());
        }
        let file = place.file("config.xml");
        fs::write(&file, configuration)?;
        fs::write(place.file("users.xml"), USERS)?;
        let mut command = Command::new(PROGRAM);
        command.arg("--config-file").arg(file);
        Ok(command)
    }

    fn check(&self, place: &Place) -> Result<()> {
        http::get(place.port("http"), "/?query=SELECT%201")
    }

    fn environment(&self, place: &Place) -> Result<Vec<Variable>> {
        Ok(vec![(self.variable(), format!("http://{}", place.address("http")))])
    }
}

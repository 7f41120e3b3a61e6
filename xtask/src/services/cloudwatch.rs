//! moto, which answers as CloudWatch Logs does. It keeps all in memory: after `kill` and `up` it is empty.

use std::process::Command;

use anyhow::Result;

use super::server::{Place, Server, Variable, text};
use super::{http, python};

pub(crate) struct CloudWatch;

impl Server for CloudWatch {
    fn name(&self) -> &'static str {
        "cloudwatch"
    }

    fn variable(&self) -> &'static str {
        "AUDIT_TEST_CLOUDWATCH"
    }

    fn untested(&self) -> &'static str {
        "the CloudWatch Logs destination"
    }

    fn ports(&self) -> &'static [&'static str] {
        &["http"]
    }

    fn install(&self) -> Result<()> {
        python::ensure()
    }

    fn command(&self, place: &Place) -> Result<Command> {
        let mut command = Command::new(python::bin("moto_server")?);
        command.args(["-H", "127.0.0.1", "-p", &place.port("http").to_string()]);
        Ok(command)
    }

    fn check(&self, place: &Place) -> Result<()> {
        http::get(place.port("http"), "/moto-api/")
    }

    fn environment(&self, place: &Place) -> Result<Vec<Variable>> {
        Ok(vec![
            (self.variable(), format!("http://{}", place.address("http"))),
            ("AUDIT_TEST_PYTHON", text(&python::bin("python3")?)?),
        ])
    }
}

//! A receiver of webhooks, in Python: `xtask/services/webhook.py` says what it answers.

use std::process::Command;

use anyhow::Result;

use super::certificates::Certificates;
use super::http;
use super::server::{Place, Server, Variable, text};
use super::tools::need;
use crate::shell::root;

const SECRET: &str = "audit-test-webhook-secret";

pub(crate) struct Webhook;

impl Server for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn variable(&self) -> &'static str {
        "AUDIT_TEST_WEBHOOK"
    }

    fn untested(&self) -> &'static str {
        "the webhook destination"
    }

    fn ports(&self) -> &'static [&'static str] {
        &["http", "https", "mtls"]
    }

    fn install(&self) -> Result<()> {
        need("python3")
    }

    fn command(&self, place: &Place) -> Result<Command> {
        let certificates = Certificates::get()?;
        let mut command = Command::new("python3");
        command.arg(root().join("xtask/services/webhook.py")).arg(place.file("requests.ndjson"));
        command.args(self.ports().iter().map(|port| place.port(port).to_string()));
        command.arg(certificates.server()).arg(certificates.server_key()).arg(certificates.ca());
        command.env("WEBHOOK_SECRET", SECRET);
        Ok(command)
    }

    fn check(&self, place: &Place) -> Result<()> {
        http::connect(place.port("https"))?;
        http::connect(place.port("mtls"))?;
        http::get(place.port("http"), "/")
    }

    fn environment(&self, place: &Place) -> Result<Vec<Variable>> {
        Ok(vec![
            (self.variable(), format!("http://{}", place.address("http"))),
            ("AUDIT_TEST_WEBHOOK_TLS", format!("https://{}", place.address("https"))),
            ("AUDIT_TEST_WEBHOOK_MTLS", format!("https://{}", place.address("mtls"))),
            ("AUDIT_TEST_WEBHOOK_OUTPUT", text(&place.file("requests.ndjson"))?),
            ("AUDIT_TEST_WEBHOOK_SECRET", SECRET.to_owned()),
        ])
    }
}

//! Apache Kafka, one node in KRaft mode, with a listener for each way that a client may connect.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::certificates::Certificates;
use super::http::connect;
use super::server::{Place, Server, Variable, folder_of, text};
use super::tools::{Tool, need};
use super::toxiproxy::{Toxiproxy, follow_kafka};
use super::{control, debian, maven};
use crate::shell::program;

const TOOL: Tool = Tool {
    name: "kafka",
    packages: &[include_str!("../../services/kafka.pom.xml")],
    installer: "mvn",
    install: |_, folder| maven::copy_jars("kafka.pom.xml", folder),
};

const CONFIGURATION: &str = include_str!("../../services/kafka.properties");
const USER: &str = "audit";
const PASSWORD: &str = "audit-test-password";
const CLUSTER: &str = "YXVkaXQtbG9nLXRlc3RzLg";

pub(crate) struct Kafka;

impl Server for Kafka {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn variable(&self) -> &'static str {
        "AUDIT_TEST_KAFKA"
    }

    fn untested(&self) -> &'static str {
        "the Kafka destination"
    }

    fn ports(&self) -> &'static [&'static str] {
        &["plaintext", "proxied", "ssl", "sasl_plaintext", "sasl_ssl", "controller"]
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(120)
    }

    fn install(&self) -> Result<()> {
        need("java")?;
        TOOL.ensure()?;
        if let Err(missing) = debian::ensure(&[("kcat", "/usr/bin/kcat")]) {
            println!("kafka: {missing}; only Kafka's own clients read back what was sent");
        }
        Ok(())
    }

    fn command(&self, place: &Place) -> Result<Command> {
        let certificates = Certificates::get()?;
        let keystore = [fs::read(certificates.server_key())?, fs::read(certificates.server())?].concat();
        fs::write(place.file("keystore.pem"), keystore)?;
        let configuration = place.file("server.properties");
        fs::write(&configuration, configure(place, &certificates)?)?;
        // Written when the data is whole, as a format that was interrupted can't be gone on with.
        let formatted = place.file("formatted");
        if !formatted.exists() {
            format(&configuration, &place.file("data"))?;
            fs::write(&formatted, "")?;
        }
        let mut command = Command::new("java");
        // For a start in few seconds: it seldom lives long enough to gain from better compiled code.
        command.args(["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]);
        command.args(["-Dorg.slf4j.simpleLogger.showDateTime=true", "-cp", &classpath()?, "kafka.Kafka"]);
        command.arg(configuration);
        Ok(command)
    }

    fn check(&self, place: &Place) -> Result<()> {
        for listener in self.ports() {
            connect(place.port(listener))?;
        }
        let brokers = brokers(place.port("plaintext"))?;
        ensure!(brokers == 1, "the cluster has {brokers} brokers");
        Ok(())
    }

    fn furnish(&self, _place: &Place) -> Result<()> {
        follow_kafka()
    }

    fn environment(&self, place: &Place) -> Result<Vec<Variable>> {
        let mut variables = vec![
            (self.variable(), place.address("plaintext")),
            ("AUDIT_TEST_KAFKA_SSL", place.address("ssl")),
            ("AUDIT_TEST_KAFKA_SASL_PLAINTEXT", place.address("sasl_plaintext")),
            ("AUDIT_TEST_KAFKA_SASL_SSL", place.address("sasl_ssl")),
            ("AUDIT_TEST_KAFKA_USER", USER.to_owned()),
            ("AUDIT_TEST_KAFKA_PASSWORD", PASSWORD.to_owned()),
            ("AUDIT_TEST_KAFKA_CLASSPATH", classpath()?),
        ];
        if control::process(&folder_of(&Toxiproxy)?).is_some() {
            variables.push(("AUDIT_TEST_KAFKA_PROXIED", Place::of(&Toxiproxy)?.address("kafka")));
        }
        Ok(variables)
    }
}

fn classpath() -> Result<String> {
    text(&TOOL.folder()?.join("*"))
}

fn configure(place: &Place, certificates: &Certificates) -> Result<String> {
    let mut text_with_values = CONFIGURATION.to_owned();
    for listener in Kafka.ports() {
        text_with_values = text_with_values.replace(&format!("{{{listener}}}"), &place.address(listener));
    }
    for (name, value) in [
        ("{advertised_by_proxy}", Place::of(&Toxiproxy)?.address("kafka")),
        ("{data}", text(&place.file("data"))?),
        ("{keystore}", text(&place.file("keystore.pem"))?),
        ("{ca}", text(&certificates.ca())?),
        ("{user}", USER.to_owned()),
        ("{password}", PASSWORD.to_owned()),
    ] {
        text_with_values = text_with_values.replace(name, &value);
    }
    Ok(text_with_values)
}

/// Prepares the data folder, and puts the user's SCRAM credentials into it.
fn format(configuration: &Path, data: &Path) -> Result<()> {
    if data.exists() {
        fs::remove_dir_all(data)?;
    }
    let mut format = program("java").args(["-XX:TieredStopAtLevel=1", "-cp", &classpath()?]);
    format = format.args(["kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER, "--config"]);
    format = format.arg(configuration);
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
        format = format.args(["--add-scram", &format!("{mechanism}=[name={USER},password={PASSWORD}]")]);
    }
    let made = format.output()?;
    if !made.status.success() {
        bail!("cannot prepare its data folder: {}", String::from_utf8_lossy(&made.stderr));
    }
    Ok(())
}

/// How many brokers the cluster has. While the only one is not yet ready for clients, that is none.
fn brokers(port: u16) -> Result<u32> {
    // https://kafka.apache.org/protocol: length, api 3 (Metadata), version 1, correlation id, client id (null),
    // topics (none).
    let request = [0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xFF, 0xFF, 0, 0, 0, 0];
    let mut stream = connect(port)?;
    stream.write_all(&request)?;
    // Length, correlation id, number of brokers.
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).context("no answer to a Metadata request")?;
    let [.., a, b, c, d] = answer;
    Ok(u32::from_be_bytes([a, b, c, d]))
}

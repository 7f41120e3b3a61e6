//! rsyslog, with an input for each transport and one file that all it receives goes to.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{process, thread};

use anyhow::{Result, bail, ensure};

use super::certificates::Certificates;
use super::server::{Place, Server, Variable, text};
use super::{debian, http};

const PACKAGES: [debian::Package; 2] =
    [("rsyslog", "/usr/sbin/rsyslogd"), ("rsyslog-gnutls", "/usr/lib/*/rsyslog/lmnsd_gtls.so")];

const CONFIGURATION: &str = include_str!("../../services/rsyslog.conf");

pub(crate) struct Syslog;

impl Syslog {
    fn output(place: &Place) -> PathBuf {
        place.file("messages.ndjson")
    }

    fn socket(place: &Place) -> PathBuf {
        place.file("socket")
    }
}

impl Server for Syslog {
    fn name(&self) -> &'static str {
        "syslog"
    }

    fn variable(&self) -> &'static str {
        "AUDIT_TEST_SYSLOG_TCP"
    }

    fn untested(&self) -> &'static str {
        "the syslog destination"
    }

    fn ports(&self) -> &'static [&'static str] {
        &["tcp", "udp", "tls", "mtls"]
    }

    fn install(&self) -> Result<()> {
        debian::ensure(&PACKAGES)
    }

    fn command(&self, place: &Place) -> Result<Command> {
        // unix(7): sun_path holds 108 bytes.
        let socket = text(&Self::socket(place))?;
        ensure!(
            socket.len() < 108,
            "{socket} is too long for a socket; use a target directory with a shorter path"
        );
        let certificates = Certificates::get()?;
        let mut configuration = CONFIGURATION.to_owned();
        for port in self.ports() {
            configuration = configuration.replace(&format!("{{{port}}}"), &place.port(port).to_string());
        }
        for (name, value) in [
            ("{folder}", text(&place.folder)?),
            ("{socket}", socket),
            ("{output}", text(&Self::output(place))?),
            ("{ca}", text(&certificates.ca())?),
            ("{certificate}", text(&certificates.server())?),
            ("{key}", text(&certificates.server_key())?),
        ] {
            configuration = configuration.replace(name, &value);
        }
        let file = place.file("rsyslog.conf");
        fs::write(&file, configuration)?;
        let mut command = Command::new("/usr/sbin/rsyslogd");
        // No pid file of its own: after a kill, an old one would keep it from starting once the id is used again.
        command.arg("-n").arg("-f").arg(file).arg("-iNONE");
        Ok(command)
    }

    fn check(&self, place: &Place) -> Result<()> {
        http::connect(place.port("tls"))?;
        http::connect(place.port("mtls"))?;
        ensure!(Self::socket(place).exists(), "no socket at {}", Self::socket(place).display());
        let sign = format!("ready-{}-{:?}", process::id(), Instant::now()).replace(' ', "");
        writeln!(http::connect(place.port("tcp"))?, "<46>1 - - xtask - - - {sign}")?;
        let end = Instant::now() + Duration::from_secs(2);
        while Instant::now() < end {
            if fs::read_to_string(Self::output(place)).is_ok_and(|lines| lines.contains(&sign)) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("a message sent to it does not arrive in {}", Self::output(place).display())
    }

    fn environment(&self, place: &Place) -> Result<Vec<Variable>> {
        Ok(vec![
            (self.variable(), place.address("tcp")),
            ("AUDIT_TEST_SYSLOG_UDP", place.address("udp")),
            ("AUDIT_TEST_SYSLOG_TLS", place.address("tls")),
            ("AUDIT_TEST_SYSLOG_MTLS", place.address("mtls")),
            ("AUDIT_TEST_SYSLOG_UNIX", text(&Self::socket(place))?),
            ("AUDIT_TEST_SYSLOG_OUTPUT", text(&Self::output(place))?),
        ])
    }
}

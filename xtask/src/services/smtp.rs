//! Postfix, which takes mail for `audit.test` in the clear, by STARTTLS and by TLS, and puts it all into one maildir.
//!
//! Why not OpenSMTPD: its queue and its control socket have one place in the whole machine, so that two of it can't run
//! side by side, nor can what is left in its queue be removed with the rest. Postfix keeps everything where it is told.

use std::fs::{self, DirBuilder, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use anyhow::{Context as _, Result, bail, ensure};

use super::certificates::Certificates;
use super::server::{Place, Server, Variable, text};
use super::tools::Missing;
use super::{debian, http};
use crate::shell::{program, root};

const PACKAGES: [debian::Package; 2] =
    [("postfix", "/usr/lib/postfix/sbin/master"), ("sasl2-bin", "/usr/sbin/saslpasswd2")];

/// So that the package configures and starts no mail server of its own.
const NO_SERVER_OF_ITS_OWN: &str = "postfix postfix/main_mailer_type select No configuration";

const MAIN: &str = include_str!("../../services/postfix.main.cf");
const MASTER: &str = include_str!("../../services/postfix.master.cf");

const USER: &str = "auditor";
const PASSWORD: &str = "audit-test-smtp-password";

/// By what each is answered. Tests put what they like behind the first word.
const RECIPIENTS: &str = "\
/^nobody/ 550 5.1.1 no such user here
/^later/ 450 4.2.0 greylisted, try again later
/^full/ 452 4.2.2 mailbox full
";
const HEADERS: &str = "/^Subject: .*unwanted-content/ REJECT that content is not wanted\n";

const NOBODY: u32 = 65534;

pub(crate) struct Smtp;

impl Smtp {
    /// Where its data is: not with the others', whose folder may be below a home directory, and Postfix's processes have
    /// users of their own, who may not go there.
    fn spool(place: &Place) -> Result<PathBuf> {
        let record = place.file("spool");
        if let Ok(spool) = fs::read_to_string(&record) {
            return Ok(spool.into());
        }
        let spool =
            std::env::temp_dir().join(format!("audit-log-smtp-{}-{}", process::id(), place.port("plain")));
        fs::write(&record, text(&spool)?)?;
        Ok(spool)
    }

    fn make(spool: &Path) -> Result<()> {
        // Fails where somebody else has made it.
        DirBuilder::new()
            .mode(0o755)
            .create(spool)
            .with_context(|| format!("cannot make {}", spool.display()))?;
        for folder in ["conf", "conf/sasl", "queue", "data", "mail"] {
            fs::create_dir(spool.join(folder))?;
            fs::set_permissions(spool.join(folder), Permissions::from_mode(0o755))?;
        }
        chown(spool.join("mail"), Some(NOBODY), Some(NOBODY))?;
        let owned = Command::new("chown").arg("postfix").arg(spool.join("data")).status()?;
        ensure!(owned.success(), "cannot give its data to the user postfix");
        let users = spool.join("conf/sasl/users");
        // The password is on no command line, as anybody can read those.
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "printf %s \"$PASSWORD\" | saslpasswd2 -p -c -f \"$1\" -u audit.test \"$2\"",
            "sh",
        ]);
        command.arg(&users).arg(USER).env("PASSWORD", PASSWORD);
        ensure!(command.status()?.success(), "saslpasswd2 failed");
        fs::set_permissions(&users, Permissions::from_mode(0o644))?;
        fs::write(
            // Where Debian has it read, whatever cyrus_sasl_config_path says.
            spool.join("conf/sasl/smtpd.conf"),
            format!(
                "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {}\nmech_list: PLAIN LOGIN\n",
                text(&users)?
            ),
        )?;
        fs::write(spool.join("recipients"), RECIPIENTS)?;
        fs::write(spool.join("headers"), HEADERS)?;
        Ok(())
    }
}

impl Server for Smtp {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn variable(&self) -> &'static str {
        "AUDIT_TEST_SMTP"
    }

    fn untested(&self) -> &'static str {
        "the e-mail destination"
    }

    fn ports(&self) -> &'static [&'static str] {
        &["plain", "starttls", "tls", "mtls"]
    }

    fn install(&self) -> Result<()> {
        if debian::is_missing(&PACKAGES[0]) && debian::is_root()? {
            let answer = format!("echo '{NO_SERVER_OF_ITS_OWN}' | debconf-set-selections");
            program("sh").args(["-c", &answer]).run()?;
        }
        debian::ensure(&PACKAGES)?;
        if debian::is_root()? {
            Ok(())
        } else {
            Err(Missing("postfix starts only as root".to_owned()).into())
        }
    }

    fn command(&self, place: &Place) -> Result<Command> {
        let spool = Self::spool(place)?;
        if !spool.exists() {
            Self::make(&spool)?;
        }
        let certificates = Certificates::get()?;
        let values = [
            ("{spool}", text(&spool)?),
            ("{log}", text(&place.file("log"))?),
            ("{ca}", text(&certificates.ca())?),
            ("{certificate}", text(&certificates.server())?),
            ("{key}", text(&certificates.server_key())?),
        ];
        let ports = self.ports().iter().map(|port| (format!("{{{port}}}"), place.port(port).to_string()));
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(ports);
        let (mut main, mut master) = (MAIN.to_owned(), MASTER.to_owned());
        for (name, value) in values {
            (main, master) = (main.replace(&name, &value), master.replace(&name, &value));
        }
        let configuration = spool.join("conf");
        fs::write(configuration.join("main.cf"), main)?;
        fs::write(configuration.join("master.cf"), master)?;
        // Makes the folders of the queue, each with its owner.
        let check = program("/usr/sbin/postfix").arg("-c").arg(&configuration).arg("check").output()?;
        if !check.status.success() {
            bail!("postfix check: {}", String::from_utf8_lossy(&check.stderr));
        }
        let mut command = Command::new("/usr/lib/postfix/sbin/master");
        // -d: it stays in the process group that it is started in, and what it starts does too.
        command.arg("-c").arg(&configuration).arg("-d").current_dir(root());
        Ok(command)
    }

    fn check(&self, place: &Place) -> Result<()> {
        for port in ["starttls", "tls", "mtls"] {
            http::connect(place.port(port))?;
        }
        let mut greeting = [0; 4];
        http::connect(place.port("plain"))?.read_exact(&mut greeting)?;
        ensure!(greeting == *b"220 ", "the greeting is {:?}", String::from_utf8_lossy(&greeting));
        Ok(())
    }

    fn clear(&self, place: &Place) -> Result<()> {
        let record = place.file("spool");
        match fs::read_to_string(&record) {
            Ok(spool) if Path::new(&spool).exists() => {
                fs::remove_dir_all(&spool).with_context(|| format!("cannot remove {spool}"))
            }
            _ => Ok(()),
        }
    }

    fn environment(&self, place: &Place) -> Result<Vec<Variable>> {
        let spool = Self::spool(place)?;
        Ok(vec![
            (self.variable(), place.address("plain")),
            ("AUDIT_TEST_SMTP_STARTTLS", place.address("starttls")),
            ("AUDIT_TEST_SMTP_TLS", place.address("tls")),
            ("AUDIT_TEST_SMTP_MTLS", place.address("mtls")),
            ("AUDIT_TEST_SMTP_USER", USER.to_owned()),
            ("AUDIT_TEST_SMTP_PASSWORD", PASSWORD.to_owned()),
            ("AUDIT_TEST_SMTP_MAIL", text(&spool.join("mail"))?),
            ("AUDIT_TEST_SMTP_QUEUE", text(&spool.join("queue"))?),
        ])
    }
}

//! MinIO, for S3: with a bucket, and with one that has Object Lock.

use std::process::Command;

use anyhow::{Result, bail};

use super::server::{Place, Server, Variable, text};
use super::tools::{Tool, go};
use super::{http, python};
use crate::shell::program;

const TOOL: Tool = Tool {
    name: "minio",
    packages: &["github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"],
    installer: "go",
    install: go,
};

const ACCESS_KEY: &str = "audit-test";
const SECRET_KEY: &str = "audit-test-secret";
const BUCKET: &str = "audit-test";
const LOCKED_BUCKET: &str = "audit-test-locked";

pub(crate) struct S3;

impl Server for S3 {
    fn name(&self) -> &'static str {
        "s3"
    }

    fn variable(&self) -> &'static str {
        "AUDIT_TEST_S3"
    }

    fn untested(&self) -> &'static str {
        "the S3 destination, Object Lock among it"
    }

    fn ports(&self) -> &'static [&'static str] {
        &["http"]
    }

    fn install(&self) -> Result<()> {
        python::ensure()?;
        TOOL.ensure().map(drop)
    }

    fn command(&self, place: &Place) -> Result<Command> {
        let mut command = Command::new(TOOL.folder()?.join("minio"));
        command.args(["server", "--address", &place.address("http")]);
        // Not the certificates that a person keeps in their home folder for a MinIO of their own.
        command.arg("--certs-dir").arg(place.file("certificates")).arg(place.file("data"));
        command.env("MINIO_ROOT_USER", ACCESS_KEY).env("MINIO_ROOT_PASSWORD", SECRET_KEY);
        command.env("MINIO_BROWSER", "off").env("MINIO_UPDATE", "off");
        Ok(command)
    }

    fn check(&self, place: &Place) -> Result<()> {
        http::get(place.port("http"), "/minio/health/live")
    }

    fn furnish(&self, place: &Place) -> Result<()> {
        if place.file("data").join(BUCKET).exists() && place.file("data").join(LOCKED_BUCKET).exists() {
            return Ok(());
        }
        let made = program(python::bin("python3")?)
            .args(["xtask/services/make_buckets.py", &format!("http://{}", place.address("http"))])
            .args([ACCESS_KEY, SECRET_KEY, BUCKET, LOCKED_BUCKET])
            .output()?;
        if !made.status.success() {
            bail!("cannot make its buckets: {}", String::from_utf8_lossy(&made.stderr));
        }
        Ok(())
    }

    fn environment(&self, place: &Place) -> Result<Vec<Variable>> {
        Ok(vec![
            (self.variable(), format!("http://{}", place.address("http"))),
            ("AUDIT_TEST_S3_BUCKET", BUCKET.to_owned()),
            ("AUDIT_TEST_S3_LOCKED_BUCKET", LOCKED_BUCKET.to_owned()),
            ("AUDIT_TEST_S3_ACCESS_KEY", ACCESS_KEY.to_owned()),
            ("AUDIT_TEST_S3_SECRET_KEY", SECRET_KEY.to_owned()),
            ("AUDIT_TEST_PYTHON", text(&python::bin("python3")?)?),
        ])
    }
}

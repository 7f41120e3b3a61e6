//! What all servers have in common.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::ports::Ports;
use super::run_folder;

pub(crate) type Variable = (&'static str, String);

/// A server that the live tests talk to.
pub(crate) trait Server: Sync {
    fn name(&self) -> &'static str;

    /// Names it to the tests. When a person has set it to a server of their own, ours is not started.
    fn variable(&self) -> &'static str;

    /// What is not tested without it.
    fn untested(&self) -> &'static str;

    fn ports(&self) -> &'static [&'static str];

    /// Installs what it needs.
    ///
    /// # Errors
    /// `Missing` if something can't be had here.
    fn install(&self) -> Result<()>;

    /// Writes its configuration and returns how to start it.
    fn command(&self, place: &Place) -> Result<Command>;

    /// An error, with what is not yet there, until it answers.
    fn check(&self, place: &Place) -> Result<()>;

    /// How long until it answers, at most.
    fn patience(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Makes inside it what the tests find there, unless it is there already.
    fn furnish(&self, _place: &Place) -> Result<()> {
        Ok(())
    }

    /// Removes what it keeps outside of its folder, once it is stopped for good.
    fn clear(&self, _place: &Place) -> Result<()> {
        Ok(())
    }

    fn environment(&self, place: &Place) -> Result<Vec<Variable>>;
}

/// Where a server's data, log, process id and ports are.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) ports: Ports,
}

impl Place {
    /// As it is, or as it will be when the server is started.
    pub(crate) fn of(server: &dyn Server) -> Result<Self> {
        let folder = folder_of(server)?;
        let ports = Ports::kept(&folder, server.ports())?;
        Ok(Self { folder, ports })
    }

    /// For a start.
    pub(crate) fn with_free_ports(server: &dyn Server) -> Result<Self> {
        let folder = folder_of(server)?;
        let ports = Ports::free(&folder, server.ports())?;
        Ok(Self { folder, ports })
    }

    pub(crate) fn port(&self, name: &str) -> u16 {
        self.ports.get(name)
    }

    pub(crate) fn address(&self, port: &str) -> String {
        format!("127.0.0.1:{}", self.port(port))
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

pub(crate) fn folder_of(server: &dyn Server) -> Result<PathBuf> {
    Ok(run_folder()?.join(server.name()))
}

/// As configuration files and variables want it.
pub(crate) fn text(path: &Path) -> Result<String> {
    let text = path.to_str().with_context(|| format!("{} is not Unicode", path.display()))?;
    Ok(text.to_owned())
}

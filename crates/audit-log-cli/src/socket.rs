//! Events from local programs: a Unix socket that takes one JSON event a line.

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::input::Intake;

/// A listening socket, whose name goes when this does.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    pub(crate) fn bind(path: &Path) -> anyhow::Result<Self> {
        if let Ok(metadata) = fs::symlink_metadata(path) {
            if !metadata.file_type().is_socket() {
                bail!("{}: is there already, and is no socket; choose another path", path.display());
            }
            if UnixStream::connect(path).is_ok() {
                bail!("{}: another program listens on this socket; choose another path", path.display());
            }
            fs::remove_file(path)
                .with_context(|| format!("{}: cannot remove the old socket", path.display()))?;
        }
        let listener =
            UnixListener::bind(path).with_context(|| format!("{}: cannot listen there", path.display()))?;
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Takes connections, each in a thread of its own, for as long as the program runs.
    pub(crate) fn serve(&self, intake: &Arc<Intake>) {
        let source = self.path.display().to_string();
        for connection in self.listener.incoming() {
            let Ok(connection) = connection else {
                // Out of file descriptors, most likely: others will be closed.
                std::thread::sleep(std::time::Duration::from_millis(100));
                continue;
            };
            let (intake, name) = (Arc::clone(intake), source.clone());
            std::thread::spawn(move || {
                if let Err(error) = intake.take_lines(&name, connection) {
                    eprintln!("warning: {}", crate::output::describe(&error));
                }
            });
        }
    }
}

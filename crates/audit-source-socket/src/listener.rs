//! A name in the file system that programs connect to.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use audit_source::SourceError;

/// What the system says of a directory beside the socket, without that directory's name, which nobody has heard of.
fn unnamed_error(directory: &Path, error: &io::Error) -> io::Error {
    let said = match error.kind() {
        io::ErrorKind::NotFound => "no such directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        kind => kind.to_string(),
    };
    io::Error::new(error.kind(), format!("cannot write in {}: {said}", directory.display()))
}

/// A listening socket; its name goes when this does, unless another has it by then.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: UnixListener,
    path: PathBuf,
    /// Device and inode of the name, if it is ours to remove.
    made: Option<(u64, u64)>,
}

impl Listener {
    pub(crate) fn bind(path: &Path, mode: u32) -> Result<Self, SourceError> {
        let failed = |source| SourceError::Listen { address: path.display().to_string(), source };
        refuse_taken(path).map_err(failed)?;
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // In a directory that nobody else can enter until the permissions are set, and then renamed over whatever is left of an old one:
        // nobody connects before, and nobody finds no socket in between.
        let private = tempfile::Builder::new().prefix(".s").rand_bytes(6).tempdir_in(directory);
        let private = private.map_err(|error| failed(unnamed_error(directory, &error)))?;
        let unnamed = private.path().join("s");
        let socket = UnixListener::bind(&unnamed).map_err(failed)?;
        fs::set_permissions(&unnamed, Permissions::from_mode(mode)).map_err(failed)?;
        let metadata = fs::symlink_metadata(&unnamed).map_err(failed)?;
        fs::rename(&unnamed, path).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        Ok(Self { socket, path: path.to_owned(), made: Some((metadata.dev(), metadata.ino())) })
    }

    /// One that somebody else has bound, and whose name stays.
    pub(crate) fn given(socket: UnixListener) -> Result<Self, SourceError> {
        let address = socket.local_addr();
        let path =
            address.ok().and_then(|address| address.as_pathname().map(Path::to_owned)).unwrap_or_default();
        let failed = |source| SourceError::Listen { address: path.display().to_string(), source };
        socket.set_nonblocking(true).map_err(failed)?;
        Ok(Self { socket, path, made: None })
    }

    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let there = fs::symlink_metadata(&self.path).map(|metadata| (metadata.dev(), metadata.ino()));
        if self.made.is_some_and(|made| there.is_ok_and(|there| there == made)) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn refuse_taken(path: &Path) -> io::Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        let problem = "it is there already, and is no socket; choose another path";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, problem));
    }
    match UnixStream::connect(path) {
        // What is left of a program that ended without removing it.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another program listens on this socket; stop it, or choose another path",
        )),
        Err(error) => Err(error),
    }
}

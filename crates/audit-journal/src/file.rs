//! Files as the journal makes them: private, and with their names made durable.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};

use crate::segment::directory;

/// Opens or makes a file that only its owner can read.
pub(crate) fn private(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path)
}

/// Makes the directories that lack, from the outermost on, each durable.
pub(crate) fn create_private_directory(log: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        directory(log).ancestors().take_while(|directory| !directory.exists()).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(directory(log))?;
    missing.into_iter().rev().filter(|made| !made.as_os_str().is_empty()).try_for_each(sync_directory)
}

/// A new name is durable only once its directory is. Systems other than Unix open no directories.
pub(crate) fn sync_directory(named: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory(named))?.sync_all() } else { Ok(()) }
}

/// What tells one file from another under the same name.
pub(crate) fn identity(metadata: &std::fs::Metadata) -> (u64, u64) {
    #[cfg(unix)]
    return (metadata.dev(), metadata.ino());
    #[cfg(not(unix))]
    return (0, 0);
}

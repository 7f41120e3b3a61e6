use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

/// Something to read records from: plain, gzip or zstd, told by its first bytes.
#[non_exhaustive]
pub enum Input {
    /// A file. Messages call it by its path.
    File(PathBuf),
    /// What has been read already, such as an object of S3.
    Bytes {
        /// What messages call it.
        name: String,
        /// Its content, compressed or not.
        bytes: Arc<[u8]>,
    },
    /// What can be read once, such as standard input.
    Reader {
        /// What messages call it.
        name: String,
        /// Its content, compressed or not.
        reader: Box<dyn Read + Send>,
    },
}

impl Input {
    /// What messages call it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Bytes { name, .. } | Self::Reader { name, .. } => name.clone(),
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Input").field(&self.name()).finish()
    }
}

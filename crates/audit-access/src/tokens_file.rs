use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[cfg(unix)]
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

use audit_model::Timestamp;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use crate::tokens_text::{self, HEAD, Problem};
use crate::{NewToken, TokenError, Tokens};

/// The largest file of tokens, in bytes: some ten thousand of them.
const MAX_FILE: u64 = 8 << 20;

const READING: &str = "cannot read the tokens in";

/// The file that API tokens are kept in: YAML that people may edit.
///
/// ```yaml
/// tokens:
///   - id: "ci"
///     owner: "build team"
///     roles: [ingest]
///     created: 2026-11-22T10:00:00.000Z
///     expires: 2027-11-22T10:00:00.000Z
///     hash: sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
/// ...
/// ```
///
/// The last line shows that the file is whole: one that was cut is refused, so that nothing is let in because a line such as
/// `revoked` was not there yet.
///
/// Each change is made under a lock that other processes wait for, and takes effect as a whole or not at all, whenever the process
/// or the machine stops: the new content is on disk before it gets the file's name. Comments at the file's head are kept.
#[derive(Clone, Debug)]
pub struct TokensFile {
    path: PathBuf,
}

/// What was read from a file of tokens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoadedTokens {
    /// The tokens.
    pub tokens: Tokens,
    /// What is not as it should be, and does not keep the tokens from being used: each a sentence.
    pub warnings: Vec<String>,
    digest: [u8; 32],
}

/// Why tokens could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokensFileError {
    /// The operating system refused something.
    #[error("{what} {}: {source}{}", path.display(), next_step(what, path, source))]
    Io {
        /// What could not be done.
        what: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is a file, and it is none of tokens.
    #[error("{}{}: {message}", path.display(), place.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line and the column, from 1.
        place: Option<(u64, u64)>,
        /// What was found, and what was expected.
        message: String,
    },
    /// The file has comments in its middle, and would have none after a change.
    #[error(
        "{} has comments between its tokens, which a change would lose; move them to the head of the file, or into name and owner",
        path.display()
    )]
    Comments {
        /// The file.
        path: PathBuf,
    },
    /// What was asked for cannot be.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl TokensFile {
    /// The file at that path. Nothing is read or made yet.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file.
    ///
    /// # Errors
    /// When there is none, it cannot be read, is larger than 8 MiB, or is not what it should be. Go on with the tokens that you
    /// have then.
    pub fn load(&self) -> Result<LoadedTokens, TokensFileError> {
        let (bytes, warnings) = self.bytes()?;
        Ok(LoadedTokens { tokens: self.parse(&bytes)?, warnings, digest: Sha256::digest(&bytes).into() })
    }

    /// Reads the file again if its content is another one than at `last`.
    ///
    /// # Errors
    /// As [`TokensFile::load`].
    pub fn load_if_changed(&self, last: &LoadedTokens) -> Result<Option<LoadedTokens>, TokensFileError> {
        let (bytes, warnings) = self.bytes()?;
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        if digest == last.digest {
            return Ok(None);
        }
        Ok(Some(LoadedTokens { tokens: self.parse(&bytes)?, warnings, digest }))
    }

    /// Makes a token, and returns it: the only time that it can be seen. Makes the file if there is none, readable by the owner of
    /// its directory only.
    ///
    /// # Errors
    /// As [`Tokens::create`] and [`TokensFile::load`], and when the file cannot be written. Then nothing has changed, unless it is the
    /// directory that cannot be synced: then it has, and a power loss may undo it.
    pub fn create(&self, new: NewToken, now: Timestamp) -> Result<SecretString, TokensFileError> {
        self.change(|tokens| tokens.create(new, now))
    }

    /// Withdraws a token.
    ///
    /// # Errors
    /// As [`Tokens::revoke`] and [`TokensFile::create`].
    pub fn revoke(&self, id: &str, now: Timestamp) -> Result<(), TokensFileError> {
        self.change(|tokens| tokens.revoke(id, now))
    }

    /// Gives a token a new secret, and returns the token with it; the old one is good for the `overlap`.
    ///
    /// # Errors
    /// As [`Tokens::rotate`] and [`TokensFile::create`].
    pub fn rotate(
        &self,
        id: &str,
        overlap: Duration,
        now: Timestamp,
    ) -> Result<SecretString, TokensFileError> {
        self.change(|tokens| tokens.rotate(id, overlap, now))
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut Tokens) -> Result<T, TokenError>,
    ) -> Result<T, TokensFileError> {
        // The file of a mounted volume is a link; what it leads to is replaced, not the link.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let lock_path = beside(&path, ".lock");
        // The lock is a file of its own, since the other one is replaced. The file being closed unlocks it.
        let _lock = private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(&lock_path)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(failed("cannot lock", &lock_path))?;
        let (head, mut tokens) = match self.bytes() {
            Ok((bytes, _)) => {
                let tokens = self.parse(&bytes)?;
                let text = String::from_utf8_lossy(&bytes);
                if tokens_text::has_other_comments(&text, &tokens) {
                    return Err(TokensFileError::Comments { path: self.path.clone() });
                }
                (tokens_text::head(&text).to_owned(), tokens)
            }
            Err(TokensFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                (HEAD.to_owned(), Tokens::default())
            }
            Err(error) => return Err(error),
        };
        let result = change(&mut tokens)?;
        let text = tokens_text::write(&head, &tokens);
        // Better no change than a file that nobody gets in with.
        if self.parse(text.as_bytes())? != tokens {
            return Err(TokensFileError::Broken {
                path: self.path.clone(),
                place: None,
                message: "a name or owner in it cannot be written; expected plain text".to_owned(),
            });
        }
        replace(&path, text.as_bytes())?;
        Ok(result)
    }

    fn bytes(&self) -> Result<(Vec<u8>, Vec<String>), TokensFileError> {
        let file = File::open(&self.path).map_err(failed(READING, &self.path))?;
        let warnings = self.warnings(&file)?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed(READING, &self.path))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(self.broken(Problem {
                at: None,
                message: "it is larger than 8 MiB; expected a file of tokens".to_owned(),
            }));
        }
        Ok((bytes, warnings))
    }

    #[cfg(unix)]
    fn warnings(&self, file: &File) -> Result<Vec<String>, TokensFileError> {
        let metadata = file.metadata().map_err(failed(READING, &self.path))?;
        let mode = metadata.mode() & 0o777;
        let what = match mode & 0o077 {
            0 => return Ok(Vec::new()),
            others if others & 0o022 != 0 => "others can write, so they can let anybody in",
            _ => "others can read",
        };
        Ok(vec![format!(
            "{} has mode {mode:04o}: {what}; expected 0600 (chmod 600 makes that)",
            self.path.display()
        )])
    }

    #[cfg(not(unix))]
    fn warnings(&self, _: &File) -> Result<Vec<String>, TokensFileError> {
        Ok(Vec::new())
    }

    fn parse(&self, bytes: &[u8]) -> Result<Tokens, TokensFileError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
            self.broken(Problem { at: Some((line, 1)), message: "it is not UTF-8".to_owned() })
        })?;
        tokens_text::read(text).map_err(|problem| self.broken(problem))
    }

    fn broken(&self, problem: Problem) -> TokensFileError {
        TokensFileError::Broken { path: self.path.clone(), place: problem.at, message: problem.message }
    }
}

fn next_step(what: &str, path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound if what == READING => {
            format!("; `audit-log token create NAME --role ingest --tokens-file {}` makes it", path.display())
        }
        io::ErrorKind::PermissionDenied => "; give the user that this runs as the right to it".to_owned(),
        _ => String::new(),
    }
}

fn replace(path: &Path, text: &[u8]) -> Result<(), TokensFileError> {
    let new = beside(path, ".new");
    // What a crash left there may have any owner and any permissions.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("cannot remove", &new)(error));
        }
        _ => {}
    }
    private(OpenOptions::new().write(true).create_new(true))
        .open(&new)
        .and_then(|mut file| {
            file.write_all(text)?;
            take_after(path, &file);
            file.sync_all()
        })
        .inspect_err(|_| drop(fs::remove_file(&new)))
        .map_err(failed("cannot write", &new))?;
    fs::rename(&new, path).map_err(failed("cannot replace", path))?;
    // A new name is durable only once its directory is. Systems other than Unix open no directories.
    if cfg!(unix) {
        let directory = directory(path);
        File::open(directory)
            .and_then(|file| file.sync_all())
            .map_err(failed("cannot sync the directory", directory))?;
    }
    Ok(())
}

/// The service reads what root changes here. So the new file has the old one's owner and group, or at first those of the
/// directory, and lets the group read it if it could.
#[cfg(unix)]
fn take_after(path: &Path, new: &File) {
    use std::os::unix::fs::{PermissionsExt as _, fchown};
    let old = fs::metadata(path);
    if let Some(model) = old.as_ref().ok().cloned().or_else(|| fs::metadata(directory(path)).ok()) {
        let own = new.metadata().map(|own| (own.uid(), own.gid())).ok();
        if own != Some((model.uid(), model.gid())) {
            // Without the right to it, the file is theirs who changed it, and the service says that it cannot read it.
            let _ = fchown(new, Some(model.uid()), Some(model.gid()));
        }
    }
    let same_group = |old: &fs::Metadata| new.metadata().is_ok_and(|new| new.gid() == old.gid());
    if old.is_ok_and(|old| old.mode() & 0o040 != 0 && same_group(&old)) {
        let _ = new.set_permissions(fs::Permissions::from_mode(0o640));
    }
}

#[cfg(not(unix))]
fn take_after(_: &Path, _: &File) {}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    options.mode(0o600);
    options
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> TokensFileError {
    move |source| TokensFileError::Io { what, path: path.to_owned(), source }
}

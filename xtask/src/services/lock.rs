//! One `up`, `down` or `kill` of a server at a time, whichever program asks: several tests may do so at once.

use std::fs::{self, File};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::home;

/// Held until it is dropped, or until this program ends in whatever way.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) fn take(name: &str) -> Result<Self> {
        let folder = home()?.join("locks");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let path = folder.join(name);
        let file = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
        for _ in 0..100 {
            if file.try_lock().is_ok() {
                return Ok(Self { _file: file });
            }
            thread::sleep(Duration::from_millis(20));
        }
        eprintln!("waiting for another `services` command, which is busy with {name}");
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(Self { _file: file })
    }
}

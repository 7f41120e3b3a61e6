//! How far a long reading is.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What takes less than a second or so has no bar.
const LONG: u64 = 64 << 20;

/// A bar for the files' bytes, if there is somebody to see it and they are many.
pub(crate) fn bar(files: &[PathBuf]) -> Option<ProgressBar> {
    let size = files.iter().filter_map(|file| fs::metadata(file).ok()).map(|metadata| metadata.len()).sum();
    if !io::stderr().is_terminal() || size < LONG {
        return None;
    }
    let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}");
    let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr());
    bar.set_style(style.expect("a template of known keys"));
    Some(bar)
}

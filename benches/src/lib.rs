//! Shared pieces of the benchmarks: the events that all of them use, and ratios of sides measured in turns.
#![allow(clippy::print_stdout, reason = "a benchmark's output is what it prints")]

mod events;
mod ratios;

pub use events::{
    PlainAction, PlainActor, PlainContext, PlainEvent, PlainResource, canonical, events, key, plain,
};
pub use ratios::{Rates, Sides, Table, is_measuring, rate};

use std::path::PathBuf;

/// A directory for log files, on the disk that the sources are built on: `/tmp` may be memory, where a sync is free.
///
/// # Panics
/// When the directory cannot be made.
#[must_use]
pub fn directory() -> tempfile::TempDir {
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(target, PathBuf::from);
    std::fs::create_dir_all(&target).expect("the build directory can be made");
    tempfile::Builder::new()
        .prefix("audit-bench-")
        .tempdir_in(target)
        .expect("the build directory can be written")
}

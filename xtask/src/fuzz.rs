//! `cargo xtask fuzz SECONDS`

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::checkers::or_skipped;
use crate::report::{Outcome, Report};
use crate::services::tools::{self, Missing, Tool};
use crate::shell::{Shell, cargo, program, root, target_dir};

const CARGO_FUZZ: Tool = Tool {
    name: "cargo-fuzz",
    packages: &["cargo-fuzz@0.13.2"],
    installer: "cargo",
    install: tools::cargo_install,
};

/// What a target begins with, so that it need not find out by itself what a line looks like: files that are here anyway.
enum Seeds {
    /// Each line of them.
    Lines(&'static [&'static str]),
    /// Each of them, whole.
    Files(&'static [&'static str]),
}

const TARGETS: &[(&str, Seeds)] = &[
    ("condition", Seeds::Lines(&["fuzz/seeds/condition.txt"])),
    ("configuration", Seeds::Files(&["docs/examples"])),
    ("event", Seeds::Lines(&["docs/examples/events.ndjson"])),
    ("log", Seeds::Files(&["docs/test-vectors"])),
    ("ocsf", Seeds::Lines(&["docs/examples/redpanda.ndjson", "docs/examples/events.ndjson"])),
    ("record", Seeds::Lines(&["docs/test-vectors"])),
    (
        "source",
        Seeds::Lines(&[
            "fuzz/seeds/source.txt",
            "docs/examples/redpanda.ndjson",
            "docs/examples/events.ndjson",
        ]),
    ),
    ("syslog", Seeds::Lines(&["fuzz/seeds/syslog.txt"])),
];

/// Each target for that long.
pub(crate) fn run(report: &mut Report, seconds: &str) -> Result<()> {
    let _: u32 = seconds.parse().with_context(|| format!("`{seconds}` is no number of seconds"))?;
    let mut can_run = false;
    report.suite("fuzz: build", || {
        let built = or_skipped(build)?;
        can_run = matches!(built, Outcome::Passed);
        Ok(built)
    });
    for (target, seeds) in TARGETS.iter().filter(|_| can_run) {
        report.suite(&format!("fuzz: {target}"), || {
            let corpus = corpus(target, seeds)?;
            let options =
                ["--", &format!("-max_total_time={seconds}"), "-max_len=8192", "-print_final_stats=1"];
            cargo_fuzz("run")?.arg(target).arg(corpus).args(options).run().map(Outcome::passed)
        });
    }
    Ok(())
}

/// It is no member of the workspace, so nothing else sees that it is formatted, and that its lock file fits the crates of today.
pub(crate) fn lint(report: &mut Report) {
    for (name, arguments) in [
        ("fuzz: fmt", "fmt --check --manifest-path fuzz/Cargo.toml"),
        ("fuzz: Cargo.lock", "fetch --quiet --locked --manifest-path fuzz/Cargo.toml"),
    ] {
        report.suite(name, || cargo(arguments).run().map(Outcome::passed));
    }
}

fn build() -> Result<Outcome> {
    let nightly = program("cargo").args(["+nightly", "--version"]).output();
    if !nightly.is_ok_and(|output| output.status.success()) {
        return Err(Missing(
            "a nightly Rust is not installed; run `rustup toolchain install nightly`".to_owned(),
        )
        .into());
    }
    cargo_fuzz("build")?.run().map(Outcome::passed)
}

/// Without the sanitizers: our crates have no `unsafe` for them to look at, and without them it is twice as fast.
fn cargo_fuzz(task: &str) -> Result<Shell> {
    let target = target_dir()?.join("fuzz");
    Ok(program("rustup")
        .args(["run", "nightly"])
        .arg(CARGO_FUZZ.ensure()?.join("bin/cargo-fuzz"))
        .args(["fuzz", task, "--sanitizer", "none"])
        .env("CARGO_TARGET_DIR", &target.to_string_lossy()))
}

/// What a run finds interesting is added to it.
fn corpus(target: &str, seeds: &Seeds) -> Result<PathBuf> {
    let corpus = target_dir()?.join("fuzz-corpus").join(target);
    fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
    let (Seeds::Lines(paths) | Seeds::Files(paths)) = seeds;
    for seed in *paths {
        let path = root().join(seed);
        let files = if path.is_dir() { files_in(&path)? } else { vec![path] };
        for file in files {
            let name = file.file_name().expect("a file has a name").to_string_lossy().into_owned();
            let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            if matches!(seeds, Seeds::Files(_)) {
                fs::write(corpus.join(name), bytes)?;
                continue;
            }
            for (place, line) in bytes.split(|byte| *byte == b'\n').take(200).enumerate() {
                fs::write(corpus.join(format!("{name}-{place}")), line)?;
            }
        }
    }
    Ok(corpus)
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;

    #[test]
    fn every_target_is_run_with_seeds_that_are_there() {
        let mut targets = files_in(&root().join("fuzz/fuzz_targets")).unwrap();
        targets.sort();
        let targets: Vec<_> =
            targets.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
        assert_eq!(TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), targets);
        for (name, seeds) in TARGETS {
            let (Seeds::Lines(paths) | Seeds::Files(paths)) = seeds;
            assert!(!paths.is_empty() && paths.iter().all(|path| root().join(path).exists()), "{name}");
        }
    }
}

//! `docs/recording.svg`: what the README shows of a terminal, made by running it.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use anstyle_svg::Term;
use anyhow::{Context as _, Result};
use regex::Regex;

use crate::report::Outcome;
use crate::shell::{root, target_dir};

const PLACE: &str = "docs/recording.svg";

/// Each in the shell of one who has just cloned the repository and put the command on the path.
const SESSION: [&str; 6] = [
    "audit-log run --config docs/examples/quickstart.yaml --input docs/examples/events.ndjson",
    "audit-log search --type '*.failed' --format table audit-logs/audit.log",
    "audit-log verify --config docs/examples/quickstart.yaml audit-logs/audit.log",
    "python3 docs/verify.py docs/examples/quickstart.key audit-logs/audit.log      # without our code",
    "sed -i '2s/alice/mallory/' audit-logs/audit.log                               # somebody edits a record",
    "audit-log verify --config docs/examples/quickstart.yaml audit-logs/audit.log",
];

pub(crate) fn write() -> Result<Outcome> {
    fs::write(root().join(PLACE), record()?)?;
    println!("{PLACE} is what the commands print now");
    Ok(Outcome::Passed)
}

/// That the commands still print what the recording shows, apart from what differs from run to run.
pub(crate) fn check() -> Result<Outcome> {
    let shown = fs::read_to_string(root().join(PLACE)).with_context(|| format!("cannot read {PLACE}"))?;
    Ok(match without_what_varies(&shown)? == without_what_varies(&record()?)? {
        true => Outcome::Passed,
        false => Outcome::Failed(format!(
            "{PLACE} shows something else than the commands print; run: cargo build --bin audit-log && \
             cargo xtask recording"
        )),
    })
}

fn record() -> Result<String> {
    let command = target_dir()?.join("debug");
    let place = tempfile::tempdir()?;
    symlink(root().join("docs"), place.path().join("docs"))?;
    let path = format!("{}:{}", command.display(), std::env::var("PATH")?);
    let mut screen = String::new();
    for line in SESSION {
        screen += &format!("\x1b[1;32m$\x1b[0m \x1b[1m{line}\x1b[0m\n");
        let ran = Command::new("sh")
            .args(["-c", &format!("{line} 2>&1")])
            .current_dir(place.path())
            .env("PATH", &path)
            .output()
            .with_context(|| format!("cannot run `{line}`"))?;
        screen += &String::from_utf8_lossy(&ran.stdout);
    }
    Ok(Term::new().render_svg(screen.trim_end()))
}

/// Ids, signatures, and the time of an event that had none and got that of the recording.
fn without_what_varies(svg: &str) -> Result<String> {
    let varying = Regex::new(r"[0-9a-f]{32,64}|20\d\d-\d\d-\d\dT[0-9:.]+Z")?;
    Ok(varying.replace_all(svg, "…").into_owned())
}

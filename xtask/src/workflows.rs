//! The workflows: that they are sound, and that what they call is here.

use std::fs;

use anyhow::{Context as _, Result};

use crate::checkers::{actionlint, or_skipped};
use crate::report::Outcome;
use crate::shell::{program, root};

const FOLDER: &str = ".github/workflows";

/// What a workflow may do beside calling xtask: what xtask needs to be there.
const SETTING_UP: [&str; 4] =
    ["apt-get ", "rustup toolchain install ", "rustup component add ", "git config "];

pub(crate) fn check() -> Result<Outcome> {
    let mut wrong = Vec::new();
    let rust = fs::read_to_string(root().join("api/rust-version")).context("no api/rust-version")?;
    let folder = root().join(FOLDER);
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        wrong.extend(
            mistakes(&text, rust.trim())
                .into_iter()
                .map(|(line, why)| format!("{FOLDER}/{name}:{line}: {why}")),
        );
    }
    if !wrong.is_empty() {
        return Ok(Outcome::Failed(wrong.join("\n")));
    }
    or_skipped(|| program(actionlint()?).arg("-color").run().map(Outcome::passed))
}

/// Actions that may change under their name, permissions that are not said, steps that only the CI could run, and
/// another Rust than that whose rustdoc wrote the record of the API.
fn mistakes(text: &str, rust: &str) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    if !text.lines().any(|line| line.starts_with("permissions:")) {
        wrong.push((1, "says no `permissions` at the top, and so has the repository's default".to_owned()));
    }
    let mut block = None;
    for (place, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if block.is_some_and(|outer| indent <= outer && !line.trim().is_empty()) {
            block = None;
        }
        let step = line.trim_start().trim_start_matches("- ");
        if let Some(action) = step.strip_prefix("uses: ")
            && !is_pinned(action)
        {
            wrong
                .push((place + 1, format!("{action} has to be pinned to a whole version, as v1.2.3 is one")));
        }
        let image = step.strip_prefix("image: ").or_else(|| step.strip_prefix("container: "));
        if let Some(image) = image
            && !image.starts_with(&format!("rust:{rust}-"))
        {
            wrong.push((place + 1, format!("{image} is not of Rust {rust}, as api/ is")));
        }
        match step.strip_prefix("run: ") {
            Some("|") => block = Some(indent),
            Some(command) if !is_allowed(command) => {
                wrong.push((place + 1, format!("`{command}` belongs into xtask")));
            }
            None if block.is_some() && !step.is_empty() && !is_allowed(step) => {
                wrong.push((place + 1, format!("`{step}` belongs into xtask")));
            }
            _ => {}
        }
    }
    wrong
}

fn is_pinned(action: &str) -> bool {
    // Another workflow of the same commit.
    if action.starts_with("./") {
        return true;
    }
    let version = action.split_once("@v").map_or("", |(_, version)| version);
    let numbers: Vec<&str> = version.split('.').collect();
    numbers.len() == 3 && numbers.iter().all(|number| number.parse::<u32>().is_ok())
}

fn is_allowed(command: &str) -> bool {
    // One command a line: what stands behind these would be looked at by nobody.
    if ["&", ";", "|", "`", "$("].iter().any(|joint| command.contains(joint)) {
        return false;
    }
    match command.strip_prefix("cargo xtask ") {
        Some(task) => crate::tasks().any(|known| task.split(' ').next() == Some(known)),
        None => SETTING_UP.iter().any(|known| command.starts_with(known)),
    }
}

#[cfg(test)]
mod tests {
    use super::mistakes;

    const SOUND: &str = "permissions:\n  contents: read\njobs:\n  a:\n    container: rust:1.95-bookworm\n    steps:\n      \
                         - uses: actions/checkout@v5.0.0\n      - run: cargo xtask ci\n";

    #[test]
    fn what_is_sound_passes() {
        assert_eq!(mistakes(SOUND, "1.95"), []);
    }

    #[test]
    fn each_mistake_is_found_in_its_line() {
        for (from, to, line) in [
            ("permissions:\n  contents: read\n", "", 1),
            ("@v5.0.0", "@v5", 7),
            ("@v5.0.0", "@main", 7),
            ("rust:1.95-bookworm", "rust:1.94-bookworm", 5),
            ("rust:1.95-bookworm", "debian:12", 5),
            ("cargo xtask ci", "cargo test", 8),
            ("cargo xtask ci", "cargo xtask cii", 8),
            ("cargo xtask ci", "cargo xtask ci && curl example.com", 8),
            ("cargo xtask ci", "cargo xtask ci; curl example.com", 8),
            ("cargo xtask ci", "cargo xtask ci | tee log", 8),
            ("cargo xtask ci", "apt-get update && curl example.com", 8),
            ("run: cargo xtask ci", "run: |\n          cargo xtask ci\n          curl example.com", 10),
        ] {
            let found = mistakes(&SOUND.replace(from, to), "1.95");
            assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [line], "{to}");
        }
    }
}

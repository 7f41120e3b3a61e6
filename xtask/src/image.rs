//! The Dockerfile: hadolint, and what it can't know. No image is built; that takes a network.

pub(crate) mod context;

use std::fs;

use anyhow::{Context as _, Result};

use crate::checkers::{self, or_skipped};
use crate::report::Outcome;
use crate::shell::{program, root};

const FILE: &str = "Dockerfile";

/// What the static image is without, as it is C that wants a C library.
const NOT_STATIC: [&str; 1] = ["kafka"];

/// A line, what it becomes in a copy, and so what has to be found there.
const MISTAKES: [(&str, &str); 6] = [
    ("USER 10001:10001", "USER audit-log"),
    ("USER 10001:10001", "USER 0:0"),
    ("STOPSIGNAL SIGTERM", "STOPSIGNAL SIGKILL"),
    ("ENTRYPOINT [\"/audit-log\"]", "ENTRYPOINT /audit-log"),
    ("image.version=\"", "image.version=\"9."),
    ("ARG FEATURES=", "ARG FEATURES=kafka,nonsense,"),
];

pub(crate) fn check() -> Result<Outcome> {
    or_skipped(|| {
        let mut wrong = Vec::new();
        if !program(checkers::hadolint()?).args(["--failure-threshold", "style", FILE]).run()? {
            wrong.push("hadolint: see above".to_owned());
        }
        let text = fs::read_to_string(root().join(FILE)).context("cannot read the Dockerfile")?;
        let manifest = fs::read_to_string(root().join("crates/audit-log-cli/Cargo.toml"))
            .context("cannot read the command's manifest")?;
        let found = findings(&text, &manifest);
        for (right, mistake) in MISTAKES {
            if !text.contains(right)
                || findings(&text.replace(right, mistake), &manifest).len() <= found.len()
            {
                wrong.push(format!("not noticed: `{mistake}`"));
            }
        }
        println!(
            "{FILE}: {} images, {} findings, {} broken copies",
            IMAGES.len(),
            found.len(),
            MISTAKES.len()
        );
        wrong.extend(found);
        Ok(Outcome::of(&wrong))
    })
}

/// The stages that are images, not steps.
const IMAGES: [&str; 2] = ["with-kafka", "static"];

fn findings(text: &str, manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let stages: Vec<&str> = text.split("\nFROM ").skip(1).collect();
    for image in IMAGES {
        let Some(stage) = stages.iter().find(|stage| name(stage) == image) else {
            found.push(format!("no stage is called {image}"));
            continue;
        };
        let version = format!("org.opencontainers.image.version=\"{}\"", env!("CARGO_PKG_VERSION"));
        // By number: the kubelet can't tell whether a name is root's.
        for wanted in [
            "USER 10001:10001",
            "STOPSIGNAL SIGTERM",
            "ENTRYPOINT [\"/audit-log\"]",
            "VOLUME [\"/var/lib/audit-log\"]",
            "EXPOSE 8400 9400",
        ] {
            if !stage.lines().any(|line| line == wanted) {
                found.push(format!("{image}: no line `{wanted}`"));
            }
        }
        if !stage.contains(&version) {
            found.push(format!("{image}: no label {version}"));
        }
    }
    if stages.last().is_none_or(|stage| !stage.starts_with("scratch AS static\n")) {
        found.push("what is built without --target is not the static image".to_owned());
    }
    found.extend(wrong_features(&stages, manifest));
    found
}

/// The static image has all of `full` that can be there; `full` is what the other one has.
fn wrong_features(stages: &[&str], manifest: &str) -> Option<String> {
    let stage = stages.iter().find(|stage| name(stage) == "build-static")?;
    let built = stage.lines().find_map(|line| line.strip_prefix("ARG FEATURES="))?;
    let full = manifest.lines().find_map(|line| line.strip_prefix("full = ["))?.trim_end_matches(']');
    let wanted: Vec<&str> = full
        .split(',')
        .map(|feature| feature.trim().trim_matches('"'))
        .filter(|feature| !NOT_STATIC.contains(feature))
        .collect();
    let wanted = wanted.join(",");
    (built != wanted).then(|| format!("the static image is built with {built}, expected {wanted}"))
}

fn name<'a>(stage: &&'a str) -> &'a str {
    stage.lines().next().and_then(|line| line.split_once(" AS ")).map_or("", |(_, name)| name)
}

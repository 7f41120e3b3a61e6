//! Whose types stand in our API. Their next breaking version is ours, too, so that each needs a reason.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::surface::Surface;
use crate::report::Outcome;

/// A foreign crate, by the name that its paths begin with, the packages whose API may name it, and why.
struct Allowed {
    foreign: &'static str,
    packages: &'static [&'static str],
    why: &'static str,
}

const fn allowed(foreign: &'static str, packages: &'static [&'static str], why: &'static str) -> Allowed {
    Allowed { foreign, packages, why }
}

const SECRETS: &str =
    "before 1.0, but small and still: it says in the type what is never printed, and wipes it";
const AWS: &str = "audit-aws readies the AWS SDK for our own destinations, and nobody else needs it; no destination shows it";
const KAFKA: &str =
    "audit-kafka readies librdkafka for our own crates, and nobody else needs it; none of them shows it";
const TOWER: &str = "the middleware's own vocabulary: without it there is no layer";

const ALLOWED: &[Allowed] = &[
    allowed("aws_smithy_runtime_api", &["audit-aws"], AWS),
    allowed("aws_smithy_types", &["audit-aws"], AWS),
    allowed("aws_types", &["audit-aws"], AWS),
    allowed("http", &["audit-tower"], TOWER),
    allowed("http_body", &["audit-tower"], TOWER),
    allowed("rdkafka", &["audit-kafka"], KAFKA),
    allowed("rdkafka_sys", &["audit-kafka"], KAFKA),
    allowed("rustls", &["audit-tls"], "audit-tls makes rustls configurations: they are what it is for"),
    allowed(
        "schemars",
        &["audit-config", "audit-retention"],
        "the schema of the configuration is derived, and schemars is past 1.0",
    ),
    allowed(
        "secrecy",
        &[
            "audit-access",
            "audit-aws",
            "audit-config",
            "audit-integrity",
            "audit-kafka",
            "audit-notify",
            "audit-sink-cloudwatch",
            "audit-sink-email",
            "audit-sink-kafka",
            "audit-sink-s3",
            "audit-sink-webhook",
        ],
        SECRETS,
    ),
    allowed(
        "serde_core",
        &[
            "audit-alert",
            "audit-config",
            "audit-delivery",
            "audit-keeper",
            "audit-model",
            "audit-ocsf",
            "audit-report",
            "audit-retention",
            "audit-sink-email",
        ],
        "serde's traits, past 1.0",
    ),
    allowed(
        "serde_json",
        &[
            "audit-config",
            "audit-model",
            "audit-ocsf",
            "audit-retention",
            "audit-source",
            "audit-source-http",
            "audit-template",
        ],
        "an event's details are JSON values, and serde_json is past 1.0",
    ),
    allowed("tokio", &["audit-service"], "a handle to the runtime that it is to run on, past 1.0"),
    allowed(
        "tokio_util",
        &["audit-source", "audit-source-http"],
        "how tokio programs are told to stop; std has nothing like it, and audit-source passes it on by name",
    ),
    allowed("tower_layer", &["audit-tower"], TOWER),
    allowed("tower_service", &["audit-tower"], TOWER),
    allowed("tracing_core", &["audit-tracing"], "a layer for `tracing` is one of its subscribers"),
    allowed("tracing_subscriber", &["audit-tracing"], "a layer for `tracing` is one of its subscribers"),
];

pub(super) fn check(surfaces: &[Surface]) -> Result<Outcome> {
    let own: BTreeSet<String> = surfaces.iter().map(|surface| surface.name.replace('-', "_")).collect();
    let mut found: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for surface in surfaces {
        for line in &surface.lines {
            for foreign in crates_in(line).filter(|name| !is_ours_or_the_language(name, &own)) {
                found.entry((foreign, &surface.name)).or_insert(line);
            }
        }
    }
    let mut wrong = Vec::new();
    for (&(foreign, package), line) in &found {
        if !ALLOWED.iter().any(|row| row.foreign == foreign && row.packages.contains(&package)) {
            wrong.push(format!(
                "{package} shows a type of `{foreign}`: {line}\n  hide it behind a type of ours, or say in {} why not",
                file!()
            ));
        }
    }
    for Allowed { foreign, packages, why } in ALLOWED {
        let unneeded = packages.iter().filter(|package| !found.contains_key(&(*foreign, **package)));
        wrong.extend(unneeded.map(|package| {
            format!("{package} shows no `{foreign}` any more ({why}): drop it from {}", file!())
        }));
    }
    Ok(Outcome::of(&wrong))
}

fn is_ours_or_the_language(name: &str, own: &BTreeSet<String>) -> bool {
    matches!(name, "core" | "alloc" | "std") || own.contains(name)
}

/// What the paths of a line begin with; a path that begins with `Self` or a generic parameter is nobody's.
fn crates_in(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_' || letter == ':'))
        .filter_map(|word| word.split_once("::"))
        .map(|(first, _)| first)
        .filter(|first| first.starts_with(|letter: char| letter.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_wherever_they_stand() {
        let line = "impl<T: a::B> bytes::Buf for c::D<&[serde_json::value::Value], T::Error, Self::Item>";
        assert_eq!(crates_in(line).collect::<Vec<_>>(), ["a", "bytes", "c", "serde_json"]);
    }
}

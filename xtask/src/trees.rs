//! What each feature pulls in: whoever takes one destination does not compile the others' dependencies.

mod families;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

use crate::facade::FACADE;
use crate::report::Outcome;
use crate::workspace::{Features, Workspace};

/// No client of a network; tokio it may have.
const NO_CLIENT: &[&str] = &[AWS, "rdkafka", "openssl-sys", "reqwest", "rustls", "hyper"];

/// HTTP over TLS by rustls on ring, and no other C code.
const HTTPS: &[&str] = &[AWS, "rdkafka", "openssl-sys", "aws-lc", "cmake", "native-tls"];

/// A shape of the workspace, and crates that must not be in it, each by its name or the beginning of it.
struct Shape {
    package: &'static str,
    features: &'static str,
    without: &'static [&'static str],
    /// Fewer crates than this.
    fewer_than: usize,
}

const AWS: &str = "aws-";
const fn alone(package: &'static str, features: &'static str, without: &'static [&'static str]) -> Shape {
    Shape { package, features, without, fewer_than: usize::MAX }
}

const NO_NETWORK: &[&str] = &["tokio", AWS, "rdkafka", "openssl-sys", "reqwest", "rustls", "hyper"];

const SHAPES: &[Shape] = &[
    Shape { fewer_than: 70, ..alone("audit-log", "file,integrity", NO_NETWORK) },
    alone("audit-log", "file", NO_NETWORK),
    alone("audit-log", "integrity", NO_NETWORK),
    alone("audit-log", "access", NO_NETWORK),
    alone("audit-log", "alert", NO_NETWORK),
    alone("audit-log", "condition", NO_NETWORK),
    alone("audit-log", "config", NO_NETWORK),
    alone("audit-log", "journal", NO_NETWORK),
    alone("audit-log", "notify", NO_NETWORK),
    alone("audit-log", "ocsf", NO_NETWORK),
    alone("audit-log", "oidc", HTTPS),
    alone("audit-log", "pagerduty", HTTPS),
    alone("audit-log", "pipeline", NO_NETWORK),
    alone("audit-log", "report", NO_NETWORK),
    alone("audit-log", "retention", NO_NETWORK),
    alone("audit-log", "search", NO_NETWORK),
    alone("audit-log", "service", NO_CLIENT),
    alone("audit-log", "sink", NO_NETWORK),
    alone("audit-log", "slack", HTTPS),
    alone("audit-log", "source", NO_CLIENT),
    // By itself it has nothing to switch on.
    alone("audit-log", "sso", NO_NETWORK),
    alone("audit-log", "template", NO_NETWORK),
    alone("audit-log", "tls", &["tokio", AWS, "rdkafka", "openssl-sys", "reqwest", "hyper", "aws-lc"]),
    alone("audit-log", "tower", NO_NETWORK),
    alone("audit-log", "tracing", NO_NETWORK),
    alone("audit-log", "delivery", NO_CLIENT),
    alone(
        "audit-log",
        "s3",
        &["rdkafka", "openssl-sys", "reqwest", "aws-lc", "cmake", "aws-sdk-cloudwatchlogs"],
    ),
    alone("audit-log", "cloudwatch", &["rdkafka", "openssl-sys", "reqwest", "aws-lc", "cmake", "aws-sdk-s3"]),
    alone("audit-log", "kafka", &[AWS, "reqwest", "rustls", "hyper"]),
    alone("audit-log", "syslog", &[AWS, "rdkafka", "openssl-sys", "reqwest", "hyper"]),
    alone("audit-log", "webhook", HTTPS),
    alone("audit-model", "", NO_NETWORK),
    Shape { fewer_than: 40, ..alone("audit-integrity", "default", NO_NETWORK) },
    alone("audit-integrity", "compression", NO_NETWORK),
    alone("audit-journal", "", NO_NETWORK),
    alone("audit-sink", "", NO_NETWORK),
    alone(
        "audit-ocsf",
        "",
        &["regex", "flate2", "tokio", AWS, "rdkafka", "openssl-sys", "reqwest", "rustls"],
    ),
    alone("audit-ocsf", "validate", NO_NETWORK),
    alone("audit-condition", "", NO_NETWORK),
    alone("audit-template", "", NO_NETWORK),
    alone("audit-alert", "", NO_NETWORK),
    alone("audit-notify", "full", NO_NETWORK),
    alone("audit-retention", "", NO_NETWORK),
    alone("audit-search", "", NO_NETWORK),
    alone("audit-report", "", NO_NETWORK),
    alone("audit-log", "keeper", NO_CLIENT),
    alone("audit-log", "watch", NO_CLIENT),
    alone(
        "audit-sink-email",
        "",
        &[AWS, "rdkafka", "openssl-sys", "reqwest", "hyper", "aws-lc", "native-tls"],
    ),
    alone("audit-access", "jwt,certificates", NO_NETWORK),
    alone("audit-log", "source-file,source-socket", NO_CLIENT),
    alone("audit-log", "source-http", &[AWS, "rdkafka", "openssl-sys", "reqwest", "aws-lc"]),
    alone("audit-log", "source-syslog", &[AWS, "rdkafka", "openssl-sys", "reqwest", "hyper"]),
    alone("audit-log", "source-kafka", &[AWS, "reqwest", "rustls", "hyper"]),
    alone("audit-tower", "", NO_NETWORK),
    alone("audit-tracing", "", NO_NETWORK),
    alone("audit-log", "email", &[AWS, "rdkafka", "openssl-sys", "reqwest", "hyper"]),
];

pub(crate) fn check() -> Result<Outcome> {
    let workspace = Workspace::read()?;
    let published = workspace.published();
    let facade =
        published.iter().find(|package| package.name == FACADE).context("no package of the facade")?;
    let mut wrong = without_a_row(facade.features.keys(), SHAPES);
    for Shape { package, features, without, fewer_than } in SHAPES {
        let crates = workspace.compiled(package, Features::Only(features))?;
        let what =
            if features.is_empty() { (*package).to_owned() } else { format!("{package} with {features}") };
        println!("{what}: {} crates", crates.len());
        let names: BTreeSet<&str> = crates.iter().filter_map(|pinned| pinned.split(' ').next()).collect();
        let bad = names.iter().filter(|name| without.iter().any(|prefix| is_of(name, prefix)));
        wrong.extend(bad.map(|name| format!("{what} pulls in {name}")));
        if crates.len() >= *fewer_than {
            wrong.push(format!("{what} pulls in {} crates, not fewer than {fewer_than}", crates.len()));
        }
    }
    wrong.extend(families::check(&workspace)?);
    Ok(Outcome::of(&wrong))
}

/// Whoever adds a feature says what it does not bring along.
fn without_a_row<'a>(features: impl Iterator<Item = &'a String>, shapes: &[Shape]) -> Vec<String> {
    let known: BTreeSet<&str> = shapes
        .iter()
        .filter(|shape| shape.package == FACADE)
        .flat_map(|shape| shape.features.split(','))
        .chain(["default", "full"])
        .collect();
    features
        .filter(|name| !known.contains(name.as_str()))
        .map(|name| format!("{}: no row for `{name}` of {FACADE}: say what it must not pull in", file!()))
        .collect()
}

/// A crate by its name, with its satellites (`rdkafka-sys`), or a family by what its names begin with (`aws-`).
fn is_of(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || prefix.ends_with('-') || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_of_the_facade_without_a_row_is_told() {
        let features = ["default", "full", "a", "b", "c"].map(str::to_owned);
        let shapes = [alone(FACADE, "a,b", NO_NETWORK), alone("audit-model", "c", NO_NETWORK)];
        let found = without_a_row(features.iter(), &shapes);
        assert!(found.len() == 1 && found[0].contains("`c`"), "{found:?}");
    }

    #[test]
    fn a_crate_is_known_by_its_name_and_its_satellites() {
        assert!(is_of("rdkafka-sys", "rdkafka") && is_of("aws-config", AWS) && is_of("tokio", "tokio"));
        assert!(!is_of("tokioish", "tokio") && !is_of("hyper", "hype"));
    }
}

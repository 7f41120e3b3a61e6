//! What each feature pulls in: whoever takes one destination does not compile the others' dependencies.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::report::Outcome;
use crate::workspace::{Features, Workspace};

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
    alone("audit-log", "delivery", &[AWS, "rdkafka", "openssl-sys", "reqwest", "rustls", "hyper"]),
    alone(
        "audit-log",
        "s3",
        &["rdkafka", "openssl-sys", "reqwest", "aws-lc", "cmake", "aws-sdk-cloudwatchlogs"],
    ),
    alone("audit-log", "cloudwatch", &["rdkafka", "openssl-sys", "reqwest", "aws-lc", "cmake", "aws-sdk-s3"]),
    alone("audit-log", "kafka", &[AWS, "reqwest", "rustls", "hyper"]),
    alone("audit-log", "syslog", &[AWS, "rdkafka", "openssl-sys", "reqwest", "hyper"]),
    alone("audit-log", "webhook", &[AWS, "rdkafka", "openssl-sys"]),
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
    alone("audit-log", "keeper", &[AWS, "rdkafka", "openssl-sys", "reqwest", "rustls", "hyper"]),
    alone("audit-log", "watch", &[AWS, "rdkafka", "openssl-sys", "reqwest", "rustls", "hyper"]),
    alone(
        "audit-sink-email",
        "",
        &[AWS, "rdkafka", "openssl-sys", "reqwest", "hyper", "aws-lc", "native-tls"],
    ),
    alone("audit-access", "jwt,certificates", NO_NETWORK),
    alone(
        "audit-log",
        "source-file,source-socket",
        &[AWS, "rdkafka", "openssl-sys", "reqwest", "rustls", "hyper"],
    ),
    alone("audit-log", "source-http", &[AWS, "rdkafka", "openssl-sys", "reqwest", "aws-lc"]),
    alone("audit-log", "source-syslog", &[AWS, "rdkafka", "openssl-sys", "reqwest", "hyper"]),
    alone("audit-log", "source-kafka", &[AWS, "reqwest", "rustls", "hyper"]),
    alone("audit-tower", "", NO_NETWORK),
    alone("audit-tracing", "", NO_NETWORK),
    alone("audit-log", "email", &[AWS, "rdkafka", "openssl-sys", "reqwest", "hyper"]),
];

pub(crate) fn check() -> Result<Outcome> {
    let workspace = Workspace::read()?;
    let mut wrong = Vec::new();
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
    Ok(Outcome::of(&wrong))
}

/// A crate by its name, with its satellites (`rdkafka-sys`), or a family by what its names begin with (`aws-`).
fn is_of(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || prefix.ends_with('-') || rest.starts_with('-'))
}

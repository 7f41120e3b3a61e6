//! The large dependencies, and the names by which one knows that they come: `s3`, in the name of a feature or of a crate.

use std::collections::BTreeSet;

use anyhow::Result;

use super::is_of;
use crate::workspace::{Features, Workspace};

struct Family {
    /// Each by its name, or by what the names begin with.
    crates: &'static [&'static str],
    /// What has none of these words in its name does not bring it, and nothing does if there are none.
    comes_with: &'static [&'static str],
}

const FAMILIES: &[Family] = &[
    Family { crates: &["aws-"], comes_with: &["aws", "cloudwatch", "s3"] },
    Family { crates: &["rdkafka", "openssl-sys"], comes_with: &["kafka"] },
    Family { crates: &["lettre"], comes_with: &["email"] },
    Family { crates: &["reqwest"], comes_with: &["oidc", "pagerduty", "slack", "webhook"] },
    Family {
        crates: &["hyper"],
        comes_with: &["aws", "cloudwatch", "http", "oidc", "pagerduty", "s3", "slack", "webhook"],
    },
    Family {
        crates: &["rustls"],
        comes_with: &[
            "aws",
            "cloudwatch",
            "email",
            "http",
            "oidc",
            "pagerduty",
            "s3",
            "slack",
            "syslog",
            "tls",
            "webhook",
        ],
    },
    Family { crates: &["aws-lc", "cmake", "native-tls"], comes_with: &[] },
];

/// Every crate that is published without its features, with each, with those that it has by default and with all.
pub(super) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let (mut wrong, mut looked_at) = (Vec::new(), 0);
    for package in workspace.published() {
        let features: Vec<&str> = package.features.keys().map(String::as_str).collect();
        let defaults: Vec<&str> =
            package.features.get("default").into_iter().flatten().map(String::as_str).collect();
        let each = features.iter().filter(|name| !["default", "full"].contains(name));
        let mut shapes = vec![(Features::Only(""), vec![])];
        shapes.extend(each.map(|name| (Features::Only(name), vec![*name])));
        if !defaults.is_empty() {
            shapes.push((Features::Default, defaults));
        }
        if features.len() > 1 {
            shapes.push((Features::All, features));
        }
        looked_at += shapes.len();
        for (shape, names) in shapes {
            let compiled = workspace.compiled(&package.name, shape)?;
            let crates = compiled.iter().filter_map(|pinned| pinned.split(' ').next());
            let unexpected = unexpected(&package.name, &names, crates);
            wrong.extend(unexpected.into_iter().map(|name| {
                let with = if names.is_empty() { "no feature".to_owned() } else { names.join(", ") };
                format!("{} with {with} pulls in {name}, which no name of these announces", package.name)
            }));
        }
    }
    println!("{looked_at} shapes of {} crates by their names", workspace.published().len());
    Ok(wrong)
}

/// What none of these names lets one expect.
fn unexpected<'a>(
    package: &str,
    features: &[&str],
    crates: impl Iterator<Item = &'a str>,
) -> BTreeSet<&'a str> {
    let words: BTreeSet<&str> =
        features.iter().chain([&package]).flat_map(|name| name.split(['-', '/', ':'])).collect();
    let unannounced: Vec<&str> = FAMILIES
        .iter()
        .filter(|family| !family.comes_with.iter().any(|word| words.contains(word)))
        .flat_map(|family| family.crates.iter().copied())
        .collect();
    crates.filter(|name| unannounced.iter().any(|prefix| is_of(name, prefix))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_name_announces_is_told() {
        let crates = ["aws-config", "aws-lc-rs", "hyper", "rdkafka-sys", "rustls", "serde"];
        let found = |package, features: &[&str]| {
            unexpected(package, features, crates.into_iter()).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(found("audit-keeper", &["s3"]), ["aws-lc-rs", "rdkafka-sys"]);
        assert_eq!(found("audit-sink-s3", &["retention"]), ["aws-lc-rs", "rdkafka-sys"]);
        assert_eq!(found("audit-log", &["source-kafka", "s3"]), ["aws-lc-rs"]);
        assert_eq!(
            found("audit-service", &["sso"]),
            ["aws-config", "aws-lc-rs", "hyper", "rdkafka-sys", "rustls"]
        );
    }
}

//! `cargo xtask deps`: which crate may use which of ours, and what each brings along.

use std::collections::{BTreeMap, BTreeSet};

use crate::footprint;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

/// Each crate, and those of ours that it may build with. A crate may use only crates above it, so that arrows go one
/// way; the facade and the command, at the end, may use all. Tests may use what they like.
const ALLOWED: &[(&str, &[&str])] = &[
    // what an event is
    ("audit-model", &[]),
    // pure: values in, values out
    ("audit-template", &[]),
    ("audit-condition", &["audit-model"]),
    ("audit-integrity", &["audit-model"]),
    ("audit-ocsf", &["audit-model"]),
    ("audit-retention", &["audit-model"]),
    ("audit-alert", &["audit-condition", "audit-model"]),
    ("audit-notify", &["audit-model", "audit-template"]),
    ("audit-report", &["audit-model", "audit-retention"]),
    ("audit-search", &["audit-condition", "audit-integrity", "audit-model", "audit-ocsf"]),
    // the log's file, and what a destination has to promise
    ("audit-journal", &["audit-model"]),
    ("audit-sink", &["audit-model"]),
    // what network clients and servers share
    ("audit-tls", &[]),
    ("audit-kafka", &[]),
    ("audit-aws", &["audit-sink"]),
    ("audit-access", &["audit-model", "audit-tls"]),
    // destinations: bytes in; none knows another, nor integrity, nor OCSF
    ("audit-sink-file", &["audit-journal", "audit-model", "audit-sink"]),
    ("audit-sink-s3", &["audit-aws", "audit-model", "audit-retention", "audit-sink"]),
    ("audit-sink-cloudwatch", &["audit-aws", "audit-model", "audit-retention", "audit-sink"]),
    ("audit-sink-kafka", &["audit-kafka", "audit-model", "audit-retention", "audit-sink"]),
    ("audit-sink-syslog", &["audit-model", "audit-sink", "audit-tls"]),
    ("audit-sink-webhook", &["audit-sink", "audit-tls"]),
    ("audit-sink-email", &["audit-sink", "audit-tls"]),
    // the log at work
    ("audit-delivery", &["audit-journal", "audit-model", "audit-sink"]),
    ("audit-pipeline", &["audit-delivery", "audit-integrity", "audit-journal", "audit-model"]),
    (
        "audit-watch",
        &["audit-alert", "audit-delivery", "audit-model", "audit-notify", "audit-pipeline", "audit-sink"],
    ),
    (
        "audit-keeper",
        &[
            "audit-delivery",
            "audit-journal",
            "audit-model",
            "audit-pipeline",
            "audit-retention",
            "audit-sink",
            "audit-sink-cloudwatch",
            "audit-sink-kafka",
            "audit-sink-s3",
        ],
    ),
    // ways in: none knows another
    ("audit-tower", &["audit-model", "audit-pipeline"]),
    ("audit-tracing", &["audit-model", "audit-pipeline"]),
    ("audit-source", &["audit-model", "audit-ocsf", "audit-pipeline"]),
    ("audit-source-file", &["audit-model", "audit-source"]),
    ("audit-source-socket", &["audit-model", "audit-pipeline", "audit-source"]),
    ("audit-source-http", &["audit-access", "audit-model", "audit-pipeline", "audit-source", "audit-tls"]),
    ("audit-source-kafka", &["audit-kafka", "audit-model", "audit-pipeline", "audit-source"]),
    ("audit-source-syslog", &["audit-model", "audit-ocsf", "audit-source", "audit-tls"]),
    // from a configuration to a log, and to a service
    (
        "audit-config",
        &[
            "audit-alert",
            "audit-condition",
            "audit-delivery",
            "audit-integrity",
            "audit-journal",
            "audit-kafka",
            "audit-keeper",
            "audit-model",
            "audit-notify",
            "audit-ocsf",
            "audit-pipeline",
            "audit-retention",
            "audit-sink",
            "audit-sink-cloudwatch",
            "audit-sink-email",
            "audit-sink-file",
            "audit-sink-kafka",
            "audit-sink-s3",
            "audit-sink-syslog",
            "audit-sink-webhook",
            "audit-tls",
            "audit-watch",
        ],
    ),
    (
        "audit-service",
        &[
            "audit-access",
            "audit-config",
            "audit-delivery",
            "audit-model",
            "audit-pipeline",
            "audit-source",
            "audit-source-file",
            "audit-source-http",
            "audit-source-kafka",
            "audit-source-socket",
            "audit-source-syslog",
            "audit-tls",
        ],
    ),
];

/// These may use every crate above.
const ALL: &[&str] = &["audit-log", "audit-log-cli"];

pub(crate) fn run(report: &mut Report, workspace: &Workspace) {
    report.suite("edges between crates", || Ok(check_edges(workspace)));
    report.suite("what each crate brings along", || footprint::check(workspace));
}

fn check_edges(workspace: &Workspace) -> Outcome {
    let edges: BTreeMap<String, BTreeSet<String>> = workspace
        .published()
        .iter()
        .map(|package| (package.name.to_string(), workspace.uses(package)))
        .collect();
    println!("{} crates, {} edges", edges.len(), edges.values().map(BTreeSet::len).sum::<usize>());
    Outcome::of(&compare(ALLOWED, &edges))
}

fn compare(allowed: &[(&str, &[&str])], edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut above = BTreeSet::new();
    for (name, may_use) in allowed {
        for used in may_use.iter().filter(|used| !above.contains(*used)) {
            wrong.push(format!("{}: `{used}` does not stand above `{name}`, which is to use it", file!()));
        }
        above.insert(*name);
        let Some(uses) = edges.get(*name) else {
            wrong.push(format!("{}: there is no crate `{name}`", file!()));
            continue;
        };
        for used in uses.iter().filter(|used| !may_use.contains(&used.as_str())) {
            wrong.push(format!(
                "{name} uses {used}: if no crate below it can do that in its place, allow it in {}",
                file!()
            ));
        }
        for unused in may_use.iter().filter(|used| !uses.contains(**used)) {
            wrong.push(format!("{}: {name} does not use {unused}: take it out", file!()));
        }
    }
    for name in edges.keys().filter(|name| !above.contains(name.as_str()) && !ALL.contains(&name.as_str())) {
        wrong.push(format!("{name} is new: put it into {}, below all that it uses", file!()));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(allowed: &[(&str, &[&str])], edges: &[(&str, &[&str])]) -> Vec<String> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        compare(allowed, &edges.iter().map(|(name, uses)| ((*name).to_owned(), owned(uses))).collect())
    }

    #[test]
    fn an_edge_that_is_not_allowed_is_told() {
        assert!(found(&[("a", &[]), ("b", &["a"])], &[("a", &[]), ("b", &["a"])]).is_empty());
        let new = found(&[("a", &[]), ("b", &[])], &[("a", &[]), ("b", &["a"])]);
        assert!(new.len() == 1 && new[0].starts_with("b uses a"), "{new:?}");
        let stale = found(&[("a", &[]), ("b", &["a"])], &[("a", &[]), ("b", &[])]);
        assert!(stale.len() == 1 && stale[0].contains("b does not use a"), "{stale:?}");
    }

    #[test]
    fn arrows_go_one_way() {
        let upwards = found(&[("a", &["b"]), ("b", &[])], &[("a", &["b"]), ("b", &[])]);
        assert!(upwards.len() == 1 && upwards[0].contains("`b` does not stand above `a`"), "{upwards:?}");
    }

    #[test]
    fn a_crate_that_is_not_in_the_table_is_told() {
        let new = found(&[("a", &[])], &[("a", &[]), ("c", &["a"])]);
        assert!(new.len() == 1 && new[0].starts_with("c is new"), "{new:?}");
    }
}

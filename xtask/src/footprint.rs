//! Whether a crate brings tokio and C code along, and that the README's table of crates says so.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;

use anyhow::{Context as _, Result};
use cargo_metadata::Package;

use crate::report::Outcome;
use crate::shell::root;
use crate::workspace::{Features, Pinned, Workspace};

/// What the packages with C code are called by people.
const C_LIBRARIES: &[(&str, &str)] =
    &[("libz-sys", "zlib"), ("openssl-sys", "OpenSSL"), ("rdkafka-sys", "librdkafka"), ("zstd-sys", "zstd")];

/// More features than this are not listed.
const FEW: usize = 3;

pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let with_c = workspace.with_c_code();
    let mut cells = BTreeMap::new();
    println!("{:24}{:32}C code", "crate", "tokio");
    for package in workspace.published() {
        let [tokio, c] = footprint(workspace, package, &with_c)?;
        println!("{:24}{tokio:32}{c}", package.name);
        cells.insert(package.name.to_string(), [tokio, c]);
    }
    let readme = fs::read_to_string(root().join("README.md")).context("no README.md")?;
    Ok(Outcome::of(&compare(&readme, &cells)))
}

/// What the two last cells of the crate's row in the README are to say.
fn footprint(
    workspace: &Workspace,
    package: &Package,
    with_c: &HashMap<Pinned, &Package>,
) -> Result<[String; 2]> {
    let traits = |features: Features<'_>| -> Result<[BTreeSet<String>; 2]> {
        let compiled = workspace.compiled(&package.name, features)?;
        let tokio = compiled.iter().any(|pinned| pinned.starts_with("tokio v")).then(|| "tokio".to_owned());
        let c = compiled.iter().filter_map(|pinned| with_c.get(pinned)).map(|package| library(&package.name));
        Ok([tokio.into_iter().collect(), c.collect()])
    };
    let (default, all) = (traits(Features::Default)?, traits(Features::All)?);
    if default == all {
        return Ok(default.map(|names| plain(&names)));
    }
    let mut bringing: [Vec<&String>; 2] = [Vec::new(), Vec::new()];
    for feature in package.features.keys().filter(|name| !["default", "full"].contains(&name.as_str())) {
        let brought = traits(Features::Only(feature))?;
        for (column, list) in bringing.iter_mut().enumerate() {
            if !brought[column].is_subset(&default[column]) {
                list.push(feature);
            }
        }
        if (0..2).all(|column| default[column] == all[column] || bringing[column].len() > 4 * FEW) {
            break;
        }
    }
    Ok([0, 1].map(|column| {
        let always = plain(&default[column]);
        if default[column] == all[column] {
            return always;
        }
        let more = with_features(package, &bringing[column]);
        if default[column].is_empty() { more } else { format!("{always}; more {more}") }
    }))
}

fn library(name: &str) -> String {
    let known = C_LIBRARIES.iter().find(|(package, _)| *package == name);
    known.map_or(name, |(_, known)| known).to_owned()
}

fn plain(names: &BTreeSet<String>) -> String {
    if names.is_empty() { "no".to_owned() } else { names.iter().cloned().collect::<Vec<_>>().join(", ") }
}

/// The features that bring it, without those that only switch on another of them.
fn with_features(package: &Package, bringing: &[&String]) -> String {
    let leads_to = |from: &String, to: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(feature) = open.pop() {
            if seen.insert(feature) {
                open.extend(package.features.get(feature).into_iter().flatten());
            }
        }
        seen.contains(to)
    };
    let mut least: Vec<String> = bringing
        .iter()
        .filter(|feature| !bringing.iter().any(|other| other != *feature && leads_to(feature, other)))
        .map(|feature| format!("`{feature}`"))
        .collect();
    least.sort();
    if least.len() > FEW { "by feature".to_owned() } else { format!("with {}", least.join(", ")) }
}

/// Rows of the form ``| [`name`](crates/name) | what | tokio | C code |``.
fn compare(readme: &str, cells: &BTreeMap<String, [String; 2]>) -> Vec<String> {
    let mut missing = cells.clone();
    let mut wrong = Vec::new();
    for line in readme.lines() {
        let Some((name, _)) = line.strip_prefix("| [`").and_then(|rest| rest.split_once("`](crates/")) else {
            continue;
        };
        let Some(cells) = missing.remove(name) else {
            wrong.push(format!("README.md: the row of `{name}` is there twice, or no crate is called that"));
            continue;
        };
        let end = format!("| {} | {} |", cells[0], cells[1]);
        if !line.ends_with(&end) {
            wrong.push(format!("README.md: the row of `{name}` has to end in `{end}`"));
        }
    }
    let missing = missing.iter().map(|(name, [tokio, c])| {
        format!(
            "README.md: its table of crates needs a row: | [`{name}`](crates/{name}) | … | {tokio} | {c} |"
        )
    });
    wrong.extend(missing);
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "| [`audit-a`](crates/audit-a) | it | no | ring |";

    fn cells() -> BTreeMap<String, [String; 2]> {
        BTreeMap::from([("audit-a".to_owned(), ["no".to_owned(), "ring".to_owned()])])
    }

    #[test]
    fn a_row_that_says_otherwise_is_told() {
        assert!(compare(ROW, &cells()).is_empty());
        let wrong = compare(&ROW.replace("ring", "no"), &cells());
        assert!(wrong.len() == 1 && wrong[0].ends_with("has to end in `| no | ring |`"), "{wrong:?}");
    }

    #[test]
    fn a_row_too_few_or_too_many_is_told() {
        assert!(compare("", &cells())[0].contains("needs a row"));
        let twice = format!("{ROW}\n{ROW}");
        assert!(compare(&twice, &cells())[0].contains("twice"));
    }
}

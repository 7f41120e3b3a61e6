//! A library's public API, a line for each item.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use cargo_metadata::Package;
use serde_json::Value;

/// Behind a struct that others cannot write out: some of its fields are not public.
pub(super) const PRIVATE_FIELDS: &str = " { .. }";

pub(super) struct Surface {
    /// The package.
    pub(super) name: String,
    pub(super) lines: Vec<String>,
}

impl Surface {
    pub(super) fn read(folder: &Path, package: &Package) -> Result<Self> {
        let name = package.name.to_string();
        let json = folder.join(format!("{}.json", name.replace('-', "_")));
        let api = public_api::Builder::from_rustdoc_json(&json)
            .omit_blanket_impls(true)
            .build()
            .with_context(|| format!("cannot read {}, rustdoc's JSON of {name}", json.display()))?;
        let documented: Value = serde_json::from_str(&fs::read_to_string(&json)?)
            .with_context(|| format!("cannot read {}", json.display()))?;
        let has_private_fields = |id: u32| {
            let item = &documented["index"][id.to_string()];
            item["inner"]["struct"]["kind"]["plain"]["has_stripped_fields"] == true
        };
        let items: Vec<_> = api
            .items()
            .map(|item| {
                let behind = if has_private_fields(item.id().0) { PRIVATE_FIELDS } else { "" };
                (item, format!("{item}{behind}"))
            })
            .collect();
        let traits: HashSet<_> =
            items.iter().filter(|(_, line)| is_trait_impl(line)).map(|(item, _)| item.id()).collect();
        let mut lines = features(&package.features);
        for (item, line) in &items {
            // That a trait is there says which functions are; what its types are is ours to say.
            let of_trait = item.parent_id().is_some_and(|parent| traits.contains(&parent));
            if is_told(line) && !(of_trait && is_function(line)) && !lines.contains(line) {
                lines.push(line.clone());
            }
        }
        Ok(Self { name, lines })
    }

    pub(super) fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }
}

/// Whoever names a feature does not build without it, nor without what it switched on: each is told with all of the
/// package's others that come with it.
fn features(all: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let told = all.keys().map(|name| {
        let (mut comes, mut open) = (BTreeSet::new(), vec![name]);
        while let Some(feature) = open.pop() {
            let next = all[feature].iter().filter(|next| all.contains_key(*next));
            open.extend(next.filter(|next| *next != name && comes.insert(next.as_str())));
        }
        (name, comes.into_iter().collect::<Vec<_>>())
    });
    told.filter_map(|(name, comes)| match (name.as_str(), comes.as_slice()) {
        ("default", []) => None,
        (name, []) => Some(format!("feature {name}")),
        (name, comes) => Some(format!("feature {name} = [{}]", comes.join(", "))),
    })
    .collect()
}

/// A feature's name, and those that come with it.
pub(super) fn parse_feature(line: &str) -> Option<(&str, BTreeSet<&str>)> {
    let line = line.strip_prefix("feature ")?;
    let (name, comes) = line.split_once(" = ").unwrap_or((line, "[]"));
    let comes = comes.trim_matches(['[', ']']).split(", ").filter(|name| !name.is_empty());
    Some((name, comes.collect()))
}

fn is_trait_impl(line: &str) -> bool {
    line.starts_with("impl") && line.contains(" for ")
}

fn is_function(line: &str) -> bool {
    line.split(' ').take_while(|word| !word.contains("::")).any(|word| word == "fn")
}

/// Everything but what nobody writes down: that a type is `Send` and so on. That it is not is worth a line.
fn is_told(line: &str) -> bool {
    let auto = ["Send", "Sync", "Unpin", "Freeze", "RefUnwindSafe", "UnwindSafe", "UnsafeUnpin"];
    let implemented = line.strip_prefix("impl").and_then(|rest| rest.split_once(" for "));
    let Some((implemented, _)) = implemented else { return true };
    let name = implemented.rsplit("::").next().unwrap_or_default();
    let is_not = implemented.contains('!');
    !auto.contains(&name) || is_not && matches!(name, "Send" | "Sync")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_told_with_all_that_comes_with_it() {
        let all = [
            ("default", &["file"][..]),
            ("empty", &[]),
            ("file", &["dep:journal", "sink", "journal?/sync"]),
            ("sink", &["pipeline"]),
            ("pipeline", &["sink"]),
        ];
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let all = all.map(|(name, on)| (name.to_owned(), owned(on))).into();
        let told = features(&all);
        assert_eq!(
            told,
            [
                "feature default = [file, pipeline, sink]",
                "feature empty",
                "feature file = [pipeline, sink]",
                "feature pipeline = [sink]",
                "feature sink = [pipeline]",
            ]
        );
        assert_eq!(parse_feature(&told[2]), Some(("file", BTreeSet::from(["pipeline", "sink"]))));
        assert_eq!(parse_feature(&told[1]), Some(("empty", BTreeSet::new())));
        assert_eq!(parse_feature("pub fn a::feature()"), None);
        assert!(features(&BTreeMap::from([("default".to_owned(), Vec::new())])).is_empty());
    }
}

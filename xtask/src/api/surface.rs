//! A library's public API, a line for each item.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context as _, Result};
use cargo_metadata::Package;

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
        let items: Vec<_> = api.items().map(|item| (item, item.to_string())).collect();
        let traits: HashSet<_> =
            items.iter().filter(|(_, line)| is_trait_impl(line)).map(|(item, _)| item.id()).collect();
        let mut lines = features(package);
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

/// Whoever names a feature does not build without it. What the default ones are may change.
fn features(package: &Package) -> Vec<String> {
    let names = package.features.keys().filter(|name| *name != "default");
    names.map(|name| format!("feature {name}")).collect()
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

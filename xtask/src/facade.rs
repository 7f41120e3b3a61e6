//! The facade: each library crate behind a feature of its name, and under its name.

use std::fs;

use anyhow::{Context as _, Result};
use cargo_metadata::{Package, TargetKind};

use crate::report::Outcome;
use crate::shell::root;
use crate::workspace::Workspace;

pub(crate) const FACADE: &str = "audit-log";

/// The crates that the facade shows otherwise, and why.
const EXCEPTIONS: &[(&str, Shown)] = &[
    ("audit-model", Shown::Always("every other crate takes its events")),
    ("audit-aws", Shown::Never("inside of the two AWS destinations; their options are all that users see")),
    (
        "audit-kafka",
        Shown::Never("inside of the Kafka source and destination, which re-export what users need"),
    ),
];

#[derive(Clone, Copy)]
enum Shown {
    Always(&'static str),
    Never(&'static str),
    Behind,
}

pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let lib = fs::read_to_string(root().join("crates/audit-log/src/lib.rs")).context("no facade")?;
    let published = workspace.published();
    let facade =
        published.iter().find(|package| package.name == FACADE).context("no package of the facade")?;
    let is_library = |package: &&&Package| package.targets.iter().any(|t| t.kind.contains(&TargetKind::Lib));
    let mut wrong = Vec::new();
    for package in published.iter().filter(is_library).filter(|package| package.name != FACADE) {
        let name = package.name.as_str();
        let exception = EXCEPTIONS.iter().find(|(of, _)| *of == name);
        match exception.map_or(Shown::Behind, |(_, shown)| *shown) {
            Shown::Always(why) => {
                println!("{name}: always there: {why}");
                if !lib.contains(&reexport(name)) {
                    wrong.push(format!("{name}: src/lib.rs has no `{}`", reexport(name)));
                }
            }
            Shown::Never(why) => println!("{name}: not there: {why}"),
            Shown::Behind => wrong.extend(behind_feature(name, facade, &lib)),
        }
    }
    for feature in facade.features.keys().filter(|name| !["default", "full"].contains(&name.as_str())) {
        if !facade.features["full"].contains(feature) {
            wrong.push(format!("the facade's feature `full` lacks `{feature}`"));
        }
    }
    Ok(Outcome::of(&wrong))
}

fn behind_feature(name: &str, facade: &Package, lib: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let suffix = name.strip_prefix("audit-").unwrap_or(name);
    // A destination is known by the place that it delivers to.
    let feature = suffix.strip_prefix("sink-").unwrap_or(suffix);
    match facade.features.get(feature) {
        Some(does) if does.contains(&format!("dep:{name}")) => {}
        Some(_) => wrong.push(format!("the facade's feature `{feature}` does not switch on `dep:{name}`")),
        None => wrong.push(format!(
            "the facade has no feature `{feature}` for {name} (or an exception in {})",
            file!()
        )),
    }
    let reexport = reexport(name);
    let above =
        lib.lines().zip(lib.lines().skip(1)).find(|(_, line)| *line == reexport).map(|(above, _)| above);
    match above {
        Some(line) if line.contains("cfg(") && line.contains(&format!("feature = \"{feature}\"")) => {}
        Some(_) => wrong.push(format!("`{reexport}` is not behind the facade's feature `{feature}`")),
        None => wrong.push(format!("the facade's src/lib.rs has no `{reexport}`")),
    }
    wrong
}

fn reexport(name: &str) -> String {
    let suffix = name.strip_prefix("audit-").unwrap_or(name).replace('-', "_");
    format!("pub use audit_{suffix} as {suffix};")
}

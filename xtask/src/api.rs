//! `cargo xtask api`: what the libraries let their users name, compared with what is on record in `api/`.

mod change;
mod foreign;
mod rustdoc;
mod surface;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::report::{Outcome, Report};
use crate::shell::{program, root};
use crate::workspace::Workspace;
use change::Change;
pub(crate) use change::Step;
use surface::Surface;

pub(crate) use rustdoc::run_as_rustdoc;

/// `cargo xtask api [--write | --since TAG]`
pub(crate) fn run(report: &mut Report, arguments: &[String]) -> Result<()> {
    match arguments {
        [] => check(report),
        [write] if write == "--write" => report.suite("api, written", write_all),
        [since, tag] if since == "--since" => report.suite(&format!("api since {tag}"), || {
            let step = step_since(&root(), tag)?;
            println!("{}", step.advice(&env!("CARGO_PKG_VERSION").parse()?));
            Ok(Outcome::Passed)
        }),
        _ => bail!("`cargo xtask api` takes nothing, or `--write`, or `--since` and a tag"),
    }
    Ok(())
}

pub(crate) fn check(report: &mut Report) {
    let mut surfaces = Vec::new();
    report.suite("api", || {
        let (written_by, own) = (fs::read_to_string(written_by())?, rustdoc::version()?);
        if written_by.trim() != own {
            let why = format!(
                "api/ is by the rustdoc of Rust {}, and that of {own} words it otherwise",
                written_by.trim()
            );
            return Ok(Outcome::Skipped(why));
        }
        surfaces = read_all()?;
        compare_with_record(&surfaces)
    });
    if !surfaces.is_empty() {
        report.suite("foreign types in the api", || foreign::check(&surfaces));
    }
}

fn read_all() -> Result<Vec<Surface>> {
    let folder = rustdoc::document()?;
    let workspace = Workspace::read()?;
    let published = workspace.published();
    let is_library = |target: &cargo_metadata::Target| target.is_lib();
    let libraries = published.iter().filter(|package| package.targets.iter().any(is_library));
    libraries.map(|library| Surface::read(&folder, library)).collect()
}

fn compare_with_record(surfaces: &[Surface]) -> Result<Outcome> {
    let mut different = Vec::new();
    for surface in surfaces {
        let recorded = fs::read_to_string(record(&surface.name)).unwrap_or_default();
        let change = Change::between(&recorded, &surface.text());
        if !change.is_none() {
            println!("{}:\n{change}", surface.name);
            different.push(surface.name.clone());
        }
    }
    for name in recorded_names(&root())? {
        if !surfaces.iter().any(|surface| surface.name == name) {
            println!("{name}: there is no such library any more");
            different.push(name);
        }
    }
    Ok(if different.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(format!(
            "{} differ from what is on record in `api/`: where that is meant, `cargo xtask api --write`, and commit it",
            different.join(", ")
        ))
    })
}

fn write_all() -> Result<Outcome> {
    let surfaces = read_all()?;
    fs::create_dir_all(root().join("api"))?;
    for name in recorded_names(&root())? {
        if !surfaces.iter().any(|surface| surface.name == name) {
            fs::remove_file(record(&name))?;
        }
    }
    for surface in &surfaces {
        let path = record(&surface.name);
        fs::write(&path, surface.text()).with_context(|| format!("cannot write {}", path.display()))?;
    }
    fs::write(written_by(), format!("{}\n", rustdoc::version()?))?;
    Ok(Outcome::Passed)
}

/// What the records of now and of a release say about the number of the next one.
///
/// # Errors
/// If there is no such tag, or no record in it.
pub(crate) fn step_since(root: &Path, tag: &str) -> Result<Step> {
    let then = records_of(root, tag)?;
    let now = recorded_names(root)?;
    let mut step = Step::Patch;
    for name in &now {
        let is = fs::read_to_string(root.join(file(name)))?;
        let Some(was) = then.get(name) else {
            println!("{name}: new");
            step = step.max(Step::Minor);
            continue;
        };
        let change = Change::between(was, &is);
        if !change.is_none() {
            println!("{name}:\n{change}");
        }
        step = step.max(change.step());
    }
    for name in then.keys().filter(|name| !now.contains(name)) {
        println!("{name}: gone");
        step = Step::Major;
    }
    Ok(step)
}

/// The records that a tag has, by library.
fn records_of(root: &Path, tag: &str) -> Result<BTreeMap<String, String>> {
    let git = |arguments: &[&str]| {
        let output = program("git").within(root).args(arguments).output()?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        anyhow::Ok((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned(), said))
    };
    let commit = format!("refs/tags/{tag}^{{commit}}");
    if !git(&["rev-parse", "--quiet", "--verify", &commit])?.0 {
        bail!("there is no tag `{tag}` here; `git fetch --tags` gets those of the remote");
    }
    let (is_listed, files, why) = git(&["ls-tree", "--name-only", &commit, "api/"])?;
    if !is_listed {
        bail!("cannot list what {tag} has in api/: {why}");
    }
    let mut records = BTreeMap::new();
    for path in files.lines() {
        let name = path.strip_prefix("api/").and_then(|file| file.strip_suffix(".txt"));
        let Some(name) = name else { continue };
        let (is_read, text, why) = git(&["show", &format!("{commit}:{path}")])?;
        if !is_read {
            bail!("cannot read {path} of {tag}: {why}");
        }
        records.insert(name.to_owned(), text);
    }
    if records.is_empty() {
        bail!("{tag} has no record of the API in api/ to compare with");
    }
    Ok(records)
}

fn written_by() -> PathBuf {
    root().join("api/rust-version")
}

fn record(name: &str) -> PathBuf {
    root().join(file(name))
}

fn file(name: &str) -> String {
    format!("api/{name}.txt")
}

fn recorded_names(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("api");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let file = entry?.file_name().to_string_lossy().into_owned();
        names.extend(file.strip_suffix(".txt").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

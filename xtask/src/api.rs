//! `cargo xtask api`: what the libraries let their users name, compared with what is on record in `api/`.

mod change;
mod foreign;
mod rustdoc;
mod surface;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::report::{Outcome, Report};
use crate::shell::{program, root};
use crate::workspace::Workspace;
use change::{Change, Step};
use surface::Surface;

pub(crate) use rustdoc::run_as_rustdoc;

/// `cargo xtask api [--write | --since TAG]`
pub(crate) fn run(report: &mut Report, arguments: &[String]) -> Result<()> {
    match arguments {
        [] => check(report),
        [write] if write == "--write" => report.suite("api, written", write_all),
        [since, tag] if since == "--since" => report.suite(&format!("api since {tag}"), || step_since(tag)),
        _ => bail!("`cargo xtask api` takes nothing, or `--write`, or `--since` and a tag"),
    }
}

pub(crate) fn check(report: &mut Report) -> Result<()> {
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
    })?;
    if surfaces.is_empty() {
        return Ok(());
    }
    report.suite("foreign types in the api", || foreign::check(&surfaces))
}

fn read_all() -> Result<Vec<Surface>> {
    let folder = rustdoc::document()?;
    let workspace = Workspace::read()?;
    let published = workspace.published();
    let is_library = |target: &cargo_metadata::Target| target.is_lib();
    let libraries = published.iter().filter(|package| package.targets.iter().any(is_library));
    libraries.map(|library| Surface::read(&folder, library.name.to_string())).collect()
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
    for name in recorded_names()? {
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
    for name in recorded_names()? {
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
fn step_since(tag: &str) -> Result<Outcome> {
    let mut step = Step::Patch;
    for name in recorded_names()? {
        let now = fs::read_to_string(record(&name))?;
        let then = program("git").args(["show", &format!("{tag}:api/{name}.txt")]).output()?;
        if !then.status.success() {
            println!("{name}: new");
            continue;
        }
        let change = Change::between(&String::from_utf8_lossy(&then.stdout), &now);
        if !change.is_none() {
            println!("{name}:\n{change}");
        }
        step = step.max(change.step());
    }
    println!("{}", step.advice(env!("CARGO_PKG_VERSION")));
    Ok(Outcome::Passed)
}

fn written_by() -> PathBuf {
    root().join("api/rust-version")
}

fn record(name: &str) -> PathBuf {
    root().join("api").join(format!("{name}.txt"))
}

fn recorded_names() -> Result<Vec<String>> {
    let folder = root().join("api");
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

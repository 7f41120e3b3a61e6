//! `cargo xtask release rehearse`: a whole release on a copy, and what others do with it afterwards.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use semver::Version;

use super::checkout::Checkout;
use super::publish::{self, Options, publish};
use super::registry::{BEHIND, Registry, TOKEN};
use super::{consumer, git, manifest, prepare};
use crate::report::Outcome;
use crate::shell::{program, root, target_dir};

pub(crate) const REGISTRY: &str = "rehearsal";

/// Depends on no other of ours.
const FIRST: &str = "audit-model";

/// Prepares the next version on a copy of the last commit, publishes all crates with an interruption in the middle,
/// builds and runs programs that use them, and begins with the version after that.
pub(crate) fn rehearse(verify: bool) -> Result<Outcome> {
    let registry = Registry::start()?;
    let (origin, copy) = copies(&registry)?;
    let version = timed("prepare", || prepare_next(&copy))?;
    let crates = copy.crates()?.len();

    let mut options = Options { no_verify: !verify, ..Options::default() };
    let half = crates / 2;
    registry.limit_uploads(half, 0);
    let Err(stopped) = timed("publish, stopped half-way", || Ok(publish(&copy, &options)))? else {
        bail!("the registry refused uploads, and `publish` did not notice");
    };
    println!("{stopped:#}");
    ensure!(registry.len() == half, "{} crates are in the registry, not {half}", registry.len());
    let tag = format!("v{version}");
    let released = git::head(&copy)?;
    ensure!(git::tagged(&origin, &tag)? == Some(released.clone()), "{tag} was not pushed");

    // Somebody goes on with the work. The release does not go on with theirs.
    git::ask(&copy, &["commit", "--quiet", "--allow-empty", "--message", "Go on"])?;
    let Err(refused) = publish(&copy, &options) else { bail!("half of the crates are of another commit") };
    println!("{refused:#}");
    git::ask(&copy, &["checkout", "--quiet", &tag])?;

    // All but three, and those after the wait.
    registry.limit_uploads(crates - half - 3, 3);
    options.wait = Some(BEHIND * 2);
    timed("publish, the rest", || publish(&copy, &options))?;
    ensure!(registry.len() == crates, "{} crates are in the registry, not {crates}", registry.len());
    ensure!(git::tagged(&copy, &tag)? == Some(released), "{tag} is not on the commit");
    timed("publish, with nothing left to do", || publish(&copy, &options))?;

    timed("programs that use it", || consumer::build_and_run(&copy, &folder()?, &version))?;

    timed("the version after that", || publish_one_more(&registry, &copy))?;
    Ok(Outcome::Passed)
}

/// Now the registry knows each crate, and not its version. One is uploaded: all of them would take as long as above.
fn publish_one_more(registry: &Registry, copy: &Checkout) -> Result<()> {
    prepare_next(copy)?;
    let crates = copy.crates()?;
    let missing = publish::missing(copy, &crates)?;
    ensure!(missing.len() == crates.len(), "{} of {} crates are missing", missing.len(), crates.len());
    registry.limit_uploads(1, 0);
    let first = missing.iter().find(|each| each.name == FIRST).context("the first crate has another name")?;
    publish::upload(copy, &Options { no_verify: true, ..Options::default() }, &[first], crates.len())?;
    let missing = publish::missing(copy, &crates)?;
    ensure!(missing.len() == crates.len() - 1, "{} of {} crates are missing", missing.len(), crates.len());
    Ok(())
}

fn timed<T>(what: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("\n--- {what}");
    let start = Instant::now();
    let done = step().with_context(|| what.to_owned())?;
    println!("--- {what}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(done)
}

fn folder() -> Result<PathBuf> {
    Ok(target_dir()?.join("rehearsal"))
}

/// A copy of the repository, and a clone of that, whose cargo knows the registry and keeps what comes from there to itself.
fn copies(registry: &Registry) -> Result<(Checkout, Checkout)> {
    let folder = folder()?;
    let (origin, clone, home) = (folder.join("origin"), folder.join("copy"), folder.join("cargo-home"));
    for old in [&origin, &clone, &home] {
        if old.exists() {
            fs::remove_dir_all(old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (kind, from, to) in [("--bare", &root(), &origin), ("--no-local", &origin, &clone)] {
        let cloned = program("git").args(["clone", "--quiet", kind]).arg(from).arg(to).run()?;
        ensure!(cloned, "the repository could not be copied");
    }
    share_cargo_home(&home)?;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let environment = [
        ("CARGO_HOME", text(&home)),
        ("CARGO_TARGET_DIR", text(&folder.join("target"))),
        ("CARGO_REGISTRIES_REHEARSAL_INDEX", registry.index()),
        ("CARGO_REGISTRIES_REHEARSAL_TOKEN", TOKEN.to_owned()),
    ];
    let environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let origin = Checkout { root: origin, registry: None, environment: Vec::new() };
    Ok((origin, Checkout { root: clone, registry: Some(REGISTRY.to_owned()), environment }))
}

/// A home for cargo with the user's configuration and what came from crates.io, by links, so that nothing of it is
/// fetched again, and nothing of the rehearsal's registry stays with the user.
fn share_cargo_home(home: &Path) -> Result<()> {
    let theirs = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let theirs = theirs.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let theirs = theirs.context("neither CARGO_HOME nor HOME is set")?;
    fs::create_dir_all(home)?;
    let configuration = theirs.join("config.toml");
    if configuration.exists() {
        symlink(&configuration, home.join("config.toml"))?;
    }
    for kind in ["index", "cache", "src"] {
        let (from, to) = (theirs.join("registry").join(kind), home.join("registry").join(kind));
        fs::create_dir_all(&to)?;
        for entry in fs::read_dir(&from).into_iter().flatten() {
            let entry = entry?;
            symlink(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// The next version that may break users, as this one may, committed.
fn prepare_next(copy: &Checkout) -> Result<Version> {
    let now = copy.version()?;
    let version = match now.major {
        0 => Version::new(0, now.minor + 1, 0),
        major => Version::new(major + 1, 0, 0),
    };
    let changelog = copy.file("CHANGELOG.md");
    let history = fs::read_to_string(&changelog).context("cannot read CHANGELOG.md")?;
    // Right after a release there is nothing of its own to release.
    let history = history.replacen("## [Unreleased]\n", "## [Unreleased]\n\n- docs: a rehearsal.\n", 1);
    fs::write(&changelog, history).context("cannot write CHANGELOG.md")?;
    let root_manifest = copy.file("Cargo.toml");
    let text = fs::read_to_string(&root_manifest).context("cannot read Cargo.toml")?;
    fs::write(&root_manifest, manifest::with_registry(&text, REGISTRY)?)
        .context("cannot write Cargo.toml")?;
    for (name, value) in [("user.name", "Rehearsal"), ("user.email", "rehearsal@localhost")] {
        git::ask(copy, &["config", name, value])?;
    }
    git::ask(copy, &["commit", "--quiet", "--all", "--message", "Rehearse"])?;
    prepare::prepare(copy, &version.to_string(), None)?;
    git::ask(copy, &["commit", "--quiet", "--all", "--message", "Release"])?;
    Ok(version)
}

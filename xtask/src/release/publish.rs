//! `cargo xtask release publish`

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use cargo_metadata::Package;

use super::checkout::Checkout;
use super::{changelog, git};
use crate::report::{Outcome, Report};
use crate::shell::Shell;

/// In ten minutes crates.io lets one more new crate in, and ten more versions of crates that it has.
const WAIT: Duration = Duration::from_secs(600);

/// What cargo says of something that is over after a while: that it was too much at a time, and that the index, as the registry or a cache
/// before it gives it, lacks what was uploaded last.
const PASSING: &[&str] = &["429 Too Many Requests", "already exists", "is already uploaded"];

#[derive(Default)]
pub(crate) struct Options {
    /// Does not compile the packages: `release check` has.
    pub(crate) no_verify: bool,
    /// The tag stays here, and is not pushed to the remote `origin`.
    pub(crate) no_push: bool,
    /// When the registry says that it is too many at a time: after that long, again.
    pub(crate) wait: Option<Duration>,
}

pub(crate) fn run(report: &mut Report, mut checkout: Checkout, words: &[&str]) -> Result<()> {
    let mut options = Options { wait: Some(WAIT), ..Options::default() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--registry" => {
                let name =
                    words.next().context("`--registry` needs a name; it is one of cargo's configuration")?;
                checkout.registry = Some((*name).to_owned());
            }
            "--no-verify" => options.no_verify = true,
            "--no-wait" => options.wait = None,
            "--no-push" => options.no_push = true,
            other => bail!("`release publish` has no option `{other}`"),
        }
    }
    report.suite("publish", || publish(&checkout, &options).map(|()| Outcome::Passed));
    Ok(())
}

/// Tags the commit, and uploads what is not in the registry yet, each crate after those that it depends on.
///
/// Whatever stops it, it goes on from there when it is run again: it asks the registry, and keeps no notes. The tag comes first, so that
/// it goes on with the same commit, whatever was committed meanwhile.
///
/// # Errors
/// If the tree is not clean or not prepared, the tag is on another commit, the registry has a crate of somebody else's, or cargo could not
/// upload all of them.
pub(crate) fn publish(checkout: &Checkout, options: &Options) -> Result<()> {
    git::need_clean(checkout)?;
    let version = checkout.version()?;
    let tag = format!("v{version}");
    let head = git::head(checkout)?;
    let tagged = git::tagged(checkout, &tag)?;
    if let Some(other) = tagged.as_ref().filter(|commit| **commit != head) {
        bail!("{tag} is on {other}, not on {head}: check out {tag}, or prepare a higher version");
    }
    changelog::need(checkout, &version)?;
    let crates = checkout.crates()?;
    let missing = missing(checkout, &crates)?;
    println!("{} of {} crates are in the registry already", crates.len() - missing.len(), crates.len());
    if tagged.is_none() {
        git::ask(checkout, &["tag", "--annotate", &tag, "--message", &format!("audit-log {version}")])?;
    }
    if !options.no_push {
        git::ask(checkout, &["push", "--quiet", "origin", &format!("refs/tags/{tag}")])
            .context("the tag could not be pushed; nothing was uploaded. `--no-push` leaves it here")?;
    }
    if !missing.is_empty() {
        upload(checkout, options, &missing, crates.len())?;
    }
    println!("all {} crates are published; {tag} is on {head}", crates.len());
    Ok(())
}

pub(super) fn upload(checkout: &Checkout, options: &Options, crates: &[&Package], all: usize) -> Result<()> {
    let mut missing = crates.to_vec();
    loop {
        let (is_done, _, errors) = cargo_publish(checkout, options, &missing).run_and_keep()?;
        if is_done {
            return Ok(());
        }
        let wait = options.wait.filter(|_| PASSING.iter().any(|error| errors.contains(error)));
        if let Some(time) = wait {
            println!("going on in {} s", time.as_secs());
            thread::sleep(time);
        }
        // Behind the wait: what was uploaded a moment ago is not in the index yet.
        missing = self::missing(checkout, missing)?;
        if missing.is_empty() {
            return Ok(());
        }
        println!("{} of {all} are published", all - missing.len());
        if wait.is_none() {
            break;
        }
    }
    let names: Vec<&str> = missing.iter().map(|each| each.name.as_str()).collect();
    bail!(
        "{} of {all} crates are published; put right what cargo says above, then run the same command again, which \
         goes on with the others: {}",
        all - missing.len(),
        names.join(", ")
    )
}

/// All in one go: cargo uploads each after those that it depends on, once the index has these.
fn cargo_publish(checkout: &Checkout, options: &Options, crates: &[&Package]) -> Shell {
    let mut publish = checkout.cargo("publish --locked");
    if let Some(registry) = &checkout.registry {
        publish = publish.args(["--registry", registry]);
    }
    if options.no_verify {
        publish = publish.arg("--no-verify");
    }
    crates.iter().fold(publish, |publish, each| publish.args(["--package", &each.name]))
}

/// Those whose version the registry does not have.
pub(super) fn missing<'a>(
    checkout: &Checkout,
    crates: impl IntoIterator<Item = &'a Package>,
) -> Result<Vec<&'a Package>> {
    let mut missing = Vec::new();
    for each in crates {
        if !is_published(checkout, each)? {
            missing.push(each);
        }
    }
    Ok(missing)
}

fn is_published(checkout: &Checkout, each: &Package) -> Result<bool> {
    let package = format!("{}@{}", each.name, each.version);
    let registry = checkout.registry.as_deref().unwrap_or("crates-io");
    let info =
        checkout.cargo("info --quiet --color never").args(["--registry", registry, &package]).output()?;
    if info.status.success() {
        let told = String::from_utf8_lossy(&info.stdout);
        let theirs = told.lines().find_map(|line| line.strip_prefix("repository: "));
        if theirs != each.repository.as_deref() {
            bail!(
                "{package} in {registry} is not of this repository, but of {}: it needs another name",
                theirs.unwrap_or("one that it does not name")
            );
        }
        return Ok(true);
    }
    let error = String::from_utf8_lossy(&info.stderr);
    if error.contains("could not find") {
        return Ok(false);
    }
    bail!("cannot ask {registry} for {package}: {error}")
}

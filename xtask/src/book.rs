//! `cargo xtask book`: docs/ as a site, its links, its reference pages, and every command in it.

mod commands;
mod configuration;
mod links;
mod page;
mod reference;
mod site;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::report::Report;
use crate::shell::{cargo, target_dir};
use page::Page;

const HELP: &str = "\
The book in docs/

    cargo xtask book [PAGE…]     build it, check its links and reference pages, and run its commands (of these pages: `tutorial`)
    cargo xtask book --site      only build it and check its links
    cargo xtask book --write     write docs/reference, which is made from the code

What is done with a page, README.md at the top among them: `sh` blocks are run, page by page, each page in a folder of its own and in one
shell; of `console` blocks the lines behind `$ `. What they print is what follows: the rest of `console`, and a `text` or `json` block right
behind `sh`, where `…` stands for anything. `yaml` is checked as a configuration, or a part of one. `rust` has to be in a crate's README. Any
other block has to say what is done with it.

    ```sh,exit(1)                the last command ends with 1
    ```sh,no_run(WHY)            not run, nor checked if it is yaml; listed. So with any language
    ```sql,tested_by(PATH)       that test reads it from the page; listed
    ```yaml,file(audit.yaml)     written to that file
    <!-- run …                   run and not shown
    <!-- needs: kafka jq -->     the page needs that service, that program
    <!-- tested by: PATH -->     that test reads the page, and runs its commands
    <!-- sql jq tested by: PATH -->  that test reads the blocks of these languages from there on

The commands are run with the services that are up: `cargo xtask services up`. AUDIT_LOG_BIN is an `audit-log` with all
its features to run them with; it is built where that is not set.
";

/// `cargo xtask book …`
pub(crate) fn run(arguments: &[String], report: &mut Report) -> Result<()> {
    match arguments {
        [help] if help == "help" || help == "--help" => {
            print!("{HELP}");
            Ok(())
        }
        [site] if site == "--site" => {
            check_site(report);
            Ok(())
        }
        [write] if write == "--write" => reference::write(&binary()?),
        [wrong, ..] if wrong.starts_with("--") => bail!("no such option: {wrong}\n\n{HELP}"),
        pages => {
            if pages.is_empty() {
                check_site(report);
            }
            check_with(report, &binary()?, pages);
            Ok(())
        }
    }
}

/// What needs no program of ours.
pub(crate) fn check_site(report: &mut Report) {
    report.suite("links", links::check);
    report.suite("book", site::check);
}

/// What is asked of, or done with, a program with all features, while the services are up.
pub(crate) fn check_with(report: &mut Report, program: &Path, pages: &[String]) {
    report.suite("book: reference", || reference::check(program));
    report.suite("book: commands", || commands::check(program, pages));
}

fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("AUDIT_LOG_BIN") {
        return PathBuf::from(path).canonicalize().context("cannot find what AUDIT_LOG_BIN names");
    }
    if !cargo("build --bin audit-log --features full").run()? {
        bail!("there is no `audit-log` to ask");
    }
    Ok(target_dir()?.join("debug/audit-log"))
}

/// Of the book, each with its path from the top of the repository.
fn pages() -> Result<Vec<Page>> {
    links::markdown_files()?
        .into_iter()
        .filter(|path| path.starts_with("docs"))
        .map(|path| Page::read(&path))
        .collect()
}

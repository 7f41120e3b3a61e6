//! Links between files: each leads to a file that there is, and to a heading that it has. Others' sites are not asked.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result};

use super::page::{Link, Page};
use crate::report::Outcome;
use crate::shell::root;

pub(crate) fn check() -> Result<Outcome> {
    let mut pages = HashMap::new();
    for path in markdown_files()? {
        pages.insert(path.clone(), Page::read(&path)?);
    }
    let mut wrong = Vec::new();
    let mut checked = 0;
    for page in pages.values() {
        for link in page.links.iter().filter(|link| is_ours(&link.to)) {
            checked += 1;
            if let Err(why) = leads_somewhere(page, link, &pages) {
                wrong.push(format!("{}: {}: {why}", page.shown(link.line), link.to));
            }
        }
    }
    wrong.sort();
    println!("{} files, {checked} links", pages.len());
    Ok(Outcome::of(&wrong))
}

/// Folders that no commit has: those of cargo, and of the fuzzer, which may hold very many files.
const MADE_HERE: [&str; 3] = ["target", "corpus", "artifacts"];

/// Of the repository, from its top.
pub(crate) fn markdown_files() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in ["", "api", "benches", "crates", "docs", "fuzz"] {
        collect(Path::new(folder), !folder.is_empty(), &mut found)?;
    }
    found.sort();
    Ok(found)
}

/// Whether it is neither somebody else's nor rustdoc's, which checks its own.
pub(crate) fn is_ours(link: &str) -> bool {
    !link.contains("://") && !link.starts_with("mailto:") && !link.contains("::")
}

/// From the top of the repository.
pub(crate) fn target(page: &Path, link: &str) -> PathBuf {
    let path = link.split('#').next().unwrap_or(link);
    if path.is_empty() {
        return page.to_owned();
    }
    let mut target = page.parent().map(Path::to_owned).unwrap_or_default();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => {
                target.pop();
            }
            Component::Normal(name) => target.push(name),
            _ => {}
        }
    }
    target
}

fn leads_somewhere(page: &Page, link: &Link, pages: &HashMap<PathBuf, Page>) -> Result<(), &'static str> {
    let target = target(&page.path, &link.to);
    if !root().join(&target).exists() {
        return Err("there is no such file");
    }
    let Some((_, anchor)) = link.to.split_once('#') else { return Ok(()) };
    let known = pages.get(&target).is_some_and(|page| page.anchors.contains(anchor));
    if known { Ok(()) } else { Err("there is no such heading") }
}

fn collect(folder: &Path, deep: bool, found: &mut Vec<PathBuf>) -> Result<()> {
    let there = root().join(folder);
    for entry in fs::read_dir(&there).with_context(|| format!("cannot list {}", there.display()))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if deep && !MADE_HERE.iter().any(|made| entry.file_name() == *made) {
                collect(&path, deep, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_counts_from_its_page() {
        for (link, expected) in [
            ("../crates/a/README.md#x", "crates/a/README.md"),
            ("guides/s3.md", "docs/guides/s3.md"),
            ("#here", "docs/page.md"),
            ("./a.md", "docs/a.md"),
        ] {
            assert_eq!(target(Path::new("docs/page.md"), link), Path::new(expected));
        }
    }
}

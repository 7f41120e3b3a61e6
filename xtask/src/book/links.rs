//! Links between files: each leads to a file that there is, and to a heading that it has. Others' sites are not asked; what leads to a
//! file or a folder of ours through the repository's site is looked up here.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result};

use super::page::{Link, Page};
use crate::report::Outcome;
use crate::shell::root;

pub(super) const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

pub(crate) fn check() -> Result<Outcome> {
    let mut pages = HashMap::new();
    for path in markdown_files()? {
        pages.insert(path.clone(), Page::read(&path)?);
    }
    let (checked, wrong) = followed(&pages);
    println!("{} files, {checked} links", pages.len());
    Ok(Outcome::of(&wrong))
}

/// How many links lead to something of ours, and those of them that lead nowhere.
fn followed(pages: &HashMap<PathBuf, Page>) -> (usize, Vec<String>) {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for page in pages.values() {
        for link in &page.links {
            let Some(target) = in_the_repository(&page.path, &link.to) else { continue };
            checked += 1;
            if let Err(why) = leads_somewhere(&target, link, pages) {
                wrong.push(format!("{}: {}: {why}", page.shown(link.line), link.to));
            }
        }
    }
    wrong.sort();
    (checked, wrong)
}

/// Where it leads from the top of the repository, if it leads to anything there. READMEs of crates are shown elsewhere, too, and so
/// name the repository's site.
fn in_the_repository(page: &Path, link: &str) -> Option<PathBuf> {
    let below = |kind| link.strip_prefix(REPOSITORY)?.strip_prefix(kind);
    match below("/blob/main/").or_else(|| below("/tree/main/")) {
        Some(path) => Some(target(Path::new(""), path)),
        None => is_ours(link).then(|| target(page, link)),
    }
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

fn leads_somewhere(target: &Path, link: &Link, pages: &HashMap<PathBuf, Page>) -> Result<(), &'static str> {
    if !root().join(target).exists() {
        return Err("there is no such file");
    }
    let Some((_, anchor)) = link.to.split_once('#') else { return Ok(()) };
    let known = pages.get(target).is_some_and(|page| page.anchors.contains(anchor));
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

    #[test]
    fn a_link_to_the_repository_s_site_is_one_to_a_file() {
        let page = Path::new("crates/a/README.md");
        let found = |link: &str| in_the_repository(page, &format!("{REPOSITORY}{link}"));
        for (link, expected) in [
            ("/blob/main/docs/a.md#x", Some("docs/a.md")),
            ("/tree/main/docs/examples", Some("docs/examples")),
            ("/blob/v0.1.0/docs/a.md", None),
            ("/releases", None),
            ("-more/blob/main/docs/a.md", None),
        ] {
            assert_eq!(found(link).as_deref(), expected.map(Path::new), "{link}");
        }
        assert_eq!(
            in_the_repository(page, "../b/README.md").as_deref(),
            Some(Path::new("crates/b/README.md"))
        );
        assert_eq!(in_the_repository(page, "https://example.com/blob/main/docs/a.md"), None);
        assert_eq!(in_the_repository(page, "crate::Thing"), None);
    }

    #[test]
    fn links_of_a_crate_s_readme_that_lead_nowhere_are_found() {
        let path = Path::new("crates/audit-integrity/README.md");
        let files = markdown_files().unwrap();
        assert!(files.iter().any(|file| file == path));
        let wrong = |text: String| {
            let mut pages = HashMap::new();
            pages.insert(path.to_owned(), Page::parse(path, text).unwrap());
            let other = Path::new("CONTRIBUTING.md");
            pages.insert(other.to_owned(), Page::parse(other, "# A heading\n".to_owned()).unwrap());
            followed(&pages).1
        };
        let blob = format!("{REPOSITORY}/blob/main");
        assert_eq!(
            wrong(format!("[a]({blob}/CONTRIBUTING.md#a-heading)\n\n[b]\n\n[b]: {blob}/crates\n")),
            [""; 0]
        );
        assert_eq!(wrong("[a](../../CONTRIBUTING.md#a-heading) [b](src/lib.rs)\n".to_owned()), [""; 0]);
        for (link, why) in [
            (format!("{blob}/docs/no.md"), "file"),
            (format!("{REPOSITORY}/tree/main/no"), "file"),
            (format!("{blob}/CONTRIBUTING.md#no"), "heading"),
            ("../../docs/no.md".to_owned(), "file"),
            ("#no".to_owned(), "heading"),
        ] {
            let expected = [format!("{}:3: {link}: there is no such {why}", path.display())];
            assert_eq!(wrong(format!("# a\n\n[b]({link})\n")), expected);
        }
    }
}

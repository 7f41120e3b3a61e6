//! The site: docs/ by mdBook, with links that leave docs/ going to the repository instead.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use regex::Regex;

use super::links::{self, REPOSITORY};
use super::page::Page;
use super::pages;
use crate::checkers::{mdbook, or_skipped};
use crate::report::Outcome;
use crate::shell::{program, root, target_dir};

const CONTENTS: &str = "docs/SUMMARY.md";

pub(crate) fn check() -> Result<Outcome> {
    or_skipped(|| {
        let mdbook = mdbook()?;
        let source = target_dir()?.join("book/source");
        let site = target_dir()?.join("book/site");
        let left_out = not_in_the_contents()?;
        stage(&source)?;
        let built = program(mdbook).arg("build").arg("--dest-dir").arg(&site).arg(&source).output()?;
        let said =
            String::from_utf8_lossy(&built.stderr).into_owned() + &String::from_utf8_lossy(&built.stdout);
        if !built.status.success() || said.contains("WARN") || said.contains("ERROR") {
            return Ok(Outcome::Failed(said));
        }
        let wrong: Vec<String> = left_out.into_iter().chain(wrong_in(&site)?).collect();
        println!("the book is {}", site.join("index.html").display());
        Ok(Outcome::of(&wrong))
    })
}

fn not_in_the_contents() -> Result<Vec<String>> {
    let contents = Page::read(Path::new(CONTENTS))?;
    let listed: HashSet<PathBuf> =
        contents.links.iter().map(|link| links::target(&contents.path, &link.to)).collect();
    let left_out = pages()?.into_iter().map(|page| page.path);
    let left_out = left_out.filter(|path| path != Path::new(CONTENTS) && !listed.contains(path));
    Ok(left_out.map(|path| format!("{}: no chapter of {CONTENTS}", path.display())).collect())
}

/// docs/ as mdBook is to see it.
fn stage(source: &Path) -> Result<()> {
    if source.exists() {
        fs::remove_dir_all(source).with_context(|| format!("cannot remove {}", source.display()))?;
    }
    copy(&root().join("docs"), source)?;
    let pages = pages()?;
    for page in &pages {
        let path = source.join(page.path.strip_prefix("docs").expect("pages are in docs/"));
        fs::write(&path, for_mdbook(page)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn for_mdbook(page: &Page) -> String {
    let mut edits = Vec::new();
    for link in page.links.iter().filter(|link| links::is_ours(&link.to)) {
        let target = links::target(&page.path, &link.to);
        let is_folder = root().join(&target).is_dir();
        let old = link.to.clone();
        let new = if is_folder || !target.starts_with("docs") {
            let kind = if is_folder { "tree" } else { "blob" };
            let anchor = link.to.split_once('#').map(|(_, anchor)| format!("#{anchor}")).unwrap_or_default();
            format!("{REPOSITORY}/{kind}/main/{}{anchor}", target.display())
        } else {
            // As mdBook calls that page, except where it is told of it.
            let is_told = page.path == Path::new(CONTENTS);
            if is_told { old.clone() } else { old.replace("README.md", "index.md") }
        };
        let shown = &page.text[link.range.clone()];
        if let Some(place) = shown.rfind(&format!("]({old}")).filter(|_| new != old) {
            let start = link.range.start + place + 2;
            edits.push((start..start + old.len(), new));
        }
    }
    for block in &page.blocks {
        let fence = page.text[block.range.clone()].lines().next().unwrap_or_default();
        match fence.find(',') {
            Some(comma) if fence.trim_start().starts_with("```") => {
                edits.push((block.range.start + comma..block.range.start + fence.len(), String::new()));
            }
            _ => {}
        }
    }
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut text = page.text.clone();
    for (range, new) in edits {
        text.replace_range(range, &new);
    }
    text
}

/// Links of the site that lead nowhere.
fn wrong_in(site: &Path) -> Result<Vec<String>> {
    let ids = Regex::new(r#" id="([^"]*)""#).expect("a fixed pattern");
    let hrefs = Regex::new(r#"(?:href|src)="([^"]*)""#).expect("a fixed pattern");
    let mut files = Vec::new();
    html_files(site, &mut files)?;
    let mut texts = HashMap::new();
    for file in files {
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        texts.insert(file, text);
    }
    let anchors: HashMap<&PathBuf, HashSet<&str>> = texts
        .iter()
        .map(|(file, text)| {
            (file, ids.captures_iter(text).filter_map(|id| Some(id.get(1)?.as_str())).collect())
        })
        .collect();
    let mut wrong = Vec::new();
    let mut checked = 0;
    for (file, text) in &texts {
        for href in hrefs.captures_iter(text) {
            let href = &href[1];
            if !links::is_ours(href) || href.starts_with("javascript:") || href.starts_with("data:") {
                continue;
            }
            checked += 1;
            let target = links::target(file.strip_prefix(site).expect("it is below the site"), href);
            let target = site.join(target);
            let anchor = href.split_once('#').map(|(_, anchor)| anchor).filter(|anchor| !anchor.is_empty());
            let is_there = match anchor {
                Some(anchor) => anchors.get(&target).is_some_and(|ids| ids.contains(anchor)),
                None => target.is_file(),
            };
            if !is_there {
                wrong.push(format!("{}: {href} leads nowhere", file.display()));
            }
        }
    }
    println!("{} pages, {checked} links", texts.len());
    wrong.sort();
    wrong.dedup();
    Ok(wrong)
}

fn html_files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            html_files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "html") && !path.ends_with("404.html")
        {
            found.push(path);
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        } else {
            fs::copy(entry.path(), to.join(entry.file_name()))
                .with_context(|| format!("cannot copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}

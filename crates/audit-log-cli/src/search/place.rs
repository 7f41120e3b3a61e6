//! Where to search.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use audit_journal::segments;
use audit_search::Input;

use super::s3;
use crate::logs::{is_ours, of_directory, real_log};

/// What a PATH stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A log of ours, with its rotated files: it may be rotated and compressed while it is read.
    Log(PathBuf),
    /// Any other file.
    File(PathBuf),
    /// Standard input; or, when it had to be read before, the file that it was put into.
    StandardInput(Option<PathBuf>),
    /// Objects of S3, by the address that was given.
    S3(String),
}

/// What messages call it.
const STANDARD_INPUT: &str = "standard input";

impl Place {
    /// What is to be read of it, but for a log: that is in several files, which change. A configuration may say how
    /// buckets are reached.
    pub(crate) fn inputs(&self, config: Option<&Path>) -> anyhow::Result<Vec<Input>> {
        let standard_input = |reader| Input::Reader { name: STANDARD_INPUT.to_owned(), reader };
        Ok(match self {
            Self::Log(path) | Self::File(path) => vec![Input::File(path.clone())],
            Self::StandardInput(None) => vec![standard_input(Box::new(io::stdin()))],
            Self::StandardInput(Some(spooled)) => vec![standard_input(Box::new(File::open(spooled)?))],
            Self::S3(address) => s3::inputs(address, config)?,
        })
    }

    /// The files that it is in now.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        match self {
            Self::Log(log) => {
                let rotated = segments(log).unwrap_or_default().into_iter().map(|segment| segment.path);
                rotated.chain([log.clone()]).collect()
            }
            Self::File(file) => vec![file.clone()],
            Self::StandardInput(spooled) => spooled.iter().cloned().collect(),
            Self::S3(_) => Vec::new(),
        }
    }
}

/// The paths with patterns replaced by what they match. Of what is none, or matches nothing, why.
pub(crate) fn expanded(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<String>) {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match matches(path) {
            Ok(paths) => found.extend(paths),
            Err(error) => problems.push(format!("{error:#}")),
        }
    }
    (found, problems)
}

/// The places that the paths stand for, each once, in their order. Of what cannot be read, why.
pub(crate) fn places(paths: &[PathBuf], only: bool) -> (Vec<Place>, Vec<String>) {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        if path == Path::new("-") {
            found.push(Place::StandardInput(None));
        } else if let Some(address) = path.to_str().filter(|path| path.starts_with("s3://")) {
            found.push(Place::S3(address.to_owned()));
        } else if path.is_dir() {
            match of_directory(path) {
                Ok(paths) => found.extend(paths.into_iter().map(log_or_file)),
                Err(error) => problems.push(format!("cannot read {}: {error}", path.display())),
            }
        } else if only {
            found.push(Place::File(path.clone()));
        } else {
            found.push(log_or_file(path.clone()));
        }
    }
    (each_once(found), problems)
}

fn log_or_file(path: PathBuf) -> Place {
    let path = real_log(path);
    if is_ours(&path) {
        return Place::Log(path);
    }
    let mut packed = path.clone().into_os_string();
    packed.push(".gz");
    // It was compressed since its name was read.
    Place::File(if !path.exists() && Path::new(&packed).exists() { packed.into() } else { path })
}

/// Rotated files that are named beside their log are read with it.
fn each_once(places: Vec<Place>) -> Vec<Place> {
    let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    let of_logs: HashSet<PathBuf> = places
        .iter()
        .filter(|place| matches!(place, Place::Log(_)))
        .flat_map(|log| log.files().iter().map(real).collect::<Vec<_>>())
        .collect();
    let mut known = HashSet::new();
    let mut is_new = |place: &Place| match place {
        Place::Log(path) => known.insert(real(path)),
        Place::File(path) => !of_logs.contains(&real(path)) && known.insert(real(path)),
        Place::StandardInput(_) => known.insert(PathBuf::from("-")),
        Place::S3(address) => known.insert(PathBuf::from(address)),
    };
    let mut places = places;
    places.retain(|place| is_new(place));
    places
}

fn matches(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let pattern = path.to_str().filter(|text| text.contains(['*', '?', '[']) && !text.starts_with("s3://"));
    let Some(pattern) = pattern.filter(|_| !path.exists()) else { return Ok(vec![path.to_owned()]) };
    // As a shell does: a star finds no hidden file.
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let found =
        glob::glob_with(pattern, options).with_context(|| format!("{pattern} is no pattern of paths"))?;
    let found = found.collect::<Result<Vec<_>, _>>().with_context(|| format!("cannot read {pattern}"))?;
    if found.is_empty() {
        bail!("{pattern}: no file is called so");
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn each_file_is_read_once_however_it_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let rotated = "audit.log.000000000001-000000000009.20261121T213805Z";
        for name in ["audit.log", rotated, ".audit.log.head", "other.ndjson", "third.ndjson.gz"] {
            fs::write(path(name), "").unwrap();
        }
        let log = || Place::Log(path("audit.log"));
        let other = || Place::File(path("other.ndjson"));
        let named = |names: &[&str]| {
            let paths: Vec<PathBuf> = names.iter().map(|name| path(name)).collect();
            let (paths, problems) = expanded(&paths);
            assert_eq!(problems, Vec::<String>::new());
            places(&paths, false).0
        };
        assert_eq!(
            named(&[rotated, "audit.log", "other.ndjson", "../x/../other.ndjson"])[..2],
            [log(), other()]
        );
        assert_eq!(named(&["audit.log*", "*.ndjson"]), [log(), other()]);
        assert_eq!(named(&[""]), [log()], "a directory in which a log was written");
        assert_eq!(named(&[rotated]), [Place::File(path(rotated))]);
        assert_eq!(named(&["third.ndjson"]), [Place::File(path("third.ndjson.gz"))]);
        assert_eq!(places(&["-".into(), "-".into()], false).0, [Place::StandardInput(None)]);
        assert_eq!(places(&[path("audit.log")], true).0, [Place::File(path("audit.log"))]);
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_told() {
        let (found, problems) = expanded(&["/nowhere/*.log".into(), "a[".into(), "here".into()]);
        assert_eq!(found, [PathBuf::from("here")]);
        assert!(problems[0].ends_with("*.log: no file is called so"), "{problems:?}");
        assert!(problems[1].starts_with("a[ is no pattern of paths"), "{problems:?}");
    }
}

//! What `docker build` is given, and whether cargo can begin with it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use glob::{MatchOptions, Pattern};

use crate::report::Outcome;
use crate::shell::{cargo, program, root};

/// Has cargo look at all members in a copy without what .dockerignore names, and looks there for the files that sources include. Nothing
/// is compiled: that any of it compiles, the other suites know.
pub(crate) fn check() -> Result<Outcome> {
    let text = fs::read_to_string(root().join(".dockerignore")).context("cannot read .dockerignore")?;
    let ignored = Ignored::parse(&text)?;
    let copy = tempfile::tempdir()?;
    let files = tracked()?;
    let given: Vec<&PathBuf> = files.iter().filter(|file| !ignored.matches(file)).collect();
    let mut wrong = Vec::new();
    for file in &given {
        let to = copy.path().join(file);
        fs::create_dir_all(to.parent().expect("it is in the copy"))?;
        fs::copy(root().join(file), &to).with_context(|| format!("cannot copy {}", file.display()))?;
    }
    let sources = given.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    for file in sources.filter(|file| file.components().any(|part| part.as_os_str() == "src")) {
        let source = fs::read_to_string(root().join(file))?;
        let there = |included: &&str| copy.path().join(file).with_file_name(included).exists();
        let missing = included(&source).into_iter().filter(|included| !there(included));
        wrong.extend(missing.map(|included| format!("{} includes {included}", file.display())));
    }
    println!("{} of {} files are given to docker build", given.len(), files.len());
    let metadata = cargo("metadata --locked --format-version 1").within(copy.path()).output()?;
    if !metadata.status.success() {
        wrong.push(String::from_utf8_lossy(&metadata.stderr).into_owned());
    }
    let wrong: Vec<_> = wrong.into_iter().map(|wrong| format!("with .dockerignore: {wrong}")).collect();
    Ok(Outcome::of(&wrong))
}

/// The files whose text a source has in it, but for its tests'.
fn included(source: &str) -> Vec<&str> {
    let source = source.split("\n#[cfg(test)]\nmod tests").next().unwrap_or(source);
    let calls = ["include_str!(\"", "include_bytes!(\""];
    calls
        .iter()
        .flat_map(|call| source.split(call).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

fn tracked() -> Result<Vec<PathBuf>> {
    let output = program("git").args(["ls-files", "-z"]).output()?;
    ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).context("a file's name is no UTF-8")?;
    Ok(names.split_terminator('\0').map(PathBuf::from).collect())
}

/// The patterns of a .dockerignore, with whether they take a file in again. The last one that matches a file, or a folder that it is in, counts.
struct Ignored(Vec<(Pattern, bool)>);

impl Ignored {
    /// # Errors
    /// When a pattern has something that Docker may read otherwise than the crate `glob`.
    fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let patterns = lines.map(|line| {
            let (pattern, again) = line.strip_prefix('!').map_or((line, false), |pattern| (pattern, true));
            let plain = pattern.split('/').all(|part| !["", ".", ".."].contains(&part))
                && !pattern.contains(['[', ']', '\\', '!', ' ']);
            ensure!(plain, ".dockerignore: `{line}` is a pattern that this check doesn't know");
            let pattern = Pattern::new(pattern).with_context(|| format!(".dockerignore: `{line}`"))?;
            Ok((pattern, again))
        });
        Ok(Self(patterns.collect::<Result<_>>()?))
    }

    fn matches(&self, file: &Path) -> bool {
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        let matching = self.0.iter().rev().find(|(pattern, _)| {
            file.ancestors()
                .any(|path| !path.as_os_str().is_empty() && pattern.matches_path_with(path, options))
        });
        matching.is_some_and(|(_, again)| !again)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;

    fn ignores(text: &str, file: &str) -> bool {
        Ignored::parse(text).unwrap().matches(Path::new(file))
    }

    #[test]
    fn the_last_pattern_that_matches_counts() {
        let text = "docs/*\n!docs/examples\ndocs/examples/*\n!docs/examples/service\n**/*.key\n";
        for ignored in
            ["docs/a.md", "docs/examples/a.yaml", "docs/a/b/c", "a.key", "docs/examples/service/a.key"]
        {
            assert!(ignores(text, ignored), "{ignored}");
        }
        for given in ["src/main.rs", "docs/examples/service/src/main.rs", "crates/docs/a.md"] {
            assert!(!ignores(text, given), "{given}");
        }
        assert!(ignores("# all of it\ndocs\n", "docs/examples/service/Cargo.toml"));
    }

    #[test]
    fn what_is_included_is_known() {
        let source = "const A: &str = include_str!(\"a.txt\");\nconst B: [&[u8]; 1] = [include_bytes!(\"../b\")];\n\n\
                      #[cfg(test)]\nmod tests {\n    const C: &str = include_str!(\"../c\");\n}\n";
        assert_eq!(included(source), ["a.txt", "../b"]);
    }

    #[test]
    fn a_pattern_of_another_kind_is_refused() {
        for pattern in ["/docs", "docs/", "./docs", "a/../b", "[ab]", "a\\*", "a**", "!!a", "a b"] {
            assert!(Ignored::parse(pattern).is_err(), "{pattern}");
        }
    }
}

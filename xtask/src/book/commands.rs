//! Runs the commands of the book, page by page, each page in a folder of its own and in one shell, as a reader would.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use regex::Regex;
use snapbox::IntoData as _;

use super::links::markdown_files;
use super::page::{Block, Kind, Page};
use super::pages;
use crate::report::Outcome;
use crate::services;
use crate::shell::{root, target_dir};

/// A program, whose README its own tests play.
const WITH_TESTS_OF_ITS_OWN: &str = "docs/examples/backup-service";

/// What the shell does first. However the page ends, what it left running is ended, too.
const PRELUDE: &str = "set -u\ntrap '_c=$?; trap \"\" TERM; kill 0; wait; exit $_c' EXIT\n";

pub(crate) fn check(program: &Path, only: &[String]) -> Result<Outcome> {
    let variables = services::variables()?;
    let mut all = pages()?;
    all.insert(0, Page::read(Path::new("README.md"))?);
    let mut wrong = rust_that_nothing_compiles(&all)?;
    let mut not_tried = Vec::new();
    let mut skipped = Vec::new();
    let mut ran = 0;
    for page in chosen(&all, only)? {
        let (no_run, untold) = not_run(page);
        not_tried.extend(no_run);
        wrong.extend(untold);
        if page.tested_by.is_some() {
            continue;
        }
        if let Some(missing) = page.needs.iter().find(|name| !is_there(name, &variables)) {
            skipped.push(format!("{} needs {missing}", page.path.display()));
            continue;
        }
        let start = Instant::now();
        let shell = Shell::new(page, program, &variables)?;
        let steps = steps(page);
        ran += steps.len();
        let before = wrong.len();
        wrong.extend(shell.configurations(page)?);
        wrong.extend(shell.run(page, &steps)?);
        if !steps.is_empty() {
            let how = if wrong.len() == before { "passed" } else { "FAILED" };
            println!(
                "{}: {} steps, {:.1} s, {how}",
                page.path.display(),
                steps.len(),
                start.elapsed().as_secs_f64()
            );
        }
    }
    println!("{ran} steps ran. Not run here:");
    for line in &not_tried {
        println!("  {line}");
    }
    Ok(match (wrong.is_empty(), skipped.is_empty()) {
        (false, _) => Outcome::Failed(wrong.into_iter().chain(skipped).collect::<Vec<_>>().join("\n")),
        (true, false) => Outcome::Skipped(skipped.join("\n")),
        (true, true) => Outcome::Passed,
    })
}

/// The pages of these names, with or without their folder and `.md`; all, if there are no names.
fn chosen<'a>(pages: &'a [Page], names: &[String]) -> Result<Vec<&'a Page>> {
    let is_called =
        |page: &Page, name: &str| page.path.ends_with(name) || page.path.with_extension("").ends_with(name);
    let tried: Vec<&Page> =
        pages.iter().filter(|page| !page.path.starts_with(WITH_TESTS_OF_ITS_OWN)).collect();
    if let Some(unknown) = names.iter().find(|name| !tried.iter().any(|page| is_called(page, name))) {
        bail!("no page of the book is called {unknown}");
    }
    let is_chosen = |page: &&Page| names.is_empty() || names.iter().any(|name| is_called(page, name));
    Ok(tried.into_iter().filter(is_chosen).collect())
}

/// What a page says is not run here, each with the reason; and what is wrong with that.
fn not_run(page: &Page) -> (Vec<String>, Vec<String>) {
    let mut told: Vec<String> = Vec::new();
    let mut wrong = Vec::new();
    let mut tests: Vec<&String> = page.tested_by.iter().collect();
    for block in &page.blocks {
        match &block.kind {
            Kind::NotTried(why) => told.push(format!("{}: {why}", page.shown(block.line))),
            Kind::Tested(test) => tests.push(test),
            Kind::Untold if page.tested_by.is_none() => wrong.push(format!(
                "{}: nobody looks at this block; say what is done with it (cargo xtask book help)",
                page.shown(block.line)
            )),
            _ => {}
        }
    }
    tests.dedup();
    for test in tests {
        told.push(format!("{}: by {test}", page.path.display()));
        wrong.extend(not_tested_by(page, test));
    }
    (told, wrong)
}

struct Step<'a> {
    line: usize,
    kind: &'a Kind,
    input: String,
    expected: Option<String>,
}

fn steps(page: &Page) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for Block { line, kind, text, .. } in &page.blocks {
        match kind {
            Kind::Console => steps.extend(sessions(text).into_iter().map(|(before, command, printed)| {
                Step { line: line + 1 + before, kind, input: command, expected: Some(printed) }
            })),
            Kind::Shell { .. } | Kind::Hidden | Kind::File(_) => {
                steps.push(Step { line: *line, kind, input: text.clone(), expected: None });
            }
            Kind::Output => {
                let printed_by = steps.last_mut().expect("output follows what prints it");
                printed_by.expected = Some(text.clone());
            }
            Kind::Configuration | Kind::Rust | Kind::NotTried(_) | Kind::Tested(_) | Kind::Untold => {}
        }
    }
    steps
}

/// Of a block of console: how many lines are before it, a command, and what it prints.
fn sessions(text: &str) -> Vec<(usize, String, String)> {
    let mut sessions: Vec<(usize, String, String)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in text.lines().enumerate() {
        let begins = line.strip_prefix("$ ").filter(|_| !goes_on);
        if let Some(command) = begins {
            sessions.push((number, format!("{command}\n"), String::new()));
        } else if let Some((_, command, printed)) = sessions.last_mut() {
            let into = if goes_on { command } else { printed };
            *into += &format!("{line}\n");
        }
        goes_on = (begins.is_some() || goes_on) && (line.ends_with('\\') || line.ends_with('|'));
    }
    sessions
}

struct Shell {
    scratch: PathBuf,
    records: PathBuf,
    path: String,
    variables: BTreeMap<&'static str, String>,
}

impl Shell {
    fn new(page: &Page, program: &Path, variables: &BTreeMap<&'static str, String>) -> Result<Self> {
        let name = page.path.display().to_string().replace('/', "-");
        let home = target_dir()?.join("book/pages").join(name);
        if home.exists() {
            fs::remove_dir_all(&home).with_context(|| format!("cannot remove {}", home.display()))?;
        }
        let (scratch, records) = (home.join("work"), home.join("records"));
        for folder in [&scratch, &records, &home.join("bin")] {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        symlink(root().join("docs"), scratch.join("docs")).context("cannot link docs/")?;
        symlink(program, home.join("bin/audit-log")).context("cannot link the program")?;
        let path = format!("{}:{}", home.join("bin").display(), std::env::var("PATH").unwrap_or_default());
        Ok(Self { scratch, records, path, variables: variables.clone() })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.scratch).env_clear().envs(&self.variables);
        command
            .env("PATH", &self.path)
            .env("HOME", &self.scratch)
            .env("USER", "reader")
            .env("TZ", "UTC")
            .env("LC_ALL", "C.UTF-8");
        command.stdin(Stdio::null());
        command
    }

    /// The configurations that are shown and not used by what follows.
    fn configurations(&self, page: &Page) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        for block in page.blocks.iter().filter(|block| block.kind == Kind::Configuration) {
            let file = self.records.join("audit.yaml");
            fs::write(&file, whole_configuration(&block.text)).context("cannot write a configuration")?;
            let mut command = self.command("audit-log");
            command.args(["config", "check"]).arg(&file);
            for name in variables_in(&block.text) {
                let value = if name.contains("WEBHOOK") && !name.contains("TOKEN") {
                    "https://example.com/a"
                } else {
                    "Ab012345678901234567890123456789"
                };
                command.env(name, value);
            }
            let output = command.output().context("cannot run `audit-log config check`")?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stdout).into_owned()
                    + &String::from_utf8_lossy(&output.stderr);
                wrong.push(format!("{}: a wrong configuration:\n{said}", page.shown(block.line)));
            }
        }
        Ok(wrong)
    }

    fn run(&self, page: &Page, steps: &[Step<'_>]) -> Result<Vec<String>> {
        let mut script = PRELUDE.to_owned();
        for (number, step) in steps.iter().enumerate() {
            script += &self.script(number, step)?;
        }
        // Where this is not reached, the page ended the shell by itself, and perhaps with 0.
        script += &format!("echo {} >'{}/at'\nexit 0\n", steps.len(), self.records.display());
        let file = self.records.join("script");
        fs::write(&file, script).context("cannot write the page's script")?;
        let mut shell = self.command("sh");
        let status = shell.arg(&file).process_group(0).status().context("cannot run sh")?;
        let printed = |number: usize| {
            fs::read_to_string(self.records.join(format!("printed-{number}"))).unwrap_or_default()
        };
        let at = fs::read_to_string(self.records.join("at")).unwrap_or_default();
        let last: usize = at.trim().parse().unwrap_or(0);
        let mut wrong = Vec::new();
        if let Some(step) = steps.get(last) {
            let place = page.shown(step.line);
            wrong.push(format!("{place}: the shell ends here, {status}\n{}", printed(last)));
        } else if !status.success() {
            wrong.push(format!("{}: {status}", page.path.display()));
        }
        for (number, step) in steps.iter().enumerate().take(last + 1) {
            if let Some(expected) = &step.expected {
                let place = page.shown(step.line);
                let actual = without_end(&printed(number));
                let compared = snapbox::Assert::new().normalize_paths(false).try_eq(
                    Some(&place),
                    actual.into_data(),
                    without_end(&pattern(expected)).into_data(),
                );
                if let Err(error) = compared {
                    wrong.push(format!("{place}: it prints something else\n{error}"));
                }
            }
        }
        Ok(wrong)
    }

    fn script(&self, number: usize, Step { kind, input, .. }: &Step<'_>) -> Result<String> {
        let records = self.records.display();
        // The code of the command before is kept for `$?`.
        let begin = format!(
            "_c=$?; exec >'{records}/printed-{number}' 2>&1; echo {number} >'{records}/at'; (exit $_c)\n"
        );
        Ok(match kind {
            Kind::File(name) => {
                let file = self.records.join(format!("file-{number}"));
                fs::write(&file, input).with_context(|| format!("cannot write {}", file.display()))?;
                let check = if input.starts_with("enterprise:") {
                    format!("audit-log config check {name}\n")
                } else {
                    String::new()
                };
                format!(
                    "{begin}set -e\nmkdir -p \"$(dirname {name})\"\ncp '{}' {name}\n{check}set +e\n",
                    file.display()
                )
            }
            Kind::Console => begin + input,
            Kind::Shell { exit } if *exit != 0 => {
                format!(
                    "{begin}{input}\n[ $? -eq {exit} ] || {{ echo 'the exit code is not {exit}'; exit 99; }}\n"
                )
            }
            _ => format!("{begin}set -e\n{input}\nset +e\n"),
        })
    }
}

/// `…` stands for anything within a line, or, alone on one, for any lines. What is new each time may be anything, too.
fn pattern(expected: &str) -> String {
    let new = Regex::new(
        r"(?x) \b(?:chain-|evt_)[0-9a-f-]{20,} | sha256:[0-9a-f]{64} | \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z | …",
    );
    let new = new.expect("a fixed pattern");
    let lines = expected.lines().map(|line| match line.trim() {
        "…" => "...".to_owned(),
        _ => new.replace_all(line, "[..]").into_owned(),
    });
    lines.map(|line| line + "\n").collect()
}

/// With one newline at the end, and none of the blanks at the ends of lines that editors remove.
fn without_end(text: &str) -> String {
    text.trim_end().lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// A part of a configuration with what it lacks around it.
fn whole_configuration(part: &str) -> String {
    if part.lines().any(|line| line.starts_with("enterprise:") || line.starts_with("spec:")) {
        return part.to_owned();
    }
    let indented =
        part.lines().filter(|line| !line.is_empty()).map(|line| line.len() - line.trim_start().len());
    let margin = indented.min().unwrap_or(0);
    let lines: Vec<&str> = part.lines().map(|line| line.get(margin..).unwrap_or_default()).collect();
    let mut whole = "enterprise:\n  audit:\n".to_owned();
    if lines.first().is_some_and(|line| line.starts_with("- ")) {
        whole += "    destinations:\n";
    } else if !lines.iter().any(|line| line.starts_with("destination")) {
        whole += "    destination: {type: file, path: audit.log}\n";
    }
    for line in lines {
        whole += &format!("    {line}\n");
    }
    whole
}

fn variables_in(text: &str) -> Vec<&str> {
    let names = text.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    names.filter(|name| !name.contains(":-")).collect()
}

fn is_there(name: &str, variables: &BTreeMap<&'static str, String>) -> bool {
    let variable = format!("AUDIT_TEST_{}", name.to_uppercase());
    variables.keys().any(|known| known.starts_with(&variable))
        || std::env::var_os(&variable).is_some()
        || std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .any(|folder| folder.join(name).exists())
}

fn not_tested_by(page: &Page, test: &str) -> Option<String> {
    let name = page.path.file_name().expect("a page has a name").to_string_lossy();
    let tests = fs::read_to_string(root().join(test)).is_ok_and(|text| text.contains(&*name));
    (!tests).then(|| format!("{}: {test} does not test it", page.path.display()))
}

/// The READMEs of the crates are compiled with their crates; what the book shows has to be in one of them.
fn rust_that_nothing_compiles(pages: &[Page]) -> Result<Vec<String>> {
    let mut compiled = Vec::new();
    for path in markdown_files()?.iter().filter(|path| path.starts_with("crates")) {
        let blocks = Page::read(path)?.blocks;
        compiled.extend(
            blocks.into_iter().filter(|block| block.kind == Kind::Rust).map(|block| shown(&block.text)),
        );
    }
    let mut wrong = Vec::new();
    for page in pages.iter().filter(|page| !page.path.starts_with(WITH_TESTS_OF_ITS_OWN)) {
        for block in page.blocks.iter().filter(|block| block.kind == Kind::Rust) {
            if !compiled.contains(&shown(&block.text)) {
                wrong.push(format!(
                    "{}: this Rust is in no README of a crate, so nothing compiles it",
                    page.shown(block.line)
                ));
            }
        }
    }
    Ok(wrong)
}

/// Without the lines that rustdoc hides.
fn shown(rust: &str) -> String {
    rust.lines().filter(|line| *line != "#" && !line.starts_with("# ")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, text: &str) -> Page {
        Page::parse(Path::new(path), text.to_owned()).unwrap()
    }

    #[test]
    fn a_name_that_is_no_page_s_is_an_error() {
        let pages =
            ["README.md", "docs/tutorial.md", "docs/guides/s3.md", "docs/examples/backup-service/README.md"]
                .map(|path| page(path, ""));
        let called = |name: &str| {
            let chosen = chosen(&pages, &[name.to_owned()]).ok()?;
            Some(chosen.iter().map(|page| page.path.display().to_string()).collect::<Vec<_>>())
        };
        for name in ["tutorial", "tutorial.md", "docs/tutorial", "docs/tutorial.md"] {
            assert_eq!(called(name), Some(vec!["docs/tutorial.md".to_owned()]), "{name}");
        }
        assert_eq!(called("README"), Some(vec!["README.md".to_owned()]));
        for name in ["tutoral", "s3.m", "torial.md", "backup-service/README.md"] {
            assert_eq!(called(name), None, "{name}");
        }
        assert!(chosen(&pages, &["tutorial".to_owned(), "tutoral".to_owned()]).is_err());
        assert_eq!(chosen(&pages, &[]).unwrap().len(), 3);
    }

    #[test]
    fn a_block_that_nobody_looks_at_is_wrong() {
        let text = "```sql\na\n```\n\n```sql,no_run(there is no Athena)\nb\n```\n";
        let (told, wrong) = not_run(&page("docs/page.md", text));
        assert_eq!(told, ["docs/page.md:5: there is no Athena"]);
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].starts_with("docs/page.md:1: "), "{wrong:?}");
        // This file does not name that page.
        let elsewhere = "```sql,tested_by(xtask/src/book.rs)\na\n```\n";
        assert_eq!(not_run(&page("docs/another-page.md", elsewhere)).1.len(), 1);
        assert_eq!(
            not_run(&page("docs/README.md", "```sql,tested_by(xtask/src/readme.rs)\n```\n")).1.len(),
            0
        );
    }

    #[test]
    fn a_page_that_ends_its_shell_early_has_not_passed() {
        let run = |name: &str, text: &str| {
            let page = page(&format!("docs/{name}.md"), text);
            let shell = Shell::new(&page, Path::new("/bin/true"), &BTreeMap::new()).unwrap();
            shell.run(&page, &steps(&page)).unwrap()
        };
        assert!(run("whole", "```sh\necho a\n```\n\n```text\na\n```\n").is_empty());
        for (name, text, line) in [
            ("early", "```sh\nexit 0\n```\n\n```sh\necho b\n```\n\n```text\nc\n```\n", 1),
            ("at-the-end", "```sh\ntrue\n```\n\n```sh\nexit 0\n```\n", 5),
            ("failing", "```sh\ntrue\n```\n\n```sh\nfalse\n```\n", 5),
        ] {
            let wrong = run(name, text);
            assert_eq!(wrong.len(), 1, "{wrong:?}");
            assert!(
                wrong[0].starts_with(&format!("docs/{name}.md:{line}: the shell ends here")),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn a_console_shows_commands_and_what_they_print() {
        let text = "$ head -1 a |\n    audit-log b \\\n  c\nx\n$ echo $?\n1\n";
        let expected = [
            (0, "head -1 a |\n    audit-log b \\\n  c\n".to_owned(), "x\n".to_owned()),
            (4, "echo $?\n".to_owned(), "1\n".to_owned()),
        ];
        assert_eq!(sessions(text), expected);
    }

    #[test]
    fn a_part_of_a_configuration_is_made_whole() {
        let whole = whole_configuration("retention:\n  min_days: 1\n");
        assert!(
            whole.contains("    destination: {type") && whole.contains("\n      min_days: 1\n"),
            "{whole}"
        );
        assert!(whole_configuration("- {type: stdout}\n").contains("    destinations:\n    - {type"));
        assert!(
            whole_configuration("  where: x\n  enabled: true\n")
                .ends_with("\n    where: x\n    enabled: true\n")
        );
        assert_eq!(whole_configuration("enterprise:\n"), "enterprise:\n");
    }

    #[test]
    fn what_is_new_each_time_may_be_anything() {
        let pattern = pattern("chain chain-01a201acd4327165af8a381dc77d6d56, 42\n  …\nin … ms\n");
        assert_eq!(pattern, "chain [..], 42\n...\nin [..] ms\n");
    }
}

//! Commands, run at the top of the repository and shown before they run.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use anyhow::{Context as _, Result};

/// The top of the repository that cargo runs this in: two clones that share a target directory share this program. Tests run it, too, with
/// what cargo tells of their own crate, which says nothing of this.
pub(crate) fn root() -> PathBuf {
    let told = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let own = told.filter(|own| own.ends_with("xtask")).unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    own.parent().expect("xtask is a folder of the repository").to_owned()
}

/// Where builds go, and so where other things that can be made again may go.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find this program's own path")?;
    let target = own.ancestors().nth(2).context("this program is not in a target directory")?;
    Ok(target.to_owned())
}

/// Cargo, the one that runs this program, with arguments separated by spaces.
pub(crate) fn cargo(arguments: &str) -> Shell {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut shell = program(cargo);
    shell.command.args(arguments.split(' '));
    shell
}

pub(crate) fn program(name: impl AsRef<OsStr>) -> Shell {
    let mut command = Command::new(name);
    command.current_dir(root());
    Shell { command }
}

/// Whether a program is there and answers to `--version`.
pub(crate) fn is_installed(name: &str) -> bool {
    let mut question = Command::new(name);
    question.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    question.status().is_ok_and(|status| status.success())
}

pub(crate) struct Shell {
    command: Command,
}

impl Shell {
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(arguments);
        self
    }

    /// In another folder than the top of the repository.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it in the open and says whether it succeeded.
    pub(crate) fn run(mut self) -> Result<bool> {
        println!("$ {}", self.shown());
        let status = self.command.status().with_context(|| format!("cannot run `{}`", self.shown()))?;
        Ok(status.success())
    }

    /// As `run`, and keeps what it says on standard output and on standard error.
    pub(crate) fn run_and_keep(mut self) -> Result<(bool, String, String)> {
        let shown = self.shown();
        println!("$ {shown}");
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().with_context(|| format!("cannot run `{shown}`"))?;
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let errors = thread::spawn(move || keep(errors.expect("it is piped"), |line| eprintln!("{line}")));
        let output = keep(output.expect("it is piped"), |line| println!("{line}"));
        let errors = errors.join().expect("it does not panic");
        Ok((child.wait()?.success(), output, errors))
    }

    /// Runs it and keeps what it prints.
    pub(crate) fn output(mut self) -> Result<Output> {
        self.command.output().with_context(|| format!("cannot run `{}`", self.shown()))
    }

    /// The command as one would type it.
    pub(crate) fn shown(&self) -> String {
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        let words = words.enumerate().map(|(place, word)| match place {
            0 => Path::new(word).file_name().unwrap_or(word).to_string_lossy(),
            _ => word.to_string_lossy(),
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

/// All of it, line by line shown as well. Tests may print what is no UTF-8.
fn keep(from: impl Read, show: impl Fn(&str)) -> String {
    let mut kept = String::new();
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
        show(&text);
        kept.push_str(&text);
        kept.push('\n');
        line.clear();
    }
    kept
}

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use audit_config::{BUILT, Built, Config, ConfigError, ConfigErrors, Parsed, process_environment, schema};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::output::{count, print, print_json};

/// Check a configuration, show what is in effect, or print its JSON Schema.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what is wrong in a configuration, with file, line and column
    ///
    /// Exit code 0: it is valid (warnings do not count); 1: it is not; 2: it cannot be read.
    Check(File),
    /// Print the configuration in effect: variables put in, defaults filled in, secrets masked
    ///
    /// Exit code 0: it is printed; 1: it is not valid; 2: it cannot be read.
    Show(File),
    /// Print the JSON Schema of configurations, for editors
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct File {
    /// The configuration (YAML); `-` is standard input
    file: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check(file) => check(file),
        Command::Show(file) => show(file),
        Command::Schema => {
            print_json(&schema())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Reads and parses a configuration. The inner error is what is wrong in it.
pub(crate) fn load(path: &Path) -> anyhow::Result<Result<Parsed, ConfigErrors>> {
    let (name, text) = read(path)?;
    Ok(audit_config::parse(&name, &text, &process_environment))
}

/// A configuration's name in messages, and its text.
pub(crate) fn read(path: &Path) -> anyhow::Result<(String, String)> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let bytes = bytes.with_context(|| format!("cannot read the configuration {}", path.display()))?;
    let name = path.display().to_string();
    let Ok(text) = String::from_utf8(bytes) else {
        anyhow::bail!("{name}: is not UTF-8 text, so it is not YAML")
    };
    Ok((name, text))
}

/// The configuration, if this program can run it, or `None` when what is wrong with it has been told.
pub(crate) fn checked(path: &Path) -> anyhow::Result<Option<Config>> {
    let parsed = match load(path)? {
        Ok(parsed) => parsed,
        Err(errors) => {
            eprintln!("error: {errors}");
            return Ok(None);
        }
    };
    for warning in &parsed.warnings {
        eprintln!("warning: {warning}");
    }
    if let Err(errors) = check_built(&parsed.config) {
        eprintln!("error: {errors}");
        return Ok(None);
    }
    Ok(Some(parsed.config))
}

/// Whether this program can do all that a configuration asks for.
pub(crate) fn check_built(config: &Config) -> Result<(), ConfigErrors> {
    let parts = [BUILT.parts, audit_service::BUILT].concat();
    let feature_of = |part: &str| match part {
        "source-http" => Some("http"),
        "source-kafka" => Some("kafka"),
        "source-syslog" => Some("syslog"),
        "oidc" => Some("oidc"),
        part => (BUILT.feature_of)(part),
    };
    config.check_built(Built { parts: &parts, feature_of: &feature_of })
}

fn check(file: &File) -> anyhow::Result<ExitCode> {
    let (errors, warnings) = match load(&file.file)? {
        Ok(parsed) => (Vec::new(), parsed.warnings.into_iter().chain(not_built(&parsed.config)).collect()),
        Err(errors) => (errors.errors().to_vec(), Vec::new()),
    };
    if file.json {
        let told = |list: &[ConfigError]| list.iter().map(tell).collect::<Vec<_>>();
        print_json(
            &json!({"valid": errors.is_empty(), "errors": told(&errors), "warnings": told(&warnings)}),
        )?;
    } else {
        for warning in &warnings {
            print(&format!("warning: {warning}\n"))?;
        }
        for error in &errors {
            print(&format!("error: {error}\n"))?;
        }
        let name = file.file.display();
        match (errors.len(), warnings.len()) {
            (0, 0) => print(&format!("{name}: valid\n"))?,
            (0, warnings) => print(&format!("{name}: valid, with {}\n", count(warnings as u64, "warning")))?,
            (errors, _) => print(&format!("{name}: {}\n", count(errors as u64, "error")))?,
        }
    }
    Ok(if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is valid, and cannot be run by this program.
fn not_built(config: &Config) -> Vec<ConfigError> {
    check_built(config).err().map(|errors| errors.errors().to_vec()).unwrap_or_default()
}

pub(crate) fn tell(error: &ConfigError) -> Value {
    json!({
        "file": error.file,
        "line": error.line,
        "column": error.column,
        "path": error.path,
        "message": error.message,
        "help": error.help,
    })
}

fn show(file: &File) -> anyhow::Result<ExitCode> {
    match load(&file.file)? {
        Err(errors) => {
            eprintln!("error: {errors}");
            Ok(ExitCode::FAILURE)
        }
        Ok(parsed) => {
            if file.json {
                print_json(&parsed.config.show())?;
            } else {
                print(&parsed.config.show_yaml())?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

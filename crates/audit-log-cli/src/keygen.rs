use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use audit_integrity::Key;
use clap::Args;
use secrecy::ExposeSecret as _;

use crate::output::{print, print_json};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Write the key to this new file, which only its owner can read, instead of printing it
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system has no random bytes: {error}"))?;
    let text = Key::to_text(&bytes);
    let id = Key::from_bytes(&bytes)?.id().to_string();
    match &arguments.output {
        Some(path) => {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .with_context(|| format!("cannot make {}", path.display()))?;
            writeln!(file, "{}", text.expose_secret())?;
            file.sync_all()?;
            if arguments.json {
                print_json(&serde_json::json!({"key_id": id, "file": crate::output::path(path)}))?;
            } else {
                print(&format!("key {id} is in {}\n", path.display()))?;
            }
        }
        None if arguments.json => {
            print_json(&serde_json::json!({"key_id": id, "key": text.expose_secret()}))?;
        }
        None => print(&format!("{}\n", text.expose_secret()))?,
    }
    Ok(ExitCode::SUCCESS)
}

//! API tokens of the service.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use audit_access::{NewToken, Role, Token, TokensFile};
use audit_model::Timestamp;
use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::config::load;
use crate::moment::duration;
use crate::output::{print, print_json};

/// Make, list, revoke and rotate the API tokens of a service.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a token, and print it: the only time that it can be seen
    ///
    /// The file gets a hash of it. A running service knows the token a second later.
    Create {
        #[command(flatten)]
        tokens: File,
        /// Its name, in the log and in the token: lower-case letters, digits and hyphens
        id: String,
        /// What who shows it may do; may be given many times
        #[arg(long, value_parser = role, required = true, value_name = "ROLE")]
        role: Vec<Role>,
        /// How long it is good: 90d, 12h [default: for ever]
        #[arg(long, value_parser = duration, value_name = "DURATION")]
        expires: Option<Duration>,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// Whom to ask about it
        #[arg(long, value_name = "WHO")]
        owner: Option<String>,
    },
    /// Print what there is, without secrets: nobody has those
    List {
        #[command(flatten)]
        tokens: File,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Withdraw a token: at once, and for ever
    Revoke {
        #[command(flatten)]
        tokens: File,
        /// Its name
        id: String,
    },
    /// Give a token a new secret, and print it; the old one is good for a while
    Rotate {
        #[command(flatten)]
        tokens: File,
        /// Its name
        id: String,
        /// How long the old secret is good
        #[arg(long, value_parser = duration, default_value = "24h", value_name = "DURATION")]
        overlap: Duration,
    },
}

/// Where the tokens are.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct File {
    /// The configuration (YAML), whose `access.tokens_file` it is
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The file of tokens itself
    #[arg(long, value_name = "FILE")]
    tokens_file: Option<PathBuf>,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let now = Timestamp::now();
    match command {
        Command::Create { tokens, id, role, expires, name, owner } => {
            let Some(file) = tokens.open()? else { return Ok(ExitCode::from(2)) };
            let mut new = NewToken::new(id, role.iter().copied());
            if let Some(time) = expires {
                new = new.expires(later(now, *time)?);
            }
            new.name.clone_from(name);
            new.owner.clone_from(owner);
            show(&file, &file.create(new, now)?)
        }
        Command::List { tokens, json } => {
            let Some(file) = tokens.open()? else { return Ok(ExitCode::from(2)) };
            let loaded = file.load()?;
            for warning in &loaded.warnings {
                eprintln!("warning: {warning}");
            }
            list(loaded.tokens.iter(), *json, now)
        }
        Command::Revoke { tokens, id } => {
            let Some(file) = tokens.open()? else { return Ok(ExitCode::from(2)) };
            file.revoke(id, now)?;
            print(&format!("revoked {id}; a running service knows in a second\n"))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Rotate { tokens, id, overlap } => {
            let Some(file) = tokens.open()? else { return Ok(ExitCode::from(2)) };
            show(&file, &file.rotate(id, *overlap, now)?)
        }
    }
}

impl File {
    /// `None` when the configuration is wrong, which was told.
    fn open(&self) -> anyhow::Result<Option<TokensFile>> {
        let path = match (&self.tokens_file, &self.config) {
            (Some(path), _) => path.clone(),
            (None, Some(config)) => match load(config)? {
                Ok(parsed) => parsed.config.access.tokens_file.with_context(|| {
                    format!("{} has no `access.tokens_file`; set it, or give --tokens-file", config.display())
                })?,
                Err(errors) => {
                    eprintln!("{errors}");
                    return Ok(None);
                }
            },
            (None, None) => return Err(anyhow!("expected --config or --tokens-file")),
        };
        Ok(Some(TokensFile::at(path)))
    }
}

/// The token goes to standard output alone, so that a script can take it.
fn show(file: &TokensFile, token: &SecretString) -> anyhow::Result<ExitCode> {
    print(&format!("{}\n", token.expose_secret()))?;
    eprintln!("keep it well: {} has only its hash", file.path().display());
    Ok(ExitCode::SUCCESS)
}

fn list<'a>(
    tokens: impl Iterator<Item = &'a Token>,
    as_json: bool,
    now: Timestamp,
) -> anyhow::Result<ExitCode> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["TOKEN", "ROLES", "STATE", "CREATED", "EXPIRES", "NAME", "OWNER"]);
    let mut told = Vec::new();
    for token in tokens {
        let roles: Vec<_> = token.roles.iter().map(|role| role.as_str()).collect();
        let state = match (token.revoked, token.expires) {
            (Some(_), _) => "revoked",
            (None, Some(expires)) if expires <= now => "expired",
            _ if token.previous.is_some_and(|previous| previous.until > now) => "being rotated",
            _ => "good",
        };
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        if as_json {
            told.push(json!({
                "id": token.id, "roles": roles, "state": state, "name": token.name, "owner": token.owner,
                "created": token.created.to_string(), "expires": time(token.expires), "revoked": time(token.revoked),
                "previous_secret_until": time(token.previous.map(|previous| previous.until)),
            }));
            continue;
        }
        table.add_row([
            token.id.clone(),
            roles.join(", "),
            state.to_owned(),
            token.created.to_string(),
            time(token.expires).unwrap_or_else(|| "never".to_owned()),
            token.name.clone().unwrap_or_default(),
            token.owner.clone().unwrap_or_default(),
        ]);
    }
    if as_json {
        print_json(&Value::Array(told))?;
    } else if table.row_count() == 0 {
        print("no tokens\n")?;
    } else {
        print(&format!("{}\n", table.trim_fmt()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn role(text: &str) -> Result<Role, String> {
    text.parse().map_err(|error: audit_access::RoleError| error.to_string())
}

fn later(now: Timestamp, by: Duration) -> anyhow::Result<Timestamp> {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    let milliseconds = now.as_milliseconds().saturating_add(by);
    Timestamp::from_milliseconds(milliseconds).context("that is longer than there are times")
}

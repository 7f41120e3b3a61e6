//! A running service, asked how it is.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use audit_tls::TlsOptions;
use clap::Args;
use comfy_table::{Table, presets};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::output::{count, harmless, print, print_json};

/// Which service, and who asks.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Ask a running service at this address: its `operations`, or a source of type http
    #[arg(long, value_name = "URL", group = "which")]
    pub(crate) url: Option<String>,
    /// A file with the token to show there (role `read`) [env: AUDIT_LOG_TOKEN has the token itself]
    #[arg(long, requires = "url", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// A PEM file of the authorities to trust there, instead of the system's
    #[arg(long, requires = "url", value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
const MAX_ANSWER: usize = 16 << 20;

/// Exit code 0: ready, and no destination fails; 1: not so.
pub(crate) fn status(arguments: &Arguments, url: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    let status = ask(arguments, url)?;
    let entries = |key: &str| status[key].as_array().cloned().unwrap_or_default();
    let (destinations, sources) = (entries("destinations"), entries("sources"));
    let is_failing = |entry: &Value| !entry["failing"].is_null();
    let well = status["ready"] == true && !destinations.iter().chain(&sources).any(is_failing);
    if as_json {
        print_json(&status)?;
        return Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let log = &status["log"];
    let records = count(log["last_sequence"].as_u64().unwrap_or_default(), "record");
    let ready = if status["ready"] == true { "ready" } else { "NOT READY" };
    let mut text = format!(
        "log {}, {records}; {ready}, running since {}\n",
        told(&log["path"]),
        told(&status["started"])
    );
    for reason in entries("not_ready") {
        text += &format!("  {}\n", told(&reason));
    }
    if let Some(error) = status["config"]["last_reload"]["error"].as_str() {
        text += &format!(
            "the configuration was refused on reload, the one before is in effect: {}\n",
            error.lines().map(harmless).collect::<Vec<_>>().join("\n  ")
        );
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["SOURCE", "LISTENS", "STATE", "RECORDED", "REFUSED", "LAG", "LAST EVENT"]);
    for source in &sources {
        let state = if is_failing(source) { "failing" } else { "works" };
        let cells = ["recorded", "refused", "lag"].map(|key| told(&source[key]));
        let [recorded, refused, lag] = cells;
        let (name, listens, last) =
            (told(&source["source"]), told(&source["listen"]), time(&source["last_event"]));
        table.add_row([name, listens, state.to_owned(), recorded, refused, lag, last]);
    }
    if !sources.is_empty() {
        text += &format!("{}\n", table.trim_fmt());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["DESTINATION", "STATE", "UP TO", "LAG", "OLDEST", "DEAD LETTERS", "LAST SUCCESS"]);
    for destination in &destinations {
        let lag = destination["lag_records"].as_u64().unwrap_or_default();
        let state = match (is_failing(destination), lag) {
            (true, _) => "failing",
            (false, 0) => "has all",
            (false, _) => "behind",
        };
        let seconds = destination["lag_seconds"].as_f64().unwrap_or_default();
        let oldest = if lag > 0 { format!("{seconds:.1} s") } else { String::new() };
        let cells = ["destination", "acknowledged", "dead_lettered"].map(|key| told(&destination[key]));
        let [name, up_to, dead] = cells;
        let last = time(&destination["last_success"]);
        table.add_row([name, state.to_owned(), up_to, lag.to_string(), oldest, dead, last]);
    }
    if !destinations.is_empty() {
        text += &format!("{}\n", table.trim_fmt());
    }
    for entry in sources.iter().chain(&destinations).filter(|entry| is_failing(entry)) {
        let name = told(entry.get("source").unwrap_or(&entry["destination"]));
        let why = match &entry["failing"] {
            Value::String(why) => harmless(why),
            failing => format!("since {}: {}", told(&failing["since"]), told(&failing["error"])),
        };
        text += &format!("{name}: failing {why}\n");
    }
    print(&text)?;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// When something last happened, as a cell of a table.
fn time(value: &Value) -> String {
    if value.is_null() { "never".to_owned() } else { told(value) }
}

/// A value as a cell of a table.
fn told(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => harmless(text),
        other => other.to_string(),
    }
}

fn ask(arguments: &Arguments, url: &str) -> anyhow::Result<Value> {
    let runtime = crate::destinations::runtime()?;
    runtime.block_on(async {
        match tokio::time::timeout(PATIENCE, get(arguments, url)).await {
            Ok(answer) => answer.with_context(|| format!("{url} cannot be asked")),
            Err(_) => bail!("{url} does not answer within {} seconds", PATIENCE.as_secs()),
        }
    })
}

async fn get(arguments: &Arguments, url: &str) -> anyhow::Result<Value> {
    let uri: Uri = url.parse().context("expected a URL such as http://127.0.0.1:9400")?;
    let (host, is_tls) = match (uri.scheme_str(), uri.host()) {
        (Some("http"), Some(host)) => (host, false),
        (Some("https"), Some(host)) => (host, true),
        _ => bail!("expected a URL such as http://127.0.0.1:9400"),
    };
    let plain_host = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let is_here =
        plain_host == "localhost" || plain_host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    let token = match &arguments.token_file {
        Some(file) => {
            Some(std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?)
        }
        None => std::env::var("AUDIT_LOG_TOKEN").ok(),
    };
    let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
    let has_token = token.is_some();
    if has_token && !is_tls && !is_here {
        bail!("a token is not sent in the clear to another machine; use https");
    }
    let base = uri.path().trim_end_matches('/').trim_end_matches("/v1/status");
    let mut request = Request::get(format!("{base}/v1/status"))
        .header(HOST, uri.authority().map_or(host, |it| it.as_str()));
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let request =
        request.body(Empty::<Bytes>::new()).context("the token has characters that no token has")?;
    let connection = TcpStream::connect((plain_host, port))
        .await
        .context("nobody answers there; does the service run?")?;
    let answer = if is_tls {
        let mut options = TlsOptions::default();
        if let Some(file) = &arguments.ca_file {
            options = options.ca_file(file);
        }
        let connector = TlsConnector::from(Arc::new(options.client_config()?));
        let name = ServerName::try_from(plain_host.to_owned()).context("the host in the URL")?;
        let connected = connector.connect(name, connection).await;
        let connected = connected
            .context("no TLS connection; is it https that it speaks, and is --ca-file its authority's?")?;
        send(TokioIo::new(connected), request).await?
    } else {
        send(TokioIo::new(connection), request).await.context("it speaks no HTTP; is it https?")?
    };
    let status = answer.status();
    let body =
        Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(|error| anyhow!(error))?;
    let body: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    match status {
        StatusCode::OK if body.is_object() => Ok(body),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if !has_token => {
            bail!("it wants to know who asks: give --token-file, with a token of role `read`")
        }
        StatusCode::UNAUTHORIZED => {
            bail!(
                "it does not know that token (or not any more); `audit-log token list` shows those that it knows"
            )
        }
        StatusCode::FORBIDDEN => bail!("that token has not the role `read`"),
        StatusCode::NOT_FOUND | StatusCode::OK => {
            bail!("there is no status ({status}): is that the service?")
        }
        _ => bail!("it answers {status}: {}", told(&body["detail"])),
    }
}

async fn send<T>(
    io: T,
    request: Request<Empty<Bytes>>,
) -> anyhow::Result<hyper::Response<hyper::body::Incoming>>
where
    T: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}

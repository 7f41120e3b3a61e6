//! As much HTTP as it takes to ask a server on this machine whether it is there.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

const LIMIT: Duration = Duration::from_secs(2);

pub(crate) fn connect(port: u16) -> Result<TcpStream> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let stream =
        TcpStream::connect_timeout(&address, LIMIT).with_context(|| format!("no answer at {address}"))?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(stream)
}

/// An error unless the answer is a 200 or 201.
pub(crate) fn get(port: u16, path: &str) -> Result<()> {
    request(port, "GET", path, "")
}

/// As `get`, with a body in JSON.
pub(crate) fn post(port: u16, path: &str, json: &str) -> Result<()> {
    request(port, "POST", path, json)
}

fn request(port: u16, method: &str, path: &str, body: &str) -> Result<()> {
    let mut stream = connect(port)?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    match answer.split(' ').nth(1) {
        Some("200" | "201") => Ok(()),
        _ => bail!("{method} {path} was answered {}", answer.lines().next().unwrap_or("with nothing")),
    }
}

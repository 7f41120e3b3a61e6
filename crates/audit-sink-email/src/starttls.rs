//! What is said in the clear before TLS begins (RFC 3207).

use std::io;
use std::str::FromStr as _;

use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::reply::No;

/// RFC 5321 §4.5.3.1.5 has 512 bytes for a line; servers say more.
const REPLY_BYTES: u64 = 64 << 10;

/// Why TLS cannot begin.
pub(crate) enum Problem {
    /// The server said no, to what.
    No(&'static str, No),
    /// It has no STARTTLS, or somebody on the way took that out of its answer.
    NotOffered,
    /// It said more than its answer, which would be read as if it had come under TLS: somebody on the way put that in
    /// (CVE-2011-0411).
    Injected,
    /// It is no mail server.
    NoReply(String),
    Broken(io::Error),
}

/// Asks for TLS; when it returns, the handshake is next.
pub(crate) async fn ask(stream: &mut TcpStream, hello: &ClientId) -> Result<(), Problem> {
    let mut stream = BufReader::new(stream);
    expect("the connection", read(&mut stream).await?)?;
    write(&mut stream, &format!("EHLO {hello}\r\n")).await?;
    let offers = expect("EHLO", read(&mut stream).await?)?;
    if !offers.message().skip(1).any(|line| line.trim().eq_ignore_ascii_case("STARTTLS")) {
        return Err(Problem::NotOffered);
    }
    write(&mut stream, "STARTTLS\r\n").await?;
    expect("STARTTLS", read(&mut stream).await?)?;
    if stream.buffer().is_empty() { Ok(()) } else { Err(Problem::Injected) }
}

fn expect(to: &'static str, reply: Response) -> Result<Response, Problem> {
    if reply.is_positive() {
        return Ok(reply);
    }
    let text: Vec<&str> = reply.message().collect();
    Err(Problem::No(to, No::new(reply.code().into(), &text.join(" "), &[])))
}

async fn write(stream: &mut BufReader<&mut TcpStream>, command: &str) -> Result<(), Problem> {
    stream.get_mut().write_all(command.as_bytes()).await.map_err(Problem::Broken)
}

/// Lines up to one that has no dash behind its code.
async fn read(stream: &mut BufReader<&mut TcpStream>) -> Result<Response, Problem> {
    let mut reply = Vec::new();
    let mut limited = stream.take(REPLY_BYTES);
    loop {
        let begin = reply.len();
        if limited.read_until(b'\n', &mut reply).await.map_err(Problem::Broken)? == 0 {
            return Err(Problem::Broken(io::ErrorKind::UnexpectedEof.into()));
        }
        if reply.get(begin + 3) != Some(&b'-') {
            break;
        }
    }
    let reply = String::from_utf8_lossy(&reply);
    Response::from_str(&reply).map_err(|_| Problem::NoReply(crate::one_line::one_line(&reply, 100)))
}

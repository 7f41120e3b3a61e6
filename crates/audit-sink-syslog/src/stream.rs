//! TCP and TLS connections, and what their end says about what was sent.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::options::Framing;

/// A syslog server that is reached by a stream.
pub(crate) struct StreamServer {
    pub(crate) address: String,
    pub(crate) tls: Option<(TlsConnector, ServerName<'static>)>,
    pub(crate) framing: Framing,
    pub(crate) timeout: Duration,
}

impl fmt::Debug for StreamServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.tls.as_ref().map(|(_, name)| name);
        f.debug_struct("StreamServer")
            .field("address", &self.address)
            .field("tls", &name)
            .finish_non_exhaustive()
    }
}

pub(crate) type Connection = Box<dyn Socket>;

/// A TCP connection, with TLS or without.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {
    fn tcp(&mut self) -> &mut TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&mut self) -> &mut TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&mut self) -> &mut TcpStream {
        self.get_mut().0
    }
}

/// How a connection ended after we ended it.
#[derive(Debug)]
pub(crate) enum End {
    /// The server closed its side after it had read everything.
    Read,
    /// The server did not close its side in time.
    NotClosed,
    /// The server did not read everything, or turned us away.
    Broken(io::Error),
}

impl StreamServer {
    /// Connects; the error says to what, and what to do.
    pub(crate) async fn connect(&self) -> Result<Connection, String> {
        let address = &self.address;
        let within = self.timeout;
        let tcp = timeout(within, TcpStream::connect(&**address))
            .await
            .map_err(|_| {
                format!("cannot connect to {address}: no answer within {within:?}; is a firewall between?")
            })?
            .map_err(|error| format!("cannot connect to {address}: {error}; is the syslog server up?"))?;
        // A batch is one write, and its last segment has nothing to wait for.
        tcp.set_nodelay(true)
            .map_err(|error| format!("cannot set up the connection to {address}: {error}"))?;
        let Some((connector, name)) = &self.tls else {
            return Ok(Box::new(tcp));
        };
        let host = name.to_str();
        let tls = timeout(within, connector.connect(name.clone(), tcp)).await.map_err(|_| {
            format!(
                "no TLS handshake with {address} within {within:?}; is that a TLS port of a syslog server?"
            )
        })?;
        Ok(Box::new(tls.map_err(|error| {
            format!(
                "no TLS with {address} as {host}: {error}; check that ca_file has the issuer of the server's \
                 certificate, that the certificate is for {host}, and that the client certificate is one it takes"
            )
        })?))
    }
}

/// Whether the server has left the connection open so far.
pub(crate) async fn is_open(connection: &mut Connection) -> bool {
    // The runtime has perhaps not been driven since the last batch: let it look at its sockets first.
    tokio::task::yield_now().await;
    let mut unexpected = [0; 512];
    loop {
        let mut read = ReadBuf::new(&mut unexpected);
        let polled = poll_fn(|context| Poll::Ready(Pin::new(&mut *connection).poll_read(context, &mut read)));
        match polled.await {
            Poll::Pending => return true,
            // Syslog is one-way: whatever this server says is no answer to us. Under TLS it is session tickets.
            Poll::Ready(Ok(())) if !read.filled().is_empty() => {}
            Poll::Ready(_) => return false,
        }
    }
}

/// Writes a batch.
pub(crate) async fn write(connection: &mut Connection, bytes: &[u8]) -> io::Result<()> {
    let written = async {
        connection.write_all(bytes).await?;
        connection.flush().await
    };
    let Err(error) = written.await else { return Ok(()) };
    // A server that turns a client certificate away says why in an alert, which is there to read even now.
    Err(drain(connection)
        .await
        .err()
        .filter(|reason| reason.kind() == io::ErrorKind::InvalidData)
        .unwrap_or(error))
}

/// Makes the connection end with a reset if it is dropped, or if the process dies: a server can then know that what it
/// has of a half-written message is no message, where newline framing alone would not tell it. Only for connections with
/// nothing on them that was accepted, as a reset throws away what is in the buffers.
pub(crate) fn reset_when_dropped(connection: &mut Connection) -> io::Result<()> {
    connection.tcp().set_zero_linger()
}

/// Ends our side of the connection, and waits for the server to end its own.
///
/// A server that has read everything up to our end closes with a FIN. One that closes, or dies, while something is
/// unread in its socket, or on its way there, ends the connection with a reset (RFC 1122 §4.2.2.13).
pub(crate) async fn end(connection: &mut Connection, within: Duration) -> End {
    match timeout(within, ended(connection)).await {
        Ok(Ok(())) => End::Read,
        Ok(Err(error)) => End::Broken(error),
        Err(_) => End::NotClosed,
    }
}

async fn ended(connection: &mut Connection) -> io::Result<()> {
    connection.shutdown().await?;
    drain(connection).await?;
    let tcp = connection.tcp();
    // A FIN can have crossed our last bytes, and the reset that answers them comes after it and is in no read. The
    // connection is over, and its socket has no peer any more, when both ends have acknowledged the other's FIN or a
    // reset has come. Only Linux is known to say so.
    if cfg!(target_os = "linux") {
        while tcp.peer_addr().is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    tcp.take_error()?.map_or(Ok(()), Err)
}

/// Reads until the server's end of the connection.
async fn drain(connection: &mut Connection) -> io::Result<()> {
    let mut ignored = [0; 512];
    loop {
        match connection.read(&mut ignored).await {
            Ok(0) => break,
            Ok(_) => {}
            // TLS without its close_notify: some servers close without one (rsyslog with GnuTLS does), and what is cut
            // off is only what the server had to say, which is nothing.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    // A close_notify ends what TLS carries, and the connection ends after it.
    while connection.tcp().read(&mut ignored).await? > 0 {}
    Ok(())
}

use std::io::{self, ErrorKind};
use std::sync::Arc;

use audit_sink::{Batch, Receipt, Rejection, SendFuture, Sink, SinkError};
use tokio_rustls::TlsConnector;

use crate::datagram::{DatagramServer, DatagramSocket, LARGEST_UDP};
use crate::message::Messages;
use crate::options::{Framing, SyslogOptions, SyslogOptionsError, Transport, host_of, server_name};
use crate::stream::{self, Connection, End, StreamServer};

/// Sends records to a syslog server, one a message.
#[derive(Debug)]
pub struct SyslogSink {
    messages: Messages,
    link: Link,
    closed: bool,
}

/// The way to the server, and what is open on it.
#[derive(Debug)]
enum Link {
    Datagram { server: DatagramServer, socket: Option<DatagramSocket> },
    Stream { server: StreamServer, connection: Option<Connection>, confirm: bool },
}

impl SyslogSink {
    /// Checks the options, and reads the certificates they name. The first batch, or [`check`](Sink::check), connects.
    ///
    /// # Errors
    /// When a name does not fit its field of the message, the server is not `host:port`, or the certificates and keys
    /// cannot be used.
    pub fn new(options: SyslogOptions) -> Result<Self, SyslogOptionsError> {
        let (local, largest) = match options.transport {
            Transport::Udp { .. } => (false, LARGEST_UDP),
            #[cfg(unix)]
            Transport::Unix { .. } => (true, usize::MAX),
            _ => (false, usize::MAX),
        };
        let messages = Messages::new(&options, system_hostname(), std::process::id(), local, largest)?;
        let SyslogOptions { transport, framing, confirm, timeout, .. } = options;
        let link = match transport {
            Transport::Udp { server } => {
                host_of(&server)?;
                Link::Datagram { server: DatagramServer::Udp { server, refused: None }, socket: None }
            }
            #[cfg(unix)]
            Transport::Unix { path } => {
                Link::Datagram { server: DatagramServer::Unix { path }, socket: None }
            }
            Transport::Tcp { server: address } => {
                host_of(&address)?;
                let server = StreamServer { address, tls: None, framing, timeout };
                Link::Stream { server, connection: None, confirm }
            }
            Transport::Tls { server: address, tls, server_name: name } => {
                host_of(&address)?;
                let name = server_name(&address, name.as_deref())?;
                let connector = TlsConnector::from(Arc::new(tls.client_config()?));
                let framing = Framing::OctetCounting;
                let server = StreamServer { address, tls: Some((connector, name)), framing, timeout };
                Link::Stream { server, connection: None, confirm }
            }
        };
        Ok(Self { messages, link, closed: false })
    }
}

impl Sink for SyslogSink {
    /// Over TCP and TLS with [`confirm`](SyslogOptions::confirm) `Ok` says that the server has read the batch, and was
    /// still there afterwards. Otherwise it says that the batch was sent, and no more.
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(async move {
            if self.closed {
                return Err(SinkError::Closed);
            }
            let sent = match &mut self.link {
                Link::Datagram { server, socket } => {
                    send_datagrams(server, socket, &self.messages, batch).await
                }
                Link::Stream { server, connection, confirm } => {
                    let (bytes, rejected) = self.messages.frames(batch, server.framing);
                    let sent = if bytes.is_empty() {
                        Ok(())
                    } else if *confirm {
                        send_confirmed(server, connection, &bytes).await
                    } else {
                        send_on(server, connection, &bytes).await
                    };
                    sent.map(|()| rejected)
                }
            };
            sent.map(Receipt::rejecting).map_err(SinkError::retryable)
        })
    }

    /// Connects, with the TLS handshake, and ends the connection again without a message. Over UDP it opens a socket,
    /// and cannot tell whether a server is there.
    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async move {
            if self.closed {
                return Err(SinkError::Closed);
            }
            let checked = match &self.link {
                Link::Datagram { server, .. } => server.open().await.map(drop),
                Link::Stream { server, confirm, .. } => check_stream(server, *confirm).await,
            };
            checked.map_err(SinkError::retryable)
        })
    }

    /// Ends the connection. Without [`confirm`](SyslogOptions::confirm) it also waits until the server has read what
    /// was sent on it, as long as the time limit of the options.
    fn close(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async move {
            if std::mem::replace(&mut self.closed, true) {
                return Err(SinkError::Closed);
            }
            if let Link::Stream { server, connection, confirm } = &mut self.link
                && let Some(mut connection) = connection.take()
            {
                let end = stream::end(&mut connection, server.timeout).await;
                if let (End::Broken(error), false) = (end, *confirm) {
                    return Err(SinkError::retryable(unread(&server.address, &error)));
                }
            }
            Ok(())
        })
    }
}

/// Sends a batch on a connection of its own, and comes back when the server has read it.
async fn send_confirmed(
    server: &StreamServer,
    kept: &mut Option<Connection>,
    bytes: &[u8],
) -> Result<(), String> {
    let address = &server.address;
    let mut connection = open(server, kept).await?;
    let written = async {
        stream::reset_when_dropped(&mut connection)?;
        stream::write(&mut connection, bytes).await?;
        // An end that the server came to before ours says nothing about what it has read.
        if stream::is_open(&mut connection).await { Ok(()) } else { Err(ErrorKind::ConnectionAborted.into()) }
    };
    written.await.map_err(|error| broken(address, &error))?;
    match stream::end(&mut connection, server.timeout).await {
        End::Read => {}
        End::Broken(error) => return Err(unread(address, &error)),
        End::NotClosed => {
            return Err(format!(
                "{address} did not close its side of the connection within {:?} after the batch, so nobody knows \
                 whether it has read it; if it never does, set confirm: false, which is weaker",
                server.timeout
            ));
        }
    }
    // A process that is killed between reading and storing has its connections closed like one that is done, so it has
    // to show that it is still there. A TLS handshake does, and the connection is for the next batch. Without TLS the
    // system alone would take the connection, and only the process ends it in order.
    let alive = match server.connect().await {
        Ok(connection) if server.tls.is_some() => {
            *kept = Some(connection);
            Ok(())
        }
        Ok(mut connection) => match stream::end(&mut connection, server.timeout).await {
            End::Read => Ok(()),
            End::Broken(error) => Err(error.to_string()),
            End::NotClosed => Err("a further connection is not closed in time".to_owned()),
        },
        Err(problem) => Err(problem),
    };
    alive.map_err(|problem| {
        format!("{address} read the batch, and may have died before it was stored: {problem}")
    })
}

/// Sends a batch on a connection that stays open, and comes back when the system has taken it.
async fn send_on(server: &StreamServer, kept: &mut Option<Connection>, bytes: &[u8]) -> Result<(), String> {
    let mut connection = open(server, kept).await?;
    // Not reset when dropped half-way: that would also take away what was accepted before and is still in the buffers.
    stream::write(&mut connection, bytes).await.map_err(|error| broken(&server.address, &error))?;
    // Where the server was gone already, its answer to the batch is a reset, and often it is here by now.
    if !stream::is_open(&mut connection).await {
        return Err(format!("{} closed the connection while the batch was sent", server.address));
    }
    *kept = Some(connection);
    Ok(())
}

/// The connection that was kept, unless the server has closed it, and else a new one. It is taken out, so that a future
/// dropped half-way leaves none behind that has half a batch on it.
async fn open(server: &StreamServer, kept: &mut Option<Connection>) -> Result<Connection, String> {
    if let Some(mut connection) = kept.take()
        && stream::is_open(&mut connection).await
    {
        return Ok(connection);
    }
    server.connect().await
}

async fn check_stream(server: &StreamServer, confirm: bool) -> Result<(), String> {
    let address = &server.address;
    let mut connection = server.connect().await?;
    // Under TLS 1.3 the server looks at our certificate after our part of the handshake is done.
    match stream::end(&mut connection, server.timeout).await {
        End::Read => Ok(()),
        End::Broken(error) => Err(format!(
            "{address} took the connection and then broke it: {error}; check the client certificate, if it wants one"
        )),
        End::NotClosed if confirm => Err(format!(
            "{address} did not close its side of the connection within {:?} after we closed ours, so it cannot confirm \
             that it has read a batch; set confirm: false, which is weaker",
            server.timeout
        )),
        End::NotClosed => Ok(()),
    }
}

async fn send_datagrams(
    server: &mut DatagramServer,
    kept: &mut Option<DatagramSocket>,
    messages: &Messages,
    batch: &Batch,
) -> Result<Vec<Rejection>, String> {
    let socket = match kept.take() {
        Some(socket) => socket,
        None => server.open().await?,
    };
    match send_on_socket(&socket, messages, batch).await {
        Ok(rejected) => {
            *kept = Some(socket);
            Ok(rejected)
        }
        // The socket is not kept: the next batch looks the name up again.
        Err(error) => {
            server.failed(&socket, &error);
            Err(format!("cannot send to {}: {error}; is the syslog server up?", server.name()))
        }
    }
}

async fn send_on_socket(
    socket: &DatagramSocket,
    messages: &Messages,
    batch: &Batch,
) -> io::Result<Vec<Rejection>> {
    let mut rejected = Vec::new();
    let mut message = Vec::new();
    for record in &batch.records {
        message.clear();
        messages.write(&batch.chain_id, record, &mut message);
        let reason = match messages.too_large(&message) {
            Some(reason) => Some(reason),
            None if socket.send(&message).await? => None,
            None => Some(format!(
                "the message is {} bytes with its header, and the system sends no datagram of that size",
                message.len()
            )),
        };
        rejected.extend(reason.map(|reason| Rejection { sequence_number: record.sequence_number, reason }));
    }
    socket.reported()?;
    Ok(rejected)
}

fn broken(address: &str, error: &io::Error) -> String {
    format!("the connection to {address} broke while the batch was sent: {error}; is the syslog server up?")
}

fn unread(address: &str, error: &io::Error) -> String {
    format!(
        "{address} ended the connection without having read all that was sent: {error}; did it stop or crash?"
    )
}

/// The standard library has no way to ask for it.
fn system_hostname() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned())
}

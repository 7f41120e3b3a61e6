//! Datagram sockets: one message each, nothing acknowledged.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
#[cfg(unix)]
use std::path::PathBuf;

use tokio::net::UdpSocket;
#[cfg(unix)]
use tokio::net::UnixDatagram;

/// The largest UDP payload over IPv4: 65,535 less 20 bytes of IP header and 8 of UDP header (RFC 768, RFC 791).
pub(crate) const LARGEST_UDP: usize = 65_507;

/// EMSGSIZE: the datagram does not fit. The standard library has no [`io::ErrorKind`] for it.
const MESSAGE_TOO_LONG: i32 = if cfg!(any(target_os = "linux", target_os = "android")) {
    90
} else if cfg!(windows) {
    10_040
} else {
    40
};

/// Where datagrams go.
#[derive(Debug)]
pub(crate) enum DatagramServer {
    Udp {
        server: String,
    },
    #[cfg(unix)]
    Unix {
        path: PathBuf,
    },
}

/// A connected socket: the system then tells us on it that nobody is there.
#[derive(Debug)]
pub(crate) enum DatagramSocket {
    Udp(UdpSocket),
    #[cfg(unix)]
    Unix(UnixDatagram),
}

impl DatagramServer {
    /// Opens a socket; the error says to what, and what to do.
    pub(crate) async fn open(&self) -> Result<DatagramSocket, String> {
        match self {
            Self::Udp { server } => udp(server).await.map(DatagramSocket::Udp).map_err(|error| {
                format!("cannot send to {server} over UDP: {error}; check its name and port")
            }),
            #[cfg(unix)]
            Self::Unix { path } => {
                let connected = UnixDatagram::unbound().and_then(|socket| {
                    socket.connect(path)?;
                    Ok(DatagramSocket::Unix(socket))
                });
                connected.map_err(|error| {
                    let path = path.display();
                    format!("cannot send to the socket {path}: {error}; is the syslog server up and listening there?")
                })
            }
        }
    }

    /// The server, in an error.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Udp { server } => format!("{server} over UDP"),
            #[cfg(unix)]
            Self::Unix { path } => format!("the socket {}", path.display()),
        }
    }
}

impl DatagramSocket {
    /// Sends one datagram; `false` says that it is too long for one.
    pub(crate) async fn send(&self, message: &[u8]) -> io::Result<bool> {
        let sent = match self {
            Self::Udp(socket) => socket.send(message).await,
            #[cfg(unix)]
            Self::Unix(socket) => socket.send(message).await,
        };
        match sent {
            Ok(_) => Ok(true),
            Err(error) if error.raw_os_error() == Some(MESSAGE_TOO_LONG) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// An error that came back for what was sent before: an ICMP port unreachable, over UDP.
    pub(crate) fn reported(&self) -> io::Result<()> {
        let error = match self {
            Self::Udp(socket) => socket.take_error()?,
            #[cfg(unix)]
            Self::Unix(socket) => socket.take_error()?,
        };
        error.map_or(Ok(()), Err)
    }
}

async fn udp(server: &str) -> io::Result<UdpSocket> {
    let mut problem = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in tokio::net::lookup_host(server).await? {
        let ours: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(ours).await?;
        match socket.connect(address).await {
            Ok(()) => return Ok(socket),
            Err(error) => problem = error,
        }
    }
    Err(problem)
}

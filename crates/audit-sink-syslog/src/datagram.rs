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
        /// The address that nobody listened at, last time.
        refused: Option<SocketAddr>,
    },
    #[cfg(unix)]
    Unix { path: PathBuf },
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
            Self::Udp { server, refused } => {
                udp(server, *refused).await.map(DatagramSocket::Udp).map_err(|error| {
                    format!("cannot send to {server} over UDP: {error}; check its name and port")
                })
            }
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

    /// Learns from an error of a socket where not to send to next.
    pub(crate) fn failed(&mut self, socket: &DatagramSocket, error: &io::Error) {
        if let (Self::Udp { refused, .. }, DatagramSocket::Udp(socket)) = (self, socket)
            && error.kind() == io::ErrorKind::ConnectionRefused
        {
            *refused = socket.peer_addr().ok();
        }
    }

    /// The server, in an error.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Udp { server, .. } => format!("{server} over UDP"),
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

async fn udp(server: &str, refused: Option<SocketAddr>) -> io::Result<UdpSocket> {
    udp_to(tokio::net::lookup_host(server).await?.collect(), refused).await
}

/// To the first of the addresses that there is a way to. Nothing comes back from there, so this cannot tell whether
/// somebody listens: after one that refused, the next in the list is the first.
async fn udp_to(mut addresses: Vec<SocketAddr>, refused: Option<SocketAddr>) -> io::Result<UdpSocket> {
    if let Some(at) = addresses.iter().position(|address| Some(*address) == refused) {
        addresses.rotate_left(at + 1);
    }
    let mut problem = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        let ours: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let connected = async {
            let socket = UdpSocket::bind(ours).await?;
            socket.connect(address).await?;
            Ok(socket)
        };
        match connected.await {
            Ok(socket) => return Ok(socket),
            Err(error) => problem = error,
        }
    }
    Err(problem)
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, UdpSocket};

    use super::{DatagramServer, udp_to};

    #[test]
    fn after_a_refusal_the_next_address_has_its_turn() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let dead = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let listener = UdpSocket::bind("127.0.0.1:0").unwrap();
        let alive = listener.local_addr().unwrap();
        let elsewhere: SocketAddr = "[::1]:514".parse().unwrap();
        runtime.block_on(async {
            let mut server = DatagramServer::Udp { server: dead.to_string(), refused: None };
            let socket = server.open().await.unwrap();
            let error = loop {
                if let Err(error) = socket.send(b"x").await {
                    break error;
                }
            };
            server.failed(&socket, &error);
            let DatagramServer::Udp { refused, .. } = server else { panic!("UDP") };
            assert_eq!(refused, Some(dead));

            let goes_to = async |addresses: &[SocketAddr]| {
                udp_to(addresses.to_vec(), refused).await.unwrap().peer_addr().unwrap()
            };
            assert_eq!(goes_to(&[dead, alive]).await, alive);
            assert_eq!(goes_to(&[alive, dead]).await, alive, "round again");
            assert_eq!(goes_to(&[dead]).await, dead, "there is no other, and it may be up again");
            assert_eq!(goes_to(&[alive, elsewhere]).await, alive, "the name has other addresses now");
        });
    }
}

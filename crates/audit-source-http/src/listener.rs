use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use audit_source::SourceError;
use tokio::net::{TcpListener, TcpStream};

/// An address that is listened on. Clones are one listener: a server that takes the place of another goes on with it, and nobody who
/// connects meanwhile is turned away. The address is free again when all clones are gone.
#[derive(Clone, Debug)]
pub struct Listener {
    socket: Arc<TcpListener>,
    address: SocketAddr,
}

impl Listener {
    /// Takes the address, such as `127.0.0.1:8400`; port 0 is any that is free. Connections wait until they are accepted.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn bind(listen: &str) -> Result<Self, SourceError> {
        let failed = |source| SourceError::Listen { address: listen.to_owned(), source };
        let socket = TcpListener::bind(listen).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket: Arc::new(socket), address })
    }

    /// Where it listens: the port, too, if any was to do.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.socket.accept().await
    }
}

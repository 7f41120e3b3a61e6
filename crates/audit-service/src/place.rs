//! What a source has to itself.

use std::net::SocketAddr;
use std::path::Path;

use audit_config::SourceKind;

/// What only one source can have at a time.
pub(crate) enum Place<'a> {
    Address(SocketAddr),
    File(&'a Path),
    Socket(&'a Path),
    Topics(&'a [String]),
    Nothing,
}

pub(crate) fn place(kind: &SourceKind) -> Place<'_> {
    match kind {
        SourceKind::Http(http) => Place::Address(http.address()),
        SourceKind::Syslog(syslog) => Place::Address(syslog.address()),
        SourceKind::File(file) => Place::File(&file.path),
        SourceKind::Socket(socket) => Place::Socket(&socket.path),
        SourceKind::Kafka(kafka) => Place::Topics(&kafka.topics),
        _ => Place::Nothing,
    }
}

impl Place<'_> {
    pub(crate) fn is_in_the_way_of(&self, other: &Place<'_>) -> bool {
        match (self, other) {
            (Self::Address(one), Place::Address(other)) => {
                let any = one.ip().is_unspecified() || other.ip().is_unspecified();
                one.port() != 0 && one.port() == other.port() && (any || one.ip() == other.ip())
            }
            (Self::File(one), Place::File(other)) | (Self::Socket(one), Place::Socket(other)) => one == other,
            (Self::Topics(one), Place::Topics(other)) => one.iter().any(|topic| other.contains(topic)),
            _ => false,
        }
    }
}

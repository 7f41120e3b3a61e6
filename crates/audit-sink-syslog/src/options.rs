use std::path::PathBuf;
use std::time::Duration;

use audit_tls::{TlsError, TlsOptions};
use tokio_rustls::rustls::pki_types::ServerName;

use crate::Facility;

/// What rsyslog 8.2302 takes as it comes, the least of the servers in wide use.
const MAX_MESSAGE_BYTES: usize = 8096;

/// Where messages go, and how they look there.
#[derive(Clone, Debug)]
pub struct SyslogOptions {
    pub(crate) transport: Transport,
    pub(crate) facility: Facility,
    pub(crate) format: Format,
    pub(crate) framing: Framing,
    pub(crate) hostname: Option<String>,
    pub(crate) app_name: String,
    pub(crate) confirm: bool,
    pub(crate) max_message_bytes: usize,
    pub(crate) timeout: Duration,
}

/// How messages get to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// One datagram a message (RFC 5426), nothing acknowledged; the usual port is 514.
    Udp {
        /// `host:port`; the name is looked up whenever a socket is opened, which is at first and after an error. Of
        /// several addresses the first is taken, and after one where nobody listens the next.
        server: String,
    },
    /// A stream in the clear (RFC 6587); the usual ports are 514 and 601.
    Tcp {
        /// `host:port`; the name is looked up at each connect.
        server: String,
    },
    /// A stream under TLS 1.2 or 1.3 (RFC 5425), always with octet counting; the usual port is 6514.
    Tls {
        /// `host:port`; the name is looked up at each connect.
        server: String,
        /// Whom to trust, and who we say we are.
        tls: TlsOptions,
        /// The name that the server's certificate has to be for, where it is not the host in `server`.
        server_name: Option<String>,
    },
    /// A local datagram socket, such as `/dev/log`.
    #[cfg(unix)]
    Unix {
        /// Where the socket is.
        path: PathBuf,
    },
}

/// How a message looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// The syslog protocol of RFC 5424: time to the millisecond, MSGID, structured data.
    #[default]
    Rfc5424,
    /// The BSD syslog protocol as RFC 3164 §4.1 observed it, for servers that know no other. The time is UTC, to the
    /// second and without its year.
    Rfc3164,
}

/// Where a message ends in a TCP stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Framing {
    /// Its length stands before it (RFC 6587 §3.4.1).
    #[default]
    OctetCounting,
    /// A newline stands after it (RFC 6587 §3.4.2); a record that has one inside is rejected. For servers that know
    /// nothing else: when a connection ends within a message, some take the half for a message.
    Newline,
}

/// Why no sink can be made of the options.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyslogOptionsError {
    /// The server is not `host:port`.
    #[error(
        "the syslog server {0:?} is not host:port; write for example logs.example.com:6514, or [::1]:514"
    )]
    Server(String),
    /// The server's name for TLS is neither a DNS name nor an IP address.
    #[error("the TLS server name {0:?} is neither a DNS name nor an IP address")]
    ServerName(String),
    /// A name does not fit the field of the message that it goes into.
    #[error("the {field} {value:?} does not fit the message; expected 1 to {longest} {expected}")]
    Name {
        /// Which option.
        field: &'static str,
        /// What it was set to.
        value: String,
        /// How many characters the format allows.
        longest: usize,
        /// Which characters the format allows.
        expected: &'static str,
    },
    /// The certificates or keys cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl SyslogOptions {
    /// RFC 5424, facility `local0`, octet counting, `confirm`, messages of at most 8,096 bytes, from `audit-log` on this
    /// machine.
    #[must_use]
    pub fn new(transport: Transport) -> Self {
        Self {
            transport,
            facility: Facility::default(),
            format: Format::default(),
            framing: Framing::default(),
            hostname: None,
            app_name: "audit-log".to_owned(),
            confirm: true,
            max_message_bytes: MAX_MESSAGE_BYTES,
            timeout: Duration::from_secs(10),
        }
    }

    /// How messages get to the server, as [`new`](Self::new) was told.
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// The facility of all messages; `local0` unless set.
    #[must_use]
    pub fn facility(mut self, facility: Facility) -> Self {
        self.facility = facility;
        self
    }

    /// How a message looks; RFC 5424 unless set.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Where a message ends in a TCP stream; octet counting unless set. TLS has octet counting whatever this says
    /// (RFC 5425 §4.3), and datagrams need none.
    #[must_use]
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// HOSTNAME: the machine that the records are from, best as its full domain name (RFC 5424 §6.2.4). Unless set it
    /// is the system's host name where `/proc/sys/kernel/hostname` has one, and else `-`.
    #[must_use]
    pub fn hostname(mut self, hostname: impl Into<String>) -> Self {
        self.hostname = Some(hostname.into());
        self
    }

    /// APP-NAME, or TAG in RFC 3164: the program that the records are from; `audit-log` unless set.
    #[must_use]
    pub fn app_name(mut self, app_name: impl Into<String>) -> Self {
        self.app_name = app_name.into();
        self
    }

    /// Over TCP and TLS: whether a batch is accepted only once the server has closed its side of the connection, which
    /// says that it has read everything; on unless set. The next batch has a new connection.
    ///
    /// Off keeps one connection open and is faster with small batches, and weaker: `Ok` says only that the system took
    /// the bytes, and what was under way when the server or the network fails is lost without a word.
    #[must_use]
    pub fn confirm(mut self, confirm: bool) -> Self {
        self.confirm = confirm;
        self
    }

    /// The largest message that the server takes whole, in bytes with its header: what is larger is rejected. 8,096
    /// unless set; over UDP 65,507 is the most whatever this says (RFC 5426 §3.2 over IPv4).
    ///
    /// A server cuts off what is longer than it expects (RFC 5424 §6.1 allows it), or makes two messages of it, and a
    /// record that was cut proves nothing. 8,096 is what rsyslog takes as it comes (`maxMessageSize`; its manual says 8k),
    /// a little less than the 8,192 that receivers should take (RFC 5425 §4.3.1), and syslog-ng takes 65,536
    /// (`log-msg-size()`): raise the server's limit first, and then this one.
    #[must_use]
    pub fn max_message_bytes(mut self, bytes: usize) -> Self {
        self.max_message_bytes = bytes;
        self
    }

    /// How long to wait for a connection, and how long for the server to close it; each 10 s unless set. The time that
    /// a whole batch may take is for whoever sends it to limit, by dropping the future.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// The host in `host:port`, without the brackets of an IPv6 address.
pub(crate) fn host_of(server: &str) -> Result<&str, SyslogOptionsError> {
    let parts = server.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
    let host =
        parts.map(|(host, _)| host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host));
    host.filter(|host| !host.is_empty()).ok_or_else(|| SyslogOptionsError::Server(server.to_owned()))
}

/// The name to verify the server's certificate for.
pub(crate) fn server_name(
    server: &str,
    name: Option<&str>,
) -> Result<ServerName<'static>, SyslogOptionsError> {
    let name = match name {
        Some(name) => name,
        None => host_of(server)?,
    };
    ServerName::try_from(name.to_owned()).map_err(|_| SyslogOptionsError::ServerName(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{host_of, server_name};

    #[test]
    fn a_server_is_host_and_port() {
        assert_eq!(host_of("logs.example.com:6514").unwrap(), "logs.example.com");
        assert_eq!(host_of("[::1]:514").unwrap(), "::1");
        for wrong in ["logs.example.com", ":514", "host:", "host:70000", ""] {
            let error = host_of(wrong).unwrap_err().to_string();
            assert!(error.contains("is not host:port"), "{error}");
        }
    }

    #[test]
    fn the_certificate_is_for_the_host_unless_another_name_is_given() {
        assert_eq!(server_name("logs.example.com:6514", None).unwrap().to_str(), "logs.example.com");
        assert_eq!(server_name("[::1]:6514", None).unwrap().to_str(), "::1");
        assert_eq!(server_name("127.0.0.1:1", Some("logs")).unwrap().to_str(), "logs");
        assert!(server_name("h:1", Some("no name")).is_err());
    }
}

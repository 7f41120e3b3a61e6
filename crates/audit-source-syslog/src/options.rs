use std::time::Duration;

use audit_tls::ServerTlsOptions;

use crate::Rule;

/// Where to listen, and what is taken there.
#[derive(Clone, Debug)]
pub struct SyslogSourceOptions {
    pub(crate) listen: String,
    pub(crate) tls: Option<ServerTlsOptions>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) max_message_bytes: usize,
    pub(crate) max_connections: usize,
    pub(crate) idle_timeout: Duration,
    pub(crate) handshake_timeout: Duration,
}

impl SyslogSourceOptions {
    /// Over TCP in the clear (RFC 6587), at this address and port, such as `127.0.0.1:6601`; 0 is any port that is free.
    #[must_use]
    pub fn new(listen: impl Into<String>) -> Self {
        Self {
            listen: listen.into(),
            tls: None,
            rules: Vec::new(),
            max_message_bytes: 256 << 10,
            max_connections: 256,
            idle_timeout: Duration::from_secs(600),
            handshake_timeout: Duration::from_secs(10),
        }
    }

    /// Over TLS (RFC 5425; the usual port is 6514). The files are read again when they change.
    #[must_use]
    pub fn tls(mut self, tls: ServerTlsOptions) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Adds a rule; the first that applies to a message gives its event's type, and without one that is `syslog.message`.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// How long a message may be, in bytes, header and all: of a longer one the first part is recorded, with a note. 256 KiB unless set.
    #[must_use]
    pub fn max_message_bytes(mut self, bytes: usize) -> Self {
        self.max_message_bytes = bytes.max(1);
        self
    }

    /// How many connections are served at once; 256 unless set, and at least one. Others wait in the queue that the system keeps.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// How long a sender may be silent until its connection is closed; 10 minutes unless set.
    #[must_use]
    pub fn idle_timeout(mut self, silence: Duration) -> Self {
        self.idle_timeout = silence;
        self
    }

    /// How long a TLS handshake may take; 10 s unless set.
    #[must_use]
    pub fn handshake_timeout(mut self, time: Duration) -> Self {
        self.handshake_timeout = time;
        self
    }
}

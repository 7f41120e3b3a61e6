use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use audit_access::Access;
use audit_tls::ServerTlsOptions;

use crate::{Operations, Witness, witness::Nobody};

/// Who may do what at this moment: asked once for every request, so that what it returns may change while the source runs.
pub type CurrentAccess = Arc<dyn Fn() -> Arc<Access> + Send + Sync>;

/// How events are taken over HTTP. The default lets nobody in.
#[derive(Clone)]
#[non_exhaustive]
pub struct HttpOptions {
    /// Address and port, such as `127.0.0.1:8400`; port 0 is any that is free.
    pub listen: String,
    /// With it, HTTPS is spoken, and nothing else.
    pub tls: Option<ServerTlsOptions>,
    /// Allows plain HTTP on an address that others can reach, where tokens and events can be read on the way.
    pub danger_allow_plain_http: bool,
    /// Who may do what.
    pub access: CurrentAccess,
    /// Who is told of callers, and of those who were refused.
    pub witness: Arc<dyn Witness>,
    /// With it, probes, metrics and status are answered here, too, to callers with the role `read`.
    pub operations: Option<Arc<dyn Operations>>,
    /// How much of what is taken, and how long for.
    pub limits: Limits,
}

/// How much a server takes, and how long it waits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest body, in bytes as sent; 10 MiB.
    pub max_body_bytes: usize,
    /// The longest body after it was decompressed, in bytes; 10 MiB.
    pub max_inflated_bytes: usize,
    /// The longest event, in bytes of its JSON; 1 MiB. Read, an event can take eighty times that in memory for a moment.
    pub max_event_bytes: usize,
    /// The most events in one request; 10,000.
    pub max_events: usize,
    /// How long the TLS handshake, the head of a request, its body, and whoever takes the answer may take, each; 30 seconds.
    /// A connection that nothing is asked on is closed after as long.
    pub request_timeout: Duration,
    /// The slowest body that is waited for, in bytes a second, once it has had five seconds (a tenth of `request_timeout`, if that is
    /// less); 512.
    pub min_body_rate: u32,
    /// The most connections at once; 1024. One more gets the place of the one that has been without a whole request for the longest; where
    /// all are being answered, it is told 503 and closed.
    pub max_connections: usize,
    /// The most requests for recording at once; 512. One more is answered 503 before its body is read.
    pub max_in_flight: usize,
    /// The most bytes of bodies in memory at once, decompressed; 128 MiB. What would be more is answered 503.
    pub max_in_flight_bytes: usize,
    /// How long requests on their way may take when the server is to stop; 10 seconds.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 10 << 20,
            max_inflated_bytes: 10 << 20,
            max_event_bytes: 1 << 20,
            max_events: 10_000,
            request_timeout: Duration::from_secs(30),
            min_body_rate: 512,
            max_connections: 1024,
            max_in_flight: 512,
            max_in_flight_bytes: 128 << 20,
            drain_timeout: Duration::from_secs(10),
        }
    }
}

impl HttpOptions {
    /// Listens there, and lets nobody in yet.
    #[must_use]
    pub fn new(listen: impl Into<String>) -> Self {
        let nobody = Arc::new(Access::default());
        Self {
            listen: listen.into(),
            tls: None,
            danger_allow_plain_http: false,
            access: Arc::new(move || Arc::clone(&nobody)),
            witness: Arc::new(Nobody),
            operations: None,
            limits: Limits::default(),
        }
    }

    /// Speaks HTTPS, with this certificate. It is read again when its files change.
    #[must_use]
    pub fn tls(mut self, tls: ServerTlsOptions) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Allows plain HTTP on any address.
    #[must_use]
    pub fn danger_allow_plain_http(mut self, allow: bool) -> Self {
        self.danger_allow_plain_http = allow;
        self
    }

    /// Lets these in.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        let access = Arc::new(access);
        self.access = Arc::new(move || Arc::clone(&access));
        self
    }

    /// Asks this, for every request, whom to let in.
    #[must_use]
    pub fn current_access(mut self, access: CurrentAccess) -> Self {
        self.access = access;
        self
    }

    /// Tells this of callers, and of those who were refused.
    #[must_use]
    pub fn witness(mut self, witness: Arc<dyn Witness>) -> Self {
        self.witness = witness;
        self
    }

    /// Answers probes, metrics and status, too.
    #[must_use]
    pub fn operations(mut self, operations: Arc<dyn Operations>) -> Self {
        self.operations = Some(operations);
        self
    }

    /// Sets how much is taken.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("listen", &self.listen)
            .field("tls", &self.tls)
            .field("danger_allow_plain_http", &self.danger_allow_plain_http)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

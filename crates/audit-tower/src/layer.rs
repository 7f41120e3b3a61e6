use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use audit_model::Event;
use audit_pipeline::Pipeline;
use http::HeaderName;
use http::request::Parts;
use tower_layer::Layer;

use crate::recording::Log;
use crate::{AuditService, Description, FailClosed, Requests};

/// Has every request of a service recorded in an audit log. See the [crate's documentation](crate).
#[derive(Clone)]
pub struct AuditLayer {
    settings: Arc<Settings>,
}

type OfRequest<T> = Arc<dyn Fn(&Parts) -> T + Send + Sync>;

/// What is the same for all requests.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) log: Log,
    pub(crate) audits: OfRequest<bool>,
    pub(crate) describe: Option<OfRequest<Description>>,
    pub(crate) peer: Option<OfRequest<Option<IpAddr>>>,
    pub(crate) correlation: Vec<HeaderName>,
    pub(crate) fail_closed: FailClosed,
}

impl AuditLayer {
    /// Requests that may change something ([`Requests::changes`]) become events of that log; no request waits for it.
    #[must_use]
    pub fn new(pipeline: Pipeline) -> Self {
        let settings = Settings {
            log: Log { pipeline, unrecorded: None },
            audits: audits(Requests::default()),
            describe: None,
            peer: None,
            correlation: vec![HeaderName::from_static("x-request-id")],
            fail_closed: FailClosed::default(),
        };
        Self { settings: Arc::new(settings) }
    }

    /// Sets which requests are audited, by method and path.
    #[must_use]
    pub fn requests(self, requests: Requests) -> Self {
        self.with(|settings| settings.audits = audits(requests))
    }

    /// Sets which requests are audited, by anything in their head.
    #[must_use]
    pub fn audit_when(self, audits: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.audits = Arc::new(audits))
    }

    /// Sets what each request means: its operation, type and resource, and whether it has to be on record first.
    #[must_use]
    pub fn describe(self, describe: impl Fn(&Parts) -> Description + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.describe = Some(Arc::new(describe)))
    }

    /// Sets how the client's address is found, which the event's actor gets unless it has one. Without it, no address is
    /// recorded. In axum it is in the request's `ConnectInfo`; a header such as `x-forwarded-for` says what the client
    /// likes, unless a proxy of yours has written it.
    #[must_use]
    pub fn peer(self, peer: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.peer = Some(Arc::new(peer)))
    }

    /// Sets the headers of which the first that is there is the `correlation_id`. The default is `x-request-id`. Without any,
    /// it is the trace id of `traceparent`.
    #[must_use]
    pub fn correlation_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.with(|settings| settings.correlation = names.into_iter().collect())
    }

    /// Sets what has to be on record before a request goes on. [`Description::fail_closed`] says so for one request.
    #[must_use]
    pub fn fail_closed(self, mode: FailClosed) -> Self {
        self.with(|settings| settings.fail_closed = mode)
    }

    /// Has this called for every event that was not recorded, with the reason; beside the metric that counts them. It runs
    /// within the request, and has to be quick.
    #[must_use]
    pub fn on_unrecorded(self, tell: impl Fn(&Event, &str) + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.log.unrecorded = Some(Arc::new(tell)))
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

fn audits(requests: Requests) -> OfRequest<bool> {
    Arc::new(move |parts| requests.selects(&parts.method, parts.uri.path()))
}

impl<S> Layer<S> for AuditLayer {
    type Service = AuditService<S>;

    fn layer(&self, inner: S) -> AuditService<S> {
        AuditService::new(inner, Arc::clone(&self.settings))
    }
}

impl fmt::Debug for AuditLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLayer")
            .field("log", &self.log.pipeline)
            .field("correlation_headers", &self.correlation)
            .field("fail_closed", &self.fail_closed)
            .finish_non_exhaustive()
    }
}

use std::net::SocketAddr;
use std::sync::Arc;

use audit_access::Role;
use audit_model::Timestamp;
use audit_source::{CancellationToken, Intake, Source, SourceError};
use audit_tls::TlsError;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::{Request, StatusCode};

use crate::admission::{Admission, Peer, refuse_handshake};
use crate::answer::{Answer, JSON, Refusal, answer};
use crate::certificates::Certificates;
use crate::connection::Answers;
use crate::events::Events;
use crate::gate::Gate;
use crate::measures::Measures;
use crate::problem::problem;
use crate::route::Route;
use crate::server::Server;
use crate::{CurrentAccess, HttpOptions, Limits, Listener, Operations, Witness, openapi, operations};

/// Events over HTTP: `POST /v1/events`.
pub struct HttpSource {
    server: Server,
    access: CurrentAccess,
    witness: Arc<dyn Witness>,
    operations: Option<Arc<dyn Operations>>,
}

/// Why an HTTP source cannot be set up, beside an address that is taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// It would be plain HTTP for all to read.
    #[error(
        "{address} can be reached by others, who could read tokens and events on the way: set tls, listen on 127.0.0.1, or say \
         danger_allow_plain_http: true where something else encrypts it"
    )]
    PlainBeyondLoopback {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl From<HttpError> for SourceError {
    fn from(error: HttpError) -> Self {
        Self::Other(Box::new(error))
    }
}

impl HttpSource {
    /// Reads the certificate and takes the address. Connections wait until it is run.
    ///
    /// # Errors
    /// When the address cannot be listened on, or not without TLS, or the certificate cannot be used.
    pub async fn bind(options: HttpOptions) -> Result<Self, SourceError> {
        // A certificate that cannot be used is told before the address is taken.
        let certificates = certificates(&options)?;
        Self::with(Listener::bind(&options.listen).await?, certificates, options)
    }

    /// Reads the certificate, and goes on with a listener that is there already, whatever `listen` says: with that of a source that this
    /// one is to take the place of. Both accept connections until one of them is stopped.
    ///
    /// # Errors
    /// When its address cannot do without TLS, or the certificate cannot be used.
    pub fn on(listener: Listener, options: HttpOptions) -> Result<Self, SourceError> {
        let certificates = certificates(&options)?;
        Self::with(listener, certificates, options)
    }

    fn with(
        listener: Listener,
        certificates: Option<Certificates>,
        options: HttpOptions,
    ) -> Result<Self, SourceError> {
        let address = listener.local_addr();
        if certificates.is_none()
            && !options.danger_allow_plain_http
            && !address.ip().to_canonical().is_loopback()
        {
            return Err(HttpError::PlainBeyondLoopback { address }.into());
        }
        let certificates = certificates.map(Arc::new);
        let server = Server { listener, certificates, limits: options.limits };
        let HttpOptions { access, witness, operations, .. } = options;
        Ok(Self { server, access, witness, operations })
    }

    /// Where it listens: the port, too, if any was to do.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.server.address()
    }

    /// What it listens with, for another source to go on with.
    #[must_use]
    pub fn listener(&self) -> Listener {
        self.server.listener.clone()
    }
}

fn certificates(options: &HttpOptions) -> Result<Option<Certificates>, HttpError> {
    Ok(options.tls.clone().map(Certificates::read).transpose()?)
}

impl Source for HttpSource {
    fn run(
        self: Box<Self>,
        intake: Intake,
        stop: CancellationToken,
    ) -> BoxFuture<'static, Result<(), SourceError>> {
        let Self { server, access, witness, operations } = *self;
        let limits = server.limits.clone();
        let answers = Arc::new(Api {
            access,
            witness,
            operations,
            intake: intake.clone(),
            gate: Gate::new(limits.max_in_flight, limits.max_in_flight_bytes),
            openapi: openapi::document(&limits),
            limits,
            measures: Measures::new(),
        });
        Box::pin(async move {
            server.run(answers, stop, |reason| intake.set_failing(reason)).await;
            Ok(())
        })
    }
}

/// What is answered on the listener for events.
struct Api {
    access: CurrentAccess,
    witness: Arc<dyn Witness>,
    operations: Option<Arc<dyn Operations>>,
    intake: Intake,
    gate: Gate,
    limits: Limits,
    openapi: Bytes,
    measures: Measures,
}

impl Answers for Api {
    async fn answer(&self, peer: &Peer, request: Request<Incoming>) -> Answer {
        let running = self.measures.begin();
        let answered = self.route(peer, request).await.unwrap_or_else(|refusal| *refusal);
        running.answered(answered.status());
        answered
    }

    fn unshaken(&self, address: SocketAddr, reason: Option<&'static str>) {
        self.measures.unshaken();
        if let Some(reason) = reason {
            let peer = Peer { address, certificate: None };
            refuse_handshake(&*self.witness, &peer, reason);
        }
    }

    fn unanswered(&self) {
        self.measures.unanswered();
    }
}

impl Api {
    async fn route(&self, peer: &Peer, request: Request<Incoming>) -> Result<Answer, Refusal> {
        let unknown = || {
            let detail =
                "there is nothing here; events go to POST /v1/events, and /v1/openapi.json describes all";
            problem(StatusCode::NOT_FOUND, detail)
        };
        let route = Route::of(request.uri().path()).ok_or_else(unknown)?;
        route.check(request.method(), request.headers())?;
        if route == Route::Events {
            let events = Events {
                access: &self.access,
                witness: &*self.witness,
                intake: &self.intake,
                gate: &self.gate,
                limits: &self.limits,
            };
            return events.take(peer, request).await;
        }
        // What is public anyway, and says how to ask for the rest.
        if route == Route::OpenApi {
            return Ok(answer(StatusCode::OK, JSON, self.openapi.clone()));
        }
        let operations = self.operations.as_deref().ok_or_else(unknown)?;
        let access = (self.access)();
        let request = request.map(drop);
        let admission = Admission::new(&access, &*self.witness, peer, &request);
        admission.admit(Role::Read, Timestamp::now()).await?;
        operations::answer_to(route, operations).ok_or_else(unknown)
    }
}

impl std::fmt::Debug for HttpSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpSource").field("address", &self.server.address()).finish_non_exhaustive()
    }
}

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use crate::exchange::Exchange;
use crate::layer::Settings;
use crate::{Annotations, AuditBody, ResponseFuture};

/// A service whose requests are recorded in an audit log: what [`AuditLayer`](crate::AuditLayer) makes of one.
#[derive(Clone, Debug)]
pub struct AuditService<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> AuditService<S> {
    pub(crate) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
    }
}

impl<S, Q, R> Service<Request<Q>> for AuditService<S>
where
    S: Service<Request<Q>, Response = Response<R>> + Clone,
    S::Error: fmt::Display,
    R: http_body::Body,
{
    type Response = Response<AuditBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, Q, R>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        if !(self.settings.audits)(&parts) {
            parts.extensions.get_or_insert_default::<Annotations>();
            return ResponseFuture::unaudited(self.inner.call(Request::from_parts(parts, body)));
        }
        let mut exchange = Exchange::begin(&self.settings, &mut parts);
        let request = Request::from_parts(parts, body);
        if exchange.fail_closed().holds_request() {
            // The one that is ready is called later; its clone has to become ready for the next request.
            let clone = self.inner.clone();
            let ready = std::mem::replace(&mut self.inner, clone);
            return ResponseFuture::attempt(exchange, ready, request);
        }
        let future = exchange.within(|| self.inner.call(request));
        ResponseFuture::called(exchange, future)
    }
}

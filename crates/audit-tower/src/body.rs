use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::call::unavailable;
use crate::exchange::Exchange;
use crate::outcome::Outcome;
use crate::recording::Held;

pin_project! {
    /// The body of a response of an [`AuditService`](crate::AuditService): the service's own, passed on as it comes. Where it
    /// is that of a gRPC call, its trailers tell how the call ended, and the event is made with them.
    pub struct AuditBody<B> {
        #[pin]
        inner: Option<B>,
        exchange: Option<Box<Exchange>>,
        held: Option<(Held, Option<HeaderMap>)>,
    }
}

impl<B> AuditBody<B> {
    pub(crate) fn unaudited(inner: B) -> Self {
        Self { inner: Some(inner), exchange: None, held: None }
    }

    pub(crate) fn watched(inner: B, exchange: Box<Exchange>) -> Self {
        Self { inner: Some(inner), exchange: Some(exchange), held: None }
    }

    pub(crate) fn empty() -> Self {
        Self { inner: None, exchange: None, held: None }
    }
}

impl<B: Body> Body for AuditBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        loop {
            if let Some((held, trailers)) = this.held {
                let recorded = ready!(held.poll(context));
                let trailers = if recorded.is_ok() { trailers.take() } else { Some(unavailable()) };
                *this.held = None;
                this.inner.set(None);
                return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
            }
            let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Ready(None) };
            let Some(exchange) = this.exchange.as_mut() else { return inner.poll_frame(context) };
            let frame = ready!(exchange.within(|| inner.poll_frame(context)));
            let trailers = match frame {
                Some(Ok(frame)) => match frame.into_trailers() {
                    Ok(trailers) => Some(trailers),
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                Some(Err(error)) => {
                    let exchange = this.exchange.take().expect("it was there");
                    exchange.end(Outcome::failed("the response broke off".to_owned()));
                    return Poll::Ready(Some(Err(error)));
                }
                None => None,
            };
            let exchange = this.exchange.take().expect("it was there");
            let outcome = exchange.trailers(trailers.as_ref());
            if exchange.fail_closed().holds_response() {
                *this.held = Some((exchange.end_held(outcome), trailers));
            } else {
                exchange.end(outcome);
                return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
            }
        }
    }

    /// Not before the event is made: a server that knows of the end drops the body.
    fn is_end_stream(&self) -> bool {
        self.exchange.is_none() && self.held.is_none() && self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B> fmt::Debug for AuditBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditBody").finish_non_exhaustive()
    }
}

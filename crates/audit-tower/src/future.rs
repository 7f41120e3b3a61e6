use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::call::{Protocol, refusal};
use crate::exchange::Exchange;
use crate::outcome::Outcome;
use crate::recording::Held;
use crate::{AuditBody, Refused};

pin_project! {
    /// The response of an [`AuditService`](crate::AuditService), on its way.
    pub struct ResponseFuture<S, Q, R>
    where
        S: Service<Request<Q>>,
    {
        #[pin]
        state: State<S, Q, S::Future, Result<Response<R>, S::Error>>,
        exchange: Option<Box<Exchange>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, Q, F, A> {
        /// The record of the attempt is on its way; then the service is called.
        Attempt { held: Held, waiting: Option<(S, Request<Q>)> },
        Called { #[pin] future: F },
        /// The record of the outcome is on its way; then the answer goes out.
        Answered { held: Held, protocol: Protocol, answer: Option<A> },
    }
}

impl<S, Q, R> ResponseFuture<S, Q, R>
where
    S: Service<Request<Q>>,
{
    pub(crate) fn unaudited(future: S::Future) -> Self {
        Self { state: State::Called { future }, exchange: None }
    }

    pub(crate) fn called(exchange: Box<Exchange>, future: S::Future) -> Self {
        Self { state: State::Called { future }, exchange: Some(exchange) }
    }

    pub(crate) fn attempt(mut exchange: Box<Exchange>, service: S, request: Request<Q>) -> Self {
        let held = exchange.attempt();
        Self { state: State::Attempt { held, waiting: Some((service, request)) }, exchange: Some(exchange) }
    }
}

impl<S, Q, R> Future for ResponseFuture<S, Q, R>
where
    S: Service<Request<Q>, Response = Response<R>>,
    S::Error: fmt::Display,
    R: http_body::Body,
{
    type Output = Result<Response<AuditBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProjection::Attempt { held, waiting } => {
                    let recorded = ready!(held.poll(context));
                    let exchange = this.exchange.as_mut().expect("an attempt is one of an audited request");
                    if let Err(reason) = recorded {
                        let exchange = this.exchange.take().expect("it was there");
                        let protocol = exchange.protocol();
                        exchange.end(Outcome::failed(format!(
                            "refused, since the attempt could not be recorded: {reason}"
                        )));
                        return Poll::Ready(Ok(refuse(protocol, Refused { service_called: false, reason })));
                    }
                    let (mut service, request) = waiting.take().expect("it is called once");
                    State::Called { future: exchange.within(|| service.call(request)) }
                }
                StateProjection::Called { future } => {
                    let Some(exchange) = this.exchange.as_mut() else {
                        return future.poll(context).map_ok(|response| response.map(AuditBody::unaudited));
                    };
                    let answer = ready!(exchange.within(|| future.poll(context)));
                    let outcome = match &answer {
                        Ok(response) => exchange.answered(response),
                        Err(error) => Some(Outcome::failed(error.to_string())),
                    };
                    let exchange = this.exchange.take().expect("it was there");
                    match (outcome, answer) {
                        (Some(outcome), answer) if exchange.fail_closed().holds_response() => {
                            let protocol = exchange.protocol();
                            State::Answered {
                                held: exchange.end_held(outcome),
                                protocol,
                                answer: Some(answer),
                            }
                        }
                        (Some(outcome), answer) => {
                            exchange.end(outcome);
                            return Poll::Ready(answer.map(|response| response.map(AuditBody::unaudited)));
                        }
                        (None, answer) => {
                            let watched = |body| AuditBody::watched(body, exchange);
                            return Poll::Ready(answer.map(|response| response.map(watched)));
                        }
                    }
                }
                StateProjection::Answered { held, protocol, answer } => {
                    let recorded = ready!(held.poll(context));
                    let answer = answer.take().expect("not polled again");
                    return Poll::Ready(match (answer, recorded) {
                        (Ok(_), Err(reason)) => {
                            Ok(refuse(*protocol, Refused { service_called: true, reason }))
                        }
                        // An error promises the client nothing.
                        (answer, _) => answer.map(|response| response.map(AuditBody::unaudited)),
                    });
                }
            };
            this.state.set(next);
        }
    }
}

fn refuse<R>(protocol: Protocol, refused: Refused) -> Response<AuditBody<R>> {
    let stage = if refused.service_called { "after" } else { "before" };
    metrics::counter!("audit_log_tower_refused_total", "stage" => stage).increment(1);
    let mut response = refusal(protocol, AuditBody::empty());
    response.extensions_mut().insert(refused);
    response
}

impl<S, Q, R> fmt::Debug for ResponseFuture<S, Q, R>
where
    S: Service<Request<Q>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

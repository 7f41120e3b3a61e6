use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use audit_model::{Action, ActionResult, Actor, Context, Event, EventId, EventType, Map, Resource, Value};
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use crate::call::{Call, Protocol, grpc_status, protocol};
use crate::layer::Settings;
use crate::outcome::{Denial, Outcome};
use crate::recording::Held;
use crate::text::clipped;
use crate::{Annotations, Description, FailClosed, correlation};

/// Longer ones are cut. Servers take far longer ones.
const LONGEST_PATH: usize = 2048;
const LONGEST_USER_AGENT: usize = 512;
const LONGEST_ERROR: usize = 1024;

/// The details that are this crate's, whatever a service adds.
pub(crate) const DETAILS: &[&str] = &["http_request", "http_response", "grpc", "attempt"];

/// One audited request, from its head to its event. Dropped without an outcome, it makes the event of a request that was
/// cancelled, or that a panic ended.
pub(crate) struct Exchange {
    settings: Arc<Settings>,
    begun: Instant,
    description: Description,
    annotations: Annotations,
    actor: Option<Actor>,
    address: Option<IpAddr>,
    user_agent: Option<String>,
    context: Context,
    method: String,
    path: String,
    version: String,
    protocol: Protocol,
    attempt: Option<EventId>,
    stage: Stage,
    /// While the service's own code runs. Whoever finds it so when all is over knows of a panic, even one that was caught.
    inside: bool,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The service was not called.
    Begun,
    Called,
    /// Its status is known; gRPC's own comes with the trailers.
    Answered,
    Ended,
}

impl Exchange {
    pub(crate) fn begin(settings: &Arc<Settings>, parts: &mut Parts) -> Box<Self> {
        let description = settings.describe.as_ref().map(|describe| describe(parts)).unwrap_or_default();
        let annotations = parts.extensions.get_or_insert_default::<Annotations>().clone();
        let user_agent = parts.headers.get(http::header::USER_AGENT);
        Box::new(Self {
            begun: Instant::now(),
            description,
            actor: parts.extensions.get().cloned(),
            address: settings.peer.as_ref().and_then(|peer| peer(parts)),
            user_agent: user_agent
                .map(|text| clipped(&String::from_utf8_lossy(text.as_bytes()), LONGEST_USER_AGENT)),
            context: correlation::context(&parts.headers, &settings.correlation),
            method: clipped(parts.method.as_str(), LONGEST_USER_AGENT),
            path: clipped(parts.uri.path(), LONGEST_PATH),
            version: format!("{:?}", parts.version),
            protocol: protocol(&parts.headers),
            attempt: None,
            stage: Stage::Begun,
            inside: false,
            settings: Arc::clone(settings),
            annotations,
        })
    }

    pub(crate) fn fail_closed(&self) -> FailClosed {
        self.description.fail_closed.unwrap_or(self.settings.fail_closed)
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The record of the attempt, on its way.
    pub(crate) fn attempt(&mut self) -> Held {
        let mut event = self.event(Outcome::attempt());
        if let Some(attempt_type) = self.description.attempt_type.clone() {
            event.event_type = attempt_type;
        }
        self.attempt = Some(event.event_id.clone());
        Held::new(&self.settings.log, event)
    }

    /// Runs the service's own code.
    pub(crate) fn within<T>(&mut self, service: impl FnOnce() -> T) -> T {
        if self.stage == Stage::Begun {
            self.stage = Stage::Called;
        }
        self.inside = true;
        let answer = service();
        self.inside = false;
        answer
    }

    /// What a response's head says: the outcome, unless that of a call comes with its trailers.
    pub(crate) fn answered<B: http_body::Body>(&mut self, response: &http::Response<B>) -> Option<Outcome> {
        self.stage = Stage::Answered;
        let status = response.status();
        let in_head = grpc_status(response.headers());
        let outcome = match protocol(response.headers()) {
            Protocol::Http if self.protocol != Protocol::GrpcWeb => Outcome::http(status),
            // A failure of HTTP is none of gRPC.
            _ if status != StatusCode::OK => Outcome::http(status),
            Protocol::GrpcWeb | Protocol::Http if in_head.is_none() => Outcome::unknown(status),
            _ if in_head.is_some() || response.body().is_end_stream() => Outcome::grpc(status, in_head),
            _ => {
                let told = Outcome::unknown(status).told_by(response.extensions());
                told.decision.into_iter().for_each(|decision| self.annotations.decision(decision));
                told.actor.into_iter().for_each(|actor| self.annotations.actor(actor));
                return None;
            }
        };
        Some(outcome.told_by(response.extensions()))
    }

    /// How a call ended, by its trailers.
    pub(crate) fn trailers(&self, trailers: Option<&HeaderMap>) -> Outcome {
        Outcome::grpc(StatusCode::OK, trailers.and_then(grpc_status))
    }

    /// Puts the event on its way.
    pub(crate) fn end(mut self: Box<Self>, outcome: Outcome) {
        self.put(outcome);
    }

    /// Puts the event on its way, for somebody who waits until it is on record.
    pub(crate) fn end_held(mut self: Box<Self>, outcome: Outcome) -> Held {
        self.stage = Stage::Ended;
        let event = self.event(outcome);
        Held::new(&self.settings.log, event)
    }

    fn put(&mut self, outcome: Outcome) {
        self.stage = Stage::Ended;
        let event = self.event(outcome);
        self.settings.log.put(&event);
    }

    fn event(&mut self, outcome: Outcome) -> Event {
        let is_attempt = outcome.result == ActionResult::IN_PROGRESS;
        let Outcome { result, denial, status, grpc_status, error, decision, actor } = outcome;
        let notes = if is_attempt { Default::default() } else { self.annotations.so_far() };
        let decision = decision.or(notes.decision);
        let denied = decision.as_ref().map(|decision| !decision.is_granted());
        let result = match notes.result {
            Some(result) => result,
            None if denied == Some(true) => ActionResult::DENIED,
            None => result,
        };
        let described = notes.event_type.or_else(|| self.description.event_type.clone());
        let failure_type = || self.description.failure_type.clone();
        let by_status = denial.filter(|_| denied != Some(true));
        let event_type = match (denied, by_status) {
            (Some(true), _) | (_, Some(Denial::Forbidden)) => EventType::ACCESS_DENIED,
            (_, Some(Denial::Unauthenticated)) => failure_type().unwrap_or(EventType::AUTH_FAILED),
            _ if result == ActionResult::FAILURE => {
                failure_type().or(described).unwrap_or_else(|| self.plain(denied))
            }
            _ => described.unwrap_or_else(|| self.plain(denied)),
        };

        let asked = decision.as_ref().and_then(|decision| decision.operation().map(str::to_owned));
        let operation = notes
            .operation
            .or_else(|| self.description.operation.clone())
            .or(asked)
            .unwrap_or_else(|| self.operation());
        let action = Action::new(operation.as_str(), result);
        let action = if is_attempt { action } else { action.duration_ms(self.milliseconds()) };
        let actor = self.complete(
            actor.or(notes.actor).or_else(|| self.description.actor.clone()).or_else(|| self.actor.clone()),
        );
        let resource = notes
            .resource
            .or_else(|| self.description.resource.clone())
            .unwrap_or_else(|| Resource::new("endpoint", self.path.as_str()));

        let mut event = Event::new(event_type, actor, action).resource(resource);
        let mut context = self.context.clone();
        for (name, value) in self.description.context.clone().into_iter().chain(notes.context) {
            add(&mut context, name, value);
        }
        if context != Context::default() {
            event.context = Some(context);
        }
        let details = &mut event.details;
        details.extend(self.description.details.clone().into_iter().chain(notes.details));
        if let Some(decision) = decision {
            decision.write(details);
        }
        if let Some(denial) = by_status {
            for (name, text) in [
                ("operation", operation.as_str()),
                ("resource", self.path.as_str()),
                ("reason", denial.as_str()),
            ] {
                details.entry(name).or_insert_with(|| text.into());
            }
        }
        if let Some(error) = error {
            details.entry("error").or_insert_with(|| clipped(&error, LONGEST_ERROR).into());
        }
        self.write_protocol(details, status, grpc_status);
        event
    }

    /// What is said of HTTP and gRPC, in the names that OCSF has for it.
    fn write_protocol(&self, details: &mut Map, status: Option<StatusCode>, grpc_status: Option<u16>) {
        let object = |pairs: &[(&str, Value)]| {
            Value::Object(pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
        };
        let request = [
            ("http_method", self.method.as_str().into()),
            ("url", object(&[("path", self.path.as_str().into())])),
            ("version", self.version.as_str().into()),
        ];
        DETAILS.iter().for_each(|name| drop(details.remove(*name)));
        details.insert("http_request".to_owned(), object(&request));
        if let Some(status) = status {
            details.insert("http_response".to_owned(), object(&[("code", status.as_u16().into())]));
        }
        if self.protocol != Protocol::Http {
            let Call { service, method } = Call::of(&self.path);
            let mut call = vec![("service", service.into()), ("method", method.into())];
            call.extend(grpc_status.map(|status| ("status", status.into())));
            details.insert("grpc".to_owned(), object(&call));
        }
        if let Some(attempt) = &self.attempt {
            details.insert("attempt".to_owned(), attempt.as_str().into());
        }
    }

    /// The actor, with what the request itself says of it where nobody else did.
    fn complete(&self, actor: Option<Actor>) -> Actor {
        let mut actor = actor.unwrap_or_else(|| Actor::new("unknown", "anonymous"));
        if actor.ip_address.is_none() {
            actor.ip_address = self.address.map(|address| address.to_string());
        }
        if actor.user_agent.is_none() {
            actor.user_agent.clone_from(&self.user_agent);
        }
        actor
    }

    /// The type of an event that nobody described.
    fn plain(&self, denied: Option<bool>) -> EventType {
        match (denied, self.protocol) {
            (Some(false), _) => EventType::ACCESS_GRANTED,
            (_, Protocol::Http) => http_request(),
            _ => "grpc.request".parse().expect("two names with a dot"),
        }
    }

    fn operation(&self) -> String {
        match self.protocol {
            Protocol::Http => self.method.clone(),
            _ => Call::of(&self.path).method,
        }
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let outcome = match self.stage {
            Stage::Ended => return,
            _ if self.inside => Outcome::failed("the service panicked".to_owned()),
            Stage::Begun => Outcome::cancelled("cancelled before the service was called"),
            Stage::Called => Outcome::cancelled("cancelled before there was a response"),
            Stage::Answered => Outcome::cancelled("cancelled before the response was complete"),
        };
        self.put(outcome);
    }
}

/// Adds a field to a context, to its own if it has one of that name.
fn add(context: &mut Context, name: String, value: Value) {
    let field = match name.as_str() {
        "cluster_id" => &mut context.cluster_id,
        "correlation_id" => &mut context.correlation_id,
        "environment" => &mut context.environment,
        _ => return drop(context.extra.insert(name, value)),
    };
    *field = match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
}

pub(crate) fn http_request() -> EventType {
    "http.request".parse().expect("two names with a dot")
}

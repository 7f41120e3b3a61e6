//! Handing events to the log, and what becomes of those that it does not take.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use audit_model::Event;
use audit_pipeline::{Emit, EmitError, Pipeline, Receipt};

use crate::text::clipped;

/// Told of every event that was not recorded, and why.
pub(crate) type Unrecorded = Arc<dyn Fn(&Event, &str) + Send + Sync>;

/// The log, as requests see it.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) pipeline: Pipeline,
    pub(crate) unrecorded: Option<Unrecorded>,
}

impl Log {
    /// Puts an event on its way; one that is not taken is counted.
    pub(crate) fn put(&self, event: &Event) {
        match self.pipeline.try_emit(event) {
            Ok(Receipt::Dropped) => self.count(event, DROPPED, "dropped"),
            Ok(_) => {}
            Err(error) => match substitute(event, &error) {
                Some(event) => self.put(&event),
                None => self.count(event, &error.to_string(), reason(&error)),
            },
        }
    }

    fn count(&self, event: &Event, why: &str, reason: &'static str) {
        metrics::counter!("audit_log_tower_unrecorded_total", "reason" => reason).increment(1);
        if let Some(tell) = &self.unrecorded {
            tell(event, why);
        }
    }
}

/// An event that somebody waits for. Dropped before there is an answer, it is put on its way, unless it is already.
pub(crate) struct Held {
    log: Log,
    event: Event,
    emit: Emit,
    answered: bool,
}

impl Held {
    pub(crate) fn new(log: &Log, event: Event) -> Self {
        let emit = log.pipeline.emit(&event);
        Self { log: log.clone(), event, emit, answered: false }
    }

    /// Whether it is on record, or why not.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), String>> {
        loop {
            let answer = ready!(Pin::new(&mut self.emit).poll(context));
            self.answered = true;
            let (why, reason) = match answer {
                Ok(Receipt::Dropped) => (DROPPED.to_owned(), "dropped"),
                Ok(_) => return Poll::Ready(Ok(())),
                Err(error) => match substitute(&self.event, &error) {
                    Some(event) => {
                        self.emit = self.log.pipeline.emit(&event);
                        (self.event, self.answered) = (event, false);
                        continue;
                    }
                    None => (error.to_string(), reason(&error)),
                },
            };
            self.log.count(&self.event, &why, reason);
            return Poll::Ready(Err(why));
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.answered && !self.emit.is_on_its_way() {
            self.log.put(&self.event);
        }
    }
}

const DROPPED: &str = "the log could take no more, and its policy is to let events pass";

fn reason(error: &EmitError) -> &'static str {
    match error {
        EmitError::Event(_) => "event",
        EmitError::Reserved(_) => "reserved",
        EmitError::Journal(_) => "journal",
        EmitError::Full { .. } => "full",
        EmitError::Undelivered { .. } => "undelivered",
        EmitError::Closed => "closed",
        _ => "other",
    }
}

/// For an event that cannot be recorded as it is, one that can: what the service added to it is left out, and its details say
/// why. So a number that JSON cannot hold does not hide a request.
fn substitute(event: &Event, error: &EmitError) -> Option<Event> {
    const MARK: &str = "unrecordable";
    let is_its_fault = matches!(error, EmitError::Event(_) | EmitError::Reserved(_));
    if !is_its_fault || event.details.contains_key(MARK) {
        return None;
    }
    let mut plain = event.clone();
    if plain.event_type.is_reserved() {
        plain.event_type = crate::exchange::http_request();
    }
    if plain.to_canonical_json().is_err() {
        plain.details.retain(|name, _| crate::exchange::DETAILS.contains(&name.as_str()));
        let extras = [
            plain.actor.as_mut().map(|actor| &mut actor.extra),
            plain.resource.as_mut().map(|resource| &mut resource.extra),
            plain.context.as_mut().map(|context| &mut context.extra),
        ];
        extras.into_iter().flatten().for_each(|extra| extra.clear());
    }
    plain.details.insert(MARK.to_owned(), clipped(&error.to_string(), 512).into());
    Some(plain)
}

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use audit_model::{Actor, Event as AuditEvent, Timestamp};
use audit_pipeline::Pipeline;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::assemble::{Moment, assemble};
use crate::choice::Choice;
use crate::fields::Fields;
use crate::recording::{Log, is_recursive};

/// Turns chosen spans and events of `tracing` into audit events. See the [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct TracingLayer {
    log: Log,
    choice: Choice,
    default_actor: Option<Actor>,
    emit_start: bool,
}

/// What is kept with a span.
struct Kept {
    fields: Fields,
    begun: Instant,
    /// The id of the event of its beginning.
    start: Option<String>,
    failed: bool,
}

impl TracingLayer {
    /// What has the target `audit` (or one beneath it, such as `audit::backup`), or a field `audit.event_type`, becomes an event
    /// of that log; nobody waits for it.
    #[must_use]
    pub fn new(pipeline: Pipeline) -> Self {
        Self {
            log: Log { pipeline, waits: false, unrecorded: None },
            choice: Choice { targets: vec!["audit".to_owned()] },
            default_actor: None,
            emit_start: false,
        }
    }

    /// Sets the targets that are chosen, with those beneath them, in place of `audit`. A field `audit.event_type` chooses in
    /// any case.
    #[must_use]
    pub fn targets<T: Into<String>>(mut self, targets: impl IntoIterator<Item = T>) -> Self {
        self.choice.targets = targets.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the actor of events for which no field names one, such as `Actor::system("scheduler")`.
    #[must_use]
    pub fn default_actor(mut self, actor: Actor) -> Self {
        self.default_actor = Some(actor);
        self
    }

    /// Has every chosen span recorded when it begins, too, with the result `in_progress`; a span with a field
    /// `audit.start_type` is in any case.
    #[must_use]
    pub fn emit_start(mut self, start: bool) -> Self {
        self.emit_start = start;
        self
    }

    /// Has the thread wait until each event is as durable as the log makes it. In async code this blocks the worker
    /// thread, with all its other tasks, for as long as the disk takes: milliseconds, or until it works again if the log's
    /// policy is to block.
    #[must_use]
    pub fn wait_for_receipt(mut self, wait: bool) -> Self {
        self.log.waits = wait;
        self
    }

    /// Has this called for every event that was not recorded, with the reason; beside the metric that counts them. What it
    /// logs itself does not become an event. It may be called in a thread of the log's own, and must not wait for the log.
    #[must_use]
    pub fn on_unrecorded(mut self, tell: impl Fn(&AuditEvent, &str) + Send + Sync + 'static) -> Self {
        self.log.unrecorded = Some(Arc::new(tell));
        self
    }

    /// The layer with a filter of its own, by which spans and events that do not concern it cost nothing.
    #[must_use]
    pub fn filtered<S>(self) -> impl Layer<S> + Send + Sync + 'static
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let choice = self.choice.clone();
        let filter = FilterFn::new(move |metadata: &Metadata<'_>| choice.concerns(metadata));
        self.with_filter(filter)
    }

    /// Records an event made of a span's or an event's own fields, and those of the spans around it.
    fn record(&self, moment: Moment, name: &str, fields: Fields) -> Option<String> {
        if is_recursive() {
            return None;
        }
        let (event, problems) = assemble(Timestamp::now(), moment, name, fields, self.default_actor.as_ref());
        self.log.record(&event, problems.len());
        Some(event.event_id.as_str().to_owned())
    }

    /// What the spans from the outermost to this one hand on; an inner one's value stands.
    fn inherited<'a, S: LookupSpan<'a>>(&self, span: Option<&SpanRef<'a, S>>) -> Fields {
        let mut all = Fields::default();
        for span in span.into_iter().flat_map(|span| span.scope().from_root()) {
            if let Some(kept) = span.extensions().get::<Kept>() {
                all.0.extend(kept.fields.handed_on(self.choice.chooses(span.metadata())));
            }
        }
        all
    }
}

impl<S> Layer<S> for TracingLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if !self.choice.concerns(attributes.metadata()) {
            return;
        }
        let Some(span) = context.span(id) else { return };
        // Before anything of the span is locked: what a value does when it is written is its own affair.
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let mut start = None;
        if self.choice.chooses(attributes.metadata())
            && (self.emit_start || fields.0.contains_key("audit.start_type"))
        {
            let mut all = self.inherited(span.parent().as_ref());
            all.0.extend(fields.clone().0);
            start = self.record(Moment::Start, span.name(), all);
        }
        let kept = Kept { fields, begun: Instant::now(), start, failed: false };
        span.extensions_mut().replace(kept);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(kept) = span.extensions_mut().get_mut::<Kept>() {
            kept.fields.0.extend(fields.0);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let span = context.event_span(event);
        if *event.metadata().level() == Level::ERROR
            && let Some(span) = &span
            && let Some(kept) = span.extensions_mut().get_mut::<Kept>()
        {
            kept.failed = true;
        }
        if !self.choice.chooses(event.metadata()) {
            return;
        }
        let mut all = self.inherited(span.as_ref());
        event.record(&mut all);
        self.record(Moment::Plain, event.metadata().name(), all);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        if !self.choice.chooses(span.metadata()) {
            return;
        }
        let Some(kept) = span.extensions_mut().remove::<Kept>() else { return };
        let mut all = self.inherited(span.parent().as_ref());
        let Kept { fields, begun, start, failed } = kept;
        all.0.extend(fields.0);
        let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        all.0.entry("action.duration_ms").or_insert_with(|| milliseconds.into());
        if let Some(start) = start {
            all.0.insert("attempt", start.into());
        }
        let result = all.0.get("action.result").and_then(|result| result.as_str());
        let panics = std::thread::panicking();
        let went_wrong = match result {
            Some(result) => result == "failure",
            None => failed || panics || all.0.contains_key("error"),
        };
        if panics {
            all.0.entry("error").or_insert_with(|| "a panic ended it".into());
        }
        self.record(if went_wrong { Moment::Failure } else { Moment::Plain }, span.name(), all);
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

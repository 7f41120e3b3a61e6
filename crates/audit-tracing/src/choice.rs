use tracing_core::{Level, Metadata};

/// The field that makes a span or event an audit event, and names its type.
pub(crate) const EVENT_TYPE: &str = "audit.event_type";

/// Fields that are parts of an event: enclosing spans hand them on, whatever these are for.
const PARTS: &[&str] = &["action.", "actor.", "context.", "details.", "resource."];

/// Which spans and events become audit events.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) targets: Vec<String>,
}

impl Choice {
    /// Whether it becomes an audit event.
    pub(crate) fn chooses(&self, metadata: &Metadata<'_>) -> bool {
        let is_beneath = |target: &String| {
            metadata
                .target()
                .strip_prefix(target.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        self.targets.iter().any(is_beneath) || metadata.fields().field(EVENT_TYPE).is_some()
    }

    /// Whether it has to be looked at: it is chosen, hands fields on, or tells that the span around it failed.
    pub(crate) fn concerns(&self, metadata: &Metadata<'_>) -> bool {
        self.chooses(metadata)
            || (metadata.is_span() && metadata.fields().iter().any(|field| is_part(field.name())))
            || (metadata.is_event() && *metadata.level() == Level::ERROR)
    }
}

/// Whether a field is handed on by a span that is not chosen itself.
pub(crate) fn is_part(name: &str) -> bool {
    PARTS.iter().any(|part| name.starts_with(part))
}

/// Whether a field concerns the span or event alone that has it.
pub(crate) fn is_own(name: &str) -> bool {
    name.starts_with("audit.") || matches!(name, "action.result" | "action.duration_ms" | "error" | "message")
}

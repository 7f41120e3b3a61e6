//! What of a pipeline can be changed while it is open.

use std::fmt;
use std::sync::Arc;
#[cfg(feature = "delivery")]
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};

use crate::{OnFailure, Redaction, Selection};

/// One state of what can be changed: replaced as a whole, so that nobody sees half of a change.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) selections: Vec<Selection>,
    pub(crate) redaction: Redaction,
    pub(crate) on_failure: OnFailure,
    /// How long callers wait for required destinations.
    #[cfg(feature = "delivery")]
    pub(crate) patience: Duration,
    /// How long closing waits for destinations.
    #[cfg(feature = "delivery")]
    pub(crate) drain: Duration,
    #[cfg(feature = "delivery")]
    pub(crate) max_spool_bytes: Option<u64>,
    #[cfg(feature = "delivery")]
    pub(crate) before_close: Vec<Hook>,
}

#[cfg_attr(
    not(feature = "delivery"),
    allow(clippy::derivable_impls, reason = "with deliveries it has times that are not zero")
)]
impl Default for Settings {
    fn default() -> Self {
        Self {
            selections: Vec::new(),
            redaction: Redaction::default(),
            on_failure: OnFailure::default(),
            #[cfg(feature = "delivery")]
            patience: Duration::from_secs(10),
            #[cfg(feature = "delivery")]
            drain: Duration::from_secs(10),
            #[cfg(feature = "delivery")]
            max_spool_bytes: None,
            #[cfg(feature = "delivery")]
            before_close: Vec::new(),
        }
    }
}

/// Called when the pipeline is to be closed.
#[cfg(feature = "delivery")]
#[derive(Clone)]
pub(crate) struct Hook(pub(crate) Arc<dyn Fn() + Send + Sync>);

#[cfg(feature = "delivery")]
impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

/// The settings that are in force. Every emitter reads them with every event, and waits for nobody.
pub(crate) struct Live(ArcSwap<Settings>);

impl Live {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(ArcSwap::from_pointee(settings))
    }

    /// Those of this moment. To be let go soon.
    pub(crate) fn now(&self) -> Guard<Arc<Settings>> {
        self.0.load()
    }

    /// Replaces them. One who changes them at a time.
    pub(crate) fn set(&self, settings: Settings) {
        self.0.store(Arc::new(settings));
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.now().fmt(f)
    }
}

//! From opening to closing: which logs were opened again without having been closed.

use std::collections::BTreeMap;

use audit_model::{Event, EventType, Timestamp};

use crate::excerpt::excerpt;
use crate::kept::Kept;
use crate::{Gap, GapKind, Period};

/// What is known of the runs of every log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs {
    /// By the name that the records give the log: its first and its last opening or closing.
    logs: BTreeMap<String, (Mark, Mark)>,
    /// Those of one time by log and message: some are found only when parts are merged, so that none comes first.
    crashes: Kept<Gap, (Timestamp, String, String)>,
}

/// An opening or a closing.
#[derive(Clone, Debug)]
struct Mark {
    event_id: String,
    time: Timestamp,
    is_start: bool,
    torn_bytes: u64,
}

impl Runs {
    /// Takes the records of openings and closings, in the order in which they stand in the log, those before the period
    /// as well: the run that ends in it may have begun long before.
    pub(crate) fn observe(&mut self, event: &Event, period: Period) {
        let is_start = event.event_type == EventType::AUDIT_STARTED;
        if !is_start && event.event_type != EventType::AUDIT_STOPPED {
            return;
        }
        let name = event.resource.as_ref().and_then(|resource| resource.id.as_deref());
        let mark = Mark {
            event_id: event.event_id.to_string(),
            time: event.timestamp,
            is_start,
            torn_bytes: event.details.get("torn_bytes_cut").and_then(serde_json::Value::as_u64).unwrap_or(0),
        };
        self.follow(name.unwrap_or_default().to_owned(), (mark.clone(), mark), period);
    }

    pub(crate) fn merge(&mut self, later: Self, period: Period) {
        self.crashes.merge(later.crashes);
        for (log, marks) in later.logs {
            self.follow(log, marks, period);
        }
    }

    pub(crate) fn finish(self) -> crate::Section<Gap> {
        self.crashes.finish()
    }

    fn follow(&mut self, log: String, (first, last): (Mark, Mark), period: Period) {
        let Some(before) = self.logs.get_mut(&log) else {
            self.logs.insert(log, (first, last));
            return;
        };
        let opened = &before.1;
        // The same record, of another copy of the log, is not another opening.
        if opened.is_start
            && first.is_start
            && opened.event_id != first.event_id
            && period.contains(first.time)
        {
            let gap = crash(&log, opened, &first);
            self.crashes.push((first.time, log, gap.message.clone()), || gap);
        }
        before.1 = last;
    }
}

fn crash(log: &str, opened: &Mark, again: &Mark) -> Gap {
    let mut message = format!(
        "opened again, and not closed since {}: the writer was killed or crashed; what it had acknowledged is there",
        crate::wording::time(opened.time)
    );
    if again.torn_bytes > 0 {
        let bytes = crate::wording::count(again.torn_bytes, "byte");
        message += &format!("; {bytes} of a record that was never acknowledged were cut");
    }
    Gap {
        kind: GapKind::Crash,
        time: Some(again.time),
        log: Some(excerpt(log)).filter(|log| !log.is_empty()),
        first_sequence: None,
        last_sequence: None,
        events: None,
        message,
    }
}

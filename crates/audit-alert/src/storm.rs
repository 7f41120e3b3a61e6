//! How many alerts of a rule are told one by one.

use serde::{Deserialize, Serialize};

use crate::firing::Firing;

/// Alerts of one minute that were not told one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) alerts: u64,
    pub(crate) events: u64,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Storm {
    began: i64,
    told: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Summary>,
}

/// In milliseconds.
pub(crate) const MINUTE: i64 = 60_000;

impl Storm {
    /// Whether one more may be told by itself; if not, it goes into the summary.
    pub(crate) fn admits(&mut self, firing: &Firing, most: u32, now: i64) -> bool {
        if self.told == 0 {
            self.began = now;
        }
        if self.told < most {
            self.told += 1;
            return true;
        }
        let summary = self.summary.get_or_insert(Summary {
            first: firing.first,
            last: firing.last,
            ..Summary::default()
        });
        summary.alerts = summary.alerts.saturating_add(1);
        summary.events = summary.events.saturating_add(firing.count);
        (summary.first, summary.last) = (summary.first.min(firing.first), summary.last.max(firing.last));
        false
    }

    /// What was not told, once the minute is over, and when it began.
    pub(crate) fn end(&mut self, now: i64) -> Option<(i64, Summary)> {
        if !self.is_over(now) {
            return None;
        }
        self.told = 0;
        self.summary.take().map(|summary| (self.began, summary))
    }

    /// What was not told, before the minute is over, and when it began; another minute begins.
    pub(crate) fn cut_short(&mut self, now: i64) -> Option<(i64, Summary)> {
        let summary = self.summary.take()?;
        Some((std::mem::replace(&mut self.began, now), summary))
    }

    pub(crate) fn due(&self) -> Option<i64> {
        self.summary.as_ref().map(|_| self.began.saturating_add(MINUTE))
    }

    pub(crate) fn set_back(&mut self, now: i64) {
        self.began = self.began.min(now);
    }

    fn is_over(&self, now: i64) -> bool {
        now >= self.began.saturating_add(MINUTE)
    }
}

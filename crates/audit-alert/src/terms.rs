use std::time::Duration;

use crate::RuleOptions;
use crate::clock::milliseconds;

/// What a rule's options come to, in milliseconds: all that the windows reckon with.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) threshold: usize,
    pub(crate) window: i64,
    pub(crate) before: Option<Before>,
    /// How long an alert goes on after the last time that its condition held; zero: each event is an alert of its own.
    pub(crate) hold: i64,
    pub(crate) cooldown: i64,
    pub(crate) realert: bool,
    pub(crate) realert_max: i64,
    pub(crate) resolve: bool,
    pub(crate) absent: Option<i64>,
    pub(crate) grouped: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Before {
    pub(crate) threshold: usize,
    pub(crate) window: i64,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Terms {
    pub(crate) fn of(options: &RuleOptions) -> Self {
        let hold = [options.absent_for, options.resolve_after, options.window, options.cooldown];
        let hold = hold.into_iter().flatten().next().unwrap_or(Duration::ZERO);
        let before = options.preceded_by.as_ref().map(|before| Before {
            threshold: before.threshold as usize,
            window: milliseconds(before.window),
        });
        let cooldown = options.cooldown.unwrap_or(hold);
        let ends = options.absent_for.or(options.window).or(options.resolve_after).is_some();
        Self {
            threshold: options.threshold as usize,
            window: options.window.map_or(milliseconds(hold), milliseconds),
            before,
            hold: milliseconds(hold),
            cooldown: milliseconds(cooldown),
            realert: options.realert,
            realert_max: milliseconds(options.realert_max.unwrap_or(DAY.max(cooldown))),
            resolve: options.resolve.unwrap_or(ends),
            absent: options.absent_for.map(milliseconds),
            grouped: !options.group_by.is_empty(),
        }
    }

    /// How much older than its group's newest an event may be to be counted with others.
    pub(crate) fn reach(&self) -> i64 {
        2 * self.longest()
    }

    /// How far back from the newest event times matter to anything that may still come.
    pub(crate) fn memory(&self) -> i64 {
        3 * self.longest()
    }

    /// The pause after an alert that was repeated so often.
    pub(crate) fn pause(&self, repeat: u32) -> i64 {
        let doubled = self.cooldown.saturating_mul(1i64.checked_shl(repeat.min(40)).unwrap_or(1));
        doubled.min(self.realert_max)
    }

    fn longest(&self) -> i64 {
        self.before.as_ref().map_or(self.window, |before| before.window.max(self.window))
    }
}

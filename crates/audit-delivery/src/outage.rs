//! When it is to be known that a destination fails.

use std::time::{Duration, Instant};

use audit_model::Timestamp;

use crate::Failure;

/// A destination that has taken no records for some time, or takes them again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outage {
    /// The destination.
    pub destination: String,
    /// When it first took none.
    pub since: Timestamp,
    /// Why, the last time that it was tried.
    pub reason: String,
    /// How many durable records it lacks now, those that are not for it counted, too.
    pub lag: u64,
    /// It takes records again.
    pub is_over: bool,
}

/// When an [`Outage`] is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutageLimits {
    /// After it has failed for so long: what is over sooner is no news.
    pub after: Duration,
    /// At the earliest so long after the end of the one before was told: a place that comes and goes fills no log.
    pub apart: Duration,
}

impl Default for OutageLimits {
    /// After half a minute, and five minutes apart.
    fn default() -> Self {
        Self { after: Duration::from_secs(30), apart: Duration::from_secs(300) }
    }
}

/// What is known and was told of a destination's failure.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    limits: OutageLimits,
    /// Why it fails now, and when that was seen first.
    failing: Option<(Instant, Failure)>,
    /// It was told that it fails, and not yet that this is over.
    told: Option<Failure>,
    /// When it was last told that one is over.
    last_end: Option<Instant>,
}

impl Watch {
    /// Goes on with what an earlier run knew.
    pub(crate) fn new(limits: OutageLimits, known: Option<&Failure>, now: Instant) -> Self {
        let told = known.filter(|failure| failure.on_record).cloned();
        Self { limits, failing: known.map(|failure| (now, failure.clone())), told, last_end: None }
    }

    /// The same outage with other limits.
    pub(crate) fn limited(mut self, limits: OutageLimits) -> Self {
        self.limits = limits;
        self
    }

    /// It was tried in vain.
    pub(crate) fn failed(&mut self, failure: &Failure, now: Instant) {
        let begun = self.failing.as_ref().map_or(now, |(begun, _)| *begun);
        self.failing = Some((begun, failure.clone()));
        if let Some(told) = &mut self.told {
            told.message.clone_from(&failure.message);
        }
    }

    /// It answers.
    pub(crate) fn works(&mut self) {
        self.failing = None;
    }

    pub(crate) fn is_told(&self) -> bool {
        self.told.is_some()
    }

    /// What is to be told now, and whether that is over.
    pub(crate) fn due(&self, now: Instant) -> Option<(&Failure, bool)> {
        match (&self.failing, &self.told) {
            (Some((begun, failure)), None) => {
                let long_enough = now.saturating_duration_since(*begun) >= self.limits.after;
                let is_apart =
                    self.last_end.is_none_or(|end| now.saturating_duration_since(end) >= self.limits.apart);
                (long_enough && is_apart).then_some((failure, false))
            }
            (None, Some(failure)) => Some((failure, true)),
            _ => None,
        }
    }

    /// Somebody was told what was due.
    pub(crate) fn told(&mut self, failure: Failure, is_over: bool, now: Instant) {
        if is_over {
            self.told = None;
            self.last_end = Some(now);
        } else {
            self.told = Some(failure);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(message: &str) -> Failure {
        let since = Timestamp::from_milliseconds(1000).expect("a time");
        Failure { since, attempts: 1, message: message.to_owned(), on_record: false }
    }

    /// What is told at that second, as if it was taken.
    fn at(watch: &mut Watch, begun: Instant, second: u64) -> Option<(String, bool)> {
        let now = begun + Duration::from_secs(second);
        let (failure, is_over) = watch.due(now).map(|(failure, is_over)| (failure.clone(), is_over))?;
        watch.told(failure.clone(), is_over, now);
        Some((failure.message, is_over))
    }

    #[test]
    fn a_hiccup_is_not_told_and_a_long_failure_once() {
        let begun = Instant::now();
        let mut watch = Watch::new(OutageLimits::default(), None, begun);
        assert_eq!(at(&mut watch, begun, 1000), None, "nothing fails");
        watch.failed(&failure("503"), begun);
        assert_eq!(at(&mut watch, begun, 29), None);
        watch.works();
        assert_eq!(at(&mut watch, begun, 31), None, "it was over by then");
        watch.failed(&failure("503"), begun + Duration::from_secs(100));
        watch.failed(&failure("504"), begun + Duration::from_secs(129));
        assert_eq!(at(&mut watch, begun, 129), None);
        assert_eq!(at(&mut watch, begun, 130), Some(("504".to_owned(), false)));
        assert_eq!(at(&mut watch, begun, 1000), None, "once");
        watch.failed(&failure("505"), begun + Duration::from_secs(1000));
        watch.works();
        assert_eq!(at(&mut watch, begun, 1001), Some(("505".to_owned(), true)), "for the last reason");
        assert_eq!(at(&mut watch, begun, 1002), None, "once");
    }

    #[test]
    fn a_place_that_comes_and_goes_is_told_of_at_most_once_in_a_while() {
        let begun = Instant::now();
        let mut watch = Watch::new(OutageLimits::default(), None, begun);
        let mut told = Vec::new();
        // Forty seconds down and ten up, for an hour.
        for second in 0..3600 {
            match second % 50 {
                0..40 => watch.failed(&failure("503"), begun + Duration::from_secs(second)),
                _ => watch.works(),
            }
            told.extend(at(&mut watch, begun, second).map(|(_, is_over)| (second, is_over)));
        }
        assert_eq!(told.len(), 22, "{told:?}");
        assert!(told.chunks(2).all(|pair| !pair[0].1 && pair[1].1), "one ends before the next: {told:?}");
    }

    #[test]
    fn what_is_not_taken_is_told_again() {
        let begun = Instant::now();
        let mut watch = Watch::new(OutageLimits::default(), None, begun);
        watch.failed(&failure("503"), begun);
        let later = begun + Duration::from_secs(60);
        assert!(watch.due(later).is_some() && watch.due(later).is_some());
    }

    #[test]
    fn a_restart_goes_on() {
        let begun = Instant::now();
        let on_record = Failure { on_record: true, ..failure("503") };
        let mut watch = Watch::new(OutageLimits::default(), Some(&on_record), begun);
        assert_eq!(
            at(&mut watch, begun, 60),
            None,
            "it is on record already, and nobody knows that it is over"
        );
        watch.works();
        assert_eq!(at(&mut watch, begun, 61), Some(("503".to_owned(), true)));
        let mut watch = Watch::new(OutageLimits::default(), Some(&failure("503")), begun);
        assert_eq!(at(&mut watch, begun, 29), None);
        assert_eq!(at(&mut watch, begun, 30), Some(("503".to_owned(), false)));
    }
}

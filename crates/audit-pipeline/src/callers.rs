//! Callers who wait for required destinations.

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use audit_delivery::{Listener, Outage, Refused};
use audit_model::Timestamp;

use crate::completion::{Completion, Outcome};
use crate::pipeline::{Notices, note};
use crate::settings::Live;
use crate::{OnFailure, Recorder, lifecycle};

#[derive(Debug)]
pub(crate) struct Callers {
    /// In the order of the log.
    waiting: Mutex<VecDeque<Waiting>>,
    refused: Mutex<BTreeMap<u64, Arc<str>>>,
    live: Arc<Live>,
    notices: Notices,
    recorder: Recorder,
    log: PathBuf,
}

/// Records that a required destination did not confirm, and why.
type Unconfirmed = Vec<(RangeInclusive<u64>, Arc<str>)>;

/// The callers of one batch.
#[derive(Debug)]
struct Waiting {
    first: u64,
    last: u64,
    completion: Arc<Completion>,
    since: Instant,
}

impl Callers {
    pub(crate) fn new(live: Arc<Live>, notices: Notices, recorder: Recorder, log: PathBuf) -> Self {
        let (waiting, refused) = (Mutex::default(), Mutex::default());
        Self { waiting, refused, live, notices, recorder, log }
    }

    /// Has those of records `first` to `last` wait.
    pub(crate) fn wait(&self, completion: &Arc<Completion>, first: u64, last: u64) {
        let (completion, since) = (Arc::clone(completion), Instant::now());
        lock(&self.waiting).push_back(Waiting { first, last, completion, since });
    }

    /// Nothing will be confirmed any more.
    pub(crate) fn end(&self) {
        let left = std::mem::take(&mut *lock(&self.waiting));
        for waiting in left {
            let reason = "the log was closed before a required destination confirmed it".into();
            waiting.unconfirmed(vec![(waiting.first..=waiting.last, reason)]);
        }
    }
}

impl Waiting {
    fn recorded(&self) {
        self.answer(Outcome::Recorded(self.first));
    }

    fn unconfirmed(&self, which: Unconfirmed) {
        self.answer(Outcome::Unconfirmed(self.first, which.into()));
    }

    /// Wakers are somebody else's code: one that panics is no reason to deliver no more.
    fn answer(&self, outcome: Outcome) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.completion.complete(outcome)));
    }
}

impl Listener for Callers {
    fn notice(&self, sentence: String) {
        note(&self.notices, sentence);
    }

    fn acknowledged(&self, through: u64, refused: Vec<Refused>) {
        // Answered when nothing is locked any more: wakers may do anything.
        let mut answers: Vec<(Waiting, Unconfirmed)> = Vec::new();
        let mut told = lock(&self.refused);
        told.extend(refused.into_iter().map(|it| {
            (it.sequence_number, format!("destination `{}` refused it: {}", it.destination, it.reason).into())
        }));
        let mut waiting = lock(&self.waiting);
        while let Some(first) = pop_if(&mut waiting, |first| first.last <= through) {
            let which: Vec<_> =
                told.range(first.first..=first.last).map(|(at, why)| (*at..=*at, Arc::clone(why))).collect();
            answers.push((first, which));
        }
        *told = told.split_off(&waiting.front().map_or(through.saturating_add(1), |first| first.first));
        let (on_failure, patience) = {
            let now = self.live.now();
            (now.on_failure, now.patience)
        };
        let is_over = |first: &Waiting| on_failure != OnFailure::Block && first.since.elapsed() >= patience;
        while let Some(first) = pop_if(&mut waiting, is_over) {
            let reason = format!("no confirmation from a required destination within {patience:?}");
            let which = (on_failure != OnFailure::Permit).then(|| (first.first..=first.last, reason.into()));
            answers.push((first, which.into_iter().collect()));
        }
        drop((waiting, told));
        for (waiting, which) in answers {
            if which.is_empty() {
                waiting.recorded();
            } else {
                waiting.unconfirmed(which);
            }
        }
    }

    fn outage(&self, outage: &Outage) -> bool {
        self.recorder.put(&lifecycle::outage(Timestamp::now(), &self.log, outage))
    }
}

fn pop_if(waiting: &mut VecDeque<Waiting>, goes: impl Fn(&Waiting) -> bool) -> Option<Waiting> {
    if waiting.front().is_some_and(goes) { waiting.pop_front() } else { None }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

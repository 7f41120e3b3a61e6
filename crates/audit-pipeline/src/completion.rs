//! How the callers of a batch learn what became of it.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Poll, Waker};

use crate::{EmitError, Receipt};

/// Shared by all callers of one batch: one allocation for the batch, none for an event.
#[derive(Debug, Default)]
pub(crate) struct Completion {
    /// Blocked callers wait on it, and read it without a lock: sixty-four threads that are woken at once would queue
    /// for one.
    outcome: OnceLock<Outcome>,
    wakers: Mutex<Vec<Waker>>,
}

/// What became of the batch's events.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// They are in the log, numbered from this on.
    Recorded(u64),
    /// They are in the log, numbered from this on, and required destinations have not confirmed these of them.
    #[cfg_attr(not(feature = "delivery"), allow(dead_code, reason = "only destinations are required"))]
    Unconfirmed(u64, Arc<[(RangeInclusive<u64>, Arc<str>)]>),
    Dropped,
    Failed(EmitError),
}

impl Completion {
    /// Answers the callers; the first answer counts.
    pub(crate) fn complete(&self, outcome: Outcome) {
        let _ = self.outcome.set(outcome);
        let wakers = std::mem::take(&mut *self.wakers.lock().unwrap_or_else(PoisonError::into_inner));
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// One caller's place in a batch.
#[derive(Debug)]
pub(crate) struct Ticket {
    completion: Arc<Completion>,
    index: u64,
    /// Where its waker is among those of the batch.
    waker: Option<usize>,
}

impl Ticket {
    pub(crate) fn new(completion: &Arc<Completion>, index: usize) -> Self {
        Self { completion: Arc::clone(completion), index: index as u64, waker: None }
    }

    fn result(&self, outcome: &Outcome) -> Result<Receipt, EmitError> {
        match outcome {
            Outcome::Recorded(first) => Ok(Receipt::Recorded { sequence_number: first + self.index }),
            Outcome::Unconfirmed(first, which) => {
                let sequence_number = first + self.index;
                match which.iter().find(|(range, _)| range.contains(&sequence_number)) {
                    Some((_, reason)) => {
                        Err(EmitError::Undelivered { sequence_number, reason: Arc::clone(reason) })
                    }
                    None => Ok(Receipt::Recorded { sequence_number }),
                }
            }
            Outcome::Dropped => Ok(Receipt::Dropped),
            Outcome::Failed(error) => Err(error.clone()),
        }
    }

    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<Result<Receipt, EmitError>> {
        let mut wakers = self.completion.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at under the lock: the outcome is set before the wakers are taken.
        if let Some(outcome) = self.completion.outcome.get() {
            return Poll::Ready(self.result(outcome));
        }
        match self.waker {
            Some(at) => wakers[at].clone_from(waker),
            None => {
                self.waker = Some(wakers.len());
                wakers.push(waker.clone());
            }
        }
        Poll::Pending
    }

    pub(crate) fn wait(&self) -> Result<Receipt, EmitError> {
        self.result(self.completion.outcome.wait())
    }
}

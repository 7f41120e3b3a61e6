//! How the callers of a batch learn what became of it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::{EmitError, Receipt};

/// Shared by all callers of one batch: one allocation for the batch, none for an event.
#[derive(Debug, Default)]
pub(crate) struct Completion {
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    outcome: Option<Outcome>,
    wakers: Vec<Waker>,
    blocked: usize,
}

/// What became of the batch's events.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// They are in the log, numbered from this on.
    Recorded(u64),
    Dropped,
    Failed(EmitError),
}

impl Completion {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers the callers; the first answer counts.
    pub(crate) fn complete(&self, outcome: Outcome) {
        let (wakers, blocked) = {
            let mut state = self.lock();
            state.outcome.get_or_insert(outcome);
            (std::mem::take(&mut state.wakers), state.blocked)
        };
        if blocked > 0 {
            self.done.notify_all();
        }
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
            Outcome::Dropped => Ok(Receipt::Dropped),
            Outcome::Failed(error) => Err(error.clone()),
        }
    }

    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<Result<Receipt, EmitError>> {
        let mut state = self.completion.lock();
        if let Some(outcome) = &state.outcome {
            return Poll::Ready(self.result(outcome));
        }
        match self.waker {
            Some(at) => state.wakers[at].clone_from(waker),
            None => {
                self.waker = Some(state.wakers.len());
                state.wakers.push(waker.clone());
            }
        }
        Poll::Pending
    }

    pub(crate) fn wait(&self) -> Result<Receipt, EmitError> {
        let mut state = self.completion.lock();
        state.blocked += 1;
        loop {
            if let Some(outcome) = &state.outcome {
                return self.result(outcome);
            }
            state = self.completion.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// The order in which events are tried again that the log would not take, and behind which later ones wait.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// Who waits, and may have to be woken.
    waiting: BTreeMap<u64, Option<Waker>>,
    /// Whether the log took what was tried last: then nobody waits for more than the one before being on its way.
    takes: bool,
}

/// The place of one event.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    number: u64,
    is_waiting: bool,
}

impl Turns {
    /// Behind all that came before. It has to wait if one of them does.
    pub(crate) fn take(self: &Arc<Self>) -> Turn {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        let is_waiting = !state.waiting.is_empty();
        if is_waiting {
            state.waiting.insert(number, None);
        }
        Turn { turns: Arc::clone(self), number, is_waiting }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Whether one that came before is not taken yet.
    pub(crate) fn has_to_wait(&self) -> bool {
        self.is_waiting
    }

    /// The log did not take it: whatever comes later waits for it.
    pub(crate) fn failed(&mut self) {
        let mut state = self.turns.lock();
        state.takes = false;
        state.waiting.entry(self.number).or_default();
        self.is_waiting = true;
    }

    /// The log took it, or never will.
    pub(crate) fn taken(&mut self) {
        self.turns.lock().takes = true;
        self.leave();
    }

    /// Waits until nobody waits that came before.
    pub(crate) async fn wait(&self) {
        poll_fn(|context| {
            let mut state = self.turns.lock();
            if state.waiting.first_key_value().is_none_or(|(first, _)| *first >= self.number) {
                return Poll::Ready(());
            }
            state.waiting.insert(self.number, Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// Whether the log took what was tried last.
    pub(crate) fn log_takes(&self) -> bool {
        self.turns.lock().takes
    }

    /// It is on its way: the next may be, too, unless the log did not take what was tried last.
    pub(crate) fn is_on_its_way(&mut self) {
        if self.log_takes() {
            self.leave();
        }
    }

    fn leave(&mut self) {
        if !std::mem::take(&mut self.is_waiting) {
            return;
        }
        let mut state = self.turns.lock();
        state.waiting.remove(&self.number);
        let next = state.waiting.first_entry().and_then(|mut first| first.get_mut().take());
        drop(state);
        if let Some(next) = next {
            next.wake();
        }
    }
}

/// Whoever is dropped holds up nobody.
impl Drop for Turn {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::Turns;
    use futures_util::FutureExt as _;
    use std::sync::Arc;

    #[test]
    fn what_failed_first_is_tried_first_and_the_rest_follows_at_once() {
        let turns = Arc::<Turns>::default();
        let (mut first, mut second) = (turns.take(), turns.take());
        assert!(!first.has_to_wait() && !second.has_to_wait());
        second.failed();
        first.failed();
        let mut third = turns.take();
        assert!(third.has_to_wait());
        assert!(first.wait().now_or_never().is_some());
        assert!(second.wait().now_or_never().is_none());
        first.is_on_its_way();
        assert!(second.wait().now_or_never().is_none(), "it may fail again");
        first.taken();
        assert!(second.wait().now_or_never().is_some());
        assert!(third.wait().now_or_never().is_none());
        second.is_on_its_way();
        assert!(third.wait().now_or_never().is_some(), "the log takes them now");
        third.is_on_its_way();
        assert!(!turns.take().has_to_wait());
        second.failed();
        let fourth = turns.take();
        assert!(fourth.wait().now_or_never().is_none());
        drop(second);
        assert!(fourth.wait().now_or_never().is_some(), "who is gone is not waited for");
    }
}

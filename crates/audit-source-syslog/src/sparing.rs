use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Says when something that anybody can bring about again and again may be told: at once when it happens first, then once a minute at
/// most.
#[derive(Debug, Default)]
pub(crate) struct Sparing(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    told: Option<Instant>,
    untold: u64,
}

const PAUSE: Duration = Duration::from_secs(60);

impl Sparing {
    /// Notes that it happened: how often since it was last told, if it is to be told now.
    pub(crate) fn note(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.untold += 1;
        if state.told.is_some_and(|told| now.duration_since(told) < PAUSE) {
            return None;
        }
        state.told = Some(now);
        Some(std::mem::take(&mut state.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once_a_minute_with_how_often() {
        let (sparing, start) = (Sparing::default(), Instant::now());
        let at = |seconds| sparing.note(start + Duration::from_secs(seconds));
        let told: Vec<_> = [0, 1, 59, 60, 61, 500].into_iter().map(at).collect();
        assert_eq!(told, [Some(1), None, None, Some(3), None, Some(2)]);
    }
}

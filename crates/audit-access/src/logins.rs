use std::collections::HashMap;
use std::net::IpAddr;

use audit_model::{Action, Event, EventType, Timestamp};

use crate::Caller;
use crate::network::network;

/// What is put on record of credentials that are used: `auth.login` when one is first used from a network, and again after an hour in
/// which it was not. Callers without a name have no credential, and are not recorded.
///
/// 4096 uses are remembered at a time; those beyond that are counted, in one record a minute, so that a stolen credential that is used from
/// everywhere neither fills the memory nor the log.
#[derive(Debug, Default)]
pub struct Logins {
    used: HashMap<(String, Option<IpAddr>), Timestamp>,
    more: Option<More>,
    swept: Option<Timestamp>,
}

const MAX_USES: usize = 4096;

/// In milliseconds.
const SILENCE: i64 = 3_600_000;

/// In milliseconds.
const WINDOW: i64 = 60_000;

#[derive(Debug)]
struct More {
    pending: u64,
    recorded: Timestamp,
}

impl Logins {
    /// Nothing so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that a caller was let in, and returns the event to be recorded, if it is time for one.
    #[must_use]
    pub fn note(&mut self, caller: &Caller, now: Timestamp) -> Option<Event> {
        if caller.is_anonymous() {
            return None;
        }
        let key = (caller.identity.clone(), caller.peer.map(network));
        if let Some(used) = self.used.get_mut(&key) {
            let was_silent = elapsed(*used, now) >= SILENCE;
            *used = now;
            return was_silent.then(|| login(caller, now));
        }
        if self.used.len() >= MAX_USES {
            self.make_room(now);
        }
        if self.used.len() < MAX_USES {
            self.used.insert(key, now);
            return Some(login(caller, now));
        }
        let is_new = self.more.is_none();
        let more = self.more.get_or_insert(More { pending: 0, recorded: now });
        more.pending += 1;
        if !is_new && elapsed(more.recorded, now) < WINDOW {
            return None;
        }
        let event = more.event(now);
        Some(caller_of(event, caller))
    }

    /// The event of uses that were only counted, if its time has come. To be called about once a minute.
    #[must_use]
    pub fn flush(&mut self, now: Timestamp) -> Option<Event> {
        let more = self.more.as_mut().filter(|more| elapsed(more.recorded, now) >= WINDOW)?;
        if more.pending > 0 {
            return Some(more.event(now));
        }
        self.more = None;
        None
    }

    /// A walk over all, so at most one a second.
    fn make_room(&mut self, now: Timestamp) {
        if self.swept.is_none_or(|swept| elapsed(swept, now) >= 1000) {
            self.swept = Some(now);
            self.used.retain(|_, used| elapsed(*used, now) < SILENCE);
        }
    }
}

impl More {
    fn event(&mut self, now: Timestamp) -> Event {
        let mut event = Event::at(now, EventType::AUTH_LOGIN).detail("count", self.pending);
        event.action = Some(Action::success("authenticate"));
        self.pending = 0;
        self.recorded = now;
        event
    }
}

fn login(caller: &Caller, now: Timestamp) -> Event {
    let method = caller.identity.split(':').next().unwrap_or_default();
    let mut event = Event::at(now, EventType::AUTH_LOGIN).detail("method", method);
    event.action = Some(Action::success("authenticate"));
    caller_of(event, caller)
}

fn caller_of(mut event: Event, caller: &Caller) -> Event {
    event.actor = Some(caller.actor());
    event
}

/// A clock that was set back counts as if all that time had passed.
fn elapsed(earlier: Timestamp, later: Timestamp) -> i64 {
    let elapsed = later.as_milliseconds() - earlier.as_milliseconds();
    if elapsed < 0 { i64::MAX } else { elapsed }
}

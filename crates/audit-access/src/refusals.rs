use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use audit_model::{Action, Actor, Event, EventType, Map, Timestamp, Value};

use crate::network::network;
use crate::{Denial, Presented, Role};

/// What is put on record of those who were refused: each kind of refusal at once when it first happens, then at most once a minute, with how
/// often it happened since.
///
/// A kind is a network, a reason, and whom they claimed to be. 256 kinds are told apart at a time; what is beyond that goes into one
/// record for each type of event. So a flood from any number of addresses writes at most 258 records a minute, their `count`s add up to
/// exactly how many refusals there were, and the memory that it takes is bounded.
///
/// Refused for what they showed is `auth.failed`; refused though it is known who they are (role, rate) is `access.denied`. Nothing
/// that was shown is in the record, but a name: of a token that there is, of a signed token's subject, of a certificate.
#[derive(Debug, Default)]
pub struct Refusals {
    kept: HashMap<Kind, Kept>,
    overflow: [Option<Kept>; 2],
    swept: Option<Timestamp>,
}

const MAX_KINDS: usize = 256;

/// How long after one record of a kind the next one is, in milliseconds.
const WINDOW: i64 = 60_000;

const MAX_TEXT: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    peer: Option<IpAddr>,
    reason: &'static str,
    claimed: Option<String>,
    needed: Option<Role>,
}

#[derive(Debug)]
struct Kept {
    recorded: Timestamp,
    pending: u64,
    first: Timestamp,
    last: Timestamp,
    last_peer: Option<IpAddr>,
    last_request: String,
    /// How often each reason, where kinds are not told apart.
    reasons: BTreeMap<&'static str, u64>,
}

impl Refusals {
    /// Nothing so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a refusal of `request` (such as `POST /v1/events`; what follows a `?` is left out, since secrets are put there), and returns the
    /// event to be recorded, if it is time for one.
    #[must_use]
    pub fn note(
        &mut self,
        denial: &Denial,
        presented: &Presented<'_>,
        request: &str,
        now: Timestamp,
    ) -> Option<Event> {
        let kind = Kind::of(denial, presented);
        if !self.kept.contains_key(&kind) && self.kept.len() >= MAX_KINDS {
            self.make_room(now);
        }
        let reason = kind.reason;
        if self.kept.len() >= MAX_KINDS && !self.kept.contains_key(&kind) {
            let authenticated = kind.is_authenticated();
            let kept = &mut self.overflow[usize::from(authenticated)];
            let is_new = kept.is_none();
            let kept = kept.get_or_insert_with(|| Kept::new(now));
            kept.add(presented.peer, request, now);
            *kept.reasons.entry(reason).or_default() += 1;
            return (is_new || kept.is_due(now)).then(|| kept.various(authenticated, now));
        }
        let is_new = !self.kept.contains_key(&kind);
        let kept = self.kept.entry(kind.clone()).or_insert_with(|| Kept::new(now));
        kept.add(presented.peer, request, now);
        (is_new || kept.is_due(now)).then(|| kept.event(&kind, now))
    }

    /// The events whose time has come, of refusals that were not followed by another one. To be called about once a minute.
    #[must_use]
    pub fn flush(&mut self, now: Timestamp) -> Vec<Event> {
        let events = self.take(now, |kept| kept.is_due(now));
        self.make_room(now);
        events
    }

    /// The events of all refusals that are not yet on record, whether their time has come or not: for the end.
    #[must_use]
    pub fn drain(&mut self, now: Timestamp) -> Vec<Event> {
        self.take(now, |_| true)
    }

    fn take(&mut self, now: Timestamp, is_due: impl Fn(&Kept) -> bool) -> Vec<Event> {
        let is_due = |kept: &Kept| kept.pending > 0 && is_due(kept);
        let mut events: Vec<_> = self
            .kept
            .iter_mut()
            .filter(|(_, kept)| is_due(kept))
            .map(|(kind, kept)| (kept.first, kept.event(kind, now)))
            .collect();
        for (authenticated, kept) in [false, true].into_iter().zip(&mut self.overflow) {
            if let Some(kept) = kept.as_mut().filter(|kept| is_due(kept)) {
                events.push((kept.first, kept.various(authenticated, now)));
            }
        }
        events.sort_by_key(|(first, _)| *first);
        events.into_iter().map(|(_, event)| event).collect()
    }

    /// Forgets kinds that have been quiet for as long as it takes to be worth a record at once again. That is a walk over all, so at most one a
    /// second.
    fn make_room(&mut self, now: Timestamp) {
        if self
            .swept
            .is_some_and(|swept| (0..1000).contains(&(now.as_milliseconds() - swept.as_milliseconds())))
        {
            return;
        }
        self.swept = Some(now);
        let is_over = |kept: &Kept| kept.pending == 0 && kept.is_due(now);
        self.kept.retain(|_, kept| !is_over(kept));
        for kept in &mut self.overflow {
            if kept.as_ref().is_some_and(is_over) {
                *kept = None;
            }
        }
    }
}

impl Kind {
    fn of(denial: &Denial, presented: &Presented<'_>) -> Self {
        let (reason, claimed, needed) = match denial {
            Denial::NoCredentials => ("no_credentials", None, None),
            Denial::Unauthenticated { reason, claimed } => (*reason, claimed.clone(), None),
            Denial::MissingRole { identity, needed } => (MISSING_ROLE, Some(identity.clone()), Some(*needed)),
            // A network is nobody, and is there as the peer.
            Denial::RateLimited { identity, .. } => {
                (RATE_LIMITED, Some(identity.clone()).filter(|identity| !identity.starts_with("peer:")), None)
            }
        };
        let claimed = claimed.map(|text| clipped(&text));
        Self { peer: presented.peer.map(network), reason, claimed, needed }
    }

    fn is_authenticated(&self) -> bool {
        [MISSING_ROLE, RATE_LIMITED].contains(&self.reason)
    }
}

impl Kept {
    fn new(now: Timestamp) -> Self {
        Self {
            recorded: now,
            pending: 0,
            first: now,
            last: now,
            last_peer: None,
            last_request: String::new(),
            reasons: BTreeMap::new(),
        }
    }

    fn add(&mut self, peer: Option<IpAddr>, request: &str, now: Timestamp) {
        if self.pending == 0 {
            self.first = now;
        }
        self.pending += 1;
        self.last = now;
        self.last_peer = peer;
        self.last_request = clipped(request.split('?').next().unwrap_or_default());
    }

    /// Also when the clock was set back, so that nothing waits for it to catch up.
    fn is_due(&self, now: Timestamp) -> bool {
        !(0..WINDOW).contains(&(now.as_milliseconds() - self.recorded.as_milliseconds()))
    }

    fn event(&mut self, kind: &Kind, now: Timestamp) -> Event {
        let mut actor = Actor::default();
        actor.id.clone_from(&kind.claimed);
        if let Some(peer) = self.last_peer {
            actor = actor.ip_address(peer.to_canonical().to_string());
        }
        let mut details = Map::new();
        details.insert("reason".into(), kind.reason.into());
        if let Some(needed) = kind.needed {
            details.insert("required_role".into(), needed.as_str().into());
        }
        self.finish(kind.is_authenticated(), actor, details, now)
    }

    fn various(&mut self, authenticated: bool, now: Timestamp) -> Event {
        let reasons: Map = std::mem::take(&mut self.reasons)
            .into_iter()
            .map(|(reason, n)| (reason.to_owned(), n.into()))
            .collect();
        let details = Map::from_iter([
            ("reason".to_owned(), "various".into()),
            ("reasons".to_owned(), Value::Object(reasons)),
        ]);
        self.finish(authenticated, Actor::default(), details, now)
    }

    fn finish(&mut self, authenticated: bool, actor: Actor, mut details: Map, now: Timestamp) -> Event {
        let (event_type, action) = if authenticated {
            (EventType::ACCESS_DENIED, Action::denied(&self.last_request))
        } else {
            (EventType::AUTH_FAILED, Action::failure("authenticate"))
        };
        details.insert("operation".into(), std::mem::take(&mut self.last_request).into());
        details.insert("count".into(), self.pending.into());
        if self.pending > 1 {
            details.insert("first".into(), self.first.to_string().into());
            details.insert("last".into(), self.last.to_string().into());
        }
        self.pending = 0;
        self.recorded = now;
        let mut event = Event::at(now, event_type);
        event.actor = Some(actor).filter(|actor| *actor != Actor::default());
        event.action = Some(action);
        event.details = details;
        event
    }
}

const MISSING_ROLE: &str = "missing_role";

const RATE_LIMITED: &str = "rate_limited";

fn clipped(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use audit_model::{Event, EventId, EventPattern, MAX_SAFE_INTEGER, Timestamp, Value};

/// Makes one event of identical ones that happen within a window, with how many they are (`count`) and when the first and
/// the last of them happened (`start_time`, `end_time`).
///
/// Events are identical if all of them is, but for `event_id`, `timestamp`, `count`, `start_time`, `end_time` and `logged_time`. The window
/// is one of their time, not of the clock: the events of a group are at most so far apart, in whatever order they come. A
/// window of zero joins events of the same millisecond.
///
/// Each event brings an item of the caller's along, such as its record's number, and none is lost: it comes out with the
/// event that its own went into.
///
/// ```
/// use std::time::Duration;
///
/// use audit_model::{Event, EventType, Timestamp};
/// use audit_ocsf::Coalescer;
///
/// let at = |milliseconds: i64| Timestamp::from_milliseconds(1_700_533_480_000 + milliseconds);
/// let denied = |milliseconds| at(milliseconds).map(|time| Event::at(time, EventType::ACCESS_DENIED));
/// let mut coalescer = Coalescer::new().rule(["access.*".parse()?], Duration::from_secs(60));
/// assert!(coalescer.push(denied(724)?, "first").is_empty());
/// assert!(coalescer.push(denied(725)?, "second").is_empty());
/// let login = Event::at(at(726)?, EventType::AUTH_LOGIN);
/// assert_eq!(coalescer.push(login.clone(), "other")[0].event, login, "no rule is about it");
///
/// let both = coalescer.finish().remove(0);
/// assert_eq!(both.items, ["first", "second"]);
/// assert_eq!(both.event.extra["count"], 2);
/// assert_eq!(both.event.extra["start_time"], "2023-11-21T02:24:40.724Z");
/// assert_eq!(both.event.extra["end_time"], "2023-11-21T02:24:40.725Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What comes out
/// - An event that nothing was joined with, as it came, to the last field.
/// - Of several, the one that came first, with its id; its `timestamp` is the earliest of all, `count` the sum of theirs (an
///   event without one counts once), `start_time` and `end_time` the earliest and the latest time that any of them names, in
///   RFC 3339, UTC, with milliseconds. So what was coalesced before can be coalesced again.
/// - At once, by itself and as it came: an event that no rule is about; one that has no canonical JSON; one whose own times are
///   farther apart than the window; and one whose `count` is no whole number from 1 to 2^53 − 1, or whose `start_time` or
///   `end_time` is no RFC 3339 time: there, those fields mean something else.
/// - A `count` never goes beyond 2^53 − 1: a group whose sum would is given out, and another one begins. So the sum of all that
///   comes out is the sum of all that went in.
///
/// # Bounds
/// Of groups ([`max_groups`](Self::max_groups), 10 000), of items in them ([`max_items`](Self::max_items), 100 000) and of the
/// canonical JSON of their events ([`max_bytes`](Self::max_bytes), 16 MiB; the memory is some times that). Beyond any of them
/// the group that began first is given out.
#[derive(Debug)]
pub struct Coalescer<T> {
    rules: Vec<Rule>,
    max_groups: usize,
    max_items: usize,
    max_bytes: usize,
    /// By when they began.
    groups: BTreeMap<u64, Group<T>>,
    /// Which group has events like this one. The whole text, and no hash of it: no two different events may ever be joined.
    by_content: HashMap<Arc<[u8]>, u64>,
    /// When groups can no longer be joined, so that [`expire`](Self::expire) looks at no other.
    by_end: BTreeSet<(i64, u64)>,
    begun: u64,
    items: usize,
    bytes: usize,
}

/// An event that stands for all that went into it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Coalesced<T> {
    /// The event.
    pub event: Event,
    /// The items of all events that went into it, in the order in which they came.
    pub items: Vec<T>,
}

#[derive(Debug)]
struct Rule {
    /// None: all types.
    events: Vec<EventPattern>,
    /// In milliseconds.
    window: i64,
}

#[derive(Debug)]
struct Group<T> {
    content: Arc<[u8]>,
    window: i64,
    event: Event,
    span: Span,
    count: u64,
    items: Vec<T>,
}

/// The earliest and the latest time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: i64,
    last: i64,
}

const COUNT: &str = "count";
const START_TIME: &str = "start_time";
/// When the log got it is no more of its content than when it happened.
const LOGGED_TIME: &str = "logged_time";
const END_TIME: &str = "end_time";

impl<T> Default for Coalescer<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Coalescer<T> {
    /// One without a rule, which coalesces nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            rules: Vec::new(),
            max_groups: 10_000,
            max_items: 100_000,
            max_bytes: 16 << 20,
            groups: BTreeMap::new(),
            by_content: HashMap::new(),
            by_end: BTreeSet::new(),
            begun: 0,
            items: 0,
            bytes: 0,
        }
    }

    /// Coalesces events of these types, or of all types if none is named, that are at most `window` apart. For each event the
    /// first rule counts that is about its type.
    #[must_use]
    pub fn rule(mut self, events: impl IntoIterator<Item = EventPattern>, window: Duration) -> Self {
        let window = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        self.rules.push(Rule { events: events.into_iter().collect(), window });
        self
    }

    /// Sets how many groups there may be at once.
    #[must_use]
    pub fn max_groups(mut self, groups: usize) -> Self {
        self.max_groups = groups;
        self
    }

    /// Sets how many items there may be in all groups together.
    #[must_use]
    pub fn max_items(mut self, items: usize) -> Self {
        self.max_items = items;
        self
    }

    /// Sets how many bytes the events of all groups may have as canonical JSON, one event a group.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Adds an event, and returns what is complete because of it: the group that it came too early or too late for, groups that
    /// there is no more room for, and the event itself where it is not to be coalesced.
    #[must_use]
    pub fn push(&mut self, mut event: Event, item: T) -> Vec<Coalesced<T>> {
        let is_about = |rule: &&Rule| {
            rule.events.is_empty() || rule.events.iter().any(|pattern| pattern.matches(&event.event_type))
        };
        let window = self.rules.iter().find(is_about).map(|rule| rule.window);
        let alone = |event, item| vec![Coalesced { event, items: vec![item] }];
        let Some(window) = window else { return alone(event, item) };
        let Some((count, span)) = event_count(&event).zip(span_of(&event)) else { return alone(event, item) };
        if !span.fits(window) {
            return alone(event, item);
        }
        let Some(content) = content_of(&mut event) else { return alone(event, item) };
        let mut complete = Vec::new();
        if let Some(&id) = self.by_content.get(content.as_slice()) {
            if self.can_join(id, count, span) {
                self.join(id, count, span, item);
                self.make_room(&mut complete);
                return complete;
            }
            complete.extend(self.take(id));
        }
        self.begin(Group { content: content.into(), window, event, span, count, items: vec![item] });
        self.make_room(&mut complete);
        complete
    }

    /// Returns the groups that no event of the time `now`, or later, can join, those that began first at the front.
    #[must_use]
    pub fn expire(&mut self, now: Timestamp) -> Vec<Coalesced<T>> {
        let over = self.by_end.range(..(now.as_milliseconds(), 0));
        let mut over: Vec<u64> = over.map(|(_, id)| *id).collect();
        over.sort_unstable();
        over.into_iter().filter_map(|id| self.take(id)).collect()
    }

    /// Returns all groups that are left, those that began first at the front.
    #[must_use]
    pub fn finish(&mut self) -> Vec<Coalesced<T>> {
        self.by_content.clear();
        self.by_end.clear();
        (self.items, self.bytes) = (0, 0);
        std::mem::take(&mut self.groups).into_values().map(Group::coalesced).collect()
    }

    fn can_join(&self, id: u64, count: u64, span: Span) -> bool {
        let joins = |group: &Group<T>| {
            group.span.with(span).fits(group.window) && group.count + count <= MAX_SAFE_INTEGER
        };
        self.groups.get(&id).is_some_and(joins)
    }

    fn join(&mut self, id: u64, count: u64, span: Span, item: T) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        self.by_end.remove(&(group.ends(), id));
        group.span = group.span.with(span);
        group.count += count;
        group.items.push(item);
        self.by_end.insert((group.ends(), id));
        self.items += 1;
    }

    fn begin(&mut self, group: Group<T>) {
        let id = self.begun;
        self.begun += 1;
        self.items += group.items.len();
        self.bytes += group.content.len();
        self.by_content.insert(Arc::clone(&group.content), id);
        self.by_end.insert((group.ends(), id));
        self.groups.insert(id, group);
    }

    fn take(&mut self, id: u64) -> Option<Coalesced<T>> {
        let group = self.groups.remove(&id)?;
        self.by_content.remove(&group.content);
        self.by_end.remove(&(group.ends(), id));
        self.items -= group.items.len();
        self.bytes -= group.content.len();
        Some(group.coalesced())
    }

    fn make_room(&mut self, complete: &mut Vec<Coalesced<T>>) {
        while self.groups.len() > self.max_groups
            || self.items > self.max_items
            || self.bytes > self.max_bytes
        {
            let Some((&oldest, _)) = self.groups.first_key_value() else { break };
            complete.extend(self.take(oldest));
        }
    }
}

impl<T> Group<T> {
    /// The time of the last event that could still join, in milliseconds.
    fn ends(&self) -> i64 {
        self.span.first.saturating_add(self.window)
    }

    fn coalesced(self) -> Coalesced<T> {
        let Self { mut event, span, count, items, .. } = self;
        if items.len() > 1 {
            let time = |milliseconds| {
                Timestamp::from_milliseconds(milliseconds).expect("the time of one of the events")
            };
            event.timestamp = time(span.first);
            event.extra.insert(COUNT.to_owned(), count.into());
            event.extra.insert(START_TIME.to_owned(), time(span.first).to_string().into());
            event.extra.insert(END_TIME.to_owned(), time(span.last).to_string().into());
        }
        Coalesced { event, items }
    }
}

impl Span {
    fn with(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }

    fn fits(self, window: i64) -> bool {
        self.last - self.first <= window
    }
}

/// How many events an event stands for: its `count`, or one. `None` if it has a `count` that is no number of events, from 1
/// to 2^53 − 1.
#[must_use]
pub fn event_count(event: &Event) -> Option<u64> {
    let Some(count) = event.extra.get(COUNT) else { return Some(1) };
    // 2.0 has the same canonical text as 2.
    let whole =
        || count.as_f64().filter(|count| count.fract() == 0.0 && *count >= 1.0).map(|count| count as u64);
    count.as_u64().or_else(whole).filter(|count| (1..=MAX_SAFE_INTEGER).contains(count))
}

/// From when to when the events happened that an event stands for; `None` if its times are not ours.
fn span_of(event: &Event) -> Option<Span> {
    let own = event.timestamp.as_milliseconds();
    let mut span = Span { first: own, last: own };
    for name in [START_TIME, END_TIME] {
        let Some(time) = event.extra.get(name) else { continue };
        let time = time.as_str()?.parse::<Timestamp>().ok()?.as_milliseconds();
        span = span.with(Span { first: time, last: time });
    }
    Some(span)
}

/// The event's canonical JSON without what makes it this one of many; `None` if it has none. The event is the same afterwards.
fn content_of(event: &mut Event) -> Option<Vec<u8>> {
    let (id, timestamp) = (event.event_id.clone(), event.timestamp);
    let extra: Vec<(&str, Option<Value>)> =
        [COUNT, START_TIME, END_TIME, LOGGED_TIME].map(|name| (name, event.extra.remove(name))).into();
    event.event_id = EventId::from("");
    event.timestamp = Timestamp::from_milliseconds(0).expect("1970 is in range");
    let content = event.to_canonical_json();
    (event.event_id, event.timestamp) = (id, timestamp);
    event.extra.extend(extra.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    content.ok()
}

#[cfg(test)]
mod tests {
    use audit_model::EventType;

    use super::*;

    #[test]
    fn when_the_log_got_them_keeps_no_events_apart() {
        let mut coalescer = Coalescer::new().rule([], Duration::from_secs(1));
        let time = Timestamp::from_milliseconds(1).expect("in range");
        for logged in ["2024-12-01T10:15:31.000Z", "2024-12-01T10:15:32.000Z"] {
            let mut event = Event::at(time, EventType::ACCESS_DENIED);
            event.extra.insert(LOGGED_TIME.to_owned(), logged.into());
            assert!(coalescer.push(event, ()).is_empty());
        }
        let merged = coalescer.finish();
        assert_eq!((merged.len(), merged[0].items.len()), (1, 2));
        assert_eq!(merged[0].event.extra[LOGGED_TIME], "2024-12-01T10:15:31.000Z", "the first's");
    }

    #[test]
    fn nothing_is_kept_of_a_group_that_was_given_out() {
        let mut coalescer = Coalescer::new().rule([], Duration::from_secs(1)).max_groups(3);
        let time = |milliseconds| Timestamp::from_milliseconds(milliseconds).expect("in range");
        // Each comes earlier than the one before, so that the ends of windows move.
        for at in (0..10_000).rev() {
            let event = Event::at(time(at), EventType::ACCESS_DENIED).detail("user", at / 5 % 7);
            drop(coalescer.push(event, at));
            assert_eq!(coalescer.by_end.len(), coalescer.groups.len());
            assert_eq!(coalescer.by_content.len(), coalescer.groups.len());
        }
        assert_eq!(coalescer.groups.len(), 3);
        drop(coalescer.expire(time(20_000)));
        assert!(
            coalescer.groups.is_empty() && coalescer.by_end.is_empty() && coalescer.by_content.is_empty()
        );
        assert_eq!((coalescer.items, coalescer.bytes), (0, 0));
    }
}

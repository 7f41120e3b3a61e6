//! The groups of a rule: found by their key, looked at when they are due, and never too many.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::in_range;
use crate::terms::Terms;

/// What is kept of one group.
pub(crate) trait Member {
    /// When it has something to do by the clock.
    fn due(&self, terms: &Terms) -> Option<i64>;
    /// How many times it holds.
    fn stored(&self) -> usize;
    fn worth(&self, newest: i64, terms: &Terms) -> Worth;
    /// Whether nothing of it can matter to an event as new as `newest`.
    fn is_over(&self, newest: i64, terms: &Terms) -> bool;
    /// The clock says that it is only `now`: nothing that was taken from it may be later.
    fn set_back(&mut self, now: i64);
}

/// What would be lost with a group, compared member by member: the least goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Worth {
    pub(crate) firing: bool,
    pub(crate) alive: bool,
    pub(crate) events: u64,
    pub(crate) time: i64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) groups: usize,
    pub(crate) times: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Groups<M> {
    members: HashMap<Arc<str>, Slot<M>>,
    due: BTreeSet<(i64, Arc<str>)>,
    stored: usize,
    newest: i64,
    /// With how many groups those that are over are looked for again.
    sweep_at: usize,
}

#[derive(Clone, Debug)]
struct Slot<M> {
    member: M,
    due: Option<i64>,
    stored: usize,
}

const FIRST_SWEEP: usize = 64;

impl<M: Member> Groups<M> {
    pub(crate) fn new() -> Self {
        Self {
            members: HashMap::new(),
            due: BTreeSet::new(),
            stored: 0,
            newest: in_range(i64::MIN),
            sweep_at: FIRST_SWEEP,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Changes a group, which is made when there is none. An event of `time` is why.
    pub(crate) fn change(
        &mut self,
        key: &str,
        time: i64,
        terms: &Terms,
        make: impl FnOnce() -> M,
        change: impl FnOnce(&mut M),
    ) {
        self.newest = self.newest.max(time);
        if !self.members.contains_key(key) {
            self.sweep(terms);
            self.members.insert(key.into(), Slot { member: make(), due: None, stored: 0 });
        }
        let Some(slot) = self.members.get_mut(key) else { return };
        change(&mut slot.member);
        let (stored, due) = (slot.member.stored(), slot.member.due(terms));
        self.stored = self.stored + stored - slot.stored;
        slot.stored = stored;
        if due != slot.due {
            let before = std::mem::replace(&mut slot.due, due);
            if let Some((key, _)) = self.members.get_key_value(key) {
                let key = Arc::clone(key);
                self.schedule(key, before, due);
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<M> {
        let (key, slot) = self.members.remove_entry(key)?;
        self.schedule(key, slot.due, None);
        self.stored -= slot.stored;
        Some(slot.member)
    }

    /// The groups that have something to do by `now`, in the order of when.
    pub(crate) fn due(&self, now: i64) -> Vec<Arc<str>> {
        self.due.iter().take_while(|(due, _)| *due <= now).map(|(_, key)| Arc::clone(key)).collect()
    }

    pub(crate) fn next_due(&self) -> Option<i64> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Takes out an eighth of the groups when there are too many, but not `key`.
    pub(crate) fn make_room(&mut self, room: Room, key: &str, terms: &Terms) -> Vec<(Arc<str>, M)> {
        if self.members.len() <= room.groups && self.stored <= room.times {
            return Vec::new();
        }
        let mut least: Vec<(Worth, Arc<str>)> = self
            .members
            .iter()
            .filter(|(known, _)| ***known != *key)
            .map(|(known, slot)| (slot.member.worth(self.newest, terms), Arc::clone(known)))
            .collect();
        let (groups, times) = (room.groups - room.groups / 8, room.times - room.times / 8);
        if self.stored <= room.times {
            // So many go; the others need no order.
            let count = self.members.len().saturating_sub(groups).min(least.len());
            if count < least.len() {
                least.select_nth_unstable(count);
                least.truncate(count);
            }
        }
        least.sort_unstable();
        let mut out = Vec::new();
        for (_, key) in least {
            if self.members.len() <= groups && self.stored <= times {
                break;
            }
            if let Some(member) = self.remove(&key) {
                out.push((key, member));
            }
        }
        out
    }

    /// After the clock was set back, and after reading: whatever follows from the members is found anew.
    pub(crate) fn refresh(&mut self, now: Option<i64>, terms: &Terms) {
        self.due.clear();
        self.stored = 0;
        for (key, slot) in &mut self.members {
            if let Some(now) = now {
                slot.member.set_back(now);
            }
            (slot.due, slot.stored) = (slot.member.due(terms), slot.member.stored());
            self.stored += slot.stored;
            self.due.extend(slot.due.map(|due| (due, Arc::clone(key))));
        }
        if let Some(now) = now {
            self.newest = self.newest.min(now);
        }
    }

    fn schedule(&mut self, mut key: Arc<str>, before: Option<i64>, after: Option<i64>) {
        if let Some(before) = before {
            let scheduled = (before, key);
            self.due.remove(&scheduled);
            key = scheduled.1;
        }
        if let Some(after) = after {
            self.due.insert((after, key));
        }
    }

    /// Drops groups that are over, whenever there are twice as many as were left the last time.
    fn sweep(&mut self, terms: &Terms) {
        if self.members.len() < self.sweep_at {
            return;
        }
        let (newest, stored) = (self.newest, &mut self.stored);
        self.members.retain(|_, slot| {
            let stays = !slot.member.is_over(newest, terms);
            *stored -= if stays { 0 } else { slot.stored };
            stays
        });
        self.sweep_at = FIRST_SWEEP.max(2 * self.members.len());
    }
}

/// In the order of the keys, so that the same groups have the same text.
impl<M: Serialize> Serialize for Groups<M> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut members: Vec<(&str, &M)> =
            self.members.iter().map(|(key, slot)| (&**key, &slot.member)).collect();
        members.sort_unstable_by_key(|(key, _)| *key);
        (self.newest, self.sweep_at, members).serialize(to)
    }
}

impl<'de, M: Deserialize<'de>> Deserialize<'de> for Groups<M> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (newest, sweep_at, members) = <(i64, usize, Vec<(Box<str>, M)>)>::deserialize(from)?;
        let slot = |(key, member): (Box<str>, M)| (Arc::from(key), Slot { member, due: None, stored: 0 });
        Ok(Self {
            members: members.into_iter().map(slot).collect(),
            due: BTreeSet::new(),
            stored: 0,
            newest: in_range(newest),
            sweep_at,
        })
    }
}

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Counters;
use crate::absence::Absence;
use crate::alert::Alert;
use crate::clock::in_range;
use crate::desk::Desk;
use crate::groups::{Groups, Room};
use crate::rule::Rule;
use crate::storm::Storm;
use crate::times::Times;
use crate::window::{Arrival, Window};

/// All that rules remember. It can be written and read back, by serde, at any point of the stream: what follows is the same.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Of which rules it is, in their order; none: it has to be compared with them first.
    pub(crate) fingerprint: Option<[u8; 32]>,
    /// The time that it was when it was last used.
    pub(crate) clock: Option<i64>,
    pub(crate) rules: Vec<Remembered>,
}

/// What is remembered of one rule.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Remembered {
    pub(crate) name: String,
    pub(crate) definition: String,
    counters: Counters,
    storm: Storm,
    memory: Memory,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Memory {
    /// Each event is an alert of its own: the newest ones, to know them again.
    Events(Times),
    Windows(Groups<Window>),
    Absences(Groups<Absence>),
}

/// How many events of a rule whose events are alerts of their own are known again.
const KNOWN: usize = 256;

/// How many times a rule stores in all its groups together: 16 MiB of them.
const MOST_TIMES: usize = 1 << 20;

const VERSION: u32 = 1;

impl State {
    /// What became of each rule's events, by the rule's name.
    pub fn counters(&self) -> impl Iterator<Item = (&str, Counters)> {
        self.rules.iter().map(|rule| (rule.name.as_str(), rule.counters))
    }

    /// How many groups are kept, of all rules together.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.rules.iter().map(Remembered::groups).sum()
    }
}

impl Remembered {
    pub(crate) fn new(rule: &Rule, now: i64) -> Self {
        let terms = rule.terms();
        let memory = match terms.absent {
            Some(_) => {
                let mut groups = Groups::new();
                if !terms.grouped {
                    groups.change("[]", now, terms, || Absence::new(now), |_| {});
                }
                Memory::Absences(groups)
            }
            None if is_stateless(rule) => Memory::Events(Times::default()),
            None => Memory::Windows(Groups::new()),
        };
        Self {
            name: rule.name().to_owned(),
            definition: rule.definition().to_owned(),
            counters: Counters::default(),
            storm: Storm::default(),
            memory,
        }
    }

    /// Whether it is what is remembered of that rule.
    pub(crate) fn is_of(&self, rule: &Rule) -> bool {
        let same_kind = match self.memory {
            Memory::Absences(_) => rule.terms().absent.is_some(),
            Memory::Events(_) => is_stateless(rule),
            Memory::Windows(_) => rule.terms().absent.is_none() && !is_stateless(rule),
        };
        self.name == rule.name() && self.definition == rule.definition() && same_kind
    }

    pub(crate) fn groups(&self) -> usize {
        match &self.memory {
            Memory::Events(_) => 0,
            Memory::Windows(groups) => groups.len(),
            Memory::Absences(groups) => groups.len(),
        }
    }

    pub(crate) fn observe(&mut self, rule: &Rule, arrival: &Arrival<'_>, alerts: &mut Vec<Alert>) {
        let Self { counters, storm, memory, .. } = self;
        counters.matched = counters.matched.saturating_add(1);
        let terms = rule.terms();
        let key = crate::key::key(rule.group_by(), arrival.event);
        let (key, time, now) = (key.as_str(), arrival.entry.0, arrival.now);
        sum_up(rule, storm, now, alerts);
        let room = Room { groups: rule.options().max_groups, times: MOST_TIMES.max(8 * terms.threshold) };
        let mut desk = Desk { rule, key, event: Some(arrival.event), now, storm, counters, alerts };
        match memory {
            Memory::Events(known) => {
                if known.insert(arrival.entry) {
                    known.forget(i64::MIN, KNOWN);
                    desk.tell_of(arrival.event.event_id.as_str(), time);
                } else {
                    desk.counters.duplicates = desk.counters.duplicates.saturating_add(1);
                }
            }
            Memory::Windows(groups) => {
                groups.change(
                    key,
                    time,
                    terms,
                    || Window::new(time),
                    |group| group.observe(arrival, &mut desk),
                );
                for (key, group) in groups.make_room(room, key, terms) {
                    desk.counters.evicted = desk.counters.evicted.saturating_add(1);
                    group.abandon(&mut desk.of(&key));
                }
            }
            Memory::Absences(groups) => {
                groups.change(
                    key,
                    time,
                    terms,
                    || Absence::new(time),
                    |group| group.observe(time, &mut desk),
                );
                let evicted = groups.make_room(room, key, terms).len() as u64;
                desk.counters.evicted = desk.counters.evicted.saturating_add(evicted);
            }
        }
    }

    /// Tells what is yet to be summed up.
    pub(crate) fn finish(&mut self, rule: &Rule, now: i64, alerts: &mut Vec<Alert>) {
        let summary = self.storm.cut_short(now);
        alerts.extend(summary.map(|(began, summary)| Alert::summary(rule, began, &summary)));
    }

    pub(crate) fn tick(&mut self, rule: &Rule, now: i64, alerts: &mut Vec<Alert>) {
        let Self { counters, storm, memory, .. } = self;
        sum_up(rule, storm, now, alerts);
        let terms = rule.terms();
        let mut desk = Desk { rule, key: "", event: None, now, storm, counters, alerts };
        match memory {
            Memory::Events(_) => {}
            Memory::Windows(groups) => {
                for key in groups.due(now) {
                    let tick = |group: &mut Window| group.tick(&mut desk.of(&key));
                    groups.change(&key, i64::MIN, terms, || Window::new(now), tick);
                }
            }
            Memory::Absences(groups) => {
                for key in groups.due(now) {
                    let mut given_up = false;
                    let tick = |group: &mut Absence| given_up = group.tick(&mut desk.of(&key));
                    groups.change(&key, i64::MIN, terms, || Absence::new(now), tick);
                    if given_up {
                        groups.remove(&key);
                    }
                }
            }
        }
    }

    /// When [`tick`](Self::tick) has something to do.
    pub(crate) fn due(&self) -> Option<i64> {
        let due = match &self.memory {
            Memory::Events(_) => None,
            Memory::Windows(groups) => groups.next_due(),
            Memory::Absences(groups) => groups.next_due(),
        };
        [due, self.storm.due()].into_iter().flatten().min()
    }

    /// `now`: the clock was set back.
    pub(crate) fn refresh(&mut self, rule: &Rule, now: Option<i64>) {
        if let Some(now) = now {
            self.storm.set_back(now);
        }
        match &mut self.memory {
            Memory::Events(_) => {}
            Memory::Windows(groups) => groups.refresh(now, rule.terms()),
            Memory::Absences(groups) => groups.refresh(now, rule.terms()),
        }
    }
}

fn is_stateless(rule: &Rule) -> bool {
    rule.terms().hold == 0 && rule.terms().before.is_none()
}

fn sum_up(rule: &Rule, storm: &mut Storm, now: i64, alerts: &mut Vec<Alert>) {
    alerts.extend(storm.end(now).map(|(began, summary)| Alert::summary(rule, began, &summary)));
}

#[derive(Serialize, Deserialize)]
struct Written<R> {
    version: u32,
    clock: Option<i64>,
    rules: R,
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Written { version: VERSION, clock: self.clock, rules: &self.rules }.serialize(to)
    }
}

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = Written::<Vec<Remembered>>::deserialize(from)?;
        if written.version != VERSION {
            return Err(serde::de::Error::custom(format_args!(
                "alert state of version {}; this program reads version {VERSION}: run the one that wrote it, or remove the \
                 file, and the rules start anew",
                written.version
            )));
        }
        Ok(Self { fingerprint: None, clock: written.clock.map(in_range), rules: written.rules })
    }
}

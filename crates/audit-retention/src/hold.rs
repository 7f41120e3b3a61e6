use audit_model::Timestamp;
use serde::{Deserialize, Serialize};

/// Records that must not be deleted, whatever the policy says: those logged from `from` to `to`, both included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What it is called when it is released: `case-2026-17`.
    pub id: String,
    /// Who asked for it.
    pub placed_by: String,
    /// Why.
    pub reason: String,
    /// When it was placed.
    pub placed: Timestamp,
    /// When it ends by itself; never when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The first moment it holds; from the log's beginning on when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// The last moment it holds; all that is to come when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

impl Hold {
    /// Whether it holds anything at that time.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether it holds something of what was logged from `oldest` to `newest`.
    #[must_use]
    pub fn covers(&self, oldest: Timestamp, newest: Timestamp) -> bool {
        self.from.is_none_or(|from| newest >= from) && self.to.is_none_or(|to| oldest <= to)
    }
}

/// The holds that were placed and not released.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Holds(pub Vec<Hold>);

impl Holds {
    /// Those that hold something at that time.
    pub fn active(&self, now: Timestamp) -> impl Iterator<Item = &Hold> {
        self.0.iter().filter(move |hold| hold.is_active(now))
    }

    /// The first active one that holds something of what was logged from `oldest` to `newest`.
    #[must_use]
    pub fn holding(&self, oldest: Timestamp, newest: Timestamp, now: Timestamp) -> Option<&Hold> {
        self.active(now).find(|hold| hold.covers(oldest, newest))
    }
}

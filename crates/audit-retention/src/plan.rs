use serde::Serialize;

/// What has to be done to one place so that it follows the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[must_use]
#[non_exhaustive]
pub struct Plan<C> {
    /// What to do, in this order.
    pub changes: Vec<C>,
    /// What contradicts the policy and needs a person. None of the changes touches it.
    pub problems: Vec<String>,
    /// Why something is as it is, such as what a hold keeps.
    pub notes: Vec<String>,
}

impl<C> Plan<C> {
    /// The same plan with changes of another kind.
    pub fn map<D>(self, change: impl FnMut(C) -> D) -> Plan<D> {
        let Self { changes, problems, notes } = self;
        Plan { changes: changes.into_iter().map(change).collect(), problems, notes }
    }

    /// Whether there is nothing to do. There may still be problems and notes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

// Not derived: a change needs no default.
impl<C> Default for Plan<C> {
    fn default() -> Self {
        Self { changes: Vec::new(), problems: Vec::new(), notes: Vec::new() }
    }
}

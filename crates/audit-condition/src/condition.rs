use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use audit_model::{Event, Timestamp};

use crate::expr::Node;
use crate::parse::parse;
use crate::program::Program;
use crate::{ConditionError, Explanation, Path, RequiredText};

/// A boolean expression over events, read, checked and compiled. Cloning one is cheap.
#[derive(Clone)]
pub struct Condition {
    inner: Arc<Inner>,
}

struct Inner {
    source: Box<str>,
    tree: Node,
    program: Program,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// When the text is not a condition, names a field that events do not have, or compares what can't be equal.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let tree = parse(text).map_err(|fault| ConditionError::new(text, fault))?;
        let program = Program::of(&tree);
        Ok(Self { inner: Arc::new(Inner { source: text.into(), tree, program }) })
    }

    /// Whether the condition is true of that event, when it is `now`.
    #[must_use]
    #[inline]
    pub fn matches(&self, event: &Event, now: Timestamp) -> bool {
        self.inner.program.run(event, now)
    }

    /// Which parts of the condition are true of that event, when it is `now`, and what they found there.
    #[must_use]
    pub fn explain(&self, event: &Event, now: Timestamp) -> Explanation {
        Explanation::of(&self.inner.tree, self.as_str(), event, now)
    }

    /// Whether there can be an event of that type of which the condition is true. When not, a reader need not read
    /// the rest of such an event.
    #[must_use]
    pub fn may_match_type(&self, event_type: &str) -> bool {
        self.inner.tree.may_match_type(event_type)
    }

    /// Texts without which the condition is true of no event: of each group, every event of which it is true has one at
    /// least in its JSON, as a value or a name. So what has none of a group need not be read; what has may still not match.
    /// No group at all says nothing.
    ///
    /// JSON may write a text in several ways (`"a\u0062c"`, `"\/"`), and a record of another form, such as OCSF, may give an
    /// event texts that are not in it: that is for the caller to see to.
    ///
    /// ```
    /// let condition = audit_condition::Condition::parse("actor.id in ('bob', 'eve') and action.duration_ms > 5s")?;
    /// let texts = condition.required_texts();
    /// assert_eq!(texts.len(), 1);
    /// assert!(&*texts[0][1].text == "eve" && texts[0][1].begins && texts[0][1].ends);
    /// # Ok::<(), audit_condition::ConditionError>(())
    /// ```
    #[must_use]
    pub fn required_texts(&self) -> Vec<Vec<RequiredText>> {
        self.inner.tree.required(false)
    }

    /// Every path that the condition reads, each once: an event without all else gives the same result.
    #[must_use]
    pub fn paths(&self) -> Vec<&Path> {
        let mut paths = Vec::new();
        self.inner.tree.paths(&mut paths);
        paths
    }

    /// Whether it compares with `now`: then it may be true of an event today, and not tomorrow.
    ///
    /// ```
    /// use audit_condition::Condition;
    ///
    /// assert!(Condition::parse("not timestamp < now - 7d")?.uses_now());
    /// assert!(!Condition::parse("actor.id == 'now'")?.uses_now());
    /// # Ok::<(), audit_condition::ConditionError>(())
    /// ```
    #[must_use]
    pub fn uses_now(&self) -> bool {
        self.inner.tree.uses_now()
    }

    /// The text that the condition was read from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.inner.source
    }

    pub(crate) fn tree(&self) -> &Node {
        &self.inner.tree
    }
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        Self::parse(text)
    }
}

/// The text that it was read from.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.as_str()).finish()
    }
}

/// Whether both were read from the same text.
impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.inner.source == other.inner.source
    }
}

impl Eq for Condition {}

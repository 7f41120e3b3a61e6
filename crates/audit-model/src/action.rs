use crate::canonical::{CanonicalError, ObjectWriter, WriteCanonical, field, to_value, write_integer};
use crate::fields::Fields;
use crate::open_string::open_string;
use crate::tree::Tree;
use crate::{FieldError, MAX_SAFE_INTEGER, Map, Value};

open_string! {
    /// How the action came out.
    ActionResult {
        /// It was done.
        SUCCESS = "success";
        /// It was tried and went wrong.
        FAILURE = "failure";
        /// It was not allowed.
        DENIED = "denied";
        /// Somebody stopped it.
        CANCELLED = "cancelled";
        /// It has begun; a later event says how it ended.
        IN_PROGRESS = "in_progress";
    }
}

/// What was done, and with what result.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Action {
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// The operation's name, such as `backup`.
    pub operation: Option<String>,
    /// How it came out.
    pub result: Option<ActionResult>,
    /// Fields that this crate has no name for, kept as they came.
    pub extra: Map,
}

impl Action {
    /// An operation with a result of your own naming.
    #[must_use]
    pub fn new(operation: impl Into<String>, result: impl Into<ActionResult>) -> Self {
        Self { operation: Some(operation.into()), result: Some(result.into()), ..Self::default() }
    }

    /// An operation that was done.
    #[must_use]
    pub fn success(operation: impl Into<String>) -> Self {
        Self::new(operation, ActionResult::SUCCESS)
    }

    /// An operation that was tried and went wrong.
    #[must_use]
    pub fn failure(operation: impl Into<String>) -> Self {
        Self::new(operation, ActionResult::FAILURE)
    }

    /// An operation that was not allowed.
    #[must_use]
    pub fn denied(operation: impl Into<String>) -> Self {
        Self::new(operation, ActionResult::DENIED)
    }

    /// Sets how long it took, in milliseconds.
    #[must_use]
    pub fn duration_ms(mut self, milliseconds: u64) -> Self {
        self.duration_ms = Some(milliseconds);
        self
    }

    /// The action as its JSON object; null when something in it has no canonical text, such as a number beyond
    /// ±(2^53 − 1) in a field without a name here.
    #[must_use]
    pub fn to_value(&self) -> Value {
        to_value(self)
    }

    /// Reads the action from its JSON object.
    ///
    /// # Errors
    /// When a known field has another JSON type than it should.
    pub fn from_value(value: Value) -> Result<Self, FieldError> {
        Self::from_tree(Tree::Value(value))
    }

    pub(crate) fn from_tree(tree: Tree<'_>) -> Result<Self, FieldError> {
        let mut fields = Fields::new("action", tree)?;
        Ok(Self {
            duration_ms: fields.milliseconds("duration_ms")?,
            operation: fields.string("operation")?,
            result: fields.string("result")?.map(ActionResult::from),
            extra: fields.rest(),
        })
    }
}

impl WriteCanonical for Action {
    fn write(&self, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
        let mut object = ObjectWriter::new(out, &self.extra, &["duration_ms", "operation", "result"], 1);
        if let Some(duration) = self.duration_ms {
            // Two hundred thousand years: a longer one is written as that.
            let bounded = i64::try_from(duration.min(MAX_SAFE_INTEGER)).expect("under 2^53");
            write_integer(bounded, object.field("duration_ms", "\"duration_ms\":"));
        }
        if let Some(operation) = &self.operation {
            field!(object, "operation", operation);
        }
        if let Some(result) = &self.result {
            field!(object, "result", result.as_str());
        }
        object.end()
    }
}

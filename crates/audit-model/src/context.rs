use crate::canonical::{CanonicalError, ObjectWriter, WriteCanonical, field, to_value};
use crate::fields::Fields;
use crate::tree::Tree;
use crate::{FieldError, Map, Value};

/// Where and within what it was done.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Context {
    /// The cluster.
    pub cluster_id: Option<String>,
    /// What ties events of one request together across systems.
    pub correlation_id: Option<String>,
    /// Such as `production`.
    pub environment: Option<String>,
    /// Fields that this crate has no name for, kept as they came.
    pub extra: Map,
}

impl Context {
    /// An empty context.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the cluster.
    #[must_use]
    pub fn cluster_id(mut self, id: impl Into<String>) -> Self {
        self.cluster_id = Some(id.into());
        self
    }

    /// Sets the environment, such as `production`.
    #[must_use]
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = Some(environment.into());
        self
    }

    /// Sets what ties events of one request together.
    #[must_use]
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// Adds a field of your own.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    /// The context as its JSON object; null when something in it has no canonical text, such as a number beyond
    /// ±(2^53 − 1) in a field without a name here.
    #[must_use]
    pub fn to_value(&self) -> Value {
        to_value(self)
    }

    /// Reads the context from its JSON object.
    ///
    /// # Errors
    /// When a known field has another JSON type than it should.
    pub fn from_value(value: Value) -> Result<Self, FieldError> {
        Self::from_tree(Tree::Value(value))
    }

    pub(crate) fn from_tree(tree: Tree<'_>) -> Result<Self, FieldError> {
        let mut fields = Fields::new("context", tree)?;
        Ok(Self {
            cluster_id: fields.string("cluster_id")?,
            correlation_id: fields.string("correlation_id")?,
            environment: fields.string("environment")?,
            extra: fields.rest(),
        })
    }
}

impl WriteCanonical for Context {
    fn write(&self, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
        let mut object =
            ObjectWriter::new(out, &self.extra, &["cluster_id", "correlation_id", "environment"], 1);
        if let Some(id) = &self.cluster_id {
            field!(object, "cluster_id", id);
        }
        if let Some(id) = &self.correlation_id {
            field!(object, "correlation_id", id);
        }
        if let Some(environment) = &self.environment {
            field!(object, "environment", environment);
        }
        object.end()
    }
}

use crate::canonical::{CanonicalError, ObjectWriter, WriteCanonical, field, to_value};
use crate::fields::Fields;
use crate::tree::Tree;
use crate::{FieldError, Map, Value};

/// What it was done to.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Resource {
    /// The resource's name, unique within its type.
    pub id: Option<String>,
    /// Where it is: a path or URL.
    pub path: Option<String>,
    /// What kind of resource it is, such as `backup` or `topic`.
    pub resource_type: Option<String>,
    /// Fields that this crate has no name for, kept as they came.
    pub extra: Map,
}

impl Resource {
    /// A resource of that type and name.
    #[must_use]
    pub fn new(resource_type: impl Into<String>, id: impl Into<String>) -> Self {
        Self { resource_type: Some(resource_type.into()), id: Some(id.into()), ..Self::default() }
    }

    /// Sets where the resource is.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// The resource as its JSON object; null when something in it has no canonical text, such as a number beyond
    /// ±(2^53 − 1) in a field without a name here.
    #[must_use]
    pub fn to_value(&self) -> Value {
        to_value(self)
    }

    /// Reads the resource from its JSON object.
    ///
    /// # Errors
    /// When a known field has another JSON type than it should.
    pub fn from_value(value: Value) -> Result<Self, FieldError> {
        Self::from_tree(Tree::Value(value))
    }

    pub(crate) fn from_tree(tree: Tree<'_>) -> Result<Self, FieldError> {
        let mut fields = Fields::new("resource", tree)?;
        Ok(Self {
            id: fields.string("id")?,
            path: fields.string("path")?,
            resource_type: fields.string("type")?,
            extra: fields.rest(),
        })
    }
}

impl WriteCanonical for Resource {
    fn write(&self, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
        let mut object = ObjectWriter::new(out, &self.extra, &["id", "path", "type"], 1);
        if let Some(id) = &self.id {
            field!(object, "id", id);
        }
        if let Some(path) = &self.path {
            field!(object, "path", path);
        }
        if let Some(resource_type) = &self.resource_type {
            field!(object, "type", resource_type);
        }
        object.end()
    }
}

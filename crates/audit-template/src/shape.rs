use std::collections::BTreeMap;

/// Which fields the values have that templates will be rendered with, so that a misspelt one is an error when the template is
/// read and not an empty place in a message.
///
/// ```
/// use audit_template::{Shape, Template};
///
/// let shape = Shape::object([
///     ("actor", Shape::object([("id", Shape::scalar()), ("roles", Shape::list(Shape::scalar()))])),
///     ("details", Shape::any()),
///     ("context", Shape::object([("environment", Shape::scalar())]).open()),
/// ]);
/// for good in ["{{ .actor.id }}", "{{ .details.anything.at.all }}", "{{ .context.region }}", r#"{{ index .actor "team" }}"#] {
///     assert!(Template::parse(good, &shape).is_ok(), "{good}");
/// }
/// for bad in ["{{ .actr }}", "{{ .actor.id.x }}", "{{ range .actor.roles }}{{ .name }}{{ end }}"] {
///     assert!(Template::parse(bad, &shape).is_err(), "{bad}");
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(pub(crate) Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Any,
    Scalar,
    List(Box<Shape>),
    Object { fields: BTreeMap<String, Shape>, open: bool },
}

impl Shape {
    /// Anything at all: no field below it is an error.
    #[must_use]
    pub const fn any() -> Self {
        Self(Kind::Any)
    }

    /// A text, a number or a boolean: it has no fields.
    #[must_use]
    pub const fn scalar() -> Self {
        Self(Kind::Scalar)
    }

    /// An array whose elements are all of one shape.
    #[must_use]
    pub fn list(of: Self) -> Self {
        Self(Kind::List(Box::new(of)))
    }

    /// An object with these fields and no others.
    #[must_use]
    pub fn object<N: Into<String>>(fields: impl IntoIterator<Item = (N, Self)>) -> Self {
        let fields = fields.into_iter().map(|(name, shape)| (name.into(), shape)).collect();
        Self(Kind::Object { fields, open: false })
    }

    /// Of an object: fields that have no name here are free, each of any shape.
    #[must_use]
    pub fn open(mut self) -> Self {
        if let Kind::Object { open, .. } = &mut self.0 {
            *open = true;
        }
        self
    }

    /// What a `range` over it sets dot to, where that is known.
    pub(crate) fn element(&self) -> Option<&Self> {
        match &self.0 {
            Kind::List(of) => Some(of),
            _ => None,
        }
    }
}

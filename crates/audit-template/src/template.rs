use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::syntax::Node;
use crate::{Escape, Shape, TemplateError, lexer, parser, render};

/// A longer template is refused, in bytes.
pub const MAX_TEMPLATE_BYTES: usize = 64 << 10;

/// Blocks, parentheses and stages of a pipeline that stand in one another are refused beyond this depth.
pub const MAX_NESTING: usize = 50;

/// A longer text is cut, in bytes.
pub const MAX_OUTPUT_BYTES: usize = 256 << 10;

/// After so many turns of all `range`s of one rendering together the text is cut.
pub const MAX_ITERATIONS: usize = 10_000;

/// A template that was read and checked.
#[derive(Clone, PartialEq)]
pub struct Template {
    text: String,
    nodes: Vec<Node>,
    slots: usize,
    reads: BTreeSet<String>,
}

impl Template {
    /// Reads a template, and checks the fields that it names against `shape`, the shape of the value that it will be rendered
    /// with.
    ///
    /// # Errors
    /// The first thing in it that is wrong: its place, what it is, and what was expected.
    pub fn parse(text: &str, shape: &Shape) -> Result<Self, TemplateError> {
        if text.len() > MAX_TEMPLATE_BYTES {
            let found = format!("the template has {} bytes", text.len());
            return Err(TemplateError::new(text, 0, found, format!("expected {MAX_TEMPLATE_BYTES} at most")));
        }
        let parsed = parser::parse(text, &lexer::tokens(text)?, shape)?;
        Ok(Self { text: text.to_owned(), nodes: parsed.nodes, slots: parsed.slots, reads: parsed.reads })
    }

    /// Renders with `dot` for `.` and `$`. Always gives a text: what is missing in `dot` is left out, and what is too much is
    /// cut off, with a `…` at the end.
    #[must_use]
    pub fn render(&self, dot: &Value, escape: Escape) -> String {
        render::render(&self.nodes, self.slots, dot, escape)
    }

    /// The text that it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it always renders as, if it has no actions.
    #[must_use]
    pub fn constant(&self) -> Option<&str> {
        match self.nodes.as_slice() {
            [] => Some(""),
            [Node::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether it names this field of the value that it is rendered with: `status` for `{{ .status }}`.
    #[must_use]
    pub fn reads(&self, field: &str) -> bool {
        self.reads.contains(field)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.text).finish()
    }
}

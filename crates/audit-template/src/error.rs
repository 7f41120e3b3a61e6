/// Why a text is not a template: where, what is there, and what was expected.
///
/// ```
/// use audit_template::{Shape, Template};
///
/// let shape = Shape::object([("actor", Shape::object([("id", Shape::scalar())]))]);
/// let error = Template::parse("Who:\n{{ .actr.id }}", &shape).unwrap_err();
/// assert_eq!((error.line(), error.column(), error.nearest()), (2, 4, Some("actor")));
/// assert_eq!(error.to_string(), "line 2, column 4: there is no field `.actr`; did you mean `.actor`?");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {found}; {remedy}")]
pub struct TemplateError {
    line: usize,
    column: usize,
    found: String,
    remedy: String,
    nearest: Option<String>,
}

impl TemplateError {
    /// `offset` is in bytes and on a character's first byte, or behind the text.
    pub(crate) fn new(
        text: &str,
        offset: usize,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            found: found.into(),
            remedy: remedy.into(),
            nearest: None,
        }
    }

    /// Of a name that is none of the known ones. `shown` writes a name as it stands in a template.
    pub(crate) fn unknown<'k>(
        text: &str,
        offset: usize,
        (kind, name): (&str, &str),
        known: impl Iterator<Item = &'k str>,
        shown: impl Fn(&str) -> String,
    ) -> Self {
        let known: Vec<&str> = known.collect();
        let nearest = nearest(name, &known);
        let remedy = match nearest {
            Some(nearest) => format!("did you mean {}?", shown(nearest)),
            None if known.is_empty() => "there are none here".to_owned(),
            None => {
                format!(
                    "expected one of {}",
                    known.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ")
                )
            }
        };
        let found = format!("there is no {kind} {}", shown(&shortened(name)));
        Self { nearest: nearest.map(str::to_owned), ..Self::new(text, offset, found, remedy) }
    }

    /// The line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column, from 1, in characters.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is there, such as ``there is no field `.actr` ``.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What was expected or what to do, such as ``did you mean `.actor`?``.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.remedy
    }

    /// The known name that is most like the unknown one, if one is.
    #[must_use]
    pub fn nearest(&self) -> Option<&str> {
        self.nearest.as_deref()
    }
}

/// As much of a name as an error quotes.
fn shortened(name: &str) -> String {
    match name.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let scored = known.iter().map(|known| (strsim::jaro_winkler(known, name), *known));
    scored.filter(|(score, _)| *score > 0.75).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}

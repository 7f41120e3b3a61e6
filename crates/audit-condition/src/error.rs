use std::fmt;
use std::ops::Range;

/// A text that is not a condition: what is wrong, where, and what to write instead.
///
/// ```
/// use audit_condition::Condition;
///
/// let error = Condition::parse("actor.idd == 'bob'").unwrap_err();
/// assert_eq!((error.line(), error.column()), (1, 1));
/// assert!(error.message().contains("did you mean actor.id?"));
/// assert_eq!(error.to_string().lines().last(), Some("  ^^^^^^^^^"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionError {
    source: Box<str>,
    message: Box<str>,
    span: Range<usize>,
}

/// An error before it is joined with the text that it is about; the span is in bytes.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
}

pub(crate) fn fault<T>(span: &Range<usize>, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { span: span.clone(), message: message.into() })
}

/// How much of a long line is shown on either side of the place, in characters.
const SHOWN: usize = 50;

impl ConditionError {
    pub(crate) fn new(source: &str, fault: Fault) -> Self {
        Self { source: source.into(), message: fault.message.into(), span: fault.span }
    }

    /// What is wrong and what to do, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.source[..self.span.start].matches('\n').count() + 1
    }

    /// The column within its line, in characters from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.source[self.line_start()..self.span.start].chars().count() + 1
    }

    /// The text that was to be a condition.
    #[must_use]
    pub fn source_text(&self) -> &str {
        &self.source
    }

    fn line_start(&self) -> usize {
        self.source[..self.span.start].rfind('\n').map_or(0, |newline| newline + 1)
    }
}

impl std::error::Error for ConditionError {}

/// `column 12: what is wrong`, the line of the text, and a line of carets under the place.
impl fmt::Display for ConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.source.contains('\n') {
            write!(f, "line {} ", self.line())?;
        }
        writeln!(f, "column {}: {}", self.column(), self.message)?;
        let line_end =
            self.source[self.span.start..].find('\n').map_or(self.source.len(), |n| self.span.start + n);
        let before = &self.source[self.line_start()..self.span.start];
        let place = &self.source[self.span.start..self.span.end.clamp(self.span.start, line_end)];
        let after = &self.source[self.span.start + place.len()..line_end];
        let skipped = before.chars().count().saturating_sub(SHOWN);
        let mut shown: String = if skipped > 0 { "…".to_owned() } else { String::new() };
        shown.extend(before.chars().skip(skipped));
        let indent = shown.chars().count();
        shown.extend(place.chars().chain(after.chars()).take(SHOWN));
        if place.chars().chain(after.chars()).nth(SHOWN).is_some() {
            shown.push('…');
        }
        // Control characters would break the line or the terminal.
        let shown: String = shown.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let carets = place.chars().count().clamp(1, SHOWN);
        write!(f, "  {shown}\n  {}{}", " ".repeat(indent), "^".repeat(carets))
    }
}

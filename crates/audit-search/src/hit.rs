use std::borrow::Cow;
use std::cell::OnceCell;

use audit_condition::Path;
use audit_model::Event;

use crate::{NoEvent, Place, read_event};

/// A record that matches.
#[derive(Debug)]
pub struct Hit<'a> {
    pub(crate) line: &'a [u8],
    pub(crate) place: Place<'a>,
    pub(crate) event: OnceCell<Result<Event, NoEvent>>,
}

/// A line that was looked at and is no event.
#[derive(Debug)]
pub struct BadLine<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) why: String,
    pub(crate) place: Place<'a>,
}

impl<'a> Hit<'a> {
    /// The record as it stands in the input, without its newline. In an input whose records span lines, it has newlines.
    #[must_use]
    pub fn line(&self) -> &'a [u8] {
        self.line
    }

    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> Place<'a> {
        self.place
    }

    /// The value of one field: texts as they are, all else as JSON, nothing for what is missing or null; what
    /// [`Path::get`] finds, as text. The paths of [`Query::fields`](crate::Query::fields) are found without reading the whole event.
    #[must_use]
    pub fn text(&self, path: &Path) -> Option<Cow<'_, str>> {
        let event = self.whole().as_ref().ok()?;
        Some(path.get(event)?.to_string().into())
    }

    /// The whole event. One whose record gives it no id has the id `""`.
    ///
    /// # Errors
    /// When a part of the line that was not needed until now is not as an event has it.
    pub fn event(&self) -> Result<Event, NoEvent> {
        self.whole().clone()
    }

    fn whole(&self) -> &Result<Event, NoEvent> {
        self.event.get_or_init(|| read_event(self.line))
    }
}

impl<'a> BadLine<'a> {
    /// What stands there. Of what is too long, the beginning.
    #[must_use]
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Why it is no event.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> Place<'a> {
        self.place
    }
}

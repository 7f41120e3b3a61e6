use std::borrow::Cow;
use std::cell::OnceCell;

use audit_condition::Path;
use audit_model::Event;

use crate::time::plain_time;
use crate::token::{Token, whole_number};
use crate::wanted::Wanted;
use crate::{NoEvent, Place, read_event};

/// A record that matches.
#[derive(Debug)]
pub struct Hit<'a> {
    line: &'a [u8],
    place: Place<'a>,
    /// What was found of it, unless it was read whole.
    found: Option<(&'a Wanted, &'a [Token<'a>])>,
    event: OnceCell<Result<Event, NoEvent>>,
}

/// A line that was looked at and is no event.
#[derive(Debug)]
pub struct BadLine<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) why: String,
    pub(crate) place: Place<'a>,
}

impl<'a> Hit<'a> {
    pub(crate) fn found(
        line: &'a [u8],
        place: Place<'a>,
        wanted: &'a Wanted,
        tokens: &'a [Token<'a>],
    ) -> Self {
        Self { line, place, found: Some((wanted, tokens)), event: OnceCell::new() }
    }

    pub(crate) fn whole(line: &'a [u8], place: Place<'a>, event: Event) -> Self {
        Self { line, place, found: None, event: OnceCell::from(Ok(event)) }
    }

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
    /// [`Path::get`] finds, as text. The paths of [`Query::fields`](crate::Query::fields) are found without reading the whole
    /// event, as a rule.
    #[must_use]
    pub fn text(&self, path: &Path) -> Option<Cow<'_, str>> {
        if let Some((wanted, tokens)) = self.found
            && let Some((_, number)) = wanted.fields.iter().find(|(known, _)| known == path)
        {
            let member = &wanted.members[*number];
            let text = |text: &'a [u8]| std::str::from_utf8(text).ok().map(Cow::Borrowed);
            match tokens[*number] {
                Token::Missing if member.may_be_missing() => return None,
                token @ (Token::Plain(_) | Token::Escaped(_)) if member.is_text() => {
                    if let Ok(text) = token.text() {
                        return text;
                    }
                }
                token @ Token::Plain(found) if member.is_time() => {
                    if let Ok(time) = token.time() {
                        // As the model writes it, if it is not written so already.
                        return if plain_time(found).is_some() {
                            text(found)
                        } else {
                            Some(time.to_string().into())
                        };
                    }
                }
                Token::Other(found) if member.is_number() && whole_number(found).is_some() => {
                    return text(found);
                }
                _ => {}
            }
        }
        let event = self.read().as_ref().ok()?;
        Some(path.get(event)?.to_string().into())
    }

    /// The whole event. One whose record gives it no id has the id `""`.
    ///
    /// # Errors
    /// When a part of the line that was not needed until now is not as an event has it.
    pub fn event(&self) -> Result<Event, NoEvent> {
        self.read().clone()
    }

    /// The record as one that is no event after all, if it is read whole and is none: parts of it that nothing asked for may be
    /// anything.
    #[must_use]
    pub fn bad_line(&self) -> Option<BadLine<'a>> {
        let why = self.read().as_ref().err()?;
        Some(BadLine { text: self.line, why: why.to_string(), place: self.place })
    }

    fn read(&self) -> &Result<Event, NoEvent> {
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

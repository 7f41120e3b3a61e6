use audit_model::{Event, EventType, Timestamp};
use memchr::memmem::Finder;

use crate::Query;
use crate::record::{NoEvent, read_event};
use crate::token::Token;
use crate::walk::{Walk, begin, is_seal, skip_blanks};
use crate::wanted::{EVENT_TYPE, Odd, TIMESTAMP, Wanted};

/// Says of lines whether they match, and reads as little of them as it can. One for each thread.
#[derive(Debug)]
pub(crate) struct Judge<'q> {
    query: &'q Query,
    now: Timestamp,
    wanted: Option<&'q Wanted>,
    /// What a condition looks at: an event that has of each line what is decisive.
    event: Event,
    event_type: Finder<'static>,
    special: Special,
}

/// What is found of a line.
#[derive(Debug)]
pub(crate) enum Verdict<'t> {
    /// It is no match.
    No,
    /// It matches, by what was found of it.
    Yes(&'t [Token<'t>]),
    /// It matches, and was read whole.
    Whole(Box<Event>),
    /// It is no event.
    NoEvent(NoEvent),
}

/// What may make a line something other than it looks like: the mark of OCSF, and letters that are spelled as numbers.
#[derive(Clone, Debug)]
pub(crate) struct Special {
    class_uid: Finder<'static>,
    escape: Finder<'static>,
}

impl Special {
    pub(crate) fn new() -> Self {
        Self { class_uid: Finder::new(b"\"class_uid\""), escape: Finder::new(b"\\u") }
    }

    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        self.class_uid.find(text).is_some() || self.escape.find(text).is_some()
    }
}

/// So many tokens are common, and cheap to clear.
const FEW: usize = 8;

impl<'q> Judge<'q> {
    pub(crate) fn new(query: &'q Query, wanted: Option<&'q Wanted>, now: Timestamp) -> Self {
        Self {
            query,
            now,
            wanted,
            event: Event::at(now, EventType::AUDIT_STARTED),
            event_type: Finder::new(b"\"event_type\""),
            special: Special::new(),
        }
    }

    /// Judges a line and hands the verdict on. `may_be_special` is whether there may be anything [`Special`] in the line.
    pub(crate) fn judge<R>(
        &mut self,
        line: &[u8],
        may_be_special: bool,
        then: impl FnOnce(Verdict<'_>) -> R,
    ) -> R {
        if let Some(wanted) = self.wanted {
            let (mut few, mut many);
            let tokens = if wanted.members.len() <= FEW {
                few = [Token::Missing; FEW];
                few.as_mut_slice()
            } else {
                many = vec![Token::Missing; wanted.members.len()];
                many.as_mut_slice()
            };
            match self.quick(wanted, line, may_be_special, tokens) {
                Ok(false) => return then(Verdict::No),
                Ok(true) => return then(Verdict::Yes(tokens)),
                Err(Odd) => {}
            }
        }
        then(self.thorough(line))
    }

    /// Judges a line by all of it.
    pub(crate) fn thorough(&self, line: &[u8]) -> Verdict<'static> {
        match read_event(line) {
            Ok(event) if self.query.matches(&event, self.now) => Verdict::Whole(Box::new(event)),
            Ok(_) => Verdict::No,
            Err(why) => Verdict::NoEvent(why),
        }
    }

    fn quick<'l>(
        &mut self,
        wanted: &Wanted,
        line: &'l [u8],
        may_be_special: bool,
        tokens: &mut [Token<'l>],
    ) -> Result<bool, Odd> {
        let (at, is_sealed) = begin(line)?;
        let mut walk = Walk::new(line, at)?;
        walk.go(wanted, wanted.decisive, tokens)?;
        let mut left = wanted.decisive;
        while left != 0 {
            let member = left.trailing_zeros() as usize;
            left &= left - 1;
            wanted.members[member].fill(tokens[member], &mut self.event)?;
        }
        if !self.query.matches(&self.event, self.now) {
            return self.is_what_it_seems(&walk, may_be_special).map(|()| false);
        }
        walk.go(wanted, u64::MAX, tokens)?;
        wanted.members[EVENT_TYPE].fill(tokens[EVENT_TYPE], &mut self.event)?;
        tokens[TIMESTAMP].time()?;
        if is_sealed {
            is_seal(walk.rest())?;
        } else if skip_blanks(walk.rest(), 0) != walk.rest().len() {
            return Err(Odd);
        }
        Ok(true)
    }

    /// Whether nothing in the rest of the line can make it an event other than the one that was looked at: a type of its own
    /// beside a member named `event`, the class of an OCSF record, or a second record behind it.
    fn is_what_it_seems(&self, walk: &Walk<'_>, may_be_special: bool) -> Result<(), Odd> {
        let rest = walk.rest();
        if may_be_special && self.special.is_in(rest) {
            return Err(Odd);
        }
        let mut rest = rest;
        if !walk.has_seen(EVENT_TYPE) {
            let own = self.event_type.find(rest).ok_or(Odd)?;
            rest = &rest[own + 1..];
        }
        if self.event_type.find(rest).is_some() { Err(Odd) } else { Ok(()) }
    }
}

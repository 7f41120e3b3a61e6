use aho_corasick::AhoCorasick;
use audit_condition::RequiredText;
use memchr::memmem;

use crate::Query;

/// Finds the lines that may match, by texts that have to be in them.
#[derive(Debug)]
pub(crate) struct Sieve {
    groups: Vec<Needle>,
}

/// What is looked for: any of some texts.
#[derive(Debug)]
enum Needle {
    One(Box<memmem::Finder<'static>>),
    Several(AhoCorasick),
    /// A condition that is never true.
    Nothing,
}

/// More texts than that are found slowly, and everywhere.
const MOST: usize = 1000;

impl Sieve {
    /// `None` when the query has no text that has to be in a line.
    pub(crate) fn of(query: &Query) -> Option<Self> {
        let mut groups: Vec<Vec<RequiredText>> = Vec::new();
        let mut needles: Vec<Needle> = Vec::new();
        groups.extend(query.condition.iter().flat_map(|condition| condition.required_texts()));
        for group in &groups {
            let texts = group.iter().map(|one| in_json(&one.text, one.begins, one.ends));
            needles.extend(texts.collect::<Option<Vec<_>>>().and_then(|texts| Needle::of(&texts)));
        }
        if !query.actors.is_empty() {
            let texts = query.actors.iter().map(|id| in_json(id, true, true));
            needles.extend(texts.collect::<Option<Vec<_>>>().and_then(|texts| Needle::of(&texts)));
        }
        if !query.types.is_empty() {
            let texts = query.types.iter().map(|pattern| in_pattern(pattern.as_str()));
            needles.extend(texts.collect::<Option<Vec<_>>>().and_then(|texts| Needle::of(&texts)));
        }
        (!needles.is_empty()).then(|| Self { groups: needles })
    }

    /// How many groups there are.
    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }

    /// How often a group's texts are in that block, as far as it matters.
    pub(crate) fn count(&self, group: usize, block: &[u8], most: usize) -> usize {
        self.places(group, block).take(most).count()
    }

    /// Where a group's texts begin.
    pub(crate) fn places<'b>(
        &'b self,
        group: usize,
        block: &'b [u8],
    ) -> Box<dyn Iterator<Item = usize> + 'b> {
        match &self.groups[group] {
            Needle::One(finder) => Box::new(finder.find_iter(block)),
            Needle::Several(texts) => Box::new(texts.find_iter(block).map(|found| found.start())),
            Needle::Nothing => Box::new(std::iter::empty()),
        }
    }

    /// The next place, from there.
    #[inline]
    pub(crate) fn next(&self, group: usize, block: &[u8], from: usize) -> Option<usize> {
        let rest = block.get(from..)?;
        let found = match &self.groups[group] {
            Needle::One(finder) => finder.find(rest),
            Needle::Several(texts) => texts.find(rest).map(|found| found.start()),
            Needle::Nothing => None,
        };
        found.map(|found| from + found)
    }

    /// Whether a line has a text of each group but one, or is one whose texts cannot be told so.
    pub(crate) fn lets_pass(&self, line: &[u8], found: Option<usize>) -> bool {
        (0..self.groups.len()).all(|group| Some(group) == found || self.next(group, line, 0).is_some())
    }
}

impl Needle {
    fn of(texts: &[Vec<u8>]) -> Option<Self> {
        match texts {
            [] => Some(Self::Nothing),
            [one] => Some(Self::One(Box::new(memmem::Finder::new(one).into_owned()))),
            many if many.len() <= MOST => AhoCorasick::new(many).ok().map(Self::Several),
            _ => None,
        }
    }
}

/// The longest piece of a text that JSON writes in one way only, if the letters in it are not spelled as numbers.
fn in_json(text: &str, begins: bool, ends: bool) -> Option<Vec<u8>> {
    let may_be_escaped = |c: char| matches!(c, '"' | '\\' | '/') || c < ' ';
    let pieces: Vec<&str> = text.split(may_be_escaped).collect();
    let last = pieces.len() - 1;
    let (index, piece) = pieces.iter().enumerate().max_by_key(|(_, piece)| piece.len())?;
    let mut needle = Vec::new();
    if begins && index == 0 {
        needle.push(b'"');
    }
    needle.extend_from_slice(piece.as_bytes());
    if ends && index == last {
        needle.push(b'"');
    }
    // What is in every line helps nobody.
    (piece.len() > 1).then_some(needle)
}

/// The longest piece of a pattern of event types, which are of plain letters.
fn in_pattern(pattern: &str) -> Option<Vec<u8>> {
    let pieces: Vec<&str> = pattern.split('*').collect();
    let last = pieces.len() - 1;
    let (index, piece) = pieces.iter().enumerate().max_by_key(|(_, piece)| piece.len())?;
    in_json(piece, index == 0, index == last)
}

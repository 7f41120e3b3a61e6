//! The regular expressions that all engines read alike, printed for each of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::OnceLock;

use crate::expr::Affix;
use crate::like::{LikePart, LikePattern};
use crate::network::Network;

/// A regular expression that is looked for anywhere in a text.
#[derive(Debug)]
pub(super) struct Pattern {
    branches: Vec<Vec<Piece>>,
}

#[derive(Debug)]
enum Piece {
    Char(char),
    /// Any character but a newline.
    NotNewline,
    AnyChar,
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    Start,
    End,
    Group(Vec<Vec<Piece>>),
    Repeat {
        piece: Box<Piece>,
        min: u32,
        max: Option<u32>,
    },
}

/// How an engine writes what all of them have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavor {
    /// Oniguruma (jq), Joni (Trino): `\A` and `\z` are the ends of the text.
    Ruby,
    /// Between slashes, with whatever may end a command or a text as its number.
    Insights,
}

/// Beyond it engines refuse a count, or the automaton explodes.
const MAX_COUNT: u32 = 1000;
const MAX_DEPTH: usize = 50;
const METACHARACTERS: &str = r".^$*+?()[]{}|\";

impl Pattern {
    /// Reads a regular expression of the crate `regex`. The error is why it would mean something else elsewhere.
    pub(super) fn of_regex(text: &str) -> Result<Self, String> {
        let (text, ignore_case, dot_all) = match text {
            text if text.starts_with("(?i)") => (&text[4..], true, false),
            text if text.starts_with("(?s)") => (&text[4..], false, true),
            text if text.starts_with("(?is)") || text.starts_with("(?si)") => (&text[5..], true, true),
            text => (text, false, false),
        };
        let mut reader = Reader { rest: text.chars(), ignore_case, dot_all };
        let branches = reader.branches(0)?;
        if reader.rest.next().is_some() {
            return Err("its parentheses are not understood".to_owned());
        }
        Ok(Self { branches })
    }

    pub(super) fn of_like(like: &LikePattern) -> Self {
        let mut pieces: Vec<Piece> = like
            .parts
            .iter()
            .map(|part| match part {
                LikePart::Any => Piece::Repeat { piece: Box::new(Piece::AnyChar), min: 0, max: None },
                LikePart::One => Piece::AnyChar,
                LikePart::Char(c) if like.ignore_case => with_upper_case(*c),
                LikePart::Char(c) => Piece::Char(*c),
            })
            .collect();
        if like.parts.last() == Some(&LikePart::Any) {
            pieces.pop();
        } else {
            pieces.push(Piece::End);
        }
        if like.parts.first() == Some(&LikePart::Any) && !pieces.is_empty() {
            pieces.remove(0);
        } else if like.parts.first() != Some(&LikePart::Any) {
            pieces.insert(0, Piece::Start);
        }
        Self { branches: vec![pieces] }
    }

    pub(super) fn of_affix(affix: Affix, text: &str) -> Self {
        let mut pieces: Vec<Piece> = text.chars().map(Piece::Char).collect();
        match affix {
            Affix::Contains => {}
            Affix::StartsWith => pieces.insert(0, Piece::Start),
            Affix::EndsWith => pieces.push(Piece::End),
        }
        Self { branches: vec![pieces] }
    }

    /// The whole text and nothing else.
    pub(super) fn of_text(text: &str) -> Self {
        let mut pattern = Self::of_affix(Affix::StartsWith, text);
        pattern.branches[0].push(Piece::End);
        pattern
    }

    /// Addresses of a block of IPv4, also when written as IPv6 (`::ffff:10.0.0.1`); none for a block of IPv6, whose
    /// addresses have too many spellings.
    pub(super) fn of_network(network: &Network) -> Option<Self> {
        let IpAddr::V4(address) = network.address else { return None };
        const ANY: &str = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
        let octets = address.octets().into_iter().enumerate().map(|(index, octet)| {
            let fixed_bits = network.prefix.saturating_sub(8 * u8::try_from(index).expect("four octets"));
            match fixed_bits {
                0 => ANY.to_owned(),
                8.. => octet.to_string(),
                bits => {
                    let last = octet | (0xff >> bits);
                    let all: Vec<String> = (octet..=last).map(|octet| octet.to_string()).collect();
                    format!("({})", all.join("|"))
                }
            }
        });
        let text = format!("^(::[fF]{{4}}:)?{}$", octets.collect::<Vec<_>>().join("[.]"));
        Some(Self::of_regex(&text).expect("it uses only what every engine has"))
    }

    /// Whether every text has it.
    pub(super) fn is_anything(&self) -> bool {
        self.branches.iter().any(Vec::is_empty)
    }

    pub(super) fn print(&self, flavor: Flavor) -> String {
        let mut out = String::new();
        print_branches(&self.branches, flavor, &mut out);
        out
    }

    /// For Lucene, whose expressions match the whole text and have no anchors. The error is why it can't.
    pub(super) fn print_lucene(&self) -> Result<String, String> {
        let mut out = String::new();
        for (index, branch) in self.branches.iter().enumerate() {
            if index > 0 {
                out.push('|');
            }
            let mut pieces = branch.as_slice();
            if let [Piece::Start, rest @ ..] = pieces {
                pieces = rest;
            } else {
                out.push_str(".*");
            }
            if let [rest @ .., Piece::End] = pieces {
                lucene_pieces(rest, &mut out)?;
            } else {
                lucene_pieces(pieces, &mut out)?;
                out.push_str(".*");
            }
        }
        if out.is_empty() {
            out.push_str("()");
        }
        Ok(out)
    }
}

struct Reader<'a> {
    rest: std::str::Chars<'a>,
    ignore_case: bool,
    dot_all: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    /// Up to a closing parenthesis, which is left, or the end.
    fn branches(&mut self, depth: usize) -> Result<Vec<Vec<Piece>>, String> {
        if depth > MAX_DEPTH {
            return Err(format!("its groups nest more than {MAX_DEPTH} deep"));
        }
        let mut branches = vec![Vec::new()];
        while let Some(c) = self.peek().filter(|c| *c != ')') {
            self.rest.next();
            let piece = match c {
                '|' => {
                    branches.push(Vec::new());
                    continue;
                }
                '(' => self.group(depth)?,
                '[' => self.set()?,
                '.' if self.dot_all => Piece::AnyChar,
                '.' => Piece::NotNewline,
                '^' => Piece::Start,
                '$' => Piece::End,
                '\\' => match self.rest.next() {
                    Some('A') => Piece::Start,
                    Some('z') => Piece::End,
                    escaped => self.char(escape(escaped)?)?,
                },
                c => self.char(c)?,
            };
            let piece = self.repeated(piece)?;
            branches.last_mut().expect("there is a first one").push(piece);
        }
        Ok(branches)
    }

    fn group(&mut self, depth: usize) -> Result<Piece, String> {
        if self.peek() == Some('?') {
            self.rest.next();
            if self.rest.next() != Some(':') {
                return Err("groups with flags or names differ between engines; write (…) or (?:…), and (?i) only at \
                            the beginning"
                    .to_owned());
            }
        }
        let branches = self.branches(depth + 1)?;
        self.rest.next();
        Ok(Piece::Group(branches))
    }

    fn repeated(&mut self, piece: Piece) -> Result<Piece, String> {
        let (min, max) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.rest.next();
                let counts: String = self.rest.by_ref().take_while(|c| *c != '}').collect();
                let number = |text: &str| {
                    text.parse::<u32>().ok().filter(|count| *count <= MAX_COUNT).ok_or_else(|| {
                        format!("{{{counts}}} is not a count that all engines have; write {{2}} or {{2,5}}, up to {MAX_COUNT}")
                    })
                };
                let counts = match counts.split_once(',') {
                    None => number(&counts).map(|count| (count, Some(count)))?,
                    Some((min, "")) => (number(min)?, None),
                    Some((min, max)) => (number(min)?, Some(number(max)?)),
                };
                return self.not_repeated_again(piece, counts);
            }
            _ => return Ok(piece),
        };
        self.rest.next();
        self.not_repeated_again(piece, (min, max))
    }

    fn not_repeated_again(&mut self, piece: Piece, (min, max): (u32, Option<u32>)) -> Result<Piece, String> {
        if matches!(piece, Piece::Start | Piece::End) {
            return Err("it repeats ^ or $".to_owned());
        }
        // A lazy repetition finds other places, not other texts.
        if self.peek() == Some('?') {
            self.rest.next();
        }
        if matches!(self.peek(), Some('*' | '+' | '?' | '{')) {
            return Err("a repetition of a repetition is possessive in other engines; put parentheses around the inner \
                        one"
                .to_owned());
        }
        Ok(Piece::Repeat { piece: Box::new(piece), min, max })
    }

    fn char(&self, c: char) -> Result<Piece, String> {
        if !self.ignore_case {
            return Ok(Piece::Char(c));
        }
        let ranges = folded((c, c))?;
        Ok(if ranges.len() == 1 { Piece::Char(c) } else { Piece::Set { negated: false, ranges } })
    }

    /// After the opening bracket.
    fn set(&mut self) -> Result<Piece, String> {
        let unlike = || {
            Err("classes in classes, and the operators &&, -- and ~~ in them, differ between engines"
                .to_owned())
        };
        let negated = self.peek() == Some('^');
        if negated {
            self.rest.next();
        }
        let mut ranges: Vec<(char, char)> = Vec::new();
        let mut first = true;
        loop {
            let Some(c) = self.rest.next() else { return Err("a class is not closed".to_owned()) };
            let low = match c {
                ']' if !first => break,
                '[' => return unlike(),
                '&' | '~' | '-' if self.peek() == Some(c) => return unlike(),
                '\\' => escape(self.rest.next())?,
                c => c,
            };
            first = false;
            let mut ahead = self.rest.clone();
            let is_range = ahead.next() == Some('-') && !matches!(ahead.next(), None | Some(']'));
            let high = if is_range {
                self.rest.next();
                match self.rest.next() {
                    Some('\\') => escape(self.rest.next())?,
                    Some('[' | '-') | None => return unlike(),
                    Some(c) => c,
                }
            } else {
                low
            };
            if self.ignore_case {
                ranges.extend(folded((low, high))?);
            } else {
                ranges.push((low, high));
            }
        }
        Ok(Piece::Set { negated, ranges })
    }
}

/// What a backslash makes of the character after it.
fn escape(escaped: Option<char>) -> Result<char, String> {
    match escaped {
        Some('n') => Ok('\n'),
        Some('t') => Ok('\t'),
        Some('r') => Ok('\r'),
        Some('d') => Err(r"\d is other digits too in some engines; write [0-9]".to_owned()),
        Some('w') => Err(r"\w is other letters too in some engines; write [A-Za-z0-9_]".to_owned()),
        Some('s') => Err(r"\s is other spaces too in some engines; write [ \t]".to_owned()),
        Some(c) if c.is_ascii_punctuation() && !matches!(c, '<' | '>') => Ok(c),
        Some(c) => Err(format!("\\{c} differs between engines")),
        None => Err("it ends with a backslash".to_owned()),
    }
}

/// A range and the other cases of its letters.
fn folded((low, high): (char, char)) -> Result<Vec<(char, char)>, String> {
    if !high.is_ascii() {
        return Err("with (?i), letters beyond ASCII have other cases in other engines".to_owned());
    }
    let mut ranges = vec![(low, high)];
    for (from, to, other) in [('a', 'z', 'A'), ('A', 'Z', 'a')] {
        let (first, last) = (low.max(from), high.min(to));
        if first <= last {
            let turned = |c: char| char::from(c as u8 - from as u8 + other as u8);
            ranges.push((turned(first), turned(last)));
        }
    }
    for (letter, relative) in [('k', '\u{212a}'), ('s', '\u{17f}')] {
        if ranges.iter().any(|(low, high)| (*low..=*high).contains(&letter)) {
            ranges.push((relative, relative));
        }
    }
    ranges.dedup();
    Ok(ranges)
}

/// A character in lower case, with those whose lower case it is (as `ilike` compares).
fn with_upper_case(lower: char) -> Piece {
    static UPPER: OnceLock<HashMap<char, Vec<char>>> = OnceLock::new();
    let upper = UPPER.get_or_init(|| {
        let mut upper: HashMap<char, Vec<char>> = HashMap::new();
        for c in ('A'..='Z').chain('\u{80}'..=char::MAX) {
            let mut lowered = c.to_lowercase();
            if let (Some(lower), None) = (lowered.next(), lowered.next())
                && lower != c
            {
                upper.entry(lower).or_default().push(c);
            }
        }
        upper
    });
    let Some(uppers) = upper.get(&lower) else { return Piece::Char(lower) };
    let ranges = std::iter::once(&lower).chain(uppers).map(|c| (*c, *c)).collect();
    Piece::Set { negated: false, ranges }
}

fn print_branches(branches: &[Vec<Piece>], flavor: Flavor, out: &mut String) {
    for (index, branch) in branches.iter().enumerate() {
        if index > 0 {
            out.push('|');
        }
        for piece in branch {
            print_piece(piece, flavor, out);
        }
    }
}

fn print_piece(piece: &Piece, flavor: Flavor, out: &mut String) {
    match piece {
        Piece::Char(c) => print_char(*c, flavor, METACHARACTERS, out),
        // A dot leaves out other line ends as well in some engines.
        Piece::NotNewline => out.push_str(r"[^\n]"),
        Piece::AnyChar => out.push_str(r"[\s\S]"),
        Piece::Set { negated, ranges } => {
            out.push_str(if *negated { "[^" } else { "[" });
            for (low, high) in ranges {
                print_char(*low, flavor, r"[]^-\&~", out);
                if low != high {
                    out.push('-');
                    print_char(*high, flavor, r"[]^-\&~", out);
                }
            }
            out.push(']');
        }
        Piece::Start => out.push_str(if flavor == Flavor::Insights { "^" } else { r"\A" }),
        Piece::End => out.push_str(if flavor == Flavor::Insights { "$" } else { r"\z" }),
        Piece::Group(branches) => {
            out.push_str("(?:");
            print_branches(branches, flavor, out);
            out.push(')');
        }
        Piece::Repeat { piece, min, max } => {
            print_piece(piece, flavor, out);
            print_count(*min, *max, out);
        }
    }
}

fn print_char(c: char, flavor: Flavor, special: &str, out: &mut String) {
    let as_number = c.is_ascii_control() || flavor == Flavor::Insights && "/\"'`#|\\".contains(c);
    if as_number {
        out.push_str(&format!("\\x{:02X}", u32::from(c)));
    } else {
        if special.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
}

fn print_count(min: u32, max: Option<u32>, out: &mut String) {
    match (min, max) {
        (0, None) => out.push('*'),
        (1, None) => out.push('+'),
        (0, Some(1)) => out.push('?'),
        (min, None) => out.push_str(&format!("{{{min},}}")),
        (min, Some(max)) if min == max => out.push_str(&format!("{{{min}}}")),
        (min, Some(max)) => out.push_str(&format!("{{{min},{max}}}")),
    }
}

fn lucene_pieces(pieces: &[Piece], out: &mut String) -> Result<(), String> {
    pieces.iter().try_for_each(|piece| lucene_piece(piece, out))
}

fn lucene_piece(piece: &Piece, out: &mut String) -> Result<(), String> {
    match piece {
        Piece::Char(c) => lucene_char(*c, out),
        Piece::NotNewline => out.push_str("[^\n]"),
        Piece::AnyChar => out.push('.'),
        Piece::Set { negated, ranges } => {
            out.push_str(if *negated { "[^" } else { "[" });
            for (low, high) in ranges {
                lucene_char(*low, out);
                if low != high {
                    out.push('-');
                    lucene_char(*high, out);
                }
            }
            out.push(']');
        }
        Piece::Start | Piece::End => {
            return Err(
                "its regular expressions match whole texts, so ^ and $ can stand at the ends only".to_owned()
            );
        }
        Piece::Group(branches) => {
            out.push('(');
            for (index, branch) in branches.iter().enumerate() {
                if index > 0 {
                    out.push('|');
                }
                if branch.is_empty() && branches.len() > 1 {
                    out.push_str("()");
                }
                lucene_pieces(branch, out)?;
            }
            out.push(')');
        }
        Piece::Repeat { piece, min, max } => {
            lucene_piece(piece, out)?;
            print_count(*min, *max, out);
        }
    }
    Ok(())
}

fn lucene_char(c: char, out: &mut String) {
    if c.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(c);
}

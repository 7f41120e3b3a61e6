//! One pass over the bytes of a record, which stops where enough was seen.

use crate::token::{Token, whole_number};
use crate::wanted::{Odd, Wanted, What};

/// Where the pass is in a line.
#[derive(Debug)]
pub(crate) struct Walk<'l> {
    line: &'l [u8],
    /// At the next name of the event, or behind its end.
    at: usize,
    /// What was seen, as bits of [`Wanted`]; the members of a part that is over count as seen.
    seen: u64,
    is_over: bool,
}

const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);

impl<'l> Walk<'l> {
    /// Begins behind the bracket of the event's object.
    pub(crate) fn new(line: &'l [u8], at: usize) -> Result<Self, Odd> {
        let mut walk = Self { line, at: skip_blanks(line, at), seen: 0, is_over: false };
        if byte(line, walk.at)? == b'}' {
            walk.at += 1;
            walk.is_over = true;
        }
        Ok(walk)
    }

    /// What comes next in the line.
    pub(crate) fn rest(&self) -> &'l [u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    /// Whether it has come by that number.
    pub(crate) fn has_seen(&self, member: usize) -> bool {
        self.seen >> member & 1 == 1
    }

    /// Goes on until all of `until` was seen, or the object is over, noting the tokens of what is wanted.
    pub(crate) fn go(&mut self, wanted: &Wanted, until: u64, tokens: &mut [Token<'l>]) -> Result<(), Odd> {
        let line = self.line;
        while !self.is_over && self.seen & until != until {
            let (name, value) = name_at(line, self.at)?;
            let found = wanted.top.iter().find(|known| *known.name == *name);
            let end = match found.map(|known| &known.what) {
                None => value_end(line, value)?,
                Some(What::Odd) => return Err(Odd),
                Some(What::Member(member)) => {
                    self.see(1 << member)?;
                    let (token, end) = token_at(line, value)?;
                    tokens[*member] = token;
                    end
                }
                Some(What::Part { bit, members, all }) => {
                    self.see(*bit)?;
                    let end = part(line, value, members, *all, tokens)?;
                    self.seen |= all;
                    end
                }
            };
            let (next, is_over) = after(line, end)?;
            self.at = next;
            self.is_over = is_over;
        }
        Ok(())
    }

    /// A name that occurs twice is an error of the line.
    fn see(&mut self, bits: u64) -> Result<(), Odd> {
        if self.seen & bits != 0 {
            return Err(Odd);
        }
        self.seen |= bits;
        Ok(())
    }
}

/// Notes the wanted members of an object, and returns its end.
fn part<'l>(
    line: &'l [u8],
    at: usize,
    members: &[(Box<[u8]>, usize)],
    all: u64,
    tokens: &mut [Token<'l>],
) -> Result<usize, Odd> {
    if byte(line, at)? != b'{' {
        let (token, end) = token_at(line, at)?;
        return if token.is_missing() { Ok(end) } else { Err(Odd) };
    }
    let mut at = skip_blanks(line, at + 1);
    if byte(line, at)? == b'}' {
        return Ok(at + 1);
    }
    let mut seen = 0;
    loop {
        let (name, value) = name_at(line, at)?;
        let end = match members.iter().find(|(known, _)| **known == *name) {
            None => value_end(line, value)?,
            Some((_, member)) => {
                if seen >> member & 1 == 1 {
                    return Err(Odd);
                }
                seen |= 1 << member;
                let (token, end) = token_at(line, value)?;
                tokens[*member] = token;
                end
            }
        };
        let (next, is_over) = after(line, end)?;
        if is_over {
            return Ok(next);
        }
        at = next;
        if seen == all {
            return object_end(line, at);
        }
    }
}

#[inline]
fn byte(line: &[u8], at: usize) -> Result<u8, Odd> {
    line.get(at).copied().ok_or(Odd)
}

#[inline]
pub(crate) fn skip_blanks(line: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\r' | b'\n') = line.get(at) {
        at += 1;
    }
    at
}

/// The name that begins there, and where its value does.
#[inline]
fn name_at(line: &[u8], at: usize) -> Result<(&[u8], usize), Odd> {
    if byte(line, at)? != b'"' {
        return Err(Odd);
    }
    let (end, is_plain) = string_end(line, at + 1)?;
    // Spelled with escapes, it may be any.
    if !is_plain {
        return Err(Odd);
    }
    let name = line.get(at + 1..end).ok_or(Odd)?;
    let value = match line.get(end + 1) {
        Some(b':') => end + 2,
        _ => {
            let colon = skip_blanks(line, end + 1);
            if byte(line, colon)? != b':' {
                return Err(Odd);
            }
            colon + 1
        }
    };
    Ok((name, skip_blanks(line, value)))
}

/// What follows a value: the next name, or the end of the object.
#[inline]
fn after(line: &[u8], end: usize) -> Result<(usize, bool), Odd> {
    let at = skip_blanks(line, end);
    match byte(line, at)? {
        b',' => Ok((skip_blanks(line, at + 1), false)),
        b'}' => Ok((at + 1, true)),
        _ => Err(Odd),
    }
}

/// The place of the quote that ends a string, and whether there is no backslash in it.
#[inline]
fn string_end(line: &[u8], from: usize) -> Result<(usize, bool), Odd> {
    let mut at = from;
    let mut is_plain = true;
    loop {
        let rest = line.get(at..).ok_or(Odd)?;
        let found = match rest.first_chunk::<8>() {
            Some(eight) => {
                let word = u64::from_le_bytes(*eight);
                let marks = zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES);
                if marks == 0 {
                    at += 8;
                    continue;
                }
                (marks.trailing_zeros() / 8) as usize
            }
            None => rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).ok_or(Odd)?,
        };
        if rest[found] == b'"' {
            return Ok((at + found, is_plain));
        }
        is_plain = false;
        at += found + 2;
    }
}

/// The highest bit of every byte that is zero; above the first of them perhaps of others, too.
#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080
}

#[inline]
fn token_at(line: &[u8], at: usize) -> Result<(Token<'_>, usize), Odd> {
    if byte(line, at)? == b'"' {
        let (end, is_plain) = string_end(line, at + 1)?;
        let token = if is_plain {
            Token::Plain(line.get(at + 1..end).ok_or(Odd)?)
        } else {
            Token::Escaped(line.get(at..=end).ok_or(Odd)?)
        };
        return Ok((token, end + 1));
    }
    let end = value_end(line, at)?;
    let text = line.get(at..end).ok_or(Odd)?;
    Ok((if text == b"null" { Token::Missing } else { Token::Other(text) }, end))
}

#[inline]
fn value_end(line: &[u8], at: usize) -> Result<usize, Odd> {
    match byte(line, at)? {
        b'"' => Ok(string_end(line, at + 1)?.0 + 1),
        b'{' | b'[' => object_end(line, at + 1),
        _ => {
            let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n');
            let length = line.get(at..).ok_or(Odd)?.iter().position(is_end).ok_or(Odd)?;
            if length == 0 { Err(Odd) } else { Ok(at + length) }
        }
    }
}

/// The end of the object or array of which something has been read.
#[inline]
fn object_end(line: &[u8], mut at: usize) -> Result<usize, Odd> {
    let mut depth = 1_usize;
    loop {
        match byte(line, at)? {
            b'"' => at = string_end(line, at + 1)?.0,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Ok(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// Whether what comes behind an event is a seal, and nothing else, as the reader of records takes it.
pub(crate) fn is_seal(rest: &[u8]) -> Result<(), Odd> {
    let at = skip_blanks(rest, 0);
    if byte(rest, at)? != b',' {
        return Err(Odd);
    }
    let (name, value) = name_at(rest, skip_blanks(rest, at + 1))?;
    if name != b"integrity" || byte(rest, value)? != b'{' {
        return Err(Odd);
    }
    let mut at = skip_blanks(rest, value + 1);
    let mut seen = 0_u8;
    loop {
        let (name, value) = name_at(rest, at)?;
        let (token, end) = token_at(rest, value)?;
        let (bit, fits) = match name {
            b"chain_id" => (1, matches!(token, Token::Plain(_))),
            b"previous_signature" => (2, matches!(token, Token::Plain(_))),
            b"sequence_number" => {
                (4, matches!(token, Token::Other(number) if whole_number(number).is_some()))
            }
            b"signature" => (8, matches!(token, Token::Plain(_))),
            _ => (0, true),
        };
        if !fits || seen & bit != 0 {
            return Err(Odd);
        }
        seen |= bit;
        let (next, is_over) = after(rest, end)?;
        at = next;
        if is_over {
            break;
        }
    }
    let end = skip_blanks(rest, at);
    if seen == 15 && byte(rest, end)? == b'}' && skip_blanks(rest, end + 1) == rest.len() {
        Ok(())
    } else {
        Err(Odd)
    }
}

/// Where the event's object begins behind its bracket, and whether it is in a sealed record.
pub(crate) fn begin(line: &[u8]) -> Result<(usize, bool), Odd> {
    const SEALED: &[u8] = b"{\"event\":{";
    if line.starts_with(SEALED) {
        return Ok((SEALED.len(), true));
    }
    let at = skip_blanks(line, 0);
    if byte(line, at)? != b'{' {
        return Err(Odd);
    }
    let inner = skip_blanks(line, at + 1);
    match name_at(line, inner)? {
        (b"event", value) if byte(line, value)? == b'{' => Ok((value + 1, true)),
        _ => Ok((at + 1, false)),
    }
}

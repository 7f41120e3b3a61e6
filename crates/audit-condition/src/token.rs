use std::ops::Range;

use audit_model::MAX_SAFE_INTEGER;

use crate::error::{Fault, fault};
use crate::number::Number;

/// A word of the language, with its place in bytes.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TokenKind {
    /// Names joined by dots; keywords are those of one segment.
    Name(Vec<Segment>),
    Text(String),
    Number(Number),
    /// In milliseconds.
    Duration(i64),
    Symbol(Symbol),
    End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) name: String,
    /// Whether it was written in back-quotes.
    pub(crate) quoted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
    NotMatches,
    And,
    Or,
    Not,
    Plus,
    Minus,
    Open,
    Close,
    Comma,
}

/// Longest first, so that the first that fits is meant.
const SYMBOLS: [(&str, Symbol); 19] = [
    ("==", Symbol::Equal),
    ("=~", Symbol::Matches),
    ("!=", Symbol::NotEqual),
    ("!~", Symbol::NotMatches),
    ("<>", Symbol::NotEqual),
    ("<=", Symbol::LessOrEqual),
    (">=", Symbol::GreaterOrEqual),
    ("&&", Symbol::And),
    ("||", Symbol::Or),
    ("=", Symbol::Equal),
    ("<", Symbol::Less),
    (">", Symbol::Greater),
    ("~", Symbol::Matches),
    ("!", Symbol::Not),
    ("+", Symbol::Plus),
    ("-", Symbol::Minus),
    ("(", Symbol::Open),
    (")", Symbol::Close),
    (",", Symbol::Comma),
];

/// What people write from elsewhere, and what it is here.
const FOREIGN: [(&str, &str); 21] = [
    ("===", "write = for equality"),
    ("!==", "write != for inequality"),
    ("<=>", "write = for equality"),
    ("=>", "write >= for greater or equal"),
    ("=<", "write <= for less or equal"),
    ("=!", "write != for inequality"),
    (":=", "write = for equality"),
    ("≥", "write >="),
    ("≤", "write <="),
    ("≠", "write !="),
    ("&", "write `and` (or &&)"),
    ("|", "write `or` (or ||)"),
    (":", "write = for equality, as in event_type = 'backup.failed'"),
    ("$", "paths begin with the field itself, as in actor.id, without $"),
    ("@", "the time of an event is the field timestamp, without @"),
    (".", "paths begin with the field itself, as in actor.id, without a dot before it"),
    ("/", "a regular expression is written as a text: matches '…'"),
    (";", "a condition is one expression without a semicolon"),
    ("[", "lists are written in parentheses, ('a', 'b'); every element of an array is tried, without [ ]"),
    ("*", "patterns are written with `like` and %, as in event_type like 'backup.%'"),
    ("%", "patterns are written in quotes, as in event_type like 'backup.%'"),
];

const DURATION_UNITS: [(&str, i64); 6] =
    [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];

/// How long a condition may be, in bytes.
const MAX_LENGTH: usize = 64 * 1024;

/// How many names a path may have.
const MAX_SEGMENTS: usize = 32;

/// Cuts a text into words; the last one is `End`.
pub(crate) fn tokens(source: &str) -> Result<Vec<Token>, Fault> {
    if source.len() > MAX_LENGTH {
        let at = (0..=MAX_LENGTH).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0);
        return fault(&(at..at), format!("a condition has at most {MAX_LENGTH} bytes"));
    }
    let mut lexer = Lexer { source, at: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        let last = token.kind == TokenKind::End;
        tokens.push(token);
        if last {
            return Ok(tokens);
        }
    }
}

pub(crate) fn starts_name(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

pub(crate) fn continues_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Result<Token, Fault> {
        self.at += self.take(char::is_whitespace).len();
        let start = self.at;
        let kind = match self.peek() {
            None => TokenKind::End,
            Some(quote @ ('\'' | '"')) => TokenKind::Text(self.text(quote)?),
            Some('`') => self.name()?,
            Some(c) if starts_name(c) => self.name()?,
            Some(c) if c.is_ascii_digit() => self.number()?,
            Some(c) => TokenKind::Symbol(self.symbol(c)?),
        };
        Ok(Token { kind, span: start..self.at })
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The run of such characters that comes next; does not move.
    fn take(&self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(|c| !belongs(c)).unwrap_or(rest.len())]
    }

    fn symbol(&mut self, c: char) -> Result<Symbol, Fault> {
        let here = |length| self.at..self.at + length;
        // `&&` and `||` are ours; of the others the foreign ones are longer or not ours at all.
        let foreign = FOREIGN.iter().find(|(text, _)| self.rest().starts_with(text));
        let ours = SYMBOLS.iter().find(|(text, _)| self.rest().starts_with(text));
        if let Some((text, symbol)) = ours
            && foreign.is_none_or(|(other, _)| other.len() <= text.len())
        {
            self.at += text.len();
            return Ok(*symbol);
        }
        if let Some((text, instead)) = foreign {
            return fault(&here(text.len()), format!("`{text}` is not an operator here; {instead}"));
        }
        let span = here(c.len_utf8());
        match c {
            '“' | '”' | '„' | '‘' | '’' | '‚' | '«' | '»' | '´' => {
                fault(&span, format!("{c} is a typographic quote; put texts in straight ones: '…' or \"…\""))
            }
            _ => fault(&span, format!("`{}` has no meaning here", c.escape_debug())),
        }
    }

    fn text(&mut self, quote: char) -> Result<String, Fault> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        let mut last_escaped_quote = false;
        loop {
            let Some(c) = self.peek() else {
                let hint = if last_escaped_quote {
                    format!(
                        " (\\{quote} stands for the quote itself; a backslash before the last quote is written \\\\)"
                    )
                } else {
                    String::new()
                };
                return fault(&(start..self.source.len()), format!("this text has no closing {quote}{hint}"));
            };
            self.at += c.len_utf8();
            let ahead = self.peek();
            last_escaped_quote &= c != quote;
            match (c, ahead) {
                (c, Some(next)) if c == quote && next == quote => {
                    self.at += 1;
                    text.push(quote);
                }
                (c, _) if c == quote => return Ok(text),
                ('\\', Some(escaped @ ('\\' | '\'' | '"'))) => {
                    self.at += 1;
                    text.push(escaped);
                    last_escaped_quote = escaped == quote;
                }
                (other, _) => text.push(other),
            }
        }
    }

    fn name(&mut self) -> Result<TokenKind, Fault> {
        let start = self.at;
        let mut segments = Vec::new();
        loop {
            segments.push(self.segment()?);
            if segments.len() > MAX_SEGMENTS {
                return fault(&(start..self.at), format!("a path has at most {MAX_SEGMENTS} names"));
            }
            let after = self.rest();
            if after.starts_with('[') {
                let end = self.at + after.find(']').map_or(1, |close| close + 1);
                return fault(
                    &(self.at..end),
                    "a path has no [ ]: an array stands for all of its elements, and an odd key is written in \
                     back-quotes, as in details.`my key`",
                );
            }
            let joined = segments.last().is_some_and(|last| !last.quoted)
                && after.starts_with('-')
                && after[1..].starts_with(continues_name)
                && !segments[0].name.eq_ignore_ascii_case("now");
            if joined {
                let end = self.at + 1 + after[1..].find(|c| !continues_name(c)).unwrap_or(after.len() - 1);
                let name = &self.source[self.at - segments.last().map_or(0, |s| s.name.len())..end];
                return fault(
                    &(start..end),
                    format!("a name with a hyphen is written in back-quotes: `{name}`"),
                );
            }
            if !after.starts_with('.') {
                return Ok(TokenKind::Name(segments));
            }
            self.at += 1;
        }
    }

    fn segment(&mut self) -> Result<Segment, Fault> {
        let start = self.at;
        if self.peek() == Some('`') {
            self.at += 1;
            let mut name = String::new();
            loop {
                name.push_str(self.take(|c| c != '`'));
                self.at += self.take(|c| c != '`').len();
                if self.peek().is_none() {
                    return fault(&(start..self.at), "this name has no closing `");
                }
                self.at += 1;
                if self.peek() != Some('`') {
                    return Ok(Segment { name, quoted: true });
                }
                self.at += 1;
                name.push('`');
            }
        }
        let name = self.take(continues_name);
        if name.starts_with(starts_name) {
            self.at += name.len();
            return Ok(Segment { name: name.to_owned(), quoted: false });
        }
        let hint = if name.is_empty() {
            "after the dot a name is expected (an odd one in back-quotes, as in details.`my key`)".to_owned()
        } else {
            format!(
                "a name that begins with a digit is written in back-quotes: `{name}` (an array needs no index: \
                 every element of it is tried)"
            )
        };
        let length = name.len().max(self.peek().map_or(0, char::len_utf8));
        fault(&(start..start + length), hint)
    }

    fn number(&mut self) -> Result<TokenKind, Fault> {
        let start = self.at;
        let digits = self.take(|c| c.is_ascii_digit());
        self.at += digits.len();
        let mut is_float = false;
        if self.rest().strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            is_float = true;
            self.at += 1;
            self.at += self.take(|c| c.is_ascii_digit()).len();
        }
        if let Some(exponent) = self.rest().strip_prefix(['e', 'E']) {
            let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
            let after = &unsigned[digits..];
            if digits > 0 && !after.starts_with(continues_name) {
                is_float = true;
                self.at = self.source.len() - after.len();
            }
        }
        let suffix = self.take(|c| continues_name(c) || c == '.');
        if !suffix.is_empty() {
            self.at += suffix.len();
            return self.duration(start, is_float);
        }
        let text = &self.source[start..self.at];
        let span = start..self.at;
        let too_large = || {
            fault(
                &span,
                format!(
                    "{text} is beyond ±(2^53−1), which no number in an event exceeds; compare it as a text"
                ),
            )
        };
        let largest = i64::try_from(MAX_SAFE_INTEGER).expect("2^53 is below 2^63");
        if is_float {
            let float: f64 = text.parse().expect("digits, a point and an exponent are a number");
            if float.abs() > MAX_SAFE_INTEGER as f64 {
                return too_large();
            }
            // A whole one is held as such, so that 5.0 and 5 are one literal.
            let number = if float.fract() == 0.0 { Number::Int(float as i64) } else { Number::Float(float) };
            return Ok(TokenKind::Number(number));
        }
        match text.parse::<i64>() {
            Ok(int) if int <= largest => Ok(TokenKind::Number(Number::Int(int))),
            _ => too_large(),
        }
    }

    fn duration(&self, start: usize, is_float: bool) -> Result<TokenKind, Fault> {
        let span = start..self.at;
        let text = &self.source[span.clone()];
        let units = "expected a duration such as 500ms, 90s, 5m, 2h, 7d, 1w or 1h30m";
        if text.ends_with('.') || text.matches('.').count() > 1 {
            return fault(
                &span,
                format!("`{text}` is not a number; put addresses, versions and dates in quotes"),
            );
        }
        if is_float {
            return fault(&span, format!("`{text}` is not a number; {units}, of whole numbers"));
        }
        let mut rest = text;
        let mut total: i64 = 0;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let letters = rest[digits..].find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len() - digits);
            let (number, unit) = (&rest[..digits], &rest[digits..digits + letters]);
            rest = &rest[digits + letters..];
            let Some((_, milliseconds)) = DURATION_UNITS.iter().find(|(known, _)| *known == unit) else {
                return fault(&span, format!("`{text}` is not a number or a duration; {units}"));
            };
            total = match number
                .parse::<i64>()
                .ok()
                .and_then(|n| n.checked_mul(*milliseconds)?.checked_add(total))
            {
                Some(sum) if sum.unsigned_abs() <= MAX_SAFE_INTEGER => sum,
                _ => return fault(&span, format!("`{text}` is too long a duration")),
            };
        }
        Ok(TokenKind::Duration(total))
    }
}

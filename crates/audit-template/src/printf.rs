use std::fmt::Write as _;

use crate::bounded::Bounded;
use crate::quote;
use crate::value::Val;

/// Wider than any column of a message; a template is not to ask for gigabytes of spaces.
const MAX_WIDTH: usize = 1000;

/// One verb of a format: `%-10s`.
#[derive(Clone, Copy, Debug, Default)]
struct Verb {
    left: bool,
    plus: bool,
    space: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    letter: char,
}

enum Piece<'f> {
    Text(&'f str),
    Verb(Verb),
}

/// How many arguments a format takes.
///
/// # Errors
/// What is wrong with it, and what was expected.
pub(crate) fn arguments_of(format: &str) -> Result<usize, (String, &'static str)> {
    let mut count = 0;
    for piece in Pieces(format) {
        if let Piece::Verb(verb) = piece {
            if !"vsdqxXfFeEgGt".contains(verb.letter) {
                let found = match verb.letter {
                    '\0' => "the format ends within a verb".to_owned(),
                    letter => format!("the format has an unknown verb `%{}`", letter.escape_debug()),
                };
                return Err((
                    found,
                    "expected one of %v %s %d %q %x %X %f %e %g %t, and %% for a percent sign",
                ));
            }
            count += 1;
        }
    }
    Ok(count)
}

/// Writes the values as the format says. A value that its verb is not for is written as `%v` does, one that is missing as
/// nothing, and one too many is left out.
pub(crate) fn printf(format: &str, arguments: &[Val<'_>], limit: usize) -> String {
    let mut out = Bounded::new(limit);
    let mut arguments = arguments.iter();
    for piece in Pieces(format) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Verb(verb) => verb.write(arguments.next().unwrap_or(&Val::Absent), &mut out, limit),
        }
        if out.is_full() {
            break;
        }
    }
    out.into_string()
}

struct Pieces<'f>(&'f str);

impl<'f> Iterator for Pieces<'f> {
    type Item = Piece<'f>;

    fn next(&mut self) -> Option<Piece<'f>> {
        let text = self.0;
        match text.find('%') {
            None if text.is_empty() => None,
            None => {
                self.0 = "";
                Some(Piece::Text(text))
            }
            Some(0) if text[1..].starts_with('%') => {
                self.0 = &text[2..];
                Some(Piece::Text("%"))
            }
            Some(0) => {
                let (verb, rest) = Verb::read(&text[1..]);
                self.0 = rest;
                Some(Piece::Verb(verb))
            }
            Some(percent) => {
                self.0 = &text[percent..];
                Some(Piece::Text(&text[..percent]))
            }
        }
    }
}

impl Verb {
    /// Of what stands behind the percent sign; the letter is NUL where there is none.
    fn read(text: &str) -> (Self, &str) {
        let mut verb = Self::default();
        let mut chars = text.chars().peekable();
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | ' ' | '0' | '#')) {
            match flag {
                '-' => verb.left = true,
                '+' => verb.plus = true,
                ' ' => verb.space = true,
                '0' => verb.zero = true,
                _ => {}
            }
        }
        let digits = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            let mut number = 0;
            while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                number = (number * 10 + digit as usize).min(MAX_WIDTH);
                chars.next();
            }
            number
        };
        verb.width = digits(&mut chars);
        if chars.next_if_eq(&'.').is_some() {
            verb.precision = Some(digits(&mut chars));
        }
        verb.letter = chars.next().unwrap_or('\0');
        let left: usize = chars.map(char::len_utf8).sum();
        (verb, &text[text.len() - left..])
    }

    fn write(self, value: &Val<'_>, out: &mut Bounded, limit: usize) {
        let mut text = Bounded::new(limit);
        let is_number = match (self.letter, value) {
            ('d', Val::Int(_) | Val::Float(_)) => self.integer(value, &mut text),
            ('x' | 'X', Val::Int(number)) => {
                text.push_str(self.sign(*number < 0));
                let number = number.unsigned_abs();
                let written =
                    if self.letter == 'x' { write!(text, "{number:x}") } else { write!(text, "{number:X}") };
                written.expect("a bounded text takes anything");
                true
            }
            ('f' | 'F' | 'e' | 'E' | 'g' | 'G', value) if value.number().is_some() => {
                self.float(value.number().unwrap_or_default(), &mut text);
                true
            }
            ('x' | 'X', Val::Text(bytes)) => {
                quote::hex(bytes, self.letter == 'X', &mut text);
                false
            }
            ('q', value) => {
                quote::go(&value.clone().text(limit), &mut text);
                false
            }
            (_, Val::Int(_) | Val::Float(_)) => {
                if self.plus && value.number().is_some_and(|number| number >= 0.0) {
                    text.push('+');
                }
                value.write(&mut text);
                true
            }
            (_, value) => {
                value.write(&mut text);
                false
            }
        };
        let mut text = text.into_string();
        if let (false, Some(precision)) = (is_number, self.precision)
            && let Some((end, _)) = text.char_indices().nth(precision)
        {
            text.truncate(end);
        }
        self.pad(&text, is_number, out);
    }

    fn integer(self, value: &Val<'_>, text: &mut Bounded) -> bool {
        let number = value.integer().unwrap_or_default();
        text.push_str(self.sign(number < 0));
        write!(text, "{:0width$}", number.unsigned_abs(), width = self.precision.unwrap_or(0))
            .expect("a bounded text takes anything");
        true
    }

    fn float(self, number: f64, text: &mut Bounded) {
        text.push_str(self.sign(number.is_sign_negative()));
        let number = number.abs();
        match self.letter {
            'f' | 'F' => write!(text, "{number:.precision$}", precision = self.precision.unwrap_or(6)),
            'e' | 'E' => {
                let written = format!("{number:.precision$e}", precision = self.precision.unwrap_or(6));
                let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
                let exponent: i32 = exponent.parse().unwrap_or_default();
                let sign = if exponent < 0 { '-' } else { '+' };
                write!(text, "{digits}{}{sign}{:02}", self.letter, exponent.abs())
            }
            _ => {
                Val::Float(number).write(text);
                Ok(())
            }
        }
        .expect("a bounded text takes anything");
    }

    fn sign(self, negative: bool) -> &'static str {
        match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        }
    }

    fn pad(self, text: &str, is_number: bool, out: &mut Bounded) {
        let missing = self.width.saturating_sub(text.chars().count());
        if self.left {
            out.push_str(text);
            out.push_str(&" ".repeat(missing));
        } else if self.zero && is_number && (self.letter != 'd' || self.precision.is_none()) {
            let sign = text.len() - text.trim_start_matches(['+', '-', ' ']).len();
            out.push_str(&text[..sign]);
            out.push_str(&"0".repeat(missing));
            out.push_str(&text[sign..]);
        } else {
            out.push_str(&" ".repeat(missing));
            out.push_str(text);
        }
    }
}

use crate::TemplateError;

/// A token and where it begins, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) offset: usize,
    /// Whether it follows the token before it without white space, as `.b` does in `$x.b`.
    pub(crate) glued: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TokenKind {
    Text(String),
    /// The end of an action; what stands before the first one and between two is text.
    Close,
    Dot,
    /// `.name`, without the dot.
    Field(String),
    /// `$name`, without the dollar sign; empty for `$`.
    Variable(String),
    Name(String),
    String(String),
    Int(i64),
    Float(f64),
    Pipe,
    Comma,
    Declare,
    Assign,
    OpenParenthesis,
    CloseParenthesis,
}

/// White space as Go's templates have it for trimming and between tokens.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Cuts a template into tokens: texts, and the tokens of its actions with a [`Close`](TokenKind::Close) behind each. Comments
/// and trimmed white space are gone.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, TemplateError> {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new() };
    lexer.run()?;
    Ok(lexer.tokens)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    tokens: Vec<Token>,
}

impl<'t> Lexer<'t> {
    fn run(&mut self) -> Result<(), TemplateError> {
        let mut trim_start = false;
        loop {
            let start = self.at;
            let rest = self.rest();
            let open = rest.find("{{");
            let mut piece = &rest[..open.unwrap_or(rest.len())];
            let trims_end = open.is_some_and(|open| is_trim_marker(&rest[open + 2..]));
            if trim_start {
                piece = piece.trim_start_matches(SPACE);
            }
            if trims_end {
                piece = piece.trim_end_matches(SPACE);
            }
            if !piece.is_empty() {
                self.push(TokenKind::Text(piece.to_owned()), start, false);
            }
            let Some(open) = open else { return Ok(()) };
            self.at += open + 2 + usize::from(trims_end);
            trim_start = self.action(start + open, trims_end)?;
        }
    }

    /// What stands between the delimiters; whether the text behind is to be trimmed.
    fn action(&mut self, open: usize, trims: bool) -> Result<bool, TemplateError> {
        let inner = if trims { self.rest().trim_start_matches(SPACE) } else { self.rest() };
        if let Some(comment) = inner.strip_prefix("/*") {
            return self.comment(open, comment);
        }
        let mut glued = false;
        loop {
            let before = self.at;
            self.at = self.text.len() - self.rest().trim_start_matches(SPACE).len();
            let spaced = self.at > before;
            glued &= !spaced;
            let offset = self.at;
            let rest = self.rest();
            if rest.starts_with("}}") {
                self.at += 2;
                self.push(TokenKind::Close, offset, false);
                return Ok(false);
            }
            if spaced && rest.starts_with("-}}") {
                self.at += 3;
                self.push(TokenKind::Close, offset, false);
                return Ok(true);
            }
            if rest.is_empty() {
                return Err(self.error(open, "this `{{` has no end", "expected `}}`"));
            }
            let kind = self.token()?;
            self.push(kind, offset, glued);
            glued = true;
        }
    }

    fn comment(&mut self, open: usize, comment: &'t str) -> Result<bool, TemplateError> {
        let Some(end) = comment.find("*/") else {
            return Err(self.error(open, "this comment has no end", "expected `*/}}`"));
        };
        let behind = &comment[end + 2..];
        let trimmed =
            behind.trim_start_matches(SPACE).strip_prefix("-}}").filter(|_| behind.starts_with(SPACE));
        let (left, trims) = match (behind.strip_prefix("}}"), trimmed) {
            (Some(left), _) => (left, false),
            (None, Some(left)) => (left, true),
            (None, None) => {
                let offset = self.text.len() - behind.len();
                return Err(self.error(
                    offset,
                    "a comment must be all of its action",
                    "expected `}}` right behind `*/`",
                ));
            }
        };
        self.at = self.text.len() - left.len();
        Ok(trims)
    }

    fn token(&mut self) -> Result<TokenKind, TemplateError> {
        let offset = self.at;
        let rest = self.rest();
        let first = rest.chars().next().expect("the caller saw that something is left");
        let simple = match first {
            '|' => Some((TokenKind::Pipe, 1)),
            ',' => Some((TokenKind::Comma, 1)),
            '(' => Some((TokenKind::OpenParenthesis, 1)),
            ')' => Some((TokenKind::CloseParenthesis, 1)),
            ':' if rest.starts_with(":=") => Some((TokenKind::Declare, 2)),
            '=' if !rest.starts_with("==") => Some((TokenKind::Assign, 1)),
            _ => None,
        };
        if let Some((kind, length)) = simple {
            self.at += length;
            return Ok(kind);
        }
        match first {
            '"' => self.quoted(),
            '`' => self.raw(),
            '$' => {
                let name = name_at(&rest[1..]);
                self.at += 1 + name.len();
                self.ends_word(offset)?;
                Ok(TokenKind::Variable(name.to_owned()))
            }
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number(),
            '.' => {
                let name = name_at(&rest[1..]);
                self.at += 1 + name.len();
                self.ends_word(offset)?;
                Ok(if name.is_empty() { TokenKind::Dot } else { TokenKind::Field(name.to_owned()) })
            }
            '0'..='9' | '+' | '-' => self.number(),
            '\'' => Err(self.error(
                offset,
                "`'` begins no text",
                "write texts in double quotes, such as \"high\"",
            )),
            _ if is_name_character(first) => {
                let name = name_at(rest);
                self.at += name.len();
                self.ends_word(offset)?;
                Ok(TokenKind::Name(name.to_owned()))
            }
            '!' | '<' | '>' | '=' | '&' => Err(self.error(
                offset,
                format!("`{first}` is no operator here"),
                "compare with a function, such as `eq .severity \"high\"`: eq ne lt le gt ge and or not",
            )),
            _ => Err(self.error(
                offset,
                format!("`{}` has no meaning here", first.escape_debug()),
                "expected a field, a function, a text or `}}`",
            )),
        }
    }

    /// Behind a name: a dash would silently be the next token, and is part of a key that only `index` can reach.
    fn ends_word(&self, offset: usize) -> Result<(), TemplateError> {
        let word = &self.text[offset..self.at];
        match self.rest().chars().next() {
            Some('-') if !self.rest().starts_with("-}}") => {
                let whole: String =
                    self.rest().chars().take_while(|c| is_name_character(*c) || *c == '-').collect();
                let key = format!("{}{whole}", word.trim_start_matches(['.', '$']));
                let remedy = format!("reach the key with `index`, as in `index .details {key:?}`");
                Err(self.error(self.at, format!("`-` cannot stand in `{word}{whole}`"), remedy))
            }
            Some('-') => Err(self.error(
                self.at,
                "a trim marker stands behind white space",
                "expected ` -}}` with a space",
            )),
            _ => Ok(()),
        }
    }

    fn quoted(&mut self) -> Result<TokenKind, TemplateError> {
        let open = self.at;
        let no_end =
            |lexer: &Self| lexer.error(open, "this text has no end", "expected `\"` on the same line");
        let mut value = String::new();
        self.at += 1;
        loop {
            let offset = self.at;
            let Some(c) = self.next() else { return Err(no_end(self)) };
            match c {
                '"' => return Ok(TokenKind::String(value)),
                '\n' => return Err(no_end(self)),
                '\\' => {
                    let Some(escaped) = self.next() else { return Err(no_end(self)) };
                    value.push(self.escaped(offset, escaped)?);
                }
                c => value.push(c),
            }
        }
    }

    fn escaped(&mut self, offset: usize, escaped: char) -> Result<char, TemplateError> {
        let digits = match escaped {
            'n' => return Ok('\n'),
            't' => return Ok('\t'),
            'r' => return Ok('\r'),
            'a' => return Ok('\x07'),
            'b' => return Ok('\x08'),
            'f' => return Ok('\x0c'),
            'v' => return Ok('\x0b'),
            '\\' | '"' => return Ok(escaped),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => {
                let found = format!("`\\{}` is no escape", escaped.escape_debug());
                return Err(self.error(offset, found, r#"expected one of \n \t \r \\ \" \xHH \uHHHH"#));
            }
        };
        let number = self.rest().get(..digits).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        // Bytes of half a character can't be written: our texts are UTF-8.
        let c = number.filter(|number| digits != 2 || *number < 0x80).and_then(char::from_u32);
        self.at += if c.is_some() { digits } else { 0 };
        c.ok_or_else(|| {
            let expected = format!("expected {digits} hexadecimal digits of a character");
            self.error(offset, format!("`\\{escaped}` has no character"), expected)
        })
    }

    fn raw(&mut self) -> Result<TokenKind, TemplateError> {
        let rest = &self.rest()[1..];
        let Some(end) = rest.find('`') else {
            return Err(self.error(self.at, "this text has no end", "expected a back-quote"));
        };
        self.at += end + 2;
        // As Go does with raw strings.
        Ok(TokenKind::String(rest[..end].replace('\r', "")))
    }

    fn number(&mut self) -> Result<TokenKind, TemplateError> {
        let rest = self.rest();
        let mut end = usize::from(rest.starts_with(['+', '-']));
        let mut last = ' ';
        for c in rest[end..].chars() {
            let continues = c.is_alphanumeric()
                || matches!(c, '.' | '_')
                || (matches!(c, '+' | '-') && matches!(last, 'e' | 'E'));
            if !continues {
                break;
            }
            end += c.len_utf8();
            last = c;
        }
        let word = &rest[..end];
        let kind = read_number(word).ok_or_else(|| {
            self.error(self.at, format!("`{word}` is no number"), "expected one such as 10, -3, 0x1F or 2.5")
        })?;
        self.at += end;
        Ok(kind)
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: TokenKind, offset: usize, glued: bool) {
        self.tokens.push(Token { kind, offset, glued });
    }

    fn error(&self, offset: usize, found: impl Into<String>, remedy: impl Into<String>) -> TemplateError {
        TemplateError::new(self.text, offset, found, remedy)
    }
}

/// `{{- ` trims; `{{-3` is a number.
fn is_trim_marker(behind: &str) -> bool {
    behind.strip_prefix('-').is_some_and(|behind| behind.starts_with(SPACE))
}

fn is_name_character(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn name_at(text: &str) -> &str {
    &text[..text.find(|c| !is_name_character(c)).unwrap_or(text.len())]
}

fn read_number(word: &str) -> Option<TokenKind> {
    let plain = word.replace('_', "");
    let (sign, unsigned) = match plain.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let (digits, radix) = match unsigned.get(..2) {
        Some("0x" | "0X") => (&unsigned[2..], 16),
        Some("0o" | "0O") => (&unsigned[2..], 8),
        Some("0b" | "0B") => (&unsigned[2..], 2),
        _ => (unsigned, 10),
    };
    if let Ok(number) = i64::from_str_radix(&format!("{sign}{digits}"), radix) {
        return Some(TokenKind::Int(number));
    }
    let is_decimal =
        radix == 10 && unsigned.chars().all(|c| matches!(c, '0'..='9' | '.' | 'e' | 'E' | '+' | '-'));
    let number = plain.parse::<f64>().ok().filter(|number| is_decimal && number.is_finite())?;
    Some(TokenKind::Float(number))
}

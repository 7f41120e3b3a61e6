use std::borrow::Cow;

use crate::bounded::Bounded;
use crate::quote;

/// What is done to values so that they stay values in the language that a template writes.
///
/// It is done to what actions write, and not to the template's own text: `<!channel>` in a template calls a channel, and in an
/// actor's name it doesn't.
///
/// ```
/// use audit_template::{Escape, Shape, Template};
/// use serde_json::json;
///
/// let template = Template::parse("<!here> {{ .who }}", &Shape::any())?;
/// let dot = json!({"who": "<!channel>\r\n@here"});
/// assert_eq!(template.render(&dot, Escape::None), "<!here> <!channel>\r\n@here");
/// assert_eq!(template.render(&dot, Escape::Slack), "<!here> &lt;!channel&gt;\r\n@\u{2060}here");
/// assert_eq!(template.render(&dot, Escape::Html), "<!here> &lt;!channel&gt;\r\n@here");
/// assert_eq!(template.render(&dot, Escape::Json), r"<!here> <!channel>\r\n@here");
/// assert_eq!(template.render(&dot, Escape::HeaderLine), "<!here> <!channel> @here");
/// # Ok::<(), audit_template::TemplateError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Escape {
    /// Nothing: plain text.
    None,
    /// For Slack's mrkdwn: `&`, `<` and `>` become entities, as its documentation asks, so a value makes no link and no
    /// mention; and `@here`, `@channel`, `@everyone` and `@group` get an invisible word joiner (U+2060) behind the `@`, in
    /// case that a workspace's settings turn plain names into mentions.
    Slack,
    /// For HTML, in an element or a quoted attribute.
    Html,
    /// For the inside of a JSON string: put quotation marks around the action. What `json` writes last in an action is left
    /// as it is, and needs none.
    Json,
    /// For a header of an e-mail: line breaks, control characters and those that turn the direction of writing become one
    /// space.
    HeaderLine,
}

impl Escape {
    /// A text as an action would write it.
    #[must_use]
    pub fn escaped(self, text: &str) -> String {
        let mut out = Bounded::new(usize::MAX);
        self.write(text, &mut out);
        out.into_string()
    }

    pub(crate) fn write(self, text: &str, out: &mut Bounded) {
        match self {
            Self::None => out.push_str(text),
            Self::Slack => slack(text, out),
            Self::Html => text.chars().for_each(|c| quote::html(c, out)),
            Self::Json => text.chars().for_each(|c| json(c, out)),
            Self::HeaderLine => out.push_str(&header_line(text)),
        }
    }
}

/// The words that call everybody when they stand behind an `@`.
const CALLS: [&str; 4] = ["here", "channel", "everyone", "group"];

fn slack(text: &str, out: &mut Bounded) {
    for (at, c) in text.char_indices() {
        match c {
            '&' => out.push_whole("&amp;"),
            '<' => out.push_whole("&lt;"),
            '>' => out.push_whole("&gt;"),
            '@' | '＠' => {
                out.push(c);
                if calls_everybody(&text[..at], &text[at + c.len_utf8()..]) {
                    out.push('\u{2060}');
                }
            }
            c => out.push(c),
        }
    }
}

/// Whether an `@` between these is a call, and not the middle of an address such as `x@here.com`.
fn calls_everybody(before: &str, behind: &str) -> bool {
    let is_address = before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+'));
    let calls = |word: &&str| {
        behind.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
            && !behind[word.len()..].starts_with(char::is_alphanumeric)
    };
    !is_address && CALLS.iter().any(calls)
}

fn json(c: char, out: &mut Bounded) {
    match c {
        '"' => out.push_whole("\\\""),
        '\\' => out.push_whole("\\\\"),
        '\n' => out.push_whole("\\n"),
        '\r' => out.push_whole("\\r"),
        '\t' => out.push_whole("\\t"),
        '\0'..='\x1f' => out.push_whole(&format!("\\u{:04x}", u32::from(c))),
        c => out.push(c),
    }
}

fn header_line(text: &str) -> Cow<'_, str> {
    if !text.contains(breaks_a_line) {
        return Cow::Borrowed(text);
    }
    let pieces = text.split(breaks_a_line).filter(|piece| !piece.is_empty());
    let mut line = String::with_capacity(text.len());
    if text.starts_with(breaks_a_line) {
        line.push(' ');
    }
    for (index, piece) in pieces.enumerate() {
        if index > 0 && !line.ends_with(' ') {
            line.push(' ');
        }
        line.push_str(piece);
    }
    Cow::Owned(line)
}

/// Control characters, Unicode's line and paragraph separators, and the marks that make a text read other than it is
/// (UAX #9, explicit directional formatting).
fn breaks_a_line(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

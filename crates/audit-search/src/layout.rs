use serde::de::IgnoredAny;

/// How records are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One a line.
    Lines,
    /// Over several lines, or in an array.
    Spread,
}

/// Of a line that is longer, the first character tells.
const LONG: usize = 1 << 20;

/// Tells the layout by the first line that is not blank; `None` when it is not known yet, and there is more.
pub(crate) fn layout(text: &[u8], is_all: bool) -> Option<Layout> {
    let begin = text.iter().position(|byte| !byte.is_ascii_whitespace());
    let Some(begin) = begin else { return is_all.then_some(Layout::Lines) };
    let text = &text[begin..];
    let end = memchr::memchr(b'\n', text);
    if end.is_none() && !is_all {
        let is_line = text[0] == b'{';
        return (text.len() > LONG).then_some(if is_line { Layout::Lines } else { Layout::Spread });
    }
    let line = &text[..end.unwrap_or(text.len())];
    let is_object = line[0] == b'{' && serde_json::from_slice::<IgnoredAny>(line).is_ok();
    // A record that is torn, and nothing else, is best told as a line.
    let is_alone = end.is_none() && line[0] == b'{';
    Some(if is_object || is_alone { Layout::Lines } else { Layout::Spread })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_tells() {
        use Layout::{Lines, Spread};
        for (text, told) in [
            ("{\"a\":1}\n", Some(Lines)),
            ("\n \n{\"a\":1}\r\n{", Some(Lines)),
            ("{\n\"a\":1}\n", Some(Spread)),
            ("[\n", Some(Spread)),
            ("[{}]\n", Some(Spread)),
            ("{} {}\n", Some(Spread)),
            ("no JSON\n", Some(Spread)),
            ("{\"a\":", None),
            ("  ", None),
        ] {
            assert_eq!(layout(text.as_bytes(), false), told, "{text}");
        }
        assert_eq!(layout(b"{\"a\":", true), Some(Lines));
        assert_eq!(layout(b"", true), Some(Lines));
        assert_eq!(layout("[1,".repeat(LONG).as_bytes(), false), Some(Spread));
    }
}

//! Texts as they may be shown: nothing in them is invisible, turns the writing around, or moves a terminal's cursor.

/// The text with everything that does not show as itself written as an escape.
pub(crate) fn visible(text: &str) -> String {
    if !text.chars().any(is_hidden) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            c if is_hidden(c) => shown.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown
}

/// Control and format characters, those that set the direction, fillers without a width, private use, tags, and
/// what is no character at all (which neither XML nor HTML lets stand).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{10ffff}')
        || u32::from(c) & 0xfffe == 0xfffe
        || ('\u{fdd0}'..='\u{fdef}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_shown_and_what_shows_is_left() {
        for (given, shown) in [
            ("zoë.müller@例え.jp 😀", "zoë.müller@例え.jp 😀"),
            ("a\u{202e}gpj.exe", "a\\u{202e}gpj.exe"),
            ("\u{1b}[2Jx\n\ty\r", "\\u{1b}[2Jx\\n\\ty\\r"),
            ("ad\u{200b}min\u{feff}\u{ffff}\u{1fffe}", "ad\\u{200b}min\\u{feff}\\u{ffff}\\u{1fffe}"),
            ("\u{e0041}\u{ad}", "\\u{e0041}\\u{ad}"),
        ] {
            assert_eq!(visible(given), shown);
        }
    }
}

/// A text on one line, without control characters, and at most so many characters long: for a header and for an error.
pub(crate) fn one_line(text: &str, characters: usize) -> String {
    let mut line = String::new();
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    for word in words {
        // Four bytes a character at most.
        if line.len() > 4 * characters {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(characters) {
        Some((end, _)) => {
            line.truncate(end);
            line.push('…');
            line
        }
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn breaks_and_controls_become_spaces() {
        assert_eq!(one_line(" a\r\nBcc: x\t\0 b\u{85}c\u{2028}d ", 99), "a Bcc: x b c d");
        assert_eq!(one_line("", 9), "");
        assert_eq!(one_line(&"ü".repeat(300), 255).chars().count(), 256);
        assert_eq!(one_line(&"a ".repeat(100_000), 3), "a a…");
        assert_eq!(one_line("abc", 3), "abc");
    }
}

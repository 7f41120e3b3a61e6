use std::cmp::Reverse;

/// As much of an answer as an error quotes.
const CHARACTERS: usize = 200;

/// The start of an answer's body on one line, for an error: without control characters, and without the secrets that
/// went there with the request, which some endpoints repeat.
pub(crate) fn excerpt<'a>(body: &[u8], secrets: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::from_utf8_lossy(body).into_owned();
    // What is shorter stands in any text.
    let mut secrets: Vec<&str> = secrets.into_iter().filter(|secret| secret.len() >= 4).collect();
    // One that is a part of another must not leave the rest of that behind.
    secrets.sort_by_key(|secret| Reverse(secret.len()));
    for secret in secrets {
        text = text.replace(secret, "[secret]");
    }
    let mut words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut line = words.next().unwrap_or_default().to_owned();
    for word in words {
        if line.len() > 4 * CHARACTERS {
            break;
        }
        line.push(' ');
        line.push_str(word);
    }
    match line.char_indices().nth(CHARACTERS) {
        Some((end, _)) => line[..end].to_owned() + "…",
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn one_bounded_line_without_secrets() {
        assert_eq!(excerpt(b"  no\r\n\x1b[31m such\tindex ", []), "no [31m such index");
        assert_eq!(
            excerpt(b"{\"you sent\":\"Bearer s3cr3t\"}", ["s3cr3t"]),
            "{\"you sent\":\"Bearer [secret]\"}"
        );
        assert_eq!(excerpt(b"/in/abcdef?k=v", ["abcdef", "/in/abcdef?k=v"]), "[secret]");
        assert_eq!(excerpt(b"\xff", []), "\u{fffd}");
        let long = excerpt("ü".repeat(9000).as_bytes(), []);
        assert_eq!((long.chars().count(), long.ends_with('…')), (201, true));
        assert_eq!(excerpt("a ".repeat(9000).as_bytes(), []).chars().count(), 201);
    }
}

//! Secrets in texts: passwords of users in addresses (`https://user:password@host/`), and values of parameters.
//!
//! This takes apart what is no proper address as well: a log has what came in.

use std::borrow::Cow;
use std::ops::Range;

use super::MASK;
use super::secret::is_secret_parameter;

/// A password with a `/` in it ends this many bytes after it at the latest.
const FAR: usize = 256;
/// Addresses in parameters of addresses, each encoded once more, are looked into this often.
const NESTED: usize = 3;
/// What is masked can bring to light what has to be masked too.
const PASSES: usize = 8;

/// The text with its secrets masked, all else byte for byte as it was; none when it has no secret that is not masked
/// yet. What consists of `*` is masked.
///
/// The whole of an address is one: in another text, both a password and a value end at white space.
pub(super) fn masked(text: &str, is_address: bool) -> Option<String> {
    in_passes(text, is_address, true)
}

/// Without percent-encoding, with spaces for `+`.
pub(super) fn decoded(text: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        at += if code.is_some() { 3 } else { 1 };
        out.push(code.unwrap_or(if *byte == b'+' { b' ' } else { *byte }));
    }
    String::from_utf8_lossy(&out).into_owned()
}

pub(super) fn is_masked(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'*')
}

/// Parameters' values are decoded and looked into when `is_outer`.
fn in_passes(text: &str, is_address: bool, is_outer: bool) -> Option<String> {
    let mut masked: Option<String> = None;
    for _ in 0..PASSES {
        let text = masked.as_deref().unwrap_or(text);
        let without_users = users(text, is_address);
        match parameters(without_users.as_deref().unwrap_or(text), is_address, is_outer).or(without_users) {
            Some(next) => masked = Some(next),
            None => return masked,
        }
    }
    Some(MASK.to_owned())
}

/// A text with places of it replaced.
struct Replaced<'a> {
    text: &'a str,
    out: String,
    /// So far the text is in `out`.
    done: usize,
}

impl<'a> Replaced<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, out: String::new(), done: 0 }
    }

    fn mask(&mut self, place: Range<usize>) {
        if !is_masked(&self.text[place.clone()]) {
            self.out.push_str(&self.text[self.done..place.start]);
            self.out.push_str(MASK);
            self.done = place.end;
        }
    }

    /// None when nothing was.
    fn finish(mut self) -> Option<String> {
        (self.done > 0).then(|| {
            self.out.push_str(&self.text[self.done..]);
            self.out
        })
    }
}

fn users(text: &str, is_address: bool) -> Option<String> {
    let mut replaced = Replaced::new(text);
    let mut from = 0;
    while let Some(found) = text[from..].find("//") {
        from += found + "//".len();
        if let Some(password) = password(&text[from..], is_address) {
            let end = from + password.end;
            replaced.mask(from + password.start..end);
            from = end;
        }
    }
    replaced.finish()
}

/// Where it is in what follows `//`.
fn password(rest: &str, is_address: bool) -> Option<Range<usize>> {
    let is_blank = |letter: char| !is_address && letter.is_whitespace();
    let end = rest.find(|letter| matches!(letter, '/' | '?' | '#' | '\\') || is_blank(letter));
    let end = end.unwrap_or(rest.len());
    let authority = &rest[..end];
    if let Some(at) = authority.rfind('@') {
        let colon = authority[..at].find(':')?;
        return Some(colon + 1..at);
    }
    let colon = authority.find(':').filter(|_| !authority.starts_with('['))?;
    // No port: a password that should have been encoded.
    if authority[colon + 1..].bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut letters = rest[end..].char_indices().take_while(|(at, letter)| *at < FAR && !is_blank(*letter));
    let at = letters.find(|(_, letter)| *letter == '@')?.0;
    Some(colon + 1..end + at)
}

fn parameters(text: &str, is_address: bool, is_outer: bool) -> Option<String> {
    let mut replaced = Replaced::new(text);
    let mut from = 0;
    while let Some(found) = text[from..].find('=') {
        let name = text[from..from + found].rsplit(|letter: char| !is_in_name(letter)).next();
        from += found + 1;
        if name.is_some_and(is_secret_parameter) {
            let value = value(text, from, is_address);
            from = value.end;
            replaced.mask(value);
            continue;
        }
        let rest = &text[from..];
        let piece = rest
            .find(|letter: char| matches!(letter, '&' | '#' | '=' | '?' | ';') || letter.is_whitespace())
            .map_or(rest, |end| &rest[..end]);
        if is_outer && hides_secret(piece) {
            replaced.mask(from..from + piece.len());
            from += piece.len();
        }
    }
    replaced.finish()
}

fn hides_secret(encoded: &str) -> bool {
    let mut text = Cow::Borrowed(encoded);
    for _ in 0..NESTED {
        if !text.contains('%') {
            return false;
        }
        text = Cow::Owned(decoded(&text));
        if in_passes(&text, true, false).is_some() {
            return true;
        }
    }
    false
}

fn is_in_name(letter: char) -> bool {
    !letter.is_whitespace() && !r#"?&;#/\,"'(){}<>|:"#.contains(letter)
}

/// Where the value is that starts at `start`.
fn value(text: &str, start: usize, is_address: bool) -> Range<usize> {
    let rest = &text[start..];
    let quoted = rest.trim_start_matches('\\');
    if !is_address && let Some(quote @ ('"' | '\'')) = quoted.chars().next() {
        let inside = &quoted[1..];
        let open = text.len() - inside.len();
        let inside = inside.find(quote).map_or(inside, |end| &inside[..end]).trim_end_matches('\\');
        return open..open + inside.len();
    }
    let is_end = |letter: char| matches!(letter, '&' | '#') || (!is_address && letter.is_whitespace());
    start..start + rest.find(is_end).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_secret_is_replaced() {
        for (text, expected) in [
            ("https://u:pw@h/", "https://u:******@h/"),
            ("https://u:p@w@h:1/a?b#c", "https://u:******@h:1/a?b#c"),
            ("https://u:p/w@h/", "https://u:******@h/"),
            ("https://:pw@[::1]:80/", "https://:******@[::1]:80/"),
            ("//u:pw@h", "//u:******@h"),
            ("/p?access_token=x&a=%20b#f", "/p?access_token=******&a=%20b#f"),
            ("?X-Amz-Signature=ab&X-Amz-Date=1", "?X-Amz-Signature=******&X-Amz-Date=1"),
            ("api_key=a=b?c;d", "api_key=******"),
            ("a=1&password=my secret&b=2", "a=1&password=******&b=2"),
            ("/cb?code=4/x&state=s", "/cb?code=******&state=s"),
            ("/cb#id_token=x.y.z&expires_in=1", "/cb#id_token=******&expires_in=1"),
            ("/a;jsessionid=AB?x=1", "/a;jsessionid=******"),
            ("/r?to=https://h/?token=x", "/r?to=https://h/?token=******"),
            ("/r?to=https%3A%2F%2Fh%3Ftoken%3Dx&a=1", "/r?to=******&a=1"),
            ("/r?to=https%253A%252F%252Fu%253Apw%2540h&a=1", "/r?to=******&a=1"),
            ("x:token=é/b&//x:c@h", "x:token=******&//x:******@h"),
            ("https://x:token=a/b&c@h", "https://x:******@h"),
        ] {
            assert_eq!(masked(text, true).as_deref(), Some(expected), "{text}");
            assert_eq!(masked(expected, true), None, "{expected}");
        }
        for (text, expected) in [
            ("GET /x?token=abc HTTP/1.1", "GET /x?token=****** HTTP/1.1"),
            (r#"password="a b" user=c"#, r#"password="******" user=c"#),
            (r#"sent pwd=\"a b\", ok"#, r#"sent pwd=\"******\", ok"#),
            ("see http://u:pw@h and c@d", "see http://u:******@h and c@d"),
        ] {
            assert_eq!(masked(text, false).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "",
            "/v1/tokens",
            "/v1/tokens/5?limit=1",
            "https://h:8080/a@b",
            "https://user@h/",
            "https://u:@h/",
            "//",
            "https://[::1]/a@b",
            "token=",
            "=x",
            "?author=me&country_code=de",
            "a=%",
            "a=%3D%3D",
            "token",
            "a:b@c",
            "==",
            "?token_type=Bearer",
            "mailto:a@b",
            "token=***",
        ] {
            assert_eq!(masked(text, true), None, "{text}");
            assert_eq!(masked(text, false), None, "{text}");
        }
    }

    #[test]
    fn long_texts_are_followed_in_one_go() {
        for part in [
            "//a:b",
            "a=b=",
            "a=%3D",
            "//u:p@h",
            "token=x&",
            "a=%2525",
            "//a:b/ @",
            "?",
            "=",
            "//",
            "\"token='",
        ] {
            let text = part.repeat(20_000);
            for is_address in [false, true] {
                let once = masked(&text, is_address);
                assert_eq!(once.as_deref().and_then(|once| masked(once, is_address)), None, "{part}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn masking_twice_changes_nothing(
            parts in prop::collection::vec(prop::sample::select(&[
                "https://", "//", "u:", "pw", "@", "h", "/", "?", "&", "#", ";", "=", "token", "code=", "password=", "%3D",
                "%2F%2F", "%3a", "%40", "%", "é", " ", "\"", "'", "\\", "*", "******", ":", "a", "\n", "author=", "[",
            ][..]), 0..24),
            is_address: bool,
        ) {
            let text = parts.concat();
            if let Some(once) = masked(&text, is_address) {
                prop_assert_ne!(&once, &text);
                prop_assert_eq!(masked(&once, is_address), None, "{:?} became {:?}", text, once);
            }
        }

        #[test]
        fn any_text_is_survived(text: String, is_address: bool) {
            let once = masked(&text, is_address);
            prop_assert_eq!(once.as_deref().and_then(|once| masked(once, is_address)), None);
            decoded(&text);
        }
    }
}

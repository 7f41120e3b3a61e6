//! Texts as they stand in other languages, written as Go's functions of the same names do.

use std::fmt::Write as _;

use crate::bounded::Bounded;

/// A Go string literal, for `%q`.
pub(crate) fn go(text: &str, out: &mut Bounded) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_whole("\\\""),
            '\\' => out.push_whole("\\\\"),
            '\n' => out.push_whole("\\n"),
            '\r' => out.push_whole("\\r"),
            '\t' => out.push_whole("\\t"),
            '\x07' => out.push_whole("\\a"),
            '\x08' => out.push_whole("\\b"),
            '\x0b' => out.push_whole("\\v"),
            '\x0c' => out.push_whole("\\f"),
            c if is_printable(c) => out.push(c),
            c if u32::from(c) < 0x80 => out.push_whole(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) < 0x1_0000 => out.push_whole(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_whole(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
}

pub(crate) fn html(c: char, out: &mut Bounded) {
    match c {
        '"' => out.push_whole("&#34;"),
        '\'' => out.push_whole("&#39;"),
        '&' => out.push_whole("&amp;"),
        '<' => out.push_whole("&lt;"),
        '>' => out.push_whole("&gt;"),
        '\0' => out.push(char::REPLACEMENT_CHARACTER),
        c => out.push(c),
    }
}

pub(crate) fn js(c: char, out: &mut Bounded) {
    match c {
        '\\' => out.push_whole("\\\\"),
        '\'' => out.push_whole("\\'"),
        '"' => out.push_whole("\\\""),
        '<' | '>' | '&' | '=' | '\0'..='\x1f' => out.push_whole(&format!("\\u{:04X}", u32::from(c))),
        c if c.is_ascii() || is_printable(c) => out.push(c),
        c => out.push_whole(&format!("\\u{:04X}", u32::from(c))),
    }
}

/// For a URL's query: a space becomes `+`.
pub(crate) fn url_query(text: &str, out: &mut Bounded) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => out.push_whole(&format!("%{byte:02X}")),
        }
    }
}

/// The hexadecimal digits of a text's bytes, for `%x`.
pub(crate) fn hex(text: &str, upper: bool, out: &mut Bounded) {
    for byte in text.bytes() {
        let written = if upper { write!(out, "{byte:02X}") } else { write!(out, "{byte:02x}") };
        written.expect("a bounded text takes anything");
    }
}

/// Rust escapes what cannot be printed, as Go does; the two differ only in characters that newer Unicode added.
fn is_printable(c: char) -> bool {
    c == ' ' || (!c.is_whitespace() && (matches!(c, '\'' | '"' | '\\') || c.escape_debug().len() == 1))
}

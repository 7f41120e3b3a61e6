//! Comma-separated values (RFC 4180), of which no spreadsheet makes a formula.

use super::cell::Cell;

/// Appends a row.
pub(super) fn write_row<'a>(out: &mut Vec<u8>, cells: impl IntoIterator<Item = &'a Cell>) {
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match cell {
            Cell::Missing => {}
            Cell::Text(text) => write_text(out, text),
            // A number is no formula, whatever its sign.
            Cell::Json(json) => write_quoted(out, json),
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// OWASP, "CSV Injection": a field that begins like a formula is one to a spreadsheet.
fn write_text(out: &mut Vec<u8>, text: &str) {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        write_quoted(out, &format!("'{text}"));
    } else {
        write_quoted(out, text);
    }
}

/// In quotation marks where they are needed; the empty text has them, to be told from nothing.
fn write_quoted(out: &mut Vec<u8>, text: &str) {
    if !text.is_empty() && text.trim() == text && !text.contains([',', '"', '\r', '\n', '\0']) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_stays_one_field_and_no_formula() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let row = |cell: Cell| {
            let mut out = Vec::new();
            write_row(&mut out, &[cell, text("x")]);
            String::from_utf8(out).unwrap()
        };
        for (given, written) in [
            (text("bob"), "bob"),
            (text(""), "\"\""),
            (Cell::Missing, ""),
            (text("-"), "'-"),
            (text("=1+1"), "'=1+1"),
            (text("+49"), "'+49"),
            (text("@SUM(A1)"), "'@SUM(A1)"),
            (text("\t=1"), "'\t=1"),
            (text("\r=1"), "\"'\r=1\""),
            (text("＝1"), "'＝1"),
            (text("a,b"), "\"a,b\""),
            (text("a\"b"), "\"a\"\"b\""),
            (text("a\nb"), "\"a\nb\""),
            (text(" a"), "\" a\""),
            (text("=\",x\""), "\"'=\"\",x\"\"\""),
            (Cell::Json("-5".into()), "-5"),
            (Cell::Json("[\"=1\"]".into()), "\"[\"\"=1\"\"]\""),
        ] {
            assert_eq!(row(given), format!("{written},x\r\n"));
        }
    }
}

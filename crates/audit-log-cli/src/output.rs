//! What goes to standard output.

use std::io::{self, Write as _};
use std::path::Path;

/// Prints a text. A reader that went away (`| head`) is no error.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints a line to standard error. Nobody has to read it.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", harmless(text));
}

/// Prints a value as indented JSON.
pub(crate) fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    print(&format!("{value:#}\n"))
}

/// A text of the input's as a terminal may have it: what would move its cursor, or turn its writing around, is escaped.
pub(crate) fn harmless(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Whether it would move a terminal's cursor, or turn its writing around.
pub(crate) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `1 event`, `2 events`.
pub(crate) fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// An error and its causes, each said once: some texts already hold their cause's.
pub(crate) fn describe(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, part| match text.as_str() {
        "" => part,
        said if said.contains(&part) => text,
        _ => format!("{text}: {part}"),
    })
}

/// A path as text, for JSON: what is not UTF-8 is replaced.
pub(crate) fn path(path: &Path) -> String {
    path.display().to_string()
}

/// A path as a shell takes it.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Writes a lot of text to standard output. A reader that went away (`| head`) is no error: then it writes nothing more.
pub(crate) struct Printer {
    out: io::BufWriter<io::StdoutLock<'static>>,
    is_over: bool,
}

impl Printer {
    pub(crate) fn stdout() -> Self {
        Self { out: io::BufWriter::with_capacity(64 << 10, io::stdout().lock()), is_over: false }
    }

    pub(crate) fn print(&mut self, text: &str) -> anyhow::Result<()> {
        self.write(text.as_bytes())
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        if self.is_over {
            return Ok(());
        }
        let written = self.out.write_all(bytes);
        self.note(written)
    }

    /// Has what there is so far written.
    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        if self.is_over {
            return Ok(());
        }
        let written = self.out.flush();
        self.note(written)
    }

    /// Whether the reader went away.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Has all of it written.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        self.flush()
    }

    fn note(&mut self, written: io::Result<()>) -> anyhow::Result<()> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.is_over = true,
            other => other?,
        }
        Ok(())
    }
}

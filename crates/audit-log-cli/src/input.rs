//! Lines in, events on their way to the log, refused lines to the rejects.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::Context as _;
use audit_model::{Event, EventError, Timestamp};
use audit_pipeline::{EmitError, Pipeline, Receipt};

use crate::rejects::Rejects;

/// The longest line that is taken for an event, in bytes.
pub(crate) const MAX_EVENT: usize = 16 << 20;

/// Where events go, shared by all inputs.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) pipeline: Pipeline,
    pub(crate) rejects: Rejects,
    /// Set when no more is to be read.
    pub(crate) stop: AtomicBool,
    pub(crate) read: AtomicU64,
    pub(crate) not_selected: AtomicU64,
}

impl Intake {
    pub(crate) fn new(pipeline: Pipeline, rejects: Rejects) -> Self {
        Self {
            pipeline,
            rejects,
            stop: AtomicBool::new(false),
            read: AtomicU64::new(0),
            not_selected: AtomicU64::new(0),
        }
    }

    /// Takes events, one JSON object a line, until the input ends or `stop` is set. Empty lines are passed over.
    pub(crate) fn take_lines(&self, source: &str, input: impl Read) -> anyhow::Result<()> {
        let mut reader = BufReader::with_capacity(256 << 10, input);
        let mut line = Vec::new();
        for number in 1.. {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            line.clear();
            let whole = match read_line(&mut reader, &mut line) {
                Ok(Some(whole)) => whole,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.rejects.add(
                        source,
                        number,
                        &format!("cannot be read from here on: {error}"),
                        &line,
                    )?;
                    return Err(error).with_context(|| format!("{source}: line {number}"));
                }
            };
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            self.read.fetch_add(1, Ordering::Relaxed);
            let result = if whole {
                Event::from_json(&line, Timestamp::now()).map_err(|error| describe(&error))
            } else {
                Err(format!("longer than {MAX_EVENT} bytes; the rest of the line is left out here"))
            };
            let refused = match result {
                Err(error) => Some(error),
                Ok(event) => match self.pipeline.enqueue_blocking(&event) {
                    Ok(Receipt::NotSelected) => {
                        self.not_selected.fetch_add(1, Ordering::Relaxed);
                        None
                    }
                    Ok(_) => None,
                    Err(error @ (EmitError::Event(_) | EmitError::Reserved(_))) => Some(error.to_string()),
                    // It is being shut down; the line was not taken, and the count says so.
                    Err(EmitError::Closed) => {
                        self.read.fetch_sub(1, Ordering::Relaxed);
                        return Ok(());
                    }
                    Err(error) => return Err(error.into()),
                },
            };
            if let Some(error) = refused {
                self.rejects.add(source, number, &error, &line)?;
            }
        }
        Ok(())
    }
}

/// An event is one line, whose number is told beside: of the place in it, the column is what helps.
fn describe(error: &EventError) -> String {
    match error {
        EventError::Json(error) => format!("{} at column {}", error.message(), error.column()),
        other => other.to_string(),
    }
}

/// Reads a line without its end into `line`: `None` at the end of the input, and `false` when it is
/// longer than may be, with its first part in `line`.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    let mut whole = true;
    let mut any = false;
    loop {
        let available = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if available.is_empty() {
            return Ok(any.then_some(whole));
        }
        any = true;
        let newline = memchr::memchr(b'\n', available);
        let part = &available[..newline.unwrap_or(available.len())];
        if line.len() + part.len() <= MAX_EVENT {
            line.extend_from_slice(part);
        } else {
            line.extend_from_slice(&part[..MAX_EVENT.saturating_sub(line.len())]);
            whole = false;
        }
        let used = part.len() + usize::from(newline.is_some());
        reader.consume(used);
        if newline.is_some() {
            line.pop_if(|byte| *byte == b'\r');
            return Ok(Some(whole));
        }
    }
}

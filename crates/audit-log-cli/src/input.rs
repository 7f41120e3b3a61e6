//! Lines in, events on their way to the log, refused lines to the rejects.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use audit_model::{Event, EventType, Timestamp, parse_json};
use audit_ocsf::event_from_value;
use audit_pipeline::{EmitError, Pipeline, Receipt};
use audit_source::{Format, MAX_EVENT, Rejects, describe};
use clap::ValueEnum;

/// What the lines of an input are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    /// Events as `audit-log` has them
    #[default]
    Native,
    /// Records of the Open Cybersecurity Schema Framework, of any version
    Ocsf,
}

/// Where events go, shared by all inputs.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) pipeline: Pipeline,
    format: InputFormat,
    pub(crate) rejects: Arc<Rejects>,
    /// Set when no more is to be read.
    stop: AtomicBool,
    /// Lines that were read and whose fate is not known yet.
    in_flight: AtomicU64,
    /// Lines whose fate is known.
    pub(crate) read: AtomicU64,
    pub(crate) not_selected: AtomicU64,
    pub(crate) without_actor: AtomicU64,
}

impl Intake {
    pub(crate) fn new(pipeline: Pipeline, format: InputFormat, rejects: Arc<Rejects>) -> Self {
        Self {
            pipeline,
            format,
            rejects,
            stop: AtomicBool::new(false),
            in_flight: AtomicU64::new(0),
            read: AtomicU64::new(0),
            not_selected: AtomicU64::new(0),
            without_actor: AtomicU64::new(0),
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
            self.in_flight.fetch_add(1, Ordering::SeqCst);
            let taken = self.take_line(source, number, &line, whole);
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
            if !taken? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Records an event, or refuses it. False when the log was closed before it was taken.
    fn take_line(&self, source: &str, number: u64, line: &[u8], whole: bool) -> anyhow::Result<bool> {
        let read = if whole {
            self.format.read(line)
        } else {
            Err(format!("longer than {MAX_EVENT} bytes; the rest of the line is left out here"))
        };
        let refused = match read {
            Err(error) => Some(error),
            Ok(mut event) => {
                note_arrival(&mut event, Timestamp::now());
                let emitted = self.pipeline.enqueue_blocking(&event);
                let noted = match emitted {
                    Ok(Receipt::NotSelected) => Some(&self.not_selected),
                    Ok(_) if event.actor.is_none() => Some(&self.without_actor),
                    _ => None,
                };
                if let Some(noted) = noted {
                    noted.fetch_add(1, Ordering::Relaxed);
                }
                match emitted {
                    Ok(_) => None,
                    Err(EmitError::Closed) => return Ok(false),
                    Err(EmitError::Reserved(event_type)) if self.format == InputFormat::Ocsf => {
                        Some(of_another_log(&event_type))
                    }
                    Err(error @ (EmitError::Event(_) | EmitError::Reserved(_))) => Some(error.to_string()),
                    Err(error) => return Err(error.into()),
                }
            }
        };
        if let Some(error) = refused {
            self.rejects.add(source, number, &error, line)?;
        }
        self.read.fetch_add(1, Ordering::Relaxed);
        Ok(true)
    }

    /// Reads no more, and waits until the lines that were read are on their way; for a while only, since the disk may
    /// be full.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        let begun = Instant::now();
        while self.in_flight.load(Ordering::SeqCst) > 0 && begun.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl InputFormat {
    fn read(self, line: &[u8]) -> Result<Event, String> {
        match self {
            Self::Native => Format::Native.read(line, Timestamp::now()),
            Self::Ocsf => {
                let record = parse_json(line).map_err(|error| describe(&error, line))?;
                event_from_value(record, Timestamp::now()).map_err(|error| error.to_string())
            }
        }
    }
}

/// A copy of a log has that log's records about itself, too.
fn of_another_log(event_type: &EventType) -> String {
    format!(
        "`{event_type}` tells of the log that this record was copied from, and a log takes only its own: there is \
        nothing to do, but to keep the copy itself if that log has to be proven from it"
    )
}

/// An event tells its own time, and its sender's clock is the sender's: where that is another time than this, it is noted when
/// the log got it (`metadata.logged_time` of OCSF), so that backdating shows.
fn note_arrival(event: &mut Event, now: Timestamp) {
    const AT_ONCE_MS: u64 = 1000;
    let apart = now.as_milliseconds().abs_diff(event.timestamp.as_milliseconds());
    if apart > AT_ONCE_MS {
        event.extra.entry("logged_time").or_insert_with(|| now.to_string().into());
    }
}

/// Reads a line without its end into `line`: `None` at the end of the input, and `false` when it is
/// longer than may be, with its first part in `line`.
pub(crate) fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
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

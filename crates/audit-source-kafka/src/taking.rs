//! A record's way into the log.

use std::sync::Arc;
use std::time::Duration;

use audit_model::{Event, Timestamp};
use audit_pipeline::{Emit, EmitError};
use audit_source::{Format, Intake, MAX_EVENT, Provenance, Rejects};

use crate::condition::Condition;
use crate::identity::{Origin, settle};
use crate::progress::Ticket;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A record that a broker has delivered.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) ticket: Ticket,
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) milliseconds: Option<i64>,
    pub(crate) key: Option<String>,
    /// `None`: a tombstone.
    pub(crate) payload: Option<Vec<u8>>,
}

/// Where records go.
#[derive(Debug)]
pub(crate) struct Destination {
    pub(crate) intake: Intake,
    pub(crate) format: Format,
    pub(crate) rejects: Option<Arc<Rejects>>,
    pub(crate) condition: Arc<Condition>,
}

/// A record that is on its way into the log.
#[derive(Debug)]
pub(crate) struct Begun {
    record: Record,
    /// Or why it is refused.
    emit: Result<Emit, String>,
}

/// How it ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Taken {
    Durable {
        ticket: Ticket,
        refused: bool,
    },
    /// The log was closed.
    Closed,
}

impl Record {
    /// Reads the event in it. Reading it again gives the same.
    fn event(&self, format: Format) -> Result<Event, String> {
        let Some(text) = &self.payload else {
            return Err("a record without a value (a tombstone); expected an event".to_owned());
        };
        if text.len() > MAX_EVENT {
            return Err(format!("{} bytes; expected at most {MAX_EVENT}", text.len()));
        }
        // An event without a time of its own happened when it was produced.
        let produced = self.milliseconds.and_then(|at| Timestamp::from_milliseconds(at).ok());
        let mut event = format.read(text, produced.unwrap_or_else(Timestamp::now))?;
        let origin = Origin {
            topic: &self.topic,
            partition: self.partition,
            offset: self.offset,
            milliseconds: self.milliseconds.unwrap_or(-1),
        };
        settle(&mut event, text, &origin);
        Ok(event)
    }

    fn provenance(&self) -> Provenance {
        let provenance = Provenance::default()
            .with("topic", &*self.topic)
            .with("partition", self.partition)
            .with("offset", self.offset);
        match &self.key {
            Some(key) => provenance.with("key", key.as_str()),
            None => provenance,
        }
    }
}

impl Destination {
    /// Begins to record: the record is behind those that came before, when this returns.
    pub(crate) fn begin(&self, record: Record) -> Begun {
        let emit = record.event(self.format).map(|event| self.intake.emit(event, &record.provenance()));
        Begun { record, emit }
    }

    /// Tries until the record is in the log, or in the rejects file.
    pub(crate) async fn finish(self: Arc<Self>, begun: Begun) -> Taken {
        let Begun { record, emit } = begun;
        let refused = match emit {
            Err(reason) => reason,
            Ok(emit) => match self.insist(&record, emit).await {
                Insisted::Recorded => {
                    self.intake.count_recorded();
                    return Taken::Durable { ticket: record.ticket, refused: false };
                }
                Insisted::Refused(reason) => reason,
                Insisted::Closed => return Taken::Closed,
            },
        };
        self.set_aside(&record, &refused).await;
        self.intake.count_refused();
        Taken::Durable { ticket: record.ticket, refused: true }
    }

    async fn insist(&self, record: &Record, mut emit: Emit) -> Insisted {
        let mut pause = FIRST_PAUSE;
        loop {
            match emit.await {
                // An event that a required destination has not confirmed is in the log, and nobody waits for more.
                Ok(_) | Err(EmitError::Undelivered { .. }) => {
                    if pause != FIRST_PAUSE {
                        self.condition.log(None);
                    }
                    return Insisted::Recorded;
                }
                Err(EmitError::Closed) => return Insisted::Closed,
                Err(error @ (EmitError::Event(_) | EmitError::Reserved(_))) => {
                    return Insisted::Refused(error.to_string());
                }
                Err(error) => self.condition.log(Some(error.to_string())),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            emit = match record.event(self.format) {
                Ok(event) => self.intake.emit(event, &record.provenance()),
                Err(reason) => return Insisted::Refused(reason),
            };
        }
    }

    async fn set_aside(&self, record: &Record, reason: &str) {
        let Some(rejects) = &self.rejects else { return };
        let place = format!("kafka:{}/{}", record.topic, record.partition);
        let number = u64::try_from(record.offset).unwrap_or(0);
        let mut pause = FIRST_PAUSE;
        while let Err(error) =
            rejects.add(&place, number, reason, record.payload.as_deref().unwrap_or_default())
        {
            self.condition.log(Some(error.to_string()));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        if pause != FIRST_PAUSE {
            self.condition.log(None);
        }
    }
}

enum Insisted {
    Recorded,
    Refused(String),
    Closed,
}

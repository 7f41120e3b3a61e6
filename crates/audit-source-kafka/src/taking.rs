//! A record's way into the log.

use std::sync::Arc;

use audit_model::{Event, Timestamp};
use audit_source::{Format, Intake, MAX_EVENT, Provenance};
use futures_util::future::{BoxFuture, FutureExt as _};

use crate::identity::{Origin, settle};
use crate::progress::Ticket;

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
}

/// A record that is on its way into the log.
pub(crate) struct Begun {
    ticket: Ticket,
    taken: BoxFuture<'static, audit_source::Taken>,
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
        let place = format!("kafka:{}/{}", record.topic, record.partition);
        let number = u64::try_from(record.offset).unwrap_or(0);
        let (event, provenance) = (record.event(self.format), record.provenance());
        let Record { ticket, payload, .. } = record;
        let text = payload.unwrap_or_default();
        let taken = match event {
            Ok(event) => self.intake.take_event(event, text, &provenance, &place, number).boxed(),
            Err(reason) => self.intake.refuse(reason, text, &place, number).boxed(),
        };
        Begun { ticket, taken }
    }
}

impl Begun {
    /// Waits until the record is in the log, or in the rejects file.
    pub(crate) async fn finish(self) -> Taken {
        let ticket = self.ticket;
        match self.taken.await {
            audit_source::Taken::Recorded(_) => Taken::Durable { ticket, refused: false },
            audit_source::Taken::Refused(_) => Taken::Durable { ticket, refused: true },
            audit_source::Taken::Closed => Taken::Closed,
        }
    }
}

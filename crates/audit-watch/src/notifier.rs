use std::fmt;

use audit_model::{Action, Actor, Event, EventType, Resource, Timestamp};
use audit_notify::Notice;
use audit_pipeline::Recorder;
use audit_sink::{Batch, Receipt, Record, Rejection, SendFuture, Sink, SinkError};

/// What a place gets to tell of an alert.
///
/// # Contract
/// The same alert gives the same bytes whenever it is asked for: a place has to recognise what it has had.
pub trait Render: fmt::Debug + Send {
    /// The message, as the sink behind this takes it.
    fn render(&self, notice: &Notice) -> Vec<u8>;
}

/// A sink that makes a message of each alert's record, and has another sink move it.
///
/// Where somebody could not be told, that is put on record, too: `alert.notify_failed`, once while the same alert is tried
/// again and again, and once for each alert that is given up.
#[derive(Debug)]
pub struct Notifier {
    name: String,
    render: Box<dyn Render>,
    inner: Box<dyn Sink>,
    recorder: Recorder,
    /// How often the present alert was tried in vain, attempts that were cut short included.
    attempts: u32,
    /// Why, the last time.
    reason: String,
    is_told: bool,
}

/// How many attempts have to fail: a single one that does is not worth a record.
const WORTH_TELLING: u32 = 3;

impl Notifier {
    /// A notifier of that name, which sends what `render` makes through `inner`.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        render: Box<dyn Render>,
        inner: Box<dyn Sink>,
        recorder: Recorder,
    ) -> Self {
        let (name, reason) = (name.into(), String::new());
        Self { name, render, inner, recorder, attempts: 0, reason, is_told: false }
    }

    /// Puts on record that somebody could not be told of an alert.
    fn tell(&self, record: &Record, reason: &str, given_up: bool) {
        let now = Timestamp::now();
        let mut event = Event::at(now, EventType::ALERT_NOTIFY_FAILED)
            .resource(Resource::new("notifier", &*self.name))
            .detail("attempts", self.attempts)
            .detail("error", reason)
            .detail("given_up", given_up)
            .detail("alert_event_id", &*record.event_id);
        if let Ok(Some(notice)) = Notice::from_line(&record.bytes) {
            event = event.detail("alert_id", notice.alert_id()).detail("rule", notice.rule());
        }
        event.actor = Some(Actor::system("audit-log"));
        event.action = Some(Action::failure("notify"));
        // Where the log cannot take it, the destination's state and its dead letters still tell.
        drop(self.recorder.record(&event));
    }

    fn rendered(&self, batch: &Batch) -> (Batch, Vec<Rejection>) {
        let mut messages = Batch { chain_id: batch.chain_id.clone(), records: Vec::new() };
        let mut rejected = Vec::new();
        for record in &batch.records {
            let reason = match Notice::from_line(&record.bytes) {
                Ok(Some(notice)) => {
                    let bytes = self.render.render(&notice);
                    messages.records.push(Record { bytes, ..record.clone() });
                    continue;
                }
                Ok(None) => "it is no alert".to_owned(),
                Err(error) => error.to_string(),
            };
            rejected.push(Rejection { sequence_number: record.sequence_number, reason });
        }
        (messages, rejected)
    }
}

impl Sink for Notifier {
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(async move {
            if self.attempts >= WORTH_TELLING && !self.is_told {
                self.is_told = true;
                batch.records.iter().for_each(|record| self.tell(record, &self.reason, false));
            }
            self.attempts += 1;
            "no answer in time".clone_into(&mut self.reason);
            let (messages, mut rejected) = self.rendered(batch);
            if !messages.records.is_empty() {
                match self.inner.send(&messages).await {
                    Ok(receipt) => rejected.extend(receipt.rejected),
                    Err(SinkError::Retryable { source, retry_after }) => {
                        self.reason = source.to_string();
                        return Err(SinkError::Retryable { source, retry_after });
                    }
                    Err(SinkError::Rejected { source }) => {
                        let reason = source.to_string();
                        batch.records.iter().for_each(|record| self.tell(record, &reason, true));
                        (self.attempts, self.is_told) = (0, false);
                        return Err(SinkError::Rejected { source });
                    }
                    Err(other) => return Err(other),
                }
            }
            rejected.sort_by_key(|rejection| rejection.sequence_number);
            for record in &batch.records {
                if let Some(refused) =
                    rejected.iter().find(|refused| refused.sequence_number == record.sequence_number)
                {
                    self.tell(record, &refused.reason, true);
                }
            }
            (self.attempts, self.is_told) = (0, false);
            Ok(Receipt::rejecting(rejected))
        })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        self.inner.check()
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        self.inner.close()
    }
}

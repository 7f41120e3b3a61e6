use std::fmt;
use std::time::Duration;

use audit_model::{EventPattern, EventType};
use audit_sink::{Batch, Receipt, Record, Rejection, SendFuture, Sink};

use crate::parcel::Parcel;
use crate::{Format, OutageLimits, Retry};

/// A place that records go, and how.
#[derive(Debug)]
pub struct Destination {
    pub(crate) name: String,
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) events: Vec<EventPattern>,
    pub(crate) exclude_events: Vec<EventPattern>,
    pub(crate) format: Option<Box<dyn Format>>,
    pub(crate) limits: BatchLimits,
    pub(crate) timeout: Duration,
    pub(crate) retry: Retry,
    pub(crate) required: bool,
    pub(crate) only: Option<Only>,
    pub(crate) beginning: Beginning,
    pub(crate) optional: bool,
    pub(crate) outages: OutageLimits,
}

/// Where a destination begins that the delivery knows nothing of yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Beginning {
    /// With the first record that the log still holds.
    #[default]
    First,
    /// Behind the last record that is durable when the delivery starts.
    Now,
    /// Behind this record, even if it was farther already: for a sink that knows better what it has.
    Behind(u64),
}

/// Looks at a record, and says whether it is for a destination.
pub(crate) struct Only(pub(crate) Box<dyn Fn(&Record) -> bool + Send>);

impl fmt::Debug for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Only")
    }
}

/// When a batch is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// At most so many records.
    pub records: usize,
    /// At most so many bytes of the log's lines; one record may have more. What a [`Format`] makes of them is not
    /// measured: a batch is the same whatever it is written as, and sinks divide what their place does not take at once.
    pub bytes: usize,
    /// At the latest so long after its first record was there to be read. Without a wait, whatever has gathered while
    /// the batch before was on its way.
    pub age: Duration,
}

impl Default for BatchLimits {
    /// 1000 records, 1 MiB, 200 ms.
    fn default() -> Self {
        Self { records: 1000, bytes: 1 << 20, age: Duration::from_millis(200) }
    }
}

impl Destination {
    /// A destination that gets every record. The name is that of its files, and of its metrics.
    #[must_use]
    pub fn new(name: impl Into<String>, sink: Box<dyn Sink>) -> Self {
        Self {
            name: name.into(),
            sink,
            events: Vec::new(),
            exclude_events: Vec::new(),
            format: None,
            limits: BatchLimits::default(),
            timeout: Duration::from_secs(30),
            retry: Retry::default(),
            required: false,
            only: None,
            beginning: Beginning::First,
            optional: false,
            outages: OutageLimits::default(),
        }
    }

    /// Delivers only records of events that one of these names.
    #[must_use]
    pub fn events(mut self, patterns: impl IntoIterator<Item = EventPattern>) -> Self {
        self.events.extend(patterns);
        self
    }

    /// Does not deliver records of events that one of these names, even if they are in `events`.
    #[must_use]
    pub fn exclude_events(mut self, patterns: impl IntoIterator<Item = EventPattern>) -> Self {
        self.exclude_events.extend(patterns);
        self
    }

    /// Delivers only records, among those of its events, of which this says so. It runs on the thread of the destination,
    /// and has to say the same of a record whenever it is asked.
    #[must_use]
    pub fn only(mut self, selects: impl Fn(&Record) -> bool + Send + 'static) -> Self {
        self.only = Some(Only(Box::new(selects)));
        self
    }

    /// Sets where it begins while nothing is known of it; later it goes on where it was.
    #[must_use]
    pub fn beginning(mut self, beginning: Beginning) -> Self {
        self.beginning = beginning;
        self
    }

    /// Makes it one for which the log is kept while there is room, and no longer: it holds up neither callers nor others,
    /// and lacks what was deleted meanwhile.
    #[must_use]
    pub fn optional(mut self, optional: bool) -> Self {
        self.optional = optional;
        self
    }

    /// Sets how records are written for this place; without it, they go as the log holds them.
    #[must_use]
    pub fn format(mut self, format: Box<dyn Format>) -> Self {
        self.format = Some(format);
        self
    }

    /// Sets when a batch is sent: with 1000 records, 1 MiB or after 200 ms, whichever is first, if this is not called.
    #[must_use]
    pub fn limits(mut self, limits: BatchLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how long a batch may be on its way before it counts as failed; 30 seconds, if this is not called. A
    /// sink that gives its requests a time of its own needs more than that: S3's gives them 60 seconds.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets when a batch that failed is sent again. If this is not called, after a pause that grows from 200 ms to 30 s, and
    /// without end.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Makes it one whose receipt callers wait for: what gathered while the last batch was on its way is sent at once.
    #[must_use]
    pub fn required(mut self, required: bool) -> Self {
        self.required = required;
        self
    }

    /// Sets when it is told that the place takes no records.
    #[must_use]
    pub fn outages(mut self, limits: OutageLimits) -> Self {
        self.outages = limits;
        self
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The place itself, to be asked whether it can be reached.
    #[must_use]
    pub fn sink(&mut self) -> &mut dyn Sink {
        &mut *self.sink
    }

    /// Sends records of the log in this destination's format, once, whatever the destination selects. The receipt names
    /// records of the log: those that the format or the place refused. If the format refused all, nothing is sent.
    ///
    /// # Errors
    /// Those of the [`Sink`]; [`SinkError::Rejected`](audit_sink::SinkError::Rejected) is about all that the format wrote.
    pub fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        if self.format.is_none() {
            return self.sink.send(batch);
        }
        let through = batch.records.iter().map(|record| record.sequence_number).max().unwrap_or(0);
        let mut parcel = Parcel::new(batch.clone(), self.format.as_deref(), through);
        Box::pin(async move {
            if let Some(part) = parcel.next_part() {
                let rejected = self.sink.send(&part).await?.rejected.into_iter();
                let rejected = rejected.map(|it| (it.sequence_number, it.reason)).collect();
                parcel.decide(part, &rejected);
            }
            let rejected = parcel.take_decided().dead.into_iter();
            let named = |(record, reason): (Record, String)| Rejection {
                sequence_number: record.sequence_number,
                reason,
            };
            Ok(Receipt::rejecting(rejected.map(named).collect()))
        })
    }

    pub(crate) fn selects(&self, event_type: &str) -> bool {
        if self.events.is_empty() && self.exclude_events.is_empty() {
            return true;
        }
        // What has no type of a valid form was not selected by anybody's pattern.
        let Ok(event_type) = event_type.parse::<EventType>() else { return self.events.is_empty() };
        let named = |patterns: &[EventPattern]| patterns.iter().any(|pattern| pattern.matches(&event_type));
        (self.events.is_empty() || named(&self.events)) && !named(&self.exclude_events)
    }
}

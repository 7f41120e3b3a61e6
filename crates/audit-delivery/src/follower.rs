//! One destination's way through the log.

use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use audit_journal::Reader;
use audit_model::Timestamp;
use audit_sink::{Batch, Record, SinkError};
use metrics::counter;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

use crate::delivery::{Log, Refused, Undelivered};
use crate::gather::Gatherer;
use crate::parcel::Parcel;
use crate::place::Place;
use crate::progress::Progress;
use crate::state::{Failure, StateFile};
use crate::{DeadLetters, Destination, InFlight, State};

pub(crate) struct Follower {
    place: Arc<Place>,
    destination: Destination,
    state: State,
    stored: Instant,
    stored_through: u64,
    store_fails: bool,
    /// What was last told of records that were refused, and when.
    refused: Option<(String, Instant)>,
    log: Log,
    reading_fails: bool,
    file: StateFile,
    dead_letters: DeadLetters,
    gatherer: Gatherer,
    progress: Arc<Progress>,
}

/// How often what was read is added to a batch that waits for its age.
const POLL: Duration = Duration::from_millis(50);
/// How often the state is stored while only records go by that are not for this destination.
const STORE: Duration = Duration::from_secs(1);
/// The pause after the log or a file beside it could not be read or written.
const AFTER_IO_ERROR: Duration = Duration::from_secs(1);
/// The longest pause that a place may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// After how long it is told again that records are refused for the same reason.
const AGAIN: Duration = Duration::from_secs(60);
/// How long a sink may take to let go of its place when time is up.
const LET_GO: Duration = Duration::from_secs(1);

impl Follower {
    pub(crate) fn new(
        place: Arc<Place>,
        destination: Destination,
        state: State,
        log: &Log,
        directory: &Path,
        progress: Arc<Progress>,
    ) -> Self {
        Self {
            place,
            file: StateFile::of(directory, &destination.name),
            dead_letters: DeadLetters::of(directory, &destination.name),
            gatherer: gatherer(log, &state),
            log: log.clone(),
            reading_fails: false,
            destination,
            stored: Instant::now(),
            stored_through: state.acknowledged,
            state,
            store_fails: false,
            refused: None,
            progress,
        }
    }

    /// The thread of the follower.
    pub(crate) fn work(mut self) -> Undelivered {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let ended = match &runtime {
            Ok(runtime) => catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.follow())))
                .unwrap_or_else(|_| Err("a panic ended its thread".to_owned())),
            Err(error) => Err(format!("no runtime for it: {error}")),
        };
        if let Err(broken) = ended {
            self.failed(0, &format!("{broken}; records wait in the log until it is opened again"));
        }
        // Whose place was removed is not to have what comes behind that.
        let last = self.progress.durable().min(self.place.ending.last());
        let records = last.saturating_sub(self.state.acknowledged);
        let failure = self.state.failure.map(|failure| failure.message);
        let time_was_up = || (records > 0).then(|| "time was up before all was sent".to_owned());
        Undelivered { destination: self.destination.name, records, reason: failure.or_else(time_was_up) }
    }

    async fn follow(&mut self) -> Result<(), String> {
        let place = Arc::clone(&self.place);
        let ended = {
            let mut deadline = pin!(place.ending.deadline());
            let mut deliver = pin!(self.deliver_all());
            poll_fn(|context| match deliver.as_mut().poll(context) {
                Poll::Ready(ended) => Poll::Ready(ended),
                Poll::Pending => deadline.as_mut().poll(context).map(Ok),
            })
            .await
        };
        self.store();
        // What it says is of no use to anybody any more: all that was accepted is noted.
        let _ = timeout(LET_GO, self.destination.sink.close()).await;
        ended
    }

    /// Ends when it is to end and all is delivered that it is to deliver, or the sink is closed.
    async fn deliver_all(&mut self) -> Result<(), String> {
        loop {
            match self.gather().await {
                Ok(Some(batch)) => {
                    self.reading_fails = false;
                    self.deliver(batch).await.map_err(|Closed| "its sink is closed".to_owned())?;
                    // However many there are: whoever closes is looked at between two.
                    yield_now().await;
                }
                Ok(None) => return Ok(()),
                Err(error) => {
                    // What was read of a batch is read again.
                    self.gatherer = gatherer(&self.log, &self.state);
                    if !self.reading_fails {
                        self.notice(&format!("cannot read the log: {error}; it is tried again"));
                        self.reading_fails = true;
                    }
                    sleep(AFTER_IO_ERROR).await;
                }
            }
        }
    }

    /// The next batch; `None` when no more will come.
    async fn gather(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch { chain_id: self.log.chain_id.clone(), records: Vec::new() };
        let mut size = 0;
        let mut begun = None;
        loop {
            // In this order: what is durable when it is to end is all there will be.
            let is_closing = self.place.ending.is_closing();
            let durable = self.progress.durable().min(self.place.ending.last());
            let full = self.gatherer.fill(&mut batch, &mut size, &self.destination, durable)?;
            if let Some((first, last)) = self.gatherer.gone.take() {
                self.notice(&format!(
                    "records {first} to {last} are gone from the log before they were delivered"
                ));
            }
            if batch.records.is_empty() {
                self.skip();
                let has_all = self.gatherer.read_through >= durable;
                match (has_all, is_closing) {
                    (true, true) => return Ok(None),
                    (true, false) if self.stored_through == self.state.acknowledged => {
                        self.progress.more_than(durable, &self.place).await;
                    }
                    (true, false) => {
                        if timeout(STORE, self.progress.more_than(durable, &self.place)).await.is_err() {
                            self.store();
                        }
                    }
                    // A file is being renamed, or gone: it is looked for again.
                    (false, _) => sleep(POLL).await,
                }
                continue;
            }
            let begun = *begun.get_or_insert_with(Instant::now);
            let left = self.destination.limits.age.saturating_sub(begun.elapsed());
            if full || is_closing || self.destination.required || left.is_zero() {
                return Ok(Some(batch));
            }
            let _ = timeout(left.min(POLL), self.place.ending.closing()).await;
        }
    }

    /// Sends a batch until it is accepted or given up.
    async fn deliver(&mut self, batch: Batch) -> Result<(), Closed> {
        let covers = self.gatherer.covers();
        let records = batch.records.len() as u64;
        let chain_id = batch.chain_id.clone();
        self.state.in_flight = Some(InFlight { through: covers, records });
        if let Some(oldest) = batch.records.first() {
            self.place.oldest_ms.store(oldest.timestamp_ms, Ordering::Relaxed);
        }
        self.store();
        // Once, however often it is sent: a place has to recognise what it has had.
        let mut parcel = Parcel::new(batch, self.destination.format.as_deref(), covers);
        let mut dead: Option<(usize, String)> = None;
        loop {
            if let Some(part) = parcel.next_part() {
                let rejected = match self.send(&part).await? {
                    // One of several may be at fault, and the others not.
                    Sent::Refused(_) if part.records.len() > 1 => {
                        parcel.halve(part);
                        continue;
                    }
                    Sent::Accepted(rejected) => rejected.into_iter().collect(),
                    Sent::Refused(reason) | Sent::GivenUp(reason) => {
                        part.records.iter().map(|record| (record.sequence_number, reason.clone())).collect()
                    }
                };
                parcel.decide(part, &rejected);
            }
            let decided = parcel.take_decided();
            if decided.accepted > 0 {
                self.state.delivered += decided.accepted;
                self.state.last_success = Some(Timestamp::now());
                counter!("audit_log_records_delivered_total", "destination" => self.name())
                    .increment(decided.accepted);
            }
            let refused = self.give_up(&chain_id, decided.dead).await;
            if let Some(first) = refused.first() {
                let (count, _) = dead.get_or_insert_with(|| (0, first.reason.clone()));
                *count += refused.len();
            }
            // What is decided stays decided, however long the other parts take.
            let records = parcel.undecided();
            self.state.in_flight = (records > 0).then_some(InFlight { through: covers, records });
            self.acknowledge(parcel.decided_through(), refused);
            self.store();
            if records == 0 {
                break;
            }
        }
        if let Some((count, why)) = dead {
            let file = self.dead_letters.path().display();
            let which = if count == 1 { "a record is".to_owned() } else { format!("{count} records are") };
            let sentence = format!("{which} refused for good ({why}); see {file}");
            // One record after the other, refused for the same reason, is no news.
            let before = self.refused.as_ref().filter(|(_, at)| count == 1 && at.elapsed() < AGAIN);
            let is_news = before.is_none_or(|(told, _)| *told != sentence);
            if is_news {
                self.notice(&sentence);
                self.refused = Some((sentence, Instant::now()));
            }
        }
        Ok(())
    }

    /// Sends a batch until the place has decided.
    async fn send(&mut self, batch: &Batch) -> Result<Sent, Closed> {
        let mut attempts = 0;
        loop {
            let limit = self.destination.timeout;
            let (message, retry_after) = match timeout(limit, self.destination.sink.send(batch)).await {
                Ok(Ok(receipt)) => {
                    let rejected = receipt.rejected.into_iter();
                    self.recovered();
                    return Ok(Sent::Accepted(rejected.map(|it| (it.sequence_number, it.reason)).collect()));
                }
                Ok(Err(SinkError::Rejected { source })) => {
                    self.recovered();
                    return Ok(Sent::Refused(source.to_string()));
                }
                Ok(Err(SinkError::Retryable { source, retry_after })) => (source.to_string(), retry_after),
                Ok(Err(SinkError::Closed)) => return Err(Closed),
                Ok(Err(other)) => (other.to_string(), None),
                Err(_) => (format!("no answer within {limit:?}"), None),
            };
            attempts += 1;
            if self.destination.retry.attempts.is_some_and(|most| attempts >= most.max(1)) {
                return Ok(Sent::GivenUp(format!("given up after {attempts} attempts: {message}")));
            }
            self.failed(attempts, &message);
            let random = getrandom::u32().unwrap_or(u32::MAX);
            let asked = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
            let pause = self.destination.retry.pause(attempts, random).max(asked);
            if self.place.ending.is_closing() {
                sleep(pause).await;
            } else {
                // Whoever closes wants to know now.
                let _ = timeout(pause, self.place.ending.closing()).await;
            }
            self.state.retried += 1;
            counter!("audit_log_delivery_retries_total", "destination" => self.name()).increment(1);
        }
    }

    /// Puts records of the log into the dead letters.
    async fn give_up(&mut self, chain_id: &str, letters: Vec<(Record, String)>) -> Vec<Refused> {
        if letters.is_empty() {
            return Vec::new();
        }
        let letters: Vec<(Record, String)> =
            letters.into_iter().map(|(record, reason)| (record, shortened(&reason))).collect();
        while let Err(error) =
            self.dead_letters.add(chain_id, letters.iter().map(|(record, reason)| (record, &**reason)))
        {
            if error.kind() == io::ErrorKind::WouldBlock {
                // Somebody retries them, and is done soon.
                sleep(POLL).await;
                continue;
            }
            self.notice(&format!("cannot write dead letters: {error}; it is tried again"));
            sleep(AFTER_IO_ERROR).await;
        }
        self.state.dead_lettered += letters.len() as u64;
        counter!("audit_log_records_dead_lettered_total", "destination" => self.name())
            .increment(letters.len() as u64);
        let destination = &self.destination.name;
        let refused = |(record, reason): (Record, String)| Refused {
            sequence_number: record.sequence_number,
            destination: destination.clone(),
            reason,
        };
        letters.into_iter().map(refused).collect()
    }

    /// Notes that what was read and is not for this destination is done with.
    fn skip(&mut self) {
        let covers = self.gatherer.covers();
        if covers > self.state.acknowledged {
            self.acknowledge(covers, Vec::new());
            if self.stored.elapsed() >= STORE {
                self.store();
            }
        }
    }

    fn acknowledge(&mut self, through: u64, refused: Vec<Refused>) {
        self.state.acknowledged = through;
        let is_waited_for = self.destination.required && !self.place.is_removed();
        if is_waited_for && !refused.is_empty() {
            // Before it counts as acknowledged, or else somebody might be told that it was accepted.
            let behind = self.place.required_behind;
            self.progress.tell(refused.into_iter().filter(|it| it.sequence_number > behind).collect());
        }
        self.place.acknowledged.store(through, Ordering::SeqCst);
        self.progress.gauge_lag(&self.place);
        if is_waited_for {
            self.progress.tell(Vec::new());
        }
    }

    fn failed(&mut self, attempts: u32, message: &str) {
        let message = shortened(message);
        if self.state.failure.is_none() {
            self.notice(&format!("{message}; it is tried again, and records wait in the log"));
        }
        let now = Timestamp::now();
        let since = self.state.failure.as_ref().map_or(now, |failure| failure.since);
        let mut failure = Failure { since, attempts, message, on_record: false };
        failure.on_record = self.place.failed(&failure);
        self.state.failure = Some(failure);
        self.progress.gauge_lag(&self.place);
        self.store();
    }

    /// The place answers.
    fn recovered(&mut self) {
        if self.state.failure.take().is_some() {
            self.notice("takes records again");
            self.place.publish(&self.state);
            self.place.works();
        }
    }

    fn store(&mut self) {
        self.stored = Instant::now();
        self.stored_through = self.state.acknowledged;
        self.place.publish(&self.state);
        // An older state delivers some records once more, and the next batch tries to store it again.
        match self.file.store(&self.state) {
            Ok(()) => self.store_fails = false,
            Err(error) if !self.store_fails => {
                self.notice(&format!("cannot note how far it is: {error}"));
                self.store_fails = true;
            }
            Err(_) => {}
        }
    }

    fn notice(&self, sentence: &str) {
        self.progress.listener.notice(format!("destination `{}`: {sentence}", self.destination.name));
    }

    fn name(&self) -> String {
        self.destination.name.clone()
    }
}

/// What became of a batch.
enum Sent {
    /// It was accepted, but for these records.
    Accepted(Vec<(u64, String)>),
    /// The place will never take it as it is, and does not say which record is at fault.
    Refused(String),
    /// It was tried as often as it may be.
    GivenUp(String),
}

/// The sink was closed by somebody else.
#[derive(Debug)]
struct Closed;

/// Reads the log from where a destination is.
fn gatherer(log: &Log, state: &State) -> Gatherer {
    let reader = Reader::from_sequence(&log.path, state.acknowledged.saturating_add(1));
    let reader = match log.sequence_of {
        Some(sequence_of) => reader.numbered_by(sequence_of),
        None => reader,
    };
    Gatherer::new(reader, state.acknowledged, state.in_flight)
}

/// A place may answer with a page, and with what a terminal obeys.
fn shortened(message: &str) -> String {
    const MOST: usize = 1000;
    let mut text: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.len() > MOST {
        let end = (0..=MOST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

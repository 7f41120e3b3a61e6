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
use audit_sink::{Batch, SinkError};
use tokio::time::{Instant, sleep, timeout};

use crate::delivery::{Refused, Source, Undelivered};
use crate::gather::Gatherer;
use crate::progress::{Place, Progress};
use crate::state::{Failure, StateFile};
use crate::{DeadLetters, Destination, State};

pub(crate) struct Follower {
    index: usize,
    destination: Destination,
    state: State,
    stored: Instant,
    store_fails: bool,
    chain_id: String,
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
/// How long a sink may take to let go of its place when time is up.
const LET_GO: Duration = Duration::from_secs(1);
/// How often a listener is called when nothing changes, so that it can see how time goes by.
const TICK: Duration = Duration::from_millis(100);

impl Follower {
    pub(crate) fn new(
        index: usize,
        destination: Destination,
        state: State,
        source: &Source,
        directory: &Path,
        progress: Arc<Progress>,
    ) -> Self {
        let mut reader = Reader::from_sequence(&source.log, state.acknowledged + 1);
        if let Some(sequence_of) = source.sequence_of {
            reader = reader.numbered_by(sequence_of);
        }
        Self {
            index,
            file: StateFile::of(directory, &destination.name),
            dead_letters: DeadLetters::of(directory, &destination.name),
            gatherer: Gatherer::new(reader, state.acknowledged, state.in_flight),
            destination,
            state,
            stored: Instant::now(),
            store_fails: false,
            chain_id: source.chain_id.clone(),
            progress,
        }
    }

    /// The thread of the follower.
    pub(crate) fn work(mut self) -> Undelivered {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let ended = match &runtime {
            Ok(runtime) => catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.follow()))).map_err(|_| {
                "a panic ended its thread; records wait in the log until it is opened again".to_owned()
            }),
            Err(error) => Err(format!("no runtime for it: {error}")),
        };
        let broken = ended.err();
        if let Some(broken) = &broken {
            self.notice(broken);
        }
        let records = self.progress.durable().saturating_sub(self.state.acknowledged);
        let failure = self.state.failure.map(|failure| failure.message);
        let time_was_up = || (records > 0).then(|| "time was up before all was sent".to_owned());
        let reason = broken.or(failure).or_else(time_was_up);
        Undelivered { destination: self.destination.name, records, reason }
    }

    async fn follow(&mut self) {
        let progress = Arc::clone(&self.progress);
        {
            let mut ticks = pin!(ticks(&progress, self.index));
            let mut deadline = pin!(progress.deadline());
            let mut deliver = pin!(self.deliver_all());
            poll_fn(|context| {
                // They never end.
                let _ = ticks.as_mut().poll(context);
                if deliver.as_mut().poll(context).is_ready() {
                    return Poll::Ready(());
                }
                deadline.as_mut().poll(context)
            })
            .await;
        }
        self.store();
        // What it says is of no use to anybody any more: all that was accepted is noted.
        let _ = timeout(LET_GO, self.destination.sink.close()).await;
    }

    /// Ends when the log was closed and all of it is delivered, or the sink is closed.
    async fn deliver_all(&mut self) {
        loop {
            match self.gather().await {
                Ok(Some(batch)) => {
                    if self.deliver(batch).await.is_err() {
                        self.notice("its sink is closed; records wait in the log until it is opened again");
                        return;
                    }
                }
                Ok(None) => return,
                Err(error) => self.pause(&format!("cannot read the log: {error}")).await,
            }
        }
    }

    /// The next batch; `None` when no more will come.
    async fn gather(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch { chain_id: self.chain_id.clone(), records: Vec::new() };
        let mut size = 0;
        let mut begun = None;
        loop {
            let durable = self.progress.durable();
            let is_closing = self.progress.is_closing();
            let full = self.gatherer.fill(&mut batch, &mut size, &self.destination, durable)?;
            if let Some((first, last)) = self.gatherer.gone.take() {
                self.notice(&format!(
                    "records {first} to {last} are gone from the log before they were delivered"
                ));
            }
            if batch.records.is_empty() {
                self.skip();
                if is_closing {
                    return Ok(None);
                }
                self.progress.more_than(durable).await;
                continue;
            }
            let begun = *begun.get_or_insert_with(Instant::now);
            let left = self.destination.limits.age.saturating_sub(begun.elapsed());
            if full || is_closing || self.destination.required || left.is_zero() {
                return Ok(Some(batch));
            }
            let _ = timeout(left.min(POLL), self.progress.closing()).await;
        }
    }

    /// Sends a batch until it is accepted or given up.
    async fn deliver(&mut self, batch: Batch) -> Result<(), Closed> {
        let covers = self.gatherer.covers();
        self.state.in_flight = Some(covers);
        if let Some(oldest) = batch.records.first() {
            self.place().oldest_ms.store(oldest.timestamp_ms, Ordering::Relaxed);
        }
        self.store();
        // The first half of a batch that was refused as a whole comes before the second.
        let mut parts = vec![batch];
        while let Some(part) = parts.pop() {
            let rejected = match self.send(&part).await? {
                Sent::Accepted(rejected) => {
                    let accepted = part.records.len() - rejected.len();
                    self.state.delivered += accepted as u64;
                    if accepted > 0 {
                        self.state.last_success = Some(Timestamp::now());
                    }
                    self.count("audit_log_records_delivered_total", accepted as u64);
                    rejected
                }
                // One of several may be at fault, and the others not.
                Sent::Refused(_) if part.records.len() > 1 => {
                    let mut first = part;
                    let second = first.records.split_off(first.records.len() / 2);
                    parts.push(Batch { chain_id: first.chain_id.clone(), records: second });
                    parts.push(first);
                    continue;
                }
                Sent::Refused(reason) | Sent::GivenUp(reason) => {
                    part.records.iter().map(|record| (record.sequence_number, reason.clone())).collect()
                }
            };
            let refused = self.give_up(&part, rejected).await;
            // What is decided stays decided, however long the other parts take.
            let is_last = parts.is_empty();
            let last = part.records.last().map_or(covers, |record| record.sequence_number);
            self.state.in_flight = (!is_last).then_some(covers);
            self.acknowledge(if is_last { covers } else { last }, refused);
            self.store();
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
            self.failed(attempts, message);
            let random = getrandom::u32().unwrap_or(u32::MAX);
            let asked = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
            let pause = self.destination.retry.pause(attempts, random).max(asked);
            if self.progress.is_closing() {
                sleep(pause).await;
            } else {
                // Whoever closes wants to know now.
                let _ = timeout(pause, self.progress.closing()).await;
            }
            self.state.retried += 1;
            self.count("audit_log_delivery_retries_total", 1);
        }
    }

    /// Puts records into the dead letters.
    async fn give_up(&mut self, batch: &Batch, rejected: Vec<(u64, String)>) -> Vec<Refused> {
        let Some((_, why)) = rejected.first() else { return Vec::new() };
        let why = why.clone();
        let find = |(number, reason)| {
            let record = batch.records.iter().find(|record| record.sequence_number == number);
            record.map(|record| (record, reason))
        };
        let letters: Vec<_> = rejected.into_iter().filter_map(find).collect();
        while let Err(error) =
            self.dead_letters.add(letters.iter().map(|(record, reason)| (*record, &**reason)))
        {
            if error.kind() == io::ErrorKind::WouldBlock {
                // Somebody retries them, and is done soon.
                sleep(POLL).await;
                continue;
            }
            self.pause(&format!("cannot write dead letters: {error}")).await;
        }
        self.state.dead_lettered += letters.len() as u64;
        self.count("audit_log_records_dead_lettered_total", letters.len() as u64);
        let file = self.dead_letters.path().display();
        match letters.len() {
            1 => self.notice(&format!("a record is refused for good ({why}) and is in {file}")),
            count => self.notice(&format!("{count} records are refused for good ({why}) and are in {file}")),
        }
        let name = &self.destination.name;
        letters
            .into_iter()
            .map(|(record, reason)| Refused {
                sequence_number: record.sequence_number,
                destination: name.clone(),
                reason,
            })
            .collect()
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
        self.place().acknowledged.store(through, Ordering::SeqCst);
        self.progress.gauge_lag(self.place());
        if self.destination.required {
            tell(&self.progress, refused);
        }
    }

    fn failed(&mut self, attempts: u32, message: String) {
        let message = shortened(message);
        if self.state.failure.is_none() {
            self.notice(&format!("{message}; it is tried again, and records wait in the log"));
        }
        let now = Timestamp::now();
        let since = self.state.failure.as_ref().map_or(now, |failure| failure.since);
        self.state.failure = Some(Failure { since, attempts, message });
        self.progress.gauge_lag(self.place());
        self.store();
    }

    /// The place answers.
    fn recovered(&mut self) {
        if self.state.failure.take().is_some() {
            self.notice("takes records again");
        }
    }

    /// Waits after the local disk failed, and says so.
    async fn pause(&self, what: &str) {
        self.notice(&format!("{what}; it is tried again"));
        sleep(AFTER_IO_ERROR).await;
    }

    fn store(&mut self) {
        self.stored = Instant::now();
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

    fn place(&self) -> &Place {
        &self.progress.places[self.index]
    }

    fn notice(&self, sentence: &str) {
        self.progress.listener.notice(format!("destination `{}`: {sentence}", self.destination.name));
    }

    fn count(&self, counter: &'static str, by: u64) {
        metrics::counter!(counter, "destination" => self.destination.name.clone()).increment(by);
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

/// Tells how time goes by while nothing else happens: the metrics, and the listener if somebody may wait for this one.
async fn ticks(progress: &Progress, index: usize) {
    let place = &progress.places[index];
    loop {
        sleep(if place.required { TICK } else { 10 * TICK }).await;
        progress.gauge_lag(place);
        if place.required {
            tell(progress, Vec::new());
        }
    }
}

fn tell(progress: &Progress, refused: Vec<Refused>) {
    if let Some(through) = progress.acknowledged_by_required() {
        progress.listener.acknowledged(through, refused);
    }
}

/// A place may answer with a page.
fn shortened(mut message: String) -> String {
    const MOST: usize = 1000;
    if message.len() > MOST {
        let end = (0..=MOST).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
        message.truncate(end);
        message.push('…');
    }
    message
}

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use audit_kafka::KafkaOptionsError;
use audit_source::{CancellationToken, Intake, Source, SourceError};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};

use crate::condition::Condition;
use crate::lost::OnLost;
use crate::progress::Progress;
use crate::reader::Reader;
use crate::session::{FINISH, Session};
use crate::taking::{Begun, Destination, Taken};
use crate::{KafkaSourceOptions, LostRecords};

/// How long the consumer may take to commit and to leave its group, once nothing is on its way any more.
const LEAVE: Duration = Duration::from_secs(10);
const ENDED: &str = "the thread that reads from Kafka has ended unexpectedly; its panic is on standard error";
/// How many records change hands at once.
const AT_ONCE: usize = 256;

/// A member of a consumer group, which brings the records of topics into the log.
///
/// It connects when it runs.
#[derive(Debug)]
pub struct KafkaSource {
    options: KafkaSourceOptions,
    on_lost: OnLost,
}

impl KafkaSource {
    /// A source for these options. Certificates are read, and nothing is connected to.
    ///
    /// # Errors
    /// When the options contradict each other, name a file that cannot be read, or would break what the source promises.
    pub fn new(options: KafkaSourceOptions) -> Result<Self, KafkaOptionsError> {
        options.try_out()?;
        Ok(Self { options, on_lost: OnLost::default() })
    }

    /// Has records that were deleted before they were read told to this function, in a thread of the source's, which waits for it. They are
    /// in the metric `audit_log_kafka_source_lost_records_total` and in the program's log, too.
    #[must_use]
    pub fn on_lost(mut self, told: impl Fn(&LostRecords) + Send + Sync + 'static) -> Self {
        self.on_lost = OnLost::new(told);
        self
    }

    async fn run(self, intake: Intake, stop: CancellationToken) -> Result<(), SourceError> {
        let progress = Arc::new(Progress::default());
        // When this future is dropped the thread ends, too.
        let _abandon = Abandon(Arc::clone(&progress));
        let (mut begun, mut ended) = self.start(&intake, &progress)?;
        let mut under_way = FuturesUnordered::new();
        let mut arrived = Vec::with_capacity(AT_ONCE);
        let mut deadline: Option<tokio::time::Instant> = None;
        loop {
            let late = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(taken) = under_way.next(), if !under_way.is_empty() => match taken {
                    Taken::Durable { ticket, refused } => progress.finish(&ticket, refused),
                    Taken::Closed => {
                        progress.abandon();
                        let _ended = tokio::time::timeout(LEAVE, &mut ended).await;
                        return Err(SourceError::Closed);
                    }
                },
                count = begun.recv_many(&mut arrived, AT_ONCE) => {
                    if count == 0 {
                        // The thread ends when it is told to, or by a panic: of a function that was to be told something, say.
                        let was_told = deadline.is_some();
                        return was_told.then_some(()).ok_or_else(|| SourceError::Other(ENDED.into()));
                    }
                    under_way.extend(arrived.drain(..).map(Begun::finish));
                }
                () = stop.cancelled(), if deadline.is_none() => {
                    deadline = Some(tokio::time::Instant::now() + FINISH + LEAVE);
                    progress.stop();
                }
                () = late => return Ok(()),
            }
        }
    }

    fn start(
        self,
        intake: &Intake,
        progress: &Arc<Progress>,
    ) -> Result<(mpsc::UnboundedReceiver<Begun>, oneshot::Receiver<()>), SourceError> {
        let condition = Arc::new(Condition::new(intake.clone()));
        let topics: Vec<Arc<str>> = self.options.topics().iter().map(|topic| topic.as_str().into()).collect();
        let destination = Destination { intake: intake.clone(), format: self.options.event_format() };
        let (sender, begun) = mpsc::unbounded_channel();
        let (end, ended) = oneshot::channel();
        let session = {
            let condition = Arc::clone(&condition);
            let (intake, topics, progress) = (intake.clone(), topics.clone(), Arc::clone(progress));
            let (on_lost, start) = (self.on_lost, self.options.first_start());
            move || Session {
                intake: intake.clone(),
                topics: topics.clone(),
                start,
                on_lost: on_lost.clone(),
                progress: Arc::clone(&progress),
                condition: Arc::clone(&condition),
                state: Mutex::default(),
            }
        };
        let reader = Reader {
            options: self.options,
            topics,
            destination,
            condition: Arc::clone(&condition),
            progress: Arc::clone(progress),
            begun: sender,
            session: Box::new(session),
        };
        let spawned = thread::Builder::new().name("kafka source".to_owned()).spawn(move || {
            reader.run();
            drop(reader);
            // Whoever waited may have gone.
            let _ = end.send(());
        });
        match spawned {
            Ok(_) => Ok((begun, ended)),
            Err(error) => Err(SourceError::Other(Box::new(error))),
        }
    }
}

impl Source for KafkaSource {
    fn run(
        self: Box<Self>,
        intake: Intake,
        stop: CancellationToken,
    ) -> BoxFuture<'static, Result<(), SourceError>> {
        Box::pin((*self).run(intake, stop))
    }
}

#[derive(Debug)]
struct Abandon(Arc<Progress>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

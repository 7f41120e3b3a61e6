use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use audit_config::{Change, Config, JournalFile};
use audit_model::{Timestamp, Value};
use audit_pipeline::Pipeline;
use audit_source::{CancellationToken, Intake, Rejects};
use tokio::runtime::Handle;

use crate::access::Doors;
use crate::files::{Contents, Files};
use crate::retry::{Occasion, Retry};
use crate::running::Running;
use crate::sources::server_tls;
use crate::witness::OnRecord;
use crate::{ReloadError, ServiceError, record, reload};

/// An [`audit_config::Environment`] that a service keeps: the value of a variable, if there is one of that name.
pub type OwnedEnvironment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a service is made of, besides its log.
#[non_exhaustive]
pub struct ServiceOptions {
    /// What it is to do.
    pub config: Config,
    /// The file that it is read from, for reloading and for the record.
    pub config_file: PathBuf,
    /// Reads it again, and says in full what is wrong with it.
    pub read: Box<dyn Fn() -> Result<Config, String> + Send + Sync>,
    /// What variables are asked for.
    pub environment: OwnedEnvironment,
    /// Where what is no event goes.
    pub rejects: Arc<Rejects>,
    /// All metrics of the process, in the text format of Prometheus.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// How long until a reload that stopped half-way is tried again, 30 seconds unless it is said; each time that it fails again this is
    /// doubled, up to an hour.
    pub retry_reload_after: Duration,
}

impl ServiceOptions {
    /// A service that does what `config` says, which was read from `config_file`.
    #[must_use]
    pub fn new(config: Config, config_file: impl Into<PathBuf>, rejects: Arc<Rejects>) -> Self {
        Self {
            config,
            config_file: config_file.into(),
            read: Box::new(|| Err("this service does not reload its configuration".to_owned())),
            environment: Box::new(|_| None),
            rejects,
            metrics: Arc::new(String::new),
            retry_reload_after: AGAIN,
        }
    }
}

impl fmt::Debug for ServiceOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceOptions").field("config_file", &self.config_file).finish_non_exhaustive()
    }
}

/// How many events the sources brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Counts {
    /// Those that are in the log.
    pub recorded: u64,
    /// Those that were refused.
    pub refused: u64,
}

/// A log with its ways in: what the configuration calls `sources`, `access` and `operations`.
///
/// It follows its configuration: when the file changes (the swap of a ConfigMap's link included), or when it is
/// [asked to](Self::ask_to_reload). Dropping it without [`stop`](Self::stop) leaves sources running until their runtime ends.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
    housekeeper: Arc<Mutex<Option<JoinHandle<()>>>>,
}

pub(crate) struct Inner {
    pub(crate) options: ServiceOptions,
    pub(crate) pipeline: Pipeline,
    pub(crate) runtime: Handle,
    pub(crate) journal: JournalFile,
    pub(crate) started: Timestamp,
    /// What it does now.
    pub(crate) config: RwLock<Arc<Config>>,
    pub(crate) doors: RwLock<Arc<Doors>>,
    pub(crate) witness: Arc<OnRecord>,
    pub(crate) sources: Mutex<Vec<(String, Running)>>,
    /// Sources that were told to end, and that the end of the service waits for.
    pub(crate) leaving: Mutex<Vec<Running>>,
    /// By name, so that one that is begun anew goes on counting.
    pub(crate) intakes: Mutex<HashMap<String, Intake>>,
    pub(crate) operations: Mutex<Option<crate::operations::Running>>,
    /// When the configuration was last read again, and what was wrong with it.
    pub(crate) last_reload: Mutex<Option<(Timestamp, Option<String>)>>,
    /// One at a time.
    pub(crate) reloading: Mutex<()>,
    /// What the certificates were when they were last taken over.
    pub(crate) certificates: Mutex<Contents>,
    /// The log was changed in part only.
    pub(crate) unsettled: AtomicBool,
    /// It takes no more events, or soon will not.
    pub(crate) stopping: CancellationToken,
    asked: Mutex<Asked>,
    changed: Condvar,
}

#[derive(Default)]
struct Asked {
    to_reload: bool,
    to_stop: bool,
}

impl Service {
    /// Begins to take events into `pipeline`, which runs as the configuration says. Blocks until every listener listens.
    ///
    /// # Errors
    /// When a source cannot begin: an address is in use, a certificate is not there. Then none is left running.
    pub fn start(
        options: ServiceOptions,
        pipeline: Pipeline,
        journal: JournalFile,
        runtime: &Handle,
    ) -> Result<Self, ServiceError> {
        let now = Timestamp::now();
        let config = Arc::new(options.config.clone());
        let doors = Doors::new(&config, None, false, runtime)?;
        let inner = Arc::new(Inner {
            witness: Arc::new(OnRecord::new(pipeline.recorder(), runtime)),
            pipeline,
            runtime: runtime.clone(),
            journal,
            started: now,
            config: RwLock::new(Arc::clone(&config)),
            doors: RwLock::new(Arc::new(doors)),
            sources: Mutex::default(),
            leaving: Mutex::default(),
            intakes: Mutex::default(),
            operations: Mutex::default(),
            last_reload: Mutex::default(),
            reloading: Mutex::default(),
            certificates: Mutex::new(reload::certificates(&config)),
            unsettled: AtomicBool::new(false),
            stopping: CancellationToken::new(),
            asked: Mutex::default(),
            changed: Condvar::new(),
            options,
        });
        if let Err(error) = inner.begin(&config) {
            inner.begin_to_end();
            inner.end_sources();
            return Err(error);
        }
        let names: Vec<_> = config.sources.iter().map(|source| source.shown_name().to_owned()).collect();
        inner.witness.put(record::service_started(&config, &names, now));
        let service = Self { inner, housekeeper: Arc::default() };
        let inner = Arc::clone(&service.inner);
        match std::thread::Builder::new().name("audit-service".to_owned()).spawn(move || inner.keep_house()) {
            Ok(thread) => *lock(&service.housekeeper) = Some(thread),
            Err(error) => tracing::error!("changes of the configuration are not watched for: {error}"),
        }
        Ok(service)
    }

    /// Has the configuration be read again soon.
    pub fn ask_to_reload(&self) {
        lock(&self.inner.asked).to_reload = true;
        self.inner.changed.notify_all();
    }

    /// Reads the configuration again, and does what it says from now on. What did not change is not disturbed. Blocks for as long as
    /// destinations and sources that go need to finish. On record as `config.changed`, field by field.
    ///
    /// # Errors
    /// When the new one cannot be used: then all is as before, but for [`ReloadError::HalfWay`]. And when the service is to stop.
    pub fn reload(&self) -> Result<Vec<Change>, ReloadError> {
        self.inner.reload(Occasion::Asked)
    }

    /// How it goes, as `audit-log status` and `/v1/status` tell it.
    #[must_use]
    pub fn status(&self) -> Value {
        self.inner.status()
    }

    /// Whether events can be recorded now, or why not.
    ///
    /// # Errors
    /// What keeps it: a sentence each.
    pub fn ready(&self) -> Result<(), Vec<String>> {
        self.inner.ready()
    }

    /// The name of each listener, and the address that it has.
    #[must_use]
    pub fn addresses(&self) -> Vec<(String, SocketAddr)> {
        self.inner.addresses()
    }

    /// What its sources brought since it started.
    pub fn counts(&self) -> Counts {
        let intakes = lock(&self.inner.intakes);
        intakes.values().map(Intake::status).fold(Counts::default(), |counts, status| Counts {
            recorded: counts.recorded + status.recorded,
            refused: counts.refused + status.refused,
        })
    }

    /// Takes no more events, and waits until those on their way are recorded and answered; the log is still open then. A reload that is on
    /// its way goes no further.
    pub fn stop(&self) {
        tracing::info!("stopping: no more events are taken");
        self.inner.stopping.cancel();
        self.inner.begin_to_end();
        lock(&self.inner.asked).to_stop = true;
        self.inner.changed.notify_all();
        let housekeeper = lock(&self.housekeeper).take();
        if let Some(thread) = housekeeper {
            drop(thread.join());
        }
        // Somebody else may have asked for one.
        let _alone = lock(&self.inner.reloading);
        self.inner.end_sources();
        let Counts { recorded, refused, .. } = self.counts();
        tracing::info!(recorded, refused, "drained: what was on its way is recorded and answered");
        self.inner.witness.drain(Timestamp::now());
        tracing::info!("stopped; the log can be closed");
    }
}

/// How often it is looked whether files changed.
const LOOK: Duration = Duration::from_secs(1);
/// How long until a reload that stopped half-way is tried again.
const AGAIN: Duration = Duration::from_secs(30);

impl Inner {
    /// Follows the configuration, and puts on record what has gathered.
    fn keep_house(self: &Arc<Self>) {
        let mut files = Files::new(self.files());
        let mut has_changed = false;
        let mut retry = Retry::new(self.options.retry_reload_after, Instant::now());
        loop {
            let asked = lock(&self.asked);
            let waits = |asked: &mut Asked| !asked.to_reload && !asked.to_stop;
            let (mut asked, _) =
                self.changed.wait_timeout_while(asked, LOOK, waits).unwrap_or_else(PoisonError::into_inner);
            if asked.to_stop {
                return;
            }
            let was_asked = std::mem::take(&mut asked.to_reload);
            drop(asked);
            self.witness.flush(Timestamp::now());
            // Somebody may be writing them: they are read when they have been left alone for one look.
            let changes_now = files.have_changed();
            let is_due = self.unsettled.load(Ordering::Relaxed) && retry.is_due(Instant::now());
            let is_asked = was_asked || (has_changed && !changes_now);
            let is_time = is_asked || is_due;
            has_changed = (has_changed || changes_now) && !is_time;
            if is_time {
                let occasion = if is_asked { Occasion::Asked } else { Occasion::Retry };
                let outcome = self.reload(occasion);
                retry.tried(!is_asked && outcome.is_err(), Instant::now());
                match outcome {
                    Ok(changes) => {
                        tracing::info!(changes = changes.len(), "the configuration was read again");
                    }
                    Err(ReloadError::Stopping) => return,
                    Err(error) if self.unsettled.load(Ordering::Relaxed) => {
                        tracing::error!("the configuration is not in effect: {error}");
                    }
                    Err(error) => tracing::error!("the configuration stays as it was: {error}"),
                }
                files.follow(self.files());
            }
        }
    }

    /// What is read again when it changes.
    fn files(&self) -> Vec<PathBuf> {
        let config = self.config();
        let keys = config.access.jwt.as_ref().and_then(|jwt| jwt.jwks_file.clone());
        let own = [Some(self.options.config_file.clone()), config.access.tokens_file.clone(), keys];
        let certificates = config.sources.iter().filter_map(|source| {
            let tls = server_tls(&source.kind)?;
            Some([Some(tls.cert_file.clone()), Some(tls.key_file.clone()), tls.client_ca_file.clone()])
        });
        own.into_iter().chain(certificates.flatten()).flatten().collect()
    }

    pub(crate) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn doors(&self) -> Arc<Doors> {
        Arc::clone(&self.doors.read().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

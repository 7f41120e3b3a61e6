use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use audit_model::{Actor, Event, EventType, Resource, Timestamp};
use audit_source::{CancellationToken, Format, Intake, MAX_EVENT, Provenance, Source, SourceError, Taken};
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesOrdered, StreamExt as _};

use crate::event_id;
use crate::follower::Follower;
use crate::look::{FileLine, Gap, Look};
use crate::options::FileOptions;
use crate::position::Positions;
use crate::tail::last_bytes;

/// How many lines are on their way into the log at once, at the most.
const WINDOW: usize = 4096;
/// How many bytes of lines; one line more may be on its way.
const WINDOW_BYTES: usize = 4 << 20;
/// How soon a file is looked at again after something was written to it.
const SOON: Duration = Duration::from_millis(10);
/// How long positions may be behind what is in the log, and thus how much is read twice after a crash.
const STORE_PAUSE: Duration = Duration::from_millis(500);
/// How long a source that was stopped waits for what is on its way; what is not recorded then is read again next time.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// Reads the lines of a file, or of several, as they are written.
pub struct FileSource {
    options: FileOptions,
    positions: Positions,
    follower: Follower,
}

impl FileSource {
    /// Finds out up to where the files were read.
    ///
    /// # Errors
    /// When the state directory cannot be made, the positions in it cannot be read, or the pattern is none.
    pub fn open(options: FileOptions) -> Result<Self, SourceError> {
        if let Some(pattern) = options.pattern() {
            glob::Pattern::new(pattern).map_err(|error| {
                SourceError::Other(
                    format!("{pattern}: {error}; expected a path with `*`, `?` or `[…]`").into(),
                )
            })?;
        }
        let positions = Positions::open(&options.state_directory, &options.path)?;
        let follower = Follower::new(options.clone(), positions.load()?);
        Ok(Self { options, positions, follower })
    }
}

impl Source for FileSource {
    fn run(
        self: Box<Self>,
        intake: Intake,
        stop: CancellationToken,
    ) -> BoxFuture<'static, Result<(), SourceError>> {
        let Self { options, positions, follower } = *self;
        let run = Run {
            window: Window::default(),
            follower: Some(follower),
            positions: Some(positions),
            stored: Instant::now(),
            dirty: false,
            orphans: false,
            failing: None,
            store_fails: false,
            options,
            intake,
        };
        run.until(stop).boxed()
    }
}

/// A source that runs.
struct Run {
    options: FileOptions,
    intake: Intake,
    /// Away while a thread looks at the files.
    follower: Option<Follower>,
    /// Away while a thread writes them.
    positions: Option<Positions>,
    window: Window,
    stored: Instant,
    /// Whether lines became durable since positions were stored.
    dirty: bool,
    /// Whether lines may not be durable yet of files whose position is kept no more: then what was stored before stands.
    orphans: bool,
    failing: Option<String>,
    store_fails: bool,
}

const AT_HOME: &str = "what a thread was given comes back with it";

impl Run {
    async fn until(mut self, stop: CancellationToken) -> Result<(), SourceError> {
        let ended = self.follow(&stop).await;
        let settled = tokio::time::timeout(LAST_WAIT, self.settle(0)).await;
        if !self.orphans {
            self.store().await?;
        }
        ended.and(settled.unwrap_or(Ok(())))
    }

    /// Threads that look at files or write them are waited for, come what may: they have what is needed to end in good order.
    async fn follow(&mut self, stop: &CancellationToken) -> Result<(), SourceError> {
        let mut pause = SOON;
        while !stop.is_cancelled() {
            let look = self.look().await;
            let (more, changed) = (look.more, look.changed);
            let Some(taken) = stop.run_until_cancelled(self.take(look)).await else { break };
            taken?;
            if changed && !self.store_whatever_it_takes(stop).await {
                break;
            }
            if self.dirty && self.stored.elapsed() >= STORE_PAUSE {
                // What is not stored is read again after a crash, and no reason to end.
                let _ = self.store().await;
            }
            if more {
                pause = SOON;
                continue;
            }
            let wake = tokio::time::sleep(pause);
            tokio::pin!(wake);
            pause = (pause * 2).min(self.options.poll);
            loop {
                tokio::select! {
                    () = &mut wake => break,
                    () = stop.cancelled() => break,
                    done = self.window.next(), if !self.window.is_empty() => self.done(done)?,
                }
            }
        }
        Ok(())
    }

    /// Looks at the files, in a thread that may wait for a disk.
    async fn look(&mut self) -> Look {
        let mut follower = self.follower.take().expect(AT_HOME);
        let looked = tokio::task::spawn_blocking(move || {
            let look = follower.look(Instant::now());
            (follower, look)
        });
        let (follower, look) = joined(looked.await);
        self.intake.set_lag(Some(follower.lag()));
        self.follower = Some(follower);
        if self.failing != look.failing {
            self.failing.clone_from(&look.failing);
            self.intake.set_failing(look.failing.clone());
        }
        look
    }

    /// Sends on what was found.
    async fn take(&mut self, look: Look) -> Result<(), SourceError> {
        self.orphans |= look.changed;
        for line in look.lines {
            self.settle(WINDOW).await?;
            self.window.push(&self.intake, self.options.format, line);
        }
        if !look.changed {
            return Ok(());
        }
        for gap in look.gaps {
            tracing::warn!(source = self.intake.source(), path = %gap.path.display(), offset = gap.offset, "{}", gap.reason);
            self.intake.record_own(&gap_event(&gap, self.intake.source(), Timestamp::now())).await?;
        }
        // Lines of a file whose content is gone are nowhere else.
        self.settle(0).await
    }

    /// Waits until fewer than `room` lines are on their way, or none.
    async fn settle(&mut self, room: usize) -> Result<(), SourceError> {
        while !self.window.is_empty() && !self.window.has_room(room) {
            let done = self.window.next().await;
            self.done(done)?;
        }
        Ok(())
    }

    fn done(&mut self, done: Option<Result<Done, SourceError>>) -> Result<(), SourceError> {
        let Some(done) = done else { return Ok(()) };
        let Done { tail, offset, lines, last_line } = done?;
        self.follower.as_mut().expect(AT_HOME).commit(tail, offset, lines, last_line);
        self.dirty = true;
        Ok(())
    }

    /// Nothing of a file is recorded before it is known which file it is: `false` when the source was stopped before that.
    async fn store_whatever_it_takes(&mut self, stop: &CancellationToken) -> bool {
        while self.store().await.is_err() {
            if stop.run_until_cancelled(tokio::time::sleep(STORE_PAUSE)).await.is_none() {
                return false;
            }
        }
        self.orphans = false;
        true
    }

    async fn store(&mut self) -> Result<(), SourceError> {
        let intake = self.intake.clone();
        let files = self.follower.as_ref().expect(AT_HOME).positions();
        let positions = self.positions.take().expect(AT_HOME);
        let path = self.options.path.clone();
        let stored = tokio::task::spawn_blocking(move || {
            // What was refused is on disk before a position behind it is.
            let stored = intake.sync_rejects().and_then(|()| positions.store(&path, &files));
            (positions, stored)
        });
        let (positions, stored) = joined(stored.await);
        self.positions = Some(positions);
        self.stored = Instant::now();
        self.dirty = stored.is_err();
        match &stored {
            Err(error) => self.intake.set_failing(Some(error.to_string())),
            Ok(()) if self.store_fails => self.intake.set_failing(self.failing.clone()),
            Ok(()) => {}
        }
        self.store_fails = stored.is_err();
        stored
    }
}

/// What the thread brought; its panic goes on here.
fn joined<T>(result: Result<T, tokio::task::JoinError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => panic!("the runtime ended under a source: {error}"),
        },
    }
}

/// Lines on their way into the log, in the order of the file.
#[derive(Default)]
struct Window {
    takes: FuturesOrdered<BoxFuture<'static, Result<Done, SourceError>>>,
    sizes: VecDeque<usize>,
    bytes: usize,
}

/// A line that needs no more care.
struct Done {
    tail: u64,
    offset: u64,
    lines: u64,
    last_line: Vec<u8>,
}

impl Window {
    fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    fn has_room(&self, lines: usize) -> bool {
        self.sizes.len() < lines && self.bytes < WINDOW_BYTES
    }

    async fn next(&mut self) -> Option<Result<Done, SourceError>> {
        let done = self.takes.next().await;
        self.bytes -= self.sizes.pop_front().unwrap_or(0);
        done
    }

    fn push(&mut self, intake: &Intake, format: Format, line: FileLine) {
        self.bytes += line.line.text.len();
        self.sizes.push_back(line.line.text.len());
        let newline = line.line.end - line.line.start > line.line.length;
        let last_line = last_bytes(&line.line, newline);
        let done = Done { tail: line.tail, offset: line.line.end, lines: line.number, last_line };
        if line.line.length == line.line.text.len() as u64 && line.line.text.trim_ascii().is_empty() {
            return self.takes.push_back(async move { Ok(done) }.boxed());
        }
        let taken = take(intake, format, line);
        self.takes.push_back(
            async move {
                match taken.await {
                    Taken::Closed => Err(SourceError::Closed),
                    Taken::Recorded(_) | Taken::Refused(_) => Ok(done),
                }
            }
            .boxed(),
        );
    }
}

/// It is on its way when this returns.
fn take(intake: &Intake, format: Format, line: FileLine) -> BoxFuture<'static, Taken> {
    let FileLine { path, generation, number, line, .. } = line;
    let place = format!("{path} at byte {}", line.start);
    if line.text.len() as u64 != line.length {
        let (length, first) = (line.length, line.text.len());
        let reason = format!(
            "a line of {length} bytes, of which the first {first} are here; an event has at most {MAX_EVENT}"
        );
        return intake.refuse(reason, line.text, &place, number).boxed();
    }
    let now = Timestamp::now();
    match format.read(&line.text, now) {
        Ok(mut event) => {
            if !event_id::is_brought(format, &line.text, &event, now) {
                event.event_id = event_id::of_line(&generation, line.start, &line.text);
            }
            let provenance = Provenance::default().with("path", &*path).with("offset", line.start);
            intake.take_event(event, line.text, &provenance, &place, number).boxed()
        }
        Err(reason) => intake.refuse(reason, line.text, &place, number).boxed(),
    }
}

/// What tells the reader of the log that lines may be missing here.
fn gap_event(gap: &Gap, source: &str, now: Timestamp) -> Event {
    let path = gap.path.to_string_lossy().into_owned();
    let mut event = Event::at(now, EventType::AUDIT_SOURCE_GAP)
        .resource(Resource::new("file", path.clone()).path(path))
        .detail("offset", gap.offset)
        .detail("reason", gap.reason)
        .detail("source", source);
    event.actor = Some(Actor::system("audit-log"));
    event
}

impl fmt::Debug for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSource").field("options", &self.options).finish_non_exhaustive()
    }
}

//! Keeping a log beside whoever writes it, by the clock.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

use audit_model::Timestamp;
use audit_pipeline::Worker;

use crate::Keeper;
use crate::keeper::{HOLDS_CHANGED, Scope};

/// How often it is looked whether a file was rotated, or a hold placed.
const LOOK: Duration = Duration::from_secs(1);

/// Why a place did not answer, when nobody waits any more.
const BROKEN_OFF: &str = "broken off, since the log is to be closed; whether it was done is not known";

/// How long the last look waits for records that are on their way, which may need a new file.
const SETTLE: Duration = Duration::from_secs(2);

impl Keeper {
    /// Keeps the log until it is closed: looks at every place at once and then each
    /// [`interval`](Keeper::interval), at local files also when one was rotated, and at all of them when a hold was placed or
    /// released, which is put on record then. What goes wrong is told once, as a notice.
    pub fn work(self, worker: &Worker) {
        let mut seen = Seen::default();
        let mut told = BTreeSet::new();
        loop {
            let is_last = worker.is_closing();
            if is_last {
                flushed(worker);
            }
            let go_on = || is_last || !worker.is_closing();
            // What is here first: a place elsewhere may take its time to answer.
            for scope in seen.due(&self, is_last) {
                let recorder = worker.recorder();
                let mut wrong = Vec::new();
                if scope == Scope::Local {
                    wrong.extend(self.record_holds(recorder).err().map(|error| error.to_string()));
                }
                match self.plan_in(scope, recorder.acknowledged(), Timestamp::now(), &go_on) {
                    Ok(plans) => {
                        for plan in &plans {
                            wrong.extend(plan.plan.problems.iter().map(|it| format!("{}: {it}", plan.place)));
                            let failure = plan
                                .failure
                                .clone()
                                .or_else(|| self.apply_while(plan, recorder, &go_on).failure);
                            wrong.extend(failure.map(|failure| format!("{}: {failure}", plan.place)));
                        }
                    }
                    Err(error) => wrong.push(format!("nothing is deleted: {error}")),
                }
                // A conversation that was broken off at the end is no fault, and what a hold stops is planned again.
                let is_worth_it = |it: &String| !it.ends_with(BROKEN_OFF) && !it.ends_with(HOLDS_CHANGED);
                for sentence in wrong.into_iter().filter(is_worth_it) {
                    if told.insert(sentence.clone()) {
                        recorder.notice(format!("retention: {sentence}"));
                    }
                }
            }
            if is_last {
                return;
            }
            let _ = worker.pause(LOOK);
        }
    }
}

fn flushed(worker: &Worker) {
    let begun = Instant::now();
    while worker.recorder().flushed().is_none() && begun.elapsed() < SETTLE {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What was there when it was last looked.
#[derive(Default)]
struct Seen {
    full_round: Option<Instant>,
    files: Vec<usize>,
    holds: Option<SystemTime>,
}

impl Seen {
    /// What is to be looked at now.
    fn due(&mut self, keeper: &Keeper, is_last: bool) -> Vec<Scope> {
        let holds = keeper.holds_written();
        let files = keeper.counts();
        let is_round = self.full_round.is_none_or(|last| last.elapsed() >= keeper.interval);
        let holds_changed = holds != self.holds;
        let files_changed = files != self.files;
        (self.holds, self.files) = (holds, files);
        if !is_last && (is_round || holds_changed) {
            self.full_round = Some(Instant::now());
            return vec![Scope::Local, Scope::Elsewhere];
        }
        (files_changed || holds_changed).then_some(Scope::Local).into_iter().collect()
    }
}

/// Waits for an answer from elsewhere for as long as it may.
#[cfg(any(feature = "s3", feature = "cloudwatch", feature = "kafka"))]
pub(crate) fn waited<F: Future>(request: F, go_on: &dyn Fn() -> bool) -> Result<F::Output, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot make a runtime: {error}"))?;
    let answer = runtime.block_on(async {
        let mut request = std::pin::pin!(request);
        loop {
            match tokio::time::timeout(Duration::from_millis(100), &mut request).await {
                Ok(answer) => return Some(answer),
                Err(_) if go_on() => {}
                Err(_) => return None,
            }
        }
    });
    answer.ok_or_else(|| BROKEN_OFF.to_owned())
}

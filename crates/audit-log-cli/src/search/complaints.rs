use std::sync::atomic::{AtomicU64, Ordering};

use audit_search::BadLine;
use indicatif::ProgressBar;

use crate::output::{complain, count};

/// How many lines that are no events are told.
const SHOWN: u64 = 5;

/// What went wrong on the way, told to whoever sits there.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    /// Lines that are no events.
    refused: AtomicU64,
    bar: Option<ProgressBar>,
    /// How many lines of what is followed were read before those that are read now; its lines are records of a log.
    before: AtomicU64,
}

/// The lines of one part that are no events.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    count: u64,
    first: Vec<String>,
}

impl Complaints {
    /// With a bar on the same terminal.
    pub(crate) fn beside(bar: Option<ProgressBar>) -> Self {
        Self { bar, ..Self::default() }
    }

    /// Says that so many lines of an input were read before those that come next.
    pub(crate) fn begin_behind(&self, lines: u64) {
        self.before.store(lines, Ordering::Relaxed);
    }

    /// Notes a line in its part, on any thread.
    pub(crate) fn note(&self, refused: &mut Refused, line: &BadLine<'_>) {
        refused.count += 1;
        // To know the number of a line may take counting all before it.
        let told = self.refused.load(Ordering::Relaxed) + refused.first.len() as u64;
        if told < SHOWN {
            let place = line.place();
            let number = place.line().map(|line| line + self.before.load(Ordering::Relaxed));
            let number = number.map(|number| format!(":{number}")).unwrap_or_default();
            refused.first.push(format!("{}{number}: {}", place.name(), line.why()));
        }
    }

    /// Tells the lines of a part.
    pub(crate) fn take(&self, refused: &Refused) {
        let told = self.refused.fetch_add(refused.count, Ordering::Relaxed);
        for line in refused.first.iter().take(usize::try_from(SHOWN.saturating_sub(told)).unwrap_or(0)) {
            self.tell(line);
        }
    }

    pub(crate) fn tell(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| complain(text)),
            None => complain(text),
        }
    }

    /// Sums up.
    pub(crate) fn finish(&self) {
        let refused = self.refused.load(Ordering::Relaxed);
        if refused > 0 {
            let what = if refused == 1 { "is no event and was" } else { "are no events and were" };
            complain(&format!("{} {what} left out", count(refused, "line")));
        }
    }
}

impl Refused {
    /// About how many bytes it holds.
    pub(crate) fn size(&self) -> usize {
        self.first.iter().map(String::len).sum()
    }
}

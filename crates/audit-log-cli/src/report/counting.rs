//! The records of the files, counted on all cores.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use audit_condition::Path as Field;
use audit_model::{EventType, Timestamp};
use audit_report::{Period, Tally};
use audit_search::{BadLine, Hit, Input, Query, Scanned, Visitor, scan};

use crate::output::{count as counted, harmless};
use crate::progress;

/// What came of it.
pub(super) struct Counted {
    pub(super) tally: Tally,
    /// What could not be counted, and why.
    pub(super) notes: Vec<String>,
}

/// Counts the period's records in the files; standard input, where it is among them, as it was spooled.
pub(super) fn count(
    files: &[PathBuf],
    standard_input: Option<&Path>,
    period: Period,
    now: Timestamp,
    threads: usize,
) -> Counted {
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        set => set,
    };
    let counter = Counter::new(period);
    let mut tally = Tally::new(period);
    // Of a run that ends in the period it has to be known that it began; there are few such records, and quickly found.
    let before = Query {
        until: Some(period.from()),
        types: [EventType::AUDIT_STARTED, EventType::AUDIT_STOPPED]
            .map(|event_type| event_type.as_str().parse().expect("a type is a pattern"))
            .to_vec(),
        ..Query::default()
    };
    let within = Query {
        since: Some(period.from()),
        until: Some(period.to()),
        fields: counter.fields().cloned().collect(),
        ..Query::default()
    };
    let mut total = Part::default();
    let read = AtomicU64::new(0);
    let mut scanned = Scanned::default();
    std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            let mut merged = std::mem::replace(&mut tally, Tally::new(period));
            for query in [&before, &within] {
                let inputs = inputs(files, standard_input);
                // Both look at the same lines: what the first cannot read, the second tells.
                total = Part::default();
                scanned = scan(inputs, query, now, threads, &read, &counter, |part: Part| {
                    if let Some(tally) = part.tally {
                        let so_far = std::mem::replace(&mut merged, Tally::new(period));
                        merged = so_far.merge(tally);
                    }
                    total.bad += part.bad;
                    total.first_bad = total.first_bad.take().or(part.first_bad);
                    ControlFlow::Continue(())
                });
            }
            tally = merged;
        });
        if let Some(bar) = progress::bar(files) {
            while !work.is_finished() {
                bar.set_position(read.load(Ordering::Relaxed));
                std::thread::sleep(Duration::from_millis(50));
            }
            bar.finish_and_clear();
        }
    });
    Counted { tally, notes: notes(&total, &scanned) }
}

fn notes(total: &Part, scanned: &Scanned) -> Vec<String> {
    let bad = total.first_bad.as_ref().map(|first| {
        let lines = counted(total.bad, "line");
        let (are, them) = if total.bad == 1 { ("is no event", "") } else { ("are no events", "the first ") };
        format!("{lines} {are}, and in no count: {them}{}", harmless(first))
    });
    let unreadable = scanned.unreadable.iter();
    let unreadable = unreadable
        .map(|it| format!("{} could not be read, or not to its end: {}", it.name, harmless(&it.why)));
    bad.into_iter().chain(unreadable).collect()
}

fn inputs(files: &[PathBuf], standard_input: Option<&Path>) -> Vec<Input> {
    let input = |file: &PathBuf| match standard_input {
        Some(spooled) if file == Path::new("-") => match File::open(spooled) {
            Ok(file) => Input::Reader { name: "standard input".to_owned(), reader: Box::new(file) },
            // The scan says why it cannot be read.
            Err(_) => Input::File(spooled.to_owned()),
        },
        _ => Input::File(file.clone()),
    };
    files.iter().map(input).collect()
}

/// Counts what a scan finds.
struct Counter {
    period: Period,
    time: Field,
    event_type: Field,
    result: Field,
    actor: Field,
}

#[derive(Default)]
struct Part {
    tally: Option<Tally>,
    bad: u64,
    first_bad: Option<String>,
}

impl Part {
    fn bad(&mut self, told: impl FnOnce() -> String) {
        self.bad += 1;
        self.first_bad.get_or_insert_with(told);
    }
}

impl Counter {
    fn new(period: Period) -> Self {
        let field = |path: &str| Field::parse(path).expect("it is a path");
        Self {
            period,
            time: field("timestamp"),
            event_type: field("event_type"),
            result: field("action.result"),
            actor: field("actor.id"),
        }
    }

    fn fields(&self) -> impl Iterator<Item = &Field> {
        [&self.time, &self.event_type, &self.result, &self.actor].into_iter()
    }
}

impl Visitor for Counter {
    type Part = Part;

    fn hit(&self, part: &mut Part, hit: &Hit<'_>) {
        let time = hit.text(&self.time).and_then(|time| time.parse::<Timestamp>().ok());
        let (Some(time), Some(event_type)) = (time, hit.text(&self.event_type)) else {
            part.bad(|| format!("{}: no time, or no event type", hit.place()));
            return;
        };
        let tally = part.tally.get_or_insert_with(|| Tally::new(self.period));
        let result = hit.text(&self.result);
        let is_in = tally.count(time, &event_type, result.as_deref(), hit.text(&self.actor).as_deref());
        let is_notable = match is_in {
            true => Tally::is_notable(&event_type, result.as_deref()),
            false => Tally::is_notable_before(&event_type),
        };
        if is_notable {
            match hit.event() {
                Ok(event) => tally.observe(&event),
                Err(why) => part.bad(|| format!("{}: {why}; it is counted, and not told", hit.place())),
            }
        }
    }

    fn bad_line(&self, part: &mut Part, line: &BadLine<'_>) {
        part.bad(|| format!("{}: {}", line.place(), line.why()));
    }

    fn size(&self, part: &Part) -> usize {
        // Rows that are kept; the counts are small.
        if part.tally.is_some() { 64 << 10 } else { 0 }
    }
}

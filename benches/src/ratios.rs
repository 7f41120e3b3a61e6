use std::time::{Duration, Instant};

/// Whether this run is to measure ratios: `cargo bench` says so; `cargo test` and `-- --test` only try whether it works,
/// and `-- --profile-time` is for a profiler.
#[must_use]
pub fn is_measuring() -> bool {
    let has = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    has("--bench") && !["--test", "--list", "--profile-time"].into_iter().any(has)
}

/// How many per second, when `count` of them took as long as `work` does.
#[must_use]
pub fn rate(count: u64, work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    per_second(count, begun.elapsed())
}

fn per_second(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}

/// Sides that are measured in turns — A, B, A, B … — so that whatever else the machine does hits all of them alike.
#[derive(Default)]
pub struct Sides<'a> {
    sides: Vec<(&'static str, Turn<'a>)>,
}

type Turn<'a> = Box<dyn FnMut() -> f64 + 'a>;

impl std::fmt::Debug for Sides<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.sides.iter().map(|(name, _)| name)).finish()
    }
}

impl<'a> Sides<'a> {
    /// No side yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a side. `turn` does one turn's work and returns its rate: units of work per second.
    #[must_use]
    pub fn side(mut self, name: &'static str, turn: impl FnMut() -> f64 + 'a) -> Self {
        self.sides.push((name, Box::new(turn)));
        self
    }

    /// Measures `rounds` rounds, after one that does not count.
    #[must_use]
    pub fn measure(mut self, rounds: usize) -> Rates {
        assert!(rounds >= 9, "a median of fewer says little");
        let mut round = || self.sides.iter_mut().map(|(_, turn)| turn()).collect::<Vec<f64>>();
        round();
        let rounds = (0..rounds).map(|_| round()).collect();
        Rates { names: self.sides.iter().map(|(name, _)| *name).collect(), rounds }
    }
}

/// What was measured: a rate for each side in each round.
#[derive(Clone, Debug)]
pub struct Rates {
    names: Vec<&'static str>,
    rounds: Vec<Vec<f64>>,
}

impl Rates {
    fn of(&self, name: &str) -> impl Iterator<Item = f64> {
        let index =
            self.names.iter().position(|known| *known == name).unwrap_or_else(|| panic!("no side `{name}`"));
        self.rounds.iter().map(move |round| round[index])
    }

    /// The median of a side's rates.
    #[must_use]
    pub fn median(&self, name: &str) -> f64 {
        quartiles(self.of(name))[1]
    }

    /// A side's rate over another one's in the same round: lower quartile, median, upper quartile.
    #[must_use]
    pub fn ratio(&self, name: &str, to: &str) -> [f64; 3] {
        quartiles(self.of(name).zip(self.of(to)).map(|(a, b)| a / b))
    }
}

fn quartiles(numbers: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut sorted: Vec<f64> = numbers.collect();
    sorted.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| sorted[(sorted.len() - 1) * quarter / 4])
}

/// The table at a benchmark's end: ratios beside their goals.
#[derive(Clone, Debug)]
pub struct Table {
    title: &'static str,
    lines: Vec<String>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(title: &'static str) -> Self {
        Self { title, lines: Vec::new() }
    }

    /// Adds a ratio of rates, `name` over `to`, and the least that it ought to be.
    pub fn ratio(&mut self, rates: &Rates, name: &str, to: &str, goal: Option<f64>) {
        let [low, median, high] = rates.ratio(name, to);
        let verdict = match goal {
            Some(goal) if median >= goal => format!("goal {goal:>5.2}  reached"),
            Some(goal) => format!("goal {goal:>5.2}  MISSED"),
            None => "for information".to_owned(),
        };
        self.lines.push(format!("{median:>7.2} x  ({low:.2} to {high:.2})  {verdict:<20}  {name} / {to}"));
    }

    /// Adds a side's own rate, in `unit` of so many.
    pub fn rate(&mut self, rates: &Rates, name: &str, unit: &str, size: f64) {
        self.lines.push(format!("{:>10.1} {unit}  {name}", rates.median(name) / size));
    }

    /// Adds any line.
    pub fn note(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// Prints it.
    pub fn print(&self) {
        println!("\n{}: ratios of rates, median of the rounds (quartiles)", self.title);
        self.lines.iter().for_each(|line| println!("  {line}"));
        println!();
    }
}

//! How fast are records found and counted in a log's files?
//!
//! `cargo xtask bench search`
//!
//! `audit_search::scan` on all cores over ten files of 100 MB of sealed records, plain and gzipped, which are in the page cache
//! for every side:
//! - a condition of which one record in ten thousand is true, beside `jq` with its translation (on the first file, by the byte) and
//!   beside `ripgrep` with the rarer of its two texts, which is not all of the condition; gzipped beside `gunzip -c | rg`;
//! - a condition without any text, and counts by type and actor, beside DuckDB's `read_json` (and, for information, its
//!   `read_ndjson_objects`, which reads no more of a line than is asked for), and the counts beside `jq | sort | uniq -c` (on the
//!   first file).
//!
//! The files are made once, in `AUDIT_BENCH_DATA` or the build directory. `AUDIT_BENCH_MB` makes them smaller or larger,
//! `AUDIT_TEST_PYTHON` names a Python that has DuckDB, and `AUDIT_BENCH_SIDES` one of `selective`, `without`
//! and `counts`.
//! A peer that is not there is left out.
#![allow(clippy::print_stdout, reason = "a benchmark's output is what it prints")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::ops::ControlFlow;
use std::path::{Path as FilePath, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use audit_benches::{Sides, Table, canonical, is_measuring, key, rate};
use audit_condition::{Condition, Path, Target};
use audit_integrity::{EventDigest, Sealer, Signer};
use audit_model::{Action, Actor, Context, Event, EventId, EventType, Resource, Timestamp};
use audit_search::{BadLine, Hit, Input, Query, Visitor, scan};

const FILES: usize = 10;
const RARE: &str = "event_type == 'backup.failed' and actor.id == 'user137@company.com'";
const RARER_TEXT: &str = "user137@company.com";
const WITHOUT_TEXT: &str = "action.duration_ms > 100000";

fn now() -> Timestamp {
    Timestamp::from_milliseconds(1_733_048_130_123).expect("in range")
}

/// splitmix64, so that the files are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

fn event(number: i64, random: &mut Random) -> Event {
    // Of a hundred.
    let event_type = match random.below(100) {
        0..30 => EventType::AUTH_LOGIN,
        30..45 => EventType::AUTH_LOGOUT,
        45..60 => EventType::BACKUP_STARTED,
        60..72 => EventType::BACKUP_COMPLETED,
        72..80 => EventType::RESTORE_STARTED,
        80..88 => EventType::RESTORE_COMPLETED,
        88..92 => EventType::ACCESS_DENIED,
        92..95 => EventType::CONFIG_CHANGED,
        95..98 => EventType::AUTH_FAILED,
        _ => EventType::BACKUP_FAILED,
    };
    let user = random.below(200);
    let operation = event_type.as_str().split('.').next().unwrap_or("other").to_owned();
    let result = if event_type.as_str().ends_with("failed") { "failure" } else { "success" };
    let time = Timestamp::from_milliseconds(now().as_milliseconds() + number * 37).expect("in range");
    let actor = Actor::user(format!("user{user}@company.com"))
        .role("backup-operator")
        .role("viewer")
        .ip_address(format!("10.{}.{}.{}", random.below(4), random.below(256), random.below(256)))
        .user_agent("kafka-backup-cli/1.0.0 (linux; x86_64)");
    let id = 20_241_201 + random.below(1_000_000);
    let mut event =
        Event::new(event_type, actor, Action::new(operation, result).duration_ms(random.below(120_000)))
            .resource(
                Resource::new("backup", format!("production-backup-{id}"))
                    .path(format!("s3://kafka-backups/production/{id}/")),
            )
            .context(
                Context::new()
                    .cluster_id(["prod-us-west-2", "prod-eu-central-1", "staging"][random.below(3) as usize])
                    .environment("production")
                    .correlation_id(format!("req_{:016x}", random.below(u64::MAX))),
            )
            .detail("backup_id", format!("production-backup-{id}"))
            .detail("bytes", random.below(1 << 33))
            .detail("topics", ["orders", "payments", "users"].map(str::to_owned).to_vec());
    event.timestamp = time;
    event.event_id = EventId::from(format!("evt_{:032x}", random.below(u64::MAX)));
    event
}

fn megabytes() -> u64 {
    let asked = std::env::var("AUDIT_BENCH_MB").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(if is_measuring() { 1000 } else { 10 })
}

/// The plain files and the gzipped ones, in the order of time.
fn files() -> (Vec<PathBuf>, Vec<PathBuf>) {
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(target, PathBuf::from);
    let folder =
        std::env::var_os("AUDIT_BENCH_DATA").map_or_else(|| target.join("audit-bench-search"), PathBuf::from);
    let folder = folder.join(format!("{}", megabytes()));
    fs::create_dir_all(&folder).expect("the folder for the files can be made");
    let plain: Vec<PathBuf> = (0..FILES).map(|number| folder.join(format!("audit-{number}.log"))).collect();
    let gzipped: Vec<PathBuf> = plain.iter().map(|path| path.with_extension("log.gz")).collect();
    if gzipped.iter().all(|path| path.exists()) {
        return (plain, gzipped);
    }
    println!("making {} MB of records in {}", megabytes(), folder.display());
    let mut sealer = Sealer::new("bench".parse().expect("a plain name"), Signer::Hmac(key()));
    let mut random = Random(7);
    let mut number = 0;
    for path in &plain {
        let mut file = BufWriter::new(File::create(path).expect("a new file"));
        let (mut written, mut line) = (0, Vec::new());
        while written < megabytes() * 1_000_000 / FILES as u64 {
            line.clear();
            let text = canonical(&event(number, &mut random));
            sealer.seal(&text, &EventDigest::of(&text), &mut line);
            file.write_all(&line).expect("the disk has room");
            written += line.len() as u64;
            number += 1;
        }
        file.flush().expect("the disk has room");
    }
    let done = Command::new("gzip").arg("-kf").args(&plain).status().expect("gzip is there");
    assert!(done.success(), "gzip has failed");
    (plain, gzipped)
}

fn size(files: &[PathBuf]) -> u64 {
    files.iter().map(|file| fs::metadata(file).expect("the file is there").len()).sum()
}

/// The lines themselves, as a search prints them.
struct Rows;

impl Visitor for Rows {
    type Part = Vec<u8>;

    fn hit(&self, part: &mut Vec<u8>, hit: &Hit<'_>) {
        part.extend_from_slice(hit.line());
        part.push(b'\n');
    }

    fn bad_line(&self, _: &mut Vec<u8>, line: &BadLine<'_>) {
        panic!("{}: {}", line.place(), line.why());
    }

    fn size(&self, part: &Vec<u8>) -> usize {
        part.len()
    }
}

struct Count;

impl Visitor for Count {
    type Part = u64;

    fn hit(&self, part: &mut u64, _: &Hit<'_>) {
        *part += 1;
    }

    fn bad_line(&self, _: &mut u64, line: &BadLine<'_>) {
        panic!("{}: {}", line.place(), line.why());
    }

    fn size(&self, _: &u64) -> usize {
        8
    }
}

struct Groups([Path; 2]);

impl Visitor for Groups {
    type Part = HashMap<Vec<u8>, u64>;

    fn hit(&self, part: &mut Self::Part, hit: &Hit<'_>) {
        let [a, b] = [0, 1].map(|index| hit.text(&self.0[index]).unwrap_or_default());
        let mut room = [0; 256];
        let length = a.len() + 1 + b.len();
        let key = &mut room[..length];
        key[..a.len()].copy_from_slice(a.as_bytes());
        key[a.len() + 1..].copy_from_slice(b.as_bytes());
        match part.get_mut(&*key) {
            Some(count) => *count += 1,
            None => _ = part.insert(key.to_vec(), 1),
        }
    }

    fn bad_line(&self, _: &mut Self::Part, line: &BadLine<'_>) {
        panic!("{}: {}", line.place(), line.why());
    }

    fn size(&self, part: &Self::Part) -> usize {
        part.len() * 64
    }
}

fn inputs(files: &[PathBuf]) -> Vec<Input> {
    files.iter().cloned().map(Input::File).collect()
}

fn threads() -> usize {
    std::env::var("AUDIT_BENCH_THREADS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

fn condition(text: &str) -> Query {
    Query { condition: Some(Condition::parse(text).expect("a condition")), ..Query::default() }
}

fn run<V: Visitor>(files: &[PathBuf], query: &Query, visitor: &V, mut take: impl FnMut(V::Part)) {
    let read = AtomicU64::new(0);
    let scanned = scan(inputs(files), query, now(), threads(), &read, visitor, |part| {
        take(part);
        ControlFlow::Continue(())
    });
    assert!(scanned.unreadable.is_empty(), "{scanned:?}");
}

fn rows(files: &[PathBuf], query: &Query) -> usize {
    let mut out = Vec::new();
    run(files, query, &Rows, |part| out.extend_from_slice(&part));
    memchr::memchr_iter(b'\n', &out).count()
}

fn count(files: &[PathBuf], query: &Query) -> u64 {
    let mut total = 0;
    run(files, query, &Count, |part| total += part);
    total
}

fn groups(files: &[PathBuf]) -> HashMap<Vec<u8>, u64> {
    let paths = ["event_type", "actor.id"].map(|path| Path::parse(path).expect("a path"));
    let query = Query { fields: paths.to_vec(), ..Query::default() };
    let mut total: HashMap<Vec<u8>, u64> = HashMap::new();
    run(files, &query, &Groups(paths), |part| {
        for (key, count) in part {
            *total.entry(key).or_default() += count;
        }
    });
    total
}

/// Runs a program and returns how many lines it printed.
fn lines_of(command: &mut Command) -> usize {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it was there a moment ago");
    let mut output = Vec::new();
    child.stdout.take().expect("it is piped").read_to_end(&mut output).expect("a pipe can be read");
    assert!(child.wait().expect("a child").success(), "{command:?}");
    memchr::memchr_iter(b'\n', &output).count()
}

fn shell(script: &str, files: &[PathBuf]) -> usize {
    lines_of(Command::new("sh").args(["-c", script, "sh"]).args(files))
}

fn has(program: &str) -> bool {
    let version = Command::new(program).arg("--version").output();
    match version {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            println!("{}", text.lines().next().unwrap_or(program));
            true
        }
        Err(_) => {
            println!("{program} is not there, and is left out");
            false
        }
    }
}

/// DuckDB in a Python of its own, asked over pipes; it tells its own time, so that starting it does not count.
struct DuckDb {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl DuckDb {
    fn start() -> Option<Self> {
        let python = std::env::var_os("AUDIT_TEST_PYTHON")?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/duckdb_times.py");
        let mut process =
            Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let (input, output) = (process.stdin.take()?, BufReader::new(process.stdout.take()?));
        let mut duckdb = Self { process, input, output };
        println!("DuckDB {}", duckdb.answer());
        Some(duckdb)
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a pipe can be read");
        line.trim_end().to_owned()
    }

    /// How many rows a query has, and how long it took.
    fn ask(&mut self, query: &str) -> (usize, Duration) {
        writeln!(self.input, "{query}").expect("a pipe can be written");
        let answer = self.answer();
        let (rows, seconds) = answer.split_once(' ').expect("two numbers");
        let seconds = seconds.parse().expect("a number of seconds");
        (rows.parse().expect("a number of rows"), Duration::from_secs_f64(seconds))
    }
}

impl Drop for DuckDb {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The files as DuckDB takes them: finding out what columns there are, and as objects of which it looks up what it needs.
fn tables(files: &[PathBuf]) -> [String; 2] {
    let names: Vec<String> = files.iter().map(|file| format!("'{}'", file.display())).collect();
    let names = names.join(", ");
    [format!("read_json([{names}], format = 'newline_delimited')"), format!("read_ndjson_objects([{names}])")]
}

type Shared<'d> = &'d RefCell<Option<DuckDb>>;

/// A turn of DuckDB, which has to find so many rows in so many bytes.
fn ask(duckdb: Shared<'_>, query: String, found: usize, bytes: u64) -> impl FnMut() -> f64 + '_ {
    move || {
        let mut duckdb = duckdb.borrow_mut();
        let (rows, time) = duckdb.as_mut().expect("it was there").ask(&query);
        assert_eq!(rows, found);
        bytes as f64 / time.as_secs_f64()
    }
}

fn wants(side: &str) -> bool {
    std::env::var("AUDIT_BENCH_SIDES").map_or(true, |wanted| side.contains(&wanted))
}

fn rounds() -> usize {
    std::env::var("AUDIT_BENCH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(9)
}

fn selective(plain: &[PathBuf], gzipped: &[PathBuf]) -> Table {
    let mut table = Table::new("search, selective");
    let (all, first) = (size(plain), size(&plain[..1]));
    let query = condition(RARE);
    let found = rows(plain, &query);
    println!("{RARE}: {found} records");
    assert_eq!(rows(gzipped, &query), found);
    let mut sides = Sides::new();
    let (has_jq, has_rg) = (has("jq"), has("rg"));
    let filter =
        condition(RARE).condition.expect("it was set").translate_sealed(Target::Jq).expect("jq can say it");
    let filter = format!("select({filter})");
    sides = sides.side("search", || rate(all, || assert_eq!(rows(plain, &query), found)));
    if has_rg {
        let rg = |more: &'static [&'static str]| {
            move || {
                rate(all, || {
                    let mut command = Command::new("rg");
                    let lines = lines_of(command.args(["-F", "-I", RARER_TEXT]).args(more).args(plain));
                    assert!(lines > found);
                })
            }
        };
        sides = sides.side("rg", rg(&[])).side("rg --no-mmap", rg(&["--no-mmap"]));
    }
    if has_jq {
        let found = rows(&plain[..1], &query);
        sides = sides.side("jq", move || {
            rate(first, || {
                assert_eq!(lines_of(Command::new("jq").args(["-c", &filter]).arg(&plain[0])), found);
            })
        });
    }
    let rates = sides.measure(rounds());
    table.rate(&rates, "search", "MB/s", 1e6);
    if has_jq {
        table.ratio(&rates, "search", "jq", Some(80.0));
    }
    if has_rg {
        table.ratio(&rates, "search", "rg", Some(1.5));
        table.ratio(&rates, "search", "rg --no-mmap", None);
        let rates = Sides::new()
            .side("search, gzipped", || rate(all, || assert_eq!(rows(gzipped, &query), found)))
            .side("gunzip -c | rg", || {
                rate(all, || {
                    assert!(shell(&format!("gunzip -c \"$@\" | rg -F '{RARER_TEXT}'"), gzipped) > found);
                })
            })
            .measure(rounds());
        table.rate(&rates, "search, gzipped", "MB/s", 1e6);
        table.ratio(&rates, "search, gzipped", "gunzip -c | rg", Some(3.0));
    }
    table
}

fn without_text(plain: &[PathBuf], duckdb: Shared<'_>) -> Table {
    let mut out = Table::new("search, without a text");
    let all = size(plain);
    let query = condition(WITHOUT_TEXT);
    let found = count(plain, &query);
    println!("{WITHOUT_TEXT}: {found} records");
    let mut sides = Sides::new()
        .side("condition without a text", || rate(all, || assert_eq!(count(plain, &query), found)));
    let has_duckdb = duckdb.borrow().is_some();
    if has_duckdb {
        let [json, objects] = tables(plain);
        let asked = format!("SELECT 1 FROM {json} WHERE event.action.duration_ms > 100000");
        sides = sides.side("DuckDB's read_json", ask(duckdb, asked, found as usize, all));
        let asked =
            format!("SELECT 1 FROM {objects} WHERE (json->>'$.event.action.duration_ms')::BIGINT > 100000");
        sides = sides.side("DuckDB's read_ndjson_objects", ask(duckdb, asked, found as usize, all));
    }
    let rates = sides.measure(rounds());
    out.rate(&rates, "condition without a text", "MB/s", 1e6);
    if has_duckdb {
        out.ratio(&rates, "condition without a text", "DuckDB's read_json", Some(1.5));
        out.ratio(&rates, "condition without a text", "DuckDB's read_ndjson_objects", None);
    }
    out
}

fn counts(plain: &[PathBuf], duckdb: Shared<'_>) -> Table {
    let mut out = Table::new("search, counts");
    let (all, first) = (size(plain), size(&plain[..1]));
    let found = groups(plain).len();
    println!("{found} groups by type and actor");
    let mut sides = Sides::new().side("counts", || rate(all, || assert_eq!(groups(plain).len(), found)));
    let has_duckdb = duckdb.borrow().is_some();
    let has_jq = has("jq");
    if has_duckdb {
        let [json, objects] = tables(plain);
        let asked =
            format!("SELECT event.event_type AS t, event.actor.id AS a, count(*) FROM {json} GROUP BY t, a");
        sides = sides.side("DuckDB's read_json, counts", ask(duckdb, asked, found, all));
        let asked = format!(
            "SELECT json->>'$.event.event_type' AS t, json->>'$.event.actor.id' AS a, count(*) FROM {objects} GROUP BY t, a"
        );
        sides = sides.side("DuckDB's read_ndjson_objects, counts", ask(duckdb, asked, found, all));
    }
    if has_jq {
        let script = "jq -r '[.event.event_type, .event.actor.id] | @tsv' \"$@\" | sort | uniq -c";
        let found = groups(&plain[..1]).len();
        sides = sides.side("jq | sort | uniq -c", move || {
            rate(first, || assert_eq!(shell(script, &plain[..1]), found))
        });
    }
    let rates = sides.measure(rounds());
    out.rate(&rates, "counts", "MB/s", 1e6);
    if has_duckdb {
        out.ratio(&rates, "counts", "DuckDB's read_json, counts", Some(3.0));
        out.ratio(&rates, "counts", "DuckDB's read_ndjson_objects, counts", None);
    }
    if has_jq {
        out.ratio(&rates, "counts", "jq | sort | uniq -c", Some(30.0));
    }
    out
}

/// So that no side reads from the disk.
fn warm(files: &[PathBuf]) {
    for file in files {
        let read = |path: &FilePath| std::io::copy(&mut File::open(path)?, &mut std::io::sink());
        read(file).expect("the file can be read");
    }
}

fn main() {
    let (plain, gzipped) = files();
    warm(&plain);
    warm(&gzipped);
    if !is_measuring() {
        assert_eq!(rows(&plain, &condition(RARE)), rows(&gzipped, &condition(RARE)));
        assert!(count(&plain, &condition(WITHOUT_TEXT)) > 0 && !groups(&plain).is_empty());
        return;
    }
    let duckdb = RefCell::new(DuckDb::start());
    if duckdb.borrow().is_none() {
        println!("AUDIT_TEST_PYTHON names no Python with DuckDB, which is left out");
    }
    if wants("selective") {
        selective(&plain, &gzipped).print();
    }
    if wants("without") {
        without_text(&plain, &duckdb).print();
    }
    if wants("counts") {
        counts(&plain, &duckdb).print();
    }
}

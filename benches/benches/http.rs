//! What does an answer that means "on disk" cost over HTTP?
//!
//! `cargo xtask bench http`
//!
//! 64 connections that send one event after another, and then a hundred at once, to three servers in turns: `POST /v1/events` with a
//! sealed log behind it, `Durability::Fsync`; the same with a log that selects no event, so that all is read, stamped and answered, and
//! nothing is recorded; and an axum handler that reads the JSON, appends it to a file and syncs that for each request. Beside them, what
//! the disk allows: 64 events written and synced at once, over and over, by one who does nothing else.
//!
//! The load comes from one thread of this process over the loopback, and so takes its part of the same cores: the share is told beside
//! the rates, as is the processor time of the whole process for an event. Each answer is read and has to be 200.

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use audit_access::{Access, Role};
use audit_benches::{Sides, Table, canonical, directory, events, is_measuring, key};
use audit_pipeline::{Pipeline, Selection};
use audit_source::{CancellationToken, Intake, Source as _};
use audit_source_http::{HttpOptions, HttpSource};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

const CONNECTIONS: usize = 64;
const BATCH: usize = 100;

fn serve(runtime: &Runtime, log: Pipeline) -> SocketAddr {
    let options = HttpOptions::new("127.0.0.1:0").access(Access::default().anonymous([Role::Ingest]));
    let source = runtime.block_on(HttpSource::bind(options)).expect("a free port");
    let address = source.local_addr();
    runtime.spawn(Box::new(source).run(Intake::new(log, "http"), CancellationToken::new()));
    address
}

/// A handler as one would write it who has no log: each request is on disk when it is answered.
fn serve_plain(runtime: &Runtime, path: &Path) -> SocketAddr {
    async fn append(State(file): State<Arc<Mutex<File>>>, body: Bytes) -> StatusCode {
        if serde_json::from_slice::<serde_json::Value>(&body).is_err() {
            return StatusCode::BAD_REQUEST;
        }
        let written = tokio::task::spawn_blocking(move || {
            let mut file = file.lock().expect("nobody panics with it");
            file.write_all(&body)?;
            file.write_all(b"\n")?;
            file.sync_data()
        });
        match written.await {
            Ok(Ok(())) => StatusCode::OK,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
    let file = OpenOptions::new().append(true).create(true).open(path).expect("a new file");
    let app = Router::new().route("/v1/events", post(append)).with_state(Arc::new(Mutex::new(file)));
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    runtime.spawn(async move { axum::serve(listener, app).await });
    address
}

/// The rate of events that are written and synced 64 at a time.
fn write_and_sync(file: &mut File, events: &[u8], turn: Duration) -> f64 {
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < turn {
        file.write_all(events).expect("the disk has room");
        file.sync_data().expect("the disk works");
        count += CONNECTIONS;
    }
    count as f64 / begun.elapsed().as_secs_f64()
}

/// What a turn of load gave.
struct Load {
    requests: u64,
    elapsed: Duration,
    /// Of each request, in microseconds.
    latencies: Vec<u32>,
    /// The processor time of the thread that made it.
    own: Duration,
    /// The processor time of the whole process.
    all: Duration,
}

/// Sends these requests from 64 connections for a while, each the next when the last is answered.
fn load(address: SocketAddr, requests: &[Vec<u8>], turn: Duration) -> Load {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (begun, before, all_before) = (Instant::now(), thread_time(), process_time());
    let latencies = RefCell::new(Vec::new());
    let connection = |number: usize| {
        let latencies = &latencies;
        async move {
            let mut stream = TcpStream::connect(address).await.expect("it listens");
            stream.set_nodelay(true).expect("a TCP socket");
            let mut answer = vec![0; 64 << 10];
            for request in requests.iter().cycle().skip(number * 7) {
                if begun.elapsed() >= turn {
                    break;
                }
                let sent = Instant::now();
                stream.write_all(request).await.expect("it takes requests");
                read_answer(&mut stream, &mut answer).await;
                let micros = u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX);
                latencies.borrow_mut().push(micros);
            }
        }
    };
    runtime.block_on(async { futures_util::future::join_all((0..CONNECTIONS).map(connection)).await });
    let latencies = latencies.into_inner();
    let (elapsed, own) = (begun.elapsed(), thread_time() - before);
    let all = process_time() - all_before;
    Load { requests: latencies.len() as u64, elapsed, latencies, own, all }
}

async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await.expect("an answer");
        assert!(read > 0, "the connection stays open, and an answer fits the buffer");
        filled += read;
        let Some(head) = memchr::memmem::find(&buffer[..filled], b"\r\n\r\n") else { continue };
        assert!(buffer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&buffer[..filled]));
        let text = std::str::from_utf8(&buffer[..head]).expect("ASCII");
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().expect("a number"));
        if filled == head + 4 + length {
            return;
        }
    }
}

/// How long this thread has run so far.
fn thread_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0))
}

/// How long all threads of this process have run so far, to a hundredth of a second (proc_pid_stat(5): utime and stime, in ticks).
fn process_time() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = text.rsplit(')').next().unwrap_or_default();
    let ticks =
        behind_name.split_ascii_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

fn request(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: log\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// All turns of one side: how long requests took, and what making them did.
#[derive(Default)]
struct Told {
    latencies: Vec<u32>,
    own: Duration,
    all: Duration,
    elapsed: Duration,
    events: u64,
}

impl Told {
    fn turn(
        told: &RefCell<Self>,
        address: SocketAddr,
        requests: &[Vec<u8>],
        events: u64,
        turn: Duration,
    ) -> f64 {
        let load = load(address, requests, turn);
        let mut told = told.borrow_mut();
        told.latencies.extend(load.latencies);
        told.own += load.own;
        told.all += load.all;
        told.events += load.requests * events;
        told.elapsed += load.elapsed;
        (load.requests * events) as f64 / load.elapsed.as_secs_f64()
    }

    fn line(&mut self, name: &str) -> String {
        self.latencies.sort_unstable();
        let at = |part: usize| {
            let index = (self.latencies.len() * part / 1000).min(self.latencies.len().saturating_sub(1));
            f64::from(self.latencies.get(index).copied().unwrap_or_default()) / 1000.0
        };
        let share = self.own.as_secs_f64() / self.elapsed.as_secs_f64().max(1e-9);
        let each = self.all.as_secs_f64() * 1e6 / self.events.max(1) as f64;
        let (median, worst) = (at(500), at(990));
        format!(
            "{name}: p50 {median:.2} ms, p99 {worst:.2} ms; {each:.1} us of processor an event, the load took {share:.2} cores"
        )
    }
}

const SIDES: [&str; 6] = [
    "one event, durable",
    "one event, parsed only",
    "one event, axum and fsync",
    "a hundred, durable",
    "a hundred, parsed only",
    "a hundred, axum and fsync",
];

const BARE: &str = "64 events, a bare write and fdatasync";

#[allow(clippy::print_stdout, reason = "a benchmark's output is what it prints")]
fn main() {
    let turn = if is_measuring() { Duration::from_millis(600) } else { Duration::from_millis(20) };
    let directory = directory();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let log =
        Pipeline::options(directory.path().join("audit.log")).signing_key(key()).start().expect("a new log");
    let nothing = Selection::default().only(|_| false);
    let deaf = Pipeline::options(directory.path().join("deaf.log")).signing_key(key()).select(nothing);
    let deaf = deaf.start().expect("a new log");
    let addresses = [
        serve(&runtime, log.clone()),
        serve(&runtime, deaf.clone()),
        serve_plain(&runtime, &directory.path().join("plain.log")),
    ];

    let bodies: Vec<Vec<u8>> = events(1000).iter().map(canonical).collect();
    let singles: Vec<Vec<u8>> = bodies.iter().map(|body| request(body)).collect();
    let batches: Vec<Vec<u8>> = bodies
        .chunks(BATCH)
        .map(|batch| request(&[b"[".as_slice(), &batch.join(&b','), b"]"].concat()))
        .collect();
    let told: Vec<RefCell<Told>> = SIDES.iter().map(|_| RefCell::default()).collect();
    let sides = SIDES.iter().enumerate().fold(Sides::new(), |sides, (index, name)| {
        let (address, told) = (addresses[index % 3], &told[index]);
        let (requests, events) = if index < 3 { (&singles, 1) } else { (&batches, BATCH as u64) };
        sides.side(name, move || Told::turn(told, address, requests, events, turn))
    });
    let at_once = bodies[..CONNECTIONS].concat();
    let bare = OpenOptions::new().append(true).create(true).open(directory.path().join("bare.log"));
    let mut bare = bare.expect("a new file");
    let sides = sides.side(BARE, move || write_and_sync(&mut bare, &at_once, turn));
    if !is_measuring() {
        let _ = sides.measure(9);
        return;
    }
    let rates = sides.measure(15);
    let mut table = Table::new("http, 64 connections");
    table.ratio(&rates, SIDES[0], SIDES[1], Some(0.5));
    table.ratio(&rates, SIDES[0], BARE, None);
    table.ratio(&rates, SIDES[3], SIDES[0], Some(5.0));
    table.ratio(&rates, SIDES[3], SIDES[4], None);
    table.ratio(&rates, SIDES[0], SIDES[2], None);
    table.ratio(&rates, SIDES[3], SIDES[5], None);
    for name in SIDES.into_iter().chain([BARE]) {
        table.rate(&rates, name, "events/s", 1.0);
    }
    for (name, told) in SIDES.iter().zip(&told) {
        table.note(told.borrow_mut().line(name));
    }
    table.print();
    assert_eq!(deaf.recorded(), 0);
    println!("  {} events recorded", log.recorded());
}

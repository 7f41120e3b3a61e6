//! More connections than a listener takes, none of which asks for anything, do not keep others from being answered.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod service;

use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use audit_source::CancellationToken;
use audit_source_http::{Limits, Operations, OperationsServer};
use serde_json::{Value, json};
use service::{event, post, reply, service};

struct Well;

impl Operations for Well {
    fn ready(&self) -> Result<(), Vec<String>> {
        Ok(())
    }

    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    fn metrics(&self) -> String {
        String::new()
    }

    fn status(&self) -> Value {
        json!({})
    }
}

fn half_a_head(mut stream: TcpStream) -> TcpStream {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nx: ").unwrap();
    stream
}

#[test]
fn a_probe_is_answered_beside_more_idle_connections_than_there_may_be() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(OperationsServer::bind("127.0.0.1:0", Arc::new(Well))).unwrap();
    let (address, stop) = (server.local_addr(), CancellationToken::new());
    let running = runtime.spawn(server.run(stop.clone()));
    let mut idle = Vec::new();
    for round in 0..4 {
        for _ in 0..100 {
            let stream = TcpStream::connect(address).unwrap();
            idle.push(if round % 2 == 0 { stream } else { half_a_head(stream) });
        }
        let mut probe = TcpStream::connect(address).unwrap();
        write!(probe, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let answer = reply(&mut probe).expect("an answer");
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok\n"));
    }
    // The first to come was the first to go.
    assert_eq!(idle[0].read(&mut [0; 1]).unwrap_or(0), 0);
    stop.cancel();
    runtime.block_on(running).unwrap();
}

#[test]
fn an_event_is_recorded_beside_more_idle_connections_than_there_may_be() {
    let mut limits = Limits::default();
    (limits.max_connections, limits.request_timeout) = (8, Duration::from_secs(3600));
    let service = service(|options| options.limits(limits));
    let mut kept = service.connect();
    let idle: Vec<_> = (0..40).map(|_| half_a_head(service.connect())).collect();
    let mut one = service.connect();
    for n in 0..10 {
        one.write_all(&post("application/json", "", event("a.b", n))).unwrap();
        assert_eq!(reply(&mut one).unwrap().status, 200);
        // Others keep coming, and whoever asked last is not the one that goes.
        drop(service.connect());
    }
    assert_eq!(kept.read(&mut [0; 1]).unwrap_or(0), 0, "the longest without a request");
    drop(idle);
}

#[test]
fn who_reads_a_long_answer_steadily_gets_all_of_it() {
    let mut limits = Limits::default();
    (limits.max_connections, limits.max_events) = (8, 40_000);
    let service = service(|options| options.limits(limits));
    let mut reader = with_a_small_buffer(service.address);
    let events: Vec<_> =
        (0..40_000).map(|n| json!({"event_type": "a.b", "event_id": format!("{n:0200}")})).collect();
    reader.write_all(&post("application/json", "", Value::from(events).to_string())).unwrap();
    let mut reader = Steadily { reader, strangers: Vec::new(), address: service.address };
    let answer = reply(&mut reader).expect("an answer");
    assert_eq!((answer.status, answer.results().len()), (200, 40_000));
}

/// The system keeps less of the answer for it, so that it is written as it is read.
fn with_a_small_buffer(address: SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 << 10).unwrap();
        socket.connect(address).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    stream
}

/// Reads on and on, while strangers take every place that there is to take.
struct Steadily {
    reader: TcpStream,
    strangers: Vec<TcpStream>,
    address: SocketAddr,
}

impl Read for Steadily {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if into.len() > 1 {
            std::thread::sleep(Duration::from_millis(50));
            self.strangers = (0..16).map(|_| TcpStream::connect(self.address).unwrap()).collect();
        }
        let most = into.len().min(64 << 10);
        self.reader.read(&mut into[..most])
    }
}

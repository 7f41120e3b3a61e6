//! An HTTP endpoint that takes records, and can be told to refuse them.
#![allow(dead_code, reason = "no test needs all of it")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::workplace::numbers;

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) body: String,
    pub(crate) status: u16,
}

/// From a request's body to the status that answers it.
type Rule = Box<dyn Fn(&str) -> u16 + Send>;

pub(crate) struct Endpoint {
    address: SocketAddr,
    inner: Arc<Inner>,
    accepting: Option<JoinHandle<()>>,
}

struct Inner {
    rule: Mutex<Rule>,
    requests: Mutex<Vec<Request>>,
    down: AtomicBool,
}

/// An address that nobody listens at, for now.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Endpoint {
    pub(crate) fn up() -> Self {
        Self::up_at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    pub(crate) fn up_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let inner = Arc::new(Inner {
            rule: Mutex::new(Box::new(|_| 200)),
            requests: Mutex::default(),
            down: AtomicBool::new(false),
        });
        let address = listener.local_addr().unwrap();
        let accepting = std::thread::spawn({
            let inner = Arc::clone(&inner);
            move || {
                for stream in listener.incoming() {
                    if inner.down.load(Ordering::SeqCst) {
                        return;
                    }
                    let inner = Arc::clone(&inner);
                    // It ends with its connection.
                    std::thread::spawn(move || inner.serve(&stream.unwrap()));
                }
            }
        });
        Self { address, inner, accepting: Some(accepting) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/audit", self.address)
    }

    pub(crate) fn answers(&self, rule: impl Fn(&str) -> u16 + Send + 'static) {
        *self.inner.rule.lock().unwrap() = Box::new(rule);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.inner.requests.lock().unwrap().clone()
    }

    /// The records that were taken, in the order in which they came.
    pub(crate) fn taken(&self) -> String {
        let requests = self.requests();
        let taken = requests.into_iter().filter(|request| request.method == "POST" && request.status == 200);
        taken.map(|request| request.body).collect()
    }

    /// Their numbers.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        numbers(&self.taken())
    }
}

impl Inner {
    /// Answers requests until the client has no more. One that is killed in the middle of a request sent none.
    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let line = |reader: &mut BufReader<&TcpStream>| {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
            Some(line.trim_end().to_owned())
        };
        loop {
            let method = line(&mut reader)?.split(' ').next()?.to_owned();
            let mut length = 0;
            loop {
                let header = line(&mut reader)?.to_ascii_lowercase();
                if header.is_empty() {
                    break;
                }
                if let Some(value) = header.strip_prefix("content-length:") {
                    length = value.trim().parse().ok()?;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            if self.down.load(Ordering::SeqCst) {
                return None;
            }
            let body = String::from_utf8(body).ok()?;
            let status = self.rule.lock().unwrap()(&body);
            self.requests.lock().unwrap().push(Request { method, body, status });
            let answer = format!("HTTP/1.1 {status} As told\r\nContent-Length: 0\r\n\r\n");
            // In one piece: the parts of one that comes in several wait for each other.
            { stream }.write_all(answer.as_bytes()).ok()?;
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.inner.down.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

//! A server that gives the answers it is told to, one a connection, and remembers what it was asked.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::io::{Read, Write};
use std::net::TcpListener;

pub(crate) struct Answers(TcpListener);

impl Answers {
    pub(crate) fn listen() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    /// Gives answers of status, headers and body; returns the requests.
    pub(crate) fn give(&self, answers: &[(&str, &str, &str)]) -> Vec<String> {
        let mut requests = Vec::new();
        for (status, headers, body) in answers {
            let (mut stream, _) = self.0.accept().unwrap();
            requests.push(read_request(&mut stream));
            let length = body.len();
            // An answer to HEAD says how long the body would be, and has none.
            let body = if requests.last().unwrap().starts_with("HEAD ") { "" } else { body };
            write!(
                stream,
                "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
            .unwrap();
        }
        requests
    }
}

pub(crate) fn read_request(stream: &mut impl Read) -> String {
    let mut request = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).unwrap();
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .to_lowercase()
            .split("content-length: ")
            .nth(1)
            .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
        let end = request.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        if read == 0 || request.len() >= end + length {
            return text;
        }
    }
}

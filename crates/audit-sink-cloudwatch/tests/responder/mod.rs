//! A server that gives the answers it was told to, for those that moto never gives.
#![allow(dead_code, reason = "each test uses its part")]

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use audit_sink_cloudwatch::{CloudwatchOptions, CloudwatchSink};
use serde_json::Value;

pub(crate) struct Responder {
    pub(crate) endpoint: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// As `PutLogEvents`.
    pub(crate) operation: String,
    pub(crate) body: Value,
}

/// What to answer.
#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: String,
    body: String,
}

/// Success.
pub(crate) fn accepted() -> Answer {
    answer(200, "{}")
}

/// An error of the service's JSON protocol.
pub(crate) fn refused(status: u16, code: &str) -> Answer {
    answer(status, &format!(r#"{{"__type":"{code}","message":"Said so."}}"#))
}

/// None, and the connection stays open.
pub(crate) fn silence() -> Answer {
    answer(0, "")
}

pub(crate) fn answer(status: u16, body: &str) -> Answer {
    Answer { status, headers: String::new(), body: body.to_owned() }
}

impl Answer {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }
}

impl Responder {
    /// Gives these answers, one after another, and hangs up on whoever asks further.
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut answers: VecDeque<Answer> = answers.into_iter().collect();
        Self::judging(move |_| answers.pop_front())
    }

    /// Answers each request as it is judged, and hangs up where there is no answer.
    pub(crate) fn judging(mut judge: impl FnMut(&Request) -> Option<Answer> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let Some(request) = read(&connection) else { continue };
                let answer = judge(&request);
                seen.lock().unwrap().push(request);
                if let Some(Answer { status, headers, body }) = answer {
                    if status == 0 {
                        silent.push(connection);
                        continue;
                    }
                    let length = body.len();
                    let _ = write!(
                        connection,
                        "HTTP/1.1 {status} Said\r\ncontent-type: application/x-amz-json-1.1\r\n{headers}\
                         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
                    );
                }
            }
        });
        Self { endpoint, requests }
    }

    pub(crate) fn sink(&self) -> CloudwatchSink {
        let options = CloudwatchOptions::new("audit", "host-7")
            .region("us-east-1")
            .endpoint(&self.endpoint)
            .credentials("AKIAIOSFODNN7EXAMPLE", "hush".to_owned().into());
        CloudwatchSink::new(options).unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn operations(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.operation).collect()
    }
}

impl Request {
    /// How many log events it has.
    pub(crate) fn events(&self) -> usize {
        self.body["logEvents"].as_array().map_or(0, Vec::len)
    }

    /// The numbers in its log events, whose messages are as `{"n":1}`.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let number = |event: &Value| {
            let message: Value = serde_json::from_str(event["message"].as_str().unwrap()).unwrap();
            message["n"].as_u64().unwrap()
        };
        self.body["logEvents"].as_array().unwrap().iter().map(number).collect()
    }
}

fn read(connection: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(connection);
    let (mut operation, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => operation = value.trim().trim_start_matches("Logs_20140328.").to_owned(),
            "content-length" => length = value.trim().parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { operation, body: serde_json::from_slice(&body).unwrap() })
}

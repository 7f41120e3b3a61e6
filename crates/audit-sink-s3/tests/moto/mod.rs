//! moto 5.2.5 gives the answer to GetBucketVersioning a name that is not S3's, and AWS's SDK takes that for no answer:
//! it is put right on the way.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::answers::read_request;

/// The URL of a way to that server, one request a connection.
pub(crate) fn through(server: &str) -> String {
    let address = server.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            pass(connection.unwrap(), &address);
        }
    });
    endpoint
}

fn pass(mut client: TcpStream, address: &str) {
    let request = read_request(&mut client);
    let mut server = TcpStream::connect(address).unwrap();
    let (line, rest) = request.split_once("\r\n").unwrap();
    write!(server, "{line}\r\nConnection: close\r\n{rest}").unwrap();
    let mut answer = String::new();
    server.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let body = body.replace("GetBucketVersioningResponse", "VersioningConfiguration");
    let kept = |line: &&str| {
        let name = line.to_ascii_lowercase();
        !name.starts_with("content-length:") && !name.starts_with("connection:")
    };
    let head = head.lines().filter(kept).collect::<Vec<_>>().join("\r\n");
    let length = body.len();
    write!(client, "{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
}

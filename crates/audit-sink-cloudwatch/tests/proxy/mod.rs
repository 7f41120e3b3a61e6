//! A proxy of toxiproxy's between the sink and the server.

use std::io::{Read, Write};
use std::net::TcpStream;

pub(crate) struct Proxy {
    control: String,
    name: String,
    /// Where it listens.
    pub(crate) address: String,
}

impl Proxy {
    /// `control` is the URL of toxiproxy's own interface, `upstream` an address.
    pub(crate) fn new(control: &str, name: &str, upstream: &str) -> Self {
        let control = control.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let mut proxy = Self { control, name: name.to_owned(), address: String::new() };
        let made = proxy.call(
            "POST",
            "/proxies",
            &format!(r#"{{"name":"{name}","listen":"127.0.0.1:0","upstream":"{upstream}","enabled":true}}"#),
        );
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        proxy.address = made["listen"].as_str().unwrap().to_owned();
        proxy
    }

    /// Cuts all connections and takes no more, or takes them again.
    pub(crate) fn enable(&self, enabled: bool) {
        // With its address, or it would listen elsewhere afterwards.
        let change = format!(r#"{{"enabled":{enabled},"listen":"{}"}}"#, self.address);
        self.call("POST", &format!("/proxies/{}", self.name), &change);
    }

    pub(crate) fn add_toxic(&self, kind: &str, attributes: &str) {
        let toxic = format!(r#"{{"name":"{kind}","type":"{kind}","attributes":{attributes}}}"#);
        self.call("POST", &format!("/proxies/{}/toxics", self.name), &toxic);
    }

    pub(crate) fn remove_toxic(&self, kind: &str) {
        self.call("DELETE", &format!("/proxies/{}/toxics/{kind}", self.name), "");
    }

    fn call(&self, method: &str, path: &str, body: &str) -> String {
        let mut connection = TcpStream::connect(&self.control).unwrap();
        write!(
            connection,
            "{method} {path} HTTP/1.0\r\nhost: {}\r\ncontent-length: {}\r\n\r\n{body}",
            self.control,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.split(' ').nth(1).is_some_and(|status| status.starts_with('2')),
            "{method} {path}: {answer}"
        );
        body.to_owned()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // A second panic would hide the first.
        if !std::thread::panicking() {
            self.call("DELETE", &format!("/proxies/{}", self.name), "");
        }
    }
}

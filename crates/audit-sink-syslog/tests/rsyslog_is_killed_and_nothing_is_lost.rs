//! rsyslog killed with SIGKILL, before, between and during batches; a slow network, and a silent one.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod rsyslog;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use audit_sink::testkit::{Breakable, Place, batch, deliver, survives};
use audit_sink::{Batch, Receipt, SendFuture, Sink};
use audit_sink_syslog::{Framing, SyslogOptions, SyslogSink, Transport};
use audit_tls::TlsOptions;
use rsyslog::{Rsyslog, Runner, setting};

/// One at a time: each kills the server under all others.
static SERVER: Mutex<()> = Mutex::new(());

#[test]
fn tcp_with_octet_counting() {
    survives_at("killed-octets", rsyslog::tcp(), Framing::OctetCounting);
}

#[test]
fn tcp_with_newlines() {
    survives_at("killed-newlines", rsyslog::tcp(), Framing::Newline);
}

#[test]
fn tls() {
    survives_at("killed-tls", rsyslog::tls(), Framing::OctetCounting);
}

#[test]
fn killed_again_and_again_in_the_middle_of_a_batch() {
    for (name, transport) in [("again-tcp", rsyslog::tcp()), ("again-tls", rsyslog::tls())] {
        let Some((lost, sent)) = kills(name, transport, 10, true) else { return };
        assert_eq!(lost, 0, "lost over {name}, of {sent}");
    }
}

/// Says what `confirm: false` costs, with numbers in the README; whether and what is lost is a matter of luck.
#[test]
#[ignore = "a measurement: what is lost without confirmation"]
fn killed_again_and_again_without_confirmation() {
    for (name, transport) in [("weak-tcp", rsyslog::tcp()), ("weak-tls", rsyslog::tls())] {
        let Some((lost, sent)) = kills(name, transport, 20, false) else { return };
        println!("{name}: 20 kills, {lost} of {sent} records that were accepted are lost");
    }
}

/// Kills the server so many times while batch follows batch, and counts what was accepted and is not there.
fn kills(name: &str, transport: Option<Transport>, times: u64, confirm: bool) -> Option<(usize, usize)> {
    let _alone = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let xtask = setting("AUDIT_TEST_XTASK")?;
    let place = Rsyslog::new(name, transport?)?;
    let service = |what| {
        let status = Command::new(&xtask).args(["services", what, "syslog"]).status().unwrap();
        assert!(status.success(), "services {what} syslog: {status}");
    };
    let runner = Runner::new();
    let mut sink = SyslogSink::new(place.options.clone().confirm(confirm)).unwrap();
    let mut sent: Vec<Vec<u8>> = Vec::new();
    for kill in 0..times {
        let alive = AtomicBool::new(true);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Never at the same point of a batch.
                std::thread::sleep(Duration::from_micros(50_000 + 1_777 * kill));
                service("kill");
                service("up");
                alive.store(false, Ordering::Relaxed);
            });
            while alive.load(Ordering::Relaxed) {
                let lines: Vec<Vec<u8>> =
                    (0..200).map(|n| format!("{{\"n\":{}}}", sent.len() + n).into_bytes()).collect();
                deliver(&mut sink, &batch(sent.len() as u64 + 1, &lines), &|send| runner.run(send));
                sent.extend(lines);
            }
        });
    }
    runner.run(sink.close()).unwrap();
    let found: std::collections::HashSet<Vec<u8>> =
        place.output.settled().iter().map(|line| line["msg"].as_str().unwrap().as_bytes().to_vec()).collect();
    Some((sent.iter().filter(|line| !found.contains(*line)).count(), sent.len()))
}

fn survives_at(name: &str, transport: Option<Transport>, framing: Framing) {
    let _alone = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some(xtask), Some(toxiproxy)) = (setting("AUDIT_TEST_XTASK"), setting("AUDIT_TEST_TOXIPROXY"))
    else {
        return;
    };
    let Some(mut place) = transport.and_then(|transport| Rsyslog::new(name, transport)) else { return };
    place.options = place.options.framing(framing);
    let proxy = Proxy::new(&toxiproxy, &rsyslog::unique(name), server_of(&mut place.transport.clone()));
    let other_ca = setting("AUDIT_TEST_OTHER_CA");
    let route = Arc::new(Mutex::new(place.transport.clone()));
    let mut mortal = Mortal { place, xtask, proxy, route, other_ca };
    let runner = Runner::new();
    survives(&mut mortal, &|send: SendFuture<'_, Receipt>| runner.run(send));
}

/// The server, and a proxy that is in the way while the network is slow or silent. It is not at other times: a proxy
/// reads and acknowledges what the server behind it never gets.
struct Mortal {
    place: Rsyslog,
    xtask: String,
    proxy: Proxy,
    route: Arc<Mutex<Transport>>,
    other_ca: Option<String>,
}

impl Mortal {
    fn service(&self, what: &str) {
        let status = Command::new(&self.xtask).args(["services", what, "syslog"]).status().unwrap();
        assert!(status.success(), "services {what} syslog: {status}");
    }

    fn go_through_proxy(&self) {
        *server_of(&mut self.route.lock().unwrap()) = self.proxy.listens.clone();
    }
}

/// A sink that takes the way that is open now.
#[derive(Debug)]
struct Routed {
    options: SyslogOptions,
    route: Arc<Mutex<Transport>>,
    way: String,
    sink: SyslogSink,
}

impl Routed {
    fn new(options: SyslogOptions, route: Arc<Mutex<Transport>>) -> Self {
        let mut transport = route.lock().unwrap().clone();
        let sink = SyslogSink::new(options.clone().transport(transport.clone())).unwrap();
        Self { way: server_of(&mut transport).clone(), sink, options, route }
    }
}

fn server_of(transport: &mut Transport) -> &mut String {
    match transport {
        Transport::Tcp { server } | Transport::Tls { server, .. } => server,
        other => panic!("no stream: {other:?}"),
    }
}

impl Sink for Routed {
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        let way = server_of(&mut self.route.lock().unwrap()).clone();
        if way != self.way {
            *self = Self::new(self.options.clone(), Arc::clone(&self.route));
        }
        self.sink.send(batch)
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        self.sink.check()
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        self.sink.close()
    }
}

impl Place for Mortal {
    fn open(&mut self) -> Box<dyn Sink> {
        Box::new(Routed::new(self.place.options.clone(), Arc::clone(&self.route)))
    }

    fn read_back(&mut self) -> Vec<Vec<u8>> {
        // The proxy has confirmed in the server's place, which may still be reading.
        self.place.acknowledged = *server_of(&mut self.route.lock().unwrap()) != self.proxy.listens;
        self.place.read_back()
    }

    fn largest_record(&self) -> usize {
        self.place.largest_record()
    }

    fn rejects_larger(&self) -> bool {
        self.place.rejects_larger()
    }
}

impl Breakable for Mortal {
    fn kill(&mut self) {
        self.service("kill");
    }

    fn start(&mut self) {
        self.service("up");
    }

    fn slow_down(&mut self, delay: Duration) {
        self.proxy.delay(delay);
        self.go_through_proxy();
    }

    fn stall(&mut self) {
        // Not the `timeout` toxic, which swallows what is sent, our end of the connection included, and then closes its
        // own end like a server that has read it all.
        self.proxy.delay(Duration::from_secs(3600));
        self.go_through_proxy();
    }

    fn restore(&mut self) {
        self.proxy.reset();
        *self.route.lock().unwrap() = self.place.transport.clone();
    }

    fn open_with_wrong_credentials(&mut self) -> Option<Box<dyn Sink>> {
        let mut transport = self.place.transport.clone();
        let Transport::Tls { tls, .. } = &mut transport else { return None };
        *tls = TlsOptions::default().ca_file(self.other_ca.as_ref()?);
        Some(Box::new(SyslogSink::new(self.place.options.clone().transport(transport)).unwrap()))
    }
}

/// A proxy of this test's own in toxiproxy, which is spoken to as <https://github.com/Shopify/toxiproxy#http-api> has it.
struct Proxy {
    api: String,
    name: String,
    listens: String,
}

impl Proxy {
    fn new(api: &str, name: &str, upstream: &str) -> Self {
        let api = api.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let mut proxy = Self { api, name: name.to_owned(), listens: String::new() };
        let made = proxy.request(
            "POST",
            "/proxies",
            &format!(r#"{{"name":"{name}","listen":"127.0.0.1:0","upstream":"{upstream}","enabled":true}}"#),
        );
        proxy.listens = made["listen"].as_str().unwrap().to_owned();
        proxy
    }

    /// Both ways.
    fn delay(&self, latency: Duration) {
        let (path, latency) = (format!("/proxies/{}/toxics", self.name), latency.as_millis());
        for stream in ["upstream", "downstream"] {
            let toxic =
                format!(r#"{{"type":"latency","stream":"{stream}","attributes":{{"latency":{latency}}}}}"#);
            self.request("POST", &path, &toxic);
        }
    }

    /// Takes the toxics off.
    fn reset(&self) {
        let path = format!("/proxies/{}/toxics", self.name);
        for toxic in self.request("GET", &path, "").as_array().unwrap() {
            self.request("DELETE", &format!("{path}/{}", toxic["name"].as_str().unwrap()), "");
        }
    }

    fn request(&self, method: &str, path: &str, body: &str) -> serde_json::Value {
        let mut stream = TcpStream::connect(&self.api).unwrap();
        let (api, length) = (&self.api, body.len());
        let head = format!("{method} {path} HTTP/1.0\r\nHost: {api}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.split(' ').nth(1).unwrap().starts_with('2'), "{method} {path}: {answer}");
        if body.is_empty() { serde_json::Value::Null } else { serde_json::from_str(body).unwrap() }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.request("DELETE", &format!("/proxies/{}", self.name), "");
    }
}

//! Outages: moto killed and started again, slow, stalled, and asking for credentials.
//!
//! moto keeps everything in memory. What counts as arrived is therefore read just before each kill, after the connections
//! to the sink were cut: whatever the server said yes to by then is to be there. That it keeps it afterwards is not shown.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that fails may panic, one that is skipped says so"
)]

mod proxy;
mod stream;

use std::process::Command;
use std::time::Duration;

use audit_sink::Sink;
use audit_sink::testkit::{Breakable, Place, survives};
use proxy::Proxy;
use stream::{Stream, run, runtime, setting};

struct Breaking {
    stream: Stream,
    proxy: Proxy,
    xtask: String,
    toxic: Option<&'static str>,
    /// What was at the servers that were killed.
    arrived: Vec<Vec<u8>>,
}

impl Breaking {
    fn services(&self, verb: &str) {
        let status = Command::new(&self.xtask).args(["services", verb, "cloudwatch"]).status().unwrap();
        assert!(status.success(), "{} services {verb} cloudwatch: {status}", self.xtask);
    }

    fn poison(&mut self, kind: &'static str, attributes: &str) {
        self.proxy.add_toxic(kind, attributes);
        self.toxic = Some(kind);
    }
}

impl Place for Breaking {
    fn open(&mut self) -> Box<dyn Sink> {
        self.stream.open()
    }

    fn read_back(&mut self) -> Vec<Vec<u8>> {
        [self.arrived.clone(), self.stream.lines()].concat()
    }

    fn largest_record(&self) -> usize {
        self.stream.largest_record()
    }

    fn rejects_larger(&self) -> bool {
        self.stream.rejects_larger()
    }
}

impl Breakable for Breaking {
    fn kill(&mut self) {
        self.proxy.enable(false);
        self.arrived.extend(self.stream.lines());
        self.services("kill");
    }

    fn start(&mut self) {
        self.services("up");
        self.proxy.enable(true);
    }

    fn slow_down(&mut self, delay: Duration) {
        self.poison("latency", &format!(r#"{{"latency":{}}}"#, delay.as_millis()));
    }

    fn stall(&mut self) {
        self.poison("timeout", r#"{"timeout":0}"#);
    }

    fn restore(&mut self) {
        if let Some(toxic) = self.toxic.take() {
            self.proxy.remove_toxic(toxic);
        }
    }

    fn open_with_wrong_credentials(&mut self) -> Option<Box<dyn Sink>> {
        let pair = String::from_utf8(self.stream.python("demand_credentials.py", &[])).unwrap();
        let (id, secret) = pair.trim_end().split_once(' ').unwrap();
        self.stream.credentials = (id.to_owned(), secret.to_owned());
        Some(Box::new(self.stream.sink(&(id.to_owned(), "wrong".to_owned()))))
    }
}

impl Drop for Breaking {
    /// A server that asks for credentials is of no use to other tests.
    fn drop(&mut self) {
        for verb in ["kill", "up"] {
            let _ = Command::new(&self.xtask).args(["services", verb, "cloudwatch"]).status();
        }
    }
}

#[test]
fn a_log_stream() {
    let (Some(mut stream), Some(toxiproxy), Some(xtask)) =
        (Stream::new(), setting("AUDIT_TEST_TOXIPROXY"), setting("AUDIT_TEST_XTASK"))
    else {
        return;
    };
    let name = format!("cloudwatch-{}", std::process::id());
    let proxy = Proxy::new(&toxiproxy, &name, stream.server.trim_start_matches("http://"));
    stream.endpoint = format!("http://{}", proxy.address);
    let mut place = Breaking { stream, proxy, xtask, toxic: None, arrived: Vec::new() };
    let runtime = runtime();
    survives(&mut place, &|send| run(&runtime, send));
}

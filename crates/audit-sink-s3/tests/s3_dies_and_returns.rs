//! The conformance suite for a server that is killed, slow, silent, or refuses the credentials.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod server;

use std::time::Duration;

use audit_sink::{Sink, testkit};
use audit_sink_s3::{S3Options, S3Sink};

use server::{Proxy, Server, in_time, runtime, services, unique, variable};

struct Prefix<'a> {
    server: &'a Server,
    options: S3Options,
    prefix: String,
    proxy: Proxy,
}

impl testkit::Place for Prefix<'_> {
    fn open(&mut self) -> Box<dyn Sink> {
        Box::new(S3Sink::new(self.options.clone()))
    }

    fn read_back(&mut self) -> Vec<Vec<u8>> {
        self.server.lines(&self.server.bucket, &self.prefix)
    }

    fn largest_record(&self) -> usize {
        8 << 20
    }

    fn rejects_larger(&self) -> bool {
        false
    }
}

impl testkit::Breakable for Prefix<'_> {
    fn kill(&mut self) {
        services("kill");
    }

    fn start(&mut self) {
        services("up");
    }

    fn slow_down(&mut self, delay: Duration) {
        let latency = delay.as_millis();
        self.proxy
            .add(&format!(r#"{{"name":"slow","type":"latency","attributes":{{"latency":{latency}}}}}"#));
    }

    fn stall(&mut self) {
        self.proxy.add(r#"{"name":"silent","type":"timeout","attributes":{"timeout":0}}"#);
    }

    fn restore(&mut self) {
        self.proxy.remove("slow");
        self.proxy.remove("silent");
    }

    fn open_with_wrong_credentials(&mut self) -> Option<Box<dyn Sink>> {
        let options = self.options.clone().credentials(&self.server.access_key, "wrong".into());
        Some(Box::new(S3Sink::new(options)))
    }
}

#[test]
fn everything_arrives_in_the_end() {
    let Some(server) = Server::find() else { return };
    let (Some(_), Some(toxiproxy)) = (variable("AUDIT_TEST_XTASK"), variable("AUDIT_TEST_TOXIPROXY")) else {
        return;
    };
    let runtime = runtime();
    let proxy = Proxy::new(&toxiproxy, &server.endpoint);
    let prefix = unique("survives");
    let options = server
        .options(&server.bucket, &prefix)
        .endpoint(format!("http://{}", proxy.listen))
        .request_timeout(Duration::from_secs(3));
    let mut place = Prefix { server: &server, options, prefix, proxy };
    testkit::survives(&mut place, &|work| runtime.block_on(in_time(work)));
}

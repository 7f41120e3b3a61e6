//! The rsyslog server that the live tests send to, and what it wrote down.

#![allow(dead_code, unreachable_pub, reason = "each test file uses what it needs")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use audit_sink::testkit::Place;
use audit_sink::{Receipt, SendFuture, Sink, SinkError};
use audit_sink_syslog::{Format, SyslogOptions, SyslogSink, Transport};
use audit_tls::TlsOptions;

/// A setting of the live tests. Without it a test is skipped, except in CI, where everything has to run.
pub fn setting(name: &str) -> Option<String> {
    let found = std::env::var(name).ok();
    if found.is_none() {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "{name} is not set (cargo xtask test sets it)"
        );
        println!("skipped: {name} is not set (cargo xtask test sets it)");
    }
    found
}

pub fn tcp() -> Option<Transport> {
    Some(Transport::Tcp { server: setting("AUDIT_TEST_SYSLOG_TCP")? })
}

pub fn udp() -> Option<Transport> {
    Some(Transport::Udp { server: setting("AUDIT_TEST_SYSLOG_UDP")? })
}

pub fn unix() -> Option<Transport> {
    Some(Transport::Unix { path: setting("AUDIT_TEST_SYSLOG_UNIX")?.into() })
}

/// The certificate of the server is for `localhost`, so that it holds behind a proxy too.
pub fn tls() -> Option<Transport> {
    let tls = TlsOptions::default().ca_file(setting("AUDIT_TEST_CA")?);
    Some(Transport::Tls {
        server: setting("AUDIT_TEST_SYSLOG_TLS")?,
        tls,
        server_name: Some("localhost".into()),
    })
}

pub fn mtls() -> Option<Transport> {
    let tls = TlsOptions::default()
        .ca_file(setting("AUDIT_TEST_CA")?)
        .cert_file(setting("AUDIT_TEST_CLIENT_CERT")?)
        .key_file(setting("AUDIT_TEST_CLIENT_KEY")?);
    Some(Transport::Tls {
        server: setting("AUDIT_TEST_SYSLOG_MTLS")?,
        tls,
        server_name: Some("localhost".into()),
    })
}

/// An app name that no other test has, nor another run on the same output.
pub fn unique(name: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("{name}-{}", now.as_nanos())
}

/// Drives sinks, and gives up after some seconds, as who delivers does.
pub struct Runner(tokio::runtime::Runtime);

impl Runner {
    pub fn new() -> Self {
        Self(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap())
    }

    pub fn run<T>(&self, future: SendFuture<'_, T>) -> Result<T, SinkError> {
        let limited = async { tokio::time::timeout(Duration::from_secs(5), future).await };
        self.0.block_on(limited).unwrap_or_else(|_| Err(SinkError::retryable("no answer within 5 s")))
    }

    pub fn conforms(&self, place: &mut dyn Place) {
        audit_sink::testkit::conforms(place, &|send: SendFuture<'_, Receipt>| self.run(send));
    }
}

/// What rsyslog wrote of the messages of one app name.
pub struct Output {
    path: PathBuf,
    app_name: String,
    /// Ours come after what was there before.
    from: u64,
}

impl Output {
    pub fn of(app_name: &str) -> Option<Self> {
        let path = PathBuf::from(setting("AUDIT_TEST_SYSLOG_OUTPUT")?);
        let from = std::fs::metadata(&path).map_or(0, |file| file.len());
        Some(Self { path, app_name: app_name.to_owned(), from })
    }

    pub fn lines(&self) -> Vec<serde_json::Value> {
        let mut text = Vec::new();
        if let Ok(mut file) = std::fs::File::open(&self.path) {
            file.seek(SeekFrom::Start(self.from)).unwrap();
            file.read_to_end(&mut text).unwrap();
        }
        // Not by newlines: a server that was killed leaves half a line, without one. Inside of strings quotes are escaped.
        let text = String::from_utf8_lossy(&text);
        let lines = text.split("{\"input\":").filter(|line| line.contains(&self.app_name));
        let lines = lines.filter_map(|line| serde_json::from_str(&format!("{{\"input\":{line}")).ok());
        lines.filter(|line: &serde_json::Value| line["app_name"] == *self.app_name).collect()
    }

    /// The lines, once there are so many or ten seconds are over: datagrams are on their way when `send` returns.
    pub fn awaited(&self, count: usize) -> Vec<serde_json::Value> {
        let begun = Instant::now();
        loop {
            let lines = self.lines();
            if lines.len() >= count || begun.elapsed() > Duration::from_secs(10) {
                return lines;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The lines, once no more come for a while.
    pub fn settled(&self) -> Vec<serde_json::Value> {
        let mut lines = self.lines();
        loop {
            std::thread::sleep(Duration::from_millis(200));
            let later = self.lines();
            if later.len() == lines.len() {
                return later;
            }
            lines = later;
        }
    }
}

/// The server, as the place of one test.
pub struct Rsyslog {
    pub transport: Transport,
    pub options: SyslogOptions,
    pub output: Output,
    pub format: Format,
    pub largest: usize,
    pub rejects_larger: bool,
    pub acknowledged: bool,
}

impl Rsyslog {
    /// A place that confirms what it has read, and takes records up to 64 KiB.
    pub fn new(name: &str, transport: Transport) -> Option<Self> {
        let app_name = unique(name);
        let output = Output::of(&app_name)?;
        Some(Self {
            // Its maxMessageSize.
            options: SyslogOptions::new(transport.clone()).app_name(app_name).max_message_bytes(1 << 20),
            transport,
            output,
            format: Format::default(),
            largest: 64 << 10,
            rejects_larger: false,
            acknowledged: true,
        })
    }

    /// So that a message of one byte more than the largest record has is too large.
    pub fn at_most(mut self, message_bytes: usize) -> Self {
        self.options = self.options.max_message_bytes(message_bytes);
        self.largest = message_bytes - self.header_bytes();
        self.rejects_larger = true;
        self
    }

    /// How long the headers of the suite's messages are whose numbers have four digits, as those of the large ones.
    fn header_bytes(&self) -> usize {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut options = self.options.clone();
        options = options.transport(Transport::Udp { server: socket.local_addr().unwrap().to_string() });
        let mut sink = SyslogSink::new(options).unwrap();
        let batch = audit_sink::testkit::batch(1000, &[b"{}".to_vec()]);
        let _ = Runner::new().run(sink.send(&batch)).unwrap();
        socket.recv(&mut [0; 1000]).unwrap() - 2
    }
}

impl Place for Rsyslog {
    fn open(&mut self) -> Box<dyn Sink> {
        Box::new(SyslogSink::new(self.options.clone()).unwrap())
    }

    fn read_back(&mut self) -> Vec<Vec<u8>> {
        let lines = if self.acknowledged { self.output.lines() } else { self.output.settled() };
        // In the BSD format the message is all that is after the colon, the space too.
        let skip = usize::from(self.format == Format::Rfc3164);
        lines.iter().map(|line| line["msg"].as_str().unwrap().as_bytes()[skip..].to_vec()).collect()
    }

    fn largest_record(&self) -> usize {
        self.largest
    }

    fn rejects_larger(&self) -> bool {
        self.rejects_larger
    }
}

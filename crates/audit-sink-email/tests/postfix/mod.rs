//! The Postfix that `cargo xtask services up smtp` starts, and the mailbox that it fills.
#![allow(dead_code, reason = "each test file uses what it needs")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use audit_sink::testkit::Place;
use audit_sink::{Batch, Receipt, SendFuture, Sink, SinkError};
use audit_sink_email::{EmailOptions, EmailSink, Encryption, Letter};
use audit_tls::TlsOptions;
use mail_parser::{HeaderValue, MessageParser};
use tokio::runtime::{Builder, Runtime};

/// One at a time: each waits until the server has nothing left to deliver, and some kill it.
pub(crate) static SERVER: Mutex<()> = Mutex::new(());

/// A setting of the live tests. Without it a test is skipped, except in CI, where everything has to run.
pub(crate) fn setting(name: &str) -> Option<String> {
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

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn run_on(
    runtime: &Runtime,
    limit: Duration,
) -> impl Fn(SendFuture<'_, Receipt>) -> Result<Receipt, SinkError> + Sync {
    move |send| {
        runtime
            .block_on(async { tokio::time::timeout(limit, send).await })
            .unwrap_or_else(|_| Err(SinkError::retryable("the test waited long enough")))
    }
}

/// An address that nobody else writes to, and that begins like this.
pub(crate) fn address(begin: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("{begin}-{now}-{}@audit.test", NUMBER.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn plain() -> Option<EmailOptions> {
    let options = EmailOptions::new(setting("AUDIT_TEST_SMTP")?, "Audit <audit@audit.test>");
    Some(options.encryption(Encryption::Plain))
}

pub(crate) fn starttls() -> Option<EmailOptions> {
    with_password(EmailOptions::new(setting("AUDIT_TEST_SMTP_STARTTLS")?, "audit@audit.test"))
}

pub(crate) fn tls() -> Option<EmailOptions> {
    let options = EmailOptions::new(setting("AUDIT_TEST_SMTP_TLS")?, "audit@audit.test");
    with_password(options.encryption(Encryption::Tls))
}

/// A client certificate, and no credentials.
pub(crate) fn mtls() -> Option<EmailOptions> {
    let tls =
        trusting()?.cert_file(setting("AUDIT_TEST_CLIENT_CERT")?).key_file(setting("AUDIT_TEST_CLIENT_KEY")?);
    let options = EmailOptions::new(setting("AUDIT_TEST_SMTP_MTLS")?, "audit@audit.test");
    Some(options.encryption(Encryption::Tls).tls(tls))
}

pub(crate) fn trusting() -> Option<TlsOptions> {
    Some(TlsOptions::default().ca_file(setting("AUDIT_TEST_CA")?))
}

fn with_password(options: EmailOptions) -> Option<EmailOptions> {
    let password = setting("AUDIT_TEST_SMTP_PASSWORD")?;
    Some(options.tls(trusting()?).credentials(setting("AUDIT_TEST_SMTP_USER")?, password.into()))
}

/// A letter in the mailbox.
pub(crate) struct Mail {
    pub(crate) bytes: Vec<u8>,
    /// The server's number of it, in the order in which it took them.
    queue_id: String,
    delivered_to: String,
    pub(crate) subject: String,
    pub(crate) message_id: String,
    pub(crate) text: String,
    pub(crate) html: Option<String>,
}

impl Mail {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let message = MessageParser::default().parse(&bytes).unwrap();
        let raw = |name: &str| message.header_raw(name).unwrap_or_default().trim().to_owned();
        let received = raw("Received");
        let queue_id = received.split("SMTP id ").nth(1).or_else(|| received.split(" id ").nth(1));
        let has_html = message
            .html_body
            .iter()
            .any(|part| matches!(message.parts[*part as usize].body, mail_parser::PartType::Html(_)));
        Self {
            queue_id: queue_id.unwrap().split_whitespace().next().unwrap().to_owned(),
            delivered_to: raw("Delivered-To"),
            subject: message.subject().unwrap_or_default().to_owned(),
            message_id: message.message_id().unwrap().to_owned(),
            // A line of mail always has an end. That of a part belongs to what separates the parts (RFC 2046 §5.1.1), and
            // base64 has lines of its own.
            text: match lines(&message.body_text(0).unwrap_or_default()) {
                text if raw("Content-Transfer-Encoding") == "quoted-printable" => {
                    text.strip_suffix('\n').unwrap_or(&text).to_owned()
                }
                text => text,
            },
            html: has_html.then(|| lines(&message.body_html(0).unwrap())),
            bytes: bytes.clone(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let message = MessageParser::default().parse(&self.bytes).unwrap();
        message.header(name.to_owned()).and_then(|value| match value {
            HeaderValue::Text(text) => Some(text.to_string()),
            _ => None,
        })
    }
}

fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// All that is in the mailbox, each letter read once.
pub(crate) struct Mailbox {
    folder: PathBuf,
    queue: PathBuf,
    known: HashMap<PathBuf, Mail>,
}

impl Mailbox {
    pub(crate) fn open() -> Option<Self> {
        let folder = setting("AUDIT_TEST_SMTP_MAIL")?.into();
        Some(Self { folder, queue: setting("AUDIT_TEST_SMTP_QUEUE")?.into(), known: HashMap::new() })
    }

    /// What was delivered to an address, in the order in which the server took it, once nothing is on its way any more.
    pub(crate) fn of(&mut self, address: &str) -> Vec<&Mail> {
        let begun = Instant::now();
        while ["incoming", "active", "deferred"].iter().any(|name| holds_files(&self.queue.join(name))) {
            assert!(begun.elapsed() < Duration::from_secs(120), "the server does not deliver what it took");
            std::thread::sleep(Duration::from_millis(20));
        }
        for file in std::fs::read_dir(self.folder.join("new")).unwrap() {
            let path = file.unwrap().path();
            self.known.entry(path).or_insert_with_key(|path| Mail::read(path));
        }
        let mut found: Vec<&Mail> = self.known.values().filter(|mail| mail.delivered_to == address).collect();
        found.sort_by(|a, b| a.queue_id.cmp(&b.queue_id));
        found
    }
}

/// Anywhere below: the server spreads what it holds over folders. What goes away meanwhile is not there.
/// A file that is being written may not be executed yet: where the server was killed meanwhile, it accepted nothing, and the
/// file stays (Postfix, qmgr(8)).
fn holds_files(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => holds_files(&entry.path()),
        Ok(found) => found.permissions().mode() & 0o100 != 0,
        Err(_) => false,
    })
}

/// A sink for records of any kind: each becomes the text of a letter.
#[derive(Debug)]
pub(crate) struct Lettered(pub(crate) EmailSink);

impl Sink for Lettered {
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        let mut letters = batch.clone();
        for record in &mut letters.records {
            let text = String::from_utf8(record.bytes.clone()).unwrap();
            let subject = format!("record {}", record.sequence_number);
            record.bytes = Letter { subject, text, html: None }.to_bytes();
        }
        Box::pin(async move { self.0.send(&letters).await })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        self.0.check()
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        self.0.close()
    }
}

/// One address at the server, as a place.
pub(crate) struct Postfix {
    pub(crate) options: EmailOptions,
    pub(crate) address: String,
    pub(crate) mailbox: Mailbox,
}

impl Postfix {
    pub(crate) fn new(options: EmailOptions) -> Option<Self> {
        let address = address("ops");
        Some(Self { options: options.to([&address]), address, mailbox: Mailbox::open()? })
    }

    pub(crate) fn sink(&self) -> EmailSink {
        EmailSink::new(self.options.clone()).unwrap()
    }
}

impl Place for Postfix {
    fn open(&mut self) -> Box<dyn Sink> {
        Box::new(Lettered(self.sink()))
    }

    fn read_back(&mut self) -> Vec<Vec<u8>> {
        self.mailbox.of(&self.address).iter().map(|mail| mail.text.clone().into_bytes()).collect()
    }

    fn largest_record(&self) -> usize {
        64 << 10
    }

    fn rejects_larger(&self) -> bool {
        false
    }
}

//! TLS, with certificates made on the spot.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod place;

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use audit_sink::{Batch, Record, Sink as _, SinkError};
use audit_sink_syslog::{SyslogOptions as SinkOptions, SyslogSink, Transport};
use audit_source_syslog::{SyslogSource, SyslogSourceOptions};
use audit_tls::{ServerTlsOptions, TlsOptions};
use place::{Place, Running};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use sha2::{Digest as _, Sha256};
use tracing_subscriber::filter::LevelFilter;

/// An authority, whose certificates are files.
struct Authority {
    directory: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let directory = tempfile::tempdir().unwrap();
        params.distinguished_name.push(DnType::CommonName, directory.path().display().to_string());
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        fs::write(directory.path().join("ca.pem"), root.pem()).unwrap();
        let this = Self { directory, issuer: Issuer::new(params, key) };
        this.issue("localhost", "server");
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Makes a certificate, and says its fingerprint.
    fn issue(&self, subject: &str, file: &str) -> String {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![subject.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(self.path(&format!("{file}.pem")), certificate.pem()).unwrap();
        fs::write(self.path(&format!("{file}-key.pem")), key.serialize_pem()).unwrap();
        const_hex::encode(Sha256::digest(certificate.der()))
    }

    fn server(&self) -> ServerTlsOptions {
        ServerTlsOptions::new(self.path("server.pem"), self.path("server-key.pem"))
    }

    fn trusted(&self) -> TlsOptions {
        TlsOptions::default().ca_file(self.path("ca.pem"))
    }
}

fn send(running: &Running, tls: TlsOptions, id: &str) -> Result<(), SinkError> {
    let server = format!("localhost:{}", running.address.port());
    let options = SinkOptions::new(Transport::Tls { server, tls, server_name: None });
    let mut sink = SyslogSink::new(options.timeout(Duration::from_secs(5))).unwrap();
    let bytes = format!("{{\"event_type\":\"auth.login\",\"event_id\":\"{id}\"}}").into_bytes();
    let batch = Batch {
        chain_id: "c".into(),
        records: vec![Record { sequence_number: 1, bytes, ..Record::default() }],
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(sink.send(&batch)).map(drop)
}

#[test]
fn a_client_is_known_by_its_certificate() {
    let (authority, other) = (Authority::new(), Authority::new());
    let fingerprint = authority.issue("orders", "client");
    let place = Place::new();
    let told = fs::File::create(place.path("told")).unwrap();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_ansi(false)
        .with_writer(Arc::new(told))
        .init();
    let running =
        place.run(|options| options.tls(authority.server().client_ca_file(authority.path("ca.pem"))));
    let with = |authority: &Authority| {
        TlsOptions::default()
            .cert_file(authority.path("client.pem"))
            .key_file(authority.path("client-key.pem"))
    };
    send(&running, with(&authority).ca_file(authority.path("ca.pem")), "known").unwrap();
    assert!(send(&running, authority.trusted(), "nobody").is_err());
    other.issue("orders", "client");
    assert!(send(&running, with(&other).ca_file(authority.path("ca.pem")), "forged").is_err());
    running.stop();
    let events = place.events();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["received"]["by"], format!("certificate:sha256:{fingerprint}"));
    assert_eq!(events[0]["received"]["transport"], "tls");
    let told = fs::read_to_string(place.path("told")).unwrap();
    assert_eq!(told.lines().count(), 1, "two refused, and told once a minute: {told}");
    let expected =
        [" WARN ", "a client was refused", "peer=\"127.0.0.1\"", "sent no certificates", "count=1"];
    assert!(expected.iter().all(|part| told.contains(part)), "{told}");
}

#[test]
fn a_new_certificate_is_taken_up_and_a_bad_one_is_not() {
    let (authority, next) = (Authority::new(), Authority::new());
    let place = Place::new();
    let running = place.run(|options| options.tls(authority.server()));
    send(&running, authority.trusted(), "before").unwrap();
    assert!(send(&running, next.trusted(), "too early").is_err());
    // The key alone does not fit the certificate: nobody is cut off.
    fs::copy(next.path("server-key.pem"), authority.path("server-key.pem")).unwrap();
    while running.intake.status().failing.is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let failing = running.intake.status().failing.unwrap();
    assert!(failing.starts_with("the old certificate stays in use: "), "{failing}");
    send(&running, authority.trusted(), "between").unwrap();
    fs::copy(next.path("server.pem"), authority.path("server.pem")).unwrap();
    while running.intake.status().failing.is_some() {
        std::thread::sleep(Duration::from_millis(20));
    }
    send(&running, next.trusted(), "after").unwrap();
    assert!(send(&running, authority.trusted(), "too late").is_err());
    running.stop();
    let ids: Vec<_> = place.events().into_iter().map(|event| event["event_id"].clone()).collect();
    assert_eq!(ids, ["before", "between", "after"]);
}

#[test]
fn whoever_dawdles_over_the_handshake_is_closed_and_holds_up_nobody() {
    let authority = Authority::new();
    let place = Place::new();
    let running = place.run(|options: SyslogSourceOptions| {
        options.tls(authority.server()).handshake_timeout(Duration::from_millis(500)).max_connections(3)
    });
    let mut dawdlers: Vec<TcpStream> = (0..2).map(|_| TcpStream::connect(running.address).unwrap()).collect();
    dawdlers[0].write_all(&[22, 3, 1]).unwrap();
    send(&running, authority.trusted(), "quick").unwrap();
    for dawdler in &mut dawdlers {
        assert!(matches!(std::io::Read::read(dawdler, &mut [0; 100]), Ok(0) | Err(_)));
    }
    // In the clear, where TLS is spoken: nothing of it is taken.
    let mut plain = TcpStream::connect(running.address).unwrap();
    plain.write_all(b"<13>1 - - - - - - x\n").unwrap();
    let _ = std::io::Read::read_to_end(&mut plain, &mut Vec::new());
    send(&running, authority.trusted(), "last").unwrap();
    running.stop();
    assert_eq!(place.events().len(), 2);
}

#[test]
fn a_certificate_that_cannot_be_used_is_an_error_at_once() {
    let authority = Authority::new();
    fs::write(authority.path("server.pem"), "no certificate").unwrap();
    let error = SyslogSource::bind(SyslogSourceOptions::new("127.0.0.1:0").tls(authority.server()))
        .unwrap_err()
        .to_string();
    assert!(error.contains("server.pem"), "{error}");
    let error = SyslogSource::bind(SyslogSourceOptions::new("203.0.113.1:1")).unwrap_err().to_string();
    assert!(error.starts_with("cannot listen on 203.0.113.1:1: "), "{error}");
}

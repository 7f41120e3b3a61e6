//! HTTPS, client certificates, and a certificate that is renewed while the source runs.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod service;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use audit_access::{Access, Caller, Denial, Presented};
use audit_source_http::{Asked, HttpOptions, HttpSource, Limits, Witness};
use audit_tls::{ServerTlsOptions, TlsOptions};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConnection, StreamOwned};
use service::{Service, event, post, reply, service, until};
use tempfile::TempDir;

/// An authority, and the files of a server and of a client.
struct Authority {
    directory: TempDir,
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
        let this = Self { directory, issuer: Issuer::new(params, key) };
        fs::write(this.path("ca.pem"), root.pem()).unwrap();
        this.issue("server", "localhost");
        this.issue("client", "orders");
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a certificate and its key, one after the other as most programs do.
    fn issue(&self, file: &str, name: &str) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        fs::write(self.path(&format!("{file}.pem")), certificate.pem()).unwrap();
        fs::write(self.path(&format!("{file}-key.pem")), key.serialize_pem()).unwrap();
        certificate.der().clone()
    }

    fn server(&self) -> ServerTlsOptions {
        ServerTlsOptions::new(self.path("server.pem"), self.path("server-key.pem"))
    }

    fn trusting(&self) -> TlsOptions {
        TlsOptions::default().ca_file(self.path("ca.pem"))
    }

    fn client(&self) -> TlsOptions {
        self.trusting().cert_file(self.path("client.pem")).key_file(self.path("client-key.pem"))
    }
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn connect(service: &Service, options: &TlsOptions) -> Tls {
    let config = Arc::new(options.client_config().unwrap());
    let connection = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
    StreamOwned::new(connection, service.connect())
}

/// The status of a request, and the certificate that was shown; `None` when the handshake fails.
fn ask(service: &Service, options: &TlsOptions) -> Option<(u16, CertificateDer<'static>)> {
    let mut stream = connect(service, options);
    stream.write_all(&post("application/json", "", event("a.b", 1))).ok()?;
    let answer = reply(&mut stream)?;
    let shown = stream.conn.peer_certificates().unwrap()[0].clone().into_owned();
    Some((answer.status, shown))
}

#[test]
fn https_and_nothing_else() {
    let (authority, other) = (Authority::new(), Authority::new());
    let service = service(|options| options.tls(authority.server()));
    assert_eq!(ask(&service, &authority.trusting()).unwrap().0, 200);
    assert!(ask(&service, &other.trusting()).is_none());
    let mut plain = service.connect();
    plain.write_all(&post("application/json", "", event("a.b", 1))).unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!said.starts_with(b"HTTP"), "{said:?}");
    assert_eq!(service.log.recorded(), 1);
}

#[test]
fn a_certificate_is_read_again_when_its_files_change() {
    let authority = Authority::new();
    let service = service(|options| options.tls(authority.server()));
    let (_, first) = ask(&service, &authority.trusting()).unwrap();
    let mut kept = connect(&service, &authority.trusting());
    let request = post("application/json", "", event("a.b", 1));
    kept.write_all(&request).unwrap();
    assert_eq!(reply(&mut kept).unwrap().status, 200);

    let second = authority.issue("server", "localhost");
    assert_ne!(first, second);
    until("the new one is shown", || ask(&service, &authority.trusting()).unwrap().1 == second);
    kept.write_all(&request).unwrap();
    assert_eq!(reply(&mut kept).unwrap().status, 200, "who was there before is not disturbed");

    // What is no certificate changes nothing and is told, and a good one after it counts.
    assert_eq!(service.status().failing, None);
    fs::write(authority.path("server.pem"), "oops").unwrap();
    until("it is told, though nobody connects", || service.status().failing.is_some());
    let told = service.status().failing.unwrap();
    assert!(told.contains("the certificate cannot be renewed, and the one before stays in use"), "{told}");
    assert!(told.contains("server.pem") && told.contains("found no PEM"), "{told}");
    assert_eq!(ask(&service, &authority.trusting()).unwrap(), (200, second.clone()));
    let third = authority.issue("server", "localhost");
    until("the third is shown", || ask(&service, &authority.trusting()).unwrap().1 == third);
    until("it is over", || service.status().failing.is_none());
}

#[test]
fn who_was_let_in_by_another_authority_is_let_out() {
    let (authority, other) = (Authority::new(), Authority::new());
    let clients = authority.path("clients.pem");
    fs::copy(authority.path("ca.pem"), &clients).unwrap();
    let tls = authority.server().client_ca_file(&clients).require_client_certificate(false);
    let service = service(|options| options.tls(tls));
    let request = post("application/json", "", event("a.b", 1));
    let mut known = connect(&service, &authority.client());
    let mut nobody = connect(&service, &authority.trusting());
    for stream in [&mut known, &mut nobody] {
        stream.write_all(&request).unwrap();
        assert_eq!(reply(stream).unwrap().status, 200);
    }
    // One whose request is on its way.
    let mut busy = connect(&service, &authority.client());
    let whole = post("application/json", "expect: 100-continue\r\n", event("a.b", 2));
    let head = whole.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    busy.write_all(&whole[..head]).unwrap();
    assert_eq!(reply(&mut busy).unwrap().status, 100);

    fs::copy(other.path("ca.pem"), &clients).unwrap();
    assert_eq!(known.read(&mut [0; 1]).unwrap_or(0), 0, "closed, and without a word");
    busy.write_all(&whole[head..]).unwrap();
    assert_eq!(reply(&mut busy).unwrap().status, 200, "it is answered");
    assert_eq!(busy.read(&mut [0; 1]).unwrap_or(0), 0, "and nothing more is asked");
    nobody.write_all(&request).unwrap();
    assert_eq!(reply(&mut nobody).unwrap().status, 200, "who showed no certificate stays");
    assert!(ask(&service, &authority.client()).is_none(), "it is of no authority any more");
}

/// Keeps the certificates that were shown, and what was refused before anything was asked for.
#[derive(Default)]
struct Shown {
    certificates: Mutex<Vec<Option<Vec<u8>>>>,
    handshakes: Mutex<Vec<&'static str>>,
}

impl Shown {
    fn handshakes(&self) -> Vec<&'static str> {
        let mut reasons = self.handshakes.lock().unwrap().clone();
        reasons.sort_unstable();
        reasons
    }
}

impl Witness for Shown {
    fn refused(&self, denial: &Denial, presented: &Presented<'_>, asked: &Asked<'_>) {
        if (asked.method, asked.path) != ("TLS", "handshake") {
            return self.certificates.lock().unwrap().push(presented.certificate.map(<[u8]>::to_vec));
        }
        let Denial::Unauthenticated { reason, claimed: None } = denial else { panic!("{denial:?}") };
        assert_eq!(*presented, Presented::from_peer(Some(asked.peer.ip())));
        self.handshakes.lock().unwrap().push(*reason);
    }

    fn used(&self, _: &Caller, _: &Asked<'_>) {}
}

#[test]
fn a_client_certificate_is_what_is_presented() {
    let (authority, other) = (Authority::new(), Authority::new());
    let own = authority.issue("client", "orders");
    for required in [true, false] {
        let shown = Arc::new(Shown::default());
        let witness = Arc::clone(&shown);
        let tls =
            authority.server().client_ca_file(authority.path("ca.pem")).require_client_certificate(required);
        let mut service = service(|options| options.tls(tls).access(Access::default()).witness(witness));
        // Nobody is known here: what is looked at is what was shown.
        assert_eq!(ask(&service, &authority.client()).unwrap().0, 401);
        assert_eq!(ask(&service, &authority.trusting()).map(|asked| asked.0), (!required).then_some(401));
        let foreign =
            authority.trusting().cert_file(other.path("client.pem")).key_file(other.path("client-key.pem"));
        assert!(ask(&service, &foreign).is_none(), "of another authority");
        let handshakes: &[_] =
            if required { &["no_certificate", "unknown_authority"] } else { &["unknown_authority"] };
        // Each by the task of its connection, and so in any order.
        until("they are told of", || shown.handshakes() == handshakes);
        // Neither speaks TLS to its end, and neither has said who it is.
        assert!(ask(&service, &other.trusting()).is_none(), "it does not trust us");
        let mut plain = service.connect();
        plain.write_all(&post("application/json", "", event("a.b", 1))).unwrap();
        let _ = plain.read_to_end(&mut Vec::new());
        service.stop();
        assert_eq!(shown.handshakes(), handshakes);
        let shown = shown.certificates.lock().unwrap();
        assert_eq!(shown[0].as_deref(), Some(own.as_ref()));
        assert_eq!(shown.len(), if required { 1 } else { 2 });
        assert!(shown.iter().skip(1).all(Option::is_none));
    }
}

#[test]
fn who_does_not_finish_the_handshake_is_given_up() {
    let authority = Authority::new();
    let mut limits = Limits::default();
    limits.request_timeout = Duration::from_millis(300);
    let service = service(|options| options.tls(authority.server()).limits(limits));
    let mut silent = service.connect();
    silent.write_all(b"\x16\x03\x01").unwrap();
    assert_eq!(silent.read(&mut [0; 1]).unwrap_or(0), 0);
    assert_eq!(ask(&service, &authority.trusting()).unwrap().0, 200);
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_at_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = HttpOptions::new("127.0.0.1:0").tls(ServerTlsOptions::new("/no/such.pem", "/no/such.pem"));
    let error = runtime.block_on(HttpSource::bind(options)).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the server certificate in /no/such.pem"), "{error}");
    let authority = Authority::new();
    // With TLS, any address will do.
    runtime.block_on(HttpSource::bind(HttpOptions::new("0.0.0.0:0").tls(authority.server()))).unwrap();
}

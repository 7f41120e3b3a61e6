//! Handshakes in memory with a rustls server, over certificates made on the spot.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit_tls::{TlsError, TlsOptions};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use tempfile::TempDir;

/// A certificate authority with one server `localhost` and one client.
struct Authority {
    directory: TempDir,
    root: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two authorities of one name differ in their keys only, and are told apart by a bad signature.
        let directory = tempfile::tempdir().unwrap();
        params.distinguished_name.push(DnType::CommonName, directory.path().display().to_string());
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        let this = Self { directory, root, issuer: Issuer::new(params, key) };
        fs::write(this.path("ca.pem"), this.root.pem()).unwrap();
        let (certificate, key) = this.issue("client");
        fs::write(this.path("client.pem"), certificate.pem()).unwrap();
        fs::write(this.path("client-key.pem"), key.serialize_pem()).unwrap();
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn server(&self, name: &str, client_certificates: bool) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if client_certificates {
            let mut roots = RootCertStore::empty();
            roots.add(self.root.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let (certificate, key) = self.issue(name);
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        builder.with_single_cert(vec![certificate.der().clone()], key).unwrap()
    }

    fn trusted(&self) -> TlsOptions {
        TlsOptions::default().ca_file(self.path("ca.pem"))
    }
}

/// Passes bytes between the two until both are content, or one is not.
fn handshake(client: ClientConfig, server: ServerConfig) -> Result<(), rustls::Error> {
    let mut client =
        ClientConnection::new(Arc::new(client), "localhost".try_into().expect("a name")).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    while client.wants_write() || server.wants_write() {
        let mut flight = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut flight).unwrap();
        }
        let mut rest = flight.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets()?;
        }
        let mut flight = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut flight).unwrap();
        }
        let mut rest = flight.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    assert!(!client.is_handshaking() && !server.is_handshaking(), "the handshake has ended");
    Ok(())
}

fn refusal(options: &TlsOptions) -> String {
    options.client_config().expect_err("not to be accepted").to_string()
}

#[test]
fn a_server_of_the_given_authority_is_trusted() {
    let authority = Authority::new();
    handshake(authority.trusted().client_config().unwrap(), authority.server("localhost", false)).unwrap();
}

#[test]
fn tls_1_2_is_spoken_with_a_server_that_has_no_other() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("localhost");
    let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    handshake(authority.trusted().client_config().unwrap(), server).unwrap();
}

#[test]
fn a_server_of_another_authority_or_name_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let client = || authority.trusted().client_config().unwrap();
    let error = handshake(client(), other.server("localhost", false)).unwrap_err();
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    let error = handshake(client(), authority.server("elsewhere.example", false)).unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
}

#[test]
fn the_platform_trusts_no_authority_of_ours() {
    let authority = Authority::new();
    match TlsOptions::default().client_config() {
        Ok(client) => {
            let error = handshake(client, authority.server("localhost", false)).unwrap_err();
            assert!(error.to_string().contains("UnknownIssuer"), "{error}");
        }
        Err(error @ TlsError::NoPlatformRoots { .. }) => {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{error}");
            println!("skipped: this system has no trusted certificates");
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn danger_takes_any_certificate() {
    let authority = Authority::new();
    let client = TlsOptions::default().danger_accept_invalid_certificates(true).client_config().unwrap();
    handshake(client, authority.server("elsewhere.example", false)).unwrap();
}

#[test]
fn a_server_that_asks_for_a_client_certificate_gets_it() {
    let authority = Authority::new();
    let client = authority
        .trusted()
        .cert_file(authority.path("client.pem"))
        .key_file(authority.path("client-key.pem"));
    handshake(client.client_config().unwrap(), authority.server("localhost", true)).unwrap();

    let without = authority.trusted().client_config().unwrap();
    let error = handshake(without, authority.server("localhost", true)).unwrap_err();
    assert!(error.to_string().contains("no certificates"), "{error}");
}

#[test]
fn a_certificate_and_its_key_may_share_a_file() {
    let authority = Authority::new();
    let both = authority.path("both.pem");
    let text = |name: &str| fs::read_to_string(authority.path(name)).unwrap();
    fs::write(&both, text("client-key.pem") + &text("client.pem")).unwrap();
    let client = authority.trusted().cert_file(&both).key_file(&both).client_config().unwrap();
    handshake(client, authority.server("localhost", true)).unwrap();
}

#[test]
fn a_certificate_without_its_key_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let cert_file = authority.path("client.pem");
    let with = |key_file: &Path| authority.trusted().cert_file(&cert_file).key_file(key_file);

    assert_eq!(
        refusal(&authority.trusted().cert_file(&cert_file)),
        format!("the client certificate {} has no key; set key_file to its private key", cert_file.display())
    );
    assert_eq!(
        refusal(&authority.trusted().key_file("/k.pem")),
        "the client key /k.pem has no certificate; set cert_file to its certificate"
    );
    let missing = authority.path("missing.pem");
    assert!(
        refusal(&with(&missing))
            .starts_with(&format!("cannot read the client key in {}: No such file", missing.display()))
    );
    assert_eq!(
        refusal(&with(&cert_file)),
        format!(
            "no client key in {}; found CERTIFICATE, expected PEM with BEGIN PRIVATE KEY (or RSA or EC PRIVATE KEY)",
            cert_file.display()
        )
    );
    assert!(
        refusal(&with(&other.path("client-key.pem"))).contains("does not belong to the first certificate in")
    );
    let encrypted = authority.path("encrypted.pem");
    fs::write(
        &encrypted,
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    )
    .unwrap();
    assert!(refusal(&with(&encrypted)).contains("expected a key without a passphrase: openssl pkey -in"));
}

#[test]
fn a_file_without_usable_certificates_is_refused() {
    let authority = Authority::new();
    let file = authority.path("roots.pem");
    let given = |content: &[u8]| {
        fs::write(&file, content).unwrap();
        refusal(&TlsOptions::default().ca_file(&file)).replace(&file.display().to_string(), "FILE")
    };
    assert_eq!(given(b"hello"), "no certificate in FILE; found no PEM, expected PEM with BEGIN CERTIFICATE");
    assert_eq!(
        given(authority.root.der()),
        "no certificate in FILE; found binary data (DER?), expected PEM with BEGIN CERTIFICATE: \
         openssl x509 -inform der -in FILE -out certificate.pem"
    );
    let good = authority.root.pem();
    let cut = &good[..good.len() - 20];
    assert_eq!(
        given((good.clone() + cut).as_bytes()),
        "the certificate 2 in FILE cannot be used: its END line is missing; was the file cut short?"
    );
    let bad = "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n";
    assert!(given((good.clone() + bad).as_bytes()).starts_with("the certificate 2 in FILE cannot be used: "));
    assert!(
        given((good + "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n").as_bytes())
            .ends_with("is not base64")
    );
}

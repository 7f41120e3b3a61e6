//! An authority, and the certificates that it gives out, as files.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::fs;
use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use audit_tls::TlsOptions;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio_rustls::rustls::{ClientConnection, StreamOwned};

use crate::service::{Answer, exchange};

pub(crate) struct Authority {
    directory: PathBuf,
    name: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Its own certificate is `NAME.pem`.
    pub(crate) fn new(directory: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        fs::write(directory.join(format!("{name}.pem")), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { directory: directory.to_owned(), name: name.to_owned(), issuer: Issuer::new(params, key) }
    }

    /// Writes a certificate, `FILE.pem`, and its key, `FILE-key.pem`.
    pub(crate) fn issue(&self, file: &str, names: &[&str], change: impl FnOnce(&mut CertificateParams)) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, file);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(self.directory.join(format!("{file}-key.pem")), key.serialize_pem()).unwrap();
        fs::write(self.directory.join(format!("{file}.pem")), certificate.pem()).unwrap();
    }

    /// A client that believes this authority, with no certificate.
    pub(crate) fn trusting(&self) -> TlsOptions {
        TlsOptions::default().ca_file(self.directory.join(format!("{}.pem", self.name)))
    }

    /// One with the certificate of that file.
    pub(crate) fn client(&self, file: &str) -> TlsOptions {
        let path = |name: String| self.directory.join(name);
        self.trusting().cert_file(path(format!("{file}.pem"))).key_file(path(format!("{file}-key.pem")))
    }
}

/// Posts an event over TLS. What the handshake refuses is an error.
pub(crate) fn post(
    address: SocketAddr,
    tls: &TlsOptions,
    headers: &[&str],
    event: &str,
) -> std::io::Result<Answer> {
    let connection = connect(address, tls)?;
    exchange(connection, "POST", "/v1/events", "application/json", headers, event.as_bytes())
}

/// Why the handshake comes to nothing. Nothing is asked for meanwhile: what is on its way when the other side ends may hide why it did.
pub(crate) fn refusal(address: SocketAddr, tls: &TlsOptions) -> String {
    let mut connection = connect(address, tls).unwrap();
    match connection.read(&mut [0]) {
        Ok(_) => panic!("nothing was refused"),
        Err(error) => error.to_string(),
    }
}

pub(crate) fn connect(
    address: SocketAddr,
    tls: &TlsOptions,
) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let config = Arc::new(tls.client_config().unwrap());
    let connection = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(StreamOwned::new(connection, stream))
}

//! Certificates for this machine's own servers, made on the spot.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::lock::Lock;
use super::run_folder;

pub(crate) struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// The ones that are there, else new ones.
    pub(crate) fn get() -> Result<Self> {
        let _lock = Lock::take("certificates")?;
        let folder = run_folder()?.join("certificates");
        if !folder.exists() {
            let unfinished = folder.with_extension("unfinished");
            fs::create_dir_all(&unfinished)?;
            make(&unfinished).context("cannot make certificates")?;
            fs::rename(&unfinished, &folder)?;
        }
        Ok(Self { folder })
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// A CA that signed none of the others.
    pub(crate) fn other_ca(&self) -> PathBuf {
        self.folder.join("other-ca.pem")
    }

    pub(crate) fn server(&self) -> PathBuf {
        self.folder.join("server.pem")
    }

    pub(crate) fn server_key(&self) -> PathBuf {
        self.folder.join("server-key.pem")
    }

    pub(crate) fn client(&self) -> PathBuf {
        self.folder.join("client.pem")
    }

    pub(crate) fn client_key(&self) -> PathBuf {
        self.folder.join("client-key.pem")
    }
}

fn make(folder: &Path) -> Result<()> {
    let (ca, ca_key) = authority("audit-log tests")?;
    fs::write(folder.join("ca.pem"), ca.self_signed(&ca_key)?.pem())?;
    let (other, other_key) = authority("audit-log tests, another CA")?;
    fs::write(folder.join("other-ca.pem"), other.self_signed(&other_key)?.pem())?;
    let issuer = Issuer::new(ca, ca_key);
    for (name, purpose) in
        [("server", ExtendedKeyUsagePurpose::ServerAuth), ("client", ExtendedKeyUsagePurpose::ClientAuth)]
    {
        let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, format!("audit-log tests, {name}"));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        fs::write(folder.join(format!("{name}.pem")), params.signed_by(&key, &issuer)?.pem())?;
        fs::write(folder.join(format!("{name}-key.pem")), key.serialize_pem())?;
    }
    Ok(())
}

fn authority(name: &str) -> Result<(CertificateParams, KeyPair)> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok((params, KeyPair::generate()?))
}

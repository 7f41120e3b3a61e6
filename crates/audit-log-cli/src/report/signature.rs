//! A report's signature: docs/formats.md defines it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use audit_integrity::{ChainId, Key, KeyRing, Report, Signature};
use audit_model::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::output::{count, harmless, print, quoted};

/// What the file says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    format: String,
    /// The report's name when it was signed; nothing depends on it.
    report: String,
    /// 64 hexadecimal digits.
    sha256: String,
    signed_at: Timestamp,
    chains: Vec<ChainEnd>,
    key_id: String,
    /// `sha256:` and 64 hexadecimal digits.
    mac: String,
}

/// Where a chain ended that the report is about.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainEnd {
    chain_id: String,
    sequence_number: u64,
    signature: String,
}

const FORMAT: &str = "audit-log/report/v1";

/// `october.html.sig`
pub(super) fn file_of(report: &Path) -> PathBuf {
    let mut name = OsString::from(report);
    name.push(".sig");
    name.into()
}

pub(super) fn read_key(file: &Path) -> anyhow::Result<Key> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read the key {}", file.display()))?;
    Key::from_text(&SecretString::from(text)).with_context(|| file.display().to_string())
}

/// The signature's file for that report on those chains.
pub(super) fn sign(file: &Path, report: &[u8], verified: &Report, key: &Key, now: Timestamp) -> Vec<u8> {
    let end = |chain: &audit_integrity::ChainReport| {
        let head = chain.head.as_ref().map(|head| (head.sequence_number, head.signature));
        let (sequence_number, signature) = head.unwrap_or((0, Signature::NONE));
        let chain_id = chain.chain_id.to_string();
        ChainEnd { chain_id, sequence_number, signature: signature.to_string() }
    };
    let mut signed = Signed {
        format: FORMAT.to_owned(),
        report: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        sha256: const_hex::encode(Sha256::digest(report)),
        signed_at: now,
        chains: verified.chains.iter().map(end).collect(),
        key_id: key.id().to_string(),
        mac: String::new(),
    };
    signed.mac = format!("sha256:{}", const_hex::encode(key.authenticate(signed.text().as_bytes())));
    let mut json = serde_json::to_vec_pretty(&signed).expect("texts and numbers");
    json.push(b'\n');
    json
}

/// Says whether a report is as it was signed.
pub(super) fn check(report: &Path, keys: &KeyRing) -> anyhow::Result<ExitCode> {
    let file = file_of(report);
    let cannot_read = |path: &Path| format!("cannot read {}", path.display());
    let content = fs::read(report).with_context(|| cannot_read(report))?;
    let json = fs::read(&file).with_context(|| cannot_read(&file))?;
    let signed: Signed = serde_json::from_slice(&json)
        .with_context(|| format!("{} is no signature of a report", file.display()))?;
    let told = match signed.judge(&content, keys) {
        Judgement::AsSigned => signed.told(report),
        Judgement::Changed => format!(
            "changed: {} is not the report that was signed: its SHA-256 is {}, and that of the signed one {}\n",
            report.display(),
            const_hex::encode(Sha256::digest(&content)),
            harmless(&signed.sha256)
        ),
        Judgement::Forged => {
            format!("changed: {} is not what its key signed: it was edited, or forged\n", file.display())
        }
        Judgement::NoKey => format!(
            "cannot tell: {} was made with the key {}, which was not given: use --key-file, --key-env or --config\n",
            file.display(),
            harmless(&signed.key_id)
        ),
    };
    print(&told)?;
    Ok(match signed.judge(&content, keys) {
        Judgement::AsSigned => ExitCode::SUCCESS,
        Judgement::Changed | Judgement::Forged => ExitCode::FAILURE,
        Judgement::NoKey => ExitCode::from(2),
    })
}

enum Judgement {
    AsSigned,
    /// It is another report.
    Changed,
    /// The signature is none.
    Forged,
    NoKey,
}

impl Signed {
    /// What is signed: a line each, joined by newlines, with none at the end.
    fn text(&self) -> String {
        let mut text = format!("{}\n{}\nsha256:{}", self.format, self.signed_at, self.sha256);
        for chain in &self.chains {
            text += &format!("\n{} {} {}", chain.chain_id, chain.sequence_number, chain.signature);
        }
        text
    }

    fn judge(&self, report: &[u8], keys: &KeyRing) -> Judgement {
        let is_plain = self.format == FORMAT
            && self.chains.iter().all(|chain| {
                chain.chain_id.parse::<ChainId>().is_ok() && chain.signature.parse::<Signature>().is_ok()
            });
        let mac = self.mac.strip_prefix("sha256:").and_then(|digits| const_hex::decode(digits).ok());
        let Some(key) = keys.get(&self.key_id) else {
            // Nobody needs a key to see that it is another one.
            let is_same = const_hex::encode(Sha256::digest(report)) == self.sha256;
            return if is_same { Judgement::NoKey } else { Judgement::Changed };
        };
        if !is_plain || !mac.is_some_and(|mac| key.is_authentic(self.text().as_bytes(), &mac)) {
            return Judgement::Forged;
        }
        match const_hex::encode(Sha256::digest(report)) == self.sha256 {
            true => Judgement::AsSigned,
            false => Judgement::Changed,
        }
    }

    fn told(&self, report: &Path) -> String {
        let mut told = format!(
            "as signed: {} is the report that key {} signed at {}\n",
            report.display(),
            self.key_id,
            self.signed_at
        );
        told += &format!("  it is about {}:\n", count(self.chains.len() as u64, "chain"));
        for chain in &self.chains {
            told += &format!("  {} up to {}:{}\n", chain.chain_id, chain.sequence_number, chain.signature);
        }
        if let [chain] = self.chains.as_slice() {
            told += &format!(
                "  whether the log still holds that: audit-log verify --head {}:{} LOG\n",
                chain.sequence_number,
                quoted(Path::new(&chain.signature))
            );
        }
        told
    }
}

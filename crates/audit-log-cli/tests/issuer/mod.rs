//! An issuer of JSON Web Tokens whose keys and signatures are OpenSSL's.
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub(crate) struct Issuer {
    directory: tempfile::TempDir,
}

impl Issuer {
    /// With a key of RSA and one of the curve P-256. Nothing where there is no OpenSSL.
    pub(crate) fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "openssl is not installed");
            println!("skipped: openssl is not installed");
            return None;
        }
        let this = Self { directory: tempfile::tempdir().unwrap() };
        let rsa = ["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out"];
        this.openssl(&[&rsa[..], &["rsa.pem"]].concat(), b"");
        let curve = ["genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"];
        this.openssl(&[&curve[..], &["ec.pem"]].concat(), b"");
        Some(this)
    }

    /// Its public keys, as RFC 7517 has them.
    pub(crate) fn jwks(&self) -> Value {
        let modulus = self.openssl(&["rsa", "-in", "rsa.pem", "-noout", "-modulus"], b"");
        let modulus = String::from_utf8(modulus).unwrap();
        let modulus = const_hex::decode(modulus.trim().strip_prefix("Modulus=").unwrap()).unwrap();
        // It ends with the point: x and y.
        let public = self.openssl(&["pkey", "-in", "ec.pem", "-pubout", "-outform", "DER"], b"");
        let (x, y) = public[public.len() - 64..].split_at(32);
        json!({"keys": [
            {"kty": "RSA", "kid": "rsa", "use": "sig", "n": base64(&modulus), "e": "AQAB"},
            {"kty": "EC", "kid": "ec", "use": "sig", "crv": "P-256", "x": base64(x), "y": base64(y)},
        ]})
    }

    pub(crate) fn rs256(&self, claims: &Value) -> String {
        token(&json!({"alg": "RS256", "kid": "rsa", "typ": "JWT"}), claims, |text| self.sign("rsa.pem", text))
    }

    pub(crate) fn es256(&self, claims: &Value) -> String {
        token(&json!({"alg": "ES256", "kid": "ec", "typ": "JWT"}), claims, |text| {
            fixed(&self.sign("ec.pem", text))
        })
    }

    /// Signed with the public key of RSA, as if that were a secret (RFC 8725 §2.1).
    pub(crate) fn hs256_with_the_public_key(&self, header: &Value, claims: &Value) -> String {
        let public = self.openssl(&["pkey", "-in", "rsa.pem", "-pubout"], b"");
        let key = format!("hexkey:{}", const_hex::encode(public));
        let sign = |text: &[u8]| {
            self.openssl(&["dgst", "-sha256", "-mac", "HMAC", "-macopt", &key, "-binary"], text)
        };
        token(header, claims, sign)
    }

    fn sign(&self, key: &str, text: &[u8]) -> Vec<u8> {
        self.openssl(&["dgst", "-sha256", "-sign", key], text)
    }

    fn openssl(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        openssl(self.directory.path(), arguments, input)
    }
}

/// A token with whatever signature.
pub(crate) fn token(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let text = format!("{}.{}", base64(header.to_string().as_bytes()), base64(claims.to_string().as_bytes()));
    let signature = base64(&sign(text.as_bytes()));
    format!("{text}.{signature}")
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn openssl(directory: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.current_dir(directory).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The two numbers of an ECDSA signature, each in 32 bytes (RFC 7518 §3.4), where OpenSSL writes ASN.1.
fn fixed(der: &[u8]) -> Vec<u8> {
    let (r, rest) = number(&der[2..]);
    let (s, _) = number(rest);
    [r, s].concat()
}

fn number(der: &[u8]) -> (Vec<u8>, &[u8]) {
    let (bytes, rest) = der[2..].split_at(usize::from(der[1]));
    let digits = bytes.strip_prefix(&[0]).unwrap_or(bytes);
    (([vec![0; 32 - digits.len()], digits.to_vec()]).concat(), rest)
}

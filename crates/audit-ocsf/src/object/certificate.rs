use audit_model::Map;
use serde::{Deserialize, Serialize};

use crate::id::FingerprintAlgorithmId;

/// The OCSF object `certificate`: a digital certificate.
///
/// Left untyped in `extra`: `sans`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Certificate {
    /// `created_time` (recommended): when the certificate was created, in milliseconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time: Option<i64>,
    /// `created_time_dt` (optional; with the profile `datetime`): as `created_time`, as text (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time_dt: Option<String>,
    /// `expiration_time` (recommended): when the certificate expires, in milliseconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<i64>,
    /// `expiration_time_dt` (optional; with the profile `datetime`): as `expiration_time`, as text (RFC
    /// 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_time_dt: Option<String>,
    /// `fingerprints` (required up to 1.3.0, recommended since 1.8.0): the certificate's fingerprints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprints: Option<Vec<Fingerprint>>,
    /// `is_self_signed` (recommended; since 1.3.0): whether the certificate is self-signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_self_signed: Option<bool>,
    /// `issuer` (required): the distinguished name of the issuer.
    pub issuer: String,
    /// `serial_number` (required): the certificate's serial number.
    pub serial_number: String,
    /// `subject` (recommended): the distinguished name of the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `uid` (optional; since 1.1.0): the certificate's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `version` (recommended): the certificate's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Certificate {
    /// A certificate of that issuer and serial number.
    #[must_use]
    pub fn new(issuer: impl Into<String>, serial_number: impl Into<String>) -> Self {
        Self {
            created_time: None,
            created_time_dt: None,
            expiration_time: None,
            expiration_time_dt: None,
            fingerprints: None,
            is_self_signed: None,
            issuer: issuer.into(),
            serial_number: serial_number.into(),
            subject: None,
            uid: None,
            version: None,
            extra: Map::new(),
        }
    }
}

/// The OCSF object `fingerprint`: a hash or the like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fingerprint {
    /// `algorithm` (optional): the caption of `algorithm_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// `algorithm_id` (required): how the fingerprint was made.
    pub algorithm_id: FingerprintAlgorithmId,
    /// `value` (required): the fingerprint.
    pub value: String,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Fingerprint {
    /// A fingerprint, made in that way.
    #[must_use]
    pub fn new(algorithm_id: FingerprintAlgorithmId, value: impl Into<String>) -> Self {
        Self { algorithm: None, algorithm_id, value: value.into(), extra: Map::new() }
    }
}

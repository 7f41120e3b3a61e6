use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::{ChainId, KeyRing, Signature, Signer};

/// Where a chain ends: its last record's number and signature.
///
/// Kept apart from the log, a head shows a cut tail. Its text is `sequence_number:signature`, as
/// `audit-log verify --head` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which chain.
    pub chain_id: ChainId,
    /// The number of its last record; 0 when it has none yet.
    pub sequence_number: u64,
    /// The signature of its last record.
    pub signature: Signature,
}

/// Why a stored head cannot be relied on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// It is not a head.
    #[error("not a chain's head: {0}")]
    Malformed(String),
    /// It was changed, or made with a key that is not on the ring.
    #[error("the head's authentication code is wrong: it was changed, or made with a key that was not given")]
    Forged,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    chain_id: String,
    mac: String,
    sequence_number: u64,
    signature: String,
}

impl Head {
    fn authenticated_text(&self) -> String {
        format!("audit-log/v1 head\n{}\n{}\n{}", self.chain_id, self.sequence_number, self.signature)
    }

    /// The head as JSON for keeping, authenticated by `signer`.
    #[must_use]
    pub fn to_json(&self, signer: &Signer) -> Vec<u8> {
        let stored = Stored {
            chain_id: self.chain_id.to_string(),
            mac: Signature(signer.sign(self.authenticated_text().as_bytes())).to_string(),
            sequence_number: self.sequence_number,
            signature: self.signature.to_string(),
        };
        serde_json::to_vec(&stored).expect("strings and a number")
    }

    /// Reads a kept head and checks that it was made with one of `keys` (or, for a chain that
    /// is not signed, that it is whole).
    ///
    /// # Errors
    /// When it is not a head, or not authentic.
    pub fn from_json(json: &[u8], keys: &KeyRing) -> Result<Self, HeadError> {
        let malformed = |error: &dyn fmt::Display| HeadError::Malformed(error.to_string());
        let stored: Stored = serde_json::from_slice(json).map_err(|e| malformed(&e))?;
        let head = Self {
            chain_id: stored.chain_id.parse().map_err(|e| malformed(&e))?,
            sequence_number: stored.sequence_number,
            signature: stored.signature.parse().map_err(|e| malformed(&e))?,
        };
        let mac: Signature = stored.mac.parse().map_err(|e| malformed(&e))?;
        let text = head.authenticated_text();
        let is_mac_of = |signer: &Signer| bool::from(signer.sign(text.as_bytes()).ct_eq(&mac.0));
        let authentic = match keys.is_empty() {
            true => is_mac_of(&Signer::Digest),
            false => keys.iter().any(|key| is_mac_of(&Signer::Hmac(key.clone()))),
        };
        if authentic { Ok(head) } else { Err(HeadError::Forged) }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence_number, self.signature)
    }
}

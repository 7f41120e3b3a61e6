use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::chain::PREFIX;
use crate::{ChainId, EventDigest, Head, Key, Signature};

/// How a chain is signed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Signer {
    /// HMAC-SHA256 under a key: who has no key can neither change nor rebuild the chain.
    Hmac(Key),
    /// SHA-256 without a key: shows accidents and clumsy edits; anybody can rebuild the chain.
    Digest,
}

impl Signer {
    pub(crate) fn sign(&self, text: &[u8]) -> [u8; 32] {
        match self {
            Self::Hmac(key) => key.authenticate(text),
            Self::Digest => Sha256::digest(text).into(),
        }
    }
}

/// Seals records, each over the one before.
///
/// ```
/// use audit_integrity::{EventDigest, Key, Sealer, Signer};
///
/// let key = Key::from_text(&"0123456789abcdef0123456789abcdef".into())?;
/// let mut sealer = Sealer::new("orders".parse()?, Signer::Hmac(key));
/// let event = br#"{"event_type":"backup.started"}"#;
/// let mut line = Vec::new();
/// sealer.seal(event, &EventDigest::of(event), &mut line);
/// assert!(line.starts_with(br#"{"event":{"event_type":"backup.started"},"integrity":{"chain_id":"orders","#));
/// assert_eq!(sealer.head().sequence_number, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sealer {
    signer: Signer,
    head: Head,
    parts: Template,
    previous: [u8; 64],
    text: Vec<u8>,
}

impl Sealer {
    /// Begins a chain.
    #[must_use]
    pub fn new(chain_id: ChainId, signer: Signer) -> Self {
        Self::resume(Head { chain_id, sequence_number: 0, signature: Signature::NONE }, signer)
    }

    /// Goes on with a chain behind its last record.
    #[must_use]
    pub fn resume(head: Head, signer: Signer) -> Self {
        let key_id = match &signer {
            Signer::Hmac(key) => Some(key.id().as_str()),
            Signer::Digest => None,
        };
        let parts = Template::new(&head.chain_id, key_id);
        Self { previous: head.signature.hex(), text: Vec::with_capacity(256), parts, signer, head }
    }

    /// Appends the sealed record of an event, a line with its newline, to `out`.
    ///
    /// `event` has to be canonical JSON, and `digest` its hash: callers hash their own events in
    /// parallel, and the one who seals is left a small fixed cost.
    pub fn seal(&mut self, event: &[u8], digest: &EventDigest, out: &mut Vec<u8>) {
        let mut digits = [0; 20];
        let number = decimal(self.head.sequence_number + 1, &mut digits);
        self.parts.signed_text(number, &self.previous, digest, &mut self.text);
        let signature = Signature(self.signer.sign(&self.text));
        let hex = signature.hex();
        out.reserve(event.len() + self.parts.overhead() + 32);
        out.extend_from_slice(OPEN);
        out.extend_from_slice(event);
        self.parts.integrity(number, &self.previous, &hex, out);
        out.push(b'\n');
        self.head.sequence_number += 1;
        self.head.signature = signature;
        self.previous = hex;
    }

    /// The last record sealed.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Goes back to an earlier head of this chain: the records sealed since were not stored.
    pub fn rewind(&mut self, head: Head) {
        self.previous = head.signature.hex();
        self.head = head;
    }

    /// How it signs.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }
}

/// What a sealed line begins with.
pub(crate) const OPEN: &[u8] = b"{\"event\":";
const AFTER_PREVIOUS: &[u8] = b"\",\"sequence_number\":";
const AFTER_NUMBER: &[u8] = b",\"signature\":\"sha256:";
const CLOSE: &[u8] = b"\"}}";

/// The constant parts of a chain's sealed lines, shared by sealing and verifying.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// `audit-log/v1`, the chain id, and a newline after each.
    text_start: Vec<u8>,
    /// From the end of the event to the previous signature's digits.
    before_previous: Vec<u8>,
}

impl Template {
    pub(crate) fn new(chain_id: &ChainId, key_id: Option<&str>) -> Self {
        let key = key_id.map(|id| format!("\"key_id\":\"{id}\",")).unwrap_or_default();
        Self {
            text_start: format!("audit-log/v1\n{chain_id}\n").into_bytes(),
            before_previous: format!(
                ",\"integrity\":{{\"chain_id\":\"{chain_id}\",{key}\"previous_signature\":\"{PREFIX}"
            )
            .into_bytes(),
        }
    }

    /// The text that is signed: five parts joined by newlines.
    pub(crate) fn signed_text(
        &self,
        number: &[u8],
        previous: &[u8; 64],
        digest: &EventDigest,
        text: &mut Vec<u8>,
    ) {
        let mut event = [0; 64];
        HEXLOWER.encode_mut(&digest.0, &mut event);
        text.clear();
        for part in [&self.text_start, number, b"\nsha256:", previous, b"\nsha256:", &event] {
            text.extend_from_slice(part);
        }
    }

    fn integrity(&self, number: &[u8], previous: &[u8; 64], signature: &[u8; 64], out: &mut Vec<u8>) {
        for part in
            [&self.before_previous, previous as &[u8], AFTER_PREVIOUS, number, AFTER_NUMBER, signature, CLOSE]
        {
            out.extend_from_slice(part);
        }
    }

    fn overhead(&self) -> usize {
        OPEN.len()
            + self.before_previous.len()
            + 64
            + AFTER_PREVIOUS.len()
            + AFTER_NUMBER.len()
            + 64
            + CLOSE.len()
    }

    /// Takes apart a line (without its newline) that was sealed with these parts and that sequence number and
    /// previous signature: the event, and the signature's digits. `None` when it is any other line.
    pub(crate) fn split<'a>(
        &self,
        line: &'a [u8],
        number: &[u8],
        previous: &[u8; 64],
    ) -> Option<(&'a [u8], &'a [u8])> {
        let event_end = line.len().checked_sub(self.overhead() + number.len() - OPEN.len())?;
        let (start, mut rest) = line.split_at(event_end);
        let event = start.strip_prefix(OPEN)?;
        for part in [&self.before_previous, previous as &[u8], AFTER_PREVIOUS, number, AFTER_NUMBER] {
            rest = rest.strip_prefix(part)?;
        }
        let signature = rest.strip_suffix(CLOSE)?;
        Some((event, signature))
    }
}

/// `number` in decimal, in the end of `digits`.
pub(crate) fn decimal(number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(rest % 10).expect("a remainder of ten is one digit");
        rest /= 10;
        if rest == 0 {
            return &digits[start..];
        }
    }
}

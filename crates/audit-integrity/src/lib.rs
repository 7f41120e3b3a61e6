#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod chain;
mod head;
mod key;
mod record;
mod seal;
mod source;
mod verify;
#[cfg(feature = "compression")]
mod zstd;

pub use chain::{ChainId, ChainIdError, EventDigest, Signature, SignatureError};
pub use head::{Head, HeadError};
pub use key::{Key, KeyError, KeyId, KeyRing};
pub use record::{Integrity, RecordError, SealedRecord};
pub use seal::{Sealer, Signer};
pub use secrecy::{ExposeSecret, SecretString};
pub use source::{decompress, open_log};
pub use verify::{ChainReport, Finding, Repeated, Report, UnreadableFile, Verdict, Verifier};

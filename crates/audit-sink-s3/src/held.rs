use aws_sdk_s3::operation::head_object::HeadObjectOutput;

use crate::body::Fingerprint;

/// The metadata that names the object's SHA-256 in hex, for servers that keep no checksums.
pub(crate) const SHA256: &str = "sha256";

/// What a key holds, as far as one may see.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Same,
    Other,
    /// It may not be read, as is right for who only writes; or the server says nothing that tells.
    Unreadable,
}

impl Held {
    /// The checksum is what the server found, the metadata what a writer said: it counts where there is no checksum.
    pub(crate) fn compared(found: &HeadObjectOutput, sent: &Fingerprint) -> Self {
        let length = found.content_length().is_none_or(|length| u64::try_from(length) == Ok(sent.length));
        let checksum = found.checksum_sha256().map(|checksum| checksum == sent.base64());
        let said = || Some(*found.metadata()?.get(SHA256)? == sent.hex());
        match (length, checksum.or_else(said)) {
            (false, _) | (_, Some(false)) => Self::Other,
            (true, Some(true)) => Self::Same,
            (true, None) => Self::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::operation::head_object::HeadObjectOutput;

    use super::{Held, SHA256};
    use crate::body::Fingerprint;

    #[test]
    fn a_checksum_counts_more_than_metadata_and_the_length_always() {
        let print = |sha256| Fingerprint { length: 3, sha256 };
        let (sent, right, wrong) = (print([1; 32]), Some(print([1; 32])), Some(print([2; 32])));
        for (length, checksum, metadata, held) in [
            (Some(3), right, right, Held::Same),
            (Some(3), right, wrong, Held::Same),
            (Some(3), right, None, Held::Same),
            (Some(3), wrong, right, Held::Other),
            (Some(3), None, right, Held::Same),
            (Some(3), None, wrong, Held::Other),
            (Some(3), None, None, Held::Unreadable),
            (Some(4), None, right, Held::Other),
            (Some(4), None, None, Held::Other),
            (Some(-1), right, right, Held::Other),
            (None, right, None, Held::Same),
            (None, None, None, Held::Unreadable),
        ] {
            let mut found = HeadObjectOutput::builder()
                .set_content_length(length)
                .set_checksum_sha256(checksum.as_ref().map(Fingerprint::base64));
            if let Some(said) = metadata {
                found = found.metadata(SHA256, said.hex());
            }
            let compared = Held::compared(&found.build(), &sent);
            assert_eq!(compared, held, "{length:?} {checksum:?} {metadata:?}");
        }
    }
}

use std::fmt::Write as _;

use audit_sink::Record;
use sha2::{Digest as _, Sha256};

/// The value of `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07 §2: a string of RFC 8941, quoted):
/// `"<chain>-<first number>-<last number>-<16 hex digits of the body's SHA-256>"`.
///
/// The same records make the same key. The digest keeps two requests with one range but different content apart: those of
/// a chain that was begun anew under its old name, or of another encoding, which a receiver would drop as repeated.
pub(crate) fn key(chain_id: &str, records: &[Record], uncompressed_body: &[u8]) -> String {
    let first = records.first().map_or(0, |record| record.sequence_number);
    let last = records.last().map_or(0, |record| record.sequence_number);
    let digest = Sha256::digest(uncompressed_body);
    format!("\"{}-{first}-{last}-{}\"", escaped(chain_id), const_hex::encode(&digest[..8]))
}

/// RFC 3986 §2.1, for everything that could end the string or is no ASCII.
fn escaped(chain_id: &str) -> String {
    let mut text = String::with_capacity(chain_id.len());
    for byte in chain_id.bytes() {
        match byte {
            b'"' | b'\\' | b'%' | 0..=b' ' | 0x7f.. => {
                let _ = write!(text, "%{byte:02X}");
            }
            _ => text.push(char::from(byte)),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use audit_sink::Record;

    use super::key;

    #[test]
    fn the_key_is_a_quoted_string_of_chain_range_and_digest() {
        let record = |sequence_number| Record { sequence_number, ..Record::default() };
        let records = [record(17), record(20)];
        // printf test | sha256sum
        assert_eq!(key("orders", &records, b"test"), r#""orders-17-20-9f86d081884c7d65""#);
        assert_eq!(
            key("a\"b\\ü%\n", &records[..1], b"test"),
            r#""a%22b%5C%C3%BC%25%0A-17-17-9f86d081884c7d65""#
        );
        assert_ne!(key("orders", &records, b"test"), key("orders", &records, b"Test"));
    }
}

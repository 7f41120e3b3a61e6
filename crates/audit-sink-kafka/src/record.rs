//! A record as Kafka frames it: its headers, and how many bytes it takes on the wire.

use audit_sink::Record;
use rdkafka::message::{Header, OwnedHeaders};

const EVENT_TYPE: &str = "event_type";
const EVENT_ID: &str = "event_id";
const SEQUENCE_NUMBER: &str = "sequence_number";

/// Base offset, length, leader epoch, magic, checksum, attributes, last offset delta, two timestamps, producer id,
/// producer epoch, base sequence and count: <https://kafka.apache.org/documentation/#recordbatch>.
const BATCH_HEADER_BYTES: usize = 61;

/// What lets a consumer route and deduplicate without parsing the record.
pub(crate) fn headers(record: &Record) -> OwnedHeaders {
    OwnedHeaders::new_with_capacity(3)
        .insert(Header { key: EVENT_TYPE, value: Some(&record.event_type) })
        .insert(Header { key: EVENT_ID, value: Some(&record.event_id) })
        .insert(Header { key: SEQUENCE_NUMBER, value: Some(&record.sequence_number.to_string()) })
}

/// The bytes of a record batch, uncompressed, that holds this record and no other: what the broker compares with its
/// `message.max.bytes`, or less if compression helped.
pub(crate) fn batch_bytes(chain_id: &str, record: &Record) -> usize {
    let number_digits = record.sequence_number.checked_ilog10().unwrap_or(0) as usize + 1;
    let headers = header_bytes(EVENT_TYPE, record.event_type.len())
        + header_bytes(EVENT_ID, record.event_id.len())
        + header_bytes(SEQUENCE_NUMBER, number_digits);
    // Attributes, timestamp delta, offset delta and count of headers are one byte each.
    let body = 4 + counted(chain_id.len()) + counted(record.bytes.len()) + headers;
    BATCH_HEADER_BYTES + counted(body)
}

fn header_bytes(key: &str, value_length: usize) -> usize {
    counted(key.len()) + counted(value_length)
}

/// Bytes with their number before them, a varint in zigzag encoding.
fn counted(length: usize) -> usize {
    let bits = usize::BITS - (length << 1).leading_zeros();
    (bits.max(1) as usize).div_ceil(7) + length
}

#[cfg(test)]
mod tests {
    use audit_sink::Record;
    use proptest::prelude::*;

    use super::{batch_bytes, counted};

    #[test]
    fn a_length_is_a_zigzag_varint() {
        // One bit goes to the sign: https://protobuf.dev/programming-guides/encoding/#signed-ints
        let prefix = |length: usize| counted(length) - length;
        assert_eq!([0, 1, 63, 64, 8191, 8192, 1_048_575, 1_048_576].map(prefix), [1, 1, 1, 2, 2, 3, 3, 4]);
    }

    #[test]
    fn a_record_batch_of_one() {
        // What `kafka.tools.DumpLogSegments` says of the log after this record was sent uncompressed: `size: 119`.
        let record = Record {
            sequence_number: 1,
            event_id: "evt_1".into(),
            event_type: "a.b".into(),
            bytes: b"{}".to_vec(),
            ..Record::default()
        };
        assert_eq!(batch_bytes("c", &record), 119);
    }

    proptest! {
        #[test]
        fn as_many_bytes_as_an_encoder_writes(
            chain_id in ".{0,80}", event_id in ".{0,80}", event_type in ".{0,80}",
            sequence_number: u64, length in 0_usize..20_000,
        ) {
            let record = Record { sequence_number, event_id, event_type, bytes: vec![7; length], ..Record::default() };
            prop_assert_eq!(batch_bytes(&chain_id, &record), 61 + encoded(&chain_id, &record).len());
        }
    }

    /// A record in the words of <https://kafka.apache.org/documentation/#record>.
    fn encoded(chain_id: &str, record: &Record) -> Vec<u8> {
        let mut body = vec![0];
        varint(&mut body, 0);
        varint(&mut body, 0);
        counted_bytes(&mut body, chain_id.as_bytes());
        counted_bytes(&mut body, &record.bytes);
        varint(&mut body, 3);
        let number = record.sequence_number.to_string();
        for (key, value) in
            [("event_type", &record.event_type), ("event_id", &record.event_id), ("sequence_number", &number)]
        {
            counted_bytes(&mut body, key.as_bytes());
            counted_bytes(&mut body, value.as_bytes());
        }
        let mut whole = Vec::new();
        counted_bytes(&mut whole, &body);
        whole
    }

    fn counted_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
        varint(to, bytes.len() as i64);
        to.extend_from_slice(bytes);
    }

    fn varint(to: &mut Vec<u8>, value: i64) {
        let mut rest = ((value << 1) ^ (value >> 63)) as u64;
        while rest >= 0x80 {
            to.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        to.push(rest as u8);
    }
}

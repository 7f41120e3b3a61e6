use std::fmt;

use audit_sink::Batch;
use jiff::Timestamp;

use crate::Compression;

/// An object's key, made of its batch alone, so that the same batch has the same key again.
///
/// The folders are Hive's way of writing partitions, which Athena, Glue and Spark take as columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObjectName {
    stem: String,
    extension: &'static str,
}

impl ObjectName {
    /// `None` for a batch of no records.
    pub(crate) fn of(batch: &Batch, prefix: &str, compression: Compression) -> Option<Self> {
        let (first, last) = (batch.records.first()?, batch.records.last()?);
        let time = Timestamp::from_millisecond(first.timestamp_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let stem = format!(
            "{}chain={}/{}/{:012}-{:012}.{}",
            folder(prefix),
            chain(&batch.chain_id),
            time.strftime("year=%Y/month=%m/day=%d"),
            first.sequence_number,
            last.sequence_number,
            time.strftime("%Y%m%dT%H%M%SZ"),
        );
        Some(Self { stem, extension: compression.extension() })
    }

    /// A key beside this one, for content that is not what this key holds.
    pub(crate) fn beside(&self, sha256: &[u8; 32]) -> Self {
        Self { stem: format!("{}~{}", self.stem, const_hex::encode(&sha256[..6])), extension: self.extension }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.ndjson{}", self.stem, self.extension)
    }
}

/// What all keys of ours begin with, and nobody else's.
#[cfg(feature = "retention")]
pub(crate) fn chains(prefix: &str) -> String {
    format!("{}chain=", folder(prefix))
}

/// What the keys begin with that mark the legal holds that we placed, beside the folders of the chains.
#[cfg(feature = "retention")]
pub(crate) fn legal_holds(prefix: &str) -> String {
    format!("{}legal-holds/", folder(prefix))
}

/// What marks that we placed a legal hold on this version.
#[cfg(feature = "retention")]
pub(crate) fn legal_hold(prefix: &str, key: &str, version: &str) -> String {
    let key = key.strip_prefix(&folder(prefix)).unwrap_or(key);
    format!("{}{key}/{version}", legal_holds(prefix))
}

/// The key and the version that such a mark is for.
#[cfg(feature = "retention")]
pub(crate) fn legally_held(prefix: &str, mark: &str) -> Option<(String, String)> {
    let (key, version) = mark.strip_prefix(&legal_holds(prefix))?.rsplit_once('/')?;
    Some((format!("{}{key}", folder(prefix)), version.to_owned()))
}

/// When the first record was logged, as a key of ours says it.
#[cfg(feature = "retention")]
pub(crate) fn first_time(key: &str) -> Option<Timestamp> {
    let (_, time) = key.rsplit('/').next()?.split_once('.')?;
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", time.get(..16)?).ok()?;
    time.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|time| time.timestamp())
}

/// A key where nothing is ever put, in the same place as the others, so that the same permissions hold.
pub(crate) fn probe(prefix: &str) -> String {
    format!("{}chain=__check__/never-written.ndjson", folder(prefix))
}

/// A leading slash would make a folder without a name.
fn folder(prefix: &str) -> String {
    match prefix.trim_matches('/') {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    }
}

/// A chain's id in characters that keys, folders, headers and partitions take as they are; the others as `%` and two hex digits, as
/// Hive writes them; no id as Hive writes no value.
pub(crate) fn chain(id: &str) -> String {
    if id.is_empty() {
        return "__HIVE_DEFAULT_PARTITION__".to_owned();
    }
    let mut escaped = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use audit_sink::{Batch, Record};
    use proptest::prelude::*;

    use super::{ObjectName, chain, probe};
    use crate::Compression;

    fn batch(chain_id: &str, first: u64, last: u64, timestamp_ms: i64) -> Batch {
        let record = |sequence_number| Record { sequence_number, timestamp_ms, ..Record::default() };
        Batch { chain_id: chain_id.to_owned(), records: vec![record(first), record(last)] }
    }

    fn key(batch: &Batch, prefix: &str, compression: Compression) -> String {
        ObjectName::of(batch, prefix, compression).expect("the batch has records").to_string()
    }

    /// 2026-11-22T23:59:59.999Z
    const NIGHT: i64 = 1_795_391_999_999;

    #[test]
    fn a_key_names_chain_day_range_and_time() {
        let batch = batch("orders-1", 7, 1234, NIGHT);
        let rest =
            "chain=orders-1/year=2026/month=11/day=22/000000000007-000000001234.20261122T235959Z.ndjson";
        assert_eq!(key(&batch, "", Compression::None), rest);
        assert_eq!(key(&batch, "/", Compression::Gzip), format!("{rest}.gz"));
        assert_eq!(key(&batch, "audit/prod", Compression::Zstd), format!("audit/prod/{rest}.zst"));
        assert_eq!(key(&batch, "/audit/prod/", Compression::None), format!("audit/prod/{rest}"));
        let name = ObjectName::of(&batch, "", Compression::Gzip).expect("the batch has records");
        assert!(name.beside(&[0xab; 32]).to_string().ends_with("T235959Z~abababababab.ndjson.gz"));
        assert_eq!(ObjectName::of(&Batch::default(), "", Compression::None), None);
        assert_eq!(probe("audit/"), "audit/chain=__check__/never-written.ndjson");
    }

    #[test]
    fn times_that_no_calendar_has_still_get_a_key() {
        assert!(key(&batch("c", 1, 1, i64::MAX), "", Compression::None).contains("/year=1970/"));
        assert!(key(&batch("c", 1, 1, -1), "", Compression::None).contains("/year=1969/month=12/day=31/"));
    }

    #[test]
    #[cfg(feature = "retention")]
    fn a_key_tells_its_time_and_a_mark_its_key() {
        use super::{first_time, legal_hold, legally_held};

        let batch = batch("orders/1", 7, 1234, NIGHT);
        let name = ObjectName::of(&batch, "a/b/", Compression::Gzip).expect("the batch has records");
        for key in [name.to_string(), name.beside(&[0xab; 32]).to_string()] {
            assert_eq!(first_time(&key).map(|time| time.as_millisecond()), Some(NIGHT / 1000 * 1000));
            for prefix in ["a/b", "", "a"] {
                let mark = legal_hold(prefix, &key, "v-1.x");
                assert_eq!(legally_held(prefix, &mark), Some((key.clone(), "v-1.x".to_owned())), "{mark}");
            }
        }
        for key in ["", "a/b", "1-2.20261122T235959", "1-2.20261322T235959Z", "1-2.éééééééééééééééé"]
        {
            assert_eq!(first_time(key), None);
        }
        assert_eq!(legally_held("a", "a/legal-holds/lost"), None);
        assert_eq!(legally_held("a", "b/legal-holds/x/y"), None);
    }

    proptest! {
        #[test]
        fn two_chains_never_share_a_folder(a in ".{0,12}", b in ".{0,12}") {
            prop_assert_eq!(a == b, chain(&a) == chain(&b));
            prop_assert!(chain(&a).bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'));
        }

        #[test]
        fn keys_of_a_day_sort_as_the_chain(first in 1u64..999_999_999_999, next in 1u64..999_999_999_999) {
            let of = |first| key(&batch("c", first, first, NIGHT), "", Compression::Gzip);
            prop_assert_eq!(first.cmp(&next), of(first).cmp(&of(next)));
        }
    }
}

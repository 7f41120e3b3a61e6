//! docs/test-vectors, made by a program that shares no code with this crate.
#![allow(clippy::unwrap_used)]

mod log;

use std::path::{Path, PathBuf};

use audit_integrity::{EventDigest, Head, Key, KeyRing, SealedRecord, Sealer, Signer, Verdict::*, Verifier};
use audit_model::{Value, canonical_json, parse_json};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/test-vectors").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

fn key(name: &str) -> Key {
    Key::from_text(&read(name).into()).unwrap()
}

fn vectors() -> Value {
    serde_json::from_str(&read("vectors.json")).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The keys that a chain was sealed with, and the one of its record `number`.
fn keys_of(chain: &Value) -> KeyRing {
    chain["keys"].as_array().unwrap().iter().map(|file| key(text(file))).collect()
}

#[test]
fn key_ids() {
    let vectors = vectors();
    for vector in vectors["keys"].as_array().unwrap() {
        let key = key(text(&vector["file"]));
        assert_eq!(key.id().as_str(), text(&vector["key_id"]));
        let bytes = const_hex::decode(text(&vector["hex"])).unwrap();
        assert_eq!(Key::from_bytes(&bytes).unwrap().id(), key.id());
    }
}

#[test]
fn every_record_seals_to_the_published_line() {
    for chain in vectors()["chains"].as_array().unwrap() {
        let lines = read(text(&chain["file"]));
        let keys = keys_of(chain);
        let mut sealer = Sealer::new(text(&chain["chain_id"]).parse().unwrap(), Signer::Digest);
        for (vector, published) in
            chain["records"].as_array().unwrap().iter().zip(lines.split_inclusive('\n'))
        {
            let record = SealedRecord::parse(published.as_bytes()).unwrap();
            let number = Some(record.integrity.sequence_number);
            assert_eq!(SealedRecord::sequence_number_of(published.trim_end().as_bytes()), number);
            let signer = match &record.integrity.key_id {
                Some(id) => Signer::Hmac(keys.get(id.as_str()).unwrap().clone()),
                None => Signer::Digest,
            };
            sealer = Sealer::resume(sealer.head().clone(), signer);

            let event = canonical_json(&parse_json(text(&vector["input"]).as_bytes()).unwrap()).unwrap();
            assert_eq!(std::str::from_utf8(&event).unwrap(), text(&vector["canonical_event"]));
            let digest = EventDigest::of(&event);
            assert_eq!(format!("{digest:?}"), text(&vector["event_sha256"]));
            if let Signer::Hmac(key) = sealer.signer() {
                let signature = key.authenticate(text(&vector["signed_text"]).as_bytes());
                assert_eq!(format!("sha256:{}", const_hex::encode(signature)), text(&vector["signature"]));
            }
            let mut line = Vec::new();
            sealer.seal(&event, &digest, &mut line);
            assert_eq!(std::str::from_utf8(&line).unwrap(), published);
            assert_eq!(record.event, event);
            assert_eq!(record.integrity.signature.to_string(), text(&vector["signature"]));
            assert_eq!(record.is_authentic(&keys), Some(true));
        }

        let content = text(&chain["head"]["content"]);
        let head = Head::from_json(content.as_bytes(), &keys).unwrap();
        assert_eq!(&head, sealer.head());
        assert_eq!(head.to_json(sealer.signer()), content.as_bytes());
        let report = Verifier::new(keys).expect_head(head).verify(&[path(text(&chain["file"]))]).unwrap();
        let report = log::only_chain(report);
        assert_eq!((report.verdict, report.anchored), (IntactOpen, true), "{report:#?}");
    }
}

#[test]
fn without_the_right_key_it_is_the_wrong_key() {
    let verify = |file: &str, keys: &[&str]| {
        let ring = keys.iter().map(|name| key(name)).collect();
        log::only_chain(Verifier::new(ring).verify(&[path(file)]).unwrap())
    };
    assert_eq!(verify("rotated-keys.ndjson", &["key.txt", "key-old.txt"]).verdict, IntactOpen);
    let report = verify("rotated-keys.ndjson", &["key.txt"]);
    log::assert_found(&report, WrongKey, &[(WrongKey, None, Some(1), Some((1, 3)))]);
    assert_eq!(verify("sealed.ndjson", &["key-old.txt"]).verdict, WrongKey);
    assert_eq!(verify("sealed.ndjson", &[]).verdict, WrongKey);
    assert_eq!(verify("chain-only.ndjson", &["key.txt"]).verdict, WrongKey);
    assert_eq!(verify("chain-only.ndjson", &[]).verdict, IntactOpen);
}

#[test]
fn a_head_that_was_changed_is_refused() {
    let vectors = vectors();
    let chain = &vectors["chains"][0];
    let content = text(&chain["head"]["content"]);
    let keys = keys_of(chain);
    for at in 0..content.len() {
        for bit in 0..8 {
            let mut changed = content.as_bytes().to_vec();
            changed[at] ^= 1 << bit;
            assert!(Head::from_json(&changed, &keys).is_err(), "byte {at} bit {bit}");
        }
    }
    assert!(Head::from_json(content.as_bytes(), &KeyRing::new()).is_err());
    assert!(Head::from_json(content.as_bytes(), &[key("key-old.txt")].into_iter().collect()).is_err());
}

#[test]
fn lines_that_are_no_records_have_no_number() {
    let line = read("sealed.ndjson").lines().next().unwrap().to_owned();
    let of = |line: &str| SealedRecord::sequence_number_of(line.as_bytes());
    assert_eq!(of(&line), Some(1));
    for other in [
        "",
        "}}",
        &line[1..line.len() - 1],
        &line.replace("\"sequence_number\":1", "\"sequence_number\":0"),
        &line.replace("\"sequence_number\":1", "\"sequence_number\":9007199254740992"),
        &line.replace("\"sequence_number\":1", "\"sequence_number\":"),
        &line.replace("\"sequence_number\":", "\"number\":"),
    ] {
        assert_eq!(of(other), None, "{other}");
    }
}

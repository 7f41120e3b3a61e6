//! Whatever a file holds, the verifier says something and comes to an end.
#![allow(clippy::unwrap_used)]

mod log;

use log::*;
use proptest::prelude::*;

/// Pieces that a file is put together from: nonsense, and records in any order.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let lines = open(6).0;
    let numbers = [0, 1, 2, 7, u64::MAX - 1, u64::MAX, 1 << 53, (1 << 53) - 1];
    let claim = move |number: u64, id: bool, line: Line| {
        let text = String::from_utf8(line)
            .unwrap()
            .replace("\"sequence_number\":3", &format!("\"sequence_number\":{number}"));
        let key_id = key("k").id().to_string();
        if id { text.into_bytes() } else { text.replace(&key_id, "0000000000000000").into_bytes() }
    };
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60),
        prop::sample::select(lines.clone()),
        (prop::sample::select(lines.clone()), any::<prop::sample::Index>(), any::<u8>()).prop_map(
            |(mut line, at, byte)| {
                let at = at.index(line.len());
                line[at] = byte;
                line
            }
        ),
        (prop::sample::select(numbers.to_vec()), any::<bool>(), Just(lines[2].clone()))
            .prop_map(move |(number, id, line)| claim(number, id, line)),
        Just(b"\n".to_vec()),
    ]
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    (
        prop::sample::select(vec![
            &b""[..],
            b"\x1f\x8b",
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
            b"\x28\xb5\x2f\xfd",
            b"\x28\xb5\x2f\xfd\x04\x58",
        ]),
        prop::collection::vec(piece(), 0..12),
        0..4,
    )
        .prop_map(|(magic, pieces, packing)| match packing {
            0 => gzip(&pieces.concat()),
            1 => zstd(&pieces.concat()),
            _ => [magic.to_vec(), pieces.concat()].concat(),
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_bytes(contents in prop::collection::vec(content(), 1..4), threads in 1_usize..3, with_head in any::<bool>()) {
        let verifier = verifier().threads(threads);
        let verifier = if with_head { verifier.expect_head(open(6).1) } else { verifier };
        let report = report_of(&verifier, &contents);
        for chain in &report.chains {
            prop_assert_eq!(chain.verdict.is_intact(), chain.findings.is_empty());
            prop_assert_eq!(chain.findings.iter().map(|finding| finding.verdict).min(),
                Some(chain.verdict).filter(|verdict| !verdict.is_intact()));
            prop_assert!(chain.records <= 6);
        }
    }

    #[test]
    fn any_bytes_as_a_record_or_a_head(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = audit_integrity::SealedRecord::parse(&bytes);
        prop_assert!(audit_integrity::Head::from_json(&bytes, &ring(&["k"])).is_err());
    }

    #[test]
    fn any_text_as_a_key(text in any::<String>()) {
        let _ = audit_integrity::Key::from_text(&text.into());
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error_that_names_it() {
    let error = verifier().verify(&["/nonexistent/audit.log"]).unwrap_err();
    assert!(error.to_string().starts_with("/nonexistent/audit.log: cannot be read: "), "{error}");
    let directory = tempfile::tempdir().unwrap();
    assert!(verifier().verify(&[directory.path()]).is_err());
}

#[test]
fn a_line_of_more_than_64_mib_is_damage() {
    let lines = open(3).0;
    let giant = vec![b'x'; 66 << 20];
    let content = [&lines[0][..], &giant, b"\n", &lines[1], &lines[2]].concat();
    let chain = only_chain(report_of(&verifier(), &[content]));
    assert_found(
        &chain,
        audit_integrity::Verdict::Inserted,
        &[at(audit_integrity::Verdict::Inserted, 2, None)],
    );
    assert_eq!(chain.records, 3);
}

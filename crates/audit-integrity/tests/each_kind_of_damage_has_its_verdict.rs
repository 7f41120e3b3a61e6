//! Damage of every kind, one at a time: the verdict, and exactly where.
#![allow(clippy::unwrap_used)]

mod log;

use audit_integrity::{ChainReport, Head, Repeated, SealedRecord, Sealer, Signature, Verdict::*, Verifier};
use log::*;

fn replaced(line: &[u8], from: &str, to: &str) -> Line {
    let text = std::str::from_utf8(line).unwrap();
    assert!(text.contains(from), "{text}");
    text.replacen(from, to, 1).into_bytes()
}

#[test]
fn a_closed_chain_is_intact_and_one_without_a_close_record_is_open() {
    let (lines, head) = closed(5);
    let report = judge(&verifier(), &lines);
    assert_found(&report, Intact, &[]);
    assert_eq!((report.records, report.duplicates, report.range), (5, 0, Some((1, 5))));
    assert_eq!((report.head, report.signed, report.anchored), (Some(head.clone()), true, false));
    let report = judge(&verifier().expect_head(head), &lines);
    assert_found(&report, Intact, &[]);
    assert!(report.anchored);
    assert_found(&judge(&verifier(), &open(5).0), IntactOpen, &[]);
}

#[test]
fn an_edited_event_is_edited_wherever_it_stands() {
    for number in 1..=5 {
        let (mut lines, head) = open(5);
        lines[number - 1] = replaced(&lines[number - 1], "backup.started", "backup.skipped");
        let n = number as u64;
        for verifier in [verifier(), verifier().expect_head(head)] {
            let report = judge(&verifier, &lines);
            assert_found(&report, Edited, &[at(Edited, n, (n, n))]);
            assert_eq!(report.records, 4);
        }
    }
}

#[test]
fn several_edited_records_are_told_apart() {
    let (mut lines, _) = open(9);
    for n in [2, 3, 6] {
        lines[n - 1] = replaced(&lines[n - 1], "backup.started", "backup.skipped");
    }
    assert_found(&judge(&verifier(), &lines), Edited, &[at(Edited, 2, (2, 3)), at(Edited, 6, (6, 6))]);
}

#[test]
fn an_edited_seal_is_an_edited_record() {
    let key_id = key("k").id().to_string();
    for (from, to) in [
        ("\"chain_id\":\"c\"", "\"chain_id\":\"d\""),
        ("\"sequence_number\":3", "\"sequence_number\":4"),
        ("\"sequence_number\":3", "\"sequence_number\":0"),
        ("\"sequence_number\":3", "\"sequence_number\":18446744073709551615"),
        ("\"sequence_number\":3", "\"sequence_number\":\"3\""),
        (key_id.as_str(), "0123456789abcdef"),
        (&format!("\"key_id\":\"{key_id}\","), ""),
        ("\"signature\":\"sha256:", "\"signature\":\"sha512:"),
        ("{\"event\":", "{\"Event\":"),
        ("\"integrity\":", "\"integritz\":"),
    ] {
        let (mut lines, _) = open(5);
        lines[2] = replaced(&lines[2], from, to);
        assert_found(&judge(&verifier(), &lines), Edited, &[at(Edited, 3, (3, 3))]);
    }
}

#[test]
fn a_name_given_twice_is_found() {
    let fake = r#"{"event_type":"backup.skipped"}"#;
    let (lines, _) = open(3);
    let real = std::str::from_utf8(&lines[1]).unwrap().trim_end();
    let (event, integrity) = real[1..real.len() - 1].split_once(",\"integrity\":").unwrap();
    for attack in [
        format!("{{{event},\"integrity\":{integrity},\"event\":{fake}}}\n"),
        format!("{{\"event\":{fake},{event},\"integrity\":{integrity}}}\n"),
        format!("{{{event},\"\\u0065vent\":{fake},\"integrity\":{integrity}}}\n"),
        format!("{{{event},\"extra\":{fake},\"integrity\":{integrity}}}\n"),
        format!("{{{event},\"integrity\":{integrity},\"integrity\":{integrity}}}\n"),
        real.replacen("\"event_type\"", "\"event_type\":\"backup.skipped\",\"event_type\"", 1) + "\n",
        format!("{real}{{\"event\":{fake}}}\n"),
    ] {
        let lines = [lines[0].clone(), attack.into_bytes(), lines[2].clone()];
        assert_found(&judge(&verifier(), &lines), Edited, &[at(Edited, 2, (2, 2))]);
    }
}

#[test]
fn records_that_are_not_there_are_missing() {
    let (mut lines, _) = closed(9);
    lines.drain(3..6);
    let report = judge(&verifier(), &lines);
    assert_found(&report, Missing, &[at(Missing, 4, (4, 6))]);
    assert_eq!((report.records, report.range), (6, Some((1, 9))));
    lines.remove(1);
    assert_found(&judge(&verifier(), &lines), Missing, &[at(Missing, 2, (2, 2)), at(Missing, 3, (4, 6))]);
}

#[test]
fn two_records_that_changed_places_are_reordered() {
    let (mut lines, _) = open(6);
    lines.swap(2, 3);
    assert_found(&judge(&verifier(), &lines), Reordered, &[at(Reordered, 4, (3, 3))]);
    let (mut lines, _) = open(9);
    lines.swap(1, 6);
    let found = [at(Reordered, 7, (2, 2)), at(Reordered, 3, (3, 6))];
    assert_found(&judge(&verifier(), &lines), Reordered, &found);
    let (mut lines, _) = open(3);
    lines.reverse();
    assert_found(
        &judge(&verifier(), &lines),
        Reordered,
        &[at(Reordered, 3, (1, 1)), at(Reordered, 2, (2, 2))],
    );
}

#[test]
fn records_that_changed_places_between_files_are_reordered() {
    let (mut lines, _) = open(12);
    lines.swap(5, 6);
    let report = only_chain(report_of(&verifier(), &[lines[..6].concat(), lines[6..].concat()]));
    assert_eq!(report.verdict, Reordered, "{report:#?}");
    lines.swap(5, 6);
    lines.swap(2, 9);
    let report = only_chain(report_of(&verifier(), &[lines[..6].concat(), lines[6..].concat()]));
    assert_eq!(report.verdict, Reordered, "{report:#?}");
}

/// Nor is what follows it blamed, which is where it belongs.
#[test]
fn what_comes_too_early_and_again_in_its_place_is_reordered() {
    let (lines, _) = open(42);
    let verify = |early: &[u64]| {
        let early = early.iter().map(|n| lines[*n as usize - 1].clone()).collect();
        judge(&verifier(), &[lines[..9].to_vec(), early, lines[9..].to_vec()].concat())
    };
    let report = verify(&[21]);
    assert_found(&report, Reordered, &[at(Reordered, 10, (21, 21))]);
    assert_eq!(report.findings[0].message, "record 21: before record 10, and again behind it");
    let report = verify(&[21, 30, 31, 25]);
    let found = [at(Reordered, 10, (21, 21)), at(Reordered, 13, (25, 25)), at(Reordered, 11, (30, 31))];
    assert_found(&report, Reordered, &found);
    let report = verify(&[21, 3]);
    assert_found(&report, Reordered, &[at(Reordered, 10, (21, 21))]);
}

#[test]
fn what_comes_again_is_told_with_its_places() {
    let (lines, _) = open(42);
    let places = |report: &ChainReport| -> Vec<_> {
        let place = |again: &Repeated| (again.file.ends_with("1"), again.line, again.records);
        report.repeated.iter().map(place).collect()
    };
    let again = [&lines[..9], &lines[4..20], &lines[10..12], &lines[20..]].concat();
    let report = judge(&verifier(), &again);
    assert_found(&report, IntactOpen, &[]);
    assert_eq!(places(&report), [(false, 10, (5, 9)), (false, 26, (11, 12))]);
    let report = only_chain(report_of(&verifier(), &[lines[..30].concat(), lines[25..].concat()]));
    assert_eq!((places(&report), report.duplicates), (vec![(true, 1, (26, 30))], 5));
    let twice: Vec<_> = lines.iter().flat_map(|line| [line.clone(), line.clone()]).collect();
    let report = judge(&verifier(), &twice);
    assert_eq!((report.repeated.len(), report.duplicates), (20, 42));
    assert_eq!(places(&report)[..2], [(false, 2, (1, 1)), (false, 4, (2, 2))]);
}

#[test]
fn what_comes_again_is_a_duplicate_and_no_damage() {
    let (lines, _) = closed(6);
    let order = |numbers: &[usize]| numbers.iter().map(|n| lines[n - 1].clone()).collect::<Vec<_>>();
    for (numbers, duplicates) in [
        (vec![1, 2, 2, 3, 4, 5, 6], 1),
        (vec![1, 2, 2, 2, 2, 3, 4, 5, 6], 3),
        (vec![1, 2, 3, 2, 3, 4, 5, 6], 2),
        (vec![1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6], 6),
        (vec![1, 2, 3, 4, 5, 6, 2, 4], 2),
        (vec![1, 2, 3, 4, 2, 3, 4, 5, 6, 6, 6], 5),
    ] {
        let report = judge(&verifier(), &order(&numbers));
        assert_found(&report, Intact, &[]);
        assert_eq!((report.records, report.duplicates), (6, duplicates), "{numbers:?}");
    }
    let copies =
        [order(&[1, 2, 3, 4]).concat(), order(&[3, 4, 5, 6]).concat(), order(&[1, 2, 3, 4, 5, 6]).concat()];
    let report = only_chain(report_of(&verifier(), &copies));
    assert_found(&report, Intact, &[]);
    assert_eq!((report.records, report.duplicates), (6, 8));
}

#[test]
fn a_damaged_copy_beside_a_whole_one_is_found() {
    let (lines, _) = closed(6);
    let mut copy = lines.clone();
    copy[2] = replaced(&copy[2], "backup.started", "backup.skipped");
    let report = only_chain(report_of(&verifier(), &[lines.concat(), copy.concat()]));
    assert_found(&report, Edited, &[(Edited, Some(1), Some(3), Some((3, 3)))]);
    let torn = &lines.concat()[..900];
    let report = only_chain(report_of(&verifier(), &[torn, &lines.concat()]));
    assert_eq!(report.verdict, TornTail, "{report:#?}");
}

#[test]
fn forged_records_and_garbage_are_inserted() {
    let (lines, head) = open(6);
    let mut forger = sealer("c", audit_integrity::Signer::Digest);
    let unsigned = more(&mut forger, 6);
    let wrong_signature = replaced(&lines[2], "backup.started", "backup.skipped");
    let bare = b"{\"event_type\":\"backup.started\"}\n".to_vec();
    for (forged, claims) in [
        (b"hello\n".to_vec(), None),
        (b"\0\0\0\xff\n".to_vec(), None),
        (bare, None),
        (wrong_signature, Some((3, 3))),
        (unsigned[4].clone(), Some((5, 5))),
    ] {
        for at_line in 0..=6 {
            let mut with = lines.clone();
            with.insert(at_line, forged.clone());
            for verifier in [verifier(), verifier().expect_head(head.clone())] {
                assert_found(&judge(&verifier, &with), Inserted, &[at(Inserted, at_line as u64 + 1, claims)]);
            }
        }
    }
}

#[test]
fn a_record_forged_at_the_end_is_found() {
    let (lines, head) = open(4);
    let mut forger = audit_integrity::Sealer::resume(head.clone(), hmac("another key"));
    let forged = more(&mut forger, 2);
    // Without the key nobody can tell it from a record under a new key.
    let report = judge(&verifier(), &[lines.clone(), forged.clone()].concat());
    assert_found(&report, WrongKey, &[at(WrongKey, 5, (5, 6))]);
    assert_eq!((report.records, report.range, report.head), (4, Some((1, 4)), Some(head.clone())));
    // One that names the right key is no record of the chain.
    let name = |key: &str| log::key(key).id().to_string();
    let forged = replaced(&forged[0], &name("another key"), &name("k"));
    let report = judge(&verifier(), &[lines.clone(), vec![forged]].concat());
    assert_found(&report, Edited, &[at(Edited, 5, (5, 5))]);
    // Nor is one that does not follow the last.
    let forged = more(&mut sealer("c", hmac("another key")), 5)[4].clone();
    let report = judge(&verifier(), &[lines, vec![forged]].concat());
    assert_found(&report, Edited, &[at(Edited, 5, (5, 5))]);
}

/// Where nothing in its file tells where it stood, what it follows does.
#[test]
fn a_forged_record_in_a_file_of_its_own_is_edited_only_if_it_follows_the_last() {
    let (lines, head) = open(6);
    let second = SealedRecord::parse(&lines[1]).unwrap().integrity.signature;
    for (signature, verdict, records) in [(second, Inserted, (3, 3)), (head.signature, Edited, (7, 7))] {
        let before = Head { sequence_number: 2, signature, ..head.clone() };
        let forged = more(&mut Sealer::resume(before, hmac("another key")), 1);
        let files = [lines[..4].concat(), forged.concat(), lines[4..].concat()];
        let report = only_chain(report_of(&verifier().expect_head(head.clone()), &files));
        assert_found(&report, verdict, &[(verdict, Some(1), Some(1), Some(records))]);
    }
}

#[test]
fn a_cut_head() {
    let (lines, _) = closed(6);
    for first in 1..6 {
        let report = judge(&verifier(), &lines[first as usize..]);
        assert_found(&report, HeadCut, &[at(HeadCut, 1, (1, first))]);
        assert_eq!(report.range, Some((first + 1, 6)));
    }
}

#[test]
fn a_cut_tail_shows_by_a_kept_head_and_only_by_one() {
    let (lines, head) = closed(6);
    for kept in 1..6 {
        let cut = &lines[..kept as usize];
        let report = judge(&verifier(), cut);
        assert_found(&report, IntactOpen, &[]);
        assert!(!report.anchored);
        let report = judge(&verifier().expect_head(head.clone()), cut);
        assert_found(&report, TailCut, &[at(TailCut, kept + 1, (kept + 1, 6))]);
        assert!(report.anchored);
    }
}

#[test]
fn a_chain_of_which_only_the_head_is_left_is_a_cut_tail() {
    let (_, head) = closed(6);
    let report = only_chain(report_of(&verifier().expect_head(head.clone()), &[b""]));
    assert_found(&report, TailCut, &[(TailCut, None, None, Some((1, 6)))]);
    assert!(report.signed);
    let unsigned = only_chain(report_of(&Verifier::new(ring(&[])).expect_head(head.clone()), &[b""]));
    assert_eq!((unsigned.verdict, unsigned.signed), (TailCut, false));
    // Another chain put in its place does not hide it.
    let other = more(&mut sealer("d", hmac("k")), 3).concat();
    let report = report_of(&verifier().expect_head(head), &[other]);
    let verdicts: Vec<_> = report.chains.iter().map(|chain| chain.verdict).collect();
    assert_eq!(verdicts, [TailCut, IntactOpen]);
    assert!(report.is_broken());
}

#[test]
fn a_file_that_ends_within_a_line_has_a_torn_tail() {
    let (lines, head) = open(4);
    let whole = lines.concat();
    let last = whole.len() - lines[3].len();
    for end in last + 1..whole.len() {
        let report = only_chain(report_of(&verifier(), &[&whole[..end]]));
        assert_found(&report, TornTail, &[at(TornTail, 4, None)]);
        let report = only_chain(report_of(&verifier().expect_head(head.clone()), &[&whole[..end]]));
        assert_found(&report, TailCut, &[at(TailCut, 4, (4, 4)), at(TornTail, 4, None)]);
    }
}

#[test]
fn a_file_cut_in_the_middle_of_the_log_loses_records() {
    let (lines, _) = open(9);
    let (first, second) = (lines[..5].concat(), lines[5..].concat());
    let cut = &first[..first.len() - lines[4].len() - lines[3].len() - 7];
    let report = only_chain(report_of(&verifier(), &[cut, &second]));
    let found = [at(Edited, 3, (3, 3)), (Missing, Some(1), Some(1), Some((4, 5)))];
    assert_found(&report, Edited, &found);
}

#[test]
fn an_edited_record_before_a_torn_line_is_not_hidden_by_it() {
    let (mut lines, _) = open(4);
    lines[2] = replaced(&lines[2], "\"integrity\"", "\"integritx\"");
    lines[3].truncate(40);
    assert_found(&judge(&verifier(), &lines), Edited, &[at(Edited, 3, (3, 3)), at(TornTail, 4, None)]);
}

#[test]
fn two_continuations_under_one_key_are_a_fork() {
    let mut one = sealer("c", hmac("k"));
    let trunk = more(&mut one, 5);
    let mut other = one.clone();
    let one = more(&mut one, 4);
    let other: Vec<_> =
        (0..3).map(|n| seal(&mut other, &format!(r#"{{"event_type":"x.y","n":{n}}}"#))).collect();
    let (one, other) = ([trunk.clone(), one].concat(), [trunk, other].concat());
    let report = only_chain(report_of(&verifier(), &[one.concat(), other.concat()]));
    assert_found(&report, Forked, &[(Forked, Some(1), Some(6), Some((6, 8)))]);
    // The second branch alone in its file, or behind the first.
    let report = only_chain(report_of(&verifier(), &[one.concat(), other[5..].concat()]));
    assert_found(&report, Forked, &[(Forked, Some(1), Some(1), Some((6, 8)))]);
    let report = judge(&verifier(), &[one[..6].to_vec(), other[6..].to_vec()].concat());
    assert_found(&report, Forked, &[at(Forked, 7, (7, 8))]);
}

#[test]
fn a_kept_head_that_the_log_does_not_hold_is_a_fork() {
    let (lines, head) = open(5);
    let other = Head { signature: Signature::NONE, ..head.clone() };
    for number in [1, 3, 5] {
        let verifier = verifier()
            .expect_head(head.clone())
            .expect_head(Head { sequence_number: number, ..other.clone() });
        assert_found(&judge(&verifier, &lines), Forked, &[at(Forked, 1, (number, number))]);
    }
}

#[test]
fn a_key_that_was_not_given_or_none_at_all() {
    let (lines, _) = closed(5);
    for ring in [ring(&[]), ring(&["another"])] {
        let report = judge(&audit_integrity::Verifier::new(ring), &lines);
        assert_found(&report, WrongKey, &[at(WrongKey, 1, (1, 5))]);
        assert_eq!((report.records, report.range, report.head), (0, None, None));
    }
}

/// Not `forked`, which says that both are authentic.
#[test]
fn without_the_key_what_contradicts_itself_is_edited() {
    let (mut lines, _) = open(5);
    let third = |lines: &[Line]| audit_integrity::SealedRecord::parse(&lines[2]).unwrap().integrity;
    let signature = third(&lines).signature.to_string();
    lines[2] = replaced(&lines[2], &signature, &Signature::NONE.to_string());
    let verify = |lines: &[Line]| judge(&audit_integrity::Verifier::new(ring(&["another"])), lines);
    let report = verify(&lines);
    assert_eq!(report.verdict, Edited, "{report:#?}");
    lines[2] = open(5).0[2].clone();
    lines.push(replaced(&lines[2], &signature, &Signature::NONE.to_string()));
    let report = verify(&lines);
    assert_eq!((report.verdict, place(report.findings.last().unwrap())), (Edited, at(Edited, 6, (3, 3))));
}

#[test]
fn an_edited_record_behind_a_repeated_batch() {
    let (mut lines, _) = open(6);
    let last = lines.pop().unwrap();
    let again = lines[1..3].to_vec();
    let lines = [lines, again, vec![replaced(&last, "backup.started", "backup.skipped")]].concat();
    let report = judge(&verifier(), &lines);
    assert_found(&report, Edited, &[at(Edited, 8, (6, 6))]);
    assert_eq!(report.duplicates, 2);
}

#[test]
fn an_unsigned_chain_in_place_of_a_signed_one_is_refused() {
    let lines = more(&mut sealer("c", audit_integrity::Signer::Digest), 5);
    let report = judge(&verifier(), &lines);
    assert_found(&report, WrongKey, &[at(WrongKey, 1, (1, 5))]);
    let report = judge(&audit_integrity::Verifier::new(ring(&[])), &lines);
    assert_found(&report, IntactOpen, &[]);
    assert!(!report.signed);
}

#[test]
fn a_chain_goes_on_under_a_new_key() {
    let mut old = sealer("c", hmac("old"));
    let first = more(&mut old, 4);
    let second = more(&mut audit_integrity::Sealer::resume(old.head().clone(), hmac("k")), 3);
    let lines = [first, second].concat();
    let verify = |names: &[&str]| judge(&audit_integrity::Verifier::new(ring(names)), &lines);
    assert_found(&verify(&["k", "old"]), IntactOpen, &[]);
    assert_found(&verify(&["k"]), WrongKey, &[at(WrongKey, 1, (1, 4))]);
    assert_found(&verify(&["old"]), WrongKey, &[at(WrongKey, 5, (5, 7))]);
}

#[test]
fn a_head_pruned_by_policy_is_no_damage() {
    let mut sealer = sealer("c", hmac("k"));
    let old = more(&mut sealer, 6);
    let deleted = sealer.head().clone();
    let applied = format!(
        r#"{{"event_type":"audit.retention_applied","details":{{"first_sequence":1,"last_sequence":6,"last_signature":"{}"}}}}"#,
        deleted.signature
    );
    let middle = more(&mut sealer, 2);
    let record = seal(&mut sealer, &applied);
    let rest = [middle, vec![record], more(&mut sealer, 2)].concat();
    let report = judge(&verifier(), &rest);
    assert_found(&report, IntactOpen, &[]);
    assert_eq!((report.pruned_to, report.range), (Some(6), Some((7, 11))));
    // Deleting was interrupted: some of the records are there still.
    let report = judge(&verifier(), &[old[4..].to_vec(), rest.clone()].concat());
    assert_found(&report, IntactOpen, &[]);
    assert_eq!(report.pruned_to, Some(4));
    // Not deleted yet.
    let report = judge(&verifier(), &[old, rest.clone()].concat());
    assert_found(&report, IntactOpen, &[]);
    assert_eq!(report.pruned_to, None);
    // More was deleted than the record says, or the record itself was edited, or belongs to another chain.
    assert_found(&judge(&verifier(), &rest[1..]), HeadCut, &[at(HeadCut, 1, (1, 7))]);
    let mut edited = rest[1..].to_vec();
    edited[1] = replaced(&edited[1], "\"last_sequence\":6", "\"last_sequence\":7");
    assert_found(&judge(&verifier(), &edited), Edited, &[at(HeadCut, 1, (1, 7)), at(Edited, 2, (9, 9))]);
    let other = seal(&mut log::sealer("d", hmac("k")), &applied);
    let report = report_of(&verifier(), &[closed(9).0[6..].concat(), other]);
    assert_eq!(report.chains[0].verdict, HeadCut, "{report:#?}");
}

#[test]
fn chains_that_take_turns_in_a_file_are_judged_apart() {
    let (mut a, mut b) = (sealer("a", hmac("k")), sealer("b", hmac("k")));
    let mix: Vec<Line> =
        (0..20).map(|n| more(if n % 2 == 0 { &mut a } else { &mut b }, 1).remove(0)).collect();
    let verdicts = |lines: &[Line]| {
        let report = report_of(&verifier(), &[lines.concat()]);
        report
            .chains
            .iter()
            .map(|c| (c.verdict, c.findings.iter().map(place).collect()))
            .collect::<Vec<(_, Vec<_>)>>()
    };
    assert_eq!(verdicts(&mix), [(IntactOpen, vec![]), (IntactOpen, vec![])]);
    let mut edited = mix.clone();
    edited[5] = replaced(&edited[5], "backup.started", "backup.skipped");
    assert_eq!(verdicts(&edited), [(IntactOpen, vec![]), (Edited, vec![at(Edited, 6, (3, 3))])]);
    // Neither the line nor what it says tells which chain it was of: the gap does.
    edited[5] = b"garbage\n".to_vec();
    assert_eq!(verdicts(&edited), [(IntactOpen, vec![]), (Edited, vec![at(Edited, 6, (3, 3))])]);
    edited[5] = replaced(&mix[5], "\"b\"", "\"z\"");
    assert_eq!(verdicts(&edited), [(IntactOpen, vec![]), (Edited, vec![at(Edited, 6, (3, 3))])]);
    edited.remove(5);
    assert_eq!(verdicts(&edited), [(IntactOpen, vec![]), (Missing, vec![at(Missing, 7, (3, 3))])]);
    let mut swapped = mix;
    swapped.swap(5, 7);
    assert_eq!(verdicts(&swapped), [(IntactOpen, vec![]), (Reordered, vec![at(Reordered, 8, (3, 3))])]);
}

#[test]
fn a_chain_under_a_key_that_was_not_given_is_a_chain_of_its_own() {
    let (lines, _) = closed(3);
    let other = more(&mut sealer("d", hmac("another")), 1);
    let report = report_of(&verifier(), &[lines.concat(), other.concat()]);
    let verdicts: Vec<_> = report.chains.iter().map(|chain| chain.verdict).collect();
    assert_eq!(verdicts, [Intact, WrongKey]);
    assert!(!report.is_intact() && !report.is_broken());
}

#[test]
fn files_without_records() {
    for content in ["", "\n", "\n\n\n\n", " \r\n\t\n"] {
        let report = report_of(&verifier(), &[content]);
        assert!(report.chains.is_empty() && report.unreadable.is_empty() && report.unsealed == 0);
        assert!(!report.is_intact() && !report.is_broken(), "{report:?}");
    }
    let report = report_of(&verifier(), &["{\"event_type\":\"a.b\"}\n{\"event_type\":\"a.b\"}\n"]);
    assert_eq!((report.unsealed, report.is_intact(), report.is_broken()), (2, false, false));
    let report = report_of(&verifier(), &["hello\n"]);
    assert_eq!(report.unreadable.iter().map(place).collect::<Vec<_>>(), [at(Edited, 1, None)]);
    assert!(report.is_broken());
}

#[test]
fn files_without_records_are_described() {
    let message = |content: &[u8]| report_of(&verifier(), &[content]).unreadable.remove(0).message;
    let text = open(3).0.concat();
    let torn = message(&gzip(&text)[..12]);
    assert!(torn.starts_with("cannot be decompressed from here on: "), "{torn}");
    let one = message(b"hello\n");
    assert!(one.starts_with("not a sealed record: "), "{one}");
    let many = message(b"hello\nyou\n");
    assert!(many.starts_with("2 lines: not a sealed record: "), "{many}");
    let records: Vec<serde_json::Value> =
        text.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    for pretty in [serde_json::to_vec_pretty(&records[0]), serde_json::to_vec_pretty(&records)] {
        let told = message(&pretty.unwrap());
        assert!(told.contains("one record has to be one line: run `jq -c .` on it"), "{told}");
    }
}

#[test]
fn a_file_without_any_record_belongs_to_the_only_chain() {
    let (mut lines, _) = open(6);
    lines[3] = replaced(&lines[3], "\"event\"", "\"evexx\"");
    let contents = [lines[..3].concat(), lines[3].clone(), lines[4..].concat()];
    let report = only_chain(report_of(&verifier(), &contents));
    assert_found(&report, Edited, &[(Edited, Some(1), Some(1), Some((4, 4)))]);
    let report = only_chain(report_of(&verifier(), &[lines[..3].concat(), lines[3].clone()]));
    assert_found(&report, Edited, &[(Edited, Some(1), Some(1), Some((4, 4)))]);
    // Nothing but an edited record: its own word is all there is.
    let edited = replaced(&open(6).0[3], "backup.started", "backup.skipped");
    assert_found(&judge(&verifier(), &[edited]), Edited, &[at(HeadCut, 1, (1, 3)), at(Edited, 1, (4, 4))]);
}

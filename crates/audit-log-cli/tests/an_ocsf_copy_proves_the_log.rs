//! An OCSF copy of a log is verified by the lines that it carries, and by what stands around them.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod workplace;

use std::fs;
use std::io::Write as _;

use serde_json::{Value, json};
use workplace::ocsf::{ocsf, records, verify, verify_changed, with_copy, with_signed_log, without_log};
use workplace::{assert_code, stderr, stdout, text};

#[test]
fn it_is_intact_as_the_log_is() {
    let place = with_copy();
    let (code, of_log) = verify(&place, "log/audit.log");
    assert_eq!(code, Some(0), "{of_log}");
    let (code, of_copy) = verify(&place, "copy.ndjson");
    assert_eq!(code, Some(0), "{of_copy}");
    // But for the head file, which is beside the log.
    assert_eq!(of_copy.lines().take(2).collect::<Vec<_>>(), of_log.lines().collect::<Vec<_>>());
    assert!(of_copy.contains("42 records (1 to 42), signed") && of_copy.contains("unanchored"), "{of_copy}");
    let head = of_log.lines().nth(1).unwrap().trim().strip_prefix("head ").unwrap().to_owned();
    let (code, anchored) = verify(&place, &format!("copy.ndjson --head {head}"));
    assert!(code == Some(0) && !anchored.contains("unanchored"), "{anchored}");
    // As a stream, compressed, in every version.
    for version in ["1.0.0", "1.1.0", "1.8.0"] {
        let converted = ocsf(&place, &format!("convert --to ocsf --ocsf-version {version} log/audit.log"));
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&converted.stdout).unwrap();
        fs::write(place.path("copy.gz"), packed.finish().unwrap()).unwrap();
        let input = fs::File::open(place.path("copy.gz")).unwrap();
        let verified = place.command("verify -c audit.yaml -").stdin(input).output().unwrap();
        assert_code(&verified, 0);
    }
}

#[test]
fn a_changed_attribute_is_named_with_its_place() {
    let place = with_copy();
    let (code, told) = verify_changed(&place, "edited.ndjson", |copy| {
        copy[8]["severity_id"] = 5.into();
        copy[9]["metadata"].as_object_mut().unwrap().remove("uid");
    });
    assert_eq!(code, Some(1));
    assert!(told.starts_with("edited: chain "), "{told}");
    assert!(
        told.contains("  edited: edited.ndjson:9: record 9: severity_id is not what raw_data says\n"),
        "{told}"
    );
    assert!(told.contains("edited.ndjson:10: record 10: metadata.uid is gone"), "{told}");
    // Nobody needs the key to see that.
    let without_key = place.verify("edited.ndjson");
    assert_code(&without_key, 1);
    assert!(stdout(&without_key).contains("edited.ndjson:9: record 9"), "{}", text(&without_key));
    let report: Value =
        serde_json::from_slice(&place.audit_log("verify edited.ndjson --json").stdout).unwrap();
    let finding = &report["chains"][0]["findings"][0];
    assert_eq!(
        (&finding["verdict"], &finding["file"], &finding["line"], &finding["first_sequence"]),
        (&json!("edited"), &json!("edited.ndjson"), &json!(9), &json!(9))
    );
}

#[test]
fn a_changed_line_of_the_log_is_found_by_its_seal() {
    let place = with_copy();
    let (code, told) = verify_changed(&place, "forged.ndjson", |copy| {
        let line = copy[8]["raw_data"].as_str().unwrap().replace("\"success\"", "\"failure\"");
        copy[8]["raw_data"] = line.into();
    });
    assert_eq!(code, Some(1));
    assert!(told.starts_with("edited: chain ") && told.contains("forged.ndjson:9: record 9"), "{told}");
}

#[test]
fn a_record_that_calls_itself_anothers_is_no_way_around() {
    let place = with_copy();
    for (path, value) in [("log_provider", "other"), ("version", "9.9.9")] {
        let (code, told) = verify_changed(&place, "other.ndjson", |copy| {
            copy[8]["metadata"][path] = value.into();
            copy[8]["severity_id"] = 5.into();
        });
        assert_eq!(code, Some(1), "{told}");
        let named = format!("edited: other.ndjson:9: record 9: metadata.{path} is not what raw_data says");
        assert!(told.contains(&named), "{told}");
    }
}

#[test]
fn what_was_added_is_told_and_breaks_nothing() {
    let place = with_copy();
    let (code, told) = verify_changed(&place, "rich.ndjson", |copy| {
        copy[3]["enrichments"] = json!([]);
        copy[4]["enrichments"] = json!([]);
    });
    assert_eq!(code, Some(0), "{told}");
    assert!(told.starts_with("intact: "), "{told}");
    let notice = "notice: enrichments was added to 2 records since, which the log does not prove; the first is rich.ndjson:4\n";
    assert!(told.contains(notice), "{told}");
}

#[test]
fn many_additions_hide_no_edit() {
    let place = with_copy();
    let (code, told) = verify_changed(&place, "x.ndjson", |copy| {
        copy[8]["time"] = 1.into();
        for number in 0..200 {
            copy[8]["actor"][format!("added_{number}")] = 1.into();
        }
    });
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("edited: x.ndjson:9: record 9: time is not what raw_data says"), "{told}");
}

#[test]
fn what_is_missing_swapped_or_put_there_has_its_verdict() {
    let place = with_copy();
    let (code, told) = verify_changed(&place, "x.ndjson", |copy| drop(copy.remove(6)));
    assert!(
        code == Some(1) && told.starts_with("missing: ") && told.contains("x.ndjson:7: record 7 missing"),
        "{told}"
    );
    let (code, told) = verify_changed(&place, "x.ndjson", |copy| copy.swap(6, 7));
    assert!(code == Some(1) && told.starts_with("reordered: "), "{told}");
    let (code, told) = verify_changed(&place, "x.ndjson", |copy| copy.push(copy[6].clone()));
    assert!(
        code == Some(0) && told.contains("1 record more than once") && told.contains("x.ndjson:43"),
        "{told}"
    );
    // Records without a line, which nothing proves.
    let (code, told) = verify_changed(&place, "x.ndjson", |copy| {
        let mut forged = copy[6].clone();
        forged.as_object_mut().unwrap().remove("raw_data");
        copy.push(forged);
    });
    assert!(code == Some(1) && told.starts_with("inserted: ") && told.contains("x.ndjson:43"), "{told}");
    let (code, told) = verify_changed(&place, "x.ndjson", |copy| {
        let mut forged = copy[6].clone();
        forged.as_object_mut().unwrap().remove("raw_data");
        forged["metadata"]["sequence"] = 43.into();
        copy.push(forged);
    });
    assert!(
        code == Some(1) && told.starts_with("missing: ") && told.contains("x.ndjson:43: record 43"),
        "{told}"
    );
    let (code, told) = verify_changed(&place, "x.ndjson", |copy| {
        let mut forged = copy[6].clone();
        forged["raw_data"] = " ".into();
        copy.push(forged);
    });
    assert!(code == Some(1) && told.starts_with("inserted: ") && told.contains("x.ndjson:43"), "{told}");
    let (code, told) = verify_changed(&place, "x.ndjson", |copy| copy.push(json!({"class_uid": 6003})));
    assert!(code == Some(1) && told.starts_with("inserted: "), "{told}");
}

#[test]
fn a_masked_secret_leaves_a_gap_that_is_explained() {
    let place = without_log();
    let secret =
        r#"{"event_type":"access.granted","actor":{"id":"a"},"details":{"http_request":{"http_headers":
        [{"name":"Authorization","value":"Bearer x"}]}}}"#
            .replace('\n', "");
    fs::write(place.path("in.ndjson"), format!("{secret}\n{}", workplace::event("auth.login", 1))).unwrap();
    assert_code(&place.audit_log("run -i in.ndjson"), 0);
    assert_code(&ocsf(&place, "convert --to ocsf -o copy.ndjson log/audit.log"), 0);
    assert!(!place.read("copy.ndjson").contains("Bearer x"));
    let (code, told) = verify(&place, "copy.ndjson");
    assert_eq!(code, Some(1));
    assert!(told.starts_with("missing: "), "{told}");
    let why = "record 2 missing; copy.ndjson:2: record 2 carries no line of the log, because a secret in it is masked";
    assert!(told.contains(why), "{told}");
}

#[test]
fn merged_records_leave_gaps_that_are_explained_and_nothing_else_may_claim_them() {
    let place = without_log();
    let login = |second: u64| {
        format!(
            "{{\"event_type\":\"auth.login\",\"actor\":{{\"id\":\"a\"}},\"timestamp\":\"2025-01-01T00:00:0{second}Z\"}}\n"
        )
    };
    fs::write(place.path("in.ndjson"), (0..3).map(login).collect::<String>()).unwrap();
    assert_code(&place.audit_log("run -i in.ndjson"), 0);
    let converted =
        ocsf(&place, "convert --to ocsf --coalesce 5s --coalesce-events auth.* -o copy.ndjson log/audit.log");
    assert_code(&converted, 0);
    assert_eq!(
        stderr(&converted),
        "5 records read, 3 written, 0 refused\ncoalesced: events in 5, sum of counts out 5\n"
    );
    let copy = records(&place.read("copy.ndjson"));
    assert_eq!(
        (&copy[1]["count"], &copy[1]["unmapped"]["audit_log"]["last_sequence"]),
        (&json!(3), &json!(4))
    );
    let (code, told) = verify(&place, "copy.ndjson");
    assert_eq!(code, Some(1));
    assert!(told.starts_with("missing: "), "{told}");
    assert!(
        told.contains("records 3 to 4 missing; it may be one of those that copy.ndjson:2 stands for"),
        "{told}"
    );
    // Of a merged record, time and count are not compared: so none may say it is one to have them changed.
    assert_code(&ocsf(&place, "convert --to ocsf -o copy.ndjson log/audit.log"), 0);
    for last in [1, 2, 3] {
        let (code, told) = verify_changed(&place, "false.ndjson", |copy| {
            copy[1]["time"] = 1.into();
            copy[1]["unmapped"]["audit_log"] = json!({"last_sequence": last});
        });
        assert_eq!(code, Some(1), "{told}");
        assert!(told.starts_with("edited: ") && told.contains("false.ndjson:2: record 2: "), "{told}");
    }
}

#[test]
fn a_line_that_is_no_record_is_told_and_the_others_count() {
    let place = with_copy();
    let copy = place.read("copy.ndjson");
    let lines: Vec<&str> = copy.lines().collect();
    let twice = lines[8].replacen('{', "{\"severity_id\":5,", 1);
    let half = &lines[8][..40];
    for (line, reason) in
        [(twice.as_str(), "the name `severity_id` occurs twice"), (half, "EOF while parsing")]
    {
        let mut lines = lines.clone();
        lines[8] = line;
        fs::write(place.path("x.ndjson"), lines.join("\n") + "\n").unwrap();
        let (code, told) = verify(&place, "x.ndjson");
        assert_eq!(code, Some(1));
        assert!(told.contains("x.ndjson:9: record 9: no OCSF record: ") && told.contains(reason), "{told}");
        assert!(told.contains("41 records (1 to 42)"), "{told}");
    }
    fs::write(place.path("x.ndjson"), &copy[..copy.len() - 100]).unwrap();
    let (code, told) = verify(&place, "x.ndjson");
    assert!(code == Some(1) && told.contains("x.ndjson:42: the file ends within a line"), "{told}");
}

#[test]
fn a_mapping_of_ones_own_is_known_from_the_configuration() {
    let place = with_signed_log();
    let format = "format: {type: ocsf, mapping: [{events: [backup.*], class: application_lifecycle, activity: start}]}";
    let config = fs::read_to_string(place.path("audit.yaml")).unwrap();
    let config = config.replace(
        "path: log/audit.log}",
        &format!("path: copies/audit.ndjson, {format}}}\n    state_dir: log"),
    );
    fs::write(place.path("mapped.yaml"), config).unwrap();
    assert_code(&ocsf(&place, "convert --to ocsf -c mapped.yaml -o copy.ndjson log/audit.log"), 0);
    let with = place.command("verify -c mapped.yaml copy.ndjson").output().unwrap();
    assert_code(&with, 0);
    let (code, told) = verify(&place, "copy.ndjson");
    assert!(code == Some(1) && told.contains("class_uid is not what raw_data says"), "{told}");
}

#[test]
fn records_of_others_prove_nothing() {
    let place = without_log();
    fs::write(place.path("six.ndjson"), workplace::ocsf::sample_lines()).unwrap();
    let (code, told) = verify(&place, "six.ndjson");
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("6 OCSF records carry no line of a log, the first in six.ndjson:1"), "{told}");
}

#[test]
fn a_copy_behind_a_log_in_one_file_is_told_as_what_it_is() {
    let place = with_copy();
    fs::write(place.path("both"), place.read("log/audit.log") + &place.read("copy.ndjson")).unwrap();
    let (code, told) = verify(&place, "both");
    assert!(code == Some(1) && told.contains("OCSF copies are verified as files of their own"), "{told}");
}

#[test]
fn a_forged_copy_never_passes_by_what_is_carried_elsewhere_or_otherwise() {
    let place = with_copy();
    let forge = |copy: &mut Vec<Value>| {
        for field in ["severity_id", "status_id"] {
            copy[8][field] = 99.into();
        }
    };
    // The line where a long one would be, and something else where it is.
    for instead in [json!(null), json!(1), json!(false), json!([]), json!({}), json!(""), json!(" ")] {
        let (code, told) = verify_changed(&place, "moved.ndjson", |copy| {
            forge(copy);
            let line = copy[8]["raw_data"].clone();
            copy[8]["raw_data"] = instead.clone();
            copy[8]["unmapped"]["audit_log"] = json!({"raw_data": line});
        });
        assert_eq!(code, Some(1), "{instead}: {told}");
    }
    // A line that is proven as another than it is compared as.
    for with in ["\n", "\r", "\u{2028}"] {
        let (code, told) = verify_changed(&place, "broken.ndjson", |copy| {
            forge(copy);
            let line = copy[8]["raw_data"].as_str().unwrap().replacen(' ', with, 1);
            let line = if line.contains(with) { line } else { line.replacen(',', &format!(",{with}"), 1) };
            copy[8]["raw_data"] = line.into();
        });
        assert_eq!(code, Some(1), "{with:?}: {told}");
    }
    // Numbers that are whole and do not look so.
    let (code, told) = verify_changed(&place, "merged.ndjson", |copy| {
        copy[8]["metadata"]["sequence"] = json!(9.0);
        copy[8]["unmapped"]["audit_log"] = json!({"last_sequence": 10});
        let time = copy[8]["time"].as_i64().unwrap();
        copy[8]["count"] = 5.into();
        copy[8]["start_time"] = (time - 1_000_000).into();
        copy[8]["time"] = (time - 1_000_000).into();
        copy[8]["end_time"] = time.into();
    });
    assert_eq!(code, Some(1), "{told}");
}

#[test]
fn an_honest_copy_passes_however_it_was_handled() {
    let place = with_copy();
    let (code, told) = verify_changed(&place, "enriched.ndjson", |copy| {
        copy[0]["event"] = json!({"original": "x"});
        copy[0]["event_type"] = "x".into();
    });
    assert_eq!(code, Some(0), "{told}");
    let copy = place.read("copy.ndjson");
    fs::write(place.path("unended.ndjson"), copy.trim_end()).unwrap();
    let (code, told) = verify(&place, "unended.ndjson");
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn a_log_and_its_copy_are_verified_apart() {
    let place = with_copy();
    let log = place.read("log/audit.log");
    let without = |number: usize| {
        let lines = log.lines().enumerate().filter(|(index, _)| index + 1 != number);
        lines.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    fs::write(place.path("cut.log"), without(5)).unwrap();
    let (code, told) = verify(&place, "cut.log copy.ndjson");
    assert_eq!(code, Some(2), "the copy would hide what the log lacks: {told}");
    let (code, _) = verify(&place, "cut.log");
    assert_eq!(code, Some(1));
}

//! The policy, and a hold, are applied to a bucket, a log group and a topic by their servers, each change is on record, and what
//! was put into the bucket is found there.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say what it skips")]

mod workplace;

use serde_json::Value;
use workplace::{Workplace, assert_code, event, stdout, text};

fn variable(name: &str) -> String {
    std::env::var(format!("AUDIT_TEST_{name}"))
        .unwrap_or_else(|_| panic!("AUDIT_TEST_{name} is not set, and others are"))
}

/// How many changes a plan or what was applied has, by kind of place.
fn changes(answer: &Value, of: impl Fn(&Value) -> &Value) -> Vec<(String, usize)> {
    let places = answer["places"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let count = |place: &Value| {
        let number = of(place).as_array().unwrap_or_else(|| panic!("{place:#}")).len();
        (place["kind"].as_str().unwrap().to_owned(), number)
    };
    places.iter().map(count).collect()
}

fn planned(place: &Workplace) -> Vec<(String, usize)> {
    let plan = place.json("retention plan");
    for place in plan["places"].as_array().unwrap() {
        assert!(place.get("failure").is_none() && place["problems"] == serde_json::json!([]), "{place:#}");
    }
    changes(&plan, |place| &place["changes"])
}

fn applied(place: &Workplace) -> Vec<(String, usize)> {
    let answer = place.json("retention apply");
    for place in answer["places"].as_array().unwrap() {
        assert!(place["applied"].get("failure").is_none(), "{place:#}");
    }
    changes(&answer, |place| &place["applied"]["done"])
}

#[test]
fn policy_and_hold_are_everywhere_and_on_record() {
    let servers = ["S3", "CLOUDWATCH", "KAFKA"];
    if let Some(missing) = servers.iter().find(|name| std::env::var(format!("AUDIT_TEST_{name}")).is_err()) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI, AUDIT_TEST_{missing} has to be set");
        println!("skipped: AUDIT_TEST_{missing} is not set (cargo xtask test sets it)");
        return;
    }
    let id = format!("kept{}", std::process::id());
    let bucket = variable("S3_BUCKET");
    let place = Workplace::new(&format!(
        "
drain_timeout: 60s
destinations:
  - {{type: file, path: audit.log}}
  - {{type: s3, bucket: {bucket}, prefix: {id}, region: us-east-1, endpoint: \"{s3}\", path_style: true,
     access_key_id: {key}, secret_access_key: {secret}, batch_interval_secs: 1}}
  - {{type: cloudwatch, log_group: {id}, log_stream: a, region: us-east-1, endpoint: \"{cloudwatch}\",
     access_key_id: any, secret_access_key: any}}
  - {{type: kafka, bootstrap_servers: [\"{kafka}\"], topic: {id}}}
retention: {{min_days: 365, max_days: 2555}}",
        s3 = variable("S3"),
        key = variable("S3_ACCESS_KEY"),
        secret = variable("S3_SECRET_KEY"),
        cloudwatch = variable("CLOUDWATCH"),
        kafka = variable("KAFKA"),
    ));
    let sent: String = (0..20).map(|number| event("backup.completed", number)).collect();
    assert_code(&place.run(&sent), 0);
    // The first look may come before the first batch, which makes the log group and the topic.
    let first = place.audit_log("retention apply");
    assert_code(&first, 0);

    let nothing: Vec<_> = [("file", 0), ("s3", 0), ("cloudwatch", 0), ("kafka", 0)]
        .map(|(kind, changes)| (kind.to_owned(), changes))
        .into();
    assert_eq!(planned(&place), nothing, "{}", text(&first));
    let records = |kind: &str| {
        let log = place.read("audit.log");
        let of_kind = |line: &&str| {
            line.contains("audit.retention_applied") && line.contains(&format!("\"kind\":\"{kind}\""))
        };
        log.lines().filter(of_kind).count()
    };
    for kind in ["s3", "cloudwatch", "kafka"] {
        assert!(records(kind) >= 1, "{kind}");
    }

    assert_code(&place.audit_log("hold add case-17 --reason lawsuit --by legal"), 0);
    let held = applied(&place);
    assert!(held[1..].iter().all(|(_, changes)| *changes >= 1), "{held:?}");
    assert_eq!(planned(&place), nothing);
    assert_code(&place.audit_log("hold release case-17 --reason settled --by legal"), 0);
    let released = applied(&place);
    assert!(released[1..].iter().all(|(_, changes)| *changes >= 1), "{released:?}");
    assert_eq!(planned(&place), nothing);
    assert_code(&place.verify("audit.log"), 0);

    let found = place.audit_log(&format!("search s3://{bucket}/{id}/ --type backup.completed --count"));
    assert_code(&found, 0);
    assert_eq!(stdout(&found), "20\n", "{}", text(&found));
    let none = place.audit_log(&format!("search s3://{bucket}/{id}/ --type restore.failed --count"));
    assert_eq!(stdout(&none), "0\n", "{}", text(&none));
    let nowhere = place.audit_log(&format!("search s3://{bucket}/{id}-nobody/ --count"));
    assert_code(&nowhere, 2);
    assert!(text(&nowhere).contains("no object's key begins so"), "{}", text(&nowhere));
}

//! Lifecycle rules, Object Lock and legal holds at real servers, seen with boto3.
#![cfg(feature = "retention")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod answers;
mod moto;
mod server;

use audit_model::Timestamp;
use audit_retention::s3::Change;
use audit_retention::{Hold, Holds, Plan, Policy, StorageClass, Transition};
use audit_sink::{Sink, SinkError, testkit};
use audit_sink_s3::{ObjectLock, ObjectLockMode, S3Options, S3Retention, S3Sink};
use serde_json::{Value, json};

use answers::Answers;
use server::{Server, in_time, runtime, unique};

const YEARS: Policy = Policy { min_days: Some(365), max_days: Some(2555), transitions: Vec::new() };

fn hold(from: Option<&str>, to: Option<&str>) -> Holds {
    let time = |text: &str| text.parse().unwrap();
    Holds(vec![Hold {
        id: "case-7".into(),
        placed_by: "legal".into(),
        reason: "a case".into(),
        placed: Timestamp::now(),
        until: None,
        from: from.map(time),
        to: to.map(time),
    }])
}

fn planned(retention: &S3Retention, policy: &Policy, holds: &Holds) -> Plan<Change> {
    runtime().block_on(in_time(retention.plan(policy, holds, Timestamp::now()))).unwrap()
}

/// Follows a plan, after which there is nothing to do.
fn follow(retention: &S3Retention, policy: &Policy, holds: &Holds) -> Plan<Change> {
    let plan = planned(retention, policy, holds);
    for change in &plan.changes {
        runtime().block_on(in_time(retention.apply(change))).unwrap();
    }
    let again = planned(retention, policy, holds);
    assert!(again.is_empty(), "{again:?}");
    plan
}

fn send(options: &S3Options, first: u64) {
    let batch = testkit::batch(first, &[b"{}".to_vec()]);
    runtime().block_on(in_time(S3Sink::new(options.clone()).send(&batch))).map(drop).unwrap();
}

/// The rules that boto3 sees, by their ids.
fn rules(server: &Server, bucket: &str) -> Vec<Value> {
    let mut rules = server.ask(&["lifecycle", bucket]);
    rules.sort_by_key(|rule| rule["ID"].to_string());
    rules
}

fn key(found: &Value) -> &str {
    found["key"].as_str().unwrap()
}

#[test]
fn our_rule_goes_beside_those_of_others() {
    let Some(server) = Server::find() else { return };
    let bucket = unique("lifecycle");
    server.ask(&["create", &bucket]);
    let theirs = json!([
        {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 3}},
        {"ID": "tagged", "Status": "Enabled", "Expiration": {"Days": 9},
         "Filter": {"And": {"Prefix": "prod/", "Tags": [{"Key": "keep", "Value": "no"}]}}},
        {"ID": "off", "Status": "Disabled", "Filter": {"Prefix": ""}, "Expiration": {"Date": "2030-01-01T00:00:00Z"}},
    ]);
    server.ask(&["set-lifecycle", &bucket, &theirs.to_string()]);
    let before = rules(&server, &bucket);
    let options = server.options(&bucket, "prod");
    let retention = S3Retention::new(options.clone());

    let plan = follow(&retention, &YEARS, &Holds::default());
    assert_eq!((plan.changes.len(), plan.problems.len()), (1, 0), "{plan:?}");
    let after = rules(&server, &bucket);
    let ours = json!({
        "ID": "audit-log:prod/chain=", "Status": "Enabled", "Filter": {"Prefix": "prod/chain="}, "Expiration": {"Days": 2555}
    });
    assert_eq!(after.iter().filter(|rule| **rule == ours).count(), 1, "{after:#?}");
    assert_eq!(
        after.iter().filter(|rule| **rule != ours).collect::<Vec<_>>(),
        before.iter().collect::<Vec<_>>()
    );

    // What the server itself says of a sink's object, and of one beside it.
    send(&options, 1);
    let sent = server.ask(&["versions", &bucket, "prod/chain="]);
    let expires = server.ask(&["expires", &bucket, key(&sent[0])]);
    assert!(expires[0].as_str().unwrap().contains("audit-log:prod/chain="), "{expires:?}");
    server.ask(&["put", &bucket, "prod/other", "x"]);
    assert_eq!(server.ask(&["expires", &bucket, "prod/other"]), [Value::Null]);

    // While a hold is active nothing expires, and ours would do nothing else.
    let plan = follow(&retention, &YEARS, &hold(None, Some("2020-01-01T00:00:00Z")));
    assert!(plan.notes.iter().any(|note| note.contains("no Object Lock")), "{plan:?}");
    assert_eq!(rules(&server, &bucket), before);
    assert_eq!(server.ask(&["expires", &bucket, key(&sent[0])]), [Value::Null]);
    let _ = follow(&retention, &YEARS, &Holds::default());
    assert_eq!(rules(&server, &bucket), after);
    let _ = follow(&retention, &Policy::default(), &Holds::default());
    assert_eq!(rules(&server, &bucket), before);

    server.ask(&["drop", &bucket]);
}

#[test]
fn where_there_are_no_rules_ours_come_and_go() {
    let Some(server) = Server::find() else { return };
    let bucket = unique("alone");
    server.ask(&["create", &bucket]);
    let retention = S3Retention::new(server.options(&bucket, ""));
    let _ = follow(&retention, &YEARS, &Holds::default());
    assert_eq!(rules(&server, &bucket)[0]["Filter"]["Prefix"], "chain=");
    let _ = follow(&retention, &Policy { max_days: None, ..YEARS }, &Holds::default());
    assert!(rules(&server, &bucket).is_empty());
    assert!(planned(&retention, &Policy { max_days: None, ..YEARS }, &hold(None, None)).is_empty());
    server.ask(&["drop", &bucket]);
}

#[test]
fn a_rule_of_another_that_deletes_too_early_is_told_and_left() {
    let Some(server) = Server::find() else { return };
    let bucket = unique("contradiction");
    server.ask(&["create", &bucket]);
    let theirs =
        json!([{"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}]);
    server.ask(&["set-lifecycle", &bucket, &theirs.to_string()]);
    let retention = S3Retention::new(server.options(&bucket, "prod"));
    let plan = follow(&retention, &YEARS, &Holds::default());
    assert!(plan.is_empty() && plan.problems[0].contains("`all`"), "{plan:?}");
    assert_eq!(rules(&server, &bucket).len(), 1);
    server.ask(&["drop", &bucket]);
}

#[test]
fn a_locked_bucket_has_a_rule_for_what_was_hidden_and_one_for_markers() {
    let Some(server) = Server::find() else { return };
    let bucket = unique("locked");
    server.ask(&["create-locked", &bucket]);
    let lock = |retain_days| ObjectLock { mode: ObjectLockMode::Compliance, retain_days };
    let options = server.options(&bucket, "prod");
    let plan = follow(&S3Retention::new(options.clone().object_lock(lock(365))), &YEARS, &Holds::default());
    assert_eq!((plan.problems.len(), plan.notes.len()), (0, 0), "{plan:?}");
    let [markers, main] = &rules(&server, &bucket)[..] else { panic!("two rules") };
    assert_eq!(markers["ID"], "audit-log-markers:prod/chain=");
    assert_eq!(markers["Expiration"], json!({"ExpiredObjectDeleteMarker": true}));
    assert_eq!(main["Expiration"], json!({"Days": 2555}));
    assert_eq!(main["NoncurrentVersionExpiration"], json!({"NoncurrentDays": 1}));

    // The bucket's own lock counts where objects bring none.
    server.ask(&["lock-by-default", &bucket, "GOVERNANCE", "3000"]);
    assert!(
        planned(&S3Retention::new(options.clone().object_lock(lock(365))), &YEARS, &Holds::default())
            .problems
            .is_empty()
    );
    for (options, whose) in
        [(options.clone(), "its default lock"), (options.object_lock(lock(3000)), "object_lock")]
    {
        let plan = planned(&S3Retention::new(options), &YEARS, &Holds::default());
        assert!(plan.is_empty() && plan.problems[0].contains(whose), "{plan:?}");
    }
}

#[test]
fn legal_holds_come_and_go_with_ours_and_never_with_those_of_others() {
    let Some(server) = Server::find() else { return };
    let bucket = unique("held");
    server.ask(&["create-locked", &bucket]);
    let options = server.options(&bucket, "prod");
    let retention = S3Retention::new(options.clone());
    let _ = follow(&retention, &YEARS, &Holds::default());
    (1..=3).for_each(|first| send(&options, first));
    let sent = server.ask(&["versions", &bucket, "prod/chain="]);
    let [ours, hidden, others] = &sent[..] else { panic!("three objects") };
    let version = |found: &Value| found["version"].as_str().unwrap().to_owned();
    server.ask(&["hide", &bucket, key(hidden)]);
    server.ask(&["hold", &bucket, key(others), &version(others), "ON"]);
    let held = || {
        let holds = server.ask(&["holds", &bucket, "prod/chain="]);
        holds.into_iter().map(|hold| hold[2] == "ON").collect::<Vec<bool>>()
    };

    // Not where the hold's range is surely another: the objects are put now, with records of the year 1970.
    let plan = follow(&retention, &YEARS, &hold(Some("2099-01-01T00:00:00Z"), None));
    assert_eq!((plan.changes.len(), held()), (1, vec![false, false, true]), "{plan:?}");
    assert!(rules(&server, &bucket).is_empty(), "nothing expires");

    let holds = hold(Some("2020-01-01T00:00:00Z"), None);
    let plan = follow(&retention, &YEARS, &holds);
    assert_eq!((plan.changes.len(), held()), (2, vec![true, true, true]), "{plan:?}");
    let refused = server.ask(&["delete", &bucket, key(ours), &version(ours)]);
    assert!(refused[0].as_str().unwrap().contains("WORM"), "{refused:?}");

    // Somebody lifts one: it is placed again.
    server.ask(&["hold", &bucket, key(ours), &version(ours), "OFF"]);
    assert_eq!(follow(&retention, &YEARS, &holds).changes.len(), 1);
    assert_eq!(held(), [true, true, true]);

    let plan = follow(&retention, &YEARS, &Holds::default());
    assert_eq!((plan.changes.len(), held()), (3, vec![false, false, true]), "{plan:?}");
    assert_eq!(rules(&server, &bucket).len(), 2, "and what is old expires again");
    assert_eq!(server.ask(&["delete", &bucket, key(ours), &version(ours)]), ["done"]);
}

#[test]
fn what_is_left_of_an_attempt_that_failed_is_mended() {
    let Some(server) = Server::find() else { return };
    let bucket = unique("torn");
    server.ask(&["create-locked", &bucket]);
    let options = server.options(&bucket, "prod");
    let retention = S3Retention::new(options.clone());
    let _ = follow(&retention, &Policy::default(), &Holds::default());
    send(&options, 1);
    let sent = server.ask(&["versions", &bucket, "prod/chain="]);
    let (key, version) = (key(&sent[0]), sent[0]["version"].as_str().unwrap());
    let rest = key.strip_prefix("prod/").unwrap();
    // Marked and not held, and marked and not there.
    server.ask(&["put", &bucket, &format!("prod/legal-holds/{rest}/{version}"), "case-7"]);
    let other = "8a4e3c26-9a3f-4a4c-b3ab-6c5a6f5ef0b1";
    server.ask(&["put", &bucket, &format!("prod/legal-holds/{rest}/{other}"), "case-7"]);
    let plan = follow(&retention, &Policy::default(), &hold(None, None));
    assert!(
        matches!(&plan.changes[..], [Change::PlaceLegalHold { version: placed, .. }] if placed == version)
    );
    let plan = follow(&retention, &Policy::default(), &Holds::default());
    assert_eq!(plan.changes.len(), 2, "{plan:?}");
    assert_eq!(server.ask(&["holds", &bucket, "prod/chain="])[0][2], "OFF");
}

#[test]
fn objects_are_moved_to_the_classes_that_aws_has() {
    let Some(server) = Server::moto() else { return };
    let bucket = unique("classes");
    server.ask(&["create", &bucket]);
    let to = |days, storage_class| Transition { days, storage_class };
    let transitions = vec![to(30, StorageClass::StandardIa), to(90, StorageClass::Glacier)];
    let policy = Policy { transitions: transitions.clone(), ..YEARS };
    let retention =
        S3Retention::new(server.options(&bucket, "prod").endpoint(moto::through(&server.endpoint)));
    let _ = follow(&retention, &policy, &Holds::default());
    let moves = json!([{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 90, "StorageClass": "GLACIER"}]);
    let [rule] = &rules(&server, &bucket)[..] else { panic!("one rule") };
    assert_eq!((&rule["Transitions"], &rule["Expiration"]), (&moves, &json!({"Days": 2555})));
    let _ = follow(&retention, &policy, &hold(None, None));
    let [rule] = &rules(&server, &bucket)[..] else { panic!("one rule") };
    assert_eq!((&rule["Transitions"], rule.get("Expiration")), (&moves, None));
    let _ = follow(&retention, &Policy { transitions, ..Policy::default() }, &Holds::default());
    assert_eq!(rules(&server, &bucket).len(), 1);
    let _ = follow(&retention, &Policy::default(), &Holds::default());
    assert!(rules(&server, &bucket).is_empty());
}

/// S3 takes no document with rules of both kinds.
#[test]
fn beside_rules_from_before_there_were_filters_ours_is_one_of_these() {
    let Some(server) = Server::moto() else { return };
    let bucket = unique("old");
    server.ask(&["create", &bucket]);
    let theirs = json!([{"ID": "old", "Status": "Enabled", "Prefix": "tmp/", "Expiration": {"Days": 3}}]);
    server.ask(&["set-lifecycle", &bucket, &theirs.to_string()]);
    let retention =
        S3Retention::new(server.options(&bucket, "prod").endpoint(moto::through(&server.endpoint)));
    let _ = follow(&retention, &YEARS, &Holds::default());
    let [ours, old] = &rules(&server, &bucket)[..] else { panic!("two rules") };
    assert_eq!((&ours["Prefix"], ours.get("Filter")), (&json!("prod/chain="), None));
    assert_eq!(*old, theirs[0]);
}

/// Status, headers and body.
type Reply<'a> = (&'a str, &'a str, &'a str);

const NO_LOCK: Reply<'_> = (
    "404 Not Found",
    "",
    "<Error><Code>ObjectLockConfigurationNotFoundError</Code><Message>None</Message></Error>",
);
const LOCK: Reply<'_> = (
    "200 OK",
    "",
    "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>",
);
const NO_RULES: Reply<'_> =
    ("404 Not Found", "", "<Error><Code>NoSuchLifecycleConfiguration</Code><Message>None</Message></Error>");
const DENIED: Reply<'_> =
    ("403 Forbidden", "", "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>");
const EMPTY: Reply<'_> = ("200 OK", "", "<ListBucketResult></ListBucketResult>");
const DONE: Reply<'_> = ("200 OK", "ETag: \"1\"\r\n", "");

/// What a plan, or a change, comes to with these answers, and what was asked.
fn answered(
    change: Option<&Change>,
    holds: &Holds,
    answers: &[Reply<'_>],
) -> (Result<(), SinkError>, Vec<String>) {
    let server = Answers::listen();
    let options =
        S3Options::new("audit").prefix("prod").endpoint(server.endpoint()).credentials("id", "hush".into());
    let given: Vec<(String, String, String)> =
        answers.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect();
    let thread = std::thread::spawn(move || {
        let given: Vec<Reply<'_>> =
            given.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
        server.give(&given)
    });
    let retention = S3Retention::new(options);
    let result = runtime().block_on(in_time(async {
        match change {
            Some(change) => retention.apply(change).await,
            None => retention.plan(&YEARS, holds, Timestamp::now()).await.map(drop),
        }
    }));
    (result, thread.join().unwrap())
}

#[test]
fn the_permission_that_is_missing_is_named() {
    let (key, version) = ("prod/chain=a/b".to_owned(), "v".to_owned());
    let rules = Change::SetRules { bucket: "audit".into(), prefix: "prod/chain=".into(), rules: Vec::new() };
    let place = Change::PlaceLegalHold { key: key.clone(), version: version.clone(), hold: "case-7".into() };
    let lift = Change::LiftLegalHold { key, version };
    let ours = (
        "200 OK",
        "",
        "<LifecycleConfiguration><Rule><ID>audit-log:prod/chain=</ID><Status>Enabled</Status></Rule></LifecycleConfiguration>",
    );
    let found = (
        "200 OK",
        "",
        "<ListVersionsResult><Version><Key>prod/chain=a/b</Key><VersionId>v</VersionId></Version></ListVersionsResult>",
    );
    let (none, held) = (Holds::default(), hold(None, None));
    let cases: [(Option<&Change>, &Holds, &[Reply<'_>], &str); 10] = [
        (None, &none, &[DENIED], "s3:GetBucketObjectLockConfiguration"),
        (None, &none, &[NO_LOCK, DENIED], "s3:GetLifecycleConfiguration"),
        (None, &none, &[NO_LOCK, NO_RULES, DENIED], "s3:GetBucketVersioning"),
        (None, &none, &[LOCK, DENIED], "s3:ListBucket"),
        (None, &held, &[LOCK, EMPTY, DENIED], "s3:ListBucketVersions"),
        (None, &held, &[LOCK, EMPTY, found, DENIED], "s3:GetObjectLegalHold"),
        (Some(&rules), &none, &[ours, DENIED], "s3:PutLifecycleConfiguration"),
        (Some(&place), &none, &[DENIED], "s3:PutObject, with"),
        (Some(&place), &none, &[DONE, DENIED], "s3:PutObjectLegalHold"),
        (Some(&lift), &none, &[DONE, DENIED], "s3:DeleteObject"),
    ];
    for (change, holds, answers, permission) in cases {
        let (result, _) = answered(change, holds, answers);
        let error = server::retryable(result);
        assert!(error.contains(&format!("; grant {permission}")), "{permission}: {error}");
    }
}

#[test]
fn a_server_without_versions_and_locks_is_one_without_them() {
    let none = "<Error><Code>NotImplemented</Code><Message>None</Message></Error>";
    let none = ("501 Not Implemented", "", none);
    answered(None, &hold(None, None), &[none, NO_RULES, none]).0.unwrap();
}

#[test]
fn all_rules_go_back_with_what_else_was_set_and_a_refusal_is_told() {
    let rule = "<Rule><ID>tidy</ID><Status>Enabled</Status><Filter><Prefix>tmp/</Prefix></Filter>\
                <AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload>\
                <NoncurrentVersionTransition><NoncurrentDays>3</NoncurrentDays><StorageClass>GLACIER</StorageClass>\
                <NewerNoncurrentVersions>4</NewerNoncurrentVersions></NoncurrentVersionTransition></Rule>";
    let body = format!("<LifecycleConfiguration>{rule}</LifecycleConfiguration>");
    let size = "x-amz-transition-default-minimum-object-size: varies_by_storage_class";
    let header = format!("{size}\r\n");
    let found = ("200 OK", &*header, &*body);
    let change = {
        let bucket = audit_retention::s3::Bucket {
            name: "audit".into(),
            prefix: "prod/chain=".into(),
            rules: Vec::new(),
            versioned: false,
            object_lock: None,
            lock_days: None,
            objects: Vec::new(),
        };
        audit_retention::s3::plan(&YEARS, &Holds::default(), &bucket, Timestamp::now()).changes.remove(0)
    };
    let (result, asked) = answered(Some(&change), &Holds::default(), &[found, DONE]);
    result.unwrap();
    let put = &asked[1];
    assert!(put.contains(size), "{put}");
    for part in [
        "<DaysAfterInitiation>2</DaysAfterInitiation>",
        "<NewerNoncurrentVersions>4</NewerNoncurrentVersions>",
        "<ID>audit-log:prod/chain=</ID>",
    ] {
        assert!(put.contains(part), "{put}");
    }
    let refusal = "<Error><Code>InvalidArgument</Code><Message>'Days' in Transition action must be more</Message></Error>";
    let (result, _) = answered(Some(&change), &Holds::default(), &[found, ("400 Bad Request", "", refusal)]);
    match result {
        Err(SinkError::Rejected { source }) => {
            assert!(source.to_string().contains("must be more"), "{source}");
        }
        other => panic!("{other:?}"),
    }
}

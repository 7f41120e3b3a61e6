//! The retention of a log group at moto, seen with boto3; and what is said when something is wrong.
#![cfg(feature = "retention")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that fails may panic, one that is skipped says so"
)]

mod responder;
mod stream;

use audit_model::Timestamp;
use audit_retention::cloudwatch::Change;
use audit_retention::{Hold, Holds, Plan, Policy};
use audit_sink::{Sink, SinkError, testkit};
use audit_sink_cloudwatch::{CloudwatchOptions, CloudwatchRetention};
use responder::{Responder, answer, refused};
use stream::{Stream, runtime};

fn options(group: &str, endpoint: &str) -> CloudwatchOptions {
    CloudwatchOptions::new(group, "host-7")
        .region("us-east-1")
        .endpoint(endpoint)
        .credentials("any", "any".into())
}

fn policy(min_days: Option<u32>, max_days: Option<u32>) -> Policy {
    Policy { min_days, max_days, ..Policy::default() }
}

fn held() -> Holds {
    Holds(vec![Hold {
        id: "case-7".into(),
        placed_by: "legal".into(),
        reason: "a case".into(),
        placed: Timestamp::now(),
        until: None,
        from: None,
        to: None,
    }])
}

/// Follows a plan, after which there is nothing to do.
fn follow(retention: &CloudwatchRetention, policy: &Policy, holds: &Holds) -> Plan<Change> {
    runtime().block_on(async {
        let plan = retention.plan(policy, holds, Timestamp::now()).await.unwrap();
        for change in &plan.changes {
            retention.apply(change).await.unwrap();
        }
        let again = retention.plan(policy, holds, Timestamp::now()).await.unwrap();
        assert!(again.is_empty(), "{again:?}");
        plan
    })
}

/// The retention of the group, and of its neighbours.
fn shown(stream: &Stream) -> String {
    let (id, secret) = &stream.credentials;
    String::from_utf8(stream.python("retention.py", &[id, secret, &stream.group, "show"])).unwrap()
}

#[test]
fn the_nearest_that_the_service_takes() {
    for (policy, before, after) in [
        (policy(Some(365), Some(2555)), None, "2192"),
        (policy(Some(365), Some(2555)), Some("30"), "2192"),
        (policy(Some(401), Some(500)), Some("400"), "545"),
        (policy(Some(1), Some(1)), None, "1"),
        (policy(Some(3653), Some(9000)), Some("1"), "3653"),
        (policy(Some(3654), None), Some("3653"), "None"),
        (policy(Some(100), None), Some("90"), "120"),
        (policy(Some(100), None), Some("150"), "150"),
        (policy(Some(100), None), None, "None"),
        (policy(None, Some(1096)), Some("90"), "1096"),
        (policy(None, None), Some("90"), "90"),
    ] {
        let Some(stream) = Stream::new() else { return };
        let (id, secret) = &stream.credentials;
        let mut create = vec![id.as_str(), secret, &stream.group, "create"];
        create.extend(before);
        stream.python("retention.py", &create);
        let retention = CloudwatchRetention::new(options(&stream.group, &stream.endpoint));
        let _ = follow(&retention, &policy, &Holds::default());
        assert_eq!(shown(&stream), format!(". {after}\n-b 5\n/a 5\n"), "{policy:?} {before:?}");
    }
}

#[test]
fn a_hold_keeps_all_for_as_long_as_it_is_active() {
    let Some(stream) = Stream::new() else { return };
    let (id, secret) = &stream.credentials;
    stream.python("retention.py", &[id, secret, &stream.group, "create", "30"]);
    let retention = CloudwatchRetention::new(options(&stream.group, &stream.endpoint));
    let policy = policy(Some(365), Some(365));
    for (holds, after) in [(Holds::default(), "365"), (held(), "None"), (Holds::default(), "365")] {
        let _ = follow(&retention, &policy, &holds);
        assert_eq!(shown(&stream), format!(". {after}\n-b 5\n/a 5\n"));
    }
}

#[test]
fn a_log_group_that_is_missing_is_made_by_the_first_batch() {
    let Some(stream) = Stream::new() else { return };
    let retention = CloudwatchRetention::new(options(&stream.group, &stream.endpoint));
    let policy = policy(Some(365), None);
    let plan = follow(&retention, &policy, &held());
    assert!(plan.is_empty() && plan.notes[0].contains("does not exist yet"), "{plan:?}");
    let mut batch = testkit::batch(1, &[b"{}".to_vec()]);
    batch.records[0].timestamp_ms = stream::now_ms();
    runtime().block_on(stream.sink(&stream.credentials).send(&batch)).map(drop).unwrap();
    assert!(follow(&retention, &policy, &held()).is_empty(), "a new group keeps all for ever");
    let _ = follow(&retention, &Policy { max_days: Some(400), ..policy }, &Holds::default());
    assert_eq!(shown(&stream), ". 400\n");
}

#[test]
fn the_permission_that_is_missing_is_named() {
    let keep = Change::KeepDays { group: "audit".into(), days: 30, before: None };
    let forever = Change::KeepForever { group: "audit".into(), before: 30 };
    for (change, permission) in [
        (None, "logs:DescribeLogGroups"),
        (Some(keep), "logs:PutRetentionPolicy"),
        (Some(forever), "logs:DeleteRetentionPolicy"),
    ] {
        let service = Responder::new([refused(400, "AccessDeniedException")]);
        let retention = CloudwatchRetention::new(options("audit", &service.endpoint));
        let result = runtime().block_on(async {
            match &change {
                Some(change) => retention.apply(change).await,
                None => retention
                    .plan(&policy(None, Some(30)), &Holds::default(), Timestamp::now())
                    .await
                    .map(drop),
            }
        });
        let Err(SinkError::Retryable { source, .. }) = result else { panic!("{result:?}") };
        let operation = permission.trim_start_matches("logs:");
        assert_eq!(
            source.to_string(),
            format!(
                "{operation} of `audit` at {}: AccessDeniedException (400): Said so; allow {permission}",
                service.endpoint
            )
        );
    }
}

#[test]
fn a_group_on_a_later_page_is_found() {
    let groups = |names: [&str; 2], next: &str| {
        let group = |name| format!(r#"{{"logGroupName":"{name}","retentionInDays":7}}"#);
        answer(200, &format!(r#"{{"logGroups":[{}]{next}}}"#, names.map(group).join(",")))
    };
    let first = groups(["audit-a", "audit-b"], r#","nextToken":"t""#);
    let service = Responder::new([first, groups(["audit", "auditor"], "")]);
    let retention = CloudwatchRetention::new(options("audit", &service.endpoint));
    let plan =
        runtime().block_on(retention.plan(&policy(Some(30), None), &Holds::default(), Timestamp::now()));
    assert_eq!(
        plan.unwrap().changes,
        [Change::KeepDays { group: "audit".into(), days: 30, before: Some(7) }]
    );
    assert_eq!(service.requests()[1].body["nextToken"], "t");
}

#[test]
fn a_name_that_the_service_does_not_take_is_refused() {
    let retention = CloudwatchRetention::new(options("a b", "http://127.0.0.1:9"));
    let plan = runtime().block_on(retention.plan(&Policy::default(), &Holds::default(), Timestamp::now()));
    let Err(SinkError::Rejected { source }) = plan else { panic!("{plan:?}") };
    assert!(source.to_string().starts_with("log group `a b`: expected"), "{source}");
}

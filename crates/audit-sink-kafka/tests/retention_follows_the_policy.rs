//! The retention of a topic, seen with Kafka's own command.
#![cfg(feature = "retention")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod broker;

use audit_model::Timestamp;
use audit_retention::kafka::Change;
use audit_retention::{Hold, Holds, Plan, Policy};
use audit_sink::{Sink, SinkError, testkit};
use audit_sink_kafka::{KafkaOptions, KafkaRetention, KafkaSink};

const DAY: i64 = 24 * 60 * 60 * 1000;

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

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Follows a plan, after which there is nothing to do.
fn follow(topic: &str, policy: &Policy, holds: &Holds) -> Plan<Change> {
    let retention = KafkaRetention::new(broker::plaintext(topic).unwrap());
    run(async {
        let plan = retention.plan(policy, holds, Timestamp::now()).await.unwrap();
        for change in &plan.changes {
            retention.apply(change).await.unwrap();
        }
        let again = retention.plan(policy, holds, Timestamp::now()).await.unwrap();
        assert!(again.is_empty(), "{again:?}");
        plan
    })
}

#[test]
fn what_else_is_set_for_the_topic_stays() {
    let others = ["compression.type=zstd", "max.message.bytes=50000", "segment.ms=3600000"];
    let set = ["retention.bytes=1000000", "retention.ms=60000"];
    let Some(topic) = broker::topic_with(&[&others[..], &set[..]].concat()) else { return };
    let with = |bytes: &str, ms: i64| {
        let ours = [format!("retention.bytes={bytes}"), format!("retention.ms={ms}")];
        [&others.map(str::to_owned)[..2], &ours[..], &["segment.ms=3600000".to_owned()]].concat()
    };
    assert_eq!(broker::topic_configs(&topic), with("1000000", 60_000));

    // An hour less than the maximum, which is what a segment takes.
    let plan = follow(&topic, &policy(Some(30), Some(365)), &Holds::default());
    assert_eq!((plan.changes.len(), plan.notes.len()), (2, 0), "{plan:?}");
    assert_eq!(broker::topic_configs(&topic), with("-1", 365 * DAY - 3_600_000));

    let _ = follow(&topic, &policy(Some(30), Some(365)), &held());
    assert_eq!(broker::topic_configs(&topic), with("-1", -1));

    let plan = follow(&topic, &policy(Some(30), Some(30)), &Holds::default());
    assert!(plan.notes[0].contains("over max_days"), "{plan:?}");
    assert_eq!(broker::topic_configs(&topic), with("-1", 30 * DAY));
    assert!(follow(&topic, &policy(Some(10), None), &Holds::default()).is_empty(), "more than enough stays");
}

#[test]
fn a_topic_of_which_nothing_is_set_gets_what_the_policy_says() {
    let Some(topic) = broker::topic_with(&[]) else { return };
    let _ = follow(&topic, &policy(Some(365), None), &Holds::default());
    assert_eq!(broker::topic_configs(&topic), [format!("retention.ms={}", 365 * DAY)]);
}

#[test]
fn a_compacted_topic_is_told_and_left() {
    let Some(topic) = broker::topic_with(&["cleanup.policy=compact,delete"]) else { return };
    for (policy, holds) in [(policy(Some(30), Some(90)), Holds::default()), (Policy::default(), held())] {
        let plan = follow(&topic, &policy, &holds);
        assert!(plan.is_empty() && plan.problems[0].contains("cleanup.policy=compact,delete"), "{plan:?}");
    }
    assert_eq!(broker::topic_configs(&topic), ["cleanup.policy=compact,delete"]);
}

#[test]
fn a_topic_that_is_missing_is_not_made() {
    let topic = broker::fresh_topic("missing");
    let Some(options) = broker::plaintext(&topic) else { return };
    let policy = policy(Some(30), None);
    for _ in 0..2 {
        let plan = follow(&topic, &policy, &held());
        assert!(plan.is_empty() && plan.notes[0].contains("does not exist yet"), "{plan:?}");
    }
    let change = Change::SetRetentionMs { topic: topic.clone(), ms: -1, before: 1 };
    let refused = run(KafkaRetention::new(options.clone()).apply(&change));
    assert!(said(refused).contains("it does not exist; create it"));
    // The first batch makes it.
    let batch = testkit::batch(1, &[b"{}".to_vec()]);
    broker::run(KafkaSink::new(options).unwrap().send(&batch)).map(drop).unwrap();
    assert_eq!(follow(&topic, &policy, &Holds::default()).changes.len(), 1);
}

fn said(result: Result<(), SinkError>) -> String {
    match result {
        Err(error) => error.to_string(),
        Ok(()) => panic!("expected an error"),
    }
}

/// The client keeps to itself what brokers answer for a topic; that nothing has changed, it cannot hide.
#[test]
fn a_change_that_brokers_do_not_take_is_told() {
    let Some(topic) = broker::topic_with(&["retention.ms=60000"]) else { return };
    let retention = KafkaRetention::new(broker::plaintext(&topic).unwrap());
    let change = Change::SetRetentionMs { topic: topic.clone(), ms: -5, before: 60_000 };
    let said = said(run(retention.apply(&change)));
    assert!(said.contains("did not set retention.ms to -5; allow this user ALTER_CONFIGS"), "{said}");
    assert_eq!(broker::topic_configs(&topic), ["retention.ms=60000"]);
}

#[test]
fn brokers_out_of_reach_are_told() {
    let options = || KafkaOptions::new(["127.0.0.1:9".to_owned()], "audit");
    let planned = |options| {
        let retention = KafkaRetention::new(options);
        said(run(retention.plan(&policy(Some(30), None), &Holds::default(), Timestamp::now())).map(drop))
    };
    let said = planned(options());
    assert!(said.starts_with("not now: Kafka topic audit at 127.0.0.1:9: "), "{said}");
    assert!(said.contains("refused") && said.contains("are the brokers up"), "{said}");
    let said = planned(options().property("acks", "1"));
    assert!(said.contains("`acks` must be all"), "as the sink refuses it: {said}");
}

#[test]
fn a_change_of_another_topic_is_refused() {
    let retention = KafkaRetention::new(KafkaOptions::new(["127.0.0.1:9".to_owned()], "audit"));
    let change = Change::SetRetentionMs { topic: "other".into(), ms: -1, before: 1 };
    assert!(matches!(run(retention.apply(&change)), Err(SinkError::Rejected { .. })));
}

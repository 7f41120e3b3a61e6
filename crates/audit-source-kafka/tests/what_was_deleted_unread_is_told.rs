//! Retention deletes what was not read yet: the exact gap is told, and everything else arrives. Other gaps are no losses.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod broker;
mod member;

use std::time::Duration;

use audit_pipeline::Pipeline;
use audit_source_kafka::Start;
use broker::{
    Producer, committed, create_topic, delete_records, delete_topic, fresh, ids_by_number, options, until,
    variable,
};
use member::{Member, Process};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use rdkafka::Offset;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};

#[test]
fn in_a_process_of_its_own() {
    member::run_if_asked();
}

fn numbers(servers: &str, topic: &str, numbers: std::ops::Range<u64>) {
    let producer = Producer::new(servers);
    numbers.for_each(|number| producer.number(topic, number));
    producer.acknowledged();
}

#[test]
fn between_two_runs() {
    let recorder = DebuggingRecorder::new();
    let metrics = recorder.snapshotter();
    recorder.install().unwrap();
    let Some(servers) = variable("AUDIT_TEST_KAFKA") else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let log = Pipeline::options(&path).start().unwrap();
    let topic = fresh("deleted");
    create_topic(&servers, &topic, 1, &[]);
    numbers(&servers, &topic, 0..10);
    let first = Member::start(&log, options(&servers, &topic));
    until("all is there", || first.status().recorded == 10);
    first.stop();
    assert_eq!(committed(&servers, &format!("group-of-{topic}"), &topic, 1), [Some(10)]);

    numbers(&servers, &topic, 10..50);
    delete_records(&servers, &topic, 0, Offset::Offset(35));
    let second = Member::start(&log, options(&servers, &topic));
    until("what is left is there", || second.status().recorded == 15);
    let lost = second.lost.lock().unwrap().clone();
    assert_eq!(lost.len(), 1);
    assert_eq!((lost[0].topic.as_str(), lost[0].partition, lost[0].from, lost[0].to), (&*topic, 0, 10, 35));
    assert!(lost[0].to_string().contains("the 25 offsets from 10 up to, not including, 35 were deleted"));
    assert_eq!(second.status().failing, None);
    second.stop();
    let counted: u64 = metrics
        .snapshot()
        .into_vec()
        .into_iter()
        .filter(|(key, ..)| key.key().name() == "audit_log_kafka_source_lost_records_total")
        .filter(|(key, ..)| key.key().labels().any(|label| label.value() == topic))
        .map(|(.., value)| if let DebugValue::Counter(count) = value { count } else { 0 })
        .sum();
    assert_eq!(counted, 25);

    // All is deleted: told once, and not again by the next one.
    numbers(&servers, &topic, 50..60);
    delete_records(&servers, &topic, 0, Offset::End);
    let third = Member::start(&log, options(&servers, &topic));
    until("it is told", || !third.lost.lock().unwrap().is_empty());
    assert_eq!(third.lost.lock().unwrap()[0].count(), 10);
    third.stop();
    assert_eq!(committed(&servers, &format!("group-of-{topic}"), &topic, 1), [Some(60)]);
    numbers(&servers, &topic, 60..61);
    let fourth = Member::start(&log, options(&servers, &topic));
    until("the next one is there", || fourth.status().recorded == 1);
    assert!(fourth.lost.lock().unwrap().is_empty());
    fourth.stop();
    let found = ids_by_number(&path);
    assert!(found.keys().copied().eq((0..10).chain(35..50).chain(60..61)), "{found:?}");
}

#[test]
fn while_it_hangs() {
    let Some(servers) = variable("AUDIT_TEST_KAFKA") else { return };
    let directory = tempfile::tempdir().unwrap();
    let topic = fresh("overtaken");
    create_topic(&servers, &topic, 1, &[]);
    numbers(&servers, &topic, 0..10);
    let process = Process::start(directory.path(), &servers, &topic);
    until("all is there", || ids_by_number(&process.log).len() == 10);
    process.signal("-STOP");
    numbers(&servers, &topic, 10..3000);
    delete_records(&servers, &topic, 0, Offset::Offset(2000));
    process.signal("-CONT");
    until("the last one is there", || ids_by_number(&process.log).contains_key(&2999));
    until("the loss is told", || !process.told("lost: ").is_empty());
    let lost = process.told("lost: ");
    let log = process.log.clone();
    process.stop();
    assert_eq!(lost.len(), 1, "{lost:?}");
    let words: Vec<&str> = lost[0].split(' ').collect();
    let (from, to): (u64, u64) = (words[2].parse().unwrap(), words[3].parse().unwrap());
    assert_eq!((words[0], words[1], to), (&*topic, "0", 2000));
    // A broker's answer may have been on its way when it hung: what was in it is not lost.
    let found = ids_by_number(&log);
    assert!(found.keys().copied().eq((0..from).chain(to..3000)), "{from} to {to}");
    assert!(found.values().all(|ids| ids.len() == 1));
}

/// A transaction leaves offsets that no record has, and one that was aborted leaves records that never happened.
#[test]
fn offsets_without_records_are_no_loss() {
    let Some(servers) = variable("AUDIT_TEST_KAFKA") else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let log = Pipeline::options(&path).start().unwrap();
    let topic = fresh("transactions");
    create_topic(&servers, &topic, 1, &[]);
    let producer: ThreadedProducer<DefaultProducerContext> = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", &servers)
        .set("transactional.id", &topic)
        .create()
        .unwrap();
    producer.init_transactions(Duration::from_secs(20)).unwrap();
    for transaction in 0..6 {
        producer.begin_transaction().unwrap();
        for number in transaction * 10..transaction * 10 + 10 {
            let text = format!(r#"{{"event_type":"a.b","details":{{"number":{number}}}}}"#);
            producer.send(BaseRecord::<str, str>::to(&topic).payload(&text)).unwrap();
        }
        producer.flush(Duration::from_secs(20)).unwrap();
        match transaction % 3 {
            1 => producer.abort_transaction(Duration::from_secs(20)).unwrap(),
            _ => producer.commit_transaction(Duration::from_secs(20)).unwrap(),
        }
    }
    let member = Member::start(&log, options(&servers, &topic));
    until("all is there", || member.status().recorded == 40);
    until("nothing is left", || member.status().lag.is_some());
    assert!(member.lost.lock().unwrap().is_empty());
    member.stop();
    let happened = (0..60).filter(|number| number / 10 % 3 != 1);
    assert!(ids_by_number(&path).keys().copied().eq(happened));
}

/// Offsets begin anew, and what they name is not what was read under the same numbers.
#[test]
fn a_topic_that_is_made_again_is_read_from_its_beginning() {
    let Some(servers) = variable("AUDIT_TEST_KAFKA") else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let log = Pipeline::options(&path).start().unwrap();
    let topic = fresh("again");
    create_topic(&servers, &topic, 1, &[]);
    numbers(&servers, &topic, 0..10);
    let member = Member::start(&log, options(&servers, &topic));
    until("all is there", || member.status().recorded == 10);
    delete_topic(&servers, &topic);
    until("it is told that it is gone", || member.status().failing.is_some());
    create_topic(&servers, &topic, 1, &[]);
    numbers(&servers, &topic, 10..15);
    until("the new ones are there", || member.status().recorded == 15);
    assert_eq!(member.status().failing, None);
    assert!(member.lost.lock().unwrap().is_empty());
    member.stop();
    assert!(ids_by_number(&path).keys().copied().eq(0..15));
}

#[test]
fn from_the_end_is_from_now_on_also_after_a_stop() {
    let Some(servers) = variable("AUDIT_TEST_KAFKA") else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let log = Pipeline::options(&path).start().unwrap();
    let topic = fresh("end");
    create_topic(&servers, &topic, 1, &[]);
    numbers(&servers, &topic, 0..10);
    let from_end = || options(&servers, &topic).start(Start::End);
    let first = Member::start(&log, from_end());
    until("it has begun", || committed(&servers, &format!("group-of-{topic}"), &topic, 1) == [Some(10)]);
    first.stop();
    numbers(&servers, &topic, 10..20);
    let second = Member::start(&log, from_end());
    until("what came meanwhile is there", || second.status().recorded == 10);
    second.stop();
    assert!(ids_by_number(&path).keys().copied().eq(10..20));
}

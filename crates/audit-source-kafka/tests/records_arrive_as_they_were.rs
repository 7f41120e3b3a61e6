//! What is in a topic, and what of it is in the log: samples, provenance, refusals, over TLS and SASL.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod broker;
mod member;

use audit_integrity::SealedRecord;
use audit_model::{Event, Timestamp};
use audit_ocsf::event_from_value;
use audit_pipeline::Pipeline;
use audit_source::{Format, MAX_EVENT};
use audit_source_kafka::{Brokers, KafkaSourceOptions, SaslMechanism, SecurityProtocol};
use broker::{Producer, committed, create_topic, delete_records, events, fresh, options, until, variable};
use member::Member;
use rdkafka::Offset;
use serde_json::{Value, json};

const SAMPLES: &str = include_str!("../../audit-ocsf/tests/data/redpanda.txt");

/// The records of Redpanda's documentation, without their comments.
fn samples() -> Vec<Value> {
    let lines = SAMPLES.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut samples = Vec::new();
    let mut sample: Option<String> = None;
    for line in lines {
        if line == "{" && sample.is_none() {
            sample = Some(String::new());
        }
        let Some(text) = &mut sample else { continue };
        text.push_str(line);
        text.push('\n');
        if let Ok(value) = serde_json::from_str(text) {
            samples.push(value);
            sample = None;
        }
    }
    assert_eq!(samples.len(), 6);
    samples
}

#[test]
fn redpandas_audit_log_arrives_sealed() {
    let Some(servers) = variable("AUDIT_TEST_KAFKA") else { return };
    let topic = "_redpanda.audit_log";
    create_topic(&servers, topic, 1, &[]);
    delete_records(&servers, topic, 0, Offset::End);
    let samples = samples();
    let producer = Producer::new(&servers);
    for sample in &samples {
        producer.send(topic, Some(0), None, Some(sample.to_string().as_bytes()));
    }
    let first_offset = producer.acknowledged()[0].1;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let log = Pipeline::options(&path).chain().start().unwrap();
    let options = KafkaSourceOptions::new(Brokers::new([servers]), [topic.to_owned()], fresh("group"));
    let member = Member::start(&log, options.format(Format::Ocsf));
    until("all are there", || member.status().recorded == 6);
    member.stop();
    let _summary = log.close().unwrap();

    let text = std::fs::read_to_string(&path).unwrap();
    let sealed = text.lines().filter(|line| line.contains(r#""topic":"_redpanda.audit_log""#));
    let mut count = 0;
    for (line, sample) in sealed.zip(&samples) {
        assert!(SealedRecord::sequence_number_of(line.as_bytes()).is_some(), "{line}");
        let record: Value = serde_json::from_str(line).unwrap();
        let now = Timestamp::from_milliseconds(0).unwrap();
        let mut event = Event::from_value(record["event"].clone(), now).unwrap();
        let received = event.extra.remove("received").unwrap();
        assert_eq!(received["source"], "kafka:audit");
        assert_eq!((&received["partition"], &received["offset"]), (&json!(0), &json!(first_offset + count)));
        assert_eq!(event.details["ocsf"], *sample, "kept whole");
        // The rest is what the mapping makes of the sample, but for what the log adds.
        let mut expected = event_from_value(sample.clone(), now).unwrap();
        expected.event_id = event.event_id.clone();
        event.extra.remove("logged_time");
        expected.extra.remove("logged_time");
        assert_eq!(event, expected);
        count += 1;
    }
    assert_eq!(count, 6);
}

#[test]
fn provenance_cannot_be_forged_and_what_is_no_event_is_set_aside() {
    let Some(servers) = variable("AUDIT_TEST_KAFKA") else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let rejects = directory.path().join("rejects.ndjson");
    let log = Pipeline::options(&path).start().unwrap();
    let topic = fresh("mixed");
    create_topic(&servers, &topic, 1, &[("max.message.bytes", "33554432"), ("retention.ms", "-1")]);
    let producer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", &servers)
        .set("message.max.bytes", "33554432")
        .set("compression.type", "zstd")
        .create::<rdkafka::producer::ThreadedProducer<_>>()
        .unwrap();
    let send = |key: Option<&[u8]>, payload: Option<&[u8]>| {
        let mut record = rdkafka::producer::BaseRecord::<[u8], [u8]>::to(&topic).timestamp(1_700_000_000_000);
        record.key = key;
        record.payload = payload;
        producer.send(record).map_err(|(error, _)| error).unwrap();
    };
    let forged = br#"{"event_type":"auth.login","event_id":"mine","received":{"by":"root","topic":"x"}}"#;
    send(Some(b"alice"), Some(forged));
    send(Some(b"\xff\xfe"), Some(br#"{"event_type":"auth.login"}"#));
    send(Some(b"k"), None);
    send(None, Some(b"{\"event_type\":"));
    send(None, Some(br#"{"event_type":"audit.started"}"#));
    send(None, Some(b"\xff\xff"));
    let huge = format!(r#"{{"event_type":"a.b","details":{{"x":"{}"}}}}"#, "x".repeat(MAX_EVENT));
    send(None, Some(huge.as_bytes()));
    send(None, Some(br#"{"event_type":"auth.logout"}"#));

    let member = Member::with_rejects(&log, options(&servers, &topic), &rejects);
    until("all are there", || member.status().recorded == 3 && member.status().refused == 5);
    member.stop();
    assert_eq!(committed(&servers, &format!("group-of-{topic}"), &topic, 1), [Some(8)]);

    let events = events(&path);
    let events: Vec<&Value> = events.iter().filter(|event| event["received"].is_object()).collect();
    let received = |offset: i64, key: Option<&str>| {
        let mut expected = json!({"source": "kafka:audit", "topic": topic, "partition": 0, "offset": offset});
        if let Some(key) = key {
            expected["key"] = key.into();
        }
        expected
    };
    for (event, expected) in
        events.iter().zip([received(0, Some("alice")), received(1, None), received(7, None)])
    {
        let mut found = event["received"].clone();
        assert!(found.as_object_mut().unwrap().remove("at").is_some(), "produced long before it was read");
        assert_eq!(found, expected);
        assert_eq!(event["timestamp"], "2023-11-14T22:13:20.000Z", "when it was produced");
    }
    assert_eq!(events.len(), 3);
    assert_eq!(events[0]["event_id"], "mine");

    let refused = std::fs::read_to_string(&rejects).unwrap();
    let refused: Vec<Value> = refused.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut told: Vec<(u64, &str)> = refused
        .iter()
        .map(|line| (line["line"].as_u64().unwrap(), line["error"].as_str().unwrap()))
        .collect();
    told.sort_unstable();
    let reasons = [
        "a record without a value (a tombstone); expected an event",
        "EOF while parsing a value",
        "`audit.started` is for the log's records about itself",
        "not UTF-8 text",
        "bytes; expected at most 16777216",
    ];
    assert!(told.iter().map(|(offset, _)| *offset).eq(2..7), "{told:?}");
    for ((_, found), expected) in told.iter().zip(reasons) {
        assert!(found.contains(expected), "{found}");
    }
    assert!(refused.iter().all(|line| line["file"] == format!("kafka:{topic}/0")));
    assert!(refused.iter().any(|line| line["input"] == huge), "nothing that came is lost");
}

#[test]
fn over_tls_with_a_password() {
    let (Some(servers), Some(plain), Some(ca), Some(user), Some(password)) = (
        variable("AUDIT_TEST_KAFKA_SASL_SSL"),
        variable("AUDIT_TEST_KAFKA"),
        variable("AUDIT_TEST_CA"),
        variable("AUDIT_TEST_KAFKA_USER"),
        variable("AUDIT_TEST_KAFKA_PASSWORD"),
    ) else {
        return;
    };
    let topic = fresh("secure");
    create_topic(&plain, &topic, 1, &[]);
    let producer = Producer::new(&plain);
    (0..10).for_each(|number| producer.number(&topic, number));
    producer.acknowledged();
    let directory = tempfile::tempdir().unwrap();
    let log = Pipeline::options(directory.path().join("audit.log")).start().unwrap();
    let brokers = |password: &str| {
        Brokers::new([servers.clone()])
            .security(SecurityProtocol::SaslSsl)
            .sasl(SaslMechanism::ScramSha512, &*user, password.into())
            .ca_file(&*ca)
    };
    let options = |password: &str| {
        KafkaSourceOptions::new(brokers(password), [topic.clone()], format!("group-of-{topic}"))
    };
    let wrong = Member::start(&log, options("wr0ng-word"));
    until("it is told", || wrong.status().failing.is_some_and(|why| why.contains("SASL")));
    let why = wrong.status().failing.unwrap();
    assert!(why.contains("are user name, password and mechanism right"), "{why}");
    assert!(!why.contains("wr0ng-word"), "{why}");
    wrong.stop();
    let right = Member::start(&log, options(&password));
    until("all are there", || right.status().recorded == 10);
    assert_eq!(right.status().failing, None);
    right.stop();
}

#[test]
fn a_topic_that_is_not_there_is_told_and_read_when_it_is() {
    let Some(servers) = variable("AUDIT_TEST_KAFKA") else { return };
    let topic = fresh("late");
    let directory = tempfile::tempdir().unwrap();
    let log = Pipeline::options(directory.path().join("audit.log")).start().unwrap();
    let member = Member::start(&log, options(&servers, &topic));
    until("it is told", || member.status().failing.is_some());
    let why = member.status().failing.unwrap();
    assert!(why.contains(&topic) && why.ends_with("create the topic"), "{why}");
    create_topic(&servers, &topic, 2, &[]);
    let producer = Producer::new(&servers);
    (0..10).for_each(|number| producer.number(&topic, number));
    producer.acknowledged();
    until("all are there", || member.status().recorded == 10);
    assert_eq!(member.status().failing, None);
    member.stop();
}

//! The broker is killed, slowed down and stalled: everything arrives in the end. Alone in its file, since it disturbs
//! every other test.

mod broker;

use audit_sink::testkit::survives;
use audit_sink_kafka::KafkaOptions;
use broker::{Topic, fresh_topic, run, variable};

#[test]
fn killed_slow_and_stalled() {
    let Some(server) = variable("AUDIT_TEST_KAFKA_PROXIED") else { return };
    for needed in ["AUDIT_TEST_KAFKA", "AUDIT_TEST_XTASK", "AUDIT_TEST_TOXIPROXY"] {
        if variable(needed).is_none() {
            return;
        }
    }
    let name = fresh_topic("survives");
    let options = KafkaOptions::new([server], &name);
    survives(&mut Topic { name, options }, &|send| run(send));
}

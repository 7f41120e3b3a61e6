//! What the `metrics` facade is told. One test: the recorder is the process's.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod place;

use std::collections::BTreeMap;
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use place::{Answer, Capitals, Log, Place, to, until};

#[test]
fn metrics_tell_how_it_goes() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().unwrap();
    // A snapshot takes the counters back to zero.
    let mut totals = BTreeMap::new();
    let mut read = || {
        for (key, _, _, value) in snapshotter.snapshot().into_vec() {
            let (_, key) = key.into_parts();
            let labels: Vec<_> =
                key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            let name = format!("{}{{{}}}", key.name(), labels.join(","));
            match value {
                DebugValue::Counter(count) => *totals.entry(name).or_insert(0.0) += count as f64,
                DebugValue::Gauge(gauge) => drop(totals.insert(name, gauge.into_inner())),
                DebugValue::Histogram(_) => {}
            }
        }
        totals.clone()
    };

    let mut log = Log::new();
    log.write("auth.login", 10);
    let place = Place::default();
    place.next(Answer::Fail("503"));
    place.next(Answer::Fail("503"));
    place.next(Answer::RefuseThese(vec![4]));
    let (delivery, _) = log.deliver(vec![to("siem", &place)]);
    until("delivered", || place.numbers().len() == 9);
    until("acknowledged", || delivery.acknowledged_by_all() == 10);
    let of =
        |totals: &BTreeMap<String, f64>, name: &str| totals[&format!("audit_log_{name}{{destination=siem}}")];
    let totals = read();
    assert_eq!(of(&totals, "records_delivered_total"), 9.0);
    assert_eq!(of(&totals, "delivery_retries_total"), 2.0);
    assert_eq!(of(&totals, "records_dead_lettered_total"), 1.0);
    assert_eq!(of(&totals, "delivery_lag_records"), 0.0);
    assert_eq!(of(&totals, "delivery_lag_seconds"), 0.0);

    let merged = Place::default();
    merged.next(Answer::RefuseThese(vec![3]));
    let mut other = Log::new();
    other.write("backup.started", 2);
    other.write("auth.login", 5);
    other.write("secret.told", 1);
    let (formatted, _) = other.deliver(vec![to("merged", &merged).format(Box::new(Capitals::default()))]);
    until("acknowledged", || formatted.acknowledged_by_all() == 8);
    let totals = read();
    assert_eq!(totals["audit_log_records_delivered_total{destination=merged}"], 2.0, "the log's records");
    assert_eq!(totals["audit_log_records_dead_lettered_total{destination=merged}"], 6.0, "and here, too");

    place.always(Answer::Fail("down"));
    delivery.advance(log.write("auth.login", 7));
    until("tried twice", || place.attempts().len() >= 5);
    let totals = read();
    assert_eq!(of(&totals, "delivery_lag_records"), 7.0);
    assert!(of(&totals, "delivery_lag_seconds") > 1000.0, "the events are of January 2026");
    drop(delivery.remove("siem", Duration::ZERO).unwrap());
    let totals = read();
    assert_eq!(of(&totals, "delivery_lag_records"), 0.0, "nobody is behind any more");
    assert_eq!(of(&totals, "delivery_lag_seconds"), 0.0);
    // What still tells how time goes by tells nothing of it.
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(of(&read(), "delivery_lag_records"), 0.0);
    drop(delivery.close(Duration::ZERO));
}

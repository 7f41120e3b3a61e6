//! What does it cost to write an event as canonical JSON?
//!
//! `cargo xtask bench encode`
//!
//! `Event::write_canonical_json` into a buffer that is used again, beside `serde_json` writing the same bytes of the same
//! data: `to_vec` and `to_writer` into such a buffer, of a struct with `derive(Serialize)` and of a `serde_json::Value`.
//! There is no goal: RFC 8785 asks for more than `serde_json` does, and it ought not to cost more.

use std::hint::black_box;
use std::time::Duration;

use audit_benches::{PlainEvent, Sides, Table, canonical, events, is_measuring, plain, rate};
use audit_model::{Event, Value};
use criterion::{Criterion, Throughput};

struct Samples {
    events: Vec<Event>,
    plain: Vec<PlainEvent>,
    values: Vec<Value>,
}

fn canonical_turn(events: &[Event], buffer: &mut Vec<u8>) {
    for event in events {
        buffer.clear();
        black_box(event).write_canonical_json(buffer).expect("the samples have a canonical text");
        black_box(&buffer);
    }
}

fn serde_turn<T: serde::Serialize>(samples: &[T]) {
    for sample in samples {
        black_box(serde_json::to_vec(black_box(sample)).expect("plain JSON"));
    }
}

fn serde_reused_turn<T: serde::Serialize>(samples: &[T], buffer: &mut Vec<u8>) {
    for sample in samples {
        buffer.clear();
        serde_json::to_writer(&mut *buffer, black_box(sample)).expect("plain JSON");
        black_box(&buffer);
    }
}

fn main() {
    let events = events(256);
    let samples = Samples {
        plain: events.iter().map(plain).collect(),
        values: events.iter().map(|e| serde_json::from_slice(&canonical(e)).expect("JSON")).collect(),
        events,
    };
    let bytes: usize = samples.events.iter().map(|event| canonical(event).len()).sum();

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("encode 256 events");
    group
        .throughput(Throughput::Bytes(bytes as u64))
        .sample_size(20)
        .measurement_time(Duration::from_secs(2));
    group.warm_up_time(Duration::from_millis(500));
    let mut buffer = Vec::new();
    group.bench_function("canonical", |b| b.iter(|| canonical_turn(&samples.events, &mut buffer)));
    group.bench_function("serde_json struct", |b| b.iter(|| serde_turn(&samples.plain)));
    group.bench_function("serde_json struct, reused buffer", |b| {
        b.iter(|| serde_reused_turn(&samples.plain, &mut buffer));
    });
    group.bench_function("serde_json value", |b| b.iter(|| serde_turn(&samples.values)));
    group.finish();
    criterion.final_summary();

    if is_measuring() {
        const TURNS: u64 = 40;
        let count = TURNS * samples.events.len() as u64;
        let (mut one, mut other) = (Vec::new(), Vec::new());
        let rates = Sides::new()
            .side("canonical", || {
                rate(count, || (0..TURNS).for_each(|_| canonical_turn(&samples.events, &mut one)))
            })
            .side("serde_json struct", || rate(count, || (0..TURNS).for_each(|_| serde_turn(&samples.plain))))
            .side("serde_json struct, reused buffer", || {
                rate(count, || (0..TURNS).for_each(|_| serde_reused_turn(&samples.plain, &mut other)))
            })
            .side("serde_json value", || rate(count, || (0..TURNS).for_each(|_| serde_turn(&samples.values))))
            .measure(51);
        let mut table = Table::new("encode");
        for peer in ["serde_json struct", "serde_json struct, reused buffer", "serde_json value"] {
            table.ratio(&rates, "canonical", peer, None);
        }
        table.rate(&rates, "canonical", "k events/s", 1e3);
        table.note(format!("an event has {} bytes", bytes / samples.events.len()));
        table.print();
    }
}

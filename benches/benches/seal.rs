//! What does sealing a record cost?
//!
//! `cargo xtask bench seal`
//!
//! `EventDigest::of` and `Sealer::seal` beside HMAC-SHA256 (the `hmac` crate, its keyed state cloned) over the same event
//! bytes, copied into the same kind of buffer. Sealing hashes the event, and 250 bytes more for the chain; there is no goal.

use std::hint::black_box;
use std::time::Duration;

use audit_benches::{Sides, Table, canonical, events, is_measuring, key, rate};
use audit_integrity::{EventDigest, Sealer, Signer};
use criterion::{Criterion, Throughput};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

fn seal_turn(sealer: &mut Sealer, events: &[Vec<u8>], out: &mut Vec<u8>) {
    out.clear();
    for event in events {
        let event = black_box(event);
        sealer.seal(event, &EventDigest::of(event), out);
    }
    black_box(&out);
}

/// The sequencer's share of it: callers hash their own events.
fn seal_hashed_turn(sealer: &mut Sealer, events: &[(Vec<u8>, EventDigest)], out: &mut Vec<u8>) {
    out.clear();
    for (event, digest) in events {
        sealer.seal(black_box(event), digest, out);
    }
    black_box(&out);
}

fn hmac_turn(keyed: &Hmac<Sha256>, events: &[Vec<u8>], out: &mut Vec<u8>) {
    out.clear();
    for event in events {
        let event = black_box(event);
        let mut mac = keyed.clone();
        mac.update(event);
        out.extend_from_slice(event);
        out.extend_from_slice(&mac.finalize().into_bytes());
    }
    black_box(&out);
}

fn main() {
    let events: Vec<Vec<u8>> = events(256).iter().map(canonical).collect();
    let hashed: Vec<_> = events.iter().map(|event| (event.clone(), EventDigest::of(event))).collect();
    let bytes: usize = events.iter().map(Vec::len).sum();
    let sealer = || Sealer::new("bench".parse().expect("a plain name"), Signer::Hmac(key()));
    let keyed = Hmac::<Sha256>::new_from_slice(b"0123456789abcdef0123456789abcdef").expect("any length");

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("seal 256 events");
    group
        .throughput(Throughput::Bytes(bytes as u64))
        .sample_size(20)
        .measurement_time(Duration::from_secs(2));
    group.warm_up_time(Duration::from_millis(500));
    let (mut out, mut chain) = (Vec::new(), sealer());
    group.bench_function("digest and seal", |b| b.iter(|| seal_turn(&mut chain, &events, &mut out)));
    group.bench_function("seal", |b| b.iter(|| seal_hashed_turn(&mut chain, &hashed, &mut out)));
    group.bench_function("raw HMAC", |b| b.iter(|| hmac_turn(&keyed, &events, &mut out)));
    group.finish();
    criterion.final_summary();

    if is_measuring() {
        const TURNS: u64 = 40;
        let count = TURNS * events.len() as u64;
        let (mut one, mut two, mut three) = (Vec::new(), Vec::new(), Vec::new());
        let (mut first, mut second) = (sealer(), sealer());
        let rates = Sides::new()
            .side("digest and seal", || {
                rate(count, || (0..TURNS).for_each(|_| seal_turn(&mut first, &events, &mut one)))
            })
            .side("seal", || {
                rate(count, || (0..TURNS).for_each(|_| seal_hashed_turn(&mut second, &hashed, &mut two)))
            })
            .side("raw HMAC", || {
                rate(count, || (0..TURNS).for_each(|_| hmac_turn(&keyed, &events, &mut three)))
            })
            .measure(51);
        let mut table = Table::new("seal");
        table.ratio(&rates, "digest and seal", "raw HMAC", None);
        table.ratio(&rates, "seal", "raw HMAC", None);
        for side in ["digest and seal", "seal", "raw HMAC"] {
            table.rate(&rates, side, "k events/s", 1e3);
        }
        table.print();
    }
}

//! The whole path on real packet bytes: parse, table, IP-in-IP.
//!
//! Dimensions: one flow or a million in random order; hit or new flow; one by
//! one or in batches of 32. No peer is linked: the figures to hold against are
//! Katran's, measured on such a machine (README).

use criterion::{Criterion, Throughput};
use lb_core::Time;
use lb_core::director::{BatchPacket, Choice, Director, Verdict};
use lb_core::table::TableCache;
use std::hint::black_box;
use std::time::Duration;

const BACKENDS: u32 = 100;
const MILLION: u32 = 1 << 20;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .sample_size(20)
        .configure_from_args();
    let mut group = criterion.benchmark_group("path");
    group.throughput(Throughput::Elements(1));

    let mut out = [0; 2_048];
    let (mut director, packets) = established(1);
    group.bench_function("hit, 1 flow", |bencher| {
        bencher.iter(|| forward(&mut director, black_box(&packets[0]), &mut out, Choice::Existing));
    });

    let flows = if test_mode() { 1 << 12 } else { MILLION };
    let (mut director, packets) = established(flows);
    let mut next = 0_usize;
    group.bench_function("hit, 1 M flows in random order", |bencher| {
        bencher.iter(|| {
            next = (next + 1) & (packets.len() - 1);
            forward(&mut director, black_box(&packets[next]), &mut out, Choice::Existing);
        });
    });

    group.throughput(Throughput::Elements(32));
    let mut outs = vec![[0; 128]; 32];
    group.bench_function("hit, 1 M flows in random order, batches of 32", |bencher| {
        bencher.iter(|| {
            next = (next + 32) & (packets.len() - 1);
            let mut batch: Vec<_> = packets[next & !31..][..32]
                .iter()
                .zip(&mut outs)
                .map(|(packet, out)| BatchPacket::new(packet, out))
                .collect();
            director.handle_packets(Time::from_secs(2), &mut batch);
            assert!(matches!(batch[31].verdict, Verdict::Forward { choice: Choice::Existing, .. }));
        });
    });

    group.throughput(Throughput::Elements(1));
    let mut number = flows;
    group.bench_function("new flow", |bencher| {
        let mut director = Director::new(benches::node(BACKENDS, MILLION), &mut TableCache::default())
            .expect("the configuration is right");
        bencher.iter(|| {
            number += 1;
            let packet = benches::tcp_packet(benches::client_v4(number), benches::SYN);
            forward(&mut director, black_box(&packet), &mut out, Choice::New);
        });
    });
    group.finish();
    criterion.final_summary();
}

/// A director that knows `flows` flows, and a packet of each in random order.
fn established(flows: u32) -> (Director, Vec<[u8; 60]>) {
    let mut tables = TableCache::default();
    let mut director = Director::new(benches::node(BACKENDS, 2 * flows.max(64)), &mut tables)
        .expect("the configuration is right");
    let mut out = [0; 128];
    let packets: Vec<_> =
        (0..flows).map(|number| benches::tcp_packet(benches::client_v4(number), benches::ACK)).collect();
    for packet in &packets {
        director.handle_packet(Time::ZERO, packet, &mut out);
    }
    for packet in &packets {
        forward(&mut director, packet, &mut out, Choice::Existing);
    }
    (director, packets)
}

fn forward(director: &mut Director, packet: &[u8], out: &mut [u8], expected: Choice) {
    let verdict = director.handle_packet(Time::from_secs(2), packet, out);
    assert!(matches!(verdict, Verdict::Forward { choice, .. } if choice == expected), "{verdict:?}");
}

/// Whether criterion only checks that the benches run.
fn test_mode() -> bool {
    std::env::args().any(|argument| argument == "--test")
}

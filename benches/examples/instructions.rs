//! Repeats one operation so that callgrind can count its instructions: run it
//! with N and with 2 N repetitions; the difference divided by N is one
//! operation and 10 instructions of loop. Operations: `parse`, `hash`, `hit`, `new`.
//!
//! `valgrind --tool=callgrind target/release/examples/instructions hit 100000`

use std::hint::black_box;

use lb_core::director::{Choice, Director, Verdict};
use lb_core::table::TableCache;
use lb_core::{HashFields, HashKey, Time, packet};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let count: u32 = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(1_000);
    let packet = benches::tcp_packet(benches::client_v4(7), benches::ACK);
    match what.as_str() {
        "parse" => {
            for _ in 0..count {
                let parsed = packet::parse(black_box(&packet));
                black_box(parsed.as_ref().ok().and_then(packet::Packet::flow_key));
            }
        }
        "hash" => {
            let key = HashKey::new([7; 16]);
            let flow =
                packet::parse(&packet).ok().and_then(|packet| packet.flow_key()).expect("a TCP packet");
            for _ in 0..count {
                black_box(black_box(key).hash_flow(black_box(&flow), HashFields::ALL));
            }
        }
        "hit" => hit(&packet, count),
        "new" => new(count),
        other => panic!("no operation {other:?}: parse, hash, hit or new"),
    }
}

fn director() -> Director {
    Director::new(benches::node(100, 1 << 20), &mut TableCache::default())
        .expect("the configuration is right")
}

/// A proven flow's packets.
fn hit(packet: &[u8], count: u32) {
    let mut director = director();
    let mut out = [0; 128];
    for second in 0..4 {
        director.handle_packet(Time::from_secs(second), packet, &mut out);
    }
    for _ in 0..count {
        let verdict = director.handle_packet(Time::from_secs(4), black_box(packet), &mut out);
        assert!(matches!(verdict, Verdict::Forward { choice: Choice::Existing, .. }));
    }
}

/// A flow's first packet, each time another's.
fn new(count: u32) {
    let mut director = director();
    let mut out = [0; 128];
    let mut packet = benches::tcp_packet(benches::client_v4(0), benches::SYN);
    for number in 0..count {
        // Only the ports change, so that the header's checksum stays right.
        packet[20..24].copy_from_slice(&(number << 16 | 443).to_be_bytes());
        let verdict = director.handle_packet(Time::ZERO, black_box(&packet), &mut out);
        assert!(matches!(verdict, Verdict::Forward { choice: Choice::New, .. }));
    }
}

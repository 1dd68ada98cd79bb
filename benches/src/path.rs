//! The whole path on real packet bytes: parse, find the backend, IP-in-IP.
//!
//! Dimensions: one flow or a million in random order; hit or new flow; one by
//! one or in batches of 32; IPv4 or IPv6. `parse`, `hash` and `encapsulate` are
//! its parts. No peer is linked: the figures to hold against are Katran's in
//! eBPF, measured on such a machine (README).

use std::hint::black_box;
use std::ops::Range;
use std::time::Duration;

use lb_core::config::Forward;
use lb_core::director::{BatchPacket, Choice, Director, Verdict};
use lb_core::encapsulation::{Identification, Tunnel, TunnelOptions};
use lb_core::table::TableCache;
use lb_core::{FlowHash, HashFields, HashKey, Time, packet};

use crate::fixtures::{
    ACK, SYN, backend_address, client_v4, client_v6, node, shuffle, tcp_packet, tcp_packet_v6,
};
use crate::{Case, Scale, Work, timed};

/// All cases.
pub const CASES: &[Case] = &[
    Case::new("parse", parse),
    Case::new("hash", hash),
    Case::new("encapsulate", encapsulate),
    Case::new("hit", |_| hit(1)),
    Case::new("hit-v6", |_| hit_v6()),
    Case::new("hit-1M", |scale| hit(scale.flows())),
    Case::new("hit-1M-batch", |scale| hit_batches(scale.flows())),
    Case::new("new", new),
    Case::new("new-evicting", new_evicting),
];

/// New flows until a director of [`new`](CASES) gives way to an empty one.
pub const NEW_FLOWS: u32 = 1 << 19;

const BACKENDS: u32 = 100;
/// SYNs that are written before they are sent: few enough to stay in the cache.
const WRITTEN_AHEAD: u64 = 4096;
const BATCH: usize = 32;
/// When the flows that were made known send their packets.
const LATER: Time = Time::from_secs(2);

fn parse(_: Scale) -> Work {
    let packet = tcp_packet(client_v4(7), ACK);
    Box::new(move |count| {
        timed(|| {
            for _ in 0..count {
                let flow = match &packet::parse(black_box(&packet)) {
                    Ok(packet) => packet.flow_key(),
                    Err(_) => None,
                };
                assert!(black_box(flow).is_some());
            }
        })
    })
}

fn hash(_: Scale) -> Work {
    let key = HashKey::new([7; 16]);
    let packet = tcp_packet(client_v4(7), ACK);
    let flow = packet::parse(&packet).ok().and_then(|packet| packet.flow_key()).expect("a TCP packet");
    Box::new(move |count| {
        timed(|| {
            for _ in 0..count {
                black_box(black_box(&key).hash_flow(black_box(&flow), HashFields::ALL));
            }
        })
    })
}

fn encapsulate(_: Scale) -> Work {
    let packet = tcp_packet(client_v4(7), ACK);
    let tunnel = Tunnel::new(TunnelOptions::new(Forward::Ipip, Some([10, 0, 0, 11].into()), None, 1_500));
    let mut identification = Identification::default();
    Box::new(move |count| {
        let parsed = packet::parse(&packet).expect("the packet is right");
        let mut out = [0; 128];
        timed(|| {
            for _ in 0..count {
                let (parsed, backend) = (black_box(&parsed), black_box(backend_address(1)));
                let length = tunnel.encapsulate(parsed, backend, FlowHash(0), &mut identification, &mut out);
                assert_eq!(length, Ok(80));
                black_box(&out);
            }
        })
    })
}

fn hit(flows: u32) -> Work {
    let (mut director, packets) = established(flows);
    let mut next = 0;
    let mut out = [0; 128];
    Box::new(move |count| {
        timed(|| {
            for _ in 0..count {
                next = (next + 1) & (packets.len() - 1);
                forward(&mut director, LATER, &packets[next], &mut out, Choice::Existing);
            }
        })
    })
}

fn hit_v6() -> Work {
    let mut director = director(64);
    let packet = tcp_packet_v6(client_v6(7), ACK);
    let mut out = [0; 128];
    forward(&mut director, Time::ZERO, &packet, &mut out, Choice::PickedUp);
    Box::new(move |count| {
        timed(|| {
            for _ in 0..count {
                forward(&mut director, LATER, &packet, &mut out, Choice::Existing);
            }
        })
    })
}

/// As [`hit`], a batch of packets at a time; what is left over is a smaller batch.
fn hit_batches(flows: u32) -> Work {
    let (mut director, packets) = established(flows);
    let mut outs = vec![[0_u8; 128]; BATCH];
    let mut next = 0;
    Box::new(move |count| {
        timed(|| {
            let mut left = usize::try_from(count).expect("fewer than memory has bytes");
            while left > 0 {
                next = (next + BATCH) & (packets.len() - 1);
                let size = left.min(BATCH);
                let with_room = packets[next..][..size].iter().zip(&mut outs);
                let mut batch: Vec<_> =
                    with_room.map(|(packet, out)| BatchPacket::new(packet, out)).collect();
                director.handle_packets(LATER, black_box(&mut batch));
                for item in &batch {
                    assert!(matches!(item.verdict, Verdict::Forward { choice: Choice::Existing, .. }));
                }
                left -= size;
            }
        })
    })
}

/// A flow's first packet, each time another's, until as many are unproven as
/// may be; then begins anew with an empty director.
fn new(scale: Scale) -> Work {
    let flows = scale.pick(NEW_FLOWS, 1 << 16);
    let mut director = director(2 * flows);
    let mut number = 0;
    Box::new(move |count| {
        let mut took = Duration::ZERO;
        let mut left = count;
        while left > 0 {
            if number == flows {
                director = self::director(2 * flows);
                number = 0;
            }
            let batch = left.min(u64::from(flows - number)).min(WRITTEN_AHEAD) as u32;
            took += open(&mut director, number..number + batch);
            number += batch;
            left -= u64::from(batch);
        }
        took
    })
}

/// The same with as many unproven flows as may be: each new one evicts the oldest.
fn new_evicting(scale: Scale) -> Work {
    let flows = scale.pick(NEW_FLOWS, 1 << 16);
    let mut director = director(2 * flows);
    open(&mut director, 0..flows);
    let mut number = flows;
    Box::new(move |count| {
        let mut took = Duration::ZERO;
        let mut left = count;
        while left > 0 {
            let batch = left.min(WRITTEN_AHEAD) as u32;
            took += open(&mut director, number..number + batch);
            number += batch;
            left -= u64::from(batch);
        }
        took
    })
}

/// How long the director takes for the SYNs of new flows; writing these does not count.
fn open(director: &mut Director, numbers: Range<u32>) -> Duration {
    let packets: Vec<_> = numbers.map(|number| tcp_packet(client_v4(number), SYN)).collect();
    let mut out = [0; 128];
    timed(|| {
        for packet in &packets {
            forward(director, Time::ZERO, packet, &mut out, Choice::New);
        }
    })
}

fn director(connections: u32) -> Director {
    Director::new(node(BACKENDS, connections), &mut TableCache::default())
        .expect("the configuration is right")
}

/// A director that knows `flows` flows, and a packet of each in random order.
fn established(flows: u32) -> (Director, Vec<[u8; 60]>) {
    // Half the room is for newcomers, and at first all are.
    let mut director = director(2 * flows.max(64));
    let mut out = [0; 128];
    let mut packets: Vec<_> = (0..flows).map(|number| tcp_packet(client_v4(number), ACK)).collect();
    for packet in &packets {
        forward(&mut director, Time::ZERO, packet, &mut out, Choice::PickedUp);
    }
    for packet in &packets {
        forward(&mut director, LATER, packet, &mut out, Choice::Existing);
    }
    shuffle(&mut packets);
    (director, packets)
}

fn forward(director: &mut Director, now: Time, packet: &[u8], out: &mut [u8], expected: Choice) {
    let verdict = director.handle_packet(now, black_box(packet), black_box(out));
    assert!(matches!(verdict, Verdict::Forward { choice, .. } if choice == expected), "{verdict:?}");
}

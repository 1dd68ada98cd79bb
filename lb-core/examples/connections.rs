//! A connection table alone, for a balancer that has its own way to choose.
//!
//! A client opens a connection, and a flood of opening segments that never go
//! on tries to push it out. The table holds 1,000 flows; whoever has not shown
//! packets at least a second apart is unproven and goes first. Run it with
//! `cargo run -p lb-core --example connections`.

use core::net::{IpAddr, Ipv4Addr};

use lb_core::connection::{ConnectionKey, ConnectionLimits, ConnectionTable, Machine, Segment};
use lb_core::{BackendId, HashKey, ServiceId, Time};

const SERVICE: ServiceId = ServiceId(0);

fn main() {
    let limits = ConnectionLimits::new(1_000, Machine::Own);
    let mut table = ConnectionTable::new(limits, Machine::Own, HashKey::new([7; 16]));

    let client = ConnectionKey::new(SERVICE, IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 40_000);
    table.insert(Time::ZERO, client, Segment::SYN, BackendId(3));
    for second in 1..4 {
        table.find(Time::from_secs(second), &client, Segment::ACK);
    }

    let now = Time::from_secs(4);
    for number in 0..100_000_u32 {
        let source = IpAddr::V4(Ipv4Addr::from(0x6440_0000 + number));
        table.insert(now, ConnectionKey::new(SERVICE, source, 1_024), Segment::SYN, BackendId(0));
    }

    let found = table.find(now, &client, Segment::ACK).expect("no flood evicts a proven flow");
    println!("the client is still on backend {}, {:?}", found.backend.0, found.state);
    println!(
        "{} flows of {} at most, {} of them unproven; {} were evicted; {} bytes in all",
        table.len(),
        limits.max,
        table.unproven(),
        table.counters().evicted,
        table.memory_bytes(),
    );
    assert_eq!(found.backend, BackendId(3));
}

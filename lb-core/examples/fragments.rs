//! Where fragments go: only the first one has ports.
//!
//! ```text
//! client 192.0.2.1:40000 --- a datagram of 2,000 bytes ---> VIP 203.0.113.10:53
//!
//! [IP|UDP|bytes 0 to 1471]   first: its ports lead to a backend, and are remembered
//! [IP|bytes 1472 to 1991]    later: no ports; it goes where the first one went
//! ```
//!
//! A node sees the parts of a datagram in any order, and other nodes may see
//! some of them. Nothing waits: a later part that comes before the first is
//! steered by addresses and protocol alone. First by a fragment table alone, as
//! somebody else's forwarder would embed it, then by a director.
//! Run it with `cargo run -p lb-core --example fragments`.

use core::time::Duration;

use lb_core::checksum::Sum;
use lb_core::config::{Config, LbFile};
use lb_core::director::{Choice, Director, Verdict};
use lb_core::fragment::{DEFAULT_TIMEOUT, FragmentTable, three_tuple};
use lb_core::packet::{self, Fragment};
use lb_core::table::TableCache;
use lb_core::{Endpoint, FlowKey, HashKey, Time};

const LB_FILE: &str = r#"
node: { address: 10.0.0.11 }
hashKey: "000102030405060708090a0b0c0d0e0f"
services:
  - vip: 203.0.113.10
    port: 53
    protocol: udp
    backends: [{ address: 10.1.0.5 }, { address: 10.1.0.6 }, { address: 10.1.0.7 }]
"#;

fn main() {
    let [first, later] = datagram(7, 40_000);
    a_table_alone(&first, &later);
    a_table_at_its_limit();
    a_director(&first, &later);
}

/// What a forwarder does that chooses backends its own way.
fn a_table_alone(first: &[u8], later: &[u8]) {
    println!("a fragment table alone");
    let mut table = FragmentTable::new(1_000, DEFAULT_TIMEOUT, HashKey::new([7; 16]));
    let start = Time::from_secs(1);

    let too_early = steer(&mut table, start, later);
    assert_eq!(too_early.source_port(), 0, "nothing is known of its flow");
    let by_ports = steer(&mut table, start, first);
    let follows = steer(&mut table, start, later);
    assert_eq!(follows, by_ports);
    // The receiver gives a datagram up after 30 seconds, so nothing is remembered for longer.
    let too_late = steer(&mut table, start + DEFAULT_TIMEOUT, later);
    assert_eq!(too_late, too_early);
    assert_eq!(table.poll_timeout(), Some(start + DEFAULT_TIMEOUT));
    table.handle_timeout(start + DEFAULT_TIMEOUT);
    assert!(table.is_empty());
}

/// The flow whose backend a packet goes to.
fn steer(table: &mut FragmentTable, now: Time, bytes: &[u8]) -> FlowKey {
    let packet = packet::parse(bytes).expect("it is well formed");
    table.record(now, &packet);
    let (part, flow) = match packet.flow_key() {
        Some(flow) => ("first part", flow),
        None => ("later part", table.find(now, &packet).unwrap_or_else(|| three_tuple(&packet))),
    };
    println!("  {now}  {part}: {flow}");
    flow
}

/// A flood of first fragments pushes out the oldest, never grows the table.
fn a_table_at_its_limit() {
    let mut table = FragmentTable::new(100, DEFAULT_TIMEOUT, HashKey::new([7; 16]));
    for number in 0..1_000_u16 {
        let now = Time::from_millis(number.into());
        let [first, _] = datagram(number, 40_000);
        table.record(now, &packet::parse(&first).expect("it is well formed"));
    }
    println!(
        "\na table for 100 datagrams after 1,000: {} remembered, {} displaced, {} bytes as ever",
        table.len(),
        table.displaced(),
        table.memory_bytes()
    );
    assert_eq!((table.len(), table.displaced()), (100, 900));
    let [_, of_the_last] = datagram(999, 40_000);
    let [_, of_the_first] = datagram(0, 40_000);
    let find = |bytes: &[u8]| table.find(Time::from_secs(1), &packet::parse(bytes).expect("well formed"));
    assert!(find(&of_the_last).is_some() && find(&of_the_first).is_none());
}

/// The same through a whole packet path, with the reasons it gives.
fn a_director(first: &[u8], later: &[u8]) {
    println!("\na director");
    let file: LbFile = serde_saphyr::from_str(LB_FILE).expect("the text above is an LB file");
    let config = Config::try_from(file).expect("the file above is right");
    let mut director = Director::new(config, &mut TableCache::default()).expect("the table can be built");
    let mut now = Time::from_secs(1);

    let (_, choice) = send(&mut director, now, "the later part, out of order", later);
    assert_eq!(choice, Choice::Untracked);
    let (home, choice) = send(&mut director, now, "the first part", first);
    assert_eq!(choice, Choice::New);
    let (backend, choice) = send(&mut director, now, "the later part, in order", later);
    assert_eq!((backend, choice), (home, Choice::Existing));
    now += Duration::from_secs(31);
    let (_, choice) = send(&mut director, now, "the later part, 31 seconds later", later);
    assert_eq!(choice, Choice::Untracked);
}

fn send(director: &mut Director, now: Time, what: &str, bytes: &[u8]) -> (Endpoint, Choice) {
    let explained = director.explain(now, bytes);
    println!("  {what}:");
    explained.steps.iter().for_each(|step| println!("    {step}"));
    let mut out = [0; 1_600];
    let verdict = director.handle_packet(now, bytes, &mut out);
    let Verdict::Forward { backend, choice, .. } = verdict else { panic!("not forwarded: {verdict:?}") };
    (director.backend(backend).expect("it was just named").endpoint(), choice)
}

/// A UDP datagram of 2,000 bytes in two parts, 1,480 bytes and the rest.
fn datagram(identification: u16, port: u16) -> [Vec<u8>; 2] {
    let mut datagram = vec![0; 2_000];
    datagram[..2].copy_from_slice(&port.to_be_bytes());
    datagram[2..4].copy_from_slice(&53_u16.to_be_bytes());
    datagram[4..6].copy_from_slice(&2_000_u16.to_be_bytes());
    // "More fragments" in the first; the offset in units of eight bytes in the other.
    let first = part(identification, 0x2000, &datagram[..1_480]);
    let later = part(identification, 1_480 / 8, &datagram[1_480..]);
    let kind = |bytes: &[u8]| packet::parse(bytes).expect("it is well formed").ip.fragment;
    let identification = identification.into();
    assert_eq!(kind(&first), Fragment::First { identification });
    assert_eq!(kind(&later), Fragment::Later { identification });
    [first, later]
}

/// An IPv4 packet from 192.0.2.1 to 203.0.113.10 with this part of a UDP datagram.
fn part(identification: u16, flags_and_offset: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).expect("a part fits a packet");
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 203, 0, 113, 10];
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet[4..6].copy_from_slice(&identification.to_be_bytes());
    packet[6..8].copy_from_slice(&flags_and_offset.to_be_bytes());
    let checksum = Sum::of(&packet).checksum();
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend(payload);
    packet
}

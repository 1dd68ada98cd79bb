//! Tests of captures: every shape, every unit of time, every way to be broken.

mod build;

use build::{block, interface, packet, pcap, record, section};
use proptest::prelude::*;

use super::link::Content;
use super::*;

const ORDERS: [Order; 2] = [Order::Big, Order::Little];

/// Time in nanoseconds, link and bytes.
type Packet = (Option<u64>, LinkType, Vec<u8>);

/// The packets of a capture, and the fault that ended it.
fn read(file: &[u8]) -> (Vec<Packet>, Option<CaptureError>) {
    let mut packets = Vec::new();
    let mut reader = match Reader::new(file) {
        Ok(reader) => reader,
        Err(error) => return (packets, Some(error)),
    };
    loop {
        match reader.next() {
            Ok(Some(found)) => packets.push((found.time_ns, found.link, found.bytes.to_vec())),
            Ok(None) => return (packets, None),
            Err(error) => return (packets, Some(error)),
        }
    }
}

fn times(file: &[u8]) -> Vec<Option<u64>> {
    let (packets, error) = read(file);
    assert_eq!(error, None);
    packets.into_iter().map(|(time, _, _)| time).collect()
}

/// How the fault of a capture is told.
fn fault(file: &[u8]) -> String {
    read(file).1.expect("it is broken").to_string()
}

#[test]
fn pcap_in_both_orders_and_units() {
    for order in ORDERS {
        for (magic, expected) in [(0xa1b2_c3d4, 7_000_008_000), (0xa1b2_3c4d, 7_000_000_008)] {
            let file =
                [pcap(order, magic, 1), record(order, 7, 8, b"abc"), record(order, 9, 0, b"")].concat();
            let (packets, error) = read(&file);
            assert_eq!(error, None);
            assert_eq!(packets[0], (Some(expected), LinkType::Ethernet, b"abc".to_vec()), "{order:?}");
            assert_eq!(packets[1], (Some(9_000_000_000), LinkType::Ethernet, Vec::new()));
        }
    }
}

#[test]
fn pcapng_in_both_orders_with_several_interfaces() {
    for order in ORDERS {
        let file = [
            section(order),
            interface(order, 1, 0, &[(2, b"eth0"), (9, &[9])]),
            interface(order, 101, 0, &[]),
            // statistics, names and a block nobody knows
            block(order, 5, &[0; 12]),
            block(order, 4, b"names"),
            packet(order, 1, 5_000_001, b"raw"),
            block(order, 0x0bad_cafe, &[7; 400]),
            packet(order, 0, 6_000_000_001, b"frame"),
            // a new section forgets the interfaces
            section(order),
            interface(order, 113, 0, &[]),
            packet(order, 0, 7_000_000, b"cooked"),
        ]
        .concat();
        let (packets, error) = read(&file);
        assert_eq!(error, None, "{order:?}");
        assert_eq!(packets[0], (Some(5_000_001_000), LinkType::Raw, b"raw".to_vec()));
        assert_eq!(packets[1], (Some(6_000_000_001), LinkType::Ethernet, b"frame".to_vec()));
        assert_eq!(packets[2], (Some(7_000_000_000), LinkType::LinuxCooked, b"cooked".to_vec()));
        assert_eq!(packets.len(), 3);
    }
}

#[test]
fn units_of_time() {
    let second = 1_000_000_000;
    // if_tsresol, units, nanoseconds
    for (resolution, units, expected) in [
        (0_u8, 3, 3 * second),
        (3, 1_500, 3 * second / 2),
        (6, 1, 1_000),
        (9, 1, 1),
        (12, 1_999, 1),
        (127, u64::MAX, 0),
        (0x80, 3, 3 * second),
        (0x81, 3, 3 * second / 2),
        (0x80 + 32, 3 << 31, 3 * second / 2),
        (0xff, u64::MAX, 0),
        // the end of time
        (0, u64::MAX, u64::MAX),
    ] {
        for order in ORDERS {
            let described = interface(order, 101, 0, &[(9, &[resolution])]);
            let file = [section(order), described, packet(order, 0, units, b"")].concat();
            assert_eq!(times(&file), [Some(expected)], "{resolution} {units}");
        }
    }
    for (offset, expected) in [(3_i64, 5 * second), (-1, second), (-9, 0), (i64::MAX, u64::MAX)] {
        let bytes = [offset.to_be_bytes(), offset.to_le_bytes()];
        for (order, offset) in ORDERS.into_iter().zip(bytes) {
            let described = interface(order, 101, 0, &[(9, &[0]), (14, &offset)]);
            let file = [section(order), described, packet(order, 0, 2, b"")].concat();
            assert_eq!(times(&file), [Some(expected)]);
        }
    }
}

#[test]
fn simple_and_obsolete_packets() {
    let order = Order::Little;
    let simple = |original: u32, bytes: &[u8]| block(order, 3, &[&order.word(original)[..], bytes].concat());
    let mut obsolete =
        [&[0, 0, 0xff, 0xff][..], &[0; 4], &order.word(9), &order.word(2), &order.word(2)].concat();
    obsolete.extend(b"ob");
    let file = [
        section(order),
        interface(order, 101, 4, &[]),
        simple(3, b"one\0"),
        simple(40, b"more"),
        block(order, 2, &obsolete),
    ]
    .concat();
    let (packets, error) = read(&file);
    assert_eq!(error, None);
    let seen: Vec<_> = packets.iter().map(|(time, _, bytes)| (*time, &bytes[..])).collect();
    assert_eq!(seen, [(None, &b"one"[..]), (None, b"more"), (Some(9_000), b"ob")]);
}

#[test]
fn faults_name_packet_and_byte() {
    let order = Order::Little;
    let good = [pcap(order, 0xa1b2_c3d4, 1), record(order, 1, 0, &[0; 10])].concat();
    assert_eq!(fault(b""), "is empty; even a capture without packets has a header");
    let none = "no capture: it begins neither as pcap nor as pcapng; `tcpdump -w` and Wireshark write both";
    assert_eq!(fault(b"GIF89a"), none);
    assert_eq!(fault(&[0xa1]), none);
    assert_eq!(
        fault(&good[..20]),
        "cut off: the file header needs 4 bytes more; capture or copy the file again"
    );
    assert_eq!(
        fault(&good[..30]),
        "packet 0 at byte 24: cut off: the packet's header needs 10 bytes more; capture or copy the file again"
    );
    let cut = [&good[..], &good[24..45]].concat();
    assert_eq!(
        fault(&cut),
        "packet 1 at byte 50: cut off: the packet needs 5 bytes more; capture or copy the file again"
    );
    let long = [pcap(order, 0xa1b2_c3d4, 1), [[0xff; 4]; 4].concat()].concat();
    assert_eq!(
        fault(&long),
        "packet 0 at byte 24: a packet of 4294967295 bytes cannot be; at most 262144 are read"
    );
    assert_eq!(
        fault(&pcap(order, 0xa1b2_c3d4, 147)),
        "link type 147 is not understood; capture on one of: Ethernet (1), raw IP (101, 228, 229), Linux cooked (113, 276), null and loopback (0, 108)"
    );
}

#[test]
fn faults_of_blocks() {
    let order = Order::Big;
    let start = [section(order), interface(order, 1, 0, &[])].concat();
    let check = |more: Vec<u8>, expected: &str| {
        let told = fault(&[start.clone(), more].concat());
        assert_eq!(told, format!("packet 0 at byte {}: {expected}", start.len()));
    };
    check(packet(order, 1, 0, b""), "interface 1 is not described before this packet; the file is damaged");
    let mut damaged = packet(order, 0, 0, b"abcd");
    *damaged.last_mut().unwrap() += 4;
    let length = damaged.len();
    check(
        damaged,
        &format!(
            "the pcapng block begins with length {length} and ends with {}; the file is damaged",
            length + 4
        ),
    );
    let short = [&order.word(6)[..], &order.word(8), &[0; 40]].concat();
    check(short, "a pcapng block of 8 bytes cannot be: it needs at least 12 and a multiple of 4");
    // more captured bytes than the block holds
    let mut greedy = packet(order, 0, 0, b"abcd");
    greedy[8 + 14] = 1;
    check(greedy, "a pcapng block of 44 bytes cannot be: it needs at least 292 and a multiple of 4");
    check(
        interface(order, 220, 0, &[]),
        "link type 220 of interface 1 is not understood; capture on one of: Ethernet (1), raw IP (101, 228, 229), Linux cooked (113, 276), null and loopback (0, 108)",
    );
}

#[test]
fn frames_of_every_link() {
    let ip = b"\x45ip";
    let mac = [0xee; 12];
    let ethernet = |tail: &[u8]| LinkType::Ethernet.content(&[&mac, tail].concat()).to_owned_for_test();
    let whole = Some(Some(ip.to_vec()));
    assert_eq!(ethernet(b"\x08\x00\x45ip"), whole);
    assert_eq!(ethernet(b"\x86\xdd\x45ip"), whole);
    assert_eq!(ethernet(b"\x81\x00\x00\x05\x08\x00\x45ip"), whole);
    assert_eq!(ethernet(b"\x88\xa8\x00\x05\x81\x00\x00\x06\x86\xdd\x45ip"), whole);
    assert_eq!(ethernet(b"\x08\x06arp"), Some(None));
    assert_eq!(ethernet(b"\x81\x00\x00\x05\x08"), None);
    assert_eq!(ethernet(b"\x08"), None);

    let of = |link: LinkType, frame: &[u8]| link.content(frame).to_owned_for_test();
    assert_eq!(of(LinkType::Raw, ip), whole);
    let cooked = [&[0; 14][..], b"\x08\x00", ip].concat();
    assert_eq!(of(LinkType::LinuxCooked, &cooked), whole);
    assert_eq!(of(LinkType::LinuxCooked, &cooked[..15]), None);
    let cooked2 = [b"\x86\xdd", &[0; 18][..], ip].concat();
    assert_eq!(of(LinkType::LinuxCooked2, &cooked2), whole);
    assert_eq!(of(LinkType::LinuxCooked2, &cooked2[..19]), None);
    for family in [2_u32, 10, 24, 28, 30] {
        for bytes in [family.to_le_bytes(), family.to_be_bytes()] {
            assert_eq!(of(LinkType::Null, &[&bytes[..], ip].concat()), whole);
        }
        assert_eq!(of(LinkType::Loop, &[&family.to_be_bytes()[..], ip].concat()), whole);
    }
    assert_eq!(of(LinkType::Null, b"\x07\0\0\0apple"), Some(None));
    assert_eq!(of(LinkType::Loop, b"\0\0"), None);
}

impl Content<'_> {
    /// `None`: cut off; `Some(None)`: something else.
    fn to_owned_for_test(self) -> Option<Option<Vec<u8>>> {
        match self {
            Self::CutOff => None,
            Self::Ip(packet) => Some(Some(packet.to_vec())),
            Self::Other => Some(None),
        }
    }
}

proptest! {
    /// What is written is read again.
    #[test]
    fn written_is_read(packets in prop::collection::vec((0_u64..4_000_000_000_000_000_000, prop::collection::vec(any::<u8>(), 0..90)), 0..9)) {
        let mut writer = Writer::new(Vec::new());
        for (time, bytes) in &packets {
            writer.write(*time, Precision::Nanoseconds, bytes).unwrap();
        }
        let (found, error) = read(&writer.finish().unwrap());
        let expected: Vec<_> = packets.into_iter().map(|(time, bytes)| (Some(time), LinkType::Raw, bytes)).collect();
        prop_assert_eq!((found, error), (expected, None));
    }

    /// Damage anywhere is told or survived; nothing panics, nothing grows.
    #[test]
    fn damage_is_survived(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>(), ng in any::<bool>()) {
        let order = Order::Little;
        let mut file = if ng {
            let described = interface(order, 1, 0, &[(9, &[9]), (14, &[0; 8])]);
            [section(order), described, packet(order, 0, 5, &[1; 30]), block(order, 3, &[9; 20])].concat()
        } else {
            [pcap(order, 0xa1b2_c3d4, 1), record(order, 1, 2, &[1; 30]), record(order, 1, 2, &[2; 9])].concat()
        };
        for (index, byte) in damage {
            let place = index.index(file.len());
            file[place] = byte;
        }
        file.truncate(cut.index(file.len() + 1));
        let (packets, _) = read(&file);
        prop_assert!(packets.iter().map(|(_, _, bytes)| bytes.len()).sum::<usize>() <= file.len());
    }
}

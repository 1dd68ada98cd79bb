//! Golden packets: what a Linux kernel really sends, and what it means.
//!
//! Captured from Linux 6.18 with an `AF_PACKET` socket in a network namespace
//! that a router (a second namespace, its far link with an MTU of 1,300) joins
//! to a third one:
//!
//! ```text
//! 192.0.2.1, 2001:db8:1::1 ---- router ---- 203.0.113.10, 2001:db8:2::10
//! ```
//!
//! with a listener on port 443 and nothing on port 5353. The client connected,
//! sent datagrams of 10, 1,400 and 3,000 letters `x`, with and without
//! `IP_MTU_DISCOVER`, `IP_TTL` 1, `IP_OPTIONS` (record route), `IPV6_HOPOPTS`
//! (router alert) and `IPV6_DSTOPTS`, and pinged. Trailing `x` are left out
//! below and put back by the announced length. What each packet means was
//! written down from the bytes, by hand.

use std::format;
use std::string::String;

use super::{announced_length, hex};
use crate::packet::{Fragment, IcmpMessage, Packet, Payload, parse};

/// Bytes in hexadecimal; the flow, the message, the header.
const PACKETS: [(&str, &str); 29] = [
    (
        // TCP: a SYN.
        "4500003cc3f34000400678bcc0000201cb00710a9c4001bb24a20af800000000a002faf0fe3a0000 \
         020405b40402080a3ca95ae7000000000103030a",
        "tcp 192.0.2.1:40000 -> 203.0.113.10:443; SYN; header 20 of 60, ttl 64, df",
    ),
    (
        // TCP: data.
        "45000036c3f54000400678c0c0000201cb00710a9c4001bb24a20af9576c93aa8018003ffe340000 \
         0101080a3ca95ae7633b76f06869",
        "tcp 192.0.2.1:40000 -> 203.0.113.10:443; PSH ACK; header 20 of 54, ttl 64, df",
    ),
    (
        // TCP: the end.
        "45000034c3f64000400678c1c0000201cb00710a9c4001bb24a20afb576c93aa8011003ffe320000 \
         0101080a3ca95ae8633b76f0",
        "tcp 192.0.2.1:40000 -> 203.0.113.10:443; FIN ACK; header 20 of 52, ttl 64, df",
    ),
    (
        // TCP over IPv6: a SYN with a flow label.
        "600c67bd0028064020010db800010000000000000000000120010db8000200000000000000000010 \
         9c4001bb68f7862d00000000a002fd205bb40000020405a00402080a102e40bb000000000103030a",
        "tcp [2001:db8:1::1]:40000 -> [2001:db8:2::10]:443; SYN; header 40 of 80, ttl 64, df, label 0xc67bd",
    ),
    (
        // UDP.
        "45000026bd12400040117fa8c0000201cb00710a9c4114e90012fe2f",
        "udp 192.0.2.1:40001 -> 203.0.113.10:5353; -; header 20 of 38, ttl 64, df",
    ),
    (
        // Port unreachable, from the peer.
        "45c00042e5bd00003f019731cb00710ac00002010303f3350000000045000026bd1240003f1180a8 \
         c0000201cb00710a9c4114e90012fe2f",
        "udp 203.0.113.10:5353 -> 192.0.2.1:40001; Unreachable { code: 3 } at 28+20; header 20 of 66, ttl 63, class 0xc0",
    ),
    (
        // The same over IPv6.
        "6009a78a00423a3f20010db800020000000000000000001020010db8000100000000000000000001 \
         0104b429000000006007bab00012113f20010db800010000000000000000000120010db800020000 \
         00000000000000109c4114e900125ba9",
        "udp [2001:db8:2::10]:5353 -> [2001:db8:1::1]:40001; Unreachable { code: 4 } at 48+40; header 40 of 106, ttl 63, df, label 0x9a78a",
    ),
    (
        // A datagram of 3,000 bytes: the first fragment.
        "450005dcbd9820004011996cc0000201cb00710a9c4114e90bc05755",
        "udp 192.0.2.1:40001 -> 203.0.113.10:5353; -; header 20 of 1500, ttl 64, first 0xbd98",
    ),
    (
        // The middle fragment.
        "450005dcbd9820b9401198b3c0000201cb00710a",
        "no flow; -; header 20 of 1500, ttl 64, later 0xbd98",
    ),
    (
        // The last fragment.
        "45000044bd9801724011bd92c0000201cb00710a",
        "no flow; -; header 20 of 68, ttl 64, later 0xbd98",
    ),
    (
        // Port unreachable about that datagram, put together.
        "45c00240e62e00003f0194c2cb00710ac000020103038e620000000045000bd4bd9800003f11b474 \
         c0000201cb00710a9c4114e90bc05755",
        "udp 203.0.113.10:5353 -> 192.0.2.1:40001; Unreachable { code: 3 } at 28+20; header 20 of 576, ttl 63, class 0xc0",
    ),
    (
        // The same over IPv6: the first fragment.
        "6007bab005b02c4020010db800010000000000000000000120010db8000200000000000000000010 \
         11000001d9a18d469c4114e90bc0f9db",
        "udp [2001:db8:1::1]:40001 -> [2001:db8:2::10]:5353; -; header 48 of 1496, ttl 64, df, label 0x7bab0, first 0xd9a18d46",
    ),
    (
        // A later fragment.
        "6007bab005b02c4020010db800010000000000000000000120010db8000200000000000000000010 \
         110005a9d9a18d46",
        "no flow; -; header 48 of 1496, ttl 64, df, label 0x7bab0, later 0xd9a18d46",
    ),
    (
        // Packet too big, from the router, about the first fragment.
        "6001e48304d83a4020010db80001000000000000000000fe20010db8000100000000000000000001 \
         02000bd3000005146007bab005b02c4020010db800010000000000000000000120010db800020000 \
         000000000000001011000001d9a18d469c4114e90bc0f9db",
        "udp [2001:db8:2::10]:5353 -> [2001:db8:1::1]:40001; TooBig { mtu: 1300 } at 48+48; header 40 of 1280, ttl 64, df, label 0x1e483",
    ),
    (
        // Packet too big about the later fragment.
        "6001e48304d83a4020010db80001000000000000000000fe20010db8000100000000000000000001 \
         0200db0f000005146007bab005b02c4020010db800010000000000000000000120010db800020000 \
         0000000000000010110005a9d9a18d46",
        "no flow; TooBig { mtu: 1300 } at 48+48; header 40 of 1280, ttl 64, df, label 0x1e483",
    ),
    (
        // Fragmentation needed, from the router.
        "45c002400f6d00004001e390c00002fec00002010304e3440000051445000594000040004011374d \
         c0000201cb00710a9c4114e90580039e",
        "udp 203.0.113.10:5353 -> 192.0.2.1:40001; TooBig { mtu: 1300 } at 28+20; header 20 of 576, ttl 64, class 0xc0",
    ),
    (
        // Packet too big, from the router.
        "6001e48304d83a4020010db80001000000000000000000fe20010db8000100000000000000000001 \
         02005c0f000005146007bab00580114020010db800010000000000000000000120010db800020000 \
         00000000000000109c4114e905806117",
        "udp [2001:db8:2::10]:5353 -> [2001:db8:1::1]:40001; TooBig { mtu: 1300 } at 48+40; header 40 of 1280, ttl 64, df, label 0x1e483",
    ),
    (
        // Time exceeded, from the router.
        "45c00042103300004001e4c8c00002fec00002010b00eb380000000045000026bdc940000111bdf1 \
         c0000201cb00710a9c4114e90012fe2f",
        "udp 203.0.113.10:5353 -> 192.0.2.1:40001; TimeExceeded { code: 0 } at 28+20; header 20 of 66, ttl 64, class 0xc0",
    ),
    (
        // The same over IPv6.
        "6000750800423a4020010db80001000000000000000000fe20010db8000100000000000000000001 \
         0300b17e000000006007bab00012110120010db800010000000000000000000120010db800020000 \
         00000000000000109c4114e900125ba9",
        "udp [2001:db8:2::10]:5353 -> [2001:db8:1::1]:40001; TimeExceeded { code: 0 } at 48+40; header 40 of 106, ttl 64, df, label 0x7508",
    ),
    (
        // IPv4 options: record route.
        "48000032beaf400040116a31c0000201cb00710a070b08c000020100000000019c4114e90012fe2f",
        "udp 192.0.2.1:40001 -> 203.0.113.10:5353; -; header 32 of 50, ttl 64, df",
    ),
    (
        // Port unreachable with options, about a packet with options.
        "48c0005ae81c00003f017db0cb00710ac0000201070b0cc0000201cb0071fe000303f33500000000 \
         48000032beaf40003f1167f4c0000201cb00710a070b0cc0000201cb0071fe019c4114e90012fe2f",
        "udp 203.0.113.10:5353 -> 192.0.2.1:40001; Unreachable { code: 3 } at 40+32; header 32 of 90, ttl 63, class 0xc0",
    ),
    (
        // IPv6 hop-by-hop options: router alert.
        "6007bab0001a004020010db800010000000000000000000120010db8000200000000000000000010 \
         11000502000001009c4114e9001298bf",
        "udp [2001:db8:1::1]:40001 -> [2001:db8:2::10]:5353; -; header 48 of 66, ttl 64, df, label 0x7bab0",
    ),
    (
        // Port unreachable about that.
        "6009a78a004a3a3f20010db800020000000000000000001020010db8000100000000000000000001 \
         01047101000000006007bab0001a003f20010db800010000000000000000000120010db800020000 \
         000000000000001011000502000001009c4114e9001298bf",
        "udp [2001:db8:2::10]:5353 -> [2001:db8:1::1]:40001; Unreachable { code: 4 } at 48+48; header 40 of 114, ttl 63, df, label 0x9a78a",
    ),
    (
        // Hop-by-hop and destination options.
        "6007bab00022004020010db800010000000000000000000120010db8000200000000000000000010 \
         3c0005020000010011000104000000009c4114e9001298bf",
        "udp [2001:db8:1::1]:40001 -> [2001:db8:2::10]:5353; -; header 56 of 74, ttl 64, df, label 0x7bab0",
    ),
    (
        // Port unreachable about that.
        "6009a78a00523a3f20010db800020000000000000000001020010db8000100000000000000000001 \
         010433ed000000006007bab00022003f20010db800010000000000000000000120010db800020000 \
         00000000000000103c0005020000010011000104000000009c4114e9001298bf",
        "udp [2001:db8:2::10]:5353 -> [2001:db8:1::1]:40001; Unreachable { code: 4 } at 48+56; header 40 of 122, ttl 63, df, label 0x9a78a",
    ),
    (
        // Ping.
        "4500002c0f6c400040012d59c0000201cb00710a0800742e004d0001707070707070707070707070 \
         70707070",
        "icmp 192.0.2.1:0 -> 203.0.113.10:0; EchoRequest; header 20 of 44, ttl 64, df",
    ),
    (
        // Its answer.
        "4500002ce85100003f019573cb00710ac000020100007c2e004d0001707070707070707070707070 \
         70707070",
        "icmp 203.0.113.10:0 -> 192.0.2.1:0; Other; header 20 of 44, ttl 63",
    ),
    (
        // Ping over IPv6.
        "60071cde00183a4020010db800010000000000000000000120010db8000200000000000000000010 \
         8000a055004d000170707070707070707070707070707070",
        "icmpv6 [2001:db8:1::1]:0 -> [2001:db8:2::10]:0; EchoRequest; header 40 of 64, ttl 64, df, label 0x71cde",
    ),
    (
        // Its answer.
        "60065c5500183a3f20010db800020000000000000000001020010db8000100000000000000000001 \
         81009f55004d000170707070707070707070707070707070",
        "icmpv6 [2001:db8:2::10]:0 -> [2001:db8:1::1]:0; Other; header 40 of 64, ttl 63, df, label 0x65c55",
    ),
];

#[test]
fn packets_of_a_kernel() {
    for (bytes, expected) in PACKETS {
        let mut bytes = hex(bytes);
        bytes.resize(announced_length(&bytes), b'x');
        let packet = parse(&bytes).unwrap_or_else(|error| panic!("{expected}: {error}"));
        assert_eq!(describe(&packet), expected);
    }
}

fn describe(packet: &Packet<'_>) -> String {
    let flow = packet.flow_key().map_or_else(|| "no flow".into(), |flow| format!("{flow}"));
    let message = match packet.payload {
        Payload::Tcp { flags, .. } => {
            let flags = format!("{flags:?}");
            flags.trim_start_matches("TcpFlags(").trim_end_matches(')').into()
        }
        Payload::Icmp(IcmpMessage::Error(error)) => {
            format!("{:?} at {}+{}", error.kind, error.quoted.offset, error.quoted.header_length)
        }
        Payload::Icmp(IcmpMessage::EchoRequest) => "EchoRequest".into(),
        Payload::Icmp(IcmpMessage::Other) => "Other".into(),
        Payload::Udp { .. } | Payload::LaterFragment | Payload::Sctp { .. } | Payload::Other => {
            String::from("-")
        }
    };
    let ip = &packet.ip;
    let mut header = format!("header {} of {}, ttl {}", ip.header_length, ip.total_length, ip.time_to_live);
    if ip.dont_fragment {
        header += ", df";
    }
    if ip.traffic_class != 0 {
        header += &format!(", class {:#x}", ip.traffic_class);
    }
    if ip.flow_label != 0 {
        header += &format!(", label {:#x}", ip.flow_label);
    }
    match ip.fragment {
        Fragment::Whole => {}
        Fragment::First { identification } => header += &format!(", first {identification:#x}"),
        Fragment::Later { identification } => header += &format!(", later {identification:#x}"),
    }
    format!("{flow}; {message}; {header}")
}

//! Tests of tunnel devices and receive ports: requests against what `ip` sends, and reading back.

use std::num::NonZeroU16;

use netlink_packet_core::{NetlinkDeserializable, NetlinkHeader};
use netlink_packet_generic::GenlMessage;
use netlink_packet_route::RouteNetlinkMessage;
use proptest::prelude::*;

use super::*;
use crate::link::{self, DeviceName, Link};
use crate::network::dialogue::fou_request;
use crate::network::golden;

fn address(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

fn add(tunnel: &Tunnel) -> RouteNetlinkMessage {
    link::add_tunnel_message(&"t0".parse().unwrap(), tunnel)
}

#[test]
fn tunnels_are_what_ip_sends() {
    // ip link add name t0 type ipip mode ipip local 10.0.0.2 remote 10.1.0.5 ttl 64
    let ipip = "98000000100005067176076b00000000 00000000000000000000000000000000
                07000300743000007000120008000100 69706970640002000500090004000000
                080002000a000002080003000a010005 05000a00010000000500050000000000
                05000400400000000800010000000000 080014000000000006000f0000000000
                06001000000000000600110000000000 0600120000000000";
    // ip link add name t0 type sit mode ip6ip local 10.0.0.2 remote 10.1.0.5 ttl 64
    let sit = "a0000000100005067176076b00000000 00000000000000000000000000000000
               07000300743000007800120007000100 736974006c0002000500090029000000
               080002000a000002080003000a010005 05000a00010000000500050000000000
               05000400400000000800010000000000 080014000000000006000f0000000000
               06001000000000000600110000000000 06001200000000000600080000000000";
    for (kind, captured) in [(TunnelKind::IpIp, ipip), (TunnelKind::Sit, sit)] {
        let tunnel = Tunnel::between(kind, address("10.0.0.2"), address("10.1.0.5"));
        golden::only_in_ip(&add(&tunnel), captured);
    }
    // ip link add name tunl1 type ipip external (mode any is written, which ipip takes as MPLS too)
    let external = "48000000100005063074076b00000000 00000000000000000000000000000000
                    0a00030074756e6c310000001c001200 08000100697069701000020005000900
                    0000000004001300";
    let tunnel = Tunnel { inner: Inner::Any, ..Tunnel::external(TunnelKind::IpIp) };
    let ours = link::add_tunnel_message(&"tunl1".parse().unwrap(), &tunnel);
    assert_eq!(golden::only_in_ip(&ours, external), Vec::<String>::new());
}

#[test]
fn gue_around_ip6tnl_is_what_ip_sends() {
    // ip link add name t0 type ip6tnl mode any local 2001:db8::5 remote 2001:db8::6 hoplimit 64
    //    encaplimit none encap gue encap-sport auto encap-dport 6080
    let captured = "bc000000100005067176076b00000000 00000000000000000000000000000000
                    0700030074300000940012000a000100 69703674 6e6c00008400020005000900
                    000000001400020020010db800000000 00000000000000051400030020010db8
                    00000000000000000000000605000400 40000000050006000400000008000700
                    00000000080008000100000008000100 000000000800140000000000 06000f00
                    02000000060010000200000006001100 000000000600120017c00000";
    let udp = UdpEncapsulation { gue: true, source_port: 0, destination_port: 6080, checksum: true };
    let tunnel = Tunnel {
        udp: Some(udp),
        ..Tunnel::between(TunnelKind::Ip6Tnl, address("2001:db8::5"), address("2001:db8::6"))
    };
    let RouteNetlinkMessage::NewLink(ours) = add(&tunnel) else { panic!() };
    let bytes = golden::bytes(captured);
    let theirs = netlink_packet_core::NetlinkMessage::<RouteNetlinkMessage>::deserialize(&bytes).unwrap();
    let netlink_packet_core::NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(theirs)) =
        theirs.payload
    else {
        panic!()
    };
    let read = |message| Link::from_message(message).unwrap().tunnel.unwrap();
    assert_eq!(read(&ours), tunnel);
    // `ip` asks for a checksum over IPv6 alone
    assert_eq!(read(&theirs), tunnel);
}

#[test]
fn a_tunnel_reads_as_the_command() {
    let udp = UdpEncapsulation { gue: true, source_port: 0, destination_port: 6080, checksum: true };
    let cases = [
        (Tunnel::external(TunnelKind::IpIp), "type ipip mode ipip external"),
        (
            Tunnel::between(TunnelKind::Sit, address("10.0.0.2"), None),
            "type sit mode ip6ip local 10.0.0.2 ttl 64",
        ),
        (
            Tunnel { hops: 0, ..Tunnel::between(TunnelKind::IpIp, None, address("10.1.0.5")) },
            "type ipip mode ipip remote 10.1.0.5 ttl inherit",
        ),
        (
            Tunnel { udp: Some(udp), ..Tunnel::between(TunnelKind::Ip6Tnl, None, address("2001:db8::6")) },
            "type ip6tnl mode any remote 2001:db8::6 hoplimit 64 encaplimit none \
             encap gue encap-sport auto encap-dport 6080 encap-csum encap-csum6",
        ),
    ];
    for (tunnel, text) in cases {
        assert_eq!(tunnel.to_string(), text);
    }
}

#[test]
fn each_pair_of_families_has_a_device_that_takes_it() {
    for inner in [Family::V4, Family::V6] {
        for outer in [Family::V4, Family::V6] {
            let kind = TunnelKind::for_families(inner, outer);
            assert_eq!(kind.outer(), outer);
            assert!(Tunnel::external(kind).receives(inner, None), "{inner} in {outer}");
        }
    }
    let local = Tunnel::between(TunnelKind::IpIp, address("10.1.0.5"), None);
    assert!(local.receives(Family::V4, address("10.1.0.5")));
    assert!(!local.receives(Family::V4, address("10.1.0.6")), "to another of our addresses");
    assert!(!local.receives(Family::V6, address("10.1.0.5")), "another family");
    let any = Tunnel { inner: Inner::Any, ..Tunnel::external(TunnelKind::IpIp) };
    assert!(!any.receives(Family::V6, None), "ipip has no IPv6 in any mode");
    let remote = Tunnel { remote: address("10.0.0.11"), ..local };
    assert!(!remote.receives(Family::V4, address("10.1.0.5")), "one sender alone");
}

fn tunnels() -> impl Strategy<Value = Tunnel> {
    let kind = prop_oneof![Just(TunnelKind::IpIp), Just(TunnelKind::Ip6Tnl), Just(TunnelKind::Sit)];
    let udp = (any::<bool>(), any::<u16>(), any::<u16>(), any::<bool>()).prop_map(
        |(gue, source_port, destination_port, checksum)| UdpEncapsulation {
            gue,
            source_port,
            destination_port,
            checksum,
        },
    );
    (kind, any::<(u8, [u8; 16], [u8; 16], bool, u8)>(), proptest::option::of(udp)).prop_map(
        |(kind, (protocol, local, remote, external, hops), udp)| {
            let end = |bytes: [u8; 16]| match kind.outer() {
                Family::V4 => specified(IpAddr::from(*bytes.first_chunk::<4>().unwrap())),
                Family::V6 => specified(IpAddr::from(bytes)),
            };
            let inner = Inner::from_protocol(protocol);
            match external {
                true => Tunnel { inner, hops: 0, ..Tunnel::external(kind) },
                false => Tunnel { kind, inner, local: end(local), remote: end(remote), external, hops, udp },
            }
        },
    )
}

fn ports() -> impl Strategy<Value = fou::Port> {
    let family = prop_oneof![Just(Family::V4), Just(Family::V6)];
    let payload = prop_oneof![Just(fou::Payload::Gue), any::<u8>().prop_map(fou::Payload::Direct)];
    (any::<NonZeroU16>(), family, payload).prop_map(|(number, family, payload)| fou::Port {
        number,
        family,
        payload,
    })
}

proptest! {
    #[test]
    fn what_is_made_is_what_is_read(tunnel in tunnels()) {
        let RouteNetlinkMessage::NewLink(message) = golden::again(&add(&tunnel)) else { panic!() };
        let link = Link::from_message(&message).unwrap();
        prop_assert_eq!(link.name, "t0".parse::<DeviceName>().unwrap());
        prop_assert_eq!(link.tunnel, Some(tunnel));
    }

    #[test]
    fn a_port_that_is_opened_is_what_is_read(port in ports()) {
        let request = fou_request(port.add_message(), 29);
        prop_assert_eq!(request.kind, 29);
        let mut header = NetlinkHeader::default();
        header.message_type = 29;
        let read = GenlMessage::<fou::Message>::deserialize(&header, &request.payload).unwrap();
        prop_assert_eq!(&read.payload, &port.add_message());
        prop_assert_eq!(fou::Port::from_message(&read.payload), Some(port));
    }

    #[test]
    fn any_bytes_are_read_or_refused(payload in proptest::collection::vec(any::<u8>(), 0..64)) {
        let mut header = NetlinkHeader::default();
        header.message_type = 29;
        if let Ok(message) = GenlMessage::<fou::Message>::deserialize(&header, &payload) {
            let _ = fou::Port::from_message(&message.payload);
        }
    }
}

#[test]
fn a_port_is_what_the_format_says() {
    // command 1, version 1; PORT be16 6080; AF 10; TYPE 2 (GUE): include/uapi/linux/fou.h
    let port =
        fou::Port { number: NonZeroU16::new(6080).unwrap(), family: Family::V6, payload: fou::Payload::Gue };
    let expected = golden::bytes("01010000 06000100 17c00000 05000200 0a000000 05000400 02000000");
    assert_eq!(fou_request(port.add_message(), 29).payload, expected);
    assert_eq!(port.to_string(), "port 6080 gue -6");
}

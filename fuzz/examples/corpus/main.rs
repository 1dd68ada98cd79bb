//! Writes the inputs that each fuzz target begins with into `corpus`.
//!
//! One file per case, named for what it shows. Run it after a change of a
//! target's input format: `cargo run --example corpus` in this folder.

mod courses;
mod mesh;
mod node;
mod routing;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use etherparse::{
    IcmpEchoHeader, Icmpv4Type, Icmpv6Type, Ipv4Header, PacketBuilder, icmpv4, icmpv6, ip_number,
};
use fuzz::packets::{Transport, flag, packet};
use lb_core::FlowHash;
use lb_core::config::Forward;
use lb_core::encapsulation::{Identification, Tunnel, TunnelOptions};
use sim::scenario::embedded;

const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const VIP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);
const CLIENT6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 1);
const VIP6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf, 0, 0, 0, 0, 0x10);
const NODE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 11);
const NODE6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x11);

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let packets = packets();
    let options =
        |form: u8, outer_v6: u8| [form, outer_v6, 0, 1, 0, 0xdc, 0x05, 0xff, 0x0f, 1, 2, 3, 4, 5, 6, 7, 8];
    let through = packets.iter().zip(0_u8..).map(|((name, packet), number)| {
        let mut input = options(number % 3, number / 3 % 2).to_vec();
        input.extend(packet);
        (*name, input)
    });
    write(&root.join("encapsulate_round_trip"), through)?;
    write(&root.join("packet_parse"), packets)?;
    write(&root.join("bfd_session"), routing::bfd_sessions())?;
    write(&root.join("bgp_message"), routing::bgp_messages())?;
    write(&root.join("bgp_session"), routing::bgp_sessions())?;
    write(&root.join("director_model"), operations())?;
    write(&root.join("ipvs_message"), node::ipvs_messages())?;
    write(&root.join("lb_file"), texts().map(|(name, text)| (name, text.into())))?;
    write(&root.join("mesh_files"), mesh::files())?;
    write(&root.join("mesh_gateway"), mesh::access_points())?;
    write(&root.join("mesh_names"), courses::names())?;
    write(&root.join("mesh_objects"), mesh::objects())?;
    write(&root.join("mesh_patch"), mesh::patches())?;
    write(&root.join("mesh_render"), mesh::access_points())?;
    write(&root.join("mesh_rollout"), courses::rollouts())?;
    write(&root.join("mesh_vip"), courses::claims())?;
    write(&root.join("scenario"), scenarios())
}

fn write(folder: &Path, files: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    files.into_iter().try_for_each(|(name, bytes)| fs::write(folder.join(name), bytes))
}

/// Every kind of packet that the parser tells apart.
fn packets() -> Vec<(&'static str, Vec<u8>)> {
    let (client, vip) = ((IpAddr::V4(CLIENT), 40_000), (IpAddr::V4(VIP), 443));
    let (client6, vip6) = ((IpAddr::V6(CLIENT6), 40_000), (IpAddr::V6(VIP6), 443));
    let syn = packet(Transport::Tcp(flag::SYN), client, vip);
    let syn6 = packet(Transport::Tcp(flag::SYN), client6, vip6);
    let datagram = packet(Transport::Udp, client, (IpAddr::V4(VIP), 53));
    let answer = packet(Transport::Tcp(flag::SYN | flag::ACK), vip, client);
    let answer6 = packet(Transport::Tcp(flag::SYN | flag::ACK), vip6, client6);

    let mut padded = syn.clone();
    padded.extend([0; 6]);
    let mut all = vec![
        ("v4-tcp-syn", syn.clone()),
        ("v4-tcp-ack", packet(Transport::Tcp(flag::ACK), client, vip)),
        ("v4-udp", datagram.clone()),
        ("v4-tcp-padded", padded),
        ("v4-cut-off", syn[..30].to_vec()),
        ("v6-tcp-syn", syn6.clone()),
        ("v6-udp", packet(Transport::Udp, client6, vip6)),
        ("v6-cut-off", syn6[..45].to_vec()),
        ("v4-options", with_options()),
        ("v4-sctp-init", v4(132, &[0x9c, 0x40, 1, 187, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 20], 0, false)),
        ("v4-first-fragment", v4(17, &datagram[20..], 0, true)),
        ("v4-later-fragment", v4(17, &[0x2a; 24], 1, false)),
        ("v6-first-fragment", v6(44, &[&[17, 0, 0, 1, 0, 0, 0, 7], &datagram[20..]].concat())),
        ("v6-later-fragment", v6(44, &[&[17, 0, 0, 16, 0, 0, 0, 7][..], &[0x2a; 24]].concat())),
        (
            "v6-extension-headers",
            v6(0, &[&[43, 0, 1, 4, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0], &syn6[40..]].concat()),
        ),
    ];
    all.extend(messages(&syn, &answer, &answer6));
    all.extend(tunnels(&syn, &syn6));
    all
}

/// ICMP of both families: questions, and errors that quote an answer of a VIP or a tunnel packet.
fn messages(syn: &[u8], answer: &[u8], answer6: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let echo = IcmpEchoHeader { id: 7, seq: 1 };
    let too_big = |mtu| {
        Icmpv4Type::DestinationUnreachable(icmpv4::DestUnreachableHeader::FragmentationNeeded {
            next_hop_mtu: mtu,
        })
    };
    let exceeded = Icmpv4Type::TimeExceeded(icmpv4::TimeExceededCode::TtlExceededInTransit);
    let unreachable = Icmpv6Type::DestinationUnreachable(icmpv6::DestUnreachableCode::Port);
    let tunnel = encapsulated(Forward::Ipip, IpAddr::V4(Ipv4Addr::new(10, 1, 0, 5)), syn);
    let v4 = |to: Ipv4Addr, kind, payload: &[u8]| {
        let builder = PacketBuilder::ipv4([198, 51, 100, 1], to.octets(), 60).icmpv4(kind);
        let mut bytes = Vec::new();
        builder.write(&mut bytes, payload).expect("a vector takes all");
        bytes
    };
    let v6 = |kind, payload: &[u8]| {
        let builder = PacketBuilder::ipv6(CLIENT6.octets(), VIP6.octets(), 60).icmpv6(kind);
        let mut bytes = Vec::new();
        builder.write(&mut bytes, payload).expect("a vector takes all");
        bytes
    };
    vec![
        ("v4-echo", v4(VIP, Icmpv4Type::EchoRequest(echo), b"0123456789")),
        ("v4-too-big", v4(VIP, too_big(1_400), answer)),
        ("v4-too-big-short-quote", v4(VIP, too_big(1_400), &answer[..28])),
        ("v4-time-exceeded", v4(VIP, exceeded, answer)),
        ("v4-too-big-about-tunnel", v4(NODE, too_big(1_000), &tunnel)),
        ("v6-echo", v6(Icmpv6Type::EchoRequest(echo), b"0123456789")),
        ("v6-too-big", v6(Icmpv6Type::PacketTooBig { mtu: 1_280 }, answer6)),
        ("v6-unreachable-short-quote", v6(unreachable, &answer6[..48])),
    ]
}

/// One of each form of tunnel, in both outer families.
fn tunnels(syn: &[u8], syn6: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let backend = IpAddr::V4(Ipv4Addr::new(10, 1, 0, 5));
    let backend6 = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 5));
    vec![
        ("tunnel-ipip", encapsulated(Forward::Ipip, backend, syn)),
        ("tunnel-4-in-6", encapsulated(Forward::Ipip, backend6, syn)),
        ("tunnel-6-in-4", encapsulated(Forward::Ipip, backend, syn6)),
        ("tunnel-gue", encapsulated(Forward::Gue { port: 6_080 }, backend, syn)),
        ("tunnel-gue-6", encapsulated(Forward::Gue { port: 6_080 }, backend6, syn6)),
        ("tunnel-gre", encapsulated(Forward::Gre, backend, syn6)),
    ]
}

fn encapsulated(forward: Forward, backend: IpAddr, inner: &[u8]) -> Vec<u8> {
    let tunnel = Tunnel::new(TunnelOptions::new(forward, Some(NODE), Some(NODE6), 1_500));
    let inner = lb_core::packet::parse(inner).expect("well-formed");
    let mut out = vec![0; 1_600];
    let mut identification = Identification::default();
    let length = tunnel.encapsulate(&inner, backend, FlowHash(7), &mut identification, &mut out);
    out.truncate(length.expect("it fits"));
    out
}

/// An IPv4 packet of any protocol, whole or a fragment.
fn v4(protocol: u8, payload: &[u8], offset: u16, more: bool) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("short");
    let mut header = Ipv4Header::new(length, 64, protocol.into(), CLIENT.octets(), VIP.octets())
        .expect("short enough for IPv4");
    header.identification = 7;
    header.dont_fragment = !more && offset == 0;
    header.more_fragments = more;
    header.fragment_offset = offset.try_into().expect("small");
    header.header_checksum = header.calc_header_checksum();
    [&header.to_bytes()[..], payload].concat()
}

fn with_options() -> Vec<u8> {
    let mut header = Ipv4Header::new(8, 64, ip_number::UDP, CLIENT.octets(), VIP.octets()).expect("short");
    header.options = [148_u8, 4, 0, 0].into(); // router alert (RFC 2113)
    header.header_checksum = header.calc_header_checksum();
    [&header.to_bytes()[..], &[0x9c, 0x40, 0, 53, 0, 8, 0, 0]].concat()
}

/// An IPv6 packet whose payload begins with the header that `next` names.
fn v6(next: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("short").to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, length[0], length[1], next, 64];
    packet.extend(CLIENT6.octets());
    packet.extend(VIP6.octets());
    packet.extend(payload);
    packet
}

/// The services of `director_model`.
mod service {
    pub(super) const TCP: u8 = 0;
    pub(super) const TCP6: u8 = 2;
    pub(super) const SCTP: u8 = 3;
    pub(super) const UDP: u8 = 4;
    pub(super) const UDP6: u8 = 5;
    pub(super) const SCTP6: u8 = 6;
}

/// Courses of operations, in the bytes that `director_model` reads them from.
fn operations() -> Vec<(&'static str, Vec<u8>)> {
    use service::{SCTP, SCTP6, TCP, TCP6, UDP};
    let open = |client| send(TCP, client, 0);
    let ack = |client| send(TCP, client, 1);
    let all = || (0..16).flat_map(|client| [open(client), ack(client)]).flatten().collect::<Vec<u8>>();
    let ask = || send(UDP, 1, 0);
    let six = |kind| send(TCP6, 1, kind);
    let course = |service| (0..6).flat_map(|kind| [send(service, 1, kind), pass(3)]).flatten().collect();
    let reuse = [open(1), ack(1), send(TCP, 1, 2), open(1), send(TCP, 1, 3), ack(1), open(1)];
    let mut all_operations = vec![
        ("open-and-talk", with([0, 0, 0], &[all(), all()])),
        ("backend-down-and-back", with([0, 0, 0], &[all(), set(TCP, 0, 2), all(), set(TCP, 0, 0), all()])),
        ("drain", with([1, 0, 0], &[all(), set(TCP, 1, 1), all(), pass(1_000), all()])),
        (
            "new-configuration",
            with([2, 0, 0], &[all(), configure(0b00_0011, 0), all(), configure(0b11_1100, 0), all()]),
        ),
        ("none-left", with([0, 0, 0], &[all(), configure(0, 0), all(), configure(0xff, 0), all()])),
        ("close-and-open", with([0, 0, 0], &reuse)),
        ("datagrams", with([0, 0, 0], &[ask(), pass(2), ask(), pass(100), ask(), pass(300), ask()])),
        // The second comes too soon to prove the flow: the third finds it expired by the first.
        ("datagram-unproven", with([0, 0, 0], &[ask(), pass(1), ask(), pass(42), ask()])),
        ("six", with([0, 0, 0], &[six(0), six(1), set(TCP6, 3, 2), six(1), pass(2_000), six(1)])),
        (
            "associations",
            with([0, 0, 0], &[course(SCTP), course(SCTP), course(SCTP6), pass(100), course(SCTP)]),
        ),
        ("small-table", with([0, 1, 0], &[all(), pass(3), all(), pass(30), all()])),
        ("kernel", with([0, 0, 1], &[all(), set(TCP, 0, 2), all(), pass(500), vec![0, 0, 0, 0xff], all()])),
    ];
    all_operations.extend(fragments());
    all_operations.extend(reports());
    all_operations
}

/// Fragments: in order, out of order, too late, of both families, and more than are remembered.
fn fragments() -> Vec<(&'static str, Vec<u8>)> {
    use service::{TCP, TCP6, UDP, UDP6};
    let other = |service| first(service, 4, 0, 2);
    let (first, later) = (|service, client| first(service, client, 0, 1), |service| later(service, 1, 0));
    let down = |service| (0..3).flat_map(|backend| set(service, backend, 2)).collect::<Vec<u8>>();
    vec![
        ("fragments-in-order", with([0, 0, 0], &[first(UDP, 3), later(UDP), pass(10), later(UDP)])),
        ("fragments-out-of-order", with([0, 0, 0], &[later(UDP), first(UDP, 3), later(UDP), later(TCP)])),
        (
            "fragments-too-late",
            with([0, 0, 0], &[first(UDP, 3), pass(43), later(UDP), pass(400), later(UDP)]),
        ),
        ("fragments-of-six", with([0, 0, 0], &[first(UDP6, 3), later(UDP6), first(TCP6, 4), later(UDP6)])),
        (
            "number-used-again",
            with([0, 0, 0], &[first(UDP, 3), first(UDP, 4), later(UDP), first(1, 5), later(UDP)]),
        ),
        (
            "fragments-without-backend",
            with([0, 0, 0], &[first(UDP, 3), down(UDP), later(UDP), first(UDP, 4)]),
        ),
        // Those of the flood and one more: the datagram before it is not remembered any longer.
        (
            "fragment-flood",
            with([0, 0, 0], &[first(UDP, 3), flood(UDP), later(UDP), other(UDP), later(UDP), first(UDP, 3)]),
        ),
        (
            "fragments-kernel",
            with([0, 0, 1], &[later(TCP), first(TCP, 3), down(TCP), later(TCP), first(UDP, 3)]),
        ),
    ]
}

/// ICMP: errors about flows known and unknown, quoted in all ways, and pings.
fn reports() -> Vec<(&'static str, Vec<u8>)> {
    use service::{SCTP, TCP, TCP6, UDP};
    let all = |service| (0..5).flat_map(|kind| error(service, 3, kind)).collect::<Vec<u8>>();
    let pings = |service| (0..12).flat_map(|_| ping(service)).collect::<Vec<u8>>();
    let known = |service| [send(service, 3, 0), all(service), set(service, 0, 2), all(service)].concat();
    vec![
        ("errors-unknown", with([0, 0, 0], &[all(TCP), all(UDP), all(TCP6), all(SCTP)])),
        ("errors-known", with([0, 0, 0], &[known(TCP), known(UDP), known(TCP6), pass(1_300), all(TCP)])),
        ("errors-without-backend", with([0, 0, 0], &[send(TCP, 3, 0), configure(0, 0), all(TCP), all(UDP)])),
        ("errors-kernel", with([0, 0, 1], &[all(TCP), known(TCP), known(UDP)])),
        ("pings", with([0, 0, 0], &[pings(TCP), pings(TCP6), pass(1), pings(TCP), pass(2), pings(TCP)])),
        ("pings-kernel", with([0, 0, 1], &[pings(TCP), pings(TCP6)])),
    ]
}

/// The setting (scheduler, small table, kernel) and what happens then.
fn with(setting: [u8; 3], parts: &[Vec<u8>]) -> Vec<u8> {
    [&setting[..], &parts.concat()].concat()
}

/// The first four bytes choose the operation: its number as a share of 2^32.
fn operation(number: u32, fields: &[u8]) -> Vec<u8> {
    const OPERATIONS: u64 = 11;
    let chosen = (u64::from(number) << 32).div_ceil(OPERATIONS);
    let chosen = u32::try_from(chosen).expect("less than all");
    [&chosen.to_le_bytes()[..], fields].concat()
}

fn send(service: u8, client: u8, kind: u8) -> Vec<u8> {
    operation(0, &[service, client, kind])
}

fn set(service: u8, backend: u8, state: u8) -> Vec<u8> {
    operation(2, &[service, backend, state, 1])
}

fn configure(present: u8, states: u16) -> Vec<u8> {
    let [low, high] = states.to_le_bytes();
    operation(3, &[present, low, high, 0x11, 0x11])
}

fn pass(ticks: u16) -> Vec<u8> {
    operation(4, &ticks.to_le_bytes())
}

fn first(service: u8, client: u8, kind: u8, datagram: u8) -> Vec<u8> {
    operation(6, &[service, client, kind, datagram])
}

fn later(service: u8, datagram: u8, place: u8) -> Vec<u8> {
    operation(7, &[service, datagram, place])
}

fn error(service: u8, client: u8, kind: u8) -> Vec<u8> {
    operation(8, &[service, client, kind])
}

fn ping(service: u8) -> Vec<u8> {
    operation(9, &[service])
}

fn flood(service: u8) -> Vec<u8> {
    operation(10, &[service, 0])
}

/// The embedded scenarios, one with overrides, and some that are wrong in one place.
fn scenarios() -> Vec<(&'static str, Vec<u8>)> {
    let mut all: Vec<_> =
        embedded().iter().map(|scenario| (scenario.name, scenario.text.as_bytes().to_vec())).collect();
    let text = embedded()[0].text;
    let overridden =
        format!("{text}\n# --set seed=7\n# --set fleet.dataCenters[0]=x\n# --set nothing.such=1\n");
    all.push(("overridden", overridden.into_bytes()));
    all.push(("cut-off", text.as_bytes()[..text.len() / 2].to_vec()));
    all.push(("unknown-field", format!("{text}\nsede: 1\n").into_bytes()));
    all
}

/// LB files and health sections: whole, partial, and wrong in one place.
fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    let whole = r#"version: 1
node: { address: 10.0.0.11, address6: "2001:db8::11" }
hashKey: "000102030405060708090a0b0c0d0e0f"
connections: { max: 1000000, timeouts: { tcpEstablished: 15m, udp: 30s } }
fragments: { max: 1024, timeout: 10s }
profile: { kind: own }
generation: 7
services:
  - vip: 203.0.113.10
    port: 443
    protocol: tcp
    hashFields: [proto, src, sport, dst, dport]
    scheduler: { kind: maglev, tableSize: 65537 }
    forward: { kind: gue, port: 6080, spread: false }
    mtu: 1500
    backends:
      - { address: 10.1.0.5, weight: 100, state: active }
      - { address: "2001:db8:1::5", weight: 0, state: drain }
  - { vip: "2001:db8:f::10", port: 53, protocol: udp, scheduler: { kind: rendezvous } }
"#;
    let kernel = r"node: { address: 10.0.0.11 }
profile: { kind: ipvs, sloppyTcp: true, pmtuDisc: false }
services:
  - { vip: 203.0.113.10, port: 443, protocol: tcp, scheduler: { kind: ipvs-mh, port: true, tableSize: 251 },
      backends: [{ address: 10.1.0.5, port: 443 }, { address: 10.1.0.6, state: down }] }
  - { vip: 203.0.113.10, port: 80, protocol: sctp, scheduler: { kind: ipvs-sh, fallback: true } }
";
    let health = r"check: { kind: https, port: 8443, path: /healthz, code: 200, tlsVerify: false }
interval: 5s
fastInterval: 1s
timeout: 750ms
rise: 2
fall: 3
jitter: 10%
slowStart: { duration: 30s, steps: 5, from: 20% }
passive: { threshold: 5, within: 10s, verdict: failure, holdMin: 5s, holdMax: 1m }
lowWatermark: 30%
panicThreshold: 40%
highWatermark: 60%
";
    [
        ("whole", whole),
        ("kernel", kernel),
        ("health", health),
        ("radius", "check: { kind: radius, user: probe, password: p, secret: s, reply: any }"),
        ("dns", "check: { kind: dns, name: www.example.com, record: AAAA, answer: \"2001:db8::1\" }"),
        ("bytes", "check: { kind: udp, sendHex: \"00 ff80\", receiveHex: \"c3\" }"),
        ("unknown-field", "services: []\nservicess: []\n"),
        ("wrong-unit", "services: []\nconnections: { timeouts: { udp: 30 } }\n"),
        ("wrong-size", "services: [{ vip: 203.0.113.10, port: 1, protocol: tcp, scheduler: { kind: maglev, tableSize: 4 } }]"),
        ("anchors", "a: &a [x, x]\nb: &b [*a, *a]\nservices: [*b, *b]\n"),
    ]
    .into_iter()
}

//! ICMP at a balancer: steered, answered, sent, passed on.
//!
//! ```text
//!                  3. too big!                     4. too big!
//! client  <----------------------  node  <------------------------ router behind
//! 192.0.2.1  ---- packets ------>  VIP   ======= tunnel =========> backend 10.1.0.5
//!    ^                              ^                                  |
//!    |  answers go past the node    | 2. too big!                      |
//!    +------------ router ----------+----------------------------------+
//!                  198.51.100.1 reports to the VIP
//! ```
//!
//! 1. A ping of the VIP is answered by the node.
//! 2. A router on the way of the *answers* reports to the VIP: only the backend
//!    can use that, so it is steered by the packet that it quotes, reversed.
//! 3. A client's packet does not fit the tunnel: the node says what would.
//! 4. A router behind the node reports about a *tunnel* packet: the client is
//!    told in its own terms.
//!
//! Run it with `cargo run -p lb-core --example icmp`.

use lb_core::checksum::Sum;
use lb_core::config::{Config, LbFile};
use lb_core::director::{Choice, Director, ReplyKind, Verdict};
use lb_core::encapsulation::decapsulate;
use lb_core::packet::{self, IcmpErrorKind, IcmpMessage, Payload};
use lb_core::table::TableCache;
use lb_core::{Endpoint, Time};

const LB_FILE: &str = r#"
node: { address: 10.0.0.11 }
hashKey: "000102030405060708090a0b0c0d0e0f"
services:
  - vip: 203.0.113.10
    port: 443
    protocol: tcp
    backends: [{ address: 10.1.0.5 }, { address: 10.1.0.6 }, { address: 10.1.0.7 }]
"#;

const CLIENT: [u8; 4] = [192, 0, 2, 1];
const VIP: [u8; 4] = [203, 0, 113, 10];
const NODE: [u8; 4] = [10, 0, 0, 11];
const ROUTER: [u8; 4] = [198, 51, 100, 1];

fn main() {
    let file: LbFile = serde_saphyr::from_str(LB_FILE).expect("the text above is an LB file");
    let config = Config::try_from(file).expect("the file above is right");
    let director = Director::new(config, &mut TableCache::default()).expect("the table can be built");
    let mut node = Node { director, now: Time::from_secs(1), out: [0; 1_600] };

    echo(&mut node);
    steered_by_its_quotation(&mut node);
    too_big_for_the_tunnel(&mut node);
    too_big_behind_the_node(&mut node);
}

struct Node {
    director: Director,
    now: Time,
    out: [u8; 1_600],
}

impl Node {
    /// Hands a packet to the director; prints what it says and gives what it writes.
    fn handle(&mut self, what: &str, packet: &[u8]) -> (Verdict, &[u8]) {
        let explained = self.director.explain(self.now, packet);
        println!("{what}");
        explained.steps.iter().for_each(|step| println!("    {step}"));
        let verdict = self.director.handle_packet(self.now, packet, &mut self.out);
        let length = match verdict {
            Verdict::Forward { length, .. } | Verdict::Reply { length, .. } => length,
            Verdict::Pass(_) | Verdict::Drop(_) => 0,
        };
        (verdict, &self.out[..length])
    }

    fn forwarded(&mut self, what: &str, packet: &[u8]) -> (Endpoint, Choice) {
        let (verdict, _) = self.handle(what, packet);
        let Verdict::Forward { backend, choice, .. } = verdict else { panic!("{verdict:?}") };
        (self.director.backend(backend).expect("it was just named").endpoint(), choice)
    }
}

/// 1. The request with its addresses swapped, another type, and the checksum that goes with it.
fn echo(node: &mut Node) {
    let ping = ipv4(1, CLIENT, VIP, &icmp([8, 0], [0, 7, 0, 1], b"are you there?"));
    let (verdict, reply) = node.handle("1. a ping of the VIP", &ping);
    assert!(matches!(verdict, Verdict::Reply { kind: ReplyKind::Echo, .. }), "{verdict:?}");
    assert_eq!((&reply[12..16], &reply[16..20]), (&VIP[..], &CLIENT[..]));
    assert_eq!(reply[20], 0, "echo reply");
    assert_eq!(reply[24..], ping[24..], "the rest comes back as it came");
    assert!(Sum::of(&reply[20..]).is_valid());
}

/// 2. "Fragmentation needed", quoting a header and eight bytes of an answer.
fn steered_by_its_quotation(node: &mut Node) {
    let (home, _) = node.forwarded("2. a client opens a connection", &ipv4(6, CLIENT, VIP, &tcp(0x02, 0)));
    // From the VIP to the client, as the backend sent it past the node.
    let mut answer = tcp(0x10, 1_000);
    answer[..4].copy_from_slice(&[0x01, 0xbb, 0x9c, 0x40]);
    let answer = ipv4(6, VIP, CLIENT, &answer);
    let report = ipv4(1, ROUTER, VIP, &icmp([3, 4], [0, 0, 0x05, 0x78], &answer[..28]));

    let what = "   a router reports that an answer to it was too big";
    let (backend, choice) = node.forwarded(what, &report);
    assert_eq!((backend, choice), (home, Choice::Existing), "to the backend that sends too big packets");
    let opened = decapsulate(&node.out[..report.len() + 20]).expect("what we send can be opened");
    assert_eq!(opened.inner()[20..], report[20..], "the backend sees what the router wrote");
}

/// 3. 1,500 bytes and 20 of tunnel do not fit a path of 1,500.
fn too_big_for_the_tunnel(node: &mut Node) {
    let big = ipv4(6, CLIENT, VIP, &tcp(0x10, 1_460));
    let (verdict, answer) = node.handle("3. the client sends 1,500 bytes with DF", &big);
    assert!(matches!(verdict, Verdict::Reply { kind: ReplyKind::TooBig, .. }), "{verdict:?}");
    println!("    the client is told {}", told(answer));
    assert_eq!(told(answer), 1_480);
    assert!(answer.len() <= 576, "as much of the packet is quoted as RFC 1812 allows");
}

/// 4. Behind the node is a link of 1,400 bytes; what the tunnel adds is subtracted.
fn too_big_behind_the_node(node: &mut Node) {
    let packet = ipv4(6, CLIENT, VIP, &tcp(0x10, 1_420));
    let (verdict, tunnel) = node.handle("4. the client sends 1,460 bytes", &packet);
    assert!(matches!(verdict, Verdict::Forward { length: 1_480, .. }), "{verdict:?}");
    let quoted = tunnel[..128].to_vec();
    let report = ipv4(1, [10, 9, 9, 9], NODE, &icmp([3, 4], [0, 0, 0x05, 0x78], &quoted));

    let what = "   a router behind the node finds the tunnel packet too big";
    let (verdict, answer) = node.handle(what, &report);
    assert!(matches!(verdict, Verdict::Reply { kind: ReplyKind::TranslatedTooBig, .. }), "{verdict:?}");
    println!("    the client is told {}", told(answer));
    assert_eq!(told(answer), 1_380);
    assert_eq!(answer[12..20], [VIP, CLIENT].concat(), "from the VIP: the node is nobody to the client");
}

/// The MTU that a "too big" tells.
fn told(answer: &[u8]) -> u32 {
    match packet::parse(answer).expect("what we send can be read").payload {
        Payload::Icmp(IcmpMessage::Error(error)) => match error.kind {
            IcmpErrorKind::TooBig { mtu } => mtu,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// An IPv4 packet with DF, its checksum right.
fn ipv4(protocol: u8, source: [u8; 4], destination: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(20 + payload.len()).expect("a short packet").to_be_bytes();
    let start = [0x45, 0, high, low, 0, 1, 0x40, 0, 64, protocol, 0, 0];
    let mut packet = [&start[..], &source, &destination].concat();
    let checksum = Sum::of(&packet).checksum();
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend(payload);
    packet
}

/// An ICMP message of type and code, its checksum right.
fn icmp(kind: [u8; 2], rest_of_header: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut message = [&kind[..], &[0, 0], &rest_of_header, data].concat();
    let checksum = Sum::of(&message).checksum();
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    message
}

/// A TCP segment from port 40000 to port 443; a balancer does not look at its checksum.
fn tcp(flags: u8, data: usize) -> Vec<u8> {
    let mut segment =
        vec![0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0];
    segment.resize(20 + data, 0);
    segment
}

//! The packet path, packet by packet: one small fleet, two profiles.

mod icmp;
mod kernel;
mod own;
mod properties;
mod reconfigure;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use etherparse::{PacketBuilder, TcpOptionElement};

use super::{Director, DropReason, Explanation, Step, Verdict};
use crate::Time;
use crate::arbitrary::packet::bytes::fix_checksum;
use crate::config::{BackendState, Config, LbFile};
use crate::identity::{Endpoint, Weight};
use crate::table::TableCache;

/// The service that every test uses.
const VIP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);

/// A director under test, its clock and its tables.
pub(super) struct World {
    pub(super) director: Director,
    pub(super) tables: TableCache,
    pub(super) now: Time,
    pub(super) out: Vec<u8>,
}

/// One client's way to write packets to `VIP`.
#[derive(Clone, Copy)]
pub(super) struct Client {
    pub(super) port: u16,
}

impl World {
    /// Three backends 10.1.0.1 to .3 behind one TCP and one UDP service.
    pub(super) fn new(head: &str) -> Self {
        Self::with(head, &["active", "active", "active"])
    }

    /// Backends 10.1.0.1, .2, ... in these states.
    pub(super) fn with(head: &str, states: &[&str]) -> Self {
        let mut tables = TableCache::default();
        let director = Director::new(config(head, states), &mut tables).unwrap();
        Self { director, tables, now: Time::from_secs(100), out: vec![0; 2_000] }
    }

    pub(super) fn handle(&mut self, packet: &[u8]) -> Verdict {
        let explained = self.director.explain(self.now, packet);
        let verdict = self.director.handle_packet(self.now, packet, &mut self.out);
        assert_foreseen(&explained, verdict);
        verdict
    }

    /// The verdict in one word or two: `existing 10.1.0.2`, `drop no-backend`.
    pub(super) fn say(&mut self, packet: &[u8]) -> String {
        let verdict = self.handle(packet);
        match verdict {
            Verdict::Forward { backend, choice, .. } => {
                let endpoint = self.director.backend(backend).unwrap().endpoint();
                std::format!("{} {}", choice.name(), endpoint.address)
            }
            Verdict::Reply { kind, .. } => std::format!("reply {}", kind.name()),
            Verdict::Pass(reason) => std::format!("pass {}", reason.name()),
            Verdict::Drop(reason) => std::format!("drop {}", reason.name()),
        }
    }

    /// The backend that a forwarded packet goes to.
    pub(super) fn backend_of(&mut self, packet: &[u8]) -> Endpoint {
        match self.handle(packet) {
            Verdict::Forward { backend, .. } => self.director.backend(backend).unwrap().endpoint(),
            other => panic!("not forwarded: {other:?}"),
        }
    }

    pub(super) fn set(&mut self, endpoint: Endpoint, state: BackendState) {
        let service = self.director.services()[0].address();
        self.director.set_backend(service, endpoint, state, Weight(1), &mut self.tables).unwrap();
    }

    pub(super) fn set_config(&mut self, head: &str, states: &[&str]) {
        self.director.set_config(self.now, config(head, states), &mut self.tables).unwrap();
    }
}

/// What was explained is what happened.
pub(super) fn assert_foreseen(explained: &Explanation, verdict: Verdict) {
    let outcome = explained.steps.last().expect("an explanation has an outcome");
    assert!(foresees(outcome, verdict), "{verdict:?} was explained as\n{explained}");
}

/// Whether an explanation's last step is what the verdict says; that ICMP
/// answers may be over their rate is not foreseen.
fn foresees(outcome: &Step, verdict: Verdict) -> bool {
    match outcome {
        Step::Drop(reason) => verdict == Verdict::Drop(*reason),
        Step::Forward { length } => {
            matches!(verdict, Verdict::Forward { length: sent, .. } if sent == *length)
        }
        Step::Pass(reason) => verdict == Verdict::Pass(*reason),
        Step::Reply(foreseen) => {
            let sent = matches!(verdict, Verdict::Reply { kind, .. } if kind == *foreseen);
            sent || verdict == Verdict::Drop(DropReason::RateLimited)
        }
        Step::Chosen { .. }
        | Step::Entry { .. }
        | Step::Flow { .. }
        | Step::NoBackend
        | Step::NoEntry
        | Step::Service { .. }
        | Step::Table(_)
        | Step::Undeliverable(_) => false,
    }
}

pub(super) fn config(head: &str, states: &[&str]) -> Config {
    let backends: Vec<_> = (1..)
        .zip(states)
        .filter(|(_, state)| **state != "absent")
        .map(|(last, state)| std::format!("{{ address: 10.1.0.{last}, state: {state} }}"))
        .collect();
    let backends = backends.join(", ");
    let text = std::format!(
        r#"
node: {{ address: 10.0.0.11 }}
hashKey: "000102030405060708090a0b0c0d0e0f"
{head}
services:
  - {{ vip: {VIP}, port: 443, protocol: tcp, backends: [{backends}] }}
  - {{ vip: {VIP}, port: 53, protocol: udp, backends: [{backends}] }}
"#
    );
    let file: LbFile = serde_saphyr::from_str(&text).unwrap();
    Config::try_from(file).unwrap()
}

impl Client {
    const ADDRESS: [u8; 4] = [192, 0, 2, 1];

    /// A TCP segment; `flags` is any of "SAFR" in any order.
    pub(super) fn tcp(self, flags: &str, payload: usize) -> Vec<u8> {
        let mut builder =
            PacketBuilder::ipv4(Self::ADDRESS, VIP.octets(), 64).tcp(self.port, 443, 1_000, 8_192);
        for flag in flags.chars() {
            builder = match flag {
                'S' => builder.syn().options(&[TcpOptionElement::MaximumSegmentSize(1_460)]).unwrap(),
                'A' => builder.ack(1),
                'F' => builder.fin(),
                'R' => builder.rst(),
                other => panic!("no flag {other}"),
            };
        }
        write(builder.size(payload), |bytes| builder.write(bytes, &vec![0; payload]).unwrap())
    }

    pub(super) fn udp(self) -> Vec<u8> {
        let builder = PacketBuilder::ipv4(Self::ADDRESS, VIP.octets(), 64).udp(self.port, 53);
        write(builder.size(20), |bytes| builder.write(bytes, &[0; 20]).unwrap())
    }

    /// A router's error about an answer of the VIP to this client.
    pub(super) fn too_big(self) -> Vec<u8> {
        let answer = PacketBuilder::ipv4(VIP.octets(), Self::ADDRESS, 60).tcp(443, self.port, 1, 1);
        let answer = write(answer.size(0), |bytes| answer.write(bytes, &[]).unwrap());
        icmp_error([198, 51, 100, 1], VIP.octets(), &answer[..28])
    }
}

/// "Fragmentation needed", next hop 1,400 bytes, quoting `quote`.
pub(super) fn icmp_error(source: [u8; 4], destination: [u8; 4], quote: &[u8]) -> Vec<u8> {
    let kind = etherparse::icmpv4::DestUnreachableHeader::FragmentationNeeded { next_hop_mtu: 1_400 };
    let builder = PacketBuilder::ipv4(source, destination, 60)
        .icmpv4(etherparse::Icmpv4Type::DestinationUnreachable(kind));
    write(builder.size(quote.len()), |bytes| builder.write(bytes, quote).unwrap())
}

fn write(size: usize, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size);
    write(&mut bytes);
    bytes
}

/// Sets or clears an IPv4 packet's DF.
pub(super) fn set_dont_fragment(packet: &mut [u8], dont_fragment: bool) {
    packet[6] = if dont_fragment { 0x40 } else { 0 };
    fix_checksum(packet);
}

/// Plays a story: lines of (packet, expected word), told with the story so far when it goes wrong.
pub(super) fn play(world: &mut World, story: &[(&str, Vec<u8>, &str)]) {
    for (line, (what, packet, expected)) in story.iter().enumerate() {
        let explained = world.director.explain(world.now, packet).to_string();
        let got = world.say(packet);
        // The backend's address is left out of the expectation.
        assert_eq!(got.split(" 10.").next(), Some(*expected), "line {line}, {what}; explained:\n{explained}");
    }
}

/// What the tests know of a client's SYN: (source, port) in words.
pub(super) fn client_address(client: Client) -> SocketAddrV4 {
    SocketAddrV4::new(Client::ADDRESS.into(), client.port)
}

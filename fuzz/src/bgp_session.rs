//! A BGP speaker against whatever happens: octets, connections, time, commands, configurations.
//!
//! What must hold in any case: no panic; what is sent can be read and goes over
//! a connection that is open; no more is handed out than the window allows;
//! states form a chain; routes are withdrawn only if they were told; and no
//! deadline lies in the past, so nothing spins.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use ipnet::IpNet;
use lb_core::Time;
use lb_core::bgp::message::{
    self, Capabilities, Capability, Dialect, Message, Open, Restart, RestartFamily, RouteRefresh,
};
use lb_core::bgp::{
    Asn, Community, ConnectionId, Event, Excess, Family, PeerConfig, PeerId, PrefixLimit, Route, Speaker,
    SpeakerConfig, Start, State, Transmit,
};

/// Operations of one input at most.
const MAX_OPERATIONS: usize = 300;
/// Octets that may be in flight besides the window: one message, and what a session says by itself.
const BESIDES: usize = 65_535 + 4_096;

/// One thing that happens to a speaker.
#[derive(Arbitrary, Debug)]
enum Operation<'a> {
    Bytes { peer: u8, connection: u8, bytes: &'a [u8] },
    Said { peer: u8, connection: u8, kind: u8, choice: u8 },
    Opened { peer: u8, connection: u8 },
    Accepted { peer: u8 },
    Closed { peer: u8, connection: u8 },
    Written { peer: u8, connection: u8, share: u8 },
    Pass { milliseconds: u16 },
    Deadline,
    Announce { prefix: u8, route: u8 },
    Withdraw { prefix: u8 },
    Command { peer: u8, kind: u8 },
    Configure { peers: u8, choice: u8 },
}

/// A connection as an adapter sees it.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    open: bool,
    in_flight: usize,
}

struct Course {
    now: Time,
    speaker: Speaker,
    connections: BTreeMap<(PeerId, ConnectionId), Seen>,
    states: BTreeMap<PeerId, State>,
    told: BTreeMap<PeerId, BTreeSet<IpNet>>,
}

/// Plays the operations that the bytes stand for; the first octet is the configuration.
pub fn check(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let Ok(choice) = u8::arbitrary(&mut input) else { return };
    let start = if choice & 0x80 == 0 { Start::Cold } else { Start::ForwardingPreserved };
    let mut speaker = Speaker::new(config(3, choice), start, u64::from(choice));
    speaker.start(Time::ZERO);
    let mut course = Course {
        now: Time::ZERO,
        speaker,
        connections: BTreeMap::new(),
        states: BTreeMap::new(),
        told: BTreeMap::new(),
    };
    course.settle();
    for _ in 0..MAX_OPERATIONS {
        if input.is_empty() {
            break;
        }
        let Ok(operation) = Operation::arbitrary(&mut input) else { break };
        course.play(&operation);
        course.settle();
    }
}

/// A speaker of up to two peers, one over IPv4 and one over IPv6.
fn config(peers: u8, choice: u8) -> SpeakerConfig {
    let bit = |bit: u8| choice >> bit & 1 != 0;
    let peer = |address: IpAddr, asn| {
        let mut peer = PeerConfig::new(address, Asn(asn));
        peer.passive = bit(0);
        peer.extended_messages = bit(1);
        peer.graceful_restart.restarting = bit(2);
        peer.timers.hold = Duration::from_secs(if bit(3) { 0 } else { 9 });
        peer.export.med = bit(4).then_some(7);
        peer.export.next_hop_v6 = bit(5).then(|| "2001:db8::11".parse().expect("an address"));
        let excess = if bit(6) {
            Excess::Teardown { restart_after: bit(0).then_some(Duration::from_secs(5)) }
        } else {
            Excess::Ignore
        };
        peer.prefix_limit = PrefixLimit { max: 3, excess };
        peer
    };
    let all =
        [peer(IpAddr::from([10, 0, 0, 1]), 64_500), peer("2001:db8::1".parse().expect("an address"), 64_512)];
    let chosen = all.into_iter().enumerate().filter(|(position, _)| peers >> position & 1 != 0);
    SpeakerConfig {
        peers: chosen.map(|(_, peer)| peer).collect(),
        graceful_shutdown: bit(7),
        ..SpeakerConfig::new(Asn(64_512), [10, 0, 0, 11].into())
    }
}

fn prefix(number: u8) -> IpNet {
    if number & 1 == 0 {
        IpNet::new(IpAddr::from([203, 0, 113, number]), 32).expect("at most 32")
    } else {
        format!("2001:db8:f::{number:x}/128").parse().expect("a prefix")
    }
}

impl Course {
    fn play(&mut self, operation: &Operation<'_>) {
        let now = self.now;
        match *operation {
            Operation::Bytes { peer, connection, bytes } => {
                let Some((peer, connection)) = self.pick(peer, connection) else { return };
                self.speaker.handle_bytes(now, peer, connection, bytes);
            }
            Operation::Said { peer, connection, kind, choice } => {
                let Some((peer, connection)) = self.pick(peer, connection) else { return };
                let bytes = said(self.asn(peer), kind, choice);
                self.speaker.handle_bytes(now, peer, connection, &bytes);
            }
            Operation::Opened { peer, connection } => {
                let Some((peer, connection)) = self.pick(peer, connection) else { return };
                if let Some(seen) = self.connections.get_mut(&(peer, connection)) {
                    seen.open = true;
                }
                self.speaker.handle_connected(now, peer, connection, self.local(peer));
            }
            Operation::Accepted { peer } => {
                let Some(peer) = self.peer(peer) else { return };
                if let Some(connection) = self.speaker.handle_accepted(now, peer, self.local(peer)) {
                    self.connections.insert((peer, connection), Seen { open: true, ..Seen::default() });
                }
            }
            Operation::Closed { peer, connection } => {
                let Some((peer, connection)) = self.pick(peer, connection) else { return };
                self.connections.remove(&(peer, connection));
                self.speaker.handle_closed(now, peer, connection);
            }
            Operation::Written { peer, connection, share } => {
                let Some((peer, connection)) = self.pick(peer, connection) else { return };
                let Some(seen) = self.connections.get_mut(&(peer, connection)) else { return };
                let written = seen.in_flight * usize::from(share) / 255;
                seen.in_flight -= written;
                self.speaker.handle_sent(now, peer, connection, written);
            }
            Operation::Pass { milliseconds } => self.pass(now + Duration::from_millis(milliseconds.into())),
            Operation::Deadline => {
                if let Some(deadline) = self.speaker.poll_timeout() {
                    self.pass(deadline);
                }
            }
            Operation::Announce { prefix: number, route } => {
                self.speaker.announce(now, prefix(number), self::route(route));
            }
            Operation::Withdraw { prefix: number } => self.speaker.withdraw(now, &prefix(number)),
            Operation::Command { peer, kind } => self.command(peer, kind),
            Operation::Configure { peers, choice } => self.speaker.configure(now, config(peers, choice)),
        }
    }

    fn command(&mut self, peer: u8, kind: u8) {
        let now = self.now;
        let Some(peer) = self.peer(peer) else { return };
        match kind % 6 {
            0 => self.speaker.stop_peer(now, peer, "maintenance"),
            1 => self.speaker.start_peer(now, peer),
            2 => self.speaker.handle_neighbour_down(now, peer, now),
            3 => self.speaker.complete(now),
            4 => self.speaker.stop(now, ""),
            _ => {
                self.speaker.request_refresh(now, peer, Family::Ipv4);
                self.speaker.start(now);
            }
        }
    }

    fn pass(&mut self, to: Time) {
        self.now = self.now.max(to);
        self.speaker.handle_timeout(self.now);
        let next = self.speaker.poll_timeout();
        assert!(next.is_none_or(|next| next > self.now), "{next:?} is not after {}", self.now);
    }

    fn settle(&mut self) {
        while let Some((peer, transmit)) = self.speaker.poll_transmit() {
            let key = (peer, transmit.connection());
            match transmit {
                Transmit::Connect { .. } => {
                    let before = self.connections.insert(key, Seen::default());
                    assert!(before.is_none(), "a connection is not used twice");
                }
                Transmit::Send { bytes, .. } => self.sent(key, &bytes),
                Transmit::Close { .. } => drop(self.connections.remove(&key)),
            }
        }
        while let Some((peer, event)) = self.speaker.poll_event() {
            match event {
                Event::State { from, to } => {
                    let before = self.states.insert(peer, to).unwrap_or_default();
                    assert!(before == from && from != to, "{before} {from} {to}");
                }
                Event::Received { prefixes, .. } => self.told.entry(peer).or_default().extend(prefixes),
                Event::Withdrawn { prefixes } => {
                    let told = self.told.entry(peer).or_default();
                    assert!(prefixes.iter().all(|prefix| told.remove(prefix)), "told before");
                }
                Event::Up(_) => assert_eq!(self.states.get(&peer), Some(&State::Established)),
                Event::Down(_)
                | Event::EndOfRib { .. }
                | Event::RefreshRequested { .. }
                | Event::Faults(_)
                | Event::PrefixLimitReached { .. } => {}
            }
        }
        for (peer, _) in self.speaker.peers() {
            let status = self.speaker.status(peer).expect("a peer has a status");
            assert_eq!(status.state, self.states.get(&peer).copied().unwrap_or_default());
            let told = self.told.get(&peer).map_or(0, BTreeSet::len);
            assert_eq!(status.routes_received, told, "what was told of is remembered, and no more");
            assert!(told <= 3, "the limit holds");
        }
    }

    fn sent(&mut self, key: (PeerId, ConnectionId), bytes: &[u8]) {
        let seen = self.connections.get_mut(&key).expect("sent on a connection that is there");
        assert!(seen.open, "sent before it was open");
        seen.in_flight += bytes.len();
        assert!(seen.in_flight <= Speaker::WINDOW + BESIDES, "{} octets in flight", seen.in_flight);
        let dialects = [true, false].map(|four_octet_as| Dialect {
            four_octet_as,
            extended_messages: true,
            extended_next_hop: true,
            external: false,
        });
        assert!(
            dialects.into_iter().any(|dialect| {
                message::parse(bytes, dialect).is_ok_and(|parsed| parsed.faults.is_empty())
            })
        );
    }

    fn peer(&self, number: u8) -> Option<PeerId> {
        let peers: Vec<PeerId> = self.speaker.peers().map(|(peer, _)| peer).collect();
        peers.get(usize::from(number) % peers.len().max(1)).copied()
    }

    /// A connection of a peer, the latest first; sometimes one that never was.
    fn pick(&self, peer: u8, connection: u8) -> Option<(PeerId, ConnectionId)> {
        let peer = self.peer(peer)?;
        let all: Vec<_> = self.connections.keys().filter(|(other, _)| *other == peer).collect();
        let (_, connection) = all.iter().rev().nth(usize::from(connection % 4)).copied()?;
        Some((peer, *connection))
    }

    fn asn(&self, peer: PeerId) -> Asn {
        self.speaker.peers().find(|(id, _)| *id == peer).map_or(Asn(1), |(_, config)| config.asn)
    }

    fn local(&self, peer: PeerId) -> IpAddr {
        let is_v4 = self.speaker.peers().any(|(id, config)| id == peer && config.address.is_ipv4());
        if is_v4 { IpAddr::from([10, 0, 0, 11]) } else { "2001:db8::11".parse().expect("an address") }
    }
}

fn route(choice: u8) -> Route {
    Route {
        med: (choice & 1 != 0).then_some(choice.into()),
        prepend: choice >> 6,
        communities: if choice & 2 != 0 { vec![Community::NO_EXPORT] } else { vec![] },
        graceful_shutdown: choice & 4 != 0,
        ..Route::default()
    }
}

/// Something that a peer may well say.
fn said(asn: Asn, kind: u8, choice: u8) -> Vec<u8> {
    let bit = |bit: u8| choice >> bit & 1 != 0;
    let dialect = Dialect { four_octet_as: true, ..Dialect::default() };
    let message = match kind % 5 {
        0 => {
            let family = |afi| RestartFamily { afi, safi: 1, preserved: bit(0) };
            let restart =
                Restart { restarted: false, notification: bit(1), seconds: 5, families: vec![family(1)] };
            let mut all = vec![Capability::Multiprotocol { afi: 1, safi: 1 }, Capability::RouteRefresh];
            if bit(2) {
                all.push(Capability::GracefulRestart(restart));
            }
            if bit(3) {
                all.push(Capability::Multiprotocol { afi: 2, safi: 1 });
            }
            if !bit(4) {
                all.push(Capability::FourOctetAs(asn));
            }
            let router_id = [10, 0, 0, if bit(5) { 1 } else { 99 }].into();
            let (two_octet_as, hold_seconds) = (asn.two_octets(), if bit(6) { 0 } else { 3 });
            Message::Open(Open { two_octet_as, hold_seconds, router_id, capabilities: Capabilities(all) })
        }
        1 => Message::Keepalive,
        2 => {
            let attributes = message::PathAttributes {
                origin: Some(message::Origin::Igp),
                as_path: Some(message::AsPath::default()),
                next_hop: Some([10, 0, 0, 1].into()),
                ..message::PathAttributes::default()
            };
            let net = ipnet::Ipv4Net::new([10, choice, 0, 0].into(), 16).expect("at most 32");
            let update = if bit(0) {
                message::Update { withdrawn: vec![net], ..message::Update::default() }
            } else {
                message::Update { attributes, announced: vec![net], ..message::Update::default() }
            };
            Message::Update(Box::new(update))
        }
        3 => Message::Update(Box::new(message::Update::end_of_rib(Family::Ipv4))),
        _ => Message::RouteRefresh(RouteRefresh { afi: u16::from(choice % 3), subtype: 0, safi: 1 }),
    };
    message.emit(dialect).expect("short")
}

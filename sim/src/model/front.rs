//! The way into a zone: its router and its L4 nodes, which run `lb-core`'s own packet path.
//!
//! A packet's bytes go in; which gateway gets them, or what became of them,
//! comes out. The router's hash is its own (environment); everything after it
//! is the [`Director`]'s word, and where the packet goes is read from the outer
//! header that the director wrote.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lb_core::config::{
    BackendFile, BackendState, Config, ConfigError, ForwardFile, HashField, LbFile, NodeFile, ProtocolName,
    ServiceAddress, ServiceFile,
};
use lb_core::director::{Choice, Director, DirectorError, DropReason, ReplyKind, Verdict};
use lb_core::encapsulation::decapsulate;
use lb_core::health::Observation;
use lb_core::table::TableCache;
use lb_core::{Endpoint, FlowKey, HashKey, Time, Weight};

use super::packets::{Builder, Kind, Wire};
use crate::ecmp::{EcmpGroup, EcmpKind};
use crate::scenario::{EcmpFile, FamilyFile, NodeKind, ProtocolFile};

/// The port that every zone's VIP serves.
pub(super) const PORT: u16 = 443;

/// The VIP of a zone, of addresses for documentation (RFC 5737, RFC 3849).
pub(super) const fn vip(family: FamilyFile, zone: u16) -> IpAddr {
    match family {
        FamilyFile::Ipv4 => IpAddr::V4(vip4(zone)),
        FamilyFile::Ipv6 => IpAddr::V6(vip6(zone)),
    }
}

/// The same where IPv4 is spoken.
pub(super) const fn vip4(zone: u16) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, (zone + 1) as u8)
}

/// The same where IPv6 is spoken.
pub(super) const fn vip6(zone: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0xf, 0, 0, 0, 0, zone + 1)
}

/// The endpoint of a gateway.
pub(super) fn gateway_endpoint(zone: u16, gateway: u16) -> Endpoint {
    let [high, low] = gateway.to_be_bytes();
    Endpoint::new(IpAddr::V4(Ipv4Addr::new(10, zone as u8, 64 + high, low)), PORT)
}

/// The endpoints of a zone's first gateways.
pub(super) fn gateway_endpoints(zone: u16, gateways: u16) -> Vec<Endpoint> {
    (0..gateways).map(|gateway| gateway_endpoint(zone, gateway)).collect()
}

/// The gateway that has an address.
fn gateway_at(address: Ipv4Addr) -> u16 {
    let [_, _, high, low] = address.octets();
    u16::from_be_bytes([high - 64, low])
}

/// The gateway whose address is at the front of a tunnel packet.
fn gateway_of(outer: &[u8]) -> u16 {
    gateway_at(Ipv4Addr::new(outer[16], outer[17], outer[18], outer[19]))
}

/// Whether a node of this kind can be, with so many gateways: builds one.
pub(crate) fn check_node(kind: &NodeKind, gateways: u16, wire: Wire) -> Result<(), NodeError> {
    let key = HashKey::new([1; 16]);
    let endpoints = gateway_endpoints(0, gateways);
    let config = keyed_node_config((kind, wire), (0, 0), &endpoints, BackendState::Active, key)?;
    Director::new(config, &mut TableCache::default())?;
    Ok(())
}

/// Why a kind of node cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// Its configuration cannot be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its table cannot be.
    #[error(transparent)]
    Director(#[from] DirectorError),
}

/// The configuration of an L4 node: one service, the zone's VIP, over its gateways, all in one state.
pub(super) fn keyed_node_config(
    (kind, wire): (&NodeKind, Wire),
    (zone, node): (u16, u16),
    gateways: &[Endpoint],
    state: BackendState,
    hash_key: HashKey,
) -> Result<Config, ConfigError> {
    let backends = gateways.iter().map(|endpoint| BackendFile {
        address: endpoint.address,
        port: None,
        weight: 1,
        state,
    });
    Config::try_from(LbFile {
        version: Some(1),
        node: Some(NodeFile {
            address: Some(Ipv4Addr::new(10, zone as u8, 0, node as u8 + 1)),
            address6: None,
        }),
        hash_key: Some(hash_key),
        connections: kind.connections,
        fragments: None,
        icmp: None,
        profile: kind.profile,
        generation: 0,
        services: vec![ServiceFile {
            vip: vip(wire.family, zone),
            port: PORT,
            protocol: match wire.protocol {
                ProtocolFile::Tcp => ProtocolName::Tcp,
                ProtocolFile::Udp => ProtocolName::Udp,
            },
            scheduler: kind.scheduler,
            hash_fields: vec![
                HashField::Proto,
                HashField::Src,
                HashField::Sport,
                HashField::Dst,
                HashField::Dport,
            ],
            forward: ForwardFile::default(),
            mtu: 1_500,
            health: None,
            backends: backends.collect(),
        }],
        ..LbFile::default()
    })
}

/// What an L4 node is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// It takes packets and answers none; nobody notices.
    BlackHole,
    /// It is gone, and its connection table with it.
    Down,
    /// It stands still.
    Paused,
    /// It works.
    Running,
}

/// One L4 node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) director: Director,
    pub(super) condition: Condition,
    /// Whether its own service machine says that the VIP stands.
    pub(super) stands: bool,
    /// A hash of who is offered new flows, with what weight: nodes that agree on it place flows alike.
    pub(super) members: u64,
}

impl Node {
    /// A node that works and announces nothing yet.
    pub(super) fn new(director: Director) -> Self {
        let mut node = Self { director, condition: Condition::Running, stands: false, members: 0 };
        node.note_members();
        node
    }

    /// Takes note of who is offered new flows, after what it was told has changed.
    pub(super) fn note_members(&mut self) {
        let backends = (0_u32..).zip(&self.director.config().services[0].backends);
        let offered = backends.filter(|(_, backend)| backend.state == BackendState::Active);
        let bytes: Vec<u8> = offered
            .flat_map(|(gateway, backend)| {
                let [a, b, c, d] = gateway.to_be_bytes();
                let [high, low] = backend.weight.0.to_be_bytes();
                [a, b, c, d, high, low]
            })
            .collect();
        self.members = MEMBERS_KEY.hash_bytes(&bytes);
    }

    /// Its tables forget all that is over, if it works.
    ///
    /// The director does a bounded part of that at a time, so it is asked until nothing is due.
    pub(super) fn handle_timeout(&mut self, now: Time) {
        match self.condition {
            Condition::Running | Condition::BlackHole => {}
            Condition::Down | Condition::Paused => return,
        }
        self.director.handle_timeout(now);
        while self.director.poll_timeout().is_some_and(|due| due < now) {
            self.director.handle_timeout(now);
        }
    }

    /// The state that a gateway was given.
    pub(super) fn state_of(&self, gateway: u16) -> BackendState {
        let backends = &self.director.config().services[0].backends;
        backends.get(usize::from(gateway)).map_or(BackendState::Down, |backend| backend.state)
    }

    /// Whether a router that looks at it now would send it packets.
    pub(super) const fn is_announced(&self) -> bool {
        match self.condition {
            Condition::BlackHole | Condition::Running => self.stands,
            Condition::Down | Condition::Paused => false,
        }
    }
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// A gateway gets it.
    Gateway { gateway: u16, choice: Choice },
    /// Nobody gets it.
    Lost(Loss),
    /// The node's host answers with a reset: it knows no such connection.
    Reset,
    /// The node answers "port unreachable": it has no gateway for it.
    Unreachable,
}

/// Why nobody gets a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// The node's entry names a gateway that is gone, and the kernel waits for the entry to expire.
    BackendGone,
    /// The node has no gateway for it.
    NoBackend,
    /// The router sends it to a node that is not there.
    NodeDown,
    /// The director answered it with what a well-formed packet never meets.
    Answered(ReplyKind),
    /// The director refused it for a reason that a well-formed packet never meets.
    Refused(DropReason),
}

/// A zone's router and L4 nodes.
#[derive(Debug)]
pub(super) struct Front {
    zone: u16,
    wire: Wire,
    router: EcmpGroup<u16>,
    pub(super) nodes: Vec<Node>,
    pub(super) packets: u64,
    /// Packets that a gateway would not have got as the client sent them.
    pub(super) damaged: u64,
    builder: Builder,
    out: Box<[u8]>,
}

impl Front {
    /// A router without nodes.
    pub(super) fn new(zone: u16, ecmp: EcmpFile, salt: HashKey, wire: Wire) -> Self {
        let kind = match ecmp {
            EcmpFile::HashThreshold => EcmpKind::HashThreshold,
            EcmpFile::ModN => EcmpKind::ModN,
            EcmpFile::Resilient => EcmpKind::Resilient { buckets: BUCKETS },
        };
        Self {
            zone,
            wire,
            router: EcmpGroup::new(kind, salt, &[]),
            nodes: Vec::new(),
            packets: 0,
            damaged: 0,
            builder: Builder::new(wire),
            out: vec![0; OUT].into_boxed_slice(),
        }
    }

    /// The address of the zone's service.
    pub(super) fn service(&self) -> ServiceAddress {
        ServiceAddress::new(vip(self.wire.family, self.zone), PORT, self.wire.number())
    }

    /// The router looks at its nodes and sends packets to those that are announced; whether that changed anything.
    pub(super) fn handle_routes(&mut self) -> bool {
        let announced: Vec<u16> =
            (0..).zip(&self.nodes).filter(|(_, node)| node.is_announced()).map(|(index, _)| index).collect();
        if announced == self.router.members() {
            return false;
        }
        self.router = self.router.with_members(&announced);
        true
    }

    /// Whether the router sends packets to a node.
    pub(super) fn is_routed(&self, node: u16) -> bool {
        self.router.members().contains(&node)
    }

    /// Sets what a node gives a gateway: its health machines' word.
    pub(super) fn set_backend(
        &mut self,
        node: u16,
        gateway: u16,
        state: BackendState,
        weight: Weight,
        tables: &mut TableCache,
    ) {
        let service = self.service();
        let endpoint = gateway_endpoint(self.zone, gateway);
        let node = &mut self.nodes[usize::from(node)];
        node.director
            .set_backend(service, endpoint, state, weight, tables)
            .expect("the scenario's table was built before, and the node has every gateway of its zone");
        node.note_members();
    }

    /// The node that the router sends a flow to; `None` if it has none.
    pub(super) fn next_hop(&self, flow: &FlowKey) -> Option<u16> {
        self.router.next_hop(flow).copied()
    }

    /// What the packets that went by a node said of a gateway, one thing at a time.
    pub(super) fn poll_observation(&mut self, node: u16) -> Option<(u16, Observation)> {
        let director = &mut self.nodes[usize::from(node)].director;
        let (id, observation) = director.poll_observation()?;
        let backend = director.backend(id).expect("observations name backends that the director has");
        match backend.endpoint().address {
            IpAddr::V4(address) => Some((gateway_at(address), observation)),
            IpAddr::V6(_) => unreachable!("gateways have IPv4 addresses"),
        }
    }

    /// Carries one packet from a node to a gateway, by its real bytes.
    pub(super) fn deliver(&mut self, now: Time, node: u16, flow: &FlowKey, kind: Kind) -> Delivery {
        let hop = &mut self.nodes[usize::from(node)];
        match hop.condition {
            Condition::Running => {}
            Condition::BlackHole | Condition::Down | Condition::Paused => {
                return Delivery::Lost(Loss::NodeDown);
            }
        }
        self.packets += 1;
        let packet = self.builder.build(flow, kind);
        match hop.director.handle_packet(now, packet, &mut self.out) {
            Verdict::Forward { choice, length, .. } => {
                if self.packets.is_multiple_of(OPENED_EVERY)
                    && !arrives_unchanged(packet, &self.out[..length])
                {
                    self.damaged += 1;
                }
                Delivery::Gateway { gateway: gateway_of(&self.out), choice }
            }
            // The host has no socket for the VIP: it answers a reset, a client's TCP obeys it.
            Verdict::Pass(_) => Delivery::Reset,
            Verdict::Reply { kind, .. } => match kind {
                ReplyKind::PortUnreachable => Delivery::Unreachable,
                ReplyKind::Echo
                | ReplyKind::TimeExceeded
                | ReplyKind::TooBig
                | ReplyKind::TranslatedTooBig => Delivery::Lost(Loss::Answered(kind)),
            },
            Verdict::Drop(reason) => Delivery::Lost(match reason {
                DropReason::BackendGone => Loss::BackendGone,
                // Clients' packets are answered with "port unreachable" only: that is what was rationed.
                DropReason::NoBackend | DropReason::RateLimited => Loss::NoBackend,
                other => Loss::Refused(other),
            }),
        }
    }

    /// The nodes that the router sends packets to.
    pub(super) fn next_hops(&self) -> &[u16] {
        self.router.members()
    }
}

/// Whether a gateway that opens the tunnel finds the client's packet, all but its time to live
/// (IPv6: hop limit) and the checksum over that.
fn arrives_unchanged(sent: &[u8], outer: &[u8]) -> bool {
    let Ok(opened) = decapsulate(outer) else { return false };
    let got = opened.inner();
    let may_differ: &[usize] = match sent[0] >> 4 {
        4 => &[8, 10, 11],
        _ => &[7],
    };
    let same = |at: usize| got[at] == sent[at] || may_differ.contains(&at);
    got.len() == sent.len() && (0..sent.len().min(12)).all(same) && got[12..] == sent[12..]
}

/// Any key: the hash is compared only within a run.
const MEMBERS_KEY: HashKey = HashKey::new([3; 16]);
/// One packet in so many is opened as a gateway would open it.
const OPENED_EVERY: u64 = 256;
/// Buckets of a resilient router: a common hardware default.
const BUCKETS: u32 = 256;
/// Room for the largest packet in a tunnel.
const OUT: usize = 2_048;

#[cfg(test)]
mod tests;

//! The packet path by itself: agenda, router, node, gateway; for benches and for looking at.

use core::fmt;
use core::time::Duration;

use lb_core::HashKey;
use lb_core::config::{BackendState, SchedulerFile};
use lb_core::director::Director;
use lb_core::health::HealthFile;
use lb_core::table::TableCache;

use super::client::flow;
use super::front::{Delivery, Front, Node, gateway_endpoints, keyed_node_config};
use super::packets::{Kind, Wire};
use crate::engine::{Class, Engine};
use crate::scenario::{EcmpFile, NodeKind};

/// One zone's router and L4 nodes, sent packets through the agenda as a run does.
///
/// ```
/// use sim::PacketPath;
///
/// let mut path = PacketPath::new(4, 8);
/// // A thousand connections: an opening packet and nine with data each.
/// assert_eq!(path.send(1_000, 10), 10_000);
/// ```
pub struct PacketPath {
    front: Front,
    engine: Engine<Packet>,
    connections: u64,
}

/// A packet on its way: of which connection, and how many follow it.
#[derive(Clone, Copy, Debug)]
struct Packet {
    connection: u64,
    left: u32,
    opens: bool,
}

/// From one packet of a connection to the next.
const GAP: Duration = Duration::from_millis(10);
/// The payload of a packet with data: a small request.
const PAYLOAD: u16 = 400;

impl PacketPath {
    /// A zone with so many L4 nodes and gateways, all in service.
    ///
    /// # Panics
    ///
    /// Without a node or a gateway, or with more than 64 nodes or 4,096 gateways.
    #[must_use]
    pub fn new(nodes: u16, gateways: u16) -> Self {
        assert!((1..=64).contains(&nodes) && (1..=4_096).contains(&gateways), "a zone of ordinary size");
        let health = HealthFile::default();
        let kind = NodeKind {
            profile: None,
            scheduler: SchedulerFile::default(),
            connections: None,
            backend_health: health.backend_policy().expect("the default is valid"),
            observes: false,
            service_health: health.service_policy().expect("the default is valid"),
        };
        let mut tables = TableCache::default();
        let mut front = Front::new(0, EcmpFile::HashThreshold, HashKey::new([7; 16]), Wire::default());
        let endpoints = gateway_endpoints(0, gateways);
        for node in 0..nodes {
            let key = HashKey::new([9; 16]);
            let config =
                keyed_node_config((&kind, Wire::default()), (0, node), &endpoints, BackendState::Active, key)
                    .expect("the default kind of node is valid");
            let director = Director::new(config, &mut tables).expect("fewer gateways than slots");
            front.nodes.push(Node { stands: true, ..Node::new(director) });
        }
        let _ = front.handle_routes();
        Self { front, engine: Engine::new(), connections: 0 }
    }

    /// Sends so many new connections of so many packets each; how many packets a gateway got.
    pub fn send(&mut self, connections: u64, packets: u32) -> u64 {
        for connection in self.connections..self.connections + connections {
            let at =
                self.engine.now() + GAP.mul_f64((connection - self.connections) as f64 / connections as f64);
            self.engine.schedule(at, Class::Delivery, Packet { connection, left: packets, opens: true });
        }
        self.connections += connections;
        let mut delivered = 0;
        while let Some((now, packet)) = self.engine.pop() {
            let kind = if packet.opens { Kind::Open } else { Kind::Data(PAYLOAD) };
            let flow = flow(Wire::default(), packet.connection, 0);
            let node = self.front.next_hop(&flow);
            match node.map(|node| self.front.deliver(now, node, &flow, kind)) {
                Some(Delivery::Gateway { .. }) => delivered += 1,
                None | Some(Delivery::Lost(_) | Delivery::Reset | Delivery::Unreachable) => {}
            }
            if packet.left > 1 {
                let next = Packet { left: packet.left - 1, opens: false, ..packet };
                self.engine.schedule(now + GAP, Class::Delivery, next);
            }
        }
        delivered
    }
}

impl fmt::Debug for PacketPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketPath").field("connections", &self.connections).finish_non_exhaustive()
    }
}

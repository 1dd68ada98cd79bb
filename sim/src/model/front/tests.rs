//! One L4 node as the model drives it.

use core::net::Ipv4Addr;

use lb_core::config::BackendState;
use lb_core::director::Director;
use lb_core::table::TableCache;
use lb_core::{FlowKey, HashKey, Protocol, Time};

use super::{Front, Node, PORT, gateway_endpoints, keyed_node_config, vip4};
use crate::model::Wire;
use crate::model::packets::Kind;
use crate::scenario::{EmbeddedData, Scenario, embedded};

/// A zone of one node of an embedded scenario's kind, behind its router.
fn front() -> Front {
    let found = embedded().iter().find(|scenario| scenario.name == "node-loss").unwrap();
    let scenario = Scenario::from_yaml(found.text, &EmbeddedData).unwrap();
    let (wire, key) = (Wire::default(), HashKey::new([5; 16]));
    let kind = (&scenario.node_kinds[0], wire);
    let config =
        keyed_node_config(kind, (0, 0), &gateway_endpoints(0, 4), BackendState::Active, key).unwrap();
    let director = Director::new(config, &mut TableCache::default()).unwrap();
    let mut front = Front::new(0, scenario.zones[0].ecmp, key, wire);
    front.nodes.push(Node { stands: true, ..Node::new(director) });
    assert!(front.handle_routes());
    front
}

#[test]
fn one_sweep_forgets_all_that_is_over_however_much_it_is() {
    let mut front = front();
    for port in 10_000..15_000 {
        let flow = FlowKey::v4(Protocol::TCP, (Ipv4Addr::new(192, 0, 2, 1), port), (vip4(0), PORT));
        let _ = front.deliver(Time::from_secs(1), 0, &flow, Kind::Open);
    }
    let node = &mut front.nodes[0];
    assert_eq!(node.director.connections().len(), 5_000);
    // An opening packet that nothing followed is kept for a minute.
    node.handle_timeout(Time::from_secs(120));
    assert_eq!(node.director.connections().len(), 0);
    assert_eq!(node.director.connections().counters().expired, 5_000);
}

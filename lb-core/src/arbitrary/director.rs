//! What happens to a whole node: packets, time, health, new configurations.
//!
//! The one idea: a course is made for one configuration, so that its packets
//! are for the services that are there, from few clients, and its changes are
//! of backends that are there. What a course does not know is what the node
//! made of it: a change may name a backend that an earlier one took away.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::ops::Range;
use core::time::Duration;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::Union;

use super::packet::{self, Draft, Upper};
use super::{config, connection, flow};
use crate::config::{BackendConfig, BackendState, Config, NodeAddresses, ServiceAddress, ServiceConfig};
use crate::flow::{Addresses, FlowKey, Protocol};
use crate::identity::{Endpoint, Weight};
use crate::packet::IcmpErrorKind;

/// How many clients a service has: enough to fill a small table, few enough to come again.
const CLIENTS: u16 = 8;

/// One thing that happens to a director.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Something arrives.
    Packet(Vec<u8>),
    /// Time passes.
    Pass(Duration),
    /// Health, or a hand, changes a backend.
    SetBackend {
        /// The service.
        service: ServiceAddress,
        /// Its backend; one that is not, or no longer, configured is possible.
        endpoint: Endpoint,
        /// The new state.
        state: BackendState,
        /// The new weight.
        weight: Weight,
    },
    /// A new configuration with the old limits and profile.
    SetConfig(Box<Config>),
    /// All timeouts that are due are handled.
    Timeout,
}

/// A course of operations for a node of this configuration.
///
/// Packets are those of [`packets`]; pauses are on both sides of every timeout.
///
/// ```
/// use lb_core::arbitrary::config;
/// use lb_core::arbitrary::director::{Operation, operations};
/// use lb_core::director::Director;
/// use lb_core::table::TableCache;
/// use lb_core::Time;
/// use proptest::prelude::*;
///
/// let course = config::small().prop_flat_map(|config| (operations(&config, 0..20), Just(config)));
/// proptest!(|((operations, config) in course)| {
///     let mut tables = TableCache::default();
///     let mut director = Director::new(config, &mut tables).unwrap();
///     let (mut now, mut out) = (Time::ZERO, [0; 70_000]);
///     for operation in operations {
///         match operation {
///             Operation::Packet(packet) => {
///                 director.handle_packet(now, &packet, &mut out);
///             }
///             Operation::Pass(time) => now += time,
///             Operation::SetBackend { service, endpoint, state, weight } => {
///                 // Refused if the backend is not configured.
///                 let _ = director.set_backend(service, endpoint, state, weight, &mut tables);
///             }
///             Operation::SetConfig(config) => {
///                 director.set_config(now, *config, &mut tables).unwrap();
///             }
///             Operation::Timeout => director.handle_timeout(now),
///         }
///         let limit = director.config().connections.max as usize;
///         prop_assert!(director.connections().len() <= limit);
///     }
/// });
/// ```
pub fn operations(config: &Config, count: Range<usize>) -> impl Strategy<Value = Vec<Operation>> + use<> {
    prop::collection::vec(operation(config), count)
}

/// One operation; a packet as a rule.
///
/// ```
/// use lb_core::arbitrary::config;
/// use lb_core::arbitrary::director::{Operation, operation};
/// use proptest::prelude::*;
///
/// // Only what an adapter has to hand on.
/// let one = config::small().prop_flat_map(|config| operation(&config));
/// let packets = one.prop_filter_map("packets", |one| match one {
///     Operation::Packet(packet) => Some(packet),
///     _ => None,
/// });
/// proptest!(|(packet in packets)| prop_assert!(packet.len() < 5_000));
/// ```
pub fn operation(config: &Config) -> impl Strategy<Value = Operation> + use<> {
    let packet = packet_to(config).prop_map(Operation::Packet).boxed();
    let mut choices = vec![
        (20, packet),
        (6, connection::pause().prop_map(Operation::Pass).boxed()),
        (1, variation(config).prop_map(|config| Operation::SetConfig(Box::new(config))).boxed()),
        (2, Just(Operation::Timeout).boxed()),
    ];
    let backends: Vec<_> = config
        .services
        .iter()
        .flat_map(|service| service.backends.iter().map(|backend| (service.address, backend.endpoint)))
        .collect();
    if !backends.is_empty() {
        let set = (select(backends), config::state(), 0..5_u16);
        let set = set.prop_map(|((service, endpoint), state, weight)| Operation::SetBackend {
            service,
            endpoint,
            state,
            weight: Weight(weight),
        });
        choices.push((6, set.boxed()));
    }
    Union::new_weighted(choices)
}

/// Packets that arrive at a node of this configuration, each as [`packet_to`] makes them.
///
/// ```
/// use lb_core::arbitrary::{config, director};
/// use proptest::prelude::*;
///
/// let course = config::small().prop_flat_map(|config| director::packets(&config, 0..9));
/// proptest!(|(packets in course)| {
///     prop_assert!(packets.len() < 9);
/// });
/// ```
pub fn packets(config: &Config, count: Range<usize>) -> impl Strategy<Value = Vec<Vec<u8>>> + use<> {
    prop::collection::vec(packet_to(config), count)
}

/// A packet that arrives at a node of this configuration.
///
/// As a rule of a flow to one of its services, from one of eight clients of
/// each: whole, a fragment (of few datagrams, so that first and later ones
/// meet), or an error that quotes an answer. Else an echo request to a VIP, a
/// router's error about a tunnel packet of the node, any other packet, or a
/// damaged one.
///
/// ```
/// use lb_core::Time;
/// use lb_core::arbitrary::{config, director::packet_to};
/// use lb_core::director::Director;
/// use lb_core::table::TableCache;
/// use proptest::prelude::*;
///
/// let one = config::small().prop_flat_map(|config| (packet_to(&config), Just(config)));
/// proptest!(|((packet, config) in one)| {
///     let director = Director::new(config, &mut TableCache::default()).unwrap();
///     prop_assert!(!director.explain(Time::ZERO, &packet).steps.is_empty());
/// });
/// ```
pub fn packet_to(config: &Config) -> BoxedStrategy<Vec<u8>> {
    let anything = prop_oneof![
        2 => packet::packet().prop_map(|draft| draft.emit()),
        1 => packet::damaged(),
    ];
    let mut choices = vec![(1, anything.boxed())];
    if !config.services.is_empty() {
        let of_flow = flow::flow_to_any(config, CLIENTS).prop_flat_map(|flow| {
            prop_oneof![12 => packet::of_flow(flow), 3 => fragment_of(flow), 2 => packet::error_about(flow)]
        });
        choices.push((12, of_flow.prop_map(|draft| draft.emit()).boxed()));
        let vips: Vec<_> = config.services.iter().map(|service| service.address.address).collect();
        let echo = select(vips).prop_flat_map(packet::echo_to);
        choices.push((1, echo.prop_map(|draft| draft.emit()).boxed()));
        choices.push((1, tunnel_error(config)));
    }
    Union::new_weighted(choices).boxed()
}

/// One fragment of one of four datagrams of a flow.
fn fragment_of(flow: FlowKey) -> impl Strategy<Value = Draft> {
    (packet::fragments_of_flow(flow), any::<Index>(), 0_u32..4)
        .prop_map(|(pieces, place, identification)| Draft { identification, ..place.get(&pieces).clone() })
}

/// "Too big", from a router behind the node, about an IP-in-IP packet to one of its backends.
fn tunnel_error(config: &Config) -> BoxedStrategy<Vec<u8>> {
    let node = config.node;
    let backends = config.services.iter().flat_map(|service| &service.backends);
    let ends: Vec<_> = backends.filter_map(|backend| tunnel_ends(node, backend.endpoint.address)).collect();
    if ends.is_empty() {
        return packet::damaged().boxed();
    }
    let inner = flow::flow_to_any(config, CLIENTS).prop_flat_map(packet::whole_of_flow);
    let error = (inner, select(ends), 68_u32..1_500, any::<Index>());
    let error = error.prop_map(|(inner, ends, mtu, length)| {
        let protocol = if inner.is_v6() { Protocol::IPV6 } else { Protocol::IPV4 };
        let outer = Draft::new(ends, Upper::Other { protocol, data: inner.emit() });
        let header = outer.header_length() + 8;
        let length = header + length.index(outer.emit().len() - header + 1);
        let quoted = Box::new(outer);
        Draft::new(ends.reversed(), Upper::Error { kind: IcmpErrorKind::TooBig { mtu }, quoted, length })
            .emit()
    });
    error.boxed()
}

/// From the node to a backend, where the node has an address of its family.
fn tunnel_ends(node: NodeAddresses, backend: IpAddr) -> Option<Addresses> {
    match backend {
        IpAddr::V4(destination) => Some(Addresses::V4 { source: node.v4?, destination }),
        IpAddr::V6(destination) => Some(Addresses::V6 { source: node.v6?, destination }),
    }
}

/// A configuration that may follow this one: services and backends that are
/// gone, changed or in another order; limits, profile and node as they are.
///
/// ```
/// use lb_core::arbitrary::{config, director};
/// use lb_core::config::diff;
/// use proptest::prelude::*;
///
/// let pair = config::small().prop_flat_map(|old| (director::variation(&old), Just(old)));
/// proptest!(|((new, old) in pair)| {
///     prop_assert!(diff(&old, &new).added.is_empty(), "no service is new");
/// });
/// ```
pub fn variation(config: &Config) -> impl Strategy<Value = Config> + use<> {
    let services: Vec<_> = config.services.iter().map(|service| varied_service(service.clone())).collect();
    let config = config.clone();
    (services, any::<u64>(), any::<bool>()).prop_map(move |(services, generation, is_reversed)| {
        let mut services: Vec<_> = services.into_iter().flatten().collect();
        if is_reversed {
            services.reverse();
        }
        Config { services, generation, ..config.clone() }
    })
}

/// A service with backends that are gone or changed; rarely no service at all.
fn varied_service(service: ServiceConfig) -> BoxedStrategy<Option<ServiceConfig>> {
    let varied = |backend: BackendConfig| {
        let changed = (config::state(), 0..5_u16).prop_map(move |(state, weight)| {
            Some(BackendConfig { state, weight: Weight(weight), ..backend })
        });
        prop_oneof![4 => Just(Some(backend)), 2 => changed, 1 => Just(None)]
    };
    let backends: Vec<_> = service.backends.iter().map(|backend| varied(*backend)).collect();
    let service = backends.prop_map(move |backends| {
        Some(ServiceConfig { backends: backends.into_iter().flatten().collect(), ..service.clone() })
    });
    prop_oneof![6 => service, 1 => Just(None)].boxed()
}

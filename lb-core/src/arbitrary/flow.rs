//! Flows of clients: of any family and protocol, to one service, to a configuration's.
//!
//! Addresses are those set aside for documents and benchmarks, so that no
//! client is ever a VIP, a backend or the node of a generated
//! [configuration](super::config): clients are in 198.18.0.0/15 (RFC 2544) and
//! 2001:db8:c::/48, VIPs of flows to no service in 203.0.113.0/24 and
//! 2001:db8:f::/48.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use proptest::sample::select;

use crate::config::{Config, ServiceAddress};
use crate::flow::{Addresses, FlowKey, Protocol};

/// A flow with ports, of either family: TCP, UDP or SCTP.
///
/// ```
/// use lb_core::arbitrary::flow;
/// use lb_core::{HashFields, HashKey};
/// use proptest::prelude::*;
///
/// proptest!(|(one in flow::flow(), key: [u8; 16])| {
///     let key = HashKey::new(key);
///     let hash = key.hash_flow(&one, HashFields::ALL);
///     prop_assert_eq!(hash, key.hash_flow(&one.reversed().reversed(), HashFields::ALL));
/// });
/// ```
pub fn flow() -> impl Strategy<Value = FlowKey> {
    prop_oneof![flow_v4(), flow_v6()]
}

/// An IPv4 flow with ports.
///
/// ```
/// use lb_core::arbitrary::flow;
/// use proptest::prelude::*;
///
/// proptest!(|(one in flow::flow_v4())| prop_assert!(one.source().is_ipv4()));
/// ```
pub fn flow_v4() -> impl Strategy<Value = FlowKey> {
    (transport(), addresses_v4(), any::<u16>(), any::<u16>()).prop_map(
        |(protocol, addresses, source, destination)| FlowKey::new(protocol, addresses, source, destination),
    )
}

/// An IPv6 flow with ports.
///
/// ```
/// use lb_core::arbitrary::flow;
/// use proptest::prelude::*;
///
/// proptest!(|(one in flow::flow_v6())| prop_assert!(one.destination().is_ipv6()));
/// ```
pub fn flow_v6() -> impl Strategy<Value = FlowKey> {
    (transport(), addresses_v6(), any::<u16>(), any::<u16>()).prop_map(
        |(protocol, addresses, source, destination)| FlowKey::new(protocol, addresses, source, destination),
    )
}

/// A flow to one service, of `clients` different ones, so that packets of one flow come up again.
///
/// ```
/// use lb_core::arbitrary::flow;
/// use lb_core::config::ServiceAddress;
/// use proptest::prelude::*;
///
/// let service: ServiceAddress = "203.0.113.10:443/tcp".parse().unwrap();
/// proptest!(|(one in flow::flow_to(service, 4))| {
///     prop_assert_eq!((one.destination(), one.destination_port()), (service.address, 443));
/// });
/// ```
///
/// # Panics
///
/// If `clients` is 0.
pub fn flow_to(service: ServiceAddress, clients: u16) -> impl Strategy<Value = FlowKey> {
    assert!(clients > 0, "a flow has a client");
    (0..clients).prop_map(move |client| nth_flow_to(service, client))
}

/// A flow to any service of a configuration, of `clients` different ones for each.
///
/// ```
/// use lb_core::arbitrary::{config, flow};
/// use proptest::prelude::*;
///
/// let one = config::small().prop_flat_map(|config| (flow::flow_to_any(&config, 4), Just(config)));
/// proptest!(|((flow, config) in one)| {
///     let ports = config.services.iter().map(|service| service.address.port);
///     prop_assert!(ports.into_iter().any(|port| port == flow.destination_port()));
/// });
/// ```
///
/// # Panics
///
/// If `clients` is 0 or the configuration has no service.
pub fn flow_to_any(config: &Config, clients: u16) -> impl Strategy<Value = FlowKey> + use<> {
    let services: Vec<_> = config.services.iter().map(|service| service.address).collect();
    select(services).prop_flat_map(move |service| flow_to(service, clients))
}

/// Source and destination of one family.
///
/// ```
/// use lb_core::arbitrary::flow;
/// use proptest::prelude::*;
///
/// proptest!(|(pair in flow::addresses())| {
///     prop_assert_eq!(pair.source().is_ipv6(), pair.destination().is_ipv6());
/// });
/// ```
pub fn addresses() -> impl Strategy<Value = Addresses> {
    prop_oneof![addresses_v4(), addresses_v6()]
}

/// IPv4 source and destination.
///
/// ```
/// use lb_core::arbitrary::flow;
/// use proptest::prelude::*;
///
/// proptest!(|(pair in flow::addresses_v4())| prop_assert!(pair.source().is_ipv4()));
/// ```
pub fn addresses_v4() -> impl Strategy<Value = Addresses> {
    (0..1_u32 << 17, any::<u8>()).prop_map(|(client, vip)| Addresses::V4 {
        source: client_v4(client),
        destination: Ipv4Addr::new(203, 0, 113, vip),
    })
}

/// IPv6 source and destination.
///
/// ```
/// use lb_core::arbitrary::flow;
/// use proptest::prelude::*;
///
/// proptest!(|(pair in flow::addresses_v6())| prop_assert!(pair.source().is_ipv6()));
/// ```
pub fn addresses_v6() -> impl Strategy<Value = Addresses> {
    (any::<u64>(), any::<u16>()).prop_map(|(client, vip)| Addresses::V6 {
        source: client_v6(client),
        destination: Ipv6Addr::new(0x2001, 0xdb8, 0xf, 0, 0, 0, 0, vip),
    })
}

/// TCP, UDP or SCTP.
///
/// ```
/// use lb_core::arbitrary::flow;
/// use proptest::prelude::*;
///
/// proptest!(|(protocol in flow::transport())| prop_assert!(protocol.has_ports()));
/// ```
pub fn transport() -> impl Strategy<Value = Protocol> {
    select(&[Protocol::TCP, Protocol::UDP, Protocol::SCTP][..])
}

/// The flow of the `client`-th client: four ports for each address.
fn nth_flow_to(service: ServiceAddress, client: u16) -> FlowKey {
    let (host, port) = (client / 4, 40_000 + client % 4);
    match service.address {
        IpAddr::V4(vip) => FlowKey::v4(service.protocol, (client_v4(host.into()), port), (vip, service.port)),
        IpAddr::V6(vip) => FlowKey::v6(service.protocol, (client_v6(host.into()), port), (vip, service.port)),
    }
}

/// A host of 198.18.0.0/15.
fn client_v4(host: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0xc612_0000 | host & 0x0001_ffff)
}

/// A host of 2001:db8:c::/64.
fn client_v6(host: u64) -> Ipv6Addr {
    Ipv6Addr::from_bits(0x2001_0db8_000c_0000 << 64 | u128::from(host))
}

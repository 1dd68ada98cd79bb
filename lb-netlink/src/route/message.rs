//! Routes as rtnetlink messages, both ways.
//!
//! A single next hop is written on the route itself, several as `RTA_MULTIPATH`;
//! the kernel answers alike. Devices are indexes here, names outside.

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_core::Nla;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteIp6Tunnel, RouteIpTunnel, RouteLwEnCapType,
    RouteLwTunnelEncap, RouteMessage, RouteMetric, RouteNextHop, RouteNextHopFlags, RouteProtocol,
    RouteScope, RouteType, RouteVia,
};

use super::{Kind, NextHop, Route};
use crate::address::{Scope, address_family};
use crate::link::{DeviceName, Links};
use crate::origin::Origin;
use crate::tunnel::Family;

/// `LWTUNNEL_IP_DST` and `LWTUNNEL_IP6_DST`.
const LWTUNNEL_DST: u16 = 2;

/// The hop limit of outer headers made by a route's tunnel.
const HOPS: u8 = 64;

/// The request for all routes of a family, in all tables.
#[must_use]
pub fn dump_message(family: Family) -> RouteNetlinkMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = address_family(family);
    RouteNetlinkMessage::GetRoute(message)
}

/// The request that adds a route.
///
/// # Errors
///
/// The device of a next hop that is not in `links`.
pub fn add_message(route: &Route, links: &Links) -> Result<RouteNetlinkMessage, DeviceName> {
    let mut message = named(route);
    let header = &mut message.header;
    header.protocol = RouteProtocol::from(route.origin.0);
    header.kind = route_type(route.kind);
    header.scope = RouteScope::from(scope(route).number());
    let attributes = &mut message.attributes;
    attributes.extend(route.source.map(|source| RouteAttribute::PrefSource(source.into())));
    let mut metrics = Vec::new();
    metrics.extend(route.mtu.map(RouteMetric::Mtu));
    metrics.extend(route.advertised_mss.map(RouteMetric::Advmss));
    if !metrics.is_empty() {
        attributes.push(RouteAttribute::Metrics(metrics));
    }
    match route.next_hops.as_slice() {
        [] => {}
        [hop] => {
            attributes.extend(hop_attributes(hop, route.family()));
            attributes.extend(index_of(hop, links)?.map(RouteAttribute::Oif));
            header.flags.set(RouteFlags::Onlink, hop.onlink);
        }
        hops => {
            let hops = hops.iter().map(|hop| next_hop(hop, route.family(), links));
            attributes.push(RouteAttribute::MultiPath(hops.collect::<Result<_, _>>()?));
        }
    }
    Ok(RouteNetlinkMessage::NewRoute(message))
}

/// The request that removes the route with this key and origin.
#[must_use]
pub fn delete_message(route: &Route) -> RouteNetlinkMessage {
    let mut message = named(route);
    message.header.protocol = RouteProtocol::from(route.origin.0);
    // any scope, as `ip route del` has it
    message.header.scope = RouteScope::NoWhere;
    RouteNetlinkMessage::DelRoute(message)
}

/// The routes in the answer to a dump; those that are not modelled are passed over.
#[must_use]
pub fn from_messages<'a>(
    messages: impl IntoIterator<Item = &'a RouteNetlinkMessage>,
    links: &Links,
) -> Vec<Route> {
    let routes = messages.into_iter().filter_map(|message| match message {
        RouteNetlinkMessage::NewRoute(message) => from_message(message, links),
        _ => None,
    });
    routes.collect()
}

/// Reads one route; none if it is cached, by source, or of another family.
#[must_use]
pub fn from_message(message: &RouteMessage, links: &Links) -> Option<Route> {
    let header = &message.header;
    if header.flags.contains(RouteFlags::Cloned) || header.source_prefix_length != 0 {
        return None;
    }
    let unspecified = match header.address_family {
        AddressFamily::Inet => IpAddr::from([0; 4]),
        AddressFamily::Inet6 => IpAddr::from([0; 16]),
        _ => return None,
    };
    let mut route = Route {
        kind: kind(header.kind),
        origin: Origin(header.protocol.into()),
        table: header.table.into(),
        ..Route::new(IpNet::new(unspecified, header.destination_prefix_length).ok()?, Vec::new())
    };
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(address) => {
                let address = ip_address(address)?;
                route.destination = IpNet::new(address, header.destination_prefix_length).ok()?;
            }
            RouteAttribute::Table(table) => route.table = *table,
            RouteAttribute::Priority(metric) => route.metric = *metric,
            RouteAttribute::PrefSource(address) => route.source = ip_address(address),
            RouteAttribute::Metrics(metrics) => {
                for metric in metrics {
                    match metric {
                        RouteMetric::Mtu(mtu) => route.mtu = Some(*mtu),
                        RouteMetric::Advmss(mss) => route.advertised_mss = Some(*mss),
                        _ => {}
                    }
                }
            }
            RouteAttribute::MultiPath(hops) => {
                route.next_hops = hops.iter().map(|hop| read_next_hop(hop, links)).collect();
            }
            _ => {}
        }
    }
    // IPv6 shows `lo` as the device of routes that discard
    if matches!(route.kind, Kind::Unicast | Kind::Local | Kind::Other(_)) && route.next_hops.is_empty() {
        route.next_hops.extend(read_single_hop(header, &message.attributes, links));
    }
    Some(route)
}

fn named(route: &Route) -> RouteMessage {
    let mut message = RouteMessage::default();
    let key = route.key();
    message.header.address_family = address_family(route.family());
    message.header.destination_prefix_length = key.destination.prefix_len();
    match u8::try_from(key.table) {
        Ok(table) => message.header.table = table,
        Err(_) => message.attributes.push(RouteAttribute::Table(key.table)),
    }
    if key.destination.prefix_len() != 0 {
        message.attributes.push(RouteAttribute::Destination(key.destination.addr().into()));
    }
    if key.metric != 0 {
        message.attributes.push(RouteAttribute::Priority(key.metric));
    }
    message
}

/// IPv4 wants to know how far a route reaches; a tunnel or router reaches everywhere.
fn scope(route: &Route) -> Scope {
    let direct = |hop: &NextHop| hop.gateway.is_none() && hop.tunnel.is_none();
    match (route.family(), route.kind) {
        (Family::V4, Kind::Local) => Scope::Host,
        (Family::V4, Kind::Unicast) if route.next_hops.iter().all(direct) => Scope::Link,
        _ => Scope::Global,
    }
}

fn index_of(hop: &NextHop, links: &Links) -> Result<Option<u32>, DeviceName> {
    let Some(device) = &hop.device else { return Ok(None) };
    links.named(device).map(|link| Some(link.index)).ok_or_else(|| device.clone())
}

fn next_hop(hop: &NextHop, family: Family, links: &Links) -> Result<RouteNextHop, DeviceName> {
    let mut message = RouteNextHop::default();
    message.interface_index = index_of(hop, links)?.unwrap_or(0);
    message.hops = u8::try_from(hop.weight.saturating_sub(1)).unwrap_or(u8::MAX);
    message.flags.set(RouteNextHopFlags::Onlink, hop.onlink);
    message.attributes = hop_attributes(hop, family);
    Ok(message)
}

fn hop_attributes(hop: &NextHop, family: Family) -> Vec<RouteAttribute> {
    let mut attributes = Vec::new();
    if let Some(gateway) = hop.gateway {
        attributes.push(if Family::of(gateway) == family {
            RouteAttribute::Gateway(gateway.into())
        } else {
            RouteAttribute::Via(RouteVia::from(gateway))
        });
    }
    let (kind, encapsulation) = match hop.tunnel {
        None => return attributes,
        Some(IpAddr::V4(remote)) => {
            let parts = [RouteIpTunnel::Destination(remote), RouteIpTunnel::Ttl(HOPS)];
            (RouteLwEnCapType::Ip, parts.map(RouteLwTunnelEncap::Ip))
        }
        Some(IpAddr::V6(remote)) => {
            let parts = [RouteIp6Tunnel::Destination(remote), RouteIp6Tunnel::Hoplimit(HOPS)];
            (RouteLwEnCapType::Ip6, parts.map(RouteLwTunnelEncap::Ip6))
        }
    };
    attributes.push(RouteAttribute::EncapType(kind));
    attributes.push(RouteAttribute::Encap(encapsulation.into()));
    attributes
}

fn read_next_hop(hop: &RouteNextHop, links: &Links) -> NextHop {
    let weight = u16::from(hop.hops) + 1;
    let onlink = hop.flags.contains(RouteNextHopFlags::Onlink);
    let device = links.indexed(hop.interface_index).map(|link| link.name.clone());
    let read = NextHop { gateway: None, device, weight, onlink, tunnel: None };
    with_attributes(read, &hop.attributes)
}

fn read_single_hop(header: &RouteHeader, attributes: &[RouteAttribute], links: &Links) -> Option<NextHop> {
    let index = attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Oif(index) => Some(*index),
        _ => None,
    });
    let device = index.and_then(|index| links.indexed(index)).map(|link| link.name.clone());
    let onlink = header.flags.contains(RouteFlags::Onlink);
    let read = NextHop { gateway: None, device, weight: 1, onlink, tunnel: None };
    let read = with_attributes(read, attributes);
    (read.gateway.is_some() || read.device.is_some()).then_some(read)
}

fn with_attributes(mut hop: NextHop, attributes: &[RouteAttribute]) -> NextHop {
    for attribute in attributes {
        match attribute {
            RouteAttribute::Gateway(address) => hop.gateway = ip_address(address),
            RouteAttribute::Via(RouteVia::Inet(address)) => hop.gateway = Some((*address).into()),
            RouteAttribute::Via(RouteVia::Inet6(address)) => hop.gateway = Some((*address).into()),
            RouteAttribute::Encap(parts) => {
                hop.tunnel = parts.iter().find_map(outer_destination).or(hop.tunnel);
            }
            _ => {}
        }
    }
    hop
}

fn outer_destination(part: &RouteLwTunnelEncap) -> Option<IpAddr> {
    match part {
        RouteLwTunnelEncap::Ip(RouteIpTunnel::Destination(remote)) => Some((*remote).into()),
        RouteLwTunnelEncap::Ip6(RouteIp6Tunnel::Destination(remote)) => Some((*remote).into()),
        // those of several next hops are left unread by netlink-packet-route
        RouteLwTunnelEncap::Other(part) if part.kind() == LWTUNNEL_DST => {
            let mut value = vec![0; part.value_len()];
            part.emit_value(&mut value);
            let v4 = || <[u8; 4]>::try_from(value.as_slice()).map(IpAddr::from).ok();
            <[u8; 16]>::try_from(value.as_slice()).map(IpAddr::from).ok().or_else(v4)
        }
        _ => None,
    }
}

const fn ip_address(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}

fn kind(kind: RouteType) -> Kind {
    match kind {
        RouteType::Unicast => Kind::Unicast,
        RouteType::Local => Kind::Local,
        RouteType::BlackHole => Kind::Blackhole,
        RouteType::Unreachable => Kind::Unreachable,
        RouteType::Prohibit => Kind::Prohibit,
        RouteType::Throw => Kind::Throw,
        other => Kind::Other(other.into()),
    }
}

fn route_type(kind: Kind) -> RouteType {
    match kind {
        Kind::Unicast => RouteType::Unicast,
        Kind::Local => RouteType::Local,
        Kind::Blackhole => RouteType::BlackHole,
        Kind::Unreachable => RouteType::Unreachable,
        Kind::Prohibit => RouteType::Prohibit,
        Kind::Throw => RouteType::Throw,
        Kind::Other(number) => RouteType::from(number),
    }
}

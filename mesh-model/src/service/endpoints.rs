//! Who can answer: endpoints, pods of gateways, nodes, and what each may be given.
//!
//! Ready is active. What is leaving but still serves, and what says that it is
//! not ready, keeps its flows and gets no new ones, as kube-proxy has it; whether it
//! is alive is for health checks to find out. Where nobody is ready, those that
//! leave serve on (KEP-1669): better than nobody.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use super::{BackendState, LbBackend, text};
use crate::labels::Labels;

/// An address that may answer, and how it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// Its address.
    pub address: IpAddr,
    /// The port at which it answers.
    pub port: u16,
    /// The node that it is on, if that is known.
    pub node: Option<String>,
    /// How it is.
    pub condition: Condition,
}

/// How an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// It takes new flows.
    Ready,
    /// It is about to end and still answers.
    Leaving,
    /// It is there and takes nothing new.
    Unready,
    /// It is about to end and answers no more.
    Gone,
}

/// A pod that Gateways may select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayPod {
    /// Its labels.
    pub labels: Labels,
    /// Its addresses, at most one of each family.
    pub addresses: Vec<IpAddr>,
    /// How it is.
    pub condition: Condition,
}

/// A node, as kube-proxy runs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its addresses, at most one of each family.
    pub addresses: Vec<IpAddr>,
    /// Whether it is ready, and not about to go or kept out of load balancing.
    pub is_ready: bool,
}

impl Condition {
    /// From the conditions of an EndpointSlice; what is not said is as the API has it.
    fn of(conditions: Option<&Value>) -> Self {
        let said = |field: &str| conditions.and_then(|all| all.get(field)).and_then(Value::as_bool);
        let ready = said("ready").unwrap_or(true);
        let serving = said("serving").unwrap_or(ready);
        match (ready, said("terminating").unwrap_or(false), serving) {
            (true, _, _) => Self::Ready,
            (false, true, true) => Self::Leaving,
            (false, true, false) => Self::Gone,
            (false, false, _) => Self::Unready,
        }
    }
}

/// The endpoints of a Service's port, of all its slices.
pub(super) fn of_service(service: &Value, port_name: &str, slices: &[Value]) -> Vec<Endpoint> {
    let name = text(service, "/metadata/name");
    let namespace = text(service, "/metadata/namespace");
    let is_of = |slice: &&Value| {
        let of = slice.get("metadata").and_then(|metadata| metadata.get("labels"));
        let of = of.and_then(|labels| labels.get("kubernetes.io/service-name")).and_then(Value::as_str);
        of == name && text(slice, "/metadata/namespace") == namespace
    };
    let mut endpoints: BTreeMap<IpAddr, Endpoint> = BTreeMap::new();
    for slice in slices.iter().filter(is_of) {
        let ports = slice.get("ports").and_then(Value::as_array).into_iter().flatten();
        let is_it = |port: &&Value| port.get("name").and_then(Value::as_str).unwrap_or_default() == port_name;
        let number = ports.filter(is_it).find_map(|port| port.get("port")?.as_u64());
        let Some(port) = number.and_then(|number| u16::try_from(number).ok()) else { continue };
        for one in slice.get("endpoints").and_then(Value::as_array).into_iter().flatten() {
            let condition = Condition::of(one.get("conditions"));
            let node = text(one, "/nodeName").map(str::to_owned);
            let address =
                one.pointer("/addresses/0").and_then(Value::as_str).and_then(|text| text.parse().ok());
            let Some(address) = address else { continue };
            let new = Endpoint { address, port, node, condition };
            // a pod that moves between slices is in both for a while; the better word counts
            let known = endpoints.entry(address).or_insert_with(|| new.clone());
            if new.condition < known.condition {
                *known = new;
            }
        }
    }
    endpoints.into_values().collect()
}

/// The backends of one family; empty if there is nobody.
pub(super) fn backends(
    conditions: impl Iterator<Item = (IpAddr, Condition, u16)>,
    is_v4: bool,
) -> Vec<LbBackend> {
    let mut all: Vec<(IpAddr, Condition, u16)> = conditions
        .filter(|(address, condition, _)| address.is_ipv4() == is_v4 && *condition != Condition::Gone)
        .collect();
    all.sort_by_key(|(address, _, _)| *address);
    all.dedup_by_key(|(address, _, _)| *address);
    let nobody_is_ready = all.iter().all(|(_, condition, _)| *condition != Condition::Ready);
    let backend = |(address, condition, weight)| LbBackend {
        address,
        weight,
        state: match condition {
            Condition::Ready => BackendState::Active,
            Condition::Leaving if nobody_is_ready => BackendState::Active,
            Condition::Leaving | Condition::Unready | Condition::Gone => BackendState::Drain,
        },
    };
    all.into_iter().map(backend).collect()
}

/// Whether a host can be reached at an address across a network; whoever writes an EndpointSlice may write any.
///
/// Source: RFC 6890, RFC 4291; the LB file has the same ranges, which `overspill/tests/services.rs` holds side by side.
pub(super) fn is_host(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, ..] = address.octets();
            // this network, loopback, multicast and reserved
            !matches!(first, 0 | 127 | 224..)
        }
        IpAddr::V6(address) => {
            address.to_ipv4_mapped().is_none()
                && !address.is_unspecified()
                && !address.is_loopback()
                && !address.is_multicast()
                && !address.is_unicast_link_local()
        }
    }
}

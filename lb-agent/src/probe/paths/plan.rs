//! Which flows are asked: for each VIP, node and gateway some that the model sends there.
//!
//! A plain function of the configuration. Flows of one VIP are used once only, as far as
//! there are enough: two sockets cannot have one, and a node or gateway could still remember it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use lb_core::config::{BackendState, ServiceConfig};
use lb_core::flow::Addresses;
use lb_core::health::{Check, CheckKind};
use lb_core::scheduler::Scheduler;
use lb_core::table::{TableCache, TableError};
use lb_core::{FlowKey, HashKey, Protocol};

/// A service, and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The service as the model of its nodes has it ([`lb_core::ipvs::mirror`]).
    pub service: ServiceConfig,
    /// What is asked of its VIP.
    pub check: Check,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checker {
    /// Its addresses, from which flows may come.
    pub sources: Vec<IpAddr>,
    /// The ports from which they may come; best none that the kernel gives away by itself.
    pub ports: RangeInclusive<u16>,
    /// Where in the range to begin: another one each time meets no memory of the last time.
    pub first: u16,
    /// Flows for each path, at least 1; all but the first are used if the one before failed.
    pub tries: usize,
}

/// What a flow comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// The address.
    pub source: IpAddr,
    /// The port.
    pub port: u16,
}

/// One VIP through one node to one gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Which of the subjects.
    pub subject: usize,
    /// Which of the nodes.
    pub node: usize,
    /// The gateway.
    pub gateway: IpAddr,
    /// The VIP and its port.
    pub vip: SocketAddr,
    /// Flows that lead there, at least one.
    pub flows: Vec<Flow>,
}

/// A gateway of a service that is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Which of the subjects.
    pub subject: usize,
    /// The gateway; `None` for all of them.
    pub gateway: Option<IpAddr>,
    /// Why not.
    pub why: GapReason,
}

/// Why a gateway is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GapReason {
    /// The check speaks another protocol than the service.
    #[error("its health check speaks another protocol; write one that the VIP itself answers")]
    Check,
    /// No flow of the checker leads there.
    #[error("no flow from here leads to it; give the checker more source addresses (--source)")]
    NoFlow,
    /// The checker has no address of the family.
    #[error("the checker has no source address of the VIP's family; give it one (--source)")]
    NoSource,
}

/// What is asked, and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// By subject, gateway and node.
    pub paths: Vec<Path>,
    /// What cannot be asked.
    pub gaps: Vec<Gap>,
}

/// Looks for flows through each of so many nodes to each gateway.
///
/// Gateways that take no new flows by configuration are left out: nobody gets there.
///
/// # Errors
/// What a service's table cannot have.
pub fn plan(
    key: &HashKey,
    subjects: &[Subject],
    nodes: usize,
    checker: &Checker,
) -> Result<Plan, TableError> {
    let (mut plan, mut tables) = (Plan::default(), TableCache::default());
    for (index, subject) in subjects.iter().enumerate() {
        let service = &subject.service;
        if !speaks(&subject.check.kind, service.address.protocol) {
            plan.gaps.push(Gap { subject: index, gateway: None, why: GapReason::Check });
            continue;
        }
        if !checker.sources.iter().any(|source| source.is_ipv4() == service.address.address.is_ipv4()) {
            plan.gaps.push(Gap { subject: index, gateway: None, why: GapReason::NoSource });
            continue;
        }
        let scheduler = Scheduler::new(service, *key, &mut tables, None)?;
        let vip = SocketAddr::new(service.address.address, service.address.port);
        for (gateway, flows) in search(service, &scheduler, nodes * checker.tries.max(1), checker) {
            if flows.is_empty() {
                plan.gaps.push(Gap { subject: index, gateway: Some(gateway), why: GapReason::NoFlow });
                continue;
            }
            plan.paths.extend((0..nodes).map(|node| {
                // With too few, nodes share them; each node has a memory of its own.
                let own: Vec<_> = flows.iter().copied().skip(node).step_by(nodes).collect();
                let flows = if own.is_empty() { vec![flows[node % flows.len()]] } else { own };
                Path { subject: index, node, gateway, vip, flows }
            }));
        }
    }
    Ok(plan)
}

/// Up to `wanted` flows for each gateway.
fn search(
    service: &ServiceConfig,
    scheduler: &Scheduler,
    wanted: usize,
    checker: &Checker,
) -> BTreeMap<IpAddr, Vec<Flow>> {
    let takes = service
        .backends
        .iter()
        .filter(|backend| backend.state == BackendState::Active && backend.weight.0 > 0);
    let mut found: BTreeMap<IpAddr, Vec<Flow>> =
        takes.map(|backend| (backend.endpoint.address, Vec::new())).collect();
    let mut missing: BTreeSet<IpAddr> = found.keys().copied().collect();
    let (low, high) = (checker.ports.clone(), checker.ports.clone());
    let ports = low.filter(|port| *port >= checker.first).chain(high.filter(|port| *port < checker.first));
    for port in ports {
        for source in &checker.sources {
            let Some(addresses) = addresses(*source, service.address.address) else { continue };
            let flow = FlowKey::new(service.address.protocol, addresses, port, service.address.port);
            let Some(backend) = scheduler.schedule(&flow) else { continue };
            let gateway = service.backends[backend].endpoint.address;
            let Some(flows) = found.get_mut(&gateway).filter(|flows| flows.len() < wanted) else { continue };
            flows.push(Flow { source: *source, port });
            if flows.len() == wanted {
                missing.remove(&gateway);
            }
        }
        if missing.is_empty() {
            break;
        }
    }
    found
}

fn addresses(source: IpAddr, destination: IpAddr) -> Option<Addresses> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => Some(Addresses::V4 { source, destination }),
        (IpAddr::V6(source), IpAddr::V6(destination)) => Some(Addresses::V6 { source, destination }),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => None,
    }
}

fn speaks(check: &CheckKind, protocol: Protocol) -> bool {
    match check {
        CheckKind::Dns(_) | CheckKind::Radius(_) | CheckKind::Udp(_) => protocol == Protocol::UDP,
        CheckKind::Http(_) | CheckKind::Https(..) | CheckKind::Tcp(_) | CheckKind::TcpTls(..) => {
            protocol == Protocol::TCP
        }
        CheckKind::Icmp => false,
    }
}

#[cfg(test)]
mod tests;

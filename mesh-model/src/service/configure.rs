//! What load balancers of a target are to do.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::Value;

use super::endpoints::{backends, is_host, of_service};
use super::{
    Backends, Claims, Condition, Frontend, HashField, HealthCheck, LbBackend, LbHealth, LbService, Observed,
    Origin, Problem, ServiceProblem, Settings, Transport, name_of, text,
};
use crate::vip::{ClaimKey, Held, Protocol};

/// Services of load balancers by whose addresses they are on.
pub type LbServices = BTreeMap<ClaimKey, Vec<LbService>>;

/// What load balancers are to do, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LbPlan {
    /// The services, in each owner's by address and port.
    pub services: LbServices,
    /// What is wrong, by object.
    pub problems: Vec<ServiceProblem>,
}

impl LbPlan {
    /// The plan as the `services` of an LB file.
    #[must_use]
    pub fn file(&self) -> Value {
        let services: Vec<&LbService> = self.services.values().flatten().collect();
        serde_json::json!({ "version": 1, "services": services })
    }
}

/// What load balancers of a target are to do for those that hold addresses.
///
/// `current` is what they do; `is_leaving` says of an owner that is wanted no
/// longer that its address is not withdrawn yet ([`Withdrawals`](super::Withdrawals)):
/// it stays as it is until then. So does what an owner has on its addresses while
/// backends of it could not be read, and everybody while the claims are not complete.
#[must_use]
pub fn configure(
    claims: &Claims,
    held: &[Held],
    observed: &Observed<'_>,
    settings: &Settings,
    current: &LbServices,
    is_leaving: impl Fn(&ClaimKey) -> bool,
) -> LbPlan {
    let mut plan = LbPlan::default();
    for (key, services) in current.iter().filter(|(key, _)| !claims.frontends.contains_key(*key)) {
        if !claims.is_complete || is_leaving(key) {
            plan.services.insert(key.clone(), services.clone());
        }
    }
    let addresses: BTreeMap<&ClaimKey, &Vec<IpAddr>> =
        held.iter().map(|held| (&held.owner, &held.addresses)).collect();
    let mut aside =
        Aside { vips: held.iter().flat_map(|held| &held.addresses).copied().collect(), problems: Vec::new() };
    for (key, frontends) in &claims.frontends {
        let Some(addresses) = addresses.get(key) else { continue };
        let before = current.get(key).map(Vec::as_slice).unwrap_or_default();
        let mut services: Vec<LbService> = Vec::new();
        let mut is_unread = false;
        for (address, frontend) in
            addresses.iter().flat_map(|address| frontends.iter().map(move |frontend| (*address, frontend)))
        {
            let (object, built) = service(address, frontend, observed, settings, &mut aside);
            let left_out =
                aside.problems.drain(..).map(|problem| ServiceProblem { object: object.clone(), problem });
            plan.problems.extend(left_out);
            match built {
                Ok(service) => services.push(service),
                Err(problem) => {
                    is_unread |= problem == Problem::Unread;
                    plan.problems.push(ServiceProblem { object, problem });
                }
            }
        }
        if is_unread {
            // other ports too: what is to take their place may be what could not be read
            let at = |one: &LbService| (one.vip, one.port, one.protocol);
            let is_new = |one: &&LbService| services.iter().all(|other| at(other) != at(one));
            let stay = before.iter().filter(|one| addresses.contains(&one.vip)).filter(is_new).cloned();
            services.extend(stay.collect::<Vec<_>>());
        }
        services.sort_by_key(|service| (service.vip, service.port, service.protocol));
        plan.services.insert(key.clone(), services);
    }
    plan.problems.sort();
    plan.problems.dedup();
    plan
}

/// What is left out of services, for a file with one backend that no node takes is taken by none.
struct Aside {
    /// All addresses of ours: what is sent to one of them as to a backend comes back.
    vips: BTreeSet<IpAddr>,
    /// Of the service that is being made.
    problems: Vec<Problem>,
}

/// One port on one address, with the object that says so.
fn service(
    vip: IpAddr,
    frontend: &Frontend,
    observed: &Observed<'_>,
    settings: &Settings,
    aside: &mut Aside,
) -> (String, Result<LbService, Problem>) {
    let new = |backends: Vec<LbBackend>, hash_fields, health| LbService {
        vip,
        port: frontend.port.number,
        protocol: transport(frontend.port.protocol),
        hash_fields,
        forward: settings.forward,
        mtu: settings.mtu,
        health,
        backends,
    };
    match &frontend.origin {
        Origin::Gateway { gateway, selector } => {
            let built = observed.pods.ok_or(Problem::Unread).and_then(|pods| {
                let is_selected = |labels: &crate::labels::Labels| {
                    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
                };
                let selected = pods.iter().filter(|pod| is_selected(&pod.labels));
                let all: Vec<(IpAddr, Condition, u16)> = selected
                    .flat_map(|pod| pod.addresses.iter().map(|address| (*address, pod.condition, 1)))
                    .collect();
                Ok(new(aside.of_family(vip, all)?, None, None))
            });
            (gateway.clone(), built)
        }
        Origin::Service { service, port_name, target_port } => {
            let built = match settings.backends {
                Backends::Nodes => on_nodes(vip, service, port_name, observed, aside)
                    .map(|(backends, health)| new(backends, affinity(service), health)),
                Backends::Pods => on_pods(vip, frontend, service, (port_name, *target_port), observed, aside)
                    .map(|backends| new(backends, affinity(service), None)),
            };
            (name_of(service), built)
        }
    }
}

/// The pods of a Service.
fn on_pods(
    vip: IpAddr,
    frontend: &Frontend,
    service: &Value,
    (port_name, target_port): (&str, Option<u16>),
    observed: &Observed<'_>,
    aside: &mut Aside,
) -> Result<Vec<LbBackend>, Problem> {
    let port = frontend.port.number;
    let rewritten = |target| Problem::PortRewritten { port, target };
    if let Some(target) = target_port.filter(|target| *target != port) {
        return Err(rewritten(target));
    }
    let endpoints = of_service(service, port_name, observed.slices.ok_or(Problem::Unread)?);
    // a port by name is another number in other pods, as in those of another revision while it is rolled out
    let (right, others): (Vec<_>, Vec<_>) = endpoints.into_iter().partition(|endpoint| endpoint.port == port);
    match others.first() {
        Some(other) if right.is_empty() => return Err(rewritten(other.port)),
        Some(other) => aside.problems.push(rewritten(other.port)),
        None => {}
    }
    aside.of_family(vip, right.into_iter().map(|one| (one.address, one.condition, 1)).collect())
}

/// The nodes that forward to a Service: all, or with `Local` those that have endpoints, by their number.
fn on_nodes(
    vip: IpAddr,
    service: &Value,
    port_name: &str,
    observed: &Observed<'_>,
    aside: &mut Aside,
) -> Result<(Vec<LbBackend>, Option<LbHealth>), Problem> {
    let nodes = observed.nodes.ok_or(Problem::Unread)?;
    let condition = |node: &super::Node| if node.is_ready { Condition::Ready } else { Condition::Unready };
    if text(service, "/spec/externalTrafficPolicy") != Some("Local") {
        let all = nodes
            .iter()
            .flat_map(|node| node.addresses.iter().map(move |address| (*address, condition(node), 1)));
        return Ok((aside.of_family(vip, all.collect())?, None));
    }
    let port = service.pointer("/spec/healthCheckNodePort").and_then(Value::as_u64);
    let port = port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0);
    let port = port.ok_or(Problem::NoHealthCheckNodePort)?;
    let endpoints = of_service(service, port_name, observed.slices.ok_or(Problem::Unread)?);
    let mut on: BTreeMap<&str, (Condition, u16)> = BTreeMap::new();
    for endpoint in &endpoints {
        let Some(node) = endpoint.node.as_deref() else { continue };
        let (best, count) = on.entry(node).or_insert((endpoint.condition, 0));
        if endpoint.condition < *best {
            (*best, *count) = (endpoint.condition, 0);
        }
        *count = count.saturating_add(u16::from(endpoint.condition == *best));
    }
    let one = |node: &super::Node| {
        let (best, count) = *on.get(node.name.as_str())?;
        Some((best.max(condition(node)), count, node.addresses.clone()))
    };
    let all = nodes.iter().filter_map(one).flat_map(|(condition, count, addresses)| {
        addresses.into_iter().map(move |address| (address, condition, count))
    });
    let health = LbHealth { check: HealthCheck::Http { port, path: "/healthz".to_owned() } };
    Ok((aside.of_family(vip, all.collect())?, Some(health)))
}

impl Aside {
    /// The backends that speak the address's family; nobody at all is no fault, nobody of the family is.
    fn of_family(
        &mut self,
        vip: IpAddr,
        all: Vec<(IpAddr, Condition, u16)>,
    ) -> Result<Vec<LbBackend>, Problem> {
        let (all, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(address, _, _)| is_host(*address) && !self.vips.contains(address));
        self.problems.extend(others.into_iter().map(|(address, _, _)| Problem::NoHost { address }));
        let found = backends(all.iter().copied(), vip.is_ipv4());
        let others = all.iter().any(|(address, _, _)| address.is_ipv4() != vip.is_ipv4());
        if found.is_empty() && others { Err(Problem::NoEndpointOfFamily { address: vip }) } else { Ok(found) }
    }
}

/// With `ClientIP` all flows of a client go to one backend of a port; for as long as that is there, not for a time.
fn affinity(service: &Value) -> Option<Vec<HashField>> {
    let is_wanted = text(service, "/spec/sessionAffinity") == Some("ClientIP");
    is_wanted.then(|| vec![HashField::Proto, HashField::Src, HashField::Dst, HashField::Dport])
}

const fn transport(protocol: Protocol) -> Transport {
    match protocol {
        Protocol::Sctp => Transport::Sctp,
        Protocol::Tcp => Transport::Tcp,
        Protocol::Udp => Transport::Udp,
    }
}

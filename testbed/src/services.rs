//! What nodes are to serve, as scenarios change it.
//!
//! A document of the LB file's form, in JSON, which is YAML: the services of agents' files.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use lb_core::Protocol;
use lb_core::health::{BackendPolicy, HealthFile};
use serde_json::{Value, json};

use crate::ipvs::{self, Line};
use crate::topology::{BULK_VIPS, COUNT, VIP, VIP6, backend, backend6};
use crate::traffic::{BULK_PORT, PORT};

/// How agents probe backends, and how many results in a row are a verdict.
pub(crate) const PROBE_INTERVAL: Duration = Duration::from_millis(500);
pub(crate) const PROBE_TIMEOUT: Duration = Duration::from_millis(1_500);
pub(crate) const FALL: u32 = 3;
pub(crate) const RISE: u32 = 2;

/// How often the weight of a backend grows that comes into service.
pub(crate) const SLOW_START_STEPS: u32 = 5;

/// The part of a node's file that says how it probes.
pub(crate) fn health_document(slow_start: Option<Duration>) -> Value {
    let milliseconds = |duration: Duration| format!("{}ms", duration.as_millis());
    let mut health = json!({
        "check": { "kind": "tcp" },
        "interval": milliseconds(PROBE_INTERVAL),
        "timeout": milliseconds(PROBE_TIMEOUT),
        "fall": FALL,
        "rise": RISE,
    });
    if let Some(duration) = slow_start {
        health["slowStart"] = json!({ "duration": milliseconds(duration), "steps": SLOW_START_STEPS });
    }
    health
}

/// What an agent makes of it.
pub(crate) fn health(slow_start: Option<Duration>) -> anyhow::Result<BackendPolicy> {
    let file: HealthFile = serde_json::from_value(health_document(slow_start))?;
    file.backend_policy().context("the settings of health")
}

/// A backend of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) address: IpAddr,
    pub(crate) weight: u16,
    /// `active`, `drain` or `down`.
    pub(crate) state: &'static str,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) vip: IpAddr,
    pub(crate) port: u16,
    pub(crate) protocol: Protocol,
    /// Whether the source port is hashed.
    pub(crate) has_port: bool,
    pub(crate) has_fallback: bool,
    pub(crate) members: Vec<Member>,
}

/// Everything that a node serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Services {
    pub(crate) list: Vec<Service>,
    /// For how long the weight of a backend grows that comes into service.
    pub(crate) slow_start: Option<Duration>,
}

/// The backends' addresses of one family, in the order of their numbers.
pub(crate) fn backends(is_v4: bool) -> [IpAddr; COUNT] {
    std::array::from_fn(|index| if is_v4 { backend(index) } else { backend6(index) })
}

impl Service {
    /// All three backends, alike, reached in the VIP's family.
    pub(crate) fn plain(vip: IpAddr, port: u16, protocol: Protocol) -> Self {
        Self::over(vip, port, protocol, vip.is_ipv4())
    }

    /// The same, reached by tunnels of one family.
    pub(crate) fn over(vip: IpAddr, port: u16, protocol: Protocol, is_v4: bool) -> Self {
        let member = |address| Member { address, weight: 1, state: "active" };
        let members = backends(is_v4).map(member).into();
        Self { vip, port, protocol, has_port: true, has_fallback: true, members }
    }

    /// Whether this is it, as a kernel lists it.
    fn is_served(&self, own: &[Line]) -> bool {
        let weight = |member: &Member| ipvs::weight_of(own, member.address);
        let members = self.members.iter().all(|member| match member.state {
            "active" => weight(member) > 0,
            "drain" => ipvs::has(own, member.address) && weight(member) == 0,
            _ => weight(member) == 0,
        });
        let is_known = |address| self.members.iter().any(|member| member.address == address);
        let mut others = ipvs::destinations(own).filter(|address| !is_known(*address));
        !own.is_empty() && members && others.all(|address| ipvs::weight_of(own, address) == 0)
    }

    fn document(&self) -> Value {
        let members = self.members.iter().map(|Member { address, weight, state }| {
            json!({ "address": address, "weight": weight, "state": state })
        });
        json!({
            "vip": self.vip,
            "port": self.port,
            "protocol": self.protocol.to_string(),
            "scheduler": { "kind": "ipvs-mh", "port": self.has_port, "fallback": self.has_fallback },
            "backends": members.collect::<Vec<_>>(),
        })
    }
}

impl Services {
    /// What runs between scenarios: flows on one VIP of each family, large transfers on another.
    pub(crate) fn usual() -> Self {
        let of = |vips: [IpAddr; 2], port, protocol| vips.map(|vip| Service::plain(vip, port, protocol));
        let mut list = Vec::new();
        list.extend(of([VIP, VIP6], PORT, Protocol::TCP));
        list.extend(of([VIP, VIP6], PORT, Protocol::UDP));
        list.extend(of(BULK_VIPS, BULK_PORT, Protocol::TCP));
        Self { list, slow_start: None }
    }

    /// The document without what only an agent reads.
    pub(crate) fn document(&self, node: (IpAddr, IpAddr)) -> Value {
        let services: Vec<_> = self.list.iter().map(Service::document).collect();
        json!({ "version": 1, "node": { "address": node.0, "address6": node.1 }, "services": services })
    }

    /// The VIPs, each once.
    pub(crate) fn vips(&self) -> Vec<IpAddr> {
        let mut vips: Vec<_> = self.list.iter().map(|service| service.vip).collect();
        vips.sort();
        vips.dedup();
        vips
    }

    /// The first of these that a kernel does not serve as it is to be, with what the kernel has of it:
    /// each service with its live backends above weight zero, and nobody else. What was taken out may
    /// stand there at zero until its last connection has ended.
    pub(crate) fn not_served(&self, lines: &[Line]) -> Option<String> {
        self.list.iter().find_map(|service| {
            let address = SocketAddr::new(service.vip, service.port);
            let own = ipvs::of_service(lines, &service.protocol.to_string(), address);
            (!service.is_served(&own)).then(|| format!("{address}/{} is {own:?}", service.protocol))
        })
    }

    /// Gives a backend, from 0, another weight or state in all services.
    pub(crate) fn set(&mut self, index: usize, weight: u16, state: &'static str) {
        let addresses = [backend(index), backend6(index)];
        for service in &mut self.list {
            for member in service.members.iter_mut().filter(|member| addresses.contains(&member.address)) {
                member.weight = weight;
                member.state = state;
            }
        }
    }

    /// Takes a backend, from 0, out of all services.
    pub(crate) fn remove(&mut self, index: usize) {
        let addresses = [backend(index), backend6(index)];
        for service in &mut self.list {
            service.members.retain(|member| !addresses.contains(&member.address));
        }
    }
}

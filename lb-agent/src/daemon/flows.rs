//! What went through each backend: the kernel's counts, added up so that they never go back.
//!
//! A backend is several destinations, and the kernel forgets the counts of one
//! that is deleted, if only to be added anew in its right place. A sum that
//! loses a part looks to Prometheus like one that began anew, and the rest of
//! it like traffic. So what is told is what was added between two listings,
//! from the agent's start on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use lb_core::Endpoint;
use lb_core::config::ServiceAddress;
use lb_core::ipvs::ServiceKey;
use lb_core::node::NodeConfig;

use crate::kernel;
use crate::status::{Counted, Flows};

/// By the backend's address: all destinations of one are one backend.
type Backend = (ServiceAddress, IpAddr);

/// The counts as of the last listing, and what was added until then.
#[derive(Debug, Default)]
pub(super) struct FlowCounts {
    configured: BTreeSet<Backend>,
    last: Option<kernel::Flows>,
    counted: BTreeMap<Backend, Counted>,
    now: BTreeMap<Backend, Flows>,
}

impl FlowCounts {
    pub(super) fn new(config: &NodeConfig) -> Self {
        let mut counts = Self::default();
        counts.configure(config);
        counts
    }

    /// Takes a listing.
    pub(super) fn update(&mut self, listed: kernel::Flows) {
        self.now.clear();
        for ((key, endpoint), flow) in &listed {
            let ServiceKey::Address(service) = key else { continue };
            let backend = (*service, endpoint.address);
            // others' services, and backends that have left, come and go for as long as an agent runs
            if !self.configured.contains(&backend) {
                continue;
            }
            *self.now.entry(backend).or_default() += flows(flow);
            let added = self.added(*key, *endpoint, flow);
            *self.counted.entry(backend).or_default() += added;
        }
        self.last = Some(listed);
    }

    /// What was added to one destination since the last listing; nothing at the first.
    fn added(&self, key: ServiceKey, endpoint: Endpoint, flow: &kernel::Flow) -> Counted {
        let (Some(last), now) = (&self.last, counts(flow)) else { return Counted::default() };
        match last.get(&(key, endpoint)).map(counts) {
            // one that is there anew begins at 0
            Some(before) => now.since(before).unwrap_or(now),
            None => now,
        }
    }

    /// Counts for the backends of this configuration from now on, and forgets the others.
    pub(super) fn configure(&mut self, config: &NodeConfig) {
        let services = config.lb.services.iter();
        let backends = services.flat_map(|service| {
            service.backends.iter().map(|backend| (service.address, backend.endpoint.address))
        });
        self.configured = backends.collect();
        self.counted.retain(|backend, _| self.configured.contains(backend));
    }

    /// What the kernel shows of a backend.
    pub(super) fn now(&self, service: ServiceAddress, backend: IpAddr) -> Flows {
        self.now.get(&(service, backend)).copied().unwrap_or_default()
    }

    /// What went through a backend since the agent's start.
    pub(super) fn counted(&self, service: ServiceAddress, backend: IpAddr) -> Counted {
        self.counted.get(&(service, backend)).copied().unwrap_or_default()
    }
}

fn counts(flow: &kernel::Flow) -> Counted {
    let statistics = &flow.statistics;
    Counted {
        connections: statistics.connections,
        packets: statistics.packets_in,
        bytes: statistics.bytes_in,
    }
}

fn flows(flow: &kernel::Flow) -> Flows {
    Flows {
        connections: flow.statistics.connections,
        packets: flow.statistics.packets_in,
        bytes: flow.statistics.bytes_in,
        active: flow.active.into(),
        inactive: flow.inactive.into(),
        connections_per_s: flow.statistics.connections_per_s,
        bytes_per_s: flow.statistics.bytes_in_per_s,
    }
}

#[cfg(test)]
mod tests {
    //! Tests of the counts: what was there at the start is not ours, and what the kernel forgets is kept.

    use lb_core::config::LbFile;

    use super::*;

    #[test]
    fn a_count_never_goes_back() {
        let service: ServiceAddress = "203.0.113.10:443/tcp".parse().unwrap();
        let backend = IpAddr::from([10, 1, 0, 5]);
        let listed = |connections: &[(u16, u64)]| {
            let flow = |connections| {
                let mut flow = kernel::Flow::default();
                flow.statistics.connections = connections;
                flow
            };
            let key = |port| (ServiceKey::Address(service), Endpoint::new(backend, port));
            connections.iter().map(|(port, count)| (key(*port), flow(*count))).collect::<kernel::Flows>()
        };
        let config = |backend: &str| {
            let file: LbFile = serde_saphyr::from_str(&format!(
                "{{ ownedPrefixes: [203.0.113.0/24], services: [{{ vip: 203.0.113.10, port: 443, protocol: tcp,
                scheduler: {{ kind: ipvs-mh }}, backends: [{{ address: {backend} }}] }}] }}"
            ))
            .unwrap();
            NodeConfig::try_from(file).unwrap()
        };
        let mut counts = FlowCounts::new(&config("10.1.0.5"));
        for (connections, shown, counted) in [
            (&[(1, 1_000), (2, 500)][..], 1_500, 0),
            (&[(1, 1_010), (2, 501)], 1_511, 11),
            // one was deleted and added anew
            (&[(1, 3), (2, 502)], 505, 15),
            // one is gone, and another came
            (&[(2, 502), (3, 7)], 509, 22),
            (&[], 0, 22),
        ] {
            counts.update(listed(connections));
            assert_eq!(counts.now(service, backend).connections, shown);
            assert_eq!(counts.counted(service, backend).connections, counted, "{connections:?}");
        }
        counts.configure(&config("10.1.0.5"));
        assert_eq!(counts.counted(service, backend).connections, 22);
        counts.configure(&config("10.1.0.6"));
        counts.update(listed(&[(2, 600)]));
        assert!(counts.counted.is_empty() && counts.now.is_empty());
    }
}

//! Checks made ready once for each service, and what their last results were.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use lb_core::config::{NodeAddresses, ServiceAddress, ServiceConfig};
use lb_core::health::{Outcome, ProbeFailure, ProbeId};
use lb_core::node::{NodeConfig, ProbeKey, ProbeOrder};

use crate::probe::{PreparedCheck, Preparer, Report, Target};

/// The checks of all services.
#[derive(Debug, Default)]
pub(super) struct Probes {
    ready: BTreeMap<ServiceAddress, Arc<PreparedCheck>>,
    under_way: BTreeMap<ProbeKey, ProbeId>,
    last: BTreeMap<ProbeKey, Last>,
}

/// What a backend's last check found.
#[derive(Clone, Debug)]
pub(super) struct Last {
    /// How long it took.
    pub(super) took: Duration,
    /// Why it failed.
    pub(super) failure: Option<String>,
}

impl Probes {
    /// Makes the checks of a configuration ready; all or none.
    ///
    /// # Errors
    ///
    /// The field, and why that check cannot be made here.
    pub(super) fn prepare(&mut self, config: &NodeConfig) -> Result<(), (String, String)> {
        // files that checks name are read anew
        let mut preparer = Preparer::new();
        let mut ready = BTreeMap::new();
        for (position, (service, health)) in config.lb.services.iter().zip(&config.health).enumerate() {
            let prepared = preparer
                .prepare(&health.check)
                .map_err(|error| (format!("services[{position}].health.check"), error.to_string()))?;
            ready.insert(service.address, prepared);
        }
        self.ready = ready;
        // backends come and go for as long as an agent runs
        let stays: BTreeSet<ProbeKey> = config.lb.services.iter().flat_map(keys).collect();
        self.last.retain(|key, _| stays.contains(key));
        Ok(())
    }

    /// How to carry out an order, on a node with these addresses of its own.
    pub(super) fn start(
        &mut self,
        order: &ProbeOrder,
        own: NodeAddresses,
    ) -> Option<(Arc<PreparedCheck>, Target)> {
        let prepared = self.ready.get(&order.key.service)?;
        self.under_way.insert(order.key, order.probe.id);
        let ProbeKey { service, backend } = order.key;
        let source = match service.address {
            IpAddr::V4(_) => own.v4.map(IpAddr::V4),
            IpAddr::V6(_) => own.v6.map(IpAddr::V6),
        };
        let target = match order.mark.zip(source) {
            Some((mark, source)) => {
                Target::marked(SocketAddr::new(service.address, service.port), mark, source)
            }
            None => Target::plain(SocketAddr::new(backend.address, backend.port)),
        };
        Some((Arc::clone(prepared), target))
    }

    /// A check is given up; `true` if it was the one under way.
    pub(super) fn cancel(&mut self, key: &ProbeKey, id: ProbeId) -> bool {
        let found = self.under_way.get(key) == Some(&id);
        if found {
            self.under_way.remove(key);
        }
        found
    }

    /// A check is over; its name, if it is wanted.
    pub(super) fn end(&mut self, key: ProbeKey, report: &Report) -> Option<ProbeId> {
        let failure = report.result.as_ref().err().map(ToString::to_string);
        self.last.insert(key, Last { took: report.timings.total, failure });
        self.under_way.remove(&key)
    }

    /// What a backend's last check found.
    pub(super) fn last(&self, key: &ProbeKey) -> Option<&Last> {
        self.last.get(key)
    }
}

/// The backends of a service.
fn keys(service: &ServiceConfig) -> impl Iterator<Item = ProbeKey> {
    let service_address = service.address;
    service
        .backends
        .iter()
        .map(move |backend| ProbeKey { service: service_address, backend: backend.endpoint })
}

/// A result as a label.
pub(super) const fn label(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Undecided => "undecided",
        Outcome::Failure(ProbeFailure::Mismatch) => "mismatch",
        Outcome::Failure(ProbeFailure::Refused) => "refused",
        Outcome::Failure(ProbeFailure::Timeout) => "timeout",
        Outcome::Failure(ProbeFailure::Tls) => "tls",
        Outcome::Failure(ProbeFailure::Unreachable) => "unreachable",
    }
}

#[cfg(test)]
mod tests {
    //! Tests of what is kept of checks: of backends that there are, and of no others.

    use lb_core::Endpoint;
    use lb_core::config::LbFile;

    use super::*;
    use crate::probe::{Executor, Settings};

    fn config(last: u8) -> NodeConfig {
        let file: LbFile = serde_saphyr::from_str(&format!(
            "{{ ownedPrefixes: [203.0.113.0/24], services: [{{ vip: 203.0.113.10, port: 443, protocol: tcp,
            scheduler: {{ kind: ipvs-mh }}, backends: [{{ address: 10.1.0.{last} }}] }}] }}"
        ))
        .unwrap();
        NodeConfig::try_from(file).unwrap()
    }

    #[tokio::test]
    async fn backends_that_come_and_go_leave_nothing() {
        let mut executor = Executor::new(tokio::runtime::Handle::current(), &Settings::default());
        let check = Preparer::new().prepare(&config(1).health[0].check).unwrap();
        executor.start((), &check, Target::plain(([127, 0, 0, 1], 9).into()), Duration::from_secs(1));
        let report = executor.finished().await.report;
        let mut probes = Probes::default();
        for last in 1..100 {
            probes.prepare(&config(last)).unwrap();
            let service = "203.0.113.10:443/tcp".parse().unwrap();
            let key = ProbeKey { service, backend: Endpoint::new([10, 1, 0, last].into(), 443) };
            probes.end(key, &report);
            assert_eq!(probes.last.keys().collect::<Vec<_>>(), [&key]);
        }
    }
}

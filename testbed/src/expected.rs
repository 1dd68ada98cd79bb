//! Where flows must go: `lb_core`'s own scheduler on the file that an agent printed.
//!
//! The same code as `overspill pick`, which the host asks once more.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use anyhow::Context as _;
use files::Source;
use lb_core::config::{BackendState, Config, LbFile, ServiceAddress};
use lb_core::health::Offer;
use lb_core::ipvs::{Grain, desired, mirror_service};
use lb_core::scheduler::Scheduler;
use lb_core::table::TableCache;
use lb_core::{FlowKey, Protocol, Weight};
use serde_json::json;

use crate::ipvs::Line;
use crate::topology::{COUNT, backend, backend6};

/// The schedulers of a file's services.
#[derive(Debug)]
pub(crate) struct Expected(BTreeMap<ServiceAddress, (Scheduler, Vec<IpAddr>)>);

impl Expected {
    /// Reads a file of services.
    pub(crate) fn read(text: &str) -> anyhow::Result<Self> {
        Self::of(&config(text)?)
    }

    fn of(config: &Config) -> anyhow::Result<Self> {
        let mut tables = TableCache::default();
        let mut services = BTreeMap::new();
        for service in &config.services {
            let scheduler = Scheduler::new(service, config.hash_key, &mut tables, None);
            let scheduler = scheduler.with_context(|| service.address.to_string())?;
            let addresses = service.backends.iter().map(|backend| backend.endpoint.address).collect();
            services.insert(service.address, (scheduler, addresses));
        }
        Ok(Self(services))
    }

    /// What an agent wants that starts backends slowly, while one of them, from 0, has this weight.
    pub(crate) fn growing(text: &str, growing: usize, weight: Weight) -> anyhow::Result<Self> {
        let mut config = config(text)?;
        for service in &mut config.services {
            let offers = service.backends.iter().map(|one| {
                let is_it = [backend(growing), backend6(growing)].contains(&one.endpoint.address);
                let weight = if is_it { weight } else { one.weight };
                let traffic = if weight == Weight(0) { BackendState::Down } else { BackendState::Active };
                Offer { traffic, weight }
            });
            let offers: Vec<Offer> = offers.collect();
            let (_, wanted) = desired(service, &offers, Grain::Fine)?;
            *service = mirror_service(service, &wanted);
        }
        Self::of(&config)
    }

    /// What a kernel's own list says of one service of [`Services::usual`](crate::services::Services::usual)'s
    /// kind: its destinations in the order of adding,
    /// which is the reverse of the list's.
    pub(crate) fn of_kernel(lines: &[Line]) -> anyhow::Result<Self> {
        let mut services = Vec::new();
        let mut backends = Vec::new();
        for line in lines.iter().rev() {
            match line {
                // with the fallback whoever is at 0 was put there, and holds its slots
                Line::Destination { address, weight: 0, .. } => backends
                    .push(json!({ "address": address.ip(), "port": address.port(), "state": "drain" })),
                Line::Destination { address, weight, .. } => backends
                    .push(json!({ "address": address.ip(), "port": address.port(), "weight": weight })),
                Line::Service { protocol, address, .. } => services.push(json!({
                    "vip": address.ip(),
                    "port": address.port(),
                    "protocol": protocol.to_lowercase(),
                    "scheduler": { "kind": "ipvs-mh", "port": true, "fallback": true },
                    "backends": std::mem::take(&mut backends),
                })),
            }
        }
        Self::read(&json!({ "services": services }).to_string())
    }

    /// The backend, from 0, of a new flow.
    pub(crate) fn backend(&self, protocol: Protocol, source: SocketAddr, vip: SocketAddr) -> Option<usize> {
        let flow = match (source, vip) {
            (SocketAddr::V4(source), SocketAddr::V4(vip)) => {
                FlowKey::v4(protocol, (*source.ip(), source.port()), (*vip.ip(), vip.port()))
            }
            (SocketAddr::V6(source), SocketAddr::V6(vip)) => {
                FlowKey::v6(protocol, (*source.ip(), source.port()), (*vip.ip(), vip.port()))
            }
            (SocketAddr::V4(_), SocketAddr::V6(_)) | (SocketAddr::V6(_), SocketAddr::V4(_)) => return None,
        };
        let (scheduler, addresses) = self.0.get(&ServiceAddress::new(vip.ip(), vip.port(), protocol))?;
        let address = addresses[scheduler.schedule(&flow)?];
        (0..COUNT).find(|index| [backend(*index), backend6(*index)].contains(&address))
    }
}

fn config(text: &str) -> anyhow::Result<Config> {
    let file: LbFile = Source::new("printed", text).parse().map_err(|fault| anyhow::anyhow!("{fault:?}"))?;
    Ok(Config::try_from(file)?)
}

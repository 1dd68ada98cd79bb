//! What is to be in the kernel: many services with many backends each, and small changes of it.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Context as _;
use lb_core::Weight;
use lb_core::config::{BackendState, Config, LbFile, ServiceConfig};
use lb_core::health::Offer;
use lb_core::ipvs::{Desired, DesiredService, Grain, Ownership, ServiceKey, desired};
use serde_json::{Value, json};

pub(super) const SERVICES: usize = 1_000;
pub(super) const BACKENDS: usize = 100;
/// The service that is changed.
const CHANGED: usize = SERVICES / 2;
/// Its backend that is drained.
const DRAINED: usize = BACKENDS / 2;
pub(super) const PORT: u16 = 443;
/// What all VIPs are in.
pub(super) const VIPS: &str = "198.18.0.0/16";
/// What all backends are in.
pub(super) const ADDRESSES: &str = "10.64.0.0/10";

/// The content, and services as changes leave them, each on top of the one before.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) all: Desired,
    pub(super) with_backend: (ServiceKey, DesiredService),
    pub(super) with_drained: (ServiceKey, DesiredService),
    pub(super) with_service: (ServiceKey, DesiredService),
    /// With all of these changes.
    pub(super) changed: Desired,
}

impl Content {
    pub(super) fn new() -> anyhow::Result<Self> {
        let mut services = services(SERVICES + 1, BACKENDS + 1)?;
        let spare = services.pop().context("one more than SERVICES")?;
        let whole = services.iter().map(|service| one(service, BACKENDS, None, Grain::Whole));
        let all = Desired { services: whole.collect::<anyhow::Result<_>>()? };
        let with_backend = one(&services[CHANGED], BACKENDS + 1, None, Grain::Whole)?;
        let with_drained = one(&services[CHANGED], BACKENDS + 1, Some(DRAINED), Grain::Whole)?;
        let with_service = one(&spare, BACKENDS, None, Grain::Whole)?;
        let mut changed = all.clone();
        changed.services.extend([with_drained.clone(), with_service.clone()]);
        Ok(Self { all, with_backend, with_drained, with_service, changed })
    }

    /// The words for `ipvsadm` that add the backend.
    pub(super) fn words_add(&self) -> String {
        let (service, backend) = (vip(CHANGED), address(CHANGED, BACKENDS));
        format!("-a -t {service}:{PORT} -r {backend}:{PORT} -i -w 1")
    }

    /// The words for `ipvsadm` that drain the backend.
    pub(super) fn words_drain(&self) -> String {
        let (service, backend) = (vip(CHANGED), address(CHANGED, DRAINED));
        format!("-e -t {service}:{PORT} -r {backend}:{PORT} -i -w 0")
    }

    /// The lines for `ipvsadm -R` that add the service.
    pub(super) fn lines_service(&self) -> String {
        let service = format!("{}:{PORT}", vip(SERVICES));
        let mut lines = format!("-A -t {service} -s mh -b mh-fallback,mh-port\n");
        for backend in 0..BACKENDS {
            lines += &format!("-a -t {service} -r {}:{PORT} -i -w 1\n", address(SERVICES, backend));
        }
        lines
    }
}

/// What is ours to write: everything that [`vip`] gives.
pub(super) fn ownership() -> anyhow::Result<Ownership> {
    Ok(Ownership { prefixes: vec![VIPS.parse()?], marks: None })
}

/// So many services with so many backends of equal weight.
pub(super) fn services(services: usize, backends: usize) -> anyhow::Result<Vec<ServiceConfig>> {
    let file: LbFile = serde_json::from_value(document(services, backends))?;
    Ok(Config::try_from(file)?.services)
}

/// The same as a file.
pub(super) fn document(services: usize, backends: usize) -> Value {
    let service = |service: usize| {
        let backends: Vec<_> =
            (0..backends).map(|backend| json!({ "address": address(service, backend) })).collect();
        json!({
            "vip": vip(service),
            "port": PORT,
            "protocol": "tcp",
            "scheduler": { "kind": "ipvs-mh", "port": true, "fallback": true },
            "backends": backends,
        })
    };
    json!({ "services": (0..services).map(service).collect::<Vec<_>>() })
}

/// A service as it is to be in the kernel, with its first `backends`; all serve but `drained`.
pub(super) fn one(
    service: &ServiceConfig,
    backends: usize,
    drained: Option<usize>,
    grain: Grain,
) -> anyhow::Result<(ServiceKey, DesiredService)> {
    let mut service = service.clone();
    service.backends.truncate(backends);
    let offer = |place| {
        let traffic = if Some(place) == drained { BackendState::Drain } else { BackendState::Active };
        Offer { traffic, weight: Weight(1) }
    };
    let offers: Vec<_> = (0..service.backends.len()).map(offer).collect();
    Ok(desired(&service, &offers, grain)?)
}

fn vip(service: usize) -> IpAddr {
    let [high, low] = (service as u16 + 1).to_be_bytes();
    Ipv4Addr::new(198, 18, high, low).into()
}

/// Each service has backends of its own, one address after the other.
fn address(service: usize, backend: usize) -> IpAddr {
    let [high, low] = (service as u16).to_be_bytes();
    Ipv4Addr::new(10, 64 + high, low, backend as u8 + 1).into()
}

//! After every input: what the machines want is passed on, VIPs are judged, the kernel is brought up to date.
//!
//! The order matters. A VIP that no longer stands is withdrawn before the
//! kernel loses what carried it, and one that came up is announced after the
//! kernel has it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use super::Node;
use super::action::{Action, ProbeKey, ProbeOrder};
use super::event::Event;
use super::kernel::Snapshot;
use super::service::{Presence, Service, Wanted};
use super::status::Life;
use crate::config::{BackendConfig, ServiceAddress};
use crate::flow::Protocol;
use crate::health::{Outcome, ProbeId, ServiceState, Via};
use crate::identity::Endpoint;
use crate::ipvs::{MARKS, Marks, ObservedDestination, ServiceKey};
use crate::time::Time;

/// For how long a stopping node tries to clean a kernel that refuses.
const CLEANING: Duration = Duration::from_secs(10);

impl Node {
    /// Brings everything into line; the last step of every `handle_*`.
    pub(super) fn settle(&mut self, now: Time) {
        if self.life == Life::Stopped {
            return;
        }
        if self.kernel.is_known() {
            self.judge_vips(now);
            self.live(now);
            self.want(now);
            self.program(now);
            self.judge_vips(now);
        } else {
            self.live(now);
        }
        if self.kernel.wants_read() {
            self.actions.push_back(Action::Read);
        }
    }

    /// Puts the configuration to work; the kernel is known.
    pub(super) fn configure(&mut self, now: Time) {
        let configs = self.config.lb.services.iter().zip(&self.config.health);
        let mut kept = BTreeSet::new();
        for (config, health) in configs {
            kept.insert(config.address);
            let found = self.services.entry(config.address);
            let service = found.or_insert_with(|| Service::new(config.clone(), health.clone()));
            let presences = presences(self.kernel.believed(), config.address);
            let presence =
                |endpoint: Endpoint| presences.get(&endpoint.address).copied().unwrap_or(Presence::Absent);
            let given_up = service.configure(now, config, health, &presence, self.seed);
            self.actions.extend(given_up.into_iter().map(|check| cancel(config.address, check)));
        }
        let gone: Vec<_> = self.services.keys().filter(|service| !kept.contains(service)).copied().collect();
        for address in gone {
            self.retire(now, address);
        }
        self.configure_air(now);
        self.mark_ways();
        let all: Vec<_> = self.services.keys().copied().collect();
        for address in all {
            self.reapply_drains(now, address);
            self.touch(now, address, None);
        }
        self.timers.retain(|(_, service, backend)| {
            self.services.get(service).is_some_and(|found| found.has(*backend))
        });
        let (generation, services) = (self.config.lb.generation, self.services.len());
        self.events.push_back(Event::Configured { generation, services });
    }

    /// Forgets a service that is no longer configured; what the kernel holds of it is seen to by `want`.
    fn retire(&mut self, now: Time, address: ServiceAddress) {
        if let Some(mut service) = self.services.remove(&address) {
            self.actions.extend(service.leave_all(now).into_iter().map(|check| cancel(address, check)));
        }
        self.pending.services.insert(address);
    }

    fn reapply_drains(&mut self, now: Time, address: ServiceAddress) {
        let Some(service) = self.services.get(&address) else { return };
        let drained: Vec<_> = service
            .endpoints()
            .into_iter()
            .map(|backend| (backend, self.is_out(&ProbeKey { service: address, backend })))
            .collect();
        if let Some(service) = self.services.get_mut(&address) {
            for (backend, out) in drained {
                service.handle_drain(now, backend, out);
            }
        }
    }

    /// Whether a hand took that backend of that service out.
    pub(super) fn is_out(&self, key: &ProbeKey) -> bool {
        let address = key.backend.address;
        self.drains.contains(&(address, None)) || self.drains.contains(&(address, Some(key.service)))
    }

    /// The backends with an address, of one service or of all; before the
    /// kernel was read, those of the configuration.
    pub(super) fn members_at(&self, address: IpAddr, service: Option<ServiceAddress>) -> Vec<ProbeKey> {
        if !self.kernel.is_known() {
            let services = self.config.lb.services.iter();
            let services = services.filter(|found| service.is_none_or(|wanted| wanted == found.address));
            let keys = services.flat_map(|found| {
                let key =
                    |backend: &BackendConfig| ProbeKey { service: found.address, backend: backend.endpoint };
                found.backends.iter().map(key)
            });
            return keys.filter(|key| key.backend.address == address).collect();
        }
        let services =
            self.services.iter().filter(|(found, _)| service.is_none_or(|wanted| wanted == **found));
        let members = services.flat_map(|(service, found)| {
            found.members().map(|(backend, _)| ProbeKey { service: *service, backend })
        });
        members.filter(|key| key.backend.address == address).collect()
    }

    /// Passes on what a service's machines want and tell, and keeps its timers.
    pub(super) fn touch(&mut self, now: Time, address: ServiceAddress, backend: Option<Endpoint>) {
        let Some(service) = self.services.get_mut(&address) else { return };
        let (mut wants, events) = (Vec::new(), &mut self.events);
        let changed =
            service.drain_machines(backend, |action| wants.push(action), |event| events.push_back(event));
        for action in wants {
            match action {
                Action::StartProbe(order) if order.check.via == Via::Tunnel => self.ask_through(now, order),
                other => self.actions.push_back(other),
            }
        }
        self.retime(address, backend);
        if changed || backend.is_none() {
            self.pending.services.insert(address);
            self.pending.vips.insert(address.address);
        }
    }

    /// A check through the tunnel: by its mark, if the kernel has the way already; else nothing is learned by it.
    fn ask_through(&mut self, now: Time, order: ProbeOrder) {
        let ProbeKey { service, backend } = order.key;
        let Some(found) = self.services.get_mut(&service) else { return };
        let way = found.way(backend);
        let key = |mark| ServiceKey::Mark { family: way.family, mark };
        let mark = self.marks.mark(&way);
        let programmed = mark.filter(|mark| self.kernel.believed().ipvs.services.contains_key(&key(*mark)));
        match programmed {
            Some(mark) => {
                self.actions.push_back(Action::StartProbe(ProbeOrder { mark: Some(mark), ..order }))
            }
            None => found.handle_result(now, backend, order.probe.id, Outcome::Undecided),
        }
    }

    /// Keeps the timers of a backend, or of all of a service.
    fn retime(&mut self, address: ServiceAddress, backend: Option<Endpoint>) {
        let Some(service) = self.services.get_mut(&address) else { return };
        let backends = backend.map_or_else(|| service.endpoints(), |backend| [backend].into());
        for backend in backends {
            if let Some((before, next)) = service.retime(backend)
                && before != next
            {
                before.inspect(|due| {
                    self.timers.remove(&(*due, address, backend));
                });
                self.timers.extend(next.map(|due| (due, address, backend)));
            }
        }
    }

    /// Gives each way of the checks through tunnels its mark.
    fn mark_ways(&mut self) {
        self.marks.adopt(&self.kernel.believed().ipvs);
        let ways: Vec<_> = self.services.values().flat_map(Service::ways).collect();
        // what is left without one cannot be checked in that way, and nothing is concluded from that
        let _ = self.marks.assign(ways);
        self.pending.compare_all = true;
    }

    /// Goes on towards the end, if it was told to.
    fn live(&mut self, now: Time) {
        match self.life {
            Life::Stopping { cleanup }
                if self.vips.values().all(|vip| vip.is_quiet(now, self.drain_delay())) =>
            {
                // a kernel that was never read holds nothing of which we know that it is ours
                if cleanup && self.kernel.is_known() {
                    self.life = Life::Cleaning { give_up: now + CLEANING };
                    self.desired.clear();
                    self.vips.clear();
                    self.marks = Marks::new(MARKS);
                    self.pending.compare_all = true;
                    self.pending.at_rest = false;
                } else {
                    self.stop();
                }
            }
            Life::Cleaning { give_up } if give_up <= now => self.stop(),
            Life::Cleaning { .. } | Life::Running | Life::Stopped | Life::Stopping { .. } => {}
        }
    }

    pub(super) fn stop(&mut self) {
        self.life = Life::Stopped;
        self.actions.push_back(Action::Stop);
    }

    /// Says what the kernel is to hold, but for what has to wait.
    fn want(&mut self, now: Time) {
        if matches!(self.life, Life::Cleaning { .. } | Life::Stopped) {
            return;
        }
        let delay = self.drain_delay();
        let vips = &self.vips;
        let quiet =
            |address: &IpAddr| vips.get(address).is_none_or(|vip| vip.announced || vip.is_quiet(now, delay));
        let released: Vec<IpAddr> = self.pending.held.iter().filter(|vip| quiet(vip)).copied().collect();
        for vip in released {
            self.pending.held.remove(&vip);
            self.pending.services.extend(of_vip(&self.desired, vip).copied());
        }
        for address in core::mem::take(&mut self.pending.services) {
            self.want_service(now, address);
        }
        self.forget_vips();
    }

    /// Forgets VIPs that nobody has any more and the kernel need not carry.
    fn forget_vips(&mut self) {
        if core::mem::take(&mut self.pending.orphans) {
            let (desired, before) = (&self.desired, self.vips.len());
            self.vips.retain(|address, vip| {
                !vip.services.is_empty() || vip.announced || of_vip(desired, *address).next().is_some()
            });
            if self.vips.len() < before {
                self.pending.surroundings = true;
                self.pending.at_rest = false;
            }
            self.pending.orphans = self.vips.values().any(|vip| vip.services.is_empty());
        }
    }

    fn want_service(&mut self, now: Time, address: ServiceAddress) {
        let delay = self.drain_delay();
        let vip = self.vips.get(&address.address);
        let loud = vip.is_some_and(|vip| !vip.is_quiet(now, delay));
        let announced = vip.is_some_and(|vip| vip.announced);
        let last = vip.is_none_or(|vip| vip.services.is_empty());
        match self.services.get(&address).map(|service| (service.wanted(), service.state())) {
            // a service that leaves a VIP which others keep goes at once: that is an operator's word
            None if loud && last && self.desired.contains_key(&address) => {
                self.pending.held.insert(address.address);
            }
            None => {
                if self.desired.remove(&address).is_some() {
                    self.pending.unplanned.insert(address);
                    self.pending.at_rest = false;
                }
            }
            Some((wanted, state)) => {
                let before = self.desired.get(&address);
                let loses_all = !wanted.takes_flows() && before.is_some_and(Wanted::takes_flows);
                // where the VIP stands all the same, only evidence takes the last one out
                let waits = loud && (!announced || state != ServiceState::Down);
                if loses_all && waits {
                    self.pending.held.insert(address.address);
                } else if before != Some(&wanted) {
                    self.desired.insert(address, wanted);
                    self.pending.unplanned.insert(address);
                    // what was said of it held for what was wanted before
                    self.pending.vips.insert(address.address);
                    self.pending.at_rest = false;
                }
            }
        }
    }
}

fn cancel(service: ServiceAddress, (backend, id): (Endpoint, ProbeId)) -> Action {
    Action::CancelProbe { key: ProbeKey { service, backend }, id }
}

/// The services of one VIP, in a map of all.
pub(super) fn of_vip<T>(
    all: &BTreeMap<ServiceAddress, T>,
    vip: IpAddr,
) -> impl Iterator<Item = &ServiceAddress> {
    let [first, last] = [(0, Protocol(0)), (u16::MAX, Protocol(u8::MAX))]
        .map(|(port, protocol)| ServiceAddress::new(vip, port, protocol));
    all.range(first..=last).map(|(service, _)| service)
}

/// What the kernel holds of each backend of a service, by address; none is absent there.
pub(super) fn presences(kernel: &Snapshot, service: ServiceAddress) -> BTreeMap<IpAddr, Presence> {
    let mut weights: BTreeMap<IpAddr, u64> = BTreeMap::new();
    let found = kernel.ipvs.services.get(&ServiceKey::Address(service));
    for ObservedDestination { destination, .. } in found.into_iter().flat_map(|found| &found.destinations) {
        *weights.entry(destination.endpoint.address).or_default() += u64::from(destination.weight);
    }
    let presence = |weight| if weight == 0 { Presence::Idle } else { Presence::Serving(weight) };
    weights.into_iter().map(|(address, weight)| (address, presence(weight))).collect()
}

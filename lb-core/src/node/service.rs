//! One service of the node: its backends' health, what hands took out, and what the kernel should hold of it.
//!
//! Three sources say whether a backend takes traffic, and the strictest wins:
//! the file (`drain`, `down`), a hand (`lb-agent drain`), and evidence (checks,
//! and a path that was seen to be dead). Evidence goes through
//! [`BackendHealth`] and [`ServiceHealth`]; what they offer becomes the
//! service's [`ServiceConfig`] as it is now, which is all that the kernel's
//! plan needs to know.

mod ramps;

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use super::action::{Action, ProbeKey, ProbeOrder};
use super::event::Event;
use ramps::Ramps;

use crate::config::{BackendConfig, BackendState, SchedulerKind, ServiceAddress, ServiceConfig};
use crate::health::{
    BackendEvent, BackendHealth, Check, HealthConfig, HealthState, Offer, Outcome, ProbeId, Report,
    ServiceEvent, ServiceHealth, ServiceState, Transmit, Via,
};
use crate::identity::{BackendId, Endpoint, Weight};
use crate::ipvs::{Family, ForwardMethod, Grain, Way};
use crate::time::Time;

/// One service and its backends.
#[derive(Clone, Debug)]
pub(super) struct Service {
    /// As the file has it.
    config: ServiceConfig,
    health_config: HealthConfig,
    check: Arc<Check>,
    health: ServiceHealth,
    members: BTreeMap<Endpoint, Member>,
    next_id: u32,
}

/// A service as the kernel is to hold it: as the file has it, and what each of its backends is given now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// As the file has it.
    pub config: ServiceConfig,
    /// By the backend's place in it.
    pub offers: Vec<Offer>,
    /// How finely weights are divided.
    pub grain: Grain,
}

impl Wanted {
    /// Whether any backend takes new flows.
    #[must_use]
    pub fn takes_flows(&self) -> bool {
        self.offers.iter().any(|offer| offer.traffic == BackendState::Active && offer.weight.0 > 0)
    }
}

/// One backend of one service.
#[derive(Clone, Debug)]
pub(super) struct Member {
    id: BackendId,
    config: BackendConfig,
    health: BackendHealth,
    /// Taken out by a hand, beside what the file says.
    drained: bool,
    /// The path to it was seen to be dead; believed until then.
    dead_path_until: Option<Time>,
    /// Whether the kernel has it, or is to have it before anything is known of it.
    placed: bool,
    /// The deadline that the node's timers hold for it.
    timer: Option<Time>,
}

/// What a service's first configuration is told of the kernel: which backends it sends flows to.
pub(super) type Evidence<'a> = &'a dyn Fn(Endpoint) -> Presence;

/// A backend in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Presence {
    /// It is not there.
    Absent,
    /// It is there and gets no new flows.
    Idle,
    /// It gets new flows, with so much weight in all.
    Serving(u64),
}

impl Service {
    pub(super) fn new(config: ServiceConfig, health: HealthConfig) -> Self {
        Self {
            config,
            check: Arc::new(health.check.clone()),
            health: ServiceHealth::new(health.service),
            health_config: health,
            members: BTreeMap::new(),
            next_id: 0,
        }
    }

    /// Takes the service's part of a new configuration; members that stay keep
    /// their health. Gives back the checks to give up, of those that leave.
    pub(super) fn configure(
        &mut self,
        now: Time,
        config: &ServiceConfig,
        health: &HealthConfig,
        evidence: Evidence<'_>,
        seed: u64,
    ) -> Vec<(Endpoint, ProbeId)> {
        if self.health_config != *health {
            self.check = Arc::new(health.check.clone());
            self.health.handle_policy(health.service);
            for member in self.members.values_mut() {
                member.health.handle_policy(now, health.backend);
            }
            self.health_config = health.clone();
        }
        self.config = config.clone();
        let wanted: BTreeMap<Endpoint, BackendConfig> =
            config.backends.iter().map(|backend| (backend.endpoint, *backend)).collect();
        let gone: Vec<_> =
            self.members.keys().filter(|member| !wanted.contains_key(member)).copied().collect();
        let mut given_up = Vec::new();
        for endpoint in gone {
            given_up.extend(self.leave(now, endpoint));
        }
        // In a service that the kernel does not have yet, backends take their
        // places before they are known (weight 0, so none gets a flow): those
        // added later would have to be brought in order. `sh` would refuse what
        // falls on them.
        let is_new = wanted.keys().all(|endpoint| evidence(*endpoint) == Presence::Absent);
        let takes_places = is_new && matches!(config.scheduler, SchedulerKind::IpvsMh { .. });
        let mut ramps = health.backend.slow_start().map(|slow_start| Ramps::new(config, slow_start));
        for (endpoint, backend) in wanted {
            match self.members.get_mut(&endpoint) {
                Some(member) => member.configure(now, backend),
                None => self.join(now, backend, evidence(endpoint), takes_places, ramps.as_mut(), seed),
            }
        }
        self.reconsider(now);
        given_up
    }

    /// Forgets a backend; gives back its check, if one is under way.
    fn leave(&mut self, now: Time, endpoint: Endpoint) -> Option<(Endpoint, ProbeId)> {
        let mut member = self.members.remove(&endpoint)?;
        self.health.handle_removal(member.id);
        member.health.handle_disable(now);
        match member.health.poll_transmit() {
            Some(Transmit::Cancel(id)) => Some((endpoint, id)),
            Some(Transmit::Start(_)) | None => None,
        }
    }

    /// Forgets all backends; gives back the checks that are under way.
    pub(super) fn leave_all(&mut self, now: Time) -> Vec<(Endpoint, ProbeId)> {
        self.endpoints().into_iter().filter_map(|endpoint| self.leave(now, endpoint)).collect()
    }

    fn join(
        &mut self,
        now: Time,
        backend: BackendConfig,
        presence: Presence,
        takes_place: bool,
        ramps: Option<&mut Ramps<'_>>,
        seed: u64,
    ) {
        let id = BackendId(self.next_id);
        self.next_id += 1;
        let seed = mixed(seed, self.config.address, backend.endpoint);
        let policy = self.health_config.backend;
        let health = match presence {
            Presence::Serving(weight) => match ramps {
                Some(ramps) => {
                    let step = ramps.step(backend.endpoint.address, weight);
                    BackendHealth::adopt_at(now, policy, backend.weight, seed, step)
                }
                None => BackendHealth::adopt(now, policy, backend.weight, seed),
            },
            Presence::Absent | Presence::Idle => BackendHealth::new(now, policy, backend.weight, seed),
        };
        let mut member = Member {
            id,
            config: backend,
            health,
            drained: false,
            dead_path_until: None,
            placed: takes_place || presence != Presence::Absent,
            timer: None,
        };
        member.obey(now);
        self.members.insert(backend.endpoint, member);
    }

    /// Takes a check's result.
    pub(super) fn handle_result(&mut self, now: Time, endpoint: Endpoint, id: ProbeId, outcome: Outcome) {
        if let Some(member) = self.members.get_mut(&endpoint) {
            member.health.handle_result(now, id, outcome);
            self.report(now, endpoint);
        }
    }

    /// Takes a backend out by hand, or puts it back; `false` if it is not of this service.
    pub(super) fn handle_drain(&mut self, now: Time, endpoint: Endpoint, drained: bool) -> bool {
        let Some(member) = self.members.get_mut(&endpoint) else { return false };
        member.drained = drained;
        member.obey(now);
        self.report(now, endpoint);
        true
    }

    /// Takes what a path checker saw of the way to a backend.
    pub(super) fn handle_path(&mut self, now: Time, endpoint: Endpoint, dead_for: Option<Duration>) -> bool {
        let Some(member) = self.members.get_mut(&endpoint) else { return false };
        member.dead_path_until = dead_for.map(|dead_for| now + dead_for);
        self.report(now, endpoint);
        true
    }

    /// Does what is due of one backend.
    pub(super) fn handle_timeout(&mut self, now: Time, endpoint: Endpoint) {
        if let Some(member) = self.members.get_mut(&endpoint) {
            member.timer = None;
            if member.dead_path_until.is_some_and(|until| until <= now) {
                member.dead_path_until = None;
            }
            member.health.handle_timeout(now);
            self.report(now, endpoint);
        }
    }

    /// Reports one backend to the service's machine.
    fn report(&mut self, now: Time, endpoint: Endpoint) {
        if let Some(member) = self.members.get(&endpoint) {
            self.health.handle_report(member.id, member.report(now));
        }
    }

    fn reconsider(&mut self, now: Time) {
        for member in self.members.values() {
            self.health.handle_report(member.id, member.report(now));
        }
    }

    /// Passes on what its machines want and tell; `true` if what the kernel should hold may have changed.
    pub(super) fn drain_machines(
        &mut self,
        endpoint: Option<Endpoint>,
        mut act: impl FnMut(Action),
        mut tell: impl FnMut(Event),
    ) -> bool {
        let service = self.config.address;
        let check = &self.check;
        let mut pass = |endpoint: Endpoint, member: &mut Member| {
            let key = ProbeKey { service, backend: endpoint };
            while let Some(transmit) = member.health.poll_transmit() {
                act(match transmit {
                    Transmit::Cancel(id) => Action::CancelProbe { key, id },
                    Transmit::Start(probe) => {
                        Action::StartProbe(ProbeOrder { key, probe, check: Arc::clone(check), mark: None })
                    }
                });
            }
            while let Some(event) = member.health.poll_event() {
                if let BackendEvent::StateChanged { from, to, cause } = event {
                    tell(Event::BackendChanged { service, backend: endpoint, from, to, cause });
                }
            }
        };
        match endpoint {
            Some(endpoint) => {
                if let Some(member) = self.members.get_mut(&endpoint) {
                    pass(endpoint, member);
                }
            }
            None => self.members.iter_mut().for_each(|(endpoint, member)| pass(*endpoint, member)),
        }
        let mut changed = false;
        while let Some(event) = self.health.poll_event() {
            changed = true;
            if let ServiceEvent::StateChanged { from, to } = event {
                tell(Event::ServiceChanged { service, from, to });
            }
        }
        changed
    }

    /// Notes the deadline that the node's timers hold for a backend: what it was, and what it is to be.
    pub(super) fn retime(&mut self, endpoint: Endpoint) -> Option<(Option<Time>, Option<Time>)> {
        let member = self.members.get_mut(&endpoint)?;
        let next = [member.health.poll_timeout(), member.dead_path_until].into_iter().flatten().min();
        let before = core::mem::replace(&mut member.timer, next);
        Some((before, next))
    }

    /// The service as the kernel should hold it now: what each backend is given.
    pub(super) fn wanted(&self) -> Wanted {
        // members are in the order of endpoints, as are a node's backends
        let offers = self.members.values().map(|member| self.offer(member)).collect();
        let grain = Grain::of(&self.config, &self.health_config.backend);
        Wanted { config: self.config.clone(), offers, grain }
    }

    fn offer(&self, member: &Member) -> Offer {
        let full = Offer { traffic: BackendState::Drain, weight: member.config.weight };
        let Offer { traffic, weight } = self.health.offer(member.id).unwrap_or(full);
        let traffic = match (member.config.state, traffic) {
            (BackendState::Down, _) | (_, BackendState::Down) => BackendState::Down,
            // by file or hand it has its place in the table, as on nodes that had it before
            (BackendState::Drain, _) => BackendState::Drain,
            (BackendState::Active, BackendState::Drain) if member.drained || member.placed => {
                BackendState::Drain
            }
            // nothing is known of it, and it has no flows to keep
            (BackendState::Active, BackendState::Drain) => BackendState::Down,
            (BackendState::Active, BackendState::Active) => BackendState::Active,
        };
        Offer { traffic, weight }
    }

    /// The way that packets of this service take to a backend.
    pub(super) fn way(&self, backend: Endpoint) -> Way {
        Way {
            family: Family::of(self.config.address.address),
            backend: backend.address,
            forward: ForwardMethod::tunnel(self.config.forward, &backend),
        }
    }

    /// The ways that its checks take, if they go through the tunnel.
    pub(super) fn ways(&self) -> impl Iterator<Item = Way> {
        let through = self.check.via == Via::Tunnel;
        self.members.keys().filter(move |_| through).map(|backend| self.way(*backend))
    }

    /// Notes which backends the kernel now has.
    pub(super) fn placed(&mut self, presences: &BTreeMap<IpAddr, Presence>) {
        for (endpoint, member) in &mut self.members {
            member.placed = presences.contains_key(&endpoint.address);
        }
    }

    pub(super) const fn state(&self) -> ServiceState {
        self.health.state()
    }

    pub(super) const fn weights(&self) -> (u64, u64) {
        self.health.weights()
    }

    pub(super) fn has(&self, endpoint: Endpoint) -> bool {
        self.members.contains_key(&endpoint)
    }

    pub(super) fn endpoints(&self) -> Vec<Endpoint> {
        self.members.keys().copied().collect()
    }

    pub(super) fn members(&self) -> impl Iterator<Item = (Endpoint, &Member)> {
        self.members.iter().map(|(endpoint, member)| (*endpoint, member))
    }
}

impl Member {
    fn configure(&mut self, now: Time, config: BackendConfig) {
        self.config = config;
        self.health.handle_weight(now, config.weight);
        self.obey(now);
    }

    /// Has the health machine follow the file and the hand.
    fn obey(&mut self, now: Time) {
        let out = self.drained || self.config.state != BackendState::Active;
        match (out, self.health.state() == HealthState::Disabled) {
            (true, false) => self.health.handle_disable(now),
            (false, true) => self.health.handle_enable(now),
            (true, true) | (false, false) => {}
        }
    }

    /// Its report, worse than its checks say if the path to it is dead.
    fn report(&self, now: Time) -> Report {
        let report = self.health.report();
        let dead = self.dead_path_until.is_some_and(|until| now < until);
        let state = match report.state {
            HealthState::Disabled => HealthState::Disabled,
            HealthState::Down
            | HealthState::Recovering { .. }
            | HealthState::Suspect { .. }
            | HealthState::Unknown
            | HealthState::Up
                if dead =>
            {
                HealthState::Down
            }
            state => state,
        };
        Report { state, ..report }
    }

    pub(super) const fn health(&self) -> &BackendHealth {
        &self.health
    }

    pub(super) const fn config(&self) -> &BackendConfig {
        &self.config
    }

    pub(super) const fn drained(&self) -> bool {
        self.drained
    }

    pub(super) fn path_is_dead(&self, now: Time) -> bool {
        self.dead_path_until.is_some_and(|until| now < until)
    }

    pub(super) const fn weight(&self) -> Weight {
        self.health.weight()
    }
}

/// A seed for one backend's jitter: equal on no two backends, and on no two nodes of unlike seeds.
fn mixed(seed: u64, service: ServiceAddress, endpoint: Endpoint) -> u64 {
    let fold = |address: IpAddr| match address {
        IpAddr::V4(v4) => u64::from(u32::from(v4)),
        IpAddr::V6(v6) => {
            let bits = u128::from(v6);
            (bits >> 64) as u64 ^ bits as u64
        }
    };
    let words = [
        fold(service.address),
        u64::from(service.port) << 8 | u64::from(service.protocol.0),
        fold(endpoint.address),
        u64::from(endpoint.port),
    ];
    words
        .into_iter()
        .fold(seed, |hash, word| (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29))
}

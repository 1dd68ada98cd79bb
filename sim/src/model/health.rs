//! Checks in the model: `lb-core`'s health machines decide, this carries probes and answers.
//!
//! Every L4 node has a machine for each gateway and one for the service; what
//! the service machine offers goes into the node's director. The name service
//! has one of each for every zone, and its probes go the clients' way: by the
//! zone's router, a node and a gateway.

use lb_core::health::{
    BackendEvent, BackendHealth, Outcome, ProbeFailure, ProbeId, ServiceEvent, ServiceHealth, Transmit,
};
use lb_core::{BackendId, Time, Weight};

use super::Model;
use super::client::{Trouble, flow};
use super::front::Condition as NodeCondition;
use super::happening::Happening;
use super::links::Place;
use super::packets::Kind;
use super::shifts::Cut;
use super::zone::NodeHealth;
use crate::engine::{Class, EventId};
use crate::record::{Observer, Record};
use crate::station::Condition;

/// The name service's machines for one zone.
#[derive(Debug)]
pub(super) struct ZoneCheck {
    pub(super) backend: BackendHealth,
    pub(super) service: ServiceHealth,
    pub(super) timer: Option<(Time, EventId)>,
}

impl<O: Observer> Model<'_, O> {
    /// Machines for a node's gateways, found in service at the start of a run, unknown after a restart.
    pub(super) fn new_node_health(
        &self,
        now: Time,
        zone: u16,
        node: u16,
        life: u16,
        adopt: bool,
    ) -> NodeHealth {
        let place = &self.zones[usize::from(zone)];
        let kind = &self.scenario.node_kinds[self.scenario.zones[usize::from(zone)].node_kind];
        let seed = self.seed.fork("health").fork_index(u64::from(zone) << 32 | u64::from(node) << 16);
        let machine = |gateway: usize| {
            let seed = seed.fork_index(u64::from(life) << 32 | gateway as u64).0;
            let policy = kind.backend_health;
            let machine = if adopt {
                BackendHealth::adopt(now, policy, Weight(1), seed)
            } else {
                BackendHealth::new(now, policy, Weight(1), seed)
            };
            (machine, None)
        };
        NodeHealth {
            life,
            gateways: (0..place.gateways.len()).map(machine).collect(),
            service: ServiceHealth::new(kind.service_health),
        }
    }

    /// A node's check of a gateway is due.
    pub(super) fn handle_health_check(&mut self, now: Time, zone: u16, node: u16, gateway: u16) {
        let health = &mut self.zones[usize::from(zone)].health[usize::from(node)];
        let Some((machine, timer)) = health.gateways.get_mut(usize::from(gateway)) else { return };
        *timer = None;
        machine.handle_timeout(now);
        self.settle_health(now, zone, node, gateway);
    }

    /// A gateway answers a node's check.
    pub(super) fn handle_health_probed(
        &mut self,
        now: Time,
        (zone, node, gateway): (u16, u16, u16),
        life: u16,
        probe: ProbeId,
    ) {
        let place = &mut self.zones[usize::from(zone)];
        let health = &mut place.health[usize::from(node)];
        let Some((machine, _)) = health.gateways.get_mut(usize::from(gateway)) else { return };
        if health.life == life {
            machine.handle_result(now, probe, Outcome::Success);
            self.settle_health(now, zone, node, gateway);
        }
    }

    /// Carries out what a machine wants and passes on what it says.
    pub(super) fn settle_health(&mut self, now: Time, zone: u16, node: u16, gateway: u16) {
        let place = &mut self.zones[usize::from(zone)];
        let works = matches!(
            place.front.nodes[usize::from(node)].condition,
            NodeCondition::Running | NodeCondition::BlackHole
        );
        if !works {
            return;
        }
        let health = &mut place.health[usize::from(node)];
        let life = health.life;
        let (machine, _) = &mut health.gateways[usize::from(gateway)];
        let mut start = None;
        while let Some(transmit) = machine.poll_transmit() {
            match transmit {
                Transmit::Start(probe) => start = Some(probe),
                // An answer that comes anyway is ignored by the machine.
                Transmit::Cancel(_) => {}
            }
        }
        let mut changed = false;
        while let Some(event) = machine.poll_event() {
            changed = true;
            if let BackendEvent::StateChanged { to, cause, .. } = event {
                let record = Record::gateway_health(now, &place.name, node, gateway, to, cause);
                self.observer.event(&record);
            }
        }
        if changed {
            let report = machine.report();
            health.service.handle_report(BackendId(u32::from(gateway)), report);
            self.settle_service(now, zone, node);
        }
        if let Some(probe) = start
            && let Some(delay) = self.probe_answer(zone, gateway)
        {
            let happening = Happening::HealthProbed { zone, node, gateway, life, probe: probe.id };
            self.engine.schedule(now + delay, Class::Probe, happening);
        }
        self.set_health_timer(zone, node, gateway);
    }

    /// When a gateway answers a check, if it does.
    fn probe_answer(&mut self, zone: u16, gateway: u16) -> Option<core::time::Duration> {
        let place = Place::Zone(zone);
        if self.links.loses(place, place) || self.links.loses(place, place) {
            return None;
        }
        let slot = &self.zones[usize::from(zone)].gateways[usize::from(gateway)];
        match slot.station.condition() {
            Condition::Running => {}
            Condition::Paused | Condition::Down => return None,
        }
        let work = self.scenario.stations[slot.kind].service_time.mean().to_duration();
        let work = work.saturating_mul(slot.percent) / 100;
        Some(self.links.delay(place, place).saturating_mul(2) + work)
    }

    /// Puts what a node's service machine says into its director, and tells the router.
    pub(super) fn settle_service(&mut self, now: Time, zone: u16, node: u16) {
        let place = &mut self.zones[usize::from(zone)];
        let health = &mut place.health[usize::from(node)];
        let mut routes = false;
        while let Some(event) = health.service.poll_event() {
            match event {
                ServiceEvent::StateChanged { to, .. } => {
                    place.front.nodes[usize::from(node)].stands = to.stands();
                    routes = true;
                    let record = Record::node_service(now, &place.name, node, to);
                    self.observer.event(&record);
                }
                ServiceEvent::OfferChanged { backend, offer } => {
                    let gateway = backend.0 as u16;
                    place.front.set_backend(node, gateway, offer.traffic, offer.weight, &mut self.tables);
                }
            }
        }
        if routes {
            let detection = self.scenario.zones[usize::from(zone)].detection;
            self.engine.schedule(now + detection, Class::Control, Happening::Routes(zone));
        }
    }

    fn set_health_timer(&mut self, zone: u16, node: u16, gateway: u16) {
        let health = &mut self.zones[usize::from(zone)].health[usize::from(node)];
        let (machine, timer) = &mut health.gateways[usize::from(gateway)];
        let due = machine.poll_timeout();
        if timer.map(|timer| timer.0) == due {
            return;
        }
        if let Some((_, event)) = timer.take() {
            self.engine.cancel(event);
        }
        let check = Happening::HealthCheck { zone, node, gateway };
        *timer = due.map(|due| (due, self.engine.schedule(due, Class::Probe, check)));
    }

    /// The name service's check of a zone is due.
    pub(super) fn handle_dns_check(&mut self, now: Time, zone: u16) {
        let check = &mut self.zone_checks[usize::from(zone)];
        check.timer = None;
        check.backend.handle_timeout(now);
        self.settle_zone_check(now, zone);
    }

    /// A zone answers the name service's check.
    pub(super) fn handle_dns_probed(&mut self, now: Time, zone: u16, probe: ProbeId, good: bool) {
        let outcome = if good { Outcome::Success } else { Outcome::Failure(ProbeFailure::Refused) };
        self.zone_checks[usize::from(zone)].backend.handle_result(now, probe, outcome);
        self.settle_zone_check(now, zone);
    }

    /// Carries out what a zone's machines want and passes on what they say.
    pub(super) fn settle_zone_check(&mut self, now: Time, zone: u16) {
        let check = &mut self.zone_checks[usize::from(zone)];
        let mut start = None;
        while let Some(transmit) = check.backend.poll_transmit() {
            match transmit {
                Transmit::Start(probe) => start = Some(probe),
                Transmit::Cancel(_) => {}
            }
        }
        while check.backend.poll_event().is_some() {}
        check.service.handle_report(BackendId(0), check.backend.report());
        let mut decided = false;
        while let Some(event) = check.service.poll_event() {
            if let ServiceEvent::StateChanged { to, .. } = event {
                decided = true;
                self.names.set_stands(zone, to.stands());
                self.observer.event(&Record::zone_health(now, &self.zones[usize::from(zone)].name, to));
                if !to.stands() {
                    self.shifts.detected(now, zone, Cut::Entry);
                }
            }
        }
        if decided {
            let at = now + self.scenario.dns.propagation;
            self.engine.schedule(at, Class::Control, Happening::Published);
        }
        if let Some(probe) = start
            && let Some((delay, good)) = self.probe_zone(now, zone)
        {
            self.engine.schedule(now + delay, Class::Probe, Happening::DnsProbed(zone, probe.id, good));
        }
        let check = &mut self.zone_checks[usize::from(zone)];
        let due = check.backend.poll_timeout();
        if check.timer.map(|timer| timer.0) != due {
            if let Some((_, event)) = check.timer.take() {
                self.engine.cancel(event);
            }
            check.timer =
                due.map(|due| (due, self.engine.schedule(due, Class::Probe, Happening::DnsCheck(zone))));
        }
    }

    /// Tries a connection to a zone's VIP: when it is answered, if it is, and whether well.
    fn probe_zone(&mut self, now: Time, zone: u16) -> Option<(core::time::Duration, bool)> {
        let there = Place::Zone(zone);
        if self.links.loses(Place::Clients, there) || self.links.loses(there, Place::Clients) {
            return None;
        }
        let delay = self.links.delay(Place::Clients, there) + self.links.delay(there, Place::Clients);
        let number = self.connection_count;
        self.connection_count += 1;
        let flow = flow(self.wire, number, zone);
        match self.carry(now, zone, &flow, Kind::Open) {
            Ok(passage) => {
                let running = |condition| match condition {
                    Condition::Running => true,
                    Condition::Paused | Condition::Down => false,
                };
                let slot = &self.zones[usize::from(zone)].gateways[usize::from(passage.gateway)];
                let answers = running(slot.station.condition());
                if self.wire.is_tcp() {
                    let _ = self.carry(now, zone, &flow, Kind::Close);
                }
                answers.then_some((delay, true))
            }
            Err(Trouble::Reset(_) | Trouble::Unreachable) => Some((delay, false)),
            Err(Trouble::Silence(_)) => None,
        }
    }

    /// The name service answers by its last decision.
    pub(super) fn handle_published(&mut self, now: Time) {
        for zone in self.names.publish() {
            let named = self.names.is_published(zone);
            self.observer.event(&Record::names(now, &self.zones[usize::from(zone)].name, named));
        }
    }

    /// A zone's router acts on what it sees of its nodes.
    pub(super) fn handle_routes(&mut self, now: Time, zone: u16) {
        let place = &mut self.zones[usize::from(zone)];
        if !place.lost && place.front.handle_routes() {
            self.observer.event(&Record::routes(now, &place.name, place.front.next_hops()));
        }
    }
}

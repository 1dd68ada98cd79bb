//! Faults and operators' actions: what begins, what ends.

use lb_core::config::BackendState;
use lb_core::director::Director;
use lb_core::{Time, Weight};

use super::Model;
use super::front::{Condition as NodeCondition, Node, gateway_endpoints, keyed_node_config};
use super::happening::{Happening, StationId};
use super::links::LinkFault;
use super::shifts::Cut;
use super::zone::StationSlot;
use crate::engine::Class;
use crate::record::{Observer, Record};
use crate::scenario::{Change, LinkEnd, Target};
use crate::station::{Condition, Speed};

impl<O: Observer> Model<'_, O> {
    /// A scenario's event begins.
    pub(super) fn handle_begin(&mut self, now: Time, index: u32) {
        let event = &self.scenario.events[index as usize];
        self.observer.event(&Record::change(now, self.scenario, event, true));
        if let Some(until) = event.until {
            self.engine.schedule(until, Class::Control, Happening::End(index));
        }
        let decided = event.decided;
        match &event.change {
            Change::AddGateways { zone, count } => self.add_gateways(now, *zone, *count),
            Change::AddNodes { zone, count } => {
                for _ in 0..*count {
                    self.add_node(now, *zone as u16);
                }
            }
            Change::DisableLocal { zone } => {
                self.zones[*zone].local_disabled = true;
                self.shifts.begin(decided, *zone as u16, Cut::Members);
                self.shifts.detected(now, *zone as u16, Cut::Members);
            }
            Change::DisableZone { zone } => {
                self.names.set_disabled(*zone as u16, true);
                self.shifts.begin(decided, *zone as u16, Cut::Entry);
                self.shifts.detected(now, *zone as u16, Cut::Entry);
                self.publish_later(now);
            }
            Change::DnsWeight { zone, weight } => {
                self.names.set_weight(*zone as u16, *weight);
                if *weight == 0 {
                    self.shifts.begin(decided, *zone as u16, Cut::Entry);
                    self.shifts.detected(now, *zone as u16, Cut::Entry);
                }
                self.publish_later(now);
            }
            Change::GatewayWeight { target, weight } => self.weigh_gateway(now, *target, *weight),
            Change::ZoneLoss { zones } => {
                for zone in zones {
                    self.lose_zone(now, *zone as u16);
                }
            }
            Change::LinkLoss { between, .. } | Change::LinkDelay { between, .. } => {
                self.begin_link_fault(now, index, *between);
            }
            Change::BlackHole(target) => self.set_black_hole(*target, true),
            Change::Crash(target) => self.crash(now, *target),
            Change::Drain(target) => self.drain(now, *target, true),
            Change::Pause(target) => self.set_paused(now, *target, true),
            Change::Slow { target, percent } => self.set_percent(now, *target, *percent),
        }
    }

    /// A scenario's event ends.
    pub(super) fn handle_end(&mut self, now: Time, index: u32) {
        let event = &self.scenario.events[index as usize];
        self.observer.event(&Record::change(now, self.scenario, event, false));
        match &event.change {
            Change::DisableLocal { zone } => {
                self.zones[*zone].local_disabled = false;
                self.shifts.end(*zone as u16, Cut::Members);
            }
            Change::DisableZone { zone } => {
                self.names.set_disabled(*zone as u16, false);
                self.shifts.end(*zone as u16, Cut::Entry);
                self.publish_later(now);
            }
            Change::ZoneLoss { zones } => {
                for zone in zones {
                    self.restore_zone(now, *zone as u16);
                }
            }
            Change::LinkLoss { between, .. } | Change::LinkDelay { between, .. } => {
                self.links.set_fault(index as usize, None, &self.scenario.zones);
                for zone in self.cut_off_by(index, *between) {
                    self.shifts.end(zone, Cut::Entry);
                }
            }
            Change::BlackHole(target) => self.set_black_hole(*target, false),
            Change::Crash(target) => self.restart(now, *target),
            Change::Drain(target) => self.drain(now, *target, false),
            Change::Pause(target) => self.set_paused(now, *target, false),
            Change::Slow { target, .. } => self.set_percent(now, *target, 100),
            // These do not end.
            Change::AddGateways { .. }
            | Change::AddNodes { .. }
            | Change::DnsWeight { .. }
            | Change::GatewayWeight { .. } => {}
        }
    }

    fn publish_later(&mut self, now: Time) {
        let at = now + self.scenario.dns.propagation;
        self.engine.schedule(at, Class::Control, Happening::Published);
    }

    fn begin_link_fault(&mut self, now: Time, index: u32, between: [LinkEnd; 2]) {
        let (extra, loss) = match &self.scenario.events[index as usize].change {
            Change::LinkLoss { loss, .. } => (core::time::Duration::ZERO, *loss),
            Change::LinkDelay { extra, .. } => (*extra, 0),
            _ => return,
        };
        let fault = LinkFault { between, extra, loss };
        self.links.set_fault(index as usize, Some(fault), &self.scenario.zones);
        for zone in self.cut_off_by(index, between) {
            self.shifts.begin(now, zone, Cut::Entry);
        }
    }

    /// The zones that a fault of links keeps all clients from.
    fn cut_off_by(&self, index: u32, between: [LinkEnd; 2]) -> Vec<u16> {
        let event = &self.scenario.events[index as usize];
        let all = matches!(event.change, Change::LinkLoss { loss: u32::MAX, .. });
        if !all || !between.contains(&LinkEnd::Clients) {
            return Vec::new();
        }
        let zones = &self.scenario.zones;
        let is_cut_off = |zone: &usize| between.iter().any(|end| end.has(zones, *zone));
        (0..zones.len()).filter(is_cut_off).map(|zone| zone as u16).collect()
    }

    fn stations_of(&self, target: Target) -> Vec<StationId> {
        let zone = target.zone() as u16;
        let replica = |index: usize| StationId { zone, is_gateway: false, index: index as u16 };
        match target {
            Target::Cluster { zone, cluster } => {
                let clusters = &self.zones[zone].clusters;
                (clusters[cluster]..clusters[cluster + 1]).map(replica).collect()
            }
            Target::Gateway { gateway, .. } => {
                vec![StationId { zone, is_gateway: true, index: gateway as u16 }]
            }
            Target::Node { .. } => Vec::new(),
            Target::Replica { zone, cluster, replica: index } => {
                vec![replica(self.zones[zone].clusters[cluster] + index)]
            }
        }
    }

    fn crash(&mut self, now: Time, target: Target) {
        let zone = target.zone() as u16;
        if let Target::Node { node, .. } = target {
            self.stop_node(now, zone, node as u16, NodeCondition::Down);
        }
        for id in self.stations_of(target) {
            self.stop_station(now, id);
        }
        if matches!(target, Target::Cluster { .. } | Target::Replica { .. }) {
            let at = now + self.scenario.endpoint_delay;
            self.engine.schedule(at, Class::Control, Happening::Endpoints(zone));
            let alive = |slot: &StationSlot| slot.station.condition() != Condition::Down;
            if !self.zones[usize::from(zone)].replicas.iter().any(alive) {
                self.shifts.begin(now, zone, Cut::Members);
            }
        }
    }

    fn restart(&mut self, now: Time, target: Target) {
        let zone = target.zone() as u16;
        if self.zones[usize::from(zone)].lost {
            return;
        }
        if let Target::Node { node, .. } = target {
            self.start_node(now, zone, node as u16);
        }
        for id in self.stations_of(target) {
            self.start_station(now, id);
        }
        if matches!(target, Target::Cluster { .. } | Target::Replica { .. }) {
            let at = now + self.scenario.endpoint_delay;
            self.engine.schedule(at, Class::Control, Happening::Endpoints(zone));
            self.shifts.end(zone, Cut::Members);
        }
    }

    fn stop_station(&mut self, now: Time, id: StationId) {
        if let Some(slot) = self.zones[usize::from(id.zone)].station_mut(id) {
            slot.station.handle_condition(now, Condition::Down);
        }
        self.settle(now, id);
    }

    fn start_station(&mut self, now: Time, id: StationId) {
        if let Some(slot) = self.zones[usize::from(id.zone)].station_mut(id)
            && slot.station.condition() == Condition::Down
        {
            slot.life = slot.life.wrapping_add(1);
            slot.station.handle_condition(now, Condition::Running);
        }
    }

    /// A node goes, or stands still; the router notices after its time.
    fn stop_node(&mut self, now: Time, zone: u16, node: u16, condition: NodeCondition) {
        self.zones[usize::from(zone)].front.nodes[usize::from(node)].condition = condition;
        let detection = self.scenario.zones[usize::from(zone)].detection;
        self.engine.schedule(now + detection, Class::Control, Happening::Routes(zone));
    }

    /// A node starts with an empty connection table and machines that know nothing.
    fn start_node(&mut self, now: Time, zone: u16, node: u16) {
        let fresh = self.new_node(zone, node, BackendState::Drain);
        let life = self.zones[usize::from(zone)].health[usize::from(node)].life.wrapping_add(1);
        let health = self.new_node_health(now, zone, node, life, false);
        let place = &mut self.zones[usize::from(zone)];
        place.front.nodes[usize::from(node)] = fresh;
        let old = core::mem::replace(&mut place.health[usize::from(node)], health);
        for (_, event) in old.gateways.iter().filter_map(|(_, timer)| *timer) {
            self.engine.cancel(event);
        }
        self.begin_checks(now, zone, node);
    }

    /// A node with all gateways of its zone in its configuration: in service, or draining until they are checked.
    pub(super) fn new_node(&mut self, zone: u16, node: u16, state: BackendState) -> Node {
        let kind = &self.scenario.node_kinds[self.scenario.zones[usize::from(zone)].node_kind];
        let gateways = gateway_endpoints(zone, self.zones[usize::from(zone)].gateways.len() as u16);
        let config = keyed_node_config((kind, self.wire), (zone, node), &gateways, state, self.hash_key)
            .expect("the scenario's reader built this configuration before");
        let mut director = Director::new(config, &mut self.tables)
            .expect("the scenario's reader built such a node before, and gateways are fewer than slots");
        director.set_observing(kind.observes);
        Node::new(director)
    }

    fn add_node(&mut self, now: Time, zone: u16) {
        let node = self.zones[usize::from(zone)].front.nodes.len() as u16;
        let fresh = self.new_node(zone, node, BackendState::Drain);
        let health = self.new_node_health(now, zone, node, 0, false);
        let place = &mut self.zones[usize::from(zone)];
        place.front.nodes.push(fresh);
        place.health.push(health);
        self.begin_checks(now, zone, node);
    }

    /// Tells a node's service machine of its gateways, and begins to check them.
    pub(super) fn begin_checks(&mut self, now: Time, zone: u16, node: u16) {
        let count = self.zones[usize::from(zone)].gateways.len() as u16;
        for gateway in 0..count {
            self.begin_check(now, zone, node, gateway);
        }
    }

    fn begin_check(&mut self, now: Time, zone: u16, node: u16, gateway: u16) {
        let health = &mut self.zones[usize::from(zone)].health[usize::from(node)];
        let (machine, _) = &mut health.gateways[usize::from(gateway)];
        machine.handle_timeout(now);
        let report = machine.report();
        health.service.handle_report(lb_core::BackendId(u32::from(gateway)), report);
        self.settle_service(now, zone, node);
        self.settle_health(now, zone, node, gateway);
    }

    /// More gateways: every node gets a configuration with them, and checks them before they get traffic.
    fn add_gateways(&mut self, now: Time, zone: usize, count: u32) {
        let kind = self.scenario.zones[zone].gateway;
        let before = self.zones[zone].gateways.len();
        for _ in 0..count {
            let slot = StationSlot::new(kind, &self.scenario.stations[kind]);
            self.zones[zone].gateways.push(slot);
        }
        let zone = zone as u16;
        let nodes = self.zones[usize::from(zone)].front.nodes.len() as u16;
        for node in 0..nodes {
            self.offer_more(now, zone, node);
            let life = self.zones[usize::from(zone)].health[usize::from(node)].life;
            let mut fresh = self.new_node_health(now, zone, node, life, false);
            let added = fresh.gateways.split_off(before);
            self.zones[usize::from(zone)].health[usize::from(node)].gateways.extend(added);
            for gateway in before..before + count as usize {
                self.begin_check(now, zone, node, gateway as u16);
            }
        }
    }

    /// Gives a node's director all gateways there are; the new ones drain until they are checked.
    fn offer_more(&mut self, now: Time, zone: u16, node: u16) {
        let place = &mut self.zones[usize::from(zone)];
        let endpoints = gateway_endpoints(zone, place.gateways.len() as u16);
        let kind = &self.scenario.node_kinds[self.scenario.zones[usize::from(zone)].node_kind];
        let node_offered = &mut place.front.nodes[usize::from(node)];
        let director = &mut node_offered.director;
        let mut config = keyed_node_config(
            (kind, self.wire),
            (zone, node),
            &endpoints,
            BackendState::Drain,
            self.hash_key,
        )
        .expect("the scenario's reader built this configuration before");
        let old = &director.config().services[0].backends;
        let known = old.len();
        config.services[0].backends[..known].copy_from_slice(old);
        config.generation = director.config().generation + 1;
        director
            .set_config(now, config, &mut self.tables)
            .expect("only backends were added, and the table was built with fewer before");
        node_offered.note_members();
    }

    fn drain(&mut self, now: Time, target: Target, begins: bool) {
        let Target::Gateway { zone, gateway } = target else { return };
        for node in 0..self.zones[zone].health.len() {
            let machine = &mut self.zones[zone].health[node].gateways[gateway].0;
            if begins {
                machine.handle_disable(now)
            } else {
                machine.handle_enable(now)
            }
            self.settle_health(now, zone as u16, node as u16, gateway as u16);
        }
    }

    fn weigh_gateway(&mut self, now: Time, target: Target, weight: u16) {
        let Target::Gateway { zone, gateway } = target else { return };
        for node in 0..self.zones[zone].health.len() {
            self.zones[zone].health[node].gateways[gateway].0.handle_weight(now, Weight(weight));
            self.settle_health(now, zone as u16, node as u16, gateway as u16);
        }
    }

    fn set_black_hole(&mut self, target: Target, begins: bool) {
        let place = &mut self.zones[target.zone()];
        match target {
            Target::Gateway { gateway, .. } => place.gateways[gateway].black_hole = begins,
            Target::Node { node, .. } => {
                let node = &mut place.front.nodes[node];
                match (node.condition, begins) {
                    (NodeCondition::Running, true) => node.condition = NodeCondition::BlackHole,
                    (NodeCondition::BlackHole, false) => node.condition = NodeCondition::Running,
                    _ => {}
                }
            }
            Target::Cluster { .. } | Target::Replica { .. } => {}
        }
    }

    fn set_paused(&mut self, now: Time, target: Target, begins: bool) {
        if let Target::Node { zone, node } = target {
            if begins {
                self.stop_node(now, zone as u16, node as u16, NodeCondition::Paused);
            } else if self.zones[zone].front.nodes[node].condition == NodeCondition::Paused {
                self.zones[zone].front.nodes[node].condition = NodeCondition::Running;
                let detection = self.scenario.zones[zone].detection;
                self.engine.schedule(now + detection, Class::Control, Happening::Routes(zone as u16));
                for gateway in 0..self.zones[zone].gateways.len() {
                    self.handle_health_check(now, zone as u16, node as u16, gateway as u16);
                }
            }
        }
        for id in self.stations_of(target) {
            if let Some(slot) = self.zones[usize::from(id.zone)].station_mut(id) {
                match (slot.station.condition(), begins) {
                    (Condition::Running, true) => slot.station.handle_condition(now, Condition::Paused),
                    (Condition::Paused, false) => slot.station.handle_condition(now, Condition::Running),
                    _ => {}
                }
            }
            self.settle(now, id);
        }
    }

    fn set_percent(&mut self, now: Time, target: Target, percent: u32) {
        for id in self.stations_of(target) {
            if let Some(slot) = self.zones[usize::from(id.zone)].station_mut(id) {
                slot.percent = percent;
                slot.station.handle_speed(now, Speed::slowed(f64::from(percent) / 100.0));
            }
            self.settle(now, id);
        }
    }

    fn lose_zone(&mut self, now: Time, zone: u16) {
        self.shifts.begin(now, zone, Cut::Entry);
        self.zones[usize::from(zone)].lost = true;
        for node in 0..self.zones[usize::from(zone)].front.nodes.len() {
            self.stop_node(now, zone, node as u16, NodeCondition::Down);
        }
        for id in self.all_stations(zone) {
            self.stop_station(now, id);
        }
    }

    fn restore_zone(&mut self, now: Time, zone: u16) {
        self.shifts.end(zone, Cut::Entry);
        self.zones[usize::from(zone)].lost = false;
        for id in self.all_stations(zone) {
            self.start_station(now, id);
        }
        self.handle_endpoints(zone);
        for node in 0..self.zones[usize::from(zone)].front.nodes.len() {
            self.start_node(now, zone, node as u16);
        }
        let _ = self.zones[usize::from(zone)].front.handle_routes();
    }

    fn all_stations(&self, zone: u16) -> Vec<StationId> {
        let place = &self.zones[usize::from(zone)];
        let gateways = (0..place.gateways.len() as u16).map(|index| (true, index));
        let replicas = (0..place.replicas.len() as u16).map(|index| (false, index));
        gateways.chain(replicas).map(|(is_gateway, index)| StationId { zone, is_gateway, index }).collect()
    }
}

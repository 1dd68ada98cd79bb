//! What an L4 node hears of its gateways from the clients' packets alone.
//!
//! Answers by-pass the nodes (direct return), so a node knows only this: an
//! opening packet that comes again though it was passed on was not answered,
//! and data that follow it say that it was. A gateway's reset goes straight to
//! the client, and these clients send none. Doubt or failure: that is for
//! `lb-core`'s machine to decide, where its check has a `passive` section.

use lb_core::Time;
use lb_core::health::Observation;

use super::Model;
use super::arena::Id;
use super::client::Connection;
use crate::record::Observer;

impl<O: Observer> Model<'_, O> {
    /// A node passed an opening packet on; it may have done so before.
    pub(super) fn observe_open(&mut self, now: Time, id: Id<Connection>, node: u16, gateway: u16) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let zone = connection.zone;
        if connection.asked.replace((node, gateway)) == Some((node, gateway)) {
            self.observe(now, (zone, node, gateway), Observation::SynUnanswered);
        }
    }

    /// A node passed data on: if the opening packet was its own, it was answered.
    pub(super) fn observe_data(&mut self, now: Time, id: Id<Connection>, node: u16, gateway: u16) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let zone = connection.zone;
        if connection.asked.take() == Some((node, gateway)) {
            self.observe(now, (zone, node, gateway), Observation::Answered);
        }
    }

    fn observe(&mut self, now: Time, (zone, node, gateway): (u16, u16, u16), observation: Observation) {
        let kind = self.scenario.zones[usize::from(zone)].node_kind;
        if !self.scenario.node_kinds[kind].observes {
            return;
        }
        let health = &mut self.zones[usize::from(zone)].health[usize::from(node)];
        health.gateways[usize::from(gateway)].0.handle_observation(now, observation);
        self.settle_health(now, zone, node, gateway);
    }
}

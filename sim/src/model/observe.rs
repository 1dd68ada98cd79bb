//! What an L4 node hears of its gateways from the clients' packets alone.
//!
//! The director says what a packet tells of the gateway that its flow is on, and
//! `lb-core`'s health machine what that amounts to, where its check has a
//! `passive` section; this file only carries it from one to the other.

use lb_core::Time;

use super::Model;
use crate::record::Observer;

impl<O: Observer> Model<'_, O> {
    /// Tells a node's health what the packet that just came to it said of a gateway, wherever it went.
    pub(super) fn hear_of_observations(&mut self, now: Time, zone: u16, node: u16) {
        while let Some((gateway, observation)) = self.zones[usize::from(zone)].front.poll_observation(node) {
            let health = &mut self.zones[usize::from(zone)].health[usize::from(node)];
            health.gateways[usize::from(gateway)].0.handle_observation(now, observation);
            self.settle_health(now, zone, node, gateway);
        }
    }
}

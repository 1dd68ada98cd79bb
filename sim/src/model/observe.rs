//! What an L4 node hears of its gateways from the clients' packets alone.
//!
//! The director says what a packet tells of the gateway that its flow is on, and
//! `lb-core`'s health machine what that amounts to, where its check has a
//! `passive` section; this file only carries it from one to the other.

use lb_core::Time;

use super::Model;
use crate::record::Observer;

impl<O: Observer> Model<'_, O> {
    /// Tells a node's health what the packet that just went by it said of its gateway.
    pub(super) fn hear_of_observations(&mut self, now: Time, zone: u16, node: u16, gateway: u16) {
        let place = &mut self.zones[usize::from(zone)];
        let mut heard = false;
        // A packet speaks of the gateway that it goes to.
        while let Some((_, observation)) = place.front.nodes[usize::from(node)].director.poll_observation() {
            let health = &mut place.health[usize::from(node)];
            health.gateways[usize::from(gateway)].0.handle_observation(now, observation);
            heard = true;
        }
        if heard {
            self.settle_health(now, zone, node, gateway);
        }
    }
}

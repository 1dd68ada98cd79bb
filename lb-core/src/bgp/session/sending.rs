//! What is sent: signs of life, routes, and never more than the peer takes.

use alloc::vec::Vec;
use core::time::Duration;

use super::event::Transmit;
use super::timers::send_hold;
use super::{Session, Slot, WINDOW, negotiate};
use crate::Time;
use crate::bgp::identity::{Family, UNICAST};
use crate::bgp::message::{Capability, Message, RouteRefresh};

impl Session {
    /// Whether the session is up and the peer has taken enough of what was sent for more.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let in_flight = self.primary.connection.as_ref().map_or(0, |connection| connection.in_flight);
        self.established().is_some() && in_flight < WINDOW
    }

    /// Sends a message that is already in bytes, in this session's dialect; nothing where it is not up.
    pub(in crate::bgp) fn send_update(&mut self, now: Time, bytes: Vec<u8>) {
        if self.established().is_some() {
            self.counters.updates_sent += 1;
            self.send_bytes(now, Slot::Primary, bytes);
        }
    }

    /// Asks for the peer's routes of a family again; whether it can be asked.
    pub fn request_refresh(&mut self, now: Time, family: Family) -> bool {
        let can = self.established().is_some_and(|agreed| {
            agreed.families.contains(family) && agreed.capabilities.has(&Capability::RouteRefresh)
        });
        if can {
            let refresh = RouteRefresh { afi: family.afi(), subtype: 0, safi: UNICAST };
            self.send(now, Slot::Primary, &Message::RouteRefresh(refresh));
        }
        can
    }

    pub(super) fn restart_hold(&mut self, now: Time, slot: Slot) {
        let Some(connection) = self.connection_mut(slot) else { return };
        let Some(agreed) = &connection.agreed else { return };
        connection.hold = (!agreed.hold_time.is_zero()).then(|| now + agreed.hold_time);
    }

    /// A sign of life, unless so much is in flight that it would tell the peer nothing.
    pub(super) fn send_keepalive(&mut self, now: Time, slot: Slot) {
        let Some(connection) = self.connection(slot) else { return };
        let Some(hold) = connection.agreed.as_ref().map(|agreed| agreed.hold_time) else { return };
        if connection.in_flight < WINDOW {
            self.send(now, slot, &Message::Keepalive);
        }
        let interval = negotiate::keepalive_interval(&self.config, hold);
        let next = interval.map(|interval| now + self.jitter.shortened(interval));
        if let Some(connection) = self.connection_mut(slot) {
            connection.keepalive = next;
        }
    }

    pub(super) fn send(&mut self, now: Time, slot: Slot, message: &Message) {
        let Some(connection) = self.connection(slot) else { return };
        let bytes = message.emit(connection.dialect).expect("what a session says by itself is short");
        self.send_bytes(now, slot, bytes);
    }

    pub(super) fn send_bytes(&mut self, now: Time, slot: Slot, bytes: Vec<u8>) {
        let Some(connection) = self.connection_mut(slot) else { return };
        let hold = connection.agreed.as_ref().map_or(Duration::ZERO, |agreed| agreed.hold_time);
        connection.in_flight += bytes.len();
        connection.send_hold.get_or_insert_with(|| now + send_hold(hold));
        let connection = connection.id;
        self.counters.messages_sent += 1;
        self.transmits.push_back(Transmit::Send { connection, bytes });
    }
}

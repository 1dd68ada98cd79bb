//! Why a connection's packets come to another gateway than before.
//!
//! A flow leaves its gateway only if its node's entry does not hold it there:
//! the entry's gateway is out of service, the entry was evicted or forgotten, or
//! the packets come by another node, whose table has another gateway for it. The
//! director says which with every packet ([`Choice`]), and its table's events say
//! which entries it evicted; here both become a [`Cause`]. A lost gateway comes
//! first: the flow had to leave it whatever else happened. What may never happen
//! is for the [`checks`](super::checks) to tell.

use core::net::IpAddr;

use lb_core::config::BackendState;
use lb_core::connection::Cause as EntryCause;
use lb_core::director::Choice;
use lb_core::{FlowKey, Time};

use super::Model;
use super::arena::Id;
use super::cause::Cause;
use super::client::Connection;
use crate::record::Observer;

/// A packet's way through a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    pub(super) node: u16,
    pub(super) gateway: u16,
    /// How the node found the gateway.
    pub(super) choice: Choice,
}

/// The last way that a connection's packets went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trail {
    pub(super) node: u16,
    /// The node's life.
    pub(super) life: u16,
    pub(super) gateway: u16,
    /// The last table that was asked: where it placed the flow, and a hash of its members.
    pub(super) placed: Option<(u16, u64)>,
    /// The node evicted its entry.
    crowded_out: bool,
    /// Why the gateway is not the one that holds the connection's other end, if it is not.
    moved: Option<Cause>,
}

/// By which node packets come now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hop {
    /// By the first one.
    First,
    /// The one before is gone, or came back without its entries.
    Lost,
    /// Routers send them elsewhere, though the one before works.
    Rerouted,
    /// By the same one.
    Same,
}

/// What a move's cause is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Evidence {
    /// The gateway that holds the other end is gone, or out of service at the node.
    gateway_lost: bool,
    /// How the node chose; `None` if its host answered with a reset.
    choice: Option<Choice>,
    hop: Hop,
    crowded_out: bool,
}

impl Evidence {
    const fn cause(self) -> Cause {
        if self.gateway_lost {
            return Cause::BackendLost;
        }
        match (self.choice, self.hop) {
            (Some(Choice::Rechosen), _) => Cause::BackendLost,
            (_, Hop::Lost) => Cause::NodeLost,
            (None, Hop::First | Hop::Rerouted) => Cause::Refused,
            (Some(_), Hop::First | Hop::Rerouted) => Cause::TableChange,
            (_, Hop::Same) if self.crowded_out => Cause::TableFull,
            (_, Hop::Same) => Cause::Timeout,
        }
    }
}

impl<O: Observer> Model<'_, O> {
    /// A connection's packets have come to a gateway; why that does not hold its other end, if so.
    pub(super) fn follow(&mut self, now: Time, id: Id<Connection>, passage: Passage) -> Option<Cause> {
        let connection = self.connections.get(id)?;
        let (zone, bound, before) = (connection.zone, connection.gateway, connection.trail);
        let place = &self.zones[usize::from(zone)];
        let kind = self.scenario.zones[usize::from(zone)].node_kind;
        self.checks.flow_moves_for_a_reason(now, place, kind, before.as_ref(), passage);

        let is_existing = passage.choice == Choice::Existing;
        // Where an entry names another gateway, an earlier packet has told why.
        let known = before.and_then(|trail| trail.moved).filter(|_| is_existing);
        let cause =
            known.unwrap_or_else(|| self.evidence(connection, passage.node, Some(passage.choice)).cause());
        let moved = bound.is_some_and(|(gateway, _)| gateway != passage.gateway);
        let lost = bound.is_some_and(|(gateway, life)| self.gateway_life(zone, gateway) != Some(life));
        let members = place.front.nodes[usize::from(passage.node)].members;
        let trail = Trail {
            node: passage.node,
            life: place.health[usize::from(passage.node)].life,
            gateway: passage.gateway,
            placed: if is_existing {
                before.and_then(|trail| trail.placed)
            } else {
                Some((passage.gateway, members))
            },
            // It has an entry now: a new flow is always entered.
            crowded_out: false,
            moved: moved.then_some(cause),
        };
        self.connections.get_mut(id)?.trail = Some(trail);
        (moved || lost).then_some(cause)
    }

    /// A gateway holds a connection's other end from now on.
    pub(super) fn bind(&mut self, id: Id<Connection>, gateway: u16, life: u16) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.gateway = Some((gateway, life));
        if let Some(trail) = &mut connection.trail {
            trail.moved = None;
        }
    }

    /// Why a node's host answered a connection with a reset.
    pub(super) fn cause_of_reset(&self, id: Id<Connection>, node: u16) -> Cause {
        let connection = self.connections.get(id);
        connection.map_or(Cause::Refused, |connection| self.evidence(connection, node, None).cause())
    }

    fn evidence(&self, connection: &Connection, node: u16, choice: Option<Choice>) -> Evidence {
        let zone = connection.zone;
        let place = &self.zones[usize::from(zone)];
        let gateway_lost = connection.gateway.is_some_and(|(gateway, life)| {
            self.gateway_life(zone, gateway) != Some(life)
                || place.front.nodes[usize::from(node)].state_of(gateway) == BackendState::Down
        });
        let hop = match connection.trail {
            None => Hop::First,
            Some(trail) if place.health[usize::from(trail.node)].life != trail.life => Hop::Lost,
            Some(trail) if trail.node == node => Hop::Same,
            Some(trail) if place.front.is_routed(trail.node) => Hop::Rerouted,
            Some(_) => Hop::Lost,
        };
        let crowded_out = connection.trail.is_some_and(|trail| trail.crowded_out);
        Evidence { gateway_lost, choice, hop, crowded_out }
    }

    /// Learns from a node's table which flows it evicted.
    pub(super) fn hear_of_evictions(&mut self, zone: u16, node: u16) {
        let director = &mut self.zones[usize::from(zone)].front.nodes[usize::from(node)].director;
        while let Some(event) = director.poll_event() {
            match event.cause {
                EntryCause::Evicted => {
                    let client = (event.key.source, event.key.source_port);
                    if let Some(id) = self.by_client.get(&client)
                        && let Some(connection) = self.connections.get_mut(*id)
                        && let Some(trail) = &mut connection.trail
                    {
                        trail.crowded_out |= trail.node == node;
                    }
                }
                EntryCause::Expired => {}
            }
        }
    }

    /// Forgets a connection, and whose packets were its own.
    pub(super) fn remove_connection(&mut self, id: Id<Connection>) -> Option<Connection> {
        let connection = self.connections.remove(id)?;
        self.by_client.remove(&client_of(&connection.flow(self.wire)));
        Some(connection)
    }
}

/// What names a flow's client: no two live connections share it.
pub(super) fn client_of(flow: &FlowKey) -> (IpAddr, u16) {
    (flow.source(), flow.source_port())
}

#[cfg(test)]
mod tests;

//! The clients: visits, and the connections they make.
//!
//! An open loop: a visit's requests are due at times that no answer changes. A
//! visit has at most one connection at a time and makes another one, by a
//! fresh question to its resolver, when it has something to send and none. TCP
//! is modelled by what a balancer meets: an opening packet that is repeated, a
//! handshake that takes a round trip, data that is repeated until somebody
//! takes it, a closing packet, resets. Acknowledgements alone are not sent.
//! Over UDP a connection is a port that the client keeps: there from the first
//! datagram on, until the visit is over or one of its requests is given up.

use core::net::{Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use lb_core::{FlowKey, Time};

use super::Model;
use super::arena::Id;
use super::cause::Cause;
use super::front::{Delivery, Loss, PORT, vip4, vip6};
use super::happening::Happening;
use super::links::Place;
use super::moves::{Passage, Trail, client_of};
use super::packets::{Kind, Wire};
use super::request::Phase;
use crate::dns::Lookup;
use crate::engine::Class;
use crate::record::{Observer, Record};
use crate::scenario::FamilyFile;

pub(super) use super::request::Request;

/// One visit: some requests, one after the other, from one client.
#[derive(Debug)]
pub(super) struct Session {
    resolver: u32,
    /// Requests that are not due yet.
    pub(super) remaining: u32,
    /// Requests that are due and not over.
    pub(super) open: Vec<Id<Request>>,
    pub(super) connection: Option<Id<Connection>>,
}

/// One TCP connection, or the one port that a client's datagrams of a visit come from.
#[derive(Debug)]
pub(super) struct Connection {
    /// `None` once it is closed or broken: only its last packet is under way.
    pub(super) session: Option<Id<Session>>,
    /// Makes its addresses and port.
    number: u64,
    pub(super) zone: u16,
    pub(super) established: bool,
    /// The gateway that holds its other end, and that gateway's life.
    pub(super) gateway: Option<(u16, u16)>,
    /// Where its packets went last.
    pub(super) trail: Option<Trail>,
    /// What its packets suffered last.
    pub(super) trouble: Option<Cause>,
    repeats: u32,
}

impl Connection {
    /// Whether a client waits for it to be made.
    const fn is_wanted(&self) -> bool {
        !self.established && self.session.is_some()
    }

    /// Its addresses and ports: no two connections share them.
    pub(super) fn flow(&self, wire: Wire) -> FlowKey {
        flow(wire, self.number, self.zone)
    }
}

/// The addresses and ports of the `number`-th connection of all, to a zone.
///
/// The ports run through a prime number of values, the addresses through a
/// power of two, so a pair comes again after 10^11 connections.
pub(super) fn flow(wire: Wire, number: u64, zone: u16) -> FlowKey {
    let address = CLIENTS | (number.wrapping_mul(0x9E37_79B1) as u32 & 0x003f_ffff);
    let port = 32_768 + (number % 28_229) as u16;
    match wire.family {
        FamilyFile::Ipv4 => {
            FlowKey::v4(wire.number(), (Ipv4Addr::from_bits(address), port), (vip4(zone), PORT))
        }
        FamilyFile::Ipv6 => {
            let client = Ipv6Addr::from_bits(CLIENTS6 | u128::from(address));
            FlowKey::v6(wire.number(), (client, port), (vip6(zone), PORT))
        }
    }
}

/// 100.64.0.0/10 (RFC 6598): addresses that are nobody's in particular.
const CLIENTS: u32 = 0x6440_0000;
/// 2001:db8:c::/96, of the addresses for documentation (RFC 3849); the same number follows.
const CLIENTS6: u128 = 0x2001_0db8_000c << 80;

/// A client repeats its opening packet after a second, then twice that, and so on (RFC 6298).
const OPEN_REPEAT: Duration = Duration::from_secs(1);
/// So few deadlines are not worth looking through.
pub(super) const DEADLINES_MIN: usize = 1_024;

impl<O: Observer> Model<'_, O> {
    /// Somebody begins a visit, and the next one is put on the agenda.
    pub(super) fn handle_arrival(&mut self, now: Time) {
        self.schedule_arrival();
        let remaining = self.scenario.traffic.draw_requests(&mut self.streams.lengths);
        let resolver = self.streams.resolvers.below(u64::from(self.scenario.dns.resolvers)) as u32;
        let session =
            self.sessions.insert(Session { resolver, remaining, open: Vec::new(), connection: None });
        self.handle_next_request(now, session);
    }

    /// Puts the next visit on the agenda.
    pub(super) fn schedule_arrival(&mut self) {
        if let Some(at) = self.arrivals.next()
            && at < self.end
        {
            self.engine.schedule(at, Class::Delivery, Happening::Arrival);
        }
    }

    /// A client makes a connection for a visit that has none.
    pub(super) fn open_connection(&mut self, now: Time, session_id: Id<Session>) {
        let Some(session) = self.sessions.get(session_id) else { return };
        let Some(zone) = self.resolve(now, session.resolver) else {
            self.fail_open_requests(now, session_id, Cause::NoBackend);
            return;
        };
        let number = self.connection_count;
        self.connection_count += 1;
        let connection = self.connections.insert(Connection {
            session: Some(session_id),
            number,
            zone,
            established: false,
            gateway: None,
            trail: None,
            trouble: None,
            repeats: 0,
        });
        self.by_client.insert(client_of(&flow(self.wire, number, zone)), connection);
        if let Some(session) = self.sessions.get_mut(session_id) {
            session.connection = Some(connection);
        }
        self.metrics.connections.opened += 1;
        self.metrics.zones[usize::from(zone)].connections += 1;
        self.shifts.count_entry(zone);
        if !self.wire.is_tcp() {
            self.handle_opened(now, connection);
            return;
        }
        let deadline = now + self.scenario.traffic.connect_timeout;
        if self.connect_deadlines.is_empty() {
            self.engine.schedule(deadline, Class::Timer, Happening::ConnectDeadline);
        }
        self.connect_deadlines.push_back((deadline, connection));
        self.forget_connect_deadlines();
        self.send_open(now, connection);
    }

    /// The zone that a resolver answers with, from its memory or from the name service; an empty
    /// answer is not remembered.
    fn resolve(&mut self, now: Time, resolver: u32) -> Option<u16> {
        let cache = &mut self.resolvers[resolver as usize];
        match cache.handle_query(now) {
            Lookup::Answer(zone) => Some(*zone),
            // The name service answers at once, so nobody ever waits.
            Lookup::Ask | Lookup::Wait => {
                let answer = self.names.answer(&mut self.streams.names);
                let cache = &mut self.resolvers[resolver as usize];
                match answer {
                    Some(zone) => {
                        cache.handle_answer(now, zone, self.scenario.dns.ttl);
                        Some(zone)
                    }
                    None => cache.handle_failure(now).copied(),
                }
            }
        }
    }

    /// Sends, or repeats, the packet that opens a connection.
    fn send_open(&mut self, now: Time, id: Id<Connection>) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if connection.established || connection.session.is_none() {
            return;
        }
        let place = Place::Zone(connection.zone);
        let pause = OPEN_REPEAT.saturating_mul(1 << connection.repeats.min(16));
        if self.links.loses(Place::Clients, place) {
            connection.trouble = Some(Cause::Network);
            self.engine.schedule(now + pause, Class::Timer, Happening::RepeatOpen(id));
            return;
        }
        let delay = self.links.delay(Place::Clients, place);
        self.engine.schedule(now + delay, Class::Delivery, Happening::DeliverOpen(id));
    }

    /// A client's patience with its opening packet is over: it sends it again.
    pub(super) fn handle_repeat_open(&mut self, now: Time, id: Id<Connection>) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.repeats += 1;
        }
        self.send_open(now, id);
    }

    /// The opening packet reaches its zone.
    pub(super) fn handle_deliver_open(&mut self, now: Time, id: Id<Connection>) {
        let Some(connection) = self.connections.get(id) else { return };
        if connection.established || connection.session.is_none() {
            return;
        }
        let (zone, flow, repeats) = (connection.zone, connection.flow(self.wire), connection.repeats);
        let taken = match self.carry(now, zone, &flow, Kind::Open) {
            Ok(passage) => {
                // Nothing holds its other end yet, or nobody knows of that: it may go anywhere.
                let _ = self.follow(now, id, passage);
                match self.gateway_life(zone, passage.gateway) {
                    Some(life) => Ok((passage.gateway, life)),
                    None => Err(Cause::BackendLost),
                }
            }
            // A connection that is being made fails by either answer (RFC 1122, section 4.2.3.9).
            Err(Trouble::Reset(_) | Trouble::Unreachable) => {
                self.reset(now, zone, id, Cause::Refused);
                return;
            }
            Err(Trouble::Silence(cause)) => Err(cause),
        };
        let lost_on_the_way = taken.is_ok() && self.links.loses(Place::Zone(zone), Place::Clients);
        if let Ok((gateway, life)) = taken {
            self.bind(id, gateway, life);
        }
        let Some(connection) = self.connections.get_mut(id) else { return };
        match taken {
            Ok(_) => {
                if !lost_on_the_way {
                    connection.trouble = None;
                    let delay = self.links.delay(Place::Zone(zone), Place::Clients);
                    self.engine.schedule(now + delay, Class::Delivery, Happening::Opened(id));
                    return;
                }
                connection.trouble = Some(Cause::Network);
            }
            Err(cause) => connection.trouble = Some(cause),
        }
        let pause = OPEN_REPEAT.saturating_mul(1 << repeats.min(16));
        let sent = self.links.delay(Place::Clients, Place::Zone(zone));
        self.engine.schedule(now + pause.saturating_sub(sent), Class::Timer, Happening::RepeatOpen(id));
    }

    /// The handshake is complete at the client: what waits for it is sent.
    pub(super) fn handle_opened(&mut self, now: Time, id: Id<Connection>) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let Some(session) = connection.session else { return };
        if connection.established {
            return;
        }
        connection.established = true;
        let waiting = self.sessions.get(session).map_or(0, |session| session.open.len());
        for index in 0..waiting {
            let request = self.sessions.get(session).and_then(|session| session.open.get(index).copied());
            let is_waiting = |request: &Request| request.phase == Phase::Waiting;
            if let Some(id) = request
                && self.requests.get(id).is_some_and(is_waiting)
            {
                self.send_request(now, id);
            }
        }
    }

    /// Deadlines of connections that are made, or over, go once they are more than the connections.
    ///
    /// The one that was just entered stays, so that the agenda always has one for them.
    fn forget_connect_deadlines(&mut self) {
        if self.connect_deadlines.len() > 2 * self.connections.len() + DEADLINES_MIN {
            let connections = &self.connections;
            self.connect_deadlines.retain(|(_, id)| connections.get(*id).is_some_and(Connection::is_wanted));
        }
    }

    /// Connections that are still being made after so long are given up.
    pub(super) fn handle_connect_deadline(&mut self, now: Time) {
        while let Some(&(deadline, id)) = self.connect_deadlines.front() {
            let waits = self.connections.get(id).is_some_and(Connection::is_wanted);
            if waits && deadline > now {
                self.engine.schedule(deadline, Class::Timer, Happening::ConnectDeadline);
                return;
            }
            self.connect_deadlines.pop_front();
            if waits {
                let trouble = self.connections.get(id).and_then(|connection| connection.trouble);
                self.break_connection(now, id, trouble.unwrap_or(Cause::Timeout));
            }
        }
    }

    /// A connection ends before its time; its requests have failed for now.
    pub(super) fn break_connection(&mut self, now: Time, id: Id<Connection>, cause: Cause) {
        let Some(connection) = self.connections.get(id) else { return };
        let Some(session_id) = connection.session else { return };
        let (zone, established) = (connection.zone, connection.established);
        let node = connection.trail.map(|trail| trail.node);
        self.remove_connection(id);
        self.metrics.count_broken(zone, cause);
        let record =
            Record::connection_broken(now, &self.zones[usize::from(zone)].name, node, established, cause);
        self.observer.event(&record);
        let Some(session) = self.sessions.get_mut(session_id) else { return };
        session.connection = None;
        self.fail_open_requests(now, session_id, cause);
        self.close_if_done(now, session_id);
    }

    /// What a visit waits for will not come by the connection that it had or wanted.
    fn fail_open_requests(&mut self, now: Time, id: Id<Session>, cause: Cause) {
        let Some(session) = self.sessions.get(id) else { return };
        let mut failed = core::mem::take(&mut self.scratch);
        failed.extend_from_slice(&session.open);
        for request in failed.drain(..) {
            let affected = |request: &Request| matches!(request.phase, Phase::Sent | Phase::Waiting);
            if self.requests.get(request).is_some_and(affected) {
                self.fail_try(now, request, cause);
            }
        }
        self.scratch = failed;
    }

    /// A visit that has nothing more to send says good-bye.
    pub(super) fn close_if_done(&mut self, now: Time, id: Id<Session>) {
        let Some(session) = self.sessions.get(id) else { return };
        if session.remaining > 0 || !session.open.is_empty() {
            return;
        }
        let open = session.connection;
        self.sessions.remove(id);
        let Some(id) = open else { return };
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.session = None;
        let zone = connection.zone;
        self.metrics.connections.closed += 1;
        if !self.wire.is_tcp() {
            self.remove_connection(id);
            return;
        }
        if self.links.loses(Place::Clients, Place::Zone(zone)) {
            self.remove_connection(id);
            return;
        }
        let delay = self.links.delay(Place::Clients, Place::Zone(zone));
        self.engine.schedule(now + delay, Class::Delivery, Happening::DeliverClose(id));
    }

    /// The closing packet reaches its zone: the node must see it, nobody waits for an answer.
    pub(super) fn handle_deliver_close(&mut self, now: Time, id: Id<Connection>) {
        let Some(connection) = self.remove_connection(id) else { return };
        let _ = self.carry(now, connection.zone, &connection.flow(self.wire), Kind::Close);
    }

    /// Carries a packet to the zone's gateways, by the zone's router and nodes.
    pub(super) fn carry(
        &mut self,
        now: Time,
        zone: u16,
        flow: &FlowKey,
        kind: Kind,
    ) -> Result<Passage, Trouble> {
        let place = &mut self.zones[usize::from(zone)];
        if place.lost {
            return Err(Trouble::Silence(Cause::ZoneLost));
        }
        let Some(node) = place.front.next_hop(flow) else {
            return Err(Trouble::Silence(Cause::NoBackend));
        };
        let delivery = place.front.deliver(now, node, flow, kind);
        if let Delivery::Gateway { gateway, choice } = delivery {
            let kind = self.scenario.zones[usize::from(zone)].node_kind;
            // Asked before the packet's own word about the gateway is heard.
            self.checks.flow_goes_where_it_may(now, place, kind, (node, gateway), choice);
        }
        self.hear_of_evictions(zone, node);
        self.hear_of_observations(now, zone, node);
        match delivery {
            Delivery::Gateway { gateway, choice } => Ok(Passage { node, gateway, choice }),
            Delivery::Reset => Err(Trouble::Reset(node)),
            Delivery::Unreachable => Err(Trouble::Unreachable),
            Delivery::Lost(loss) => Err(Trouble::Silence(match loss {
                Loss::BackendGone => Cause::BackendLost,
                Loss::NoBackend => Cause::NoBackend,
                Loss::NodeDown => Cause::NodeLost,
                Loss::Answered(_) | Loss::Refused(_) => Cause::Refused,
            })),
        }
    }
}

/// Why no gateway got a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A node's host answered with a reset.
    Reset(u16),
    /// Nobody answers.
    Silence(Cause),
    /// A node answered "port unreachable".
    Unreachable,
}

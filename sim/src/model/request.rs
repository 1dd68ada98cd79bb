//! Requests: sent, repeated, answered, tried again, given up.
//!
//! A request is due at a time and its latency counts from there, whatever came
//! in between (no coordinated omission). It is tried, and tried again as the
//! client's retry policy says, on the visit's connection of the moment.

use core::time::Duration;

use lb_core::Time;
use lb_core::director::Choice;

use super::Model;
use super::arena::Id;
use super::cause::Cause;
use super::client::{Connection, DEADLINES_MIN, Session, Trouble};
use super::happening::{Happening, Try};
use super::links::Place;
use super::moves::Passage;
use super::packets::Kind;
use super::serve::Stage;
use crate::engine::Class;
use crate::record::Observer;

/// One request, through all its attempts.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) session: Id<Session>,
    /// When it was due.
    intended: Time,
    /// Attempts so far, from 1.
    attempt: u32,
    /// Counts whatever makes old events meaningless.
    pub(super) epoch: u16,
    pub(super) phase: Phase,
    bytes: u64,
    /// The connection of this attempt.
    connection: Option<Id<Connection>>,
    /// Whether a gateway has it.
    taken: bool,
    repeats: u32,
    trouble: Option<Cause>,
    /// Where it is being served.
    pub(super) stage: Stage,
}

impl Request {
    /// Whether it waits for the answer to this attempt.
    fn is_at(&self, attempt: Try) -> bool {
        self.epoch == attempt.epoch && self.phase == Phase::Sent
    }
}

/// What a client does about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It pauses before another attempt.
    Pausing,
    /// It waits for the answer.
    Sent,
    /// It waits for a connection.
    Waiting,
}

/// A client repeats data after 200 ms, then twice that, and so on: Linux's least timeout.
const DATA_REPEAT: Duration = Duration::from_millis(200);

impl<O: Observer> Model<'_, O> {
    /// A visit's next request is due.
    pub(super) fn handle_next_request(&mut self, now: Time, id: Id<Session>) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.remaining -= 1;
        let more = session.remaining > 0;
        let bytes = self.scenario.traffic.request_bytes.sample_bytes(&mut self.streams.sizes);
        let request = self.requests.insert(Request {
            session: id,
            intended: now,
            attempt: 1,
            epoch: 0,
            phase: Phase::Waiting,
            bytes,
            connection: None,
            taken: false,
            repeats: 0,
            trouble: None,
            stage: Stage::default(),
        });
        if let Some(session) = self.sessions.get_mut(id) {
            session.open.push(request);
        }
        self.metrics.requests_started += 1;
        if more {
            let gap = self.scenario.traffic.request_gap.sample_duration(&mut self.streams.gaps);
            self.engine.schedule(now + gap, Class::Delivery, Happening::NextRequest(id));
        }
        self.dispatch(now, request);
    }

    /// Sends a request on the visit's connection, or makes one first.
    fn dispatch(&mut self, now: Time, id: Id<Request>) {
        let Some(request) = self.requests.get_mut(id) else { return };
        request.phase = Phase::Waiting;
        let session_id = request.session;
        let connection = self.sessions.get(session_id).and_then(|session| session.connection);
        match connection.and_then(|connection| self.connections.get(connection)) {
            None => self.open_connection(now, session_id),
            Some(connection) if connection.established => self.send_request(now, id),
            // The handshake's end will send it.
            Some(_) => {}
        }
    }

    /// Sends a request on its visit's established connection.
    pub(super) fn send_request(&mut self, now: Time, id: Id<Request>) {
        let Some(request) = self.requests.get_mut(id) else { return };
        let connection = self.sessions.get(request.session).and_then(|session| session.connection);
        request.phase = Phase::Sent;
        request.connection = connection;
        request.taken = false;
        request.repeats = 0;
        request.trouble = None;
        request.epoch = request.epoch.wrapping_add(1);
        let attempt = Try { request: id, epoch: request.epoch };
        let zone = connection.and_then(|id| self.connections.get(id)).map(|connection| connection.zone);
        if let Some(zone) = zone {
            self.shifts.count_entry(zone);
        }
        let deadline = now + self.scenario.traffic.request_timeout;
        if self.request_deadlines.is_empty() {
            self.engine.schedule(deadline, Class::Timer, Happening::RequestDeadline);
        }
        self.request_deadlines.push_back((deadline, attempt));
        self.forget_deadlines();
        self.send_data(now, attempt);
    }

    /// The request, if this attempt of it is still waiting for an answer.
    pub(super) fn current(&mut self, attempt: Try) -> Option<&mut Request> {
        self.requests.get_mut(attempt.request).filter(|request| request.is_at(attempt))
    }

    fn send_data(&mut self, now: Time, attempt: Try) {
        let Some(request) = self.current(attempt) else { return };
        if request.taken {
            return;
        }
        let (repeats, connection) = (request.repeats, request.connection);
        let Some(zone) = connection.and_then(|id| self.connections.get(id)).map(|found| found.zone) else {
            return;
        };
        if self.links.loses(Place::Clients, Place::Zone(zone)) {
            self.repeat_later(now, attempt, Cause::Network, repeats, Duration::ZERO);
            return;
        }
        let delay = self.links.delay(Place::Clients, Place::Zone(zone));
        self.engine.schedule(now + delay, Class::Delivery, Happening::DeliverData(attempt));
    }

    /// Nobody acknowledged: the client will repeat the data; a datagram is gone.
    fn repeat_later(&mut self, now: Time, attempt: Try, trouble: Cause, repeats: u32, since: Duration) {
        let Some(request) = self.current(attempt) else { return };
        request.trouble = Some(trouble);
        if !self.wire.is_tcp() {
            return;
        }
        let pause = DATA_REPEAT.saturating_mul(1 << repeats.min(16)).saturating_sub(since);
        self.engine.schedule(now + pause, Class::Timer, Happening::RepeatData(attempt));
    }

    /// A client's patience with its data is over: it sends them again.
    pub(super) fn handle_repeat_data(&mut self, now: Time, attempt: Try) {
        if let Some(request) = self.current(attempt) {
            request.repeats += 1;
        }
        self.send_data(now, attempt);
    }

    /// A request's packets reach their zone.
    pub(super) fn handle_deliver_data(&mut self, now: Time, attempt: Try) {
        let Some(request) = self.current(attempt) else { return };
        if request.taken {
            return;
        }
        let (bytes, repeats, connection_id) = (request.bytes, request.repeats, request.connection);
        let Some(id) = connection_id else { return };
        let Some(connection) = self.connections.get(id) else { return };
        let (zone, flow) = (connection.zone, connection.flow(self.wire));
        let mut outcome: Result<Passage, Trouble> = Err(Trouble::Silence(Cause::NoBackend));
        for payload in self.wire.payloads(bytes) {
            let next = self.carry(now, zone, &flow, Kind::Data(payload));
            outcome = match (outcome, next) {
                // The first packet tells how the gateway was found; the others may follow its entry.
                (Ok(first), Ok(next)) if next.choice == Choice::Existing => {
                    Ok(Passage { choice: first.choice, ..next })
                }
                (_, next) => next,
            };
            if outcome.is_err() {
                break;
            }
        }
        let sent = self.links.delay(Place::Clients, Place::Zone(zone));
        match outcome {
            Ok(passage) => self.arrive_at_gateway(now, attempt, id, passage, repeats),
            Err(Trouble::Silence(cause)) => self.repeat_later(now, attempt, cause, repeats, sent),
            // To an established connection this is no reason to end: whoever guesses its ports could
            // send it. Linux does so (`tcp_v4_err`), and RFC 5927, section 5.2, tells why; RFC 1122 let
            // the connection end. A client of datagrams is told at once.
            Err(Trouble::Unreachable) if self.wire.is_tcp() => {
                self.repeat_later(now, attempt, Cause::Refused, repeats, sent);
            }
            Err(Trouble::Unreachable) => {
                let delay = self.links.delay(Place::Zone(zone), Place::Clients);
                let failure = Happening::Answer(attempt, Some(Cause::Refused));
                self.engine.schedule(now + delay, Class::Delivery, failure);
            }
            Err(Trouble::Reset(node)) => {
                let cause = self.cause_of_reset(id, node);
                self.reset(now, zone, id, cause);
            }
        }
    }

    /// A request's last packet reaches a gateway, which may or may not know the connection.
    fn arrive_at_gateway(
        &mut self,
        now: Time,
        attempt: Try,
        id: Id<Connection>,
        passage: Passage,
        repeats: u32,
    ) {
        let Some(zone) = self.connections.get(id).map(|connection| connection.zone) else { return };
        let left = self.follow(now, id, passage);
        let sent = self.links.delay(Place::Clients, Place::Zone(zone));
        let Some(life) = self.gateway_life(zone, passage.gateway) else {
            self.repeat_later(now, attempt, Cause::BackendLost, repeats, sent);
            return;
        };
        if !self.wire.is_tcp() {
            // Any gateway answers a datagram.
            self.bind(id, passage.gateway, life);
        } else if let Some(cause) = left {
            self.reset(now, zone, id, cause);
            return;
        }
        if let Some(request) = self.current(attempt) {
            request.taken = true;
            request.trouble = None;
        }
        self.begin_service(now, attempt, zone, passage.gateway);
    }

    /// A reset, or what ends a connection as well, goes to the client.
    pub(super) fn reset(&mut self, now: Time, zone: u16, id: Id<Connection>, cause: Cause) {
        let delay = self.links.delay(Place::Zone(zone), Place::Clients);
        self.engine.schedule(now + delay, Class::Delivery, Happening::Reset(id, cause));
    }

    /// Deadlines of attempts that are over go once they are more than the others.
    ///
    /// The one that was just entered stays, so that the agenda always has one for them.
    fn forget_deadlines(&mut self) {
        if self.request_deadlines.len() > 2 * self.requests.len() + DEADLINES_MIN {
            let requests = &self.requests;
            self.request_deadlines.retain(|(_, attempt)| {
                requests.get(attempt.request).is_some_and(|request| request.is_at(*attempt))
            });
        }
    }

    /// Requests that were not answered for so long have failed for now.
    pub(super) fn handle_request_deadline(&mut self, now: Time) {
        while let Some(&(deadline, attempt)) = self.request_deadlines.front() {
            let waits = self.current(attempt).is_some();
            if waits && deadline > now {
                self.engine.schedule(deadline, Class::Timer, Happening::RequestDeadline);
                return;
            }
            self.request_deadlines.pop_front();
            if !waits {
                continue;
            }
            let Some(request) = self.current(attempt) else { continue };
            let (trouble, connection) = (request.trouble, request.connection);
            match (trouble, connection) {
                // The path is dead: the client gives up the connection with all that is on it.
                (Some(cause), Some(connection)) if self.gives_up_path(attempt) => {
                    self.break_connection(now, connection, cause);
                }
                (Some(cause), Some(_)) => self.fail_try(now, attempt.request, cause),
                (_, None) | (None, _) => self.fail_try(now, attempt.request, Cause::Timeout),
            }
        }
    }

    /// Whether a client whose packets got no answer leaves the connection: over UDP it asks
    /// again from the same port as long as it asks again at all.
    fn gives_up_path(&mut self, attempt: Try) -> bool {
        let retries = self.retry.retries;
        self.wire.is_tcp() || self.current(attempt).is_none_or(|request| request.attempt > retries)
    }

    /// What the simulator knows of why no answer will come.
    pub(super) fn set_trouble(&mut self, attempt: Try, cause: Cause) {
        if let Some(request) = self.current(attempt) {
            request.trouble = Some(cause);
        }
    }

    /// An answer reaches the client.
    pub(super) fn handle_answer(&mut self, now: Time, attempt: Try, failure: Option<Cause>) {
        let Some(request) = self.current(attempt) else { return };
        let (session, intended) = (request.session, request.intended);
        let zone = request.connection.and_then(|id| self.connections.get(id)).map(|found| found.zone);
        match failure {
            Some(cause) => self.fail_try(now, attempt.request, cause),
            None => {
                self.metrics.count_ok(zone, now - intended);
                self.forget(now, attempt.request, session);
            }
        }
    }

    /// An attempt has failed: another one, or the request is given up.
    pub(super) fn fail_try(&mut self, now: Time, id: Id<Request>, cause: Cause) {
        let Some(request) = self.requests.get_mut(id) else { return };
        request.epoch = request.epoch.wrapping_add(1);
        request.phase = Phase::Pausing;
        request.connection = None;
        match self.retry.pause_after(request.attempt, &mut self.streams.retries) {
            Some(pause) => {
                request.attempt += 1;
                let attempt = Try { request: id, epoch: request.epoch };
                self.metrics.retried += 1;
                self.engine.schedule(now + pause, Class::Timer, Happening::Retry(attempt));
            }
            None => {
                let session = request.session;
                self.metrics.count_failed(cause);
                self.forget(now, id, session);
            }
        }
    }

    /// A request's pause is over.
    pub(super) fn handle_retry(&mut self, now: Time, attempt: Try) {
        let waits = self
            .requests
            .get(attempt.request)
            .is_some_and(|request| request.epoch == attempt.epoch && request.phase == Phase::Pausing);
        if waits {
            self.dispatch(now, attempt.request);
        }
    }

    fn forget(&mut self, now: Time, id: Id<Request>, session_id: Id<Session>) {
        self.requests.remove(id);
        if let Some(session) = self.sessions.get_mut(session_id) {
            session.open.retain(|open| *open != id);
        }
        self.close_if_done(now, session_id);
    }
}

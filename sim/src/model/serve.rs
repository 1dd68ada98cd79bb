//! Gateways and replicas: queueing stations, and who is asked next.
//!
//! A gateway that has worked on a request asks a replica of its own zone, or
//! with the remote share one of another data center, through that zone's
//! router, L4 nodes and gateway. Which replica is the proxy's choice and so
//! environment: the less loaded of two drawn at random. Answers go straight to
//! the client, by-passing the L4 nodes.

use core::time::Duration;

use lb_core::Time;

use super::Model;
use super::cause::Cause;
use super::client::{Trouble, flow};
use super::happening::{Happening, StationId, Try};
use super::links::Place;
use super::packets::Kind;
use super::zone::StationSlot;
use crate::engine::Class;
use crate::record::Observer;
use crate::station::{Condition, Refusal, StationEvent};

/// Where a request is being served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stage {
    /// The zone whose gateway the client's connection ends at, that gateway, and its life.
    entry: (u16, u16, u16),
    /// The zone it is in now.
    zone: u16,
    at: At,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// At the gateway of the zone that the client came to.
    #[default]
    Entry,
    /// At the gateway of another zone.
    Remote,
    /// At a replica.
    Replica,
}

impl<O: Observer> Model<'_, O> {
    /// The life of a gateway that answers, `None` if it does not.
    pub(super) fn gateway_life(&self, zone: u16, gateway: u16) -> Option<u16> {
        let slot = self.zones[usize::from(zone)].gateways.get(usize::from(gateway))?;
        let answers = !slot.black_hole && slot.station.condition() != Condition::Down;
        answers.then_some(slot.life)
    }

    /// A gateway takes a client's request.
    pub(super) fn begin_service(&mut self, now: Time, attempt: Try, zone: u16, gateway: u16) {
        let Some(life) = self.gateway_life(zone, gateway) else { return };
        let stage = Stage { entry: (zone, gateway, life), zone, at: At::Entry };
        if let Some(request) = self.current(attempt) {
            request.stage = stage;
        }
        self.metrics.zones[usize::from(zone)].requests += 1;
        self.join(now, attempt, StationId { zone, is_gateway: true, index: gateway }, stage);
    }

    /// A request joins a station's queue, or is refused.
    fn join(&mut self, now: Time, attempt: Try, id: StationId, stage: Stage) {
        let place = &mut self.zones[usize::from(id.zone)];
        let Some(slot) = place.station_mut(id) else { return };
        let kind = &self.scenario.stations[slot.kind];
        let service = kind.service_time.sample_duration(&mut self.streams.services);
        match slot.station.handle_arrival(now, attempt, service) {
            Ok(_) => self.settle(now, id),
            Err(refused) => {
                let cause = match refused.cause {
                    Refusal::Down => Cause::BackendLost,
                    Refusal::Full => Cause::QueueFull,
                };
                self.answer(now, attempt, stage, Some(cause));
            }
        }
    }

    /// A station has something to do.
    pub(super) fn handle_station(&mut self, now: Time, id: StationId) {
        if let Some(slot) = self.zones[usize::from(id.zone)].station_mut(id) {
            slot.timer = None;
            slot.station.handle_timeout(now);
        }
        self.settle(now, id);
    }

    /// Passes on what left a station, and sets its timer.
    pub(super) fn settle(&mut self, now: Time, id: StationId) {
        while let Some(slot) = self.zones[usize::from(id.zone)].station_mut(id)
            && let Some(event) = slot.station.poll_event()
        {
            match event {
                StationEvent::Finished(departure) => self.handle_finished(now, departure.job),
                StationEvent::TimedOut(departure) => {
                    if let Some(stage) = self.current(departure.job).map(|request| request.stage) {
                        self.answer(now, departure.job, stage, Some(Cause::Timeout));
                    }
                }
                StationEvent::Lost(departure) => {
                    let cause = if self.zones[usize::from(id.zone)].lost {
                        Cause::ZoneLost
                    } else {
                        Cause::BackendLost
                    };
                    self.handle_lost(now, departure.job, id, cause);
                }
            }
        }
        let Some(slot) = self.zones[usize::from(id.zone)].station_mut(id) else { return };
        let due = slot.station.poll_timeout();
        if slot.timer.map(|timer| timer.0) == due {
            return;
        }
        let old = core::mem::take(&mut slot.timer);
        if let Some((_, event)) = old {
            self.engine.cancel(event);
        }
        let timer = due.map(|due| (due, self.engine.schedule(due, Class::Timer, Happening::Station(id))));
        if let Some(slot) = self.zones[usize::from(id.zone)].station_mut(id) {
            slot.timer = timer;
        }
    }

    /// A station crashed with a request in it.
    fn handle_lost(&mut self, now: Time, attempt: Try, id: StationId, cause: Cause) {
        let Some(stage) = self.current(attempt).map(|request| request.stage) else { return };
        let at_entry = stage.at == At::Entry && id.is_gateway;
        if at_entry || cause == Cause::ZoneLost && stage.entry.0 == id.zone {
            // The client's connection went down with it; nobody tells the client.
            self.set_trouble(attempt, cause);
        } else {
            // The gateway's connection to the replica breaks, and it says so.
            self.answer(now, attempt, stage, Some(cause));
        }
    }

    fn handle_finished(&mut self, now: Time, attempt: Try) {
        let Some(stage) = self.current(attempt).map(|request| request.stage) else { return };
        match stage.at {
            At::Entry => self.choose_member(now, attempt, stage),
            At::Remote => self.ask_replica(now, attempt, stage),
            At::Replica => self.answer(now, attempt, stage, None),
        }
    }

    /// A gateway divides requests between local and remote members.
    fn choose_member(&mut self, now: Time, attempt: Try, stage: Stage) {
        let zone = stage.entry.0;
        let local_disabled = self.zones[usize::from(zone)].local_disabled;
        let remote = self.streams.members.chance_of(self.remote_chance) || local_disabled;
        if remote && let Some(other) = self.remote_zone(zone) {
            self.shifts.count_member(zone, true);
            let (here, there) = (Place::Zone(zone), Place::Zone(other));
            if self.links.loses(here, there) {
                self.set_trouble_of_answer(now, attempt, stage, Cause::Network);
                return;
            }
            let delay = self.links.delay(here, there);
            self.engine.schedule(now + delay, Class::Delivery, Happening::DeliverRemote(attempt, other));
            return;
        }
        self.shifts.count_member(zone, false);
        if local_disabled {
            self.answer(now, attempt, stage, Some(Cause::NoBackend));
            return;
        }
        self.ask_replica(now, attempt, stage);
    }

    /// A zone of another data center that the name service still names, drawn at random.
    fn remote_zone(&mut self, zone: u16) -> Option<u16> {
        let remote = &self.remote_zones[usize::from(zone)];
        let standing = |zone: &&u16| self.names.is_published(**zone);
        let count = remote.iter().filter(standing).count() as u64;
        if count == 0 {
            return None;
        }
        let drawn = self.streams.members.below(count) as usize;
        remote.iter().filter(standing).nth(drawn).copied()
    }

    /// A request reaches another zone's router from a gateway, as a connection of its own.
    pub(super) fn handle_deliver_remote(&mut self, now: Time, attempt: Try, zone: u16) {
        let Some(stage) = self.current(attempt).map(|request| request.stage) else { return };
        let number = self.connection_count;
        self.connection_count += 1;
        let flow = flow(self.wire, number, zone);
        let kinds = [Kind::Open, Kind::Data(0), Kind::Close];
        let (first, more) = if self.wire.is_tcp() { (kinds[0], &kinds[1..]) } else { (kinds[1], &[][..]) };
        let mut outcome = self.carry(now, zone, &flow, first);
        for kind in more {
            if outcome.is_ok() {
                outcome = self.carry(now, zone, &flow, *kind);
            }
        }
        let taken = outcome.map(|passage| (passage.gateway, self.gateway_life(zone, passage.gateway)));
        match taken {
            Ok((gateway, Some(_))) => {
                let stage = Stage { zone, at: At::Remote, ..stage };
                if let Some(request) = self.current(attempt) {
                    request.stage = stage;
                }
                self.metrics.zones[usize::from(zone)].requests += 1;
                self.join(now, attempt, StationId { zone, is_gateway: true, index: gateway }, stage);
            }
            Ok((_, None)) => self.set_trouble_of_answer(now, attempt, stage, Cause::BackendLost),
            Err(Trouble::Silence(cause)) => self.set_trouble_of_answer(now, attempt, stage, cause),
            Err(Trouble::Reset(_) | Trouble::Unreachable) => {
                self.answer(now, attempt, stage, Some(Cause::Refused));
            }
        }
    }

    /// A gateway hears nothing from another zone: after its own timeout it says so.
    fn set_trouble_of_answer(&mut self, now: Time, attempt: Try, stage: Stage, cause: Cause) {
        self.answer_after(now, UPSTREAM_TIMEOUT, attempt, stage, Some(cause));
    }

    /// A gateway asks a replica of its zone: the less loaded of two.
    fn ask_replica(&mut self, now: Time, attempt: Try, stage: Stage) {
        let place = &self.zones[usize::from(stage.zone)];
        let known = place.endpoints.len() as u64;
        if known == 0 {
            self.answer(now, attempt, stage, Some(Cause::NoBackend));
            return;
        }
        let draw = self.streams.members.next_u64();
        let one = place.endpoints[((u128::from(draw) * u128::from(known)) >> 64) as usize];
        let other = place.endpoints[self.streams.members.below(known) as usize];
        let load = |index: u16| place.replicas[usize::from(index)].station.jobs();
        let index = if load(other) < load(one) { other } else { one };
        let stage = Stage { at: At::Replica, ..stage };
        if let Some(request) = self.current(attempt) {
            request.stage = stage;
        }
        self.join(now, attempt, StationId { zone: stage.zone, is_gateway: false, index }, stage);
    }

    /// An answer goes back to the client, if the gateway that holds its connection still does.
    fn answer(&mut self, now: Time, attempt: Try, stage: Stage, failure: Option<Cause>) {
        self.answer_after(now, Duration::ZERO, attempt, stage, failure);
    }

    fn answer_after(
        &mut self,
        now: Time,
        pause: Duration,
        attempt: Try,
        stage: Stage,
        failure: Option<Cause>,
    ) {
        let (zone, gateway, life) = stage.entry;
        if self.gateway_life(zone, gateway) != Some(life) {
            let cause = if self.zones[usize::from(zone)].lost { Cause::ZoneLost } else { Cause::BackendLost };
            self.set_trouble(attempt, cause);
            return;
        }
        let here = Place::Zone(zone);
        let mut delay = pause + self.links.delay(here, Place::Clients);
        // node to gateway, gateway to replica and back
        delay += self.links.delay(here, here).saturating_mul(3);
        if stage.zone != zone {
            delay += self.links.delay(Place::Zone(stage.zone), here);
        }
        if failure.is_none() && self.scenario.network.client_bandwidth > 0 {
            let bytes = self.scenario.traffic.response_bytes.sample_bytes(&mut self.streams.sizes);
            delay += transfer(bytes, self.scenario.network.client_bandwidth);
        }
        // Over TCP the gateway repeats a lost answer until it gets through, as clients do their data.
        let mut repeat = ANSWER_REPEAT;
        while self.links.loses(here, Place::Clients) {
            delay += repeat;
            repeat = repeat.saturating_mul(2);
            if repeat > ANSWER_REPEAT_MAX || !self.wire.is_tcp() {
                self.set_trouble(attempt, Cause::Network);
                return;
            }
        }
        self.engine.schedule(now + delay, Class::Delivery, Happening::Answer(attempt, failure));
    }

    /// Gateways learn which replicas of their zone there are.
    pub(super) fn handle_endpoints(&mut self, zone: u16) {
        let place = &mut self.zones[usize::from(zone)];
        let alive = |slot: &StationSlot| slot.station.condition() != Condition::Down;
        place.endpoints.clear();
        let known = (0..).zip(&place.replicas).filter(|(_, slot)| alive(slot)).map(|(index, _)| index);
        place.endpoints.extend(known);
    }
}

/// A gateway waits so long for another zone's first byte.
const UPSTREAM_TIMEOUT: Duration = Duration::from_secs(1);
/// Linux's least retransmission timeout, as for the clients' data.
const ANSWER_REPEAT: Duration = Duration::from_millis(200);
/// After six repeats the client has given up long since.
const ANSWER_REPEAT_MAX: Duration = Duration::from_secs(13);

/// How long so many bytes take.
fn transfer(bytes: u64, bytes_per_second: u64) -> Duration {
    let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(bytes_per_second);
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

//! The packet path: bytes in, verdict out.
//!
//! It strings the steps together (classify, find, plan, commit, transmit) and
//! counts. What it decides itself is only that answers are rationed.

use core::net::IpAddr;

use super::answer::{self, Answer};
use super::classify::{Class, PacketKind, ServiceFlow, transport_flow};
use super::plan::{Action, Entry};
use super::registry::Backend;
use super::verdict::{Choice, DropReason, Verdict};
use super::{BatchPacket, Director};
use crate::connection::{ConnectionKey, Touched};
use crate::encapsulation::{EncapsulationError, Tunnel};
use crate::hash::FlowHash;
use crate::identity::BackendId;
use crate::packet::{self, Fragment, Packet, plain};
use crate::time::Time;

/// Packets whose cache misses overlap in one batch.
const LANES: usize = 32;

/// What a batch knows of a packet before it is decided: its service's place and its key's hash.
type Ahead = (usize, Touched);

impl Director {
    /// Decides about one packet and writes what is to be sent into `out`.
    ///
    /// `packet` begins with its IP header. `out` should hold the MTU of the
    /// path to the backends and the longest packet expected plus 52 bytes,
    /// whichever is more. Work and memory are bounded whatever the bytes are.
    pub fn handle_packet(&mut self, now: Time, packet: &[u8], out: &mut [u8]) -> Verdict {
        self.handle(now, packet, None, out)
    }

    /// Decides about many packets in order, with the same outcome as one by one.
    ///
    /// The connection table is touched for all before any is decided, so that
    /// their cache misses overlap: with a million flows this is the faster way.
    pub fn handle_packets(&mut self, now: Time, batch: &mut [BatchPacket<'_>]) {
        for lane in batch.chunks_mut(LANES) {
            let mut ahead = [None; LANES];
            for (item, ahead) in lane.iter().zip(&mut ahead) {
                *ahead = self.look_ahead(item.packet);
            }
            // Each step in a loop of its own, short enough that the processor
            // has the loads of all lanes under way at once.
            for (_, touched) in ahead.iter().flatten() {
                self.connections.fetch_index(touched);
            }
            for (_, touched) in ahead.iter().flatten() {
                self.connections.fetch_entry(touched);
            }
            for (item, ahead) in lane.iter_mut().zip(ahead) {
                item.verdict = self.handle(now, item.packet, ahead, item.out);
            }
        }
    }

    /// The service of a plain packet and its key's hash; the others are rare.
    #[inline(always)]
    fn look_ahead(&self, packet: &[u8]) -> Option<Ahead> {
        let packet = plain::v4(packet).or_else(|| plain::v6(packet))?;
        let Class::Flow(target) = self.classify_transport(&packet)? else { return None };
        Some((target.place, self.connections.touch(&self.connection_key(target.place, &target.flow))))
    }

    /// Nearly every packet is plain. Each family gets a copy of the path in
    /// which the compiler knows it, and nothing is stored to be read again.
    #[inline(always)]
    fn handle(&mut self, now: Time, packet: &[u8], ahead: Option<Ahead>, out: &mut [u8]) -> Verdict {
        let verdict = if let Some(packet) = plain::v4(packet) {
            self.handle_plain(now, &packet, ahead, out)
        } else if let Some(packet) = plain::v6(packet) {
            self.handle_plain(now, &packet, ahead, out)
        } else {
            self.handle_any(now, packet, out)
        };
        self.counters.count(verdict);
        verdict
    }

    /// A packet with the transport header and nothing out of the ordinary.
    #[inline(always)]
    fn handle_plain(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        ahead: Option<Ahead>,
        out: &mut [u8],
    ) -> Verdict {
        if let (Some((place, touched)), Some(flow)) = (ahead, transport_flow(packet)) {
            let target = ServiceFlow { place, flow, kind: PacketKind::Transport };
            return self.steer(now, packet, &target, Some(touched), out);
        }
        match self.classify_transport(packet) {
            Some(Class::Flow(target)) => self.steer(now, packet, &target, None, out),
            Some(Class::Pass(reason)) => Verdict::Pass(reason),
            Some(Class::Drop(reason)) => Verdict::Drop(reason),
            Some(Class::Echo | Class::TunnelError(_)) | None => self.handle_any(now, packet.bytes(), out),
        }
    }

    /// Any other packet.
    #[cold]
    #[inline(never)]
    fn handle_any(&mut self, now: Time, packet: &[u8], out: &mut [u8]) -> Verdict {
        let parsed = packet::parse(packet);
        let class = match &parsed {
            Ok(packet) => self.classify(now, packet),
            Err(error) => self.classify_faulty(*error, packet),
        };
        match (class, &parsed) {
            (Class::Flow(target), Ok(packet)) => self.steer(now, packet, &target, None, out),
            (Class::Echo, Ok(packet)) => {
                self.send(now, packet.ip.addresses.source(), answer::to_echo(packet, out))
            }
            (Class::TunnelError(error), Ok(packet)) => {
                let router = self.answer_for_router(packet, &error, out);
                if let Some((backend, path_mtu)) = router.path {
                    self.learn_path_mtu(now, backend, path_mtu);
                }
                match router.answer {
                    Ok((client, answer)) => self.send(now, client, answer),
                    Err(verdict) => verdict,
                }
            }
            (Class::Pass(reason), _) => Verdict::Pass(reason),
            (Class::Drop(reason), _) => Verdict::Drop(reason),
            (Class::Flow(_) | Class::Echo | Class::TunnelError(_), Err(error)) => {
                Verdict::Drop(DropReason::Malformed(*error))
            }
        }
    }

    /// Chooses the backend of a service's packet and sends it there.
    ///
    /// Inlined, because what the caller knows of the packet saves much of it.
    #[inline(always)]
    fn steer(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        target: &ServiceFlow,
        touched: Option<Touched>,
        out: &mut [u8],
    ) -> Verdict {
        let segment = packet.segment();
        let key = self.connection_key(target.place, &target.flow);
        let touched = match touched {
            Some(touched) => touched,
            None => self.connections.touch(&key),
        };
        let found = self.connections.peek_touched(now, &key, &touched);
        if matches!(packet.ip.fragment, Fragment::First { .. }) {
            self.fragments.record(now, packet);
        }
        let plan = self.plan(target, segment, found.as_ref());
        match plan.entry {
            Entry::Untouched => {}
            Entry::Observe(handle) => {
                if let (true, Some(found)) = (self.observations.wanted(), &found) {
                    self.observations.note(found, segment);
                }
                self.connections.observe(now, handle, segment);
            }
            Entry::Insert(backend) => {
                self.connections.insert_touched(now, key, &touched, segment, backend);
            }
            Entry::Rebind(handle, backend) => self.connections.rebind(now, handle, backend, segment),
            Entry::Forget(handle) => self.connections.remove(handle),
        }
        match plan.action {
            Action::Forward { backend, choice } => self.transmit(now, packet, target, backend, choice, out),
            Action::NoBackend => self.refuse_flow(now, target.place, packet.bytes(), out),
            Action::Pass(reason) => self.refuse(target.place, Verdict::Pass(reason)),
            Action::Drop(reason) => self.refuse(target.place, Verdict::Drop(reason)),
        }
    }

    /// A packet of a service that is not forwarded.
    #[cold]
    fn refuse(&mut self, place: usize, verdict: Verdict) -> Verdict {
        self.services[place].counters.refused += 1;
        verdict
    }

    #[inline(always)]
    pub(super) fn connection_key(&self, place: usize, flow: &crate::FlowKey) -> ConnectionKey {
        let service = self.services[place].id;
        ConnectionKey { service, source: flow.source(), source_port: flow.source_port() }
    }

    /// Writes the tunnel packet, or the answer that the client gets instead.
    #[inline(always)]
    fn transmit(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        target: &ServiceFlow,
        backend: BackendId,
        choice: Choice,
        out: &mut [u8],
    ) -> Verdict {
        if self.backends.find(backend).is_some_and(Backend::has_path_mtu) {
            return self.transmit_narrow(now, packet.bytes(), *target, backend, choice, out);
        }
        self.transmit_through(now, packet, target, (backend, None), choice, out)
    }

    /// [`transmit`](Self::transmit) where the path may be narrower than the tunnel.
    #[cold]
    #[inline(never)]
    fn transmit_narrow(
        &mut self,
        now: Time,
        packet: &[u8],
        target: ServiceFlow,
        backend: BackendId,
        choice: Choice,
        out: &mut [u8],
    ) -> Verdict {
        let tunnel = &self.services[target.place].tunnel;
        let narrowed = self.backends.find(backend).and_then(|backend| backend.narrowed(now, tunnel));
        self.transmit_through(now, &parse_again(packet), &target, (backend, narrowed), choice, out)
    }

    #[inline(always)]
    fn transmit_through(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        target: &ServiceFlow,
        (id, narrowed): (BackendId, Option<Tunnel>),
        choice: Choice,
        out: &mut [u8],
    ) -> Verdict {
        let service = &mut self.services[target.place];
        let Some(backend) = self.backends.find_mut(id) else {
            return self.refuse(target.place, Verdict::Drop(DropReason::NoBackend));
        };
        let hash = match service.spreads {
            true => self.config.hash_key.hash_flow(&target.flow, crate::HashFields::ALL),
            false => FlowHash(0),
        };
        let tunnel = narrowed.as_ref().unwrap_or(&service.tunnel);
        match tunnel.encapsulate(packet, backend.endpoint.address, hash, &mut backend.identification, out) {
            Ok(length) => {
                service.counters.count_forward(packet.bytes().len(), choice);
                backend.counters.count_forward(packet.bytes().len(), choice);
                Verdict::Forward { backend: id, length, choice }
            }
            Err(error) => self.answer_undeliverable(now, target.place, packet.bytes(), &error, out),
        }
    }

    /// The answer to a packet that the tunnel does not take.
    #[cold]
    fn answer_undeliverable(
        &mut self,
        now: Time,
        place: usize,
        packet: &[u8],
        error: &EncapsulationError,
        out: &mut [u8],
    ) -> Verdict {
        self.services[place].counters.refused += 1;
        let packet = parse_again(packet);
        let answer = answer::to_undeliverable(&packet, error, out);
        self.send(now, packet.ip.addresses.source(), answer)
    }

    #[cold]
    fn refuse_flow(&mut self, now: Time, place: usize, packet: &[u8], out: &mut [u8]) -> Verdict {
        self.services[place].counters.refused += 1;
        let packet = parse_again(packet);
        let answer = self.answer_to_refused(&packet, out);
        self.send(now, packet.ip.addresses.source(), answer)
    }

    /// Sends an answer, if there is one and the rate allows it.
    fn send(&mut self, now: Time, client: IpAddr, answer: Answer) -> Verdict {
        match answer {
            Ok((length, kind)) if self.icmp_budgets.allow(now, kind, client) => {
                Verdict::Reply { length, kind }
            }
            Ok(_) => Verdict::Drop(DropReason::RateLimited),
            Err(reason) => Verdict::Drop(reason),
        }
    }
}

/// Reads a packet once more, where something rare happens to it.
///
/// Were the rare cases handed the first reading, the usual one would have to
/// keep it in memory for them.
fn parse_again(bytes: &[u8]) -> Packet<'_> {
    packet::parse(bytes).expect("the bytes of a packet that was parsed")
}

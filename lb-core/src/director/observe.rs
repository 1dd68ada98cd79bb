//! What clients' packets alone say of a backend, for passive health.
//!
//! With direct return a node sees no answer, but the client's next packet tells:
//! an opening packet that comes again although it was passed on was not
//! answered, and whatever follows it says that it was. (A backend's reset goes
//! straight to the client and is never seen.) What the observations amount to
//! is decided by [`health`](crate::health); a director that nobody asked to
//! observe keeps none.

use alloc::collections::VecDeque;

use super::Director;
use crate::connection::{Found, IpvsTcpState, SctpClass, SctpState, Segment, State, TcpEvent, TcpState};
use crate::health::Observation;
use crate::identity::BackendId;

/// Observations that wait to be fetched; beyond that the oldest is forgotten.
const LIMIT: usize = 1024;

/// The observations of a director that is asked to make them.
#[derive(Clone, Debug, Default)]
pub(super) struct Observations {
    wanted: bool,
    queue: VecDeque<(BackendId, Observation)>,
}

impl Observations {
    /// Whether anybody wants them.
    #[inline(always)]
    pub(super) const fn wanted(&self) -> bool {
        self.wanted
    }

    /// Whom those that wait are about.
    pub(super) fn backends(&self) -> impl Iterator<Item = BackendId> {
        self.queue.iter().map(|(backend, _)| *backend)
    }

    /// Keeps what a packet of a flow says of the flow's backend.
    #[cold]
    pub(super) fn note(&mut self, found: &Found, segment: Segment) {
        if let Some(observation) = observation(found.state, segment) {
            if self.queue.len() == LIMIT {
                self.queue.pop_front();
            }
            self.queue.push_back((found.backend, observation));
        }
    }
}

impl Director {
    /// Whether to keep what clients' packets say of their backends; off at first.
    pub fn set_observing(&mut self, wanted: bool) {
        self.observations = Observations { wanted, queue: VecDeque::new() };
    }

    /// The oldest observation that was not fetched yet; at most 1,024 are kept.
    ///
    /// For [`BackendHealth::handle_observation`](crate::health::BackendHealth::handle_observation).
    pub fn poll_observation(&mut self) -> Option<(BackendId, Observation)> {
        self.observations.queue.pop_front()
    }
}

/// What a packet says of the backend that has its flow in `state`.
const fn observation(state: State, segment: Segment) -> Option<Observation> {
    match (state, segment) {
        (State::Tcp(TcpState::SynReceived) | State::IpvsTcp(IpvsTcpState::SynRecv), Segment::Tcp(event)) => {
            match event {
                TcpEvent::Syn => Some(Observation::SynUnanswered),
                TcpEvent::Ack | TcpEvent::Fin => Some(Observation::Answered),
                // A client may give up before any answer.
                TcpEvent::Rst | TcpEvent::None => None,
            }
        }
        (State::Sctp(SctpState::Init), Segment::Sctp(class)) => match class {
            SctpClass::Init => Some(Observation::SynUnanswered),
            SctpClass::CookieEcho => Some(Observation::Answered),
            _ => None,
        },
        (_, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Client, World};
    use super::*;

    const ONE: Client = Client { port: 40_000 };

    fn observations(packets: &[&str]) -> alloc::vec::Vec<Observation> {
        let mut world = World::new("profile: { kind: own }");
        world.director.set_observing(true);
        packets.iter().for_each(|flags| _ = world.handle(&ONE.tcp(flags, 0)));
        core::iter::from_fn(|| world.director.poll_observation())
            .map(|(_, observation)| observation)
            .collect()
    }

    #[test]
    fn what_clients_do_after_an_opening_packet() {
        use Observation::{Answered, SynUnanswered};
        let cases: [(&[&str], &[Observation]); 6] = [
            (&["S"], &[]),
            (&["S", "S", "S"], &[SynUnanswered, SynUnanswered]),
            (&["S", "A", "A"], &[Answered]),
            (&["S", "S", "A"], &[SynUnanswered, Answered]),
            (&["S", "R"], &[]),
            // A flow that began elsewhere says nothing, nor does a SYN amid an open one.
            (&["A", "S", "A"], &[]),
        ];
        for (packets, expected) in cases {
            assert_eq!(observations(packets), expected, "{packets:?}");
        }
    }

    #[test]
    fn nobody_is_told_who_did_not_ask_and_the_queue_has_a_limit() {
        let mut world = World::new("profile: { kind: own }");
        (0..3).for_each(|_| _ = world.handle(&ONE.tcp("S", 0)));
        assert_eq!(world.director.poll_observation(), None);
        world.director.set_observing(true);
        (0..2 * LIMIT).for_each(|_| _ = world.handle(&ONE.tcp("S", 0)));
        let kept = core::iter::from_fn(|| world.director.poll_observation()).count();
        assert_eq!(kept, LIMIT);
    }
}

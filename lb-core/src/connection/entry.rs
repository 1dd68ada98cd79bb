//! What the table keeps of one flow, as far as a hit needs it.
//!
//! The fields are what a packet is compared with and what it changes; how long
//! an entry lives and what a packet makes of it follow from them and the rules
//! alone. Where an entry lies and hangs is the [`family`](super::family)'s.

use super::code::{Code, Event, Rules};
use super::key::Address;
use super::ledger::Standing;
use super::{ConnectionHandle, Found};
use crate::identity::{BackendId, ServiceId};

/// A client of this family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client<A> {
    pub(super) service: ServiceId,
    pub(super) source: A,
    pub(super) port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Free,
    Proven,
    Unproven,
}

/// What a hit reads and writes: 20 bytes for IPv4, 32 for IPv6.
#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct Entry<A: Address> {
    pub(super) alignment: [A::Alignment; 0],
    pub(super) source: A,
    pub(super) service: ServiceId,
    pub(super) backend: BackendId,
    /// In milliseconds, modulo 2^32; of what, the family's header says.
    pub(super) seen: u32,
    pub(super) port: u16,
    pub(super) state: Code,
    pub(super) status: Status,
}

impl<A: Address> Entry<A> {
    #[inline]
    pub(super) fn is_of(&self, client: &Client<A>) -> bool {
        self.source == client.source && self.port == client.port && self.service == client.service
    }

    /// Takes note of a packet that changes no more than when the flow was seen,
    /// as nearly all do; false if it changes more.
    #[inline(always)]
    pub(super) fn take_note(&mut self, now: u64, event: Event) -> bool {
        if event == Event::OTHER {
            return true;
        }
        if self.status == Status::Proven {
            self.seen = wrap(now);
            return self.state.next(event) == self.state;
        }
        false
    }

    /// Milliseconds since it was seen.
    #[inline]
    pub(super) const fn age(&self, now: u64) -> u32 {
        wrap(now).wrapping_sub(self.seen)
    }

    #[inline]
    pub(super) fn is_expired(&self, rules: &Rules, now: u64) -> bool {
        self.age(now) >= rules.timeout_ms(self.state)
    }

    pub(super) fn deadline(&self, rules: &Rules, now: u64) -> u64 {
        (now + u64::from(rules.timeout_ms(self.state))).saturating_sub(u64::from(self.age(now)))
    }

    pub(super) fn standing(&self) -> Standing {
        let proven = self.status == Status::Proven;
        Standing { backend: self.backend, active: self.state.is_active(), proven }
    }

    #[inline]
    pub(super) fn found(&self, number: u32) -> Found {
        Found {
            handle: ConnectionHandle(number),
            backend: self.backend,
            state: self.state.state(),
            proven: self.status == Status::Proven,
        }
    }
}

/// Milliseconds as an entry keeps them.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "modulo 2^32 on purpose")]
pub(super) const fn wrap(now: u64) -> u32 {
    now as u32
}

//! All sessions of a node: which packet is for which.
//!
//! A packet that gives our discriminator is for the session of that name; the
//! first ones do not know it yet and are told apart by where they come from
//! (RFC 5880 section 6.3, RFC 5881 section 3). Before a session hears of a
//! packet, its TTL must prove that it comes from where it should (RFC 5881
//! section 5; for several hops RFC 5883 section 5 leaves the bound to us).

use alloc::collections::{BTreeMap, BTreeSet};
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use super::config::SessionConfig;
use super::pace::Draws;
use super::packet::{ControlPacket, Discard, PACKET_BYTES};
use super::session::{Session, StateChange};
use super::state::SessionState;
use crate::time::Time;

/// The UDP port of sessions over one hop (RFC 5881 section 4).
pub const ONE_HOP_PORT: u16 = 3_784;
/// The UDP port of sessions over several hops (RFC 5883 section 5).
pub const MANY_HOPS_PORT: u16 = 4_784;
/// The TTL with which packets are sent, so that the receiver can count the hops (RFC 5881 section 5).
pub const SENT_TTL: u8 = 255;

/// Who is at the other end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Neighbor {
    /// Its address.
    pub address: IpAddr,
    /// How far away it is.
    pub hops: Hops,
}

/// How far away a neighbour is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hops {
    /// On the same link: packets arrive with TTL 255.
    One,
    /// Behind routers.
    Many {
        /// The least TTL with which its packets may arrive: 255 less the routers between.
        least_ttl: u8,
    },
}

impl Hops {
    /// The way by which packets of such a session come.
    #[must_use]
    pub const fn arrived(self) -> Arrived {
        match self {
            Self::One => Arrived::OneHop,
            Self::Many { .. } => Arrived::ManyHops,
        }
    }

    const fn least_ttl(self) -> u8 {
        match self {
            Self::One => SENT_TTL,
            Self::Many { least_ttl } => least_ttl,
        }
    }
}

/// The port by which a packet came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arrived {
    /// [`MANY_HOPS_PORT`].
    ManyHops,
    /// [`ONE_HOP_PORT`].
    OneHop,
}

impl fmt::Display for Arrived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ManyHops => "several hops (UDP 4784)",
            Self::OneHop => "one hop (UDP 3784)",
        })
    }
}

/// Where a packet came from, as the socket knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The source address.
    pub address: IpAddr,
    /// The port at which it arrived.
    pub arrived: Arrived,
    /// The TTL or hop limit with which it arrived.
    pub ttl: u8,
}

/// A packet to send, with TTL [`SENT_TTL`], to the port of the neighbour's hops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// To whom.
    pub to: Neighbor,
    /// The UDP payload.
    pub bytes: [u8; PACKET_BYTES],
}

/// A fact about one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which.
    pub neighbor: Neighbor,
    /// What.
    pub change: StateChange,
}

/// Why a session cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// There is one with that address already, by the same port.
    #[error("there is a session with {address} already; change its settings, or remove it first")]
    Exists {
        /// The neighbour's.
        address: IpAddr,
    },
    /// The set is full.
    #[error("{limit} sessions are the limit; remove one first")]
    Full {
        /// As given to [`Sessions::new`].
        limit: usize,
    },
}

/// The sessions of a node, at most a few hundred: deadlines are found by walking them.
///
/// The contract is that of a [`Session`].
///
/// ```
/// use lb_core::Time;
/// use lb_core::bfd::{Hops, Neighbor, SessionConfig, Sessions};
///
/// let mut sessions = Sessions::new(16, 7);
/// let router = Neighbor { address: "192.0.2.1".parse()?, hops: Hops::One };
/// sessions.add(Time::ZERO, router, SessionConfig::default())?;
/// sessions.handle_timeout(Time::ZERO);
/// let first = sessions.poll_transmit().expect("a new session speaks at once");
/// assert_eq!(first.to, router);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sessions {
    limit: usize,
    draws: Draws,
    by_discriminator: BTreeMap<u32, Entry>,
    by_address: BTreeMap<(IpAddr, Arrived), u32>,
    to_transmit: BTreeSet<u32>,
    to_tell: BTreeSet<u32>,
}

#[derive(Clone, Debug)]
struct Entry {
    neighbor: Neighbor,
    session: Session,
    /// Removed, and until then still telling the neighbour so.
    leaving: Option<Time>,
}

impl Sessions {
    /// No sessions, at most `limit`; discriminators and jitter follow from `seed`,
    /// which is another after each start so that neighbours see another session.
    #[must_use]
    pub const fn new(limit: usize, seed: u64) -> Self {
        Self {
            limit,
            draws: Draws::new(seed),
            by_discriminator: BTreeMap::new(),
            by_address: BTreeMap::new(),
            to_transmit: BTreeSet::new(),
            to_tell: BTreeSet::new(),
        }
    }

    /// Adds a session with a neighbour.
    ///
    /// # Errors
    ///
    /// There is one already, or there are too many.
    pub fn add(&mut self, now: Time, neighbor: Neighbor, config: SessionConfig) -> Result<(), AddError> {
        let key = (neighbor.address, neighbor.hops.arrived());
        if let Some(discriminator) = self.by_address.get(&key) {
            if self.by_discriminator.get(discriminator).is_some_and(|entry| entry.leaving.is_none()) {
                return Err(AddError::Exists { address: neighbor.address });
            }
            self.forget(*discriminator);
        }
        if self.by_discriminator.len() >= self.limit {
            return Err(AddError::Full { limit: self.limit });
        }
        let discriminator = self.free_discriminator();
        let session = Session::new(now, discriminator, config, self.draws.bits());
        self.by_address.insert(key, discriminator);
        self.by_discriminator.insert(discriminator, Entry { neighbor, session, leaving: None });
        Ok(())
    }

    /// Removes a session: the neighbour is told for a detection time that it was
    /// a hand, so that it takes nothing for dead (RFC 5880 section 6.8.16).
    pub fn remove(&mut self, now: Time, address: IpAddr, arrived: Arrived) {
        let Some(discriminator) = self.by_address.get(&(address, arrived)).copied() else { return };
        let Some(entry) = self.by_discriminator.get_mut(&discriminator) else { return };
        entry.session.handle_disable(now);
        // What the neighbour waits for, as far as is known here, and a slow packet more.
        let config = entry.session.config();
        let silence = config.desired_min_tx().max(Duration::from_secs(1));
        let until = now + silence * u32::from(config.detect_multiplier());
        entry.leaving.get_or_insert(until);
        self.touch(discriminator);
    }

    /// Takes a UDP payload.
    ///
    /// # Errors
    ///
    /// Why it was discarded.
    pub fn handle_packet(&mut self, now: Time, origin: Origin, bytes: &[u8]) -> Result<Neighbor, Discard> {
        let (packet, authentication) = ControlPacket::parse(bytes)?;
        let discriminator = self.find(&origin, &packet)?;
        let entry = self
            .by_discriminator
            .get_mut(&discriminator)
            .expect("an address is in one map as long as its session is in the other");
        let expected = entry.neighbor.hops;
        if expected.arrived() != origin.arrived {
            return Err(Discard::WrongHops { arrived: origin.arrived, expected: expected.arrived() });
        }
        if origin.ttl < expected.least_ttl() {
            return Err(Discard::Ttl { ttl: origin.ttl, least: expected.least_ttl() });
        }
        if let Some(authentication) = authentication {
            return Err(Discard::Authenticated { kind: authentication.kind });
        }
        let (neighbor, heard) = (entry.neighbor, entry.session.handle_packet(now, &packet));
        self.touch(discriminator);
        heard.map(|()| neighbor)
    }

    /// Does what is due in any session.
    pub fn handle_timeout(&mut self, now: Time) {
        let gone = |entry: &Entry| entry.leaving.is_some_and(|until| until <= now);
        let (mut left, mut due) = (BTreeSet::new(), BTreeSet::new());
        for (discriminator, entry) in &self.by_discriminator {
            if gone(entry) {
                left.insert(*discriminator);
            } else if entry.session.poll_timeout().is_some_and(|deadline| deadline <= now) {
                due.insert(*discriminator);
            }
        }
        left.into_iter().for_each(|discriminator| self.forget(discriminator));
        for discriminator in due {
            if let Some(entry) = self.by_discriminator.get_mut(&discriminator) {
                entry.session.handle_timeout(now);
                self.touch(discriminator);
            }
        }
    }

    /// Takes a session down by hand, or puts it back.
    pub fn handle_admin(&mut self, now: Time, address: IpAddr, arrived: Arrived, enabled: bool) {
        self.with(address, arrived, |session| {
            if enabled { session.handle_enable(now) } else { session.handle_disable(now) }
        });
    }

    /// Changes a session's settings.
    pub fn handle_config(&mut self, now: Time, address: IpAddr, arrived: Arrived, config: SessionConfig) {
        self.with(address, arrived, |session| session.handle_config(now, config));
    }

    /// The next packet to send.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        while let Some(discriminator) = self.to_transmit.first().copied() {
            if let Some(entry) = self.by_discriminator.get_mut(&discriminator)
                && let Some(packet) = entry.session.poll_transmit()
            {
                return Some(Transmit { to: entry.neighbor, bytes: packet.emit() });
            }
            self.to_transmit.remove(&discriminator);
        }
        None
    }

    /// The next fact; nothing of sessions that were removed.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        while let Some(discriminator) = self.to_tell.pop_first() {
            if let Some(entry) = self.by_discriminator.get_mut(&discriminator)
                && entry.leaving.is_none()
                && let Some(change) = entry.session.poll_event()
            {
                return Some(Event { neighbor: entry.neighbor, change });
            }
        }
        None
    }

    /// When [`handle_timeout`](Self::handle_timeout) is next needed.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let entries = self.by_discriminator.values();
        entries.flat_map(|entry| [entry.session.poll_timeout(), entry.leaving]).flatten().min()
    }

    /// The session with a neighbour, unless it was removed.
    #[must_use]
    pub fn session(&self, address: IpAddr, arrived: Arrived) -> Option<&Session> {
        let entry = self.by_discriminator.get(self.by_address.get(&(address, arrived))?)?;
        entry.leaving.is_none().then_some(&entry.session)
    }

    /// Whether there are packets for that neighbour still to come: of its session,
    /// or of one that was removed and says so. Its socket is needed for as long.
    #[must_use]
    pub fn speaks_to(&self, address: IpAddr, arrived: Arrived) -> bool {
        self.by_address.contains_key(&(address, arrived))
    }

    /// All sessions that were not removed, by their neighbours' addresses.
    pub fn iter(&self) -> impl Iterator<Item = (Neighbor, &Session)> {
        let entries = self.by_address.values().filter_map(|name| self.by_discriminator.get(name));
        entries.filter(|entry| entry.leaving.is_none()).map(|entry| (entry.neighbor, &entry.session))
    }

    /// The session that a packet is for (RFC 5880 section 6.8.6).
    fn find(&self, origin: &Origin, packet: &ControlPacket) -> Result<u32, Discard> {
        let discriminator = packet.your_discriminator;
        if discriminator != 0 {
            let known = self.by_discriminator.contains_key(&discriminator);
            return if known {
                Ok(discriminator)
            } else {
                Err(Discard::UnknownDiscriminator { discriminator })
            };
        }
        match packet.state {
            SessionState::AdminDown | SessionState::Down => {}
            state @ (SessionState::Init | SessionState::Up) => {
                return Err(Discard::YourDiscriminatorZero { state });
            }
        }
        let found = self.by_address.get(&(origin.address, origin.arrived)).copied();
        found.ok_or(Discard::UnknownPeer { peer: origin.address })
    }

    fn with(&mut self, address: IpAddr, arrived: Arrived, change: impl FnOnce(&mut Session)) {
        let Some(discriminator) = self.by_address.get(&(address, arrived)).copied() else { return };
        if let Some(entry) = self.by_discriminator.get_mut(&discriminator)
            && entry.leaving.is_none()
        {
            change(&mut entry.session);
            self.touch(discriminator);
        }
    }

    fn touch(&mut self, discriminator: u32) {
        self.to_transmit.insert(discriminator);
        self.to_tell.insert(discriminator);
    }

    fn forget(&mut self, discriminator: u32) {
        if let Some(entry) = self.by_discriminator.remove(&discriminator) {
            self.by_address.remove(&(entry.neighbor.address, entry.neighbor.hops.arrived()));
        }
    }

    /// A name that is not 0 and nobody's.
    fn free_discriminator(&mut self) -> u32 {
        loop {
            let drawn = (self.draws.bits() >> 32) as u32;
            if drawn != 0 && !self.by_discriminator.contains_key(&drawn) {
                return drawn;
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! How a session stands, for whoever asks.

use alloc::sync::Arc;
use core::net::IpAddr;

use super::event::Established;
use super::timers::earliest;
use super::{Session, State};
use crate::bgp::config::PeerConfig;
use crate::bgp::identity::Families;
use crate::bgp::message::Dialect;
use crate::bgp::speaker::PeerStatus;

impl Session {
    /// The state: that of the machine that is further on.
    #[must_use]
    pub fn state(&self) -> State {
        self.second.as_ref().map_or(self.primary.state, |second| second.state.max(self.primary.state))
    }

    /// What was agreed on, while the session is up.
    #[must_use]
    pub fn established(&self) -> Option<&Arc<Established>> {
        let connection = self.primary.connection.as_ref()?;
        connection.agreed.as_ref().filter(|_| self.primary.state == State::Established)
    }

    /// Our end of the connection, while the session is up.
    #[must_use]
    pub fn local_address(&self) -> Option<IpAddr> {
        self.established().and(self.primary.connection.as_ref())?.local
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &PeerConfig {
        &self.config
    }

    /// How it stands; the routes that are sent are the speaker's to count.
    #[must_use]
    pub fn status(&self) -> PeerStatus {
        let (state, since) = self.reported;
        PeerStatus {
            state,
            since,
            next_attempt: earliest([self.idle_hold, self.connect_retry]),
            local_address: self.local_address(),
            established: self.established().cloned(),
            last_down: self.last_down.clone(),
            times_established: self.times_established,
            routes_announced: 0,
            routes_pending: 0,
            without_next_hop: Families::NONE,
            routes_received: self.received.len(),
            routes_stale: self.received.stale(),
            routes_ignored: self.received.ignored(),
            counters: self.counters,
        }
    }

    /// How messages are written, while the session is up.
    #[must_use]
    pub fn dialect(&self) -> Option<Dialect> {
        self.established().and(self.primary.connection.as_ref()).map(|connection| connection.dialect)
    }
}

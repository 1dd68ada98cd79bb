//! How it stands with a peer: what `status` prints and metrics count.

use alloc::sync::Arc;
use core::net::IpAddr;

use crate::Time;
use crate::bgp::identity::Families;
use crate::bgp::session::{Down, Established, State};

/// How it stands with a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// The session's state.
    pub state: State,
    /// Since when.
    pub since: Time,
    /// When the next attempt begins, while none is made.
    pub next_attempt: Option<Time>,
    /// Our end of the connection.
    pub local_address: Option<IpAddr>,
    /// What was agreed on, while it is up.
    pub established: Option<Arc<Established>>,
    /// Why it was last down.
    pub last_down: Option<Down>,
    /// How often it has been up.
    pub times_established: u64,
    /// Routes that the peer has heard and not heard withdrawn.
    pub routes_announced: usize,
    /// Prefixes that it has yet to hear of.
    pub routes_pending: usize,
    /// Families whose routes cannot be told, for want of a next hop: configure one.
    pub without_next_hop: Families,
    /// Prefixes that the peer told us.
    pub routes_received: usize,
    /// Of those, kept while it restarts.
    pub routes_stale: usize,
    /// Prefixes over the limit, not remembered.
    pub routes_ignored: u64,
    /// Messages sent and received, by type.
    pub counters: Counters,
}

/// Messages of a session, since the speaker was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// UPDATEs sent.
    pub updates_sent: u64,
    /// UPDATEs received.
    pub updates_received: u64,
    /// All messages sent.
    pub messages_sent: u64,
    /// All messages received.
    pub messages_received: u64,
    /// UPDATEs received whose routes had been through our autonomous system: they count as withdrawn.
    pub loops: u64,
    /// Faults in UPDATEs received that did not end the session (RFC 7606).
    pub faults: u64,
}

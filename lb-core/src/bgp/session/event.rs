//! What a session wants done and what it has to tell.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::Ipv4Addr;
use core::time::Duration;

use ipnet::IpNet;

use super::State;
use crate::bgp::identity::{Asn, Families, Family};
use crate::bgp::message::{AttributeFault, Capabilities, NextHop, Notification, PathAttributes};

/// One TCP connection of a session, tried or open; never used again for another.
///
/// A session can have two for a moment, where both sides connect at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What the adapter shall do for a session, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// Open a connection to the peer, then say `handle_connected`, or `handle_closed` if it fails.
    Connect {
        /// Its name from now on.
        connection: ConnectionId,
    },
    /// Write these octets, all of them and in order; say `handle_sent` as they go.
    Send {
        /// On which connection.
        connection: ConnectionId,
        /// One or more messages.
        bytes: Vec<u8>,
    },
    /// Write what is still to be written for a second at most, then close, or give up connecting;
    /// nothing about this connection needs to be said afterwards.
    Close {
        /// Which connection.
        connection: ConnectionId,
    },
}

impl Transmit {
    /// The connection that this is about.
    #[must_use]
    pub const fn connection(&self) -> ConnectionId {
        match self {
            Self::Connect { connection } | Self::Send { connection, .. } | Self::Close { connection } => {
                *connection
            }
        }
    }
}

/// What happened to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The state is another; what people and metrics look at.
    State {
        /// The state before.
        from: State,
        /// The state now.
        to: State,
    },
    /// The session is up: routes are sent from now on.
    Up(Arc<Established>),
    /// The session is down, or an attempt to bring it up failed after the connection was there.
    Down(Down),
    /// The peer tells of routes; we use none, the owner may.
    Received {
        /// Where to, all of one family.
        prefixes: Vec<IpNet>,
        /// What it says of them.
        attributes: Arc<PathAttributes>,
        /// Where they lead.
        next_hop: NextHop,
    },
    /// Routes of the peer's are gone: withdrawn, replaced by none after a restart, or lost with the session.
    Withdrawn {
        /// Which.
        prefixes: Vec<IpNet>,
    },
    /// The peer has told all routes that it had of this family when the session came up.
    EndOfRib {
        /// Which family.
        family: Family,
    },
    /// The peer wants to hear all routes of this family again.
    RefreshRequested {
        /// Which family.
        family: Family,
    },
    /// An UPDATE had faults that do not end the session (RFC 7606); what they did is in each. Only the
    /// first of its kind since the session came up is told; [`Counters`](crate::bgp::Counters) has them all.
    Faults(Vec<AttributeFault>),
    /// The peer told more prefixes than are remembered: the first such since the session came up.
    PrefixLimitReached {
        /// The limit.
        max: u32,
    },
}

/// What both sides agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Established {
    /// The peer's BGP identifier.
    pub router_id: Ipv4Addr,
    /// Its autonomous system, four octets if it can.
    pub asn: Asn,
    /// The smaller of both hold times; zero: the peer is never declared dead for silence.
    pub hold_time: Duration,
    /// The families that both want.
    pub families: Families,
    /// All that it can.
    pub capabilities: Capabilities,
}

/// That a session is down, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Down {
    /// Whether it had been up, rather than on its way.
    pub was_established: bool,
    /// Why.
    pub reason: DownReason,
    /// The peer's routes are kept for now: it is thought to restart (RFC 4724).
    pub stale_kept: bool,
}

/// Why a session is down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownReason {
    /// We were told to stop; the text went to the peer.
    Stopped {
        /// Why, for the peer's operator; may be empty.
        text: String,
    },
    /// The peer is no longer in our configuration.
    Deconfigured,
    /// Our configuration of it changed.
    ConfigurationChanged,
    /// The peer sent nothing for a whole hold time.
    HoldTimerExpired,
    /// The peer took nothing for so long that it cannot be well (RFC 9687).
    SendHoldTimerExpired,
    /// The connection broke or was closed without a word.
    ConnectionLost,
    /// The peer ended it and said why.
    NotificationReceived(Notification),
    /// What the peer sent cannot be; this is what we answered.
    NotificationSent(Notification),
    /// The peer told more prefixes than allowed.
    PrefixLimit {
        /// The limit.
        max: u32,
    },
    /// BFD says that the peer is dead.
    NeighbourDown,
    /// The peer connected anew, having restarted before we noticed.
    PeerRestarted,
}

/// Who ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// We did, by our own will or for what the peer sent.
    Local,
    /// The peer did.
    Remote,
    /// Nobody: the network, or a peer that died.
    Network,
}

impl DownReason {
    /// Who ended the session.
    #[must_use]
    pub const fn side(&self) -> Side {
        match self {
            Self::Stopped { .. }
            | Self::Deconfigured
            | Self::ConfigurationChanged
            | Self::NotificationSent(_)
            | Self::PrefixLimit { .. } => Side::Local,
            Self::NotificationReceived(_) | Self::PeerRestarted => Side::Remote,
            Self::HoldTimerExpired
            | Self::SendHoldTimerExpired
            | Self::ConnectionLost
            | Self::NeighbourDown => Side::Network,
        }
    }
}

impl fmt::Display for DownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped { text } if text.is_empty() => f.write_str("stopped by us"),
            Self::Stopped { text } => write!(f, "stopped by us: {text}"),
            Self::Deconfigured => f.write_str("no longer in our configuration"),
            Self::ConfigurationChanged => f.write_str("our configuration of it changed"),
            Self::HoldTimerExpired => f.write_str("the peer was silent for the hold time"),
            Self::SendHoldTimerExpired => f.write_str("the peer read nothing for the send hold time"),
            Self::ConnectionLost => f.write_str("the connection was lost"),
            Self::NotificationReceived(notification) => write!(f, "the peer says {notification}"),
            Self::NotificationSent(notification) => write!(f, "we refused what it sent: {notification}"),
            Self::PrefixLimit { max } => write!(f, "the peer told more than {max} prefixes"),
            Self::NeighbourDown => f.write_str("BFD says that the peer is dead"),
            Self::PeerRestarted => f.write_str("the peer restarted and connected anew"),
        }
    }
}

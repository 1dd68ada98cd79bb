//! What the director says about a packet, and why.
//!
//! Every reason is a variant, so that counters, captures and the simulator
//! name the same things. Nothing is decided here.

pub use crate::icmp::ReplyKind;
use crate::identity::BackendId;
use crate::packet::ParseError;

/// What to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send `out[..length]`, a tunnel packet, to the backend.
    Forward {
        /// Who gets it.
        backend: BackendId,
        /// Bytes written to the caller's buffer.
        length: usize,
        /// How the backend was found.
        choice: Choice,
    },
    /// Send `out[..length]`, an ICMP message of ours, towards its destination.
    Reply {
        /// Bytes written to the caller's buffer.
        length: usize,
        /// Which message it is.
        kind: ReplyKind,
    },
    /// Not ours: leave the packet to the host.
    Pass(PassReason),
    /// Throw the packet away.
    Drop(DropReason),
}

/// How the backend of a forwarded packet was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Choice {
    /// The flow's connection entry named it.
    Existing,
    /// The packet opens a flow: the table named it and an entry was made, or the
    /// client uses old ports anew and their entry named it.
    New,
    /// The flow began elsewhere: the table named it and an entry was made.
    PickedUp,
    /// The entry's backend is out of service: the table named another.
    Rechosen,
    /// The table named it and no entry was made: the packet does not deserve
    /// one: a reset, an ICMP error, a fragment out of order.
    Untracked,
}

impl Choice {
    /// The word that counters and captures use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Existing => "existing",
            Self::New => "new",
            Self::PickedUp => "picked-up",
            Self::Rechosen => "rechosen",
            Self::Untracked => "untracked",
        }
    }
}

/// Why a packet is left to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PassReason {
    /// Neither IPv4 nor IPv6.
    NotIp,
    /// No service has this address, port and protocol.
    NoService,
    /// The kernel has no entry and would not make one from this packet: its
    /// own stack gets it, and answers TCP with a reset (profile `ipvs`).
    NoEntry,
    /// An ICMP error about a flow the kernel does not know, and `schedule_icmp`
    /// is off (profile `ipvs`).
    IcmpNotScheduled,
    /// An echo request that the host's own stack answers (profile `ipvs`).
    LocalEcho,
}

impl PassReason {
    /// The word that counters and captures use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotIp => "not-ip",
            Self::NoService => "no-service",
            Self::NoEntry => "no-entry",
            Self::IcmpNotScheduled => "icmp-not-scheduled",
            Self::LocalEcho => "local-echo",
        }
    }
}

/// Why a packet was thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The bytes are no packet.
    Malformed(ParseError),
    /// The source is no single host (loopback, multicast, unspecified, the VIP
    /// itself): such a packet is never forwarded.
    UnusableSource,
    /// The service has no backend for a new flow.
    NoBackend,
    /// The entry's backend is gone and the kernel waits for the entry to
    /// expire: `expire_nodest_conn` is off (profile `ipvs`).
    BackendGone,
    /// The packet does not fit the path, and its sender may not be answered.
    TooBig,
    /// The packet's time to live ended, and its sender may not be answered.
    TimeToLiveExpired,
    /// The packet comes from an end of the tunnel it would go into (RFC 2003 section 4).
    Loop,
    /// An ICMP message of ours was due, whichever, but they are over their rate.
    RateLimited,
    /// An ICMP error that quotes too little, or something we did not send.
    UselessError,
    /// The node has no address of the backend's family to send a tunnel from.
    NoSourceAddress,
    /// The caller's buffer is too small for the tunnel packet.
    OutTooSmall,
}

impl DropReason {
    /// The word that counters and captures use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::UnusableSource => "unusable-source",
            Self::NoBackend => "no-backend",
            Self::BackendGone => "backend-gone",
            Self::TooBig => "too-big",
            Self::TimeToLiveExpired => "ttl-expired",
            Self::Loop => "loop",
            Self::RateLimited => "rate-limited",
            Self::UselessError => "useless-error",
            Self::NoSourceAddress => "no-source-address",
            Self::OutTooSmall => "out-too-small",
        }
    }
}

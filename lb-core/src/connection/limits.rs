//! How much a connection table may hold, and for how long.
//!
//! Values only: a configuration fills them in, the table keeps them. The
//! kernel's figures are those of Linux 6.12's IPVS.

use core::time::Duration;

use super::state::Machine;

/// What a connection table may hold.
///
/// ```
/// use lb_core::connection::{ConnectionLimits, Machine};
///
/// let limits = ConnectionLimits::new(100_000, Machine::Own);
/// assert_eq!(limits.unproven, 50_000);
/// assert_eq!(limits.timeouts.tcp_established.as_secs(), 900);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// The most flows, IPv4 and IPv6 together; 0 counts as 1, above 2^30 as 2^30.
    pub max: u32,
    /// The most flows that are not yet proven, a part of `max`; 0 counts as 1.
    pub unproven: u32,
    /// How long a silent flow is kept, by state.
    pub timeouts: Timeouts,
}

impl ConnectionLimits {
    /// At most `max` flows, half of them unproven, with the machine's own timeouts.
    #[must_use]
    pub const fn new(max: u32, machine: Machine) -> Self {
        let half = max / 2;
        Self { max, unproven: if half == 0 { 1 } else { half }, timeouts: Timeouts::of(machine) }
    }

    /// The part of `max` that proven flows never fill: a sixteenth, at least one
    /// and at most `unproven`.
    #[must_use]
    pub const fn reserve(&self) -> u32 {
        let sixteenth = self.max.div_ceil(16);
        if sixteenth < self.unproven { sixteenth } else { self.unproven }
    }
}

impl Default for ConnectionLimits {
    /// A million flows and the timeouts of [`Machine::Own`].
    fn default() -> Self {
        Self::new(1_000_000, Machine::Own)
    }
}

/// How long a silent flow is kept, by state; counted in whole milliseconds,
/// at least 1 ms and at most 2^30 ms (12 days).
///
/// [`Machine::Ipvs`] reads `tcp_established`, `tcp_fin_wait` and `udp`, the
/// three that `ipvsadm --set` changes, and `sctp_established` and `unknown`; its
/// other states have the kernel's fixed values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP: the client sent a SYN and nothing else.
    pub tcp_syn_received: Duration,
    /// TCP: an open connection, also one picked up in its midst.
    pub tcp_established: Duration,
    /// TCP: the client sent a FIN; the backend may still be sending.
    pub tcp_fin_wait: Duration,
    /// TCP: the client sent a RST.
    pub tcp_closed: Duration,
    /// UDP: a flow that has not shown packets a second apart.
    pub udp: Duration,
    /// UDP: a flow that has.
    pub udp_stream: Duration,
    /// SCTP: the client sent an INIT and nothing else.
    pub sctp_init: Duration,
    /// SCTP: an open association.
    pub sctp_established: Duration,
    /// SCTP: the client began or answered a shutdown.
    pub sctp_shutdown: Duration,
    /// SCTP: aborted or completely shut down.
    pub sctp_closed: Duration,
    /// A flow of which no transport header was seen yet.
    pub unknown: Duration,
}

impl Timeouts {
    /// Of [`Machine::Own`].
    ///
    /// TCP's are the kernel's. A UDP exchange of one question is forgotten
    /// after 30 s; a stream is kept 180 s, more than the 2 minutes that
    /// RFC 4787 (REQ-5) asks of a translator.
    pub const OWN: Self = Self {
        tcp_syn_received: Duration::from_secs(60),
        tcp_established: Duration::from_secs(900),
        tcp_fin_wait: Duration::from_secs(120),
        tcp_closed: Duration::from_secs(10),
        udp: Duration::from_secs(30),
        udp_stream: Duration::from_secs(180),
        sctp_init: Duration::from_secs(60),
        sctp_established: Duration::from_secs(900),
        sctp_shutdown: Duration::from_secs(60),
        sctp_closed: Duration::from_secs(10),
        unknown: Duration::from_secs(10),
    };

    /// Of [`Machine::Ipvs`]: the kernel's defaults.
    pub const IPVS: Self = Self {
        udp: Duration::from_secs(300),
        udp_stream: Duration::from_secs(300),
        unknown: Duration::from_secs(2),
        ..Self::OWN
    };

    /// The defaults of a machine.
    #[must_use]
    pub const fn of(machine: Machine) -> Self {
        match machine {
            Machine::Own => Self::OWN,
            Machine::Ipvs => Self::IPVS,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::OWN
    }
}

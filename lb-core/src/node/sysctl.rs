//! The kernel's parameters without which nodes that share no state lose flows.
//!
//! Each was seen to cost connections at its default, or is needed so that what
//! [`ipvs`](crate::ipvs) plans comes out as planned; `why` is for `lb-agent
//! check`. They belong to the network namespace, so no service of others
//! outside it notices.

/// One parameter of `net.ipv4.vs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sysctl {
    /// `conntrack`: connections are entered into netfilter's table too.
    Conntrack,
    /// `expire_nodest_conn`: a connection ends when its destination was deleted.
    ExpireNodestConn,
    /// `pmtu_disc`: a packet too big for the tunnel is answered.
    PmtuDisc,
    /// `schedule_icmp`: an ICMP error is scheduled by the packet it quotes.
    ScheduleIcmp,
    /// `sloppy_sctp`: an association is taken up in its middle.
    SloppySctp,
    /// `sloppy_tcp`: a connection is taken up in its middle.
    SloppyTcp,
}

impl Sysctl {
    /// All that the agent sees to.
    pub const ALL: [Self; 6] = [
        Self::Conntrack,
        Self::ExpireNodestConn,
        Self::PmtuDisc,
        Self::ScheduleIcmp,
        Self::SloppySctp,
        Self::SloppyTcp,
    ];

    /// Its name as `sysctl` has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conntrack => "net.ipv4.vs.conntrack",
            Self::ExpireNodestConn => "net.ipv4.vs.expire_nodest_conn",
            Self::PmtuDisc => "net.ipv4.vs.pmtu_disc",
            Self::ScheduleIcmp => "net.ipv4.vs.schedule_icmp",
            Self::SloppySctp => "net.ipv4.vs.sloppy_sctp",
            Self::SloppyTcp => "net.ipv4.vs.sloppy_tcp",
        }
    }

    /// What it is to be.
    #[must_use]
    pub const fn wanted(self) -> u32 {
        match self {
            Self::Conntrack => 0,
            Self::ExpireNodestConn
            | Self::PmtuDisc
            | Self::ScheduleIcmp
            | Self::SloppySctp
            | Self::SloppyTcp => 1,
        }
    }

    /// What it costs otherwise.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::Conntrack => "else each flow takes a second entry, and that table's limit is the node's",
            Self::ExpireNodestConn => "else flows of a backend that is gone hang instead of ending",
            Self::PmtuDisc => "else packets are fragmented outside the tunnel instead of answered",
            Self::ScheduleIcmp => "else path MTU answers reach the wrong node and large transfers hang",
            Self::SloppySctp => "else associations that a router moves here are dropped",
            Self::SloppyTcp => "else connections that a router moves here are reset",
        }
    }
}

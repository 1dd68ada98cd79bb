//! How many connections are remembered and for how long.

use core::time::Duration;

/// Limits of the connection table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections at most.
    pub max: u32,
    /// Of these, unproven ones at most.
    pub unproven: u32,
    /// For how long a silent connection is remembered, by state.
    pub timeouts: Timeouts,
}

impl ConnectionLimits {
    pub const fn new(max: u32, _machine: Machine) -> Self {
        Self {
            max,
            unproven: max / 2,
            timeouts: Timeouts {
                tcp_established: Duration::from_secs(60),
                tcp_syn_received: Duration::from_secs(60),
                tcp_fin_wait: Duration::from_secs(60),
                tcp_closed: Duration::from_secs(60),
                udp: Duration::from_secs(60),
                udp_stream: Duration::from_secs(60),
                sctp_init: Duration::from_secs(60),
                sctp_established: Duration::from_secs(60),
                sctp_shutdown: Duration::from_secs(60),
                sctp_closed: Duration::from_secs(60),
                unknown: Duration::from_secs(60),
            },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    Own,
    Ipvs,
}

/// For how long a silent connection is remembered, by state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP: an open connection.
    pub tcp_established: Duration,
    /// TCP: the client sent a SYN and nothing else.
    pub tcp_syn_received: Duration,
    /// TCP: the client sent a FIN.
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
    /// SCTP: shutting down.
    pub sctp_shutdown: Duration,
    /// SCTP: aborted or completely shut down.
    pub sctp_closed: Duration,
    /// A flow of which no transport header was seen yet.
    pub unknown: Duration,
}

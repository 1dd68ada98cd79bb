//! How many connections are remembered and for how long.

use core::time::Duration;

/// Limits of the connection table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections at most.
    pub max: u32,
    /// For how long a silent connection is remembered, by state.
    pub timeouts: Timeouts,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { max: 1_000_000, timeouts: Timeouts::default() }
    }
}

/// For how long a silent connection is remembered, by state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP, established.
    pub tcp_established: Duration,
    /// TCP, SYN seen only.
    pub tcp_syn_received: Duration,
    /// TCP, FIN seen.
    pub tcp_fin_wait: Duration,
    /// TCP, reset.
    pub tcp_closed: Duration,
    /// UDP.
    pub udp: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            tcp_established: Duration::from_secs(900),
            tcp_syn_received: Duration::from_secs(60),
            tcp_fin_wait: Duration::from_secs(120),
            tcp_closed: Duration::from_secs(10),
            udp: Duration::from_secs(30),
        }
    }
}

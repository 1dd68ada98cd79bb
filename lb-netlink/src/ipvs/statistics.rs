//! Statistics of a service or a destination.
//!
//! The one idea: 64 bits always. Kernels since 4.2 tell every number twice, in
//! 32 bits and in 64; the wide ones are taken if they are there, because a
//! 32-bit count of packets is around in an hour at line rate. The kernel sums
//! them up every two seconds, so they lag behind by as much. The rates are its
//! estimates, and are 0 where its estimation is off (`run_estimation`).

use super::attribute::Attribute;
use super::schema::{destination, service, statistics, statistics64};

/// What went through a service or a destination since it was made, or since it was cleared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Statistics {
    /// Connections scheduled.
    pub connections: u64,
    /// Packets towards destinations.
    pub packets_in: u64,
    /// Packets from destinations: 0 with tunnels and direct routing, where they go to clients directly.
    pub packets_out: u64,
    /// Bytes towards destinations, IP headers included.
    pub bytes_in: u64,
    /// Bytes from destinations.
    pub bytes_out: u64,
    /// Connections per second of late.
    pub connections_per_s: u64,
    /// Packets in per second of late.
    pub packets_in_per_s: u64,
    /// Packets out per second of late.
    pub packets_out_per_s: u64,
    /// Bytes in per second of late.
    pub bytes_in_per_s: u64,
    /// Bytes out per second of late.
    pub bytes_out_per_s: u64,
}

impl Statistics {
    pub(super) fn of_service(attributes: &[Attribute]) -> Self {
        let wide = service::STATS64.inside(attributes).map(Self::wide);
        wide.or_else(|_| service::STATS.inside(attributes).map(Self::narrow)).unwrap_or_default()
    }

    pub(super) fn of_destination(attributes: &[Attribute]) -> Self {
        let wide = destination::STATS64.inside(attributes).map(Self::wide);
        wide.or_else(|_| destination::STATS.inside(attributes).map(Self::narrow)).unwrap_or_default()
    }

    fn wide(attributes: &[Attribute]) -> Self {
        Self {
            connections: statistics64::CONNS.find(attributes).unwrap_or_default(),
            packets_in: statistics64::INPKTS.find(attributes).unwrap_or_default(),
            packets_out: statistics64::OUTPKTS.find(attributes).unwrap_or_default(),
            bytes_in: statistics64::INBYTES.find(attributes).unwrap_or_default(),
            bytes_out: statistics64::OUTBYTES.find(attributes).unwrap_or_default(),
            connections_per_s: statistics64::CPS.find(attributes).unwrap_or_default(),
            packets_in_per_s: statistics64::INPPS.find(attributes).unwrap_or_default(),
            packets_out_per_s: statistics64::OUTPPS.find(attributes).unwrap_or_default(),
            bytes_in_per_s: statistics64::INBPS.find(attributes).unwrap_or_default(),
            bytes_out_per_s: statistics64::OUTBPS.find(attributes).unwrap_or_default(),
        }
    }

    fn narrow(attributes: &[Attribute]) -> Self {
        Self {
            connections: statistics::CONNS.find(attributes).unwrap_or_default().into(),
            packets_in: statistics::INPKTS.find(attributes).unwrap_or_default().into(),
            packets_out: statistics::OUTPKTS.find(attributes).unwrap_or_default().into(),
            bytes_in: statistics::INBYTES.find(attributes).unwrap_or_default(),
            bytes_out: statistics::OUTBYTES.find(attributes).unwrap_or_default(),
            connections_per_s: statistics::CPS.find(attributes).unwrap_or_default().into(),
            packets_in_per_s: statistics::INPPS.find(attributes).unwrap_or_default().into(),
            packets_out_per_s: statistics::OUTPPS.find(attributes).unwrap_or_default().into(),
            bytes_in_per_s: statistics::INBPS.find(attributes).unwrap_or_default().into(),
            bytes_out_per_s: statistics::OUTBPS.find(attributes).unwrap_or_default().into(),
        }
    }
}

#[cfg(test)]
mod tests;

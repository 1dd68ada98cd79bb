//! The key of a connection, and its keyed hash.
//!
//! VIP, VIP port and protocol are the service's, so (service, client, client
//! port) says as much as the 5-tuple in fewer bytes, and is compared in full.
//! Strangers choose the keys; the hash is SipHash-1-3 under a secret.

use core::net::IpAddr;

use crate::identity::ServiceId;

/// What names a connection: the service and the client's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionKey {
    /// The service: VIP, port and protocol.
    pub service: ServiceId,
    /// The client's address.
    pub source: IpAddr,
    /// The client's port.
    pub source_port: u16,
}

impl ConnectionKey {
    /// A key from its three parts.
    #[must_use]
    pub const fn new(service: ServiceId, source: IpAddr, source_port: u16) -> Self {
        Self { service, source, source_port }
    }
}

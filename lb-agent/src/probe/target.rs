//! Where a check goes: whom it asks, as whom, and by which way.

use std::net::{IpAddr, SocketAddr};

/// Whom a check asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The address asked: the backend's own or, through the tunnel, the VIP.
    pub address: IpAddr,
    /// The service's port; a check that names a port asks that one.
    pub port: u16,
    /// The firewall mark of its packets (`SO_MARK`, needs `CAP_NET_ADMIN`), by which
    /// rules or IPVS send them to one backend; `None` to leave it alone.
    pub mark: Option<u32>,
    /// The address it comes from; `None` for the kernel's choice.
    pub source: Option<IpAddr>,
    /// The port it comes from; 0 for the kernel's choice.
    pub source_port: u16,
}

impl Target {
    /// Straight to an address.
    #[must_use]
    pub const fn plain(socket: SocketAddr) -> Self {
        Self { address: socket.ip(), port: socket.port(), mark: None, source: None, source_port: 0 }
    }

    /// To a VIP, with a mark that leads to one backend, from the node's own address.
    ///
    /// The address is needed where the VIP is bound on this host: the kernel would else
    /// ask in the name of the VIP itself.
    #[must_use]
    pub const fn marked(vip: SocketAddr, mark: u32, source: IpAddr) -> Self {
        Self { mark: Some(mark), source: Some(source), ..Self::plain(vip) }
    }
}

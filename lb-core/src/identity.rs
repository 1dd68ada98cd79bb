//! Names of things inside one director: services, backends, their weights.
//!
//! Ids are small integers handed out by their owner, the director; they mean
//! nothing on another node. What two nodes agree on is the [`Endpoint`].

use core::fmt;
use core::net::{IpAddr, SocketAddr};

/// A service (VIP, port, protocol) of one director.
///
/// Stable while a service with the same VIP, port and protocol is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub u32);

/// A backend of one service of one director.
///
/// Stable while the same endpoint serves the same service, and not handed out
/// again while any connection still refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackendId(pub u32);

/// A backend's share of new flows, relative to the other backends' weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(pub u16);

/// The family of a service or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// Where a backend answers: the name that all nodes agree on.
///
/// Prints as `10.1.0.5:443` or `[2001:db8::5]:443`.
///
/// ```
/// use lb_core::Endpoint;
///
/// let v6 = Endpoint::new("2001:db8::5".parse()?, 443);
/// assert_eq!(v6.to_string(), "[2001:db8::5]:443");
/// # Ok::<(), core::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The backend's own address (the outer destination of a tunnel).
    pub address: IpAddr,
    /// The backend's port; under a tunnel the service's, or with a kernel's
    /// scheduler any: then it is only a name.
    pub port: u16,
}

impl Endpoint {
    /// An endpoint from its two parts.
    #[must_use]
    pub const fn new(address: IpAddr, port: u16) -> Self {
        Self { address, port }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}

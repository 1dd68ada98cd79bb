//! The name of a service: VIP, port and protocol, as people write it.
//!
//! `10.1.0.5:443/tcp`, `[2001:db8::5]:443/udp`; printed as RFC 5952 wants it.

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::str::FromStr;

use crate::flow::Protocol;

/// A virtual service's address: what a client's packet is matched with.
///
/// ```
/// use lb_core::config::ServiceAddress;
///
/// let service: ServiceAddress = "[2001:DB8:0::5]:443/tcp".parse()?;
/// assert_eq!(service.to_string(), "[2001:db8::5]:443/tcp");
/// # Ok::<(), lb_core::config::ParseServiceAddressError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceAddress {
    /// The VIP.
    pub address: IpAddr,
    /// The destination port.
    pub port: u16,
    /// The transport protocol: TCP, UDP or SCTP.
    pub protocol: Protocol,
}

impl ServiceAddress {
    /// A service's address from its three parts.
    #[must_use]
    pub const fn new(address: IpAddr, port: u16, protocol: Protocol) -> Self {
        Self { address, port, protocol }
    }
}

impl fmt::Display for ServiceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", SocketAddr::new(self.address, self.port), self.protocol)
    }
}

/// Why a text is no service address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseServiceAddressError {
    /// There is no `/tcp` at the end.
    #[error("the protocol is missing; write VIP:PORT/PROTO, for example 203.0.113.10:443/tcp")]
    MissingProtocol,
    /// The part after the slash is no protocol that is balanced.
    #[error("unknown protocol; write /tcp, /udp or /sctp after the port")]
    Protocol,
    /// The part before the slash is no address with a port.
    #[error("no address with a port before the slash; write 203.0.113.10:443/tcp or [2001:db8::5]:443/tcp")]
    Socket,
}

impl FromStr for ServiceAddress {
    type Err = ParseServiceAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (socket, protocol) = text.rsplit_once('/').ok_or(ParseServiceAddressError::MissingProtocol)?;
        let protocol = match protocol {
            "tcp" => Protocol::TCP,
            "udp" => Protocol::UDP,
            "sctp" => Protocol::SCTP,
            _ => return Err(ParseServiceAddressError::Protocol),
        };
        let socket: SocketAddr = socket.parse().map_err(|_| ParseServiceAddressError::Socket)?;
        Ok(Self::new(socket.ip(), socket.port(), protocol))
    }
}

//! Address families, and addresses as IPVS has them: 16 bytes of which IPv4 uses four.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::attribute::Spec;
use super::error::DecodeError;

/// `AF_INET` of Linux.
const INET: u16 = 2;
/// `AF_INET6` of Linux.
const INET6: u16 = 10;

/// The family of a service or a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressFamily {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl AddressFamily {
    /// The family of an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    pub(super) const fn number(self) -> u16 {
        match self {
            Self::V4 => INET,
            Self::V6 => INET6,
        }
    }

    pub(super) fn from_number(number: u16, spec: &Spec) -> Result<Self, DecodeError> {
        match number {
            INET => Ok(Self::V4),
            INET6 => Ok(Self::V6),
            other => Err(DecodeError::Value { attribute: spec.name, value: other.into() }),
        }
    }

    /// The address of this family in an attribute's bytes.
    pub(super) fn address(self, bytes: [u8; 16]) -> IpAddr {
        match self {
            Self::V4 => {
                let [a, b, c, d, ..] = bytes;
                Ipv4Addr::new(a, b, c, d).into()
            }
            Self::V6 => Ipv6Addr::from(bytes).into(),
        }
    }

    /// An address as an attribute has it.
    pub(super) fn bytes(address: IpAddr) -> [u8; 16] {
        match address {
            IpAddr::V4(address) => {
                let mut bytes = [0; 16];
                bytes[..4].copy_from_slice(&address.octets());
                bytes
            }
            IpAddr::V6(address) => address.octets(),
        }
    }
}

impl fmt::Display for AddressFamily {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

//! Numbers and sets that BGP gives names to: autonomous systems, families, communities.
//!
//! Each is a type of its own so that none is taken for another. Text forms are
//! the ones that routers print and people type (RFC 5396, RFC 1997, RFC 8092).

use alloc::string::String;
use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use ipnet::IpNet;

/// The number of an autonomous system, of four octets (RFC 6793); prints as a plain decimal (RFC 5396).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asn(pub u32);

impl Asn {
    /// `AS_TRANS`: stands for a number that does not fit two octets (RFC 6793 section 9).
    pub const TRANS: Self = Self(23_456);

    /// The number in two octets, [`TRANS`](Self::TRANS) where it does not fit.
    #[must_use]
    pub fn two_octets(self) -> u16 {
        u16::try_from(self.0).unwrap_or(23_456)
    }

    /// Whether a path of two-octet numbers cannot hold it.
    #[must_use]
    pub const fn is_four_octets(self) -> bool {
        self.0 > 0xffff
    }
}

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An address family whose routes are exchanged, unicast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// AFI 1, SAFI 1.
    Ipv4,
    /// AFI 2, SAFI 1.
    Ipv6,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Ipv4, Self::Ipv6];

    /// The family of a prefix.
    #[must_use]
    pub const fn of(prefix: &IpNet) -> Self {
        match prefix {
            IpNet::V4(_) => Self::Ipv4,
            IpNet::V6(_) => Self::Ipv6,
        }
    }

    /// The family of an address.
    #[must_use]
    pub const fn of_address(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Ipv4,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }

    /// The address family's number (IANA), as AFI on the wire.
    #[must_use]
    pub const fn afi(self) -> u16 {
        match self {
            Self::Ipv4 => 1,
            Self::Ipv6 => 2,
        }
    }

    /// The family of this AFI and SAFI, if it is one of ours.
    #[must_use]
    pub const fn from_codes(afi: u16, safi: u8) -> Option<Self> {
        match (afi, safi) {
            (1, UNICAST) => Some(Self::Ipv4),
            (2, UNICAST) => Some(Self::Ipv6),
            _ => None,
        }
    }
}

/// The SAFI of unicast.
pub(super) const UNICAST: u8 = 1;

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        })
    }
}

/// A set of families.
///
/// ```
/// use lb_core::bgp::{Family, Families};
///
/// let ours = Families::from_iter([Family::Ipv4, Family::Ipv6]);
/// let theirs = Families::from_iter([Family::Ipv6]);
/// assert_eq!(ours.intersection(theirs).iter().collect::<Vec<_>>(), [Family::Ipv6]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Families {
    v4: bool,
    v6: bool,
}

impl Families {
    /// No family.
    pub const NONE: Self = Self { v4: false, v6: false };
    /// IPv4 alone: what a peer without the multiprotocol capability speaks.
    pub const IPV4: Self = Self { v4: true, v6: false };
    /// Both.
    pub const ALL: Self = Self { v4: true, v6: true };

    /// Whether the family is in the set.
    #[must_use]
    pub const fn contains(self, family: Family) -> bool {
        match family {
            Family::Ipv4 => self.v4,
            Family::Ipv6 => self.v6,
        }
    }

    /// Adds a family.
    pub const fn insert(&mut self, family: Family) {
        match family {
            Family::Ipv4 => self.v4 = true,
            Family::Ipv6 => self.v6 = true,
        }
    }

    /// What both sets have.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self { v4: self.v4 && other.v4, v6: self.v6 && other.v6 }
    }

    /// The set without a family.
    #[must_use]
    pub const fn without(self, family: Family) -> Self {
        match family {
            Family::Ipv4 => Self { v4: false, ..self },
            Family::Ipv6 => Self { v6: false, ..self },
        }
    }

    /// Whether there is no family in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        !self.v4 && !self.v6
    }

    /// The families, IPv4 first.
    pub fn iter(self) -> impl Iterator<Item = Family> {
        Family::ALL.into_iter().filter(move |family| self.contains(*family))
    }
}

impl FromIterator<Family> for Families {
    fn from_iter<I: IntoIterator<Item = Family>>(families: I) -> Self {
        let mut set = Self::NONE;
        for family in families {
            set.insert(family);
        }
        set
    }
}

/// A community (RFC 1997): `64512:100`, or one of the well-known names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Community(pub u32);

impl Community {
    /// 65535:0, routes that go away soon: prefer any other (RFC 8326).
    pub const GRACEFUL_SHUTDOWN: Self = Self(0xffff_0000);
    /// 65535:65281, not to other autonomous systems.
    pub const NO_EXPORT: Self = Self(0xffff_ff01);
    /// 65535:65282, to no other peer.
    pub const NO_ADVERTISE: Self = Self(0xffff_ff02);

    /// A community of an autonomous system's own.
    #[must_use]
    pub const fn new(asn: u16, value: u16) -> Self {
        Self(((asn as u32) << 16) | value as u32)
    }
}

/// The well-known communities that have a name in files.
const NAMES: [(&str, Community); 3] = [
    ("graceful-shutdown", Community::GRACEFUL_SHUTDOWN),
    ("no-export", Community::NO_EXPORT),
    ("no-advertise", Community::NO_ADVERTISE),
];

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0 >> 16, self.0 & 0xffff)
    }
}

impl FromStr for Community {
    type Err = ParseCommunityError;

    fn from_str(text: &str) -> Result<Self, ParseCommunityError> {
        if let Some((_, community)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(*community);
        }
        match numbers::<u16>(text)?[..] {
            [asn, value] => Ok(Self::new(asn, value)),
            _ => Err(ParseCommunityError),
        }
    }
}

/// A large community (RFC 8092): three numbers of four octets, `4200000000:1:2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LargeCommunity {
    /// The autonomous system that gives the others their meaning.
    pub global: u32,
    /// Its own number, the first.
    pub first: u32,
    /// And the second.
    pub second: u32,
}

impl fmt::Display for LargeCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.global, self.first, self.second)
    }
}

impl FromStr for LargeCommunity {
    type Err = ParseCommunityError;

    fn from_str(text: &str) -> Result<Self, ParseCommunityError> {
        match numbers::<u32>(text)?[..] {
            [global, first, second] => Ok(Self { global, first, second }),
            _ => Err(ParseCommunityError),
        }
    }
}

/// A text that is no community.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a community; write two numbers up to 65535 (64512:100), three of four octets (64512:1:2), or no-export, no-advertise, graceful-shutdown"
)]
pub struct ParseCommunityError;

/// Plain decimals between colons; a sign or a blank is none.
fn numbers<T: FromStr>(text: &str) -> Result<alloc::vec::Vec<T>, ParseCommunityError> {
    let number = |part: &str| {
        let plain = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| part.parse().ok()).flatten().ok_or(ParseCommunityError)
    };
    text.split(':').take(4).map(number).collect()
}

/// The password of a TCP connection (RFC 2385), not for logs: `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// The longest that a Linux socket takes, in bytes.
    pub const MAX_LENGTH: usize = 80;

    /// Hides a text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself; do not log it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

#[cfg(test)]
mod tests;

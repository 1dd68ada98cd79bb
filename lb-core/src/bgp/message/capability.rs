//! Capabilities: what a speaker can, told in its OPEN (RFC 5492).
//!
//! Those that we do not know, or cannot read, are kept as they are and mean
//! nothing.

use alloc::vec::Vec;

use super::reader::{Reader, whole};
use crate::bgp::identity::{Asn, Families, Family};

/// One capability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capability {
    /// 1: routes of this family (RFC 4760).
    Multiprotocol {
        /// The address family's number.
        afi: u16,
        /// The subsequent one's.
        safi: u8,
    },
    /// 2: ROUTE-REFRESH (RFC 2918).
    RouteRefresh,
    /// 5: next hops of another family (RFC 8950).
    ExtendedNextHop(Vec<ExtendedNextHop>),
    /// 6: messages of up to 65,535 octets (RFC 8654).
    ExtendedMessage,
    /// 64: graceful restart (RFC 4724, RFC 8538).
    GracefulRestart(Restart),
    /// 65: AS numbers of four octets, and the speaker's own (RFC 6793).
    FourOctetAs(Asn),
    /// 70: begin and end of a refresh are marked (RFC 7313).
    EnhancedRouteRefresh,
    /// Any other, or one that is malformed.
    Unknown {
        /// Its code.
        code: u8,
        /// Its value, 255 octets at most.
        value: Vec<u8>,
    },
}

/// A family whose next hops may be of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedNextHop {
    /// The routes' address family.
    pub afi: u16,
    /// Their subsequent one, in two octets here.
    pub safi: u16,
    /// The next hops' address family.
    pub next_hop_afi: u16,
}

/// What a speaker says of its restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// It has just restarted.
    pub restarted: bool,
    /// It restarts gracefully after NOTIFICATIONs as well (RFC 8538).
    pub notification: bool,
    /// For how many seconds its routes shall be kept until it is back; 12 bits.
    pub seconds: u16,
    /// The families whose forwarding outlives a restart; none for a mere helper.
    pub families: Vec<RestartFamily>,
}

/// A family whose forwarding can outlive a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartFamily {
    /// The address family's number.
    pub afi: u16,
    /// The subsequent one's.
    pub safi: u8,
    /// It did outlive the last.
    pub preserved: bool,
}

impl Restart {
    /// What it says of a family, if anything.
    #[must_use]
    pub fn family(&self, family: Family) -> Option<RestartFamily> {
        let is = |other: &&RestartFamily| Family::from_codes(other.afi, other.safi) == Some(family);
        self.families.iter().find(is).copied()
    }
}

/// All that a speaker can, in the order of its OPEN.
///
/// ```
/// use lb_core::bgp::message::{Capabilities, Capability};
/// use lb_core::bgp::{Families, Family};
///
/// let old = Capabilities::default();
/// assert_eq!(old.families(), Families::IPV4); // what every speaker had before there was a choice
/// let six = Capabilities(vec![Capability::Multiprotocol { afi: 2, safi: 1 }]);
/// assert_eq!(six.families().iter().collect::<Vec<_>>(), [Family::Ipv6]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(pub Vec<Capability>);

impl Capabilities {
    /// The families of ours that it speaks; IPv4 where it names none of any kind.
    #[must_use]
    pub fn families(&self) -> Families {
        let mut named = self.0.iter().filter_map(|capability| match capability {
            Capability::Multiprotocol { afi, safi } => Some(Family::from_codes(*afi, *safi)),
            _ => None,
        });
        match named.next() {
            None => Families::IPV4,
            Some(first) => core::iter::once(first).chain(named).flatten().collect(),
        }
    }

    /// The speaker's own number of four octets.
    #[must_use]
    pub fn four_octet_as(&self) -> Option<Asn> {
        self.0.iter().find_map(|capability| match capability {
            Capability::FourOctetAs(asn) => Some(*asn),
            _ => None,
        })
    }

    /// What it says of its restart; the last counts.
    #[must_use]
    pub fn restart(&self) -> Option<&Restart> {
        // "the last instance" (RFC 4724 section 3)
        self.0.iter().rev().find_map(|capability| match capability {
            Capability::GracefulRestart(restart) => Some(restart),
            _ => None,
        })
    }

    /// Whether IPv4 routes may have an IPv6 next hop.
    #[must_use]
    pub fn extended_next_hop(&self) -> bool {
        let wanted = ExtendedNextHop { afi: 1, safi: 1, next_hop_afi: 2 };
        self.0.iter().any(|capability| match capability {
            Capability::ExtendedNextHop(families) => families.contains(&wanted),
            _ => false,
        })
    }

    /// Whether it has this one, of those without a value.
    #[must_use]
    pub fn has(&self, capability: &Capability) -> bool {
        self.0.contains(capability)
    }

    /// Reads the capabilities of one optional parameter; `None` if they are cut off.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Option<()> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let (code, value) = (reader.u8()?, reader.counted()?);
            let unknown = || Capability::Unknown { code, value: value.to_vec() };
            self.0.push(Capability::read(code, value).unwrap_or_else(unknown));
        }
        Some(())
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) -> Option<()> {
        for capability in &self.0 {
            out.push(capability.code());
            let start = out.len();
            out.push(0);
            capability.write(out);
            out[start] = u8::try_from(out.len() - start - 1).ok()?;
        }
        Some(())
    }
}

impl Capability {
    /// The code (IANA).
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Multiprotocol { .. } => 1,
            Self::RouteRefresh => 2,
            Self::ExtendedNextHop(_) => 5,
            Self::ExtendedMessage => 6,
            Self::GracefulRestart(_) => 64,
            Self::FourOctetAs(_) => 65,
            Self::EnhancedRouteRefresh => 70,
            Self::Unknown { code, .. } => *code,
        }
    }

    fn read(code: u8, value: &[u8]) -> Option<Self> {
        whole(value, |reader| match code {
            1 => {
                let (afi, _reserved, safi) = (reader.u16()?, reader.u8()?, reader.u8()?);
                Some(Self::Multiprotocol { afi, safi })
            }
            2 => Some(Self::RouteRefresh),
            5 => {
                let families = 0..reader.len() / 6;
                families
                    .map(|_| ExtendedNextHop::read(reader))
                    .collect::<Option<_>>()
                    .map(Self::ExtendedNextHop)
            }
            6 => Some(Self::ExtendedMessage),
            64 => Restart::read(reader).map(Self::GracefulRestart),
            65 => reader.u32().map(|asn| Self::FourOctetAs(Asn(asn))),
            70 => Some(Self::EnhancedRouteRefresh),
            _ => None,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Multiprotocol { afi, safi } => {
                out.extend_from_slice(&afi.to_be_bytes());
                out.extend_from_slice(&[0, *safi]);
            }
            Self::RouteRefresh | Self::ExtendedMessage | Self::EnhancedRouteRefresh => {}
            Self::ExtendedNextHop(families) => {
                for family in families {
                    for number in [family.afi, family.safi, family.next_hop_afi] {
                        out.extend_from_slice(&number.to_be_bytes());
                    }
                }
            }
            Self::GracefulRestart(restart) => restart.write(out),
            Self::FourOctetAs(asn) => out.extend_from_slice(&asn.0.to_be_bytes()),
            Self::Unknown { value, .. } => out.extend_from_slice(value),
        }
    }
}

impl ExtendedNextHop {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { afi: reader.u16()?, safi: reader.u16()?, next_hop_afi: reader.u16()? })
    }
}

impl RestartFamily {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (afi, safi, flags) = (reader.u16()?, reader.u8()?, reader.u8()?);
        Some(Self { afi, safi, preserved: flags & PRESERVED != 0 })
    }
}

/// R and N, beside the twelve bits of the time.
const RESTARTED: u16 = 0x8000;
const NOTIFICATION: u16 = 0x4000;
const SECONDS: u16 = 0x0fff;
/// F: forwarding state was preserved.
const PRESERVED: u8 = 0x80;

impl Restart {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let head = reader.u16()?;
        let families = 0..reader.len() / 4;
        Some(Self {
            restarted: head & RESTARTED != 0,
            notification: head & NOTIFICATION != 0,
            seconds: head & SECONDS,
            families: families.map(|_| RestartFamily::read(reader)).collect::<Option<_>>()?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let flag = |set: bool, bit: u16| if set { bit } else { 0 };
        let head = self.seconds.min(SECONDS)
            | flag(self.restarted, RESTARTED)
            | flag(self.notification, NOTIFICATION);
        out.extend_from_slice(&head.to_be_bytes());
        for family in &self.families {
            out.extend_from_slice(&family.afi.to_be_bytes());
            out.extend_from_slice(&[family.safi, if family.preserved { PRESERVED } else { 0 }]);
        }
    }
}

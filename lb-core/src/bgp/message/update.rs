//! UPDATE: routes that go, routes that come, and what is said of those (RFC 4271 section 4.3, RFC 4760).
//!
//! IPv4 routes have fields of their own; all others travel inside two
//! attributes, which here stand beside the rest. A speaker sends one kind of
//! change in a message (RFC 7606 section 5.1) but must understand all at once.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::attribute::{self, Collected, PathAttributes, code};
use super::error::{AttributeFault, FaultKind, MessageError, Reaction};
use super::nlri;
use super::reader::Reader;
use super::{Dialect, Message, Parsed};
use crate::bgp::identity::{Family, UNICAST};

/// Octets of the shortest body: two lengths.
pub(super) const MIN_LENGTH: usize = 4;

/// An UPDATE. Prefixes have no bits set past their length; those that have lose them when written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// IPv4 routes that go, in the field of their own.
    pub withdrawn: Vec<Ipv4Net>,
    /// Routes that go, of one family, in `MP_UNREACH_NLRI`.
    pub mp_withdrawn: Option<MpUnreach>,
    /// What is said of the routes that come.
    pub attributes: PathAttributes,
    /// Routes that come, of one family, in `MP_REACH_NLRI`.
    pub mp_announced: Option<MpReach>,
    /// IPv4 routes that come, in the field of their own.
    pub announced: Vec<Ipv4Net>,
}

/// Routes that come, and where they lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MpReach {
    /// IPv4 unicast; the next hop is of IPv6 where both sides can do that (RFC 8950).
    Ipv4 {
        /// Where they lead.
        next_hop: NextHop,
        /// Where to.
        prefixes: Vec<Ipv4Net>,
    },
    /// IPv6 unicast; the next hop is of IPv6 (RFC 2545).
    Ipv6 {
        /// Where they lead.
        next_hop: NextHop,
        /// Where to.
        prefixes: Vec<Ipv6Net>,
    },
    /// A family that is not ours.
    Other {
        /// The address family's number.
        afi: u16,
        /// The subsequent one's.
        safi: u8,
        /// All that follows.
        body: Vec<u8>,
    },
}

/// Routes that go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MpUnreach {
    /// IPv4 unicast.
    Ipv4(Vec<Ipv4Net>),
    /// IPv6 unicast.
    Ipv6(Vec<Ipv6Net>),
    /// A family that is not ours.
    Other {
        /// The address family's number.
        afi: u16,
        /// The subsequent one's.
        safi: u8,
        /// All that follows.
        body: Vec<u8>,
    },
}

/// Where routes lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NextHop {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
    /// An IPv6 address, and another of the same host on the common link.
    V6WithLinkLocal {
        /// The one.
        global: Ipv6Addr,
        /// The other.
        link_local: Ipv6Addr,
    },
}

impl Update {
    /// The marker after the last of the routes that were there when a session came up (RFC 4724 section 2).
    #[must_use]
    pub fn end_of_rib(family: Family) -> Self {
        let mp_withdrawn = match family {
            Family::Ipv4 => None, // an UPDATE without anything
            Family::Ipv6 => Some(MpUnreach::Ipv6(Vec::new())),
        };
        Self { mp_withdrawn, ..Self::default() }
    }

    /// Which family's End-of-RIB this is, if it is one; either form will do for IPv4.
    #[must_use]
    pub fn as_end_of_rib(&self) -> Option<Family> {
        let Self { withdrawn, mp_withdrawn, attributes, mp_announced, announced } = self;
        let nothing_else = withdrawn.is_empty()
            && mp_announced.is_none()
            && announced.is_empty()
            && *attributes == PathAttributes::default();
        let family = match mp_withdrawn {
            None => Family::Ipv4,
            Some(MpUnreach::Ipv4(prefixes)) if prefixes.is_empty() => Family::Ipv4,
            Some(MpUnreach::Ipv6(prefixes)) if prefixes.is_empty() => Family::Ipv6,
            Some(MpUnreach::Ipv4(_) | MpUnreach::Ipv6(_) | MpUnreach::Other { .. }) => return None,
        };
        nothing_else.then_some(family)
    }

    /// All routes of ours that go.
    #[must_use]
    pub fn all_withdrawn(&self) -> Vec<IpNet> {
        let own = self.withdrawn.iter().copied().map(IpNet::V4);
        match &self.mp_withdrawn {
            None | Some(MpUnreach::Other { .. }) => own.collect(),
            Some(MpUnreach::Ipv4(more)) => own.chain(more.iter().copied().map(IpNet::V4)).collect(),
            Some(MpUnreach::Ipv6(more)) => own.chain(more.iter().copied().map(IpNet::V6)).collect(),
        }
    }

    /// All routes of ours that come, by where they lead; those without a next hop lead nowhere.
    #[must_use]
    pub fn all_announced(&self) -> Vec<(NextHop, Vec<IpNet>)> {
        let v4 = |prefixes: &[Ipv4Net]| prefixes.iter().copied().map(IpNet::V4).collect::<Vec<_>>();
        let own = self.attributes.next_hop.map(|next_hop| (NextHop::V4(next_hop), v4(&self.announced)));
        let more = match &self.mp_announced {
            None | Some(MpReach::Other { .. }) => None,
            Some(MpReach::Ipv4 { next_hop, prefixes }) => Some((*next_hop, v4(prefixes))),
            Some(MpReach::Ipv6 { next_hop, prefixes }) => {
                Some((*next_hop, prefixes.iter().copied().map(IpNet::V6).collect()))
            }
        };
        own.into_iter().chain(more).filter(|(_, prefixes)| !prefixes.is_empty()).collect()
    }

    /// The same with its coming routes among those that go: what treat-as-withdraw means (RFC 7606).
    #[must_use]
    pub fn into_withdrawal(self) -> Self {
        let mut withdrawn = self.withdrawn;
        withdrawn.extend(self.announced);
        let reach = match self.mp_announced {
            None => None,
            Some(MpReach::Ipv4 { prefixes, .. }) => Some(MpUnreach::Ipv4(prefixes)),
            Some(MpReach::Ipv6 { prefixes, .. }) => Some(MpUnreach::Ipv6(prefixes)),
            Some(MpReach::Other { afi, safi, body }) => Some(MpUnreach::Other { afi, safi, body }),
        };
        let mp_withdrawn = match (self.mp_withdrawn, reach) {
            (Some(MpUnreach::Ipv6(mut gone)), Some(MpUnreach::Ipv6(more))) => {
                gone.extend(more);
                Some(MpUnreach::Ipv6(gone))
            }
            // IPv4 has a field of its own to go to.
            (other, Some(MpUnreach::Ipv4(more))) | (Some(MpUnreach::Ipv4(more)), other) => {
                withdrawn.extend(more);
                other
            }
            (Some(MpUnreach::Other { .. }) | None, reach @ Some(_)) => reach,
            (unreach, _) => unreach,
        };
        Self { withdrawn, mp_withdrawn, ..Self::default() }
    }
}

impl MpReach {
    /// Reads the attribute's value. Its routes cannot be found if what is before them is wrong.
    pub(super) fn read(value: &[u8], dialect: Dialect) -> Result<Self, MessageError> {
        let mut reader = Reader::new(value);
        let head = reader.u16().zip(reader.u8());
        let (afi, safi) = head.ok_or(MessageError::UpdateLayout)?;
        let Some(family) = Family::from_codes(afi, safi) else {
            return Ok(Self::Other { afi, safi, body: reader.rest().to_vec() });
        };
        let octets = reader.counted().ok_or(MessageError::UpdateLayout)?;
        let _reserved = reader.u8().ok_or(MessageError::UpdateLayout)?;
        let length = u8::try_from(octets.len()).expect("one octet said so");
        let next_hop = NextHop::read(octets, family, dialect);
        let next_hop = next_hop.ok_or(MessageError::NextHopLength { family, length })?;
        let network = MessageError::Network { family };
        Ok(match family {
            Family::Ipv4 => Self::Ipv4 { next_hop, prefixes: nlri::read_all(reader.rest()).ok_or(network)? },
            Family::Ipv6 => Self::Ipv6 { next_hop, prefixes: nlri::read_all(reader.rest()).ok_or(network)? },
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let (afi, safi) = match self {
            Self::Ipv4 { .. } => (Family::Ipv4.afi(), UNICAST),
            Self::Ipv6 { .. } => (Family::Ipv6.afi(), UNICAST),
            Self::Other { afi, safi, .. } => (*afi, *safi),
        };
        out.extend_from_slice(&afi.to_be_bytes());
        out.push(safi);
        match self {
            Self::Ipv4 { next_hop, prefixes } => {
                next_hop.write(out);
                nlri::write_all(prefixes, out);
            }
            Self::Ipv6 { next_hop, prefixes } => {
                next_hop.write(out);
                nlri::write_all(prefixes, out);
            }
            Self::Other { body, .. } => out.extend_from_slice(body),
        }
    }

    /// Whether there is a route of ours in it.
    fn has_routes(&self) -> bool {
        match self {
            Self::Ipv4 { prefixes, .. } => !prefixes.is_empty(),
            Self::Ipv6 { prefixes, .. } => !prefixes.is_empty(),
            Self::Other { .. } => true,
        }
    }
}

impl MpUnreach {
    pub(super) fn read(value: &[u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::new(value);
        let head = reader.u16().zip(reader.u8());
        let (afi, safi) = head.ok_or(MessageError::UpdateLayout)?;
        let rest = reader.rest();
        Ok(match Family::from_codes(afi, safi) {
            Some(family @ Family::Ipv4) => {
                Self::Ipv4(nlri::read_all(rest).ok_or(MessageError::Network { family })?)
            }
            Some(family @ Family::Ipv6) => {
                Self::Ipv6(nlri::read_all(rest).ok_or(MessageError::Network { family })?)
            }
            None => Self::Other { afi, safi, body: rest.to_vec() },
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut head = |afi: u16, safi| {
            out.extend_from_slice(&afi.to_be_bytes());
            out.push(safi);
        };
        match self {
            Self::Ipv4(prefixes) => {
                head(Family::Ipv4.afi(), UNICAST);
                nlri::write_all(prefixes, out);
            }
            Self::Ipv6(prefixes) => {
                head(Family::Ipv6.afi(), UNICAST);
                nlri::write_all(prefixes, out);
            }
            Self::Other { afi, safi, body } => {
                head(*afi, *safi);
                out.extend_from_slice(body);
            }
        }
    }
}

impl fmt::Display for NextHop {
    /// The address alone; where there are two, the one that others reach.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(f),
            Self::V6(address) | Self::V6WithLinkLocal { global: address, .. } => address.fmt(f),
        }
    }
}

impl NextHop {
    fn read(octets: &[u8], family: Family, dialect: Dialect) -> Option<Self> {
        let mut reader = Reader::new(octets);
        let six_allowed = family == Family::Ipv6 || dialect.extended_next_hop;
        let mut six = || reader.array().map(|octets: [u8; 16]| Ipv6Addr::from(octets));
        match octets.len() {
            4 if family == Family::Ipv4 => reader.u32().map(Ipv4Addr::from).map(Self::V4),
            16 if six_allowed => six().map(Self::V6),
            32 if six_allowed => {
                six().zip(six()).map(|(global, link_local)| Self::V6WithLinkLocal { global, link_local })
            }
            _ => None,
        }
    }

    /// Its length, its octets, and the reserved one after them.
    fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::V4(address) => {
                out.push(4);
                out.extend_from_slice(&address.octets());
            }
            Self::V6(address) => {
                out.push(16);
                out.extend_from_slice(&address.octets());
            }
            Self::V6WithLinkLocal { global, link_local } => {
                out.push(32);
                out.extend_from_slice(&global.octets());
                out.extend_from_slice(&link_local.octets());
            }
        }
        out.push(0);
    }
}

/// Reads the body.
pub(super) fn parse(body: &[u8], dialect: Dialect) -> Result<Parsed, MessageError> {
    let mut reader = Reader::new(body);
    let fields = reader.counted_long().zip(reader.counted_long());
    let (withdrawn, attributes) = fields.ok_or(MessageError::UpdateLayout)?;
    let network = MessageError::Network { family: Family::Ipv4 };
    let withdrawn = nlri::read_all(withdrawn).ok_or_else(|| network.clone())?;
    let announced: Vec<Ipv4Net> = nlri::read_all(reader.rest()).ok_or(network)?;
    let mut collected = attribute::read_all(attributes, dialect)?;
    missing(&mut collected, !announced.is_empty());

    let routes = !announced.is_empty() || collected.reach.as_ref().is_some_and(MpReach::has_routes);
    let costly = collected.faults.iter().find(|fault| fault.reaction == Reaction::TreatAsWithdraw);
    if let Some(fault) = costly.filter(|_| !routes && collected.more_than_unreach) {
        return Err(MessageError::Attribute(*fault));
    }
    let Collected { attributes, reach, unreach, faults, .. } = collected;
    let update = Update { withdrawn, mp_withdrawn: unreach, attributes, mp_announced: reach, announced };
    Ok(Parsed { message: Message::Update(Box::new(update)), faults })
}

/// Faults for the attributes that routes cannot do without (RFC 7606 section 3 d).
fn missing(collected: &mut Collected, own_routes: bool) {
    let attributes = &collected.attributes;
    let mp_routes = matches!(collected.reach, Some(MpReach::Ipv4 { .. } | MpReach::Ipv6 { .. }));
    let any = own_routes || mp_routes;
    let needed = [
        (code::ORIGIN, any && attributes.origin.is_none()),
        (code::AS_PATH, any && attributes.as_path.is_none()),
        (code::NEXT_HOP, own_routes && attributes.next_hop.is_none()),
    ];
    for (attribute, is_missing) in needed {
        // One that is there and wrong has its fault already.
        let faulty = collected.faults.iter().any(|fault| fault.attribute == attribute);
        if is_missing && !faulty {
            let (kind, reaction) = (FaultKind::Missing, Reaction::TreatAsWithdraw);
            collected.faults.push(AttributeFault { attribute, kind, reaction });
        }
    }
}

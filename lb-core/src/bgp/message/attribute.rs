//! Path attributes: what an UPDATE says of its routes (RFC 4271 section 5, RFC 1997, RFC 6793, RFC 8092).
//!
//! Reading follows RFC 7606: an attribute that is wrong costs itself or the
//! routes, hardly ever the session. Those that are not known are kept with
//! their flags. The routes of other families, which travel as attributes too,
//! are [`update`]'s.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use super::as_path::AsPath;
use super::error::{AttributeFault, FaultKind, MessageError, Reaction};
use super::reader::{Reader, whole};
use super::{Dialect, update};
use crate::bgp::identity::{Asn, Community, LargeCommunity};

/// What an UPDATE says of all its routes; what is absent, or an empty list, was not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathAttributes {
    /// Where the route came into BGP.
    pub origin: Option<Origin>,
    /// The autonomous systems it came through; an empty path is one as well.
    pub as_path: Option<AsPath>,
    /// The next hop of the IPv4 routes in the UPDATE's own fields.
    pub next_hop: Option<Ipv4Addr>,
    /// `MULTI_EXIT_DISC`: among entrances to one neighbour, the lower is the better.
    pub med: Option<u32>,
    /// `LOCAL_PREF`: inside an autonomous system, the higher is the better.
    pub local_pref: Option<u32>,
    /// Whether more specific routes were left out.
    pub atomic_aggregate: bool,
    /// Who put routes together into this one.
    pub aggregator: Option<Aggregator>,
    /// Communities, in the order of the message.
    pub communities: Vec<Community>,
    /// Large communities, likewise.
    pub large_communities: Vec<LargeCommunity>,
    /// Those we do not know, likewise.
    pub unknown: Vec<UnknownAttribute>,
}

/// Where a route came into BGP; the earlier, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Origin {
    /// From inside its autonomous system.
    Igp = 0,
    /// From the protocol EGP.
    Egp = 1,
    /// Otherwise.
    Incomplete = 2,
}

/// Who put routes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregator {
    /// Its autonomous system.
    pub asn: Asn,
    /// Its BGP identifier.
    pub router_id: Ipv4Addr,
}

/// An optional attribute that we do not know, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownAttribute {
    flags: u8,
    code: u8,
    value: Vec<u8>,
}

impl UnknownAttribute {
    /// An attribute of a type code that has no field of its own here; `None` for one that has.
    #[must_use]
    pub fn new(code: u8, transitive: bool, partial: bool, value: Vec<u8>) -> Option<Self> {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let flags = flag::OPTIONAL | bit(transitive, flag::TRANSITIVE) | bit(partial, flag::PARTIAL);
        (!is_known(code)).then_some(Self { flags, code, value })
    }

    /// Optional, transitive and partial, as the three highest bits.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        self.flags
    }

    /// The type code.
    #[must_use]
    pub const fn code(&self) -> u8 {
        self.code
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }
}

/// The flags of an attribute; the four lower bits mean nothing.
pub(super) mod flag {
    pub(in crate::bgp::message) const OPTIONAL: u8 = 0x80;
    pub(in crate::bgp::message) const TRANSITIVE: u8 = 0x40;
    pub(in crate::bgp::message) const PARTIAL: u8 = 0x20;
    pub(in crate::bgp::message) const EXTENDED_LENGTH: u8 = 0x10;
}

/// The type codes of the attributes that have a field of their own.
pub(super) mod code {
    pub(in crate::bgp::message) const ORIGIN: u8 = 1;
    pub(in crate::bgp::message) const AS_PATH: u8 = 2;
    pub(in crate::bgp::message) const NEXT_HOP: u8 = 3;
    pub(in crate::bgp::message) const MED: u8 = 4;
    pub(in crate::bgp::message) const LOCAL_PREF: u8 = 5;
    pub(in crate::bgp::message) const ATOMIC_AGGREGATE: u8 = 6;
    pub(in crate::bgp::message) const AGGREGATOR: u8 = 7;
    pub(in crate::bgp::message) const COMMUNITIES: u8 = 8;
    pub(in crate::bgp::message) const MP_REACH: u8 = 14;
    pub(in crate::bgp::message) const MP_UNREACH: u8 = 15;
    pub(in crate::bgp::message) const AS4_PATH: u8 = 17;
    pub(in crate::bgp::message) const AS4_AGGREGATOR: u8 = 18;
    pub(in crate::bgp::message) const LARGE_COMMUNITIES: u8 = 32;
}

/// What the bits for optional and transitive must be; `None` for an attribute without a field here.
const fn expected_flags(code: u8) -> Option<u8> {
    match code {
        code::ORIGIN | code::AS_PATH | code::NEXT_HOP | code::LOCAL_PREF | code::ATOMIC_AGGREGATE => {
            Some(flag::TRANSITIVE)
        }
        code::MED | code::MP_REACH | code::MP_UNREACH => Some(flag::OPTIONAL),
        code::AGGREGATOR
        | code::COMMUNITIES
        | code::AS4_PATH
        | code::AS4_AGGREGATOR
        | code::LARGE_COMMUNITIES => Some(flag::OPTIONAL | flag::TRANSITIVE),
        _ => None,
    }
}

const fn is_known(code: u8) -> bool {
    expected_flags(code).is_some()
}

/// What a malformed attribute costs (RFC 7606 section 7, RFC 6793 section 6).
const fn reaction(code: u8) -> Reaction {
    match code {
        code::ATOMIC_AGGREGATE | code::AGGREGATOR | code::AS4_PATH | code::AS4_AGGREGATOR => {
            Reaction::DiscardAttribute
        }
        _ => Reaction::TreatAsWithdraw,
    }
}

/// The attributes of an UPDATE as they are read, one after the other.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) attributes: PathAttributes,
    pub(super) reach: Option<update::MpReach>,
    pub(super) unreach: Option<update::MpUnreach>,
    pub(super) faults: Vec<AttributeFault>,
    /// Whether anything but `MP_UNREACH_NLRI` is there.
    pub(super) more_than_unreach: bool,
    as4_path: Option<AsPath>,
    as4_aggregator: Option<Aggregator>,
    seen: [bool; 256],
    dialect: Dialect,
}

/// Reads the attributes' field.
pub(super) fn read_all(bytes: &[u8], dialect: Dialect) -> Result<Collected, MessageError> {
    let mut collected = Collected {
        attributes: PathAttributes::default(),
        reach: None,
        unreach: None,
        faults: Vec::new(),
        more_than_unreach: false,
        as4_path: None,
        as4_aggregator: None,
        seen: [false; 256],
        dialect,
    };
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        let start = reader.rest();
        let Some((flags, code, value)) = next(&mut reader) else {
            let attribute = start.get(1).copied().unwrap_or_default();
            collected.fault(attribute, FaultKind::Overrun, Reaction::TreatAsWithdraw);
            collected.more_than_unreach = true;
            break;
        };
        let whole = &start[..start.len() - reader.len()];
        collected.read(flags, code, value, whole)?;
    }
    collected.put_paths_together();
    Ok(collected)
}

/// Flags, type code and value of the next attribute; `None` if it is cut off.
fn next<'a>(reader: &mut Reader<'a>) -> Option<(u8, u8, &'a [u8])> {
    let (flags, code) = (reader.u8()?, reader.u8()?);
    let extended = flags & flag::EXTENDED_LENGTH != 0;
    let value = if extended { reader.counted_long() } else { reader.counted() }?;
    Some((flags, code, value))
}

impl Collected {
    fn fault(&mut self, attribute: u8, kind: FaultKind, reaction: Reaction) {
        self.faults.push(AttributeFault { attribute, kind, reaction });
    }

    fn read(&mut self, flags: u8, code: u8, value: &[u8], whole: &[u8]) -> Result<(), MessageError> {
        self.more_than_unreach |= code != code::MP_UNREACH;
        if core::mem::replace(&mut self.seen[usize::from(code)], true) {
            if matches!(code, code::MP_REACH | code::MP_UNREACH) {
                return Err(MessageError::Twice { attribute: code });
            }
            self.fault(code, FaultKind::Again, Reaction::DiscardAttribute);
            return Ok(());
        }
        let Some(expected) = expected_flags(code) else {
            return self.unknown(flags, code, value, whole);
        };
        if code == code::LOCAL_PREF && self.dialect.external {
            self.fault(code, FaultKind::External, Reaction::DiscardAttribute);
            return Ok(());
        }
        if flags & (flag::OPTIONAL | flag::TRANSITIVE) != expected {
            self.fault(code, FaultKind::Flags, reaction(code));
            // The routes in it are needed nevertheless, to withdraw them.
            if !matches!(code, code::MP_REACH | code::MP_UNREACH) {
                return Ok(());
            }
        }
        match code {
            code::MP_REACH => self.reach = Some(update::MpReach::read(value, self.dialect)?),
            code::MP_UNREACH => self.unreach = Some(update::MpUnreach::read(value)?),
            _ => {
                if let Err(kind) = self.known(code, value) {
                    self.fault(code, kind, reaction(code));
                }
            }
        }
        Ok(())
    }

    /// An attribute with a field of its own.
    fn known(&mut self, code: u8, value: &[u8]) -> Result<(), FaultKind> {
        let number = || whole(value, |reader| reader.u32()).ok_or(FaultKind::Length);
        let attributes = &mut self.attributes;
        match code {
            code::ORIGIN => attributes.origin = Some(origin(value)?),
            code::AS_PATH => {
                let path = AsPath::read(value, self.dialect.four_octet_as).ok_or(FaultKind::Value)?;
                attributes.as_path = Some(path);
            }
            code::AS4_PATH => {
                let path = AsPath::read(value, true).ok_or(FaultKind::Value)?;
                self.as4_path = Some(path.without_confederations());
            }
            code::NEXT_HOP => attributes.next_hop = Some(Ipv4Addr::from(number()?)),
            code::MED => attributes.med = Some(number()?),
            code::LOCAL_PREF => attributes.local_pref = Some(number()?),
            code::ATOMIC_AGGREGATE => {
                attributes.atomic_aggregate = value.is_empty();
                return if value.is_empty() { Ok(()) } else { Err(FaultKind::Length) };
            }
            code::AGGREGATOR => attributes.aggregator = Some(aggregator(value, self.dialect.four_octet_as)?),
            code::AS4_AGGREGATOR => self.as4_aggregator = Some(aggregator(value, true)?),
            code::COMMUNITIES => {
                attributes.communities = list(value, |octets| Community(u32::from_be_bytes(octets)))?
            }
            code::LARGE_COMMUNITIES => attributes.large_communities = list(value, large_community)?,
            _ => unreachable!("every code with expected flags has an arm"),
        }
        Ok(())
    }

    fn unknown(&mut self, flags: u8, code: u8, value: &[u8], whole: &[u8]) -> Result<(), MessageError> {
        if flags & flag::OPTIONAL == 0 {
            return Err(MessageError::WellKnown { attribute: code, bytes: whole.to_vec() });
        }
        let flags = flags & (flag::OPTIONAL | flag::TRANSITIVE | flag::PARTIAL);
        self.attributes.unknown.push(UnknownAttribute { flags, code, value: value.to_vec() });
        Ok(())
    }

    /// True numbers in the place of `AS_TRANS` (RFC 6793 section 4.2.3).
    fn put_paths_together(&mut self) {
        if self.dialect.four_octet_as {
            return; // "MUST discard" those from a new speaker (section 4.1)
        }
        let old_aggregator = self.attributes.aggregator;
        if self.as4_aggregator.is_some() && old_aggregator.is_some_and(|old| old.asn != Asn::TRANS) {
            return; // an old speaker aggregated after the last new one: what that knew is outdated
        }
        if old_aggregator.is_some() {
            self.attributes.aggregator = self.as4_aggregator.or(old_aggregator);
        }
        if let (Some(path), Some(four)) = (&mut self.attributes.as_path, self.as4_path.take()) {
            *path = core::mem::take(path).merged(four);
        }
    }
}

fn origin(value: &[u8]) -> Result<Origin, FaultKind> {
    match value {
        [0] => Ok(Origin::Igp),
        [1] => Ok(Origin::Egp),
        [2] => Ok(Origin::Incomplete),
        [_] => Err(FaultKind::Value),
        _ => Err(FaultKind::Length),
    }
}

fn aggregator(value: &[u8], four_octets: bool) -> Result<Aggregator, FaultKind> {
    let read = |reader: &mut Reader<'_>| {
        let asn = if four_octets { reader.u32()? } else { u32::from(reader.u16()?) };
        Some(Aggregator { asn: Asn(asn), router_id: Ipv4Addr::from(reader.u32()?) })
    };
    whole(value, read).ok_or(FaultKind::Length)
}

/// A list of at least one item, without anything left over.
fn list<T, const N: usize>(value: &[u8], item: impl Fn([u8; N]) -> T) -> Result<Vec<T>, FaultKind> {
    match value.as_chunks() {
        (items, []) if !items.is_empty() => Ok(items.iter().copied().map(item).collect()),
        _ => Err(FaultKind::Length),
    }
}

fn large_community(octets: [u8; 12]) -> LargeCommunity {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = octets;
    LargeCommunity {
        global: u32::from_be_bytes([a, b, c, d]),
        first: u32::from_be_bytes([e, f, g, h]),
        second: u32::from_be_bytes([i, j, k, l]),
    }
}

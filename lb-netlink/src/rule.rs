//! Rules: which packets are looked up in which routing table.
//!
//! The kernel asks them by priority, smallest first. Nothing identifies a rule
//! but all of it, so [`plan()`] compares whole rules. Attributes that are not
//! modelled are kept in [`Rule::others`], so that a rule which says more is not
//! taken for one that says less. Source: `ip-rule(8)`, `include/uapi/linux/fib_rules.h`.

use std::fmt;

use ipnet::IpNet;
use netlink_packet_route::route::RouteProtocol;
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleFlags, RuleMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use crate::address::address_family;
use crate::link::DeviceName;
use crate::network::Command;
use crate::origin::Origin;
use crate::tunnel::Family;

/// A rule.
///
/// ```
/// use lb_netlink::rule::{Mark, Rule};
/// use lb_netlink::tunnel::Family;
///
/// // packets that a prober marked for one backend
/// let rule = Rule { mark: Some(Mark::exact(0x2a)), ..Rule::to_table(Family::V4, 1000, 1042) };
/// assert_eq!(rule.to_string(), "priority 1000 from all fwmark 0x2a lookup 1042 protocol 79");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The family of packets.
    pub family: Family,
    /// When it is asked; smaller first. `main` is at 32766.
    pub priority: u32,
    /// Only packets from here.
    pub source: Option<IpNet>,
    /// Only packets to here.
    pub destination: Option<IpNet>,
    /// Only packets with this mark.
    pub mark: Option<Mark>,
    /// Only packets that came in through this device (`lo`: made here).
    pub input: Option<DeviceName>,
    /// Only packets that a socket bound to this device.
    pub output: Option<DeviceName>,
    /// The packets that do not match instead.
    pub inverted: bool,
    /// What is done with the packets.
    pub action: Action,
    /// Who made the rule.
    pub origin: Origin,
    /// What else the rule says.
    pub others: Vec<RuleAttribute>,
}

/// What a rule does with the packets that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Looked up in the table with this number.
    Table(u32),
    /// Dropped without a word.
    Blackhole,
    /// Dropped with ICMP "administratively prohibited".
    Prohibit,
    /// Dropped with ICMP "unreachable".
    Unreachable,
    /// Another, by its number.
    Other(u8),
}

/// A firewall mark (`SO_MARK`) to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The value under the mask.
    pub value: u32,
    /// The bits that are compared.
    pub mask: u32,
}

impl Mark {
    /// All bits are compared.
    #[must_use]
    pub const fn exact(value: u32) -> Self {
        Self { value, mask: u32::MAX }
    }
}

impl Rule {
    /// A rule of ours for all packets of a family, to be narrowed.
    #[must_use]
    pub const fn to_table(family: Family, priority: u32, table: u32) -> Self {
        Self {
            family,
            priority,
            source: None,
            destination: None,
            mark: None,
            input: None,
            output: None,
            inverted: false,
            action: Action::Table(table),
            origin: Origin::OVERSPILL,
            others: Vec::new(),
        }
    }

    /// The rules in the answer to a dump.
    #[must_use]
    pub fn from_messages<'a>(messages: impl IntoIterator<Item = &'a RouteNetlinkMessage>) -> Vec<Self> {
        let rules = messages.into_iter().filter_map(|message| match message {
            RouteNetlinkMessage::NewRule(message) => Self::from_message(message),
            _ => None,
        });
        rules.collect()
    }

    /// Reads one rule; none if it is of another family than IP.
    #[must_use]
    pub fn from_message(message: &RuleMessage) -> Option<Self> {
        let header = &message.header;
        let family = match header.family {
            AddressFamily::Inet => Family::V4,
            AddressFamily::Inet6 => Family::V6,
            _ => return None,
        };
        let mut rule = Self { origin: Origin::UNKNOWN, ..Self::to_table(family, 0, header.table.into()) };
        rule.inverted = header.flags.contains(RuleFlags::Invert);
        let (mut table, mut mark, mut mask) = (u32::from(header.table), None, u32::MAX);
        for attribute in &message.attributes {
            match attribute {
                RuleAttribute::Priority(priority) => rule.priority = *priority,
                RuleAttribute::Source(address) => {
                    rule.source = IpNet::new(*address, header.src_len).ok();
                }
                RuleAttribute::Destination(address) => {
                    rule.destination = IpNet::new(*address, header.dst_len).ok();
                }
                RuleAttribute::FwMark(value) => mark = Some(*value),
                RuleAttribute::FwMask(value) => mask = *value,
                RuleAttribute::Iifname(name) => rule.input = name.parse().ok(),
                RuleAttribute::Oifname(name) => rule.output = name.parse().ok(),
                RuleAttribute::Table(number) => table = *number,
                RuleAttribute::Protocol(protocol) => rule.origin = Origin(u8::from(*protocol)),
                // always told; all ones is "not suppressed"
                RuleAttribute::SuppressPrefixLen(u32::MAX) => {}
                other => rule.others.push(other.clone()),
            }
        }
        rule.mark = mark.map(|value| Mark { value, mask });
        rule.action = match header.action {
            RuleAction::ToTable => Action::Table(table),
            RuleAction::Blackhole => Action::Blackhole,
            RuleAction::Prohibit => Action::Prohibit,
            RuleAction::Unreachable => Action::Unreachable,
            other => Action::Other(other.into()),
        };
        Some(rule)
    }

    /// The request that adds the rule.
    #[must_use]
    pub fn add_message(&self) -> RouteNetlinkMessage {
        RouteNetlinkMessage::NewRule(self.message())
    }

    /// The request that removes the first rule like this one.
    #[must_use]
    pub fn delete_message(&self) -> RouteNetlinkMessage {
        RouteNetlinkMessage::DelRule(self.message())
    }

    fn message(&self) -> RuleMessage {
        let mut message = RuleMessage::default();
        let header = &mut message.header;
        header.family = address_family(self.family);
        header.flags.set(RuleFlags::Invert, self.inverted);
        let attributes = &mut message.attributes;
        attributes.push(RuleAttribute::Priority(self.priority));
        if let Some(source) = self.source {
            header.src_len = source.prefix_len();
            attributes.push(RuleAttribute::Source(source.addr()));
        }
        if let Some(destination) = self.destination {
            header.dst_len = destination.prefix_len();
            attributes.push(RuleAttribute::Destination(destination.addr()));
        }
        if let Some(mark) = self.mark {
            attributes.push(RuleAttribute::FwMark(mark.value));
            attributes.push(RuleAttribute::FwMask(mark.mask));
        }
        attributes.extend(self.input.as_ref().map(|name| RuleAttribute::Iifname(name.to_string())));
        attributes.extend(self.output.as_ref().map(|name| RuleAttribute::Oifname(name.to_string())));
        header.action = match self.action {
            Action::Table(table) => {
                header.table = u8::try_from(table).unwrap_or(0);
                attributes.push(RuleAttribute::Table(table));
                RuleAction::ToTable
            }
            Action::Blackhole => RuleAction::Blackhole,
            Action::Prohibit => RuleAction::Prohibit,
            Action::Unreachable => RuleAction::Unreachable,
            Action::Other(number) => RuleAction::from(number),
        };
        if self.origin != Origin::UNKNOWN {
            attributes.push(RuleAttribute::Protocol(RouteProtocol::from(self.origin.0)));
        }
        attributes.extend(self.others.iter().cloned());
        message
    }
}

impl fmt::Display for Rule {
    /// As `ip rule add` takes it; what is not modelled is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.inverted { "not " } else { "" })?;
        write!(f, "priority {} from ", self.priority)?;
        match self.source {
            Some(source) => write!(f, "{source}")?,
            None => f.write_str("all")?,
        }
        if let Some(destination) = self.destination {
            write!(f, " to {destination}")?;
        }
        if let Some(mark) = self.mark {
            write!(f, " fwmark {:#x}", mark.value)?;
            if mark.mask != u32::MAX {
                write!(f, "/{:#x}", mark.mask)?;
            }
        }
        for (word, device) in [("iif", &self.input), ("oif", &self.output)] {
            if let Some(device) = device {
                write!(f, " {word} {device}")?;
            }
        }
        match self.action {
            Action::Table(table) => write!(f, " lookup {table}")?,
            Action::Blackhole => f.write_str(" blackhole")?,
            Action::Prohibit => f.write_str(" prohibit")?,
            Action::Unreachable => f.write_str(" unreachable")?,
            Action::Other(number) => write!(f, " type {number}")?,
        }
        if self.origin != Origin::UNKNOWN {
            write!(f, " protocol {}", self.origin)?;
        }
        Ok(())
    }
}

/// The request for all rules of a family.
#[must_use]
pub fn dump_message(family: Family) -> RouteNetlinkMessage {
    let mut message = RuleMessage::default();
    message.header.family = address_family(family);
    RouteNetlinkMessage::GetRule(message)
}

/// The commands after which the wanted rules are there once and, of ours, no others.
///
/// `owned` says whether an observed rule is ours to remove. Additions come first.
#[must_use]
pub fn plan(observed: &[Rule], wanted: &[Rule], owned: impl Fn(&Rule) -> bool) -> Vec<Command> {
    let same = |one: &Rule, other: &Rule| Rule { origin: other.origin, ..one.clone() } == *other;
    let mut commands = Vec::new();
    for (position, rule) in wanted.iter().enumerate() {
        let known = observed.iter().chain(&wanted[..position]).any(|other| same(rule, other));
        if !known {
            commands.push(Command::AddRule(rule.clone()));
        }
    }
    for (position, rule) in observed.iter().enumerate().filter(|(_, rule)| owned(rule)) {
        let again = observed[..position].iter().any(|other| other == rule);
        if again || !wanted.iter().any(|other| same(rule, other)) {
            commands.push(Command::RemoveRule(rule.clone()));
        }
    }
    commands
}

#[cfg(test)]
mod tests;

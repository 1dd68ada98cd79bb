//! Ranges of addresses: prefixes and `first-last`, as one ascending list.
//!
//! Whatever the order in which they were written, and whether they overlap,
//! the list is the same: who takes the first free address gets the same one.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::api::{FieldPath, IpFamily, Problem, SpecError, repeated};
use crate::nearest::quoted;

/// Addresses of one family from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

/// What is wrong with a range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeProblem {
    /// The exclusions leave nothing.
    #[error("nothing is left of the addresses; exclude less")]
    AllExcluded,
    /// A prefix with bits after its length.
    #[error("the prefix of this length begins at {network}; write {network}, or a range")]
    HostBits {
        /// The prefix that was meant, perhaps.
        network: IpNet,
    },
    /// Two families in one range.
    #[error("a range is of one family; write two")]
    Mixed,
    /// The last before the first.
    #[error("the last address comes before the first; write the lesser first")]
    Reversed,
    /// None of the forms.
    #[error(
        "{} is neither prefix nor range; write 203.0.113.0/24 or 203.0.113.10-203.0.113.20",
        quoted(text)
    )]
    Text {
        /// As written.
        text: String,
    },
    /// Addresses that no VIP can be.
    #[error("{address} can be no VIP; write {}", match address {
        IpAddr::V6(mapped) if let Some(meant) = mapped.to_ipv4_mapped() => format!("{meant}, which it stands for"),
        _ => "unicast addresses of hosts".to_owned(),
    })]
    Unicast {
        /// The first such address.
        address: IpAddr,
    },
}

impl AddressRange {
    /// The first address.
    #[must_use]
    pub const fn first(&self) -> IpAddr {
        self.first
    }

    /// The last address.
    #[must_use]
    pub const fn last(&self) -> IpAddr {
        self.last
    }

    /// Its family.
    #[must_use]
    pub const fn family(&self) -> IpFamily {
        match self.first {
            IpAddr::V4(_) => IpFamily::Ipv4,
            IpAddr::V6(_) => IpFamily::Ipv6,
        }
    }

    /// Whether an address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.first.is_ipv4() && (self.first..=self.last).contains(&address)
    }

    /// Its addresses, ascending.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let is_v4 = self.first.is_ipv4();
        (number(self.first)..=number(self.last)).map(move |number| address(number, is_v4))
    }

    fn parse(text: &str) -> Result<Self, RangeProblem> {
        let none = || RangeProblem::Text { text: text.to_owned() };
        let range = if text.contains('/') {
            let net: IpNet = text.trim().parse().map_err(|_| none())?;
            if net.trunc() != net {
                return Err(RangeProblem::HostBits { network: net.trunc() });
            }
            Self { first: net.network(), last: net.broadcast() }
        } else {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let parse = |text: &str| text.trim().parse::<IpAddr>().map_err(|_| none());
            Self { first: parse(first)?, last: parse(last)? }
        };
        if range.first.is_ipv4() != range.last.is_ipv4() {
            return Err(RangeProblem::Mixed);
        }
        if range.first > range.last {
            return Err(RangeProblem::Reversed);
        }
        Ok(range)
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { self.first.fmt(f) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

/// Addresses that no host has.
const NOT_UNICAST: [&str; 9] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/3",
    "::/127",
    "::ffff:0:0/96",
    "fe80::/10",
    "ff00::/8",
    "fec0::/10",
];

/// What is left of `addresses` without `exclude`, both as written below `path`.
pub(super) fn check(
    addresses: &[String],
    exclude: &[String],
    path: &FieldPath,
) -> Result<Vec<AddressRange>, SpecError> {
    let read = |texts: &[String], at: FieldPath| -> Result<Vec<AddressRange>, SpecError> {
        let parse = |(position, text): (usize, &String)| {
            AddressRange::parse(text).map_err(|problem| at.item(position).wrong(problem))
        };
        texts.iter().enumerate().map(parse).collect()
    };
    let at = path.field("addresses");
    if addresses.is_empty() {
        return Err(at.wrong(Problem::Nothing { what: "an address" }));
    }
    let wanted = read(addresses, at.clone())?;
    for (position, range) in wanted.iter().enumerate() {
        if let Some(address) = not_unicast(range) {
            return Err(at.item(position).wrong(RangeProblem::Unicast { address }));
        }
    }
    let left = without(&merged(wanted), &merged(read(exclude, path.field("exclude"))?));
    if left.is_empty() {
        return Err(path.field("exclude").wrong(RangeProblem::AllExcluded));
    }
    Ok(left)
}

/// Whether a host can have an address.
pub(crate) fn is_of_a_host(address: IpAddr) -> bool {
    not_unicast(&AddressRange { first: address, last: address }).is_none()
}

/// Addresses that hosts can have, none of them twice.
pub(crate) fn check_hosts(addresses: &[IpAddr], path: &FieldPath) -> Result<(), SpecError> {
    if let Some(position) = addresses.iter().position(|address| !is_of_a_host(*address)) {
        return Err(path.item(position).wrong(RangeProblem::Unicast { address: addresses[position] }));
    }
    match repeated(addresses) {
        Some((position, first)) => {
            let name = addresses[position].to_string();
            Err(path.item(position).wrong(Problem::Duplicate { name, first }))
        }
        None => Ok(()),
    }
}

fn not_unicast(range: &AddressRange) -> Option<IpAddr> {
    NOT_UNICAST.iter().find_map(|net| {
        let net: IpNet = net.parse().expect("a prefix by its letters");
        let same = net.network().is_ipv4() == range.first.is_ipv4();
        let overlap = same && net.network() <= range.last && range.first <= net.broadcast();
        overlap.then(|| net.network().max(range.first))
    })
}

/// Ascending, with what overlaps or touches put together.
fn merged(mut ranges: Vec<AddressRange>) -> Vec<AddressRange> {
    ranges.sort();
    let mut merged: Vec<AddressRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(before)
                if before.family() == range.family()
                    && number(range.first) <= number(before.last).saturating_add(1) =>
            {
                before.last = before.last.max(range.last);
            }
            _ => merged.push(range),
        }
    }
    merged
}

/// What is left of ascending ranges without other ascending ranges.
fn without(ranges: &[AddressRange], holes: &[AddressRange]) -> Vec<AddressRange> {
    let mut left = Vec::new();
    for range in ranges {
        let is_v4 = range.first.is_ipv4();
        let (mut first, last) = (number(range.first), number(range.last));
        let mut is_open = true;
        for hole in holes.iter().filter(|hole| hole.first.is_ipv4() == is_v4) {
            let (from, to) = (number(hole.first), number(hole.last));
            if to < first || from > last {
                continue;
            }
            if from > first {
                left.push(AddressRange { first: address(first, is_v4), last: address(from - 1, is_v4) });
            }
            match to.checked_add(1).filter(|next| *next <= last) {
                Some(next) => first = next,
                None => is_open = false,
            }
        }
        if is_open {
            left.push(AddressRange { first: address(first, is_v4), last: range.last });
        }
    }
    left
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => address.into(),
    }
}

fn address(number: u128, is_v4: bool) -> IpAddr {
    if is_v4 {
        IpAddr::V4(Ipv4Addr::from(u32::try_from(number).expect("came from an IPv4 address")))
    } else {
        IpAddr::V6(Ipv6Addr::from(number))
    }
}

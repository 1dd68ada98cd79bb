//! Groups of virtual addresses: each becomes a service of its own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::words::{self, Statement};
use super::super::{ImportError, ImportProblem, Remarks};

/// Where a virtual server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// An address, and a port or 0 for all.
    Address(IpAddr, u16),
    /// A firewall mark, as written.
    Mark(String),
}

/// Addresses of one range at most: as many services are written.
const MOST: u128 = 256;
const TOO_MANY: &str = "more than 256 addresses; write the services that are used";

/// The places of a `virtual_server_group`.
pub(super) fn places(group: &Statement<'_>, remarks: &mut Remarks) -> Result<Vec<Place>, ImportError> {
    let mut places = Vec::new();
    for entry in &group.block {
        if entry.name() == "fwmark" {
            places.push(Place::Mark(entry.words.join(" ")));
            continue;
        }
        let port = entry.words.get(1).map_or(Ok(0), |text| words::port(text));
        let port = port.map_err(|problem| entry.line.wrong(problem))?;
        let text = entry.name();
        let wrong = || entry.line.wrong(ImportProblem::Address { text: text.to_owned() });
        let (first, last) = range(text).ok_or_else(wrong)?;
        if bits(last) - bits(first) >= MOST {
            remarks.left_out(entry.line.number, text, TOO_MANY);
            continue;
        }
        let address = |bits: u128| match first {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(bits as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(bits)),
        };
        places.extend((bits(first)..=bits(last)).map(|bits| Place::Address(address(bits), port)));
    }
    Ok(places)
}

/// `192.0.2.1`, `192.0.2.1-10`, `192.0.2.250-192.0.3.10`, `192.0.2.8/29`; the first and the last.
fn range(text: &str) -> Option<(IpAddr, IpAddr)> {
    if let Some((network, length)) = text.split_once('/') {
        let first: IpAddr = network.parse().ok()?;
        let width = if first.is_ipv4() { 32 } else { 128 };
        let host_bits = width - length.parse::<u32>().ok().filter(|length| *length <= width)?;
        let ones = 1_u128.checked_shl(host_bits).map_or(u128::MAX, |size| size - 1);
        return Some((first, from_bits(first, bits(first) | ones)));
    }
    let Some((first, end)) = text.split_once('-') else {
        let address = text.parse().ok()?;
        return Some((address, address));
    };
    let first: IpAddr = first.parse().ok()?;
    let last = match first {
        _ if end.contains(['.', ':']) => end.parse().ok()?,
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            IpAddr::from([a, b, c, end.parse().ok()?])
        }
        IpAddr::V6(address) => {
            let mut segments = address.segments();
            segments[7] = u16::from_str_radix(end, 16).ok()?;
            IpAddr::from(segments)
        }
    };
    (first.is_ipv4() == last.is_ipv4() && first <= last).then_some((first, last))
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn from_bits(family: IpAddr, bits: u128) -> IpAddr {
    match family {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(bits as u32)),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    }
}

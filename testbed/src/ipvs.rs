//! What a node's kernel serves, read from `/proc/net/ip_vs`, or by `ipvsadm` where that is too long for
//! it, rather than by the code under test.

use std::fs::File;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::Context as _;

use crate::namespace::Namespace;

/// What the kernel gives in one read.
const PAGE: usize = 4000;

/// One line of the kernel's list: a service, or a destination of the service above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A service with its protocol, scheduler and flags.
    Service { protocol: String, address: SocketAddr, scheduler: String },
    /// A destination and its weight.
    Destination { address: SocketAddr, forward: String, weight: u32 },
}

/// All services with their destinations, in the kernel's order.
pub(crate) fn read(namespace: &Namespace) -> anyhow::Result<Vec<Line>> {
    // In one read: where other namespaces have services too, kernels skip some of the list
    // whenever a reader comes back for more of it.
    let bytes = namespace.run(|| -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; 1 << 16];
        let count = File::open("/proc/thread-self/net/ip_vs")?.read(&mut bytes)?;
        bytes.truncate(count);
        Ok(bytes)
    })?;
    if bytes.len() < PAGE {
        return parse(std::str::from_utf8(&bytes)?, hexadecimal);
    }
    let listed = namespace.output("/bin/ipvsadm", &["-L", "-n", "--nosort"], "")?;
    parse(&listed, |word| word.parse().ok())
}

fn parse(text: &str, address: impl Fn(&str) -> Option<SocketAddr>) -> anyhow::Result<Vec<Line>> {
    // three lines of heading
    let lines = text.lines().skip(3).filter(|line| !line.trim().is_empty());
    lines.map(|line| line_of(line, &address).with_context(|| format!("a line of ip_vs: {line}"))).collect()
}

fn line_of(line: &str, address: impl Fn(&str) -> Option<SocketAddr>) -> Option<Line> {
    let mut words = line.split_whitespace();
    let first = words.next()?;
    let address = address(words.next()?)?;
    if first == "->" {
        let (forward, weight) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        return Some(Line::Destination { address, forward, weight });
    }
    // flags come after it, from one of the two sources only
    Some(Line::Service { protocol: first.to_owned(), address, scheduler: words.next()?.to_owned() })
}

/// `0A090909:0050` or `[fd00:0009:...]:0050`.
fn hexadecimal(word: &str) -> Option<SocketAddr> {
    let (address, port) = word.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let address: IpAddr = match address.strip_prefix('[') {
        Some(v6) => v6.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?.into(),
        None => Ipv4Addr::from(u32::from_str_radix(address, 16).ok()?).into(),
    };
    Some(SocketAddr::new(address, port))
}

/// The services that are wanted, with their destinations.
pub(crate) fn of_services(lines: &[Line], mut is_wanted: impl FnMut(&str, SocketAddr) -> bool) -> Vec<Line> {
    let mut is_in = false;
    let wanted = lines.iter().filter(|line| {
        if let Line::Service { protocol, address, .. } = line {
            is_in = is_wanted(protocol, *address);
        }
        is_in
    });
    wanted.cloned().collect()
}

/// One service with its destinations; its protocol in lower case.
pub(crate) fn of_service(lines: &[Line], protocol: &str, address: SocketAddr) -> Vec<Line> {
    of_services(lines, |name, other| name.eq_ignore_ascii_case(protocol) && other == address)
}

/// The addresses of all destinations.
pub(crate) fn destinations(lines: &[Line]) -> impl Iterator<Item = IpAddr> {
    lines.iter().filter_map(|line| match line {
        Line::Destination { address, .. } => Some(address.ip()),
        Line::Service { .. } => None,
    })
}

/// Whether a backend is a destination, of whatever weight.
pub(crate) fn has(lines: &[Line], backend: IpAddr) -> bool {
    destinations(lines).any(|address| address == backend)
}

/// The weight of a backend in all of these services together.
pub(crate) fn weight_of(lines: &[Line], backend: IpAddr) -> u32 {
    let weight = |line: &Line| match line {
        Line::Destination { address, weight, .. } if address.ip() == backend => *weight,
        Line::Destination { .. } | Line::Service { .. } => 0,
    };
    lines.iter().map(weight).sum()
}

#[cfg(test)]
mod tests;

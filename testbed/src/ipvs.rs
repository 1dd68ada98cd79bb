//! What a node's kernel serves.
//!
//! [`read`] asks by `lb_netlink`, quickly, for those who wait and measure; [`listed`] asks `ipvsadm`,
//! which costs a tenth of a second, so that the code under test is not its own judge: one scenario
//! compares the two. `/proc/net/ip_vs` is of no use: where other namespaces have services too,
//! kernels skip some of the list whenever a reader comes back for the next 4 KiB of it.

use std::fs;
use std::net::{IpAddr, SocketAddr};

use anyhow::Context as _;
use lb_core::ipvs::{ForwardMethod, KernelDestination, ServiceKey};
use lb_netlink::ipvs::blocking::Client;
use lb_netlink::ipvs::planned;

use crate::namespace::Namespace;

/// One line of the kernel's list: a service, or a destination of the service above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A service with its protocol, scheduler and flags.
    Service { protocol: String, address: SocketAddr, scheduler: String },
    /// A destination and its weight.
    Destination { address: SocketAddr, forward: String, weight: u32 },
}

/// All services by their names, each with its destinations in the kernel's order.
pub(crate) fn read(namespace: &Namespace) -> anyhow::Result<Vec<Line>> {
    let observed = namespace.run(|| Client::open()?.snapshot().map(|tables| planned::observed(&tables)))?;
    let mut lines = Vec::new();
    for (key, service) in observed.services {
        let ServiceKey::Address(key) = key else { continue };
        lines.push(Line::Service {
            protocol: key.protocol.to_string().to_uppercase(),
            address: SocketAddr::new(key.address, key.port),
            scheduler: service.service.scheduler,
        });
        // the last one added first, as `ipvsadm` has them
        lines.extend(service.destinations.iter().rev().map(|observed| destination(&observed.destination)));
    }
    Ok(lines)
}

fn destination(destination: &KernelDestination) -> Line {
    let KernelDestination { endpoint, forward, weight, .. } = *destination;
    let word = match forward {
        ForwardMethod::Masquerade => "Masq",
        ForwardMethod::Local => "Local",
        ForwardMethod::Tunnel(_) => "Tunnel",
        ForwardMethod::DirectRoute => "Route",
        ForwardMethod::Bypass => "Bypass",
    };
    let address = SocketAddr::new(endpoint.address, endpoint.port);
    Line::Destination { address, forward: word.to_owned(), weight }
}

/// The same as `ipvsadm` lists it, services in the kernel's order.
pub(crate) fn listed(namespace: &Namespace) -> anyhow::Result<Vec<Line>> {
    parse(&namespace.output("/bin/ipvsadm", &["-L", "-n", "--nosort"], "")?)
}

/// How many packets a kernel has sent on to destinations.
pub(crate) fn packets(namespace: &Namespace) -> anyhow::Result<u64> {
    let text = namespace.run(|| fs::read_to_string("/proc/thread-self/net/ip_vs_stats_percpu"))?;
    // two lines of heading, then our one processor: its number, connections, packets, in hexadecimal;
    // all others' totals, like `ip_vs_stats`, are two seconds old
    let mut words = text.lines().nth(2).unwrap_or_default().split_whitespace();
    let packets = words.nth(2).and_then(|word| u64::from_str_radix(word, 16).ok());
    packets.with_context(|| format!("ip_vs_stats_percpu: {text}"))
}

fn parse(text: &str) -> anyhow::Result<Vec<Line>> {
    // three lines of heading
    let lines = text.lines().skip(3).filter(|line| !line.trim().is_empty());
    lines.map(|line| line_of(line).with_context(|| format!("a line of ipvsadm: {line}"))).collect()
}

fn line_of(line: &str) -> Option<Line> {
    let mut words = line.split_whitespace();
    let first = words.next()?;
    let address = words.next()?.parse().ok()?;
    if first == "->" {
        let (forward, weight) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        return Some(Line::Destination { address, forward, weight });
    }
    Some(Line::Service { protocol: first.to_owned(), address, scheduler: words.next()?.to_owned() })
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

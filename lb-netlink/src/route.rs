//! Routes of both families: several next hops, metrics, tables, and a tunnel per route.
//!
//! The kernel identifies a route by destination, table and metric ([`Route::key`]);
//! the rest is what [`plan()`] compares. Ours carry [`Origin::OVERSPILL`]; a route of
//! somebody else under the same key is a [`Conflict`], never replaced.
//! Not modelled: routes by source prefix and the kernel's cached exceptions, which
//! are passed over. Source: `rtnetlink(7)`, `ip-route(8)`, RFC 1812 §5.2.4.3.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::link::DeviceName;
use crate::origin::Origin;
use crate::tunnel::Family;

mod message;
mod plan;

pub use message::{add_message, delete_message, dump_message, from_message, from_messages};
pub use plan::{Conflict, Plan, plan};

/// The number of the table `main`.
pub const TABLE_MAIN: u32 = 254;
/// The number of the table `local`, which the kernel fills by itself.
pub const TABLE_LOCAL: u32 = 255;

/// The metric that the kernel gives an IPv6 route without one.
const METRIC_V6: u32 = 1024;

/// A route.
///
/// ```
/// use lb_netlink::route::{NextHop, Route};
///
/// // the replies of a prober that marks its packets: to one backend, through a tunnel
/// let hop = NextHop { tunnel: Some("10.1.0.5".parse()?), ..NextHop::device("ipip0".parse()?) };
/// let route = Route { table: 1001, ..Route::new("203.0.113.10/32".parse()?, vec![hop]) };
/// assert_eq!(
///     route.to_string(),
///     "203.0.113.10/32 encap ip id 0 dst 10.1.0.5 dev ipip0 table 1001 proto 79"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to; `0.0.0.0/0` or `::/0` is the default route.
    pub destination: IpNet,
    /// The table, [`TABLE_MAIN`] unless a rule looks elsewhere.
    pub table: u32,
    /// Smaller is preferred. IPv6 has no 0: it becomes 1024.
    pub metric: u32,
    /// What is done with a packet.
    pub kind: Kind,
    /// Who made the route.
    pub origin: Origin,
    /// The source address that the host itself uses.
    pub source: Option<IpAddr>,
    /// The path MTU in bytes, if it is known to be smaller than the device's.
    pub mtu: Option<u32>,
    /// The MSS in bytes that TCP tells its peers, if it is to be smaller than the MTU allows.
    pub advertised_mss: Option<u32>,
    /// Where packets go: one, or several that share flows by weight; none for kinds that discard.
    pub next_hops: Vec<NextHop>,
}

/// What a route does with packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Dropped without a word.
    Blackhole,
    /// Taken in here.
    Local,
    /// Dropped with ICMP "administratively prohibited".
    Prohibit,
    /// The look-up goes on with the next rule.
    Throw,
    /// Sent on to a next hop.
    Unicast,
    /// Dropped with ICMP "unreachable".
    Unreachable,
    /// Another, by its number.
    Other(u8),
}

/// One way that packets of a route can take.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NextHop {
    /// The router; none if the destination is on the device's link. May be IPv6 for an IPv4 route.
    pub gateway: Option<IpAddr>,
    /// The device; none lets the kernel find the one that reaches the gateway.
    pub device: Option<DeviceName>,
    /// The share of flows, 1 to 256.
    pub weight: u16,
    /// Whether the gateway is taken for reachable on the device without a route to it.
    pub onlink: bool,
    /// The outer destination, for a device of [`crate::tunnel`] that is external.
    pub tunnel: Option<IpAddr>,
}

/// What identifies a route in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Where to.
    pub destination: IpNet,
    /// The table.
    pub table: u32,
    /// The metric, as the kernel has it.
    pub metric: u32,
}

impl Route {
    /// A route of ours in the main table.
    #[must_use]
    pub fn new(destination: IpNet, next_hops: Vec<NextHop>) -> Self {
        Self {
            destination: destination.trunc(),
            table: TABLE_MAIN,
            metric: 0,
            kind: Kind::Unicast,
            origin: Origin::OVERSPILL,
            source: None,
            mtu: None,
            advertised_mss: None,
            next_hops,
        }
    }

    /// The family.
    #[must_use]
    pub fn family(&self) -> Family {
        Family::of(self.destination.addr())
    }

    /// What identifies it.
    #[must_use]
    pub fn key(&self) -> Key {
        let metric = match self.family() {
            Family::V6 if self.metric == 0 => METRIC_V6,
            Family::V4 | Family::V6 => self.metric,
        };
        Key { destination: self.destination.trunc(), table: self.table, metric }
    }

    /// Whether packets are treated the same, whoever made the route and in whatever order its
    /// next hops are. What `self` leaves to the kernel (the device of a gateway) may be anything.
    #[must_use]
    pub fn is_done_by(&self, other: &Self) -> bool {
        let plain = |route: &Self| (route.kind, route.source, route.mtu, route.advertised_mss);
        let sorted = |route: &Self| {
            let mut hops: Vec<NextHop> = route.next_hops.clone();
            if let [only] = hops.as_mut_slice() {
                only.weight = 1; // the weight of a single one says nothing and is not kept
            }
            hops.sort();
            hops
        };
        let (mine, theirs) = (sorted(self), sorted(other));
        let fits = |(mine, theirs): (&NextHop, &NextHop)| {
            let device = mine.device.clone().or_else(|| theirs.device.clone());
            NextHop { device, ..mine.clone() } == *theirs
        };
        self.key() == other.key()
            && plain(self) == plain(other)
            && mine.len() == theirs.len()
            && mine.iter().zip(&theirs).all(fits)
    }
}

impl NextHop {
    /// Straight out of a device.
    #[must_use]
    pub const fn device(device: DeviceName) -> Self {
        Self { gateway: None, device: Some(device), weight: 1, onlink: false, tunnel: None }
    }

    /// Through a router.
    #[must_use]
    pub const fn gateway(gateway: IpAddr) -> Self {
        Self { gateway: Some(gateway), device: None, weight: 1, onlink: false, tunnel: None }
    }

    fn write(&self, family: Family, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(remote) = self.tunnel {
            let word = if remote.is_ipv4() { "ip" } else { "ip6" };
            write!(f, " encap {word} id 0 dst {remote}")?;
        }
        if let Some(gateway) = self.gateway {
            let inet6 = if Family::of(gateway) == family { "" } else { "inet6 " };
            write!(f, " via {inet6}{gateway}")?;
        }
        if let Some(device) = &self.device {
            write!(f, " dev {device}")?;
        }
        f.write_str(if self.onlink { " onlink" } else { "" })
    }
}

impl fmt::Display for Route {
    /// As `ip route add` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Blackhole => f.write_str("blackhole ")?,
            Kind::Local => f.write_str("local ")?,
            Kind::Prohibit => f.write_str("prohibit ")?,
            Kind::Throw => f.write_str("throw ")?,
            Kind::Unicast => {}
            Kind::Unreachable => f.write_str("unreachable ")?,
            Kind::Other(number) => write!(f, "type {number} ")?,
        }
        write!(f, "{}", self.destination)?;
        if let [hop] = self.next_hops.as_slice() {
            hop.write(self.family(), f)?;
        }
        if self.table != TABLE_MAIN {
            write!(f, " table {}", self.table)?;
        }
        if self.metric != 0 {
            write!(f, " metric {}", self.metric)?;
        }
        if self.origin != Origin::UNKNOWN {
            write!(f, " proto {}", self.origin)?;
        }
        if let Some(source) = self.source {
            write!(f, " src {source}")?;
        }
        for (word, value) in [("mtu", self.mtu), ("advmss", self.advertised_mss)] {
            if let Some(value) = value {
                write!(f, " {word} {value}")?;
            }
        }
        if self.next_hops.len() > 1 {
            for hop in &self.next_hops {
                f.write_str(" nexthop")?;
                hop.write(self.family(), f)?;
                write!(f, " weight {}", hop.weight)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

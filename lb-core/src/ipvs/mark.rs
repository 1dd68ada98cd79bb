//! Firewall marks for checks: each leads through the kernel's own tunnel to one backend.
//!
//! A check that is to come as a client's packet comes is sent to the VIP with a
//! mark. An IPVS service of that mark has one destination, so the packet takes
//! the very path of the service's (encapsulation, MTU, the backend's tunnel
//! device and VIP), and it does so on a host that has the VIP itself: IPVS sees
//! locally made packets before the routing table's word `local` counts, whereas
//! a routing rule is asked only after the table `local`. One mark serves all
//! VIPs of a backend; Seesaw does the same with a mark for each VIP of it.
//!
//! The answer comes from the VIP, an address of this host: the kernel takes it
//! in with `accept_local` only ([`SYSCTLS`]), and not where `rp_filter` is 1 (2
//! is fine); IPv6 has neither. The check must come from an address of the node's
//! own, or the kernel asks in the name of the VIP. One that only connects must
//! end its handshake: IPVS keeps a connection without an ACK for a minute, one
//! with a reset after it for ten seconds. Each of these was seen on Linux 6.1.

use alloc::collections::{BTreeMap, BTreeSet};
use core::net::IpAddr;
use core::ops::RangeInclusive;

use super::destination::{ForwardMethod, KernelDestination, Standing};
use super::service::{Family, KernelService, ServiceFlags, ServiceKey};
use super::state::{Desired, DesiredService, Observed};
use super::sysctls::Sysctl;
use crate::identity::Endpoint;
use crate::table::TableKind;

/// The marks where nobody configures others: 16,384, none of which has the bits
/// 14 and 15 by which kube-proxy masquerades and drops.
pub const MARKS: RangeInclusive<u32> = 0x4f00_0000..=0x4f00_3fff;

/// What answers from a VIP need of a host that has the VIP itself.
pub const SYSCTLS: [Sysctl; 1] = [Sysctl {
    name: "net.ipv4.conf.all.accept_local",
    wanted: 1,
    why: "answers to checks through the tunnel come from the VIP, which this host has too, and are dropped",
}];

/// A way to one backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Way {
    /// The family of the VIP.
    pub family: Family,
    /// The backend's address.
    pub backend: IpAddr,
    /// How packets travel to it.
    pub forward: ForwardMethod,
}

/// Which mark leads which way.
///
/// ```
/// use lb_core::ipvs::{Family, ForwardMethod, MARKS, Marks, Tunnel, Way};
///
/// let way = |last| Way {
///     family: Family::V4,
///     backend: [10, 1, 0, last].into(),
///     forward: ForwardMethod::Tunnel(Tunnel::Ipip),
/// };
/// let mut marks = Marks::new(MARKS);
/// marks.assign([way(5), way(6)])?;
/// let mark = marks.mark(&way(6));
/// marks.assign([way(6), way(7)])?;
/// assert_eq!(marks.mark(&way(6)), mark, "who stays keeps it");
/// assert_eq!(marks.mark(&way(5)), None);
/// # Ok::<(), lb_core::ipvs::NoMarkLeft>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    range: RangeInclusive<u32>,
    by_way: BTreeMap<Way, u32>,
}

/// There are more ways than marks; the checks by those left over cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{missing} backends are left without a mark; give the checks more than {marks} marks")]
pub struct NoMarkLeft {
    /// Ways without one.
    pub missing: usize,
    /// Marks that there are.
    pub marks: usize,
}

impl Marks {
    /// No way yet; 0 is no mark, if the range holds it.
    #[must_use]
    pub const fn new(range: RangeInclusive<u32>) -> Self {
        Self { range, by_way: BTreeMap::new() }
    }

    /// The marks that are ours, for [`Ownership`](super::Ownership).
    #[must_use]
    pub const fn range(&self) -> &RangeInclusive<u32> {
        &self.range
    }

    /// Takes over what the kernel has already, so that a restart writes nothing.
    pub fn adopt(&mut self, observed: &Observed) {
        // One mark names a service of each family.
        let mut taken: BTreeSet<u32> = self.by_way.values().copied().collect();
        for (key, service) in &observed.services {
            let ServiceKey::Mark { family, mark } = *key else { continue };
            let [one] = service.destinations.as_slice() else { continue };
            let KernelDestination { endpoint, forward, .. } = one.destination;
            let way = Way { family, backend: endpoint.address, forward };
            if self.range.contains(&mark) && !self.by_way.contains_key(&way) && taken.insert(mark) {
                self.by_way.insert(way, mark);
            }
        }
    }

    /// Gives each of these ways a mark, and takes it from all others.
    ///
    /// # Errors
    ///
    /// [`NoMarkLeft`]; the last of the ways have none then.
    pub fn assign(&mut self, ways: impl IntoIterator<Item = Way>) -> Result<(), NoMarkLeft> {
        let ways: BTreeSet<Way> = ways.into_iter().collect();
        self.by_way.retain(|way, _| ways.contains(way));
        let taken: BTreeSet<u32> = self.by_way.values().copied().collect();
        let mut free = self.range.clone().filter(|mark| *mark != 0 && !taken.contains(mark));
        let mut missing = 0;
        for way in ways {
            if self.by_way.contains_key(&way) {
                continue;
            }
            match free.next() {
                Some(mark) => {
                    self.by_way.insert(way, mark);
                }
                None => missing += 1,
            }
        }
        if missing == 0 { Ok(()) } else { Err(NoMarkLeft { missing, marks: self.by_way.len() }) }
    }

    /// The mark that leads that way.
    #[must_use]
    pub fn mark(&self, way: &Way) -> Option<u32> {
        self.by_way.get(way).copied()
    }

    /// Adds the services by which the marks lead to what the kernel is to hold.
    pub fn extend(&self, desired: &mut Desired) {
        desired.services.extend(self.by_way.iter().map(|(way, mark)| service(way, *mark)));
    }
}

/// A service of one destination; any scheduler chooses it, and `rr` needs no table for that.
fn service(way: &Way, mark: u32) -> (ServiceKey, DesiredService) {
    let endpoint = Endpoint::new(way.backend, 0);
    let service = DesiredService {
        service: KernelService::new("rr", ServiceFlags::NONE, way.family),
        // As little depends on the order of one as with `sh`.
        table: TableKind::IpvsSh { size: 256 },
        destinations: [KernelDestination::new(endpoint, way.forward, Standing::Serving)].into(),
    };
    (ServiceKey::Mark { family: way.family, mark }, service)
}

#[cfg(test)]
mod tests;

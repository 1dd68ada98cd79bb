//! How narrow the paths to backends turned out to be.
//!
//! A tunnel has an MTU by configuration; a router on the way may know better
//! and says so in an ICMP error to the node. The client is told too, if the
//! error quotes enough of its packet, but the next client sends as much again,
//! and an error that quotes eight bytes tells nobody. So the node remembers the
//! path's MTU for a while and answers the next big packets itself: the "soft
//! state" of RFC 2003 section 5. Source also: RFC 1191 section 6.3, RFC 8201.
//!
//! Who forges such an error has to know a node's and a backend's address, and
//! comes down to what every path carries, not below.

use core::net::IpAddr;
use core::time::Duration;

use super::Director;
use super::registry::Backend;
use crate::encapsulation::Tunnel;
use crate::time::Time;

/// A path may have become wider after so long (RFC 1191 section 6.3).
const LIFETIME: Duration = Duration::from_secs(600);

/// A path that is narrower than its tunnel's configuration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PathMtu {
    mtu: u16,
    until: Time,
}

impl Backend {
    /// The MTU of the path to it in bytes, outer headers included, where a router
    /// said in the last ten minutes that it is narrower than configured.
    #[must_use]
    pub fn path_mtu(&self, now: Time) -> Option<u16> {
        self.path_mtu.filter(|path| now < path.until).map(|path| path.mtu)
    }

    /// Whether any router ever spoke about the path: the usual question, and the cheap one.
    #[inline(always)]
    pub(super) const fn has_path_mtu(&self) -> bool {
        self.path_mtu.is_some()
    }

    /// The tunnel as narrow as the path, if that is narrower.
    pub(super) fn narrowed(&self, now: Time, tunnel: &Tunnel) -> Option<Tunnel> {
        let mtu = self.path_mtu(now)?;
        (mtu < tunnel.options().mtu).then(|| tunnel.with_mtu(mtu))
    }
}

impl Director {
    /// Takes note of a router's word about the path to a backend's address.
    pub(super) fn learn_path_mtu(&mut self, now: Time, address: IpAddr, mtu: u16) {
        // RFC 791: every host takes datagrams of 576 bytes; RFC 8200 section 5.
        let least = if address.is_ipv4() { 576 } else { 1_280 };
        let path = PathMtu { mtu: mtu.max(least), until: now + LIFETIME };
        for id in self.quotable.addresses.get(&address).into_iter().flatten() {
            if let Some(backend) = self.backends.find_mut(*id) {
                backend.path_mtu = Some(path);
            }
        }
    }
}

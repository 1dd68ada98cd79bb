//! Routes as a peer sees them: next hop self, and attributes by the rules for inside and outside.
//!
//! RFC 4271 section 5.1: outside, the path begins with our number and there is
//! no `LOCAL_PREF`; inside, the path is empty and there is one. RFC 8326: a
//! route that goes away soon carries a community, and inside the least
//! preference.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::iter::repeat_n;
use core::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::routes::Route;
use crate::bgp::config::{Export, PeerConfig};
use crate::bgp::identity::{Asn, Community, Family};
use crate::bgp::message::{
    AsPath, Dialect, Message, MpReach, MpUnreach, NextHop, Origin, PathAttributes, Update,
};

/// What of a session decides how routes look.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) asn: Asn,
    pub(super) peer: &'a PeerConfig,
    /// Our end of the session.
    pub(super) local: IpAddr,
    pub(super) dialect: Dialect,
    /// All routes go away soon.
    pub(super) graceful_shutdown: bool,
}

/// The most communities that a route or a peer adds, so that what is said of routes leaves room for them.
const MAX_COMMUNITIES: usize = 64;
/// The most that a route or a peer lengthens a path.
const MAX_PREPEND: u8 = 32;
/// `LOCAL_PREF` where nothing says another: what routers assume.
const LOCAL_PREF: u32 = 100;

impl View<'_> {
    /// Where routes of a family lead: to this node.
    pub(super) fn next_hop(&self, family: Family) -> Option<NextHop> {
        let export = &self.peer.export;
        match (family, self.local) {
            (Family::Ipv6, _) => self.next_hop_v6(),
            (Family::Ipv4, IpAddr::V4(local)) => Some(NextHop::V4(export.next_hop_v4.unwrap_or(local))),
            (Family::Ipv4, IpAddr::V6(_)) => match export.next_hop_v4 {
                Some(next_hop) => Some(NextHop::V4(next_hop)),
                None if self.dialect.extended_next_hop => self.next_hop_v6(),
                None => None,
            },
        }
    }

    fn next_hop_v6(&self) -> Option<NextHop> {
        match (self.peer.export.next_hop_v6, self.local) {
            (Some(global), IpAddr::V6(link_local)) if link_local.is_unicast_link_local() => {
                Some(NextHop::V6WithLinkLocal { global, link_local })
            }
            (Some(global), _) => Some(NextHop::V6(global)),
            (None, IpAddr::V6(local)) => Some(NextHop::V6(local)),
            (None, IpAddr::V4(_)) => None,
        }
    }

    /// What is said of a route, but for its next hop.
    fn attributes(&self, route: &Route) -> PathAttributes {
        let export = &self.peer.export;
        let shutdown = self.graceful_shutdown || export.graceful_shutdown || route.graceful_shutdown;
        let external = self.peer.is_external(self.asn);
        let mut attributes = PathAttributes {
            origin: Some(Origin::Igp),
            as_path: Some(if external { self.path(export, route) } else { AsPath::default() }),
            med: route.med.or(export.med),
            ..PathAttributes::default()
        };
        if !external {
            let wanted = route.local_pref.or(export.local_pref).unwrap_or(LOCAL_PREF);
            attributes.local_pref = Some(if shutdown { 0 } else { wanted });
        }
        let shutdown = shutdown.then_some(Community::GRACEFUL_SHUTDOWN);
        attributes.communities = united(&export.communities, &route.communities, shutdown);
        attributes.large_communities = united(&export.large_communities, &route.large_communities, None);
        attributes
    }

    fn path(&self, export: &Export, route: &Route) -> AsPath {
        let more = export.prepend.min(MAX_PREPEND) + route.prepend.min(MAX_PREPEND);
        AsPath::sequence(repeat_n(self.asn, 1 + usize::from(more)))
    }

    /// An UPDATE without prefixes that announces a route, and the octets that are left for them.
    pub(super) fn announcement(&self, route: &Route, family: Family) -> Option<(Update, usize)> {
        let (next_hop, attributes) = (self.next_hop(family)?, self.attributes(route));
        let (own, mp_announced) = match (family, next_hop) {
            (Family::Ipv4, NextHop::V4(next_hop)) => (Some(next_hop), None),
            (Family::Ipv4, next_hop) => (None, Some(MpReach::Ipv4 { next_hop, prefixes: Vec::new() })),
            (Family::Ipv6, next_hop) => (None, Some(MpReach::Ipv6 { next_hop, prefixes: Vec::new() })),
        };
        let attributes = PathAttributes { next_hop: own, ..attributes };
        let update = Update { attributes, mp_announced, ..Update::default() };
        let room = self.room(&update);
        Some((update, room))
    }

    /// An UPDATE without prefixes that withdraws some, and the octets that are left for them.
    pub(super) fn withdrawal(&self, family: Family) -> (Update, usize) {
        let mp_withdrawn = match family {
            // those with an IPv6 next hop came as attributes, and go as such (RFC 8950 section 3)
            Family::Ipv4 if self.dialect.extended_next_hop => Some(MpUnreach::Ipv4(Vec::new())),
            Family::Ipv4 => None,
            Family::Ipv6 => Some(MpUnreach::Ipv6(Vec::new())),
        };
        let update = Update { mp_withdrawn, ..Update::default() };
        let room = self.room(&update);
        (update, room)
    }

    fn room(&self, update: &Update) -> usize {
        let empty = Message::Update(Box::new(update.clone()));
        let length = empty.emit(self.dialect).expect("what is said of routes is bounded").len();
        // an attribute of more than 255 octets has a length that is one octet longer
        self.dialect.max_update_length() - length - 1
    }
}

/// Puts prefixes where an UPDATE without any has its place for them.
pub(super) fn fill(update: &mut Update, run: &[IpNet]) {
    let v4 = || {
        run.iter().filter_map(|prefix| match prefix {
            IpNet::V4(prefix) => Some(*prefix),
            IpNet::V6(_) => None,
        })
    };
    let v6 = || {
        run.iter().filter_map(|prefix| match prefix {
            IpNet::V4(_) => None,
            IpNet::V6(prefix) => Some(*prefix),
        })
    };
    let (four, six): (Vec<Ipv4Net>, Vec<Ipv6Net>) = (v4().collect(), v6().collect());
    match (&mut update.mp_announced, &mut update.mp_withdrawn) {
        (Some(MpReach::Ipv4 { prefixes, .. }), _) | (None, Some(MpUnreach::Ipv4(prefixes))) => {
            *prefixes = four
        }
        (Some(MpReach::Ipv6 { prefixes, .. }), _) | (None, Some(MpUnreach::Ipv6(prefixes))) => {
            *prefixes = six
        }
        (Some(MpReach::Other { .. }), _) | (None, Some(MpUnreach::Other { .. })) => {}
        (None, None) if update.attributes.next_hop.is_some() => update.announced = four,
        (None, None) => update.withdrawn = four,
    }
}

/// What any of them has, in order, once.
fn united<T: Copy + Ord>(one: &[T], other: &[T], more: Option<T>) -> Vec<T> {
    let lists = [one, other].into_iter().flat_map(|list| list.iter().take(MAX_COMMUNITIES).copied());
    let mut all: Vec<T> = lists.chain(more).collect();
    all.sort_unstable();
    all.dedup();
    all
}

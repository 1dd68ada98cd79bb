//! OPENs: what we offer, and what comes of both.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use super::event::Established;
use crate::bgp::config::PeerConfig;
use crate::bgp::identity::{Asn, Family, UNICAST};
use crate::bgp::message::notification::code;
use crate::bgp::message::{
    Capabilities, Capability, Dialect, ExtendedNextHop, Notification, Open, Restart, RestartFamily,
};

/// Who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// Our autonomous system.
    pub asn: Asn,
    /// Our BGP identifier.
    pub router_id: Ipv4Addr,
}

/// What we say of our own restart, where the configuration lets us restart gracefully (RFC 4724).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnRestart {
    /// We have restarted and not told all routes yet.
    pub restarted: bool,
    /// The kernel has been forwarding all the while.
    pub preserved: bool,
}

/// Our OPEN to a peer.
pub(super) fn offer(local: Local, peer: &PeerConfig, own: OwnRestart) -> Open {
    let mut capabilities = Vec::new();
    let families = || peer.families.iter();
    let multiprotocol = |family: Family| Capability::Multiprotocol { afi: family.afi(), safi: UNICAST };
    capabilities.extend(families().map(multiprotocol));
    capabilities.push(Capability::RouteRefresh);
    if may_extend_next_hops(peer) {
        let v4_over_v6 = ExtendedNextHop { afi: 1, safi: 1, next_hop_afi: 2 };
        capabilities.push(Capability::ExtendedNextHop(Vec::from([v4_over_v6])));
    }
    if peer.extended_messages {
        capabilities.push(Capability::ExtendedMessage);
    }
    let restart = peer.graceful_restart;
    if restart.helper || restart.restarting {
        let preserved = own.preserved;
        let family = |family: Family| RestartFamily { afi: family.afi(), safi: UNICAST, preserved };
        // Without a family it says: I help, and send End-of-RIB, but forget what I forward when I restart.
        capabilities.push(Capability::GracefulRestart(Restart {
            restarted: restart.restarting && own.restarted,
            notification: restart.notification,
            seconds: if restart.restarting { seconds(restart.restart_time).min(0xfff) } else { 0 },
            families: families().filter(|_| restart.restarting).map(family).collect(),
        }));
    }
    capabilities.push(Capability::FourOctetAs(local.asn));
    Open {
        two_octet_as: local.asn.two_octets(),
        hold_seconds: hold_seconds(peer.timers.hold),
        router_id: local.router_id,
        capabilities: Capabilities(capabilities),
    }
}

/// What our configuration and the peer's OPEN come to.
///
/// # Errors
/// The NOTIFICATION to refuse it with.
pub(super) fn agree(local: Local, peer: &PeerConfig, open: &Open) -> Result<Established, Notification> {
    if open.asn() != peer.asn {
        return Err(Notification::new(code::OPEN, 2));
    }
    // "AS-wide unique" (RFC 6286): one of another autonomous system may have our identifier.
    if open.router_id == local.router_id && !peer.is_external(local.asn) {
        return Err(Notification::new(code::OPEN, 3));
    }
    let families = peer.families.intersection(open.capabilities.families());
    if families.is_empty() {
        let wanted = peer.families.iter().flat_map(|family| {
            let [high, low] = family.afi().to_be_bytes();
            [1, 4, high, low, 0, UNICAST]
        });
        return Err(Notification { data: wanted.collect(), ..Notification::new(code::OPEN, 7) });
    }
    let hold = hold_seconds(peer.timers.hold).min(open.hold_seconds);
    Ok(Established {
        router_id: open.router_id,
        asn: open.asn(),
        hold_time: Duration::from_secs(u64::from(hold)),
        families,
        capabilities: open.capabilities.clone(),
    })
}

/// How messages are written from now on.
pub(super) fn dialect(local: Local, peer: &PeerConfig, agreed: &Established) -> Dialect {
    let theirs = &agreed.capabilities;
    Dialect {
        four_octet_as: theirs.four_octet_as().is_some(),
        extended_messages: peer.extended_messages && theirs.has(&Capability::ExtendedMessage),
        extended_next_hop: may_extend_next_hops(peer) && theirs.extended_next_hop(),
        external: peer.is_external(local.asn),
    }
}

/// Between KEEPALIVEs: as configured, but at least thrice in a hold time (RFC 4271 section 4.4).
pub(super) fn keepalive_interval(peer: &PeerConfig, hold: Duration) -> Option<Duration> {
    if hold.is_zero() {
        return None;
    }
    let third = hold / 3;
    Some(peer.timers.keepalive.unwrap_or(third).clamp(Duration::from_millis(100), third))
}

/// Whether our connection is kept where both sides connected: that of the greater (RFC 4271 section 6.8).
pub(super) fn keeps_ours(local: Local, agreed: &Established) -> bool {
    // With equal identifiers the greater autonomous system (RFC 6286 section 2.3).
    (local.router_id, local.asn) > (agreed.router_id, agreed.asn)
}

/// IPv4 routes with an IPv6 next hop are of use where the session itself is of IPv6.
fn may_extend_next_hops(peer: &PeerConfig) -> bool {
    matches!(peer.address, IpAddr::V6(_)) && peer.families.contains(Family::Ipv4)
}

/// A hold time that can be offered: 0, or 3 seconds and more.
fn hold_seconds(hold: Duration) -> u16 {
    if hold.is_zero() { 0 } else { seconds(hold).max(3) }
}

/// Whole seconds, rounded up.
fn seconds(duration: Duration) -> u16 {
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    u16::try_from(whole).unwrap_or(u16::MAX)
}

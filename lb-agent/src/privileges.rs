//! What the agent may do: it keeps three capabilities and drops all others.
//!
//! CAP_NET_ADMIN programs IPVS, addresses and sysctls, CAP_NET_RAW sends ICMP
//! checks and marks sockets, CAP_NET_BIND_SERVICE lets BGP listen on port 179.
//! Root is not needed; a root that starts the agent is left with these three,
//! in the bounding set too, so that nothing it could be made to execute has
//! more.

use caps::{CapSet, Capability, CapsHashSet};

/// What the agent needs, and for what.
pub(crate) const NEEDED: [(Capability, &str); 3] = [
    (Capability::CAP_NET_ADMIN, "IPVS, addresses on lo and sysctls"),
    (Capability::CAP_NET_RAW, "ICMP checks and checks through a tunnel"),
    (Capability::CAP_NET_BIND_SERVICE, "listening for BGP on port 179"),
];

/// The needed capabilities that this process lacks.
pub(crate) fn missing() -> Vec<(Capability, &'static str)> {
    // an unreadable set is an empty one: then all are missing, and that is said
    let held = caps::read(None, CapSet::Effective).unwrap_or_default();
    NEEDED.into_iter().filter(|(capability, _)| !held.contains(capability)).collect()
}

/// Drops every capability that is not needed; gives back those that were dropped.
///
/// # Errors
///
/// The kernel refused, which it does only if this process is confined in a way that forbids even that.
pub(crate) fn drop_others() -> Result<CapsHashSet, caps::errors::CapsError> {
    let needed: CapsHashSet = NEEDED.iter().map(|(capability, _)| *capability).collect();
    let permitted = caps::read(None, CapSet::Permitted)?;
    // needs CAP_SETPCAP, which goes with the rest below
    if permitted.contains(&Capability::CAP_SETPCAP) {
        for capability in caps::runtime::thread_all_supported().difference(&needed) {
            caps::drop(None, CapSet::Bounding, *capability)?;
        }
    }
    let kept: CapsHashSet = permitted.intersection(&needed).copied().collect();
    caps::clear(None, CapSet::Ambient)?;
    caps::set(None, CapSet::Inheritable, &CapsHashSet::new())?;
    caps::set(None, CapSet::Effective, &kept)?;
    caps::set(None, CapSet::Permitted, &kept)?;
    Ok(permitted.difference(&needed).copied().collect())
}

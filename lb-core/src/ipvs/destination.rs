//! A destination as the kernel knows it, and what its numbers say of its slots.
//!
//! The kernel's `mh` fills its table by a destination's *last weight above 0*,
//! which no dump shows: of a destination at weight 0 nobody can tell whether it
//! holds slots. So we write it where it is shown and does nothing else: a
//! destination that we leave at weight 0 has an upper threshold of connections
//! which no kernel reaches, one number if it holds slots ([`Standing::Parked`])
//! and another if not ([`Standing::Idle`]). A threshold is written by the same
//! message as the weight, so the two never disagree, whenever an agent dies.
//! What is at weight 0 without such a mark was somebody else's doing, or under
//! a scheduler that reads the weight of the moment, as `sh` does.
//!
//! Source: `ip_vs_ctl.c` of Linux 6.12 (`__ip_vs_update_dest`).

use core::fmt;

use crate::config::Forward;
use crate::identity::Endpoint;

/// One destination of a service: what a write says and a dump gives back.
///
/// ```
/// use lb_core::Endpoint;
/// use lb_core::ipvs::{ForwardMethod, KernelDestination, Standing, Tunnel};
///
/// let endpoint = Endpoint::new([10, 1, 0, 5].into(), 443);
/// let forward = ForwardMethod::Tunnel(Tunnel::Ipip);
/// let parked = KernelDestination::new(endpoint, forward, Standing::Parked);
/// assert_eq!(parked.weight, 0);
/// assert_eq!(parked.standing(), Some(Standing::Parked));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KernelDestination {
    /// Its address, and the port by which it is told from others on that
    /// address; under a tunnel and with direct routing no packet shows it.
    pub endpoint: Endpoint,
    /// How packets travel to it.
    pub forward: ForwardMethod,
    /// Its weight; at 0 it takes no new flow.
    pub weight: u32,
    /// At so many connections it takes no new flow; 0 is no limit.
    pub upper_threshold: u32,
    /// Below so many it takes new flows again; 0 is three quarters of the upper.
    pub lower_threshold: u32,
}

/// What a destination is to a hashing scheduler, `mh` or `sh`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Holds slots and takes the flows that fall there: weight 1.
    Serving,
    /// Holds its slots and takes no new flow: weight 0, and before that 1. With
    /// the fallback a flow that falls there goes on to another destination.
    Parked,
    /// Holds no slot of `mh` and takes no new flow: added with weight 0. Flows
    /// that it has go on.
    Idle,
}

/// The upper threshold of what stands at 0 and holds slots. Thresholds from 2^31 on are refused by
/// kernels of late (6.1.192: EINVAL) and by `ipvsadm`, which could then not restore what it saved.
const PARKED: u32 = i32::MAX as u32 - 1;
/// The upper threshold of what was added with 0.
const IDLE: u32 = i32::MAX as u32;

impl Standing {
    /// Whether a destination of that standing has a part of `mh`'s table.
    #[must_use]
    pub const fn holds_slots(self) -> bool {
        match self {
            Self::Serving | Self::Parked => true,
            Self::Idle => false,
        }
    }
}

impl KernelDestination {
    /// A destination of that standing, of weight 1 if it serves.
    #[must_use]
    pub const fn new(endpoint: Endpoint, forward: ForwardMethod, standing: Standing) -> Self {
        let (weight, upper_threshold) = match standing {
            Standing::Serving => (1, 0),
            Standing::Parked => (0, PARKED),
            Standing::Idle => (0, IDLE),
        };
        Self { endpoint, forward, weight, upper_threshold, lower_threshold: 0 }
    }

    /// What its numbers say; `None` is a weight 0 of which nobody knows what it
    /// holds.
    #[must_use]
    pub const fn standing(&self) -> Option<Standing> {
        match (self.weight, self.upper_threshold) {
            (0, PARKED) => Some(Standing::Parked),
            (0, IDLE) => Some(Standing::Idle),
            (0, _) => None,
            (_, _) => Some(Standing::Serving),
        }
    }
}

/// How packets travel to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ForwardMethod {
    /// Addresses are rewritten, replies come back through the node (`MASQ`).
    Masquerade,
    /// To this host's own stack (`LOCALNODE`).
    Local,
    /// Wrapped, the packet itself unchanged (`TUNNEL`).
    Tunnel(Tunnel),
    /// Unchanged, to the destination's link address (`DROUTE`).
    DirectRoute,
    /// Past the balancer (`BYPASS`).
    Bypass,
}

/// The format of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tunnel {
    /// IP in IP, in any mix of families.
    Ipip,
    /// Generic UDP encapsulation.
    Gue {
        /// UDP destination port.
        port: u16,
        /// The UDP checksum.
        checksum: TunnelChecksum,
    },
    /// Generic routing encapsulation.
    Gre {
        /// The GRE checksum; [`TunnelChecksum::Remote`] is not known there.
        checksum: TunnelChecksum,
    },
}

/// What a tunnel's header says of the bytes after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TunnelChecksum {
    /// Nothing (`NOCSUM`).
    #[default]
    None,
    /// A checksum (`CSUM`).
    Full,
    /// Remote checksum offload (`REMCSUM`).
    Remote,
}

impl ForwardMethod {
    /// The tunnel of a configuration towards a destination: GUE over IPv6 has a
    /// checksum, as a receiver may demand (RFC 8200 section 8.1).
    #[must_use]
    pub const fn tunnel(forward: Forward, destination: &Endpoint) -> Self {
        Self::Tunnel(match forward {
            Forward::Ipip => Tunnel::Ipip,
            Forward::Gue { port } => {
                let checksum =
                    if destination.address.is_ipv6() { TunnelChecksum::Full } else { TunnelChecksum::None };
                Tunnel::Gue { port, checksum }
            }
            Forward::Gre => Tunnel::Gre { checksum: TunnelChecksum::None },
        })
    }
}

impl fmt::Display for ForwardMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Masquerade => f.write_str("masquerade"),
            Self::Local => f.write_str("local"),
            Self::Tunnel(Tunnel::Ipip) => f.write_str("ipip"),
            Self::Tunnel(Tunnel::Gue { port, .. }) => write!(f, "gue {port}"),
            Self::Tunnel(Tunnel::Gre { .. }) => f.write_str("gre"),
            Self::DirectRoute => f.write_str("direct routing"),
            Self::Bypass => f.write_str("bypass"),
        }
    }
}

//! A virtual service as the kernel knows it: its name and its settings.
//!
//! Numbers are the kernel's (`include/uapi/linux/ip_vs.h`); how they travel is
//! the netlink adapter's.

use alloc::string::String;
use core::fmt;

use crate::config::ServiceAddress;
pub use crate::identity::Family;

/// What names a service in the kernel: no two have one key.
///
/// Prints as `203.0.113.10:443/tcp` or `fwmark 7 (IPv4)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKey {
    /// VIP, port and protocol.
    Address(ServiceAddress),
    /// Whatever carries that firewall mark.
    Mark {
        /// The family of the packets.
        family: Family,
        /// The mark, not 0.
        mark: u32,
    },
}

impl ServiceKey {
    /// The family of the service's packets.
    #[must_use]
    pub const fn family(&self) -> Family {
        match self {
            Self::Address(address) => Family::of(address.address),
            Self::Mark { family, .. } => *family,
        }
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Mark { family, mark } => write!(f, "fwmark {mark} ({family})"),
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// A service's flags, those that a user may set.
///
/// What the three scheduler flags mean is the scheduler's: to `mh` and `sh` the
/// first is the fallback, the second the hashing of ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceFlags(u32);

impl ServiceFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// Clients keep their destination for a while (`IP_VS_SVC_F_PERSISTENT`).
    pub const PERSISTENT: Self = Self(0x1);
    /// Each datagram is scheduled by itself (`IP_VS_SVC_F_ONEPACKET`).
    pub const ONE_PACKET: Self = Self(0x4);
    /// The scheduler's first flag: `mh-fallback`, `sh-fallback`.
    pub const SCHEDULER_1: Self = Self(0x8);
    /// The scheduler's second flag: `mh-port`, `sh-port`.
    pub const SCHEDULER_2: Self = Self(0x10);
    /// The scheduler's third flag; neither `mh` nor `sh` has one.
    pub const SCHEDULER_3: Self = Self(0x20);
    /// Those whose meaning is the scheduler's.
    pub const OF_SCHEDULERS: Self = Self(0x8 | 0x10 | 0x20);
    /// All that a user may set.
    pub const ALL: Self = Self(0x1 | 0x4 | 0x8 | 0x10 | 0x20);

    /// The user's flags among the kernel's bits; its own (`HASHED`) are left out.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// The kernel's bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// These and those.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These but not those.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A service's settings, beside its key and its destinations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KernelService {
    /// The scheduler by the kernel's name: `mh`, `sh`, `wlc`; with `none` no flow is taken.
    pub scheduler: String,
    /// Its flags.
    pub flags: ServiceFlags,
    /// How long a client keeps its destination with [`ServiceFlags::PERSISTENT`], in seconds.
    pub persistence_s: u32,
    /// Which clients count as one then: the mask of IPv4 as a number
    /// (`0xffff_ffff` for single hosts), the prefix length of IPv6.
    pub netmask: u32,
    /// The persistence engine by name (`sip`).
    pub persistence_engine: Option<String>,
}

impl KernelService {
    /// A service without persistence.
    #[must_use]
    pub fn new(scheduler: &str, flags: ServiceFlags, family: Family) -> Self {
        let netmask = match family {
            Family::V4 => u32::MAX,
            Family::V6 => 128,
        };
        Self { scheduler: scheduler.into(), flags, persistence_s: 0, netmask, persistence_engine: None }
    }

    /// The same without a scheduler and its flags: it refuses every flow, and a destination is
    /// added without anything being computed (Linux 4.2 and later).
    #[must_use]
    pub fn unscheduled(&self) -> Self {
        let flags = self.flags.without(ServiceFlags::OF_SCHEDULERS);
        Self { scheduler: "none".into(), flags, ..self.clone() }
    }
}

//! Configuration: what a node serves, as a checked value.
//!
//! Two shapes, one direction. [`LbFile`] is what a person writes: serde types
//! with defaults, units and camelCase names. [`Config`] is what the code works
//! with: complete, checked, comparable. `Config::try_from(file)` is the only
//! way from one to the other that finds faults, and a [`ConfigError`] names
//! the field (`services[0].backends[2].weight`) so that a reader can show line
//! and column. `LbFile::from(&config)` writes a configuration back.
//!
//! Reading text is the caller's work (this crate knows no YAML); applying a
//! configuration is the [`director`](crate::director)'s.

mod address;
mod agent;
mod announce;
mod bfd;
mod bgp;
mod convert;
mod diff;
mod emit;
mod error;
mod file;
mod hosts;
mod icmp;
mod remarks;
mod scheduler;
mod text;
pub mod units;

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::connection::{ConnectionLimits, Machine};
use crate::flow::HashFields;
use crate::fragment::FragmentLimits;
use crate::hash::HashKey;
use crate::icmp::IcmpLimits;
use crate::identity::{Endpoint, Weight};

pub use address::{ParseServiceAddressError, ServiceAddress};
pub use agent::{ControlFile, KernelFile, LogFile, LogFormat, LogLevel, MetricsFile, Prefix, TracingFile};
pub use announce::{AggregateFile, AnnounceError, AnnounceFile, AnnounceProblem, DampingFile, VipFile};
pub use bfd::{BfdConfig, BfdError, BfdFile, BfdProblem, BfdProfile, BfdProfileFile};
pub use bgp::{
    AnyCommunity, BfdChoice, BgpError, BgpFile, BgpProblem, FamilyName, GracefulRestartFile, PeerFile,
};
pub use diff::{BackendChange, ConfigDiff, ServiceDiff, diff};
pub use error::{ConfigError, FieldPath, Problem, Step, TableSizeRule};
pub use file::{
    BackendFile, ConnectionsFile, ForwardFile, ForwardKind, FragmentsFile, HashField, LbFile, NodeFile,
    ProfileFile, ProfileKind, ProtocolName, SchedulerFile, SchedulerName, ServiceFile, TimeoutsFile,
};
pub use hosts::check_host_address;
pub use icmp::{IcmpFile, RateFile};
pub use remarks::{Concern, Remark};

/// Everything a node serves, complete and checked.
///
/// ```
/// use lb_core::config::{Config, LbFile, SchedulerKind};
///
/// let file: LbFile = serde_saphyr::from_str(
///     r#"
/// node: { address: 10.0.0.11 }
/// hashKey: "000102030405060708090a0b0c0d0e0f"
/// services:
///   - { vip: 203.0.113.10, port: 443, protocol: tcp, backends: [{ address: 10.1.0.5 }] }
/// "#,
/// )?;
/// let config = Config::try_from(file)?;
/// let service = &config.services[0];
/// assert_eq!(service.address.to_string(), "203.0.113.10:443/tcp");
/// assert_eq!(service.scheduler, SchedulerKind::Maglev { table_size: 65_537 });
/// assert_eq!(service.backends[0].endpoint.to_string(), "10.1.0.5:443");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The node's own addresses, the outer sources of its tunnels; see
    /// [`check_sources`](Self::check_sources).
    pub node: NodeAddresses,
    /// The key that all nodes share; all zero where no service hashes with it.
    pub hash_key: HashKey,
    /// How many connections are remembered, and for how long.
    pub connections: ConnectionLimits,
    /// How many datagrams in fragments are remembered, and for how long.
    pub fragments: FragmentLimits,
    /// How many ICMP messages are sent, by kind.
    pub icmp: IcmpLimits,
    /// Whose behaviour the node shows: ours, or a Linux kernel's.
    pub profile: Profile,
    /// The owner's number of this configuration; `explain` and counters show it.
    pub generation: u64,
    /// The services, in file order; no two have one address.
    pub services: Vec<ServiceConfig>,
}

/// The node's own addresses: outer sources, by family of the backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeAddresses {
    /// Outer source towards IPv4 backends.
    pub v4: Option<Ipv4Addr>,
    /// Outer source towards IPv6 backends.
    pub v6: Option<Ipv6Addr>,
}

/// One virtual service and the backends behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceConfig {
    /// The VIP, port and protocol.
    pub address: ServiceAddress,
    /// Which fields of a flow the own table kinds hash; the `ipvs-*` kinds hash the source as the kernel does.
    pub hash_fields: HashFields,
    /// How a new flow finds its backend.
    pub scheduler: SchedulerKind,
    /// How packets travel to the backend.
    pub forward: Forward,
    /// Vary the outer source with the flow, so that ECMP and receive queues on the way spread it.
    pub spread: bool,
    /// MTU of the path to the backends, in bytes, outer headers included.
    pub mtu: u16,
    /// The backends in file order; no two have one endpoint.
    pub backends: Vec<BackendConfig>,
}

/// One backend of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BackendConfig {
    /// Where it answers.
    pub endpoint: Endpoint,
    /// Its share of new flows, relative to the others'.
    pub weight: Weight,
    /// Whether it gets new flows and keeps its old ones.
    pub state: BackendState,
}

/// What a backend may be given.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum BackendState {
    /// Gets new flows by its weight.
    #[default]
    Active,
    /// Keeps its flows, gets no new ones. A client that opens a connection anew
    /// on the ports of one that has not ended (no FIN, no RST was seen) counts as
    /// the old flow: a SYN is too easily forged to move it.
    Drain,
    /// Out of service: its flows are re-chosen.
    Down,
}

/// How a new flow finds its backend: the table kind and its parameters.
///
/// The first three are ours: order of the backends is irrelevant. The last two
/// are the kernel's schedulers bit by bit, where order matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SchedulerKind {
    /// Weighted Maglev hashing.
    Maglev {
        /// Slots, at least the number of backends; a prime is not needed.
        table_size: u32,
    },
    /// Weighted rendezvous hashing, filled into a slot table.
    Rendezvous {
        /// Slots, at least the number of backends.
        table_size: u32,
    },
    /// A hash ring.
    Ring {
        /// Points on the ring for each unit of weight.
        points: u32,
    },
    /// Linux `ip_vs_mh`, bit-exact.
    IpvsMh {
        /// Hash the source port too (`mh-port`).
        port: bool,
        /// Look for another backend where the hashed one takes no flow (`mh-fallback`).
        fallback: bool,
        /// The kernel's table size: one of its ten primes, 251 to 131,071.
        table_size: u32,
    },
    /// Linux `ip_vs_sh`, bit-exact.
    IpvsSh {
        /// Hash the source port too (`sh-port`).
        port: bool,
        /// Look for another backend where the hashed one takes no flow (`sh-fallback`).
        fallback: bool,
        /// The kernel's table size: a power of two, 16 to 1,048,576.
        table_size: u32,
    },
}

impl SchedulerKind {
    /// Whether this is a kernel's scheduler rather than one of ours.
    #[must_use]
    pub const fn is_ipvs(self) -> bool {
        match self {
            Self::IpvsMh { .. } | Self::IpvsSh { .. } => true,
            Self::Maglev { .. } | Self::Rendezvous { .. } | Self::Ring { .. } => false,
        }
    }
}

impl SchedulerKind {
    /// The kind as it is written in a file.
    #[must_use]
    pub const fn name(self) -> SchedulerName {
        match self {
            Self::Maglev { .. } => SchedulerName::Maglev,
            Self::Rendezvous { .. } => SchedulerName::Rendezvous,
            Self::Ring { .. } => SchedulerName::Ring,
            Self::IpvsMh { .. } => SchedulerName::IpvsMh,
            Self::IpvsSh { .. } => SchedulerName::IpvsSh,
        }
    }
}

impl Default for SchedulerKind {
    fn default() -> Self {
        Self::Maglev { table_size: file::MAGLEV_TABLE_SIZE }
    }
}

/// How packets travel to the backend: a tunnel's format; the inner packet is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Forward {
    /// IP in IP (RFC 2003, RFC 2473), in any mix of families.
    #[default]
    Ipip,
    /// Generic UDP encapsulation (draft-ietf-intarea-gue).
    Gue {
        /// UDP destination port.
        port: u16,
    },
    /// Generic routing encapsulation (RFC 2784).
    Gre,
}

impl Forward {
    /// Bytes that the tunnel adds to a packet towards a backend of this family.
    ///
    /// ```
    /// use core::net::{IpAddr, Ipv4Addr};
    /// use lb_core::config::Forward;
    ///
    /// let backend = IpAddr::V4(Ipv4Addr::new(10, 1, 0, 5));
    /// assert_eq!(Forward::Ipip.overhead(backend), 20);
    /// assert_eq!(Forward::Gue { port: 6080 }.overhead(backend), 32);
    /// ```
    #[must_use]
    pub const fn overhead(self, backend: IpAddr) -> u16 {
        let outer = match backend {
            IpAddr::V4(_) => 20,
            IpAddr::V6(_) => 40,
        };
        let between = match self {
            Self::Ipip => 0,
            Self::Gue { .. } => 12, // UDP 8, GUE 4
            Self::Gre => 4,
        };
        outer + between
    }
}

/// Whose behaviour a node shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// The best we can do.
    #[default]
    Own,
    /// What a Linux node with IPVS really does.
    Ipvs(IpvsOptions),
}

impl Profile {
    /// The state machine that its connection table runs.
    #[must_use]
    pub const fn machine(self) -> Machine {
        match self {
            Self::Own => Machine::Own,
            Self::Ipvs(_) => Machine::Ipvs,
        }
    }
}

/// The kernel's switches in `/proc/sys/net/ipv4/vs`; `default()` is the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpvsOptions {
    /// `sloppy_tcp`: a packet in mid-flow makes an entry too. Kernel default: no.
    pub sloppy_tcp: bool,
    /// `expire_nodest_conn`: an entry whose backend was deleted is dropped at once. Kernel default: no.
    pub expire_nodest_conn: bool,
    /// `schedule_icmp`: an ICMP error without an entry is scheduled by the packet it quotes. Kernel default: no.
    pub schedule_icmp: bool,
    /// `pmtu_disc`: too-big packets are answered, not fragmented outside. Kernel default: yes.
    pub pmtu_disc: bool,
}

impl Default for IpvsOptions {
    fn default() -> Self {
        Self { sloppy_tcp: false, expire_nodest_conn: false, schedule_icmp: false, pmtu_disc: true }
    }
}

#[cfg(test)]
mod tests;

//! The LB file: what a person writes.
//!
//! Serde types only, with defaults where a field may be left out. Unknown
//! fields are errors. A choice with parameters (`scheduler`, `forward`,
//! `profile`) is one flat mapping with a `kind`, not a tagged enum: a reader
//! then knows the position of every field, and a parameter of another kind is
//! reported as such by the conversion to [`Config`](super::Config). What a
//! value means together with others is checked there too.
//!
//! Versions: the number changes only when a file that was right would mean
//! something else or nothing. A new field with a default is no new version: an
//! older reader refuses it by name, which is what it should do. A reader of
//! version n also reads n - 1, by turning it into n before anything else, and
//! refuses the rest by number. So nodes are upgraded first and files after them,
//! and a file is taken back one version without touching the nodes.

#[cfg(feature = "schema")]
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::BackendState;
use super::agent::{ControlFile, KernelFile, LogFile, MetricsFile, Prefix, TracingFile};
use super::icmp::IcmpFile;
use super::text::{self, hash_key};
use super::units::HumanDuration;
use super::{convert, scheduler};
use crate::fragment::FragmentTable;
use crate::hash::HashKey;
use crate::health::HealthFile;

/// Slots of a `maglev` table where the file says none: the small table of the Maglev paper.
pub(super) const MAGLEV_TABLE_SIZE: u32 = 65_537;
/// Slots of a `rendezvous` table where the file says none.
pub(super) const RENDEZVOUS_TABLE_SIZE: u32 = 65_536;
/// Points of a `ring` for each unit of weight where the file says none.
pub(super) const RING_POINTS: u32 = 160;
/// Slots of an `ipvs-mh` table where the file says none: the kernel's default, 2^12 rounded to a prime.
pub(super) const IPVS_MH_TABLE_SIZE: u32 = 4_093;
/// Slots of an `ipvs-sh` table where the file says none: the kernel's default.
pub(super) const IPVS_SH_TABLE_SIZE: u32 = 256;
/// The UDP port of GUE where the file says none (IANA).
pub(super) const GUE_PORT: u16 = 6_080;
/// The MTU of the path to the backends where the file says none: Ethernet's.
pub(super) const MTU: u16 = 1_500;

/// Bounds as messages have them; the conversion checks.
const MAX_PORT: u64 = u16::MAX as u64;
const MAX_CONNECTIONS: u64 = convert::MAX_CONNECTIONS as u64;
const MAX_FRAGMENTS: u64 = FragmentTable::MAX_LIMIT as u64;
const LEAST_MTU: u64 = convert::LEAST_MTU as u64;
const MAX_TABLE_SIZE: u64 = scheduler::MAX_TABLE_SIZE as u64;
const MAX_RING_POINTS: u64 = scheduler::MAX_RING_POINTS as u64;

/// An LB file: one node's virtual services.
///
/// ```
/// use lb_core::config::LbFile;
///
/// let text = "services: [{ vip: 203.0.113.10, port: 443, protocol: tcp, backends: [] }]";
/// let file: LbFile = serde_saphyr::from_str(text)?;
/// assert_eq!(file.services[0].mtu, 1500);
/// # Ok::<(), serde_saphyr::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(description = "An LB file: one node's virtual services."))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LbFile {
    /// Version of this format: 1.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<1, 1, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1)))]
    pub version: Option<u32>,
    /// The node's own addresses; left out in a file that describes services for any node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeFile>,
    /// 128 bits as 32 hexadecimal digits, the same on every node; a secret.
    /// May be left out where every service uses a kernel scheduler.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hash_key")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("pattern" = "^[0-9a-fA-F]{32}$")))]
    pub hash_key: Option<HashKey>,
    /// How many connections are remembered, and for how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<ConnectionsFile>,
    /// How many datagrams in fragments are remembered, and for how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fragments: Option<FragmentsFile>,
    /// How many ICMP messages are sent, by kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icmp: Option<IcmpFile>,
    /// Whose behaviour the node shows; ours where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileFile>,
    /// The owner's number of this configuration; `explain` and counters show it.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "text::whole")]
    pub generation: u64,
    /// Agent: the prefixes in which everything is the agent's; what lies outside it never touches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_prefixes: Option<Vec<Prefix>>,
    /// Agent: how backends are checked and when a service stands, where a service does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthFile>,
    /// Agent: how the kernel is kept as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<KernelFile>,
    /// Agent: where Prometheus finds metrics; nowhere where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<MetricsFile>,
    /// Agent: the socket by which a running agent is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlFile>,
    /// Agent: how it logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogFile>,
    /// Agent: where traces go; nowhere where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracing: Option<TracingFile>,
    /// The virtual services.
    pub services: Vec<ServiceFile>,
}

/// The node's own addresses: outer sources, by family of the backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeFile {
    /// Outer source towards IPv4 backends.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "ipv4")))]
    pub address: Option<Ipv4Addr>,
    /// Outer source towards IPv6 backends.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "ipv6")))]
    pub address6: Option<Ipv6Addr>,
}

/// Limits of the connection table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectionsFile {
    /// Connections at most; 1,000,000 where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<1, MAX_CONNECTIONS, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1_073_741_824)))]
    pub max: Option<u32>,
    /// Of these, how many may be unproven (SYN only, lone UDP packets, picked up in mid-flow); half where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<1, MAX_CONNECTIONS, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1_073_741_824)))]
    pub unproven: Option<u32>,
    /// For how long a silent connection is remembered, by state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<TimeoutsFile>,
}

/// For how long a silent connection is remembered, by state; what is left out has its default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeoutsFile {
    /// TCP: an open connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_established: Option<HumanDuration>,
    /// TCP: the client sent a SYN and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_syn_received: Option<HumanDuration>,
    /// TCP: the client sent a FIN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_fin_wait: Option<HumanDuration>,
    /// TCP: the client sent a RST.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_closed: Option<HumanDuration>,
    /// UDP: a flow that has not shown packets a second apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub udp: Option<HumanDuration>,
    /// UDP: a flow that has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub udp_stream: Option<HumanDuration>,
    /// SCTP: the client sent an INIT and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sctp_init: Option<HumanDuration>,
    /// SCTP: an open association.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sctp_established: Option<HumanDuration>,
    /// SCTP: shutting down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sctp_shutdown: Option<HumanDuration>,
    /// SCTP: aborted or completely shut down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sctp_closed: Option<HumanDuration>,
    /// A flow of which no transport header was seen yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<HumanDuration>,
}

/// Limits of the fragment table, by which later fragments follow the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FragmentsFile {
    /// Datagrams at most, each 72 bytes of memory; 16,384 where left out. With 0 every later fragment goes by its addresses alone.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<0, MAX_FRAGMENTS, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(max = 16_777_216)))]
    pub max: Option<u32>,
    /// For how long after its first fragment; 30s where left out, as backends wait for the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<HumanDuration>,
}

/// Whose behaviour the node shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileFile {
    /// `own` or `ipvs`.
    pub kind: ProfileKind,
    /// `ipvs`: a packet in mid-flow makes an entry too; false where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sloppy_tcp: Option<bool>,
    /// `ipvs`: an entry whose backend was deleted is dropped at once; false where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_nodest_conn: Option<bool>,
    /// `ipvs`: an ICMP error without an entry is scheduled by the packet it quotes; false where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_icmp: Option<bool>,
    /// `ipvs`: too-big packets are answered, not fragmented outside; true where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pmtu_disc: Option<bool>,
}

/// The profiles by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProfileKind {
    /// The best we can do.
    Own,
    /// What a Linux node with IPVS really does.
    Ipvs,
}

/// One virtual service and its backends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceFile {
    /// The virtual IP address.
    #[serde(deserialize_with = "text::required")]
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "ip")))]
    pub vip: IpAddr,
    /// The destination port, 1 to 65535.
    #[serde(deserialize_with = "text::between::<1, MAX_PORT, _, _>")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub port: u16,
    /// The transport protocol.
    pub protocol: ProtocolName,
    /// The fields of a flow that are hashed; all five where left out. Without `src` and `sport` one backend
    /// gets all flows. The `ipvs-*` kinds hash as the kernel does.
    #[serde(default = "all_hash_fields")]
    pub hash_fields: Vec<HashField>,
    /// How a new flow finds its backend; `maglev` where left out.
    #[serde(default)]
    pub scheduler: SchedulerFile,
    /// How packets travel to the backend; `ipip` where left out.
    #[serde(default)]
    pub forward: ForwardFile,
    /// MTU of the path to the backends, in bytes.
    #[serde(default = "default_mtu", deserialize_with = "text::between::<LEAST_MTU, 65_535, _, _>")]
    #[cfg_attr(feature = "schema", schemars(range(min = 596)))]
    pub mtu: u16,
    /// Agent: how its backends are checked, and when it stands; the file's own `health` where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthFile>,
    /// The backends.
    #[serde(default)]
    pub backends: Vec<BackendFile>,
}

/// The transport protocols that are balanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ProtocolName {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// The fields of a flow by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum HashField {
    /// The protocol number.
    Proto,
    /// The client's address.
    Src,
    /// The client's port.
    Sport,
    /// The VIP.
    Dst,
    /// The service's port.
    Dport,
}

/// How a new flow finds its backend: a kind and its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SchedulerFile {
    /// The table kind.
    pub kind: SchedulerName,
    /// Slots of the table (`maglev`: 65537 where left out; `rendezvous`: 65536; `ipvs-mh`: 4093; `ipvs-sh`: 256).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<1, MAX_TABLE_SIZE, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 4_194_304)))]
    pub table_size: Option<u32>,
    /// `ring`: points for each unit of a backend's weight; 160 where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<1, MAX_RING_POINTS, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 4_096)))]
    pub points: Option<u32>,
    /// `ipvs-mh`, `ipvs-sh`: hash the source port too; false where left out, as in the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<bool>,
    /// `ipvs-mh`, `ipvs-sh`: look for another backend where the hashed one takes no flow; false where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<bool>,
}

/// The table kinds by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SchedulerName {
    /// Weighted Maglev hashing.
    #[default]
    Maglev,
    /// Weighted rendezvous hashing.
    Rendezvous,
    /// A hash ring.
    Ring,
    /// Linux `ip_vs_mh`, bit-exact.
    IpvsMh,
    /// Linux `ip_vs_sh`, bit-exact.
    IpvsSh,
}

impl fmt::Display for SchedulerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl SchedulerName {
    /// The name as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Maglev => "maglev",
            Self::Rendezvous => "rendezvous",
            Self::Ring => "ring",
            Self::IpvsMh => "ipvs-mh",
            Self::IpvsSh => "ipvs-sh",
        }
    }
}

/// How packets travel to the backend: a kind and its parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForwardFile {
    /// The tunnel.
    pub kind: ForwardKind,
    /// `gue`: the UDP destination port; 6080 where left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<1, MAX_PORT, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub port: Option<u16>,
    /// Vary the outer source with the flow, so that ECMP and receive queues on the way spread it; false where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<bool>,
}

/// The tunnels by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ForwardKind {
    /// IP in IP.
    #[default]
    Ipip,
    /// Generic UDP encapsulation.
    Gue,
    /// Generic routing encapsulation.
    Gre,
}

/// One backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackendFile {
    /// Its own address, the outer destination.
    #[serde(deserialize_with = "text::required")]
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "ip")))]
    pub address: IpAddr,
    /// Its port: under a tunnel the service's, so it is best left out. With a
    /// kernel scheduler any port may be given: there it is only the name by which
    /// the kernel tells destinations on one address apart, hashed and never sent.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::optional_between::<1, MAX_PORT, _, _>"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub port: Option<u16>,
    /// Its share of new flows relative to the other backends', 0 to 65535.
    #[serde(default = "default_weight", deserialize_with = "text::whole")]
    pub weight: u16,
    /// What it may be given.
    #[serde(default)]
    pub state: BackendState,
}

impl Default for SchedulerFile {
    fn default() -> Self {
        Self { kind: SchedulerName::Maglev, table_size: None, points: None, port: None, fallback: None }
    }
}

/// All five fields, in the order of the documentation.
pub(super) fn all_hash_fields() -> Vec<HashField> {
    alloc::vec![HashField::Proto, HashField::Src, HashField::Sport, HashField::Dst, HashField::Dport]
}

const fn default_mtu() -> u16 {
    MTU
}

const fn default_weight() -> u16 {
    1
}

const fn is_zero(number: &u64) -> bool {
    *number == 0
}

//! The scenario file: what a person writes.
//!
//! Serde types only. Unknown fields are errors; a choice with parameters is one
//! flat mapping with a `kind`, so that a reader knows the position of every
//! field. Parts are named once (`distributions`, `stations`, `healthChecks`,
//! `zoneKinds`, ...) and referred to by name. What values mean together is
//! checked by the conversion to [`Scenario`](super::Scenario).

use std::collections::BTreeMap;

use lb_core::config::units::{ByteSize, HumanDuration, Share};
use lb_core::config::{ConnectionsFile, ProfileFile, SchedulerFile};
use lb_core::health::HealthFile;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events::EventFile;
use super::expect::Expectation;
use super::rate::{ArrivalsFile, RateFile};
use crate::samplers::{Bytes, Distribution, Nanoseconds};

/// A scenario: a fleet, its clients, what happens to it, and what is expected of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScenarioFile {
    /// Version of this format: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The scenario's name, as reports show it.
    pub name: String,
    /// One line: what is shown.
    pub title: String,
    /// The seed of a run that is given no other.
    pub seed: u64,
    /// Simulated time.
    pub duration: HumanDuration,
    /// Data centers and zones.
    pub fleet: FleetFile,
    /// Kinds of zones by name.
    pub zone_kinds: BTreeMap<String, ZoneKindFile>,
    /// Kinds of L4 nodes by name.
    pub node_kinds: BTreeMap<String, NodeKindFile>,
    /// Kinds of routers by name.
    pub routers: BTreeMap<String, RouterFile>,
    /// Kinds of queueing stations by name: a gateway, one replica of a service.
    pub stations: BTreeMap<String, StationFile>,
    /// Health checks by name.
    pub health_checks: BTreeMap<String, HealthFile>,
    /// Random quantities by name.
    pub distributions: DistributionsFile,
    /// One-way delays.
    #[serde(default)]
    pub network: NetworkFile,
    /// The name service.
    pub dns: DnsFile,
    /// How gateways divide requests between local and remote members.
    #[serde(default)]
    pub routing: RoutingFile,
    /// The clients.
    pub traffic: TrafficFile,
    /// What happens, and when.
    #[serde(default)]
    pub events: Vec<EventFile>,
    /// What must hold at the end: `availability >= 99.9%`.
    #[serde(default)]
    pub expect: Vec<Expectation>,
}

/// Random quantities by name; a name is unique in its section.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DistributionsFile {
    /// Lengths of time.
    pub times: BTreeMap<String, Distribution<Nanoseconds>>,
    /// Sizes.
    pub sizes: BTreeMap<String, Distribution<Bytes>>,
    /// Bare numbers.
    pub counts: BTreeMap<String, Distribution<f64>>,
    /// Sizes from a file of two columns: bytes, percent of all that are at most as large.
    pub size_files: BTreeMap<String, String>,
    /// Bare numbers from a file of two columns: number, percent of all that are at most as large.
    pub count_files: BTreeMap<String, String>,
}

/// Data centers and zones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FleetFile {
    /// The data centers.
    pub data_centers: Vec<DataCenterFile>,
    /// The kind of every zone that `exceptions` does not name.
    pub zone_kind: String,
    /// Zones of another kind: zone name to kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exceptions: BTreeMap<String, String>,
}

/// One data center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataCenterFile {
    /// Its name.
    pub name: String,
    /// The names of its zones; no two zones of the fleet have one name.
    pub zones: Vec<String>,
}

/// What stands in a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ZoneKindFile {
    /// The kind of router.
    pub router: String,
    /// How many L4 nodes.
    #[schemars(range(min = 1, max = 64))]
    pub nodes: u32,
    /// The kind of L4 node.
    pub node_kind: String,
    /// How many L7 gateways.
    #[schemars(range(min = 1, max = 512))]
    pub gateways: u32,
    /// The station that each gateway is.
    pub gateway: String,
    /// The clusters.
    pub clusters: Vec<ClusterFile>,
}

/// One cluster: the replicas of the service that run in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterFile {
    /// Its name, unique in the zone.
    pub name: String,
    /// How many replicas.
    #[schemars(range(min = 1, max = 4096))]
    pub replicas: u32,
    /// The station that each replica is.
    pub replica: String,
}

/// A kind of L4 node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeKindFile {
    /// Our own behaviour or the kernel's; `own` where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileFile>,
    /// How a new flow finds its gateway; `maglev` where left out.
    #[serde(default)]
    pub scheduler: SchedulerFile,
    /// Limits of the connection table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<ConnectionsFile>,
    /// How the gateways are checked.
    pub health_check: String,
}

/// A kind of router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouterFile {
    /// How a flow's hash becomes a next hop.
    pub ecmp: EcmpFile,
    /// From a node's death until the router sends it no more packets, and from its return until it does again.
    pub detection: HumanDuration,
}

/// How a router's hash becomes a next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EcmpFile {
    /// The hash's range in equal parts, in order: what Linux does.
    HashThreshold,
    /// The remainder of the hash by the number of next hops.
    ModN,
    /// Buckets of which only those of a lost next hop move.
    Resilient,
}

/// A queueing station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StationFile {
    /// How many requests are served at once.
    #[schemars(range(min = 1, max = 100_000))]
    pub servers: u32,
    /// The distribution of the service time: a name in `distributions.times`.
    pub service_time: String,
    /// In what order; `fifo` where left out.
    #[serde(default)]
    pub discipline: DisciplineFile,
    /// How many requests may wait; one more is refused. No limit where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_limit: Option<u32>,
    /// How long a request may stay; then it leaves without an answer. No limit where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<HumanDuration>,
}

/// In what order a station serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DisciplineFile {
    /// First come, first served.
    #[default]
    Fifo,
    /// All at once, each with an equal part.
    ProcessorSharing,
}

/// One-way delays, each with a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NetworkFile {
    /// Clients to any zone.
    pub clients: HumanDuration,
    /// Inside a zone.
    pub same_zone: HumanDuration,
    /// Between zones of one data center.
    pub same_data_center: HumanDuration,
    /// Between data centers.
    pub between_data_centers: HumanDuration,
    /// Bytes per second from a zone to a client: how long an answer's bytes take; no time where left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_bandwidth: Option<ByteSize>,
}

impl Default for NetworkFile {
    fn default() -> Self {
        let from_micros = |micros: u64| HumanDuration::from_nanos(micros * 1_000);
        Self {
            clients: from_micros(20_000),
            same_zone: from_micros(100),
            same_data_center: from_micros(500),
            between_data_centers: from_micros(10_000),
            client_bandwidth: None,
        }
    }
}

/// The name service and the resolvers in front of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsFile {
    /// For how long a resolver keeps an answer.
    pub ttl: HumanDuration,
    /// How many resolvers the clients are behind, equally many each.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub resolvers: u32,
    /// How the name service checks each zone's VIP.
    pub health_check: String,
    /// From a decision until the name service answers by it.
    #[serde(default)]
    pub propagation: HumanDuration,
    /// Weights of zones other than 1.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, u32>,
}

/// How gateways divide requests between members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RoutingFile {
    /// The share that goes to another data center (the rest stays in the zone).
    pub remote: Share,
    /// From a replica's death until gateways stop choosing it.
    pub endpoint_delay: HumanDuration,
}

impl Default for RoutingFile {
    fn default() -> Self {
        Self { remote: Share::ZERO, endpoint_delay: HumanDuration::from_nanos(2_000_000_000) }
    }
}

/// The clients: an open loop, whatever the answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrafficFile {
    /// What the clients speak; `tcp` where left out.
    #[serde(default)]
    pub protocol: ProtocolFile,
    /// The address family of the zones' VIPs, and so of the clients; `ipv4` where left out.
    #[serde(default)]
    pub family: FamilyFile,
    /// Requests per second over time.
    pub rate: RateFile,
    /// When connections begin, given the rate; Poisson where left out.
    #[serde(default)]
    pub arrivals: ArrivalsFile,
    /// The distribution of requests per connection, rounded, at least 1: a name in `distributions.counts`
    /// or `countFiles`.
    pub requests_per_connection: String,
    /// The distribution of the time between two requests of a connection: a name in `distributions.times`.
    pub request_gap: String,
    /// The distribution of a request's bytes: a name in `distributions.sizes` or `sizeFiles`.
    pub request_bytes: String,
    /// The distribution of an answer's bytes: a name in `distributions.sizes` or `sizeFiles`.
    pub response_bytes: String,
    /// How long a client waits for a connection; over UDP there is none to wait for.
    pub connect_timeout: HumanDuration,
    /// How long a client waits for an answer.
    pub request_timeout: HumanDuration,
    /// What a client does when a request fails; nothing where left out.
    #[serde(default)]
    pub retry: RetryFile,
}

/// What clients speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProtocolFile {
    /// Connections: a handshake, lost data repeated, a closing packet.
    #[default]
    Tcp,
    /// Datagrams: what is lost stays lost until the client asks again from the same port.
    /// It takes another port, and asks its resolver, when it has given a request up.
    Udp,
}

/// An address family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FamilyFile {
    /// IPv4.
    #[default]
    Ipv4,
    /// IPv6; the gateways' own addresses stay IPv4, so the L4 nodes tunnel 6-in-4.
    Ipv6,
}

/// A client's retries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RetryFile {
    /// Tries after the first.
    #[schemars(range(max = 10))]
    pub retries: u32,
    /// The wait before the first retry; doubled each time, then jittered down to half.
    pub backoff: HumanDuration,
    /// The longest wait.
    pub backoff_max: HumanDuration,
}

impl Default for RetryFile {
    fn default() -> Self {
        Self {
            retries: 0,
            backoff: HumanDuration::from_nanos(100_000_000),
            backoff_max: HumanDuration::from_nanos(2_000_000_000),
        }
    }
}

/// The version where a file says none.
const fn one() -> u32 {
    1
}

//! Scenarios: a fleet, its clients, what happens to it, and what is expected.
//!
//! Two shapes, one direction. [`ScenarioFile`] is what a person writes;
//! [`Scenario`] is what the model runs: names resolved to positions, curves
//! computed, complete and checked. [`Scenario::from_yaml`] is the only way from
//! text to it. Eleven scenarios are compiled in ([`embedded()`]), one behaviour
//! each. What a scenario means is the [`model`](crate::model)'s business.

mod data;
mod embedded;
mod error;
mod events;
mod expect;
mod file;
mod overrides;
mod rate;
mod resolve;
mod target;

use core::time::Duration;

use lb_core::Time;
use lb_core::config::{ConnectionsFile, ProfileFile, SchedulerFile};
use lb_core::health::{BackendPolicy, ServicePolicy};

use crate::model::Wire;
use crate::random::{Seed, Stream};
use crate::samplers::{Bytes, Distribution, Nanoseconds, RateCurve};

pub use data::{DataSource, EmbeddedData};
pub use embedded::{EmbeddedScenario, embedded};
pub use error::{OverrideProblem, Path, Problem, ScenarioError, Step};
pub use events::{EventFile, EventKind};
pub use expect::{Expectation, ExpectationError, ExpectationResult};
pub use file::{
    ClusterFile, DataCenterFile, DisciplineFile, DistributionsFile, DnsFile, EcmpFile, FamilyFile, FleetFile,
    NetworkFile, NodeKindFile, ProtocolFile, RetryFile, RouterFile, RoutingFile, ScenarioFile, StationFile,
    TrafficFile, ZoneKindFile,
};
pub use overrides::{NewName, new_name, with_overrides};
pub use rate::{ArrivalsFile, ArrivalsKind, RateFile, RateKind, RateOrShare, RatePointFile};
pub use target::{LinkEnd, Target};

use error::nearest;

/// A scenario, complete and checked; positions count from 0.
///
/// ```
/// use sim::scenario::{EmbeddedData, Scenario, embedded};
///
/// let found = embedded().iter().find(|scenario| scenario.name == "az-loss").unwrap();
/// let scenario = Scenario::from_yaml(found.text, &EmbeddedData)?;
/// assert_eq!(scenario.zones.len(), 9);
/// assert_eq!(scenario.capacity().round(), 1800.0);
/// # Ok::<(), sim::scenario::ScenarioError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// One line: what is shown.
    pub title: String,
    /// The seed of a run that is given no other.
    pub seed: u64,
    /// Simulated time.
    pub duration: Duration,
    /// The data centers' names.
    pub data_centers: Vec<String>,
    /// The zones.
    pub zones: Vec<Zone>,
    /// The kinds of stations that zones refer to.
    pub stations: Vec<StationKind>,
    /// The kinds of L4 nodes that zones refer to.
    pub node_kinds: Vec<NodeKind>,
    /// One-way delays.
    pub network: Network,
    /// The name service.
    pub dns: Dns,
    /// The share of requests that gateways send to other data centers, 0 to 1.
    pub remote_share: f64,
    /// From a replica's death until gateways stop choosing it.
    pub endpoint_delay: Duration,
    /// The clients.
    pub traffic: Traffic,
    /// What happens, by time.
    pub events: Vec<Event>,
    /// What must hold at the end.
    pub expect: Vec<Expectation>,
}

/// One zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// Position of its data center.
    pub data_center: usize,
    /// How its router spreads flows.
    pub ecmp: EcmpFile,
    /// From a node's death, or return, until its router acts on it.
    pub detection: Duration,
    /// How many L4 nodes it has.
    pub nodes: u32,
    /// Position of their kind.
    pub node_kind: usize,
    /// How many gateways it has.
    pub gateways: u32,
    /// Position of the gateways' station kind.
    pub gateway: usize,
    /// Its clusters.
    pub clusters: Vec<Cluster>,
    /// Its weight in DNS.
    pub dns_weight: u32,
}

/// One cluster's replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// How many replicas.
    pub replicas: u32,
    /// Position of the replicas' station kind.
    pub replica: usize,
}

/// A kind of queueing station.
#[derive(Clone, Debug, PartialEq)]
pub struct StationKind {
    /// How many requests are served at once.
    pub servers: u32,
    /// How long one takes.
    pub service_time: Distribution<Nanoseconds>,
    /// In what order.
    pub discipline: DisciplineFile,
    /// How many may wait.
    pub queue_limit: Option<u32>,
    /// How long one may stay.
    pub timeout: Option<Duration>,
}

impl StationKind {
    /// Requests per second that it can serve at most.
    #[must_use]
    pub fn capacity(&self) -> f64 {
        f64::from(self.servers) * 1e9 / self.service_time.mean().0
    }
}

/// A kind of L4 node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeKind {
    /// Our own behaviour or the kernel's.
    pub profile: Option<ProfileFile>,
    /// How a new flow finds its gateway.
    pub scheduler: SchedulerFile,
    /// Limits of the connection table.
    pub connections: Option<ConnectionsFile>,
    /// How a gateway is judged.
    pub backend_health: BackendPolicy,
    /// Whether what clients' packets tell of a gateway is heard beside the checks.
    pub observes: bool,
    /// When the whole service stands.
    pub service_health: ServicePolicy,
}

/// One-way delays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Clients to any zone.
    pub clients: Duration,
    /// Inside a zone.
    pub same_zone: Duration,
    /// Between zones of one data center.
    pub same_data_center: Duration,
    /// Between data centers.
    pub between_data_centers: Duration,
    /// Bytes per second towards a client, 0 for no limit.
    pub client_bandwidth: u64,
}

/// The name service and the resolvers in front of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// For how long a resolver keeps an answer.
    pub ttl: Duration,
    /// How many resolvers there are.
    pub resolvers: u32,
    /// How a zone's VIP is judged.
    pub backend_health: BackendPolicy,
    /// When a zone stands.
    pub service_health: ServicePolicy,
    /// From a decision until answers follow it.
    pub propagation: Duration,
}

/// The clients.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// What the clients speak.
    pub protocol: ProtocolFile,
    /// The VIPs' address family, and so the clients'.
    pub family: FamilyFile,
    /// Requests per second over time.
    pub rate: RateCurve,
    /// Recorded beginnings of connections, nanoseconds since the start; the rate counts where `None`.
    pub arrivals: Option<Vec<u64>>,
    /// Requests per connection; rounded, at least 1.
    pub requests_per_connection: Distribution<f64>,
    /// Between two requests of a connection.
    pub request_gap: Distribution<Nanoseconds>,
    /// A request's bytes.
    pub request_bytes: Distribution<Bytes>,
    /// An answer's bytes.
    pub response_bytes: Distribution<Bytes>,
    /// How long a client waits for a connection.
    pub connect_timeout: Duration,
    /// How long a client waits for an answer.
    pub request_timeout: Duration,
    /// What a client does when a request fails.
    pub retry: RetryFile,
}

impl Traffic {
    /// The kind of all packets.
    pub(crate) const fn wire(&self) -> Wire {
        Wire { family: self.family, protocol: self.protocol }
    }

    /// Requests of a visit: one draw, rounded, at least one.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturation is meant")]
    pub fn draw_requests(&self, stream: &mut Stream) -> u32 {
        ((self.requests_per_connection.sample(stream) + 0.5) as u32).max(1)
    }

    /// The mean of [`draw_requests`](Self::draw_requests), which rounding has moved from the
    /// distribution's: the mean of draws from a stream that is the same in every run.
    #[must_use]
    pub fn mean_requests(&self) -> f64 {
        let mut stream = Seed(0).stream("scenario", "mean-requests");
        let sum: u64 = (0..MEAN_DRAWS).map(|_| u64::from(self.draw_requests(&mut stream))).sum();
        sum as f64 / f64::from(MEAN_DRAWS)
    }
}

/// Enough for a mean that is right to about half a percent.
const MEAN_DRAWS: u32 = 50_000;

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it takes effect: an action's decision plus its delay.
    pub at: Time,
    /// When it was decided: what shifts count from.
    pub decided: Time,
    /// When it ends, if it does.
    pub until: Option<Time>,
    /// What.
    pub change: Change,
}

/// What an event changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Gateways are added to a zone.
    AddGateways {
        /// The zone.
        zone: usize,
        /// How many.
        count: u32,
    },
    /// L4 nodes are added to a zone.
    AddNodes {
        /// The zone.
        zone: usize,
        /// How many.
        count: u32,
    },
    /// Data is taken and not answered; checks see nothing.
    BlackHole(Target),
    /// Stops, loses its state.
    Crash(Target),
    /// A zone's gateways use remote members only.
    DisableLocal {
        /// The zone.
        zone: usize,
    },
    /// A zone is taken out of DNS by hand.
    DisableZone {
        /// The zone.
        zone: usize,
    },
    /// A zone's weight in DNS.
    DnsWeight {
        /// The zone.
        zone: usize,
        /// The weight.
        weight: u32,
    },
    /// A gateway is drained at the L4 nodes (flows stay, no new ones).
    Drain(Target),
    /// A gateway's weight at the L4 nodes.
    GatewayWeight {
        /// The gateway.
        target: Target,
        /// The weight.
        weight: u16,
    },
    /// Packets between two ends are lost with this chance, in 1/2^32.
    LinkLoss {
        /// The ends.
        between: [LinkEnd; 2],
        /// The chance; `u32::MAX` is all.
        loss: u32,
    },
    /// Packets between two ends take longer.
    LinkDelay {
        /// The ends.
        between: [LinkEnd; 2],
        /// What is added, one way.
        extra: Duration,
    },
    /// Nothing moves, nothing is lost.
    Pause(Target),
    /// Everything takes `percent` of its ordinary time.
    Slow {
        /// Who.
        target: Target,
        /// Of the ordinary time.
        percent: u32,
    },
    /// Zones stop at once.
    ZoneLoss {
        /// The zones.
        zones: Vec<usize>,
    },
}

impl Scenario {
    /// Requests per second that the whole fleet can serve.
    #[must_use]
    pub fn capacity(&self) -> f64 {
        self.zones.iter().map(|zone| self.zone_capacity(zone)).sum()
    }

    /// Requests per second that a zone can serve: the lesser of its gateways' and its replicas' capacity.
    #[must_use]
    pub fn zone_capacity(&self, zone: &Zone) -> f64 {
        let gateways = f64::from(zone.gateways) * self.stations[zone.gateway].capacity();
        let replicas: f64 = zone
            .clusters
            .iter()
            .map(|cluster| f64::from(cluster.replicas) * self.stations[cluster.replica].capacity())
            .sum();
        gateways.min(replicas)
    }

    /// Reads and checks a scenario.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] says where the text is wrong and what would be right.
    pub fn from_yaml(text: &str, data: &dyn DataSource) -> Result<Self, ScenarioError> {
        resolve::scenario(ScenarioFile::from_yaml(text)?, data)
    }
}

impl ScenarioFile {
    /// Reads the text; what fields mean together is not checked yet.
    ///
    /// # Errors
    ///
    /// [`ScenarioError::Syntax`] with line and column.
    pub fn from_yaml(text: &str) -> Result<Self, ScenarioError> {
        serde_saphyr::from_str_with_options(text, yaml_options()).map_err(|error| syntax_error(&error))
    }

    /// The JSON Schema of the format.
    #[must_use]
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(Self)
    }
}

/// YAML 1.2 as people expect it: `no` and `012` are text.
fn yaml_options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        with_snippet: false,
    }
}

fn syntax_error(error: &serde_saphyr::Error) -> ScenarioError {
    let (line, column) = error.location().map_or((0, 0), |place| (place.line(), place.column()));
    let message = match error.without_snippet() {
        serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => unknown("field", field, expected),
        serde_saphyr::Error::SerdeUnknownVariant { variant, expected, .. } => {
            unknown("choice", variant, expected)
        }
        other => other.to_string(),
    };
    ScenarioError::Syntax { line, column, message }
}

fn unknown(noun: &str, name: &str, expected: &[&'static str]) -> String {
    match nearest(name, expected.iter().copied()) {
        Some(nearest) => format!("unknown {noun} `{name}`; did you mean `{nearest}`?"),
        None => format!("unknown {noun} `{name}`; known are {}", expected.join(", ")),
    }
}

#[cfg(test)]
mod tests;

//! How a running agent stands: the document behind `status`, `top` and the metrics.
//!
//! The field names are a contract with scripts; fields may be added. Fractions
//! are 0..1, durations in seconds, addresses as RFC 5952 has them.

use std::net::IpAddr;

use files::Fault;
use lb_core::config::BackendState;
use lb_core::health::{Cause, HealthState, Observation, ProbeFailure, ServiceState};
use serde::{Deserialize, Serialize};

/// A running agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    /// The agent's version.
    pub(crate) version: String,
    /// Since its start.
    pub(crate) uptime_s: f64,
    /// `running`, `draining` (by hand), `stopping`, `cleaning` or `stopped`.
    pub(crate) state: String,
    /// Its file.
    pub(crate) config: ConfigStatus,
    /// The kernel.
    pub(crate) kernel: KernelStatus,
    /// The VIPs by address.
    pub(crate) vips: Vec<Vip>,
    /// The services by address.
    pub(crate) services: Vec<Service>,
    /// The sessions with routers.
    pub(crate) sessions: Vec<Session>,
    /// What came of routers and was left out.
    #[serde(default)]
    pub(crate) left_out: LeftOut,
}

/// What came of routers and was left out, since the sessions' speaker began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftOut {
    /// BFD packets that were no good.
    pub(crate) bfd_packets: u64,
    /// Events that the agent was too slow to log.
    pub(crate) events: u64,
}

/// The file at work, and the one that was refused, if any.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ConfigStatus {
    /// Where it is.
    pub(crate) path: String,
    /// The owner's number of it.
    pub(crate) generation: u64,
    /// For how long it has been at work.
    pub(crate) age_s: f64,
    /// Why the file as it is now is not at work.
    pub(crate) refused: Option<Refusal>,
}

/// A file that was refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    /// Counted from 1.
    pub(crate) line: Option<u32>,
    /// Counted from 1.
    pub(crate) column: Option<u32>,
    /// The field.
    pub(crate) field: Option<String>,
    /// What is wrong and what would be right.
    pub(crate) message: String,
    /// For how long it has been so.
    pub(crate) age_s: f64,
}

impl Refusal {
    /// From a fault of the file.
    pub(crate) fn new(fault: &Fault, age_s: f64) -> Self {
        let Fault { line, column, field, message, .. } = fault.clone();
        Self { line, column, field, message, age_s }
    }
}

/// The kernel as the agent knows it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct KernelStatus {
    /// Whether it holds everything that it is to hold.
    pub(crate) programmed: bool,
    /// `unread`, `reading`, `settled`, `writing` or `failed`.
    pub(crate) phase: String,
    /// Writes that it took since the start.
    pub(crate) writes: u64,
    /// Listings since the start.
    pub(crate) reads: u64,
    /// Listings and writes that failed.
    pub(crate) failures: u64,
    /// Listings that showed what somebody else had changed.
    pub(crate) drifts: u64,
    /// How old the counts of flows are; absent before the first listing.
    #[serde(default)]
    pub(crate) listing_age_s: Option<f64>,
    /// What it said to the last thing that failed.
    pub(crate) last_error: Option<String>,
    /// Services that are not the agent's.
    pub(crate) foreign: Vec<String>,
}

/// One VIP.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Vip {
    /// Its address.
    pub(crate) vip: IpAddr,
    /// Whether routers are told of it.
    pub(crate) announced: bool,
    /// How it stands with that: `announced`, `down`, `unknown`, ...
    pub(crate) state: String,
    /// Whether the kernel holds everything for it.
    pub(crate) programmed: bool,
}

/// One service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Service {
    /// `VIP:PORT/PROTO`.
    pub(crate) service: String,
    /// `up`, `down`, `panic` or `unknown`.
    pub(crate) state: String,
    /// The share of its weight in service, 0..1; absent if it has none.
    pub(crate) in_service: Option<f64>,
    /// The name of its table: equal on all nodes that place flows alike.
    pub(crate) table_digest: Option<String>,
    /// Its backends by endpoint.
    pub(crate) backends: Vec<Backend>,
}

/// One backend of one service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Backend {
    /// `ADDRESS:PORT`.
    pub(crate) backend: String,
    /// What checks say: `up`, `suspect`, `down`, `recovering`, `unknown` or `disabled`.
    pub(crate) state: String,
    /// What last changed that.
    pub(crate) cause: String,
    /// Why its last check failed, in the checker's words; absent if it did not.
    pub(crate) last_failure: Option<String>,
    /// How long its last check took.
    pub(crate) probe_s: Option<f64>,
    /// `active`, `drain` or `down`: what the kernel is to give it.
    pub(crate) traffic: String,
    /// Its weight for new flows now.
    pub(crate) weight: u16,
    /// Its configured weight.
    pub(crate) full_weight: u16,
    /// Whether a hand took it out.
    pub(crate) drained: bool,
    /// Whether the path to it is held for dead.
    pub(crate) path_dead: bool,
    /// What went through it, as the kernel shows it.
    pub(crate) flows: Flows,
    /// What went through it since the agent's start.
    #[serde(default)]
    pub(crate) counted: Counted,
}

/// What went through a backend, as the kernel counts.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Flows {
    /// Connections since it was added.
    pub(crate) connections: u64,
    /// Packets towards it.
    pub(crate) packets: u64,
    /// Bytes towards it.
    pub(crate) bytes: u64,
    /// Established connections now.
    pub(crate) active: u64,
    /// Other entries now.
    pub(crate) inactive: u64,
    /// Connections per second of late.
    pub(crate) connections_per_s: u64,
    /// Bytes per second of late.
    pub(crate) bytes_per_s: u64,
}

/// What went through a backend since the agent's start; unlike the kernel's counts it never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counted {
    /// Connections scheduled to it.
    pub(crate) connections: u64,
    /// Packets towards it.
    pub(crate) packets: u64,
    /// Bytes towards it.
    pub(crate) bytes: u64,
}

impl Counted {
    /// What was added since `before`; `None` if something is less, so that it was counted anew.
    pub(crate) fn since(self, before: Self) -> Option<Self> {
        Some(Self {
            connections: self.connections.checked_sub(before.connections)?,
            packets: self.packets.checked_sub(before.packets)?,
            bytes: self.bytes.checked_sub(before.bytes)?,
        })
    }
}

impl std::ops::AddAssign for Counted {
    fn add_assign(&mut self, other: Self) {
        self.connections += other.connections;
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

impl std::ops::AddAssign for Flows {
    fn add_assign(&mut self, other: Self) {
        self.connections += other.connections;
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.active += other.active;
        self.inactive += other.inactive;
        self.connections_per_s += other.connections_per_s;
        self.bytes_per_s += other.bytes_per_s;
    }
}

/// One session with a router.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    /// `bgp` or `bfd`.
    pub(crate) protocol: String,
    /// The router.
    pub(crate) peer: String,
    /// The session's state in the protocol's words.
    pub(crate) state: String,
    /// Whether it carries routes.
    pub(crate) up: bool,
    /// For how long it has been in this state.
    pub(crate) since_s: f64,
    /// Why it was last down.
    pub(crate) last_error: Option<String>,
    /// Routes that the router was told of.
    pub(crate) routes: u64,
}

/// A backend's state as a word.
pub(crate) const fn health_word(state: HealthState) -> &'static str {
    match state {
        HealthState::Disabled => "disabled",
        HealthState::Down => "down",
        HealthState::Recovering { .. } => "recovering",
        HealthState::Suspect { .. } => "suspect",
        HealthState::Unknown => "unknown",
        HealthState::Up => "up",
    }
}

/// A service's state as a word.
pub(crate) const fn service_word(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Down => "down",
        ServiceState::Panic => "panic",
        ServiceState::Unknown => "unknown",
        ServiceState::Up => "up",
    }
}

/// What a backend is given, as a word.
pub(crate) const fn traffic_word(traffic: BackendState) -> &'static str {
    match traffic {
        BackendState::Active => "active",
        BackendState::Drain => "drain",
        BackendState::Down => "down",
    }
}

/// Why a backend's state is what it is, in words.
pub(crate) const fn cause_words(cause: Cause) -> &'static str {
    match cause {
        Cause::Command => "taken out or put back by hand or file",
        Cause::Observed(Observation::Answered) => "clients' flows",
        Cause::Observed(Observation::Reset) => "clients' flows were reset",
        Cause::Observed(Observation::SynUnanswered) => "clients were not answered",
        Cause::ProbeFailed(ProbeFailure::Mismatch) => "wrong answer to a check",
        Cause::ProbeFailed(ProbeFailure::Refused) => "check refused",
        Cause::ProbeFailed(ProbeFailure::Timeout) => "check not answered in time",
        Cause::ProbeFailed(ProbeFailure::Tls) => "TLS failed",
        Cause::ProbeFailed(ProbeFailure::Unreachable) => "no way to it",
        Cause::ProbeSucceeded => "check answered",
        Cause::Started => "as the kernel had it",
    }
}

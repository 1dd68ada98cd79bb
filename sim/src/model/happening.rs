//! What can happen in a run: the payloads of the agenda, and their canonical bytes.
//!
//! Every one that is taken from the agenda is an entry of the event log that
//! the digest hashes. All are small: ids, no values.

use lb_core::health::ProbeId;

use super::arena::Id;
use super::cause::Cause;
use super::client::{Connection, Request, Session};

/// A station: which zone, and which of its gateways or replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StationId {
    pub(super) zone: u16,
    pub(super) is_gateway: bool,
    pub(super) index: u16,
}

/// One attempt of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Try {
    pub(super) request: Id<Request>,
    /// Counts the attempts, so that what belongs to an old one is known as such.
    pub(super) epoch: u16,
}

/// Something that happens at a time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Happening {
    /// An answer reaches the client; `None` is a success.
    Answer(Try, Option<Cause>),
    /// Somebody begins a visit.
    Arrival,
    /// A scenario's event begins.
    Begin(u32),
    /// The oldest connection that is still being made has waited long enough.
    ConnectDeadline,
    /// A packet that closes a connection reaches its zone.
    DeliverClose(Id<Connection>),
    /// A request's packets reach their zone.
    DeliverData(Try),
    /// A packet that opens a connection reaches its zone.
    DeliverOpen(Id<Connection>),
    /// A request reaches another zone's router from a gateway.
    DeliverRemote(Try, u16),
    /// The name service's check of a zone is due.
    DnsCheck(u16),
    /// The name service's check of a zone is answered.
    DnsProbed(u16, ProbeId, bool),
    /// A scenario's event ends.
    End(u32),
    /// Gateways learn which replicas there are.
    Endpoints(u16),
    /// A gateway's check by a node is due.
    HealthCheck { zone: u16, node: u16, gateway: u16 },
    /// A gateway answers a node's check.
    HealthProbed { zone: u16, node: u16, gateway: u16, life: u16, probe: ProbeId },
    /// A visit's next request is due.
    NextRequest(Id<Session>),
    /// The handshake is complete at the client.
    Opened(Id<Connection>),
    /// The name service answers by its last decision.
    Published,
    /// The oldest request in flight has waited long enough.
    RequestDeadline,
    /// A reset reaches the client.
    Reset(Id<Connection>, Cause),
    /// A request's pause is over.
    Retry(Try),
    /// A client repeats a packet that was not acknowledged: a request's.
    RepeatData(Try),
    /// The same: the opening packet's.
    RepeatOpen(Id<Connection>),
    /// A zone's router acts on what it sees of its nodes.
    Routes(u16),
    /// A measurement is due.
    Sample,
    /// A station has something to do.
    Station(StationId),
    /// The connection tables of a zone's nodes forget what is over.
    Sweep(u16),
}

impl Happening {
    /// A canonical form: which kind, and two numbers.
    pub(super) fn canonical(&self) -> (u16, [u64; 2]) {
        let tried = |kind: u16, attempt: &Try, more: u64| {
            (kind, [u64::from(attempt.epoch) << 16 | more, attempt.request.canonical()])
        };
        let cause = |cause: &Cause| *cause as u64 + 1;
        match self {
            Self::Answer(attempt, outcome) => tried(1, attempt, outcome.as_ref().map_or(0, cause)),
            Self::Arrival => (2, [0, 0]),
            Self::Begin(event) => (3, [0, u64::from(*event)]),
            Self::ConnectDeadline => (4, [0, 0]),
            Self::DeliverClose(connection) => (5, [0, connection.canonical()]),
            Self::DeliverData(attempt) => tried(6, attempt, 0),
            Self::DeliverOpen(connection) => (7, [0, connection.canonical()]),
            Self::DeliverRemote(attempt, zone) => tried(8, attempt, u64::from(*zone)),
            Self::DnsCheck(zone) => (9, [0, u64::from(*zone)]),
            Self::DnsProbed(zone, probe, good) => (10, [u64::from(*zone) << 1 | u64::from(*good), probe.0]),
            Self::End(event) => (11, [0, u64::from(*event)]),
            Self::Endpoints(zone) => (12, [0, u64::from(*zone)]),
            Self::HealthCheck { zone, node, gateway } => {
                (13, [u64::from(*zone) << 32 | u64::from(*node) << 16 | u64::from(*gateway), 0])
            }
            Self::HealthProbed { zone, node, gateway, life, probe } => {
                let place = u64::from(*zone) << 32 | u64::from(*node) << 16 | u64::from(*gateway);
                (14, [place, u64::from(*life) << 48 ^ probe.0])
            }
            Self::NextRequest(session) => (15, [0, session.canonical()]),
            Self::Opened(connection) => (16, [0, connection.canonical()]),
            Self::Published => (17, [0, 0]),
            Self::RequestDeadline => (18, [0, 0]),
            Self::Reset(connection, why) => (19, [cause(why), connection.canonical()]),
            Self::Retry(attempt) => tried(20, attempt, 0),
            Self::RepeatData(attempt) => tried(21, attempt, 0),
            Self::RepeatOpen(connection) => (22, [0, connection.canonical()]),
            Self::Routes(zone) => (23, [0, u64::from(*zone)]),
            Self::Sample => (24, [0, 0]),
            Self::Station(StationId { zone, is_gateway, index }) => {
                (25, [u64::from(*is_gateway), u64::from(*zone) << 16 | u64::from(*index)])
            }
            Self::Sweep(zone) => (26, [0, u64::from(*zone)]),
        }
    }
}

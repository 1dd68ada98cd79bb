//! The fleet at work: clients, names, routers, L4 nodes, gateways, replicas, faults.
//!
//! One agenda, and one function per kind of happening. Every decision of ours
//! is `lb-core`'s: the packet path is its director's, fed with real packet
//! bytes; who is in service is said by its health machines. Resolvers, routers'
//! hashes, the proxies' choice of a replica and the clients' retries are
//! environment and live here and in [`dns`](crate::dns), [`ecmp`](crate::ecmp),
//! [`retry`](crate::retry) and [`station`](crate::station).
//!
//! The hot path allocates nothing: things are named by ids, a packet is built
//! in a buffer that is used again, one timer stands for all deadlines of a kind.

mod arena;
mod cause;
mod checks;
mod client;
mod faults;
mod front;
mod happening;
mod health;
mod links;
mod metrics;
mod moves;
mod names;
mod observe;
mod packets;
mod path;
mod request;
mod serve;
mod shifts;
mod zone;

use core::net::IpAddr;
use std::collections::{BTreeMap, VecDeque};

use lb_core::config::BackendState;
use lb_core::health::{BackendHealth, ServiceHealth};
use lb_core::table::TableCache;
use lb_core::{HashKey, Time, Weight};

use arena::{Arena, Id};
use checks::Checks;
use client::{Connection, Request, Session};
use front::Front;
use happening::{Happening, Try};
use health::ZoneCheck;
use links::Links;
use metrics::Metrics;
use names::Names;
use shifts::Shifts;
use zone::{StationSlot, Zone};

pub use cause::Cause;
pub use front::NodeError;
pub(crate) use front::check_node;
pub(crate) use packets::Wire;
pub use path::PacketPath;

use crate::digest::EventDigest;
use crate::dns::{ResolverCache, ResolverPolicy};
use crate::engine::{Class, Engine};
use crate::random::{Chance, Seed, Stream};
use crate::record::Observer;
use crate::retry::RetryPolicy;
use crate::run::{OPEN_MAX, RunError, RunResult};
use crate::samplers::PoissonArrivals;
use crate::scenario::Scenario;

/// A fleet in the middle of a run.
#[derive(Debug)]
pub(crate) struct Model<'a, O> {
    scenario: &'a Scenario,
    observer: &'a mut O,
    seed: Seed,
    wire: Wire,
    engine: Engine<Happening>,
    digest: EventDigest,
    end: Time,
    streams: Streams,
    arrivals: Arrivals,
    hash_key: HashKey,
    tables: TableCache,
    zones: Vec<Zone>,
    zone_checks: Vec<ZoneCheck>,
    /// For each zone, the zones of other data centers.
    remote_zones: Vec<Vec<u16>>,
    remote_chance: Chance,
    names: Names,
    resolvers: Vec<ResolverCache<u16>>,
    links: Links,
    retry: RetryPolicy,
    sessions: Arena<Session>,
    connections: Arena<Connection>,
    requests: Arena<Request>,
    /// The most visits, and the most requests, that may be open at once.
    open_max: usize,
    connection_count: u64,
    /// The live connections by their clients' addresses and ports, as the nodes' tables name them.
    by_client: BTreeMap<(IpAddr, u16), Id<Connection>>,
    /// By time: all have the same patience, so the oldest is due first.
    connect_deadlines: VecDeque<(Time, Id<Connection>)>,
    request_deadlines: VecDeque<(Time, Try)>,
    scratch: Vec<Id<Request>>,
    metrics: Metrics,
    shifts: Shifts,
    checks: Checks,
    /// Seconds between two samples of the series, and between two tellings of progress.
    sample_interval: u64,
    progress_interval: u64,
}

/// The streams of random numbers, one a purpose.
#[derive(Debug)]
struct Streams {
    lengths: Stream,
    gaps: Stream,
    sizes: Stream,
    resolvers: Stream,
    names: Stream,
    services: Stream,
    members: Stream,
    retries: Stream,
}

impl Streams {
    fn new(seed: Seed) -> Self {
        let clients = |purpose: &str| seed.stream("clients", purpose);
        Self {
            lengths: clients("lengths"),
            gaps: clients("gaps"),
            sizes: clients("sizes"),
            resolvers: clients("resolvers"),
            retries: clients("retries"),
            names: seed.stream("names", "answers"),
            services: seed.stream("stations", "service-times"),
            members: seed.stream("gateways", "members"),
        }
    }
}

/// When visits begin.
#[derive(Debug)]
enum Arrivals {
    Given { times: Vec<u64>, next: usize },
    Poisson(Box<PoissonArrivals>),
}

impl Arrivals {
    fn next(&mut self) -> Option<Time> {
        match self {
            Self::Given { times, next } => {
                let at = times.get(*next).copied().map(Time::from_nanos);
                *next += 1;
                at
            }
            Self::Poisson(process) => process.next_arrival(),
        }
    }
}

impl<'a, O: Observer> Model<'a, O> {
    /// A fleet at rest, everything in service.
    pub(crate) fn new(scenario: &'a Scenario, seed: u64, observer: &'a mut O) -> Self {
        let replay = format!("overspill run {} --seed {seed}", scenario.name);
        let seed = Seed(seed);
        let zones = scenario.zones.len();
        let seconds = scenario.duration.as_secs();
        let weights = scenario.zones.iter().map(|zone| zone.dns_weight);
        let own = scenario.node_kinds.iter().map(is_own);
        let mut model = Self {
            scenario,
            observer,
            seed,
            wire: scenario.traffic.wire(),
            engine: Engine::new(),
            digest: EventDigest::new(),
            end: Time::ZERO + scenario.duration,
            streams: Streams::new(seed),
            arrivals: arrivals(scenario, seed.stream("clients", "arrivals")),
            hash_key: seed.hash_key("fleet", "hash-key"),
            tables: TableCache::default(),
            zones: Vec::with_capacity(zones),
            zone_checks: Vec::with_capacity(zones),
            remote_zones: remote_zones(scenario),
            remote_chance: Chance::new(scenario.remote_share),
            names: Names::new(weights),
            resolvers: (0..scenario.dns.resolvers)
                .map(|_| ResolverCache::new(ResolverPolicy::default()))
                .collect(),
            links: Links::new(scenario, seed.stream("links", "loss")),
            retry: retry_policy(scenario),
            sessions: Arena::new(),
            connections: Arena::new(),
            requests: Arena::new(),
            open_max: OPEN_MAX,
            connection_count: 0,
            by_client: BTreeMap::new(),
            connect_deadlines: VecDeque::new(),
            request_deadlines: VecDeque::new(),
            scratch: Vec::new(),
            metrics: Metrics::new(zones),
            shifts: Shifts::new(zones),
            checks: Checks::new(replay, own.collect()),
            sample_interval: (seconds / SAMPLES).max(1),
            progress_interval: (seconds / PROGRESS).max(1),
        };
        for zone in 0..zones as u16 {
            model.build_zone(zone);
        }
        model.begin();
        model
    }

    fn build_zone(&mut self, index: u16) {
        let spec = &self.scenario.zones[usize::from(index)];
        let salt = self.seed.hash_key(&format!("zone/{index}/router"), "ecmp");
        let slot = |kind: usize| StationSlot::new(kind, &self.scenario.stations[kind]);
        let mut clusters = vec![0];
        let mut replicas = Vec::new();
        for cluster in &spec.clusters {
            replicas.extend((0..cluster.replicas).map(|_| slot(cluster.replica)));
            clusters.push(replicas.len());
        }
        self.zones.push(Zone {
            name: spec.name.clone(),
            front: Front::new(index, spec.ecmp, salt, self.wire),
            health: Vec::new(),
            gateways: (0..spec.gateways).map(|_| slot(spec.gateway)).collect(),
            endpoints: (0..replicas.len() as u16).collect(),
            replicas,
            clusters,
            lost: false,
            local_disabled: false,
        });
        for node in 0..spec.nodes as u16 {
            let fresh = self.new_node(index, node, BackendState::Active);
            let health = self.new_node_health(Time::ZERO, index, node, 0, true);
            let place = &mut self.zones[usize::from(index)];
            place.front.nodes.push(fresh);
            place.health.push(health);
            self.begin_checks(Time::ZERO, index, node);
        }
        let _ = self.zones[usize::from(index)].front.handle_routes();
        let seed = self.seed.fork("dns-health").fork_index(u64::from(index)).0;
        let policy = self.scenario.dns.backend_health;
        self.zone_checks.push(ZoneCheck {
            backend: BackendHealth::adopt(Time::ZERO, policy, Weight(1), seed),
            service: ServiceHealth::new(self.scenario.dns.service_health),
            timer: None,
        });
        self.handle_dns_check(Time::ZERO, index);
    }

    fn begin(&mut self) {
        for (index, event) in (0..).zip(&self.scenario.events) {
            self.engine.schedule(event.at, Class::Control, Happening::Begin(index));
        }
        for zone in 0..self.zones.len() as u16 {
            self.engine.schedule(SWEEP, Class::Timer, Happening::Sweep(zone));
        }
        self.engine.schedule(Time::from_secs(1), Class::Statistics, Happening::Sample);
        self.schedule_arrival();
    }

    /// Runs to the end.
    pub(crate) fn run(mut self) -> Result<RunResult, RunError> {
        while let Some((now, happening)) = self.engine.pop_until(self.end) {
            let (kind, fields) = happening.canonical();
            self.digest.record(now, kind, &fields);
            self.handle(now, happening);
            self.check_open(now)?;
        }
        Ok(self.finish())
    }

    /// Whatever the scenario: memory is bounded.
    const fn check_open(&self, now: Time) -> Result<(), RunError> {
        let what = if self.sessions.len() > self.open_max {
            "visits"
        } else if self.requests.len() > self.open_max {
            "requests"
        } else {
            return Ok(());
        };
        Err(RunError::TooManyOpen { what, at: now })
    }

    fn handle(&mut self, now: Time, happening: Happening) {
        match happening {
            Happening::Answer(attempt, failure) => self.handle_answer(now, attempt, failure),
            Happening::Arrival => self.handle_arrival(now),
            Happening::Begin(event) => self.handle_begin(now, event),
            Happening::ConnectDeadline => self.handle_connect_deadline(now),
            Happening::DeliverClose(connection) => self.handle_deliver_close(now, connection),
            Happening::DeliverData(attempt) => self.handle_deliver_data(now, attempt),
            Happening::DeliverOpen(connection) => self.handle_deliver_open(now, connection),
            Happening::DeliverRemote(attempt, zone) => self.handle_deliver_remote(now, attempt, zone),
            Happening::DnsCheck(zone) => self.handle_dns_check(now, zone),
            Happening::DnsProbed(zone, probe, good) => self.handle_dns_probed(now, zone, probe, good),
            Happening::End(event) => self.handle_end(now, event),
            Happening::Endpoints(zone) => self.handle_endpoints(zone),
            Happening::HealthCheck { zone, node, gateway } => {
                self.handle_health_check(now, zone, node, gateway);
            }
            Happening::HealthProbed { zone, node, gateway, life, probe } => {
                self.handle_health_probed(now, (zone, node, gateway), life, probe);
            }
            Happening::NextRequest(session) => self.handle_next_request(now, session),
            Happening::Opened(connection) => self.handle_opened(now, connection),
            Happening::Published => self.handle_published(now),
            Happening::RequestDeadline => self.handle_request_deadline(now),
            Happening::Reset(connection, cause) => self.break_connection(now, connection, cause),
            Happening::Retry(attempt) => self.handle_retry(now, attempt),
            Happening::RepeatData(attempt) => self.handle_repeat_data(now, attempt),
            Happening::RepeatOpen(connection) => self.handle_repeat_open(now, connection),
            Happening::Routes(zone) => self.handle_routes(now, zone),
            Happening::Sample => self.handle_sample(now),
            Happening::Station(id) => self.handle_station(now, id),
            Happening::Sweep(zone) => self.handle_sweep(now, zone),
        }
    }

    /// A zone's nodes forget connections that are over.
    fn handle_sweep(&mut self, now: Time, zone: u16) {
        for node in &mut self.zones[usize::from(zone)].front.nodes {
            node.handle_timeout(now);
        }
        let next = now + core::time::Duration::from_nanos(SWEEP.as_nanos());
        self.engine.schedule(next, Class::Timer, Happening::Sweep(zone));
    }

    fn finish(mut self) -> RunResult {
        let requests = self.metrics.requests(self.requests.len() as u64);
        let live = self.connections.iter().filter(|connection| connection.session.is_some()).count();
        let connections = self.metrics.connections(live as u64);
        let accounted = requests.total + requests.open_at_end;
        self.checks.nothing_is_lost(self.end, "requests", self.metrics.requests_started, accounted);
        let accounted = connections.closed + connections.broken + connections.open_at_end;
        self.checks.nothing_is_lost(self.end, "connections", connections.opened, accounted);
        for zone in &self.zones {
            self.checks.packets_arrive_unchanged(self.end, zone);
        }
        #[allow(clippy::cast_precision_loss, reason = "counts below 2^53")]
        let availability = (requests.total > 0).then(|| requests.ok as f64 / requests.total as f64);
        let mut result = RunResult {
            scenario: self.scenario.name.clone(),
            seed: self.seed.to_string(),
            digest: self.digest.finish().to_string(),
            simulated_s: self.scenario.duration.as_secs_f64(),
            events: self.engine.processed(),
            packets: self.zones.iter().map(|zone| zone.front.packets).sum(),
            requests,
            availability,
            latency_ms: self.metrics.latency(),
            connections,
            zones: self.metrics.zone_results(self.scenario.zones.iter().map(|zone| zone.name.as_str())),
            expect: Vec::new(),
            shifts: self.shifts.results(self.scenario, &self.names),
            violations: self.checks.into_violations(),
        };
        result.expect = self.scenario.expect.iter().map(|expectation| expectation.check(&result)).collect();
        result
    }
}

/// Whether a node's machines let it have new flows.
const fn is_offered(state: BackendState) -> bool {
    match state {
        BackendState::Active => true,
        BackendState::Drain | BackendState::Down => false,
    }
}

/// Whether a kind of node shows our own behaviour.
fn is_own(kind: &crate::scenario::NodeKind) -> bool {
    use lb_core::config::{ProfileKind, SchedulerName};
    let own_tables = match kind.scheduler.kind {
        SchedulerName::Maglev | SchedulerName::Rendezvous | SchedulerName::Ring => true,
        SchedulerName::IpvsMh | SchedulerName::IpvsSh => false,
    };
    own_tables && kind.profile.is_none_or(|profile| profile.kind == ProfileKind::Own)
}

fn arrivals(scenario: &Scenario, stream: Stream) -> Arrivals {
    match &scenario.traffic.arrivals {
        Some(times) => Arrivals::Given { times: times.clone(), next: 0 },
        None => {
            // Visits per second: requests per second over the requests of a visit.
            let visits = scenario
                .traffic
                .rate
                .scaled(1.0 / scenario.traffic.mean_requests())
                .expect("the mean number of requests is at least 1");
            Arrivals::Poisson(Box::new(PoissonArrivals::new(visits, Time::ZERO, stream)))
        }
    }
}

fn retry_policy(scenario: &Scenario) -> RetryPolicy {
    let retry = &scenario.traffic.retry;
    RetryPolicy {
        retries: retry.retries,
        backoff: retry.backoff.duration(),
        backoff_max: retry.backoff_max.duration(),
        jitter: true,
    }
}

fn remote_zones(scenario: &Scenario) -> Vec<Vec<u16>> {
    let far = |zone: usize| {
        let other =
            move |other: &usize| scenario.zones[*other].data_center != scenario.zones[zone].data_center;
        (0..scenario.zones.len()).filter(other).map(|other| other as u16).collect()
    };
    (0..scenario.zones.len()).map(far).collect()
}

/// The nodes' tables forget what is over once a second.
const SWEEP: Time = Time::from_secs(1);
/// Samples of each series: as many as a screen shows.
const SAMPLES: u64 = 360;
/// Tellings of progress.
const PROGRESS: u64 = 1_000;

#[cfg(test)]
mod tests;

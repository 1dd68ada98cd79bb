//! From what was written to what is run: names become positions, curves are computed, everything is checked.

use std::borrow::Cow;
use std::collections::BTreeMap;

use lb_core::health::{HealthConfig, HealthFile};

use super::data::{self, DataSource};
use super::error::{Path, Problem, ScenarioError, nearest};
use super::file::{ProtocolFile, ScenarioFile, StationFile, TrafficFile, ZoneKindFile};
use super::rate::ArrivalsKind;
use super::{Change, Cluster, Dns, Network, NodeKind, Scenario, StationKind, Traffic, Zone};
use crate::run::OPEN_MAX;
use crate::samplers::{Bytes, Distribution, Quantity, RateCurve};

/// Resolves a whole file.
pub(super) fn scenario(file: ScenarioFile, source: &dyn DataSource) -> Result<Scenario, ScenarioError> {
    let top = Path::top();
    if file.version != 1 {
        return Err(top.key("version").error(Problem::Version { version: file.version }));
    }
    if file.duration.as_nanos() == 0 {
        return Err(top.key("duration").error(Problem::TooSmall { least: "1s" }));
    }
    if file.duration.duration() > LONGEST {
        return Err(top.key("duration").error(Problem::TooLarge { most: "168h" }));
    }
    let known = &file.distributions;
    let sizes = with_files(&known.sizes, ("sizeFiles", &known.size_files), "BYTES,PERCENT", source)?;
    let counts = with_files(&known.counts, ("countFiles", &known.count_files), "NUMBER,PERCENT", source)?;
    let stations = stations(&file)?;
    let node_kinds = node_kinds(&file)?;
    let zones = zones(&file)?;
    let data_centers = file.fleet.data_centers.iter().map(|data_center| data_center.name.clone()).collect();
    let mut scenario = Scenario {
        name: file.name.clone(),
        title: file.title.clone(),
        seed: file.seed,
        duration: file.duration.duration(),
        data_centers,
        zones,
        stations,
        node_kinds,
        network: network(&file),
        dns: dns(&file)?,
        remote_share: file.routing.remote.fraction(),
        endpoint_delay: file.routing.endpoint_delay.duration(),
        traffic: traffic(&file, &sizes, &counts)?,
        events: Vec::new(),
        expect: file.expect.clone(),
    };
    if scenario.remote_share > 0.0 && scenario.data_centers.len() < 2 {
        return Err(top.key("routing").key("remote").error(Problem::NoRemote));
    }
    let capacity = scenario.capacity();
    let rate_path = top.key("traffic").key("rate");
    let under_rate = |problem: super::error::ProblemAt| problem.under(&rate_path);
    scenario.traffic.rate = file.traffic.rate.curve(capacity, source).map_err(under_rate)?;
    file.traffic.rate.check_peak(&scenario.traffic.rate, capacity, &rate_path)?;
    scenario.traffic.arrivals = arrivals(&file.traffic, source)?;
    check_crowd(&scenario)?;
    scenario.events = super::events::resolve(&file, &scenario)?;
    check_nodes(&file, &scenario)?;
    for (index, expectation) in file.expect.iter().enumerate() {
        if let Some(zone) = expectation.zone() {
            let known = scenario.zones.iter().map(|zone| zone.name.as_str());
            look_up("zone", zone, known).map_err(|problem| top.key("expect").index(index).error(problem))?;
        }
    }
    Ok(scenario)
}

/// A run keeps every visit that is not over: how many those are at the peak follows, by Little's law,
/// before any is made. What failing makes of it is seen in the run, which has the same limit.
fn check_crowd(scenario: &Scenario) -> Result<(), ScenarioError> {
    let traffic = &scenario.traffic;
    let gaps = (traffic.mean_requests() - 1.0) * traffic.request_gap.mean().0 / 1e9;
    let visits = traffic.rate.peak() / traffic.mean_requests() * gaps.min(scenario.duration.as_secs_f64());
    if visits > OPEN_MAX as f64 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturation is meant")]
        let millions = (visits / 1e6).ceil() as u64;
        return Err(Path::top().key("traffic").key("rate").error(Problem::TooManyVisits { millions }));
    }
    Ok(())
}

/// The longest run: a week.
const LONGEST: core::time::Duration = core::time::Duration::from_secs(7 * 86_400);

/// The position of a name.
pub(super) fn look_up<'a>(
    noun: &'static str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<usize, Problem> {
    known.clone().position(|candidate| candidate == name).ok_or_else(|| Problem::UnknownName {
        noun,
        name: name.to_owned(),
        nearest: nearest(name, known).map(str::to_owned),
    })
}

fn named<'a, T>(
    noun: &'static str,
    name: &str,
    map: &'a BTreeMap<String, T>,
    path: &Path,
) -> Result<(usize, &'a T), ScenarioError> {
    let position = look_up(noun, name, map.keys().map(String::as_str));
    let position = position.map_err(|problem| path.clone().error(problem))?;
    Ok((position, map.values().nth(position).expect("the position was found in this map")))
}

/// Distributions by name: those that are written out, and those that a file of points gives.
type Named<'a, Q> = BTreeMap<String, Cow<'a, Distribution<Q>>>;

/// Adds the distributions of a section of files to those that are written out.
fn with_files<'a, Q: Quantity>(
    written: &'a BTreeMap<String, Distribution<Q>>,
    (section, files): (&str, &BTreeMap<String, String>),
    right: &'static str,
    source: &dyn DataSource,
) -> Result<Named<'a, Q>, ScenarioError> {
    let mut all: Named<'a, Q> =
        written.iter().map(|(name, known)| (name.clone(), Cow::Borrowed(known))).collect();
    for (name, data_name) in files {
        let path = Path::top().key("distributions").key(section).key(name);
        let parsed = data::read(source, data_name).and_then(|text| data::points(&text, data_name, right));
        let parsed = parsed.map_err(|problem| path.clone().error(problem))?;
        if all.insert(name.clone(), Cow::Owned(parsed)).is_some() {
            return Err(path.error(Problem::Duplicate { name: name.clone() }));
        }
    }
    Ok(all)
}

fn finite<Q: Quantity>(distribution: &Distribution<Q>, name: &str, path: &Path) -> Result<(), ScenarioError> {
    let mean = distribution.mean().base();
    if !mean.is_finite() {
        return Err(path.clone().error(Problem::InfiniteMean { name: name.to_owned() }));
    }
    Ok(())
}

fn stations(file: &ScenarioFile) -> Result<Vec<StationKind>, ScenarioError> {
    let station = |(name, station): (&String, &StationFile)| {
        let path = Path::top().key("stations").key(name);
        if station.servers == 0 || station.servers > 100_000 {
            return Err(path.key("servers").error(Problem::Range { range: "1 to 100000" }));
        }
        let here = path.key("serviceTime");
        let (_, service_time) =
            named("distribution of times", &station.service_time, &file.distributions.times, &here)?;
        finite(service_time, &station.service_time, &here)?;
        if service_time.mean().0 <= 0.0 {
            return Err(here.error(Problem::TooSmall { least: "a mean of 1ns" }));
        }
        Ok(StationKind {
            servers: station.servers,
            service_time: service_time.clone(),
            discipline: station.discipline,
            queue_limit: station.queue_limit,
            timeout: station.timeout.map(|timeout| timeout.duration()),
        })
    };
    file.stations.iter().map(station).collect()
}

fn health(file: &HealthFile, path: &Path) -> Result<HealthConfig, ScenarioError> {
    HealthConfig::try_from(file.clone()).map_err(|error| path.clone().error(Problem::Health(error)))
}

/// The health check of that name, which `path` refers to.
fn health_check(file: &ScenarioFile, name: &str, path: &Path) -> Result<HealthConfig, ScenarioError> {
    let (_, check) = named("health check", name, &file.health_checks, path)?;
    health(check, &Path::top().key("healthChecks").key(name))
}

/// Whether the health check of that name hears passive observations.
fn observes(file: &ScenarioFile, name: &str) -> bool {
    file.health_checks.get(name).is_some_and(|check| check.passive.is_some())
}

fn node_kinds(file: &ScenarioFile) -> Result<Vec<NodeKind>, ScenarioError> {
    let mut kinds = Vec::new();
    for (name, kind) in &file.node_kinds {
        let path = Path::top().key("nodeKinds").key(name);
        let health = health_check(file, &kind.health_check, &path.key("healthCheck"))?;
        let observes = observes(file, &kind.health_check);
        if observes && file.traffic.protocol == ProtocolFile::Udp {
            let who = "an L4 node sees no answers, and datagrams tell it nothing";
            return Err(path.key("healthCheck").error(Problem::NothingToObserve { who }));
        }
        let kind = NodeKind {
            profile: kind.profile,
            scheduler: kind.scheduler,
            connections: kind.connections,
            backend_health: health.backend,
            observes,
            service_health: health.service,
        };
        kinds.push(kind);
    }
    Ok(kinds)
}

/// The model builds these very nodes: their faults are found now, not in the run.
fn check_nodes(file: &ScenarioFile, scenario: &Scenario) -> Result<(), ScenarioError> {
    let mut most: BTreeMap<usize, u32> = BTreeMap::new();
    for (index, zone) in scenario.zones.iter().enumerate() {
        let added = scenario.events.iter().map(|event| match event.change {
            Change::AddGateways { zone, count } if zone == index => count,
            _ => 0,
        });
        let gateways = zone.gateways + added.sum::<u32>();
        let known = most.entry(zone.node_kind).or_default();
        *known = gateways.max(*known);
    }
    for (kind, gateways) in most {
        let name = file.node_kinds.keys().nth(kind).expect("kinds are in the file's order");
        let path = Path::top().key("nodeKinds").key(name);
        let gateways = u16::try_from(gateways).unwrap_or(u16::MAX);
        let wire = scenario.traffic.wire();
        crate::model::check_node(&scenario.node_kinds[kind], gateways, wire)
            .map_err(|error| path.error(Problem::Node(error)))?;
    }
    Ok(())
}

fn zones(file: &ScenarioFile) -> Result<Vec<Zone>, ScenarioError> {
    let fleet = Path::top().key("fleet");
    let mut zones: Vec<Zone> = Vec::new();
    let mut names: Vec<&str> = vec!["clients"];
    for (data_center, data_center_file) in file.fleet.data_centers.iter().enumerate() {
        let path = fleet.key("dataCenters").index(data_center);
        check_name(&mut names, &data_center_file.name, &path.key("name"))?;
        for (index, name) in data_center_file.zones.iter().enumerate() {
            check_name(&mut names, name, &path.key("zones").index(index))?;
            let exception = file.fleet.exceptions.get(name);
            let (kind, place) = match exception {
                Some(kind) => (kind, fleet.key("exceptions").key(name)),
                None => (&file.fleet.zone_kind, fleet.key("zoneKind")),
            };
            let (_, zone_kind) = named("kind of zone", kind, &file.zone_kinds, &place)?;
            let path = Path::top().key("zoneKinds").key(kind);
            let dns_weight = file.dns.weights.get(name).copied().unwrap_or(1);
            zones.push(zone(file, zone_kind, &path, (name, data_center, dns_weight))?);
        }
    }
    if zones.is_empty() || zones.len() > ZONES_MAX {
        return Err(fleet.key("dataCenters").error(Problem::Range { range: "1 to 200 zones" }));
    }
    let known = || zones.iter().map(|zone| zone.name.as_str());
    for (name, path) in
        file.fleet.exceptions.keys().map(|name| (name, fleet.key("exceptions").key(name))).chain(
            file.dns.weights.keys().map(|name| (name, Path::top().key("dns").key("weights").key(name))),
        )
    {
        look_up("zone", name, known()).map_err(|problem| path.error(problem))?;
    }
    Ok(zones)
}

/// Zones have an octet of their addresses.
const ZONES_MAX: usize = 200;

fn check_name<'a>(names: &mut Vec<&'a str>, name: &'a str, path: &Path) -> Result<(), ScenarioError> {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(path.clone().error(Problem::Name { name: name.to_owned() }));
    }
    if names.contains(&name) {
        return Err(path.clone().error(Problem::Duplicate { name: name.to_owned() }));
    }
    names.push(name);
    Ok(())
}

fn zone(
    file: &ScenarioFile,
    kind: &ZoneKindFile,
    path: &Path,
    (name, data_center, dns_weight): (&str, usize, u32),
) -> Result<Zone, ScenarioError> {
    let in_range = |value: u32, most: u32, field: &str, range| {
        if (1..=most).contains(&value) {
            Ok(value)
        } else {
            Err(path.key(field).error(Problem::Range { range }))
        }
    };
    let station = |name: &str, path: &Path| named("station", name, &file.stations, path).map(|found| found.0);
    let (_, router) = named("router", &kind.router, &file.routers, &path.key("router"))?;
    let (node_kind, _) = named("kind of node", &kind.node_kind, &file.node_kinds, &path.key("nodeKind"))?;
    let mut clusters = Vec::new();
    let mut names = Vec::new();
    for (index, cluster) in kind.clusters.iter().enumerate() {
        let path = path.key("clusters").index(index);
        check_name(&mut names, &cluster.name, &path.key("name"))?;
        if !(1..=4096).contains(&cluster.replicas) {
            return Err(path.key("replicas").error(Problem::Range { range: "1 to 4096" }));
        }
        let replica = station(&cluster.replica, &path.key("replica"))?;
        clusters.push(Cluster { name: cluster.name.clone(), replicas: cluster.replicas, replica });
    }
    if clusters.is_empty() || clusters.len() > 64 {
        return Err(path.key("clusters").error(Problem::Range { range: "1 to 64 clusters" }));
    }
    Ok(Zone {
        name: name.to_owned(),
        data_center,
        ecmp: router.ecmp,
        detection: router.detection.duration(),
        nodes: in_range(kind.nodes, 64, "nodes", "1 to 64")?,
        node_kind,
        gateways: in_range(kind.gateways, 512, "gateways", "1 to 512")?,
        gateway: station(&kind.gateway, &path.key("gateway"))?,
        clusters,
        dns_weight,
    })
}

fn network(file: &ScenarioFile) -> Network {
    let network = &file.network;
    Network {
        clients: network.clients.duration(),
        same_zone: network.same_zone.duration(),
        same_data_center: network.same_data_center.duration(),
        between_data_centers: network.between_data_centers.duration(),
        client_bandwidth: network.client_bandwidth.map_or(0, |bandwidth| bandwidth.bytes()),
    }
}

fn dns(file: &ScenarioFile) -> Result<Dns, ScenarioError> {
    let path = Path::top().key("dns");
    let here = path.key("healthCheck");
    let health = health_check(file, &file.dns.health_check, &here)?;
    if observes(file, &file.dns.health_check) {
        return Err(here.error(Problem::NothingToObserve { who: "a name service sees no flows" }));
    }
    if !(1..=1_000_000).contains(&file.dns.resolvers) {
        return Err(path.key("resolvers").error(Problem::Range { range: "1 to 1000000" }));
    }
    Ok(Dns {
        ttl: file.dns.ttl.duration(),
        resolvers: file.dns.resolvers,
        backend_health: health.backend,
        service_health: health.service,
        propagation: file.dns.propagation.duration(),
    })
}

fn traffic(
    file: &ScenarioFile,
    sizes: &Named<'_, Bytes>,
    counts: &Named<'_, f64>,
) -> Result<Traffic, ScenarioError> {
    let path = Path::top().key("traffic");
    let traffic = &file.traffic;
    let distributions = &file.distributions;
    let here = path.key("requestsPerConnection");
    let (_, requests_per_connection) =
        named("distribution of counts", &traffic.requests_per_connection, counts, &here)?;
    finite(requests_per_connection, &traffic.requests_per_connection, &here)?;
    let (_, request_gap) =
        named("distribution of times", &traffic.request_gap, &distributions.times, &path.key("requestGap"))?;
    let size = |name: &str, field: &str| {
        let (_, size) = named("distribution of sizes", name, sizes, &path.key(field))?;
        Ok(size.clone().into_owned())
    };
    for (field, value) in
        [("connectTimeout", traffic.connect_timeout), ("requestTimeout", traffic.request_timeout)]
    {
        if value.as_nanos() == 0 {
            return Err(path.key(field).error(Problem::TooSmall { least: "1ms" }));
        }
    }
    if traffic.retry.retries > 10 {
        return Err(path.key("retry").key("retries").error(Problem::TooLarge { most: "10" }));
    }
    Ok(Traffic {
        protocol: traffic.protocol,
        family: traffic.family,
        rate: RateCurve::constant(0.0),
        arrivals: None,
        requests_per_connection: requests_per_connection.clone().into_owned(),
        request_gap: request_gap.clone(),
        request_bytes: size(&traffic.request_bytes, "requestBytes")?,
        response_bytes: size(&traffic.response_bytes, "responseBytes")?,
        connect_timeout: traffic.connect_timeout.duration(),
        request_timeout: traffic.request_timeout.duration(),
        retry: traffic.retry.clone(),
    })
}

fn arrivals(traffic: &TrafficFile, source: &dyn DataSource) -> Result<Option<Vec<u64>>, ScenarioError> {
    let path = Path::top().key("traffic").key("arrivals");
    match (traffic.arrivals.kind, traffic.arrivals.data.as_deref()) {
        (ArrivalsKind::Poisson, None) => Ok(None),
        (ArrivalsKind::Poisson, Some(_)) => {
            Err(path.key("data").error(Problem::NotAParameter { kind: "poisson", right: &[] }))
        }
        (ArrivalsKind::Given, None) => Err(path.key("data").error(Problem::Missing)),
        (ArrivalsKind::Given, Some(name)) => {
            let parsed = data::read(source, name).and_then(|text| data::arrivals(&text, name));
            parsed.map(Some).map_err(|problem| path.key("data").error(problem))
        }
    }
}

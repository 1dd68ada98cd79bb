//! What is decided over all access points at once: names, addresses, sizes, shares, configuration.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use mesh_model::access_point::{AccessPoint, Sharing, VipRequest};
use mesh_model::api::{self, PlacementLevel, VipScope};
use mesh_model::envoy::{Endpoint, EnvoyConfig, GatewayInput, HostEndpoints, Proxy, certificate, configure};
use mesh_model::footprint::{ServiceSpec, Services, ServicesFile, predict};
use mesh_model::labels::{Labels, Selector};
use mesh_model::locality::{HostCounts, Locality, LocalityFile, Question, loads};
use mesh_model::name::Fqdn;
use mesh_model::names::{Answer, Change, Health, Member, Planner, Record, Wanted, plan};
use mesh_model::provision::{NameProvider, VipPool};
use mesh_model::render::{Rendering, render};
use mesh_model::template::Schemas;
use mesh_model::units::Amount;
use mesh_model::vip::{self, Allocator, Asked, Claim, Records};
use mesh_model::visibility::{ExportTo, Uses, smallest};
use mesh_model::xds::{Kind, Snapshot};
use serde_json::{Value, json};

use super::fixtures::{access_point, address, cluster_name, fleet, name, read, wall};
use super::{prepared, repeated};
use crate::{Scale, Work, timed};

/// A name on two targets falls ill on one, or recovers, among 200,000 records.
pub(super) fn renaming(scale: Scale) -> Work {
    let names = names(scale);
    let (mut planner, mut turn) = (planner(names), 0_u32);
    let one = |health| wanted(7, health);
    Box::new(move |count| {
        timed(|| {
            for _ in 0..count {
                turn += 1;
                let (health, changes) =
                    if turn % 2 == 0 { (Health::Healthy, 0) } else { (Health::Unhealthy, 4) };
                let wanted = one(health);
                planner.handle_wanted(&wanted.name.clone(), vec![wanted]);
                assert_eq!(planner.plan(None).changes.len(), changes, "two records and their marks");
            }
        })
    })
}

/// The plan of all 200,000 in one call, of which one name changed.
pub(super) fn naming(scale: Scale) -> Work {
    let names = names(scale);
    let records = records(names);
    let mut all: Vec<Wanted> = (0..names).map(|number| wanted(number, Health::Healthy)).collect();
    all[7] = wanted(7, Health::Unhealthy);
    let provider = provider();
    repeated(move || assert_eq!(plan(&all, &records, &provider, None).changes.len(), 4))
}

/// Names of 200,000 records: two families, each with its mark.
fn names(scale: Scale) -> u32 {
    scale.grown(50_000, 20)
}

fn planner(names: u32) -> Planner {
    let mut planner = Planner::new(provider(), records(names));
    for number in 0..names {
        let wanted = wanted(number, Health::Healthy);
        planner.handle_wanted(&wanted.name.clone(), vec![wanted]);
    }
    assert_eq!(planner.plan(None).changes, [], "all is as it should be");
    planner
}

fn records(names: u32) -> Vec<Record> {
    let wanted: Vec<Wanted> = (0..names).map(|number| wanted(number, Health::Healthy)).collect();
    let created = plan(&wanted, &[], &provider(), None).changes.into_iter();
    let record = |change| match change {
        Change::Create { record } => record,
        Change::Delete { .. } | Change::Update { .. } => unreachable!("nothing was there before"),
    };
    created.map(record).collect()
}

fn wanted(number: u32, second: Health) -> Wanted {
    let name: Fqdn = format!("app-{number}.example.com").parse().expect("is a name");
    let member = |target: &str, health: Health| Member {
        owner: format!("team/app-{number}@{target}").parse().expect("is an owner"),
        addresses: vec![
            address(number).into(),
            std::net::Ipv6Addr::from((0x2001_0db8_u128 << 96) + u128::from(number)).into(),
        ],
        weight: 1,
        health,
        is_drained: false,
    };
    let mut members = vec![member("slc-a", Health::Healthy), member("phx-a", second)];
    members[1].addresses = vec![
        address(number + 0x0080_0000).into(),
        std::net::Ipv6Addr::from((0x2001_0db8_u128 << 96) + (1 << 64) + u128::from(number)).into(),
    ];
    Wanted { name, ttl: Duration::from_secs(30), labels: Labels::new(), answer: Answer::Members(members) }
}

fn provider() -> NameProvider {
    NameProvider {
        name: name("corp"),
        domains: vec!["example.com".parse().expect("is a name")],
        owner: name("fleet-1"),
        max_deletions: Amount::Count(10),
        namespaces: None,
        selector: Selector::default(),
        reservations: BTreeMap::new(),
        min_healthy: "50%".parse().expect("is a share"),
    }
}

/// 10,000 recorded claims are read after a restart.
pub(super) fn replaying(scale: Scale) -> Work {
    let records = held(scale);
    prepared(
        move || records.clone(),
        |records| {
            let (allocator, problems) = Allocator::new(vec![pool()], records);
            assert_eq!(problems, []);
            allocator
        },
    )
}

/// The plan of the same in one call, with one claim more.
pub(super) fn allocating(scale: Scale) -> Work {
    let records = held(scale);
    let count = claims(scale);
    let asked: Vec<Asked<'_>> =
        (0..=count).map(|number| Asked { claim: claim(number), targets: Vec::new() }).collect();
    prepared(
        move || (asked.clone(), records.clone()),
        move |(asked, records)| {
            let plan =
                vip::plan(vec![pool()], asked, records, vip::Unclaimed::Release { approved: None }, wall());
            assert_eq!(plan.assigned.iter().filter(|assignment| assignment.is_new).count(), 1);
            plan
        },
    )
}

fn claims(scale: Scale) -> u32 {
    scale.grown(10_000, 50)
}

fn held(scale: Scale) -> Records {
    let (mut allocator, _) = Allocator::new(vec![pool()], Records::default());
    for number in 0..claims(scale) {
        allocator.claim(wall(), &claim(number), &[]).expect("there is room");
    }
    allocator.records()
}

fn pool() -> VipPool {
    let pool: api::VipPool = read(json!({
        "apiVersion": "overspill.dev/v1alpha1", "kind": "VipPool", "metadata": { "name": "inside" },
        "spec": { "addresses": ["10.0.0.0/8", "2001:db8::/64"] },
    }));
    VipPool::try_from(pool).expect("the pool above is right")
}

fn claim(number: u32) -> Claim {
    let key = format!("team/app-{}@cluster-{}", number / 100, number % 100);
    let request = VipRequest {
        pool: None,
        scope: VipScope::Target,
        sharing: Sharing::Exclusive,
        isolation_group: None,
        families: Vec::new(),
        addresses: Vec::new(),
    };
    let ports = [read(json!("443/tcp"))].into();
    Claim { key: read(json!(key)), request, ports, labels: Labels::new() }
}

/// 100 gateways, one in each cluster, in an unscoped mesh of 10,000 services of two ports.
pub(super) fn predicting(scale: Scale) -> Work {
    const GATEWAYS: u32 = 100;
    let fleet = fleet(GATEWAYS);
    let service = |number: u32| ServiceSpec {
        name: name(&format!("service-{number}")),
        namespace: name(&format!("team-{}", number % 100)),
        ports: vec![8080, 9090],
        endpoints: None,
        export_to: Vec::new(),
    };
    let services = (0..scale.grown(10_000, 100)).map(service).collect();
    let services = Services::try_from(ServicesFile { services, ..ServicesFile::default() });
    let services = services.expect("the services above are right");
    let renderings: Vec<Rendering> = (0..GATEWAYS).map(gateway).collect();
    repeated(move || {
        let footprint = predict(&renderings, &services, &fleet);
        assert!(footprint.proxies[0].counts.clusters >= 2 * 100);
        black_box(footprint);
    })
}

/// A Gateway, and a route to a service.
fn gateway(number: u32) -> Rendering {
    let metadata = json!({ "name": format!("web-{number}"), "namespace": format!("team-{number}") });
    let host = format!("service-{number}.team-{number}.svc.cluster.local");
    Rendering {
        target: name(&cluster_name(number)),
        objects: vec![
            json!({ "kind": "Gateway", "metadata": metadata, "spec": { "servers": [{ "port": { "number": 443 } }] } }),
            json!({ "kind": "VirtualService", "metadata": metadata, "spec": { "hosts": [format!("web-{number}.example.com")],
                "gateways": [format!("web-{number}")], "http": [{ "route": [{ "destination": { "host": host } }] }] } }),
        ],
        errors: Vec::new(),
        trace: Vec::new(),
    }
}

/// The smallest scopes of 1,000 access points.
pub(super) fn scoping(scale: Scale) -> Work {
    let access_points: Vec<AccessPoint> = (0..access_points(scale)).map(access_point).collect();
    let mesh = ExportTo::default();
    repeated(move || {
        let uses = Uses { access_points: &access_points, gateways: None, calls: &[], mesh: &mesh };
        assert!(smallest(uses).objects.len() >= access_points.len());
    })
}

/// The loads of three priorities of which the first is half healthy: Envoy's arithmetic alone.
pub(super) fn loading(_: Scale) -> Work {
    let count = |hosts, healthy| HostCounts { hosts, healthy, ..HostCounts::default() };
    let mut counts = [count(100, 50), count(80, 80), count(60, 60)];
    repeated(move || {
        counts[0].healthy = (counts[0].healthy + 1) % 72; // 71 of 100 by 1.4 is the first that spills nothing
        let loads = loads(&counts, 140, 50);
        assert!(loads[0].load < 100 && loads.iter().map(|load| load.load).sum::<u32>() == 100);
    })
}

/// A whole question: a failover over nine localities in three regions, the caller's half healthy.
pub(super) fn answering(_: Scale) -> Work {
    let locality = |region: &str, zone: u32, healthy: u32| json!({ "locality": format!("{region}/{region}-{zone}"), "hosts": 10, "healthy": healthy });
    let endpoints: Vec<Value> = [("us-west", 5), ("us-south", 10), ("us-north", 10)]
        .into_iter()
        .flat_map(|(region, healthy)| (0..3).map(move |zone| locality(region, zone, healthy)))
        .collect();
    let file: LocalityFile = read(json!({
        "from": "us-west/us-west-0", "endpoints": endpoints,
        "policy": { "outlierDetection": { "consecutive5xxErrors": 5 },
            "loadBalancer": { "localityLbSetting": { "failover": [{ "from": "us-west", "to": "us-south" }] } } },
    }));
    let question = Question::try_from(file).expect("the question above is right");
    repeated(move || {
        let answer = question.answer();
        assert!(answer.priorities.len() > 2 && answer.localities.len() == 9, "{answer:?}");
    })
}

/// A gateway of 1,000 access points, each with the example's objects, an address and four endpoints.
pub(super) fn configuring(scale: Scale) -> Work {
    let parts = parts(access_points(scale));
    repeated(move || {
        let config = configured(&parts);
        assert_eq!(config.listeners.len(), 2 * parts.len(), "HTTPS and the way there");
        black_box(config);
    })
}

/// The versions of all that such a gateway is to have.
pub(super) fn hashing(scale: Scale) -> Work {
    let access_points = access_points(scale);
    let config = configuration(access_points);
    let secrets = secrets(&config);
    prepared(
        move || secrets.clone(),
        move |secrets| {
            let snapshot = Snapshot::new(&config, secrets);
            assert!(!snapshot.version(Kind::Route).is_empty());
            snapshot
        },
    )
}

fn access_points(scale: Scale) -> u32 {
    scale.grown(1_000, 3)
}

/// What a gateway serves for one access point, which inputs borrow.
struct Part {
    access_point: AccessPoint,
    objects: Vec<Value>,
    endpoints: Vec<HostEndpoints>,
}

fn parts(count: u32) -> Vec<Part> {
    let (fleet, schemas) = (fleet(1), Schemas::embedded());
    let target = fleet.targets(PlacementLevel::Cluster).next().expect("it has one");
    let part = |number: u32| {
        let access_point = access_point(number);
        let endpoint = |position: u32| Endpoint {
            address: (address(4 * number + position), 8080).into(),
            locality: Locality::new("us-west/zone-0"),
            labels: Labels::new(),
            weight: 1,
            is_healthy: true,
        };
        let endpoints = vec![HostEndpoints {
            host: format!("checkout-{number}.payments.svc.cluster.local"),
            port: 8080,
            port_name: Some("http".to_owned()),
            app_protocol: None,
            endpoints: (0..4).map(endpoint).collect(),
        }];
        Part { objects: render(&access_point, &target, &schemas).objects, access_point, endpoints }
    };
    (0..count).map(part).collect()
}

fn configured(parts: &[Part]) -> EnvoyConfig {
    let input = |(part, number): (_, u32)| {
        let Part { access_point, objects, endpoints }: &Part = part;
        let vips = vec![address(0x0080_0000 + number).into()];
        GatewayInput { access_point: access_point.id.clone(), vips, objects, endpoints, rate_limit: None }
    };
    let inputs: Vec<GatewayInput<'_>> = parts.iter().zip(0..).map(input).collect();
    let labels = Labels::from([("istio".to_owned(), "ingressgateway".to_owned())]);
    let namespace = Some(name("istio-system"));
    configure(&Proxy { labels, namespace, ..Proxy::default() }, &inputs)
        .whole()
        .expect("the example is supported")
}

/// What a gateway of so many access points takes.
pub(super) fn configuration(access_points: u32) -> EnvoyConfig {
    configured(&parts(access_points))
}

/// A certificate for each that is asked for; the text stands for PEM, which nobody reads here.
pub(super) fn secrets(config: &EnvoyConfig) -> Vec<(String, Value)> {
    let one = |name: &String| (name.clone(), certificate(name, &"c".repeat(3_000), &"k".repeat(300)));
    config.secrets.iter().map(one).collect()
}

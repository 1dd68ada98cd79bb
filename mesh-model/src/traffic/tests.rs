//! Tests of traffic: the objects that a policy becomes, what they mean by
//! `locality` over every health, what is refused, drains, and that neither is a
//! revision.

mod entrances;
mod meaning;
mod order;
mod rules;
mod shift;
mod statement;

use serde_json::json;

use super::*;
use crate::api::PlacementLevel;
use crate::fleet::tests::{cluster, zone};
use crate::render::{Rendering, Revision, TraceEntry, Writer, render, render_steered, render_with};
use crate::template::Schemas;

/// Three regions; us-west has two zones, and what `drained` names is drained.
pub(super) fn fleet(drained: &[&str]) -> Fleet {
    let zones = [("slc-a", "us-west"), ("slc-b", "us-west"), ("phx-a", "us-south"), ("rno-a", "us-north")];
    let zones = zones.map(|(name, region)| {
        let mut zone = zone(name, region);
        zone.spec.drain = drained.contains(&name);
        zone
    });
    let clusters = ["slc-a-1", "slc-b-1", "phx-a-1", "rno-a-1"]
        .map(|name| cluster(name, &format!("{{ zone: {}, capacity: {{ requests: 1000/s }} }}", &name[..5])));
    Fleet::new(zones.into(), clusters.into()).unwrap()
}

/// A Service, a DestinationRule and a VirtualService, `shop`, with these parts.
pub(super) fn access_point(policy: &str, route: &str, traffic: &str) -> AccessPoint {
    let text = format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: FederatedAccessPoint, metadata: {{ name: shop, namespace: team }}, spec: {{ placement: {{ selector: {{}} }}, \
         templates: [{{ apiVersion: v1, kind: Service, metadata: {{ name: shop }}, spec: {{ selector: {{ app: shop }}, ports: [{{ port: 80 }}] }} }}, \
         {{ apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {{ name: shop }}, spec: {policy} }}, \
         {{ apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {{ name: shop }}, spec: {{ hosts: [shop], http: [{{ route: {route} }}] }} }}], \
         traffic: {traffic} }} }}"
    );
    let object: crate::api::FederatedAccessPoint =
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    AccessPoint::try_from(object).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

pub(super) const POLICY: &str =
    "{ host: shop.team.svc.cluster.local, trafficPolicy: { outlierDetection: { maxEjectionPercent: 100 } } }";
pub(super) const ROUTE: &str = "[{ destination: { host: shop } }]";
pub(super) const TRAFFIC: &str = "{ local: 99%, remote: 1%, regions: [us-west, us-south, us-north] }";

fn on(access_point: &AccessPoint, fleet: &Fleet, target: &str) -> Rendering {
    let target = fleet.target(PlacementLevel::Cluster, target).unwrap();
    render_steered(access_point, &target, fleet, &Schemas::embedded())
}

fn steered(access_point: &AccessPoint, fleet: &Fleet, target: &str) -> Result<Steering, SteerError> {
    let target = fleet.target(PlacementLevel::Cluster, target).unwrap();
    let plain = render(access_point, &target, &Schemas::embedded());
    steer(&plain.identified(), access_point, &target, fleet)
}

fn names(names: &[&str]) -> Vec<Name> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[test]
fn a_policy_becomes_plain_istio_objects() {
    let (access_point, fleet) = (access_point(POLICY, ROUTE, TRAFFIC), fleet(&[]));
    let rendering = on(&access_point, &fleet, "slc-a-1");
    assert_eq!(rendering.errors, []);
    assert_eq!(
        rendering.objects[2]["spec"]["http"][0]["route"],
        json!([
            { "destination": { "host": "shop", "subset": "overspill-home" }, "weight": 99 },
            { "destination": { "host": "shop", "subset": "overspill-away" }, "weight": 1 },
        ])
    );
    let setting = |region: &str| json!({ "loadBalancer": { "localityLbSetting": { "failoverPriority": [format!("topology.kubernetes.io/region={region}")] } } });
    assert_eq!(
        rendering.objects[1]["spec"]["subsets"],
        json!([
            { "name": "overspill-home", "trafficPolicy": setting("us-west") },
            { "name": "overspill-away", "trafficPolicy": setting("us-south") },
        ])
    );
    for (id, object) in rendering.identified() {
        assert_eq!(Schemas::embedded().check_object(id.kind, &object), [], "{id}");
    }
    // each region is kept warm by another one
    for (target, home, next) in [("phx-a-1", "us-south", "us-north"), ("rno-a-1", "us-north", "us-west")] {
        let subsets = &on(&access_point, &fleet, target).objects[1]["spec"]["subsets"];
        assert_eq!(
            [&subsets[0]["trafficPolicy"], &subsets[1]["trafficPolicy"]],
            [&setting(home), &setting(next)]
        );
    }
    let tiers = steered(&access_point, &fleet, "phx-a-1").unwrap().tiers;
    assert_eq!(tiers, [names(&["us-south"]), names(&["us-north", "us-west"])], "the stated limit");
}

#[test]
fn the_trace_says_what_traffic_wrote_between_overrides_and_owner() {
    let rendering = on(&access_point(POLICY, ROUTE, TRAFFIC), &fleet(&[]), "slc-a-1");
    let of = |path: &str| -> Vec<Writer> {
        let is_it = |entry: &&TraceEntry| entry.path.to_string() == path;
        rendering.trace.iter().filter(is_it).map(|entry| entry.from.clone()).collect()
    };
    assert_eq!(
        of("/spec/http/0/route/0/destination/host"),
        [Writer::Template],
        "what is written, not what is near"
    );
    assert_eq!(of("/spec/http/0/route/0/weight"), [Writer::Traffic]);
    assert_eq!(of("/spec/subsets/1/name"), [Writer::Traffic]);
    assert_eq!(rendering.trace.last().unwrap().from, Writer::Owner);
}

#[test]
fn a_change_of_traffic_or_a_drain_is_no_revision() {
    let fleets = [fleet(&[]), fleet(&["slc-a"])];
    let revision = |traffic: &str, fleet: &Fleet| {
        let target = fleet.target(PlacementLevel::Cluster, "slc-a-1").unwrap();
        Revision::of(&[render(&access_point(POLICY, ROUTE, traffic), &target, &Schemas::embedded())])
    };
    let other = "{ local: 50%, regions: [us-west, us-north] }";
    assert_eq!(revision(TRAFFIC, &fleets[0]), revision(other, &fleets[0]));
    assert_eq!(revision(TRAFFIC, &fleets[0]), revision(TRAFFIC, &fleets[1]));
    let live =
        |traffic: &str, fleet: &Fleet| on(&access_point(POLICY, ROUTE, traffic), fleet, "slc-a-1").objects;
    assert_ne!(live(TRAFFIC, &fleets[0]), live(other, &fleets[0]));
    assert_ne!(live(TRAFFIC, &fleets[0]), live(TRAFFIC, &fleets[1]));
    let access_point = access_point(POLICY, ROUTE, TRAFFIC);
    let target = fleets[0].target(PlacementLevel::Cluster, "slc-a-1").unwrap();
    assert_eq!(
        render_with(&access_point, &target, &Schemas::embedded(), Some(&Steering::default())),
        render(&access_point, &target, &Schemas::embedded()),
        "no steering changes nothing"
    );
}

/// Weights of the home and away parts, in order, and the subsets.
fn weights(route: &str, traffic: &str) -> Vec<(u64, String)> {
    let policy =
        POLICY.replace("trafficPolicy", "subsets: [{ name: v2, labels: { v: two } }], trafficPolicy");
    let rendering = on(&access_point(&policy, route, traffic), &fleet(&[]), "slc-a-1");
    assert_eq!(rendering.errors, [], "{route}");
    let list = rendering.objects[2]["spec"]["http"][0]["route"].as_array().unwrap().clone();
    let one = |one: &Value| {
        let subset = one["destination"]["subset"].as_str().unwrap_or("-").to_owned();
        (one["weight"].as_u64().unwrap_or(100), subset)
    };
    list.iter().map(one).collect()
}

#[test]
fn weights_keep_their_shares_exactly() {
    let two = "[{ destination: { host: shop }, weight: 50 }, { destination: { host: other }, weight: 50 }]";
    let uneven = "[{ destination: { host: shop }, weight: 80 }, { destination: { host: shop.team.svc.cluster.local, subset: v2 }, weight: 20 }]";
    let idle = "[{ destination: { host: shop }, weight: 100 }, { destination: { host: shop, subset: v2 }, weight: 0 }]";
    type Weights = &'static [(u64, &'static str)];
    let table: [(&str, &str, Weights); 9] = [
        (ROUTE, "99%", &[(99, "overspill-home"), (1, "overspill-away")]),
        (ROUTE, "99.5%", &[(199, "overspill-home"), (1, "overspill-away")]),
        (ROUTE, "100%", &[(100, "overspill-home")]),
        (ROUTE, "0%", &[(100, "overspill-away")]),
        (idle, "0%", &[(100, "overspill-away"), (0, "overspill-away-v2")]),
        (idle, "100%", &[(100, "overspill-home"), (0, "overspill-home-v2")]),
        (two, "98%", &[(49, "overspill-home"), (1, "overspill-away"), (50, "-")]),
        (two, "99%", &[(99, "overspill-home"), (1, "overspill-away"), (100, "-")]),
        (
            uneven,
            "99%",
            &[
                (396, "overspill-home"),
                (4, "overspill-away"),
                (99, "overspill-home-v2"),
                (1, "overspill-away-v2"),
            ],
        ),
    ];
    for (route, local, expected) in table {
        let found = weights(route, &format!("{{ local: {local}, regions: [us-west, us-south] }}"));
        let found: Vec<(u64, &str)> =
            found.iter().map(|(weight, subset)| (*weight, subset.as_str())).collect();
        assert_eq!(found, expected, "{local} {route}");
    }
}

#[test]
fn a_teams_subset_and_balancer_are_kept() {
    let policy = "{ host: shop, subsets: [{ name: v2, labels: { v: two }, trafficPolicy: { tls: { mode: SIMPLE } } }], \
         trafficPolicy: { outlierDetection: {}, loadBalancer: { simple: LEAST_REQUEST, warmup: { duration: 60s } } } }";
    let route = "[{ destination: { host: shop, subset: v2 }, headers: { request: { set: { a: b } } } }]";
    let rendering = on(&access_point(policy, route, TRAFFIC), &fleet(&[]), "slc-a-1");
    assert_eq!(rendering.errors, []);
    let subsets = rendering.objects[1]["spec"]["subsets"].as_array().unwrap();
    assert_eq!(subsets[0]["name"], "v2");
    for subset in &subsets[1..] {
        assert_eq!(subset["labels"], json!({ "v": "two" }));
        assert_eq!(subset["trafficPolicy"]["tls"], json!({ "mode": "SIMPLE" }));
        let balancer = &subset["trafficPolicy"]["loadBalancer"];
        assert_eq!([&balancer["simple"], &balancer["warmup"]["duration"]], ["LEAST_REQUEST", "60s"]);
    }
    let route = rendering.objects[2]["spec"]["http"][0]["route"].as_array().unwrap();
    assert!(route.iter().all(|one| one["headers"]["request"]["set"]["a"] == "b"));
}

#[test]
fn what_would_not_hold_is_refused_with_object_and_place() {
    let plain = "trafficPolicy: { outlierDetection: {} }";
    let table = [
        (
            "{ host: shop }",
            ROUTE,
            "DestinationRule/shop",
            "/spec/trafficPolicy",
            SteerProblem::NoOutlierDetection,
        ),
        (
            "{ host: shop, trafficPolicy: { outlierDetection: {}, loadBalancer: { localityLbSetting: { enabled: true } } } }",
            ROUTE,
            "DestinationRule/shop",
            "/spec/trafficPolicy/loadBalancer/localityLbSetting",
            SteerProblem::LocalityTaken,
        ),
        (
            "{ host: shop, trafficPolicy: { outlierDetection: {}, portLevelSettings: [{ port: { number: 80 } }] } }",
            ROUTE,
            "DestinationRule/shop",
            "/spec/trafficPolicy/portLevelSettings",
            SteerProblem::PortLevel,
        ),
        (
            &format!("{{ host: other, {plain} }}"),
            ROUTE,
            "VirtualService/shop",
            "",
            SteerProblem::NoDestinationRule { host: "shop.team.svc.cluster.local".into() },
        ),
        (
            &format!("{{ host: shop, {plain} }}"),
            "[{ destination: { host: other } }]",
            "VirtualService/shop",
            "",
            SteerProblem::NothingToSteer,
        ),
        (
            &format!("{{ host: shop, {plain}, subsets: [{{ name: overspill-away }}] }}"),
            ROUTE,
            "DestinationRule/shop",
            "/spec/subsets",
            SteerProblem::SubsetTaken { name: "overspill-away".into() },
        ),
        (
            &format!("{{ host: shop, {plain} }}"),
            "[{ destination: { host: shop, subset: v2 } }]",
            "DestinationRule/shop",
            "/spec/subsets",
            SteerProblem::UnknownSubset { name: "v2".into(), host: "shop.team.svc.cluster.local".into() },
        ),
        (
            &format!("{{ host: shop, {plain} }}"),
            "[{ destination: { host: shop }, weight: 2147483647 }, { destination: { host: other }, weight: 1 }]",
            "VirtualService/shop",
            "/spec/http/0/route",
            SteerProblem::Weights,
        ),
    ];
    for (policy, route, object, path, problem) in table {
        refused(policy, route, (object, path), &problem);
    }
    let without = "{ local: 99%, failover: false, regions: [us-west, us-south] }";
    assert_eq!(on(&access_point("{ host: shop }", ROUTE, without), &fleet(&[]), "slc-a-1").errors, []);
}

fn refused(policy: &str, route: &str, (object, path): (&str, &str), problem: &SteerProblem) {
    let access_point = access_point(policy, route, TRAFFIC);
    let error = steered(&access_point, &fleet(&[]), "slc-a-1").unwrap_err();
    let found = (error.object.to_string(), error.path.to_string(), error.problem);
    assert_eq!(found, (object.to_owned(), path.to_owned(), problem.clone()), "{policy}");
    let rendering = on(&access_point, &fleet(&[]), "slc-a-1");
    assert!(rendering.objects.is_empty() && rendering.trace.is_empty(), "nothing is half-rendered");
    assert_eq!(
        (rendering.errors[0].rule.to_string().as_str(), &rendering.errors[0].reason),
        ("traffic", &problem.to_string())
    );
}

#[test]
fn a_drain_takes_the_pods_out_of_the_services_there_and_the_region_out_of_the_order() {
    let access_point = access_point(POLICY, ROUTE, TRAFFIC);
    let one = fleet(&["slc-a"]);
    let drained = on(&access_point, &one, "slc-a-1");
    assert_eq!(drained.objects[0]["spec"]["selector"], json!({ "app": "shop", DRAINED_LABEL: "true" }));
    let beside = on(&access_point, &one, "slc-b-1");
    assert_eq!(beside.objects[0]["spec"]["selector"], json!({ "app": "shop" }), "only there");
    assert_eq!(beside.objects, on(&access_point, &fleet(&[]), "slc-b-1").objects, "one target is written");
    let region = fleet(&["slc-a", "slc-b"]);
    let tiers = |target: &str| steered(&access_point, &region, target).unwrap().tiers;
    assert_eq!(
        tiers("slc-a-1"),
        [names(&["us-south"]), names(&["us-north"])],
        "the first that is left is home"
    );
    assert_eq!(tiers("rno-a-1"), [names(&["us-north"]), names(&["us-south"])]);
    let all = fleet(&["slc-a", "slc-b", "phx-a", "rno-a"]);
    let route = &on(&access_point, &all, "slc-a-1").objects[2]["spec"]["http"][0]["route"];
    assert_eq!(route.as_array().unwrap().len(), 1, "with nowhere to go, all stays");
}

#[test]
fn a_service_without_a_selector_is_named_and_keeps_nobody_else() {
    let mut access_point = access_point(POLICY, ROUTE, TRAFFIC);
    access_point.traffic = None;
    access_point.templates[0].object["spec"]["selector"] = json!({});
    let steering = steered(&access_point, &fleet(&["slc-a"]), "slc-a-1").unwrap();
    assert!(steering.is_empty());
    assert_eq!(steering.unreached.services[0].to_string(), "Service/shop");
}

#[test]
fn a_drained_zone_names_the_clusters_that_are_not_written() {
    let fleet = |drain_zone: bool, drain_second: bool| {
        let mut first = zone("slc-a", "us-west");
        first.spec.drain = drain_zone;
        let of = |name: &str, rest: &str| cluster(name, &format!("{{ zone: slc-a{rest} }}"));
        let second = if drain_second { ", drain: true" } else { "" };
        let clusters = vec![of("slc-a-1", ", gateway: true"), of("slc-a-2", second), of("slc-a-3", "")];
        Fleet::new(vec![first], clusters).unwrap()
    };
    let mut access_point = access_point(POLICY, ROUTE, TRAFFIC);
    access_point.traffic = None;
    let beyond = |fleet: &Fleet, level, target: &str| {
        let target = fleet.target(level, target).unwrap();
        let plain = render(&access_point, &target, &Schemas::embedded());
        steer(&plain.identified(), &access_point, &target, fleet).unwrap().unreached.clusters
    };
    let level = PlacementLevel::Zone;
    assert_eq!(beyond(&fleet(true, false), level, "slc-a"), names(&["slc-a-2", "slc-a-3"]));
    assert_eq!(beyond(&fleet(false, true), level, "slc-a"), names(&["slc-a-2"]));
    assert_eq!(beyond(&fleet(false, false), level, "slc-a"), names(&[]));
    assert_eq!(
        beyond(&fleet(true, true), PlacementLevel::Cluster, "slc-a-1"),
        names(&[]),
        "each is a target of its own"
    );
}

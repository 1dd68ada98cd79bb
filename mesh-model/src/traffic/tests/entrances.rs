//! Regions in order by the marks of entrances, in any Istio: what is written, and by `locality` what it means
//! while each region is well, half or not at all.

use super::order::{REGIONS, balancer, shares};
use super::*;
use crate::access_point::Traffic;
use crate::eastwest::{Exposed, Mesh, plan};
use crate::locality::{LocalityFile, Question};
use crate::units::{Rate, Share};

/// Four regions of a zone each, of which these have an entrance; all of this Istio.
fn fleet(entrances: &[&str], istio: &str, drained: &[&str]) -> Fleet {
    let zones = [("slc-a", "us-west"), ("phx-a", "us-south"), ("rno-a", "us-north"), ("iad-a", "us-east")];
    let clusters = zones
        .map(|(name, _)| cluster(&format!("{name}-1"), &format!("{{ zone: {name}, gateway: true{istio} }}")));
    let zones = zones.into_iter().zip(1..).map(|((name, region), number)| {
        let mut zone = zone(name, region);
        zone.spec.drain = drained.contains(&name);
        if entrances.contains(&name) {
            let address = format!("{{ addresses: [198.51.100.{number}] }}");
            zone.spec.east_west = Some(serde_saphyr::from_str(&address).unwrap());
        }
        zone
    });
    Fleet::new(zones.collect(), clusters.into()).unwrap()
}

const ALL: [&str; 4] = ["slc-a", "phx-a", "rno-a", "iad-a"];
const FOUR: &str = "{ local: 99%, regions: [us-west, us-south, us-north, us-east] }";

fn mark(region: &str) -> String {
    format!("{region}.region.overspill.dev/entrance=")
}

fn place(region: &str) -> String {
    format!("topology.kubernetes.io/region={region}")
}

fn places(traffic: &str, fleet: &Fleet, target: &str) -> Places {
    let access_point = access_point(POLICY, ROUTE, traffic);
    let target = fleet.target(PlacementLevel::Cluster, target).unwrap();
    Places::of(access_point.traffic.as_ref().unwrap(), &target, fleet)
}

#[test]
fn the_last_region_is_asked_for_first_and_by_the_lack_of_its_mark() {
    let rendering = on(&access_point(POLICY, ROUTE, FOUR), &fleet(&ALL, "", &[]), "slc-a-1");
    let list = |labels: [String; 3]| json!({ "localityLbSetting": { "failoverPriority": labels } });
    assert_eq!(balancer(&rendering, HOME), list([mark("us-east"), mark("us-north"), place("us-west")]));
    assert_eq!(balancer(&rendering, AWAY), list([mark("us-east"), mark("us-north"), place("us-south")]));
    for (id, object) in rendering.identified() {
        assert_eq!(Schemas::embedded().check_object(id.kind, &object), [], "{id}");
    }
    // Istio's own order has three places, and marks those beyond
    let younger = fleet(&ALL, ", istio: \"1.31\"", &[]);
    let setting =
        &balancer(&on(&access_point(POLICY, ROUTE, FOUR), &younger, "slc-a-1"), HOME)["zoneAwareLbSetting"];
    assert_eq!(setting["failover"], json!([{ "from": "us-west", "to": "us-south" }]));
    assert_eq!(setting["failoverPriority"], json!([mark("us-east")]));
    for fleet in [fleet(&ALL, "", &[]), younger] {
        let expected = [names(&["us-west"]), names(&["us-south"]), names(&["us-north"]), names(&["us-east"])];
        assert_eq!(steered(&access_point(POLICY, ROUTE, FOUR), &fleet, "slc-a-1").unwrap().tiers, expected);
        assert_eq!(places(FOUR, &fleet, "slc-a-1").unordered(), names(&[]));
    }
}

#[test]
fn a_region_has_a_mark_where_it_is_reached_by_entrances_alone() {
    let unordered =
        |entrances: &[&str], target: &str| places(FOUR, &fleet(entrances, "", &[]), target).unordered();
    let three = names(&["us-south", "us-north", "us-east"]);
    assert_eq!(unordered(&[], "slc-a-1"), three);
    // whoever has no entrance reaches pods
    assert_eq!(unordered(&ALL[1..], "slc-a-1"), three);
    assert_eq!(unordered(&["slc-a", "rno-a"], "slc-a-1"), names(&["us-south", "us-east"]));
    assert_eq!(unordered(&["slc-a", "rno-a", "iad-a"], "slc-a-1"), names(&[]));
    // a region that the policy does not name comes after those that it does
    let two = "{ local: 99%, regions: [us-west, us-south] }";
    let found = steered(&access_point(POLICY, ROUTE, two), &fleet(&ALL, "", &[]), "slc-a-1").unwrap().tiers;
    assert_eq!(found, [names(&["us-west"]), names(&["us-south"]), names(&["us-east"]), names(&["us-north"])]);
    // and the order of a drained home is that of the region in its place
    let drained = fleet(&ALL, ", istio: \"1.31\"", &["slc-a"]);
    let found = places(FOUR, &drained, "slc-a-1");
    assert_eq!((found.home.as_str(), found.unordered()), ("us-south", names(&[])));
}

/// A proxy of us-west with 100 pods at home, and the endpoints that the entrances' own plan gives it.
fn question(rendering: &Rendering, subset: &str, fleet: &Fleet) -> Question {
    let renderings: Vec<Rendering> =
        ALL.map(|zone| on(&access_point(POLICY, ROUTE, TRAFFIC), fleet, &format!("{zone}-1"))).into();
    let mut exposed = Exposed::of(&renderings, fleet);
    for port in exposed.iter_mut().flat_map(|service| service.ports.values_mut()) {
        port.is_nameless = false;
    }
    let plan = plan(&self::fleet(&ALL, "", &[]), &Mesh::default(), &exposed).unwrap();
    let objects = &plan.clusters.iter().find(|one| one.cluster.as_str() == "slc-a-1").unwrap().objects;
    let entry = objects.iter().find(|object| object["kind"] == "ServiceEntry").unwrap();
    let far = |region: &str| {
        let list = entry["spec"]["endpoints"].as_array().unwrap();
        let one = list.iter().find(|one| one["labels"]["topology.kubernetes.io/region"] == region).unwrap();
        json!({ "locality": one["locality"], "hosts": 100, "weight": 100, "labels": one["labels"] })
    };
    let home = json!({ "locality": "us-west/slc-a", "hosts": 100, "weight": 100, "labels": { "app": "shop", "topology.kubernetes.io/region": "us-west" } });
    let mut policy = rendering.objects[1]["spec"]["trafficPolicy"].clone();
    policy["loadBalancer"] = balancer(rendering, subset);
    let endpoints = [home, far(REGIONS[1]), far(REGIONS[2])];
    let file = json!({ "from": "us-west/slc-a", "proxyLabels": { "app": "gateway" }, "policy": policy, "endpoints": endpoints });
    let file: LocalityFile = serde_json::from_value(file).unwrap();
    Question::try_from(file).unwrap_or_else(|error| panic!("Istio would refuse it: {error}"))
}

#[test]
fn over_every_health_the_spill_goes_by_the_order_in_an_istio_that_has_none() {
    let fleet = fleet(&ALL, "", &[]);
    let rendering = on(&access_point(POLICY, ROUTE, TRAFFIC), &fleet, "slc-a-1");
    let [mut home, mut away] = [HOME, AWAY].map(|subset| question(&rendering, subset, &fleet));
    let well = |healthy: u32| u64::from((140 * healthy / 100).min(100)) * 10_000;
    let in_order = |order: [u64; 3]| {
        let first = order[0];
        let second = order[1].min(1_000_000 - first);
        [first, second, 1_000_000 - first - second]
    };
    for (healthy, second) in (0..=100).flat_map(|healthy| [100, 50, 0].map(|second| (healthy, second))) {
        let all = [healthy, second, 100];
        assert_eq!(shares(&mut home, all), in_order([well(healthy), well(second), well(100)]), "{all:?}");
        // the remote share: the second, then home, then the third
        let [to_second, to_home, to_third] = in_order([well(second), well(healthy), well(100)]);
        assert_eq!(shares(&mut away, all), [to_home, to_second, to_third], "{all:?}");
    }
}

/// One edit takes a zone's pods out of the routes of an access point that is placed by zone, in whatever cluster they are.
#[test]
fn the_routes_of_a_drained_zone_lead_to_entrances_before_its_own_pods() {
    let access_point = access_point(POLICY, ROUTE, TRAFFIC);
    let on_zone = |fleet: &Fleet| {
        let target = fleet.target(PlacementLevel::Zone, "slc-a").unwrap();
        render_steered(&access_point, &target, fleet, &Schemas::embedded())
    };
    for istio in ["", ", istio: \"1.31\""] {
        let [calm, drained] = [&[][..], &["slc-a"]].map(|drained| fleet(&ALL, istio, drained));
        let rendering = on_zone(&drained);
        for subset in [HOME, AWAY] {
            let setting = &balancer(&rendering, subset)["localityLbSetting"]["failoverPriority"];
            assert_eq!(setting[0], "overspill.dev/entrance=true", "{subset}");
            let mut question = question(&rendering, subset, &drained);
            assert_eq!(shares(&mut question, [100, 100, 100])[0], 0);
            // however ill the others are, pods at home take only what nobody else can
            for healthy in 0..=100 {
                let [home, ..] = shares(&mut question, [100, healthy, 0]);
                let well = u64::from((140 * healthy / 100).min(100)) * 10_000;
                assert_eq!(home, 1_000_000 - well, "{subset} {healthy}");
            }
        }
        let target = drained.target(PlacementLevel::Zone, "slc-a").unwrap();
        let plain = render(&access_point, &target, &Schemas::embedded()).identified();
        assert_eq!(steer(&plain, &access_point, &target, &drained).unwrap().unreached, Unreached::default());
        // the way back leaves no byte behind
        let bytes = |rendering: &Rendering| serde_json::to_vec(&rendering.objects).unwrap();
        assert_ne!(bytes(&on_zone(&calm)), bytes(&rendering));
        assert_eq!(bytes(&on_zone(&calm)), bytes(&on_zone(&fleet(&ALL, istio, &[]))));
    }
}

#[test]
fn a_regions_load_follows_the_marks_of_entrances() {
    let traffic = Traffic { local: Share::ALL, failover: true, regions: names(&REGIONS) };
    let state = |healthy, has_entrances| RegionState {
        demand: Rate::per_second(1_000),
        hosts: 100,
        healthy,
        capacity: None,
        has_zone_aware: false,
        has_entrances,
    };
    let loads = |has: [bool; 3]| {
        let states = [50, 100, 100].into_iter().zip(has).map(|(healthy, has)| state(healthy, has));
        let loads = region_loads(&traffic, &names(&REGIONS).into_iter().zip(states).collect());
        REGIONS.map(|region| loads[region].requests.round() as u64)
    };
    assert_eq!(loads([true; 3]), [700, 1_300, 1_000]);
    assert_eq!(loads([true, true, false]), [700, 1_150, 1_150]);
    assert_eq!(loads([false, true, true]), [700, 1_150, 1_150], "it reaches their pods");
}

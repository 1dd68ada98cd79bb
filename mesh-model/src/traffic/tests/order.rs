//! Regions in order where the target's Istio has a setting for it: what is written where, and by
//! `locality` what it means over every health of home and three of the second region, beside
//! `distribute`, and for zones that fail unevenly.

use proptest::prelude::*;

use super::*;
use crate::access_point::Traffic;
use crate::locality::{LocalityFile, Question};
use crate::units::{Rate, Share};

pub(super) const REGIONS: [&str; 3] = ["us-west", "us-south", "us-north"];

/// The fleet of three regions, with this Istio everywhere, and `extra` zones of a region of their own each.
pub(super) fn fleet_with(istio: &str, drained: &[&str], extra: &[(&str, &str)]) -> Fleet {
    let zones = [("slc-a", "us-west"), ("slc-b", "us-west"), ("phx-a", "us-south"), ("rno-a", "us-north")];
    let zones: Vec<(&str, &str)> = zones.iter().chain(extra).copied().collect();
    let clusters =
        zones.iter().map(|(name, _)| cluster(&format!("{name}-1"), &format!("{{ zone: {name}{istio} }}")));
    let clusters = clusters.collect();
    let zones = zones.iter().map(|(name, region)| {
        let mut zone = zone(name, region);
        zone.spec.drain = drained.contains(name);
        zone
    });
    Fleet::new(zones.collect(), clusters).unwrap()
}

/// The balancer of a subset.
pub(super) fn balancer(rendering: &Rendering, subset: &str) -> Value {
    let subsets = rendering.objects[1]["spec"]["subsets"].as_array().unwrap();
    let found = subsets.iter().find(|one| one["name"] == subset).unwrap();
    found["trafficPolicy"]["loadBalancer"].clone()
}

fn label(region: &str) -> Value {
    json!({ "localityLbSetting": { "failoverPriority": [format!("topology.kubernetes.io/region={region}")] } })
}

#[test]
fn the_order_is_written_where_the_targets_istio_is_known_to_have_it_and_nowhere_else() {
    let access_point = access_point(POLICY, ROUTE, TRAFFIC);
    let ordered = |own: &str, second: &str| json!({ "zoneAwareLbSetting": { "enabled": true, "failover": [{ "from": own, "to": second }], "minClusterSize": 4_294_967_295_u32 } });
    let three = |own: &str, second: &str, third: &str| [names(&[own]), names(&[second]), names(&[third])];
    for istio in [", istio: \"1.31\"", ", istio: \"1.31.4\"", ", istio: \"2.0\""] {
        let fleet = fleet_with(istio, &[], &[]);
        for (target, [own, second, third]) in [
            ("slc-b-1", ["us-west", "us-south", "us-north"]),
            ("phx-a-1", ["us-south", "us-north", "us-west"]),
            ("rno-a-1", ["us-north", "us-west", "us-south"]),
        ] {
            let rendering = on(&access_point, &fleet, target);
            assert_eq!(balancer(&rendering, HOME), ordered(own, second), "{istio} {target}");
            assert_eq!(balancer(&rendering, AWAY), label(second), "it would prefer the proxy's own region");
            let tiers = steered(&access_point, &fleet, target).unwrap().tiers;
            assert_eq!(tiers, three(own, second, third), "{target}");
            for (id, object) in rendering.identified() {
                assert_eq!(Schemas::embedded().check_object(id.kind, &object), [], "{id}");
            }
        }
    }
    for istio in ["", ", istio: \"1.30.2\"", ", istio: \"0.8\""] {
        let fleet = fleet_with(istio, &[], &[]);
        assert_eq!(balancer(&on(&access_point, &fleet, "slc-a-1"), HOME), label("us-west"), "{istio}");
        let tiers = steered(&access_point, &fleet, "slc-a-1").unwrap().tiers;
        assert_eq!(tiers, [names(&["us-west"]), names(&["us-south", "us-north"])], "{istio}");
    }
}

#[test]
fn each_target_has_what_its_own_cluster_can_and_the_rest_is_said() {
    let access_point = access_point(POLICY, ROUTE, TRAFFIC);
    let traffic = access_point.traffic.as_ref().unwrap();
    let zones = vec![zone("slc-a", "us-west"), zone("phx-a", "us-south"), zone("rno-a", "us-north")];
    let clusters = vec![
        cluster("slc-a-1", "{ zone: slc-a, istio: \"1.31\" }"),
        cluster("slc-a-2", "{ zone: slc-a, istio: \"1.30\" }"),
        cluster("phx-a-1", "{ zone: phx-a }"),
        cluster("rno-a-1", "{ zone: rno-a }"),
    ];
    let fleet = Fleet::new(zones, clusters).unwrap();
    let unordered = |target: &str, fleet: &Fleet| {
        let target = fleet.target(PlacementLevel::Cluster, target).unwrap();
        Places::of(traffic, &target, fleet).unordered()
    };
    assert_eq!(balancer(&on(&access_point, &fleet, "slc-a-2"), HOME), label("us-west"));
    assert_eq!(unordered("slc-a-1", &fleet), names(&[]));
    assert_eq!(unordered("slc-a-2", &fleet), names(&["us-south", "us-north"]));
    // regions that the policy does not name have no order to lose
    let two = super::access_point(POLICY, ROUTE, "{ local: 99%, regions: [us-west, us-south] }");
    let target = fleet.target(PlacementLevel::Cluster, "slc-a-2").unwrap();
    assert_eq!(Places::of(two.traffic.as_ref().unwrap(), &target, &fleet).unordered(), names(&[]));
}

#[test]
fn of_four_regions_the_third_tier_holds_the_rest_and_a_drained_home_has_the_label() {
    let four = "{ local: 99%, regions: [us-west, us-south, us-north, us-east] }";
    let access_point = access_point(POLICY, ROUTE, four);
    let traffic = access_point.traffic.as_ref().unwrap();
    let extra = [("iad-a", "us-east")];
    let fleet = fleet_with(", istio: \"1.31\"", &[], &extra);
    let tiers = steered(&access_point, &fleet, "phx-a-1").unwrap().tiers;
    assert_eq!(tiers, [names(&["us-south"]), names(&["us-north"]), names(&["us-east", "us-west"])]);
    let target = fleet.target(PlacementLevel::Cluster, "phx-a-1").unwrap();
    assert_eq!(Places::of(traffic, &target, &fleet).unordered(), names(&["us-east", "us-west"]));
    // the setting prefers the own region always, and a Service without a selector is still in it
    let drained = fleet_with(", istio: \"1.31\"", &["slc-a", "slc-b"], &extra);
    assert_eq!(balancer(&on(&access_point, &drained, "slc-a-1"), HOME), label("us-south"));
    let tiers = steered(&access_point, &drained, "slc-a-1").unwrap().tiers;
    assert_eq!(tiers, [names(&["us-south"]), names(&["us-north", "us-east"])]);
    // with the second drained the next one takes its place
    let drained = fleet_with(", istio: \"1.31\"", &["phx-a"], &extra);
    let tiers = steered(&access_point, &drained, "slc-a-1").unwrap().tiers;
    assert_eq!(tiers, [names(&["us-west"]), names(&["us-north"]), names(&["us-east"])]);
    // where nothing spills, or nowhere to, there is no order
    let stays = super::access_point(POLICY, ROUTE, &four.replace("local", "failover: false, local"));
    let places = |access_point: &AccessPoint, fleet: &Fleet| {
        let target = fleet.target(PlacementLevel::Cluster, "slc-a-1").unwrap();
        Places::of(access_point.traffic.as_ref().unwrap(), &target, fleet)
    };
    assert!(!places(&stays, &fleet).is_ordered && places(&stays, &fleet).unordered().is_empty());
    let alone = fleet_with(", istio: \"1.31\"", &["phx-a", "rno-a", "iad-a"], &extra);
    assert!(!places(&access_point, &alone).is_ordered);
}

/// A question to `locality` by what rule and subset say together, of 100 hosts in each region.
fn question(rendering: &Rendering, subset: &str, localities: &[(&str, u32)]) -> Question {
    let mut policy = rendering.objects[1]["spec"]["trafficPolicy"].clone();
    policy["loadBalancer"] = balancer(rendering, subset);
    of_policy(&policy, localities)
}

fn of_policy(policy: &Value, localities: &[(&str, u32)]) -> Question {
    let endpoints = localities.iter().map(|(locality, hosts)| {
        let region = locality.split('/').next().unwrap();
        json!({ "locality": locality, "hosts": hosts, "weight": hosts, "labels": { "topology.kubernetes.io/region": region } })
    });
    let file = json!({ "from": "us-west/slc-a", "proxyLabels": { "app": "gateway" }, "policy": policy, "endpoints": endpoints.collect::<Vec<_>>() });
    let file: LocalityFile = serde_json::from_value(file).unwrap();
    Question::try_from(file).unwrap_or_else(|error| panic!("Istio would refuse it: {error}"))
}

/// What each region gets while so many of its 100 hosts are well, in millionths.
pub(super) fn shares(question: &mut Question, healthy: [u32; 3]) -> [u64; 3] {
    for (endpoints, healthy) in question.endpoints.iter_mut().zip(healthy) {
        endpoints.counts.healthy = healthy;
    }
    let answer = question.answer();
    [0, 1, 2].map(|at| (answer.localities[at].share * 1e6).round() as u64)
}

#[test]
fn over_every_health_of_home_the_rest_goes_to_the_second_as_far_as_it_is_well_and_then_to_the_third() {
    let hosts = REGIONS.map(|region| (region, 100));
    for local in ["99%", "60%", "1%"] {
        let traffic = format!("{{ local: {local}, regions: [us-west, us-south, us-north] }}");
        let rendering =
            on(&access_point(POLICY, ROUTE, &traffic), &fleet_with(", istio: \"1.31\"", &[], &[]), "slc-a-1");
        let local: Share = local.parse().unwrap();
        let route = rendering.objects[2]["spec"]["http"][0]["route"].as_array().unwrap();
        let weights: Vec<u64> = route.iter().map(|one| one["weight"].as_u64().unwrap()).collect();
        assert_eq!(
            weights,
            [local, local.complement()].map(|share| u64::from(share.as_millionths() / 10_000))
        );
        let (mut home, mut away) = (question(&rendering, HOME, &hosts), question(&rendering, AWAY, &hosts));
        for (healthy, second) in (0..=100).flat_map(|healthy| [100, 50, 0].map(|second| (healthy, second))) {
            let well = |healthy: u32| u64::from((140 * healthy / 100).min(100)) * 10_000;
            let all = [healthy, second, 100];
            let first = well(healthy);
            let next = (1_000_000 - first).min(well(second));
            assert_eq!(shares(&mut home, all), [first, next, 1_000_000 - first - next], "{all:?}");
            // home's part of all requests is the published formula, whatever the second does
            let promised = u64::from(local_share(local, healthy, 100).as_millionths());
            assert_eq!(first * weights[0] / 100, promised, "{healthy}");
            // the remote share is the second's own as far as it is well; the others share the rest
            let [to_home, to_second, to_third] = shares(&mut away, all);
            assert_eq!(to_second, well(second), "{all:?}");
            assert!((1_000_000_u64).abs_diff(to_home + to_second + to_third) <= 1, "{all:?}");
            assert!(second == 100 || to_third > 0, "{all:?}");
        }
    }
}

/// What Istio's own weights do in the same hours: nothing of it goes to a third region, and of home nothing
/// goes away before it is nearly lost.
#[test]
fn distribute_beside_it() {
    let hosts = REGIONS.map(|region| (region, 100));
    let rendering =
        on(&access_point(POLICY, ROUTE, TRAFFIC), &fleet_with(", istio: \"1.31\"", &[], &[]), "slc-a-1");
    let distribute = json!({ "outlierDetection": {}, "loadBalancer": { "localityLbSetting": { "distribute": [
        { "from": "us-west/*", "to": { "us-west/*": 99, "us-south/*": 1 } }] } } });
    let (mut ours, mut theirs) = (question(&rendering, HOME, &hosts), of_policy(&distribute, &hosts));
    let percent = |shares: [u64; 3]| shares.map(|share| (share + 5_000) / 10_000);
    for (healthy, by_order, by_weight) in [
        ([100, 100, 100], [100, 0, 0], [99, 1, 0]),
        ([50, 100, 100], [70, 30, 0], [99, 1, 0]),
        ([10, 100, 100], [14, 86, 0], [93, 7, 0]),
        ([10, 50, 100], [14, 70, 16], [95, 5, 0]),
        ([10, 0, 100], [14, 0, 86], [100, 0, 0]),
        ([0, 0, 100], [0, 0, 100], [0, 0, 0]),
    ] {
        let found = (percent(shares(&mut ours, healthy)), percent(shares(&mut theirs, healthy)));
        assert_eq!(found, (by_order, by_weight), "{healthy:?}");
    }
}

/// Zones of one region that fail unevenly: hosts count and zones do not, so no host that is left bears more than 1.4.
#[test]
fn no_survivor_of_a_zone_bears_more_than_1_4() {
    let rendering =
        on(&access_point(POLICY, ROUTE, TRAFFIC), &fleet_with(", istio: \"1.31\"", &[], &[]), "slc-a-1");
    let mut question = question(
        &rendering,
        HOME,
        &[("us-west/a", 40), ("us-west/b", 100), ("us-south/a", 140), ("us-north/a", 140)],
    );
    let mut worst: f64 = 0.0;
    for (in_a, in_b) in (0..=40).flat_map(|in_a| (0..=100).map(move |in_b| (in_a, in_b))) {
        question.endpoints[0].counts.healthy = in_a;
        question.endpoints[1].counts.healthy = in_b;
        let answer = question.answer();
        for (at, healthy) in [in_a, in_b].into_iter().enumerate() {
            worst = worst.max(answer.localities[at].share * 140.0 / f64::from(healthy.max(1)));
        }
    }
    assert!(worst <= 1.4 + 1e-9 && worst > 1.39, "{worst}");
}

fn state(healthy: u32, has_zone_aware: bool) -> RegionState {
    let (demand, capacity) = (Rate::per_second(1_000), Some(Rate::per_second(1_400)));
    RegionState { demand, hosts: 100, healthy, capacity, has_zone_aware, has_entrances: false }
}

fn loads(local: &str, healthy: [u32; 3], has: [bool; 3]) -> BTreeMap<Name, RegionLoad> {
    let traffic = Traffic { local: local.parse().unwrap(), failover: true, regions: names(&REGIONS) };
    let states = healthy.into_iter().zip(has).map(|(healthy, has)| state(healthy, has));
    region_loads(&traffic, &names(&REGIONS).into_iter().zip(states).collect())
}

#[test]
fn a_regions_load_follows_the_order_of_where_requests_begin() {
    let of = |loads: &BTreeMap<Name, RegionLoad>| REGIONS.map(|region| loads[region].requests.round() as u64);
    // nothing is remote: what half of us-west cannot take is the second's, or everybody's
    assert_eq!(of(&loads("100%", [50, 100, 100], [true; 3])), [700, 1_300, 1_000]);
    assert_eq!(of(&loads("100%", [50, 100, 100], [false; 3])), [700, 1_150, 1_150]);
    assert_eq!(
        of(&loads("100%", [0, 100, 100], [true, false, false])),
        [0, 2_000, 1_000],
        "by the region's own"
    );
    let over = loads("100%", [0, 100, 100], [true; 3]);
    assert!(
        over["us-south"].is_over && !over["us-north"].is_over,
        "what the order puts on the second is seen"
    );
}

proptest! {
    /// Whatever fails in one region, nothing is lost and no host there bears more than 1.4.
    #[test]
    fn no_survivor_of_one_failing_region_beyond_the_bound(
        healthy in 0_u32..=100,
        which in 0_usize..3,
        local in 1_u32..=100,
        has in any::<[bool; 3]>(),
    ) {
        let mut all = [100; 3];
        all[which] = healthy;
        let loads = loads(&format!("{local}%"), all, has);
        prop_assert!(loads[REGIONS[which]].factor <= 1.4 + 1e-9, "{:?}", loads);
        let total: f64 = loads.values().map(|load| load.requests).sum();
        prop_assert!((total - 3_000.0).abs() < 1e-6);
    }
}

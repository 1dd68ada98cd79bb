//! What steered objects mean: rendered settings are put to `locality` over every
//! health from 0 to 100 %, beside Istio's own `distribute`; then regions and
//! clusters of a fleet.

use proptest::prelude::*;

use super::*;
use crate::access_point::Traffic;
use crate::api::{Reachability, SpecError};
use crate::locality::{LocalityFile, Question};
use crate::units::{Rate, Share};

/// The shares of (home, others) of what a policy gets, with 100 hosts in home, `healthy` of them well.
pub(super) fn home_share(policy: &Value, healthy: u32) -> f64 {
    let endpoints = [("us-west", healthy), ("us-south", 100), ("us-north", 100)].map(|(region, healthy)| {
        json!({ "locality": region, "hosts": 100, "healthy": healthy, "labels": { "topology.kubernetes.io/region": region } })
    });
    let file = json!({ "from": "us-west/slc-a", "proxyLabels": { "app": "gateway" }, "policy": policy, "endpoints": endpoints });
    let file: LocalityFile = serde_json::from_value(file).unwrap();
    let question: Result<Question, SpecError> = Question::try_from(file);
    question.unwrap_or_else(|error| panic!("Istio would refuse it: {error}")).answer().localities[0].share
}

/// The share of home by the rendered route and its subsets, as Istio puts rule and subset together.
pub(super) fn rendered_share(rendering: &Rendering, healthy: u32) -> f64 {
    let rule = &rendering.objects[1]["spec"];
    let route = rendering.objects[2]["spec"]["http"][0]["route"].as_array().unwrap();
    let total: u64 = route.iter().map(|one| one["weight"].as_u64().unwrap()).sum();
    let share = |one: &Value| {
        let subsets = rule["subsets"].as_array().unwrap();
        let subset = subsets.iter().find(|subset| subset["name"] == one["destination"]["subset"]).unwrap();
        let mut policy = rule["trafficPolicy"].clone();
        for (field, value) in subset["trafficPolicy"].as_object().unwrap() {
            policy[field] = value.clone();
        }
        one["weight"].as_u64().unwrap() as f64 / total as f64 * home_share(&policy, healthy)
    };
    route.iter().map(share).sum()
}

#[test]
fn the_local_share_is_as_promised_over_every_health_and_distribute_is_not() {
    for local in ["99%", "95.5%", "60%", "1%"] {
        let traffic = format!("{{ local: {local}, regions: [us-west, us-south, us-north] }}");
        let rendering = on(&access_point(POLICY, ROUTE, &traffic), &fleet(&[]), "slc-a-1");
        let local: Share = local.parse().unwrap();
        let mut worst: f64 = 0.0;
        for healthy in 0..=100 {
            let found = rendered_share(&rendering, healthy);
            let promised = f64::from(local_share(local, healthy, 100).as_millionths()) / 1e6;
            assert!((found - promised).abs() < 2e-6, "{local} {healthy}: {found} {promised}");
            if healthy > 0 {
                worst = worst
                    .max(found / (f64::from(healthy) / 100.0) / (f64::from(local.as_millionths()) / 1e6));
            }
        }
        assert!(worst <= 1.4 + 1e-9 && worst > 1.39, "{local}: {worst}");
    }
    // the published table of 99/1, and what `distribute` does instead
    let rendering = on(&access_point(POLICY, ROUTE, TRAFFIC), &fleet(&[]), "slc-a-1");
    let distribute = json!({ "outlierDetection": {}, "loadBalancer": { "localityLbSetting": { "distribute": [
        { "from": "us-west/*", "to": { "us-west/*": 99, "us-south/*": 1 } }] } } });
    let table = [
        (100, 99.0, 99.0),
        (75, 99.0, 99.0),
        (71, 98.01, 98.99),
        (50, 69.3, 98.58),
        (25, 34.65, 97.19),
        (10, 13.86, 93.27),
        (0, 0.0, 0.0),
    ];
    for (healthy, ours, theirs) in table {
        let percent = |share: f64| (share * 10_000.0).round() / 100.0;
        assert_eq!(percent(rendered_share(&rendering, healthy)), ours, "{healthy}");
        assert_eq!(percent(home_share(&distribute, healthy)), theirs, "{healthy}");
    }
    assert!(home_share(&distribute, 10) / 0.1 > 9.3, "each host that is left gets nine times as much");
}

/// Zones of one region that fail unevenly: together their survivors stay within 1.4, but localities
/// weigh, and Envoy trusts the survivors of each zone with 1.4 once more.
#[test]
fn a_survivor_of_a_zone_that_fails_more_than_others_bears_up_to_1_96() {
    let zones =
        [("us-west/a", "us-west", 40), ("us-west/b", "us-west", 100), ("us-south/a", "us-south", 140)];
    let endpoints = zones.map(|(locality, region, hosts)| {
        json!({ "locality": locality, "hosts": hosts, "weight": hosts, "labels": { "topology.kubernetes.io/region": region } })
    });
    let rendering = on(&access_point(POLICY, ROUTE, TRAFFIC), &fleet(&[]), "slc-a-1");
    let subset = &rendering.objects[1]["spec"]["subsets"][0]["trafficPolicy"];
    let mut policy = rendering.objects[1]["spec"]["trafficPolicy"].clone();
    policy["loadBalancer"] = subset["loadBalancer"].clone();
    let file = json!({ "from": "us-west/a", "proxyLabels": { "app": "gateway" }, "policy": policy, "endpoints": endpoints });
    let file: LocalityFile = serde_json::from_value(file).unwrap();
    let mut question = Question::try_from(file).unwrap();
    let (mut worst_host, mut worst_region) = (0.0_f64, 0.0_f64);
    for (in_a, in_b) in (0..=40).flat_map(|in_a| (0..=100).map(move |in_b| (in_a, in_b))) {
        question.endpoints[0].counts.healthy = in_a;
        question.endpoints[1].counts.healthy = in_b;
        let answer = question.answer();
        let factor = |share: f64, healthy: u32| share * 140.0 / f64::from(healthy.max(1));
        let [a, b] = [0, 1].map(|at| answer.localities[at].share);
        worst_host = worst_host.max(factor(a, in_a)).max(factor(b, in_b));
        worst_region = worst_region.max(factor(a + b, in_a + in_b));
    }
    assert!(worst_region <= 1.4 + 1e-9 && worst_region > 1.39, "{worst_region}");
    assert!(worst_host <= 1.4 * 1.4 + 1e-9 && worst_host > 1.9, "{worst_host}");
}

#[test]
fn without_failover_the_share_stays_while_anybody_lives() {
    let traffic = "{ local: 99%, failover: false, regions: [us-west, us-south, us-north] }";
    let rendering = on(&access_point(POLICY, ROUTE, traffic), &fleet(&[]), "slc-a-1");
    for healthy in 1..=100 {
        assert!((rendered_share(&rendering, healthy) - 0.99).abs() < 1e-9);
    }
    assert_eq!(
        rendering.objects[1]["spec"]["subsets"][1]["trafficPolicy"]["loadBalancer"]["localityLbSetting"],
        json!({ "distribute": [{ "from": "*", "to": { "us-north/*": 50, "us-south/*": 50 } }] })
    );
}

fn traffic(local: &str) -> Traffic {
    Traffic {
        local: local.parse().unwrap(),
        failover: true,
        regions: names(&["us-west", "us-south", "us-north"]),
    }
}

fn regions(healthy: [u32; 3], capacity: u64) -> BTreeMap<Name, RegionState> {
    let state = |healthy| RegionState {
        demand: Rate::per_second(1_000),
        hosts: 100,
        healthy,
        capacity: Some(Rate::per_second(capacity)),
        has_zone_aware: false,
        has_entrances: false,
    };
    names(&["us-west", "us-south", "us-north"]).into_iter().zip(healthy.map(state)).collect()
}

#[test]
fn each_regions_load_and_factor_against_its_capacity() {
    let of = |loads: &BTreeMap<Name, RegionLoad>, region: &str| loads[region];
    let normal = region_loads(&traffic("99%"), &regions([100, 100, 100], 1_000));
    for load in normal.values() {
        assert!((load.requests - 1_000.0).abs() < 1e-6 && (load.factor - 1.0).abs() < 1e-9 && !load.is_over);
    }
    // half of us-west fails: 30 % of its 990 and of north's 10 that are meant for it go elsewhere
    let half = region_loads(&traffic("99%"), &regions([50, 100, 100], 1_100));
    assert!((of(&half, "us-west").requests - 700.0).abs() < 1e-6);
    assert!((of(&half, "us-west").factor - 1.4).abs() < 1e-9);
    let spilled = of(&half, "us-south").requests + of(&half, "us-north").requests;
    assert!((spilled - 2_300.0).abs() < 1e-6 && of(&half, "us-south").is_over);
    let drained = region_loads(&traffic("99%"), &{
        let mut regions = regions([0, 100, 100], 2_000);
        regions.get_mut("us-west").unwrap().hosts = 0;
        regions
    });
    assert_eq!(of(&drained, "us-west").requests, 0.0);
    let rest = of(&drained, "us-south").requests + of(&drained, "us-north").requests;
    assert!((rest - 3_000.0).abs() < 1e-6, "nothing is lost");
}

proptest! {
    /// Whatever fails, as long as the others are well: no host beyond 1.4 of what it bore, nothing lost.
    #[test]
    fn no_survivor_of_one_failing_region_beyond_the_bound(healthy in 0_u32..=100, which in 0_usize..3, local in 1_u32..=100) {
        let mut all = [100; 3];
        all[which] = healthy;
        let loads = region_loads(&traffic(&format!("{local}%")), &regions(all, 1_000));
        let name = &names(&["us-west", "us-south", "us-north"])[which];
        prop_assert!(loads[name].factor <= 1.4 + 1e-9, "{:?}", loads[name]);
        let total: f64 = loads.values().map(|load| load.requests).sum();
        prop_assert!((total - 3_000.0).abs() < 1e-6);
    }

    /// Whatever the weights and the share, divided weights have exactly their proportions, and are
    /// 100 together where that is possible.
    #[test]
    fn divided_weights_are_exact(
        routes in prop::collection::vec((0_u64..1_000, any::<bool>()), 1..5),
        local in prop_oneof![(0_u64..=100).prop_map(|percent| percent * 10_000), 0_u64..=1_000_000],
    ) {
        let host = |own: &bool| if *own { "shop" } else { "other" };
        let list: Vec<String> = routes.iter().map(|(weight, own)| format!("{{ destination: {{ host: {} }}, weight: {weight} }}", host(own))).collect();
        let whole: u64 = routes.iter().map(|(weight, _)| weight).sum();
        prop_assume!(whole > 0 && routes.iter().any(|(_, own)| *own));
        let share = format!("{}.{:04}%", local / 10_000, local % 10_000);
        let found = weights(&format!("[{}]", list.join(", ")), &format!("{{ local: {share}, regions: [us-west, us-south] }}"));
        let total: u128 = found.iter().map(|(weight, _)| u128::from(*weight)).sum();
        let of = |name: &str| found.iter().filter(|(_, subset)| subset == name).map(|(weight, _)| u128::from(*weight)).sum::<u128>();
        let own: u64 = routes.iter().filter(|(_, own)| *own).map(|(weight, _)| weight).sum();
        let millionths = u128::from(whole) * 1_000_000;
        prop_assert_eq!(of(HOME) * millionths, total * u128::from(own) * u128::from(local), "{:?}", found);
        prop_assert_eq!(of(AWAY) * millionths, total * u128::from(own) * u128::from(1_000_000 - local), "{:?}", found);
        prop_assert_eq!(of("-") * whole as u128, total * u128::from(whole - own), "{:?}", found);
        let is_percent = |part: u128| (part * 100).is_multiple_of(total);
        if found.iter().all(|(weight, _)| is_percent(u128::from(*weight))) {
            prop_assert_eq!(total, 100, "{:?}", found);
        }
    }

    /// Draining moves requests and neither makes nor loses any, but for rounding up.
    #[test]
    fn a_drain_moves_requests(loads in prop::collection::vec(0_u64..2_000, 4), drained in prop::collection::vec(any::<bool>(), 4)) {
        let zones = ["slc-a", "slc-b", "phx-a", "rno-a"];
        let off: Vec<&str> = zones.into_iter().zip(&drained).filter(|(_, off)| **off).map(|(zone, _)| zone).collect();
        let fleet = fleet(&off);
        let now: Loads = zones.iter().zip(&loads).map(|(zone, load)| (format!("{zone}-1").parse().unwrap(), Rate::per_second(*load))).collect();
        let (shifted, lost) = without(alone(&fleet), &now, |cluster| off.iter().any(|zone| *zone == cluster.zone.as_str()));
        let before: u64 = loads.iter().sum();
        let after = lost.as_per_second() + shifted.iter().map(|one| one.after.as_per_second()).sum::<u64>();
        prop_assert!((before..=before + 8).contains(&after), "{before} {after}");
        prop_assert!(shifted.iter().all(|one| !off.iter().any(|zone| one.cluster.as_str().starts_with(zone)) || one.after == Rate::default()));
        prop_assert_eq!(drain_check(alone(&fleet), &now).is_ok(), lost == Rate::default() && !shifted.iter().any(Shifted::is_over));
    }
}

/// A fleet of which no policy says where what a region carries goes.
fn alone(fleet: &Fleet) -> Steered<'_> {
    Steered { fleet, access_points: &[] }
}

#[test]
fn a_drain_that_the_rest_cannot_bear_is_refused_by_name() {
    let loads = |each: u64| -> Loads {
        ["slc-a-1", "slc-b-1", "phx-a-1", "rno-a-1"]
            .map(|name| (name.parse().unwrap(), Rate::per_second(each)))
            .into()
    };
    assert_eq!(drain_check(alone(&fleet(&["slc-a"])), &loads(500)), Ok(()));
    let error = drain_check(alone(&fleet(&["slc-a"])), &loads(600)).unwrap_err();
    let text = "the rest cannot bear this drain: slc-b-1 would carry 1200/s of 1000/s; add capacity, drain less, or force it";
    assert_eq!(error.to_string(), text, "its own region takes it first");
    let error = drain_check(alone(&fleet(&["slc-a", "slc-b"])), &loads(600)).unwrap_err();
    assert_eq!(
        error.clusters.iter().map(|one| one.cluster.as_str()).collect::<Vec<_>>(),
        ["phx-a-1", "rno-a-1"]
    );
    let error = drain_check(alone(&fleet(&["slc-a", "slc-b", "phx-a", "rno-a"])), &loads(1)).unwrap_err();
    assert_eq!((error.clusters.len(), error.lost), (0, Rate::per_second(4)));
    assert_eq!(
        drain_check(alone(&fleet(&[])), &loads(5_000)),
        Ok(()),
        "no drain is refused for what is so already"
    );
}

/// What a drained region carries goes where the policies send it, not to all alike.
#[test]
fn what_a_drained_region_carries_goes_by_the_order_of_the_policies() {
    let loads: Loads = [("slc-a-1", 300), ("slc-b-1", 300), ("phx-a-1", 500), ("rno-a-1", 500)]
        .map(|(name, load)| (name.parse().unwrap(), Rate::per_second(load)))
        .into();
    let drained = fleet(&["slc-a", "slc-b"]);
    let by = |orders: &[&str]| -> Vec<u64> {
        let of = |order: &&str| access_point(POLICY, ROUTE, order);
        let access_points: Vec<AccessPoint> = orders.iter().map(of).collect();
        let outlook = Outlook::of(Steered { fleet: &drained, access_points: &access_points }, &loads);
        assert!(outlook.is_certain());
        let after =
            |name: &str| outlook.clusters.iter().find(|one| one.cluster == *name).map(|one| one.after);
        ["phx-a-1", "rno-a-1"].map(|name| after(name).map_or(500, Rate::as_per_second)).into()
    };
    let [west, south_first] = [TRAFFIC, "{ local: 100%, regions: [us-west, us-south, us-north] }"];
    let north_first = "{ local: 100%, regions: [us-north, us-west, us-south] }";
    assert_eq!(by(&[]), [800, 800], "without a policy by the number of hosts");
    assert_eq!(by(&[west]), [1094, 506], "99 % to the first that is left, 1 % to the next");
    assert_eq!(by(&[south_first]), [1100, 500]);
    assert_eq!(by(&[south_first, north_first]), [800, 800], "each has an equal part");
    assert_eq!(by(&[south_first, south_first, north_first]), [900, 700]);
    let first = access_point(POLICY, ROUTE, south_first);
    let steered = Steered { fleet: &drained, access_points: &[first] };
    let refused = drain_check(steered, &loads).unwrap_err();
    assert_eq!(refused.burden(), "phx-a-1 would carry 1100/s of 1000/s");
    assert_eq!(drain_check(alone(&drained), &loads), Ok(()), "which all alike would have borne");
    // a region that carries nothing has no hosts there, and is no place to spill to
    let mut one = loads.clone();
    one.insert("phx-a-1".parse().unwrap(), Rate::default());
    let outlook = Outlook::of(steered, &one);
    let told: Vec<(&str, u64)> =
        outlook.clusters.iter().map(|one| (one.cluster.as_str(), one.after.as_per_second())).collect();
    assert_eq!(told, [("rno-a-1", 1100), ("slc-a-1", 0), ("slc-b-1", 0)]);
}

#[test]
fn what_is_not_known_is_told_by_name_and_refuses_nothing() {
    let drained = fleet(&["slc-a"]);
    let outlook = Outlook::of(alone(&drained), &Loads::new());
    assert_eq!((outlook.overload(), outlook.is_certain()), (None, false));
    assert_eq!(outlook.unmeasured, names(&["phx-a-1", "rno-a-1", "slc-a-1", "slc-b-1"]));
    let [room] = &outlook.rooms[..] else { panic!("one region is drained of something") };
    assert_eq!(
        (room.region.as_str(), room.left, room.whole),
        ("us-west", Rate::per_second(1_000), Rate::per_second(2_000))
    );
    let mut clusters = vec![cluster("slc-a-1", "{ zone: slc-a }"), cluster("slc-b-1", "{ zone: slc-b }")];
    clusters[0].spec.drain = true;
    let zones = vec![zone("slc-a", "us-west"), zone("slc-b", "us-west")];
    let unbounded = Fleet::new(zones, clusters).unwrap();
    let loads: Loads = ["slc-a-1", "slc-b-1"].map(|name| (name.parse().unwrap(), Rate::per_second(9))).into();
    let outlook = Outlook::of(alone(&unbounded), &loads);
    assert_eq!((outlook.unmeasured, outlook.unbounded), (names(&[]), names(&["slc-b-1"])));
}

/// Whose load nobody says is there all the same, takes what its region has, and refuses nothing that it may bear.
#[test]
fn what_remains_of_a_region_takes_its_requests_though_nobody_says_what_it_carries() {
    let drained = fleet(&["slc-a"]);
    let outlook = |loads: &[(&str, u64)]| {
        let loads =
            loads.iter().map(|(name, load)| (name.parse().unwrap(), Rate::per_second(*load))).collect();
        Outlook::of(alone(&drained), &loads)
    };
    let after = |outlook: &Outlook| {
        let told = outlook.clusters.iter();
        told.map(|one| format!("{} {}", one.cluster, one.after.as_per_second())).collect::<Vec<_>>()
    };
    // not phx-a-1, which is of another region
    for slc_b in [&[][..], &[("slc-b-1", 0)][..]] {
        let of =
            |load: u64| outlook(&[&[("slc-a-1", load), ("phx-a-1", 900), ("rno-a-1", 900)], slc_b].concat());
        let borne = of(1_000);
        assert_eq!(after(&borne), ["slc-a-1 0", "slc-b-1 1000"]);
        assert_eq!(
            (borne.overload(), borne.is_certain(), borne.lost),
            (None, !slc_b.is_empty(), Rate::default())
        );
        let refused = of(1_001).overload().map(|overload| overload.burden());
        assert_eq!(
            refused.as_deref(),
            Some("slc-b-1 would carry 1001/s of 1000/s"),
            "whatever else it carries"
        );
    }
    // of two that remain one is measured, and may not have to take it all
    let three = |drain: bool| {
        let mut clusters = vec![
            cluster("a", "{ zone: z, capacity: { requests: 1000/s } }"),
            cluster("b", "{ zone: z, capacity: { requests: 1000/s } }"),
            cluster("c", "{ zone: z, capacity: { requests: 2000/s } }"),
        ];
        clusters[0].spec.drain = drain;
        Fleet::new(vec![zone("z", "r")], clusters).unwrap()
    };
    let by = |each: u64| {
        let loads = ["a", "b"].map(|name| (name.parse().unwrap(), Rate::per_second(each)));
        Outlook::of(alone(&three(true)), &Loads::from(loads))
    };
    assert_eq!(after(&by(900)), ["a 0", "b 1200", "c 600"]);
    assert_eq!((by(900).overload(), by(900).is_certain()), (None, false), "who knows");
    assert_eq!(by(1_600).overload().map(|one| one.clusters.len()), Some(1), "together they cannot");
}

/// As a guess is no evidence: neither of another region nor of a cluster that may bear whatever comes.
#[test]
fn what_is_guessed_refuses_nothing() {
    let zones = || vec![zone("u", "r1"), zone("v", "r2"), zone("w", "r3")];
    let of = |clusters: &[(&str, &str)], loads: &[(&str, u64)]| {
        let clusters = clusters.iter().map(|(name, spec)| cluster(name, spec)).collect();
        let fleet = Fleet::new(zones(), clusters).unwrap();
        let loads =
            loads.iter().map(|(name, load)| (name.parse().unwrap(), Rate::per_second(*load))).collect();
        let outlook = Outlook::of(alone(&fleet), &loads);
        (outlook.overload().map(|one| one.burden()), outlook.is_certain())
    };
    let a = ("a", "{ zone: u, drain: true, capacity: { requests: 2000/s } }");
    let b = ("b", "{ zone: v, capacity: { requests: 1500/s } }");
    let spilled = [a, b, ("c", "{ zone: w }")];
    assert_eq!(of(&spilled, &[("a", 1_000), ("b", 800)]), (None, false), "who knows how much c takes");
    let alone = of(&spilled[..2], &[("a", 1_000), ("b", 800)]);
    assert_eq!(alone, (Some("b would carry 1800/s of 1500/s".to_owned()), true));
    let standby = [a, ("b", "{ zone: u, capacity: { requests: 500/s } }"), ("c", "{ zone: u }")];
    assert_eq!(of(&standby, &[("a", 1_000), ("b", 0), ("c", 0)]), (None, false));
}

#[test]
fn what_does_not_answer_is_told_and_nothing_is_sure_of_it() {
    let mut clusters = vec![
        cluster("a", "{ zone: z, drain: true, capacity: { requests: 1000/s } }"),
        cluster("b", "{ zone: z, capacity: { requests: 1000/s } }"),
    ];
    clusters[1].status.get_or_insert_default().reachability = Reachability::Unreachable;
    let fleet = Fleet::new(vec![zone("z", "r")], clusters).unwrap();
    let loads: Loads = ["a", "b"].map(|name| (name.parse().unwrap(), Rate::per_second(100))).into();
    let outlook = Outlook::of(alone(&fleet), &loads);
    assert_eq!((outlook.overload(), outlook.is_certain(), outlook.unreachable), (None, false, names(&["b"])));
}

/// Each drain is told of what it does itself: the rest of its region, or, where it has none, all others.
#[test]
fn who_is_to_blame_for_an_overload() {
    let loads: Loads = ["slc-a-1", "slc-b-1", "phx-a-1", "rno-a-1"]
        .map(|name| (name.parse().unwrap(), Rate::per_second(700)))
        .into();
    let by = |drained: &[&str], region: &str| {
        let fleet = fleet(drained);
        let outlook = Outlook::of(alone(&fleet), &loads);
        outlook.overload_by(&fleet, &region.parse().unwrap()).map(|overload| overload.burden())
    };
    let rno = "rno-a-1 would carry 1400/s of 1000/s";
    assert_eq!(by(&["slc-a"], "us-west").as_deref(), Some("slc-b-1 would carry 1400/s of 1000/s"));
    assert_eq!(by(&["slc-a"], "us-south"), None);
    let both = "slc-b-1 would carry 1750/s of 1000/s, rno-a-1 would carry 1050/s of 1000/s";
    let found = by(&["slc-a", "phx-a"], "us-south").unwrap();
    assert!(!found.is_empty() && found != rno, "{found} {both}");
}

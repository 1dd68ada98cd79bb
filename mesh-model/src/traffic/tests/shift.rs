//! Tests of edits that move traffic: what of an edit counts, who is refused what,
//! what force overrules and leaves written down, and the way back.

use super::*;
use crate::api::{PlacementLevel, TrafficSpec};
use crate::units::Rate;

fn order(by: &str, force: bool) -> Order {
    let at = "2026-11-26T09:00:00Z".parse().unwrap();
    Order { by: by.into(), at, reason: "INC-7".into(), force }
}

fn loads(each: u64) -> Loads {
    let clusters = ["slc-a-1", "slc-b-1", "phx-a-1", "rno-a-1"];
    clusters.map(|name| (name.parse().unwrap(), Rate::per_second(each))).into()
}

fn shop(traffic: Option<&str>) -> Vec<AccessPoint> {
    let mut access_point = access_point(POLICY, ROUTE, traffic.unwrap_or(TRAFFIC));
    access_point.traffic = access_point.traffic.filter(|_| traffic.is_some());
    vec![access_point]
}

/// Requests begin in each region alike, and each bears a little more than that.
fn demands() -> Demands {
    let state = RegionState {
        demand: Rate::per_second(1_000),
        hosts: 100,
        healthy: 100,
        capacity: Some(Rate::per_second(1_100)),
        has_zone_aware: false,
        has_entrances: false,
    };
    let regions = names(&["us-west", "us-south", "us-north"]);
    let regions = regions.into_iter().zip([state; 3]).collect();
    Demands::from([(shop(None)[0].id.clone(), regions)])
}

#[test]
fn a_drain_is_refused_or_forced_and_what_was_overruled_is_written_down() {
    let (calm, drained) = (fleet(&[]), fleet(&["slc-a"]));
    let [before, after] = [&calm, &drained].map(|fleet| Steered { fleet, access_points: &[] });
    let shift = Shift::between(before, after);
    let name: Name = "slc-a".parse().unwrap();
    assert_eq!(shift.drains, [DrainChange { level: PlacementLevel::Zone, name, drain: true }]);
    let refused = shift.order(order("ann", false), after, &loads(600), &Demands::new()).unwrap_err();
    assert!(matches!(refused.problems[..], [ShiftProblem::Drain(_)]), "{refused}");
    let record = shift.order(order("ann", true), after, &loads(600), &Demands::new()).unwrap();
    assert_eq!(record.overruled, [refused.to_string()]);
    let kept = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&kept).unwrap(), record, "a record outlives the controller");
    let light = shift.order(order("ann", false), after, &loads(400), &Demands::new()).unwrap();
    assert_eq!((light.overruled.len(), light.reason.as_str()), (0, "INC-7"));
    // the way back is an edit like any other, and nothing speaks against it
    let back = record.shift.reversed();
    assert_eq!(back, Shift::between(after, before));
    assert!(back.order(order("bob", false), before, &loads(5_000), &Demands::new()).is_ok());
}

#[test]
fn nobody_is_no_author_of_a_record_whatever_is_forced() {
    let (calm, drained) = (fleet(&[]), fleet(&["slc-a"]));
    let [before, after] = [&calm, &drained].map(|fleet| Steered { fleet, access_points: &[] });
    let refused = Shift::between(before, after).order(order(" ", true), after, &loads(1), &Demands::new());
    assert_eq!(refused.unwrap_err().problems, [ShiftProblem::Anonymous]);
}

#[test]
fn a_policy_that_gives_a_region_too_much_is_refused_unless_it_gave_as_much_before() {
    let calm = fleet(&[]);
    let [local, half] = ["99%", "50%"]
        .map(|share| shop(Some(&format!("{{ local: {share}, regions: [us-west, us-south, us-north] }}"))));
    // without a place to go round in a circle, half of two regions' requests go to the first
    let two = shop(Some("{ local: 50%, regions: [us-west, us-south] }"));
    let order = |from: &[AccessPoint], to: &[AccessPoint]| {
        let [from, to] = [from, to].map(|access_points| Steered { fleet: &calm, access_points });
        let shift = Shift::between(from, to);
        assert_eq!(shift.reversed(), Shift::between(to, from));
        shift.order(order("ann", false), to, &Loads::new(), &demands())
    };
    assert!(order(&local, &half).is_ok(), "each keeps half and is given half of another");
    let refused = order(&local, &two).unwrap_err();
    let [ShiftProblem::Region { region, after, capacity, .. }] = &refused.problems[..] else {
        panic!("{refused}");
    };
    assert_eq!(
        (region.as_str(), *after, *capacity),
        ("us-west", Rate::per_second(1_500), Rate::per_second(1_100))
    );
    assert!(order(&two, &local).is_ok(), "what relieves is not refused");
    assert!(order(&two, &two).is_ok());
    let from_nothing = order(&shop(None), &two).unwrap_err();
    assert_eq!(from_nothing.problems, refused.problems);
    assert!(order(&two, &shop(None)).is_ok());
}

#[test]
fn a_record_shows_policies_with_nothing_left_to_defaults() {
    let calm = fleet(&[]);
    let (before, after) = (shop(None), shop(Some("{ remote: 1%, regions: [us-west, us-south] }")));
    let steered = |access_points| Steered { fleet: &calm, access_points };
    assert!(Shift::between(steered(&before), steered(&before)).is_empty());
    let shift = Shift::between(steered(&before), steered(&after));
    let expected = TrafficSpec {
        local: Some("99%".parse().unwrap()),
        remote: Some("1%".parse().unwrap()),
        failover: Some(true),
        regions: names(&["us-west", "us-south"]),
    };
    assert_eq!((&shift.policies[0].before, &shift.policies[0].after), (&None, &Some(expected)));
}

/// A zone's drain is one edit: what all of its clusters carry has to go somewhere, whichever of them is written.
#[test]
fn a_zones_drain_counts_what_all_of_its_clusters_carry() {
    let fleet = |drain: bool| {
        let mut first = zone("slc-a", "us-west");
        first.spec.drain = drain;
        let of = |name: &str, zone: &str, rest: &str| {
            cluster(name, &format!("{{ zone: {zone}, capacity: {{ requests: 1000/s }}{rest} }}"))
        };
        let mut clusters =
            vec![of("slc-a-1", "slc-a", ", gateway: true"), of("slc-b-1", "slc-b", ", gateway: true")];
        clusters.extend(["slc-a-2", "slc-a-3"].map(|name| of(name, "slc-a", "")));
        Fleet::new(vec![first, zone("slc-b", "us-west")], clusters).unwrap()
    };
    let (calm, drained) = (fleet(false), fleet(true));
    let [before, after] = [&calm, &drained].map(|fleet| Steered { fleet, access_points: &[] });
    let shift = Shift::between(before, after);
    assert_eq!(shift.drains.len(), 1, "one edit");
    let carried = |others: u64| -> Loads {
        let loads = [("slc-a-1", 0), ("slc-a-2", others), ("slc-a-3", others), ("slc-b-1", 500)];
        loads.map(|(name, load)| (name.parse().unwrap(), Rate::per_second(load))).into()
    };
    let ask = |others| shift.order(order("ann", false), after, &carried(others), &Demands::new());
    assert!(ask(250).is_ok());
    let refused = ask(251).unwrap_err();
    assert!(refused.to_string().contains("slc-b-1 would carry 1002/s of 1000/s"), "{refused}");
}

#[test]
fn a_verdict_says_what_is_known() {
    let (calm, drained) = (fleet(&[]), fleet(&["slc-a"]));
    let [before, after] = [&calm, &drained].map(|fleet| Steered { fleet, access_points: &[] });
    let verdict = |from: Steered<'_>, to: Steered<'_>, loads: &Loads, force| {
        let outlook = Outlook::of(to, loads);
        Shift::between(from, to).verdict(to, (loads, &Demands::new()), &outlook, force)
    };
    assert_eq!(verdict(before, before, &loads(600), false), (Verdict::Nothing, vec![]));
    assert_eq!(verdict(before, after, &loads(500), false), (Verdict::Borne, vec![]));
    assert_eq!(verdict(before, after, &Loads::new(), false), (Verdict::Unknown, vec![]));
    assert_eq!(verdict(after, before, &Loads::new(), false), (Verdict::Borne, vec![]), "the end of a drain");
    for (force, expected) in [(false, Verdict::Refused), (true, Verdict::Forced)] {
        let (found, problems) = verdict(before, after, &loads(600), force);
        assert_eq!((found, problems.len()), (expected, 1));
    }
    let (from, to) = (shop(None), shop(Some(TRAFFIC)));
    let steered = |access_points| Steered { fleet: &calm, access_points };
    let (found, _) = verdict(steered(&from), steered(&to), &loads(600), false);
    assert_eq!(found, Verdict::Unknown, "what begins where is not known");
    let shift = Shift::between(steered(&from), steered(&to));
    let known = shift.verdict(steered(&to), (&Loads::new(), &demands()), &Outlook::default(), false);
    assert_eq!(known, (Verdict::Borne, vec![]));
}

/// What an access point carries on a target that it loses is in no file.
#[test]
fn targets_that_are_got_and_lost_move_traffic() {
    let id = shop(None)[0].id.clone();
    let set = |all: &[&str]| names(all).into_iter().collect();
    let change = PlacementChange::between(&id, &set(&["a", "b"]), &set(&["b", "c"])).unwrap();
    assert_eq!((change.joins.clone(), change.leaves.clone()), (names(&["c"]), names(&["a"])));
    assert_eq!(PlacementChange::between(&id, &set(&["a"]), &set(&["a"])), None);
    let calm = fleet(&[]);
    let steered = Steered { fleet: &calm, access_points: &[] };
    let verdict = |placements: Vec<PlacementChange>| {
        let shift = Shift { placements, ..Shift::default() };
        let both = (&loads(400), &Demands::new());
        shift.verdict(steered, both, &Outlook::default(), false).0
    };
    let shift = Shift { placements: vec![change.clone()], ..Shift::default() };
    assert!(!shift.is_empty());
    assert_eq!(shift.reversed().reversed(), shift);
    assert_eq!(verdict(vec![change.clone()]), Verdict::Unknown);
    assert_eq!(verdict(vec![PlacementChange { leaves: Vec::new(), ..change }]), Verdict::Borne);
}

/// Where nothing goes any more nothing has to be known of a target that is lost, be it a cluster or a zone.
#[test]
fn a_target_that_is_drained_or_gone_is_lost_without_a_question() {
    let id = shop(None)[0].id.clone();
    let verdict = |fleet: &Fleet, leaves: &[&str]| {
        let placements =
            PlacementChange::between(&id, &names(leaves).into_iter().collect(), &BTreeSet::new());
        let shift = Shift { placements: placements.into_iter().collect(), ..Shift::default() };
        let steered = Steered { fleet, access_points: &[] };
        shift.verdict(steered, (&loads(400), &Demands::new()), &Outlook::default(), false)
    };
    let with = |cluster_drain: bool, zone_drain: bool| {
        let mut zone = zone("slc-a", "us-west");
        zone.spec.drain = zone_drain;
        let spec = format!("{{ zone: slc-a, gateway: true, drain: {cluster_drain} }}");
        Fleet::new(vec![zone], vec![cluster("slc-a-1", &spec)]).unwrap()
    };
    let (borne, unknown) = ((Verdict::Borne, vec![]), (Verdict::Unknown, vec![]));
    let calm = with(false, false);
    let gone = Fleet::default().with_gone_drained(&calm);
    for (fleet, cluster, zone) in [
        (&calm, &unknown, &unknown),
        (&with(true, false), &borne, &borne),
        (&with(false, true), &borne, &borne),
        (&gone, &borne, &borne),
        (&Fleet::default(), &unknown, &unknown),
    ] {
        assert_eq!(
            (&verdict(fleet, &["slc-a-1"]), &verdict(fleet, &["slc-a"])),
            (cluster, zone),
            "{fleet:?}"
        );
    }
    // one that still takes something is enough to ask
    assert_eq!(verdict(&fleet(&["slc-a"]), &["slc-a-1"]), borne);
    assert_eq!(verdict(&fleet(&["slc-a"]), &["slc-a-1", "slc-b-1"]), unknown);
}

/// Nothing goes to a cluster that is gone, as to one that is drained.
#[test]
fn a_cluster_that_is_gone_counts_as_drained() {
    let whole = fleet(&[]);
    let rest = Fleet::default().with_gone_drained(&whole);
    assert_eq!(rest.clusters().len(), whole.clusters().len());
    assert!(rest.clusters().all(|cluster| cluster.drain) && rest.zones().all(|zone| zone.drain));
    assert_eq!(whole.with_gone_drained(&whole), whole);
    let after = Steered { fleet: &rest, access_points: &[] };
    let refused = drain_check(after, &loads(600)).unwrap_err();
    assert_eq!(refused.lost, Rate::per_second(2_400), "nobody is left");
}

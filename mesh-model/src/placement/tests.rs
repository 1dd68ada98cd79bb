//! Tests of placement: each reason, and that nothing is lost on missing evidence.

use proptest::prelude::*;

use super::*;
use crate::api::{self, FederatedDeployment};
use crate::fleet::tests::fleet;
use crate::labels::Selector;

fn names(names: &[&str]) -> Option<Vec<Name>> {
    Some(names.iter().map(|name| name.parse().unwrap()).collect())
}

fn select(level: PlacementLevel, selection: TargetSelection) -> Placement {
    Placement { level, rule: PlacementRule::Select(selection) }
}

fn workload(clusters: &str, status: &str) -> Workload {
    let text = format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: FederatedDeployment, metadata: {{ name: web, namespace: shop }}, \
         spec: {{ placement: {{ clusters: [{clusters}] }} }}, status: {{ clusters: [{status}] }} }}"
    );
    Workload::try_from(serde_saphyr::from_str::<FederatedDeployment>(&text).unwrap()).unwrap()
}

fn decided(
    placement: &Placement,
    current: &[&str],
    is_complete: bool,
    workload: Option<&Workload>,
) -> Vec<String> {
    let fleet = fleet();
    let current = names(current).unwrap().into_iter().collect();
    let evidence = Evidence { fleet: &fleet, is_complete, workload, current: &current };
    place(placement, evidence).iter().map(ToString::to_string).collect()
}

const ALL: TargetSelection = TargetSelection { names: None, zones: None, regions: None, selector: None };

#[test]
fn selections() {
    let placed = |level, selection| {
        let decisions = decided(&select(level, selection), &[], true, None);
        decisions
            .iter()
            .filter_map(|line| line.split_once(": place"))
            .map(|(name, _)| name.to_owned())
            .collect::<Vec<_>>()
    };
    let cluster = PlacementLevel::Cluster;
    assert_eq!(
        placed(cluster, ALL),
        ["lvs-a-1", "lvs-a-2", "slc-a-1", "slc-a-2", "slc-b-1"],
        "a drained one, too"
    );
    assert_eq!(
        placed(cluster, TargetSelection { regions: names(&["us-west"]), ..ALL }),
        ["slc-a-1", "slc-a-2", "slc-b-1"]
    );
    assert_eq!(
        placed(
            cluster,
            TargetSelection { zones: names(&["slc-a", "lvs-a"]), regions: names(&["us-east"]), ..ALL }
        ),
        ["lvs-a-1", "lvs-a-2"]
    );
    let label = Some(Selector::of(&[("of", "slc-a-2")]));
    assert_eq!(placed(cluster, TargetSelection { selector: label.clone(), ..ALL }), ["slc-a-2"]);
    assert_eq!(placed(PlacementLevel::Zone, ALL), ["slc-a", "slc-b"]);
    assert_eq!(
        placed(PlacementLevel::Zone, TargetSelection { selector: label, ..ALL }),
        Vec::<String>::new()
    );
}

#[test]
fn why_a_target_is_kept_or_left() {
    let one =
        || select(PlacementLevel::Cluster, TargetSelection { names: names(&["slc-a-1", "slc-a-9"]), ..ALL });
    let lines = decided(&one(), &["slc-a-1", "slc-a-2", "gone-1"], true, None);
    assert_eq!(
        lines,
        [
            "gone-1: drain: it is no longer in the fleet",
            "lvs-a-1: skip: the placement does not select it",
            "lvs-a-2: skip: the placement does not select it",
            "slc-a-1: place: the placement selects it",
            "slc-a-2: drain: the placement does not select it",
            "slc-a-9: skip: the placement names it, and the fleet has none of this name; did you mean `slc-a-1`?",
            "slc-b-1: skip: the placement does not select it",
        ]
    );
    let half = decided(&one(), &["gone-1"], false, None);
    assert_eq!(half[0], "gone-1: retain: it was not found, but the list was not read to the end");
    assert_eq!(half[5], "slc-a-9: skip: it was not found, but the list was not read to the end");
}

#[test]
fn a_zone_without_gateway_cluster() {
    let zones = |current, is_complete| {
        decided(&select(PlacementLevel::Zone, ALL), current, is_complete, None)[0].clone()
    };
    assert_eq!(zones(&[], true), "lvs-a: skip: the zone has no gateway cluster");
    assert_eq!(zones(&["lvs-a"], true), "lvs-a: drain: the zone has no gateway cluster");
    assert!(zones(&["lvs-a"], false).starts_with("lvs-a: retain: it was not found, but"));
}

#[test]
fn following_a_workload() {
    let follow = |level| Placement { level, rule: PlacementRule::Follow("web".parse().unwrap()) };
    let workload = workload(
        "{ name: slc-a-1, replicas: 3 }, { name: slc-a-2, replicas: 0 }",
        "{ name: slc-a-2, replicas: 2, ready: 1 }, { name: lvs-a-1, replicas: 0, ready: 0 }",
    );
    let current = ["slc-a-2", "lvs-a-1", "lvs-a-2"];
    assert_eq!(
        decided(&follow(PlacementLevel::Cluster), &current, true, Some(&workload)),
        [
            "lvs-a-1: drain: the workload has left",
            "lvs-a-2: retain: the workload is not wanted there, and nobody saw it leave",
            "slc-a-1: place: the workload is wanted there",
            "slc-a-2: retain: the workload is leaving and still has 2 replicas there",
            "slc-b-1: skip: the workload is not there",
        ]
    );
    // not ready anywhere, and yet placed: the target comes before the traffic
    assert_eq!(
        (workload.wanted(&"slc-a-1".parse().unwrap()), workload.ready(&"slc-a-1".parse().unwrap())),
        (3, None)
    );
    let zones = decided(&follow(PlacementLevel::Zone), &["slc-b"], true, Some(&workload));
    assert_eq!(zones[1], "slc-a: place: the workload is wanted there");
    assert_eq!(zones[2], "slc-b: retain: the workload is not wanted there, and nobody saw it leave");
    let missing = decided(&follow(PlacementLevel::Cluster), &["slc-a-1"], true, None);
    assert_eq!(missing[2], "slc-a-1: retain: the workload to follow was not found");
    assert_eq!(missing[0], "lvs-a-1: skip: the workload to follow was not found");
}

#[test]
fn a_workload_in_a_cluster_that_is_not_there_is_told() {
    let follow = |level| Placement { level, rule: PlacementRule::Follow("web".parse().unwrap()) };
    let workload = workload("{ name: slc-a-9, replicas: 3 }, { name: elsewhere-at-all, replicas: 0 }", "");
    let told = "slc-a-9: skip: the workload is wanted there, and the fleet has no cluster of this name; did you mean `slc-a-1`?";
    for level in [PlacementLevel::Cluster, PlacementLevel::Zone] {
        let lines = decided(&follow(level), &[], true, Some(&workload));
        assert_eq!(lines.iter().filter(|line| line.starts_with("slc-a-9")).collect::<Vec<_>>(), [told]);
        assert!(!lines.iter().any(|line| line.starts_with("elsewhere")), "nobody wants it there");
    }
    let half = decided(&follow(PlacementLevel::Cluster), &[], false, Some(&workload));
    assert!(
        half.contains(&"slc-a-9: skip: it was not found, but the list was not read to the end".to_owned())
    );
    let kept = decided(&follow(PlacementLevel::Cluster), &["slc-a-9"], true, Some(&workload));
    assert!(kept.contains(&"slc-a-9: drain: it is no longer in the fleet".to_owned()));
}

/// Its clusters' gateways, and all of those or some.
fn three_zones(is_in: impl Fn(&str) -> bool, unreachable: &[&str]) -> Fleet {
    use crate::fleet::tests::{cluster, zone};
    let zones = ["a", "b", "c"].map(|name| zone(name, "us-west"));
    let clusters = zones.iter().flat_map(|zone| [1, 2].map(|number| (zone.metadata.name.clone(), number)));
    let clusters = clusters.filter_map(|(zone, number)| {
        let name = format!("{zone}-{number}");
        let mut cluster = cluster(&name, &format!("{{ zone: {zone}, gateway: {} }}", number == 1));
        if unreachable.contains(&name.as_str()) {
            let status = api::ClusterStatus { reachability: Reachability::Unreachable, ..Default::default() };
            cluster.status = Some(status);
        }
        is_in(&name).then_some(cluster)
    });
    Fleet::new(zones.to_vec(), clusters.collect()).unwrap()
}

#[test]
fn a_zone_stays_while_a_cluster_that_was_not_read_may_have_the_workload() {
    let workload = workload("{ name: a-2, replicas: 3 }", "{ name: a-1, replicas: 0, ready: 0 }");
    let placement =
        Placement { level: PlacementLevel::Zone, rule: PlacementRule::Follow("web".parse().unwrap()) };
    let current = BTreeSet::from(["a".parse().unwrap()]);
    let decided = |fleet: &Fleet, is_complete| {
        let evidence = Evidence { fleet, is_complete, workload: Some(&workload), current: &current };
        place(&placement, evidence)[0].to_string()
    };
    assert_eq!(decided(&three_zones(|_| true, &[]), true), "a: place: the workload is wanted there");
    let part = three_zones(|name| name != "a-2", &[]);
    assert_eq!(decided(&part, false), "a: retain: it was not found, but the list was not read to the end");
    assert_eq!(decided(&part, true), "a: drain: the workload has left", "there is no other cluster");
}

#[test]
fn the_word_of_a_cluster_that_does_not_answer_removes_nothing() {
    let workload = workload("", "{ name: a-1, replicas: 0, ready: 0 }, { name: a-2, replicas: 0, ready: 0 }");
    let decided = |level, current: &str, unreachable: &[&str]| {
        let placement = Placement { level, rule: PlacementRule::Follow("web".parse().unwrap()) };
        let (fleet, current) =
            (three_zones(|_| true, unreachable), BTreeSet::from([current.parse().unwrap()]));
        let evidence =
            Evidence { fleet: &fleet, is_complete: true, workload: Some(&workload), current: &current };
        place(&placement, evidence)[0].to_string()
    };
    let (cluster, zone) = (PlacementLevel::Cluster, PlacementLevel::Zone);
    let retained =
        "retain: the workload is said to have left, but the cluster does not answer, so that may be old";
    assert_eq!(decided(cluster, "a-1", &["a-1"]), format!("a-1: {retained}"));
    assert_eq!(decided(cluster, "a-1", &["a-2"]), "a-1: drain: the workload has left");
    assert_eq!(decided(zone, "a", &["a-2"]), format!("a: {retained}"));
    assert_eq!(decided(zone, "a", &[]), "a: drain: the workload has left");
}

#[test]
fn decisions_as_conditions_and_as_json() {
    let decision = |outcome, reason| Decision { target: "slc-a-1".parse().unwrap(), outcome, reason };
    let wall = WallTime::from_unix_seconds(0);
    let kept = decision(Outcome::Retain, Reason::WorkloadLeaving { replicas: 2 });
    let condition = kept.condition(wall, 7);
    assert_eq!(
        serde_json::to_value(&condition).unwrap(),
        serde_json::json!({
            "type": "Placed", "status": "True", "observedGeneration": 7, "lastTransitionTime": "1970-01-01T00:00:00Z",
            "reason": "WorkloadLeaving", "message": "the workload is leaving and still has 2 replicas there"
        })
    );
    for (outcome, expected) in [
        (Outcome::Place, ConditionStatus::True),
        (Outcome::Drain, ConditionStatus::False),
        (Outcome::Skip, ConditionStatus::False),
    ] {
        assert_eq!(decision(outcome, Reason::Gone).condition(wall, 0).status, expected);
    }
    assert_eq!(
        serde_json::to_value(decision(Outcome::Drain, Reason::Gone)).unwrap(),
        serde_json::json!({ "target": "slc-a-1", "outcome": "drain", "reason": "Gone", "message": "it is no longer in the fleet" })
    );
}

#[test]
fn a_workload_is_refused_where_a_cluster_is_there_twice() {
    let text = "{ apiVersion: overspill.dev/v1alpha1, kind: FederatedDeployment, metadata: { name: web, namespace: shop }, \
                spec: { placement: { clusters: [{ name: a, replicas: 1 }, { name: a, replicas: 2 }] } } }";
    let refused =
        Workload::try_from(serde_saphyr::from_str::<FederatedDeployment>(text).unwrap()).unwrap_err();
    assert!(refused.to_string().starts_with("spec.placement.clusters[1].name: `a` is already"), "{refused}");
}

#[test]
fn the_targets_are_those_that_are_placed_or_retained() {
    let fleet = fleet();
    let current = names(&["slc-a-2", "gone-1"]).unwrap().into_iter().collect();
    let evidence = Evidence { fleet: &fleet, is_complete: false, workload: None, current: &current };
    let placement = select(PlacementLevel::Cluster, TargetSelection { names: names(&["lvs-a-1"]), ..ALL });
    let decisions = place(&placement, evidence);
    let found: Vec<_> = targets(&decisions, PlacementLevel::Cluster, &fleet)
        .map(|target| target.name().to_string())
        .collect();
    assert_eq!(found, ["lvs-a-1"], "gone-1 is retained, and nothing can be written there");
}

proptest! {
    /// Without evidence nothing is drained; with less evidence never more is.
    #[test]
    fn less_evidence_never_drains_more(current in prop::collection::btree_set("(slc-a-[123]|lvs-a-[123]|x)", 0..6), wanted in prop::collection::vec("(slc-a-[123]|x)", 1..3), follows: bool) {
        let fleet = fleet();
        let current: BTreeSet<Name> = current.iter().map(|name| name.parse().unwrap()).collect();
        let rule = if follows {
            PlacementRule::Follow("web".parse().unwrap())
        } else {
            PlacementRule::Select(TargetSelection { names: names(&wanted.iter().map(String::as_str).collect::<Vec<_>>()), ..ALL })
        };
        let placement = Placement { level: PlacementLevel::Cluster, rule };
        let drained = |fleet: &Fleet, is_complete| -> BTreeSet<Name> {
            let evidence = Evidence { fleet, is_complete, workload: None, current: &current };
            let decisions = place(&placement, evidence);
            let named: BTreeSet<Name> = decisions.iter().map(|decision| decision.target.clone()).collect();
            assert!(current.is_subset(&named), "every current target is decided");
            assert_eq!(decisions.len(), named.len(), "none is decided twice");
            decisions.into_iter().filter(|decision| decision.outcome == Outcome::Drain).map(|decision| decision.target).collect()
        };
        let (whole, half, nothing) = (drained(&fleet, true), drained(&fleet, false), drained(&Fleet::default(), false));
        prop_assert!(half.is_subset(&whole));
        prop_assert!(nothing.is_empty());
        if follows {
            prop_assert!(whole.iter().all(|name| fleet.cluster(name.as_str()).is_none()), "only what left the fleet");
        }
    }

    /// A workload is followed: whatever of the clusters is not read or does not answer, no more is drained.
    #[test]
    fn less_of_the_fleet_never_drains_more(
        wanted in prop::collection::btree_set("[abc]-[12]", 0..4),
        seen in prop::collection::vec(prop::option::weighted(0.8, 0..2_u32), 6),
        unread in prop::collection::btree_set("[abc]-[12]", 0..4),
        silent in prop::collection::vec("[abc]-[12]", 0..3),
        is_zone: bool,
    ) {
        let spec: Vec<String> = wanted.iter().map(|name| format!("{{ name: {name}, replicas: 1 }}")).collect();
        let names = ["a-1", "a-2", "b-1", "b-2", "c-1", "c-2"];
        let seen = names.iter().zip(seen).filter_map(|(name, count)| Some((name, count?)));
        let status: Vec<String> =
            seen.map(|(name, count)| format!("{{ name: {name}, replicas: {count}, ready: 0 }}")).collect();
        let workload = workload(&spec.join(", "), &status.join(", "));
        let level = if is_zone { PlacementLevel::Zone } else { PlacementLevel::Cluster };
        let placement = Placement { level, rule: PlacementRule::Follow("web".parse().unwrap()) };
        let current = if is_zone { &["a", "b", "c"][..] } else { &names };
        let current: BTreeSet<Name> = current.iter().map(|name| name.parse().unwrap()).collect();
        let drained = |fleet: &Fleet, is_complete| -> BTreeSet<Name> {
            let evidence = Evidence { fleet, is_complete, workload: Some(&workload), current: &current };
            let drained = place(&placement, evidence).into_iter();
            drained.filter(|decision| decision.outcome == Outcome::Drain).map(|decision| decision.target).collect()
        };
        let whole = drained(&three_zones(|_| true, &[]), true);
        let silent: Vec<&str> = silent.iter().map(String::as_str).collect();
        prop_assert!(drained(&three_zones(|_| true, &silent), true).is_subset(&whole));
        prop_assert!(drained(&three_zones(|name| !unread.contains(name), &[]), false).is_subset(&whole));
    }
}

//! Tests of drains: what the rest cannot bear, what is drained whole, what a drain leaves where it is, and whom one
//! would leave, as far as that is known.

use super::*;
use crate::units::Rate;

/// Two zones in us-west, of which slc-a has three clusters, and one in us-south; each bears 1000/s.
fn facts_of(drained: &[&str], east_west: bool) -> FleetFacts {
    let zones = [("slc-a", "us-west"), ("slc-b", "us-west"), ("phx-a", "us-south")];
    let zones = (1_u8..).zip(zones).map(|(number, (name, region))| {
        let mut zone = zone(name, region);
        zone.spec.drain = drained.contains(&name);
        let addresses = vec![std::net::IpAddr::from([198, 51, 100, number])];
        zone.spec.east_west = east_west.then_some(crate::api::EastWestSpec { addresses });
        zone
    });
    let clusters =
        [("slc-a-1", true), ("slc-a-2", false), ("slc-a-3", false), ("slc-b-1", true), ("phx-a-1", true)];
    let clusters = clusters.map(|(name, is_gateway)| {
        let spec =
            format!("{{ zone: {}, gateway: {is_gateway}, capacity: {{ requests: 1000/s }} }}", &name[..5]);
        let mut cluster = cluster(name, &spec);
        cluster.spec.drain = drained.contains(&name);
        cluster
    });
    FleetFacts { fleet: Fleet::new(zones.collect(), clusters.into()).unwrap(), ..facts() }
}

fn loads(each: [u64; 5]) -> Option<Loads> {
    let names = ["slc-a-1", "slc-a-2", "slc-a-3", "slc-b-1", "phx-a-1"];
    Some(
        names
            .into_iter()
            .zip(each)
            .map(|(name, load)| (name.parse().unwrap(), Rate::per_second(load)))
            .collect(),
    )
}

const BY_ZONE: &str = "placement: { level: zone, selector: {} }";

/// A Service at this placement, with more of the spec behind.
fn shop(placement: &str, more: &str) -> Vec<AccessPoint> {
    vec![access_point("shop", &format!("{placement}, templates: [{SERVICE}]{more}"))]
}

/// What is found in words: object, path, code, message.
fn told(access_points: &[AccessPoint], facts: &FleetFacts) -> Vec<String> {
    let findings = lint(access_points, Some(facts), &Schemas::embedded());
    let told = |one: &Finding| format!("{} {} {} {}", one.object.name, one.path, one.code, one.message);
    findings.iter().map(told).collect()
}

#[test]
fn a_drain_that_the_rest_cannot_bear_is_an_error_where_it_is_written() {
    let shop = shop(ALL, "");
    let mut facts = facts_of(&["slc-a"], false);
    assert_eq!(told(&shop, &facts), Vec::<String>::new(), "what they carry is not known");
    facts.loads = loads([300, 200, 0, 500, 100]);
    assert_eq!(told(&shop, &facts), Vec::<String>::new(), "slc-b-1 is full, and no more");
    facts.loads = loads([300, 201, 0, 500, 100]);
    let message = "the rest cannot bear this drain: slc-b-1 would carry 1001/s of 1000/s";
    assert_eq!(told(&shop, &facts), [format!("slc-a spec.drain drain-overloads {message}")]);
    assert_eq!(lint(&shop, Some(&facts), &Schemas::embedded())[0].object.kind, Kind::AvailabilityZone);
    // a drained cluster of a drained zone is no drain of its own, and another region's is not to blame
    facts.fleet = facts_of(&["slc-a", "slc-a-2", "phx-a-1"], false).fleet;
    facts.loads = loads([300, 201, 0, 500, 0]);
    assert_eq!(told(&shop, &facts), [format!("slc-a spec.drain drain-overloads {message}")]);
    // where a region is drained whole, others are to bear it
    facts.fleet = facts_of(&["slc-a", "slc-b-1"], false).fleet;
    facts.loads = loads([300, 200, 0, 500, 100]);
    let message = "the rest cannot bear this drain: phx-a-1 would carry 1100/s of 1000/s";
    assert_eq!(
        told(&shop, &facts),
        [
            format!("slc-a spec.drain drain-overloads {message}"),
            format!("slc-b-1 spec.drain drain-overloads {message}")
        ]
    );
    // what was forced and is carried already is no news
    facts.loads = loads([0, 0, 0, 0, 1_100]);
    assert_eq!(told(&shop, &facts), Vec::<String>::new());
}

#[test]
fn what_is_drained_whole_is_told() {
    let order = ", traffic: { local: 100%, regions: [us-west] }";
    let rules = [
        istio(
            "DestinationRule",
            "{ host: web, trafficPolicy: { outlierDetection: { maxEjectionPercent: 100 } } }",
        ),
        istio("VirtualService", "{ hosts: [web], http: [{ route: [{ destination: { host: web } }] }] }"),
    ];
    let steered =
        vec![access_point("shop", &format!("{}{order}", templates(&[SERVICE, &rules[0], &rules[1]])))];
    let west = facts_of(&["slc-a", "slc-b"], false);
    assert_eq!(
        told(&steered, &west),
        [
            "shop spec.traffic.regions drained-whole every region of this order is drained, so it orders nothing: what begins there goes to all others alike"
        ]
    );
    let all = "shop spec.placement drained-whole every target is drained, so nobody answers it";
    assert_eq!(told(&steered, &facts_of(&["slc-a", "slc-b", "phx-a"], false)), [all]);
    assert_eq!(told(&steered, &facts_of(&["slc-a"], false)), Vec::<String>::new());
    // its own targets, whatever others have
    let there = "placement: { names: [slc-b-1] }";
    assert_eq!(told(&shop(there, ""), &west), [all]);
}

#[test]
fn a_drain_names_what_it_leaves_where_it_is() {
    let left = "shop spec.placement.level drain-not-whole on slc-a: the drain takes no pods of slc-a-2, slc-a-3 out of their Services, for nothing is written there";
    assert_eq!(told(&shop(BY_ZONE, ""), &facts_of(&["slc-a"], false)), [left]);
    assert_eq!(told(&shop(BY_ZONE, ""), &facts_of(&["slc-a-3"], false)), [left.replace("slc-a-2, ", "")]);
    assert_eq!(told(&shop(ALL, ""), &facts_of(&["slc-a"], false)), Vec::<String>::new(), "each is written");
    // whoever writes a Service's endpoints is not us
    let by_hand =
        "{ apiVersion: v1, kind: Service, metadata: { name: web }, spec: { ports: [{ port: 80 }] } }";
    let of = |service: &str| vec![access_point("shop", &format!("{ALL}, templates: [{service}]"))];
    let there = facts_of(&["slc-b"], false);
    assert_eq!(
        told(&of(by_hand), &there),
        [
            "shop spec.templates[0].spec drain-not-whole on slc-b-1: Service/web has no selector, so the drain takes nobody out of it"
        ]
    );
    let alias = by_hand.replace("ports: [{ port: 80 }]", "type: ExternalName, externalName: a.example.com");
    assert_eq!(told(&of(&alias), &there), Vec::<String>::new(), "it has no endpoints");
}

/// Before there is a drain, only of whom it is known: a workload that is followed says where its pods are.
#[test]
fn a_zone_that_could_not_be_drained_whole_is_told_in_advance_where_that_is_known() {
    let workload = |clusters: &str| {
        let text = format!(
            "{{ apiVersion: overspill.dev/v1alpha1, kind: FederatedDeployment, metadata: {{ name: web, namespace: team }}, \
             spec: {{ placement: {{ clusters: [{clusters}] }} }} }}"
        );
        let object: crate::api::FederatedDeployment = serde_saphyr::from_str(&text).unwrap();
        Workload::try_from(object).unwrap()
    };
    let follow = "placement: { level: zone, follow: { kind: FederatedDeployment, name: web } }";
    let of = |clusters: &str, drained: &[&str], east_west: bool, more: &str| {
        let facts = FleetFacts { workloads: vec![workload(clusters)], ..facts_of(drained, east_west) };
        told(&shop(follow, more), &facts)
    };
    let both =
        "{ name: slc-a-1, replicas: 2 }, { name: slc-a-3, replicas: 2 }, { name: phx-a-1, replicas: 2 }";
    let message = "shop spec.placement.level zone-not-drainable a drain of slc-a would take no pods of slc-a-3 out of their Services, for nothing is written there";
    assert_eq!(of(both, &[], false, ""), [message]);
    assert_eq!(of(both, &[], true, ""), [message], "an entrance helps whoever has a `traffic` alone");
    assert_eq!(
        of("{ name: slc-a-1, replicas: 2 }, { name: slc-b-1, replicas: 2 }", &[], false, ""),
        Vec::<String>::new()
    );
    assert_eq!(
        told(&shop(BY_ZONE, ""), &facts_of(&[], false)),
        Vec::<String>::new(),
        "where its pods are is not known"
    );
    // a drain that is written names what is there, and no longer what might be
    let written = of(both, &["slc-a"], false, "");
    assert_eq!(
        written,
        [
            "shop spec.placement.level drain-not-whole on slc-a: the drain takes no pods of slc-a-3 out of their Services, for nothing is written there"
        ]
    );
}

#[test]
fn targets_without_a_stage_are_told_where_stages_ask_for_a_soak() {
    let of = |stages: &str| shop(ALL, &format!(", rollout: {{ stages: [{stages}] }}"));
    let facts = facts_of(&[], false);
    let canary = "{ name: canary, targets: { names: [slc-a-1] }, soak: 10m }";
    assert_eq!(
        told(&of(canary), &facts),
        [
            "shop spec.rollout.stages targets-without-stage no stage selects phx-a-1 and 3 more: they come last, one at a time, and none of them soaks"
        ]
    );
    assert_eq!(told(&of(&format!("{canary}, {{ name: rest }}")), &facts), Vec::<String>::new());
    assert_eq!(told(&of(&canary.replace(", soak: 10m", "")), &facts), Vec::<String>::new(), "nor do others");
}

//! Tests of stages that hold nothing back, and of regions whose order is not kept.

use super::cases::check;
use super::*;

/// A fleet of these zones in regions, with one cluster each of this Istio.
fn fleet(zones: &[(&str, &str)], istio: &str) -> FleetFacts {
    let clusters =
        zones.iter().map(|(name, _)| cluster(&format!("{name}-1"), &format!("{{ zone: {name}{istio} }}")));
    let clusters = clusters.collect();
    let zones = zones.iter().map(|(name, region)| zone(name, region)).collect();
    FleetFacts { fleet: Fleet::new(zones, clusters).unwrap(), ..FleetFacts::default() }
}

#[test]
fn stages_that_no_target_is_in() {
    let of = |stages: &str| {
        vec![access_point("shop", &format!("{}, rollout: {{ stages: [{stages}] }}", templates(&[SERVICE])))]
    };
    let wests = "{ name: wests, targets: { regions: [us-west] } }";
    check(
        Code::StageNeverMatches,
        &facts(),
        vec![
            of("{ name: canary, targets: { names: [slc-a-2] }, pause: true }"),
            of("{ name: canary, targets: { zones: [slc-b] } }"),
            of("{ name: edge, targets: { selector: { matchLabels: { tier: edge } } } }"),
            // those before have all of it
            of(&format!("{wests}, {{ name: canary, targets: {{ names: [slc-a-1] }} }}")),
            of("{ name: all }, { name: rest }"),
        ],
        vec![
            of("{ name: canary, targets: { names: [slc-a-1] } }, { name: rest }"),
            of(&format!("{wests}, {{ name: rest }}")),
            of("{ name: canary, targets: { names: [slc-a-1, slc-a-2] } }"),
        ],
    );
    let findings = lint(
        &of(&format!("{wests}, {{ name: canary, targets: {{ zones: [slc-a] }} }}")),
        Some(&facts()),
        &Schemas::embedded(),
    );
    assert_eq!(findings[0].message, "stage canary is empty: stage wests before it has all that it selects");
    assert_eq!(findings[0].path.to_string(), "spec.rollout.stages[1].targets");
}

#[test]
fn regions_that_take_the_spill_at_once() {
    let of = |traffic: &str| {
        let rule = istio(
            "DestinationRule",
            "{ host: web, trafficPolicy: { outlierDetection: { maxEjectionPercent: 100 } } }",
        );
        let routes =
            istio("VirtualService", "{ hosts: [web], http: [{ route: [{ destination: { host: web } }] }] }");
        [access_point(
            "shop",
            &format!("{}, traffic: {{ {traffic} }}", templates(&[SERVICE, &rule, &routes])),
        )]
    };
    let three = [("fra-a", "eu-1"), ("ams-a", "eu-2"), ("iad-a", "us-1")];
    let four = [("fra-a", "eu-1"), ("ams-a", "eu-2"), ("iad-a", "us-1"), ("sin-a", "asia")];
    let told = |traffic: &str, facts: &FleetFacts| -> Vec<String> {
        let findings = lint(&of(traffic), Some(facts), &Schemas::embedded());
        findings.iter().map(|one| format!("{} {} {}", one.path, one.code, one.message)).collect()
    };
    const THREE: &str = "local: 99%, regions: [eu-1, eu-2, us-1]";
    let at_once = |target: &str, regions: &str, home: &str| {
        format!(
            "spec.traffic.regions regions-unordered on {target}: {regions} take what spills beyond {home} at once, by the number of their hosts"
        )
    };
    for istio in ["", ", istio: \"1.30.2\""] {
        let expected = [
            at_once("ams-a-1", "both us-1 and eu-1", "eu-2"),
            at_once("fra-a-1", "both eu-2 and us-1", "eu-1"),
            at_once("iad-a-1", "both eu-1 and eu-2", "us-1"),
        ];
        let mut found = told(THREE, &fleet(&three, istio));
        found.sort();
        assert_eq!(found, expected, "{istio}");
    }
    let none = Vec::<String>::new();
    assert_eq!(told(THREE, &fleet(&three, ", istio: \"1.31\"")), none);
    // two regions have an order anywhere, and so have three that nothing spills to
    assert_eq!(told("local: 99%, regions: [eu-1, eu-2]", &fleet(&three[..2], "")), none);
    assert_eq!(told(&format!("failover: false, {THREE}"), &fleet(&three, "")), none);
    let found = told("local: 99%, regions: [eu-1, eu-2, us-1, asia]", &fleet(&four, ", istio: \"1.31\""));
    assert_eq!(found.len(), 4);
    assert!(found.contains(&at_once("fra-a-1", "both us-1 and asia", "eu-2")), "{found:?}");
}

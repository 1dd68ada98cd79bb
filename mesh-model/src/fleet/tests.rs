//! Tests of the fleet: what does not fit together, and that order does not matter.

use super::*;

pub(crate) fn zone(name: &str, region: &str) -> api::AvailabilityZone {
    object("AvailabilityZone", name, &format!("{{ region: {region} }}"))
}

pub(crate) fn cluster(name: &str, spec: &str) -> api::Cluster {
    object("Cluster", name, spec)
}

fn object<T: serde::de::DeserializeOwned>(kind: &str, name: &str, spec: &str) -> T {
    let text = format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: {kind}, metadata: {{ name: {name}, labels: {{ of: {name} }} }}, spec: {spec} }}"
    );
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Two regions, three zones, five clusters; zone lvs-a has no gateway cluster.
pub(crate) fn fleet() -> Fleet {
    let zones = vec![zone("slc-a", "us-west"), zone("slc-b", "us-west"), zone("lvs-a", "us-east")];
    let clusters = vec![
        cluster("slc-a-1", "{ zone: slc-a, gateway: true }"),
        cluster("slc-a-2", "{ zone: slc-a }"),
        cluster("slc-b-1", "{ zone: slc-b, gateway: true, drain: true }"),
        cluster("lvs-a-1", "{ zone: lvs-a }"),
        cluster("lvs-a-2", "{ zone: lvs-a, network: shared }"),
    ];
    Fleet::new(zones, clusters).unwrap()
}

#[test]
fn targets_by_level_in_order_of_name() {
    let fleet = fleet();
    let names = |level| fleet.targets(level).map(|target| target.name().to_string()).collect::<Vec<_>>();
    assert_eq!(names(PlacementLevel::Cluster), ["lvs-a-1", "lvs-a-2", "slc-a-1", "slc-a-2", "slc-b-1"]);
    assert_eq!(names(PlacementLevel::Zone), ["slc-a", "slc-b"], "lvs-a has no gateway cluster");
    let zone = fleet.target(PlacementLevel::Zone, "slc-b").unwrap();
    assert_eq!((zone.cluster.name.as_str(), zone.is_drained()), ("slc-b-1", true));
    assert_eq!(fleet.cluster("slc-a-1").unwrap().network, "slc-a");
    assert_eq!(fleet.cluster("lvs-a-2").unwrap().network, "shared");
}

#[test]
fn a_targets_label_is_the_clusters_or_else_the_zones() {
    let mut plain = cluster("c", "{ zone: z }");
    plain.metadata.labels = Labels::from([("tier".into(), "edge".into())]);
    let mut zone = zone("z", "r");
    zone.metadata.labels = Labels::from([("tier".into(), "core".into()), ("power".into(), "a".into())]);
    let fleet = Fleet::new(vec![zone], vec![plain]).unwrap();
    let target = fleet.target(PlacementLevel::Cluster, "c").unwrap();
    assert_eq!(
        [target.label("tier"), target.label("power"), target.label("none")],
        [Some("edge"), Some("a"), None]
    );
}

#[test]
fn what_does_not_fit_is_refused_with_object_and_field() {
    let zones = || vec![zone("slc-a", "us-west"), zone("slc-b", "us-west")];
    let mut in_namespace = zone("slc-c", "us-west");
    in_namespace.metadata.namespace = Some("payments".parse().unwrap());
    let mut bad_label = cluster("c", "{ zone: slc-a }");
    bad_label.metadata.labels.insert("a".into(), "b c".into());
    let table = [
        (
            vec![zone("slc-a", "us-west"), zone("slc-a", "us-east")],
            vec![],
            "AvailabilityZone/slc-a: metadata.name: another object of this kind has the name `slc-a` already",
        ),
        (
            vec![in_namespace],
            vec![],
            "AvailabilityZone/payments/slc-c: metadata.namespace: this kind of object belongs to no namespace",
        ),
        (
            zones(),
            vec![cluster("c", "{ zone: slc-aa }")],
            "Cluster/c: spec.zone: there is no zone `slc-aa`; did you mean `slc-a`?",
        ),
        (
            zones(),
            vec![
                cluster("c", "{ zone: slc-a, gateway: true }"),
                cluster("d", "{ zone: slc-a, gateway: true }"),
            ],
            "Cluster/d: spec.gateway: `c` is the gateway cluster of this zone already",
        ),
        (
            zones(),
            vec![cluster("c", "{ zone: slc-a }"), cluster("c", "{ zone: slc-b }")],
            "Cluster/c: metadata.name: another object of this kind has the name `c` already",
        ),
        (zones(), vec![bad_label], "Cluster/c: metadata.labels.a: `b c` is no label's value"),
    ];
    for (zones, clusters, expected) in table {
        let refused = Fleet::new(zones, clusters).unwrap_err().to_string();
        assert!(refused.starts_with(expected), "{refused}");
    }
}

#[test]
fn the_order_of_objects_does_not_matter() {
    let zones = vec![zone("slc-a", "us-west"), zone("lvs-a", "us-east")];
    let clusters = vec![cluster("a", "{ zone: slc-a, gateway: true }"), cluster("b", "{ zone: lvs-a }")];
    let reversed = |mut zones: Vec<_>, mut clusters: Vec<_>| {
        zones.reverse();
        clusters.reverse();
        Fleet::new(zones, clusters)
    };
    assert_eq!(reversed(zones.clone(), clusters.clone()), Fleet::new(zones, clusters));
}

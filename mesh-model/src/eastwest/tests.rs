//! Tests of calls between zones: what is rendered for whom, that it is what API servers take, where calls
//! go by it over every health, what is left out, and what contradicts itself.

mod subsets;

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::api;
use crate::fleet::tests::cluster;
use crate::locality::{Answer, LocalityFile, Question};
use crate::template::{Schemas, Template, TemplateKind};

fn zone(name: &str, region: &str, rest: &str) -> api::AvailabilityZone {
    let text = format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: AvailabilityZone, metadata: {{ name: {name} }}, spec: {{ region: {region}, {rest} }} }}"
    );
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn clusters() -> Vec<api::Cluster> {
    vec![
        cluster("slc-a-1", "{ zone: slc-a, gateway: true }"),
        cluster("slc-a-2", "{ zone: slc-a }"),
        cluster("slc-a-3", "{ zone: slc-a }"),
        cluster("slc-b-1", "{ zone: slc-b, gateway: true }"),
        cluster("lvs-a-1", "{ zone: lvs-a, gateway: true }"),
        cluster("lvs-a-2", "{ zone: lvs-a }"),
        cluster("lab-1", "{ zone: lab }"),
    ]
}

/// Three zones of two regions with entrances, and a laboratory without.
fn fleet_with(slc_b: &str) -> Fleet {
    let zones = vec![
        zone("slc-a", "us-west", "eastWest: { addresses: [198.51.100.1] }"),
        zone("slc-b", "us-west", slc_b),
        zone("lvs-a", "us-east", "eastWest: { addresses: [198.51.100.3, \"2001:db8::3\"] }"),
        zone("lab", "us-east", ""),
    ];
    Fleet::new(zones, clusters()).unwrap()
}

fn fleet() -> Fleet {
    fleet_with("eastWest: { addresses: [198.51.100.2] }")
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn service(ports: Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "cart", "namespace": "shop" },
        "spec": { "ports": ports } })
}

fn rule(policy: Value) -> Value {
    json!({ "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
        "metadata": { "name": "cart", "namespace": "shop" }, "spec": { "host": "cart", "trafficPolicy": policy } })
}

fn rendering(target: &str, objects: Vec<Value>) -> Rendering {
    Rendering { target: name(target), objects, errors: Vec::new(), trace: Vec::new() }
}

/// cart, in two clusters of slc-a, one of slc-b and two of lvs-a.
fn cart() -> Vec<Rendering> {
    let ports = json!([{ "name": "http-web", "port": 80 }, { "name": "tcp-db", "port": 5432 }, { "name": "dns", "port": 53, "protocol": "UDP" }]);
    let on = |target| rendering(target, vec![service(ports.clone())]);
    vec![on("slc-a-1"), on("slc-a-2"), on("slc-b"), on("lvs-a-1"), on("lvs-a-2"), on("lab-1"), on("nowhere")]
}

fn planned(fleet: &Fleet, renderings: &[Rendering]) -> EastWest {
    plan(fleet, &Mesh::default(), &Exposed::of(renderings, fleet)).unwrap()
}

/// The objects of a cluster as `KIND/NAME`.
fn ids(plan: &EastWest, cluster: &str) -> Vec<String> {
    let of = plan.clusters.iter().find(|one| one.cluster == cluster).unwrap();
    let text = |object: &Value, pointer: &str| object.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    of.objects
        .iter()
        .map(|object| format!("{}/{}", text(object, "/kind"), text(object, "/metadata/name")))
        .collect()
}

fn object<'a>(plan: &'a EastWest, cluster: &str, kind: &str) -> Option<&'a Value> {
    let of = plan.clusters.iter().find(|one| one.cluster == cluster).unwrap();
    of.objects.iter().find(|object| object["kind"] == kind)
}

#[test]
fn the_gateway_cluster_is_the_primary_and_the_others_are_its_remotes() {
    let plan = planned(&fleet(), &cart());
    let clusters: Vec<&str> = plan.clusters.iter().map(|one| one.cluster.as_str()).collect();
    assert_eq!(
        clusters,
        ["lvs-a-1", "lvs-a-2", "slc-a-1", "slc-a-2", "slc-a-3", "slc-b-1"],
        "the laboratory takes no part"
    );
    let roles: Vec<Value> =
        plan.clusters.iter().map(|one| serde_json::to_value(&one.role).unwrap()).collect();
    assert_eq!(roles[2], json!({ "role": "primary", "remotes": ["slc-a-2", "slc-a-3"] }));
    assert_eq!(roles[3], json!({ "role": "remote", "primary": "slc-a-1", "address": "198.51.100.1" }));
    assert_eq!(roles[5], json!({ "role": "primary", "remotes": [] }));
    let remote = &plan.clusters[3];
    assert_eq!(ids(&plan, "slc-a-2"), ["Namespace/istio-system"]);
    assert_eq!(
        remote.objects[0]["metadata"]["annotations"]["topology.istio.io/controlPlaneClusters"],
        "slc-a-1"
    );
    assert_eq!(remote.objects[0]["metadata"]["labels"]["topology.istio.io/network"], "slc-a");
    assert_eq!(remote.charts.istiod["istiodRemote"]["injectionPath"], "/inject/cluster/slc-a-2/net/slc-a");
    assert_eq!(remote.charts.istiod["global"]["remotePilotAddress"], "198.51.100.1");
    assert_eq!(remote.charts.gateway, None, "a zone has one entrance");
    let primary = &plan.clusters[2].charts;
    assert_eq!(primary.istiod["global"]["multiCluster"]["clusterName"], "slc-a-1");
    assert_eq!(
        (&primary.istiod["global"]["externalIstiod"], &primary.base["global"]["externalIstiod"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(primary.gateway.as_ref().unwrap()["env"]["ISTIO_META_ROUTER_MODE"], "sni-dnat");
    assert_eq!(primary.gateway.as_ref().unwrap()["networkGateway"], "slc-a");
    assert_eq!(
        primary.istiod["pilot"]["env"],
        json!({ "PILOT_ENABLE_IP_AUTOALLOCATE": "true" }),
        "externalIstiod sets EXTERNAL_ISTIOD, which must not be there twice"
    );
    let alone = &plan.clusters[5].charts;
    assert_eq!(alone.istiod["global"].get("externalIstiod"), None, "there is nobody else to serve");
}

#[test]
fn the_entrance_passes_on_tls_by_name_and_lets_remotes_to_istiod() {
    let plan = planned(&fleet(), &[]);
    let expected = [
        "Namespace/istio-system",
        "PeerAuthentication/default",
        "Service/istio-eastwestgateway",
        "Gateway/cross-network-gateway",
        "Gateway/istiod-gateway",
        "VirtualService/istiod",
    ];
    assert_eq!(ids(&plan, "slc-a-1"), expected);
    assert_eq!(ids(&plan, "slc-b-1"), expected[..4], "no remotes, no entrance to istiod");
    let gateway = object(&plan, "slc-a-1", "Gateway").unwrap();
    assert_eq!(
        gateway["spec"],
        json!({ "selector": { "istio": "eastwestgateway" }, "servers": [{
        "port": { "number": 15443, "name": "tls", "protocol": "TLS" }, "tls": { "mode": "AUTO_PASSTHROUGH" }, "hosts": ["*.local"] }] })
    );
    let service = object(&plan, "lvs-a-1", "Service").unwrap();
    assert_eq!(service["metadata"]["namespace"], "istio-system");
    assert_eq!(service["metadata"]["labels"]["topology.istio.io/network"], "lvs-a");
    assert_eq!(service["metadata"]["annotations"]["overspill.dev/addresses"], "198.51.100.3,2001:db8::3");
    assert_eq!(service["spec"]["ipFamilyPolicy"], "RequireDualStack");
    let ports = |cluster| {
        let service = object(&plan, cluster, "Service").unwrap();
        service["spec"]["ports"]
            .as_array()
            .unwrap()
            .iter()
            .map(|port| port["port"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!((ports("lvs-a-1"), ports("slc-b-1")), (vec![15021, 15443, 15012, 15017], vec![15021, 15443]));
    let route = &object(&plan, "slc-a-1", "VirtualService").unwrap()["spec"]["tls"][1];
    assert_eq!(
        (&route["match"][0]["port"], &route["route"][0]["destination"]["port"]["number"]),
        (&json!(15017), &json!(443))
    );
}

#[test]
fn a_zone_has_an_entry_of_the_others_for_each_service_they_have() {
    let plan = planned(&fleet(), &cart());
    let entry = object(&plan, "slc-a-1", "ServiceEntry").unwrap();
    assert_eq!(
        entry["metadata"],
        json!({ "name": "east-west.shop.cart", "namespace": "shop", "labels": { "overspill.dev/east-west": "slc-a" } })
    );
    let spec = &entry["spec"];
    assert_eq!(spec["hosts"], json!(["cart.shop.svc.cluster.local"]));
    assert_eq!(
        spec["ports"],
        json!([
        { "number": 80, "name": "http-web", "protocol": "HTTP" }, { "number": 5432, "name": "tcp-db", "protocol": "TCP" }]),
        "no gateway passes UDP on"
    );
    let endpoints = spec["endpoints"].as_array().unwrap();
    let summary: Vec<(&str, &str, u64)> = endpoints
        .iter()
        .map(|one| {
            (
                one["address"].as_str().unwrap(),
                one["locality"].as_str().unwrap(),
                one["weight"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        summary,
        [("198.51.100.3", "us-east/lvs-a", 2), ("198.51.100.2", "us-west/slc-b", 1)],
        "one family, as many as there are clusters, never its own"
    );
    assert_eq!(endpoints[0]["ports"], json!({ "http-web": 15443, "tcp-db": 15443 }));
    assert_eq!(endpoints[0]["network"], "lvs-a");
    assert_eq!(endpoints[0]["labels"]["security.istio.io/tlsMode"], "istio");
    assert_eq!(object(&plan, "slc-a-2", "ServiceEntry"), None, "a remote's objects are not heard");
    let pairs: usize = plan
        .clusters
        .iter()
        .flat_map(|one| &one.objects)
        .filter(|object| object["kind"] == "ServiceEntry")
        .map(|entry| entry["spec"]["endpoints"].as_array().unwrap().len())
        .sum();
    assert_eq!(pairs, 6, "each of three zones to the two others");
}

#[test]
fn a_drained_zone_is_called_by_nobody_and_calls_the_others() {
    let plan = planned(&fleet_with("drain: true, eastWest: { addresses: [198.51.100.2] }"), &cart());
    let addresses = |cluster| -> Vec<&str> {
        let entry = object(&plan, cluster, "ServiceEntry").unwrap();
        entry["spec"]["endpoints"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["address"].as_str().unwrap())
            .collect()
    };
    assert_eq!(addresses("slc-a-1"), ["198.51.100.3"]);
    assert_eq!(addresses("slc-b-1"), ["198.51.100.3", "198.51.100.1"]);
    assert!(
        ids(&plan, "slc-b-1").contains(&"Gateway/cross-network-gateway".to_owned()),
        "connections that are there go on"
    );
}

#[test]
fn a_zone_that_nobody_reaches_is_not_taken_from_the_others() {
    let mut clusters = clusters();
    clusters[3].status = Some(api::ClusterStatus {
        reachability: api::Reachability::Unreachable,
        ..api::ClusterStatus::default()
    });
    let zones = vec![
        zone("slc-a", "us-west", "eastWest: { addresses: [198.51.100.1] }"),
        zone("slc-b", "us-west", "eastWest: { addresses: [198.51.100.2] }"),
        zone("lvs-a", "us-east", "eastWest: { addresses: [198.51.100.3, \"2001:db8::3\"] }"),
        zone("lab", "us-east", ""),
    ];
    let silent = Fleet::new(zones, clusters).unwrap();
    assert_eq!(planned(&silent, &cart()), planned(&fleet(), &cart()));
}

/// The answer of Istio and Envoy for a proxy of slc-a, with `healthy` of ten pods at home.
fn answer(policy: &Value, healthy: u32, west: u32) -> Answer {
    let host = |zone: &str, region: &str, hosts: u32, healthy: u32| {
        json!({ "locality": format!("{region}/{zone}"), "hosts": hosts, "healthy": healthy,
        "labels": { "topology.istio.io/network": zone, "topology.kubernetes.io/region": region } })
    };
    let file: LocalityFile = serde_json::from_value(json!({
        "from": "us-west/slc-a",
        "proxyLabels": { "topology.istio.io/network": "slc-a", "topology.kubernetes.io/region": "us-west" },
        "policy": policy,
        "endpoints": [host("slc-a", "us-west", 10, healthy), host("slc-b", "us-west", 1, west), host("lvs-a", "us-east", 1, 1)],
    })).unwrap();
    Question::try_from(file).unwrap().answer()
}

#[test]
fn calls_go_direct_while_the_zone_answers_then_to_the_region_then_far() {
    let plan = planned(&fleet(), &cart());
    let policy = &object(&plan, "slc-a-1", "DestinationRule").unwrap()["spec"]["trafficPolicy"];
    for healthy in 0..=10 {
        let loads: Vec<u32> = answer(policy, healthy, 1).priorities.iter().map(|one| one.load).collect();
        let home = (140 * healthy / 10).min(100);
        assert_eq!(loads, [home, 100 - home, 0], "{healthy} of 10 healthy");
    }
    let far: Vec<u32> = answer(policy, 0, 0).priorities.iter().map(|one| one.load).collect();
    assert_eq!(far, [0, 0, 100]);
    // the same without what makes priorities: half of the calls would leave the zone
    let mut without = policy.clone();
    without.as_object_mut().unwrap().remove("outlierDetection");
    assert_eq!(answer(&without, 10, 1).priorities.len(), 1);
}

#[test]
fn a_rule_of_its_own_stays_and_one_that_cannot_bear_it_is_told() {
    let with = |policy: Value| {
        let mut renderings = cart();
        renderings[0].objects.push(rule(policy));
        planned(&fleet(), &renderings)
    };
    let kinds = |plan: &EastWest, cluster: &str| -> Vec<String> {
        ids(plan, cluster)
            .into_iter()
            .filter(|id| id.ends_with("cart"))
            .map(|id| id.split('/').next().unwrap().to_owned())
            .collect()
    };
    let good = with(json!({ "outlierDetection": { "consecutive5xxErrors": 3 } }));
    assert_eq!(
        (kinds(&good, "slc-a-1"), kinds(&good, "slc-b-1")),
        (vec!["ServiceEntry".into()], vec!["ServiceEntry".into(), "DestinationRule".into()])
    );
    assert_eq!(good.left_out, []);
    for (policy, reason) in [
        (json!({}), LeftOutReason::NoOutlierDetection),
        (json!({ "tls": { "mode": "SIMPLE" }, "outlierDetection": {} }), LeftOutReason::OtherTls),
        // a port's settings have nothing of those around them
        (
            json!({ "outlierDetection": {}, "portLevelSettings": [{ "port": { "number": 80 } }] }),
            LeftOutReason::NoOutlierDetection,
        ),
        (
            json!({ "outlierDetection": {}, "portLevelSettings":
                [{ "port": { "number": 80 }, "outlierDetection": {}, "tls": { "mode": "DISABLE" } }] }),
            LeftOutReason::OtherTls,
        ),
    ] {
        let plan = with(policy);
        assert_eq!(kinds(&plan, "slc-a-1"), Vec::<String>::new());
        assert_eq!(kinds(&plan, "lvs-a-1").len(), 2, "others call it all the same");
        assert_eq!(
            plan.left_out,
            [LeftOut { zone: name("slc-a"), host: "cart.shop.svc.cluster.local".into(), reason }]
        );
    }
}

/// Istio asks for the endpoints of the Service's port by its name, and an entry's port cannot be without one.
#[test]
fn a_port_without_a_name_has_no_endpoints_of_other_zones_where_the_service_is() {
    let of = |ports: Value| {
        let on = |target| rendering(target, vec![service(ports.clone())]);
        let all = [on("slc-a-1"), on("slc-b-1")];
        let mut plan = planned(&fleet(), &all);
        let left_out = std::mem::take(&mut plan.left_out);
        let names = |cluster| {
            let ports = object(&plan, cluster, "ServiceEntry")?["spec"]["ports"].as_array()?;
            Some(ports.iter().map(|port| port["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>())
        };
        (names("slc-a-1"), names("lvs-a-1"), left_out)
    };
    let host = "cart.shop.svc.cluster.local".to_owned();
    let reason = LeftOutReason::NamelessPort(80);
    let told = ["slc-a", "slc-b"].map(|zone| LeftOut {
        zone: name(zone),
        host: host.clone(),
        reason: reason.clone(),
    });
    let (with_it, without, left_out) = of(json!([{ "port": 80 }]));
    assert_eq!((with_it, left_out), (None, told.to_vec()));
    assert_eq!(
        without,
        Some(vec!["tcp-80".to_owned()]),
        "where the entry is all that there is, it has its name"
    );
    let (with_it, _, left_out) = of(json!([{ "port": 80, "name": "http" }]));
    assert_eq!((with_it, left_out), (Some(vec!["http".to_owned()]), Vec::new()));
}

#[test]
fn what_no_gateway_passes_on_is_not_exposed_and_nobody_sees_more() {
    let fleet = fleet();
    let exposed = |change: &dyn Fn(&mut Value)| {
        let mut object = service(json!([{ "name": "grpc-api", "port": 80 }]));
        change(&mut object);
        Exposed::of(&[rendering("slc-a-1", vec![object])], &fleet)
    };
    assert_eq!(exposed(&|_| ()).len(), 1);
    assert_eq!(exposed(&|object| object["spec"]["clusterIP"] = json!("None")), []);
    assert_eq!(exposed(&|object| object["spec"]["type"] = json!("ExternalName")), []);
    assert_eq!(exposed(&|object| object["spec"]["ports"][0]["protocol"] = json!("UDP")), []);
    let own = exposed(&|object| {
        object["metadata"]["annotations"] = json!({ "networking.istio.io/exportTo": ".,till,istio-system" })
    });
    let plan = plan(&fleet, &Mesh::default(), &own).unwrap();
    for kind in ["ServiceEntry", "DestinationRule"] {
        assert_eq!(
            object(&plan, "slc-b-1", kind).unwrap()["spec"]["exportTo"],
            json!(["istio-system", "till", "shop"]),
            "{kind}"
        );
    }
    assert_eq!(object(&plan, "slc-b-1", "ServiceEntry").unwrap()["spec"]["ports"][0]["protocol"], "GRPC");
    assert_eq!(object(&plan, "slc-a-1", "ServiceEntry"), None, "nobody else has it");
}

#[test]
fn api_servers_take_all_of_it() {
    let schemas = Schemas::embedded();
    let plan = planned(&fleet(), &cart());
    let mut kinds = BTreeSet::new();
    for object in plan.clusters.iter().flat_map(|one| &one.objects) {
        let Ok(kind) = object["kind"].as_str().unwrap().parse::<TemplateKind>() else {
            assert_eq!(object["kind"], "Namespace");
            continue;
        };
        assert_eq!(schemas.check_object(kind, object), [], "{object:#}");
        kinds.insert(kind);
        let mut bare = object.clone();
        bare["metadata"]["labels"] = json!({}); // our marks, which a person may not write
        bare["metadata"]["annotations"] = json!({});
        let namespace = name(object["metadata"]["namespace"].as_str().unwrap());
        Template::check(bare, &namespace, &api::FieldPath::default()).unwrap();
    }
    let all = [
        TemplateKind::DestinationRule,
        TemplateKind::Gateway,
        TemplateKind::PeerAuthentication,
        TemplateKind::Service,
        TemplateKind::ServiceEntry,
        TemplateKind::VirtualService,
    ];
    assert_eq!(kinds, all.into());
}

#[test]
fn what_contradicts_itself_is_told_zone_by_zone_and_nothing_is_rendered() {
    let at = "eastWest: { addresses: [198.51.100.1] }";
    let table: [(Vec<api::AvailabilityZone>, Vec<api::Cluster>, &[&str]); 3] = [
        (
            vec![zone("a", "r", at), zone("b", "r", at)],
            vec![cluster("a-1", "{ zone: a, gateway: true }"), cluster("b-1", "{ zone: b }")],
            &[
                "AvailabilityZone/b: 198.51.100.1 is the eastWest address of zone `a` too",
                "AvailabilityZone/b: it has an eastWest address and no gateway cluster",
            ],
        ),
        (
            vec![zone("a", "r", at)],
            vec![cluster("a-1", "{ zone: a, gateway: true }"), cluster("a-2", "{ zone: a, network: lab }")],
            &["AvailabilityZone/a: cluster `a-2` is of network `lab`, its zone of `a`"],
        ),
        (
            vec![zone("a", "r", at), zone("b", "r", "eastWest: { addresses: [198.51.100.2] }")],
            vec![
                cluster("a-1", "{ zone: a, gateway: true, network: flat }"),
                cluster("b-1", "{ zone: b, gateway: true, network: flat }"),
            ],
            &["AvailabilityZone/b: it is of network `flat`, as zone `a` is"],
        ),
    ];
    for (zones, clusters, expected) in table {
        let fleet = Fleet::new(zones, clusters).unwrap();
        let errors: Vec<String> =
            plan(&fleet, &Mesh::default(), &[]).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(errors.len(), expected.len(), "{errors:?}");
        for (error, expected) in errors.iter().zip(expected) {
            assert!(error.starts_with(expected), "{error}");
        }
    }
}

#[test]
fn addresses_that_nobody_reaches_are_refused_with_their_place() {
    let refused = |addresses: &str| {
        let zone = zone("a", "r", &format!("eastWest: {{ addresses: {addresses} }}"));
        Fleet::new(vec![zone], Vec::new()).unwrap_err().to_string()
    };
    let start = "AvailabilityZone/a: spec.eastWest.addresses";
    assert!(refused("[]").starts_with(&format!("{start}: an empty list")), "{}", refused("[]"));
    assert!(
        refused("[10.0.0.1, 10.0.0.1]").starts_with(&format!("{start}[1]: `10.0.0.1` is already")),
        "{}",
        refused("[10.0.0.1, 10.0.0.1]")
    );
    assert!(
        refused("[10.0.0.1, \"2001:db8::1\", 10.0.0.2]")
            .starts_with(&format!("{start}[2]: `10.0.0.2` is a second")),
        "{}",
        refused("[10.0.0.1, \"2001:db8::1\", 10.0.0.2]")
    );
    for address in ["0.0.0.0", "127.0.0.1", "224.0.0.1", "\"::\""] {
        let text = refused(&format!("[10.0.0.1, {address}]"));
        assert!(
            text.starts_with(&format!("{start}[1]: {} is no address", address.trim_matches('"'))),
            "{text}"
        );
    }
}

proptest! {
    /// Whatever the order of renderings and objects, the same bytes.
    #[test]
    fn the_order_of_renderings_does_not_matter(order in Just(cart()).prop_shuffle()) {
        let bytes = |renderings: &[Rendering]| serde_json::to_vec(&planned(&fleet(), renderings)).unwrap();
        prop_assert_eq!(bytes(&order), bytes(&cart()));
    }
}

#[test]
fn footprint_counts_what_it_costs_the_gateway() {
    let fleet = fleet();
    let east_west = planned(&fleet, &cart());
    let services = crate::footprint::Services::try_from(crate::footprint::ServicesFile::default()).unwrap();
    let gateways = |renderings: &[Rendering]| -> Vec<(bool, u64, u64)> {
        let footprint = crate::footprint::predict(renderings, &services, &fleet);
        let of =
            footprint.proxies.into_iter().filter(|one| one.cluster == "slc-b-1" && one.gateway.is_some());
        of.map(|one| (one.east_west, one.counts.clusters, one.counts.passed)).collect()
    };
    let all: Vec<Rendering> = cart().into_iter().chain(east_west.renderings()).collect();
    // two ports of cart passed on and one of UDP not; the gateway's own service has two
    assert_eq!(gateways(&all), [(true, 3 + 2 + 2 + 2, 2 + 2)]);
}

#[test]
fn an_entry_lies_in_the_services_namespace_only_where_the_zone_has_something_there() {
    let fleet = fleet();
    let namespaces = |renderings: &[Rendering], cluster: &str| {
        let plan = planned(&fleet, renderings);
        ["ServiceEntry", "DestinationRule"].map(|kind| {
            let object = object(&plan, cluster, kind);
            object.map(|object| {
                (object["metadata"]["namespace"].clone(), object["spec"].get("exportTo").cloned())
            })
        })
    };
    let mut own = service(json!([{ "name": "http", "port": 80 }]));
    own["metadata"]["annotations"] = json!({ "networking.istio.io/exportTo": ".,istio-system" });
    let one = vec![rendering("slc-a-1", vec![own.clone()])];
    let both = vec![rendering("slc-a-1", vec![own.clone()]), rendering("slc-b-1", vec![own.clone()])];
    let bears = rule(json!({ "outlierDetection": {}, "tls": { "mode": "ISTIO_MUTUAL" } }));
    let ruled = vec![rendering("slc-a-1", vec![own]), rendering("slc-b-1", vec![bears])];
    let there = Some((json!("shop"), Some(json!(["istio-system", "."]))));
    let elsewhere = Some((json!("istio-system"), Some(json!(["istio-system", "shop"]))));
    assert_eq!(namespaces(&one, "slc-b-1"), [elsewhere.clone(), elsewhere], "who sees it are the same");
    assert_eq!(namespaces(&both, "slc-b-1"), [there.clone(), there.clone()]);
    assert_eq!(namespaces(&ruled, "slc-b-1")[0], there, "beside the rule that it has for it");
}

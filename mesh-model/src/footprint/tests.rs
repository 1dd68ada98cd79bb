//! Tests of the footprint: the model against what was measured, the incident of
//! 8,000 services, scoped gateways, what each rule of visibility takes away.

use serde_json::{Value, json};

use super::*;
use crate::access_point::AccessPoint;
use crate::fleet::tests::{cluster, zone};
use crate::placement::Workload;
use crate::render::OWNER_LABEL;
use crate::units::ByteSize;
use crate::visibility::{Export, ExportTo};

#[test]
fn the_model_is_within_5_percent_of_every_measurement() {
    // clusters, megabytes of memory
    let plain = [(1_000, 172), (4_000, 473), (8_000, 872), (16_000, 1_744)];
    let full = [(1_000, 215), (4_000, 649), (8_000, 1_212), (16_000, 2_347)];
    for (model, table) in [(SizeModel::PLAIN, plain), (SizeModel::FULL, full)] {
        for (clusters, measured) in table {
            let counts = Counts { clusters, routes: clusters, endpoints: 10 * clusters, ..Counts::default() };
            let ratio = model.size(counts).memory_bytes as f64 / (f64::from(measured) * 1e6);
            assert!((0.95..=1.05).contains(&ratio), "{clusters}: {ratio}");
        }
    }
    // what 8,000 of them are on the wire: CDS 6.1, EDS 3.7, RDS 2.0 MB
    let counts = Counts { clusters: 8_000, routes: 8_000, endpoints: 80_000, ..Counts::default() };
    let size = SizeModel::FULL.size(counts);
    assert!((11_500_000..12_100_000).contains(&size.config_bytes), "{size:?}");
    let more = SizeModel::FULL.with_workers(4).size(counts);
    assert_eq!(more.memory_bytes - size.memory_bytes, 8_000 * 2 * 5_600);
    let fewer = SizeModel::FULL.size(Counts { endpoints: 0, ..counts });
    assert_eq!(size.memory_bytes - fewer.memory_bytes, 80_000 * 1_550, "endpoints are counted once");
    // routes alone, five to a host, which a proxy had beside one cluster
    for (routes, measured) in [(5_000, 95.1), (20_000, 181.3), (40_000, 296.7)] {
        let size = SizeModel::PLAIN.size(Counts { routes, ..Counts::default() });
        let ratio = size.memory_bytes as f64 / (measured * 1.024e6);
        assert!((0.95..=1.05).contains(&ratio), "{routes} routes: {ratio}");
    }
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// A fleet of one cluster per zone, whose gateways may use 2 GiB and sidecars 256 MiB.
fn fleet(clusters: usize) -> Fleet {
    let zones = (0..clusters).map(|at| zone(&format!("z{at}"), "us-west")).collect();
    let spec =
        |at| format!("{{ zone: z{at}, gateway: true, proxyMemory: {{ gateway: 2GiB, sidecar: 256MiB }} }}");
    Fleet::new(zones, (0..clusters).map(|at| cluster(&format!("c{at}"), &spec(at))).collect()).unwrap()
}

/// A mesh of `s0` to `sN` with two ports in namespaces `team-0` to `team-99`, with settings.
fn mesh(count: usize, settings: &Value, export: impl Fn(usize) -> Vec<Export>) -> Services {
    let mut file: ServicesFile = serde_json::from_value({
        let mut settings = settings.clone();
        settings["services"] = json!([]);
        settings
    })
    .unwrap();
    file.services = (0..count)
        .map(|at| ServiceSpec {
            name: name(&format!("s{at}")),
            namespace: name(&format!("team-{}", at % 100)),
            ports: vec![8080, 9090],
            endpoints: None,
            export_to: export(at),
        })
        .collect();
    Services::try_from(file).unwrap()
}

/// What an access point of `team-N` renders to: a Gateway and a route to its service `sN`.
fn rendering(target: &str, at: usize) -> Rendering {
    let metadata = json!({ "name": format!("a{at}"), "namespace": format!("team-{}", at % 100) });
    let host = format!("s{at}.team-{}.svc.cluster.local", at % 100);
    Rendering {
        target: name(target),
        objects: vec![
            json!({ "kind": "Gateway", "metadata": metadata, "spec": { "servers": [{ "port": { "number": 443 } }] } }),
            json!({ "kind": "VirtualService", "metadata": metadata, "spec": { "hosts": [format!("a{at}.example.com")],
                "gateways": [format!("a{at}")], "http": [{ "route": [{ "destination": { "host": host } }] }] } }),
        ],
        errors: Vec::new(),
        trace: Vec::new(),
    }
}

fn edge() -> Value {
    json!({ "gatewayNamespace": "edge" })
}

fn gateway(footprint: &Footprint) -> &ProxySize {
    footprint.proxies.iter().find(|proxy| proxy.class == ProxyClass::Gateway).unwrap()
}

#[test]
fn the_incident_of_8_000_services_is_over_budget_and_says_what_to_hide() {
    let (fleet, renderings) = (fleet(1), [rendering("c0", 0), rendering("c0", 1)]);
    let services = mesh(8_000, &edge(), |_| Vec::new());
    let footprint = predict(&renderings, &services, &fleet);
    let size = gateway(&footprint);
    assert_eq!((size.counts.clusters, size.counts.endpoints), (16_000, 160_000));
    // 2,347 MB were measured with a route to each of them, which a gateway has not: its own routes are two
    assert!(size.over && footprint.is_over() && size.memory_bytes > 2_347_000_000 / 100 * 95, "{size:?}");
    assert!(
        !footprint.hide.iter().any(|one| one == "team-0/s0" || one == "team-1/s1"),
        "those are referred to"
    );
    let with_hidden = |hidden: &[String]| {
        let mut services = services.clone();
        for (host, service) in &mut services.services {
            let of = format!("{}/{}", service.namespace, host.split_once('.').unwrap().0);
            if hidden.contains(&of) {
                service.export = ExportTo::from_iter([Export::Own]);
            }
        }
        predict(&renderings, &services, &fleet)
    };
    assert!(!with_hidden(&footprint.hide).is_over(), "hidden as it says, all proxies fit");
    assert!(
        with_hidden(&footprint.hide[..footprint.hide.len() / 2]).is_over(),
        "and it says no more than that"
    );
}

#[test]
fn what_no_hiding_reaches_is_said_and_asks_for_no_hiding() {
    let renderings = [rendering("c0", 0), rendering("c1", 1)];
    let services = mesh(100, &edge(), |_| Vec::new());
    let with = |memory: &str| {
        let spec = |at, memory: &str| {
            format!("{{ zone: z{at}, gateway: true, proxyMemory: {{ gateway: {memory}, sidecar: 256MiB }} }}")
        };
        let clusters = vec![cluster("c0", &spec(0, memory)), cluster("c1", &spec(1, "80MB"))];
        let fleet = Fleet::new(vec![zone("z0", "us-west"), zone("z1", "us-west")], clusters).unwrap();
        predict(&renderings, &services, &fleet)
    };
    // at rest a proxy takes 67 MB; with all 100 services of two ports, about 95 MB
    let beyond = with("60MB");
    let [one, other] = ["c0", "c1"].map(|cluster| {
        let is_it = |proxy: &&ProxySize| proxy.class == ProxyClass::Gateway && proxy.cluster == name(cluster);
        beyond.proxies.iter().find(is_it).unwrap()
    });
    assert!(one.is_beyond_hiding() && other.over && !other.is_beyond_hiding(), "{one:?} {other:?}");
    let least = one.least_bytes.unwrap();
    assert!((67_000_000..one.memory_bytes).contains(&least), "{one:?}");
    let alone = with("2GiB");
    assert_eq!(beyond.hide, alone.hide, "only the other's, which it helps");
    assert!(!alone.hide.is_empty() && alone.hide.len() < 98);
    // just what it says is enough, with everything hidden that may be, and no byte less
    let enough = with(&format!("{least}B"));
    assert!(enough.is_over() && !enough.proxies.iter().any(ProxySize::is_beyond_hiding));
    assert_eq!(enough.hide.len(), 98, "all but the two that are referred to");
    assert!(with(&format!("{}B", least - 1)).proxies.iter().any(ProxySize::is_beyond_hiding));
    assert!(
        one.least_bytes.is_some()
            && alone.proxies.iter().all(|proxy| proxy.over == proxy.least_bytes.is_some())
    );
}

#[test]
fn a_scoped_gateway_of_1_000_access_points_holds_its_own_references_only() {
    let fleet = fleet(1);
    let renderings: Vec<Rendering> = (0..1_000).map(|at| rendering("c0", at)).collect();
    let scoped = |count| {
        mesh(count, &edge(), |at| {
            let own = [Export::Own].into_iter();
            own.chain((at < 1_000).then(|| Export::Namespace(name("edge")))).collect()
        })
    };
    let footprint = predict(&renderings, &scoped(10_000), &fleet);
    let size = gateway(&footprint).clone();
    assert_eq!(
        size.counts,
        Counts { clusters: 2_000, passed: 0, routes: 1_000, listeners: 1, endpoints: 20_000 }
    );
    assert!(!footprint.is_over() && footprint.hide.is_empty());
    assert_eq!(
        *gateway(&predict(&renderings, &scoped(10_001), &fleet)),
        size,
        "an unrelated service is 0 bytes"
    );
    // the same by Istio's filter of gateways, whatever is exported
    let settings = json!({ "gatewayNamespace": "edge", "filterGatewayClusters": true });
    let filtered = predict(&renderings, &mesh(10_000, &settings, |_| Vec::new()), &fleet);
    assert_eq!(gateway(&filtered).counts, size.counts);
}

#[test]
fn gateways_of_our_own_have_listeners_and_clusters_by_access_point() {
    let fleet = fleet(1);
    let mut renderings: Vec<Rendering> = (0..3).map(|at| rendering("c0", at)).collect();
    let label = |name: &str| json!({ OWNER_LABEL: name });
    for (at, rendering) in renderings.iter_mut().enumerate() {
        // all lead to one service, the last by its second port, too, and by TLS for two names
        for object in &mut rendering.objects {
            object["metadata"]["labels"] = label(&format!("a{at}"));
        }
        let host = "s0.team-0.svc.cluster.local";
        rendering.objects[1]["spec"]["http"][0]["route"] =
            json!([{ "destination": { "host": host, "port": { "number": 8080 } } }]);
    }
    let more =
        json!({ "destination": { "host": "s0.team-0.svc.cluster.local", "port": { "number": 9090 } } });
    renderings[2].objects[1]["spec"]["http"][0]["route"].as_array_mut().unwrap().push(more);
    let tls = json!({ "port": { "number": 443 }, "tls": { "mode": "SIMPLE" } });
    renderings[2].objects[0]["spec"]["servers"] = json!([tls, tls]);
    let settings = json!({ "gatewayNamespace": "edge", "gatewayConfig": "overspill" });
    let footprint = predict(&renderings, &mesh(8_000, &settings, |_| Vec::new()), &fleet);
    let size = gateway(&footprint);
    assert_eq!(
        size.counts,
        Counts { clusters: 4, routes: 3, listeners: 4, endpoints: 40, ..Counts::default() }
    );
    let more = predict(&renderings, &mesh(8_001, &settings, |_| Vec::new()), &fleet);
    assert_eq!(gateway(&more), size, "what is exported is nothing to it");
    // the names of services in istiod's are there once
    let istio = predict(&renderings, &mesh(1, &edge(), |_| Vec::new()), &fleet);
    assert_eq!(
        gateway(&istio).counts,
        Counts { clusters: 2, routes: 3, listeners: 3, endpoints: 20, ..Counts::default() }
    );
}

#[test]
fn listeners_have_a_size() {
    let none = Counts { clusters: 10, routes: 10, listeners: 0, endpoints: 100, ..Counts::default() };
    let [before, after] = [0, 1_000].map(|listeners| SizeModel::FULL.size(Counts { listeners, ..none }));
    assert_eq!(after.config_bytes - before.config_bytes, 1_450_000);
    assert_eq!(after.memory_bytes - before.memory_bytes, 83_000_000);
    let most = SizeModel::FULL.size(Counts {
        clusters: u64::MAX,
        routes: u64::MAX,
        listeners: u64::MAX,
        endpoints: u64::MAX,
        ..Counts::default()
    });
    assert_eq!((most.config_bytes, most.memory_bytes), (u64::MAX, u64::MAX), "too much is not little");
}

#[test]
fn each_rule_takes_away_what_it_says() {
    let fleet = fleet(1);
    let of = |settings: Value, objects: Vec<Value>| -> Vec<(ProxyClass, u64, u64)> {
        let mut rendering = rendering("c0", 0);
        rendering.objects.extend(objects);
        let footprint = predict(&[rendering], &mesh(100, &settings, |_| Vec::new()), &fleet);
        footprint.proxies.iter().map(|one| (one.class, one.counts.clusters, one.counts.listeners)).collect()
    };
    let (gateway, sidecar) = (ProxyClass::Gateway, ProxyClass::Sidecar);
    assert_eq!(of(json!({}), vec![]), [(gateway, 200, 1), (sidecar, 200, 4)]);
    assert_eq!(of(json!({ "defaultExportTo": ["."] }), vec![]), [(gateway, 2, 1), (sidecar, 2, 4)]);
    let selectors = json!({ "discoverySelectors": [{ "matchLabels": { "mesh": "on" } }], "namespaces": { "team-7": { "labels": { "mesh": "on" } } } });
    assert_eq!(of(selectors, vec![]), [(gateway, 2, 1), (sidecar, 2, 4)]);
    let sidecars = json!({ "namespaces": { "team-0": { "sidecarEgress": ["./*", "team-1/*"] } } });
    assert_eq!(of(sidecars, vec![]), [(gateway, 200, 1), (sidecar, 4, 4)], "gateways know no Sidecar");
    let root = json!({ "namespaces": { "istio-system": { "sidecarEgress": ["./*"] } } });
    assert_eq!(of(root, vec![]), [(gateway, 200, 1), (sidecar, 2, 4)], "`.` is each namespace's own");
    let metadata = json!({ "name": "x", "namespace": "team-0" });
    let routes = json!({ "kind": "VirtualService", "metadata": metadata, "spec": { "hosts": ["x.example.com"],
        "http": [{ "route": [{ "destination": { "host": "s7.team-7.svc.cluster.local" } }] }] } });
    let own = json!({ "namespaces": { "team-0": { "sidecarEgress": ["./*"] } } });
    assert_eq!(
        of(own, vec![routes]),
        [(gateway, 200, 1), (sidecar, 4, 4)],
        "a route brings what it leads to"
    );
    let rule = json!({ "kind": "DestinationRule", "metadata": metadata, "spec": { "host": "s0", "subsets": [{ "name": "home" }, { "name": "away" }] } });
    assert_eq!(of(json!({}), vec![rule]), [(gateway, 204, 1), (sidecar, 204, 4)], "two more for each port");
    let east_west = json!({ "kind": "Gateway", "metadata": metadata, "spec": { "servers": [{ "port": { "number": 15443 }, "tls": { "mode": "AUTO_PASSTHROUGH" } }] } });
    assert_eq!(of(json!({}), vec![east_west]), [(gateway, 400, 2), (sidecar, 200, 4)], "twice for sni-dnat");
    let entry = json!({ "kind": "ServiceEntry", "metadata": metadata, "spec": { "hosts": ["a.example.net", "b.example.net"], "exportTo": ["."], "ports": [{ "number": 443 }] } });
    assert_eq!(of(json!({}), vec![entry.clone()]), [(gateway, 202, 1), (sidecar, 202, 5)]);
    assert_eq!(
        of(edge(), vec![entry]),
        [(gateway, 200, 1), (sidecar, 202, 5)],
        "`.` is not the gateway's namespace"
    );
}

/// The proxies of `c0`: what of them counts as gateway, whether it passes TLS on, clusters, of these passed on, endpoints.
fn gateways(objects: Vec<Value>, services: &Services) -> Vec<(bool, u64, u64, u64)> {
    let rendering = Rendering { target: name("c0"), objects, errors: Vec::new(), trace: Vec::new() };
    let footprint = predict(&[rendering], services, &fleet(1));
    let gateways = footprint.proxies.iter().filter(|one| one.class == ProxyClass::Gateway);
    gateways
        .map(|one| (one.east_west, one.counts.clusters, one.counts.passed, one.counts.endpoints))
        .collect()
}

/// A Gateway of pods of this role, with this mode of TLS.
fn of_role(role: &str, mode: &str) -> Value {
    json!({ "kind": "Gateway", "metadata": { "name": role, "namespace": "istio-system" },
        "spec": { "selector": { "istio": role }, "servers": [{ "port": { "number": 15443 }, "tls": { "mode": mode } }] } })
}

#[test]
fn an_east_west_gateway_has_every_cluster_a_second_time_and_no_other_gateway_has() {
    // 8,000 services of one port: 1.2 GB were measured with as many clusters, 2.35 GB with twice as many
    let one_port = |count: usize| {
        let mut services = mesh(count, &json!({}), |_| Vec::new());
        for service in services.services.values_mut() {
            service.ports.truncate(1);
            service.passed = 1;
        }
        services
    };
    let (east_west, plain) =
        (of_role("eastwestgateway", "AUTO_PASSTHROUGH"), of_role("ingressgateway", "SIMPLE"));
    let both = vec![east_west.clone(), plain.clone()];
    let found = gateways(both.clone(), &one_port(8_000));
    assert_eq!(found, [(false, 8_000, 0, 80_000), (true, 16_000, 8_000, 160_000)], "each by its own pods");
    let rendering = Rendering { target: name("c0"), objects: both, errors: Vec::new(), trace: Vec::new() };
    let footprint = predict(&[rendering], &one_port(8_000), &fleet(1));
    for (size, measured) in footprint.proxies.iter().zip([1_212.0, 2_347.0]) {
        let ratio = size.memory_bytes as f64 / (measured * 1e6);
        assert!((0.95..=1.05).contains(&ratio), "{ratio}: {size:?}");
    }
    let over: Vec<bool> = footprint.proxies.iter().take(2).map(|one| one.over).collect();
    assert_eq!(over, [false, true], "2 GiB hold the one; what sni-dnat doubles is what is over");
    // a Gateway that shares its pods with one that passes on is doubled, too
    let mut shared = plain;
    shared["spec"]["selector"] = east_west["spec"]["selector"].clone();
    assert_eq!(gateways(vec![east_west, shared], &one_port(10)), [(true, 20, 10, 200)]);
}

#[test]
fn only_tcp_inside_the_mesh_is_passed_on_and_subsets_are_too() {
    let metadata = json!({ "name": "x", "namespace": "team-0" });
    let none = Services::try_from(ServicesFile::default()).unwrap();
    let with = |object: &Value| {
        gateways(vec![of_role("eastwestgateway", "AUTO_PASSTHROUGH"), object.clone()], &none)
    };
    let mut service = json!({ "kind": "Service", "metadata": metadata, "spec": { "ports": [{ "port": 80 }, { "port": 53, "protocol": "UDP" }] } });
    assert_eq!(with(&service), [(true, 3, 1, 30)]);
    service["spec"]["ports"][1]["protocol"] = json!("TCP");
    assert_eq!(with(&service), [(true, 4, 2, 40)]);
    let mut entry = json!({ "kind": "ServiceEntry", "metadata": metadata, "spec": { "hosts": ["a.example.net"], "ports": [{ "number": 443, "protocol": "TLS" }] } });
    assert_eq!(with(&entry), [(true, 1, 0, 10)], "outside, as entries are that say nothing");
    entry["spec"]["location"] = json!("MESH_INTERNAL");
    assert_eq!(with(&entry), [(true, 2, 1, 20)]);
    let rule = json!({ "kind": "DestinationRule", "metadata": metadata, "spec": { "host": "x", "subsets": [{ "name": "home" }, { "name": "away" }] } });
    let objects = vec![of_role("eastwestgateway", "AUTO_PASSTHROUGH"), service, rule];
    assert_eq!(gateways(objects, &none), [(true, 12, 6, 120)], "two ports, three ways to each, twice");
}

#[test]
fn an_entry_of_a_services_host_adds_endpoints_and_no_cluster() {
    let metadata = json!({ "name": "s0", "namespace": "team-0" });
    let service = json!({ "kind": "Service", "metadata": metadata, "spec": { "ports": [{ "port": 8080 }, { "port": 9090 }] } });
    let entry = json!({ "kind": "ServiceEntry", "metadata": metadata, "spec": { "hosts": ["s0.team-0.svc.cluster.local"],
        "location": "MESH_INTERNAL", "ports": [{ "number": 8080 }, { "number": 9090 }], "endpoints": [{ "address": "198.51.100.2" }, { "address": "198.51.100.3" }] } });
    let gateway = of_role("ingressgateway", "SIMPLE");
    for count in [0, 1] {
        let services = mesh(count, &json!({}), |_| Vec::new());
        let of = |objects: &[&Value]| gateways(objects.iter().copied().cloned().collect(), &services);
        assert_eq!(of(&[&gateway, &service, &entry]), [(false, 2, 0, 24)]);
        assert_eq!(of(&[&entry, &gateway, &service]), [(false, 2, 0, 24)], "in any order");
    }
    assert_eq!(
        gateways(vec![gateway, entry], &mesh(1, &json!({}), |_| Vec::new())),
        [(false, 2, 0, 24)],
        "a service of the mesh's, too"
    );
}

#[test]
fn budgets_are_those_of_the_cluster_and_a_zone_is_its_gateway_cluster() {
    let services = mesh(1, &json!({}), |_| Vec::new());
    let footprint = predict(&[rendering("z1", 0), rendering("elsewhere", 0)], &services, &fleet(2));
    let found: Vec<(&str, Option<u64>)> =
        footprint.proxies.iter().map(|one| (one.cluster.as_str(), one.budget_bytes)).collect();
    let [gateway, sidecar] =
        ["2GiB", "256MiB"].map(|text| Some(text.parse::<ByteSize>().unwrap().as_bytes()));
    assert_eq!(found, [("c1", gateway), ("c1", sidecar), ("elsewhere", None), ("elsewhere", None)]);
    let json = serde_json::to_value(&footprint).unwrap();
    let fields: Vec<&str> = json["proxies"][0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        [
            "budget_bytes",
            "class",
            "cluster",
            "clusters",
            "config_bytes",
            "endpoints",
            "gateway",
            "listeners",
            "memory_bytes",
            "namespace",
            "over",
            "routes"
        ]
    );
    assert_eq!(
        (&json["proxies"][0]["gateway"], &json["proxies"][1]["namespace"]),
        (&json!("c1"), &json!("team-0"))
    );
}

#[test]
fn what_a_person_writes_wrong_is_told_with_its_place() {
    let table = [
        ("{ version: 2, services: [] }", "version: version 2 is not known"),
        (
            "{ services: [{ name: a, namespace: n, ports: [] }, { name: a, namespace: n, ports: [] }] }",
            "services[1].name: `a` is already",
        ),
        (
            "{ services: [], namespaces: { n: { sidecarEgress: [all] } } }",
            "namespaces.n.sidecarEgress: `all` is no host",
        ),
        (
            "{ services: [], namespaces: { n: { sidecarEgress: [] } } }",
            "namespaces.n.sidecarEgress: an empty list",
        ),
        ("{ services: [], workers: 0 }", "workers: 0 lets nothing happen"),
        ("{ services: [{ name: a, namespace: n, ports: [80, 0] }] }", "services[0].ports[1]: 0 is no port"),
        (
            "{ services: [{ name: a, namespace: n, ports: [80, 80] }] }",
            "services[0].ports[1]: `80` is already [0] of this list",
        ),
        (
            "{ services: [], discoverySelectors: [{ matchLabels: { '': x } }] }",
            "discoverySelectors[0].matchLabels",
        ),
    ];
    for (text, expected) in table {
        let error = Services::try_from(serde_saphyr::from_str::<ServicesFile>(text).unwrap())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
    let wrong = serde_saphyr::from_str::<ServicesFile>(
        "{ services: [{ name: a, namespace: n, ports: [], exportTo: [Everybody] }] }",
    );
    assert!(wrong.unwrap_err().to_string().contains("write `*` for all"));
}

/// Run by hand, optimised: `cargo test -p mesh-model --release footprint -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn how_long_100_gateways_in_a_mesh_of_10_000_services_take() {
    let fleet = fleet(100);
    let renderings: Vec<Rendering> = (0..100).map(|at| rendering(&format!("c{at}"), at)).collect();
    let footprint = predict(&renderings, &mesh(10_000, &edge(), |_| Vec::new()), &fleet);
    assert_eq!(footprint.proxies.len(), 200);
}

/// An access point's own Service has the replicas of the workload that it follows, unless a file says otherwise.
#[test]
fn endpoints_are_those_of_the_workload_that_is_followed() {
    let access_point: crate::api::FederatedAccessPoint = serde_saphyr::from_str(
        "{ apiVersion: overspill.dev/v1alpha1, kind: FederatedAccessPoint, metadata: { name: web, namespace: team }, spec: { placement: { follow: { name: web } }, templates: [{ apiVersion: v1, kind: Service, metadata: { name: web }, spec: { selector: { app: web }, ports: [{ port: 80 }] } }, { apiVersion: networking.istio.io/v1, kind: Gateway, metadata: { name: web }, spec: { selector: { istio: ingress }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }] } }] } }",
    )
    .unwrap();
    let access_point = AccessPoint::try_from(access_point).unwrap();
    let workload: crate::api::FederatedDeployment = serde_saphyr::from_str(
        "{ apiVersion: overspill.dev/v1alpha1, kind: FederatedDeployment, metadata: { name: web, namespace: team }, spec: { placement: { clusters: [{ name: c0, replicas: 4000 }, { name: c1, replicas: 1000 }] } } }",
    )
    .unwrap();
    let workload = Workload::try_from(workload).unwrap();
    let fleet = fleet(2);
    let target = fleet.target(crate::api::PlacementLevel::Cluster, "c0").unwrap();
    let rendering = crate::render::render(&access_point, &target, &crate::template::Schemas::embedded());
    assert_eq!(rendering.errors, []);
    let endpoints = |services: &Services| {
        gateway(&predict(std::slice::from_ref(&rendering), services, &fleet)).counts.endpoints
    };
    let mut services = mesh(0, &json!({}), |_| Vec::new());
    assert_eq!(endpoints(&services), 10, "nothing is known");
    services.follow(std::slice::from_ref(&access_point), &[]);
    assert_eq!(endpoints(&services), 10, "nor of a workload that is not there");
    services.follow(std::slice::from_ref(&access_point), std::slice::from_ref(&workload));
    assert_eq!(endpoints(&services), 5_000);
    let file = "{ services: [{ name: web, namespace: team, ports: [80], endpoints: 70 }] }";
    let mut services = Services::try_from(serde_saphyr::from_str::<ServicesFile>(file).unwrap()).unwrap();
    services.follow(&[access_point], &[workload]);
    assert_eq!(endpoints(&services), 70, "what a file says of it");
}

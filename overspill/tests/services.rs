//! What `mesh_model::service` gives load balancers is a part of the LB file: a node reads it as it is meant.
#![allow(clippy::unwrap_used, reason = "a test may; clippy knows only functions that are one")]

use lb_core::config::{Config, ForwardKind as FileForward, LbFile};
use mesh_model::name::Name;
use mesh_model::service::{
    Backends, Forward, ForwardKind, LbPlan, LbServices, Node, Observed, Problem, Settings, claims, configure,
};
use mesh_model::vip::Held;
use serde_json::{Value, json};

/// The plan for a Service of three ports with affinity, whose pods are ready, leaving and not ready.
fn plan(settings: &Settings) -> LbPlan {
    let target: Name = "slc-a-1".parse().unwrap();
    let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "dns", "namespace": "core" }, "spec": {
        "type": "LoadBalancer", "sessionAffinity": "ClientIP", "externalTrafficPolicy": "Local", "healthCheckNodePort": 31000,
        "ports": [{ "name": "udp", "port": 53, "protocol": "UDP" }, { "name": "tcp", "port": 53 }, { "name": "sctp", "port": 3868, "protocol": "SCTP" }] } });
    let slice = |addresses: [&str; 3]| {
        let how = [
            json!({}),
            json!({ "ready": false, "serving": true, "terminating": true }),
            json!({ "ready": false }),
        ];
        let endpoints: Vec<Value> = addresses
            .iter()
            .zip(how)
            .map(|(address, how)| json!({ "addresses": [address], "conditions": how, "nodeName": "n1" }))
            .collect();
        json!({ "metadata": { "namespace": "core", "labels": { "kubernetes.io/service-name": "dns" } }, "endpoints": endpoints,
            "ports": [{ "name": "udp", "port": 53 }, { "name": "tcp", "port": 53 }, { "name": "sctp", "port": 3868 }] })
    };
    let slices = [slice(["10.1.0.5", "10.1.0.6", "10.1.0.7"]), slice(["fd00::5", "fd00::6", "fd00::7"])];
    let nodes = [Node {
        name: "n1".into(),
        addresses: vec!["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()],
        is_ready: true,
    }];
    let observed = Observed {
        target: &target,
        access_points: Some(&[]),
        services: Some(std::slice::from_ref(&service)),
        slices: Some(&slices),
        pods: Some(&[]),
        nodes: Some(&nodes),
        gateways: Some(&[]),
    };
    let claims = claims(&observed, settings);
    let held = Held {
        owner: claims.claims[0].key.clone(),
        pool: "public".parse().unwrap(),
        addresses: vec!["203.0.113.10".parse().unwrap(), "2001:db8::10".parse().unwrap()],
        sharing_key: None,
        isolation_group: None,
        ports: claims.claims[0].ports.clone(),
    };
    configure(&claims, &[held], &observed, settings, &LbServices::new(), |_| false)
}

/// The plan as a node reads it, its key added, which is no service's.
fn config(plan: &LbPlan) -> Config {
    let mut file = plan.file();
    file["hashKey"] = json!("000102030405060708090a0b0c0d0e0f");
    let file: LbFile = serde_json::from_value(file).unwrap();
    Config::try_from(file).unwrap()
}

#[test]
fn pods_are_backends_as_they_are_meant() {
    let forward = Forward { kind: ForwardKind::Gue, port: Some(6_081) };
    let plan = plan(&Settings { forward, mtu: Some(9_000), ..Settings::default() });
    assert_eq!(plan.problems, []);
    let config = config(&plan);
    let addresses: Vec<String> = config.services.iter().map(|service| service.address.to_string()).collect();
    assert_eq!(
        addresses,
        [
            "203.0.113.10:53/tcp",
            "203.0.113.10:53/udp",
            "203.0.113.10:3868/sctp",
            "[2001:db8::10]:53/tcp",
            "[2001:db8::10]:53/udp",
            "[2001:db8::10]:3868/sctp"
        ]
    );
    let file = LbFile::from(&config);
    for (service, written) in config.services.iter().zip(&file.services) {
        let fields = serde_json::to_value(&written.hash_fields).unwrap();
        assert_eq!(fields, json!(["proto", "src", "dst", "dport"]), "a client has one backend");
        assert_eq!(
            (written.forward.kind, written.forward.port, written.mtu),
            (FileForward::Gue, Some(6_081), 9_000)
        );
        let states: Vec<Value> =
            written.backends.iter().map(|one| serde_json::to_value(one.state).unwrap()).collect();
        assert_eq!(states, ["active", "drain", "drain"]);
        assert!(
            written.backends.iter().all(|one| one.address.is_ipv4() == service.address.address.is_ipv4())
        );
    }
}

#[test]
fn nodes_are_asked_where_their_pods_are() {
    let plan = plan(&Settings { backends: Backends::Nodes, ..Settings::default() });
    let file: LbFile = serde_json::from_value(plan.file()).unwrap();
    for service in &file.services {
        let health = lb_core::health::HealthConfig::try_from(service.health.clone().unwrap()).unwrap();
        assert_eq!(format!("{:?}", health.check).matches("31000").count(), 1, "{:?}", health.check);
        assert_eq!(service.backends.len(), 1);
    }
    config(&plan);
}

/// Whoever may write an EndpointSlice writes any address; a file that no node takes would take everybody's service away.
#[test]
fn no_endpoint_makes_the_file_one_that_no_node_takes() {
    let target: Name = "slc-a-1".parse().unwrap();
    let service = |name: &str| {
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": name, "namespace": "core" },
        "spec": { "type": "LoadBalancer", "ports": [{ "port": 53, "protocol": "UDP" }] } })
    };
    let services = [service("dns"), service("odd")];
    let slice = |name: &str, address: &str| {
        json!({ "metadata": { "namespace": "core", "labels": { "kubernetes.io/service-name": name } },
        "ports": [{ "name": "", "port": 53 }], "endpoints": [{ "addresses": [address] }] })
    };
    let settings = Settings::default();
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "1.0.0.1",
        "126.255.255.255",
        "127.0.0.1",
        "128.0.0.1",
        "169.254.0.1",
        "203.0.113.10",
        "203.0.113.11",
        "223.255.255.255",
        "224.0.0.1",
        "239.1.2.3",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::2",
        "::ffff:10.0.0.1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::10",
        "fd00::1",
    ] {
        let slices = [slice("dns", "10.1.0.5"), slice("odd", "10.1.0.6"), slice("odd", address)];
        let observed = Observed {
            target: &target,
            access_points: Some(&[]),
            services: Some(&services),
            slices: Some(&slices),
            pods: Some(&[]),
            nodes: Some(&[]),
            gateways: Some(&[]),
        };
        let claims = claims(&observed, &settings);
        let held = |at: usize, addresses: &[&str]| Held {
            owner: claims.claims[at].key.clone(),
            pool: "public".parse().unwrap(),
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
            sharing_key: None,
            isolation_group: None,
            ports: claims.claims[at].ports.clone(),
        };
        let held = [held(0, &["203.0.113.10"]), held(1, &["203.0.113.11", "2001:db8::10"])];
        let plan = configure(&claims, &held, &observed, &settings, &LbServices::new(), |_| false);
        let config = config(&plan); // which is refused for one backend that cannot be
        assert!(config.services.iter().any(|service| service.backends.len() == 1), "{address}");
        // and what a node would take is not left out either
        let is_left_out = plan.problems.iter().any(|one| matches!(one.problem, Problem::NoHost { .. }));
        let mut file = plan.file();
        let mut with = file["services"][0].clone();
        with["vip"] = json!(if address.contains(':') { "2001:db8::10" } else { "203.0.113.11" });
        (with["port"], with["backends"]) = (json!(54), json!([{ "address": address }]));
        file["services"].as_array_mut().unwrap().push(with);
        file["hashKey"] = json!("000102030405060708090a0b0c0d0e0f");
        let is_taken = Config::try_from(serde_json::from_value::<LbFile>(file).unwrap()).is_ok();
        assert_eq!(is_left_out, !is_taken, "{address}");
    }
}
